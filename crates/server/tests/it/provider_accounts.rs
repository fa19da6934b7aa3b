//! Accounts at providers that a member has: removing them on the account page and in a recovery, and sign-ins with them that were
//! begun before.

use serde_json::{Value, json};
use vestibule_app::{
    ctx::Ctx,
    flow::{
        commit::Committed,
        external::{self, Answered, Intent, Started},
        prepare::Achievement,
    },
};
use vestibule_protocol::form::Form;

use crate::{
    providers::{BUTTON, KIM, kim, start},
    recovery::{NEW_PASSWORD, checked},
    support::{Browser, Engine, Mailbox, OpenIdProvider, TestServer, on_both_engines},
    takeover::{expect_outdated, keep_all, save},
    takeover_races::{choose, finish, flow_of, project},
};

const PASSWORD: &str = "violet tugboat marmalade";

/// The text of the next mail to an address that contains this.
async fn expect_mail(mailbox: &mut Mailbox, to: &str, text: &str) -> String {
    loop {
        let mail = mailbox.next_mail(to).await.text;
        if mail.contains(text) {
            return mail;
        }
    }
}

/// Signs in on the account page, or signs up.
async fn sign_in(server: &TestServer, provider: &OpenIdProvider, claims: &Value) -> Browser {
    let mut browser = server.browser();
    browser.open("/settings/sign-in").await;
    browser.press(BUTTON).await;
    let back = provider.sign_in(browser.at_app(), claims, server.clock.now());
    browser.open_from_elsewhere(&back).await;
    browser
}

/// Kim, who signed up with the provider and has a password.
async fn sign_kim_up(server: &TestServer, provider: &OpenIdProvider) -> Browser {
    let mut browser = sign_in(server, provider, &kim()).await;
    browser.expect_page(200, "My account");
    browser.open("/settings/password").await;
    browser.fill("New password", PASSWORD);
    browser.press("Save password").await;
    browser.expect_page(200, "My account");
    browser
}

/// Kim's browser at the page for a new password.
async fn recover(server: &TestServer, mailbox: &mut Mailbox) -> Browser {
    let mut browser = server.browser();
    browser.open(&server.app_client().authorize_url(&[("prompt", "login")])).await;
    browser.follow("Forgot your password?").await;
    browser.fill("Email address", KIM);
    browser.press("Send a code").await;
    browser.fill("Code", &mailbox.next_code(KIM).await);
    browser.press("Confirm").await;
    browser.expect_page(200, "Choose a new password");
    browser
}

async fn a_recovery_removes_an_account_at_a_provider(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |_| {}).await;
    let mut mailbox = server.mailbox();
    sign_kim_up(&server, &provider).await;
    let mut browser = recover(&server, &mut mailbox).await;
    let text = browser.page().text.clone();
    assert!(text.contains("Remove Our ID · kim@id.example"), "{text}");
    assert_eq!(checked(&browser).len(), 1, "it is recent: {text}");
    save(&mut browser, NEW_PASSWORD).await;
    server.app_client().finish(browser.at_app()).await;
    let mail = expect_mail(&mut mailbox, KIM, "“Our ID · kim@id.example”").await;
    assert!(mail.contains("/security/"), "a link brings it back: {mail}");
    let gone = server.events("identity.oauth.disconnected").await;
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0]["payload"]["identity"]["claims"]["https://authgear.com/claims/oauth/subject_id"], "kim-at-id");
    sign_in(&server, &provider, &kim()).await.expect_page(200, "You already have an account");
}

/// The form was read while the member had the account; the transaction finds none, and its events say so.
async fn a_recovery_reports_no_account_that_was_removed_before(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |_| {}).await;
    let mut mailbox = server.mailbox();
    let mut owner = sign_kim_up(&server, &provider).await;
    let browser = recover(&server, &mut mailbox).await;
    let flow = flow_of(&server, &browser).await;
    let proof = choose(&server, &flow, NEW_PASSWORD).await;
    owner.open("/settings").await;
    owner.press("Remove").await;
    assert!(owner.page().text.contains("Removed from your account"), "{}", owner.page().text);
    assert_eq!(server.events("identity.oauth.disconnected").await.len(), 1);
    assert!(matches!(finish(&server, &flow, proof).await, Committed::Done { .. }));
    assert_eq!(server.events("identity.oauth.disconnected").await.len(), 1, "it was removed once");
}

async fn a_recovery_keeps_an_account_at_a_provider_that_is_not_selected(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |_| {}).await;
    sign_kim_up(&server, &provider).await;
    // A thief with the account at the provider has begun to sign in.
    let mut thief = server.browser();
    thief.open(&server.app_client().authorize_url(&[("x_page", "login")])).await;
    server.clock.advance_seconds(60);
    let mut owner = recover(&server, &mut server.mailbox()).await;
    keep_all(&mut owner);
    save(&mut owner, NEW_PASSWORD).await;
    server.app_client().finish(owner.at_app()).await;
    assert_eq!(server.events("identity.oauth.disconnected").await.len(), 0);
    // What was begun before is worth nothing; a sign-in from after it is good.
    thief.press(BUTTON).await;
    let back = provider.sign_in(thief.at_app(), &kim(), server.clock.now());
    thief.open_from_elsewhere(&back).await;
    expect_outdated(&thief);
    sign_in(&server, &provider, &kim()).await.expect_page(200, "My account");
}

async fn an_account_that_is_removed_while_its_user_signs_in_opens_nothing(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |_| {}).await;
    let mut owner = sign_kim_up(&server, &provider).await;
    let mut other = server.browser();
    other.open(&server.app_client().authorize_url(&[("x_page", "login")])).await;
    let mut flow = flow_of(&server, &other).await;
    let project = project(&server);
    let ctx = Ctx::without_request(&server.app, &project, server.clock.now());
    let started = external::start(&ctx, &mut flow, "ours", Intent::SignIn).await.expect("the store works");
    let Started::Redirect(url) = started else { panic!("the provider is not asked") };
    let back = provider.sign_in(&url.parse().expect("a URL"), &kim(), server.clock.now());
    let form = Form::parse_query(back.split_once('?').expect("a query").1).expect("a query");
    let answered = external::answer(&ctx, &mut flow, ("ours", &form)).await.expect("the store works");
    let Answered::Achieved(Achievement::Proved(proof)) = answered else { panic!("the member is not found") };
    owner.open("/settings").await;
    owner.press("Remove").await;
    assert!(owner.page().text.contains("Removed from your account"), "{}", owner.page().text);
    assert!(matches!(finish(&server, &flow, *proof).await, Committed::Outdated));
}

async fn a_member_removes_an_account_at_a_provider_unless_it_is_the_last_method(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |_| {}).await;
    let mut browser = server.browser();
    let sign_in = async |browser: &mut Browser, claims: &Value| {
        browser.open("/settings/sign-in").await;
        browser.press(BUTTON).await;
        let back = provider.sign_in(browser.at_app(), claims, server.clock.now());
        browser.open_from_elsewhere(&back).await;
        browser.expect_page(200, "My account");
    };
    // The address is unverified, so it is no login ID, and the account at the provider is the only method.
    let unverified = json!({"sub": "1", "email": KIM, "email_verified": false});
    sign_in(&mut browser, &unverified).await;
    assert!(browser.page().text.contains(KIM) && browser.page().text.contains("Our ID"), "{}", browser.page().text);
    assert!(!browser.page().text.contains("Remove"), "it is the last: {}", browser.page().text);
    let id = connected_id(&server, "user.created").await;
    let token = browser.hidden("_csrf").expect("a form");
    let mut forged = browser.clone();
    forged.post("/settings/external-accounts", &[("_csrf", &token), ("id", &id)]).await;
    assert!(forged.page().text.contains("your only way to sign in"), "{}", forged.page().text);

    let mut other = server.browser();
    sign_in(&mut other, &json!({"sub": "2", "email": "lee@id.example", "email_verified": true})).await;
    other.open("/settings/password").await;
    other.fill("New password", "violet tugboat marmalade");
    other.press("Save password").await;
    other.open("/settings").await;
    other.press("Remove").await;
    assert!(other.page().text.contains("Removed from your account"), "{}", other.page().text);
    assert!(other.page().text.contains("Connect Our ID"), "it can be connected again: {}", other.page().text);
    expect_mail(&mut server.mailbox(), "lee@id.example", "“Our ID · lee@id.example”").await;
    let gone = server.events("identity.oauth.disconnected").await;
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0]["payload"]["identity"]["claims"]["https://authgear.com/claims/oauth/subject_id"], "2");
    // The provider's account opens nothing any more, and its address belongs to the member.
    let mut again = server.browser();
    again.open("/settings/sign-in").await;
    again.press(BUTTON).await;
    let claims = json!({"sub": "2", "email": "lee@id.example", "email_verified": true});
    let back = provider.sign_in(again.at_app(), &claims, server.clock.now());
    again.open_from_elsewhere(&back).await;
    again.expect_page(200, "You already have an account");
}

/// The ID of the account at the provider in the first event of a type.
async fn connected_id(server: &TestServer, kind: &str) -> String {
    let events = server.events(kind).await;
    let identities = events[0]["payload"]["identities"].as_array().expect("a list").clone();
    let external = identities.into_iter().find(|one| one["type"] == "oauth").expect("an account at a provider");
    external["id"].as_str().expect("an ID").to_string()
}

on_both_engines!(
    a_recovery_removes_an_account_at_a_provider,
    a_recovery_reports_no_account_that_was_removed_before,
    a_recovery_keeps_an_account_at_a_provider_that_is_not_selected,
    an_account_that_is_removed_while_its_user_signs_in_opens_nothing,
    a_member_removes_an_account_at_a_provider_unless_it_is_the_last_method,
);
