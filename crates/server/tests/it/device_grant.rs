//! The device authorization grant (RFC 8628): a device shows a code, its user decides in a browser, and the device gets tokens.

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_store::device_codes;

use crate::{
    account::{KIM, PASSWORD, Scene},
    consent::{ConsentingClient, name_partner},
    credentials::{LoginMethod, Person},
    support::{Admin, Browser, Engine, Http, Reply, Setup, TestServer, on_both_engines},
};

on_both_engines!(
    a_member_connects_a_device,
    a_visitor_signs_in_first,
    a_visitor_signs_up_on_the_way,
    a_guest_connects_a_device_with_what_its_application_allows,
    a_device_that_asks_too_often_is_slowed_down,
    a_refusal_and_the_end_of_the_time_reach_the_device,
    another_client_gets_nothing_for_the_code,
    a_code_is_exchanged_once_and_a_second_time_ends_the_grant,
    the_page_warns_of_codes_that_others_sent,
    a_decision_takes_the_form_of_the_browsers_own_session,
    a_decision_counts_once,
    guesses_of_user_codes_are_limited,
    devices_are_limited_per_address,
    the_code_is_read_however_it_is_typed,
    a_third_party_gets_its_consent_here,
    a_guest_joins_before_it_connects_a_third_party,
    what_ends_the_session_ends_a_code_that_was_not_exchanged,
    applications_turn_the_grant_on,
    wrong_requests_have_their_answers,
    many_devices_behind_one_address_keep_no_user_from_tokens,
    codes_are_swept,
);

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
pub(crate) const QUESTION: &str = "Connect a device to Corner Shop App?";
const ENTER: &str = "Connect a device";
const DONE: &str = "Your device is connected";

pub(crate) fn allow_devices(setup: &mut Setup) {
    for client in ["phone", "backend", "partner"] {
        setup.set_client(client, "device_authorization_enabled", true);
    }
}

/// A device without a browser.
pub(crate) struct Television {
    http: Http,
    client_id: String,
    secret: Option<String>,
    code: String,
    user_code: String,
    link: String,
}

async fn ask(http: &Http, fields: &[(&str, &str)]) -> Reply {
    http.post_form("/oauth2/device_authorization", fields).await
}

impl Television {
    pub(crate) async fn begin(server: &TestServer, scope: &str) -> Self {
        Self::begin_as(server, "phone", None, scope).await
    }

    async fn begin_as(server: &TestServer, client_id: &str, secret: Option<&str>, scope: &str) -> Self {
        let http = server.http();
        let mut fields = vec![("client_id", client_id), ("scope", scope)];
        fields.extend(secret.map(|secret| ("client_secret", secret)));
        let reply = ask(&http, &fields).await.expect(200);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let body = reply.json();
        let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("no {name}: {body}")).to_string();
        assert_eq!((&body["expires_in"], &body["interval"]), (&json!(600), &json!(5)));
        assert_eq!(text("verification_uri"), format!("{}/device", server.origin));
        let (code, user_code, link) = (text("device_code"), text("user_code"), text("verification_uri_complete"));
        assert_eq!(link, format!("{}/device?user_code={user_code}", server.origin));
        Self { http, client_id: client_id.into(), secret: secret.map(str::to_string), code, user_code, link }
    }

    pub(crate) async fn poll(&self) -> Reply {
        self.poll_as(&self.client_id, self.secret.as_deref()).await
    }

    async fn poll_as(&self, client_id: &str, secret: Option<&str>) -> Reply {
        let mut fields = vec![("grant_type", GRANT), ("client_id", client_id), ("device_code", &self.code)];
        fields.extend(secret.map(|secret| ("client_secret", secret)));
        self.http.post_form("/oauth2/token", &fields).await
    }

    /// Waits as it was told to, and asks.
    async fn wait_and_poll(&self, server: &TestServer) -> Reply {
        server.clock.advance_seconds(5);
        self.poll().await
    }

    pub(crate) fn path(&self) -> String {
        format!("/device?user_code={}", self.user_code)
    }
}

#[track_caller]
pub(crate) fn expect_error(reply: Reply, error: &str) {
    assert_eq!((reply.status, &reply.json()["error"]), (400, &json!(error)), "{reply:?}");
}

async fn subject(http: &Http, tokens: &Value) -> String {
    let token = tokens["access_token"].as_str().expect("an access token");
    let info = Reply::of(http.request(Method::GET, "/oauth2/userinfo").bearer_auth(token)).await.expect(200).json();
    info["sub"].as_str().expect("a sub").into()
}

pub(crate) async fn connect(browser: &mut Browser, television: &Television) {
    browser.open(&television.path()).await;
    browser.press("Connect device").await;
    browser.expect_page(200, DONE);
}

async fn a_member_connects_a_device(engine: Engine) {
    let mut scene = Scene::make(engine, allow_devices).await;
    let television = Television::begin(&scene.server, "openid offline_access email").await;
    let tokens_before = television.poll().await;
    expect_error(tokens_before, "authorization_pending");
    scene.browser.open("/device").await;
    scene.browser.expect_page(200, ENTER);
    scene.browser.fill("Code on your device", &television.user_code.to_lowercase());
    scene.browser.press("Continue").await;
    let page = scene.browser.expect_page(200, QUESTION);
    for text in [&television.user_code, KIM, "Does your device show this code?", "Your email address"] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(!page.text.contains("Your whole account"), "{}", page.text);
    scene.browser.press("Connect device").await;
    scene.browser.expect_page(200, DONE);
    let tokens = television.wait_and_poll(&scene.server).await.expect(200).json();
    assert_eq!(subject(&television.http, &tokens).await, scene.sub);
    assert!(tokens["id_token"].is_string() && tokens["scope"].is_null(), "{tokens}");
    // The grant is the device's own: signing out of the browser does not end it.
    scene.browser.open("/logout").await;
    scene.browser.press("Sign out").await;
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "phone"),
        ("refresh_token", tokens["refresh_token"].as_str().expect("a refresh token")),
    ];
    television.http.post_form("/oauth2/token", &fields).await.expect(200);
}

async fn a_visitor_signs_in_first(engine: Engine) {
    let scene = Scene::make(engine, allow_devices).await;
    let television = Television::begin(&scene.server, "openid").await;
    let mut browser = scene.server.browser();
    browser.open(&television.link).await;
    let page = browser.expect_page(200, QUESTION);
    assert!(page.text.contains(&television.user_code) && page.text.contains("Sign in first"), "{}", page.text);
    browser.follow("Sign in").await;
    browser.fill("Email address", KIM);
    browser.fill("Password", PASSWORD);
    browser.press("Sign in").await;
    let page = browser.expect_page(200, QUESTION);
    assert!(page.text.contains(&television.user_code) && page.text.contains(KIM), "{}", page.text);
    expect_error(television.wait_and_poll(&scene.server).await, "authorization_pending");
    browser.press("Connect device").await;
    let tokens = television.wait_and_poll(&scene.server).await.expect(200).json();
    assert_eq!(subject(&television.http, &tokens).await, scene.sub);
    assert!(tokens["refresh_token"].is_null(), "without offline_access");
}

async fn a_visitor_signs_up_on_the_way(engine: Engine) {
    let scene = Scene::make(engine, allow_devices).await;
    let television = Television::begin(&scene.server, "openid").await;
    let mut browser = scene.server.browser();
    browser.open(&television.path()).await;
    browser.follow("Sign in").await;
    browser.follow("Create an account").await;
    Person::new(&scene.server, LoginMethod::EmailPassword)
        .join(&mut browser, "lee@shop.example", "Create account")
        .await;
    browser.expect_page(200, QUESTION);
    browser.press("Connect device").await;
    let tokens = television.wait_and_poll(&scene.server).await.expect(200).json();
    assert_ne!(subject(&television.http, &tokens).await, scene.sub);
}

async fn sign_up_guest(server: &TestServer) -> Browser {
    let mut browser = server.browser();
    browser.fetch_json("/api/anonymous_user/signup", &json!({"session_type": "cookie"})).await.result();
    browser
}

async fn a_guest_connects_a_device_with_what_its_application_allows(engine: Engine) {
    let scene = Scene::make(engine, |setup| {
        allow_devices(setup);
        setup.set_client("phone", "anonymous_scopes", vec!["openid", "offline_access"]);
    })
    .await;
    let television = Television::begin(&scene.server, "openid offline_access email").await;
    let mut guest = sign_up_guest(&scene.server).await;
    guest.open(&television.path()).await;
    let page = guest.expect_page(200, QUESTION);
    assert!(page.text.contains("You are a guest"), "{}", page.text);
    guest.press("Connect device").await;
    guest.expect_page(200, DONE);
    let tokens = television.wait_and_poll(&scene.server).await.expect(200).json();
    assert_eq!(tokens["scope"], "openid offline_access");
    assert_ne!(subject(&television.http, &tokens).await, scene.sub);
    // A guest that becomes a member before the device asks is not what was allowed.
    let television = Television::begin(&scene.server, "openid").await;
    connect(&mut guest, &television).await;
    guest.open("/settings/promote").await;
    Person::new(&scene.server, LoginMethod::EmailPassword)
        .join(&mut guest, "lee@shop.example", "Save my progress")
        .await;
    expect_error(television.wait_and_poll(&scene.server).await, "access_denied");
}

async fn a_device_that_asks_too_often_is_slowed_down(engine: Engine) {
    let scene = Scene::make(engine, allow_devices).await;
    let television = Television::begin(&scene.server, "openid").await;
    expect_error(television.poll().await, "authorization_pending");
    expect_error(television.poll().await, "slow_down");
    scene.server.clock.advance_seconds(3);
    expect_error(television.poll().await, "slow_down");
    expect_error(television.wait_and_poll(&scene.server).await, "authorization_pending");
    // Others do not wait for it, nor it for others.
    let other = Television::begin(&scene.server, "openid").await;
    expect_error(other.poll().await, "authorization_pending");
    expect_error(television.poll_as("blog", None).await, "unauthorized_client");
    expect_error(television.wait_and_poll(&scene.server).await, "authorization_pending");
}

async fn a_refusal_and_the_end_of_the_time_reach_the_device(engine: Engine) {
    let mut scene = Scene::make(engine, allow_devices).await;
    let television = Television::begin(&scene.server, "openid").await;
    scene.browser.open(&television.path()).await;
    scene.browser.press("Don’t connect").await;
    scene.browser.expect_page(200, "The device was not connected");
    for _ in 0..2 {
        expect_error(television.wait_and_poll(&scene.server).await, "access_denied");
    }
    let television = Television::begin(&scene.server, "openid").await;
    scene.browser.open(&television.path()).await;
    scene.server.clock.advance_seconds(600);
    expect_error(television.poll().await, "authorization_pending");
    scene.server.clock.advance_seconds(1);
    scene.browser.press("Connect device").await;
    let page = scene.browser.expect_page(422, ENTER);
    assert!(page.text.contains("This code is wrong or has expired."), "{}", page.text);
    expect_error(television.wait_and_poll(&scene.server).await, "expired_token");
    // What was allowed in time is given in time only.
    let television = Television::begin(&scene.server, "openid").await;
    connect(&mut scene.browser, &television).await;
    scene.server.clock.advance_seconds(601);
    expect_error(television.poll().await, "expired_token");
}

async fn another_client_gets_nothing_for_the_code(engine: Engine) {
    let mut scene = Scene::make(engine, |setup| {
        allow_devices(setup);
        setup.set_client("web", "device_authorization_enabled", true);
    })
    .await;
    let television = Television::begin(&scene.server, "openid").await;
    let backend = ConsentingClient::new(&scene.server, "backend").await;
    connect(&mut scene.browser, &television).await;
    expect_error(television.poll_as("web", None).await, "invalid_grant");
    expect_error(television.poll_as("backend", Some(&backend.secret)).await, "invalid_grant");
    for secret in [Some("wrong"), None] {
        scene.server.clock.advance_seconds(5);
        expect_error(television.poll_as("backend", secret).await, "invalid_client");
    }
    // It is left to the device whose it is.
    television.poll().await.expect(200);
}

async fn a_code_is_exchanged_once_and_a_second_time_ends_the_grant(engine: Engine) {
    let mut scene = Scene::make(engine, allow_devices).await;
    let television = Television::begin(&scene.server, "openid offline_access").await;
    connect(&mut scene.browser, &television).await;
    let tokens = television.poll().await.expect(200).json();
    let refresh = async || {
        let token = tokens["refresh_token"].as_str().expect("a refresh token");
        let fields = [("grant_type", "refresh_token"), ("client_id", "phone"), ("refresh_token", token)];
        television.http.post_form("/oauth2/token", &fields).await
    };
    // The device may have missed the answer.
    expect_error(television.wait_and_poll(&scene.server).await, "invalid_grant");
    refresh().await.expect(200);
    scene.server.clock.advance_seconds(20);
    expect_error(television.poll().await, "invalid_grant");
    expect_error(refresh().await, "invalid_grant");
}

async fn the_page_warns_of_codes_that_others_sent(engine: Engine) {
    let mut scene = Scene::make(engine, allow_devices).await;
    let full = "openid offline_access https://authgear.com/scopes/full-access";
    let television = Television::begin(&scene.server, full).await;
    scene.browser.open(&television.link).await;
    let page = scene.browser.expect_page(200, QUESTION);
    for text in ["If someone sent you a code or a link, don’t connect", "Your whole account", "while you are away"] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    // Opening the link decides nothing, and no other site can show the page in a frame or send its form.
    expect_error(television.poll().await, "authorization_pending");
    let reply = scene.browser.reply();
    assert_eq!(reply.header("x-frame-options"), Some("DENY"));
    let policy = reply.header("content-security-policy").expect("a policy");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{policy}");
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
}

async fn a_decision_takes_the_form_of_the_browsers_own_session(engine: Engine) {
    let mut scene = Scene::make(engine, allow_devices).await;
    let television = Television::begin(&scene.server, "openid").await;
    scene.browser.open(&television.path()).await;
    for token in ["", "forged"] {
        let mut forger = scene.browser.clone();
        forger.forge("_csrf", token);
        forger.press("Connect device").await;
        forger.expect_page(403, QUESTION);
    }
    // The token of another session.
    let mut other = sign_up_guest(&scene.server).await;
    other.open(&television.path()).await;
    let foreign = other.hidden("_csrf").expect("a token");
    let mut forger = scene.browser.clone();
    forger.forge("_csrf", &foreign);
    forger.press("Connect device").await;
    forger.expect_page(403, QUESTION);
    // Without a session nothing is decided, and the page asks to sign in.
    let fields = [("user_code", television.user_code.as_str()), ("action", "allow")];
    let reply = scene.server.http().post_form("/device", &fields).await;
    assert!(reply.status == 200 && reply.body.contains("Sign in first"), "{}", reply.body);
    expect_error(television.poll().await, "authorization_pending");
}

async fn a_decision_counts_once(engine: Engine) {
    let mut scene = Scene::make(engine, allow_devices).await;
    let television = Television::begin(&scene.server, "openid").await;
    scene.browser.open(&television.path()).await;
    let (mut late, mut again) = (scene.browser.clone(), scene.browser.clone());
    scene.browser.press("Don’t connect").await;
    late.press("Connect device").await;
    late.expect_page(422, ENTER);
    again.open(&television.path()).await;
    again.expect_page(422, ENTER);
    expect_error(television.poll().await, "access_denied");
}

async fn guesses_of_user_codes_are_limited(engine: Engine) {
    let scene = Scene::make(engine, |setup| {
        allow_devices(setup);
        setup.configure("server.trusted_proxies", "127.0.0.1");
    })
    .await;
    let television = Television::begin(&scene.server, "openid").await;
    let open = async |address: &'static str, code: &str| {
        let request = scene.server.http().request(Method::GET, &format!("/device?user_code={code}"));
        Reply::of(request.header("x-forwarded-for", address)).await
    };
    for _ in 0..60 {
        open("203.0.113.1", "BBBB-BBBB").await.expect(422);
    }
    // Also the right one, or guessing would go on.
    let refused = open("203.0.113.1", &television.user_code).await.expect(429);
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    open("203.0.113.2", &television.user_code).await.expect(200);
    scene.server.clock.advance_seconds(11);
    open("203.0.113.1", &television.user_code).await.expect(200);
}

async fn devices_are_limited_per_address(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        allow_devices(setup);
        setup.configure("server.trusted_proxies", "127.0.0.1");
    })
    .await;
    let begin = async |address: &'static str| {
        let request = server.http().request(Method::POST, "/oauth2/device_authorization");
        Reply::of(request.header("x-forwarded-for", address).form(&[("client_id", "phone")])).await
    };
    for _ in 0..30 {
        begin("203.0.113.1").await.expect(200);
    }
    let refused = begin("203.0.113.1").await.expect(429);
    assert_eq!((&refused.json()["error"], refused.header("retry-after")), (&json!("x_rate_limited"), Some("2")));
    begin("203.0.113.2").await.expect(200);
}

async fn the_code_is_read_however_it_is_typed(engine: Engine) {
    let mut scene = Scene::make(engine, allow_devices).await;
    let television = Television::begin(&scene.server, "openid").await;
    let letters: Vec<String> = television.user_code.replace('-', "").chars().map(String::from).collect();
    assert!(
        letters.len() == 8 && letters.iter().all(|one| "BCDFGHJKMNPQRSTVWXZ".contains(one.as_str())),
        "{letters:?}"
    );
    for typed in [letters.join(" ").to_lowercase(), format!("\u{200e} {} ", letters.join("")), letters.join("\u{2013}")]
    {
        scene.browser.open("/device").await;
        scene.browser.fill("Code on your device", &typed);
        scene.browser.press("Continue").await;
        scene.browser.expect_page(200, QUESTION);
    }
    for wrong in ["BCDF-GHJ", "<script>", &"B".repeat(3_000)] {
        scene.browser.open("/device").await;
        scene.browser.fill("Code on your device", wrong);
        scene.browser.press("Continue").await;
        let page = scene.browser.expect_page(422, ENTER);
        assert_eq!(page.problems.len(), 1, "{}", page.text);
    }
}

async fn a_third_party_gets_its_consent_here(engine: Engine) {
    let mut scene = Scene::make(engine, |setup| {
        allow_devices(setup);
        name_partner(setup);
    })
    .await;
    let partner = ConsentingClient::new(&scene.server, "partner").await;
    let television =
        Television::begin_as(&scene.server, "partner", Some(&partner.secret), "openid email offline_access").await;
    scene.browser.open(&television.path()).await;
    scene.browser.expect_page(200, "Connect a device to Parcel Tracker?");
    scene.browser.press("Connect device").await;
    scene.browser.expect_page(200, DONE);
    let tokens = television.poll().await.expect(200).json();
    assert_eq!(subject(&television.http, &tokens).await, scene.sub);
    let events = scene.server.events("user.consent.granted").await;
    assert_eq!((events.len(), &events[0]["payload"]["scope"]), (1, &json!("openid email offline_access")));
    assert!(partner.ask_silently(&mut scene.browser, "openid email").await.0.is_some(), "it is remembered");
    // Taken back between the decision and the device's request, it gives no tokens.
    let television = Television::begin_as(&scene.server, "partner", Some(&partner.secret), "openid email").await;
    connect(&mut scene.browser, &television).await;
    let admin = Admin::of(&scene.server).await;
    let path = format!("/users/{}/consents/partner", scene.sub);
    let removed = admin.send(Method::DELETE, &path, &json!({})).await;
    assert!(removed.status < 300, "{removed:?}");
    expect_error(television.wait_and_poll(&scene.server).await, "access_denied");
}

async fn a_guest_joins_before_it_connects_a_third_party(engine: Engine) {
    let scene = Scene::make(engine, |setup| {
        allow_devices(setup);
        name_partner(setup);
    })
    .await;
    let partner = ConsentingClient::new(&scene.server, "partner").await;
    let television = Television::begin_as(&scene.server, "partner", Some(&partner.secret), "openid").await;
    let mut guest = sign_up_guest(&scene.server).await;
    let sub = guest.fetch("/oauth2/userinfo").await.json()["sub"].as_str().expect("a sub").to_string();
    guest.open(&television.path()).await;
    let page = guest.expect_page(200, "Connect a device to Parcel Tracker?");
    assert!(page.text.contains("Guests can’t connect Parcel Tracker."), "{}", page.text);
    let fields = [("user_code", television.user_code.as_str()), ("action", "allow")];
    let request = scene.server.http().request(Method::POST, "/device").header("cookie", guest.cookie_line());
    Reply::of(request.form(&fields)).await.expect(403);
    expect_error(television.poll().await, "authorization_pending");
    guest.follow("Sign in").await;
    Person::new(&scene.server, LoginMethod::EmailPassword)
        .join(&mut guest, "lee@shop.example", "Save my progress")
        .await;
    guest.press("Connect device").await;
    let tokens = television.wait_and_poll(&scene.server).await.expect(200).json();
    assert_eq!(subject(&television.http, &tokens).await, sub, "the guest kept its sub");
}

async fn what_ends_the_session_ends_a_code_that_was_not_exchanged(engine: Engine) {
    let mut scene = Scene::make(engine, allow_devices).await;
    let television = Television::begin(&scene.server, "openid").await;
    connect(&mut scene.browser, &television).await;
    scene.browser.open("/logout").await;
    scene.browser.press("Sign out").await;
    expect_error(television.poll().await, "access_denied");
    // And a disabled user gets nothing.
    scene.sign_in(KIM, PASSWORD).await;
    let television = Television::begin(&scene.server, "openid").await;
    connect(&mut scene.browser, &television).await;
    let admin = Admin::of(&scene.server).await;
    let disabled = admin.post(&format!("/users/{}/disable", scene.sub), &json!({})).await;
    assert!(disabled.status < 300, "{disabled:?}");
    let refused = television.poll().await;
    assert_eq!(refused.status, 400, "{refused:?}");
}

async fn applications_turn_the_grant_on(engine: Engine) {
    let mut scene = Scene::make(engine, allow_devices).await;
    let http = scene.server.http();
    for client in ["web", "machine"] {
        let refused = ask(&http, &[("client_id", client), ("client_secret", "x")]).await;
        assert_eq!(refused.status, 400, "{client}: {refused:?}");
    }
    expect_error(ask(&http, &[("client_id", "web")]).await, "unauthorized_client");
    let fields = [("grant_type", GRANT), ("client_id", "web"), ("device_code", "x")];
    expect_error(http.post_form("/oauth2/token", &fields).await, "unauthorized_client");
    // Turned off, what waits ends.
    let television = Television::begin(&scene.server, "openid").await;
    scene.server.change_project(|setup| setup.set_client("phone", "device_authorization_enabled", false)).await;
    scene.browser.open(&television.path()).await;
    scene.browser.expect_page(422, ENTER);
    expect_error(television.poll().await, "unauthorized_client");
}

async fn wrong_requests_have_their_answers(engine: Engine) {
    let scene = Scene::make(engine, allow_devices).await;
    let http = scene.server.http();
    expect_error(ask(&http, &[]).await, "invalid_client");
    expect_error(ask(&http, &[("client_id", "nobody")]).await, "invalid_client");
    expect_error(ask(&http, &[("client_id", "backend")]).await, "invalid_client");
    expect_error(ask(&http, &[("client_id", "backend"), ("client_secret", "wrong")]).await, "invalid_client");
    expect_error(ask(&http, &[("client_id", "phone"), ("scope", "email")]).await, "invalid_scope");
    expect_error(ask(&http, &[("client_id", "phone"), ("scope", "openid nonsense")]).await, "invalid_scope");
    let full = "openid https://authgear.com/scopes/full-access";
    let backend = ConsentingClient::new(&scene.server, "backend").await;
    let fields = [("client_id", "backend"), ("client_secret", &backend.secret), ("scope", full)];
    expect_error(ask(&http, &fields).await, "invalid_scope");
    // The scope may be left out.
    ask(&http, &[("client_id", "phone")]).await.expect(200);
    let poll = async |code: &str| {
        let fields = [("grant_type", GRANT), ("client_id", "phone"), ("device_code", code)];
        http.post_form("/oauth2/token", &fields).await
    };
    expect_error(poll("").await, "invalid_request");
    expect_error(poll("unknown").await, "invalid_grant");
    let basic = http.request(Method::POST, "/oauth2/device_authorization").basic_auth("backend", Some("wrong"));
    let refused = Reply::of(basic.form(&[("scope", "openid")])).await;
    assert_eq!((refused.status, refused.header("www-authenticate").is_some()), (401, true), "{refused:?}");
    let basic = http.request(Method::POST, "/oauth2/device_authorization").basic_auth("backend", Some(&backend.secret));
    Reply::of(basic.form(&[("scope", "openid")])).await.expect(200);
    assert_eq!(http.get("/oauth2/device_authorization").await.status, 405);
}

async fn many_devices_behind_one_address_keep_no_user_from_tokens(engine: Engine) {
    let scene = Scene::make(engine, allow_devices).await;
    let mut waiting = Vec::new();
    for _ in 0..25 {
        waiting.push(Television::begin(&scene.server, "openid").await);
    }
    for _ in 0..6 {
        for television in &waiting {
            expect_error(television.poll().await, "authorization_pending");
        }
        scene.server.clock.advance_seconds(5);
    }
    scene.client.refresh(&scene.tokens.refresh).await.expect(200);
}

async fn codes_are_swept(engine: Engine) {
    let server = TestServer::start(engine, allow_devices).await;
    let television = Television::begin(&server, "openid").await;
    let no = server.app.projects.find_by_id("test").expect("the test project").no;
    let is_kept = async || {
        let code = television.user_code.replace('-', "");
        let mut conn = server.app.store.read().await.expect("a connection");
        device_codes::find_by_user_code(&mut conn, no, &code).await.expect("the store works").is_some()
    };
    server.clock.advance_seconds(1_199);
    vestibule_app::jobs::cleanup::sweep(&server.app).await.expect("the store works");
    assert!(is_kept().await, "its device is told that it expired");
    expect_error(television.poll().await, "expired_token");
    server.clock.advance_seconds(2);
    vestibule_app::jobs::cleanup::sweep(&server.app).await.expect("the store works");
    assert!(!is_kept().await);
    expect_error(television.wait_and_poll(&server).await, "invalid_grant");
}

#[tokio::test]
async fn discovery_names_the_endpoint_and_the_grant() {
    let server = TestServer::start(Engine::Sqlite, |_| {}).await;
    let document = server.http().get("/.well-known/openid-configuration").await.expect(200).json();
    assert_eq!(document["device_authorization_endpoint"], format!("{}/oauth2/device_authorization", server.origin));
    assert!(document["grant_types_supported"].as_array().is_some_and(|all| all.contains(&json!(GRANT))));
}
