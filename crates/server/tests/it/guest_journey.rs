//! A web guest's complete journey: sign-up, promotion on the pages, the same `sub` afterwards.

use crate::support::{AppClient, Browser, Engine, Mailbox, TestServer, Tokens, on_both_engines};

/// Fills in the promotion page up to the code.
pub(crate) async fn identify(browser: &mut Browser, email: &str) {
    browser.fill("Email address", email);
    browser.fill("Password", "violet tugboat marmalade");
    browser.press("Save my progress").await;
}

/// Completes the promotion pages; the browser is at the app then.
pub(crate) async fn promote(
    client: &AppClient,
    guest: &Tokens,
    browser: &mut Browser,
    mailbox: &mut Mailbox,
    email: &str,
) {
    let code = client.promotion_code(guest).await;
    browser.open(&client.promotion_url(&code)).await;
    identify(browser, email).await;
    browser.fill("Code", &mailbox.next_code(email).await);
    browser.press("Confirm").await;
}

async fn a_guest_is_promoted_and_keeps_its_sub(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    let guest = client.sign_up().await;
    let sub = client.subject(&guest.access).await;
    promote(&client, &guest, &mut browser, &mut mailbox, "kim@shop.example").await;
    let member = client.finish(browser.at_app()).await;
    let info = client.user_info(&member.access).await.expect(200).json();
    assert_eq!(info["sub"], *sub);
    assert_eq!(info["https://authgear.com/claims/user/is_anonymous"], false);
    assert_eq!(info["email"], "kim@shop.example");
    assert_eq!(info["email_verified"], true);
}

on_both_engines!(a_guest_is_promoted_and_keeps_its_sub);
