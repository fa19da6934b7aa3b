//! The promotion pages with every possible turn, in token and in cookie mode.

use reqwest::Method;
use serde_json::json;
use url::Url;

use crate::{
    guest_journey::{identify, promote},
    support::{
        AppClient, Browser, Engine, Mailbox, Reply, TestServer, Tokens, altered, on_both_engines, promotion_hint, query,
    },
};

const KIM: &str = "kim@shop.example";
const SAVE: &str = "Save your progress";
const CHECK_MAIL: &str = "Check your email";
const LINK_EXPIRED: &str = "This link has expired";
const ANOTHER_BROWSER: &str = "This page belongs to another browser";

/// Promotes the guest of a browser's cookie session, as the Web SDK does in cookie mode.
pub(crate) async fn promote_by_cookie(client: &AppClient, browser: &mut Browser, mailbox: &mut Mailbox, email: &str) {
    let url = cookie_promotion_url(client, browser).await;
    browser.open(&url).await;
    identify(browser, email).await;
    browser.fill("Code", &mailbox.next_code(email).await);
    browser.press("Confirm").await;
    assert_eq!(answer_of(browser), ("http://shop.test/after-login", vec!["iss".into(), "state".into()]));
}

/// Where the browser landed, and the names of the parameters.
pub(crate) fn answer_of(browser: &Browser) -> (&str, Vec<String>) {
    let url = browser.at_app();
    let place = url.as_str().split('?').next().unwrap_or_default();
    (place, url.query_pairs().map(|(name, _)| name.into_owned()).collect())
}

pub(crate) async fn cookie_promotion_url(client: &AppClient, browser: &mut Browser) -> String {
    let body = json!({ "session_type": "cookie" });
    let result = browser.fetch_json("/api/anonymous_user/promotion_code", &body).await.result();
    let hint = promotion_hint(result["promotion_code"].as_str().expect("a code"));
    client.authorize_url(&[
        ("response_type", "none"),
        ("scope", "openid https://authgear.com/scopes/full-access"),
        ("prompt", "login"),
        ("login_hint", &hint),
        ("state", "s"),
        ("x_sso_enabled", "true"),
        ("x_suppress_idp_session_cookie", ""),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ])
}

/// A server with a guest whose promotion page is open.
struct Scene {
    server: TestServer,
    client: AppClient,
    guest: Tokens,
    browser: Browser,
    mailbox: Mailbox,
}

impl Scene {
    async fn open(engine: Engine) -> Self {
        let server = TestServer::start_plain(engine).await;
        let (client, mut browser, mailbox) = (server.app_client(), server.browser(), server.mailbox());
        let guest = client.sign_up().await;
        browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
        browser.expect_page(200, SAVE);
        Self { server, client, guest, browser, mailbox }
    }

    /// The same, with the code sent.
    async fn open_with_code(engine: Engine) -> (Self, String) {
        let mut scene = Self::open(engine).await;
        identify(&mut scene.browser, KIM).await;
        let code = scene.mailbox.next_code(KIM).await;
        (scene, code)
    }

    async fn type_code(&mut self, code: &str) {
        self.browser.fill("Code", code);
        self.browser.press("Confirm").await;
    }

    async fn is_guest(&self) -> bool {
        let info = self.client.user_info(&self.guest.access).await.expect(200).json();
        info["https://authgear.com/claims/user/is_anonymous"].as_bool().expect("a flag")
    }
}

/// A code that is certainly wrong.
fn another(code: &str) -> String {
    let number: u32 = code.parse().expect("six digits");
    format!("{:06}", (number + 1) % 1_000_000)
}

async fn token_mode_keeps_the_sub_and_sets_no_session(engine: Engine) {
    let (mut scene, code) = Scene::open_with_code(engine).await;
    let sub = scene.client.subject(&scene.guest.access).await;
    assert!(scene.is_guest().await);
    scene.type_code(&code).await;
    assert_eq!(query(scene.browser.at_app(), "state").as_deref(), Some("s 1"));
    assert_eq!(scene.browser.cookie("session"), None);
    assert!(scene.is_guest().await, "the guest's own token shows the guest until the member's arrive");
    let member = scene.client.finish(scene.browser.at_app()).await;
    assert_eq!(scene.client.subject(&member.access).await, sub);
    let info = scene.client.user_info(&member.access).await.expect(200).json();
    assert_eq!(info["https://authgear.com/claims/user/is_anonymous"], false);
    let admin = crate::support::Admin::of(&scene.server).await;
    let read = admin.get(&format!("/users/{sub}")).await.expect(200).json();
    assert!(read["last_login_at"].is_string() && read["last_login_at"] == read["promoted_at"], "it signs in: {read}");
}

async fn cookie_mode_rotates_the_session(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
    let guest = browser.fetch("/oauth2/userinfo").await.expect(200).json();
    let old = browser.cookie("session").expect("a session").to_string();
    promote_by_cookie(&client, &mut browser, &mut mailbox, KIM).await;
    let member = browser.fetch("/oauth2/userinfo").await.expect(200).json();
    assert_eq!(member["sub"], guest["sub"]);
    assert_eq!(member["https://authgear.com/claims/user/is_anonymous"], false);
    assert_eq!(member["email"], KIM);
    assert_ne!(browser.cookie("session"), Some(old.as_str()));
    let mut thief = server.browser();
    thief.set_cookie("session", &old);
    thief.fetch("/oauth2/userinfo").await.expect_oauth_error(401, "invalid_grant", "invalid session");
}

async fn problems_on_the_first_page_are_shown_beside_their_field(engine: Engine) {
    let mut scene = Scene::open(engine).await;
    for (email, password, field, problem) in [
        ("", "violet tugboat marmalade", "login_id", "Enter your email address"),
        ("kim", "violet tugboat marmalade", "login_id", "Enter an email address like name@example.com"),
        (KIM, "", "password", "Enter a password"),
        (KIM, "short", "password", "Use at least 8 characters"),
        (KIM, "password", "password", "This password is too easy to guess. Add a word or two"),
        (KIM, KIM, "password", "Choose a password that does not contain your login"),
        // It is not measured: an earlier meter took hours for this.
        (KIM, &"a".repeat(20_000), "password", "Use at most 128 characters"),
    ] {
        scene.browser.fill("Email address", email);
        scene.browser.fill("Password", password);
        scene.browser.press("Save my progress").await;
        let page = scene.browser.expect_page(422, SAVE);
        assert_eq!(page.problem(field), Some(problem), "{email} {password}");
        let form = page.forms.iter().find(|form| form.fields.iter().any(|(name, _)| name == "password"));
        let fields = &form.expect("the form").fields;
        let value = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        assert_eq!((value("login_id"), value("password")), (Some(email), Some("")), "the password is never printed");
    }
    assert_eq!(scene.mailbox.count(), 0);
}

async fn a_code_is_forgiving_in_its_spelling(engine: Engine) {
    let (mut scene, code) = Scene::open_with_code(engine).await;
    scene.type_code(&format!(" {}-{} ", &code[..3], &code[3..])).await;
    scene.client.finish(scene.browser.at_app()).await;
}

async fn five_wrong_codes_kill_it_and_a_new_one_helps(engine: Engine) {
    let (mut scene, code) = Scene::open_with_code(engine).await;
    scene.type_code("").await;
    assert_eq!(scene.browser.expect_page(422, CHECK_MAIL).problem("code"), Some("Enter the six-digit code"));
    for _ in 0..4 {
        scene.type_code(&another(&code)).await;
        let page = scene.browser.expect_page(422, CHECK_MAIL);
        assert_eq!(page.problem("code"), Some("Wrong code. Check it and try again"));
    }
    for typed in [another(&code), code] {
        scene.type_code(&typed).await;
        let page = scene.browser.expect_page(422, CHECK_MAIL);
        assert_eq!(page.problem("code"), Some("Too many attempts with this code. Ask for a new one"));
    }
    assert!(scene.is_guest().await);
    scene.server.clock.advance_seconds(60);
    scene.browser.press("Send a new code").await;
    let fresh = scene.mailbox.next_code(KIM).await;
    scene.type_code(&fresh).await;
    scene.client.finish(scene.browser.at_app()).await;
}

async fn a_code_lives_ten_minutes(engine: Engine) {
    let (mut scene, code) = Scene::open_with_code(engine).await;
    scene.server.clock.advance_seconds(601);
    scene.type_code(&code).await;
    let page = scene.browser.expect_page(422, CHECK_MAIL);
    assert_eq!(page.problem("code"), Some("This code has expired. Ask for a new one"));
}

async fn another_code_is_sent_after_the_cool_down_only(engine: Engine) {
    let (mut scene, first) = Scene::open_with_code(engine).await;
    let page = scene.browser.expect_page(200, CHECK_MAIL);
    assert!(page.text.contains("You can ask for a new code in 60 seconds."), "{}", page.text);
    scene.server.clock.advance_seconds(59);
    scene.browser.press("Send a new code").await;
    let page = scene.browser.expect_page(200, CHECK_MAIL);
    assert!(page.text.contains("A code was sent just now."), "{}", page.text);
    assert_eq!(scene.mailbox.count(), 1);
    scene.server.clock.advance_seconds(1);
    scene.browser.press("Send a new code").await;
    let second = scene.mailbox.next_code(KIM).await;
    assert_ne!(first, second);
    scene.type_code(&first).await;
    scene.browser.expect_page(422, CHECK_MAIL);
    // The wait doubles.
    scene.server.clock.advance_seconds(119);
    scene.browser.press("Send a new code").await;
    assert_eq!(scene.mailbox.count(), 2);
    scene.type_code(&second).await;
    scene.client.finish(scene.browser.at_app()).await;
}

async fn going_back_changes_the_address(engine: Engine) {
    let (mut scene, _) = Scene::open_with_code(engine).await;
    scene.browser.follow("Use a different email address").await;
    scene.browser.expect_page(200, SAVE);
    identify(&mut scene.browser, "lee@shop.example").await;
    let code = scene.mailbox.next_code("lee@shop.example").await;
    scene.type_code(&code).await;
    let member = scene.client.finish(scene.browser.at_app()).await;
    let info = scene.client.user_info(&member.access).await.expect(200).json();
    assert_eq!(info["email"], "lee@shop.example");
}

async fn cancelling_returns_to_the_app_and_changes_nothing(engine: Engine) {
    let (mut scene, _) = Scene::open_with_code(engine).await;
    scene.browser.follow("Not now, back to Corner Shop").await;
    let url = scene.browser.at_app().clone();
    assert!(url.as_str().starts_with("http://shop.test/after-login?"), "{url}");
    assert_eq!(query(&url, "error").as_deref(), Some("access_denied"));
    assert_eq!(query(&url, "state").as_deref(), Some("s 1"));
    assert!(scene.is_guest().await);
    // Again, from the app's start.
    let (client, guest) = (scene.client.clone(), scene.guest.clone());
    promote(&client, &guest, &mut scene.browser, &mut scene.mailbox, "later@shop.example").await;
    client.finish(scene.browser.at_app()).await;
}

async fn the_page_about_an_existing_account_has_a_back_link(engine: Engine) {
    let mut scene = Scene::open(engine).await;
    scene.browser.follow("Sign in instead").await;
    let page = scene.browser.expect_page(200, "Sign in instead?");
    assert!(page.text.contains("is not carried over"), "{}", page.text);
    scene.browser.follow("Go back and save my progress").await;
    scene.browser.expect_page(200, SAVE);
}

async fn a_taken_address_is_reported_only_after_the_proof(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut mailbox) = (server.app_client(), server.mailbox());
    let owner = client.sign_up().await;
    promote(&client, &owner, &mut server.browser(), &mut mailbox, KIM).await;

    let (guest, mut browser) = (client.sign_up().await, server.browser());
    let sub = client.subject(&guest.access).await;
    browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    identify(&mut browser, "KIM@shop.example").await;
    let page = browser.expect_page(200, CHECK_MAIL);
    assert!(!page.text.contains("account"), "nothing is told yet: {}", page.text);
    browser.fill("Code", &mailbox.next_code("KIM@shop.example").await);
    browser.press("Confirm").await;
    browser.expect_page(409, "You already have an account");
    let info = client.user_info(&guest.access).await.expect(200).json();
    assert_eq!(info["https://authgear.com/claims/user/is_anonymous"], true);
    assert_eq!(info.get("email"), None);
    // The page survives a reload, and leads to another address.
    browser.reload().await;
    browser.expect_page(200, "You already have an account");
    browser.follow("Use a different login").await;
    identify(&mut browser, "lee@shop.example").await;
    browser.fill("Code", &mailbox.next_code("lee@shop.example").await);
    browser.press("Confirm").await;
    let member = client.finish(browser.at_app()).await;
    assert_eq!(client.subject(&member.access).await, sub);
}

async fn a_second_promotion_of_the_same_guest_gets_a_clear_page(engine: Engine) {
    let (mut scene, code) = Scene::open_with_code(engine).await;
    let (mut other_tab, other_code) = (scene.server.browser(), scene.client.promotion_code(&scene.guest).await);
    other_tab.open(&scene.client.promotion_url(&other_code)).await;
    identify(&mut other_tab, "lee@shop.example").await;
    let lees = scene.mailbox.next_code("lee@shop.example").await;
    scene.type_code(&code).await;
    scene.browser.at_app();
    other_tab.fill("Code", &lees);
    other_tab.press("Confirm").await;
    other_tab.expect_page(409, "Your progress is saved already");
    let member = scene.client.finish(scene.browser.at_app()).await;
    let info = scene.client.user_info(&member.access).await.expect(200).json();
    assert_eq!(info["email"], KIM);
}

async fn the_last_form_sent_again_leads_to_the_app_until_the_code_is_exchanged(engine: Engine) {
    let (scene, code) = Scene::open_with_code(engine).await;
    let forms = scene.browser.page().forms.clone();
    let form = forms.into_iter().find(|form| form.fields.iter().any(|(name, _)| name == "code")).expect("a form");
    let typed =
        form.fields.into_iter().map(|(name, value)| if name == "code" { (name, code.clone()) } else { (name, value) });
    let (fields, cookie, http) = (typed.collect::<Vec<_>>(), scene.browser.cookie_line(), scene.server.http());
    let send = async || {
        let request = http.request(Method::POST, &form.action).form(&fields).header("cookie", &cookie);
        Reply::of(request).await
    };
    // The second of two equal forms: the browser shows only its answer.
    let (first, second) = tokio::join!(send(), send());
    for reply in [first, second, send().await] {
        let landing = reply.expect(303).header("location").expect("the app").parse::<Url>().expect("a URL");
        assert!(query(&landing, "code").is_some(), "{landing}");
        assert_eq!(query(&landing, "state").as_deref(), Some("s 1"));
    }
    let landing = send().await.expect(303).header("location").expect("the app").parse().expect("a URL");
    scene.client.finish(&landing).await;
    assert!(send().await.expect(200).body.contains("Your progress is saved already"));
}

/// The answer that sets the member's cookie is lost, and with it the old cookie is dead.
async fn a_cookie_guest_whose_last_answer_is_lost_is_signed_in(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    for (number, repeats_form) in [true, false].into_iter().enumerate() {
        let email = format!("kim{number}@shop.example");
        let (mut browser, mut mailbox) = (server.browser(), server.mailbox());
        browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
        let url = cookie_promotion_url(&client, &mut browser).await;
        browser.open(&url).await;
        identify(&mut browser, &email).await;
        browser.fill("Code", &mailbox.next_code(&email).await);
        let flow = browser.url().to_string();
        // All that the first answer changes in the browser is lost.
        let mut lost = browser.clone();
        lost.press("Confirm").await;
        assert!(lost.is_at_app());
        browser.fetch("/oauth2/userinfo").await.expect(401);
        if repeats_form {
            browser.press("Confirm").await;
            assert_eq!(answer_of(&browser), ("http://shop.test/after-login", vec!["iss".into(), "state".into()]));
        } else {
            browser.open(&flow).await;
            browser.expect_page(200, "Your progress is saved already");
        }
        assert_eq!(browser.cookie("session"), lost.cookie("session"));
        assert_eq!(browser.fetch("/oauth2/userinfo").await.expect(200).json()["email"], email.as_str());
        // Signed out, or later, the flow gives nothing any more.
        let (mut late, mut thief) = (browser.clone(), server.browser());
        thief.open(&flow).await;
        assert_eq!(thief.cookie("session"), None, "another browser gets nothing");
        server.clock.advance_seconds(301);
        late.set_cookie("session", "");
        late.open(&flow).await;
        assert!(late.cookie("session").unwrap_or_default().is_empty(), "{:?}", late.cookie("session"));
    }
}

async fn a_finished_flow_cannot_be_repeated(engine: Engine) {
    let (mut scene, code) = Scene::open_with_code(engine).await;
    let address = scene.browser.url().clone();
    scene.type_code(&code).await;
    scene.client.finish(scene.browser.at_app()).await;
    scene.browser.open(address.as_str()).await;
    scene.browser.expect_page(200, "Your progress is saved already");
}

async fn a_promotion_code_belongs_to_the_browser_whose_first_form_used_it(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    let guest = client.sign_up().await;
    let url = client.promotion_url(&client.promotion_code(&guest).await);
    // Opening the page redeems nothing: after a lost response it can be opened again, in any browser.
    let mut slower = server.browser();
    for _ in 0..2 {
        browser.open(&url).await;
        browser.expect_page(200, SAVE);
        slower.open(&url).await;
        slower.expect_page(200, SAVE);
    }
    identify(&mut browser, KIM).await;
    browser.expect_page(200, CHECK_MAIL);
    let flow = browser.url().clone();
    identify(&mut slower, "lee@shop.example").await;
    slower.expect_page(400, LINK_EXPIRED);
    slower.follow("Back to Corner Shop").await;
    assert_eq!(query(slower.at_app(), "error").as_deref(), Some("access_denied"));
    let code = mailbox.next_code(KIM).await;
    assert_eq!(mailbox.count(), 1, "no code is sent to who was too late");
    // The first browser opens it again: its flow continues, even when the code itself has expired.
    for wait in [0, 301] {
        server.clock.advance_seconds(wait);
        let mut again = browser.clone();
        again.open(&url).await;
        again.expect_page(200, SAVE);
        assert_eq!(again.url().as_str(), format!("{flow}/start"));
    }
    // Another one, with a stolen URL.
    let mut thief = server.browser();
    thief.open(&url).await;
    thief.expect_page(400, LINK_EXPIRED);
    // It keeps the cookie it gets, so it is another browser, and gets that error.
    thief.open(flow.as_str()).await;
    thief.expect_page(403, ANOTHER_BROWSER);
    thief.set_cookie("oauth_ui", "0123456789abcdef0123456789abcdef");
    for view in ["", "/identify", "/cancel"] {
        thief.open(&format!("{flow}{view}")).await;
        let page = thief.expect_page(403, ANOTHER_BROWSER);
        assert!(page.text.contains("Continue there, or go back to Corner Shop and start again."), "{}", page.text);
        // To the home page, and not to the app's callback with another user's state.
        assert_eq!(page.links, [("Back to Corner Shop".to_string(), "http://shop.test/".to_string())]);
    }
    browser.fill("Code", &code);
    browser.press("Confirm").await;
    client.finish(browser.at_app()).await;
}

async fn a_browser_without_cookies_gets_an_error_page(engine: Engine) {
    let mut scene = Scene::open(engine).await;
    // On the first page, which carries the flow, and on a later one.
    let mut without = scene.browser.clone();
    without.forget();
    identify(&mut without, KIM).await;
    without.expect_page(403, "Cookies are needed here");
    identify(&mut scene.browser, KIM).await;
    let http = scene.server.http();
    let reply = http.get(scene.browser.url().as_str()).await.expect(303);
    let again = reply.header("location").expect("a second look").to_string();
    assert!(reply.header("set-cookie").expect("a cookie").starts_with("oauth_ui="));
    let reply = http.get(&again).await.expect(403);
    assert!(reply.body.contains("Cookies are needed here"), "{}", reply.body);
    assert_eq!(reply.header("location"), None, "it is not sent round in circles");
}

async fn every_error_page_has_a_link(engine: Engine) {
    let (mut scene, _) = Scene::open_with_code(engine).await;
    let back = ("Back to Corner Shop", "http://shop.test/");
    let address = scene.browser.url().to_string();
    for (target, status) in [
        ("/nothing-here", 404),
        ("/flow/nonsense", 404),
        ("/flow/00000000-0000-7000-8000-000000000000", 410),
        ("/oauth2/authorize?client_id=nobody", 400),
    ] {
        scene.browser.open(target).await;
        assert_eq!(scene.browser.reply().status, status, "{target}");
        let links = &scene.browser.page().links;
        assert_eq!(links.iter().map(|(text, to)| (text.as_str(), to.as_str())).collect::<Vec<_>>(), [back], "{target}");
    }
    // A browser with an expired flow returns to its app, which gets the same response as for "Not now".
    scene.server.clock.advance_seconds(1501);
    scene.browser.open(&address).await;
    scene.browser.expect_page(410, "This page has expired");
    scene.browser.follow("Back to Corner Shop").await;
    assert_eq!(query(scene.browser.at_app(), "error").as_deref(), Some("access_denied"));
    let mut outsider = scene.server.browser();
    outsider.open(&address).await;
    let page = outsider.expect_page(410, "This page has expired");
    assert_eq!(page.links[0].1, "http://shop.test/");

    // If the project has no page of its own, the account page is used.
    let server = TestServer::start(engine, |setup| setup.unset("ui", "default_client_uri")).await;
    let mut browser = server.browser();
    browser.open("/nothing-here").await;
    browser.follow("My account").await;
    browser.expect_page(200, "Sign in to see your account");
}

async fn a_sign_in_that_is_over_is_not_called_saved_progress(engine: Engine) {
    let (mut scene, code) = Scene::open_with_code(engine).await;
    scene.type_code(&code).await;
    scene.client.finish(scene.browser.at_app()).await;
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    let address = browser.page().forms[0].action.trim_end_matches("/login").to_string();
    browser.fill("Email address", KIM);
    browser.fill("Password", "violet tugboat marmalade");
    browser.press("Sign in").await;
    scene.client.finish(browser.at_app()).await;
    browser.open(&address).await;
    browser.expect_page(200, "This is done already");
    browser.follow("Back to Corner Shop").await;
    assert_eq!(browser.at_app().as_str(), "http://shop.test/");
}

async fn one_mistake_is_said_once_and_several_are_listed(engine: Engine) {
    let mut scene = Scene::open(engine).await;
    for (email, password, several) in
        [("kim", "violet tugboat marmalade", false), (KIM, "1", false), ("kim", "1", true)]
    {
        scene.browser.fill("Email address", email);
        scene.browser.fill("Password", password);
        scene.browser.press("Save my progress").await;
        let page = scene.browser.expect_page(422, SAVE);
        assert_eq!(page.problems.len(), if several { 2 } else { 1 });
        for (field, output) in &page.problems {
            let output = output.trim_start_matches("Error: ");
            assert_eq!(page.text.matches(output).count(), if several { 2 } else { 1 }, "{field}: {}", page.text);
        }
        // The focus is on the error, also without scripts.
        let body = &scene.browser.reply().body;
        assert_eq!(body.matches(" autofocus").count(), 1, "{body}");
        assert_eq!(body.contains("id=\"error-summary\""), several);
    }
}

async fn a_bad_promotion_code_shows_an_error_page_with_a_link(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser) = (server.app_client(), server.browser());
    let guest = client.sign_up().await;
    let expired = client.promotion_code(&guest).await;
    server.clock.advance_seconds(301);
    let fresh = client.promotion_code(&guest).await;
    let changed = altered(&fresh);
    for code in [expired.as_str(), &changed, "nonsense"] {
        browser.open(&client.promotion_url(code)).await;
        browser.expect_page(400, LINK_EXPIRED);
        browser.follow("Back to Corner Shop").await;
        assert_eq!(query(browser.at_app(), "error").as_deref(), Some("access_denied"), "{code}");
    }
    assert!(client.subject(&guest.access).await.len() == 36);
}

async fn the_person_has_25_minutes(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut mailbox) = (server.app_client(), server.mailbox());
    for (wait, in_time) in [(25 * 60, true), (25 * 60 + 1, false)] {
        let (guest, mut browser) = (client.sign_up().await, server.browser());
        let code = client.promotion_code(&guest).await;
        browser.open(&client.promotion_url(&code)).await;
        // Longer than the code's own five minutes: it was valid when the page was opened.
        server.clock.advance_seconds(wait - 60);
        let email = format!("kim{wait}@shop.example");
        identify(&mut browser, &email).await;
        server.clock.advance_seconds(60);
        browser.fill("Code", &mailbox.next_code(&email).await);
        browser.press("Confirm").await;
        if in_time {
            browser.at_app();
        } else {
            browser.expect_page(410, "This page has expired");
            browser.open(&client.promotion_url(&code)).await;
            assert!([400, 410].contains(&browser.reply().status), "it does not start over");
        }
    }
}

async fn a_forged_form_changes_nothing(engine: Engine) {
    let (mut scene, code) = Scene::open_with_code(engine).await;
    for token in ["", "nonsense"] {
        scene.browser.forge("_csrf", token);
        scene.type_code(&code).await;
        let page = scene.browser.expect_page(403, CHECK_MAIL);
        assert!(page.text.contains("so nothing was sent. Please try again."), "{}", page.text);
        assert!(scene.is_guest().await);
    }
    scene.type_code(&code).await;
    scene.client.finish(scene.browser.at_app()).await;
}

async fn without_its_cookie_a_browser_cannot_go_on(engine: Engine) {
    let (mut scene, code) = Scene::open_with_code(engine).await;
    let session = scene.browser.cookie("oauth_ui").expect("a cookie").to_string();
    scene.browser.forget();
    scene.type_code(&code).await;
    scene.browser.expect_page(403, "Cookies are needed here");
    assert!(scene.is_guest().await);
    // The rejected form may be sent again once the cookie is there.
    scene.browser.set_cookie("oauth_ui", &session);
    scene.browser.reload().await;
    scene.client.finish(scene.browser.at_app()).await;
}

async fn a_code_of_one_flow_is_worth_nothing_in_another(engine: Engine) {
    let (mut scene, code) = Scene::open_with_code(engine).await;
    let (guest, mut other) = (scene.client.sign_up().await, scene.server.browser());
    other.open(&scene.client.promotion_url(&scene.client.promotion_code(&guest).await)).await;
    identify(&mut other, KIM).await;
    let others = scene.mailbox.next_code(KIM).await;
    assert_ne!(code, others, "the seeded codes differ");
    other.fill("Code", &code);
    other.press("Confirm").await;
    other.expect_page(422, CHECK_MAIL);
    scene.type_code(&code).await;
    scene.client.finish(scene.browser.at_app()).await;
}

async fn promotion_goes_on_while_sign_up_is_closed(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        // The guest signed up before: charged once, closed afterwards.
        setup.set("authentication.rate_limits.signup_anonymous.per_ip.burst", 1);
    })
    .await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    server.change_project(|setup| setup.set("authentication.public_signup_disabled", true)).await;
    let (mut browser, mut mailbox) = (server.browser(), server.mailbox());
    promote(&client, &guest, &mut browser, &mut mailbox, KIM).await;
    client.finish(browser.at_app()).await;
}

async fn the_flow_cookie_is_this_hosts_alone(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let url = client.promotion_url(&client.promotion_code(&guest).await);
    let reply = server.http().get(&url).await.expect(200);
    let cookie = reply.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("oauth_ui=") && cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/"), "{cookie}");
    let secret = cookie.trim_start_matches("oauth_ui=").split(';').next().expect("a value");
    assert!(secret.len() == 32 && !reply.body.contains(secret), "no secret in the page");
}

async fn a_flow_cookie_in_another_form_than_ours_is_replaced(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let url = server.app_client().authorize_url(&[("prompt", "login")]);
    let ours = "0123456789abcdefABCDEF0123456789";
    for (planted, is_kept) in [("x", false), ("0123456789abcdef0123456789abcde-", false), (ours, true)] {
        let mut browser = server.browser();
        browser.set_cookie("oauth_ui", planted);
        browser.open(&url).await;
        let kept = browser.cookie("oauth_ui").expect("a cookie");
        assert_eq!(kept == planted, is_kept, "{planted} became {kept}");
        assert!(kept.len() == 32 && kept.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{kept}");
    }
}

async fn over_tls_no_other_host_can_set_the_flow_cookie(engine: Engine) {
    for (prefix, name) in [("", "__Host-oauth_ui"), ("shop_", "__Host-shop_oauth_ui"), ("__Host-", "__Host-oauth_ui")] {
        let server = TestServer::start(engine, |setup| {
            setup.set("project.public_origin", "https://id.shop.test");
            if !prefix.is_empty() {
                setup.set("http.cookie_prefix", prefix);
            }
        })
        .await;
        let url = server.app_client().authorize_url(&[("prompt", "login")]);
        let planted = "0123456789abcdefABCDEF0123456789";
        // A sibling host can set a cookie with the plain name.
        let plain = format!("{}oauth_ui={planted}", if prefix == "__Host-" { "" } else { prefix });
        let request = server.http().request(Method::GET, &url);
        let request = request.header("host", "id.shop.test").header("cookie", plain);
        let reply = Reply::of(request).await;
        let cookie = reply.header("set-cookie").expect("a cookie");
        assert!(cookie.starts_with(&format!("{name}=")) && !cookie.contains(planted), "{cookie}");
        assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/"), "no Domain: {cookie}");
    }
}

on_both_engines!(
    a_flow_cookie_in_another_form_than_ours_is_replaced,
    over_tls_no_other_host_can_set_the_flow_cookie,
    token_mode_keeps_the_sub_and_sets_no_session,
    cookie_mode_rotates_the_session,
    problems_on_the_first_page_are_shown_beside_their_field,
    a_code_is_forgiving_in_its_spelling,
    five_wrong_codes_kill_it_and_a_new_one_helps,
    a_code_lives_ten_minutes,
    another_code_is_sent_after_the_cool_down_only,
    going_back_changes_the_address,
    cancelling_returns_to_the_app_and_changes_nothing,
    the_page_about_an_existing_account_has_a_back_link,
    a_taken_address_is_reported_only_after_the_proof,
    a_second_promotion_of_the_same_guest_gets_a_clear_page,
    a_finished_flow_cannot_be_repeated,
    the_last_form_sent_again_leads_to_the_app_until_the_code_is_exchanged,
    a_cookie_guest_whose_last_answer_is_lost_is_signed_in,
    a_promotion_code_belongs_to_the_browser_whose_first_form_used_it,
    a_browser_without_cookies_gets_an_error_page,
    every_error_page_has_a_link,
    a_sign_in_that_is_over_is_not_called_saved_progress,
    one_mistake_is_said_once_and_several_are_listed,
    a_bad_promotion_code_shows_an_error_page_with_a_link,
    the_person_has_25_minutes,
    a_forged_form_changes_nothing,
    without_its_cookie_a_browser_cannot_go_on,
    a_code_of_one_flow_is_worth_nothing_in_another,
    promotion_goes_on_while_sign_up_is_closed,
    the_flow_cookie_is_this_hosts_alone,
);
