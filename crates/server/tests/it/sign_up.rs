//! `POST /api/anonymous_user/signup`: every case, its limits, and what is charged to them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    guest_journey::promote,
    support::{Engine, Http, Reply, TestServer, altered, on_both_engines},
};

const SIGN_UP: &str = "/api/anonymous_user/signup";
const WITHOUT_GUESTS: &str = "Anonymous user is not supported by the client application type. Try using SPA, \
     Traditional Web App, or Native App client types if applicable.";
const TAKEN_FOR_MEMBER: &str = "user logged in as normal user";

fn token_mode(client_id: &str, refresh_token: Option<&str>) -> Value {
    let mut body = json!({ "session_type": "refresh_token", "client_id": client_id });
    if let Some(token) = refresh_token {
        body["refresh_token"] = token.into();
    }
    body
}

fn members(result: &Value) -> Vec<&str> {
    let mut names: Vec<_> = result.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

async fn token_mode_makes_a_guest_and_lets_the_same_one_go_on(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, http) = (server.app_client(), server.http());
    let reply = http.post_json(SIGN_UP, &token_mode("web", None)).await;
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("set-cookie"), None);
    let first = reply.result();
    assert_eq!(members(&first), ["access_token", "expires_in", "refresh_token", "token_type"]);
    assert_eq!((&first["token_type"], &first["expires_in"]), (&json!("Bearer"), &json!(1800)));
    let sub = client.subject(first["access_token"].as_str().expect("a token")).await;

    let again = http.post_json(SIGN_UP, &token_mode("web", first["refresh_token"].as_str())).await.result();
    assert_eq!(members(&again), ["access_token", "expires_in", "token_type"]);
    assert_eq!(client.subject(again["access_token"].as_str().expect("a token")).await, sub);
    // The Web SDK sends an empty one when it has none.
    let other = http.post_json(SIGN_UP, &token_mode("web", Some(""))).await.result();
    assert_ne!(client.subject(other["access_token"].as_str().expect("a token")).await, sub);
}

async fn token_mode_refuses_what_it_cannot_serve(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, http) = (server.app_client(), server.http());
    let guest = client.sign_up().await;
    let (mut browser, mut mailbox) = (server.browser(), server.mailbox());
    let other = client.sign_up().await;
    promote(&client, &other, &mut browser, &mut mailbox, "member@shop.example").await;
    let wrong_secret = altered(&guest.refresh);
    let invalid_token = "invalid refresh token";
    for (client_id, token, message) in [
        ("nobody", None, "invalid client ID"),
        ("", None, "invalid client ID"),
        ("backend", None, WITHOUT_GUESTS),
        ("partner", None, WITHOUT_GUESTS),
        ("machine", None, WITHOUT_GUESTS),
        ("web", Some(other.refresh.as_str()), TAKEN_FOR_MEMBER),
        ("web", Some("nonsense"), invalid_token),
        ("web", Some(&wrong_secret), invalid_token),
        ("web", Some("01234567-89ab-7def-8123-456789abcdef.0123456789abcdef0123456789abcdef"), invalid_token),
        ("web", Some(&guest.access), invalid_token),
        // A token belongs to its application.
        ("blog", Some(&guest.refresh), invalid_token),
    ] {
        let reply = http.post_json(SIGN_UP, &token_mode(client_id, token)).await;
        reply.expect_api_error(400, "Invalid", "Invalid", message);
    }
}

async fn cookie_mode_makes_a_guest_once_per_browser(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut browser = server.browser();
    // The Web SDK sends its client ID, which cookies do not need.
    let body = json!({ "session_type": "cookie", "client_id": "web" });
    let reply = browser.fetch_json(SIGN_UP, &body).await;
    let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().map(|c| c.to_str().expect("text")).collect();
    let [session, strict] = cookies.as_slice() else { panic!("two cookies, not {cookies:?}") };
    assert!(
        session.starts_with("session=") && session.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=31449600"),
        "{session}"
    );
    assert_eq!(*strict, "same_site_strict=true; HttpOnly; SameSite=Strict; Path=/; Max-Age=31449600");
    // Truthy, or the SDK throws.
    assert_eq!(reply.result(), json!({}));
    let sub = browser.fetch("/oauth2/userinfo").await.expect(200).json()["sub"].clone();

    let again = browser.fetch_json(SIGN_UP, &json!({ "session_type": "cookie" })).await;
    assert_eq!(again.header("set-cookie"), None);
    assert_eq!(again.result(), json!({}));
    assert_eq!(browser.fetch("/oauth2/userinfo").await.expect(200).json()["sub"], sub);
}

async fn cookie_mode_refuses_a_member_and_replaces_a_dead_cookie(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    browser.fetch_json(SIGN_UP, &json!({ "session_type": "cookie" })).await.result();
    crate::promotion::promote_by_cookie(&client, &mut browser, &mut mailbox, "kim@shop.example").await;
    let reply = browser.fetch_json(SIGN_UP, &json!({ "session_type": "cookie" })).await;
    reply.expect_api_error(400, "Invalid", "Invalid", TAKEN_FOR_MEMBER);

    browser.set_cookie("session", "01234567-89ab-7def-8123-456789abcdef.0123456789abcdef0123456789abcdef");
    browser.fetch_json(SIGN_UP, &json!({ "session_type": "cookie" })).await.result();
    let info = browser.fetch("/oauth2/userinfo").await.expect(200).json();
    assert_eq!(info["https://authgear.com/claims/user/is_anonymous"], true);
}

async fn a_bearer_token_changes_nothing(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, http) = (server.app_client(), server.http());
    let guest = client.sign_up().await;
    for bearer in [guest.access.as_str(), "stale", ""] {
        let with_bearer = |body: Value| Reply::of(http.request(Method::POST, SIGN_UP).bearer_auth(bearer).json(&body));
        let tokens = with_bearer(token_mode("web", None)).await.result();
        assert_eq!(members(&tokens), ["access_token", "expires_in", "refresh_token", "token_type"]);
        let reply = with_bearer(json!({ "session_type": "cookie" })).await;
        assert!(reply.header("set-cookie").is_some(), "a bearer-only caller has no cookie session");
        reply.result();
    }
}

async fn switches_of_the_project_close_sign_up(engine: Engine) {
    let off = TestServer::start(engine, |setup| setup.set("authentication.identities", vec!["login_id"])).await;
    let closed = TestServer::start(engine, |setup| setup.set("authentication.public_signup_disabled", true)).await;
    for body in [token_mode("web", None), json!({ "session_type": "cookie" })] {
        let reply = off.http().post_json(SIGN_UP, &body).await;
        reply.expect_api_error(400, "Invalid", "Invalid", "anonymous user disallowed");
        let reply = closed.http().post_json(SIGN_UP, &body).await;
        reply.expect_api_error(403, "Forbidden", "NoPublicSignup", "public signup is disabled");
    }
}

async fn the_clients_lifetime_is_what_expires_in_says(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set_client("web", "access_token_lifetime_seconds", 600);
        setup.set_client("blog", "issue_jwt_access_token", true);
    })
    .await;
    let result = server.http().post_json(SIGN_UP, &token_mode("web", None)).await.result();
    assert_eq!(result["expires_in"], 600);
    let token = result["access_token"].as_str().expect("a token");
    server.clock.advance_seconds(600);
    server.app_client().user_info(token).await.expect(200);
    server.clock.advance_seconds(1);
    server.app_client().user_info(token).await.expect_oauth_error(401, "invalid_grant", "invalid session");

    let jwt = server.other_client().sign_up().await.access;
    assert_eq!(jwt.split('.').count(), 3, "a JWT: {jwt}");
    server.other_client().user_info(&jwt).await.expect(200);
}

/// Signs up from an address, as the trusted proxy reports it.
async fn sign_up_from(http: &Http, forwarded: &str) -> Reply {
    let request = http.request(Method::POST, SIGN_UP).header("x-forwarded-for", forwarded);
    Reply::of(request.json(&token_mode("web", None))).await
}

fn few_guests(setup: &mut crate::support::Setup) {
    setup.set("authentication.rate_limits.signup_anonymous.per_ip.burst", 3);
}

async fn sixty_guests_a_minute_come_from_one_address(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let http = server.http();
    for _ in 0..60 {
        http.post_json(SIGN_UP, &token_mode("web", None)).await.expect(200);
    }
    let reply = http.post_json(SIGN_UP, &token_mode("web", None)).await;
    assert_eq!(reply.header("retry-after"), Some("1"));
    let reply = reply.expect_api_error(429, "TooManyRequest", "RateLimited", "request rate limited");
    assert_eq!(
        reply.json()["error"]["info"],
        json!({
            "rate_limit": { "name": "authentication.signup_anonymous.per_ip", "group": "authentication.signup_anonymous" },
            "rate_limit_name": "authentication.signup_anonymous",
            "bucket_name": "SignupAnonymousPerIP",
        })
    );
    // Cookie mode uses the same bucket; an existing guest does not.
    http.post_json(SIGN_UP, &json!({ "session_type": "cookie" })).await.expect(429);
    server.clock.advance_seconds(1);
    let guest = http.post_json(SIGN_UP, &token_mode("web", None)).await.result();
    http.post_json(SIGN_UP, &token_mode("web", None)).await.expect(429);
    http.post_json(SIGN_UP, &token_mode("web", guest["refresh_token"].as_str())).await.expect(200);
}

async fn a_disabled_limit_allows_every_request(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        few_guests(setup);
        setup.set("authentication.rate_limits.signup_anonymous.per_ip.enabled", false);
    })
    .await;
    for _ in 0..10 {
        server.http().post_json(SIGN_UP, &token_mode("web", None)).await.expect(200);
    }
}

async fn an_ipv6_network_counts_once_and_untrusted_headers_do_not(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        few_guests(setup);
        setup.configure("server.trusted_proxies", "127.0.0.0/8, 10.0.0.0/8");
    })
    .await;
    let http = server.http();
    for address in ["2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:db8:1:2:3:4:5:6"] {
        sign_up_from(&http, address).await.expect(200);
    }
    sign_up_from(&http, "2001:db8:1:2::99").await.expect(429);
    sign_up_from(&http, "2001:db8:1:3::1").await.expect(200);
    // Values left of our own proxies may be forged.
    for liar in ["1.1.1.1", "2.2.2.2", "3.3.3.3"] {
        sign_up_from(&http, &format!("{liar}, 203.0.113.9, 10.1.2.3")).await.expect(200);
    }
    sign_up_from(&http, "4.4.4.4, 203.0.113.9, 10.1.2.3").await.expect(429);
    // An IPv4 address written as IPv6 is the same address.
    sign_up_from(&http, "::ffff:203.0.113.9").await.expect(429);
}

async fn without_a_trusted_proxy_forwarding_headers_mean_nothing(engine: Engine) {
    let server = TestServer::start(engine, few_guests).await;
    for address in ["203.0.113.1", "203.0.113.2", "203.0.113.3"] {
        sign_up_from(&server.http(), address).await.expect(200);
    }
    sign_up_from(&server.http(), "203.0.113.4").await.expect(429);
}

async fn promotion_is_not_charged_to_the_sign_up_limit(engine: Engine) {
    let server = TestServer::start(engine, few_guests).await;
    let (client, mut mailbox) = (server.app_client(), server.mailbox());
    let mut guests = Vec::new();
    for _ in 0..3 {
        guests.push(client.sign_up().await);
    }
    server.http().post_json(SIGN_UP, &token_mode("web", None)).await.expect(429);
    for (number, guest) in guests.iter().enumerate() {
        let mut browser = server.browser();
        promote(&client, guest, &mut browser, &mut mailbox, &format!("kim{number}@shop.example")).await;
        client.finish(browser.at_app()).await;
    }
}

on_both_engines!(
    token_mode_makes_a_guest_and_lets_the_same_one_go_on,
    token_mode_refuses_what_it_cannot_serve,
    cookie_mode_makes_a_guest_once_per_browser,
    cookie_mode_refuses_a_member_and_replaces_a_dead_cookie,
    a_bearer_token_changes_nothing,
    switches_of_the_project_close_sign_up,
    the_clients_lifetime_is_what_expires_in_says,
    sixty_guests_a_minute_come_from_one_address,
    a_disabled_limit_allows_every_request,
    an_ipv6_network_counts_once_and_untrusted_headers_do_not,
    without_a_trusted_proxy_forwarding_headers_mean_nothing,
    promotion_is_not_charged_to_the_sign_up_limit,
);
