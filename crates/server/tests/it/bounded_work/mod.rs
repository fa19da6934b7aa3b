//! One request makes the server neither work nor store much: a megabyte of twelve patterns in every parameter, header and body
//! of every route costs no more processor time than its length allows, and stores no more than its limit. The one test that
//! measures time, and only that of the processor in the threads of its own server: other tests and programs do not change it.
//! The thread that writes SQLite's rows is not among them; what it does is bounded by the bytes stored.

mod callers;
mod forms;
mod meter;
mod patterns;
mod routes;

use std::time::Duration;

use reqwest::{Method, RequestBuilder};

use self::{callers::Callers, meter::Meter, patterns::Pattern};
use crate::support::{Engine, Setup, TestServer, on_both_engines};

on_both_engines!(no_route_works_or_stores_much, no_form_works_or_stores_much);

/// What any request may cost. Tests are compiled without optimization.
const PER_REQUEST: Duration = Duration::from_millis(250);
/// What a KiB of it may cost besides: JSON takes a quarter of this, and quadratic work many times as much.
const PER_KIB: Duration = Duration::from_micros(500);
/// A request costs too much only if it also costs this many small ones.
const RATIO: u32 = 20;
/// How often a pattern is sent before it is judged, by the least it cost.
const TRIES: usize = 3;
/// What one request may leave in the store: a parameter of the longest kind, in a flow and in an event.
const KEPT: u64 = 12 * 1024;
/// Small requests that are sent for comparison.
const SMALL: u32 = 2;

/// Where patterns are put.
#[derive(Clone, Debug)]
struct Target {
    method: Method,
    path: String,
    /// Sent with each request.
    headers: Vec<(String, String)>,
    place: Place,
}

/// What of the request is the pattern.
#[derive(Clone, Debug)]
enum Place {
    /// The query as a whole.
    Query,
    /// One parameter of the query, beside others.
    Parameter { name: String, beside: Vec<(String, String)>, longest: usize },
    /// One field of a form, beside others.
    Field { name: String, beside: Vec<(String, String)>, longest: usize },
    /// The body as a whole.
    Body { content_type: &'static str, longest: usize },
    /// One member of a JSON object, beside others.
    Member { name: String, beside: serde_json::Map<String, serde_json::Value> },
    /// Some headers.
    Headers(&'static [&'static str]),
}

impl Target {
    fn new(method: Method, path: &str, place: Place) -> Self {
        Self { method, path: path.to_string(), headers: Vec::new(), place }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_string(), value.to_string()));
        self
    }

    /// A request with the pattern at its place, and how many bytes of it are sent.
    fn request(&self, server: &TestServer, pattern: Pattern, is_small: bool) -> (RequestBuilder, usize) {
        let size = |longest: usize| if is_small { longest.min(8) } else { longest };
        let mut path = self.path.clone();
        let text = |longest: usize| pattern.text(size(longest));
        let join = |path: &str, query: &str| format!("{path}{}{query}", if path.contains('?') { '&' } else { '?' });
        let body = match &self.place {
            Place::Query => {
                path = join(&path, &patterns::for_address(&text(30 * 1024)));
                None
            }
            Place::Parameter { name, beside, longest } => {
                // Some signs take three bytes in an address.
                let pair = (name.clone(), text(size(*longest).min(9 * 1024)));
                path = join(&path, &patterns::encode(beside, pair));
                None
            }
            Place::Field { name, beside, longest } => {
                let pair = (name.clone(), text(*longest));
                Some(("application/x-www-form-urlencoded", patterns::encode(beside, pair).into_bytes()))
            }
            Place::Body { content_type, longest } => Some((*content_type, text(*longest).into_bytes())),
            Place::Member { name, beside } => {
                let mut object = beside.clone();
                object.insert(name.clone(), pattern.json(size(900 * 1024)));
                Some(("application/json", serde_json::Value::Object(object).to_string().into_bytes()))
            }
            Place::Headers(_) => None,
        };
        let mut sent = path.len() + body.as_ref().map_or(0, |(_, body)| body.len());
        let mut request = server.http().request(self.method.clone(), &path);
        let is_replaced = |name: &str| matches!(&self.place, Place::Headers(names) if names.contains(&name));
        for (name, value) in self.headers.iter().filter(|(name, _)| !is_replaced(name)) {
            request = request.header(name, value);
        }
        if let Place::Headers(names) = &self.place {
            for name in *names {
                let value = patterns::for_header(name, &text(16 * 1024));
                sent += value.len();
                request = request.header(*name, value);
            }
        }
        if let Some((content_type, body)) = body {
            request = request.header("content-type", content_type).body(body);
        }
        (request, sent)
    }
}

/// A server whose work is measured: its threads have a name of their own.
struct Bench {
    server: TestServer,
    meter: Meter,
    sent: u32,
    findings: Vec<String>,
}

impl Bench {
    async fn start(engine: Engine, name: &'static str) -> Self {
        // The time of a thread that ends is lost to the meter.
        const FOREVER: Duration = Duration::from_secs(86_400);
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder
            .worker_threads(2)
            .enable_all()
            .thread_name(name)
            .thread_keep_alive(FOREVER)
            .build()
            .expect("a runtime");
        // Dropping it would wait for its threads.
        let runtime: &'static _ = Box::leak(Box::new(runtime));
        let setup = move |setup: &mut Setup| {
            setup.open_portal();
            setup.configure("server.trusted_proxies", "127.0.0.1/32");
            setup.configure("admin_api.requests_per_minute", "1000000");
            for limit in ["signup_anonymous.per_ip", "signup.per_ip", "account_enumeration.per_ip", "passkey.per_ip"] {
                setup.set(&format!("authentication.rate_limits.{limit}.enabled"), false);
            }
            for limit in ["per_ip", "per_user"] {
                setup.set(&format!("authentication.rate_limits.password.{limit}.enabled"), false);
            }
        };
        let server = runtime.spawn(Box::pin(TestServer::start(engine, setup))).await.expect("it starts");
        let meter = Meter::new(name, &server.store_url()).await;
        assert!(meter.processor() > Duration::ZERO, "the time of threads cannot be read");
        Self { server, meter, sent: 0, findings: Vec::new() }
    }

    async fn send(&mut self, target: &Target, pattern: Pattern, is_small: bool) -> usize {
        let (mut request, sent) = target.request(&self.server, pattern, is_small);
        self.sent += 1;
        // An address of its own for each: what is limited by address is not what is tried here.
        if !matches!(&target.place, Place::Headers(names) if names.contains(&"x-forwarded-for")) {
            let [_, a, b, c] = self.sent.to_be_bytes();
            request = request.header("x-forwarded-for", format!("10.{a}.{b}.{c}"));
        }
        match request.send().await {
            Ok(response) => {
                let status = response.status();
                self.note(status.as_u16() < 500, || format!("{status} with {pattern:?} of {target:?}"));
                let body = response.bytes().await.map_or(0, |body| body.len());
                self.note(body < 8 * sent + 256 * 1024, || {
                    format!("{body} bytes for {sent} with {pattern:?} of {target:?}")
                });
            }
            // Cut off while it was sending.
            Err(error) => assert!(error.is_request() || error.is_body(), "{error:?}"),
        }
        sent
    }

    fn note(&mut self, is_right: bool, finding: impl FnOnce() -> String) {
        if !is_right {
            self.findings.push(finding().chars().take(600).collect());
        }
    }

    /// Tries all targets, and then complains of all that cost too much.
    async fn probe_all(&mut self, targets: &[Target]) {
        for target in targets {
            self.probe(target).await;
        }
        assert!(self.findings.is_empty(), "{:#?}", self.findings);
    }

    /// Sends every pattern to a target and judges what each costs, and what all of them left behind.
    async fn probe(&mut self, target: &Target) {
        let before = self.meter.processor();
        for _ in 0..SMALL {
            self.send(target, Pattern::Letters, true).await;
        }
        let small = self.meter.since(before) / SMALL;
        let kept = self.meter.kept().await;
        let sent_before = self.sent;
        for pattern in Pattern::ALL {
            self.judge(target, pattern, small).await;
        }
        let (kept, sent) = (self.meter.kept().await.saturating_sub(kept), self.sent - sent_before);
        let finding = || format!("{kept} bytes were kept of {sent} requests: {target:?}");
        self.note(kept <= KEPT * u64::from(sent), finding);
    }

    /// Sends a pattern, and again if it costs too much.
    async fn judge(&mut self, target: &Target, pattern: Pattern, small: Duration) {
        let mut costs = Vec::new();
        for _ in 0..TRIES {
            let before = self.meter.processor();
            let sent = self.send(target, pattern, false).await;
            let cost = self.meter.since(before);
            if cost <= allowed(small, sent) {
                return;
            }
            costs.push(cost);
        }
        self.note(false, || format!("{pattern:?} takes {costs:?}, a small request {small:?}: {target:?}"));
    }
}

fn allowed(small: Duration, sent: usize) -> Duration {
    let kib = u32::try_from(sent / 1024).expect("some megabytes");
    (PER_REQUEST + PER_KIB * kib).max(small * RATIO)
}

async fn no_route_works_or_stores_much(engine: Engine) {
    let name = if engine == Engine::Sqlite { "bound-routes" } else { "bound-routes-pg" };
    let mut bench = Bench::start(engine, name).await;
    let (callers, _) = Callers::of(&bench.server).await;
    bench.probe_all(&routes::targets(&bench.server, &callers)).await;
}

async fn no_form_works_or_stores_much(engine: Engine) {
    let name = if engine == Engine::Sqlite { "bound-forms" } else { "bound-forms-pg" };
    let mut bench = Bench::start(engine, name).await;
    let (callers, browsers) = Callers::of(&bench.server).await;
    let targets = forms::targets(&bench.server, &callers, browsers).await;
    bench.probe_all(&targets).await;
}
