//! Pushed authorization requests (RFC 9126): the reference carries the request, for its own application and for a short time.

use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::{
    account::Scene,
    consent::ConsentingClient,
    support::{Browser, Engine, Reply, TestServer, VERIFIER, on_both_engines, query},
};

on_both_engines!(
    a_pushed_request_leads_to_a_code,
    what_the_browser_adds_counts_for_nothing,
    another_client_cannot_use_the_reference,
    a_reference_expires_and_cannot_be_changed,
    a_push_is_checked_like_a_request,
    an_application_may_be_held_to_push,
);

const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// The parameters of an authorization request of this application, with these instead.
fn parameters(server: &TestServer, client_id: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut client = server.app_client();
    if client_id != "web" {
        client.client_id = client_id.into();
        client.redirect_uri = format!("https://{client_id}.test/callback");
    }
    let shared = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", "false"), ("scope", "openid email")];
    let kept: Vec<_> = shared.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name)).collect();
    let url = Url::parse(&client.authorize_url(&[kept.as_slice(), more].concat())).expect("a URL");
    url.query_pairs().into_owned().filter(|(_, value)| !value.is_empty()).collect()
}

async fn push(server: &TestServer, fields: &[(String, String)]) -> Reply {
    Reply::of(server.http().request(Method::POST, "/oauth2/par").form(fields)).await
}

async fn push_for_web(server: &TestServer, more: &[(&str, &str)]) -> String {
    let reply = push(server, &parameters(server, "web", more)).await.expect(201);
    assert_eq!((reply.header("cache-control"), &reply.json()["expires_in"]), (Some("no-store"), &json!(90)));
    let uri = reply.json()["request_uri"].as_str().expect("a reference").to_string();
    assert!(uri.starts_with(PREFIX) && !uri.contains("shop.test"), "{uri}");
    uri
}

fn address(server: &TestServer, client_id: &str, uri: &str, more: &[(&str, &str)]) -> String {
    let pairs = [[("client_id", client_id), ("request_uri", uri)].as_slice(), more].concat();
    Url::parse_with_params(&format!("{}/oauth2/authorize", server.origin), pairs).expect("a URL").into()
}

#[track_caller]
fn expect_refused(browser: &Browser) {
    assert!(!browser.is_at_app());
    let reply = browser.reply();
    assert!(reply.status == 400 && reply.body.contains("invalid_request_uri"), "{reply:?}");
}

async fn a_pushed_request_leads_to_a_code(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let uri = push_for_web(&scene.server, &[("state", "s 1"), ("nonce", "n-1"), ("prompt", "none")]).await;
    let target = address(&scene.server, "web", &uri, &[]);
    scene.browser.open(&target).await;
    assert_eq!(query(scene.browser.at_app(), "state").as_deref(), Some("s 1"));
    let code = query(scene.browser.at_app(), "code").expect("a code");
    let tokens = scene.client.exchange(&code).await.expect(200).json();
    assert!(tokens["id_token"].is_string(), "{tokens}");
    // A reload opens it again.
    scene.browser.open(&target).await;
    assert!(query(scene.browser.at_app(), "code").is_some());
    // With pages, too.
    let uri = push_for_web(&scene.server, &[("state", "s 2")]).await;
    scene.browser.open(&address(&scene.server, "web", &uri, &[])).await;
    scene.browser.press("Continue").await;
    assert_eq!(query(scene.browser.at_app(), "state").as_deref(), Some("s 2"));
}

async fn what_the_browser_adds_counts_for_nothing(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let uri = push_for_web(&scene.server, &[("state", "own"), ("prompt", "none")]).await;
    let more = [
        ("redirect_uri", "http://blog.test/after-login"),
        ("state", "other"),
        ("scope", "openid"),
        ("response_mode", "fragment"),
        ("prompt", "login"),
    ];
    scene.browser.open(&address(&scene.server, "web", &uri, &more)).await;
    let landing = scene.browser.at_app();
    assert!(landing.as_str().starts_with("http://shop.test/after-login?"), "{landing}");
    assert_eq!(query(landing, "state").as_deref(), Some("own"));
    // A reference that is none of ours stays refused.
    let url = scene.client.authorize_url(&[("request_uri", "https://evil.test/request.jwt")]);
    scene.browser.open(&url).await;
    assert_eq!(query(scene.browser.at_app(), "error").as_deref(), Some("request_uri_not_supported"));
}

async fn another_client_cannot_use_the_reference(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let second = scene.server.add_project("second", |_| {}).await;
    let uri = push_for_web(&scene.server, &[("prompt", "none")]).await;
    for client in ["blog", "backend", "partner", "nobody", ""] {
        scene.browser.open(&address(&scene.server, client, &uri, &[])).await;
        expect_refused(&scene.browser);
    }
    // Nor the same name in another project.
    let mut elsewhere = Browser::new(scene.server.http_of(&second));
    let pairs = [("client_id", "web"), ("request_uri", uri.as_str())];
    let url = Url::parse_with_params(&format!("{}/oauth2/authorize", second.origin), pairs).expect("a URL");
    elsewhere.open(url.as_str()).await;
    expect_refused(&elsewhere);
    // The request itself may not name another application than the one that authenticates.
    let backend = ConsentingClient::new(&scene.server, "backend").await;
    let fields = parameters(&scene.server, "web", &[]);
    let request = scene.server.http().request(Method::POST, "/oauth2/par").basic_auth("backend", Some(&backend.secret));
    assert_eq!(Reply::of(request.form(&fields)).await.status, 401);
}

async fn a_reference_expires_and_cannot_be_changed(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let uri = push_for_web(&scene.server, &[("prompt", "none")]).await;
    let mut changed = uri.clone();
    let last = if changed.ends_with('A') { "B" } else { "A" };
    changed.replace_range(changed.len() - 1.., last);
    for wrong in [changed.as_str(), PREFIX, "urn:ietf:params:oauth:request_uri:AAAA", &uri[..uri.len() - 20]] {
        scene.browser.open(&address(&scene.server, "web", wrong, &[])).await;
        expect_refused(&scene.browser);
    }
    scene.server.clock.advance_seconds(90);
    scene.browser.open(&address(&scene.server, "web", &uri, &[])).await;
    assert!(scene.browser.is_at_app());
    scene.server.clock.advance_seconds(1);
    scene.browser.open(&address(&scene.server, "web", &uri, &[])).await;
    expect_refused(&scene.browser);
}

async fn a_push_is_checked_like_a_request(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let error = async |client: &str, more: &[(&str, &str)]| {
        let reply = push(&server, &parameters(&server, client, more)).await;
        (reply.status, reply.json()["error"].as_str().unwrap_or_default().to_string())
    };
    let refused = |error: &str| (400, error.to_string());
    assert_eq!(error("web", &[("redirect_uri", "https://evil.test/")]).await, refused("invalid_request"));
    assert_eq!(error("web", &[("scope", "openid nonsense")]).await, refused("invalid_scope"));
    assert_eq!(
        error("web", &[("code_challenge", ""), ("code_challenge_method", "")]).await,
        refused("invalid_request")
    );
    assert_eq!(error("web", &[("request_uri", "urn:x")]).await, refused("request_uri_not_supported"));
    assert_eq!(error("web", &[("request", "a.b.c")]).await, refused("request_not_supported"));
    assert_eq!(
        error("web", &[("x_state", &"x".repeat(4_000)), ("state", &"x".repeat(4_000)), ("nonce", &"x".repeat(4_000))])
            .await,
        refused("invalid_request")
    );
    assert_eq!(error("backend", &[]).await, refused("invalid_client"));
    assert_eq!(error("backend", &[("client_secret", "wrong")]).await, refused("invalid_client"));
    assert_eq!(error("nobody", &[]).await, refused("invalid_client"));
    let backend = ConsentingClient::new(&server, "backend").await;
    // With the secret in the body or by HTTP Basic; the reference does not show it.
    let fields = parameters(&server, "backend", &[("client_secret", &backend.secret)]);
    push(&server, &fields).await.expect(201);
    let fields: Vec<_> =
        fields.into_iter().filter(|(name, _)| name != "client_secret" && name != "client_id").collect();
    let request = server.http().request(Method::POST, "/oauth2/par").basic_auth("backend", Some(&backend.secret));
    let reply = Reply::of(request.form(&fields)).await.expect(201);
    assert!(!reply.body.contains(&backend.secret) && !reply.body.contains(VERIFIER), "{}", reply.body);
    assert_eq!(server.http().get("/oauth2/par").await.status, 405);
}

async fn an_application_may_be_held_to_push(engine: Engine) {
    let mut scene =
        Scene::make(engine, |setup| setup.set_client("blog", "require_pushed_authorization_requests", true)).await;
    let other = scene.server.other_client();
    scene.browser.open(&other.authorize_url(&[("prompt", "none"), ("state", "s 1")])).await;
    let landing = scene.browser.at_app();
    assert_eq!(query(landing, "error").as_deref(), Some("invalid_request"));
    assert_eq!(query(landing, "state").as_deref(), Some("s 1"));
    let url = Url::parse(&other.authorize_url(&[("prompt", "none"), ("x_sso_enabled", "true")])).expect("a URL");
    let fields: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let pushed: Value = push(&scene.server, &fields).await.expect(201).json();
    let uri = pushed["request_uri"].as_str().expect("a reference");
    scene.browser.open(&address(&scene.server, "blog", uri, &[])).await;
    assert!(query(scene.browser.at_app(), "code").is_some(), "{}", scene.browser.at_app());
    let document = scene.server.http().get("/.well-known/openid-configuration").await.expect(200).json();
    assert_eq!(document["pushed_authorization_request_endpoint"], format!("{}/oauth2/par", scene.server.origin));
    assert_eq!(document["require_pushed_authorization_requests"], false);
}
