//! Events: the log, webhooks that fail and are delivered late, and refusals.

use aws_lc_rs::hmac;
use base64::prelude::{BASE64_STANDARD as STANDARD, Engine as _};
use serde_json::{Value, json};
use vestibule_store::outbox;

use crate::support::{Admin, Device, Engine, Platform, Receiver, SILENCE, Setup, TestServer, on_both_engines};

on_both_engines!(
    a_webhook_gets_signed_events_in_order,
    a_failed_webhook_is_retried_and_keeps_the_order_for_its_user,
    a_webhook_given_up_is_a_dead_letter_that_can_be_sent_again,
    a_webhook_that_does_not_answer_is_retried,
    what_a_server_had_begun_to_deliver_when_it_stopped_is_sent_at_once,
    a_plain_guest_costs_no_event,
    a_hook_can_refuse_a_guest,
    a_hook_can_refuse_a_guest_with_a_key_and_let_it_in_later,
    a_hook_can_give_a_guest_attributes,
    a_hook_cannot_give_attributes_that_nothing_else_takes,
    a_hook_that_does_not_answer_refuses,
    private_addresses_are_not_called,
    a_stream_sends_events_and_ends_with_the_server,
    a_stream_ends_with_its_client,
);

fn subscribe(setup: &mut Setup, url: &str) {
    setup.configure("hooks.allow_private_addresses", "true");
    let handler = toml::toml! { url = url };
    setup.set("hook.non_blocking_handlers", vec![toml::Value::Table(handler)]);
}

fn ask(setup: &mut Setup, url: &str) {
    setup.configure("hooks.allow_private_addresses", "true");
    let handler = toml::toml! { event = "user.pre_create" url = url };
    setup.set("hook.blocking_handlers", vec![toml::Value::Table(handler)]);
}

fn sign_up_body() -> Value {
    json!({"session_type": "refresh_token", "client_id": "web"})
}

async fn a_webhook_gets_signed_events_in_order(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| subscribe(setup, &receiver.url)).await;
    let admin = Admin::of(&server).await;
    let old = admin.post("/project/webhook-secret", &json!({})).await.expect(201).json();
    let (old, old_standard) = (old["secret"].clone(), old["standard_webhooks_secret"].clone());
    // The clock determines which one is newer.
    server.clock.advance_seconds(1);
    let new = admin.post("/project/webhook-secret", &json!({})).await.expect(201).json();
    let (new, new_standard) = (new["secret"].clone(), new["standard_webhooks_secret"].clone());
    let app = server.app_client();
    let guest = app.sign_up().await;
    let subject = app.subject(&guest.access).await;
    app.revoke(&guest.refresh).await.expect(200);
    let calls = receiver.wait_for(2).await;
    assert_eq!(calls.iter().map(|call| call.kind()).collect::<Vec<_>>(), ["user.created", "user.signed_out"]);
    let (created, signed_out) = (calls[0].json(), calls[1].json());
    assert_eq!(created["payload"]["user"]["id"], subject);
    assert_eq!(created["payload"]["user"]["is_anonymous"], true);
    assert_eq!(created["payload"]["identities"][0]["type"], "anonymous");
    assert_eq!(created["context"]["client_id"], "web");
    assert_eq!(created["context"]["triggered_by"], "user");
    assert_eq!(signed_out["payload"]["user"]["id"], subject);
    assert!(created["seq"].as_i64() < signed_out["seq"].as_i64());
    for (header, secret) in [("x-authgear-body-signature", &new), ("x-vestibule-previous-body-signature", &old)] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_str().expect("a text").as_bytes());
        let expected: String =
            hmac::sign(&key, calls[0].text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(calls[0].headers[header], expected, "{header} of {calls:?}, {secret}");
    }
    // As a library for Standard Webhooks verifies it.
    let (id, at) = (&calls[0].headers["webhook-id"], &calls[0].headers["webhook-timestamp"]);
    assert_eq!(id.to_str().expect("text"), created["id"].as_str().expect("text"));
    assert_eq!(at.to_str().expect("text"), server.clock.now().as_seconds().to_string());
    let sent = calls[0].headers["webhook-signature"].to_str().expect("text");
    let signatures: Vec<&str> = sent.split(' ').collect();
    let verified = [&new_standard, &old_standard].map(|secret| {
        let key = STANDARD.decode(secret.as_str().and_then(|text| text.strip_prefix("whsec_")).expect("a secret"));
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key.expect("base64"));
        let signed = [id.as_bytes(), b".", at.as_bytes(), b".", calls[0].text.as_bytes()].concat();
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, &signed)))
    });
    assert_eq!(signatures, verified);
    assert_eq!(calls[0].headers["content-type"], "application/json");
    let log = admin.wait_until(&format!("/events?user_id={subject}"), |log| log["events"][0].is_object()).await;
    assert_eq!(log["events"], json!([signed_out]), "the log has what the hook was told, but no plain guest");
    let taken = admin.wait_until("/deliveries?state=taken", |page| page["deliveries"][1].is_object()).await;
    assert_eq!(taken["deliveries"][0]["last_status"], 200);
}

/// The clock stands still: nothing waits until the claim of the process before runs out.
async fn what_a_server_had_begun_to_deliver_when_it_stopped_is_sent_at_once(engine: Engine) {
    let receiver = Receiver::start().await;
    let mut server = TestServer::start(engine, |setup| subscribe(setup, &receiver.url)).await;
    receiver.answer(SILENCE, "");
    let admin = Admin::of(&server).await;
    admin.post("/project/webhook-secret", &json!({})).await.expect(201);
    let guest = server.app_client().sign_up().await;
    receiver.wait_for(1).await;
    server.restart().await;
    let calls = receiver.wait_for(2).await;
    assert_eq!(calls[0].text, calls[1].text);
    server.app_client().revoke(&guest.refresh).await.expect(200);
    let calls = receiver.wait_for(3).await;
    assert_eq!(calls[2].kind(), "user.signed_out", "in order, and no more often");
}

async fn a_failed_webhook_is_retried_and_keeps_the_order_for_its_user(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| subscribe(setup, &receiver.url)).await;
    let app = server.app_client();
    receiver.answer(500, "");
    let first = app.sign_up().await;
    let first_subject = app.subject(&first.access).await;
    receiver.wait_for(1).await;
    app.revoke(&first.refresh).await.expect(200);
    let second = app.sign_up().await;
    let second_subject = app.subject(&second.access).await;
    let calls = receiver.wait_for(2).await;
    assert_eq!(calls[1].json()["payload"]["user"]["id"], second_subject, "another user's does not wait");
    let admin = Admin::of(&server).await;
    let is_postponed = |page: &Value| {
        page["deliveries"]
            .as_array()
            .is_some_and(|all| all.len() == 2 && all[1]["last_status"] == 500 && all[1]["attempts"] == 1)
    };
    admin.wait_until("/deliveries?state=waiting", is_postponed).await;
    assert_eq!(receiver.calls().len(), 2);
    server.clock.advance_seconds(6);
    let calls = receiver.wait_for(4).await;
    assert_eq!((calls[2].kind(), calls[3].kind()), ("user.created".into(), "user.signed_out".into()));
    assert!(calls[2..].iter().all(|call| call.json()["payload"]["user"]["id"] == first_subject));
    assert_eq!(calls[2].json()["id"], calls[0].json()["id"], "the same event again");
}

async fn a_webhook_given_up_is_a_dead_letter_that_can_be_sent_again(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| {
        subscribe(setup, &receiver.url);
        setup.configure("hooks.retry_hours", "0");
    })
    .await;
    let admin = Admin::of(&server).await;
    receiver.answer(404, "");
    server.app_client().sign_up().await;
    let dead = admin.wait_until("/deliveries?state=dead", |page| page["deliveries"][0].is_object()).await;
    let dead = &dead["deliveries"][0];
    assert_eq!((&dead["last_status"], &dead["attempts"]), (&json!(404), &json!(1)));
    let path = format!("/deliveries/{}/replay", dead["id"].as_str().expect("an id"));
    assert_eq!(admin.post(&path, &json!({})).await.expect(200).json()["state"], "waiting");
    let calls = receiver.wait_for(2).await;
    assert_eq!(calls[0].text, calls[1].text);
    admin.wait_until("/deliveries?state=taken", |page| page["deliveries"][0].is_object()).await;
    admin.post("/deliveries/999/replay", &json!({})).await.expect(404);
}

async fn a_webhook_that_does_not_answer_is_retried(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| {
        subscribe(setup, &receiver.url);
        setup.set("hook.delivery_timeout_seconds", 1);
    })
    .await;
    let admin = Admin::of(&server).await;
    receiver.answer(SILENCE, "");
    server.app_client().sign_up().await;
    let late = |page: &Value| page["deliveries"][0]["last_error"] == "no answer within 1 seconds";
    admin.wait_until("/deliveries?state=waiting", late).await;
    server.clock.advance_seconds(6);
    receiver.wait_for(2).await;
}

async fn a_plain_guest_costs_no_event(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    server.app_client().sign_up().await;
    let mut conn = server.app.store.read().await.expect("a connection");
    let queued = outbox::due_any_project(&mut conn, "event", server.clock.now(), 9).await.expect("read");
    // The one about the project's creation is about no user.
    let about_users: Vec<_> = queued.into_iter().filter(|row| row.user_id.is_some()).collect();
    assert_eq!(about_users, []);
}

async fn a_hook_can_refuse_a_guest(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| ask(setup, &receiver.url)).await;
    receiver.answer(200, r#"{"is_allowed": false, "title": "Closed", "reason": "We are full."}"#);
    let refused = server.http().post_json("/api/anonymous_user/signup", &sign_up_body()).await;
    let refused = refused.expect_api_error(403, "Forbidden", "HookDisallowed", "disallowed by hook event handler");
    let info = &refused.json()["error"]["info"];
    assert_eq!(
        *info,
        json!({"event_type": "user.pre_create", "reasons": [{"title": "Closed", "reason": "We are full."}]})
    );
    let requested = receiver.calls()[0].json();
    assert_eq!(requested["type"], "user.pre_create");
    let admin = Admin::of(&server).await;
    assert_eq!(admin.get("/users").await.expect(200).json()["users"], json!([]), "nobody came to be");
}

async fn a_hook_can_refuse_a_guest_with_a_key_and_let_it_in_later(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| ask(setup, &receiver.url)).await;
    receiver.answer(200, r#"{"is_allowed": false}"#);
    let device = Device::new(&server, Platform::Android);
    let kid = device.uuid();
    let jwt = device.sign("auth", &device.challenge().await, &kid, true);
    let refused = device.present(&jwt).await;
    refused.expect_oauth_error(400, "invalid_request", "disallowed by hook event handler");
    let requested = receiver.calls()[0].json();
    assert_eq!(requested["payload"]["identities"][0]["claims"]["https://authgear.com/claims/anonymous/key_id"], kid);
    // Nothing was redeemed: the same request succeeds once the webhook allows it.
    receiver.answer(200, r#"{"is_allowed": true}"#);
    device.present(&jwt).await.expect(200);
}

async fn a_hook_can_give_a_guest_attributes(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| ask(setup, &receiver.url)).await;
    receiver.answer(200, r#"{"is_allowed": true, "mutations": {"user": {"custom_attributes": {"cart": "c-1"}}}}"#);
    let app = server.app_client();
    let guest = app.sign_up().await;
    let reported = app.user_info(&guest.access).await.expect(200).json();
    assert_eq!(reported["custom_attributes"], json!({"cart": "c-1"}));
}

async fn a_hook_cannot_give_attributes_that_nothing_else_takes(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| ask(setup, &receiver.url)).await;
    let nested = (0..20).fold(json!(1), |inner, _| json!([inner]));
    for user in [
        json!({ "custom_attributes": { "a": "x\u{0}y" } }),
        json!({ "custom_attributes": { "a": "x".repeat(50_000) } }),
        json!({ "custom_attributes": { "a": nested } }),
        json!({ "custom_attributes": { "": 1 } }),
        json!({ "standard_attributes": { "address": { "formatted": 7 } } }),
        json!({ "standard_attributes": { "address": "10 Downing St" } }),
        json!({ "standard_attributes": { "name": "x\u{0}y" } }),
        json!({ "standard_attributes": { "email": "kim@shop.example" } }),
    ] {
        receiver.answer(200, &json!({ "is_allowed": true, "mutations": { "user": user } }).to_string());
        let refused = server.http().post_json("/api/anonymous_user/signup", &sign_up_body()).await;
        refused.expect_api_error(403, "Forbidden", "HookDisallowed", "disallowed by hook event handler");
    }
    let admin = Admin::of(&server).await;
    assert_eq!(admin.get("/users").await.expect(200).json()["users"], json!([]), "nobody came to be");
}

async fn a_hook_that_does_not_answer_refuses(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| {
        ask(setup, &receiver.url);
        setup.set("hook.sync_hook_timeout_seconds", 1);
    })
    .await;
    // More than attributes may have, from the Admin API as well.
    let large = json!({"is_allowed": true, "mutations": {"user": {"custom_attributes": {"a": "x".repeat(9_000)}}}});
    let large = large.to_string();
    for (status, body) in [(SILENCE, ""), (500, r#"{"is_allowed": true}"#), (200, "yes"), (200, large.as_str())] {
        receiver.answer(status, body);
        server.http().post_json("/api/anonymous_user/signup", &sign_up_body()).await.expect(403);
    }
    server.app_client().sign_up().await;
}

async fn private_addresses_are_not_called(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| {
        subscribe(setup, &receiver.url);
        setup.configure("hooks.allow_private_addresses", "false");
    })
    .await;
    server.app_client().sign_up().await;
    let admin = Admin::of(&server).await;
    let is_refused = |page: &Value| {
        page["deliveries"][0]["last_error"].as_str().is_some_and(|error| error.contains("private network"))
    };
    admin.wait_until("/deliveries?state=waiting", is_refused).await;
    assert!(receiver.calls().is_empty());
}

async fn a_stream_sends_events_and_ends_with_the_server(engine: Engine) {
    let mut server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let app = server.app_client();
    let guest = app.sign_up().await;
    let mut stream = admin.request(reqwest::Method::GET, "/events/stream").send().await.expect("an answer");
    for (name, value) in
        [("content-type", "text/event-stream"), ("cache-control", "no-store"), ("x-accel-buffering", "no")]
    {
        assert_eq!(stream.headers()[name], value);
    }
    let mut text = String::new();
    // The greeting is sent once the stream is live; later events are in it.
    while !text.contains("connected") {
        text.push_str(std::str::from_utf8(&stream.chunk().await.expect("more").expect("not the end")).expect("UTF-8"));
    }
    app.revoke(&guest.refresh).await.expect(200);
    while !(text.contains("user.signed_out") && text.ends_with("\n\n")) {
        text.push_str(std::str::from_utf8(&stream.chunk().await.expect("more").expect("not the end")).expect("UTF-8"));
    }
    assert!(text.starts_with(": connected\n\nid: "), "{text}");
    assert!(text.contains("\nevent: user.signed_out\ndata: {") && text.ends_with("}\n\n"), "{text}");
    server.stop().await;
    while stream.chunk().await.expect("a clean end").is_some() {}
}

async fn a_stream_ends_with_its_client(engine: Engine) {
    const STREAMS: usize = 32;
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let open = || async { admin.request(reqwest::Method::GET, "/events/stream").send().await.expect("an answer") };
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        streams.push(open().await);
    }
    assert!(streams.iter().all(|stream| stream.status() == 200));
    assert_eq!(open().await.status(), 503, "the project has its share");
    streams.pop();
    let mut again = open().await;
    for _ in 0..200 {
        if again.status() == 200 {
            break;
        }
        again = open().await;
    }
    assert_eq!(again.status(), 200, "its place is free before the next event or heartbeat");
}
