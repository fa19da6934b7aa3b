//! One browser, two users: an application's link opens its user's account page, but never replaces another user's
//! session without agreement.

use serde_json::json;

use crate::{
    account::{KIM, PASSWORD, Scene},
    support::{Browser, Device, Engine, Platform, TestServer, on_both_engines},
};

const QUESTION: &str = "Open another account?";
const GUEST: &str = "You are a guest";

/// Kim's browser, and another user's phone.
async fn meet(engine: Engine) -> (Scene, Device) {
    let scene = Scene::make(engine, |_| {}).await;
    let mut device = Device::new(&scene.server, Platform::Ios);
    device.authenticate().await;
    (scene, device)
}

async fn expect_signed_in(browser: &mut Browser, sub: &str) {
    assert_eq!(browser.fetch("/oauth2/userinfo").await.expect(200).json()["sub"], json!(sub));
}

async fn another_account_is_opened_when_the_person_agrees(engine: Engine) {
    let (mut scene, device) = meet(engine).await;
    let url = device.settings_url("/settings").await;
    for _ in 0..2 {
        // Showing the question redeems nothing.
        scene.browser.open_from_elsewhere(&url).await;
        let page = scene.browser.expect_page(200, QUESTION);
        assert!(page.text.contains(KIM) && page.text.contains("Guest"), "{}", page.text);
        assert_eq!(scene.browser.cookie("app_session"), None);
    }
    scene.browser.press("Open that account").await;
    scene.browser.expect_page(200, GUEST);
    assert_eq!(scene.browser.url().path(), "/settings");
    expect_signed_in(&mut scene.browser, &scene.sub).await;
    // Agreed once in this session: the application's next link needs no question.
    scene.browser.open(&device.settings_url("/settings").await).await;
    scene.browser.expect_page(200, GUEST);
    // Closing the page keeps Kim and the phone signed in.
    scene.browser.press("Sign out").await;
    assert_eq!(scene.browser.url().path(), "/logged-out");
    assert_eq!(scene.browser.cookie("app_session"), None);
    scene.browser.open("/settings").await;
    scene.browser.expect_page(200, "My account");
    device.user_info().await;
}

async fn who_stays_keeps_its_own_account(engine: Engine) {
    let (mut scene, device) = meet(engine).await;
    scene.browser.open_from_elsewhere(&device.settings_url("/settings").await).await;
    scene.browser.follow("Stay in my account").await;
    scene.browser.expect_page(200, "My account");
    // The question cannot be bypassed: not with an invented agreement, and not with one for another session.
    let url = device.settings_url("/settings").await;
    scene.browser.open(&url).await;
    scene.browser.forge("_csrf", "AAAAAAAAAAAAAAAAAAAAAA");
    scene.browser.press("Open that account").await;
    scene.browser.expect_page(200, QUESTION);
    let mut other = scene.server.browser();
    other.fetch_json("/api/anonymous_user/signup", &json!({"session_type": "cookie"})).await.result();
    other.open(&url).await;
    let agreement = other.page().forms[0].fields.iter().find(|(name, _)| name == "_csrf").expect("a token").1.clone();
    scene.browser.forge("_csrf", &agreement);
    scene.browser.press("Open that account").await;
    scene.browser.expect_page(200, QUESTION);
    assert_eq!(scene.browser.cookie("app_session"), None);
    scene.browser.open("/settings").await;
    scene.browser.expect_page(200, "My account");
}

async fn a_form_of_another_site_goes_on_as_a_navigation(engine: Engine) {
    let (mut scene, device) = meet(engine).await;
    let url = url::Url::parse(&device.settings_url("/settings").await).expect("a URL");
    let fields: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    // A browser sends no Lax cookie with a cross-site form.
    for more in [None, Some("_csrf"), Some("client_secret"), Some("refresh_token")] {
        let more = more.map(|name| (name.to_string(), "hidden".to_string()));
        let form: Vec<_> = fields.iter().cloned().chain(more).collect();
        let request = scene.server.http().request(reqwest::Method::POST, "/oauth2/authorize").form(&form);
        let reply = crate::support::Reply::of(request).await.expect(303);
        assert!(!reply.headers.contains_key("set-cookie"), "{reply:?}");
        let location = reply.header("location").expect("a location").to_string();
        assert!(location.starts_with("/oauth2/authorize?") && !location.contains("hidden"), "{location}");
        scene.browser.open_from_elsewhere(&location).await;
        scene.browser.expect_page(200, QUESTION);
    }
}

async fn a_session_that_begins_later_is_not_shadowed(engine: Engine) {
    let (scene, device) = meet(engine).await;
    let mut browser = scene.server.browser();
    browser.open(&device.settings_url("/settings").await).await;
    browser.expect_page(200, GUEST);
    let stale = browser.cookie("app_session").expect("an app session").to_string();
    browser.open("/settings/sign-in").await;
    browser.fill("Email address", KIM);
    browser.fill("Password", PASSWORD);
    browser.press("Sign in").await;
    browser.expect_page(200, "My account");
    // Nor is a cookie accepted that was agreed to in another session.
    let (mut kim, mut agreed) = (scene.browser.clone(), scene.browser.clone());
    agreed.open(&device.settings_url("/settings").await).await;
    agreed.press("Open that account").await;
    let agreed = agreed.cookie("app_session").expect("an app session").to_string();
    for cookie in [stale, agreed] {
        browser.set_cookie("app_session", &cookie);
        browser.open("/settings").await;
        browser.expect_page(200, "My account");
    }
    kim.open("/settings").await;
    kim.expect_page(200, "My account");
}

async fn one_application_does_not_replace_the_user_of_another(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (mut one, mut other) = (Device::new(&server, Platform::Ios), Device::new(&server, Platform::Android));
    one.authenticate().await;
    other.authenticate().await;
    let mut browser = server.browser();
    browser.open(&one.settings_url("/settings").await).await;
    browser.expect_page(200, GUEST);
    let first = browser.cookie("app_session").expect("an app session").to_string();
    browser.open(&other.settings_url("/settings").await).await;
    browser.expect_page(200, QUESTION);
    assert_eq!(browser.cookie("app_session"), Some(first.as_str()));
    // The same user again: no question.
    let mut same = browser.clone();
    same.open(&one.settings_url("/settings").await).await;
    same.expect_page(200, GUEST);
    browser.press("Open that account").await;
    browser.expect_page(200, GUEST);
    assert_ne!(browser.cookie("app_session"), Some(first.as_str()));
    // The user of the application was deleted.
    other.log_out().await;
    browser.open(&one.settings_url("/settings").await).await;
    browser.expect_page(200, GUEST);
}

async fn a_settings_action_for_another_account_asks_first(engine: Engine) {
    let scene = Scene::make(engine, |_| {}).await;
    let mut browser = scene.server.browser();
    browser.fetch_json("/api/anonymous_user/signup", &json!({"session_type": "cookie"})).await.result();
    let url = scene.action_url(&scene.tokens, "change_password", &[]).await;
    browser.open(&url).await;
    browser.expect_page(200, QUESTION);
    browser.press("Open that account").await;
    browser.expect_page(200, "Change your password");
    browser.fill("Current password", PASSWORD);
    browser.fill("New password", "another quiet harbour");
    browser.press("Save password").await;
    assert!(crate::support::query(browser.at_app(), "code").is_some());
}

on_both_engines!(
    another_account_is_opened_when_the_person_agrees,
    who_stays_keeps_its_own_account,
    a_form_of_another_site_goes_on_as_a_navigation,
    a_session_that_begins_later_is_not_shadowed,
    one_application_does_not_replace_the_user_of_another,
    a_settings_action_for_another_account_asks_first,
);
