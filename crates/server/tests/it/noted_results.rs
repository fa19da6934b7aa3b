//! What came of a try of a webhook is stored, though the database was away when the receiver had answered.

use serde_json::json;

use crate::{
    nodes::until,
    support::{Admin, Engine, Receiver, TestServer, connect_to},
};

/// Lets nobody into a database, or everybody again.
async fn allow(server: &TestServer, allowed: bool) {
    let url = server.store_url();
    let (place, name) = url.rsplit_once('/').expect("a URL with a database");
    let name = name.split('?').next().unwrap_or(name);
    let client = connect_to(&format!("{place}/postgres")).await;
    client.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}")).await.expect("it is changed");
    if !allowed {
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        client.batch_execute(&end).await.expect("its sessions end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_receiver_is_not_asked_again_because_the_database_was_away() {
    let receiver = Receiver::start().await;
    let server = TestServer::start(Engine::Postgres, |setup| {
        setup.configure("hooks.allow_private_addresses", "true");
        let url = receiver.url.as_str();
        let handler = toml::toml! { url = url events = ["user.created"] };
        setup.set("hook.non_blocking_handlers", vec![toml::Value::Table(handler)]);
    })
    .await;
    let admin = Admin::of(&server).await;
    admin.post("/project/webhook-secret", &json!({})).await.expect(201);
    let held_back = receiver.hold_back().await;
    server.app_client().sign_up().await;
    receiver.wait_for(1).await;
    allow(&server, false).await;
    drop(held_back);
    let store = &server.app.store;
    let failed = || store.stats().by_name.get("finish_delivery").map_or(0, |write| write.failed);
    until("a result that could not be stored", async || failed() > 0).await;
    allow(&server, true).await;
    // The clock stands still: a claim that has to run out would do so never.
    let taken = async || {
        let reply = admin.get("/deliveries?state=taken").await;
        reply.status == 200 && reply.json()["deliveries"].as_array().is_some_and(|all| all.len() == 1)
    };
    until("the delivery that was taken", taken).await;
    assert_eq!(receiver.calls().len(), 1);
}
