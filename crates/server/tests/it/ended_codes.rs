//! Authorization codes and consents that were not used yet, when all sessions of their member end.

use serde_json::json;

use crate::{
    account::{KIM, PASSWORD, Scene},
    consent::{ASKS, ConsentingClient, name_partner},
    pre_hijacking::sign_in_by_cookie,
    support::{Admin, AppClient, Browser, Engine, Reply, Tokens, on_both_engines, query},
};

const NEW_PASSWORD: &str = "another quiet harbor evening";
const SHARED: [(&str, &str); 3] =
    [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", ""), ("prompt", "none")];
const SUPPRESSED: [(&str, &str); 2] = [("x_sso_enabled", "false"), ("x_suppress_idp_session_cookie", "true")];

/// The code of a sign-in with the password in another browser, which gets no cookie session.
async fn steal_code(scene: &Scene) -> String {
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    browser.fill("Email address", KIM);
    browser.fill("Password", PASSWORD);
    browser.press("Sign in").await;
    assert_eq!(browser.cookie("session"), None);
    query(browser.at_app(), "code").expect("a code")
}

/// The code of a browser's cookie session.
async fn shared_code(client: &AppClient, browser: &mut Browser) -> String {
    browser.open(&client.authorize_url(&SHARED)).await;
    query(browser.at_app(), "code").expect("a code")
}

fn expect_refused(reply: Reply) {
    reply.expect_oauth_error(400, "invalid_grant", "invalid authorization code");
}

async fn codes_end_with_all_sessions_by_an_operator(engine: Engine) {
    let scene = Scene::make(engine, |_| {}).await;
    let code = steal_code(&scene).await;
    scene.server.clock.advance_seconds(60);
    let admin = Admin::of(&scene.server).await;
    admin.delete(&format!("/users/{}/sessions", scene.sub)).await.expect(204);
    expect_refused(scene.client.exchange(&code).await);
    // One from after it is good.
    let code = steal_code(&scene).await;
    scene.client.exchange(&code).await.expect(200);
}

async fn codes_end_with_all_other_sessions_on_the_account_page(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut elsewhere = scene.server.browser();
    elsewhere.open("/settings/sign-in").await;
    elsewhere.fill("Email address", KIM);
    elsewhere.fill("Password", PASSWORD);
    elsewhere.press("Sign in").await;
    let (stolen, of_other) = (steal_code(&scene).await, shared_code(&scene.client, &mut elsewhere).await);
    let own = shared_code(&scene.client, &mut scene.browser).await;
    scene.server.clock.advance_seconds(60);
    scene.browser.open("/settings").await;
    scene.browser.press("Sign out everywhere else").await;
    assert!(scene.browser.page().text.contains("Signed out everywhere else."));
    expect_refused(scene.client.exchange(&stolen).await);
    expect_refused(scene.client.exchange(&of_other).await);
    // That of the session which stays is its own.
    let tokens = Tokens::read(&scene.client.exchange(&own).await.expect(200).json());
    scene.client.user_info(&tokens.access).await.expect(200);
}

async fn codes_end_with_a_recovery(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let code = steal_code(&scene).await;
    scene.server.clock.advance_seconds(60);
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    browser.follow("Forgot your password?").await;
    browser.fill("Email address", KIM);
    browser.press("Send a code").await;
    browser.fill("Code", &scene.mailbox.next_code(KIM).await);
    browser.press("Confirm").await;
    browser.fill("Password", NEW_PASSWORD);
    browser.press("Save password").await;
    expect_refused(scene.client.exchange(&code).await);
    // The recovery's own code is exchanged.
    let tokens = scene.client.finish(browser.at_app()).await;
    assert_eq!(scene.client.subject(&tokens.access).await, scene.sub);
}

async fn a_code_ends_with_its_session(engine: Engine) {
    let mut scene = Scene::make(engine, |setup| setup.set_client("web", "issue_jwt_access_token", true)).await;
    let code = shared_code(&scene.client, &mut scene.browser).await;
    scene.browser.open("/logout").await;
    scene.browser.press("Sign out").await;
    // A JWT would be good at backends for its lifetime.
    expect_refused(scene.client.exchange(&code).await);
    scene.sign_in(KIM, PASSWORD).await;
    sign_in_by_cookie(&scene.client, &mut scene.browser).await;
}

async fn a_consent_page_without_a_session_ends_with_all_sessions(engine: Engine) {
    let scene = Scene::make(engine, name_partner).await;
    let partner = ConsentingClient::new(&scene.server, "partner").await;
    let request = partner.app.authorize_url(&[&[("scope", "openid email")][..], &SUPPRESSED].concat());
    let ask = async || {
        let mut browser = scene.server.browser();
        browser.open(&request).await;
        browser.fill("Email address", KIM);
        browser.fill("Password", PASSWORD);
        browser.press("Sign in").await;
        browser.expect_page(200, ASKS);
        browser
    };
    let mut thief = ask().await;
    scene.server.clock.advance_seconds(60);
    let admin = Admin::of(&scene.server).await;
    admin.delete(&format!("/users/{}/sessions", scene.sub)).await.expect(204);
    let mut reader = thief.clone();
    reader.reload().await;
    assert_eq!((reader.reply().status, reader.reply().body.contains(KIM)), (410, false));
    thief.press("Allow").await;
    assert_eq!((thief.reply().status, thief.reply().body.contains(KIM)), (410, false));
    assert!(scene.server.events("user.consent.granted").await.is_empty());
    // One from after it is good.
    let mut member = ask().await;
    member.press("Allow").await;
    assert!(query(member.at_app(), "code").is_some());
    assert_eq!(scene.server.events("user.consent.granted").await[0]["payload"]["client_id"], json!("partner"));
}

on_both_engines!(
    codes_end_with_all_sessions_by_an_operator,
    codes_end_with_all_other_sessions_on_the_account_page,
    codes_end_with_a_recovery,
    a_code_ends_with_its_session,
    a_consent_page_without_a_session_ends_with_all_sessions,
);
