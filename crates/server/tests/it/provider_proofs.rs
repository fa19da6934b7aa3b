//! Members prove themselves anew with an account at a provider: on the account page, and for an app (`id_token_hint`, as the SDKs'
//! `reauthenticate` asks). Attacks on it.

use serde_json::{Value, json};

use crate::{
    account::{self, KIM, PASSWORD},
    providers::{BUTTON, id_claims, settings_of, start},
    support::{AppClient, Browser, Engine, Manner, OpenIdProvider, TestServer, Tokens, on_both_engines, query},
};

on_both_engines!(
    a_member_with_only_an_external_account_proves_itself_with_it,
    another_account_there_proves_nothing,
    a_provider_must_have_asked_its_user_again,
    a_proof_belongs_to_one_session_and_one_request,
    an_app_has_a_member_reauthenticate_with_its_provider,
    a_reauthentication_makes_no_account_and_takes_no_other,
    a_reauthentication_offers_what_the_member_has,
);

const CONFIRM: &str = "Confirm that it’s you";
const CONNECT: &str = "Connect Our ID";
const PAGE: &str = "/settings/external-accounts/connect?provider=ours";
const CAN: &str = "https://authgear.com/claims/user/can_reauthenticate";

/// The account of a member who has nothing else: its address is not believed.
fn own() -> Value {
    json!({"sub": "kim-at-id", "email": "kim@id.example", "email_verified": false})
}

fn other() -> Value {
    json!({"sub": "other", "email": "other@id.example", "email_verified": false})
}

/// A member with only an account at the provider, on the account page; the proof of its sign-in is old.
async fn make(engine: Engine) -> (TestServer, OpenIdProvider, Browser) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |_| {}).await;
    let browser = sign_in(&server, &provider, &own()).await;
    server.clock.advance_seconds(400);
    (server, provider, browser)
}

async fn sign_in(server: &TestServer, provider: &OpenIdProvider, claims: &Value) -> Browser {
    let mut browser = server.browser();
    browser.open("/settings/sign-in").await;
    browser.press(BUTTON).await;
    let asked = ["prompt", "max_age"].map(|name| query(browser.at_app(), name));
    assert_eq!(asked, [None, Some("31536000".into())], "a sign-in is no reauthentication, but says when it was");
    let back = provider.sign_in(browser.at_app(), claims, server.clock.now());
    browser.open_from_elsewhere(&back).await;
    browser.expect_page(200, "My account");
    browser
}

/// Opens a page that asks for a proof, and goes to the provider; answers where the browser is sent back to.
async fn go_there(server: &TestServer, provider: &OpenIdProvider, browser: &mut Browser, claims: &Value) -> String {
    browser.open(PAGE).await;
    browser.expect_page(200, CONFIRM);
    browser.press(BUTTON).await;
    let at = browser.at_app();
    assert_eq!((query(at, "prompt").as_deref(), query(at, "max_age").as_deref()), (Some("login"), Some("0")));
    provider.sign_in(at, claims, server.clock.now())
}

async fn expect_no_proof(browser: &mut Browser) {
    browser.open(PAGE).await;
    browser.expect_page(200, CONFIRM);
}

async fn a_member_with_only_an_external_account_proves_itself_with_it(engine: Engine) {
    let (server, provider, mut browser) = make(engine).await;
    let back = go_there(&server, &provider, &mut browser, &own()).await;
    browser.open_from_elsewhere(&back).await;
    browser.expect_page(200, CONNECT);
    // The page that asked for the proof works now: here, another account there is connected.
    browser.press(BUTTON).await;
    let back = provider.sign_in(browser.at_app(), &other(), server.clock.now());
    browser.open_from_elsewhere(&back).await;
    let page = browser.expect_page(200, "My account");
    assert!(page.text.contains("other@id.example"), "{}", page.text);
    server.clock.advance_seconds(301);
    expect_no_proof(&mut browser).await;
}

async fn another_account_there_proves_nothing(engine: Engine) {
    let (server, provider, mut browser) = make(engine).await;
    sign_in(&server, &provider, &other()).await;
    let unknown = json!({"sub": "unknown", "email": "u@id.example"});
    for claims in [other(), unknown] {
        let back = go_there(&server, &provider, &mut browser, &claims).await;
        browser.open_from_elsewhere(&back).await;
        let page = browser.expect_page(200, CONFIRM);
        assert!(page.text.contains("That is another Our ID account"), "{}", page.text);
        expect_no_proof(&mut browser).await;
    }
    assert!(server.events("identity.oauth.connected").await.is_empty());
    // The page leads on.
    browser.press(BUTTON).await;
    let back = provider.sign_in(browser.at_app(), &own(), server.clock.now());
    browser.open_from_elsewhere(&back).await;
    browser.expect_page(200, CONNECT);
}

/// Whoever is at the browser takes `prompt` and `max_age` out of the request, and has a session at the provider.
async fn a_provider_must_have_asked_its_user_again(engine: Engine) {
    let (server, provider, mut browser) = make(engine).await;
    let old = server.clock.now().as_seconds() - 61;
    for auth_time in [json!(old), json!(null), json!("now"), json!(-1)] {
        let back = go_there(&server, &provider, &mut browser, &own()).await;
        provider.behave(Manner::Claims(json!({"auth_time": auth_time})));
        browser.open_from_elsewhere(&back).await;
        provider.behave(Manner::Honest);
        let page = browser.expect_page(200, CONFIRM);
        assert!(page.text.contains("Our ID could not confirm who you are"), "{}", page.text);
        expect_no_proof(&mut browser).await;
    }
}

async fn a_proof_belongs_to_one_session_and_one_request(engine: Engine) {
    let (server, provider, mut browser) = make(engine).await;
    let mut second = sign_in(&server, &provider, &own()).await;
    server.clock.advance_seconds(400);
    let exchanges = provider.exchanges();
    let back = go_there(&server, &provider, &mut browser, &own()).await;
    second.open_from_elsewhere(&back).await;
    second.expect_page(200, "My account");
    expect_no_proof(&mut second).await;
    assert_eq!(provider.exchanges(), exchanges, "the code was sent nowhere");
    browser.open_from_elsewhere(&back).await;
    browser.expect_page(200, CONNECT);
    assert_eq!(provider.exchanges(), exchanges + 1);
    server.clock.advance_seconds(301);
    browser.open_from_elsewhere(&back).await;
    expect_no_proof(&mut browser).await;
    assert_eq!(provider.exchanges(), exchanges + 1, "once");
    // A provider at which the member has no account is not asked.
    let token = browser.hidden("_csrf").expect("a form");
    browser
        .post("/settings/confirm?next=%2Fsettings", &[("_csrf", &token), ("action", "provider"), ("provider", "x")])
        .await;
    browser.expect_page(200, CONFIRM);
}

/// The member's tokens of an app, in a browser whose session the app uses.
async fn sign_in_to_app(
    server: &TestServer,
    provider: &OpenIdProvider,
    claims: &Value,
) -> (AppClient, Browser, Tokens) {
    let (client, mut browser) = (server.app_client(), server.browser());
    let shared = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", ""), ("x_page", "login")];
    browser.open(&client.authorize_url(&shared)).await;
    browser.press(BUTTON).await;
    let back = provider.sign_in(browser.at_app(), claims, server.clock.now());
    browser.open_from_elsewhere(&back).await;
    let tokens = client.finish(browser.at_app()).await;
    (client, browser, tokens)
}

/// What `reauthenticate` of the SDKs asks for.
fn again(client: &AppClient, tokens: &Tokens) -> String {
    let hint = tokens.id.as_deref().expect("an ID token");
    client.authorize_url(&[("id_token_hint", hint), ("max_age", "0"), ("prompt", "login")])
}

async fn an_app_has_a_member_reauthenticate_with_its_provider(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |_| {}).await;
    let (client, mut browser, tokens) = sign_in_to_app(&server, &provider, &own()).await;
    assert_eq!(id_claims(&tokens)[CAN], true, "the SDKs ask for it, and offer linking");
    let sub = client.subject(&tokens.access).await;
    server.clock.advance_seconds(1_000);
    // Also in a browser without the member's session, as an app's may be.
    for browser in [&mut browser, &mut server.browser()] {
        browser.open(&again(&client, &tokens)).await;
        browser.press(BUTTON).await;
        assert_eq!(query(browser.at_app(), "max_age").as_deref(), Some("0"));
        let back = provider.sign_in(browser.at_app(), &own(), server.clock.now());
        browser.open_from_elsewhere(&back).await;
        let fresh = client.finish(browser.at_app()).await;
        assert_eq!(client.subject(&fresh.access).await, sub);
        assert_eq!(id_claims(&fresh)["auth_time"], server.clock.now().as_seconds());
    }
    // Without the provider there is nothing to prove oneself with.
    server.change_project(|setup| setup.set("identity.oauth.providers", Vec::<toml::Value>::new())).await;
    let info = client.user_info(&tokens.access).await.expect(200).json();
    assert_eq!(info[CAN], false);
}

async fn a_reauthentication_makes_no_account_and_takes_no_other(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |_| {}).await;
    sign_in(&server, &provider, &other()).await;
    let (client, _, tokens) = sign_in_to_app(&server, &provider, &own()).await;
    let (created, logins) =
        (server.events("user.created").await.len(), server.events("user.authenticated").await.len());
    let verified = json!({"sub": "new", "email": "new@id.example", "email_verified": true});
    for claims in [other(), verified] {
        let mut browser = server.browser();
        browser.open(&again(&client, &tokens)).await;
        browser.press(BUTTON).await;
        let back = provider.sign_in(browser.at_app(), &claims, server.clock.now());
        browser.open_from_elsewhere(&back).await;
        let page = browser.expect_page(200, "That is another Our ID account");
        assert!(!page.text.contains("Create"), "{}", page.text);
        // A form that asks for a new account changes nothing.
        browser.forge("intent", "join");
        browser.press("Try again").await;
        let back = provider.sign_in(browser.at_app(), &claims, server.clock.now());
        browser.open_from_elsewhere(&back).await;
        browser.expect_page(200, "That is another Our ID account");
    }
    assert_eq!(server.events("user.created").await.len(), created);
    assert_eq!(server.events("user.authenticated").await.len(), logins);
}

async fn a_reauthentication_offers_what_the_member_has(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let issuer = provider.issuer.clone();
    let scene = account::Scene::make(engine, |setup| {
        setup.set("identity.oauth.providers", vec![settings_of("ours", "Our ID", &issuer)]);
        setup.configure("providers.private_hosts", "127.0.0.1");
    })
    .await;
    // Kim has a password only, and is signed in.
    let mut signed_in = scene.browser.clone();
    signed_in.open(&again(&scene.client, &scene.tokens)).await;
    assert!(!signed_in.page().text.contains(BUTTON), "{}", signed_in.page().text);
    // Who holds an old ID token does not learn from the page what Kim has.
    let mut holder = scene.server.browser();
    holder.open(&again(&scene.client, &scene.tokens)).await;
    assert!(holder.page().text.contains(BUTTON), "{}", holder.page().text);
    holder.fill("Password", PASSWORD);
    holder.press("Sign in").await;
    let tokens = scene.client.finish(holder.at_app()).await;
    assert_eq!(scene.client.subject(&tokens.access).await, scene.sub, "{KIM}");
}
