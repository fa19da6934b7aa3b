//! Users that are deleted, exported or cleaned up while a merge waits, and what is left of deleted users.

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_app::jobs;
use vestibule_store::{outbox, retention};

use crate::{
    handshakes::Scene,
    retention::DAY,
    support::{Admin, Device, Engine, Platform, Receiver, Reply, TestServer, on_both_engines},
};

on_both_engines!(
    a_deleted_member_sets_its_waiting_guests_free,
    a_guest_that_waits_is_not_deleted,
    a_guest_that_waits_is_in_no_list_of_guests,
    giving_up_a_guest_takes_its_mark_along,
    a_guest_that_waits_is_a_guest_where_it_is_imported,
    what_could_not_be_delivered_goes_with_its_user,
);

async fn a_deleted_member_sets_its_waiting_guests_free(engine: Engine) {
    let receiver = Receiver::start().await;
    let scene = Scene::set(engine, |setup| {
        setup.configure("hooks.allow_private_addresses", "true");
        let url = receiver.url.as_str();
        let handler = toml::toml! { url = url events = ["user.merge.requested", "user.merge.refused"] };
        setup.set("hook.non_blocking_handlers", vec![toml::Value::Table(handler)]);
    })
    .await;
    let mut device = Device::new(&scene.server, Platform::Android);
    device.authenticate().await;
    let key_guest = scene.client.subject(&device.held().access).await;
    scene.admin.post(&format!("/users/{key_guest}/merge"), &json!({"into": scene.member})).await.expect(200);
    scene.agree().await;
    receiver.wait_for(2).await;
    scene.admin.delete(&format!("/users/{}", scene.member)).await.expect(204);
    let read = scene.read(&scene.sub).await;
    assert_eq!((&read["yielded_to"], &read["custom_attributes"]), (&Value::Null, &json!({"cart": 7})));
    let refused = scene.server.events("user.merge.refused").await;
    let mut guests: Vec<&str> = refused.iter().filter_map(|event| event["payload"]["from"].as_str()).collect();
    guests.sort_unstable();
    let mut expected = [scene.sub.as_str(), key_guest.as_str()];
    expected.sort_unstable();
    assert_eq!(guests, expected, "each is told once");
    let payload = &refused[0]["payload"];
    assert_eq!((&payload["cause"], &payload["reason"]), (&json!("refused"), &json!("the member was deleted")));
    // The receiver hears it after the question.
    let calls = receiver.wait_for(4).await;
    assert!(calls[2..].iter().all(|call| call.kind() == "user.merge.refused"), "{calls:?}");
    for guest in [&scene.sub, &key_guest] {
        let holds = scene.admin.get(&format!("/users/{guest}/holds")).await.expect(200).json();
        assert_eq!(holds["holds"][0]["owner"], "vestibule", "{holds}");
    }
    device.authenticate().await;
    assert_eq!(scene.client.subject(&device.held().access).await, key_guest);
    scene.expect_sound().await;
}

async fn a_guest_that_waits_is_not_deleted(engine: Engine) {
    let scene = Scene::set(engine, |setup| setup.open_portal()).await;
    scene.agree().await;
    let path = format!("/users/{}", scene.sub);
    assert_eq!(scene.admin.delete(&path).await.expect(409).json()["code"], "merge_waits");
    let mut owner = scene.server.owner().await;
    owner.open(&format!("/portal/p/test{path}/delete")).await;
    owner.fill("Type “delete”", "delete");
    owner.press("Delete user").await;
    assert!(owner.page().text.contains("waits to be merged"), "{}", owner.page().text);
    let id = scene.merge_id().await;
    assert_eq!(scene.merge().await["state"], "requested");
    assert_eq!(scene.server.events("user.deleted").await.len(), 0);
    scene.act(&id, "refuse").await;
    scene.admin.delete(&path).await.expect(204);
    assert_eq!(scene.server.events("user.deleted").await.len(), 1);
    scene.expect_sound().await;
}

async fn a_guest_that_waits_is_in_no_list_of_guests(engine: Engine) {
    let scene = Scene::set(engine, |setup| setup.open_portal()).await;
    let hold = json!({"owner": "orders", "reason": "open", "expires_at": "2033-01-01T00:00:00Z"});
    for user in [&scene.sub, &scene.member] {
        scene.admin.post(&format!("/users/{user}/holds"), &hold).await.expect(201);
    }
    let held = |page: Value| -> Vec<String> {
        let users = page["users"].as_array().expect("a list").clone();
        users.iter().filter_map(|user| user["id"].as_str().map(str::to_owned)).collect()
    };
    let before = held(scene.admin.get("/users?kind=held").await.expect(200).json());
    assert!(before.contains(&scene.sub) && before.contains(&scene.member), "{before:?}");
    scene.agree().await;
    assert_eq!(held(scene.admin.get("/users?kind=held").await.expect(200).json()), std::slice::from_ref(&scene.member));
    scene.act(&scene.merge_id().await, "refuse").await;
    assert!(held(scene.admin.get("/users?kind=held").await.expect(200).json()).contains(&scene.sub));
}

async fn giving_up_a_guest_takes_its_mark_along(engine: Engine) {
    let scene = Scene::set(engine, |_| {}).await;
    let (no, now) = (scene.server.app.projects.find_by_id("test").expect("it").no, scene.server.clock.now());
    let guest = scene.sub.parse().expect("an ID");
    let marked =
        scene.server.app.store.write("test", (), move |tx, ()| {
            Box::pin(async move { retention::mark_expired(tx, no, &[guest], now).await })
        });
    assert_eq!(marked.await.expect("the store works"), 1);
    scene.agree().await;
    let mut conn = scene.server.app.store.read().await.expect("a connection");
    assert_eq!(retention::find_mark(&mut conn, no, guest).await.expect("an answer"), None);
}

async fn a_guest_that_waits_is_a_guest_where_it_is_imported(engine: Engine) {
    let scene = Scene::set(engine, |_| {}).await;
    let mut device = Device::new(&scene.server, Platform::Android);
    device.authenticate().await;
    let key_guest = scene.client.subject(&device.held().access).await;
    scene.admin.post(&format!("/users/{key_guest}/merge"), &json!({"into": scene.member})).await.expect(200);
    scene.agree().await;
    let exported = scene.admin.get("/export/users").await.expect(200).body;
    let other = TestServer::start_plain(engine).await;
    let admin = Admin::of(&other).await;
    let request = admin.request(Method::POST, "/import/users").header("content-type", "application/x-ndjson");
    let reply = Reply::of(request.body(exported)).await.expect(200).json();
    assert!(
        reply["lines"].as_array().is_some_and(|all| all.iter().all(|line| line["outcome"] == "created")),
        "{reply}"
    );
    for guest in [&scene.sub, &key_guest] {
        let read = admin.get(&format!("/users/{guest}")).await.expect(200).json();
        assert_eq!((&read["yielded_to"], &read["is_anonymous"]), (&Value::Null, &json!(true)), "{read}");
    }
    let again = admin.get("/export/users").await.expect(200).body;
    let line = again.lines().find(|line| line.contains(&format!("\"id\":\"{key_guest}\""))).expect("its line");
    let line: Value = serde_json::from_str(line).expect("JSON");
    assert!(line["device_keys"][0].is_object(), "{line}");
    assert_eq!(line["device_keys"][0].get("promoted_at"), None, "its key opens it: {line}");
    // Where it waits, it waits still.
    assert_eq!(scene.read(&scene.sub).await["yielded_to"], json!(scene.member));
}

async fn what_could_not_be_delivered_goes_with_its_user(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| {
        setup.configure("hooks.allow_private_addresses", "true");
        setup.configure("hooks.retry_hours", "0");
        let url = receiver.url.as_str();
        let handler = toml::toml! { url = url events = ["user.created", "user.deleted"] };
        setup.set("hook.non_blocking_handlers", vec![toml::Value::Table(handler)]);
    })
    .await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    admin.post("/project/webhook-secret", &json!({})).await.expect(201);
    for _ in 0..4 {
        receiver.answer(500, "");
    }
    let (gone, stays) = (client.sign_up().await, client.sign_up().await);
    let (gone, stays) = (client.subject(&gone.access).await, client.subject(&stays.access).await);
    let dead = |count: usize| move |page: &Value| page["deliveries"].as_array().is_some_and(|all| all.len() == count);
    let before = admin.wait_until("/deliveries?state=dead", dead(2)).await;
    // The newest is first.
    let of_the_other = before["deliveries"][0]["id"].clone();
    let (store, no) = (&server.app.store, server.app.projects.find_by_id("test").expect("it").no);
    let now = server.clock.now();
    for user in [&gone, &stays] {
        let user = user.parse().expect("an ID");
        let kept = store.write("test", (), move |tx, ()| {
            Box::pin(async move { outbox::push(tx, no, outbox::UNREADABLE_KIND, Some(user), "{", now).await })
        });
        kept.await.expect("the store works");
    }
    admin.delete(&format!("/users/{gone}")).await.expect(204);
    // Its creation is forgotten; its deletion may still be sent again.
    let of_type = |kind: &'static str| {
        move |page: &Value| {
            let all = page["deliveries"].as_array().expect("a list");
            all.len() == 2 && all.iter().any(|one| one["type"] == kind)
        }
    };
    let page = admin.wait_until("/deliveries?state=dead", of_type("user.deleted")).await;
    assert!(page["deliveries"].as_array().is_some_and(|all| all.iter().any(|one| one["id"] == of_the_other)), "{page}");
    let mut conn = store.read().await.expect("a connection");
    assert_eq!(outbox::count(&mut conn, no, outbox::UNREADABLE_KIND).await.expect("a count"), 1);
    drop(conn);
    // After a while nobody sends it any more.
    server.clock.advance_seconds(400 * DAY);
    for _ in 0..2 {
        jobs::cleanup::sweep(&server.app).await.expect("a clean-up");
    }
    let admin = Admin::of(&server).await;
    let page = admin.get("/deliveries?state=dead").await.expect(200).json();
    assert_eq!(page["deliveries"].as_array().map(Vec::len), Some(1), "{page}");
    assert_eq!(page["deliveries"][0]["type"], "user.created", "the other user's: {page}");
}
