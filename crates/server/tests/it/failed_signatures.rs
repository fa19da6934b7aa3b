//! Requests signed with the wrong device key: reported once and counted, without limiting the correct key.

use vestibule_app::repeats;

use crate::{
    first_request::{count_of, count_rows},
    support::{Device, Engine, Platform, TestServer, on_both_engines},
};

const FAILED: &str = "authentication.identity.anonymous.failed";
const TOO_MANY: &str = "rate limit exceeded, please try again later.";

/// A guest with a key, and an attacker who knows its key ID but not the key.
async fn meet(server: &TestServer) -> (Device, String, Device) {
    let mut device = Device::new(server, Platform::Android);
    device.authenticate().await;
    let kid = device.kid.clone().expect("a key id");
    (device, kid, Device::new(server, Platform::ReactNative))
}

async fn expect_invalid(device: &Device, jwt: &str) {
    device.present(jwt).await.expect_oauth_error(400, "invalid_grant", "InvalidCredentials");
}

async fn a_wrong_signature_that_is_sent_again_is_one_event(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (device, kid, outsider) = meet(&server).await;
    let spent = count_of(&server, "spent").await;
    let state = "s".repeat(2_000);
    let challenges = [device.challenge().await, device.challenge().await];
    let promote = outsider.sign("promote", &challenges[0], &kid, false);
    let url = device.promotion_url_with(&promote).replace("state=s&", &format!("state={state}&"));
    let log_in = outsider.sign("auth", &challenges[1], &kid, false);
    let mut browser = server.browser();
    for _ in 0..20 {
        browser.open(&url).await;
        browser.expect_page(400, "This link has expired");
        expect_invalid(&outsider, &log_in).await;
    }
    let events = server.events(FAILED).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["payload"]["count"], 1);
    let reported = events[0]["context"]["oauth"]["state"].as_str().expect("a state");
    assert!(reported.starts_with("sha256:") && reported.len() == 71, "{reported}");
    assert_eq!(count_of(&server, "spent").await, spent + 2, "each challenge is spent");
    // So the correct key cannot use them either; with a new one it can.
    expect_invalid(&device, &device.sign("auth", &challenges[1], &kid, false)).await;
    browser.open(&device.promotion_url_with(&device.sign("promote", &challenges[0], &kid, false))).await;
    browser.expect_page(400, "This link has expired");
    device.present(&device.sign("auth", &device.challenge().await, &kid, false)).await.expect(200);
    browser.open(&device.promotion_url_with(&device.sign("promote", &device.challenge().await, &kid, false))).await;
    browser.expect_page(200, "Save your progress");
}

async fn equal_failures_are_counted_and_reported_once_an_hour(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (device, kid, outsider) = meet(&server).await;
    let counts = async || -> Vec<i64> {
        server.events(FAILED).await.iter().map(|event| event["payload"]["count"].as_i64().expect("a number")).collect()
    };
    for _ in 0..5 {
        expect_invalid(&outsider, &outsider.sign("auth", &device.challenge().await, &kid, false)).await;
    }
    assert_eq!(counts().await, [1], "the first at once");
    server.clock.advance_seconds(3_599);
    assert_eq!(repeats::report(&server.app).await.expect("the store works"), 0);
    server.clock.advance_seconds(1);
    assert_eq!(repeats::report(&server.app).await.expect("the store works"), 1);
    assert_eq!(repeats::report(&server.app).await.expect("the store works"), 0, "no node tells it twice");
    assert_eq!(counts().await, [1, 4]);
    // The next window: one more.
    expect_invalid(&outsider, &outsider.sign("auth", &device.challenge().await, &kid, false)).await;
    assert_eq!(counts().await, [1, 4], "counted");
    server.clock.advance_seconds(3_600);
    repeats::report(&server.app).await.expect("the store works");
    assert_eq!(counts().await, [1, 4, 1]);
    // A window without events is removed; the next event is reported at once.
    server.clock.advance_seconds(3_600);
    repeats::report(&server.app).await.expect("the store works");
    expect_invalid(&outsider, &outsider.sign("auth", &device.challenge().await, &kid, false)).await;
    assert_eq!(counts().await, [1, 4, 1, 1]);
}

async fn wrong_signatures_are_limited_by_key_and_by_address(engine: Engine) {
    for (limit, others_too) in [("per_key", false), ("per_ip", true)] {
        let server = TestServer::start(engine, |setup| {
            setup.set(&format!("authentication.rate_limits.device_key.{limit}.burst"), 3);
        })
        .await;
        let (device, kid, outsider) = meet(&server).await;
        let (other, other_kid, _) = meet(&server).await;
        for _ in 0..3 {
            expect_invalid(&outsider, &outsider.sign("auth", &device.challenge().await, &kid, false)).await;
        }
        let before = count_rows(&server).await;
        let mut browser = server.browser();
        for _ in 0..5 {
            let jwt = outsider.sign("auth", &device.challenge().await, &kid, false);
            outsider.present(&jwt).await.expect_oauth_error(429, "x_rate_limited", TOO_MANY);
            let jwt = outsider.sign("promote", &device.challenge().await, &kid, false);
            browser.open(&device.promotion_url_with(&jwt)).await;
            browser.expect_page(429, "Let’s pause for a moment");
        }
        assert_eq!(count_rows(&server).await, before, "beyond {limit} nothing is written");
        let reply = outsider.present(&outsider.sign("auth", &other.challenge().await, &other_kid, false)).await;
        assert_eq!(reply.status, if others_too { 429 } else { 400 }, "{limit}: another key id");
        // The correct key is never limited.
        device.present(&device.sign("auth", &device.challenge().await, &kid, false)).await.expect(200);
    }
}

on_both_engines!(
    a_wrong_signature_that_is_sent_again_is_one_event,
    equal_failures_are_counted_and_reported_once_an_hour,
    wrong_signatures_are_limited_by_key_and_by_address,
);
