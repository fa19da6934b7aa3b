//! The browsers that are known for an account have a limit in common, and stop being known when the account's sessions all end.
//! Nothing that is typed into a form reaches the limit of something else.

use vestibule_app::admin::keys::AdminScope;

use crate::{
    account::{KIM, PASSWORD, Scene},
    lockout::{LEE, TOO_MANY, lock, sign_up, try_password},
    support::{Admin, Browser, Engine, OWNER_PASSWORD, TestServer, on_both_engines},
};

on_both_engines!(
    cookies_of_many_sign_ins_have_one_limit,
    one_known_browser_does_not_use_up_the_limit_of_all,
    a_new_password_ends_what_other_browsers_are_known_for,
    ending_the_other_sessions_ends_it_too,
    a_recovery_and_an_administrator_end_it_too,
    a_session_elsewhere_makes_no_browser_known,
    an_operators_new_password_ends_it_too,
    cookies_of_an_operators_sign_ins_have_one_limit,
    a_typed_address_reaches_no_other_limit_of_operators,
);

const NEW_PASSWORD: &str = "two herons under the old bridge";
const COOKIE: &str = "known_device";
const OLGA: &str = "olga@house.example";
const OPERATORS_COOKIE: &str = "vestibule_known_device";

/// The status after a wrong password, in a browser with this cookie only.
async fn guess(server: &TestServer, cookie: &str, email: &str) -> u16 {
    let mut browser = server.browser();
    browser.set_cookie(COOKIE, cookie);
    try_password(server, &mut browser, email, "not the password").await;
    browser.reply().status
}

/// Whether the account, whose limit strangers have used up, is open to a browser with this cookie.
async fn is_known(server: &TestServer, cookie: &str, password: &str) -> bool {
    let mut browser = server.browser();
    browser.set_cookie(COOKIE, cookie);
    try_password(server, &mut browser, KIM, password).await;
    if browser.is_at_app() {
        return true;
    }
    browser.expect_page(429, TOO_MANY);
    false
}

fn cookie_of(browser: &Browser) -> String {
    browser.cookie(COOKIE).expect("a cookie").to_string()
}

async fn cookies_of_many_sign_ins_have_one_limit(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut own = sign_up(&server, KIM).await;
    let mut cookies = vec![cookie_of(&own)];
    for _ in 0..3 {
        own.forget_all_but(COOKIE);
        try_password(&server, &mut own, KIM, PASSWORD).await;
        cookies.push(cookie_of(&own));
    }
    let mut judged = 0;
    for cookie in &cookies {
        for _ in 0..11 {
            judged += usize::from(guess(&server, cookie, KIM).await == 422);
        }
    }
    assert_eq!(judged, 20, "twice the limit of one, with however many cookies");
    let mut browser = server.browser();
    browser.set_cookie(COOKIE, &cookies[3]);
    try_password(&server, &mut browser, KIM, PASSWORD).await;
    browser.expect_page(429, TOO_MANY);
    // Strangers, and known browsers of another account, have their own.
    let lee = sign_up(&server, LEE).await;
    assert_eq!(guess(&server, &cookie_of(&lee), LEE).await, 422);
    let mut stranger = server.browser();
    try_password(&server, &mut stranger, KIM, PASSWORD).await;
    assert!(stranger.is_at_app());
}

async fn one_known_browser_does_not_use_up_the_limit_of_all(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let first = cookie_of(&sign_up(&server, KIM).await);
    let mut second = server.browser();
    try_password(&server, &mut second, KIM, PASSWORD).await;
    for number in 0..30 {
        assert_eq!(guess(&server, &first, KIM).await, if number < 10 { 422 } else { 429 }, "{number}");
    }
    lock(&server, KIM).await;
    assert!(!is_known(&server, &first, PASSWORD).await);
    assert!(is_known(&server, &cookie_of(&second), PASSWORD).await);
}

async fn a_new_password_ends_what_other_browsers_are_known_for(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let before = cookie_of(&scene.browser);
    let mut elsewhere = scene.server.browser();
    try_password(&scene.server, &mut elsewhere, KIM, PASSWORD).await;
    let elsewhere = cookie_of(&elsewhere);
    scene.browser.open("/settings/password").await;
    scene.browser.fill("Current password", PASSWORD);
    scene.browser.fill("New password", NEW_PASSWORD);
    scene.browser.press("Save password").await;
    scene.browser.expect_page(200, "My account");
    lock(&scene.server, KIM).await;
    for older in [&before, &elsewhere] {
        assert!(!is_known(&scene.server, older, NEW_PASSWORD).await);
    }
    // The browser in which it was changed stays known.
    let renewed = cookie_of(&scene.browser);
    assert!(is_known(&scene.server, &renewed, NEW_PASSWORD).await);
}

async fn ending_the_other_sessions_ends_it_too(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let before = cookie_of(&scene.browser);
    scene.browser.open("/settings").await;
    scene.browser.press("Sign out everywhere else").await;
    scene.browser.expect_page(200, "My account");
    lock(&scene.server, KIM).await;
    assert!(!is_known(&scene.server, &before, PASSWORD).await);
    let renewed = cookie_of(&scene.browser);
    assert!(is_known(&scene.server, &renewed, PASSWORD).await);
}

async fn a_recovery_and_an_administrator_end_it_too(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let before = cookie_of(&scene.browser);
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[])).await;
    browser.follow("Forgot your password?").await;
    browser.fill("Email address", KIM);
    browser.press("Send a code").await;
    browser.fill("Code", &scene.mailbox.next_code(KIM).await);
    browser.press("Confirm").await;
    browser.fill("Password", NEW_PASSWORD);
    browser.press("Save password").await;
    assert!(browser.is_at_app());
    let recovered = cookie_of(&browser);
    lock(&scene.server, KIM).await;
    assert!(!is_known(&scene.server, &before, NEW_PASSWORD).await);
    assert!(is_known(&scene.server, &recovered, NEW_PASSWORD).await);
    let admin = Admin::new(&scene.server, &[AdminScope::UsersWrite]).await;
    admin.delete(&format!("/users/{}/sessions", scene.sub)).await.expect(204);
    assert!(!is_known(&scene.server, &recovered, NEW_PASSWORD).await);
}

async fn a_session_elsewhere_makes_no_browser_known(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    // A thief has the session and not the other cookie.
    let mut thief = scene.browser.clone();
    thief.forget_all_but("session");
    thief.open("/settings").await;
    thief.press("Sign out everywhere else").await;
    thief.expect_page(200, "My account");
    assert_eq!(thief.cookie(COOKIE), None);
    scene.browser.open("/settings").await;
    scene.browser.expect_page(200, "My account");
}

async fn sign_in(browser: &mut Browser, email: &str, password: &str) -> u16 {
    browser.open("/portal/sign-in").await;
    browser.fill("Email", email);
    browser.fill("Password", password);
    browser.press("Sign in").await;
    browser.reply().status
}

/// The status of a sign-in to the portal in a browser with this cookie only.
async fn sign_in_with(server: &TestServer, cookie: &str, password: &str) -> u16 {
    let mut browser = server.browser();
    browser.set_cookie(OPERATORS_COOKIE, cookie);
    sign_in(&mut browser, OLGA, password).await
}

async fn lock_operator(server: &TestServer) {
    for _ in 0..10 {
        assert_eq!(sign_in(&mut server.browser(), OLGA, "not the password").await, 422);
    }
    assert_eq!(sign_in(&mut server.browser(), OLGA, OWNER_PASSWORD).await, 429);
}

async fn an_operators_new_password_ends_it_too(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let mut owner = server.owner().await;
    let before = owner.cookie(OPERATORS_COOKIE).expect("a cookie").to_string();
    owner.open("/portal/me").await;
    owner.fill("New password", NEW_PASSWORD);
    owner.press("Change password").await;
    owner.expect_page(200, "Your account");
    let renewed = owner.cookie(OPERATORS_COOKIE).expect("a cookie").to_string();
    lock_operator(&server).await;
    assert_eq!(sign_in_with(&server, &before, NEW_PASSWORD).await, 429);
    assert_eq!(sign_in_with(&server, &renewed, NEW_PASSWORD).await, 200);
    // So does a recovery link.
    let mut recovered = server.browser();
    recovered.open(&server.reset_link(OLGA).await).await;
    recovered.fill("Password", OWNER_PASSWORD);
    recovered.press("Set password").await;
    recovered.expect_page(200, "Projects");
    assert_eq!(sign_in_with(&server, &renewed, OWNER_PASSWORD).await, 429);
    let cookie = recovered.cookie(OPERATORS_COOKIE).expect("a cookie").to_string();
    assert_eq!(sign_in_with(&server, &cookie, OWNER_PASSWORD).await, 200);
}

async fn cookies_of_an_operators_sign_ins_have_one_limit(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let mut owner = server.owner().await;
    let mut cookies = Vec::new();
    for _ in 0..3 {
        owner.forget_all_but(OPERATORS_COOKIE);
        assert_eq!(sign_in(&mut owner, OLGA, OWNER_PASSWORD).await, 200);
        cookies.push(owner.cookie(OPERATORS_COOKIE).expect("a cookie").to_string());
    }
    let mut judged = 0;
    for cookie in &cookies {
        for _ in 0..11 {
            judged += usize::from(sign_in_with(&server, cookie, "not the password").await == 422);
        }
    }
    assert_eq!(judged, 20);
    assert_eq!(sign_in(&mut server.browser(), OLGA, OWNER_PASSWORD).await, 200);
}

async fn a_typed_address_reaches_no_other_limit_of_operators(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let mut owner = server.owner().await;
    // Olga's guesses at the code for her address are counted for a day.
    let guess = async |owner: &mut Browser| {
        owner.open("/portal/me").await;
        owner.press("Send code").await;
        owner.expect_page(200, "Your account");
        for number in 0..11 {
            owner.fill("Code", "000000");
            owner.fill("Password for your confirmed account", NEW_PASSWORD);
            owner.press("Confirm address").await;
            if owner.reply().status == 429 {
                return number;
            }
            owner.expect_page(422, "Your account");
        }
        11
    };
    assert_eq!(guess(&mut owner).await, 10);
    // A limit of ten minutes under a typed name does not replace that.
    for typed in ["code|olga@house.example", "mail|olga@house.example", "operator's codes|olga@house.example"] {
        assert_eq!(sign_in(&mut server.browser(), typed, "not the password").await, 422, "{typed}");
    }
    assert_eq!(guess(&mut owner).await, 0);
}
