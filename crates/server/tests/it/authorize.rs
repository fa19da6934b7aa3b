//! `GET|POST /oauth2/authorize`: pages, and responses to the app.

use reqwest::Method;
use serde_json::json;
use url::Url;

use crate::{
    promotion::answer_of,
    support::{AppClient, Browser, Engine, Reply, TestServer, on_both_engines, query},
    token::sign_up_member,
};

/// Sends the request without following redirects.
async fn ask(client: &AppClient, more: &[(&str, &str)]) -> Reply {
    client.http.get(&client.authorize_url(more)).await
}

fn landing(reply: &Reply) -> Url {
    assert_eq!(reply.status, 303, "{reply:?}");
    reply.header("location").expect("a way back").parse().expect("a URL")
}

async fn wrong_targets_get_an_error_page_and_no_redirect(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (web, blog) = (server.app_client(), server.other_client());
    let unknown_client = "unauthorized_client: invalid client ID";
    let foreign_uri = "invalid_request: redirect URI is not allowed";
    fn uri(value: &str) -> (&str, &str) {
        ("redirect_uri", value)
    }
    for (client, more, text) in [
        (&web, ("client_id", ""), unknown_client),
        (&web, ("client_id", "nobody"), unknown_client),
        (&web, ("client_id", "machine"), unknown_client),
        (&web, uri("http://evil.test/after-login"), foreign_uri),
        (&web, uri("http://shop.test/after-login/"), foreign_uri),
        (&web, uri("http://shop.test/after-login?x=1"), foreign_uri),
        (&web, uri("http://shop.test/After-login"), foreign_uri),
        (&web, uri("http://shop.test:8080/after-login"), foreign_uri),
        (&web, uri("https://shop.test/after-login"), foreign_uri),
        (&web, uri("http://blog.test/after-login"), foreign_uri),
        (&web, uri(&format!("{}.evil.test/settings", server.origin)), foreign_uri),
        (&web, uri(&format!("{}@evil.test/", server.origin)), foreign_uri),
        (&web, uri("javascript:alert(1)"), foreign_uri),
        // Omitted, although the application has two.
        (&blog, uri(""), foreign_uri),
    ] {
        let reply = ask(client, &[more]).await.expect(400);
        assert_eq!(reply.header("location"), None, "{more:?}");
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(reply.body, format!("Invalid OAuth authorization request: {text}\n"), "{more:?}");
    }
    // A browser gets a page, with the same text for its developer, what was received, and what to do.
    let mut browser = server.browser();
    for (more, parts) in [
        (uri("http://evil.test/<b>"), [foreign_uri, "Client ID web", "http://evil.test/<b>", "Add this redirect URI"]),
        (
            ("client_id", "nobody"),
            [unknown_client, "Client ID nobody", "http://shop.test/after-login", "No application"],
        ),
    ] {
        browser.open(&web.authorize_url(&[more])).await;
        let page = browser.expect_page(400, "This link does not work");
        for part in parts {
            assert!(page.text.contains(part), "{part}: {}", page.text);
        }
    }
}

async fn a_native_application_gets_its_code_on_any_loopback_port(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        for client in ["phone", "web"] {
            setup.set_client(client, "redirect_uris", vec!["http://127.0.0.1/cb", "http://[::1]/cb"]);
        }
    })
    .await;
    let asked = "http://127.0.0.1:51004/cb";
    let phone = AppClient::new(server.http(), "phone", asked);
    let code = sign_up_member(&server, &phone, &[], "kim@shop.example").await;
    let other_port = phone.exchange_with(&code, &[("redirect_uri", "http://127.0.0.1:51005/cb")]).await;
    other_port.expect_oauth_error(400, "invalid_request", "invalid redirect URI");
    phone.exchange(&code).await.expect(200);
    for (client_id, uri, allowed) in [
        ("phone", "http://[::1]:51004/cb", true),
        ("phone", "http://127.0.0.1:51004/other", false),
        ("phone", "http://localhost:51004/cb", false),
        ("web", asked, false),
        ("web", "http://127.0.0.1:80/cb", true),
    ] {
        let reply = ask(&AppClient::new(server.http(), client_id, uri), &[("prompt", "none")]).await;
        assert_eq!(reply.status, if allowed { 303 } else { 400 }, "{client_id} {uri}");
    }
    // Not in CORS: a page on another port is another origin.
    let preflight = server.http().request(Method::OPTIONS, "/oauth2/token").header("origin", "http://127.0.0.1:51004");
    assert_eq!(Reply::of(preflight).await.header("access-control-allow-origin"), None);
}

async fn another_spelling_of_the_host_is_the_same_redirect_uri(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let web = AppClient::new(server.http(), "web", "HTTP://SHOP.test:80/after-login");
    let code = sign_up_member(&server, &web, &[], "kim@shop.example").await;
    web.exchange(&code).await.expect(200);
}

async fn every_answer_names_its_issuer(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let web = server.app_client();
    let issuer = |url: &Url| query(url, "iss");
    let refused = landing(&ask(&web, &[("prompt", "none"), ("state", "s")]).await);
    assert_eq!(issuer(&refused).as_ref(), Some(&server.origin));
    let early = landing(&ask(&web, &[("scope", "a\"")]).await);
    assert_eq!(issuer(&early).as_ref(), Some(&server.origin));
    let mut browser = server.browser();
    browser.open(&web.authorize_url(&[])).await;
    browser.follow("Create an account").await;
    browser.fill("Email address", "kim@shop.example");
    browser.fill("Password", "violet tugboat marmalade");
    browser.press("Create account").await;
    browser.fill("Code", &server.mailbox().next_code("kim@shop.example").await);
    browser.press("Confirm").await;
    assert_eq!(issuer(browser.at_app()).as_ref(), Some(&server.origin));
    let form = ask(&web, &[("prompt", "none"), ("response_mode", "form_post")]).await.expect(200);
    assert!(form.body.contains(&format!("name=\"iss\" value=\"{}\"", server.origin)), "{}", form.body);
}

async fn other_mistakes_travel_back_with_the_state(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.set_client("blog", "x_max_concurrent_session", 1)).await;
    let (web, blog) = (server.app_client(), server.other_client());
    let partner = AppClient::new(server.http(), "partner", "https://partner.test/callback");
    let full_access = "https://authgear.com/scopes/full-access";
    let cases: &[(&AppClient, &[(&str, &str)], &str)] = &[
        (&web, &[("response_type", "codes")], "unsupported_response_type"),
        (&web, &[("response_type", "token"), ("response_mode", "query")], "unsupported_response_type"),
        (&web, &[("response_type", "")], "invalid_request"),
        (&web, &[("scope", "")], "invalid_request"),
        (&web, &[("scope", "openid nonsense")], "invalid_scope"),
        (&web, &[("scope", "offline_access")], "invalid_scope"),
        (&web, &[("scope", "openid \"")], "invalid_scope"),
        (&partner, &[("scope", &format!("openid {full_access}"))], "invalid_scope"),
        (&web, &[("prompt", "none login")], "invalid_request"),
        (&web, &[("prompt", "none"), ("max_age", "10")], "invalid_request"),
        (&web, &[("prompt", "nonsense")], "invalid_request"),
        (&web, &[("code_challenge", "")], "invalid_request"),
        (&web, &[("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
        (&web, &[("code_challenge_method", "plain")], "invalid_request"),
        (&web, &[("code_challenge_method", "")], "invalid_request"),
        (&web, &[("code_challenge", "short")], "invalid_request"),
        (&web, &[("login_hint", "https://authgear.com/login_hint?type=nonsense")], "invalid_request"),
        (&web, &[("login_hint", "https://authgear.com/login_hint?type=anonymous")], "invalid_request"),
        (&blog, &[("x_sso_enabled", "true")], "invalid_request"),
        (&web, &[("prompt", "none")], "login_required"),
        (&web, &[("response_mode", "nonsense")], "invalid_request"),
        (&web, &[("response_mode", "cookie")], "invalid_request"),
        (
            &web,
            &[("response_type", "urn:authgear:params:oauth:response-type:pre-authenticated-url token")],
            "unauthorized_client",
        ),
    ];
    for (client, more, error) in cases {
        let more = [*more, &[("state", "s&1 ü")]].concat();
        let url = landing(&ask(client, &more).await);
        assert!(url.as_str().starts_with(&format!("{}?", client.redirect_uri)), "{url}");
        assert_eq!(query(&url, "error").as_deref(), Some(*error), "{more:?}: {url}");
        assert!(query(&url, "error_description").is_some_and(|text| !text.is_empty()), "{url}");
        assert_eq!(query(&url, "state").as_deref(), Some("s&1 ü"));
        assert_eq!(query(&url, "code"), None);
    }
    let url = landing(&ask(&web, &[("scope", "")]).await);
    assert_eq!(query(&url, "state"), None, "no state, none echoed");
}

async fn errors_come_in_the_response_mode_asked_for(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let reply = ask(&client, &[("prompt", "none"), ("response_mode", "fragment"), ("state", "s")]).await;
    let url = landing(&reply);
    assert_eq!(url.query(), None);
    assert!(url.fragment().is_some_and(|f| f.starts_with("error=login_required&") && f.ends_with("&state=s")), "{url}");
    // Clients that ask for tokens read the fragment.
    for response_type in ["token", "id_token", "id_token token", "code id_token"] {
        let url = landing(&ask(&client, &[("response_type", response_type), ("state", "s")]).await);
        assert_eq!(url.query(), None, "{url}");
        let fragment = url.fragment().unwrap_or_default();
        assert!(fragment.starts_with("error=unsupported_response_type&") && fragment.ends_with("&state=s"), "{url}");
    }
    let mut browser = server.browser();
    browser.open(&client.authorize_url(&[("prompt", "none"), ("response_mode", "form_post"), ("state", "s\"<")])).await;
    let form = browser.page().forms[0].clone();
    assert_eq!((browser.reply().status, form.action.as_str()), (200, client.redirect_uri.as_str()));
    assert_eq!(form.fields[0], ("error".to_string(), "login_required".to_string()));
    assert!(form.fields.contains(&("state".to_string(), "s\"<".to_string())));
    // The script that submits the form is there.
    let script = browser.reply().body.split("<script src=\"").nth(1).and_then(|rest| rest.split('"').next());
    let reply = server.http().get(script.expect("a script")).await.expect(200);
    assert!(reply.body.contains(".submit()"), "{reply:?}");
}

async fn a_form_that_leads_to_the_app_is_not_held_back_by_the_policy(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser) = (server.app_client(), server.browser());
    let policy = |browser: &Browser| {
        let policy = browser.reply().header("content-security-policy").expect("a policy").to_string();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        policy
    };
    browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
    for target in [
        client.authorize_url(&[("prompt", "login")]),
        client.authorize_url(&[("x_sso_enabled", "true")]),
        client.authorize_url(&[("prompt", "none"), ("response_mode", "form_post")]),
        "/logout?post_logout_redirect_uri=http%3A%2F%2Fshop.test%2Fbye".to_string(),
    ] {
        browser.open(&target).await;
        assert!(!browser.page().forms.is_empty(), "{target}");
        // The app decides on its own redirects: Chromium applies the directive to all of them.
        assert!(!policy(&browser).contains("form-action"), "{target}");
    }
    for target in ["/logout", "/settings", "/settings/delete"] {
        browser.open(target).await;
        assert!(policy(&browser).ends_with("; form-action 'self'"), "{target}");
    }
}

async fn an_omitted_redirect_uri_means_the_only_one(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let url = landing(&ask(&client, &[("redirect_uri", ""), ("prompt", "none")]).await);
    assert!(url.as_str().starts_with("http://shop.test/after-login?error=login_required"), "{url}");
}

async fn the_request_may_be_posted(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let url = Url::parse(&server.app_client().authorize_url(&[("state", "s")])).expect("a URL");
    let fields: Vec<_> = url.query_pairs().map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
    let reply = Reply::of(server.http().request(Method::POST, "/oauth2/authorize").form(&fields)).await.expect(200);
    assert!(reply.body.contains("<h1>Welcome back</h1>") && reply.body.contains("name=\"_flow\""), "{reply:?}");
}

async fn repeated_parameters_are_refused(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let twice = |name: &str| format!("{}&{name}=x", client.authorize_url(&[]));
    for name in ["client_id", "redirect_uri"] {
        let reply = client.http.get(&twice(name)).await.expect(400);
        assert_eq!(reply.header("location"), None, "{name}");
    }
    for name in ["scope", "response_type", "code_challenge"] {
        let url = landing(&client.http.get(&twice(name)).await);
        assert_eq!(query(&url, "error").as_deref(), Some("invalid_request"), "{name}");
    }
}

async fn a_cookie_session_answers_prompt_none_unless_it_is_suppressed(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser) = (server.app_client(), server.browser());
    browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
    let sub = browser.fetch("/oauth2/userinfo").await.expect(200).json()["sub"].clone();
    browser.open(&client.authorize_url(&[("prompt", "none")])).await;
    assert_eq!(query(browser.at_app(), "error").as_deref(), Some("login_required"));
    browser.open(&client.authorize_url(&[("prompt", "none"), ("x_sso_enabled", "true"), ("state", "s")])).await;
    assert_eq!(query(browser.at_app(), "state").as_deref(), Some("s"));
    let tokens = client.finish(browser.at_app()).await;
    assert_eq!(client.subject(&tokens.access).await, sub);
    let sso = [("prompt", "none"), ("x_sso_enabled", "true"), ("response_type", "none"), ("state", "s")];
    browser.open(&client.authorize_url(&sso)).await;
    assert_eq!(answer_of(&browser), ("http://shop.test/after-login", vec!["iss".into(), "state".into()]));
}

async fn pages_follow_the_language_and_colors_of_the_request(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut browser = server.browser();
    let url = server.app_client().authorize_url(&[("ui_locales", "xx en"), ("x_color_scheme", "dark")]);
    browser.open(&url).await;
    assert!(browser.reply().body.contains("<html lang=\"en\" dir=\"ltr\" data-color-scheme=\"dark\">"));
}

on_both_engines!(
    a_native_application_gets_its_code_on_any_loopback_port,
    another_spelling_of_the_host_is_the_same_redirect_uri,
    every_answer_names_its_issuer,
    wrong_targets_get_an_error_page_and_no_redirect,
    other_mistakes_travel_back_with_the_state,
    errors_come_in_the_response_mode_asked_for,
    a_form_that_leads_to_the_app_is_not_held_back_by_the_policy,
    an_omitted_redirect_uri_means_the_only_one,
    the_request_may_be_posted,
    repeated_parameters_are_refused,
    a_cookie_session_answers_prompt_none_unless_it_is_suppressed,
    pages_follow_the_language_and_colors_of_the_request,
);
