//! Taking an account back: recovery shows every sign-in method and removes those that another person added, and a mail tells of
//! each added one, with a link that undoes it.

use crate::{
    account::{KIM, PASSWORD, Scene},
    support::{Browser, Engine, SoftPasskey, TestServer, on_both_engines},
};

pub(crate) const THIEF: &str = "thief@shop.example";
pub(crate) const NEW_PASSWORD: &str = "another quiet harbor evening";
pub(crate) const DAY: i64 = 24 * 3_600;
pub(crate) const UNDO: &str = "Undo and end all sessions";

/// Adds an address on the account page, as the holder of the session.
pub(crate) async fn add_address(scene: &mut Scene, address: &str) {
    scene.browser.open("/settings/identity/add?kind=email").await;
    if scene.browser.page().heading == "Confirm that it’s you" {
        scene.browser.fill("Password", PASSWORD);
        scene.browser.press("Continue").await;
        scene.browser.open("/settings/identity/add?kind=email").await;
    }
    scene.browser.fill("Email address", address);
    scene.browser.press("Continue").await;
    let code = scene.mailbox.next_code(address).await;
    scene.browser.fill("Code", &code);
    scene.browser.press("Confirm").await;
    scene.browser.expect_page(200, "My account");
}

pub(crate) async fn add_passkey(scene: &mut Scene) -> SoftPasskey {
    let mut passkey = SoftPasskey::new();
    scene.browser.open("/settings/passkeys").await;
    scene.browser.answer_passkey(|options, origin| passkey.create(options, origin)).await;
    scene.browser.expect_page(200, "Passkeys");
    passkey
}

/// Opens the page on which Kim chooses a new password.
pub(crate) async fn recover(scene: &mut Scene) -> Browser {
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    browser.follow("Forgot your password?").await;
    browser.fill("Email address", KIM);
    browser.press("Send a code").await;
    browser.fill("Code", &scene.mailbox.next_code(KIM).await);
    browser.press("Confirm").await;
    browser.expect_page(200, "Choose a new password");
    browser
}

pub(crate) async fn sign_in(server: &TestServer, address: &str, password: &str) -> Browser {
    let mut browser = server.browser();
    browser.open("/settings/sign-in").await;
    browser.fill("Email address", address);
    browser.fill("Password", password);
    browser.press("Sign in").await;
    browser
}

/// The names of the checked boxes of a page.
pub(crate) fn checked(browser: &Browser) -> Vec<String> {
    let fields = browser.page().forms.iter().flat_map(|form| &form.fields);
    fields.filter(|(name, _)| name.starts_with("remove-")).map(|(name, _)| name.clone()).collect()
}

pub(crate) fn link_in(text: &str) -> String {
    text.split_whitespace().find(|word| word.contains("/security/")).unwrap_or_else(|| panic!("no link: {text}")).into()
}

async fn recovery_shows_the_other_methods_and_removes_the_recent_ones(engine: Engine) {
    let mut scene = Scene::make(engine, |setup| setup.set("authentication.recovery_preselect_days", 14)).await;
    add_address(&mut scene, "old@shop.example").await;
    scene.server.clock.advance_seconds(14 * DAY);
    scene.sign_in(KIM, PASSWORD).await;
    // A thief with Kim's session adds an address and a passkey of its own.
    add_address(&mut scene, THIEF).await;
    add_passkey(&mut scene).await;
    scene.server.clock.advance_seconds(DAY);

    let mut browser = recover(&mut scene).await;
    let text = browser.page().text.clone();
    for label in ["Remove old@shop.example, added 15 days ago", "Remove thief@shop.example, added 1 day ago"] {
        assert!(text.contains(label), "{text}");
    }
    assert_eq!(checked(&browser).len(), 2, "the address of the thief and its passkey: {text}");
    // A refused password keeps the choice.
    browser.untick("Remove thief@shop.example, added 1 day ago");
    browser.fill("Password", "short");
    browser.press("Save password").await;
    browser.expect_page(422, "Choose a new password");
    assert_eq!(checked(&browser).len(), 1);
    browser.tick("Remove thief@shop.example, added 1 day ago");
    browser.fill("Password", NEW_PASSWORD);
    browser.press("Save password").await;
    let tokens = scene.client.finish(browser.at_app()).await;
    let info = scene.client.user_info(&tokens.access).await.expect(200).json();
    let identities = info["https://authgear.com/claims/user/identities"].as_array().expect("a list");
    assert_eq!(identities.len(), 2, "{info}");
    // What was removed gets a mail, too: the thief may have recovered it.
    let mail = scene.mailbox.next_mail(THIEF).await;
    assert!(mail.text.contains("thief@shop.example can no longer be used to sign in."), "{}", mail.text);
    sign_in(&scene.server, THIEF, NEW_PASSWORD).await.expect_page(422, "Welcome back");
    sign_in(&scene.server, "old@shop.example", NEW_PASSWORD).await.expect_page(200, "My account");
}

async fn a_recovery_removes_only_what_belongs_to_the_account(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    // Without other methods the page has no choice.
    let browser = recover(&mut scene).await;
    assert!(!browser.page().text.contains("Your other sign-in methods"), "{}", browser.page().text);
    // Before the code, nothing of the account is shown.
    add_address(&mut scene, "old@shop.example").await;
    let mut outsider = scene.server.browser();
    outsider.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    outsider.follow("Forgot your password?").await;
    outsider.fill("Email address", KIM);
    outsider.press("Send a code").await;
    assert!(!outsider.reply().body.contains("old@shop.example"));
    let next = format!("{}/new-password", outsider.url());
    outsider.open(&next).await;
    outsider.expect_page(200, "Check your email");
    assert!(!outsider.reply().body.contains("old@shop.example"));
}

async fn an_added_address_is_removed_by_the_link_in_the_mail(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    add_address(&mut scene, THIEF).await;
    let mail = scene.mailbox.next_mail(KIM).await;
    assert!(mail.text.contains(THIEF) && mail.text.contains("This was not me"), "{}", mail.text);
    let link = link_in(&mail.text);
    let mut reader = scene.server.browser();
    reader.open(&link).await;
    reader.expect_page(200, "Remove thief@shop.example?");
    // Reading changes nothing.
    sign_in(&scene.server, THIEF, PASSWORD).await.expect_page(200, "My account");
    reader.press(UNDO).await;
    reader.expect_page(200, "All sessions are ended");
    sign_in(&scene.server, THIEF, PASSWORD).await.expect_page(422, "Welcome back");
    scene.browser.open("/settings").await;
    scene.browser.expect_page(200, "Sign in to see your account");
    scene.client.user_info(&scene.tokens.access).await.expect(401);
    reader.open(&link).await;
    reader.expect_page(410, "This link does not work any more");
    sign_in(&scene.server, KIM, PASSWORD).await.expect_page(200, "My account");
}

async fn an_added_passkey_is_removed_by_the_link_in_the_mail(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    add_passkey(&mut scene).await;
    let mail = scene.mailbox.next_mail(KIM).await;
    assert!(mail.text.contains("passkey was added to your account"), "{}", mail.text);
    let mut reader = scene.server.browser();
    reader.open(&link_in(&mail.text)).await;
    reader.expect_page(200, "Remove the passkey?");
    reader.press(UNDO).await;
    reader.expect_page(200, "All sessions are ended");
    let mut browser = sign_in(&scene.server, KIM, PASSWORD).await;
    browser.open("/settings/passkeys").await;
    assert!(browser.page().passkeys.len() <= 1 && !browser.page().text.contains("Remove"), "{}", browser.page().text);
}

async fn a_replaced_address_is_restored_by_the_link_in_the_mail(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.browser.open("/settings").await;
    let links = scene.browser.page().links.clone();
    let change = links.iter().find(|(_, href)| href.starts_with("/settings/identity/change")).expect("a link");
    scene.browser.open(&change.1).await;
    scene.browser.fill("Email address", THIEF);
    scene.browser.press("Continue").await;
    let code = scene.mailbox.next_code(THIEF).await;
    scene.browser.fill("Code", &code);
    scene.browser.press("Confirm").await;
    let mail = scene.mailbox.next_mail(KIM).await;
    let mut reader = scene.server.browser();
    reader.open(&link_in(&mail.text)).await;
    reader.expect_page(200, "Restore kim@shop.example?");
    reader.press(UNDO).await;
    reader.expect_page(200, "All sessions are ended");
    sign_in(&scene.server, THIEF, PASSWORD).await.expect_page(422, "Welcome back");
    sign_in(&scene.server, KIM, PASSWORD).await.expect_page(200, "My account");
}

on_both_engines!(
    recovery_shows_the_other_methods_and_removes_the_recent_ones,
    a_recovery_removes_only_what_belongs_to_the_account,
    an_added_address_is_removed_by_the_link_in_the_mail,
    an_added_passkey_is_removed_by_the_link_in_the_mail,
    a_replaced_address_is_restored_by_the_link_in_the_mail,
);
