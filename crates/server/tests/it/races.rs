//! Single use under concurrency: one of fifty concurrent requests wins, and the others get a clear response.

use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    guest_journey::{identify, promote},
    support::{AppClient, Browser, Engine, Mailbox, Setup, TestServer, Tokens, on_both_engines, query},
};

const CROWD: usize = 50;

/// Codes are limited per address, and all clients use one.
fn let_a_crowd_in(setup: &mut Setup) {
    for limit in ["trigger_per_ip", "trigger_per_user", "validate_per_ip", "validate_per_user"] {
        setup.set(&format!("authentication.rate_limits.oob_otp.{limit}.enabled"), false);
    }
}

/// A browser one click before the end of a promotion.
async fn ready(
    client: &AppClient,
    guest: &Tokens,
    mailbox: &mut Mailbox,
    mut browser: Browser,
    email: &str,
) -> Browser {
    let code = client.promotion_code(guest).await;
    browser.open(&client.promotion_url(&code)).await;
    identify(&mut browser, email).await;
    browser.fill("Code", &mailbox.next_code(email).await);
    browser
}

/// Presses "Confirm" in all of them at once.
async fn confirm_all(browsers: Vec<Browser>) -> Vec<Browser> {
    let mut clicks = JoinSet::new();
    for mut browser in browsers {
        clicks.spawn(async move {
            browser.press("Confirm").await;
            browser
        });
    }
    clicks.join_all().await
}

async fn fifty_redemptions_of_one_code_have_one_winner(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, guest, mut browser) = (server.app_client(), server.app_client().sign_up().await, server.browser());
    promote(&client, &guest, &mut browser, &mut server.mailbox(), "kim@shop.example").await;
    let code = query(browser.at_app(), "code").expect("a code");
    let mut redemptions = JoinSet::new();
    for _ in 0..CROWD {
        let (client, code) = (client.clone(), code.clone());
        redemptions.spawn(async move { client.exchange(&code).await });
    }
    let (won, lost): (Vec<_>, Vec<_>) = redemptions.join_all().await.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((won.len(), lost.len()), (1, CROWD - 1));
    for reply in lost {
        reply.expect_oauth_error(400, "invalid_grant", "invalid authorization code");
    }
    let access = won[0].json()["access_token"].as_str().expect("a token").to_string();
    client.user_info(&access).await.expect(200);
}

async fn fifty_promotions_of_one_guest_have_one_winner_and_one_event(engine: Engine) {
    let server = TestServer::start(engine, let_a_crowd_in).await;
    let (client, mut mailbox) = (server.app_client(), server.mailbox());
    let guest = client.sign_up().await;
    let mut browsers = Vec::new();
    for number in 0..CROWD {
        let email = format!("kim{number}@shop.example");
        browsers.push(ready(&client, &guest, &mut mailbox, server.browser(), &email).await);
    }
    let browsers = confirm_all(browsers).await;
    let (won, lost): (Vec<_>, Vec<_>) = browsers.iter().partition(|browser| browser.is_at_app());
    assert_eq!((won.len(), lost.len()), (1, CROWD - 1));
    for browser in lost {
        browser.expect_page(409, "Your progress is saved already");
    }
    let member = client.finish(won[0].at_app()).await;
    let info = client.user_info(&member.access).await.expect(200).json();
    let identities = info["https://authgear.com/claims/user/identities"].as_array().expect("a list");
    assert_eq!(identities.len(), 1, "{info}");
    let events = server.events("user.anonymous.promoted").await;
    let [event] = events.as_slice() else { panic!("one event, not {events:?}") };
    assert_eq!(event["payload"]["user"]["id"], info["sub"]);
    assert_eq!(event["payload"]["anonymous_user"]["id"], info["sub"]);
    assert_eq!(event["payload"]["identities"][0]["claims"]["email"], info["email"]);
    assert_eq!(event["context"]["client_id"], "web");
}

async fn one_address_wanted_by_many_guests_goes_to_one(engine: Engine) {
    let server = TestServer::start(engine, let_a_crowd_in).await;
    let (client, mut mailbox) = (server.app_client(), server.mailbox());
    let (mut browsers, mut guests) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        let guest = client.sign_up().await;
        browsers.push(ready(&client, &guest, &mut mailbox, server.browser(), "kim@shop.example").await);
        guests.push(guest);
    }
    let browsers = confirm_all(browsers).await;
    let (won, lost): (Vec<_>, Vec<_>) = browsers.iter().partition(|browser| browser.is_at_app());
    assert_eq!((won.len(), lost.len()), (1, 9));
    for browser in lost {
        browser.expect_page(409, "You already have an account");
    }
    let mut members = 0;
    for guest in guests {
        // Only guests get a promotion code.
        let body = json!({ "session_type": "refresh_token", "refresh_token": guest.refresh });
        let reply = client.http.post_json("/api/anonymous_user/promotion_code", &body).await;
        members += usize::from(reply.status != 200);
    }
    assert_eq!(members, 1);
    let member = client.finish(won[0].at_app()).await;
    assert_eq!(client.user_info(&member.access).await.expect(200).json()["email"], "kim@shop.example");
    assert_eq!(server.events("user.anonymous.promoted").await.len(), 1);
}

async fn an_impatient_double_click_promotes_once(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut mailbox) = (server.app_client(), server.mailbox());
    let guest = client.sign_up().await;
    let browser = ready(&client, &guest, &mut mailbox, server.browser(), "kim@shop.example").await;
    let browsers = confirm_all((0..5).map(|_| browser.clone()).collect()).await;
    // A browser shows the answer to its last click only, so each has the code.
    let landings: Vec<&str> = browsers.iter().map(|browser| browser.at_app().as_str()).collect();
    assert!(landings.iter().all(|landing| *landing == landings[0]), "{landings:?}");
    assert_eq!(server.events("user.anonymous.promoted").await.len(), 1);
    client.finish(browsers[0].at_app()).await;
}

async fn fifty_browsers_open_one_promotion_code_and_the_first_form_wins(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let url = client.promotion_url(&client.promotion_code(&guest).await);
    let mut opening = JoinSet::new();
    for _ in 0..CROWD {
        let (mut browser, url) = (server.browser(), url.clone());
        opening.spawn(async move {
            browser.open(&url).await;
            browser.expect_page(200, "Save your progress");
            browser
        });
    }
    let mut sending = JoinSet::new();
    for (number, mut browser) in opening.join_all().await.into_iter().enumerate() {
        sending.spawn(async move {
            identify(&mut browser, &format!("kim{number}@shop.example")).await;
            (browser.reply().status, browser.page().heading.clone())
        });
    }
    let mut seen = sending.join_all().await;
    seen.sort();
    assert_eq!(seen[0], (200, "Check your email".into()));
    assert!(seen[1..].iter().all(|page| *page == (400, "This link has expired".into())), "{seen:?}");
}

async fn a_revoked_grant_stays_revoked_among_refreshes(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let mut calls = JoinSet::new();
    for number in 0..20 {
        let (client, token) = (client.clone(), guest.refresh.clone());
        calls.spawn(
            async move { if number == 10 { client.revoke(&token).await } else { client.refresh(&token).await } },
        );
    }
    for reply in calls.join_all().await {
        assert!([200, 400].contains(&reply.status), "{reply:?}");
    }
    client.refresh(&guest.refresh).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
}

on_both_engines!(
    fifty_redemptions_of_one_code_have_one_winner,
    fifty_promotions_of_one_guest_have_one_winner_and_one_event,
    one_address_wanted_by_many_guests_goes_to_one,
    an_impatient_double_click_promotes_once,
    fifty_browsers_open_one_promotion_code_and_the_first_form_wins,
    a_revoked_grant_stays_revoked_among_refreshes,
);
