//! A worker that stands still until its claim has gone to another one changes nothing of what the other works on. Here the other one
//! claims while the receiver works on its answer to the first.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, extract::State, http::StatusCode, routing::any};
use serde_json::json;
use tokio::net::TcpListener;
use vestibule_app::state::App;
use vestibule_domain::{
    delivery::{Delivery, DeliveryState},
    id::ProjectNo,
    time::Timestamp,
};
use vestibule_store::{
    deliveries::{self, DeliveryClaim},
    outbox::{self, OutboxAttempt, OutboxRow},
};

use crate::{
    credentials::LoginMethod,
    nodes::until,
    support::{Admin, Engine, TestServer, on_both_engines},
};

on_both_engines!(
    a_late_result_of_a_webhook_is_not_noted,
    a_late_failure_of_a_text_message_is_not_noted,
    a_text_message_that_was_sent_is_gone_whoever_has_claimed_it,
);

/// The kind of a queued text message.
const SEALED_SMS: &str = "sealed_sms";

fn far() -> Timestamp {
    Timestamp::from_seconds(9_000_000_000)
}

/// A receiver of webhooks and text messages; another worker claims what is sent to it before it answers.
struct Overtaken {
    app: OnceLock<Arc<App>>,
    answer: StatusCode,
    calls: AtomicUsize,
}

impl Overtaken {
    async fn start(answer: u16) -> (Arc<Self>, String) {
        let answer = StatusCode::from_u16(answer).expect("a status");
        let overtaken = Arc::new(Self { app: OnceLock::new(), answer, calls: AtomicUsize::new(0) });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("its address"));
        let router = Router::new().route("/hook", any(overtake)).with_state(Arc::clone(&overtaken));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (overtaken, url)
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn app(&self) -> &Arc<App> {
        self.app.get().expect("the server runs")
    }

    fn project(&self) -> ProjectNo {
        self.app().projects.all()[0].no
    }

    async fn waiting(&self) -> Vec<Delivery> {
        let mut conn = self.app().store.read().await.expect("a connection");
        deliveries::list_page(&mut conn, self.project(), DeliveryState::Waiting, None, 9).await.expect("deliveries")
    }

    async fn messages(&self) -> Vec<OutboxRow> {
        let mut conn = self.app().store.read().await.expect("a connection");
        outbox::due(&mut conn, self.project(), SEALED_SMS, far(), 9).await.expect("messages")
    }

    /// How often the server has written under this name.
    fn count(&self, write: &str) -> u64 {
        self.app().store.stats().by_name.get(write).map_or(0, |write| write.count)
    }
}

async fn overtake(State(this): State<Arc<Overtaken>>) -> StatusCode {
    this.calls.fetch_add(1, Ordering::SeqCst);
    let store = &this.app().store;
    // The number of a node that lives, so that nothing lets go of the claim.
    let node = store.node();
    for row in this.waiting().await.iter().filter(|row| row.attempts == 1) {
        let next = DeliveryClaim::next_of(row);
        let claim = store.write("test", (), move |tx, ()| Box::pin(deliveries::claim(tx, next, far(), node)));
        assert!(claim.await.expect("the store works"));
    }
    for row in this.messages().await.iter().filter(|row| row.attempts == 1) {
        let next = OutboxAttempt::next_of(row);
        let claim = store.write("test", (), move |tx, ()| Box::pin(outbox::claim(tx, next, far(), node)));
        assert!(claim.await.expect("the store works"));
    }
    this.answer
}

async fn a_late_result_of_a_webhook_is_not_noted(engine: Engine) {
    for (answer, retry_hours, write) in
        [(200, "72", "finish_delivery"), (500, "72", "fail_delivery"), (404, "0", "fail_delivery")]
    {
        let (overtaken, url) = Overtaken::start(answer).await;
        let server = TestServer::start(engine, |setup| {
            setup.configure("hooks.allow_private_addresses", "true");
            setup.configure("hooks.retry_hours", retry_hours);
            setup.set("hook.non_blocking_handlers", vec![toml::Value::Table(toml::toml! { url = url })]);
        })
        .await;
        overtaken.app.set(Arc::clone(&server.app)).ok().expect("set once");
        let admin = Admin::of(&server).await;
        admin.post("/project/webhook-secret", &json!({})).await.expect(201);
        let client = server.app_client();
        let guest = client.sign_up().await;
        until("the late result", async || overtaken.count(write) > 0).await;
        client.revoke(&guest.refresh).await.expect(200);
        until("another event of the guest", async || overtaken.waiting().await.len() == 2).await;
        let waiting = overtaken.waiting().await;
        let first = &waiting[1];
        assert_eq!((first.attempts, first.due_at, first.last_status), (2, far(), None), "{answer}");
        assert_eq!(overtaken.calls(), 1, "{answer}: the next one waits for the one that is on its way");
        let theirs = DeliveryClaim { attempts: 1, ..DeliveryClaim::next_of(first) };
        let finished = server.app.store.write("test", (), move |tx, ()| {
            Box::pin(deliveries::finish(tx, theirs, DeliveryState::Taken, &[], Timestamp::from_seconds(1)))
        });
        assert!(finished.await.expect("the store works"), "{answer}: the result of the other counts");
    }
}

/// A server that sends a code by text message, after it is sent and its result is stored.
async fn send_text_message(engine: Engine, answer: u16, write: &str) -> (TestServer, Arc<Overtaken>) {
    let (overtaken, url) = Overtaken::start(answer).await;
    let server = TestServer::start(engine, |setup| {
        LoginMethod::PhoneCode.set(setup);
        setup.configure("sms.provider", "webhook");
        setup.configure("sms.webhook_url", &url);
        setup.configure("sms.webhook_secret", "a secret of the operator");
    })
    .await;
    overtaken.app.set(Arc::clone(&server.app)).ok().expect("set once");
    let client = server.app_client();
    let guest = client.sign_up().await;
    let mut browser = server.browser();
    browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    browser.fill("Phone number", "+49 151 2345 6789");
    browser.press("Continue").await;
    browser.expect_page(200, "Check your messages");
    until("the result", async || overtaken.count(write) > 0).await;
    (server, overtaken)
}

async fn a_late_failure_of_a_text_message_is_not_noted(engine: Engine) {
    for (answer, write) in [(500, "fail_outbox"), (400, "give_up_outbox")] {
        let (_server, overtaken) = send_text_message(engine, answer, write).await;
        let messages = overtaken.messages().await;
        let seen: Vec<_> = messages.iter().map(|row| (row.attempts, row.due_at)).collect();
        assert_eq!(seen, [(2, far())], "{answer}");
        assert_eq!(overtaken.calls(), 1, "{answer}");
    }
}

async fn a_text_message_that_was_sent_is_gone_whoever_has_claimed_it(engine: Engine) {
    let (_server, overtaken) = send_text_message(engine, 200, "finish_outbox").await;
    assert_eq!(overtaken.messages().await, []);
}
