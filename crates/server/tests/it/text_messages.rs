//! What text messages may cost: countries, waits that grow, and a budget for each project.

use std::net::Ipv4Addr;

use serde_json::json;

use crate::{
    account::Scene,
    credentials::LoginMethod,
    support::{Browser, Engine, Setup, TestServer, on_both_engines},
};

on_both_engines!(
    codes_go_to_allowed_countries_only,
    operators_test_messages_within_the_same_limits,
    each_further_code_to_a_number_waits_twice_as_long,
    each_further_code_from_an_address_waits_twice_as_long,
    a_budget_that_is_used_up_is_reported,
);

pub(crate) const GERMAN: &str = "+4915123456789";
pub(crate) const AMERICAN: &str = "+12025550123";
const WRONG_COUNTRY: &str = "We can’t send codes to phone numbers of this country.";

pub(crate) async fn start(engine: Engine, change: impl FnOnce(&mut Setup)) -> TestServer {
    TestServer::start(engine, |setup| {
        LoginMethod::PhoneCode.set(setup);
        setup.configure("server.trusted_proxies", "127.0.0.1");
        change(setup);
    })
    .await
}

/// A browser at the network address with this number.
pub(crate) fn browser_at(server: &TestServer, address: u32) -> Browser {
    let mut http = server.http();
    let address = Ipv4Addr::from_bits(u32::from_be_bytes([198, 51, 100, 0]) + address).to_string();
    http.client_address = Some(Box::leak(address.into_boxed_str()));
    Browser::new(http)
}

/// Asks for a code to sign up with a number.
pub(crate) async fn ask(server: &TestServer, address: u32, number: &str) -> Browser {
    let mut browser = browser_at(server, address);
    browser.open(&server.app_client().authorize_url(&[("x_page", "signup")])).await;
    browser.fill("Phone number", number);
    browser.press("Continue").await;
    browser
}

/// Whether a code was sent, or how many seconds to wait for one.
pub(crate) fn wait(browser: &Browser) -> Result<(), u64> {
    match browser.reply().status {
        200 => Ok(()),
        429 => Err(browser.reply().header("retry-after").expect("when to ask again").parse().expect("seconds")),
        other => panic!("{other}: {}", browser.page().text),
    }
}

async fn codes_go_to_allowed_countries_only(engine: Engine) {
    let server = start(engine, |setup| setup.set("identity.login_id.default_country", "DE")).await;
    let mut mailbox = server.mailbox();
    let mut browser = ask(&server, 1, "0151 23456789").await;
    browser.fill("Code", &mailbox.next_code(GERMAN).await);
    browser.press("Confirm").await;
    assert!(browser.is_at_app());
    for page in ["signup", "login"] {
        let mut browser = browser_at(&server, 2);
        browser.open(&server.app_client().authorize_url(&[("x_page", page)])).await;
        browser.fill("Phone number", AMERICAN);
        browser.press("Continue").await;
        assert_eq!(browser.reply().status, 422, "{page}");
        assert!(browser.page().text.contains(WRONG_COUNTRY), "{page}: {}", browser.page().text);
    }
    assert_eq!(server.mails.mails().len(), 1);
    for (allowed, german, american) in [(vec!["US", "CA"], 422, 200), (vec!["*"], 200, 200)] {
        server.clock.advance_seconds(900);
        server
            .change_project(|setup| {
                setup.set("identity.login_id.default_country", "DE");
                setup.set("sms.allowed_countries", allowed);
            })
            .await;
        assert_eq!(ask(&server, 3, "+4915123456780").await.reply().status, german);
        assert_eq!(ask(&server, 4, AMERICAN).await.reply().status, american);
    }
}

async fn operators_test_messages_within_the_same_limits(engine: Engine) {
    let mut scene = Scene::make(engine, |setup| {
        setup.open_portal();
        setup.set("identity.login_id.default_country", "DE");
        setup.set("authentication.rate_limits.sms.per_project.burst", 1);
    })
    .await;
    // The account page, too, adds no number of another country.
    scene.browser.open("/settings/identity/add?kind=phone").await;
    scene.browser.fill("Phone number", AMERICAN);
    scene.browser.press("Continue").await;
    assert_eq!(scene.browser.reply().status, 422);
    assert!(scene.browser.page().text.contains(WRONG_COUNTRY), "{}", scene.browser.page().text);
    let mut owner = scene.server.owner().await;
    for (number, status) in [(AMERICAN, 422), (GERMAN, 200), (GERMAN, 429)] {
        owner.open("/portal/p/test/messages").await;
        owner.fill("Phone number", number);
        owner.press("Send test: Text messages").await;
        assert_eq!(owner.reply().status, status, "{number}");
    }
}

async fn each_further_code_to_a_number_waits_twice_as_long(engine: Engine) {
    let mut server = start(engine, |setup| {
        setup.set("authentication.rate_limits.oob_otp.trigger_per_user.burst", 100);
    })
    .await;
    let mut mailbox = server.mailbox();
    // From another address and in another flow each time.
    assert_eq!(wait(&ask(&server, 0, GERMAN).await), Ok(()));
    for (number, seconds) in (1..).zip([60, 120, 240, 480, 900, 900]) {
        let refused = ask(&server, number, GERMAN).await;
        assert_eq!(wait(&refused), Err(seconds));
        refused.expect_page(429, "Let’s pause for a moment");
        let says_how_long = ["60 seconds", "minutes"].iter().any(|words| refused.page().text.contains(words));
        assert!(says_how_long, "{}", refused.page().text);
        server.clock.advance_seconds(i64::try_from(seconds).expect("a wait") - 1);
        assert_eq!(wait(&ask(&server, 100 + number, GERMAN).await), Err(1));
        server.clock.advance_seconds(1);
        assert_eq!(wait(&ask(&server, 200 + number, GERMAN).await), Ok(()));
    }
    assert_eq!(wait(&ask(&server, 300, "+4915123456780").await), Ok(()), "another number does not wait");
    // Another process has the same state, and a code that is entered ends the wait.
    server.restart().await;
    assert_eq!(wait(&ask(&server, 301, GERMAN).await), Err(900));
    server.clock.advance_seconds(900);
    let mut browser = ask(&server, 302, GERMAN).await;
    let mut code = String::new();
    for _ in 0..8 {
        code = mailbox.next_code(GERMAN).await;
    }
    browser.fill("Code", &code);
    browser.press("Confirm").await;
    assert!(browser.is_at_app());
    assert_eq!(wait(&ask(&server, 303, GERMAN).await), Ok(()));
    assert_eq!(wait(&ask(&server, 304, GERMAN).await), Err(60));
    // Time shortens it, too.
    server.clock.advance_seconds(2 * 3_600);
    assert_eq!(wait(&ask(&server, 305, GERMAN).await), Ok(()));
    assert_eq!(wait(&ask(&server, 306, GERMAN).await), Err(60));
}

async fn each_further_code_from_an_address_waits_twice_as_long(engine: Engine) {
    let server = start(engine, |_| {}).await;
    let number = |last: u32| format!("+49151234567{last:02}");
    for last in 0..10 {
        assert_eq!(wait(&ask(&server, 1, &number(last)).await), Ok(()), "people share an address");
    }
    for (last, seconds) in (10..).zip([60, 120, 240]) {
        assert_eq!(wait(&ask(&server, 1, &number(last)).await), Err(seconds));
        server.clock.advance_seconds(i64::try_from(seconds).expect("a wait"));
        assert_eq!(wait(&ask(&server, 1, &number(last)).await), Ok(()));
    }
    assert_eq!(wait(&ask(&server, 1, &number(20)).await), Err(480));
    assert_eq!(wait(&ask(&server, 2, &number(20)).await), Ok(()), "another address");
    server.clock.advance_seconds(14 * 3_600);
    assert_eq!(wait(&ask(&server, 1, &number(21)).await), Ok(()));
    assert_eq!(wait(&ask(&server, 1, &number(22)).await), Ok(()));
}

async fn a_budget_that_is_used_up_is_reported(engine: Engine) {
    let server = start(engine, |setup| {
        setup.open_portal();
        setup.set("authentication.rate_limits.sms.per_project.burst", 3);
    })
    .await;
    let number = |last: u32| format!("+49151234567{last:02}");
    let mut owner = server.owner().await;
    owner.open("/portal/p/test/messages").await;
    assert!(!owner.page().text.contains("used up"), "{}", owner.page().text);
    for last in 0..3 {
        assert_eq!(wait(&ask(&server, last, &number(last)).await), Ok(()));
    }
    assert_eq!(server.events("message.sms_budget_used_up").await.len(), 0);
    for last in 3..6 {
        assert_eq!(wait(&ask(&server, last, &number(last)).await), Err(1_200));
    }
    for last in 0..3 {
        server.mailbox().next_mail(&number(last)).await;
    }
    assert_eq!(server.mails.mails().len(), 3);
    let events = server.events("message.sms_budget_used_up").await;
    assert_eq!(events.len(), 1, "once an hour");
    assert_eq!(events[0]["payload"], json!({"messages": 3, "period_seconds": 3_600}));
    assert_eq!(events[0]["context"]["triggered_by"], "system");
    for page in ["messages", "overview"] {
        owner.open(&format!("/portal/p/test/{page}")).await;
        assert!(owner.page().text.contains("The limit of text messages was used up at 2030-05-01 08:00 UTC"), "{page}");
    }
    server.clock.advance_seconds(3_600);
    for last in 10..14 {
        let expected = if last < 13 { Ok(()) } else { Err(1_200) };
        assert_eq!(wait(&ask(&server, last, &number(last)).await), expected);
    }
    assert_eq!(server.events("message.sms_budget_used_up").await.len(), 2);
}
