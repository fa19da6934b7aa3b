//! The portal: first run, sign-in and sign-out, access control, and unauthenticated requests.

use vestibule_domain::{id::OperatorId, operator::LinkPurpose, secret::TokenHash, time::Timestamp};
use vestibule_store::{operator_links, operator_sessions, operators};

use crate::support::{Engine, OWNER_PASSWORD, TestServer, on_both_engines};

on_both_engines!(
    the_link_of_the_first_run_makes_one_owner,
    a_new_start_kills_the_link_of_the_one_before,
    before_the_first_operator_the_sign_in_page_says_where_the_link_is,
    an_operator_signs_in_and_out,
    wrong_passwords_get_one_error_and_are_limited,
    a_session_ends_after_half_a_day_without_use_or_a_week,
    a_form_without_its_token_does_nothing,
    protected_routes_require_reauthentication,
    the_portal_is_on_its_own_host_only,
    operators_make_projects,
    an_operator_changes_its_password,
    the_clean_up_removes_what_has_ended,
);

async fn start(engine: Engine) -> TestServer {
    TestServer::start(engine, |setup| setup.open_portal()).await
}

async fn the_link_of_the_first_run_makes_one_owner(engine: Engine) {
    let server = start(engine).await;
    let link = server.first_link().await;
    let mut browser = server.browser();
    browser.open(&link).await;
    browser.expect_page(200, "Welcome to Vestibule");
    browser.fill("Email", "olga");
    browser.fill("Your name", " ");
    browser.fill("Password", "olga");
    browser.press("Create account").await;
    let page = browser.expect_page(422, "Welcome to Vestibule");
    assert_eq!(page.problem("email"), Some("Enter an email address such as kim@shop.example."));
    assert_eq!(page.problem("name"), Some("Enter a name of 1 to 100 characters."));
    assert_eq!(page.problem("password"), Some("Use at least 10 characters."));
    browser.fill("Email", "Olga@House.example");
    browser.fill("Your name", "Olga");
    browser.fill("Password", OWNER_PASSWORD);
    browser.press("Create account").await;
    let page = browser.expect_page(200, "Projects");
    assert!(page.text.contains("your role: owner"), "{}", page.text);
    let mut other = server.browser();
    other.open(&link).await;
    other.expect_page(410, "This link no longer works");
    assert!(vestibule_portal::first_link::create_first_link(&server.app).await.expect("the store").is_none());
}

async fn a_new_start_kills_the_link_of_the_one_before(engine: Engine) {
    let server = start(engine).await;
    let (old, new) = (server.first_link().await, server.first_link().await);
    let mut browser = server.browser();
    browser.open(&old).await;
    browser.expect_page(410, "This link no longer works");
    browser.open(&new).await;
    browser.expect_page(200, "Welcome to Vestibule");
    server.clock.advance_seconds(24 * 3_600 + 1);
    browser.reload().await;
    browser.expect_page(410, "This link no longer works");
}

async fn before_the_first_operator_the_sign_in_page_says_where_the_link_is(engine: Engine) {
    let server = start(engine).await;
    let mut browser = server.browser();
    browser.open("/portal").await;
    let page = browser.expect_page(200, "Sign in to the portal");
    let hint = "No operator yet: open the link the server printed, or run vestibule operator link";
    assert!(page.text.contains(hint), "{}", page.text);
    drop(server.owner().await);
    browser.reload().await;
    let page = browser.expect_page(200, "Sign in to the portal");
    assert!(!page.text.contains("No operator yet"), "{}", page.text);
}

async fn an_operator_signs_in_and_out(engine: Engine) {
    let server = start(engine).await;
    let mut owner = server.owner().await;
    owner.press("Sign out").await;
    owner.expect_page(200, "Sign in to the portal");
    owner.open("/portal/p/test/addresses").await;
    owner.expect_page(200, "Sign in to the portal");
    owner.fill("Email", "OLGA@house.example");
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Sign in").await;
    // Back to the requested page.
    owner.expect_page(200, "Endpoints");
    assert_eq!(owner.url().path(), "/portal/p/test/addresses");
    let cookie = server.http().get("/portal/sign-in").await;
    assert!(cookie.header("set-cookie").is_some_and(|c| c.contains("HttpOnly") && c.contains("SameSite=Lax")));
    for header in ["content-security-policy", "x-frame-options", "x-content-type-options", "x-request-id"] {
        assert!(cookie.header(header).is_some(), "{header}");
    }
}

async fn wrong_passwords_get_one_error_and_are_limited(engine: Engine) {
    let server = start(engine).await;
    server.owner().await;
    let mut reported = Vec::new();
    for email in ["olga@house.example", "nobody@house.example"] {
        let mut browser = server.browser();
        browser.open("/portal/sign-in").await;
        for round in 0..11 {
            browser.fill("Email", email);
            browser.fill("Password", "wrong and wrong again");
            browser.press("Sign in").await;
            if round < 10 {
                let page = browser.expect_page(422, "Sign in to the portal");
                reported.push(page.problem("password").map(str::to_string));
            }
        }
        browser.expect_page(429, "Too many attempts");
        assert!(browser.reply().header("retry-after").is_some());
    }
    reported.dedup();
    assert_eq!(reported, [Some("Wrong email or password.".to_string())]);
    // The correct password is limited too, for a while.
    let mut owner = server.browser();
    owner.open("/portal/sign-in").await;
    owner.fill("Email", "olga@house.example");
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Sign in").await;
    owner.expect_page(429, "Too many attempts");
    server.clock.advance_seconds(61);
    owner.open("/portal/sign-in").await;
    owner.fill("Email", "olga@house.example");
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Sign in").await;
    owner.expect_page(200, "Projects");
}

async fn a_session_ends_after_half_a_day_without_use_or_a_week(engine: Engine) {
    let server = start(engine).await;
    let mut owner = server.owner().await;
    for _ in 0..14 {
        server.clock.advance_seconds(12 * 3_600 - 1);
        owner.open("/portal").await;
        owner.expect_page(200, "Projects");
    }
    server.clock.advance_seconds(60);
    owner.open("/portal").await;
    owner.expect_page(200, "Sign in to the portal");
    let mut other = server.browser();
    other.open("/portal").await;
    other.fill("Email", "olga@house.example");
    other.fill("Password", OWNER_PASSWORD);
    other.press("Sign in").await;
    server.clock.advance_seconds(12 * 3_600 + 1);
    other.open("/portal").await;
    other.expect_page(200, "Sign in to the portal");
}

async fn a_form_without_its_token_does_nothing(engine: Engine) {
    let server = start(engine).await;
    let mut owner = server.owner().await;
    owner.open("/portal/projects/new").await;
    owner.forge("_csrf", "forged");
    owner.fill("Project ID", "second");
    owner.fill("Public origin", "https://second.example");
    owner.press("Create project").await;
    owner.expect_page(403, "The form has expired");
    owner.open("/portal").await;
    assert!(!owner.page().text.contains("second"));
    let mut outsider = server.browser();
    outsider.open("/portal/sign-in").await;
    outsider.forge("_csrf", "forged");
    outsider.fill("Email", "olga@house.example");
    outsider.fill("Password", OWNER_PASSWORD);
    outsider.press("Sign in").await;
    outsider.expect_page(403, "The form has expired");
}

async fn protected_routes_require_reauthentication(engine: Engine) {
    let server = start(engine).await;
    let mut owner = server.owner().await;
    owner.open("/portal/me").await;
    owner.expect_page(200, "Your account");
    server.clock.advance_seconds(601);
    owner.reload().await;
    owner.expect_page(200, "Confirm that it's you");
    owner.fill("Password", "no, it is not");
    owner.press("Continue").await;
    owner.expect_page(422, "Confirm that it's you");
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Continue").await;
    owner.expect_page(200, "Your account");
    // Expired between page and form: nothing is done, and the operator returns to the page.
    server.clock.advance_seconds(601);
    owner.fill("New password", "another lamp over eight doors");
    owner.press("Change password").await;
    owner.expect_page(200, "Confirm that it's you");
}

async fn the_portal_is_on_its_own_host_only(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.configure("portal.public_origin", "https://portal.house.example");
    })
    .await;
    let reply = server.http().get("/portal/sign-in").await;
    assert_eq!(reply.status, 404, "the project has no portal");
    let at = |path: &str| server.http().request(reqwest::Method::GET, path).header("host", "portal.house.example");
    let reply = crate::support::Reply::of(at("/portal/sign-in")).await;
    assert_eq!(reply.status, 200);
    let cookie = reply.header("set-cookie").expect("a cookie for the form");
    let parts: Vec<&str> = cookie.split("; ").collect();
    assert!(parts[0].starts_with("__Host-vestibule_lobby="), "{cookie}");
    assert!(["Secure", "HttpOnly", "SameSite=Lax", "Path=/"].iter().all(|part| parts.contains(part)), "{cookie}");
    let link = reply.body.split("href=\"").find(|rest| rest.starts_with("/portal/assets/portal")).expect("a style");
    let asset = crate::support::Reply::of(at(link.split('"').next().expect("an address"))).await;
    assert_eq!((asset.status, asset.header("content-type")), (200, Some("text/css; charset=utf-8")));
    let home = crate::support::Reply::of(at("/")).await;
    assert_eq!((home.status, home.header("location")), (307, Some("/portal")));
    let none = TestServer::start_plain(engine).await;
    assert_eq!(none.http().get("/portal").await.status, 404);
}

async fn operators_make_projects(engine: Engine) {
    let server = start(engine).await;
    let mut owner = server.owner().await;
    owner.follow("New project").await;
    owner.fill("Project ID", "Second!");
    owner.untick("Enable anonymous users?");
    owner.fill("Public origin", "second.example");
    owner.press("Create project").await;
    let page = owner.expect_page(422, "New project");
    assert!(page.problem("id").is_some_and(|text| text.contains("lower-case")), "{:?}", page.problems);
    assert!(page.problem("origin").is_some(), "{:?}", page.problems);
    owner.fill("Project ID", "test");
    owner.fill("Public origin", "https://second.example");
    owner.press("Create project").await;
    assert!(owner.expect_page(422, "New project").problem("id").is_some_and(|text| text.contains("Another")));
    owner.fill("Project ID", "second");
    owner.fill("Name", "The Second");
    owner.tick("Enable anonymous users?");
    owner.press("Create project").await;
    assert_eq!(owner.url().path(), "/portal/p/second/applications");
    assert!(owner.expect_page(200, "Applications").text.contains("Project created."));
    let project = server.app.projects.find_by_id("second").expect("it is served at once");
    assert!(project.settings.anonymous_enabled());
    owner.open("/portal").await;
    assert!(owner.page().text.contains("The Second"));
    owner.open("/portal/p/second").await;
    owner.expect_page(200, "Overview");
    assert_eq!(owner.url().path(), "/portal/p/second/overview");
    owner.open("/portal/p/nowhere/addresses").await;
    owner.expect_page(404, "Page not found");
    owner.open("/portal/nowhere").await;
    owner.expect_page(404, "Page not found");
}

async fn an_operator_changes_its_password(engine: Engine) {
    let server = start(engine).await;
    let mut owner = server.owner().await;
    let mut elsewhere = server.browser();
    elsewhere.open("/portal").await;
    elsewhere.fill("Email", "olga@house.example");
    elsewhere.fill("Password", OWNER_PASSWORD);
    elsewhere.press("Sign in").await;
    owner.open("/portal/me").await;
    owner.fill("New password", "olga@house.example");
    owner.press("Change password").await;
    assert!(owner.expect_page(422, "Your account").problem("password").is_some());
    owner.fill("New password", "another lamp over eight doors");
    owner.press("Change password").await;
    assert!(owner.expect_page(200, "Your account").text.contains("Password changed"));
    elsewhere.open("/portal").await;
    elsewhere.expect_page(200, "Sign in to the portal");
    elsewhere.fill("Email", "olga@house.example");
    elsewhere.fill("Password", "another lamp over eight doors");
    elsewhere.press("Sign in").await;
    elsewhere.expect_page(200, "Projects");
}

async fn the_clean_up_removes_what_has_ended(engine: Engine) {
    const HOUR: i64 = 3_600;
    let server = start(engine).await;
    let (mut mailbox, mut owner) = (server.mailbox(), server.owner().await);
    let operator = find_operator(&server).await;
    let begin = async |token: u8| {
        let now = server.clock.now();
        let insert = server.app.store.write("test", TokenHash([token; 32]), move |tx, hash| {
            Box::pin(async move { operator_sessions::insert(tx, *hash, operator, now).await })
        });
        insert.await.expect("the store works");
    };
    let sessions = async || {
        let mut conn = server.app.store.read().await.expect("a connection");
        let mut there = Vec::new();
        for token in 1..=2 {
            if operator_sessions::find(&mut conn, TokenHash([token; 32])).await.expect("the store works").is_some() {
                there.push(token);
            }
        }
        there
    };
    // A time before all others also finds expired links.
    let links = async |purpose| {
        let (mut conn, no) = (server.app.store.read().await.expect("a connection"), server.app.projects.all()[0].no);
        operator_links::list(&mut conn, no, purpose, Timestamp::from_micros(0)).await.expect("the store works").len()
    };
    let clean = async || vestibule_server::boot::maintain(&server.app).await.expect("the store works");
    owner.open("/portal/p/test/operators").await;
    owner.fill("Email", "new@house.example");
    owner.tick("Viewer");
    owner.press("Invite").await;
    mailbox.next_mail("new@house.example").await;
    server.reset_link("olga@house.example").await;
    begin(1).await;
    server.clock.advance_seconds(11 * HOUR);
    begin(2).await;
    clean().await;
    assert_eq!((sessions().await, links(LinkPurpose::Reset).await), (vec![1, 2], 1), "nothing has ended yet");
    server.clock.advance_seconds(HOUR + 1);
    clean().await;
    assert_eq!(sessions().await, [2], "half a day without use");
    server.clock.advance_seconds(12 * HOUR);
    clean().await;
    assert_eq!(sessions().await, Vec::<u8>::new());
    assert_eq!((links(LinkPurpose::Reset).await, links(LinkPurpose::Invitation).await), (0, 1), "a day, and a week");
    server.clock.advance_seconds(6 * 24 * HOUR);
    clean().await;
    assert_eq!(links(LinkPurpose::Invitation).await, 0);
}

async fn find_operator(server: &TestServer) -> OperatorId {
    let mut conn = server.app.store.read().await.expect("a connection");
    let found = operators::find_by_email(&mut conn, "olga@house.example").await.expect("the store works");
    found.expect("Olga").id
}
