//! Limits of tokens and app sessions: each of these requests once turned a narrow credential into a wider one.

use reqwest::{Method, header};
use serde_json::json;

use crate::{
    account::{KIM, Scene},
    introspection::make_secret,
    lifetimes::sign_up_cookie,
    support::{AppClient, Browser, Device, Engine, Http, Platform, Reply, TestServer, Tokens, on_both_engines, query},
};

const ID_TOKEN: &str = "urn:authgear:params:oauth:grant-type:id-token";

/// An access token that a third-party application holds for a member: `openid`, no refresh token.
pub(crate) async fn third_party_token(scene: &mut Scene) -> String {
    let secret = make_secret(&scene.server, "partner").await;
    let partner = AppClient::new(scene.server.http(), "partner", "https://partner.test/callback");
    let open = [("scope", "openid"), ("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", "false")];
    scene.browser.open(&partner.authorize_url(&open)).await;
    scene.browser.press("Continue").await;
    scene.browser.press("Allow").await;
    let code = query(scene.browser.at_app(), "code").expect("a code for the third party");
    let reply = partner.exchange_with(&code, &[("client_secret", &secret)]).await.expect(200).json();
    reply["access_token"].as_str().expect("an access token").to_string()
}

/// A request with only a bearer token; redirects are not followed.
async fn get_with(http: &Http, target: &str, bearer: &str) -> Reply {
    let request = http.request(Method::GET, target).header(header::ACCEPT, "text/html").bearer_auth(bearer);
    Reply::of(request).await
}

/// Asserts that a silent authorization finds no signed-in user.
#[track_caller]
fn expect_login_required(reply: &Reply) {
    let location = reply.header("location").unwrap_or_else(|| panic!("{reply:?}"));
    assert!(location.contains("error=login_required"), "{location}");
    assert!(!location.contains("code="), "{location}");
}

/// A silent authorization request for all scopes, by an application that shares the browser's session.
fn silent(client: &AppClient) -> String {
    client.authorize_url(&[("prompt", "none"), ("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", "false")])
}

async fn a_third_partys_token_opens_neither_authorize_nor_the_account(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let token = third_party_token(&mut scene).await;
    let http = scene.server.http();
    assert_eq!(scene.client.subject(&token).await, scene.sub, "UserInfo is what it is for");
    let phone = AppClient::new(http.clone(), "phone", "com.example.shop://host/path");
    for client in [&phone, &scene.client] {
        expect_login_required(&get_with(&http, &silent(client), &token).await);
    }
    let page = get_with(&http, "/settings", &token).await;
    assert!(!page.body.contains(KIM) && !page.body.contains("My account"), "{}", page.body);
    for page in ["/settings/names", "/settings/delete", "/settings/identity/add?kind=email", "/settings/passkeys"] {
        let reply = get_with(&http, page, &token).await;
        let to_sign_in = |reply: &Reply| reply.header("location").is_some_and(|to| to.starts_with("/settings?next="));
        assert!(reply.status == 302 && to_sign_in(&reply), "{page}: {reply:?}");
        let path = page.split('?').next().expect("a path");
        let request = http.request(Method::POST, path).bearer_auth(&token).form(&[("given_name", "Eve")]);
        let reply = Reply::of(request).await;
        assert!(reply.status == 302 && to_sign_in(&reply), "POST {page}: {reply:?}");
    }
    let reply = get_with(&http, "/logout", &token).await;
    assert_eq!(reply.header("location"), Some("/logged-out"));
    let order = [("response_type", "urn:authgear:params:oauth:response-type:settings-action")];
    let order = scene.client.authorize_url(&[order[0], ("x_settings_action", "change_password")]);
    expect_login_required(&get_with(&http, &order, &token).await);
}

async fn a_bound_guests_access_token_makes_no_unbound_refresh_token(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::Ios);
    device.authenticate().await;
    let http = server.http();
    let refused = server.app_client();
    let unproved = AppClient { client_id: "phone".into(), ..refused.clone() }.refresh(&device.held().refresh).await;
    unproved.expect_oauth_error(400, "invalid_dpop_proof", "Invalid DPoP key binding");
    for client in [refused, AppClient::new(http.clone(), "phone", "com.example.shop://host/path")] {
        expect_login_required(&get_with(&http, &silent(&client), &device.held().access).await);
    }
    let mut browser = server.browser();
    browser.open(&device.settings_url("/settings").await).await;
    browser.expect_page(200, "You are a guest");
    for client in [server.app_client(), server.other_client()] {
        browser.open(&silent(&client)).await;
        assert_eq!(query(browser.at_app(), "error").as_deref(), Some("login_required"));
    }
    // It is still a bearer token: APIs without proof accept it.
    device.user_info().await;
    device.refresh_id_token().await.expect(200);
}

async fn a_guest_limited_by_its_application_stays_limited(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set_client("web", "anonymous_scopes", vec!["openid", "offline_access"]);
    })
    .await;
    let (client, http) = (server.app_client(), server.http());
    let guest = client.sign_up().await;
    let app_session = async |tokens: &Tokens| {
        http.post_json("/oauth2/app_session_token", &json!({"refresh_token": tokens.refresh})).await
    };
    app_session(&guest).await.expect_api_error(403, "Forbidden", "Forbidden", "full-access scope is required");
    expect_login_required(&get_with(&http, &silent(&client), &guest.access).await);
    // A cookie guest gets the scopes that the application allows guests, and the response says so (RFC 6749 §5.1).
    let mut browser = server.browser();
    browser.fetch_json("/api/anonymous_user/signup", &json!({"session_type": "cookie"})).await.result();
    browser.open(&silent(&client)).await;
    let code = query(browser.at_app(), "code").expect("a code");
    let reply = client.exchange(&code).await.expect(200).json();
    assert_eq!(reply["scope"], "openid offline_access");
    app_session(&Tokens::read(&reply)).await.expect_api_error(
        403,
        "Forbidden",
        "Forbidden",
        "full-access scope is required",
    );
    // An application without that limit grants all, and the response omits the scope.
    let other = server.other_client();
    browser.open(&silent(&other)).await;
    let code = query(browser.at_app(), "code").expect("a code");
    let reply = other.exchange(&code).await.expect(200).json();
    assert_eq!(reply.get("scope"), None);
    app_session(&Tokens::read(&reply)).await.expect(200);
}

/// The value of an app session cookie in a separate browser.
async fn app_session_of(server: &TestServer, device: &Device) -> String {
    let mut browser = server.browser();
    browser.open(&device.settings_url("/settings").await).await;
    browser.cookie("app_session").expect("an app session").to_string()
}

async fn an_app_session_opens_the_account_page_and_nothing_else(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::Android);
    device.authenticate().await;
    let cookie = format!("app_session={}", app_session_of(&server, &device).await);
    let http = server.http();
    let get = async |path: &str| Reply::of(http.request(Method::GET, path).header(header::COOKIE, &cookie)).await;
    let info = get("/oauth2/userinfo").await;
    info.expect_oauth_error(401, "invalid_request", "no access token was presented");
    let resolved = get("/_resolver/resolve").await.expect(200);
    assert_eq!((resolved.header("x-authgear-session-valid"), resolved.header("x-authgear-user-id")), (None, None));
    get("/_resolver/resolve?require=session").await.expect(401);
    let form = [("grant_type", ID_TOKEN), ("client_id", "phone")];
    let request = http.request(Method::POST, "/oauth2/token").header(header::COOKIE, &cookie).form(&form);
    Reply::of(request).await.expect_oauth_error(401, "invalid_request", "no access token was presented");
    let body = json!({"session_type": "cookie"});
    let request = http.request(Method::POST, "/api/anonymous_user/promotion_code").header(header::COOKIE, &cookie);
    let reply = Reply::of(request.json(&body)).await;
    reply.expect_api_error(401, "Unauthorized", "Unauthorized", "authentication required");
    for client in [server.app_client(), AppClient::new(http.clone(), "phone", "com.example.shop://host/path")] {
        expect_login_required(&get(&silent(&client)).await);
    }
    assert_eq!(get("/logout").await.header("location"), Some("/logged-out"));
    let page = get("/settings").await.expect(200);
    assert!(page.body.contains("You are a guest"));
}

/// A browser with another user signed in by cookie: a guest, with its `sub`.
async fn browser_of_a_guest(server: &TestServer) -> (Browser, String) {
    let mut browser = server.browser();
    browser.set_cookie("session", sign_up_cookie(server).await.strip_prefix("session=").expect("a cookie"));
    let sub = browser.fetch("/oauth2/userinfo").await.expect(200).json()["sub"].as_str().expect("a sub").to_string();
    (browser, sub)
}

async fn a_link_to_an_account_page_takes_no_session_over(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut attacker = Device::new(&scene.server, Platform::Android);
    let attackers = attacker.authenticate().await;
    let (guest, guests) = browser_of_a_guest(&scene.server).await;
    let victims = [(scene.browser.clone(), scene.sub.clone()), (guest, guests)];
    for (mut victim, sub) in victims {
        victim.open_from_elsewhere(&attacker.settings_url("/settings").await).await;
        let info = victim.fetch("/oauth2/userinfo").await.expect(200).json();
        assert_eq!(info["sub"], json!(sub));
        let blog = scene.server.other_client();
        victim.open(&silent(&blog)).await;
        let code = query(victim.at_app(), "code").expect("a code");
        let tokens = Tokens::read(&blog.exchange(&code).await.expect(200).json());
        assert_eq!(blog.subject(&tokens.access).await, sub);
        assert_ne!(sub, attackers);
        // The account page is still the victim's own.
        victim.open("/settings").await;
        let is_guest = victim.page().heading == "You are a guest";
        assert_eq!(is_guest, sub != scene.sub, "{}", victim.page().text);
    }
    scene.browser.open("/settings").await;
}

on_both_engines!(
    a_third_partys_token_opens_neither_authorize_nor_the_account,
    a_bound_guests_access_token_makes_no_unbound_refresh_token,
    a_guest_limited_by_its_application_stays_limited,
    an_app_session_opens_the_account_page_and_nothing_else,
    a_link_to_an_account_page_takes_no_session_over,
);
