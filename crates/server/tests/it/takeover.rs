//! Taking over an account, and keeping it: what a thief began before its owner took the account back is worth nothing after. A test
//! says what the thief has (a session, a password, a code, an answer of a passkey, an address that was removed), what the owner
//! does, and what the thief can do then. Races inside one request are in `takeover_races`.

use serde_json::json;

use crate::{
    account::{KIM, PASSWORD, Scene, offer_everything},
    pre_hijacking::{expect_ended, open_account, sign_in_by_cookie, sign_up_by_cookie},
    recovery::{DAY, NEW_PASSWORD, THIEF, add_address, add_passkey, checked, recover, sign_in},
    support::{Admin, Browser, Engine, SoftPasskey, TestServer, on_both_engines},
};

const OUTDATED: &str = "Please start again";
const SECOND: &str = "kim@home.example";

/// Recovers with an address up to the page for the new password.
pub(crate) async fn recover_by(scene: &mut Scene, address: &str) -> Browser {
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    browser.follow("Forgot your password?").await;
    browser.fill("Email address", address);
    browser.press("Send a code").await;
    browser.fill("Code", &scene.mailbox.next_code(address).await);
    browser.press("Confirm").await;
    browser.expect_page(200, "Choose a new password");
    browser
}

/// Chooses the new password on the last page of a recovery.
pub(crate) async fn save(browser: &mut Browser, password: &str) {
    browser.fill("Password", password);
    browser.press("Save password").await;
}

/// Removes an address of Kim's account on the account page.
pub(crate) async fn remove_address(browser: &mut Browser, address: &str) {
    browser.open("/settings").await;
    let links = browser.page().links.clone();
    for (_, href) in links.iter().filter(|(_, href)| href.starts_with("/settings/identity/remove")) {
        browser.open(href).await;
        if browser.page().heading == "Confirm that it’s you" {
            browser.fill("Password", PASSWORD);
            browser.press("Continue").await;
            browser.open(href).await;
        }
        if browser.page().heading == format!("Remove {address}?") {
            browser.press("Remove").await;
            browser.expect_page(200, "My account");
            return;
        }
    }
    panic!("{address} is not in {links:?}");
}

/// Replaces an address of Kim's account by another one.
pub(crate) async fn replace_address(scene: &mut Scene, address: &str, by: &str) {
    scene.browser.open("/settings").await;
    let links = scene.browser.page().links.clone();
    for (_, href) in links.iter().filter(|(_, href)| href.starts_with("/settings/identity/change")) {
        scene.browser.open(href).await;
        if scene.browser.page().text.contains(address) {
            scene.browser.fill("Email address", by);
            scene.browser.press("Continue").await;
            let code = scene.mailbox.next_code(by).await;
            scene.browser.fill("Code", &code);
            scene.browser.press("Confirm").await;
            scene.browser.expect_page(200, "My account");
            return;
        }
    }
    panic!("{address} is not in {links:?}");
}

pub(crate) fn expect_outdated(browser: &Browser) {
    let page = browser.expect_page(410, OUTDATED);
    assert!(
        !page.text.contains("shop.example") && !page.text.contains(SECOND),
        "nothing of the account: {}",
        page.text
    );
}

/// Offers codes beside passwords from now on.
async fn offer_codes(server: &TestServer) {
    let change = |setup: &mut crate::support::Setup| {
        offer_everything(setup);
        setup.set("authentication.primary_authenticators", vec!["password", "oob_otp_email", "passkey"]);
    };
    server.change_project(change).await;
}

/// A browser that waits for the code that was sent to an address, and the code.
async fn ask_for_code(scene: &mut Scene, address: &str) -> (Browser, String) {
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    browser.fill("Email address", address);
    browser.press("Continue").await;
    browser.follow("Sign in with a code instead").await;
    browser.press("Continue").await;
    browser.expect_page(200, "Check your email");
    let code = scene.mailbox.next_code(address).await;
    (browser, code)
}

async fn a_code_for_an_address_that_was_removed_chooses_no_password(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    add_address(&mut scene, THIEF).await;
    // The thief enters the code while the address still belongs to the account.
    let mut thief = recover_by(&mut scene, THIEF).await;
    assert!(thief.page().text.contains(KIM));
    remove_address(&mut scene.browser, THIEF).await;

    let mut reader = thief.clone();
    reader.reload().await;
    expect_outdated(&reader);
    let next = format!("{}/new-password", reader.url());
    reader.open(&next).await;
    expect_outdated(&reader);
    save(&mut thief, NEW_PASSWORD).await;
    expect_outdated(&thief);
    scene.browser.open("/settings").await;
    scene.browser.expect_page(200, "My account");
    sign_in(&scene.server, KIM, NEW_PASSWORD).await.expect_page(422, "Welcome back");
    sign_in(&scene.server, KIM, PASSWORD).await.expect_page(200, "My account");
}

async fn a_code_for_an_address_that_was_removed_signs_no_one_in(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    add_address(&mut scene, THIEF).await;
    offer_codes(&scene.server).await;
    let (mut thief, code) = ask_for_code(&mut scene, THIEF).await;
    remove_address(&mut scene.browser, THIEF).await;
    thief.fill("Code", &code);
    thief.press("Confirm").await;
    expect_outdated(&thief);
    assert_eq!(thief.cookie("session"), None);
    // The flow begins again, as for a stranger.
    let start = thief.url().join(".").expect("the flow").to_string();
    thief.open(start.trim_end_matches('/')).await;
    thief.expect_page(200, "Welcome back");
}

async fn a_code_from_before_a_recovery_is_worth_nothing(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    add_address(&mut scene, SECOND).await;
    offer_codes(&scene.server).await;
    // The thief reads the mailbox of an address that stays.
    let (mut thief, code) = ask_for_code(&mut scene, SECOND).await;
    let mut late = recover_by(&mut scene, SECOND).await;
    let mut owner = recover_by(&mut scene, KIM).await;
    owner.untick(&format!("Remove {SECOND}, added just now"));
    save(&mut owner, NEW_PASSWORD).await;
    assert!(owner.is_at_app());
    thief.fill("Code", &code);
    thief.press("Confirm").await;
    expect_outdated(&thief);
    save(&mut late, "a third quiet harbor evening").await;
    expect_outdated(&late);
    // A code from after it is good.
    let (mut browser, code) = ask_for_code(&mut scene, SECOND).await;
    browser.fill("Code", &code);
    browser.press("Confirm").await;
    scene.client.finish(browser.at_app()).await;
}

async fn a_thief_with_a_session_does_not_keep_the_owner_from_recovering(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut owner = recover(&mut scene).await;
    scene.browser.open("/settings").await;
    scene.browser.press("Sign out everywhere else").await;
    scene.browser.expect_page(200, "My account");
    save(&mut owner, NEW_PASSWORD).await;
    assert!(owner.is_at_app());
    scene.browser.open("/settings").await;
    scene.browser.expect_page(200, "Sign in to see your account");
}

async fn a_code_for_an_address_that_was_removed_confirms_nothing(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    // The thief, signed in, has a code on the way to the address with which it would confirm.
    let mut thief = sign_in(&scene.server, KIM, PASSWORD).await;
    replace_address(&mut scene, KIM, THIEF).await;
    scene.server.clock.advance_seconds(301);
    thief.open("/settings/confirm?next=/settings&by=code").await;
    thief.press("Send a code").await;
    let code = scene.mailbox.next_code(THIEF).await;
    scene.sign_in(THIEF, PASSWORD).await;
    replace_address(&mut scene, THIEF, SECOND).await;
    thief.fill("Code", &code);
    thief.press("Confirm").await;
    thief.open("/settings/identity/add?kind=email").await;
    thief.expect_page(200, "Confirm that it’s you");
}

async fn an_answer_of_a_passkey_from_before_a_recovery_signs_no_one_in(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    // A passkey of the owner, which stays. A thief with its device made it answer in the thief's flow.
    let mut passkey = add_passkey(&mut scene).await;
    let mut thief = scene.server.browser();
    thief.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    scene.server.clock.advance_seconds(60);
    let mut owner = recover(&mut scene).await;
    assert_eq!(checked(&owner).len(), 1, "{}", owner.page().text);
    keep_all(&mut owner);
    save(&mut owner, NEW_PASSWORD).await;
    assert!(owner.is_at_app());
    thief.answer_passkey(|options, origin| passkey.get(options, origin)).await;
    expect_outdated(&thief);
    // In a flow from after it, the passkey is good.
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    browser.answer_passkey(|options, origin| passkey.get(options, origin)).await;
    scene.client.finish(browser.at_app()).await;
}

/// Unticks every box of the page.
pub(crate) fn keep_all(browser: &mut Browser) {
    let form = browser.page().forms.iter().find(|form| !form.boxes.is_empty()).expect("a form with boxes").clone();
    for (label, id) in &form.labels {
        if form.boxes.iter().any(|[of, ..]| of == id) {
            browser.untick(label);
        }
    }
}

async fn a_code_of_a_sign_up_from_before_a_recovery_opens_no_account(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    offer_codes(&scene.server).await;
    // The thief "signs up" with Kim's address, and reads the code.
    let mut thief = scene.server.browser();
    thief.open(&scene.client.authorize_url(&[("x_page", "signup")])).await;
    thief.fill("Email address", KIM);
    thief.fill("Password", "a thief chose this harbor");
    thief.press("Create account").await;
    thief.fill("Code", &scene.mailbox.next_code(KIM).await);
    thief.press("Confirm").await;
    thief.expect_page(409, "You already have an account");
    thief.follow("Sign in to that account").await;
    thief.expect_page(200, "Continue with this account?");
    scene.server.clock.advance_seconds(60);
    let mut owner = recover_by(&mut scene, KIM).await;
    save(&mut owner, NEW_PASSWORD).await;
    assert!(owner.is_at_app());
    thief.press("Continue").await;
    expect_outdated(&thief);
}

async fn an_address_that_replaced_an_old_one_is_young(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    add_address(&mut scene, SECOND).await;
    scene.server.clock.advance_seconds(60 * DAY);
    scene.sign_in(KIM, PASSWORD).await;
    replace_address(&mut scene, SECOND, THIEF).await;
    scene.server.clock.advance_seconds(DAY);
    let mut owner = recover(&mut scene).await;
    let page = owner.page().text.clone();
    assert!(page.contains("Remove thief@shop.example, added 1 day ago"), "{page}");
    assert_eq!(checked(&owner).len(), 1, "{page}");
    save(&mut owner, NEW_PASSWORD).await;
    assert!(owner.is_at_app());
    sign_in(&scene.server, THIEF, NEW_PASSWORD).await.expect_page(422, "Welcome back");
    // Another spelling of an address is as old as the address.
    scene.sign_in(KIM, NEW_PASSWORD).await;
    scene.server.clock.advance_seconds(60 * DAY);
    scene.sign_in(KIM, NEW_PASSWORD).await;
    scene.browser.open("/settings").await;
    let links = scene.browser.page().links.clone();
    let change = links.iter().find(|(_, href)| href.starts_with("/settings/identity/change")).expect("a link");
    scene.browser.open(&change.1).await;
    scene.browser.fill("Email address", "Kim@Shop.Example");
    scene.browser.press("Continue").await;
    scene.browser.expect_page(200, "My account");
    add_address(&mut scene, SECOND).await;
    let other = recover_by(&mut scene, SECOND).await;
    assert!(other.page().text.contains("Remove Kim@Shop.Example, added 4 months ago"), "{}", other.page().text);
    assert_eq!(checked(&other).len(), 0);
}

async fn what_is_added_while_the_recovery_page_is_open_is_removed(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    add_address(&mut scene, SECOND).await;
    let mut owner = recover(&mut scene).await;
    owner.untick(&format!("Remove {SECOND}, added just now"));
    // The thief is still signed in.
    add_address(&mut scene, THIEF).await;
    add_passkey(&mut scene).await;
    save(&mut owner, NEW_PASSWORD).await;
    let tokens = scene.client.finish(owner.at_app()).await;
    let info = scene.client.user_info(&tokens.access).await.expect(200).json();
    let identities = info["https://authgear.com/claims/user/identities"].as_array().expect("a list");
    assert_eq!(identities.len(), 2, "{info}");
    // Mails about the passkey and the password may come first.
    let says_so = |text: &str| text.contains("thief@shop.example can no longer be used to sign in.");
    while !says_so(&scene.mailbox.next_mail(THIEF).await.text) {}
    sign_in(&scene.server, THIEF, NEW_PASSWORD).await.expect_page(422, "Welcome back");
    sign_in(&scene.server, SECOND, NEW_PASSWORD).await.expect_page(200, "My account");
}

async fn what_is_replaced_while_the_recovery_page_is_open_is_removed(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    add_address(&mut scene, SECOND).await;
    let mut owner = recover(&mut scene).await;
    owner.untick(&format!("Remove {SECOND}, added just now"));
    replace_address(&mut scene, SECOND, THIEF).await;
    save(&mut owner, NEW_PASSWORD).await;
    assert!(owner.is_at_app());
    sign_in(&scene.server, THIEF, NEW_PASSWORD).await.expect_page(422, "Welcome back");
}

async fn a_form_that_does_not_say_what_its_page_showed_removes_nothing(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut owner = recover(&mut scene).await;
    // A page of the release before, which had no such field.
    add_address(&mut scene, THIEF).await;
    save(&mut owner, NEW_PASSWORD).await;
    let page = owner.expect_page(422, "Choose a new password").text.clone();
    assert!(page.contains("Remove thief@shop.example"), "{page}");
    assert_eq!(checked(&owner).len(), 1, "what was not shown is selected by its age");
    save(&mut owner, NEW_PASSWORD).await;
    assert!(owner.is_at_app());
    sign_in(&scene.server, THIEF, NEW_PASSWORD).await.expect_page(422, "Welcome back");
}

async fn a_guests_session_does_not_become_the_members_by_a_confirmation(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let mut own = server.browser();
    sign_up_by_cookie(&mut own).await;
    let mut copy = server.browser();
    copy.set_cookie("session", own.cookie("session").expect("a session"));
    let shared = sign_in_by_cookie(&client, &mut own).await;
    let sub = client.subject(&shared.access).await;
    let promotion = json!({"login_id": {"type": "email", "value": KIM, "is_verified": true}, "password": PASSWORD});
    Admin::of(&server).await.post(&format!("/users/{sub}/promote"), &promotion).await.expect(200);

    // Kim signs in instead of confirming, which gives its browser another session.
    own.open("/settings/identity/add?kind=email").await;
    own.expect_page(200, "Welcome back");
    own.fill("Email address", KIM);
    own.fill("Password", PASSWORD);
    own.press("Sign in").await;
    own.fill("Email address", SECOND);
    own.press("Continue").await;
    own.expect_page(200, "Check your email");
    copy.open("/settings").await;
    copy.expect_page(200, "Sign in to see your account");
    // Neither is a grant of the guest's a proof.
    let guest = client.sign_up().await;
    let sub = client.subject(&guest.access).await;
    let promotion = json!({"login_id": {"type": "email", "value": SECOND, "is_verified": true}, "password": PASSWORD});
    Admin::of(&server).await.post(&format!("/users/{sub}/promote"), &promotion).await.expect(200);
    let mut window = server.browser();
    open_account(&client, &guest.refresh, &mut window).await;
    window.open("/settings/confirm?next=/settings").await;
    window.expect_page(403, OUTDATED);
}

async fn a_password_known_to_a_thief_ends_with_the_recovery(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut thief = sign_in(&scene.server, KIM, PASSWORD).await;
    let mut waiting = scene.server.browser();
    waiting.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    let mut owner = recover(&mut scene).await;
    save(&mut owner, NEW_PASSWORD).await;
    assert!(owner.is_at_app());
    thief.open("/settings").await;
    thief.expect_page(200, "Sign in to see your account");
    expect_ended(&scene.client, &scene.tokens).await;
    waiting.fill("Email address", KIM);
    waiting.fill("Password", PASSWORD);
    waiting.press("Sign in").await;
    waiting.expect_page(422, "Welcome back");
    let mut stray = SoftPasskey::new();
    waiting.answer_passkey(|options, origin| stray.get(options, origin)).await;
    waiting.expect_page(422, "Welcome back");
}

on_both_engines!(
    a_code_for_an_address_that_was_removed_chooses_no_password,
    a_code_for_an_address_that_was_removed_signs_no_one_in,
    a_code_from_before_a_recovery_is_worth_nothing,
    a_thief_with_a_session_does_not_keep_the_owner_from_recovering,
    a_code_for_an_address_that_was_removed_confirms_nothing,
    an_answer_of_a_passkey_from_before_a_recovery_signs_no_one_in,
    a_code_of_a_sign_up_from_before_a_recovery_opens_no_account,
    an_address_that_replaced_an_old_one_is_young,
    what_is_added_while_the_recovery_page_is_open_is_removed,
    what_is_replaced_while_the_recovery_page_is_open_is_removed,
    a_form_that_does_not_say_what_its_page_showed_removes_nothing,
    a_guests_session_does_not_become_the_members_by_a_confirmation,
    a_password_known_to_a_thief_ends_with_the_recovery,
);
