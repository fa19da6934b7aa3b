//! Consent of members to third-party applications: the page, what is remembered, and its end.

use serde_json::{Value, json};

use crate::{
    account::{KIM, PASSWORD, Scene},
    introspection::make_secret,
    support::{
        Admin, AppClient, Browser, Engine, Http, Reply, Setup, TestServer, Tokens, on_both_engines, promotion_hint,
        query,
    },
};

pub(crate) const ASKS: &str = "Allow Parcel Tracker to use your account?";
pub(crate) const WITH_SESSION: [(&str, &str); 2] =
    [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", "false")];

/// An application with a secret, which signs in the member of a browser.
pub(crate) struct ConsentingClient {
    pub(crate) app: AppClient,
    pub(crate) secret: String,
}

impl ConsentingClient {
    pub(crate) async fn new(server: &TestServer, client_id: &str) -> Self {
        let secret = make_secret(server, client_id).await;
        let redirect_uri = format!("https://{client_id}.test/callback");
        Self { app: AppClient::new(server.http(), client_id, &redirect_uri), secret }
    }

    /// A request that shares the browser's session.
    pub(crate) fn url(&self, scope: &str, more: &[(&str, &str)]) -> String {
        self.app.authorize_url(&[&WITH_SESSION[..], &[("scope", scope), ("state", "s 1")], more].concat())
    }

    /// What a silent request is answered with: a code or an error.
    pub(crate) async fn ask_silently(&self, browser: &mut Browser, scope: &str) -> (Option<String>, Option<String>) {
        browser.open(&self.url(scope, &[("prompt", "none")])).await;
        (query(browser.at_app(), "code"), query(browser.at_app(), "error"))
    }

    #[track_caller]
    pub(crate) fn expect_error(&self, browser: &Browser, error: &str) {
        let landing = browser.at_app();
        assert!(landing.as_str().starts_with(&self.app.redirect_uri), "{landing}");
        assert_eq!(query(landing, "error").as_deref(), Some(error), "{landing}");
        assert_eq!(query(landing, "state").as_deref(), Some("s 1"), "{landing}");
        assert_eq!(query(landing, "code"), None, "{landing}");
    }

    pub(crate) async fn exchange(&self, code: &str) -> Reply {
        self.app.exchange_with(code, &[("client_secret", &self.secret)]).await
    }

    async fn finish(&self, browser: &Browser) -> Value {
        let code = query(browser.at_app(), "code").unwrap_or_else(|| panic!("no code in {}", browser.at_app()));
        self.exchange(&code).await.expect(200).json()
    }

    /// Signs the browser's member in, with its agreement where the server asks for it.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, scope: &str) -> Tokens {
        browser.open(&self.url(scope, &[])).await;
        browser.press("Continue").await;
        if !browser.is_at_app() {
            browser.press("Allow").await;
        }
        Tokens::read(&self.finish(browser).await)
    }
}

pub(crate) fn name_partner(setup: &mut Setup) {
    setup.set_client("partner", "name", "Parcel Tracker");
}

pub(crate) async fn make(engine: Engine) -> (Scene, ConsentingClient) {
    let scene = Scene::make(engine, name_partner).await;
    let partner = ConsentingClient::new(&scene.server, "partner").await;
    (scene, partner)
}

pub(crate) fn error(name: &str) -> (Option<String>, Option<String>) {
    (None, Some(name.to_string()))
}

#[track_caller]
fn expect_code(answer: &(Option<String>, Option<String>)) {
    assert!(matches!(answer, (Some(_), None)), "{answer:?}");
}

async fn a_third_party_gets_a_code_only_with_the_members_consent(engine: Engine) {
    let (mut scene, partner) = make(engine).await;
    let browser = &mut scene.browser;
    assert_eq!(partner.ask_silently(browser, "openid email").await, error("consent_required"));
    partner.expect_error(browser, "consent_required");
    browser.open(&partner.url("openid email", &[])).await;
    browser.expect_page(200, "Continue with this account?");
    browser.press("Continue").await;
    let page = browser.expect_page(200, ASKS);
    for text in ["Parcel Tracker wants to use", KIM, "partner.test", "Your user ID", "Your email address"] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    for text in ["Your profile", "Your phone number", "while you are away", "Your sign-in methods"] {
        assert!(!page.text.contains(text), "{text}: {}", page.text);
    }
    browser.press("Allow").await;
    assert_eq!(query(browser.at_app(), "state").as_deref(), Some("s 1"));
    let tokens = partner.finish(browser).await;
    let info = scene.client.user_info(tokens["access_token"].as_str().unwrap_or_default()).await.expect(200).json();
    assert_eq!((&info["sub"], &info["email"]), (&json!(scene.sub), &json!(KIM)));
    // It is remembered for these scopes and for fewer, and for this application.
    for scope in ["openid email", "email openid", "openid"] {
        expect_code(&partner.ask_silently(browser, scope).await);
    }
    browser.open(&partner.url("openid", &[])).await;
    browser.press("Continue").await;
    assert!(query(browser.at_app(), "code").is_some(), "no second question");
    // Further scopes are asked for, and come on top.
    assert_eq!(partner.ask_silently(browser, "openid phone").await, error("consent_required"));
    browser.open(&partner.url("openid phone offline_access", &[])).await;
    browser.press("Continue").await;
    let page = browser.expect_page(200, ASKS);
    assert!(
        page.text.contains("Your phone number") && page.text.contains("Access while you are away"),
        "{}",
        page.text
    );
    browser.press("Allow").await;
    expect_code(&partner.ask_silently(browser, "openid email phone offline_access").await);
    let events = scene.server.events("user.consent.granted").await;
    let scopes: Vec<&Value> = events.iter().map(|event| &event["payload"]["scope"]).collect();
    assert_eq!(scopes, ["openid email", "openid phone offline_access"]);
    assert_eq!(events[0]["payload"]["client_id"], "partner");
    assert_eq!(
        (&events[0]["payload"]["user"]["id"], &events[0]["context"]["user_id"]),
        (&json!(scene.sub), &json!(scene.sub))
    );
}

async fn a_refusal_reaches_the_application_and_is_not_remembered(engine: Engine) {
    let (mut scene, partner) = make(engine).await;
    let browser = &mut scene.browser;
    for _ in 0..2 {
        browser.open(&partner.url("openid", &[])).await;
        browser.press("Continue").await;
        browser.press("Don’t allow").await;
        partner.expect_error(browser, "access_denied");
    }
    assert_eq!(partner.ask_silently(browser, "openid").await, error("consent_required"));
    assert!(scene.server.events("user.consent.granted").await.is_empty());
    // With `prompt=consent` the question is repeated; a refusal leaves the earlier consent.
    partner.sign_in(browser, "openid offline_access").await;
    browser.open(&partner.url("openid", &[("prompt", "consent")])).await;
    browser.press("Continue").await;
    browser.expect_page(200, ASKS);
    browser.press("Don’t allow").await;
    partner.expect_error(browser, "access_denied");
    expect_code(&partner.ask_silently(browser, "openid").await);
}

async fn first_party_applications_do_not_ask(engine: Engine) {
    let (mut scene, _) = make(engine).await;
    let backend = ConsentingClient::new(&scene.server, "backend").await;
    let browser = &mut scene.browser;
    expect_code(&backend.ask_silently(browser, "openid email profile").await);
    browser.open(&backend.url("openid", &[("prompt", "consent")])).await;
    browser.press("Continue").await;
    assert!(query(browser.at_app(), "code").is_some());
}

async fn a_decision_is_of_one_browser_and_counts_once(engine: Engine) {
    let (mut scene, partner) = make(engine).await;
    let browser = &mut scene.browser;
    browser.open(&partner.url("openid", &[])).await;
    browser.press("Continue").await;
    // The form without its token, and in a browser that did not begin the flow, even with the member's session.
    let mut forger = browser.clone();
    forger.forge("_csrf", "forged");
    forger.press("Allow").await;
    assert_eq!(forger.expect_page(403, ASKS).problems.len(), 0);
    let mut other = browser.clone();
    other.set_cookie("oauth_ui", "another-browsers-secret-of-thirty2");
    other.press("Allow").await;
    assert_eq!(other.reply().status, 403, "{}", other.page().text);
    assert_eq!(partner.ask_silently(&mut forger, "openid").await, error("consent_required"));
    let (mut late, mut denier) = (browser.clone(), browser.clone());
    browser.press("Allow").await;
    assert!(query(browser.at_app(), "code").is_some());
    late.press("Allow").await;
    denier.press("Don’t allow").await;
    for again in [&late, &denier] {
        assert!(!again.is_at_app(), "{}", again.at_app());
    }
    expect_code(&partner.ask_silently(&mut late, "openid").await);
    // A refusal ends the flow as well.
    let browser = &mut scene.browser;
    browser.open(&partner.url("openid email", &[])).await;
    browser.press("Continue").await;
    let mut late = browser.clone();
    browser.press("Don’t allow").await;
    partner.expect_error(browser, "access_denied");
    late.press("Allow").await;
    assert!(!late.is_at_app(), "the decision was made");
    assert_eq!(partner.ask_silently(browser, "openid email").await, error("consent_required"));
}

async fn a_member_who_signed_out_meanwhile_decides_nothing(engine: Engine) {
    let (mut scene, partner) = make(engine).await;
    scene.browser.open(&partner.url("openid", &[])).await;
    scene.browser.press("Continue").await;
    let mut late = scene.browser.clone();
    scene.browser.open("/logout").await;
    scene.browser.press("Sign out").await;
    late.press("Allow").await;
    let page = late.page();
    assert_eq!((late.reply().status, page.text.contains(KIM)), (410, false), "{}", page.text);
    assert!(scene.server.events("user.consent.granted").await.is_empty());
}

/// Both with a cookie session and for an application that suppresses it.
async fn a_sign_in_and_a_sign_up_end_with_the_question(engine: Engine) {
    let (mut scene, partner) = make(engine).await;
    let suppress = [("x_sso_enabled", "false"), ("x_suppress_idp_session_cookie", "true")];
    for (number, more) in [&WITH_SESSION[..], &suppress].into_iter().enumerate() {
        let open = |more: &[(&str, &str)]| partner.app.authorize_url(&[&[("scope", "openid email")], more].concat());
        let mut browser = scene.server.browser();
        browser.open(&open(more)).await;
        browser.fill("Email address", KIM);
        browser.fill("Password", PASSWORD);
        browser.press("Sign in").await;
        if number == 0 {
            assert!(browser.expect_page(200, ASKS).text.contains(KIM));
            // The other pages of the flow lead back to the question.
            for view in ["", "/login", "/identify", "/start"] {
                let path = browser.url().path().replace("/consent", view);
                browser.open(&path).await;
                browser.expect_page(200, ASKS);
            }
            browser.press("Allow").await;
        }
        assert_eq!(partner.finish(&browser).await["token_type"], "Bearer");
        assert_eq!(browser.cookie("session").is_some(), number == 0, "{:?}", browser.cookie_line());
        let (login, join) = (format!("new{number}@shop.example"), [more, &[("x_page", "signup")]].concat());
        browser.forget();
        browser.open(&open(&join)).await;
        browser.fill("Email address", &login);
        browser.fill("Password", "a lantern under eleven bridges");
        browser.press("Create account").await;
        let code = scene.mailbox.next_code(&login).await;
        browser.fill("Code", &code);
        browser.press("Confirm").await;
        assert!(browser.expect_page(200, ASKS).text.contains(&login));
        browser.press("Allow").await;
        let tokens = partner.finish(&browser).await;
        let info = scene.client.user_info(tokens["access_token"].as_str().unwrap_or_default()).await.expect(200).json();
        assert_eq!(info["email"], login.as_str());
    }
    assert_eq!(scene.server.events("user.consent.granted").await.len(), 3);
}

async fn guests_become_members_before_they_agree(engine: Engine) {
    let (mut scene, partner) = make(engine).await;
    let mut browser = scene.server.browser();
    let signed_up = browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await;
    signed_up.result();
    let sub = browser.fetch("/oauth2/userinfo").await.json()["sub"].clone();
    assert_eq!(partner.ask_silently(&mut browser, "openid").await, error("login_required"));
    browser.open(&partner.url("openid", &[])).await;
    let page = browser.page();
    assert!(!page.forms.iter().any(|form| form.buttons.iter().any(|one| one.text == "Continue")), "{}", page.text);
    browser.fill("Email address", "guest@shop.example");
    browser.fill("Password", "a lantern under eleven bridges");
    let button = page_button(&browser);
    browser.press(&button).await;
    let code = scene.mailbox.next_code("guest@shop.example").await;
    browser.fill("Code", &code);
    browser.press("Confirm").await;
    browser.expect_page(200, ASKS);
    browser.press("Allow").await;
    let tokens = partner.finish(&browser).await;
    let info = scene.client.user_info(tokens["access_token"].as_str().unwrap_or_default()).await.expect(200).json();
    assert_eq!(info["sub"], sub, "the guest was promoted");
    // A third party promotes no guest of another application.
    let guest = scene.client.sign_up().await;
    let hint = promotion_hint(&scene.client.promotion_code(&guest).await);
    scene.browser.open(&partner.url("openid", &[("prompt", "login"), ("login_hint", &hint)])).await;
    partner.expect_error(&scene.browser, "unauthorized_client");
}

/// The text of the first form's button.
fn page_button(browser: &Browser) -> String {
    let forms = browser.page().forms.iter().filter(|form| form.labels.iter().any(|(text, _)| text == "Email address"));
    forms
        .flat_map(|form| &form.buttons)
        .map(|button| button.text.clone())
        .find(|text| !text.is_empty())
        .expect("a button")
}

async fn access_is_removed_on_the_account_page(engine: Engine) {
    let (mut scene, partner) = make(engine).await;
    let http = scene.server.http();
    scene.browser.open("/settings").await;
    assert!(!scene.browser.page().text.contains("Applications with access"));
    let tokens = partner.sign_in(&mut scene.browser, "openid email offline_access").await;
    scene.server.clock.advance_seconds(3 * 86_400);
    let (code, _) = partner.ask_silently(&mut scene.browser, "openid").await;
    let fresh = |reply: Reply| reply.expect(200).json()["access_token"].as_str().expect("an access token").to_string();
    let own = fresh(scene.client.refresh(&scene.tokens.refresh).await);
    let partners = fresh(refresh(&http, &partner, &tokens).await);
    scene.client.user_info(&partners).await.expect(200);
    scene.browser.open("/settings").await;
    assert!(scene.browser.page().text.contains("Applications with access 1 application"));
    scene.browser.open("/settings/applications").await;
    let page = scene.browser.expect_page(200, "Applications with access");
    for text in
        ["Parcel Tracker", "Your user ID", "Your email address", "Access while you are away", "Allowed 3 days ago"]
    {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    let mut forger = scene.browser.clone();
    forger.forge("_csrf", "forged");
    forger.press("Remove access").await;
    assert!(forger.expect_page(200, "Applications with access").text.contains("Parcel Tracker"));
    scene.browser.press("Remove access").await;
    let page = scene.browser.expect_page(200, "Applications with access");
    assert!(page.text.contains("Access removed.") && page.text.contains("No application has access"), "{}", page.text);
    // Its tokens are dead, and a code from before is worth nothing; the member stays signed in.
    refresh(&http, &partner, &tokens).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    scene.client.user_info(&partners).await.expect(401);
    let reply = partner.exchange(&code.expect("a code")).await;
    reply.expect_oauth_error(400, "invalid_grant", "invalid authorization code");
    assert_eq!(partner.ask_silently(&mut scene.browser, "openid").await, error("consent_required"));
    scene.client.user_info(&own).await.expect(200);
    let events = scene.server.events("user.consent.revoked").await;
    assert_eq!((events.len(), &events[0]["payload"]["client_id"]), (1, &json!("partner")));
    assert_eq!(
        (&events[0]["context"]["triggered_by"], &events[0]["context"]["ip_address"]),
        (&json!("user"), &json!("127.0.0.1"))
    );
    let ended = scene.server.events("session.revoked").await;
    let ended: Vec<_> =
        ended.iter().map(|event| (&event["payload"]["session"]["client_id"], &event["payload"]["reason"])).collect();
    assert_eq!(ended, [(&json!("partner"), &json!("user"))]);
}

pub(crate) async fn refresh(http: &Http, partner: &ConsentingClient, tokens: &Tokens) -> Reply {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    let client = [("client_id", "partner"), ("client_secret", partner.secret.as_str())];
    http.post_form("/oauth2/token", &[fields, client].concat()).await
}

async fn operators_list_and_revoke_consents(engine: Engine) {
    let (mut scene, partner) = make(engine).await;
    let admin = Admin::of(&scene.server).await;
    let list = format!("/users/{}/consents", scene.sub);
    let empty = json!({"consents": []});
    assert_eq!(admin.get(&list).await.expect(200).json(), empty);
    let tokens = partner.sign_in(&mut scene.browser, "openid offline_access").await;
    let listed = admin.get(&list).await.expect(200).json();
    assert_eq!(
        (&listed["consents"][0]["client_id"], &listed["consents"][0]["scope"]),
        (&json!("partner"), &json!("offline_access openid"))
    );
    assert!(listed["consents"][0]["granted_at"].is_string() && listed["consents"][0]["last_used_at"].is_string());
    for (path, status) in [
        (format!("{list}/backend"), 404),
        (format!("{list}/web"), 404),
        (format!("{list}/nonsense"), 404),
        (format!("/users/{}/consents/partner", "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab"), 404),
        (format!("{list}/partner"), 204),
        (format!("{list}/partner"), 404),
    ] {
        admin.delete(&path).await.expect(status);
    }
    assert_eq!(admin.get(&list).await.expect(200).json(), empty);
    refresh(&scene.server.http(), &partner, &tokens).await.expect(400);
    scene.client.user_info(&scene.tokens.access).await.expect(200);
    assert_eq!(partner.ask_silently(&mut scene.browser, "openid").await, error("consent_required"));
    let events = scene.server.events("user.consent.revoked").await;
    assert_eq!((events.len(), &events[0]["context"]["triggered_by"]), (1, &json!("admin_api")));
}

async fn a_consent_ends_with_its_user_and_its_application(engine: Engine) {
    let (mut scene, partner) = make(engine).await;
    let browser = &mut scene.browser;
    partner.sign_in(browser, "openid offline_access").await;
    // As a first-party application it needs none; when it is a third party again, it has none.
    for kind in ["confidential", "third_party_app"] {
        scene
            .server
            .change_project(|setup| {
                name_partner(setup);
                setup.set_client("partner", "x_application_type", kind);
            })
            .await;
        let answer = partner.ask_silently(browser, "openid").await;
        if kind == "confidential" { expect_code(&answer) } else { assert_eq!(answer, error("consent_required")) }
    }
    // Its secret ended with the first change, too.
    let partner = ConsentingClient::new(&scene.server, "partner").await;
    // An export has it, and an import restores it.
    partner.sign_in(browser, "openid offline_access").await;
    let admin = Admin::of(&scene.server).await;
    let export = admin.get("/export/users").await.expect(200).body;
    let mut record: Value = export
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .find(|one: &Value| one["id"] == scene.sub.as_str())
        .expect("the member");
    assert_eq!(
        (&record["consents"][0]["client_id"], &record["consents"][0]["scope"]),
        (&json!("partner"), &json!("offline_access openid"))
    );
    admin.delete(&format!("/users/{}", scene.sub)).await.expect(204);
    // With another ID: that of a deleted user is never given again.
    let sub = "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab";
    record["id"] = json!(sub);
    let import = admin.http.request(reqwest::Method::POST, "/_api/admin/v1/import/users").bearer_auth(&admin.token);
    Reply::of(import.header("content-type", "application/x-ndjson").body(record.to_string())).await.expect(200);
    let listed = admin.get(&format!("/users/{sub}/consents")).await.expect(200).json();
    assert_eq!(listed["consents"][0]["client_id"], "partner");
    scene.sign_in(KIM, PASSWORD).await;
    expect_code(&partner.ask_silently(&mut scene.browser, "openid").await);
    // Deleted through the Admin API, and made again with the same ID.
    let application = admin.get("/applications/partner").await.expect(200).json();
    admin.delete("/applications/partner").await.expect(204);
    admin.post("/applications", &application).await.expect(201);
    assert_eq!(partner.ask_silently(&mut scene.browser, "openid").await, error("consent_required"));
}

on_both_engines!(
    a_third_party_gets_a_code_only_with_the_members_consent,
    a_refusal_reaches_the_application_and_is_not_remembered,
    first_party_applications_do_not_ask,
    a_decision_is_of_one_browser_and_counts_once,
    a_member_who_signed_out_meanwhile_decides_nothing,
    a_sign_in_and_a_sign_up_end_with_the_question,
    guests_become_members_before_they_agree,
    access_is_removed_on_the_account_page,
    operators_list_and_revoke_consents,
    a_consent_ends_with_its_user_and_its_application,
);
