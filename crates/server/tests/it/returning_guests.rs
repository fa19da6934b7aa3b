//! Members who sign in again: password, code, passkey, recovery, reauthentication, and continuing as the signed-in
//! user.

use serde_json::json;

use crate::{
    credentials::{LoginMethod, Person},
    support::{AppClient, Browser, Engine, Mailbox, Reply, SoftPasskey, TestServer, Tokens, on_both_engines, query},
};

const KIM: &str = "kim@shop.example";
const PASSWORD: &str = "violet tugboat marmalade";
const WELCOME: &str = "Welcome back";

/// A server with one member, Kim, and a browser without cookies.
struct Scene {
    server: TestServer,
    client: AppClient,
    browser: Browser,
    mailbox: Mailbox,
    sub: String,
    tokens: Tokens,
}

impl Scene {
    async fn make(engine: Engine, methods: &[&'static str]) -> Self {
        let server = TestServer::start(engine, |setup| {
            setup.set("authentication.primary_authenticators", methods.to_vec());
        })
        .await;
        let client = server.app_client();
        let mut person = Person::new(&server, LoginMethod::EmailPassword);
        let mut browser = server.browser();
        browser.open(&client.authorize_url(&[("x_page", "signup")])).await;
        person.join(&mut browser, KIM, "Create account").await;
        let tokens = client.finish(browser.at_app()).await;
        let sub = client.subject(&tokens.access).await;
        Self { client, browser: server.browser(), mailbox: person.mailbox, sub, tokens, server }
    }

    async fn open_login(&mut self) {
        self.browser.open(&self.client.authorize_url(&[])).await;
        self.browser.expect_page(200, WELCOME);
    }

    async fn expect_kim(&self) {
        let back = self.client.finish(self.browser.at_app()).await;
        assert_eq!(self.client.subject(&back.access).await, self.sub);
    }
}

async fn type_login(browser: &mut Browser, email: &str, password: &str) {
    browser.fill("Email address", email);
    browser.fill("Password", password);
    browser.press("Sign in").await;
}

async fn a_wrong_password_and_an_unknown_operator_get_the_same_error(engine: Engine) {
    let mut scene = Scene::make(engine, &["password"]).await;
    let mut reported = Vec::new();
    for (email, password) in [(KIM, "something else"), ("nobody@shop.example", PASSWORD)] {
        scene.open_login().await;
        type_login(&mut scene.browser, email, password).await;
        let page = scene.browser.expect_page(422, WELCOME);
        reported.push((page.problems.clone(), page.text.clone()));
    }
    assert_eq!(reported[0], reported[1]);
    type_login(&mut scene.browser, "  KIM@Shop.Example ", PASSWORD).await;
    scene.expect_kim().await;
    assert_eq!(scene.server.events("user.authenticated").await.len(), 1);
}

async fn a_code_is_offered_beside_the_password(engine: Engine) {
    let mut scene = Scene::make(engine, &["password", "oob_otp_email"]).await;
    scene.open_login().await;
    scene.browser.fill("Email address", KIM);
    scene.browser.press("Continue").await;
    scene.browser.expect_page(200, "Enter your password");
    scene.browser.fill("Password", "wrong one");
    scene.browser.press("Sign in").await;
    scene.browser.expect_page(422, "Enter your password");
    scene.browser.follow("Sign in with a code instead").await;
    scene.browser.press("Continue").await;
    scene.browser.expect_page(200, "Check your email");
    let code = scene.mailbox.next_code(KIM).await;
    scene.browser.fill("Code", &code);
    scene.browser.press("Confirm").await;
    scene.expect_kim().await;
}

async fn the_pages_for_a_code_do_not_reveal_whether_an_account_exists(engine: Engine) {
    let mut scene = Scene::make(engine, &["password", "oob_otp_email"]).await;
    let sent = scene.mailbox.count();
    let mut shown = Vec::new();
    for email in [KIM, "abc@shop.example"] {
        scene.open_login().await;
        scene.browser.fill("Email address", email);
        scene.browser.press("Continue").await;
        scene.browser.follow("Sign in with a code instead").await;
        scene.browser.press("Continue").await;
        let page = scene.browser.expect_page(200, "Check your email").clone();
        shown.push(page.text.replace(email, "…"));
    }
    assert_eq!(shown[0], shown[1]);
    for code in ["000000", "123456"] {
        scene.browser.fill("Code", code);
        scene.browser.press("Confirm").await;
        scene.browser.expect_page(422, "Check your email");
    }
    scene.mailbox.next_code(KIM).await;
    assert_eq!(scene.mailbox.count(), sent + 1, "nobody but Kim got a mail");
}

async fn a_forgotten_password_is_replaced_and_others_are_shut_out(engine: Engine) {
    let mut scene = Scene::make(engine, &["password"]).await;
    scene.open_login().await;
    scene.browser.follow("Forgot your password?").await;
    scene.browser.expect_page(200, "Forgot your password?");
    scene.browser.fill("Email address", KIM);
    scene.browser.press("Send a code").await;
    scene.browser.expect_page(200, "Check your email");
    let code = scene.mailbox.next_code(KIM).await;
    scene.browser.fill("Code", &code);
    scene.browser.press("Confirm").await;
    scene.browser.expect_page(200, "Choose a new password");
    scene.browser.fill("Password", "short");
    scene.browser.press("Save password").await;
    scene.browser.expect_page(422, "Choose a new password");
    scene.browser.fill("Password", "another quiet harbour");
    scene.browser.press("Save password").await;
    scene.expect_kim().await;
    scene.client.refresh(&scene.tokens.refresh).await.expect(400);
    assert_eq!(super::rotation::revocations(&scene.server).await, ["password_change"]);
    let mail = scene.mailbox.next_mail(KIM).await;
    assert!(mail.text.contains("Your password was changed."), "{}", mail.text);

    scene.browser.forget();
    scene.open_login().await;
    type_login(&mut scene.browser, KIM, PASSWORD).await;
    scene.browser.expect_page(422, WELCOME);
    type_login(&mut scene.browser, KIM, "another quiet harbour").await;
    scene.expect_kim().await;
}

async fn a_new_password_needs_the_code_first(engine: Engine) {
    let mut scene = Scene::make(engine, &["password"]).await;
    scene.open_login().await;
    scene.browser.follow("Forgot your password?").await;
    scene.browser.fill("Email address", KIM);
    scene.browser.press("Send a code").await;
    let flow = scene.browser.url().path().trim_end_matches("/login-code").to_string();
    let token = scene.browser.page().forms[0].fields.iter().find(|(name, _)| name == "_csrf").expect("a token").clone();
    let fields = [("_csrf", token.1.as_str()), ("password", "another quiet harbour")];
    let cookie = format!("oauth_ui={}", scene.browser.cookie("oauth_ui").expect("a cookie"));
    let http = scene.server.http();
    let post =
        http.request(reqwest::Method::POST, &format!("{flow}/new-password")).form(&fields).header("cookie", cookie);
    let reply = Reply::of(post).await;
    assert_eq!(reply.status, 303, "back to the code");
    scene.browser.open(&flow).await;
    scene.browser.expect_page(200, "Check your email");
}

async fn who_is_signed_in_goes_on_or_takes_another_account(engine: Engine) {
    let mut scene = Scene::make(engine, &["password"]).await;
    let sso = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", "")];
    scene.browser.open(&scene.client.authorize_url(&sso)).await;
    type_login(&mut scene.browser, KIM, PASSWORD).await;
    scene.expect_kim().await;

    scene.browser.open(&scene.client.authorize_url(&sso)).await;
    let page = scene.browser.expect_page(200, "Continue with this account?");
    assert!(page.text.contains(KIM));
    scene.browser.press("Continue").await;
    scene.expect_kim().await;

    scene.browser.open(&scene.client.authorize_url(&sso)).await;
    scene.browser.press("Use another account").await;
    scene.browser.expect_page(200, WELCOME);

    let mut silent = sso.to_vec();
    silent.push(("prompt", "none"));
    scene.browser.open(&scene.client.authorize_url(&silent)).await;
    scene.expect_kim().await;
    scene.browser.forget();
    scene.browser.open(&scene.client.authorize_url(&silent)).await;
    assert_eq!(query(scene.browser.at_app(), "error").as_deref(), Some("login_required"));
}

async fn an_old_session_must_be_proved_again_by_the_same_member(engine: Engine) {
    let mut scene = Scene::make(engine, &["password"]).await;
    let sso = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", "")];
    scene.browser.open(&scene.client.authorize_url(&sso)).await;
    type_login(&mut scene.browser, KIM, PASSWORD).await;
    let tokens = scene.client.finish(scene.browser.at_app()).await;
    let session = scene.browser.cookie("session").expect("a session").to_string();
    let hint = tokens.id.expect("an ID token");
    scene.server.clock.advance_seconds(120);

    let mut again = sso.to_vec();
    again.extend([("max_age", "60"), ("id_token_hint", hint.as_str())]);
    scene.browser.open(&scene.client.authorize_url(&again)).await;
    scene.browser.expect_page(200, WELCOME);
    assert!(scene.browser.page().links.iter().all(|(text, _)| text != "Create an account"));
    type_login(&mut scene.browser, KIM, PASSWORD).await;
    scene.expect_kim().await;
    assert_eq!(scene.browser.cookie("session"), Some(session.as_str()), "the session stays, only fresher");
    scene.client.refresh(&tokens.refresh).await.expect(200);

    // Another user's password is not accepted.
    let mut lee = Person::new(&scene.server, LoginMethod::EmailPassword);
    let mut other = scene.server.browser();
    other.open(&scene.client.authorize_url(&[("x_page", "signup")])).await;
    lee.join(&mut other, "lee@shop.example", "Create account").await;
    scene.client.finish(other.at_app()).await;
    let mut strict = sso.to_vec();
    strict.extend([("prompt", "login"), ("id_token_hint", hint.as_str())]);
    scene.browser.open(&scene.client.authorize_url(&strict)).await;
    type_login(&mut scene.browser, "lee@shop.example", PASSWORD).await;
    scene.browser.expect_page(422, WELCOME);
}

async fn a_guests_cookie_that_meets_sign_up_is_promoted(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser) = (server.app_client(), server.browser());
    browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
    let guest = browser.fetch("/oauth2/userinfo").await.expect(200).json();
    let sso = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", ""), ("x_page", "signup")];
    browser.open(&client.authorize_url(&sso)).await;
    browser.expect_page(200, "Save your progress");
    let mut person = Person::new(&server, LoginMethod::EmailPassword);
    person.join(&mut browser, KIM, "Save my progress").await;
    let member = client.finish(browser.at_app()).await;
    assert_eq!(json!(client.subject(&member.access).await), guest["sub"]);
    assert_eq!(server.events("user.anonymous.promoted").await.len(), 1);
    assert_eq!(server.events("user.created").await.len(), 0);
}

async fn a_login_hint_fills_in_the_login_id(engine: Engine) {
    let mut scene = Scene::make(engine, &["password"]).await;
    let hint = "https://authgear.com/login_hint?type=login_id&email=kim%40shop.example";
    scene.browser.open(&scene.client.authorize_url(&[("login_hint", hint)])).await;
    let fields = &scene.browser.expect_page(200, WELCOME).forms[0].fields;
    assert!(fields.contains(&("login_id".into(), KIM.into())));
}

async fn a_plain_login_hint_fills_in_what_fits_and_is_ignored_otherwise(engine: Engine) {
    let mut scene = Scene::make(engine, &["password"]).await;
    for (hint, filled) in [
        (KIM, KIM),
        ("ann+tag@shop.example", "ann+tag@shop.example"),
        ("kim", ""),
        ("+85298765432", ""),
        ("https://authgear.com/login_hint", ""),
        ("\"><script>", ""),
        (&"k".repeat(1_500), ""),
    ] {
        scene.browser.open(&scene.client.authorize_url(&[("login_hint", hint)])).await;
        let fields = &scene.browser.expect_page(200, WELCOME).forms[0].fields;
        assert!(fields.contains(&("login_id".into(), filled.into())), "{hint}: {fields:?}");
    }
    let silent = [("login_hint", KIM), ("prompt", "none")];
    scene.browser.open(&scene.client.authorize_url(&silent)).await;
    assert_eq!(query(scene.browser.at_app(), "error").as_deref(), Some("login_required"));
}

fn enforce(login_id: &str) -> String {
    format!("https://authgear.com/login_hint?type=login_id&{login_id}&enforce=true")
}

async fn an_enforced_login_id_is_the_only_one_that_helps(engine: Engine) {
    let mut scene = Scene::make(engine, &["password", "oob_otp_email"]).await;
    let mut lee = Person::new(&scene.server, LoginMethod::EmailPassword);
    scene.browser.open(&scene.client.authorize_url(&[("x_page", "signup"), ("x_sso_enabled", "true")])).await;
    lee.join(&mut scene.browser, "lee@shop.example", "Create account").await;
    let kim = enforce("email=Kim%40shop.example");

    // Another signed-in user is not offered, and is no answer to `prompt=none`.
    let silent = [("login_hint", kim.as_str()), ("prompt", "none"), ("x_sso_enabled", "true")];
    scene.browser.open(&scene.client.authorize_url(&silent)).await;
    assert_eq!(query(scene.browser.at_app(), "error").as_deref(), Some("login_required"));
    scene.browser.open(&scene.client.authorize_url(&[("login_hint", &kim), ("x_sso_enabled", "true")])).await;
    scene.browser.expect_page(200, WELCOME);

    // Whatever is typed, the enforced login ID is used.
    scene.browser.forge("login_id", "lee@shop.example");
    scene.browser.press("Continue").await;
    let page = scene.browser.expect_page(200, "Enter your password");
    assert!(page.text.contains("Kim@shop.example") && !page.text.contains("lee@"), "{}", page.text);
    assert!(page.links.iter().all(|(_, href)| !href.ends_with("/login")), "no other login to go to: {:?}", page.links);
    scene.browser.fill("Password", PASSWORD);
    scene.browser.press("Sign in").await;
    scene.expect_kim().await;
    // Now Kim is signed in and may continue.
    scene.browser.open(&scene.client.authorize_url(&[("login_hint", &kim), ("x_sso_enabled", "true")])).await;
    scene.browser.expect_page(200, "Continue with this account?");
}

async fn an_enforced_login_id_is_used_for_new_accounts(engine: Engine) {
    let scene = Scene::make(engine, &["password"]).await;
    let mut browser = scene.server.browser();
    let hint = enforce("email=new%40shop.example");
    browser.open(&scene.client.authorize_url(&[("x_page", "signup"), ("login_hint", &hint)])).await;
    browser.expect_page(200, "Create your account");
    browser.forge("login_id", "other@shop.example");
    browser.fill("Password", PASSWORD);
    browser.press("Create account").await;
    let page = browser.expect_page(200, "Check your email");
    assert!(page.text.contains("new@shop.example") && !page.text.contains("other@"), "{}", page.text);
    for nonsense in ["email=nonsense", "username=kim"] {
        let hint = enforce(nonsense);
        browser.open(&scene.client.authorize_url(&[("login_hint", &hint)])).await;
        assert_eq!(query(browser.at_app(), "error").as_deref(), Some("invalid_request"), "{nonsense}");
    }
}

async fn an_enforced_login_id_refuses_anybody_elses_passkey(engine: Engine) {
    let mut scene = Scene::make(engine, &["password", "passkey"]).await;
    let mut passkey = SoftPasskey::new();
    scene.browser.open("/settings/sign-in").await;
    type_login(&mut scene.browser, KIM, PASSWORD).await;
    scene.browser.open("/settings/passkeys").await;
    scene.browser.answer_passkey(|options, origin| passkey.create(options, origin)).await;
    scene.browser.expect_page(200, "Passkeys");
    let mut elsewhere = scene.server.browser();
    for (hint, is_kim) in [(enforce("email=lee%40shop.example"), false), (enforce("email=kim%40shop.example"), true)] {
        elsewhere.open(&scene.client.authorize_url(&[("login_hint", &hint)])).await;
        elsewhere.expect_page(200, WELCOME);
        elsewhere.answer_passkey(|options, origin| passkey.get(options, origin)).await;
        assert_eq!(elsewhere.is_at_app(), is_kim, "{hint}");
    }
}

async fn an_id_token_hint_shows_the_login_id_half_unless_its_member_is_signed_in(engine: Engine) {
    const HALF: &str = "k•••@shop.example";
    let mut scene = Scene::make(engine, &["password", "oob_otp_email"]).await;
    let hint = scene.tokens.id.clone().expect("an ID token");
    let url = scene.client.authorize_url(&[("prompt", "login"), ("id_token_hint", &hint)]);
    // The holder of an old ID token visits every page it leads to.
    let mut outsider = scene.server.browser();
    let expect_half = |browser: &Browser| {
        let body = &browser.reply().body;
        assert!(body.contains(HALF) && !body.contains(KIM), "{}: {body}", browser.url());
    };
    outsider.open(&url).await;
    expect_half(&outsider);
    outsider.follow("Forgot your password?").await;
    expect_half(&outsider);
    outsider.press("Send a code").await;
    expect_half(&outsider);
    scene.mailbox.next_code(KIM).await;
    outsider.open(&url).await;
    outsider.press("Continue").await;
    expect_half(&outsider);
    outsider.follow("Sign in with a code instead").await;
    expect_half(&outsider);
    // The member signs in without typing it.
    scene.browser.open(&url).await;
    scene.browser.press("Continue").await;
    scene.browser.fill("Password", PASSWORD);
    scene.browser.press("Continue").await;
    scene.expect_kim().await;
    // In a browser with the member's session it is shown in full.
    scene.browser.open("/settings/sign-in").await;
    scene.browser.fill("Email address", KIM);
    scene.browser.press("Continue").await;
    scene.browser.fill("Password", PASSWORD);
    scene.browser.press("Sign in").await;
    scene.browser.open(&url).await;
    assert!(scene.browser.reply().body.contains(KIM));
}

on_both_engines!(
    an_id_token_hint_shows_the_login_id_half_unless_its_member_is_signed_in,
    an_enforced_login_id_is_the_only_one_that_helps,
    an_enforced_login_id_is_used_for_new_accounts,
    an_enforced_login_id_refuses_anybody_elses_passkey,
    a_wrong_password_and_an_unknown_operator_get_the_same_error,
    a_code_is_offered_beside_the_password,
    the_pages_for_a_code_do_not_reveal_whether_an_account_exists,
    a_forgotten_password_is_replaced_and_others_are_shut_out,
    a_new_password_needs_the_code_first,
    who_is_signed_in_goes_on_or_takes_another_account,
    an_old_session_must_be_proved_again_by_the_same_member,
    a_guests_cookie_that_meets_sign_up_is_promoted,
    a_login_hint_fills_in_the_login_id,
    a_plain_login_hint_fills_in_what_fits_and_is_ignored_otherwise,
);
