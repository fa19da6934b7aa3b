//! Failures of strangers do not lock an account's user out: not in a browser that signed in before, and not where the user
//! has a passkey or a mailed code.

use crate::{
    account::{KIM, PASSWORD, Scene},
    credentials::{LoginMethod, Person},
    support::{Browser, Engine, OWNER_PASSWORD, Setup, SoftPasskey, TestServer, on_both_engines},
};

on_both_engines!(
    a_browser_that_signed_in_before_is_not_locked_out,
    a_known_browser_has_a_small_budget_for_its_own_account,
    the_cookie_of_a_known_browser_opens_nothing,
    codes_reach_and_admit_their_user,
    a_signed_in_member_confirms_the_password,
    a_passkey_signs_in_to_a_locked_account,
    operators_are_not_locked_out,
);

pub(crate) const LEE: &str = "lee@shop.example";
pub(crate) const TOO_MANY: &str = "Let’s pause for a moment";

/// The clients' addresses are those that the tests' proxy names.
fn trust_the_proxy(setup: &mut Setup) {
    setup.configure("server.trusted_proxies", "127.0.0.1");
}

/// A browser at another network address.
fn browser_at(server: &TestServer, address: &'static str) -> Browser {
    let mut http = server.http();
    http.client_address = Some(address);
    Browser::new(http)
}

/// A browser that keeps nothing of its sign-up but what makes it known.
pub(crate) async fn sign_up(server: &TestServer, email: &str) -> Browser {
    let (client, mut browser) = (server.app_client(), server.browser());
    browser.open(&client.authorize_url(&[("x_page", "signup")])).await;
    Person::new(server, LoginMethod::EmailPassword).join(&mut browser, email, "Create account").await;
    client.finish(browser.at_app()).await;
    browser.forget_all_but("known_device");
    browser
}

pub(crate) async fn try_password(server: &TestServer, browser: &mut Browser, email: &str, password: &str) {
    browser.open(&server.app_client().authorize_url(&[])).await;
    browser.fill("Email address", email);
    browser.fill("Password", password);
    browser.press("Sign in").await;
}

/// Strangers use up the account's limit, until even the right password is refused to them.
pub(crate) async fn lock(server: &TestServer, email: &str) {
    for _ in 0..10 {
        let mut stranger = server.browser();
        try_password(server, &mut stranger, email, "not the password").await;
        stranger.expect_page(422, "Welcome back");
    }
    let mut stranger = server.browser();
    try_password(server, &mut stranger, email, PASSWORD).await;
    stranger.expect_page(429, TOO_MANY);
}

async fn a_browser_that_signed_in_before_is_not_locked_out(engine: Engine) {
    // All share one network address, whose limit is used up, too.
    let server = TestServer::start(engine, |setup| {
        setup.set("authentication.rate_limits.password.per_ip.burst", 10);
    })
    .await;
    let mut own = sign_up(&server, KIM).await;
    lock(&server, KIM).await;
    try_password(&server, &mut own, KIM, PASSWORD).await;
    server.app_client().finish(own.at_app()).await;
    // Each sign-in renews the cookie, a sign-in by password as well.
    let first = own.cookie("known_device").expect("a cookie").to_string();
    own.forget_all_but("known_device");
    try_password(&server, &mut own, KIM, PASSWORD).await;
    assert!(own.is_at_app());
    assert_ne!(own.cookie("known_device"), Some(first.as_str()));
}

async fn a_known_browser_has_a_small_budget_for_its_own_account(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut own = sign_up(&server, KIM).await;
    let other = sign_up(&server, LEE).await;
    lock(&server, KIM).await;
    // It is known for one account, not for the other.
    let mut wrong = other.clone();
    try_password(&server, &mut wrong, KIM, PASSWORD).await;
    wrong.expect_page(429, TOO_MANY);
    for number in 0..11 {
        try_password(&server, &mut own, KIM, "not the password").await;
        assert_eq!(own.reply().status, if number < 10 { 422 } else { 429 }, "{number}");
    }
    try_password(&server, &mut own, KIM, PASSWORD).await;
    own.expect_page(429, TOO_MANY);
    // Its failures do not count for others.
    server.clock.advance_seconds(6);
    let mut stranger = server.browser();
    try_password(&server, &mut stranger, KIM, PASSWORD).await;
    assert!(stranger.is_at_app());
    // A forged cookie, or one of a former time, makes no browser known.
    lock(&server, LEE).await;
    let genuine = other.cookie("known_device").expect("a cookie").to_string();
    let mut forged = server.browser();
    let changed = if genuine.ends_with('A') { "E" } else { "A" };
    forged.set_cookie("known_device", &format!("{}{changed}", &genuine[..genuine.len() - 1]));
    try_password(&server, &mut forged, LEE, PASSWORD).await;
    forged.expect_page(429, TOO_MANY);
    server.clock.advance_seconds(181 * 24 * 3_600);
    lock(&server, LEE).await;
    let mut late = other;
    try_password(&server, &mut late, LEE, PASSWORD).await;
    late.expect_page(429, TOO_MANY);
}

async fn the_cookie_of_a_known_browser_opens_nothing(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser) = (server.app_client(), server.browser());
    browser.open(&client.authorize_url(&[("x_page", "signup")])).await;
    Person::new(&server, LoginMethod::EmailPassword).join(&mut browser, KIM, "Create account").await;
    let set = browser.cookie("known_device").expect("a cookie").to_string();
    assert!(!set.contains("shop"), "it does not say whose it is: {set}");
    browser.forget_all_but("known_device");
    browser.open(&client.authorize_url(&[("prompt", "none")])).await;
    assert!(browser.at_app().query().expect("a query").contains("error=login_required"));
    browser.open("/settings").await;
    browser.expect_page(200, "Sign in to see your account");
    assert_eq!(browser.fetch("/oauth2/userinfo").await.status, 401);
    // The password is asked for all the same, and a wrong one is wrong.
    try_password(&server, &mut browser, KIM, "not the password").await;
    browser.expect_page(422, "Welcome back");
}

/// Asks for a code to replace the password.
async fn ask_for_code(server: &TestServer, browser: &mut Browser) {
    browser.open(&server.app_client().authorize_url(&[])).await;
    browser.follow("Forgot your password?").await;
    browser.fill("Email address", KIM);
    browser.press("Send a code").await;
}

async fn codes_reach_and_admit_their_user(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        trust_the_proxy(setup);
        setup.set("authentication.rate_limits.oob_otp.validate_per_user.burst", 4);
        setup.set("authentication.rate_limits.oob_otp.validate_per_ip.burst", 4);
    })
    .await;
    let mut own = sign_up(&server, KIM).await;
    let mut mailbox = server.mailbox();
    mailbox.next_mail(KIM).await;
    lock(&server, KIM).await;
    // A stranger uses up the limit of codes that are entered for the account.
    let mut stranger = browser_at(&server, "203.0.113.7");
    ask_for_code(&server, &mut stranger).await;
    mailbox.next_mail(KIM).await;
    for number in 0..5 {
        stranger.fill("Code", "000000");
        stranger.press("Confirm").await;
        assert_eq!(stranger.reply().status, if number < 4 { 422 } else { 429 }, "{number}");
    }
    // Kim, in a browser that is not known, has the code.
    let mut fresh = browser_at(&server, "203.0.113.8");
    ask_for_code(&server, &mut fresh).await;
    fresh.fill("Code", &mailbox.next_code(KIM).await);
    fresh.press("Confirm").await;
    fresh.expect_page(200, "Choose a new password");
    // A stranger uses up what one address may ask for.
    for number in 0..10 {
        let mut stranger = browser_at(&server, "203.0.113.7");
        ask_for_code(&server, &mut stranger).await;
        assert_eq!(stranger.reply().status, if number < 9 { 200 } else { 429 }, "{number}");
    }
    let mut fresh = browser_at(&server, "203.0.113.9");
    ask_for_code(&server, &mut fresh).await;
    fresh.expect_page(200, "Check your email");
    // Strangers at several addresses use up what all of them may ask for: a known browser has its own limit.
    for number in 0..8 {
        let mut stranger = browser_at(&server, "203.0.113.10");
        ask_for_code(&server, &mut stranger).await;
        assert_eq!(stranger.reply().status, if number < 7 { 200 } else { 429 }, "{number}");
    }
    ask_for_code(&server, &mut own).await;
    own.expect_page(200, "Check your email");
    let mut code = mailbox.next_code(KIM).await;
    for _ in 0..(9 + 1 + 7) {
        code = mailbox.next_code(KIM).await;
    }
    own.fill("Code", "000000");
    own.press("Confirm").await;
    assert_eq!(own.reply().status, 422);
    own.fill("Code", &code);
    own.press("Confirm").await;
    own.expect_page(200, "Choose a new password");
}

async fn a_signed_in_member_confirms_the_password(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    lock(&scene.server, KIM).await;
    scene.browser.open("/settings").await;
    let page = scene.browser.expect_page(200, "My account");
    let password = page.links.iter().find(|(_, to)| to.starts_with("/settings/password")).expect("a link").1.clone();
    scene.browser.open(&password).await;
    scene.browser.fill("Current password", PASSWORD);
    scene.browser.fill("New password", "two herons under the old bridge");
    scene.browser.press("Save password").await;
    scene.browser.expect_page(200, "My account");
}

async fn a_passkey_signs_in_to_a_locked_account(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut passkey = SoftPasskey::new();
    scene.browser.open("/settings/passkeys").await;
    scene.browser.answer_passkey(|options, origin| passkey.create(options, origin)).await;
    lock(&scene.server, KIM).await;
    let mut fresh = scene.server.browser();
    fresh.open(&scene.client.authorize_url(&[])).await;
    fresh.answer_passkey(|options, origin| passkey.get(options, origin)).await;
    scene.client.finish(fresh.at_app()).await;
}

async fn operators_are_not_locked_out(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let mut owner = server.owner().await;
    let sign_in = async |browser: &mut Browser, password: &str| {
        browser.open("/portal/sign-in").await;
        browser.fill("Email", "olga@house.example");
        browser.fill("Password", password);
        browser.press("Sign in").await;
        browser.reply().status
    };
    let mut passkey = SoftPasskey::new();
    owner.open("/portal/me").await;
    owner.answer_passkey(|options, origin| passkey.create(options, origin)).await;
    // From one address: with 60 failures, it may try no password any more.
    let mut stranger = server.browser();
    for number in 0..11 {
        let status = sign_in(&mut stranger, "not the password").await;
        assert_eq!(status, if number < 10 { 422 } else { 429 }, "{number}");
    }
    for number in 0..50 {
        stranger.open("/portal/sign-in").await;
        stranger.fill("Email", &format!("someone-{number}@house.example"));
        stranger.fill("Password", "not the password");
        stranger.press("Sign in").await;
    }
    assert_eq!(sign_in(&mut stranger, OWNER_PASSWORD).await, 429);
    // Olga is signed in, and confirms her password.
    server.clock.advance_seconds(601);
    for _ in 0..10 {
        assert_eq!(sign_in(&mut stranger, "not the password").await, 422);
    }
    owner.open("/portal/me").await;
    owner.expect_page(200, "Confirm that it's you");
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Continue").await;
    owner.expect_page(200, "Your account");
    // In a browser where she signed in before, and anywhere with a passkey.
    owner.forget_all_but("vestibule_known_device");
    owner.open("/portal").await;
    owner.expect_page(200, "Sign in to the portal");
    assert_eq!(sign_in(&mut owner, OWNER_PASSWORD).await, 200);
    owner.expect_page(200, "Projects");
    let mut fresh = server.browser();
    assert_eq!(sign_in(&mut fresh, OWNER_PASSWORD).await, 429);
    fresh.open("/portal/sign-in").await;
    fresh.answer_passkey(|options, origin| passkey.get(options, origin)).await;
    fresh.expect_page(200, "Projects");
}
