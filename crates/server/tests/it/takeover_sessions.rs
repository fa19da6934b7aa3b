//! What a thief with a session of a member can do to the owner: neither a device that it connected outlives a recovery, nor does signing
//! out everywhere else keep the owner out.

use crate::{
    account::{KIM, PASSWORD, Scene, offer_everything},
    device_grant::{Television, allow_devices, connect, expect_error},
    recovery::{NEW_PASSWORD, recover},
    support::{Engine, Setup, on_both_engines},
    takeover::save,
};

on_both_engines!(
    a_device_that_a_thief_connected_gets_nothing_after_a_recovery,
    a_session_that_is_not_fresh_signs_no_one_out,
    a_thief_with_a_session_does_not_keep_the_owner_from_signing_in_by_code,
);

const CONFIRM: &str = "Confirm that it’s you";
const EVERYWHERE: &str = "Sign out everywhere else";

async fn a_device_that_a_thief_connected_gets_nothing_after_a_recovery(engine: Engine) {
    let mut scene = Scene::make(engine, allow_devices).await;
    let television = Television::begin(&scene.server, "openid offline_access").await;
    connect(&mut scene.browser, &television).await;
    let mut owner = recover(&mut scene).await;
    save(&mut owner, NEW_PASSWORD).await;
    assert!(owner.is_at_app());
    expect_error(television.poll().await, "access_denied");
}

async fn a_session_that_is_not_fresh_signs_no_one_out(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.server.clock.advance_seconds(301);
    for button in [EVERYWHERE, "Sign out"] {
        scene.browser.open("/settings").await;
        let fields = scene.browser.page().forms.iter().flat_map(|form| &form.fields);
        let grant =
            fields.filter(|(name, _)| name == "session_id").map(|(_, id)| id.clone()).next().expect("the app's");
        if button == "Sign out" {
            scene.browser.forge("session_id", &grant);
        }
        scene.browser.press(button).await;
        scene.browser.expect_page(200, CONFIRM);
    }
    assert!(scene.server.events("session.revoked").await.is_empty());
    // The confirmation leads back, where the same button does it.
    scene.browser.fill("Password", PASSWORD);
    scene.browser.press("Continue").await;
    scene.browser.expect_page(200, "My account");
    scene.browser.press(EVERYWHERE).await;
    assert!(scene.browser.page().text.contains("Signed out everywhere else."));
    scene.client.refresh(&scene.tokens.refresh).await.expect(400);
}

/// Codes and no passwords.
fn offer_only_codes(setup: &mut Setup) {
    offer_everything(setup);
    setup.set("authentication.primary_authenticators", vec!["oob_otp_email", "passkey"]);
}

async fn a_thief_with_a_session_does_not_keep_the_owner_from_signing_in_by_code(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.server.change_project(offer_only_codes).await;
    let mut owner = scene.server.browser();
    owner.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    owner.fill("Email address", KIM);
    owner.press("Continue").await;
    owner.expect_page(200, "Check your email");
    let code = scene.mailbox.next_code(KIM).await;
    // The session of the thief is fresh.
    scene.browser.open("/settings").await;
    scene.browser.press(EVERYWHERE).await;
    assert!(scene.browser.page().text.contains("Signed out everywhere else."));
    scene.server.clock.advance_seconds(1);
    owner.fill("Code", &code);
    owner.press("Confirm").await;
    scene.client.finish(owner.at_app()).await;
}
