//! The resolver: its headers, the precedence of credentials, and a proxy's requirements.

use reqwest::{Method, header};
use serde_json::json;

use super::lifetimes::{sign_up_cookie, user_info_by_cookie};
use crate::{
    account::Scene,
    support::{Admin, Engine, Reply, TestServer, altered, on_both_engines},
    token_reach::third_party_token,
};

const PATH: &str = "/_resolver/resolve";

pub(crate) async fn resolve(server: &TestServer, path: &str, bearer: Option<&str>, cookie: Option<&str>) -> Reply {
    let mut request = server.http().request(Method::GET, path);
    if let Some(bearer) = bearer {
        request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
    }
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    Reply::of(request).await
}

fn reported<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply.header(&format!("x-authgear-{name}"))
}

async fn it_says_who_a_guest_and_a_member_is(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    let guest = client.sign_up().await;
    let sub = client.subject(&guest.access).await;
    let since = server.clock.now().as_seconds().to_string();
    let reply = resolve(&server, PATH, Some(&guest.access), None).await.expect(200);
    assert_eq!(reply.body, "");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    for (name, value) in [
        ("session-valid", Some("true")),
        ("user-id", Some(sub.as_str())),
        ("user-anonymous", Some("true")),
        ("user-verified", Some("false")),
        ("user-can-reauthenticate", Some("false")),
        ("user-roles", None),
        ("session-amr", Some("")),
        ("session-authenticated-at", Some(since.as_str())),
    ] {
        assert_eq!(reported(&reply, name), value, "{name}");
    }
    crate::guest_journey::promote(&client, &guest, &mut browser, &mut mailbox, "kim@shop.example").await;
    let member = client.finish(browser.at_app()).await;
    let reply = resolve(&server, PATH, Some(&member.access), None).await.expect(200);
    for (name, value) in [
        ("session-valid", "true"),
        ("user-id", sub.as_str()),
        ("user-anonymous", "false"),
        ("user-verified", "true"),
        ("user-can-reauthenticate", "true"),
    ] {
        assert_eq!(reported(&reply, name), Some(value), "{name}");
    }
    let head = Reply::of(server.http().request(Method::HEAD, PATH).bearer_auth(&member.access)).await.expect(200);
    assert_eq!(reported(&head, "user-id"), Some(sub.as_str()));
}

async fn the_first_live_credential_wins_and_dead_ones_are_said_to_be_dead(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let (guest, cookie) = (client.sign_up().await, sign_up_cookie(&server).await);
    let by_token = client.subject(&guest.access).await;
    let by_cookie = user_info_by_cookie(&server, &cookie).await.json()["sub"].as_str().expect("a sub").to_string();
    let bad_cookie = altered(&cookie);
    // bearer, cookie, valid, user, clears the cookie
    let table = [
        (None, None, None, None, false),
        (Some(""), None, None, None, false),
        (Some(guest.access.as_str()), None, Some("true"), Some(&by_token), false),
        (Some(&guest.access), Some(cookie.as_str()), Some("true"), Some(&by_token), false),
        (Some("bad"), Some(&cookie), Some("true"), Some(&by_cookie), false),
        (None, Some(&cookie), Some("true"), Some(&by_cookie), false),
        (Some("bad"), None, Some("false"), None, false),
        (None, Some(&bad_cookie), Some("false"), None, true),
        (Some("bad"), Some(&bad_cookie), Some("false"), None, true),
        (Some(&guest.access), Some(&bad_cookie), Some("true"), Some(&by_token), false),
    ];
    for (number, (bearer, cookie, valid, user, clears)) in table.into_iter().enumerate() {
        let reply = resolve(&server, PATH, bearer, cookie).await.expect(200);
        assert_eq!(reported(&reply, "session-valid"), valid, "row {number}");
        assert_eq!(reported(&reply, "user-id"), user.map(String::as_str), "row {number}");
        assert_eq!(reply.headers.contains_key("set-cookie"), clears, "row {number}");
    }
    client.revoke(&guest.refresh).await.expect(200);
    let reply = resolve(&server, PATH, Some(&guest.access), None).await.expect(200);
    assert_eq!(reported(&reply, "session-valid"), Some("false"), "a revocation counts at once");
}

/// It stands for its application, with the scopes of the consent, and not for the member at the operator's backend.
async fn a_third_partys_token_is_no_session(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let token = third_party_token(&mut scene).await;
    scene.client.user_info(&token).await.expect(200);
    let reply = resolve(&scene.server, PATH, Some(&token), None).await.expect(200);
    assert_eq!((reported(&reply, "session-valid"), reported(&reply, "user-id")), (Some("false"), None));
    for demand in ["session", "member"] {
        let reply = resolve(&scene.server, &format!("{PATH}?require={demand}"), Some(&token), None).await.expect(401);
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    // The member's own cookie counts beside it.
    let cookie = format!("session={}", scene.browser.cookie("session").expect("a session"));
    let reply = resolve(&scene.server, PATH, Some(&token), Some(&cookie)).await.expect(200);
    assert_eq!(reported(&reply, "user-id"), Some(scene.sub.as_str()));
    let reply = resolve(&scene.server, &format!("{PATH}?require=member"), Some(&scene.tokens.access), None).await;
    assert_eq!(reported(&reply.expect(200), "user-id"), Some(scene.sub.as_str()));
}

async fn the_guest_that_a_member_was_does_not_prove_the_member(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let cookie = sign_up_cookie(&server).await;
    let of_cookie = user_info_by_cookie(&server, &cookie).await.json()["sub"].as_str().expect("a sub").to_string();
    let (admin, member) = (Admin::of(&server).await, format!("{PATH}?require=member"));
    for (sub, address) in [(client.subject(&guest.access).await, "a@shop.test"), (of_cookie, "b@shop.test")] {
        let promotion = json!({"login_id": {"type": "email", "value": address, "is_verified": true}});
        admin.post(&format!("/users/{sub}/promote"), &promotion).await.expect(200);
    }
    for (bearer, cookie) in [(Some(guest.access.as_str()), None), (None, Some(cookie.as_str()))] {
        let reply = resolve(&server, PATH, bearer, cookie).await.expect(200);
        assert_eq!(reported(&reply, "user-anonymous"), Some("false"), "the Admin API ends no session");
        let reply = resolve(&server, &member, bearer, cookie).await.expect(401);
        let challenge = reply.header("www-authenticate").expect("a challenge");
        assert!(challenge.starts_with("Bearer error=\"insufficient_user_authentication\""), "{challenge}");
    }
}

async fn every_method_is_answered_alike_and_counts_as_a_use(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.set("session.idle_timeout_seconds", 1_000)).await;
    let cookie = sign_up_cookie(&server).await;
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        // Each use keeps the session alive for the next.
        server.clock.advance_seconds(900);
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request = server.http().request(method.clone(), PATH).header(header::COOKIE, &cookie);
        let reply = Reply::of(request).await.expect(200);
        assert_eq!(reported(&reply, "session-valid"), Some("true"), "{method}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{method}");
    }
}

async fn a_proxy_can_demand_a_session_or_a_member(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let session = format!("{PATH}?require=session");
    let member = format!("{PATH}?require=member");
    resolve(&server, &session, Some(&guest.access), None).await.expect(200);
    for path in [&session, &member] {
        for bearer in [None, Some("bad")] {
            let reply = resolve(&server, path, bearer, None).await.expect(401);
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
    }
    let reply = resolve(&server, &member, Some(&guest.access), None).await.expect(401);
    let challenge = reply.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("Bearer error=\"insufficient_user_authentication\""), "{challenge}");
    assert_eq!(reported(&reply, "user-anonymous"), Some("true"));
    for typing_error in ["?require=members", "?requires=member", "?require=member&x=1"] {
        resolve(&server, &format!("{PATH}{typing_error}"), Some(&guest.access), None).await.expect(400);
    }
}

on_both_engines!(
    it_says_who_a_guest_and_a_member_is,
    the_first_live_credential_wins_and_dead_ones_are_said_to_be_dead,
    a_third_partys_token_is_no_session,
    the_guest_that_a_member_was_does_not_prove_the_member,
    every_method_is_answered_alike_and_counts_as_a_use,
    a_proxy_can_demand_a_session_or_a_member,
);
