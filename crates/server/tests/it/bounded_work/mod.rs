//! One request makes the server neither work nor store much: a megabyte of twelve patterns in every parameter, header and body
//! of every route costs no more processor time than its length allows, and stores no more than its limit. The one test that
//! measures time, and only that of the processor in the threads of its own server: other tests and programs do not change it.

mod callers;
mod forms;
mod json;
mod meter;
mod patterns;
mod routes;
mod targets;
mod wire;

use std::{net::Ipv4Addr, time::Duration};

use hyper::{Method, StatusCode};

use self::{
    callers::Callers,
    meter::{Rows, Threads},
    patterns::Pattern,
    targets::{Caller, Place, Target},
    wire::{Outcome, Wire},
};
use crate::support::{Engine, Setup, TestServer, on_both_engines};

on_both_engines!(no_route_works_or_stores_much, no_form_works_or_stores_much);

/// What any request may cost, in small requests of the simplest kind.
const PER_REQUEST: u32 = 60;
/// What each KiB of it may cost, in the same unit: JSON objects of many members take half of that, quadratic work takes many times
/// of it.
const PER_KIB: u32 = 2;
/// How often a pattern is sent before it is judged, by the least it cost.
const TRIES: usize = 5;
/// What the requests with all patterns may leave in the store together: most are refused, and some replace what others left.
const KEPT: u64 = 16 * 1024;
/// The longest answer to a small request.
const ANSWER: usize = 256 * 1024;

/// A server whose work is measured.
struct Bench {
    server: TestServer,
    threads: Threads,
    rows: Rows,
    wires: [Wire; 3],
    sent: u32,
    /// The status of the last answer.
    status: StatusCode,
    /// What a small request of the simplest kind costs.
    unit: Duration,
    /// Whether processor time is judged: on SQLite, whose work is the server's own.
    is_timed: bool,
    findings: Vec<String>,
}

impl Bench {
    async fn start(engine: Engine) -> Self {
        // The time of a thread that ends is lost to the meter.
        const FOREVER: Duration = Duration::from_secs(86_400);
        let threads = Threads::default();
        let started = threads.clone();
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().thread_keep_alive(FOREVER).on_thread_start(move || started.add_this());
        // Dropping it would wait for its threads.
        let runtime: &'static _ = Box::leak(Box::new(builder.build().expect("a runtime")));
        let server = runtime.spawn(Box::pin(TestServer::start(engine, open_all))).await.expect("it starts");
        let is_timed = engine == Engine::Sqlite;
        if is_timed {
            threads.add_writer(&server.app.store).await;
        }
        assert!(threads.processor() > Duration::ZERO, "the time of threads cannot be read");
        let rows = Rows::open(&server.store_url()).await;
        let wires = [(); 3].map(|()| Wire::to(server.address));
        let (status, unit) = (StatusCode::OK, Duration::MAX);
        let mut bench = Self { server, threads, rows, wires, sent: 0, status, unit, is_timed, findings: Vec::new() };
        let simple = Target::new(Method::POST, "/oauth2/revoke", Place::field("token", &[], 8));
        for _ in 0..30 {
            bench.unit = bench.unit.min(bench.send(&simple, &[Pattern::Letters], true).await);
        }
        bench
    }

    /// The processor time that one request to a target may take: JSON objects of many members take about half of it.
    fn allowed(&self, target: &Target) -> Duration {
        let kib = u32::try_from(target.length() / 1024).expect("a megabyte at most");
        self.unit * (PER_REQUEST + PER_KIB * kib)
    }

    /// Sends patterns to a target, some at a time, and tells what they cost together.
    async fn send(&mut self, target: &Target, patterns: &[Pattern], is_small: bool) -> Duration {
        let version = self.server.app.projects.find_by_id("test").expect("the project").version;
        let host = self.server.origin.trim_start_matches("http://");
        let requests = patterns.iter().zip(self.sent + 1..).map(|(pattern, number)| {
            let [_, a, b, c] = number.to_be_bytes();
            let from = Caller { host: host.to_string(), address: Ipv4Addr::new(10, a, b, c), version };
            (*pattern, target.request(*pattern, is_small, &from))
        });
        let mut lanes = [(); 3].map(|()| Vec::new());
        for (number, request) in requests.enumerate() {
            lanes[number % 3].push(request);
        }
        self.sent += u32::try_from(patterns.len()).expect("twelve at most");
        let before = self.threads.processor();
        let [one, two, three] = &mut self.wires;
        let [first, second, third] = lanes;
        let all = tokio::join!(one.send_each(first), two.send_each(second), three.send_each(third));
        let cost = self.threads.since(before);
        for (pattern, outcome) in [all.0, all.1, all.2].concat() {
            self.look_at(target, pattern, outcome);
        }
        cost
    }

    fn look_at(&mut self, target: &Target, pattern: Pattern, outcome: Outcome) {
        match outcome {
            Outcome::Answer(status, length) => {
                self.status = status;
                self.note(!status.is_server_error(), || format!("{status} with {pattern:?}: {target:?}"));
                let is_short = length < 8 * target.length() + ANSWER;
                self.note(is_short, || format!("{length} bytes are answered to {pattern:?}: {target:?}"));
            }
            // Refused before all of it was sent.
            Outcome::Cut => {}
            // It still works; nothing more can be measured.
            Outcome::Silence => panic!("{pattern:?} is not answered within a minute: {target:?}"),
        }
    }

    fn note(&mut self, is_right: bool, finding: impl FnOnce() -> String) {
        if !is_right {
            self.findings.push(finding().chars().take(600).collect());
        }
    }

    /// Fails if something cost or left too much.
    fn complain(self) {
        assert!(self.findings.is_empty(), "{:#?}", self.findings);
    }

    /// Sends a small request and every pattern to a target. If they cost more than most together, each is judged by itself.
    async fn probe(&mut self, target: &Target) {
        let kept = self.rows.bytes().await;
        let small = self.send(target, &[Pattern::Letters], true).await;
        let cost = self.send(target, &Pattern::ALL, false).await;
        let kept = self.rows.bytes().await.saturating_sub(kept);
        self.note(kept <= KEPT, || format!("{kept} bytes are kept: {target:?}"));
        if self.is_timed && cost > small * 12 + self.allowed(target) * 2 {
            for pattern in Pattern::ALL {
                self.judge(target, pattern).await;
            }
        }
    }

    /// Sends a pattern until it costs no more than it may.
    async fn judge(&mut self, target: &Target, pattern: Pattern) {
        let mut costs = Vec::new();
        for _ in 0..TRIES {
            let small = self.send(target, &[pattern], true).await;
            let cost = self.send(target, &[pattern], false).await;
            if cost <= self.allowed(target) + small * 2 {
                return;
            }
            costs.push((small, cost));
        }
        self.note(false, || format!("{pattern:?} takes (small, large) {costs:?}: {target:?}"));
    }
}

/// Opens every face, without the limits that would refuse what is tried here.
fn open_all(setup: &mut Setup) {
    setup.open_portal();
    setup.configure("server.trusted_proxies", "127.0.0.1/32");
    setup.configure("admin_api.requests_per_minute", "1000000");
    for limit in [
        "signup_anonymous.per_ip",
        "signup.per_ip",
        "account_enumeration.per_ip",
        "passkey.per_ip",
        "password.per_ip",
        "password.per_user",
    ] {
        setup.set(&format!("authentication.rate_limits.{limit}.enabled"), false);
    }
}

async fn no_route_works_or_stores_much(engine: Engine) {
    let mut bench = Bench::start(engine).await;
    let (callers, _) = Callers::of(&bench.server).await;
    let mut targets = json::targets(&bench.server, &callers).await;
    targets.extend(routes::targets(&callers));
    targets.extend(routes::oauth_targets(&bench.server));
    targets.sort_by_key(Target::ends_something);
    for target in targets {
        bench.probe(&target).await;
    }
    bench.complain();
}

async fn no_form_works_or_stores_much(engine: Engine) {
    let mut bench = Bench::start(engine).await;
    let (callers, mut browsers) = Callers::of(&bench.server).await;
    let mut targets = forms::targets(&bench.server, &callers, &mut browsers).await;
    targets.sort_by_key(Target::ends_something);
    for mut target in targets {
        // A pattern that was saved makes the forms that were shown before it out of date.
        if target.page.is_some() {
            bench.send(&target, &[Pattern::Letters], true).await;
            if bench.status == StatusCode::CONFLICT {
                forms::refresh(&mut browsers[1], &mut target).await;
            }
        }
        bench.probe(&target).await;
    }
    bench.complain();
}
