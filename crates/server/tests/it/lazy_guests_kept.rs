//! What stores a guest of a lazy application: each thing worth keeping, once, with one event.

use reqwest::Method;
use serde_json::json;
use vestibule_domain::{client::GuestCreation, project::NonBlockingHandler};

use crate::{
    guest_journey::promote,
    lazy_guests::{SIGN_UP, go_on, lazy, renew_id_token, resolve, stored},
    lifetimes::change_settings,
    support::{Admin, AppClient, Engine, Receiver, Reply, TestServer, Tokens, on_both_engines},
};

on_both_engines!(
    each_thing_worth_keeping_stores_the_guest,
    a_late_use_stores_the_guest,
    the_use_that_stores_the_guest_counts,
    the_first_use_stores_the_guest_if_the_application_wants_it,
    an_application_that_is_eager_again_stores_its_guests_with_their_next_use,
    the_event_of_a_new_guest_goes_out_when_it_is_stored,
    what_tokens_do_not_say_is_stored_at_once,
    a_promoted_guest_keeps_its_sub,
);

async fn app_session_token(client: &AppClient, refresh: &str) -> Reply {
    let body = json!({"refresh_token": refresh});
    client.http.post_json("/oauth2/app_session_token", &body).await
}

async fn each_thing_worth_keeping_stores_the_guest(engine: Engine) {
    let server = TestServer::start(engine, lazy).await;
    let client = server.app_client();
    let mut expected = 0;
    for what in ["refresh", "promotion code", "app session token", "id token", "revoked access token"] {
        let guest = client.sign_up().await;
        let subject = client.subject(&guest.access).await;
        assert_eq!(stored(&server).await.0, expected, "before {what}");
        let reply = match what {
            "refresh" => client.refresh(&guest.refresh).await,
            "promotion code" => {
                let body = json!({"session_type": "refresh_token", "refresh_token": guest.refresh});
                client.http.post_json("/api/anonymous_user/promotion_code", &body).await
            }
            "app session token" => app_session_token(&client, &guest.refresh).await,
            "id token" => renew_id_token(&client, &guest.access).await,
            _ => client.revoke(&guest.access).await,
        };
        reply.expect(200);
        expected += 1;
        assert_eq!(stored(&server).await, (expected, expected), "{what}");
        let works = client.user_info(&guest.access).await.status;
        assert_eq!(works, if what == "revoked access token" { 401 } else { 200 }, "{what}");
        let next = go_on(&client, &guest.refresh).await.expect(200).result();
        assert_eq!(client.subject(next["access_token"].as_str().expect("a token")).await, subject, "{what}");
        assert_eq!(stored(&server).await.0, expected, "after {what}");
    }
}

async fn a_late_use_stores_the_guest(engine: Engine) {
    for is_jwt in [false, true] {
        let server = TestServer::start(engine, |setup| {
            lazy(setup);
            setup.set_client("web", "issue_jwt_access_token", is_jwt);
            setup.set_client("web", "access_token_lifetime_seconds", 2_000);
            setup.set_client("web", "refresh_token_idle_timeout_seconds", 3_000);
        })
        .await;
        let client = server.app_client();
        let guest = client.sign_up().await;
        let subject = client.subject(&guest.access).await;
        // 1 % of the idle timeout.
        server.clock.advance_seconds(30);
        resolve(&client, &guest.access).await;
        assert_eq!(stored(&server).await, (0, 0));
        server.clock.advance_seconds(1);
        resolve(&client, &guest.access).await;
        assert_eq!(stored(&server).await, (1, 1));
        // The idle timeout is counted from this use.
        server.clock.advance_seconds(3_000);
        assert_eq!(client.refresh(&guest.refresh).await.status, 200);
        assert_eq!(client.subject(&client.sign_up().await.access).await.len(), subject.len());
    }
}

async fn the_first_use_stores_the_guest_if_the_application_wants_it(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        lazy(setup);
        setup.set_client("web", "guest_stored_on_use", true);
    })
    .await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let guest = client.sign_up().await;
    go_on(&client, &guest.refresh).await.expect(200);
    assert_eq!(stored(&server).await, (0, 0));
    // A check that is no use.
    let request = client.http.request(Method::HEAD, "/oauth2/userinfo").bearer_auth(&guest.access);
    Reply::of(request).await;
    let subject = client.subject(&guest.access).await;
    assert_eq!(stored(&server).await, (1, 1));
    // The backend can write now.
    let attributes = json!({"custom_attributes": {"theme": "dark"}});
    admin.send(Method::PATCH, &format!("/users/{subject}"), &attributes).await.expect(200);
    client.refresh(&guest.refresh).await.expect(200);
    assert_eq!(stored(&server).await, (1, 1));
}

async fn an_application_that_is_eager_again_stores_its_guests_with_their_next_use(engine: Engine) {
    let server = TestServer::start(engine, lazy).await;
    let client = server.app_client();
    let (first, second) = (client.sign_up().await, client.sign_up().await);
    let subject = client.subject(&first.access).await;
    change_settings(&server, |settings| settings.oauth.clients[0].guest_creation = Some(GuestCreation::Eager)).await;
    assert_eq!(client.subject(&first.access).await, subject);
    assert_eq!(stored(&server).await, (1, 1));
    client.refresh(&second.refresh).await.expect(200);
    assert_eq!(stored(&server).await, (2, 2));
    client.sign_up().await;
    assert_eq!(stored(&server).await, (3, 3));
}

async fn the_event_of_a_new_guest_goes_out_when_it_is_stored(engine: Engine) {
    let (asked, told) = (Receiver::start().await, Receiver::start().await);
    let server = TestServer::start(engine, |setup| {
        lazy(setup);
        setup.configure("hooks.allow_private_addresses", "true");
        let url = asked.url.as_str();
        let handler = toml::toml! { event = "user.pre_create" url = url };
        setup.set("hook.blocking_handlers", vec![toml::Value::Table(handler)]);
    })
    .await;
    change_settings(&server, |settings| {
        let events = Some(vec!["user.created".to_owned()]);
        settings.hook.non_blocking_handlers = vec![NonBlockingHandler { events, url: told.url.clone() }];
    })
    .await;
    Admin::of(&server).await.post("/project/webhook-secret", &json!({})).await.expect(201);
    let client = server.app_client();
    asked.answer(200, r#"{"is_allowed": false, "title": "Closed", "reason": "We are full."}"#);
    let body = json!({"session_type": "refresh_token", "client_id": "web"});
    assert_ne!(client.http.post_json(SIGN_UP, &body).await.status, 200, "a webhook refuses before tokens are issued");
    let guests = [client.sign_up().await, client.sign_up().await];
    assert_eq!(asked.calls().len(), 3);
    let subject = client.subject(&guests[1].access).await;
    assert!(told.calls().is_empty());
    for _ in 0..3 {
        client.refresh(&guests[1].refresh).await.expect(200);
    }
    let created = told.wait_for(1).await[0].json();
    assert_eq!((&created["type"], &created["payload"]["user"]["id"]), (&json!("user.created"), &json!(subject)));
    assert_eq!(created["context"]["client_id"], "web");
    // A marker behind it: nothing else is queued.
    client.refresh(&guests[0].refresh).await.expect(200);
    let calls = told.wait_for(2).await;
    assert_eq!(calls.len(), 2);
    assert_ne!(calls[1].json()["payload"]["user"]["id"], json!(subject));
    assert_eq!(asked.calls().len(), 3, "the webhook is asked once for each sign-up");
}

async fn what_tokens_do_not_say_is_stored_at_once(engine: Engine) {
    let asked = Receiver::start().await;
    let server = TestServer::start(engine, |setup| {
        lazy(setup);
        setup.configure("hooks.allow_private_addresses", "true");
        let url = asked.url.as_str();
        let handler = toml::toml! { event = "user.pre_create" url = url };
        setup.set("hook.blocking_handlers", vec![toml::Value::Table(handler)]);
    })
    .await;
    Admin::of(&server).await.post("/project/webhook-secret", &json!({})).await.expect(201);
    let client = server.app_client();
    asked.answer(
        200,
        r#"{"is_allowed": true, "mutations": {"user": {"standard_attributes": {"locale": "de"}, "custom_attributes": {}}}}"#,
    );
    client.sign_up().await;
    assert_eq!(stored(&server).await, (1, 1), "attributes of a webhook");
    let body = json!({"session_type": "refresh_token", "client_id": "web", "idempotency_key": "8d7f1c52-3a4e-4f0e-9f62-3a3a7e0a1c11"});
    let first = Tokens::read(&client.http.post_json(SIGN_UP, &body).await.expect(200).result());
    let again = Tokens::read(&client.http.post_json(SIGN_UP, &body).await.expect(200).result());
    assert_eq!(first.refresh, again.refresh);
    assert_eq!(stored(&server).await, (2, 2), "an idempotency key");
    client.sign_up().await;
    assert_eq!(stored(&server).await, (2, 2));
}

async fn a_promoted_guest_keeps_its_sub(engine: Engine) {
    let server = TestServer::start(engine, lazy).await;
    let (client, mut browser, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    let guest = client.sign_up().await;
    let subject = client.subject(&guest.access).await;
    promote(&client, &guest, &mut browser, &mut mailbox, "kim@shop.example").await;
    let member = client.finish(browser.at_app()).await;
    let info = client.user_info(&member.access).await.expect(200).json();
    assert_eq!((&info["sub"], &info["email"]), (&json!(subject), &json!("kim@shop.example")));
    assert_eq!(stored(&server).await, (1, 1));
    // What is left over from the guest ends, and its tokens bring no guest back.
    server.clock.advance_seconds(3_600);
    client.user_info(&guest.access).await.expect(401);
    client.refresh(&guest.refresh).await.expect(400);
    assert_ne!(go_on(&client, &guest.refresh).await.status, 200);
    assert_eq!(stored(&server).await, (1, 1));
}

async fn the_use_that_stores_the_guest_counts(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        lazy(setup);
        setup.set_client("web", "access_token_lifetime_seconds", 2_000);
        setup.set_client("web", "refresh_token_idle_timeout_seconds", 3_000);
    })
    .await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    server.clock.advance_seconds(1_900);
    // An ID token needs the rows, and is a use.
    renew_id_token(&client, &guest.access).await.expect(200);
    assert_eq!(stored(&server).await, (1, 1));
    server.clock.advance_seconds(3_000);
    client.refresh(&guest.refresh).await.expect(200);
}
