//! Three modules of the OpenID conformance suite that an earlier revision failed, as its sources of 2026 describe them: the requests of a
//! client with a secret (HTTP Basic, no PKCE), and what the module looks at. It is not the suite (docs/conformance.md).

use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::{
    account::{KIM, PASSWORD, Scene},
    introspection::make_secret,
    support::{Browser, Engine, Reply, Setup, TestServer, on_both_engines, query},
    token::claims,
};

on_both_engines!(oidcc_refresh_token, oidcc_login_hint, oidcc_rp_initiated_logout_no_id_token_hint);

const SIGN_IN: &str = "Sign in";
const BYE: &str = "https://backend.test/bye";

/// One of the suite's two static clients.
struct SuiteClient {
    id: &'static str,
    secret: String,
    redirect_uri: String,
}

/// A browser at the end of an authorization, and what the code was exchanged for.
struct Authorized {
    tokens: Value,
    id_token: Value,
}

impl SuiteClient {
    async fn new(server: &TestServer, id: &'static str) -> Self {
        Self { id, secret: make_secret(server, id).await, redirect_uri: format!("https://{id}.test/callback") }
    }

    async fn ask(&self, server: &TestServer, fields: &[(&str, &str)]) -> Reply {
        let request = server.http().request(Method::POST, "/oauth2/token").basic_auth(self.id, Some(&self.secret));
        Reply::of(request.form(fields)).await
    }

    fn url(&self, more: &[(&str, &str)]) -> String {
        let fixed = [
            ("client_id", self.id),
            ("redirect_uri", &self.redirect_uri),
            ("response_type", "code"),
            ("state", "CvXPZUhDVM"),
            ("nonce", "7ClY2n9NLL"),
        ];
        let query: String =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(fixed).extend_pairs(more).finish();
        format!("/oauth2/authorize?{query}")
    }

    /// Leads a browser through all pages, and exchanges the code.
    async fn authorize(&self, server: &TestServer, browser: &mut Browser, more: &[(&str, &str)]) -> Authorized {
        browser.open(&self.url(more)).await;
        pass(browser).await;
        self.finish(server, browser).await
    }

    async fn finish(&self, server: &TestServer, browser: &Browser) -> Authorized {
        let landing: &Url = browser.at_app();
        assert!(landing.as_str().starts_with(&self.redirect_uri), "{landing}");
        assert_eq!(query(landing, "state").as_deref(), Some("CvXPZUhDVM"));
        assert_eq!(query(landing, "iss").as_ref(), Some(&server.origin));
        let code = query(landing, "code").unwrap_or_else(|| panic!("no code in {landing}"));
        let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", &self.redirect_uri)];
        let tokens = check_tokens(&self.ask(server, &fields).await);
        let id_token = claims(tokens["id_token"].as_str().expect("an ID token")).1;
        assert_eq!((&id_token["iss"], &id_token["nonce"]), (&json!(server.origin), &json!("7ClY2n9NLL")));
        assert!(id_token["aud"] == self.id || id_token["aud"] == json!([self.id]), "{id_token}");
        Authorized { tokens, id_token }
    }
}

/// Answers each page until the browser is at the application.
async fn pass(browser: &mut Browser) {
    for _ in 0..4 {
        if browser.is_at_app() {
            return;
        }
        let buttons = browser.page().forms.iter().flat_map(|form| &form.buttons).map(|button| button.text.clone());
        let buttons: Vec<String> = buttons.collect();
        let next = ["Allow", "Continue", SIGN_IN].into_iter().find(|name| buttons.iter().any(|text| text == name));
        let next = next.unwrap_or_else(|| panic!("no way on: {buttons:?}"));
        if next == SIGN_IN {
            browser.fill("Email address", KIM);
            browser.fill("Password", PASSWORD);
        }
        browser.press(next).await;
    }
}

/// What the suite looks at in every answer of the token endpoint (RFC 6749 §5.1).
#[track_caller]
fn check_tokens(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!((reply.header("cache-control"), reply.header("pragma")), (Some("no-store"), Some("no-cache")));
    let tokens = reply.json();
    assert!(tokens["token_type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")), "{tokens}");
    let access = tokens["access_token"].as_str().expect("an access token");
    assert!(access.len() >= 22 && access.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{access}");
    assert!(tokens["expires_in"].as_i64().is_some_and(|seconds| seconds > 0), "{tokens}");
    tokens
}

async fn check_user_info(scene: &Scene, tokens: &Value, sub: &Value) {
    let info =
        scene.client.user_info(tokens["access_token"].as_str().expect("an access token")).await.expect(200).json();
    assert_eq!(&info["sub"], sub);
}

/// Refreshes as the module does: the first client sends the scope again, the second does not.
async fn refresh(scene: &Scene, client: &SuiteClient, first: &Authorized, scope: Option<&str>) -> String {
    let token = first.tokens["refresh_token"].as_str().expect("a refresh token");
    assert!(token.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{token}");
    scene.server.clock.advance_seconds(1);
    let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    fields.extend(scope.map(|scope| ("scope", scope)));
    let second = check_tokens(&client.ask(&scene.server, &fields).await);
    assert_ne!(second["access_token"], first.tokens["access_token"]);
    // OpenID Connect Core §12.2.
    let id_token = claims(second["id_token"].as_str().expect("an ID token")).1;
    for same in ["iss", "sub", "aud", "auth_time", "azp"] {
        assert_eq!(id_token[same], first.id_token[same], "{same}");
    }
    assert!(id_token["iat"].as_i64() > first.id_token["iat"].as_i64(), "{id_token}");
    assert!(id_token.get("nonce").is_none_or(|nonce| *nonce == first.id_token["nonce"]), "{id_token}");
    check_user_info(scene, &second, &first.id_token["sub"]).await;
    second["refresh_token"].as_str().unwrap_or(token).to_string()
}

async fn oidcc_refresh_token(engine: Engine) {
    let scene = Scene::make(engine, |_| {}).await;
    let (one, two) =
        (SuiteClient::new(&scene.server, "backend").await, SuiteClient::new(&scene.server, "partner").await);
    let scope = "openid offline_access";
    let asked = [("scope", scope), ("prompt", "consent")];
    let metadata = scene.server.http().get("/.well-known/openid-configuration").await.expect(200).json();
    assert!(metadata["grant_types_supported"].as_array().expect("a list").contains(&json!("refresh_token")));
    let mut browser = scene.server.browser();
    let first = one.authorize(&scene.server, &mut browser, &asked).await;
    refresh(&scene, &one, &first, Some(scope)).await;
    let other = two.authorize(&scene.server, &mut browser, &asked).await;
    let of_other = refresh(&scene, &two, &other, None).await;
    // The token of the second client, from the first.
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &of_other), ("scope", scope)];
    let refused = one.ask(&scene.server, &fields).await;
    assert_eq!((refused.status, refused.header("content-type")), (400, Some("application/json")), "{refused:?}");
    assert_eq!(refused.json()["error"], "invalid_grant");
}

async fn oidcc_login_hint(engine: Engine) {
    let scene = Scene::make(engine, |_| {}).await;
    let client = SuiteClient::new(&scene.server, "backend").await;
    // The suite's own hint: nobody has this address.
    let asked = [("scope", "openid"), ("login_hint", "buffy@localhost")];
    let done = client.authorize(&scene.server, &mut scene.server.browser(), &asked).await;
    assert_eq!(done.id_token["sub"], json!(scene.sub));
    check_user_info(&scene, &done.tokens, &done.id_token["sub"]).await;
}

async fn oidcc_rp_initiated_logout_no_id_token_hint(engine: Engine) {
    let with_bye = |setup: &mut Setup| setup.set_client("backend", "post_logout_redirect_uris", vec![BYE]);
    let scene = Scene::make(engine, with_bye).await;
    let client = SuiteClient::new(&scene.server, "backend").await;
    let mut browser = scene.server.browser();
    client.authorize(&scene.server, &mut browser, &[("scope", "openid")]).await;
    let state = "yKQbVzDhWm".repeat(13)[..128].to_string();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("post_logout_redirect_uri", BYE), ("state", &state)])
        .finish();
    let end = format!("/oauth2/end_session?{query}");
    browser.open(&end).await;
    browser.expect_page(200, "Sign out?");
    // Nothing has ended: the application gets its next code without a page.
    browser.open(&client.url(&[("scope", "openid"), ("prompt", "none")])).await;
    client.finish(&scene.server, &browser).await;
    browser.open(&end).await;
    browser.press("Sign out").await;
    browser.open(&client.url(&[("scope", "openid"), ("prompt", "none")])).await;
    assert_eq!(crate::support::query(browser.at_app(), "error").as_deref(), Some("login_required"));
}
