//! `POST /api/anonymous_user/promotion_code`

use serde_json::{Value, json};

use crate::{
    guest_journey::{identify, promote},
    promotion::cookie_promotion_url,
    support::{AppClient, Browser, Engine, TestServer, Tokens, on_both_engines},
};

const PATH: &str = "/api/anonymous_user/promotion_code";

fn token_mode(refresh_token: Option<&str>) -> Value {
    let mut body = json!({ "session_type": "refresh_token" });
    if let Some(token) = refresh_token {
        body["refresh_token"] = token.into();
    }
    body
}

async fn a_guest_gets_a_code_for_five_minutes(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, http, mut browser) = (server.app_client(), server.http(), server.browser());
    let guest = client.sign_up().await;
    let by_token = http.post_json(PATH, &token_mode(Some(&guest.refresh))).await.result();
    browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
    let by_cookie = browser.fetch_json(PATH, &json!({ "session_type": "cookie" })).await.result();
    for result in [&by_token, &by_cookie] {
        assert_eq!(result.as_object().expect("an object").len(), 2);
        let code = result["promotion_code"].as_str().expect("a code");
        assert!(
            code.len() >= 32 && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')),
            "{code}"
        );
        // Always with fraction digits: one SDK's decoder requires them.
        assert_eq!(result["expire_at"], "2030-05-01T08:05:00.000Z");
    }
    let second = http.post_json(PATH, &token_mode(Some(&guest.refresh))).await.result();
    assert_ne!(second["promotion_code"], by_token["promotion_code"]);
}

async fn what_is_no_guest_gets_the_documented_refusal(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set_client("blog", "anonymous_scopes", vec!["openid", "offline_access"]);
    })
    .await;
    let (client, http, mut browser, mut mailbox) =
        (server.app_client(), server.http(), server.browser(), server.mailbox());
    let guest = client.sign_up().await;
    let narrow = server.other_client().sign_up().await;
    promote(&client, &guest, &mut browser, &mut mailbox, "kim@shop.example").await;
    for (token, status, name, message) in [
        (None, 401, "Unauthorized", "authentication required"),
        (Some(""), 401, "Unauthorized", "authentication required"),
        // Not `InvalidGrant`, which would make the SDK drop its session.
        (Some("nonsense"), 403, "Forbidden", "invalid refresh token"),
        (
            Some("01234567-89ab-7def-8123-456789abcdef.0123456789abcdef0123456789abcdef"),
            403,
            "Forbidden",
            "invalid refresh token",
        ),
        (Some(guest.access.as_str()), 403, "Forbidden", "invalid refresh token"),
        (Some(narrow.refresh.as_str()), 403, "Forbidden", "full-access scope is required"),
        (Some(guest.refresh.as_str()), 400, "Invalid", "user logged in as normal user"),
    ] {
        http.post_json(PATH, &token_mode(token)).await.expect_api_error(status, name, name, message);
    }
    let cookie = json!({ "session_type": "cookie" });
    let reply = http.post_json(PATH, &cookie).await;
    reply.expect_api_error(401, "Unauthorized", "Unauthorized", "authentication required");
    let mut browser = server.browser();
    browser.set_cookie("session", "nonsense");
    let reply = browser.fetch_json(PATH, &cookie).await;
    reply.expect_api_error(401, "Unauthorized", "Unauthorized", "authentication required");
    browser.fetch_json("/api/anonymous_user/signup", &cookie).await.result();
    crate::promotion::promote_by_cookie(&client, &mut browser, &mut mailbox, "lee@shop.example").await;
    let reply = browser.fetch_json(PATH, &cookie).await;
    reply.expect_api_error(400, "Invalid", "Invalid", "user logged in as normal user");
}

/// A code of a token guest or a cookie guest, and the credential with which to end its session.
async fn make_code(server: &TestServer, by_cookie: bool) -> (String, Browser, Option<Tokens>) {
    let (client, mut browser) = (server.app_client(), server.browser());
    if by_cookie {
        browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
        return (cookie_promotion_url(&client, &mut browser).await, browser, None);
    }
    let guest = client.sign_up().await;
    (client.promotion_url(&client.promotion_code(&guest).await), browser, Some(guest))
}

async fn end_session(client: &AppClient, browser: &Browser, guest: Option<&Tokens>) {
    match guest {
        Some(guest) => {
            client.revoke(&guest.refresh).await.expect(200);
        }
        None => {
            let mut tab = browser.clone();
            tab.open("/logout").await;
            tab.press("Sign out").await;
        }
    }
}

async fn a_code_of_a_session_that_has_ended_is_worthless(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut mailbox) = (server.app_client(), server.mailbox());
    for by_cookie in [false, true] {
        // It ends before the page is opened.
        let (url, mut browser, guest) = make_code(&server, by_cookie).await;
        end_session(&client, &browser, guest.as_ref()).await;
        browser.open(&url).await;
        browser.expect_page(400, "This link has expired");
        // It ends while the first page is open.
        let (url, mut browser, guest) = make_code(&server, by_cookie).await;
        browser.open(&url).await;
        end_session(&client, &browser, guest.as_ref()).await;
        identify(&mut browser, "kim@shop.example").await;
        if !browser.reply().status.eq(&410) {
            browser.fill("Code", &mailbox.next_code("kim@shop.example").await);
            browser.press("Confirm").await;
        }
        browser.expect_page(410, "We could not find your guest session");
        // It ends while the code is on its way.
        let (url, mut browser, guest) = make_code(&server, by_cookie).await;
        browser.open(&url).await;
        identify(&mut browser, "kim@shop.example").await;
        end_session(&client, &browser, guest.as_ref()).await;
        browser.fill("Code", &mailbox.next_code("kim@shop.example").await);
        browser.press("Confirm").await;
        browser.expect_page(410, "We could not find your guest session");
    }
    assert!(server.events("user.anonymous.promoted").await.is_empty());
}

async fn who_signs_out_while_joining_is_not_promoted(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
    browser.open("/settings/promote").await;
    identify(&mut browser, "kim@shop.example").await;
    end_session(&client, &browser, None).await;
    browser.fill("Code", &mailbox.next_code("kim@shop.example").await);
    browser.press("Confirm").await;
    browser.expect_page(410, "We could not find your guest session");
    assert!(server.events("user.anonymous.promoted").await.is_empty());
}

on_both_engines!(
    a_code_of_a_session_that_has_ended_is_worthless,
    a_guest_gets_a_code_for_five_minutes,
    what_is_no_guest_gets_the_documented_refusal,
    who_signs_out_while_joining_is_not_promoted,
);
