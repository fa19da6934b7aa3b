//! The end of lazy guests: what is revoked, expired, disabled, deleted or of another application stays refused, stored or not.

use serde_json::json;
use tokio::task::JoinSet;
use vestibule_domain::retention::ClassSettings;
use vestibule_server::boot;

use crate::{
    introspection::{introspect, make_secret},
    lazy_guests::{go_on, lazy, renew_id_token, resolve, rows, stored},
    lifetimes::change_settings,
    retention::{DAY, advance, run, same, set_rules},
    support::{Admin, AppClient, Engine, TestServer, Tokens, on_both_engines},
};

on_both_engines!(
    a_guest_that_was_revoked_before_it_was_stored_stays_revoked,
    a_revocation_and_a_first_use_at_once_end_in_a_revoked_guest,
    a_stored_guest_that_ended_is_not_brought_back,
    an_erased_guest_is_not_brought_back,
    a_guest_that_is_not_stored_lives_as_long_as_its_settings_say,
    changed_lifetimes_shorten_and_never_extend_it,
    tokens_are_of_one_application_and_one_project,
    an_application_that_was_replaced_knows_no_earlier_guest,
    a_revocation_counts_while_settings_end_the_guest,
    a_deleted_sub_is_not_stored_later,
);

/// Nothing accepts any token of the guest, and no row appears.
async fn expect_dead(server: &TestServer, client: &AppClient, guest: &Tokens, why: &str) {
    let before = stored(server).await;
    client.user_info(&guest.access).await.expect_oauth_error(401, "invalid_grant", "invalid session");
    assert_eq!(resolve(client, &guest.access).await.header("x-authgear-session-valid"), Some("false"), "{why}");
    client.refresh(&guest.refresh).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    assert_ne!(go_on(client, &guest.refresh).await.status, 200, "{why}");
    assert_ne!(renew_id_token(client, &guest.access).await.status, 200, "{why}");
    for (path, body) in [
        (
            "/api/anonymous_user/promotion_code",
            json!({"session_type": "refresh_token", "refresh_token": guest.refresh}),
        ),
        ("/oauth2/app_session_token", json!({"refresh_token": guest.refresh})),
    ] {
        assert_ne!(client.http.post_json(path, &body).await.status, 200, "{why}: {path}");
    }
    // A revocation of what has ended is no error, and writes nothing.
    for token in [&guest.access, &guest.refresh] {
        client.revoke(token).await.expect(200);
    }
    assert_eq!(stored(server).await, before, "{why}");
}

async fn a_guest_that_was_revoked_before_it_was_stored_stays_revoked(engine: Engine) {
    for is_jwt in [false, true] {
        let mut server = TestServer::start(engine, |setup| {
            lazy(setup);
            setup.set_client("web", "issue_jwt_access_token", is_jwt);
            setup.set_client("web", "refresh_token_lifetime_seconds", 20_000);
        })
        .await;
        let guest = server.app_client().sign_up().await;
        let secret = make_secret(&server, "backend").await;
        let before = rows(&server).await[2];
        server.app_client().revoke(&guest.refresh).await.expect(200);
        assert_eq!((stored(&server).await, rows(&server).await[2]), ((0, 0), before + 1));
        let reported = introspect(&server, "backend", &secret, &guest.access).await.expect(200).json();
        assert_eq!(reported, json!({"active": false}));
        expect_dead(&server, &server.app_client(), &guest, "revoked").await;
        server.restart().await;
        expect_dead(&server, &server.app_client(), &guest, "after a restart").await;
        change_settings(&server, |settings| settings.oauth.clients[0].refresh_token_lifetime_seconds = None).await;
        server.clock.advance_seconds(20_000);
        boot::maintain(&server.app).await.expect("maintained");
        assert_eq!(rows(&server).await[2], before + 1, "the record is kept as long as the tokens could be valid");
        expect_dead(&server, &server.app_client(), &guest, "in the last second").await;
        server.clock.advance_seconds(86_400);
        boot::maintain(&server.app).await.expect("maintained");
        assert_eq!(rows(&server).await[2], before, "and no longer");
        expect_dead(&server, &server.app_client(), &guest, "after the record").await;
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_revocation_counts_at_once_at_every_node() {
    let server = TestServer::start(Engine::Postgres, lazy).await;
    let node = server.start_node().await;
    let (here, there) = (server.app_client(), node.app_client());
    let guest = here.sign_up().await;
    assert_eq!(there.subject(&guest.access).await, here.subject(&guest.access).await);
    there.revoke(&guest.refresh).await.expect(200);
    expect_dead(&server, &here, &guest, "revoked at the other node").await;
    race(&server, &[here, there]).await;
    node.stop().await;
}

/// Revocations and first uses at the same time: whatever came first, what was revoked is refused afterwards.
async fn race(server: &TestServer, clients: &[AppClient]) {
    for round in 0..20 {
        // Refused requests are limited by address.
        server.clock.advance_seconds(120);
        let guest = clients[0].sign_up().await;
        let mut calls = JoinSet::new();
        for number in 0..10 {
            let (client, guest) = (clients[number % clients.len()].clone(), guest.clone());
            calls.spawn(async move {
                if number == round % 10 {
                    client.revoke(&guest.refresh).await.expect(200);
                } else {
                    let status = client.refresh(&guest.refresh).await.status;
                    assert!([200, 400].contains(&status), "{status}");
                }
            });
        }
        calls.join_all().await;
        for client in clients {
            expect_dead(server, client, &guest, "after the race").await;
        }
    }
    assert_eq!(stored(server).await.1, 0, "no grant is left");
}

async fn a_revocation_and_a_first_use_at_once_end_in_a_revoked_guest(engine: Engine) {
    let server = TestServer::start(engine, lazy).await;
    race(&server, &[server.app_client()]).await;
}

async fn a_stored_guest_that_ended_is_not_brought_back(engine: Engine) {
    let server = TestServer::start(engine, lazy).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    for what in ["revoked", "signed out by an operator", "disabled", "deleted"] {
        let guest = client.sign_up().await;
        let subject = client.subject(&guest.access).await;
        client.refresh(&guest.refresh).await.expect(200);
        let user = format!("/users/{subject}");
        match what {
            "revoked" => drop(client.revoke(&guest.refresh).await.expect(200)),
            "signed out by an operator" => drop(admin.delete(&format!("{user}/sessions")).await),
            "disabled" => drop(admin.post(&format!("{user}/disable"), &json!({})).await.expect(200)),
            _ => drop(admin.delete(&user).await.expect(204)),
        }
        expect_dead(&server, &client, &guest, what).await;
        server.clock.advance_seconds(100);
        boot::maintain(&server.app).await.expect("maintained");
        expect_dead(&server, &client, &guest, what).await;
        assert_eq!(admin.get(&user).await.status, if what == "deleted" { 404 } else { 200 }, "{what}");
    }
}

async fn an_erased_guest_is_not_brought_back(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        lazy(setup);
        setup.set_client("web", "access_token_lifetime_seconds", 60 * DAY);
        setup.set_client("web", "refresh_token_idle_timeout_seconds", 400 * DAY);
    })
    .await;
    let rule = ClassSettings { idle_seconds: Some(864_000), grace_seconds: Some(0), ..ClassSettings::default() };
    set_rules(&server, None, &same(rule)).await;
    let client = server.app_client();
    let (guest, other) = (client.sign_up().await, client.sign_up().await);
    client.refresh(&guest.refresh).await.expect(200);
    assert_eq!(stored(&server).await, (1, 1));
    run(&server.app).await;
    advance(&server, 10).await;
    assert_eq!(stored(&server).await, (0, 0), "erased by its rule");
    expect_dead(&server, &client, &guest, "erased").await;
    // One that was never stored is not affected by rules for those that are, and goes on as long as its tokens do.
    client.refresh(&other.refresh).await.expect(200);
    assert_eq!(stored(&server).await, (1, 1));
}

async fn a_guest_that_is_not_stored_lives_as_long_as_its_settings_say(engine: Engine) {
    // The idle timeout if any, and the last second: one window of 1 % is added, as its uses within leave no trace.
    for (idle, last) in [(Some(1_000), 1_010), (Some(4_990), 5_000), (None, 5_000)] {
        let server = TestServer::start(engine, |setup| {
            lazy(setup);
            setup.set_client("web", "access_token_lifetime_seconds", 300);
            setup.set_client("web", "refresh_token_lifetime_seconds", 5_000);
            match idle {
                Some(idle) => setup.set_client("web", "refresh_token_idle_timeout_seconds", idle),
                None => setup.set_client("web", "refresh_token_idle_timeout_enabled", false),
            }
        })
        .await;
        let client = server.app_client();
        let (first, second) = (client.sign_up().await, client.sign_up().await);
        server.clock.advance_seconds(301);
        client.user_info(&first.access).await.expect(401);
        server.clock.advance_seconds(last - 301);
        client.refresh(&first.refresh).await.expect(200);
        server.clock.advance_seconds(1);
        expect_dead(&server, &client, &second, "expired").await;
        // Stored ones go on by the rules of stored ones.
        let goes_on = idle.is_some_and(|idle| idle < 2_000);
        assert_eq!(client.refresh(&first.refresh).await.status == 200, goes_on, "{idle:?}");
    }
}

async fn changed_lifetimes_shorten_and_never_extend_it(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        lazy(setup);
        setup.set_client("web", "access_token_lifetime_seconds", 300);
        setup.set_client("web", "refresh_token_idle_timeout_seconds", 1_000);
    })
    .await;
    let client = server.app_client();
    let guests = [client.sign_up().await, client.sign_up().await, client.sign_up().await];
    let set_idle = async |seconds| {
        change_settings(&server, |settings| {
            settings.oauth.clients[0].refresh_token_idle_timeout_seconds = Some(seconds);
        })
        .await;
    };
    server.clock.advance_seconds(500);
    set_idle(400).await;
    expect_dead(&server, &client, &guests[0], "a shorter idle timeout").await;
    set_idle(100_000).await;
    client.refresh(&guests[1].refresh).await.expect(200);
    server.clock.advance_seconds(511);
    expect_dead(&server, &client, &guests[2], "a longer idle timeout").await;
    client.refresh(&guests[1].refresh).await.expect(200);
}

async fn tokens_are_of_one_application_and_one_project(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        lazy(setup);
        setup.set_client("phone", "guest_creation", "lazy");
    })
    .await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    for other in ["phone", "blog"] {
        let other = AppClient::new(server.http(), other, "http://shop.test/after-login");
        assert_eq!(other.refresh(&guest.refresh).await.status, 400);
        assert_ne!(go_on(&other, &guest.refresh).await.status, 200);
        assert_ne!(renew_id_token(&other, &guest.access).await.status, 200);
    }
    let project = server.add_project("second", lazy).await;
    let elsewhere = AppClient::new(server.http_of(&project), "web", "http://shop.test/after-login");
    elsewhere.user_info(&guest.access).await.expect(401);
    elsewhere.refresh(&guest.refresh).await.expect(400);
    elsewhere.revoke(&guest.refresh).await.expect(200);
    // The parts of two guests' tokens fit nowhere.
    let other = client.sign_up().await;
    let (id, secret) = (guest.refresh.split_once('.').expect("two").0, other.refresh.split_once('.').expect("two").1);
    client.refresh(&format!("{id}.{secret}")).await.expect(400);
    client.user_info(secret).await.expect(401);
    client.user_info(&guest.access).await.expect(200);
}

async fn an_application_that_was_replaced_knows_no_earlier_guest(engine: Engine) {
    let server = TestServer::start(engine, lazy).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let (guest, second) = (client.sign_up().await, client.sign_up().await);
    client.refresh(&second.refresh).await.expect(200);
    server.clock.advance_seconds(1);
    let application = admin.get("/applications/web").await.expect(200).json();
    assert_eq!(application["guest_creation"], "lazy");
    admin.delete("/applications/web").await.expect(204);
    client.user_info(&guest.access).await.expect(401);
    server.clock.advance_seconds(1);
    admin.post("/applications", &application).await.expect(201);
    for guest in [&guest, &second] {
        client.user_info(&guest.access).await.expect(401);
        client.refresh(&guest.refresh).await.expect(400);
    }
    let fresh = client.sign_up().await;
    client.user_info(&fresh.access).await.expect(200);
}

async fn a_revocation_counts_while_settings_end_the_guest(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        lazy(setup);
        setup.set_client("web", "access_token_lifetime_seconds", 300);
        setup.set_client("web", "refresh_token_lifetime_seconds", 20_000);
    })
    .await;
    let client = server.app_client();
    let (revoked, other) = (client.sign_up().await, client.sign_up().await);
    server.clock.advance_seconds(1_000);
    change_settings(&server, |settings| settings.oauth.clients[0].refresh_token_lifetime_seconds = Some(900)).await;
    client.revoke(&revoked.refresh).await.expect(200);
    change_settings(&server, |settings| settings.oauth.clients[0].refresh_token_lifetime_seconds = Some(20_000)).await;
    expect_dead(&server, &client, &revoked, "revoked").await;
    client.refresh(&other.refresh).await.expect(200);
}

async fn a_deleted_sub_is_not_stored_later(engine: Engine) {
    let server = TestServer::start(engine, lazy).await;
    let client = server.app_client();
    let (deleted, other) = (client.sign_up().await, client.sign_up().await);
    let subject = client.subject(&deleted.access).await;
    let admin = Admin::of(&server).await;
    // The store cannot know whether there is such a guest.
    assert_eq!(admin.delete(&format!("/users/{subject}")).await.status, 404);
    expect_dead(&server, &client, &deleted, "deleted").await;
    client.refresh(&other.refresh).await.expect(200);
}
