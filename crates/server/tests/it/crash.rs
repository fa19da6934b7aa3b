//! Kills the real binary (SIGKILL) under mixed load and restarts it. All acknowledged writes must be there, and no
//! partial ones. `VESTIBULE_CRASHES=100` makes the loop long; it is short otherwise.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use reqwest::Client;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::support::{
    AppClient, Browser, Engine, Http, Installation, TestStore,
    binary::{Process, post, refresh, refresh_token, sign_up},
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
}

type Known = Arc<Mutex<Acknowledged>>;

/// Clients that use a server until it is killed, or until they are stopped.
pub(crate) struct Load {
    known: Known,
    count: Arc<AtomicU32>,
    over: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
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
        tasks.push(tokio::spawn(be_promoted(
            process.app_client(),
            process.http(),
            Arc::clone(&known),
            Arc::clone(&over),
        )));
        Self { known, count, over, tasks }
    }

    /// Returns after about this many sign-ups.
    pub(crate) async fn wait_for(&self, sign_ups: u32) {
        while self.count.load(Ordering::Relaxed) < sign_ups {
            tokio::task::yield_now().await;
            assert!(!self.tasks.iter().all(JoinHandle::is_finished), "the load ended by itself");
        }
    }

    /// Stops the clients; returns the acknowledged writes.
    pub(crate) async fn stop(self) -> Acknowledged {
        self.over.store(true, Ordering::Relaxed);
        for task in self.tasks {
            // A client panics when its request fails because the server was killed.
            task.await.ok();
        }
        std::mem::take(&mut *self.known.lock().expect("no panic while it is held"))
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
    fn add(&mut self, mut more: Self) {
        self.alive.append(&mut more.alive);
        self.revoked.append(&mut more.revoked);
        self.rotated.append(&mut more.rotated);
        self.promotions.append(&mut more.promotions);
    }

    /// Checks that every acknowledged write is there.
    pub(crate) async fn verify(&self, process: &Process) {
        let (client, port) = (process.client(), process.address.port());
        assert!(!self.alive.is_empty() && !self.revoked.is_empty() && !self.rotated.is_empty(), "a load of every kind");
        for token in &self.alive {
            let answer = refresh(&client, port, "rotating", token).await.expect("an answer");
            assert_eq!(answer.status(), 200, "an acknowledged guest is gone: {}", answer.text().await.expect("text"));
        }
        for (before, after) in &self.rotated {
            let answer = refresh(&client, port, "rotating", after).await.expect("an answer");
            assert_eq!(
                answer.status(),
                200,
                "an acknowledged rotation is gone: {}",
                answer.text().await.expect("text")
            );
            let answer = refresh(&client, port, "rotating", before).await.expect("an answer");
            assert_eq!(answer.status(), 400, "a token that was rotated away works again");
        }
        for token in &self.revoked {
            let answer = refresh(&client, port, "rotating", token).await.expect("an answer");
            assert_eq!(answer.status(), 400, "an acknowledged revocation is gone");
        }
        let app = process.app_client();
        for promotion in &self.promotions {
            promotion.verify(&app, Browser::new(process.http())).await;
        }
    }
}

impl Promotion {
    /// All or nothing; and all if the browser got a response.
    async fn verify(&self, app: &AppClient, mut browser: Browser) {
        if let Some(code) = &self.code {
            let exchanged = app.exchange(code).await;
            assert_eq!(exchanged.status, if self.spent { 400 } else { exchanged.status }, "a code was spent twice");
        }
        browser.open(&app.authorize_url(&[])).await;
        browser.fill("Username", &self.username);
        browser.fill("Password", PASSWORD);
        browser.press("Sign in").await;
        assert!(browser.is_at_app() || self.code.is_none(), "an acknowledged promotion is gone");
        if browser.is_at_app() {
            let member = app.finish(browser.at_app()).await;
            let info: Value = app.user_info(&member.access).await.expect(200).json();
            assert_eq!(info["sub"], *self.sub);
            assert_eq!(info["https://authgear.com/claims/user/is_anonymous"], false, "half a promotion");
        }
    }
}

async fn nothing_acknowledged_is_lost_when_the_process_is_killed_under_load(engine: Engine) {
    let rounds = std::env::var("VESTIBULE_CRASHES").map_or(2, |rounds| rounds.parse().expect("a number"));
    let place = TestStore::make(engine).await;
    let installation = Installation::make(&place.url());
    let mut known = Acknowledged::default();
    for round in 1..=rounds {
        let victim = installation.start();
        let load = Load::start(&victim, 16);
        // At another point each round.
        load.wait_for(60 + 37 * (round % 5)).await;
        victim.kill();
        known.add(load.stop().await);
    }
    known.verify(&installation.start()).await;
}

on_both_engines!(nothing_acknowledged_is_lost_when_the_process_is_killed_under_load);
