//! A webhook or an application that gets another URL, or is removed, while something waits for it.

use serde_json::{Value, json};
use tokio::sync::watch;
use vestibule_app::{actor::Actor, jobs::hooks, projects::change::ProjectWriter};
use vestibule_domain::{handshake::MergeState, id::UserId, project::NonBlockingHandler};
use vestibule_store::{
    StoreError,
    deliveries::{self, NewDelivery},
    merges,
};

use crate::{
    backchannel_logout::Told,
    handshakes::Scene,
    lifetimes::change_settings,
    support::{Admin, Engine, Receiver, Setup, TestServer, on_both_engines},
};

on_both_engines!(
    a_question_that_waits_goes_to_the_new_url_and_its_answer_counts,
    what_waits_keeps_its_order_at_the_new_url,
    what_waits_for_a_webhook_that_is_removed_is_given_up,
    a_dead_letter_follows_its_webhook,
    a_notice_of_an_ended_session_goes_to_the_new_url,
);

fn handler(url: &str, events: &[&str]) -> NonBlockingHandler {
    NonBlockingHandler { events: Some(events.iter().map(ToString::to_string).collect()), url: url.to_owned() }
}

fn subscribe(setup: &mut Setup, url: &str, events: &[&str]) {
    setup.configure("hooks.allow_private_addresses", "true");
    let events: Vec<toml::Value> = events.iter().map(|one| toml::Value::from(*one)).collect();
    let mut table = toml::Table::from_iter([("url".to_owned(), url.into())]);
    table.insert("events".to_owned(), events.into());
    setup.set("hook.non_blocking_handlers", vec![toml::Value::Table(table)]);
}

async fn move_to(server: &TestServer, handlers: Vec<NonBlockingHandler>) {
    change_settings(server, |settings| settings.hook.non_blocking_handlers = handlers).await;
}

/// The newest delivery in a state, when there are so many.
async fn wait_for_delivery(admin: &Admin, state: &str, count: usize) -> Value {
    let enough = |page: &Value| page["deliveries"].as_array().is_some_and(|all| all.len() == count);
    admin.wait_until(&format!("/deliveries?state={state}"), enough).await["deliveries"][0].clone()
}

async fn wait_for_failure(admin: &Admin) {
    let failed = |page: &Value| {
        let all = page["deliveries"].as_array().expect("a list");
        all.iter().any(|one| one["last_status"] == 500)
    };
    admin.wait_until("/deliveries?state=waiting", failed).await;
}

async fn resend(admin: &Admin, delivery: &Value) {
    let id = delivery["id"].as_str().expect("an ID");
    let status = admin.post(&format!("/deliveries/{id}/replay"), &json!({})).await.status;
    assert!((200..300).contains(&status), "{status}");
}

const EVENTS: [&str; 2] = ["user.created", "user.signed_out"];

/// A server whose webhook gets the creation of users, and their sign-outs.
async fn start(engine: Engine, url: &str, retry_hours: &str) -> (TestServer, Admin) {
    let server = TestServer::start(engine, |setup| {
        subscribe(setup, url, &EVENTS);
        setup.configure("hooks.retry_hours", retry_hours);
    })
    .await;
    let admin = Admin::of(&server).await;
    admin.post("/project/webhook-secret", &json!({})).await.expect(201);
    (server, admin)
}

async fn a_question_that_waits_goes_to_the_new_url_and_its_answer_counts(engine: Engine) {
    let (old, new) = (Receiver::start().await, Receiver::start().await);
    let scene = Scene::set(engine, |setup| subscribe(setup, &old.url, &["user.merge.requested"])).await;
    old.answer(500, "");
    scene.agree().await;
    old.wait_for(1).await;
    wait_for_failure(&scene.admin).await;
    new.answer(200, r#"{"merge":"settled"}"#);
    move_to(&scene.server, vec![handler(&new.url, &["user.merge.requested", "user.merge.refused"])]).await;
    // At once: nobody waits for the time of the next try at the old URL.
    let calls = new.wait_for(1).await;
    let id = scene.merge_id().await;
    assert_eq!((calls[0].kind(), &calls[0].json()["payload"]["merge_id"]), ("user.merge.requested".into(), &json!(id)));
    scene.admin.wait_until(&format!("/merges/{id}"), |merge| merge["state"] == "settled").await;
    let taken = wait_for_delivery(&scene.admin, "taken", 1).await;
    assert_eq!((&taken["url"], old.calls().len()), (&json!(new.url), 1));
    scene.expect_merged().await;
}

async fn what_waits_keeps_its_order_at_the_new_url(engine: Engine) {
    let (old, new) = (Receiver::start().await, Receiver::start().await);
    let (server, admin) = start(engine, &old.url, "72").await;
    old.answer(500, "");
    let client = server.app_client();
    let guest = client.sign_up().await;
    old.wait_for(1).await;
    wait_for_failure(&admin).await;
    // What comes next waits behind the first one.
    client.revoke(&guest.refresh).await.expect(200);
    wait_for_delivery(&admin, "waiting", 2).await;
    move_to(&server, vec![handler(&new.url, &EVENTS)]).await;
    let calls = new.wait_for(2).await;
    let numbers: Vec<i64> = calls.iter().filter_map(|call| call.json()["seq"].as_i64()).collect();
    assert_eq!(calls[0].kind(), "user.created");
    assert!(numbers[0] < numbers[1], "{numbers:?}");
    wait_for_delivery(&admin, "taken", 2).await;
    assert_eq!(old.calls().len(), 1);
}

async fn what_waits_for_a_webhook_that_is_removed_is_given_up(engine: Engine) {
    let old = Receiver::start().await;
    let (server, admin) = start(engine, &old.url, "72").await;
    old.answer(500, "");
    server.app_client().sign_up().await;
    old.wait_for(1).await;
    wait_for_failure(&admin).await;
    move_to(&server, Vec::new()).await;
    let dead = wait_for_delivery(&admin, "dead", 1).await;
    assert_eq!(dead["last_error"], "its webhook was removed");
    // Sent again, it has nowhere to go.
    resend(&admin, &dead).await;
    let dead = wait_for_delivery(&admin, "dead", 1).await;
    assert_eq!((&dead["last_error"], old.calls().len()), (&json!("its webhook was removed"), 1));
    // Until the webhook is there again.
    move_to(&server, vec![handler(&old.url, &["user.created"])]).await;
    resend(&admin, &dead).await;
    old.wait_for(2).await;
    wait_for_delivery(&admin, "taken", 1).await;
}

async fn a_dead_letter_follows_its_webhook(engine: Engine) {
    let (old, between, new) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let (server, admin) = start(engine, &old.url, "0").await;
    old.answer(500, "");
    server.app_client().sign_up().await;
    let dead = wait_for_delivery(&admin, "dead", 1).await;
    for url in [&between.url, &new.url] {
        move_to(&server, vec![handler(url, &["user.created"])]).await;
    }
    resend(&admin, &dead).await;
    assert_eq!(new.wait_for(1).await[0].kind(), "user.created");
    let taken = wait_for_delivery(&admin, "taken", 1).await;
    assert_eq!((&taken["url"], old.calls().len(), between.calls().len()), (&json!(new.url), 1, 0));
}

async fn a_notice_of_an_ended_session_goes_to_the_new_url(engine: Engine) {
    let new = Receiver::start().await;
    let mut told = Told::start_as(engine, "backend", |_| {}).await;
    let admin = Admin::of(&told.scene.server).await;
    told.receiver.answer(500, "");
    told.sign_in().await;
    admin.delete(&format!("/users/{}/sessions", told.scene.sub)).await.expect(204);
    told.receiver.wait_for(1).await;
    wait_for_failure(&admin).await;
    change_settings(&told.scene.server, |settings| {
        let client = settings.oauth.clients.iter_mut().find(|client| client.client_id == "backend").expect("it");
        client.backchannel_logout_uri = Some(new.url.clone());
    })
    .await;
    let calls = new.wait_for(1).await;
    assert!(calls[0].text.starts_with("logout_token="), "{}", calls[0].text);
    assert_eq!(told.receiver.calls().len(), 1);
}

/// Its answer would count, though its receiver has just lost the right to decide.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_node_with_the_settings_of_before_does_not_ask_about_a_merge() {
    let receiver = Receiver::start().await;
    let set = |setup: &mut Setup| subscribe(setup, &receiver.url, &["user.merge.requested"]);
    let mut scene = Scene::set(Engine::Postgres, set).await;
    receiver.answer(500, "");
    scene.agree().await;
    receiver.wait_for(1).await;
    wait_for_failure(&scene.admin).await;
    let id = scene.merge_id().await.parse().expect("an ID");
    // It works on deliveries, and hears of no change. The time of the next try comes when only it works.
    let (clock, other) = (scene.server.clock.clone(), scene.server.open_app(scene.server.clock.clone()).await);
    scene.server.stop().await;
    receiver.answer(200, r#"{"merge":"settled"}"#);
    let third = scene.server.open_app(clock.clone()).await;
    let project = third.projects.find_by_id("test").expect("the test project");
    let mut settings = project.settings.clone();
    settings.hook.non_blocking_handlers = vec![handler(&receiver.url, &["user.created"])];
    let actor = Actor::at_terminal("project apply");
    let applied = ProjectWriter::of(&third).apply(&settings, &actor, clock.now()).await;
    applied.expect("the settings are applied");
    clock.advance_seconds(10);
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn(hooks::run(other.clone(), stopped));
    // News about several users, one after the other: each is sent after what waits for longer.
    for number in 1..=3_u8 {
        let (no, url, now) = (project.no, receiver.url.clone(), clock.now());
        let write = third.store.write("test", url, move |tx, url| {
            Box::pin(async move {
                let (seq, user_id) = (1_000_000 + i64::from(number), Some(UserId::from_bytes([number; 16])));
                let (kind, body) = ("user.created", r#"{"type":"user.created"}"#);
                deliveries::insert(tx, no, &NewDelivery { seq, user_id, url, kind, body }, now).await?;
                Ok::<_, StoreError>(())
            })
        });
        write.await.expect("it is stored");
        receiver.wait_for(1 + usize::from(number)).await;
    }
    let kinds: Vec<String> = receiver.calls().iter().map(|call| call.kind()).collect();
    assert_eq!(
        kinds.iter().filter(|kind| *kind == "user.merge.requested").count(),
        1,
        "it does not ask again: {kinds:?}"
    );
    let merge = merges::find(&mut other.store.read().await.expect("a connection"), project.no, id).await;
    assert_eq!(merge.expect("an answer").map(|row| row.merge.state), Some(MergeState::Requested));
    stop.send(true).expect("it works still");
    working.await.expect("it ends well");
}
