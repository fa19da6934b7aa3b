//! `POST /oauth2/token` for codes and refresh tokens.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::Value;
use url::Url;

use crate::{
    guest_journey::{identify, promote},
    support::{AppClient, Engine, Reply, TestServer, Tokens, on_both_engines, query},
};

const TOKEN: &str = "/oauth2/token";

/// Promotes a new guest; returns the URL of the app's callback.
pub(crate) async fn promoted(server: &TestServer, client: &AppClient, email: &str) -> (Tokens, Url) {
    let (guest, mut browser) = (client.sign_up().await, server.browser());
    promote(client, &guest, &mut browser, &mut server.mailbox(), email).await;
    (guest, browser.at_app().clone())
}

/// Signs up a new member on the pages, with these authorization parameters; returns the code.
pub(crate) async fn sign_up_member(
    server: &TestServer,
    client: &AppClient,
    more: &[(&str, &str)],
    email: &str,
) -> String {
    let mut browser = server.browser();
    browser.open(&client.authorize_url(more)).await;
    browser.follow("Create an account").await;
    browser.fill("Email address", email);
    browser.fill("Password", "violet tugboat marmalade");
    browser.press("Create account").await;
    browser.fill("Code", &server.mailbox().next_code(email).await);
    browser.press("Confirm").await;
    query(browser.at_app(), "code").expect("a code")
}

pub(crate) fn claims(jwt: &str) -> (Value, Value) {
    let parts: Vec<_> = jwt.split('.').collect();
    let read = |part: &str| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url without padding");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    (read(parts[0]), read(parts[1]))
}

async fn a_refresh_takes_fewer_scopes(engine: Engine) {
    for is_jwt in [false, true] {
        let server = TestServer::start(engine, |setup| setup.set_client("web", "issue_jwt_access_token", is_jwt)).await;
        let (client, http) = (server.app_client(), server.http());
        let full = "openid offline_access profile https://authgear.com/scopes/full-access";
        let code = sign_up_member(&server, &client, &[("scope", full)], "kim@shop.example").await;
        let tokens = Tokens::read(&client.exchange(&code).await.expect(200).json());
        let refresh = async |scope: &str| {
            let fields = [
                ("grant_type", "refresh_token"),
                ("client_id", "web"),
                ("refresh_token", tokens.refresh.as_str()),
                ("scope", scope),
            ];
            http.post_form(TOKEN, &fields).await
        };
        for wider in ["openid email", "openid nonsense"] {
            let error = refresh(wider).await.expect(400).json()["error"].clone();
            assert_eq!(error, "invalid_scope", "{wider}");
        }
        let narrow = refresh("offline_access profile").await.expect(200).json();
        assert_eq!((&narrow["scope"], narrow.get("id_token")), (&"offline_access profile".into(), None));
        let narrow = narrow["access_token"].as_str().expect("a token");
        // Without openid, it identifies nobody.
        client.user_info(narrow).await.expect(401);
        let openid = refresh("openid device_sso").await.expect(200).json();
        assert_eq!(openid["scope"], "openid");
        client.user_info(openid["access_token"].as_str().expect("a token")).await.expect(200);
        assert_eq!(refresh(full).await.expect(200).json()["scope"], full, "the grant keeps its scopes");
        let plain = client.refresh(&tokens.refresh).await.expect(200).json();
        assert_eq!(plain.get("scope"), None);
        client.user_info(plain["access_token"].as_str().expect("a token")).await.expect(200);
    }
}

async fn requests_are_refused_in_the_documented_order(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let http = server.http();
    let cases: &[(&[(&str, &str)], &str, &str)] = &[
        (&[], "invalid_client", "invalid client ID"),
        (&[("client_id", "nobody"), ("grant_type", "nonsense")], "invalid_client", "invalid client ID"),
        (&[("client_id", "web")], "unsupported_grant_type", "grant type is not supported"),
        (&[("client_id", "web"), ("grant_type", "password")], "unsupported_grant_type", "grant type is not supported"),
        (&[("client_id", "web"), ("grant_type", "authorization_code")], "invalid_request", "code is required"),
        (
            &[("client_id", "web"), ("grant_type", "authorization_code"), ("code", "x")],
            "invalid_request",
            "PKCE code verifier is required",
        ),
        (&[("client_id", "web"), ("grant_type", "refresh_token")], "invalid_request", "refresh token is required"),
        (
            &[("client_id", "backend"), ("grant_type", "refresh_token"), ("refresh_token", "x")],
            "invalid_client",
            "client secret is required",
        ),
        (
            &[
                ("client_id", "backend"),
                ("client_secret", "wrong"),
                ("grant_type", "refresh_token"),
                ("refresh_token", "x"),
            ],
            "invalid_client",
            "invalid client secret",
        ),
        (
            &[("client_id", "machine"), ("grant_type", "refresh_token"), ("refresh_token", "x")],
            "unauthorized_client",
            "grant type is not allowed for this client",
        ),
        (
            &[("client_id", "web"), ("grant_type", "client_credentials")],
            "unauthorized_client",
            "grant type is not allowed for this client",
        ),
        (
            &[("client_id", "web"), ("grant_type", "refresh_token"), ("refresh_token", "x")],
            "invalid_grant",
            "invalid refresh token",
        ),
        (
            &[("client_id", "web"), ("grant_type", "authorization_code"), ("code", "x"), ("code_verifier", "short")],
            "invalid_grant",
            "invalid authorization code",
        ),
    ];
    for (fields, error, description) in cases {
        let reply = http.post_form(TOKEN, fields).await.expect_oauth_error(400, error, description);
        assert_eq!(reply.header("pragma"), Some("no-cache"), "{fields:?}");
    }
}

async fn one_address_may_ask_120_times_a_minute(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    for _ in 0..120 {
        client.refresh("nonsense").await.expect(400);
    }
    let reply = client.refresh("nonsense").await;
    assert_eq!(reply.header("retry-after"), Some("1"));
    reply.expect_oauth_error(429, "x_rate_limited", "rate limit exceeded, please try again later.");
}

async fn live_tokens_count_for_their_users_and_failures_for_the_address(engine: Engine) {
    let server =
        TestServer::start(engine, |setup| setup.configure("rate_limits.token_requests_per_address", "2")).await;
    let client = server.app_client();
    let mut guests = Vec::new();
    for _ in 0..4 {
        guests.push(client.sign_up().await);
    }
    for guest in guests.iter().chain(&guests) {
        client.refresh(&guest.refresh).await.expect(200);
    }
    // An application that does not exist, and a token that does not.
    let forms: [&[(&str, &str)]; 2] = [
        &[("grant_type", "refresh_token"), ("client_id", "no-such"), ("refresh_token", &guests[0].refresh)],
        &[("grant_type", "refresh_token"), ("client_id", "web"), ("refresh_token", "nonsense")],
    ];
    for form in forms {
        let status = server.http().post_form(TOKEN, form).await.status;
        assert!([400, 401].contains(&status), "{status}");
    }
    for form in forms {
        server.http().post_form(TOKEN, form).await.expect(429);
    }
    for guest in &guests {
        client.refresh(&guest.refresh).await.expect(200);
    }
}

async fn one_user_may_refresh_60_times_a_minute(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let (guest, other) = (client.sign_up().await, client.sign_up().await);
    for _ in 0..60 {
        client.refresh(&guest.refresh).await.expect(200);
    }
    let reply = client.refresh(&guest.refresh).await;
    reply.expect_oauth_error(429, "x_rate_limited", "rate limit exceeded, please try again later.");
    client.refresh(&other.refresh).await.expect(200);
    server.clock.advance_seconds(1);
    client.refresh(&guest.refresh).await.expect(200);
}

async fn a_code_is_exchanged_for_the_tokens_the_scope_asked_for(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, scope) = (server.app_client(), "openid https://authgear.com/scopes/full-access");
    let full = sign_up_member(&server, &client, &[("nonce", "n-1")], "a@shop.example").await;
    let body = client.exchange(&full).await.expect(200).json();
    let mut members: Vec<_> = body.as_object().expect("an object").keys().cloned().collect();
    members.sort();
    assert_eq!(members, ["access_token", "expires_in", "id_token", "refresh_token", "token_type"]);
    assert_eq!((body["token_type"].as_str(), body["expires_in"].as_u64()), (Some("Bearer"), Some(1800)));
    let (header, id_token) = claims(body["id_token"].as_str().expect("an ID token"));
    assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some("RS256"), Some("JWT")));
    assert_eq!(id_token["iss"], server.origin.as_str());
    assert_eq!(id_token["aud"], serde_json::json!(["web"]));
    assert_eq!(id_token["nonce"], "n-1");
    assert_eq!(id_token["exp"].as_i64(), id_token["iat"].as_i64().map(|iat| iat + 300));
    assert_eq!(id_token["auth_time"], id_token["iat"]);
    assert_eq!(id_token["https://authgear.com/claims/user/is_anonymous"], false);
    assert_eq!(id_token["https://authgear.com/claims/user/can_reauthenticate"], true);
    assert_eq!(id_token.get("email"), None, "a public client's ID token carries no personal data");
    let sid = BASE64_URL_SAFE_NO_PAD.decode(id_token["sid"].as_str().expect("a sid")).expect("base64url");
    assert!(sid.starts_with(b"offline_grant:"));

    let narrow = sign_up_member(&server, &client, &[("scope", scope)], "b@shop.example").await;
    let body = client.exchange(&narrow).await.expect(200).json();
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_some(), "{body}");
    client.user_info(body["access_token"].as_str().expect("a token")).await.expect(200);
}

async fn a_code_is_worth_nothing_to_whom_it_was_not_given(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let (_, landing) = promoted(&server, &client, "kim@shop.example").await;
    let code = query(&landing, "code").expect("a code");
    let wrong_verifier = "0123456789-abcdefghijklmnopqrstuvwxyz._~XYZ";
    for (more, error, description) in [
        (("code", "nonsense"), "invalid_grant", "invalid authorization code"),
        (("client_id", "blog"), "invalid_grant", "invalid authorization code"),
        (("redirect_uri", "http://shop.test/after-login/"), "invalid_request", "invalid redirect URI"),
        (("redirect_uri", ""), "invalid_request", "invalid redirect URI"),
        (("code_verifier", ""), "invalid_request", "PKCE code verifier is required"),
        (("code_verifier", "short"), "invalid_grant", "invalid authorization code"),
        (("code_verifier", wrong_verifier), "invalid_grant", "invalid authorization code"),
    ] {
        client.exchange_with(&code, &[more]).await.expect_oauth_error(400, error, description);
    }
    // None of these redeemed it.
    client.exchange(&code).await.expect(200);
}

/// The Web SDK sends the URL on which the browser landed, without its query: that has a path.
async fn a_redirect_uri_without_a_path_works_with_the_sdk(engine: Engine) {
    let server =
        TestServer::start(engine, |setup| setup.set_client("web", "redirect_uris", vec!["http://shop.test"])).await;
    let client = AppClient { redirect_uri: "http://shop.test".into(), ..server.app_client() };
    let (_, landing) = promoted(&server, &client, "kim@shop.example").await;
    assert!(landing.as_str().starts_with("http://shop.test/?code="), "{landing}");
    let code = query(&landing, "code").expect("a code");
    for other in ["http://shop.test//", "http://shop.test/after-login", "https://shop.test/"] {
        let reply = client.exchange_with(&code, &[("redirect_uri", other)]).await;
        reply.expect_oauth_error(400, "invalid_request", "invalid redirect URI");
    }
    client.exchange_with(&code, &[("redirect_uri", "http://shop.test/")]).await.expect(200);
    let other = AppClient { redirect_uri: "http://shop.test/".into(), ..client };
    let reply = server.http().get(&other.authorize_url(&[])).await;
    assert_eq!(reply.status, 400, "the authorization request names it exactly");
}

async fn a_code_lives_five_minutes(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let (_, in_time) = promoted(&server, &client, "a@shop.example").await;
    server.clock.advance_seconds(300);
    client.finish(&in_time).await;
    let (_, too_late) = promoted(&server, &client, "b@shop.example").await;
    server.clock.advance_seconds(301);
    let reply = client.exchange(&query(&too_late, "code").expect("a code")).await;
    reply.expect_oauth_error(400, "invalid_grant", "invalid authorization code");
}

async fn refreshing_gives_new_tokens_and_leaves_the_old_ones_alive(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let sub = client.subject(&guest.access).await;
    let reply = client.refresh(&guest.refresh).await;
    assert_eq!(reply.header("pragma"), Some("no-cache"));
    let body = reply.expect(200).json();
    let mut members: Vec<_> = body.as_object().expect("an object").keys().cloned().collect();
    members.sort();
    assert_eq!(members, ["access_token", "expires_in", "id_token", "token_type"]);
    assert_eq!(client.subject(body["access_token"].as_str().expect("a token")).await, sub);
    assert_eq!(client.subject(&guest.access).await, sub);
    let (_, id_token) = claims(body["id_token"].as_str().expect("an ID token"));
    assert_eq!(id_token["sub"], *sub);
    assert_eq!(id_token["https://authgear.com/claims/user/is_anonymous"], true);
    assert_eq!(id_token.get("amr"), None, "a guest proved nothing");
}

async fn a_refresh_token_that_is_not_good_is_one_error(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let (id, secret) = guest.refresh.split_once('.').expect("two halves");
    let revoked = client.sign_up().await;
    client.revoke(&revoked.refresh).await.expect(200);
    for token in [
        "nonsense",
        ".",
        &format!("{id}."),
        &format!("{id}.{}", secret.to_uppercase()),
        &format!("{id}.{secret}x"),
        &format!("{}.{secret}", id.to_uppercase()),
        &format!("{}.{secret}", id.replace('-', "")),
        &format!("{secret}.{id}"),
        &guest.access,
        &revoked.refresh,
    ] {
        client.refresh(token).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    }
    let reply = server.other_client().refresh(&guest.refresh).await;
    reply.expect_oauth_error(400, "invalid_grant", "client id doesn't match the refresh token");
    client.refresh(&guest.refresh).await.expect(200);
}

/// An address gets into logs and histories on its way (RFC 6749 §2.3.1).
async fn what_proves_something_is_read_from_the_body_only(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let proofs = [
        "actor_token",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "device_code",
        "jwt",
        "refresh_token",
        "subject_token",
        "token",
        "x_continuation",
    ];
    for endpoint in ["token", "revoke", "introspect", "device_authorization"] {
        for name in proofs {
            let path = format!("/oauth2/{endpoint}?{name}={}", guest.refresh);
            let fields = [("grant_type", "refresh_token"), ("client_id", "web"), ("refresh_token", &guest.refresh)];
            let refused = server.http().post_form(&path, &fields).await;
            let problem = format!("send {name} in the body: the address gets into logs");
            refused.expect_oauth_error(400, "invalid_request", &problem);
        }
    }
    client.refresh(&guest.refresh).await.expect(200);
}

async fn a_client_is_read_from_the_query_too(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &guest.refresh)];
    server.http().post_form("/oauth2/token?client_id=web", &fields).await.expect(200);
    // The Android SDK ends its form with an ampersand.
    let body = format!("grant_type=refresh_token&client_id=web&refresh_token={}&", guest.refresh);
    let request = server.http().request(Method::POST, TOKEN).body(body);
    let request = request.header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    Reply::of(request).await.expect(200);
}

async fn the_guests_earlier_grant_ends_when_the_promotions_code_is_exchanged(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    let guest = client.sign_up().await;
    let code = client.promotion_code(&guest).await;
    browser.open(&client.promotion_url(&code)).await;
    identify(&mut browser, "kim@shop.example").await;
    client.refresh(&guest.refresh).await.expect(200);
    browser.fill("Code", &mailbox.next_code("kim@shop.example").await);
    browser.press("Confirm").await;
    // The response may get lost: the old tokens still work, for the guest that it was.
    let info = client.user_info(&guest.access).await.expect(200).json();
    assert_eq!(info["https://authgear.com/claims/user/is_anonymous"], true);
    client.refresh(&guest.refresh).await.expect(200);
    let member = client.finish(browser.at_app()).await;
    client.refresh(&guest.refresh).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    client.refresh(&member.refresh).await.expect(200);
    assert!(member.id.is_some());
}

on_both_engines!(
    a_refresh_takes_fewer_scopes,
    requests_are_refused_in_the_documented_order,
    one_address_may_ask_120_times_a_minute,
    live_tokens_count_for_their_users_and_failures_for_the_address,
    one_user_may_refresh_60_times_a_minute,
    a_code_is_exchanged_for_the_tokens_the_scope_asked_for,
    a_code_is_worth_nothing_to_whom_it_was_not_given,
    a_redirect_uri_without_a_path_works_with_the_sdk,
    a_code_lives_five_minutes,
    refreshing_gives_new_tokens_and_leaves_the_old_ones_alive,
    a_refresh_token_that_is_not_good_is_one_error,
    a_client_is_read_from_the_query_too,
    what_proves_something_is_read_from_the_body_only,
    the_guests_earlier_grant_ends_when_the_promotions_code_is_exchanged,
);
