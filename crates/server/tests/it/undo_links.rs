//! The link "This was not me": it brings back the login methods from before a change, whatever a thief changed after it, and a thief
//! gets no link that undoes what the owner did.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::{
    account::{KIM, PASSWORD, Scene},
    recovery::{DAY, NEW_PASSWORD, THIEF, UNDO, add_address, add_passkey, link_in, recover, sign_in},
    support::{Browser, Engine, SoftPasskey, Tokens, on_both_engines},
    takeover::{recover_by, remove_address, replace_address, save},
};

pub(crate) const SECOND: &str = "kim@home.example";
pub(crate) const ANOTHER: &str = "thief@home.example";
const GONE: &str = "This link does not work any more";
const DONE: &str = "All sessions are ended";

/// A generous timeout, reached only by a failing test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The newest mail to this address that says this; waits for it.
pub(crate) async fn mail_about(scene: &Scene, to: &str, what: &str) -> String {
    let arrived = scene.server.mails.wait_for(|mails| {
        let mut mails = mails.iter().map(|delivered| &delivered.mail);
        mails.find(|mail| mail.to == to && mail.text.contains(what)).map(|mail| mail.text.clone())
    });
    let text = tokio::time::timeout(PATIENCE, arrived).await;
    text.unwrap_or_else(|_| panic!("no mail about \"{what}\" came for {to}"))
}

pub(crate) async fn link_about(scene: &Scene, to: &str, what: &str) -> String {
    link_in(&mail_about(scene, to, what).await)
}

/// Opens a link; the page lists these changes.
pub(crate) async fn open(scene: &Scene, link: &str, heading: &str, changes: &[&str]) -> Browser {
    let mut reader = scene.server.browser();
    reader.open(link).await;
    let page = reader.expect_page(200, heading);
    for change in changes {
        assert!(page.text.contains(change), "{change}: {}", page.text);
    }
    reader
}

pub(crate) async fn redeem(scene: &Scene, link: &str, heading: &str, changes: &[&str]) -> String {
    let mut reader = open(scene, link, heading, changes).await;
    reader.press(UNDO).await;
    reader.expect_page(200, DONE).text.clone()
}

async fn expect_gone(scene: &Scene, link: &str) {
    let mut reader = scene.server.browser();
    reader.open(link).await;
    reader.expect_page(410, GONE);
}

pub(crate) async fn expect_signs_in(scene: &Scene, address: &str, password: &str, does: bool) {
    let browser = sign_in(&scene.server, address, password).await;
    if does {
        browser.expect_page(200, "My account")
    } else {
        browser.expect_page(422, "Welcome back")
    };
}

/// Removes the only passkey on the account page.
pub(crate) async fn remove_passkey(scene: &mut Scene) {
    scene.browser.open("/settings/passkeys").await;
    scene.browser.press("Remove").await;
    let page = scene.browser.expect_page(200, "Passkeys");
    assert!(!page.text.contains("Rename"), "{}", page.text);
}

/// A thief adds an address and removes Kim's: both links, in the mails to Kim.
pub(crate) async fn take_over(scene: &mut Scene) -> [String; 2] {
    scene.server.clock.advance_seconds(1);
    add_address(scene, THIEF).await;
    scene.server.clock.advance_seconds(1);
    remove_address(&mut scene.browser, KIM).await;
    let added = link_about(scene, KIM, "thief@shop.example can now be used").await;
    let removed = link_about(scene, KIM, "kim@shop.example can no longer be used").await;
    [added, removed]
}

async fn the_older_link_undoes_the_later_changes_too(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let [added, removed] = take_over(&mut scene).await;
    expect_signs_in(&scene, KIM, PASSWORD, false).await;
    let changes = ["thief@shop.example is removed.", "kim@shop.example is restored."];
    redeem(&scene, &added, "Undo these changes?", &changes).await;
    expect_signs_in(&scene, KIM, PASSWORD, true).await;
    expect_signs_in(&scene, THIEF, PASSWORD, false).await;
    // Each is worth nothing now.
    expect_gone(&scene, &added).await;
    expect_gone(&scene, &removed).await;
    // What was removed by a link is told where it was.
    let text = mail_about(&scene, THIEF, "thief@shop.example can no longer be used").await;
    assert!(!text.contains("/security/"), "{text}");
}

async fn after_the_newer_link_the_older_one_undoes_the_rest(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let [added, removed] = take_over(&mut scene).await;
    redeem(&scene, &removed, "Restore kim@shop.example?", &[]).await;
    expect_signs_in(&scene, KIM, PASSWORD, true).await;
    expect_signs_in(&scene, THIEF, PASSWORD, true).await;
    expect_gone(&scene, &removed).await;
    redeem(&scene, &added, "Remove thief@shop.example?", &[]).await;
    expect_signs_in(&scene, KIM, PASSWORD, true).await;
    expect_signs_in(&scene, THIEF, PASSWORD, false).await;
}

async fn a_thiefs_address_gets_no_link(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.server.clock.advance_seconds(1);
    add_address(&mut scene, THIEF).await;
    add_address(&mut scene, ANOTHER).await;
    // The owner removes one and replaces the other; the thief hears of it, and Kim could undo it.
    remove_address(&mut scene.browser, THIEF).await;
    replace_address(&mut scene, ANOTHER, SECOND).await;
    for (address, what) in [(THIEF, "can no longer be used"), (ANOTHER, "You now sign in with")] {
        let text = mail_about(&scene, address, what).await;
        assert!(!text.contains("/security/") && text.contains("change your password"), "{text}");
        link_about(&scene, KIM, what).await;
    }
    // Nor does one that replaced an old address of the account.
    scene.server.clock.advance_seconds(60 * DAY);
    scene.sign_in(KIM, PASSWORD).await;
    replace_address(&mut scene, SECOND, THIEF).await;
    let restored = link_about(&scene, SECOND, "You now sign in with thief@shop.example").await;
    replace_address(&mut scene, THIEF, ANOTHER).await;
    let text = mail_about(&scene, THIEF, "You now sign in with thief@home.example").await;
    assert!(!text.contains("/security/"), "{text}");
    let replaced = ["kim@home.example is restored in the place of thief@home.example."];
    redeem(&scene, &restored, "Restore kim@home.example?", &replaced).await;
    expect_signs_in(&scene, SECOND, PASSWORD, true).await;
    expect_signs_in(&scene, ANOTHER, PASSWORD, false).await;
}

/// Whether a passkey signs in.
async fn is_good(scene: &Scene, passkey: &mut SoftPasskey) -> bool {
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    browser.answer_passkey(|options, origin| passkey.get(options, origin)).await;
    browser.is_at_app()
}

async fn a_removed_passkey_is_mailed_and_restored(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut own = add_passkey(&mut scene).await;
    assert!(is_good(&scene, &mut own).await);
    link_about(&scene, KIM, "passkey was added").await;
    remove_passkey(&mut scene).await;
    let mut thiefs = add_passkey(&mut scene).await;
    let removed = link_about(&scene, KIM, "passkey was removed from your account").await;
    assert!(!is_good(&scene, &mut own).await && is_good(&scene, &mut thiefs).await);
    redeem(&scene, &removed, "Undo these changes?", &["Passkey is restored.", "Passkey is removed."]).await;
    assert!(is_good(&scene, &mut own).await && !is_good(&scene, &mut thiefs).await);
}

async fn a_recovery_by_a_thief_is_undone(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut own = add_passkey(&mut scene).await;
    scene.server.clock.advance_seconds(60 * DAY);
    scene.sign_in(KIM, PASSWORD).await;
    add_address(&mut scene, THIEF).await;
    let added = link_about(&scene, KIM, "thief@shop.example can now be used").await;
    // The thief recovers with its address, and removes all others.
    let mut thief = recover_by(&mut scene, THIEF).await;
    tick_all(&mut thief);
    save(&mut thief, NEW_PASSWORD).await;
    assert!(thief.is_at_app());
    expect_signs_in(&scene, KIM, NEW_PASSWORD, false).await;
    let removed = link_about(&scene, KIM, "kim@shop.example can no longer be used").await;
    let passkey = link_about(&scene, KIM, "passkey was removed").await;
    // The links of one recovery undo all of it.
    let changes = ["kim@shop.example is restored.", "Passkey is restored."];
    open(&scene, &passkey, "Undo these changes?", &changes).await;
    redeem(&scene, &removed, "Undo these changes?", &changes).await;
    expect_gone(&scene, &passkey).await;
    expect_signs_in(&scene, KIM, NEW_PASSWORD, true).await;
    assert!(is_good(&scene, &mut own).await);
    // The recovery has not ended the link from before it.
    redeem(&scene, &added, "Remove thief@shop.example?", &[]).await;
    expect_signs_in(&scene, THIEF, NEW_PASSWORD, false).await;
    // The thief, who knows the password, is out once Kim has chosen another.
    let mut owner = recover(&mut scene).await;
    save(&mut owner, "a third quiet harbor evening").await;
    assert!(owner.is_at_app());
}

/// Ticks every box of the page that is not ticked.
fn tick_all(browser: &mut Browser) {
    let form = browser.page().forms.iter().find(|form| !form.boxes.is_empty()).expect("a form with boxes").clone();
    for (label, id) in &form.labels {
        let named = form.boxes.iter().find(|[of, ..]| of == id);
        if named.is_some_and(|[_, name, _]| form.fields.iter().all(|(field, _)| field != name)) {
            browser.tick(label);
        }
    }
}

/// Creates an account of another person with this address.
pub(crate) async fn claim(scene: &mut Scene, address: &str) -> Tokens {
    let mut other = scene.server.browser();
    other.open(&scene.client.authorize_url(&[("x_page", "signup")])).await;
    other.fill("Email address", address);
    other.fill("Password", NEW_PASSWORD);
    other.press("Create account").await;
    other.fill("Code", &scene.mailbox.next_code(address).await);
    other.press("Confirm").await;
    if !other.is_at_app() {
        other.press("Maybe later").await;
    }
    scene.client.finish(other.at_app()).await
}

async fn what_belongs_to_another_account_stays_there(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let [added, _] = take_over(&mut scene).await;
    let tokens = claim(&mut scene, KIM).await;
    let text = redeem(&scene, &added, "Undo these changes?", &[]).await;
    let kept = "thief@shop.example is the only sign-in method of the account now";
    for said in ["kim@shop.example belongs to another account now", kept] {
        assert!(text.contains(said), "{text}");
    }
    assert_eq!(scene.client.user_info(&tokens.access).await.expect(200).json()["email"], KIM);
    scene.browser.open("/settings").await;
    scene.browser.expect_page(200, "Sign in to see your account");
}

async fn a_link_is_redeemed_once_however_often_it_is_pressed(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let [added, removed] = take_over(&mut scene).await;
    let mut readers = Vec::new();
    for link in [&added, &removed, &added, &removed, &added] {
        let mut reader = scene.server.browser();
        reader.open(link).await;
        readers.push(reader);
    }
    let mut clicks = JoinSet::new();
    for mut reader in readers {
        clicks.spawn(async move {
            reader.press(UNDO).await;
            reader.reply().status
        });
    }
    let done = clicks.join_all().await.into_iter().filter(|status| *status == 200).count();
    assert!((1..=2).contains(&done), "the older one, or the newer one and then the older one: {done}");
    expect_signs_in(&scene, KIM, PASSWORD, true).await;
    expect_signs_in(&scene, THIEF, PASSWORD, false).await;
}

async fn a_link_ends_after_seven_days(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let [added, removed] = take_over(&mut scene).await;
    scene.server.clock.advance_seconds(7 * DAY - 1);
    open(&scene, &added, "Undo these changes?", &[]).await;
    scene.server.clock.advance_seconds(2);
    expect_gone(&scene, &added).await;
    expect_gone(&scene, &removed).await;
}

on_both_engines!(
    the_older_link_undoes_the_later_changes_too,
    after_the_newer_link_the_older_one_undoes_the_rest,
    a_thiefs_address_gets_no_link,
    a_removed_passkey_is_mailed_and_restored,
    a_recovery_by_a_thief_is_undone,
    what_belongs_to_another_account_stays_there,
    a_link_is_redeemed_once_however_often_it_is_pressed,
    a_link_ends_after_seven_days,
);
