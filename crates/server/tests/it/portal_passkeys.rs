//! Operators' passkeys: sign-in, reauthentication, adding and removing; and what is not accepted.

use crate::support::{Browser, Engine, OWNER_PASSWORD, SoftPasskey, TestServer, on_both_engines};

on_both_engines!(
    a_passkey_is_added_signs_in_and_is_removed,
    the_first_operator_may_come_in_by_passkey_alone,
    an_invited_operator_may_choose_a_passkey,
    a_new_link_replaces_the_old_credentials,
    the_last_login_method_stays,
    a_passkey_gets_another_name,
    a_password_goes_where_a_passkey_is,
    a_passkey_proves_who_one_is,
    an_answer_lets_in_once_and_in_one_browser,
    a_copied_passkey_is_refused,
    foreign_passkeys_are_held_back,
    the_passkey_of_a_removed_operator_signs_in_no_one,
);

const EMAIL: &str = "olga@house.example";

async fn start(engine: Engine) -> TestServer {
    TestServer::start(engine, |setup| setup.open_portal()).await
}

/// Redeems a one-time link with a passkey.
async fn come_in(browser: &mut Browser, passkey: &mut SoftPasskey) {
    browser.press("Use a passkey instead").await;
    assert_eq!(browser.reply().status, 200, "{}", browser.page().text);
    browser.answer_passkey(|options, origin| passkey.create(options, origin)).await;
    browser.expect_page(200, "Projects");
}

/// The first operator, with a passkey and no password.
async fn passkey_owner(server: &TestServer) -> (Browser, SoftPasskey) {
    let (mut browser, mut passkey) = (server.browser(), SoftPasskey::new());
    browser.open(&server.first_link().await).await;
    browser.fill("Email", EMAIL);
    browser.fill("Your name", "Olga");
    come_in(&mut browser, &mut passkey).await;
    (browser, passkey)
}

async fn add_passkey(browser: &mut Browser, name: &str) -> SoftPasskey {
    let mut passkey = SoftPasskey::new();
    browser.open("/portal/me").await;
    browser.fill("Name of the new passkey", name);
    browser.answer_passkey(|options, origin| passkey.create(options, origin)).await;
    let page = browser.expect_page(200, "Your account");
    assert!(page.text.contains("Passkey added."), "{}", page.text);
    passkey
}

async fn sign_in(browser: &mut Browser, passkey: &mut SoftPasskey) {
    browser.open("/portal/sign-in").await;
    browser.answer_passkey(|options, origin| passkey.get(options, origin)).await;
}

async fn a_passkey_is_added_signs_in_and_is_removed(engine: Engine) {
    let server = start(engine).await;
    let mut owner = server.owner().await;
    let mut passkey = add_passkey(&mut owner, "Blue <key>").await;
    assert!(owner.page().text.contains("Blue <key>"), "{}", owner.page().text);
    // The options name the same authenticator, so browsers refuse it, and so does the server.
    owner.answer_passkey(|options, origin| passkey.create(options, origin)).await;
    assert!(owner.expect_page(422, "Your account").text.contains("The passkey was not accepted."));

    let mut other = server.browser();
    other.open("/portal/p/test/addresses").await;
    other.expect_page(200, "Sign in to the portal");
    other.answer_passkey(|options, origin| passkey.get(options, origin)).await;
    other.expect_page(200, "Endpoints");
    other.open("/portal/me").await;
    assert!(other.page().text.contains("used"), "{}", other.page().text);

    owner.open("/portal/me").await;
    owner.press("Remove").await;
    let page = owner.expect_page(200, "Your account");
    assert!(page.text.contains("Passkey removed."), "{}", page.text);
    // Sessions that may have used it ended with it.
    other.open("/portal").await;
    other.expect_page(200, "Sign in to the portal");
    other.answer_passkey(|options, origin| passkey.get(options, origin)).await;
    assert!(
        other.expect_page(422, "Sign in to the portal").text.contains("This passkey is not registered for the portal.")
    );
}

async fn the_first_operator_may_come_in_by_passkey_alone(engine: Engine) {
    let server = start(engine).await;
    let mut browser = server.browser();
    browser.open(&server.first_link().await).await;
    browser.fill("Email", "olga");
    browser.fill("Your name", "");
    browser.press("Use a passkey instead").await;
    let page = browser.expect_page(422, "Welcome to Vestibule");
    assert!(page.problem("email").is_some() && page.problem("name").is_some(), "{:?}", page.problems);
    assert!(page.problem("password").is_none(), "{:?}", page.problems);
    browser.fill("Email", EMAIL);
    browser.fill("Your name", "Olga");
    browser.press("Use a passkey instead").await;
    let page = browser.expect_page(200, "Welcome to Vestibule");
    assert!(page.passkeys[0].contains(EMAIL), "the authenticator learns whose it is: {}", page.passkeys[0]);
    let mut careless = SoftPasskey::careless();
    browser.answer_passkey(|options, origin| careless.create(options, origin)).await;
    assert!(browser.expect_page(422, "Welcome to Vestibule").text.contains("The passkey was not accepted."));
    let mut passkey = SoftPasskey::new();
    browser.answer_passkey(|options, origin| passkey.create(options, origin)).await;
    assert!(browser.expect_page(200, "Projects").text.contains("your role: owner"));
    browser.press("Sign out").await;
    browser.answer_passkey(|options, origin| passkey.get(options, origin)).await;
    browser.expect_page(200, "Projects");
    // There is no password to use.
    let mut other = server.browser();
    other.open("/portal/sign-in").await;
    other.fill("Email", EMAIL);
    other.fill("Password", "");
    other.press("Sign in").await;
    other.expect_page(422, "Sign in to the portal");
}

/// Invites an editor, who joins with a passkey; returns the link, the browser and the passkey.
async fn invite_editor(server: &TestServer, owner: &mut Browser) -> (String, Browser, SoftPasskey) {
    let mut mailbox = server.mailbox();
    owner.open("/portal/p/test/operators").await;
    owner.fill("Email", "ed@house.example");
    owner.tick("Editor");
    owner.press("Invite").await;
    let link = mailbox.next_welcome("ed@house.example").await;
    let (mut editor, mut passkey) = (server.browser(), SoftPasskey::new());
    editor.open(&link).await;
    editor.fill("Your name", "Ed");
    come_in(&mut editor, &mut passkey).await;
    (link, editor, passkey)
}

async fn an_invited_operator_may_choose_a_passkey(engine: Engine) {
    let server = start(engine).await;
    let (mut owner, _) = passkey_owner(&server).await;
    let (link, mut editor, mut passkey) = invite_editor(&server, &mut owner).await;
    editor.open(&link).await;
    editor.expect_page(410, "This link no longer works");
    let mut again = server.browser();
    sign_in(&mut again, &mut passkey).await;
    again.open("/portal/p/test/operators").await;
    assert!(again.page().text.contains("Ed editor you"), "{}", again.page().text);
}

async fn a_new_link_replaces_the_old_credentials(engine: Engine) {
    let server = start(engine).await;
    let mut owner = server.owner().await;
    let mut lost = add_passkey(&mut owner, "Stolen").await;
    let mut found = SoftPasskey::new();
    let mut fresh = server.browser();
    fresh.open(&server.reset_link(EMAIL).await).await;
    fresh.expect_page(200, "Choose how you sign in");
    come_in(&mut fresh, &mut found).await;
    owner.open("/portal").await;
    owner.expect_page(200, "Sign in to the portal");
    owner.answer_passkey(|options, origin| lost.get(options, origin)).await;
    owner.expect_page(422, "Sign in to the portal");
    owner.fill("Email", EMAIL);
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Sign in").await;
    owner.expect_page(422, "Sign in to the portal");
    // And vice versa: a new password removes the passkeys.
    let mut last = server.browser();
    last.open(&server.reset_link(EMAIL).await).await;
    last.fill("Password", OWNER_PASSWORD);
    last.press("Set password").await;
    last.expect_page(200, "Projects");
    sign_in(&mut owner, &mut found).await;
    owner.expect_page(422, "Sign in to the portal");
}

async fn the_last_login_method_stays(engine: Engine) {
    let server = start(engine).await;
    let (mut owner, mut passkey) = passkey_owner(&server).await;
    owner.open("/portal/me").await;
    owner.press("Remove").await;
    let page = owner.expect_page(200, "Your account");
    assert!(page.text.contains("remove your last sign-in method"), "{}", page.text);
    let mut other = server.browser();
    sign_in(&mut other, &mut passkey).await;
    other.expect_page(200, "Projects");
    // With a password it may be removed.
    owner.fill("New password", OWNER_PASSWORD);
    owner.press("Set password").await;
    owner.expect_page(200, "Your account");
    owner.press("Remove").await;
    assert!(owner.expect_page(200, "Your account").text.contains("Passkey removed."));
    // A passkey without a name gets a default. A removed one gives an error.
    add_passkey(&mut owner, "").await;
    assert!(owner.page().text.contains("Passkey Added"), "{}", owner.page().text);
    owner.forge("id", "00000000-0000-7000-8000-000000000000");
    owner.press("Remove").await;
    assert!(owner.expect_page(200, "Your account").text.contains("It no longer exists."));
}

async fn a_passkey_gets_another_name(engine: Engine) {
    let server = start(engine).await;
    let mut owner = server.owner().await;
    add_passkey(&mut owner, "Blue <key>").await;
    owner.fill("New name (Blue <key>)", "  ");
    owner.press("Save name").await;
    let page = owner.expect_page(422, "Your account");
    assert!(page.problems.iter().any(|(name, text)| name.starts_with("name.") && text.contains("Enter a name.")));
    owner.fill("New name (Blue <key>)", "Green key");
    owner.press("Save name").await;
    let page = owner.expect_page(200, "Your account");
    assert!(page.text.contains("Passkey renamed.") && page.text.contains("Green key Added"), "{}", page.text);
    assert!(page.text.contains("Passkey renamed Blue <key> → Green key"), "{}", page.text);
    // Not another operator's, and not without recent authentication.
    owner.forge("id", "00000000-0000-7000-8000-000000000000");
    owner.press("Save name").await;
    assert!(owner.expect_page(200, "Your account").text.contains("It no longer exists."));
    server.clock.advance_seconds(601);
    owner.fill("New name (Green key)", "Red key");
    owner.press("Save name").await;
    owner.expect_page(200, "Confirm that it's you");
}

async fn a_password_goes_where_a_passkey_is(engine: Engine) {
    let server = start(engine).await;
    let mut owner = server.owner().await;
    owner.open("/portal/me").await;
    assert!(!owner.page().text.contains("Remove password"), "it is the last way in: {}", owner.page().text);
    let mut passkey = add_passkey(&mut owner, "Blue key").await;
    let (mut late, mut other) = (owner.clone(), server.browser());
    sign_in(&mut other, &mut passkey).await;
    owner.press("Remove password").await;
    let page = owner.expect_page(200, "Your account");
    assert!(page.text.contains("Password removed.") && page.text.contains("You have no password"), "{}", page.text);
    // Other sessions have ended, and the password is not accepted.
    other.open("/portal").await;
    other.expect_page(200, "Sign in to the portal");
    other.fill("Email", EMAIL);
    other.fill("Password", OWNER_PASSWORD);
    other.press("Sign in").await;
    other.expect_page(422, "Sign in to the portal");
    // An old page: there is nothing left to remove. And the passkey is now the last credential.
    late.press("Remove password").await;
    assert!(late.expect_page(200, "Your account").text.contains("It no longer exists."));
    owner.press("Remove").await;
    assert!(owner.expect_page(200, "Your account").text.contains("remove your last sign-in method"));
    // Vice versa, with a form from before the passkey was removed.
    owner.fill("New password", OWNER_PASSWORD);
    owner.press("Set password").await;
    let mut stale = owner.clone();
    owner.press("Remove").await;
    assert!(owner.expect_page(200, "Your account").text.contains("Passkey removed."));
    stale.press("Remove password").await;
    assert!(stale.expect_page(200, "Your account").text.contains("remove your last sign-in method"));
    sign_in(&mut other, &mut passkey).await;
    other.expect_page(422, "Sign in to the portal");
}

async fn a_passkey_proves_who_one_is(engine: Engine) {
    let server = start(engine).await;
    let (mut owner, mut passkey) = passkey_owner(&server).await;
    server.clock.advance_seconds(601);
    owner.open("/portal/p/test/admin-keys/new").await;
    let page = owner.expect_page(200, "Confirm that it's you");
    assert!(!page.text.contains("Password"), "there is none: {}", page.text);
    let mut outsider = SoftPasskey::new();
    owner.answer_passkey(|options, origin| outsider.get(options, origin)).await;
    assert!(
        owner.expect_page(422, "Confirm that it's you").text.contains("This passkey does not belong to your account.")
    );
    owner.answer_passkey(|options, origin| passkey.get(options, origin)).await;
    owner.expect_page(200, "New key");
}

async fn an_answer_lets_in_once_and_in_one_browser(engine: Engine) {
    let server = start(engine).await;
    let (mut browser, mut passkey) = (server.browser(), SoftPasskey::uncounting());
    browser.open(&server.first_link().await).await;
    browser.fill("Email", EMAIL);
    browser.fill("Your name", "Olga");
    come_in(&mut browser, &mut passkey).await;
    browser.press("Sign out").await;
    let mut answer = String::new();
    browser
        .answer_passkey(|options, origin| {
            answer = passkey.get(options, origin);
            "{}".to_string()
        })
        .await;
    browser.expect_page(422, "Sign in to the portal");
    // Stolen from there, it is useless in another browser.
    let mut thief = server.browser();
    thief.open("/portal/sign-in").await;
    thief.answer_passkey(|_, _| answer.clone()).await;
    thief.expect_page(422, "Sign in to the portal");
    let mut tab = browser.clone();
    browser.answer_passkey(|_, _| answer.clone()).await;
    browser.expect_page(200, "Projects");
    // The same browser with the same cookie, again.
    tab.answer_passkey(|_, _| answer.clone()).await;
    tab.expect_page(422, "Sign in to the portal");
    // A page that was open for more than an hour; the error page has new options.
    server.clock.advance_seconds(3_601);
    tab.answer_passkey(|options, origin| passkey.get(options, origin)).await;
    tab.expect_page(422, "Sign in to the portal");
    tab.answer_passkey(|options, origin| passkey.get(options, origin)).await;
    tab.expect_page(200, "Projects");
}

async fn a_copied_passkey_is_refused(engine: Engine) {
    let server = start(engine).await;
    let (_, mut passkey) = passkey_owner(&server).await;
    let (mut late, mut browser) = (server.browser(), server.browser());
    late.open("/portal/sign-in").await;
    let options = late.page().passkeys[0].clone();
    let early = passkey.get(&options, &server.origin);
    sign_in(&mut browser, &mut passkey).await;
    browser.expect_page(200, "Projects");
    // Its counter is lower than the stored one: the passkey was copied.
    late.answer_passkey(|_, _| early).await;
    late.expect_page(422, "Sign in to the portal");
}

async fn foreign_passkeys_are_held_back(engine: Engine) {
    let server = start(engine).await;
    let (_, mut mine) = passkey_owner(&server).await;
    let mut browser = server.browser();
    let mut outsider = SoftPasskey::new();
    for round in 0..61 {
        sign_in(&mut browser, &mut outsider).await;
        if round < 60 {
            browser.expect_page(422, "Sign in to the portal");
        }
    }
    browser.expect_page(429, "Too many attempts");
    server.clock.advance_seconds(11);
    sign_in(&mut browser, &mut mine).await;
    browser.expect_page(200, "Projects");
}

async fn the_passkey_of_a_removed_operator_signs_in_no_one(engine: Engine) {
    let server = start(engine).await;
    let mut owner = server.owner().await;
    let (_, mut editor, mut passkey) = invite_editor(&server, &mut owner).await;
    owner.open("/portal/p/test/operators").await;
    let links: Vec<_> = owner.page().links.iter().filter(|(text, _)| text == "Change").collect();
    let theirs = links.iter().find(|(_, to)| !to.contains("everywhere")).expect("the editor's").1.clone();
    owner.open(&theirs).await;
    owner.tick("None");
    owner.press("Change role").await;
    sign_in(&mut editor, &mut passkey).await;
    editor.expect_page(422, "Sign in to the portal");
}
