//! Flows of unauthenticated browsers are not stored: the page carries the sealed flow until a form is rate-limited or
//! successful.

use reqwest::{Method, header};
use serde_json::json;
use tokio::task::JoinSet;
use url::Url;
use vestibule_store::Sql;

use crate::{
    account::{KIM, PASSWORD, offer_everything},
    guest_journey::identify,
    promotion::cookie_promotion_url,
    support::{Browser, Device, Engine, Platform, Reply, TestServer, on_both_engines, query},
};

/// Every table except those that the server's jobs write at any time. Queued events move to the log by themselves.
static ROWS: Sql = Sql::new(
    "SELECT 'admin_keys', COUNT(*) FROM admin_keys
     UNION ALL SELECT 'authorization_codes', COUNT(*) FROM authorization_codes
     UNION ALL SELECT 'client_secrets', COUNT(*) FROM client_secrets
     UNION ALL SELECT 'device_keys', COUNT(*) FROM device_keys
     UNION ALL SELECT 'outbox, events', (SELECT COUNT(*) FROM outbox) + (SELECT COUNT(*) FROM events)
     UNION ALL SELECT 'flows', COUNT(*) FROM flows
     UNION ALL SELECT 'grants', COUNT(*) FROM grants
     UNION ALL SELECT 'hook_deliveries', COUNT(*) FROM hook_deliveries
     UNION ALL SELECT 'idempotency', COUNT(*) FROM idempotency
     UNION ALL SELECT 'login_ids', COUNT(*) FROM login_ids
     UNION ALL SELECT 'operator_events', COUNT(*) FROM operator_events
     UNION ALL SELECT 'operator_links', COUNT(*) FROM operator_links
     UNION ALL SELECT 'operator_passkeys', COUNT(*) FROM operator_passkeys
     UNION ALL SELECT 'operator_roles', COUNT(*) FROM operator_roles
     UNION ALL SELECT 'operator_sessions', COUNT(*) FROM operator_sessions
     UNION ALL SELECT 'operators', COUNT(*) FROM operators
     UNION ALL SELECT 'passkeys', COUNT(*) FROM passkeys
     UNION ALL SELECT 'passwords', COUNT(*) FROM passwords
     UNION ALL SELECT 'project_keys', COUNT(*) FROM project_keys
     UNION ALL SELECT 'projects', COUNT(*) FROM projects
     UNION ALL SELECT 'repeats', COUNT(*) FROM repeats
     UNION ALL SELECT 'sessions', COUNT(*) FROM sessions
     UNION ALL SELECT 'spent', COUNT(*) FROM spent
     UNION ALL SELECT 'tries', COUNT(*) FROM tries
     UNION ALL SELECT 'users', COUNT(*) FROM users",
);

/// The number of rows in each table.
pub(crate) async fn count_rows(server: &TestServer) -> Vec<(String, i64)> {
    let mut conn = server.app.store.read().await.expect("a connection");
    conn.query_all(&ROWS, &[], |row| Ok((row.get(0)?, row.get(1)?))).await.expect("counts")
}

pub(crate) async fn count_of(server: &TestServer, table: &str) -> i64 {
    let rows = count_rows(server).await;
    rows.into_iter().find(|(name, _)| name == table).expect("a table").1
}

/// The fields of a request's query, to be posted.
fn fields_of(url: &str) -> Vec<(String, String)> {
    let url = Url::parse(url).expect("a URL");
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

async fn whatever_begins_a_flow_writes_nothing(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let mut device = Device::new(&server, Platform::Android);
    device.authenticate().await;
    let mut by_cookie = server.browser();
    by_cookie.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
    let email = "https://authgear.com/login_hint?type=login_id&email=kim%40shop.example";
    let state = "s".repeat(1_000);
    let settings_action = "urn:authgear:params:oauth:response-type:settings-action";
    let begins = [
        client.authorize_url(&[]),
        client.authorize_url(&[("state", &state), ("nonce", &state), ("x_state", &state)]),
        client.authorize_url(&[("x_page", "signup"), ("ui_locales", "de"), ("x_color_scheme", "dark")]),
        client.authorize_url(&[("login_hint", email)]),
        client.authorize_url(&[("login_hint", &format!("{email}&enforce=true"))]),
        client.authorize_url(&[("prompt", "none")]),
        client.authorize_url(&[("response_type", settings_action), ("x_settings_action", "change_password")]),
        client.promotion_url(&client.promotion_code(&guest).await),
        client.promotion_url("nonsense"),
        device.promotion_url().await,
        "/settings".into(),
        "/settings/sign-in".into(),
        "/settings/promote".into(),
        "/logout".into(),
        "/oauth2/end_session".into(),
        "/portal/sign-in".into(),
        "/flow/01234567-89ab-7def-8123-456789abcdef".into(),
    ];
    let before = count_rows(&server).await;
    for round in 0..3 {
        for url in &begins {
            server.http().get(url).await;
            // With a cookie session too, and in a browser with old cookies; a link on another site signs no user out.
            by_cookie.open_from_elsewhere(url).await;
            if url.contains("/oauth2/authorize") {
                Reply::of(server.http().request(Method::POST, "/oauth2/authorize").form(&fields_of(url))).await;
            }
            let after = count_rows(&server).await;
            assert_eq!(after, before, "{round}: {url}");
        }
    }
    // A cookie guest begins its own promotion in the same way.
    let url = cookie_promotion_url(&client, &mut by_cookie).await;
    for _ in 0..3 {
        by_cookie.open(&url).await;
        by_cookie.expect_page(200, "Save your progress");
    }
    assert_eq!(count_rows(&server).await, before);
}

async fn the_first_pages_write_no_row(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        offer_everything(setup);
        setup.set("authentication.primary_authenticators", vec!["password", "oob_otp_email", "passkey"]);
    })
    .await;
    let (client, mut browser) = (server.app_client(), server.browser());
    let before = count_rows(&server).await;
    browser.open(&client.authorize_url(&[("state", "s")])).await;
    browser.expect_page(200, "Welcome back");
    for (link, heading) in [
        ("Username", "Welcome back"),
        ("Email", "Welcome back"),
        ("Forgot your password?", "Forgot your password?"),
        ("Back to sign-in", "Welcome back"),
        ("Create an account", "Create your account"),
        ("Phone", "Create your account"),
        ("Sign in instead", "Welcome back"),
    ] {
        browser.follow(link).await;
        browser.expect_page(200, heading);
        browser.reload().await;
        browser.expect_page(200, heading);
    }
    // Invalid input is reported each time.
    for _ in 0..3 {
        browser.fill("Email address", "kim");
        browser.press("Continue").await;
        browser.expect_page(422, "Welcome back");
    }
    // The login ID alone leads to the password page.
    browser.fill("Email address", KIM);
    browser.press("Continue").await;
    let page = browser.expect_page(200, "Enter your password");
    assert!(page.text.contains(KIM), "{}", page.text);
    browser.reload().await;
    browser.expect_page(200, "Enter your password");
    browser.follow("Not you? Use a different login").await;
    browser.expect_page(200, "Welcome back");
    assert_eq!(count_rows(&server).await, before);
    // The URL is not the flow: without the page's copy there is nothing.
    let address = browser.url().clone();
    browser.open(address.as_str()).await;
    browser.expect_page(410, "This page has expired");
    browser.open(&client.authorize_url(&[("state", "s")])).await;
    browser.follow("Not now, back to Corner Shop").await;
    let ends = ["error", "state"].map(|name| query(browser.at_app(), name));
    assert_eq!(ends, [Some("access_denied".into()), Some("s".into())]);
    assert_eq!(count_rows(&server).await, before);
    // A form that sends a code is the first one that is stored.
    browser.open(&client.authorize_url(&[("x_page", "signup")])).await;
    browser.fill("Email address", KIM);
    browser.fill("Password", PASSWORD);
    browser.press("Create account").await;
    browser.expect_page(200, "Check your email");
    assert_eq!(count_of(&server, "flows").await, 1);
    assert!(!browser.reply().body.contains("_flow"), "the store has it now");
    browser.reload().await;
    browser.expect_page(200, "Check your email");
}

async fn one_first_form_sent_many_times_makes_one_flow(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    let guest = client.sign_up().await;
    browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    let form = browser.page().forms[0].clone();
    let cookie = format!("oauth_ui={}", browser.cookie("oauth_ui").expect("a cookie"));
    let mut race = JoinSet::new();
    for _ in 0..6 {
        let mut fields = form.fields.clone();
        for (name, value) in [("login_id", KIM), ("password", PASSWORD)] {
            fields.iter_mut().filter(|(other, _)| other == name).for_each(|(_, typed)| *typed = value.into());
        }
        let request = server.http().request(Method::POST, &form.action).form(&fields).header(header::COOKIE, &cookie);
        race.spawn(async move { Reply::of(request).await });
    }
    let flow = form.action.trim_end_matches("/identify").to_string();
    for reply in race.join_all().await {
        assert_eq!((reply.status, reply.header("location")), (303, Some(flow.as_str())));
    }
    assert_eq!(count_of(&server, "flows").await, 1);
    // Once more, when the flow is stored: the code that was sent stays the right one.
    let mut fields = form.fields.clone();
    for (name, value) in [("login_id", KIM), ("password", PASSWORD)] {
        fields.iter_mut().filter(|(other, _)| other == name).for_each(|(_, typed)| *typed = value.into());
    }
    let again = server.http().request(Method::POST, &form.action).form(&fields).header(header::COOKIE, &cookie);
    assert_eq!(Reply::of(again).await.status, 303);
    browser.open(&flow).await;
    browser.fill("Code", &mailbox.next_code(KIM).await);
    browser.press("Confirm").await;
    client.finish(browser.at_app()).await;
    let notice = mailbox.next_mail(KIM).await;
    assert!(notice.text.contains("End all sessions"), "no second code was sent: {}", notice.text);
    assert_eq!(mailbox.count(), 2, "the code, and what is signed in");
    // Sent again, from an old tab: the flow is finished, and no other begins.
    let reply =
        Reply::of(server.http().request(Method::POST, &form.action).form(&form.fields).header("cookie", &cookie));
    assert!(reply.await.expect(200).body.contains("Your progress is saved already"));
    assert_eq!(count_of(&server, "flows").await, 1);
}

/// Signs up a member with a username, without any mail.
async fn make_member(server: &TestServer) {
    let mut browser = server.browser();
    browser.open(&server.app_client().authorize_url(&[("x_page", "signup")])).await;
    browser.fill("Username", "kim");
    browser.fill("Password", PASSWORD);
    browser.press("Create account").await;
    browser.at_app();
}

async fn sign_in(browser: &mut Browser) {
    browser.fill("Username", "kim");
    browser.fill("Password", PASSWORD);
    browser.press("Sign in").await;
}

async fn start_with_usernames(engine: Engine) -> TestServer {
    TestServer::start(engine, |setup| crate::credentials::LoginMethod::UsernamePassword.set(setup)).await
}

async fn a_right_first_form_counts_once(engine: Engine) {
    let server = start_with_usernames(engine).await;
    make_member(&server).await;
    let (client, mut browser) = (server.app_client(), server.browser());
    browser.open(&client.authorize_url(&[("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", "")])).await;
    let mut tab = browser.clone();
    sign_in(&mut browser).await;
    client.finish(browser.at_app()).await;
    let sessions = count_of(&server, "sessions").await;
    // The same page in another tab: its flow was used.
    sign_in(&mut tab).await;
    tab.expect_page(200, "This is done already");
    assert_eq!(count_of(&server, "sessions").await, sessions);
}

async fn what_a_page_carries_lives_25_minutes(engine: Engine) {
    let server = start_with_usernames(engine).await;
    make_member(&server).await;
    let client = server.app_client();
    for (wait, in_time) in [(25 * 60, true), (25 * 60 + 1, false)] {
        let mut browser = server.browser();
        browser.open(&client.authorize_url(&[])).await;
        server.clock.advance_seconds(wait);
        sign_in(&mut browser).await;
        if in_time {
            client.finish(browser.at_app()).await;
        } else {
            browser.expect_page(410, "This page has expired");
        }
    }
}

async fn two_tabs_are_two_flows_and_both_may_end_well(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut first, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    let guests = [client.sign_up().await, client.sign_up().await];
    first.open(&client.promotion_url(&client.promotion_code(&guests[0]).await)).await;
    let mut second = first.clone();
    second.open(&client.promotion_url(&client.promotion_code(&guests[1]).await)).await;
    for (tab, email) in [(&mut first, KIM), (&mut second, "lee@shop.example")] {
        identify(tab, email).await;
        tab.fill("Code", &mailbox.next_code(email).await);
        tab.press("Confirm").await;
        let member = client.finish(tab.at_app()).await;
        assert_eq!(client.user_info(&member.access).await.expect(200).json()["email"], email);
    }
}

async fn who_is_signed_in_gets_a_bounded_number_of_codes(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser) = (server.app_client(), server.browser());
    browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
    let silent = [("prompt", "none"), ("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", ""), ("state", "s")];
    let url = client.authorize_url(&silent);
    for number in 0..70 {
        browser.open(&url).await;
        let error = query(browser.at_app(), "error");
        assert_eq!(error.as_deref(), (number >= 60).then_some("temporarily_unavailable"), "{number}");
        assert_eq!(query(browser.at_app(), "state").as_deref(), Some("s"));
    }
    assert_eq!(count_of(&server, "authorization_codes").await, 60);
    server.clock.advance_seconds(1);
    browser.open(&url).await;
    client.finish(browser.at_app()).await;
}

on_both_engines!(
    a_right_first_form_counts_once,
    one_first_form_sent_many_times_makes_one_flow,
    the_first_pages_write_no_row,
    two_tabs_are_two_flows_and_both_may_end_well,
    what_a_page_carries_lives_25_minutes,
    whatever_begins_a_flow_writes_nothing,
    who_is_signed_in_gets_a_bounded_number_of_codes,
);
