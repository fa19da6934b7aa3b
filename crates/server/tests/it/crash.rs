//! Kills the real binary (SIGKILL) under mixed load and restarts it. All acknowledged writes must be there, and no
//! partial ones. `VESTIBULE_CRASHES=100` or `VESTIBULE_CRASH_SECONDS=600` makes the loop long; it is short otherwise.

mod asked;
mod device_keys;
mod journeys;
mod mail_codes;
mod passkeys;
mod portal_writes;
mod retention;
mod standing_still;
mod world;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use reqwest::Client;
use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinHandle, time::Instant};

use self::{
    journeys::{Journeys, Kinds},
    world::World,
};
use crate::support::{
    AppClient, Browser, Engine, Http, Installation, TestStore,
    binary::{HOST, Process, post, refresh, refresh_token, sign_up},
    on_both_engines, query,
};

const PASSWORD: &str = "violet tugboat marmalade";

/// A promotion in progress, and how far it is known to be.
#[derive(Clone)]
struct Promotion {
    sub: String,
    username: String,
    /// The authorization code in the browser: the promotion was acknowledged.
    code: Option<String>,
    spent: bool,
}

/// The acknowledged writes.
#[derive(Default)]
pub(crate) struct Acknowledged {
    alive: Vec<String>,
    revoked: Vec<String>,
    /// Rotated: the token before, and the one after.
    rotated: Vec<(String, String)>,
    promotions: Vec<Promotion>,
    journeys: Journeys,
}

type Known = Arc<Mutex<Acknowledged>>;

/// Clients that use a server until it is killed, or until they are stopped.
pub(crate) struct Load {
    known: Known,
    count: Arc<AtomicU32>,
    over: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
    /// The first tasks: those that sign up and are counted.
    people: usize,
    journeys: Arc<Mutex<Journeys>>,
}

impl Load {
    /// Starts this many clients, and one that is promoted repeatedly.
    pub(crate) fn start(process: &Process, people: usize) -> Self {
        let known = Known::default();
        let (count, over) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let port = process.address.port();
        let mut tasks: Vec<_> = (0..people)
            .map(|_| {
                tokio::spawn(come_and_go(
                    process.client(),
                    port,
                    Arc::clone(&known),
                    Arc::clone(&count),
                    Arc::clone(&over),
                ))
            })
            .collect();
        tasks.push(tokio::spawn(hang_up(process.address, Arc::clone(&over))));
        tasks.push(tokio::spawn(be_promoted(
            process.app_client(),
            process.http(),
            Arc::clone(&known),
            Arc::clone(&over),
        )));
        Self { known, count, over, tasks, people, journeys: Arc::default() }
    }

    /// The same, with device keys, passkeys, mail codes, blocking webhooks and an operator in the portal.
    pub(crate) fn start_in(world: &Arc<World>, process: &Process, people: usize) -> Self {
        let mut load = Self::start(process, people);
        let (journeys, tasks) = Journeys::start(process, world, &load.over);
        load.journeys = journeys;
        load.tasks.extend(tasks);
        load
    }

    /// How many revocations are acknowledged so far.
    pub(crate) fn revocations(&self) -> usize {
        self.known.lock().expect("no panic").revoked.len()
    }

    /// Returns after about this many sign-ups, or when each client that signs up was refused: a database that is slow for a moment
    /// may refuse them all, and what was acknowledged until then is checked.
    pub(crate) async fn wait_for(&self, sign_ups: u32) {
        let is_served = || self.tasks[..self.people].iter().any(|task| !task.is_finished());
        while self.count.load(Ordering::Relaxed) < sign_ups && is_served() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(self.count.load(Ordering::Relaxed) > 0, "the load ended by itself");
    }

    /// Returns when each client got a refusal, or when this many more guests have signed up.
    pub(crate) async fn wait_for_refusals(&self, more: u32) {
        let enough = self.count.load(Ordering::Relaxed) + more;
        // The one that hangs up never sees one.
        let is_served = || self.tasks.iter().filter(|task| !task.is_finished()).count() > 1;
        while is_served() && self.count.load(Ordering::Relaxed) < enough {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Stops the clients; returns the acknowledged writes.
    pub(crate) async fn stop(self) -> Acknowledged {
        self.over.store(true, Ordering::Relaxed);
        for task in self.tasks {
            // A client panics when its request fails because the server was killed.
            task.await.ok();
        }
        let mut known = std::mem::take(&mut *self.known.lock().expect("no panic while it is held"));
        known.journeys = std::mem::take(&mut *self.journeys.lock().expect("no panic while it is held"));
        known
    }
}

/// Signs up; every third guest signs out and every third rotates its token.
async fn come_and_go(client: Client, port: u16, known: Known, count: Arc<AtomicU32>, over: Arc<AtomicBool>) {
    for number in 0_u32.. {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let Ok(answer) = sign_up(&client, port).await else { return };
        let Some(token) = refresh_token(answer, "result").await else { return };
        count.fetch_add(1, Ordering::Relaxed);
        match number % 3 {
            0 => match post(&client, port, "/oauth2/revoke", &[("token", &token)]).await {
                Ok(answer) if answer.status().is_success() => known.lock().expect("no panic").revoked.push(token),
                // The outcome is unknown: this one cannot be checked.
                Ok(_) => {}
                Err(_) => return,
            },
            1 => {
                let Ok(answer) = refresh(&client, port, "rotating", &token).await else { return };
                let Some(next) = refresh_token(answer, "").await else { return };
                known.lock().expect("no panic").rotated.push((token, next));
            }
            _ => known.lock().expect("no panic").alive.push(token),
        }
    }
}

/// Signs up and hangs up before the answer, repeatedly: whether it was done is unknown, and nothing else may break.
async fn hang_up(address: SocketAddr, over: Arc<AtomicBool>) {
    let body = r#"{"client_id":"rotating","session_type":"refresh_token"}"#;
    let request = format!(
        "POST /api/anonymous_user/signup HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    while !over.load(Ordering::Relaxed) {
        pace.tick().await;
        let Ok(mut stream) = TcpStream::connect(address).await else { return };
        if stream.write_all(request.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Signs up and is promoted, repeatedly.
async fn be_promoted(app: AppClient, http: Http, known: Known, over: Arc<AtomicBool>) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    while !over.load(Ordering::Relaxed) {
        let guest = app.sign_up().await;
        let sub = app.subject(&guest.access).await;
        let username = format!("kim{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut browser = Browser::new(http.clone());
        browser.open(&app.promotion_url(&app.promotion_code(&guest).await)).await;
        browser.fill("Username", &username);
        browser.fill("Password", PASSWORD);
        let promotion = Promotion { sub, username, code: None, spent: false };
        let number = {
            let mut known = known.lock().expect("no panic");
            known.promotions.push(promotion);
            known.promotions.len() - 1
        };
        browser.press("Save my progress").await;
        let code = query(browser.at_app(), "code").expect("a code");
        known.lock().expect("no panic").promotions[number].code = Some(code.clone());
        if app.exchange(&code).await.status == 200 {
            known.lock().expect("no panic").promotions[number].spent = true;
        }
    }
}

impl Acknowledged {
    /// Takes later revocations as unknown. While a disk forgets pages, a process may not find a token that is there, and
    /// confirms its revocation as that of any unknown token (RFC 7009 §2.2).
    pub(crate) fn keep_revocations(&mut self, count: usize) {
        self.revoked.truncate(count);
    }

    /// How many writes were acknowledged.
    fn count(&self) -> usize {
        let promoted = |promotion: &Promotion| usize::from(promotion.code.is_some()) + usize::from(promotion.spent);
        let promotions: usize = self.promotions.iter().map(promoted).sum();
        let guests = self.alive.len() + 2 * (self.revoked.len() + self.rotated.len());
        guests + promotions + self.journeys.count().sum()
    }

    /// Checks that every acknowledged write is there, and that there was a load of every kind.
    pub(crate) async fn verify(&self, process: &Process) {
        assert!(!self.alive.is_empty() && !self.revoked.is_empty() && !self.rotated.is_empty(), "a load of every kind");
        let (verdict, _) = self.judge(process).await;
        assert!(verdict.violations.is_empty(), "{}", verdict.violations.join("\n"));
    }

    /// Asks for every acknowledged write; returns the tokens of those who are still signed in, too.
    async fn judge(&self, process: &Process) -> (Verdict, Vec<String>) {
        let (client, port) = (process.client(), process.address.port());
        let (mut verdict, mut alive) = (Verdict::default(), Vec::new());
        let works = async |token: &str| {
            let answer = refresh(&client, port, "rotating", token).await.expect("an answer");
            let status = answer.status();
            (status == 200, status == 400, refresh_token(answer, "").await)
        };
        for token in &self.alive {
            let (is_there, _, next) = works(token).await;
            verdict.check(is_there, "an acknowledged guest is gone");
            alive.extend(next);
        }
        for (before, after) in &self.rotated {
            let (is_there, _, _) = works(after).await;
            verdict.check(is_there, "an acknowledged rotation is gone");
            verdict.check(works(before).await.1, "a token that was rotated away works again");
        }
        for token in &self.revoked {
            verdict.check(works(token).await.1, "an acknowledged revocation is gone");
        }
        let app = process.app_client();
        for promotion in &self.promotions {
            promotion.judge(&app, Browser::new(process.http()), &mut verdict).await;
        }
        (verdict, alive)
    }
}

/// What was found after a failure.
#[derive(Default)]
struct Verdict {
    checks: usize,
    violations: Vec<String>,
}

impl Verdict {
    fn check(&mut self, is_right: bool, violation: &str) {
        self.checks += 1;
        if !is_right {
            self.violations.push(violation.to_owned());
        }
    }

    fn add(&mut self, other: Self) {
        self.checks += other.checks;
        self.violations.extend(other.violations);
    }
}

impl Promotion {
    /// All or nothing; and all if the browser got a response.
    async fn judge(&self, app: &AppClient, mut browser: Browser, verdict: &mut Verdict) {
        if let Some(code) = &self.code {
            let exchanged = app.exchange(code).await;
            verdict.check(!self.spent || exchanged.status == 400, "a code was spent twice");
        }
        browser.open(&app.authorize_url(&[])).await;
        browser.fill("Username", &self.username);
        browser.fill("Password", PASSWORD);
        browser.press("Sign in").await;
        verdict.check(browser.is_at_app() || self.code.is_none(), "an acknowledged promotion is gone");
        if browser.is_at_app() {
            let member = app.finish(browser.at_app()).await;
            let info: Value = app.user_info(&member.access).await.expect(200).json();
            verdict.check(info["sub"] == *self.sub, "a promotion changed the ID");
            verdict.check(info["https://authgear.com/claims/user/is_anonymous"] == false, "half a promotion");
        }
    }
}

/// What a scenario did, and how long it goes on: some rounds, or as long as `VESTIBULE_CRASH_SECONDS` says.
pub(crate) struct Campaign {
    name: String,
    until: Option<Instant>,
    rounds: u32,
    cycles: u32,
    acknowledged: usize,
    /// Of the acknowledged writes, those of each kind of journey.
    kinds: Kinds,
    verdict: Verdict,
    /// Guests of earlier rounds, who must survive the later ones.
    survivors: Acknowledged,
}

impl Campaign {
    /// The most guests that are kept to the end.
    const SURVIVORS: usize = 2_000;

    pub(crate) fn begin(name: &str, rounds: u32) -> Self {
        let seconds = std::env::var("VESTIBULE_CRASH_SECONDS").ok();
        let seconds = seconds.map(|seconds| Duration::from_secs(seconds.parse().expect("a number")));
        Self {
            name: name.to_owned(),
            until: seconds.map(|seconds| Instant::now() + seconds),
            rounds,
            cycles: 0,
            acknowledged: 0,
            kinds: Kinds::default(),
            verdict: Verdict::default(),
            survivors: Acknowledged::default(),
        }
    }

    /// The number of the next round, from 1; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<u32> {
        let goes_on = self.until.map_or(self.cycles < self.rounds, |until| self.cycles == 0 || Instant::now() < until);
        self.cycles += u32::from(goes_on);
        goes_on.then_some(self.cycles)
    }

    /// Checks what was acknowledged in a round on the process that was started after it.
    pub(crate) async fn judge(&mut self, known: Acknowledged, process: &Process) {
        self.acknowledged += known.count();
        let (verdict, alive) = known.judge(process).await;
        self.verdict.add(verdict);
        let free = Self::SURVIVORS - self.survivors.alive.len();
        self.survivors.alive.extend(alive.into_iter().take(free));
    }

    /// The same of a load with journeys.
    async fn judge_in(&mut self, (world, place): (&World, &TestStore), known: Acknowledged, process: &Process) {
        self.kinds.add(known.journeys.count());
        self.verdict.add(known.journeys.judge(process, world, place).await);
        self.judge(known, process).await;
    }

    /// Checks the survivors, prints the figures and fails if anything was lost.
    #[expect(clippy::print_stdout, reason = "the figures are the result of a long run")]
    pub(crate) async fn end(mut self, process: &Process) {
        let (verdict, _) = self.survivors.judge(process).await;
        self.verdict.add(verdict);
        let Self { name, cycles, acknowledged, kinds, verdict, .. } = self;
        println!(
            "{name}: {cycles} cycles, {acknowledged} acknowledged writes, {} checks, {} violations",
            verdict.checks,
            verdict.violations.len()
        );
        if kinds.sum() > 0 {
            let of_each: Vec<_> = kinds.all().iter().map(|(count, kind)| format!("{count} {kind}")).collect();
            println!("{name}: of the writes {}", of_each.join(", "));
        }
        assert!(verdict.violations.is_empty() && acknowledged > 0, "{name}: {}", verdict.violations.join("\n"));
    }
}

async fn nothing_acknowledged_is_lost_when_the_process_is_killed_under_load(engine: Engine) {
    let rounds = std::env::var("VESTIBULE_CRASHES").map_or(2, |rounds| rounds.parse().expect("a number"));
    let place = TestStore::make(engine).await;
    let installation = Installation::make(&place.url());
    let mut campaign = Campaign::begin(&format!("kill -9 and hang-ups, {engine:?}"), rounds);
    let (world, mut process) = World::start(&installation).await;
    while let Some(round) = campaign.next() {
        let load = Load::start_in(&world, &process, 4);
        // At another point each round.
        load.wait_for(30 + 13 * (round % 7)).await;
        process.kill();
        let known = load.stop().await;
        process = installation.start();
        campaign.judge_in((&world, &place), known, &process).await;
    }
    assert!(campaign.kinds.all().iter().all(|(count, _)| *count > 0), "a load of every kind: {:?}", campaign.kinds);
    campaign.end(&process).await;
    let checked = installation.run(&["check", "--quiet"]);
    assert!(checked.is_empty(), "{checked}");
}

on_both_engines!(nothing_acknowledged_is_lost_when_the_process_is_killed_under_load);
