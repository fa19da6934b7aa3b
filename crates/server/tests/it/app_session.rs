//! Settings links: from a refresh token to a signed-in account page in the system's browser.

use reqwest::Method;
use serde_json::json;

use crate::{
    guest_journey::identify,
    support::{Device, Engine, Platform, Reply, TestServer, on_both_engines},
};

const USER: &str = "https://authgear.com/claims/user";

async fn a_settings_link_opens_the_guests_account_page(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for platform in Platform::ALL {
        let mut device = Device::new(&server, platform);
        device.authenticate().await;
        let mut browser = server.browser();
        browser.open(&device.settings_url("/settings").await).await;
        assert_eq!(browser.url().path(), "/settings");
        assert_eq!(browser.url().query(), None, "the bare question mark is gone");
        browser.expect_page(200, "You are a guest");
        let sub_page = if platform == Platform::Flutter { "/settings/identity" } else { "/settings/identities" };
        browser.open(&device.settings_url(sub_page).await).await;
        browser.expect_page(200, "You are a guest");
    }
}

async fn a_settings_link_works_once_for_five_minutes_and_dies_with_its_grant(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::Ios);
    device.authenticate().await;
    let url = device.settings_url("/settings").await;
    let mut browser = server.browser();
    browser.open(&url).await;
    browser.expect_page(200, "You are a guest");
    let mut other = server.browser();
    other.open(&url).await;
    assert!(other.reply().status == 400 && other.cookie("app_session").is_none());
    let late = device.settings_url("/settings").await;
    server.clock.advance_seconds(301);
    other.open(&late).await;
    assert!(other.reply().status == 400 && other.cookie("app_session").is_none());
    device.log_out().await;
    browser.reload().await;
    assert_ne!(browser.page().heading, "You are a guest", "the app signed out, its window is closed");
}

async fn a_dead_refresh_token_opens_no_account_and_ends_the_apps_session(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::Android);
    device.authenticate().await;
    let target = format!("{}/oauth2/app_session_token", server.origin);
    for token in ["", "dead", "00000000-0000-7000-8000-000000000000.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        let request = device.http.request(Method::POST, "/oauth2/app_session_token");
        let request = request.header("dpop", device.proof("POST", &target)).json(&json!({"refresh_token": token}));
        Reply::of(request).await.expect_api_error(403, "Forbidden", "InvalidGrant", "invalid refresh token");
    }
    let reply = device.http.post_json("/oauth2/app_session_token", &json!({})).await;
    reply.expect_api_error(400, "Invalid", "ValidationFailed", "invalid request body");
    // Issuing is not a use of the grant: its idle timeout does not restart.
    let project = server.app.projects.find_by_id("test").expect("the project");
    let id = device.held().refresh.split('.').next().expect("an id").parse().expect("a grant id");
    let last_access = async || {
        let mut conn = server.app.store.read().await.expect("a connection");
        vestibule_store::grants::find(&mut conn, project.no, id)
            .await
            .expect("the store")
            .expect("a grant")
            .last_access_at
    };
    let before = last_access().await;
    server.clock.advance_seconds(3600);
    device.app_session_token().await.result();
    assert_eq!(last_access().await, before);
}

async fn a_guest_is_promoted_from_the_account_page(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut mailbox = server.mailbox();
    let mut device = Device::new(&server, Platform::Ios);
    let sub = device.authenticate().await;
    let mut browser = server.browser();
    browser.open(&device.settings_url("/settings").await).await;
    browser.follow("Save my progress").await;
    identify(&mut browser, "settings@shop.example").await;
    browser.fill("Code", &mailbox.next_code("settings@shop.example").await);
    browser.press("Confirm").await;
    assert_eq!(browser.url().path(), "/settings");
    browser.expect_page(200, "Sign in to see your account");
    assert_eq!(browser.cookie("session"), None, "an app's window leaves no session of its own");
    // The app gets no tokens, and what it had ends: another person may have begun the guest and sent its link.
    let refresh = device.held().refresh.clone();
    let reply = device.token(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)], true).await;
    reply.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    browser.follow("Sign in").await;
    browser.fill("Email address", "settings@shop.example");
    browser.fill("Password", "violet tugboat marmalade");
    browser.press("Sign in").await;
    browser.expect_page(200, "My account");
    let info = browser.fetch("/oauth2/userinfo").await.expect(200).json();
    assert_eq!((&info["sub"], &info[&format!("{USER}/is_anonymous")]), (&json!(sub), &json!(false)));
    browser.open("/settings/promote").await;
    assert_eq!(browser.url().path(), "/settings", "a member has nothing to promote");
}

async fn a_cookie_guest_is_promoted_from_the_account_page(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut mailbox = server.mailbox();
    let mut browser = server.browser();
    let body = json!({"session_type": "cookie", "client_id": "blog"});
    browser.fetch_json("/api/anonymous_user/signup", &body).await.result();
    let guest = browser.cookie("session").expect("a session").to_string();
    browser.open("/settings").await;
    browser.expect_page(200, "You are a guest");
    browser.follow("Save my progress").await;
    identify(&mut browser, "cookie@shop.example").await;
    browser.fill("Code", &mailbox.next_code("cookie@shop.example").await);
    browser.press("Confirm").await;
    assert_ne!(browser.cookie("session"), Some(guest.as_str()), "the session is a new one");
}

async fn leaving_the_account_page_closes_the_window_and_keeps_the_apps_session(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::ReactNative);
    device.authenticate().await;
    let mut browser = server.browser();
    browser.open(&device.settings_url("/settings").await).await;
    browser.press("Sign out").await;
    assert_eq!(browser.url().path(), "/logged-out");
    assert!(browser.cookie("app_session").is_none_or(str::is_empty));
    device.refresh().await;
}

async fn without_a_session_there_is_no_account_page(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut browser = server.browser();
    for page in ["/settings", "/settings/promote"] {
        browser.open(page).await;
        assert_ne!(browser.page().heading, "You are a guest");
        assert_eq!(browser.url().path(), "/settings");
    }
}

on_both_engines!(
    a_settings_link_opens_the_guests_account_page,
    a_settings_link_works_once_for_five_minutes_and_dies_with_its_grant,
    a_dead_refresh_token_opens_no_account_and_ends_the_apps_session,
    a_guest_is_promoted_from_the_account_page,
    a_cookie_guest_is_promoted_from_the_account_page,
    leaving_the_account_page_closes_the_window_and_keeps_the_apps_session,
    without_a_session_there_is_no_account_page,
);
