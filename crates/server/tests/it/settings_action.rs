//! Settings actions: the requests of the Web SDK's `startChangePassword` and similar calls, from the app to the account
//! page and back.

use serde_json::json;
use url::Url;

use crate::{
    account::{KIM, PASSWORD, Scene},
    support::{Browser, Engine, Tokens, on_both_engines, query},
};

const GRANT: &str = "urn:authgear:params:oauth:grant-type:settings-action";

impl Scene {
    /// The URL that an SDK opens for an action; `more` replaces or adds parameters.
    pub(crate) async fn action_url(&self, tokens: &Tokens, action: &str, more: &[(&str, &str)]) -> String {
        let body = json!({ "refresh_token": tokens.refresh });
        let token = self.client.http.post_json("/oauth2/app_session_token", &body).await.result();
        let token = token["app_session_token"].as_str().expect("a token").to_string();
        let pairs = [("type", "app_session_token"), ("app_session_token", token.as_str())];
        let hint: String = Url::parse_with_params("https://authgear.com/login_hint", pairs).expect("a URL").into();
        let id_token = tokens.id.clone().expect("an ID token");
        let mut parameters = vec![
            ("response_type", "urn:authgear:params:oauth:response-type:settings-action"),
            ("scope", "openid https://authgear.com/scopes/full-access"),
            ("state", "s 1"),
            ("login_hint", &hint),
            ("id_token_hint", &id_token),
            ("x_settings_action", action),
            ("x_settings_action_query", "q_login_id=undefined"),
        ];
        parameters.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        parameters.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        self.client.authorize_url(&parameters)
    }

    pub(crate) async fn start(&self, action: &str, more: &[(&str, &str)]) -> Browser {
        let mut browser = self.server.browser();
        browser.open(&self.action_url(&self.tokens, action, more).await).await;
        browser
    }

    /// What `finishSettingsAction` does with the landing URL: redeems the code once and gets `{}`.
    pub(crate) async fn expect_finished(&self, landing: &Url) {
        assert_eq!(query(landing, "state").as_deref(), Some("s 1"));
        let code = query(landing, "code").unwrap_or_else(|| panic!("no code in {landing}"));
        let as_login = self.client.exchange(&code).await;
        as_login.expect_oauth_error(400, "invalid_grant", "invalid authorization code");
        let wrong = [("grant_type", GRANT), ("code_verifier", "an-other-verifier-0123456789-0123456789-01234")];
        self.client.exchange_with(&code, &wrong).await.expect(400);
        let reply = self.client.exchange_with(&code, &[("grant_type", GRANT)]).await.expect(200);
        assert_eq!(reply.body, "{}");
        self.client.exchange_with(&code, &[("grant_type", GRANT)]).await.expect(400);
    }
}

async fn an_app_has_the_password_changed(engine: Engine) {
    let scene = Scene::make(engine, |_| {}).await;
    let mut browser = scene.start("change_password", &[]).await;
    let page = browser.expect_page(200, "Change your password");
    assert!(page.links.iter().any(|(text, _)| text == "Back to Corner Shop"), "{:?}", page.links);
    browser.fill("Current password", PASSWORD);
    browser.fill("New password", "another quiet harbour");
    browser.press("Save password").await;
    let landing = browser.at_app().clone();
    scene.expect_finished(&landing).await;
    assert_eq!(browser.cookie("session"), None, "an app's window leaves no session of its own");
    // The requesting session continues.
    scene.client.refresh(&scene.tokens.refresh).await.expect(200);
}

async fn an_app_has_login_ids_added_and_changed(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut browser = scene.start("add_phone", &[]).await;
    browser.expect_page(200, "Add a phone number");
    browser.fill("Phone number", "+49 1512 3456789");
    browser.press("Continue").await;
    browser.fill("Code", &scene.mailbox.next_code("+4915123456789").await);
    browser.press("Confirm").await;
    scene.expect_finished(browser.at_app()).await;

    let mut browser = scene.start("add_username", &[]).await;
    browser.fill("Username", "kim_o");
    browser.press("Continue").await;
    scene.expect_finished(browser.at_app()).await;

    let mut browser =
        scene.start("change_email", &[("x_settings_action_query", "q_login_id=Kim%40shop.example")]).await;
    let page = browser.expect_page(200, "Change your email address");
    assert!(page.text.contains(KIM));
    browser.fill("Email address", "kim@new.example");
    browser.press("Continue").await;
    browser.fill("Code", &scene.mailbox.next_code("kim@new.example").await);
    browser.press("Confirm").await;
    scene.expect_finished(browser.at_app()).await;
    let info = scene.client.user_info(&scene.tokens.access).await.expect(200).json();
    assert_eq!((&info["email"], &info["preferred_username"]), (&json!("kim@new.example"), &json!("kim_o")));

    let mut browser = scene.start("change_username", &[]).await;
    browser.fill("Username", "kim");
    browser.press("Continue").await;
    scene.expect_finished(browser.at_app()).await;
}

async fn an_app_has_the_account_deleted(engine: Engine) {
    let scene = Scene::make(engine, |_| {}).await;
    scene.server.clock.advance_seconds(400);
    let mut browser = scene.start("delete_account", &[]).await;
    browser.expect_page(200, "Confirm that it’s you");
    browser.fill("Password", PASSWORD);
    browser.press("Continue").await;
    browser.expect_page(200, "Delete your account?");
    browser.fill(&format!("To confirm, type {KIM}"), KIM);
    browser.press("Delete my account").await;
    scene.expect_finished(browser.at_app()).await;
    assert_eq!(browser.cookie("app_session"), None);
    scene.client.user_info(&scene.tokens.access).await.expect(401);
}

async fn going_back_returns_a_cancellation_to_the_app(engine: Engine) {
    let scene = Scene::make(engine, |_| {}).await;
    let browser = scene.start("add_email", &[]).await;
    browser.expect_page(200, "Add an email address");
    let page = browser.page();
    let back = page.links.iter().find(|(text, _)| text == "Back to Corner Shop").expect("a way back").1.clone();
    let back = Url::parse(&back).expect("an address of the app");
    assert_eq!(query(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(query(&back, "state").as_deref(), Some("s 1"));
}

async fn what_cannot_be_ordered_goes_back_to_the_app_at_once(engine: Engine) {
    let scene = Scene::make(engine, |_| {}).await;
    for (action, more, error) in [
        ("", &[][..], "invalid_request"),
        ("link_oauth", &[], "invalid_request"),
        ("change_phone", &[], "invalid_request"),
        ("change_email", &[("x_settings_action_query", "q_login_id=lee%40shop.example")], "invalid_request"),
        ("change_password", &[("login_hint", "")], "login_required"),
        ("change_password", &[("id_token_hint", "nonsense")], "login_required"),
        ("change_password", &[("scope", "https://authgear.com/scopes/full-access")], "invalid_scope"),
    ] {
        let browser = scene.start(action, more).await;
        assert_eq!(query(browser.at_app(), "error").as_deref(), Some(error), "{action} {more:?}");
    }
    let guest = scene.client.sign_up().await;
    let guest = Tokens { id: scene.tokens.id.clone(), ..guest };
    let mut browser = scene.server.browser();
    browser.open(&scene.action_url(&guest, "change_password", &[("id_token_hint", "")]).await).await;
    assert_eq!(query(browser.at_app(), "error").as_deref(), Some("access_denied"));
    // One member's tokens with another's hint: rejected.
    browser.open(&scene.action_url(&guest, "change_password", &[]).await).await;
    assert_eq!(query(browser.at_app(), "error").as_deref(), Some("login_required"));
}

async fn a_settings_action_runs_once_and_its_token_works_once(engine: Engine) {
    let scene = Scene::make(engine, |_| {}).await;
    let url = scene.action_url(&scene.tokens, "add_username", &[]).await;
    let mut browser = scene.server.browser();
    browser.open(&url).await;
    let page = browser.url().to_string();
    browser.fill("Username", "kim_o");
    browser.press("Continue").await;
    browser.at_app();
    browser.open(&format!("{}{}", scene.server.origin, page.trim_start_matches(&scene.server.origin))).await;
    assert_eq!(browser.reply().status, 410);
    let mut other = scene.server.browser();
    other.open(&url).await;
    assert_eq!(query(other.at_app(), "error").as_deref(), Some("login_required"));
}

async fn a_cookie_session_can_run_a_settings_action_too(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let url = scene.action_url(&scene.tokens, "change_password", &[("login_hint", "")]).await;
    scene.browser.open(&url).await;
    scene.browser.expect_page(200, "Change your password");
}

on_both_engines!(
    an_app_has_the_password_changed,
    an_app_has_login_ids_added_and_changed,
    an_app_has_the_account_deleted,
    going_back_returns_a_cancellation_to_the_app,
    what_cannot_be_ordered_goes_back_to_the_app_at_once,
    a_settings_action_runs_once_and_its_token_works_once,
    a_cookie_session_can_run_a_settings_action_too,
);
