//! The link "This was not me" where it could mislead: who gets it, what its page says, and who hears that it was used.

use crate::{
    account::{KIM, PASSWORD, Scene},
    recovery::{DAY, NEW_PASSWORD, THIEF, add_address, add_passkey, recover},
    support::{Engine, on_both_engines},
    takeover::{remove_address, replace_address, save},
    undo_links::{
        ANOTHER, PATIENCE, SECOND, claim, expect_signs_in, link_about, mail_about, open, redeem, remove_passkey,
        take_over,
    },
};

async fn add_username(scene: &mut Scene) {
    scene.browser.open("/settings/identity/add?kind=username").await;
    scene.browser.fill("Username", "kim_o");
    scene.browser.press("Continue").await;
    scene.browser.expect_page(200, "My account");
}

/// Makes Kim's account one with a username and a password, long ago and without an email address.
async fn become_kim_o(scene: &mut Scene) {
    add_username(scene).await;
    remove_address(&mut scene.browser, KIM).await;
    scene.server.clock.advance_seconds(60 * DAY);
    sign_in_as_kim_o(scene).await;
}

async fn sign_in_as_kim_o(scene: &mut Scene) {
    scene.browser = scene.server.browser();
    scene.browser.open("/settings/sign-in").await;
    scene.browser.follow("Username").await;
    scene.browser.fill("Username", "kim_o");
    scene.browser.fill("Password", PASSWORD);
    scene.browser.press("Sign in").await;
    scene.browser.expect_page(200, "My account");
}

async fn the_first_address_of_an_older_account_gets_no_link(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    become_kim_o(&mut scene).await;
    add_address(&mut scene, THIEF).await;
    scene.server.clock.advance_seconds(1);
    remove_address(&mut scene.browser, THIEF).await;
    let text = mail_about(&scene, THIEF, "thief@shop.example can no longer be used").await;
    assert!(!text.contains("/security/"), "{text}");
    // Nor in the mails about what comes next, while it is part of what could be undone.
    add_address(&mut scene, THIEF).await;
    scene.server.clock.advance_seconds(1);
    add_address(&mut scene, SECOND).await;
    replace_address(&mut scene, THIEF, ANOTHER).await;
    let mails = scene.server.mails.mails();
    let linked =
        mails.iter().filter(|delivered| delivered.mail.to != KIM && delivered.mail.text.contains("/security/"));
    assert_eq!(linked.count(), 0);
}

async fn what_replaced_a_claimed_address_is_removed(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    add_username(&mut scene).await;
    replace_address(&mut scene, KIM, THIEF).await;
    let replaced = link_about(&scene, KIM, "You now sign in with thief@shop.example").await;
    claim(&mut scene, KIM).await;
    let text = redeem(&scene, &replaced, "Restore kim@shop.example?", &[]).await;
    assert!(text.contains("kim@shop.example belongs to another account now"), "{text}");
    assert!(!text.contains("only sign-in method"), "{text}");
    expect_signs_in(&scene, THIEF, PASSWORD, false).await;
    mail_about(&scene, THIEF, "thief@shop.example can no longer be used").await;
    sign_in_as_kim_o(&mut scene).await;
    // Without another way to sign in it stays, and the page names it.
    let mut scene = Scene::make(engine, |_| {}).await;
    replace_address(&mut scene, KIM, THIEF).await;
    let replaced = link_about(&scene, KIM, "You now sign in with thief@shop.example").await;
    claim(&mut scene, KIM).await;
    let text = redeem(&scene, &replaced, "Restore kim@shop.example?", &[]).await;
    assert!(text.contains("thief@shop.example is the only sign-in method of the account now"), "{text}");
    expect_signs_in(&scene, THIEF, PASSWORD, true).await;
}

/// The mails to an address that say this.
fn count_mails(scene: &Scene, to: &str, what: &str) -> usize {
    let mails = scene.server.mails.mails();
    mails.iter().filter(|delivered| delivered.mail.to == to && delivered.mail.text.contains(what)).count()
}

async fn the_addresses_that_stay_hear_of_a_used_link(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    add_address(&mut scene, SECOND).await;
    scene.server.clock.advance_seconds(8 * DAY);
    scene.sign_in(KIM, PASSWORD).await;
    remove_address(&mut scene.browser, KIM).await;
    let removed = link_about(&scene, KIM, "kim@shop.example can no longer be used").await;
    redeem(&scene, &removed, "Restore kim@shop.example?", &[]).await;
    let text = mail_about(&scene, SECOND, "The link “This was not me” in an email was used").await;
    assert!(!text.contains("/security/"), "{text}");
    // All verified addresses hear of a new password, too, chosen on the account page or in a recovery.
    let changed = "Your password was changed";
    scene.sign_in(KIM, PASSWORD).await;
    scene.browser.open("/settings/password").await;
    scene.browser.fill("Current password", PASSWORD);
    scene.browser.fill("New password", NEW_PASSWORD);
    scene.browser.press("Save password").await;
    scene.browser.expect_page(200, "My account");
    mail_about(&scene, KIM, changed).await;
    mail_about(&scene, SECOND, changed).await;
    let mut owner = recover(&mut scene).await;
    let form = owner.page().forms.iter().find(|form| !form.boxes.is_empty()).expect("a form with boxes").clone();
    owner.untick(&form.labels.iter().find(|(label, _)| label.contains(SECOND)).expect("its box").0);
    save(&mut owner, "a third quiet harbor evening").await;
    assert!(owner.is_at_app());
    for address in [KIM, SECOND] {
        let twice = scene.server.mails.wait_for(|mails| {
            let mine = mails.iter().filter(|one| one.mail.to == address && one.mail.text.contains(changed));
            (mine.count() == 2).then_some(())
        });
        tokio::time::timeout(PATIENCE, twice).await.unwrap_or_else(|_| panic!("one more mail for {address}"));
    }
}

async fn a_link_says_that_earlier_changes_stay(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let [added, removed] = take_over(&mut scene).await;
    let stays = "Earlier changes stay.";
    let text = open(&scene, &added, "Undo these changes?", &[]).await.page().text.clone();
    assert!(!text.contains(stays), "{text}");
    let text = redeem(&scene, &removed, "Restore kim@shop.example?", &[stays]).await;
    assert!(text.contains(stays), "{text}");
    let text = redeem(&scene, &added, "Remove thief@shop.example?", &[]).await;
    assert!(!text.contains(stays), "{text}");
    let mail = mail_about(&scene, KIM, "kim@shop.example can no longer be used").await;
    assert!(mail.contains("use the oldest one about a change that you do not recognize"), "{mail}");
}

async fn a_passkey_with_the_name_of_an_address_looks_like_a_passkey(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    add_passkey(&mut scene).await;
    let added = link_about(&scene, KIM, "passkey was added").await;
    scene.browser.open("/settings/passkeys").await;
    scene.browser.follow("Rename").await;
    scene.browser.fill("Name of the passkey (optional)", KIM);
    scene.browser.press("Save").await;
    scene.browser.expect_page(200, "Passkeys");
    open(&scene, &added, "Remove the passkey “kim@shop.example”?", &[]).await;
    let owner = recover(&mut scene).await;
    let text = owner.page().text.clone();
    assert!(text.contains("Remove Passkey “kim@shop.example”, added"), "{text}");
    scene.server.clock.advance_seconds(1);
    remove_passkey(&mut scene).await;
    let removed = link_about(&scene, KIM, "The passkey “kim@shop.example” was removed").await;
    open(&scene, &removed, "Restore the passkey “kim@shop.example”?", &[]).await;
    add_address(&mut scene, SECOND).await;
    open(&scene, &removed, "Undo these changes?", &["Passkey “kim@shop.example” is restored."]).await;
}

async fn a_refused_removal_is_not_charged(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.browser.open("/settings").await;
    let links = scene.browser.page().links.clone();
    let change = links.iter().find(|(_, href)| href.starts_with("/settings/identity/change")).expect("a link");
    let removal = change.1.replace("/change?", "/remove?");
    for _ in 0..31 {
        scene.browser.open(&removal).await;
        scene.browser.press("Remove").await;
        let page = scene.browser.expect_page(200, "My account");
        assert!(page.text.contains("This is your only way to sign in"), "{}", page.text);
    }
    add_address(&mut scene, SECOND).await;
}

async fn swapped_addresses_come_back_without_a_mail_that_says_they_are_gone(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    add_address(&mut scene, SECOND).await;
    scene.server.clock.advance_seconds(60 * DAY);
    scene.sign_in(KIM, PASSWORD).await;
    replace_address(&mut scene, KIM, ANOTHER).await;
    let replaced = link_about(&scene, KIM, "You now sign in with thief@home.example").await;
    replace_address(&mut scene, SECOND, KIM).await;
    replace_address(&mut scene, ANOTHER, SECOND).await;
    redeem(&scene, &replaced, "Undo these changes?", &[]).await;
    mail_about(&scene, KIM, "The link “This was not me” in an email was used").await;
    for address in [KIM, SECOND] {
        assert_eq!(count_mails(&scene, address, "can no longer be used"), 0, "{address}");
    }
}

on_both_engines!(
    the_first_address_of_an_older_account_gets_no_link,
    what_replaced_a_claimed_address_is_removed,
    the_addresses_that_stay_hear_of_a_used_link,
    a_link_says_that_earlier_changes_stay,
    a_passkey_with_the_name_of_an_address_looks_like_a_passkey,
    a_refused_removal_is_not_charged,
    swapped_addresses_come_back_without_a_mail_that_says_they_are_gone,
);
