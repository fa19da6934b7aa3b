//! Nodes whose clocks differ: what is queued keeps its order, and a node whose clock is wrong says so.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering::SeqCst},
};

use vestibule_app::{
    adapters::clock::Clock, ctx::Ctx, guests::sign_up_anonymous::with_refresh_token, jobs::clock::compare,
    metrics::Measured, state::App,
};

use crate::{
    nodes::until,
    support::{Engine, Receiver, Setup, TestServer, on_both_engines},
};

const SECOND: i64 = 1_000_000;

fn subscribe(setup: &mut Setup, url: &str) {
    setup.configure("hooks.allow_private_addresses", "true");
    let handler = toml::toml! { url = url };
    setup.set("hook.non_blocking_handlers", vec![toml::Value::Table(handler)]);
}

/// The clock of a node that is wrong by these microseconds, and the place to change them.
fn wrong_by(server: &TestServer, micros: i64) -> (Clock, Arc<AtomicI64>) {
    let by = Arc::new(AtomicI64::new(micros));
    (server.clock.skewed(Arc::clone(&by)), by)
}

/// Signs up a guest of `web`; its refresh token.
async fn sign_up(app: &App) -> String {
    let project = app.projects.find_by_id("test").expect("the project");
    let guest = with_refresh_token(&Ctx::without_request(app, &project, app.clock.now()), "web", None, None).await;
    guest.ok().and_then(|guest| guest.refresh_token).expect("a new guest")
}

/// The database's clock stands still: what a node with a clock ahead queued would never be due by it.
async fn what_a_node_with_another_clock_queued_is_handed_on_first(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| subscribe(setup, &receiver.url)).await;
    for (number, micros) in [300_000, -300_000, 40 * SECOND].into_iter().enumerate() {
        let ahead = server.open_app(wrong_by(&server, micros).0).await;
        let token = sign_up(&ahead).await;
        server.app_client().revoke(&token).await.expect(200);
        let calls = receiver.wait_for(2 * number + 2).await;
        let kinds: Vec<_> = calls[2 * number..].iter().map(|call| call.kind()).collect();
        assert_eq!(kinds, ["user.created", "user.signed_out"], "{micros} microseconds");
        ahead.store.close().await;
    }
}

on_both_engines!(what_a_node_with_another_clock_queued_is_handed_on_first);

/// A node that is hours ahead hands on events; the others deliver them, and try again what failed, by the database's clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_delivery_is_due_by_the_clock_of_the_database_on_every_node() {
    let receiver = Receiver::start().await;
    let server = TestServer::start(Engine::Postgres, |setup| subscribe(setup, &receiver.url)).await;
    for micros in [7_200 * SECOND, -7_200 * SECOND] {
        let node = server.start_node_with(wrong_by(&server, micros).0).await;
        receiver.answer(500, "");
        let before = receiver.calls().len();
        sign_up(&node.app).await;
        receiver.wait_for(before + 1).await;
        server.clock.advance_seconds(4);
        sign_up(&node.app).await;
        let calls = receiver.wait_for(before + 2).await;
        assert_ne!(calls[before].text, calls[before + 1].text, "the first is retried after five seconds");
        // Whichever node noted the failure, it is due five seconds later.
        until("it is retried", || async {
            server.clock.advance_seconds(2);
            receiver.calls().len() >= before + 3
        })
        .await;
        assert_eq!(receiver.calls()[before + 2].text, calls[before].text);
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_node_more_than_a_minute_off_is_not_ready_until_its_clock_is_right() {
    let server = TestServer::start_plain(Engine::Postgres).await;
    for (micros, status) in [(61 * SECOND, 503), (-61 * SECOND, 503), (59 * SECOND, 200), (-59 * SECOND, 200)] {
        let (clock, by) = wrong_by(&server, micros);
        let node = server.start_node_with(clock).await;
        let reply = node.http.get("/readyz").await.expect(status);
        assert_eq!(reply.body.contains("clock"), status == 503, "{}", reply.body);
        let measured = Measured { clock_ahead: node.app.clock_offset.micros_ahead(), ..Measured::default() };
        let page = node.app.metrics.print(node.app.store.stats(), measured);
        let line = format!("vestibule_clock_ahead_seconds {:?}\n", (micros / SECOND) as f64);
        assert!(page.contains(&line), "{line} is missing in\n{page}");
        by.store(0, SeqCst);
        compare(&node.app).await;
        node.http.get("/readyz").await.expect(200);
        node.stop().await;
    }
    server.http().get("/readyz").await.expect(200);
}

/// The clock of an embedded store is the machine's, so nothing is compared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_store_has_no_other_clock() {
    let server = TestServer::start_plain(Engine::Sqlite).await;
    assert_eq!(server.app.clock_offset.micros_ahead(), None);
    server.http().get("/readyz").await.expect(200);
}
