//! Who gets text messages when strangers want them all: known browsers wait on their own, the budget has reserves, a sign-in
//! does not tell whether a number has an account, and no page sends messages past the countries, waits and limits.

use serde_json::json;
use vestibule_app::admin::keys::AdminScope;

use crate::{
    account::{PASSWORD, offer_everything},
    support::{Admin, Browser, Engine, Mailbox, TestServer, on_both_engines},
    text_messages::{GERMAN, ask, browser_at, start, wait},
};

on_both_engines!(
    a_known_browser_waits_on_its_own,
    a_session_waits_on_its_own,
    strangers_do_not_take_the_reserves,
    sign_ins_count_alike_with_and_without_an_account,
    verifying_a_number_waits_like_any_stranger,
    another_code_for_a_number_goes_to_allowed_countries_only,
);

const BUDGET: &str = "authentication.rate_limits.sms.per_project.burst";

fn number(last: u32) -> String {
    format!("+491512345{last:04}")
}

/// Signs up with a number; the browser keeps what makes it known.
async fn join(server: &TestServer, mailbox: &mut Mailbox, address: u32, number: &str) -> Browser {
    let mut browser = ask(server, address, number).await;
    browser.fill("Code", &mailbox.next_code(number).await);
    browser.press("Confirm").await;
    assert!(browser.is_at_app());
    browser
}

/// Asks for a code to sign in.
async fn ask_to_sign_in(server: &TestServer, browser: &mut Browser, number: &str) -> Result<(), u64> {
    browser.open(&server.app_client().authorize_url(&[("x_page", "login"), ("prompt", "login")])).await;
    browser.fill("Phone number", number);
    browser.press("Continue").await;
    wait(browser)
}

async fn a_known_browser_waits_on_its_own(engine: Engine) {
    let server = start(engine, |_| {}).await;
    let mut mailbox = server.mailbox();
    let mut own = join(&server, &mut mailbox, 0, GERMAN).await;
    own.forget_all_but("known_device");
    let stranger = async |address| ask_to_sign_in(&server, &mut browser_at(&server, address), GERMAN).await;
    for (address, seconds) in (1..).zip([60, 120, 240]) {
        assert_eq!(stranger(address).await, Ok(()));
        assert_eq!(stranger(100 + address).await, Err(seconds));
        if seconds < 240 {
            server.clock.advance_seconds(i64::try_from(seconds).expect("a wait"));
        }
    }
    // The user does not wait for that, and waits for the own requests.
    assert_eq!(ask_to_sign_in(&server, &mut own, GERMAN).await, Ok(()));
    assert_eq!(ask_to_sign_in(&server, &mut own, GERMAN).await, Err(60));
    assert_eq!(stranger(4).await, Err(240));
    server.clock.advance_seconds(60);
    assert_eq!(ask_to_sign_in(&server, &mut own, GERMAN).await, Ok(()));
    let mut code = String::new();
    for _ in 0..5 {
        code = mailbox.next_code(GERMAN).await;
    }
    let mut again = own.clone();
    assert_eq!(ask_to_sign_in(&server, &mut again, GERMAN).await, Err(120));
    // The code ends the own wait only.
    own.fill("Code", &code);
    own.press("Confirm").await;
    assert!(own.is_at_app());
    own.forget_all_but("known_device");
    assert_eq!(ask_to_sign_in(&server, &mut own, GERMAN).await, Ok(()));
    assert_eq!(stranger(5).await, Err(180));
}

async fn a_session_waits_on_its_own(engine: Engine) {
    let server = start(engine, |_| {}).await;
    let mut mailbox = server.mailbox();
    let mut own = join(&server, &mut mailbox, 0, GERMAN).await;
    own.open("/settings/sign-in").await;
    own.fill("Phone number", GERMAN);
    own.press("Continue").await;
    own.fill("Code", &mailbox.next_code(GERMAN).await);
    own.press("Confirm").await;
    own.expect_page(200, "My account");
    assert_eq!(ask_to_sign_in(&server, &mut browser_at(&server, 1), GERMAN).await, Ok(()));
    server.clock.advance_seconds(301);
    assert_eq!(ask_to_sign_in(&server, &mut browser_at(&server, 2), GERMAN).await, Ok(()));
    for expected in [Ok(()), Err(60)] {
        own.open("/settings/identity/add?kind=phone").await;
        own.expect_page(200, "Confirm that it’s you");
        own.press("Send a code").await;
        assert_eq!(wait(&own), expected);
    }
    own.open("/settings/identity/add?kind=phone").await;
    server.clock.advance_seconds(60);
    own.press("Send a code").await;
    let mut code = String::new();
    for _ in 0..4 {
        code = mailbox.next_code(GERMAN).await;
    }
    own.fill("Code", &code);
    own.press("Confirm").await;
    assert_eq!(own.reply().status, 200, "{}", own.page().text);
}

async fn strangers_do_not_take_the_reserves(engine: Engine) {
    let server = start(engine, |_| {}).await;
    let mut mailbox = server.mailbox();
    let mut own = join(&server, &mut mailbox, 0, GERMAN).await;
    own.forget_all_but("known_device");
    for member in 0..3 {
        join(&server, &mut mailbox, member, &number(member)).await;
    }
    // Two messages are kept for known browsers, and two for sign-ins to proved numbers.
    server.clock.advance_seconds(2 * 3_600);
    server.change_project(|setup| setup.set(BUDGET, 8)).await;
    for last in 10..14 {
        assert_eq!(wait(&ask(&server, last, &number(last)).await), Ok(()));
    }
    assert_eq!(wait(&ask(&server, 14, &number(14)).await), Err(900));
    let reported = server.events("message.sms_budget_used_up").await;
    assert_eq!(reported.len(), 1);
    assert_eq!(reported[0]["payload"], json!({"messages": 8, "period_seconds": 3_600}));
    // Members sign in elsewhere, as long as there is a reserve. What the browser sees is the same for all numbers.
    let mut seen = Vec::new();
    for last in [0, 1, 2, 50, 51] {
        let mut browser = browser_at(&server, 100 + last);
        assert_eq!(ask_to_sign_in(&server, &mut browser, &number(last)).await, Ok(()));
        let page = browser.expect_page(200, "Check your messages");
        seen.push(page.text.replace(&number(last), "the number"));
    }
    assert!(seen.iter().all(|text| *text == seen[0]), "{seen:?}");
    // A known browser has its own, and may learn when it is used up.
    for (seconds, expected) in [(0, Ok(())), (60, Ok(())), (120, Err(1_620))] {
        server.clock.advance_seconds(seconds);
        assert_eq!(ask_to_sign_in(&server, &mut own, GERMAN).await, expected);
    }
    for last in [10, 11, 12, 13, 0, 1] {
        mailbox.next_mail(&number(last)).await;
    }
    for _ in 0..2 {
        mailbox.next_mail(GERMAN).await;
    }
    // Four joined before.
    assert_eq!(server.mails.mails().len(), 4 + 4 + 2 + 2);
    assert_eq!(server.events("message.sms_budget_used_up").await.len(), 1);
}

async fn sign_ins_count_alike_with_and_without_an_account(engine: Engine) {
    let server = start(engine, |_| {}).await;
    let mut mailbox = server.mailbox();
    join(&server, &mut mailbox, 0, GERMAN).await;
    server.clock.advance_seconds(2 * 3_600);
    server.change_project(|setup| setup.set(BUDGET, 8)).await;
    for (round, asked) in (1..).zip([GERMAN.to_string(), number(50), GERMAN.to_string(), number(50)]) {
        // The fourth message of those that are open to all: a sign-in, and then nothing is left for a new number.
        for last in 0..3 {
            assert_eq!(wait(&ask(&server, round * 10 + last, &number(round * 10 + last)).await), Ok(()));
        }
        let mut browser = browser_at(&server, 200 + round);
        assert_eq!(ask_to_sign_in(&server, &mut browser, &asked).await, Ok(()));
        let refused = wait(&ask(&server, round * 10 + 3, &number(round * 10 + 3)).await);
        assert_eq!(refused, Err(900), "{asked}");
        server.clock.advance_seconds(2 * 3_600);
    }
}

/// A member with a password and a phone number that was never proved, signed in.
async fn sign_in_with_unproved_number(server: &TestServer) -> Browser {
    let admin = Admin::new(server, &[AdminScope::UsersWrite]).await;
    let login_ids = json!([
        {"type": "email", "value": "kim@shop.example", "is_verified": true},
        {"type": "phone", "value": GERMAN},
    ]);
    admin.post("/users", &json!({"login_ids": login_ids, "password": PASSWORD})).await.expect(201);
    let mut browser = server.browser();
    browser.open("/settings/sign-in").await;
    browser.fill("Email address", "kim@shop.example");
    browser.fill("Password", PASSWORD);
    browser.press("Sign in").await;
    browser.expect_page(200, "My account");
    browser
}

/// The page of the account that sends a code to the unproved number.
async fn open_verify(browser: &mut Browser) {
    browser.open("/settings").await;
    let links = &browser.page().links;
    let link = links.iter().find(|(_, to)| to.starts_with("/settings/identity/verify")).expect("a link").1.clone();
    browser.open(&link).await;
}

async fn verifying_a_number_waits_like_any_stranger(engine: Engine) {
    let server = TestServer::start(engine, offer_everything).await;
    let mut browser = sign_in_with_unproved_number(&server).await;
    for (advance, expected) in [(0, Ok(())), (0, Err(60)), (60, Ok(())), (0, Err(120))] {
        server.clock.advance_seconds(advance);
        open_verify(&mut browser).await;
        browser.press("Send a code").await;
        assert_eq!(wait(&browser), expected);
    }
    let mut mailbox = server.mailbox();
    mailbox.next_code(GERMAN).await;
    let code = mailbox.next_code(GERMAN).await;
    assert_eq!(server.mails.mails().len(), 2);
    server.clock.advance_seconds(120);
    open_verify(&mut browser).await;
    browser.press("Send a code").await;
    browser.fill("Code", &code);
    browser.press("Confirm").await;
    assert_eq!(browser.reply().status, 422, "the newest code counts");
    browser.fill("Code", &mailbox.next_code(GERMAN).await);
    browser.press("Confirm").await;
    browser.expect_page(200, "My account");
}

async fn another_code_for_a_number_goes_to_allowed_countries_only(engine: Engine) {
    let server = TestServer::start(engine, offer_everything).await;
    let mut browser = sign_in_with_unproved_number(&server).await;
    open_verify(&mut browser).await;
    browser.press("Send a code").await;
    assert_eq!(wait(&browser), Ok(()));
    let mut mailbox = server.mailbox();
    mailbox.next_code(GERMAN).await;
    server.change_project(|setup| setup.set("sms.allowed_countries", vec!["US"])).await;
    server.clock.advance_seconds(60);
    browser.press("Send a new code").await;
    assert_eq!(browser.reply().status, 200);
    open_verify(&mut browser).await;
    browser.press("Send a code").await;
    browser.expect_page(200, "My account");
    // What was queued before goes out before.
    let mut other = server.browser();
    other.open(&server.app_client().authorize_url(&[])).await;
    other.follow("Forgot your password?").await;
    other.fill("Email address", "kim@shop.example");
    other.press("Send a code").await;
    mailbox.next_code("kim@shop.example").await;
    assert_eq!(server.mails.mails().len(), 2);
}
