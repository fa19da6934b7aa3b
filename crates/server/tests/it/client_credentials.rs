//! Tokens that applications get for themselves (RFC 6749 §4.4): what they are good for, and what they are not.

use reqwest::{Method, header};
use serde_json::{Value, json};
use vestibule_app::admin::keys::AdminScope;

use crate::{
    client_authentication::give_secret,
    introspection::introspect,
    lifetimes::sign_up_cookie,
    support::{Admin, Engine, Reply, Setup, TestServer, on_both_engines},
    token::claims,
};

on_both_engines!(
    a_machine_gets_a_token_for_one_api,
    only_what_was_configured_is_granted,
    no_application_without_a_secret_of_the_operator_gets_one,
    a_token_without_a_user_is_none_of_a_users_tokens,
    it_ends_when_it_is_revoked_and_with_its_application,
    an_application_is_limited_from_all_its_addresses,
    resources_are_settings_like_others,
);

const TOKEN: &str = "/oauth2/token";
const ORDERS: &str = "https://orders.shop.example";
const STOCK: &str = "urn:shop:stock";
const SECRET: &str = "s3cret";

fn resources(setup: &mut Setup) {
    setup.set_client("machine", "resources", vec![format!("{ORDERS} orders:read orders:write"), STOCK.to_string()]);
    setup.set_client("backend", "resources", vec![format!("{ORDERS} orders:read")]);
    setup.set_client("backend", "access_token_lifetime_seconds", 40_000_000);
}

async fn start(engine: Engine) -> TestServer {
    let server = TestServer::start(engine, resources).await;
    for client in ["machine", "backend", "partner"] {
        give_secret(&server, client, SECRET).await;
    }
    server
}

async fn ask(server: &TestServer, client: &str, more: &[(&str, &str)]) -> Reply {
    let request = server.http().request(Method::POST, TOKEN).basic_auth(client, Some(SECRET));
    Reply::of(request.form(&[&[("grant_type", "client_credentials")], more].concat())).await
}

async fn get_token(server: &TestServer, client: &str, more: &[(&str, &str)]) -> String {
    let body = ask(server, client, more).await.expect(200).json();
    body["access_token"].as_str().expect("a token").to_string()
}

async fn a_machine_gets_a_token_for_one_api(engine: Engine) {
    let server = start(engine).await;
    let now = server.clock.now().as_seconds();
    let reply = ask(&server, "machine", &[("resource", ORDERS), ("scope", "orders:read")]).await.expect(200);
    assert_eq!((reply.header("cache-control"), reply.header("pragma")), (Some("no-store"), Some("no-cache")));
    let mut body = reply.json();
    let token = body["access_token"].take();
    assert_eq!(
        body,
        json!({"token_type": "Bearer", "access_token": null, "expires_in": 1_800, "scope": "orders:read"})
    );
    let (header, mut payload) = claims(token.as_str().expect("a token"));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("RS256")));
    assert!(payload["jti"].as_str().is_some_and(|jti| jti.len() >= 20));
    payload["jti"].take();
    let expected = json!({
        "iss": server.origin, "aud": [ORDERS], "sub": "client_id_machine", "client_id": "machine",
        "scope": "orders:read", "iat": now, "exp": now + 1_800, "jti": null,
    });
    assert_eq!(payload, expected);
    // Without scopes it gets all it has; an API without scopes has none to say.
    let all = ask(&server, "machine", &[("resource", ORDERS)]).await.expect(200).json();
    assert_eq!(all["scope"], "orders:read orders:write");
    let none = ask(&server, "machine", &[("resource", STOCK)]).await.expect(200).json();
    assert_eq!(none.get("scope"), None);
    assert_eq!(claims(none["access_token"].as_str().expect("a token")).1.get("scope"), None);
    // A confidential application, too, for four weeks at most; with the secret in the body.
    let fields = [("client_id", "backend"), ("client_secret", SECRET), ("resource", ORDERS)];
    let fields = [&[("grant_type", "client_credentials")], &fields[..]].concat();
    let body = server.http().post_form(TOKEN, &fields).await.expect(200).json();
    assert_eq!((&body["scope"], &body["expires_in"]), (&json!("orders:read"), &json!(2_419_200)));
    let logged = server.events("m2m.token.created").await;
    assert_eq!(logged.len(), 4);
    let first = json!({"client_id": "machine", "resource": ORDERS, "scope": "orders:read"});
    assert_eq!(logged[0]["payload"], first);
    assert_eq!((&logged[0]["context"]["client_id"], logged[0]["context"].get("user_id")), (&json!("machine"), None));
    assert!(!logged[0].to_string().contains(token.as_str().expect("a token")));
}

async fn only_what_was_configured_is_granted(engine: Engine) {
    let server = start(engine).await;
    let repeated = [("resource", ORDERS), ("resource", STOCK)];
    let cases: &[(&str, &[(&str, &str)], &str, &str)] = &[
        ("machine", &[], "invalid_target", "resource is required"),
        ("machine", &[("resource", "")], "invalid_target", "resource is required"),
        ("machine", &[("resource", "https://other.example")], "invalid_target", "resource not found"),
        ("machine", &[("resource", "https://orders.shop.example/")], "invalid_target", "resource not found"),
        ("machine", &[("resource", &server.origin)], "invalid_target", "resource not found"),
        ("backend", &[("resource", STOCK)], "invalid_target", "client is not associated with the resource"),
        ("machine", &repeated, "invalid_target", "only one resource is allowed"),
        (
            "backend",
            &[("resource", ORDERS), ("scope", "orders:read orders:write")],
            "invalid_scope",
            "the client does not have the scope 'orders:write' of the resource",
        ),
        (
            "machine",
            &[("resource", STOCK), ("scope", "orders:read")],
            "invalid_scope",
            "the client does not have the scope 'orders:read' of the resource",
        ),
        (
            "machine",
            &[("resource", ORDERS), ("scope", "openid https://authgear.com/scopes/full-access")],
            "invalid_scope",
            "the client does not have the scope 'openid' of the resource",
        ),
        ("machine", &[("resource", ORDERS), ("scope", "a\"b")], "invalid_scope", "malformed scope"),
    ];
    for (client, fields, error, description) in cases {
        ask(&server, client, fields).await.expect_oauth_error(400, error, description);
    }
    assert_eq!(server.events("m2m.token.created").await, Vec::<Value>::new());
}

async fn no_application_without_a_secret_of_the_operator_gets_one(engine: Engine) {
    let server = start(engine).await;
    let grant = [("grant_type", "client_credentials"), ("resource", ORDERS)];
    for client in ["web", "blog", "phone"] {
        for secret in [None, Some(SECRET)] {
            let more = [("client_id", client)].into_iter().chain(secret.map(|secret| ("client_secret", secret)));
            let fields: Vec<_> = grant.into_iter().chain(more).collect();
            let reply = server.http().post_form(TOKEN, &fields).await;
            reply.expect_oauth_error(400, "unauthorized_client", "grant type is not allowed for this client");
        }
    }
    let reply = ask(&server, "partner", &grant[1..]).await;
    reply.expect_oauth_error(400, "unauthorized_client", "grant type is not allowed for this client");
    for client in ["machine", "backend"] {
        let fields = [&grant[..], &[("client_id", client)]].concat();
        let reply = server.http().post_form(TOKEN, &fields).await;
        reply.expect_oauth_error(400, "invalid_client", "client secret is required");
        let fields = [&fields[..], &[("client_secret", "wrong")]].concat();
        let reply = server.http().post_form(TOKEN, &fields).await;
        reply.expect_oauth_error(400, "invalid_client", "invalid client secret");
    }
    let wrong = server.http().request(Method::POST, TOKEN).basic_auth("machine", Some("wrong")).form(&grant);
    let reply = Reply::of(wrong).await.expect(401);
    assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"client\""));
}

async fn a_token_without_a_user_is_none_of_a_users_tokens(engine: Engine) {
    let server = start(engine).await;
    let (http, token) = (server.http(), get_token(&server, "machine", &[("resource", ORDERS)]).await);
    let with = |method: Method, path: &str| http.request(method, path).bearer_auth(&token);
    let user_info = Reply::of(with(Method::GET, "/oauth2/userinfo")).await.expect(401);
    assert_eq!(user_info.json().get("sub"), None);
    let resolved = Reply::of(with(Method::GET, "/_resolver/resolve")).await.expect(200);
    assert_eq!(resolved.header("x-authgear-session-valid"), Some("false"));
    assert_eq!(resolved.header("x-authgear-user-id"), None);
    for level in ["session", "member"] {
        Reply::of(with(Method::GET, &format!("/_resolver/resolve?require={level}"))).await.expect(401);
    }
    for path in ["/_api/admin/v1/users", "/_api/admin/v1/applications"] {
        Reply::of(with(Method::GET, path)).await.expect(401);
    }
    let code = json!({"session_type": "cookie"});
    let reply = Reply::of(with(Method::POST, "/api/anonymous_user/promotion_code").json(&code)).await;
    assert!((400..500).contains(&reply.status), "{reply:?}");
    let id_token = [("grant_type", "urn:authgear:params:oauth:grant-type:id-token"), ("client_id", "web")];
    Reply::of(with(Method::POST, TOKEN).form(&id_token)).await.expect(401);
    let fields = [("grant_type", "refresh_token"), ("client_id", "web"), ("refresh_token", token.as_str())];
    http.post_form(TOKEN, &fields).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    // It does not end a session either, and a cookie beside it is judged as if it were not there.
    let cookie = sign_up_cookie(&server).await;
    let hint = format!("/oauth2/end_session?id_token_hint={token}");
    Reply::of(http.request(Method::GET, &hint).header(header::COOKIE, &cookie)).await;
    let both = with(Method::GET, "/oauth2/userinfo").header(header::COOKIE, &cookie);
    let seen = Reply::of(both).await.expect(200).json();
    assert!(seen["sub"].as_str().is_some_and(|sub| !sub.starts_with("client_id_")), "{seen}");
}

async fn it_ends_when_it_is_revoked_and_with_its_application(engine: Engine) {
    let server = start(engine).await;
    let resource = [("resource", ORDERS)];
    let token = get_token(&server, "machine", &resource).await;
    let payload = claims(&token).1;
    let reported = introspect(&server, "backend", SECRET, &token).await.expect(200).json();
    let expected = json!({
        "active": true, "iss": server.origin, "aud": [ORDERS], "sub": "client_id_machine", "client_id": "machine",
        "token_type": "Bearer", "scope": "orders:read orders:write",
        "iat": payload["iat"], "exp": payload["exp"], "jti": payload["jti"],
    });
    assert_eq!(reported, expected);
    let is_active = async |token: &str| introspect(&server, "machine", SECRET, token).await.json()["active"] == true;
    // A third party's questions are about its own tokens.
    let of_partner = introspect(&server, "partner", SECRET, &token).await.expect(200).json();
    assert_eq!(of_partner, json!({"active": false}));
    let revoke = async |client: Option<&str>, status: u16| {
        let request = server.http().request(Method::POST, "/oauth2/revoke").form(&[("token", token.as_str())]);
        let request = match client {
            Some(client) => request.basic_auth(client, Some(SECRET)),
            None => request,
        };
        Reply::of(request).await.expect(status)
    };
    revoke(None, 401).await;
    revoke(Some("backend"), 400).await;
    assert!(is_active(&token).await);
    revoke(Some("machine"), 200).await;
    revoke(Some("machine"), 200).await;
    assert!(!is_active(&token).await);
    // A scope, a resource or an application that is removed is gone from the tokens at once.
    let token = get_token(&server, "machine", &resource).await;
    let set = async |entries: Vec<String>| {
        server.change_project(|setup| setup.set_client("machine", "resources", entries)).await;
    };
    set(vec![format!("{ORDERS} orders:read")]).await;
    assert_eq!(introspect(&server, "machine", SECRET, &token).await.json()["scope"], "orders:read");
    set(vec![STOCK.to_string()]).await;
    assert!(!is_active(&token).await);
    server.change_project(resources).await;
    assert!(is_active(&token).await);
    server.clock.advance_seconds(1);
    server
        .change_project(|setup| {
            resources(setup);
            setup.set_client("machine", "x_application_type", "confidential");
            setup.set_client("machine", "redirect_uris", vec!["https://machine.test/callback"]);
        })
        .await;
    let seen = introspect(&server, "backend", SECRET, &token).await.expect(200).json();
    assert_eq!(seen, json!({"active": false}), "it was issued to an application of another kind");
    let token = get_token(&server, "backend", &resource).await;
    server.clock.advance_seconds(2_419_201);
    let seen = introspect(&server, "backend", SECRET, &token).await.expect(200).json();
    assert_eq!(seen, json!({"active": false}));
}

async fn an_application_is_limited_from_all_its_addresses(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        resources(setup);
        setup.configure("server.trusted_proxies", "127.0.0.1");
        setup.configure("rate_limits.tokens_per_application", "6");
    })
    .await;
    give_secret(&server, "machine", SECRET).await;
    give_secret(&server, "backend", SECRET).await;
    let ask = async |client: &str, address: String| {
        let fields = [("grant_type", "client_credentials"), ("resource", ORDERS)];
        let request = server.http().request(Method::POST, TOKEN).basic_auth(client, Some(SECRET));
        Reply::of(request.header("x-forwarded-for", address).form(&fields)).await
    };
    for number in 0..6 {
        ask("machine", format!("203.0.113.{number}")).await.expect(200);
    }
    let reply = ask("machine", "203.0.113.7".to_string()).await;
    assert_eq!(reply.header("retry-after"), Some("10"));
    reply.expect_oauth_error(429, "x_rate_limited", "rate limit exceeded, please try again later.");
    ask("backend", "203.0.113.7".to_string()).await.expect(200);
}

async fn resources_are_settings_like_others(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let admin = Admin::new(&server, &[AdminScope::SettingsWrite]).await;
    let machine =
        |resources: Value| json!({"client_id": "nightly", "x_application_type": "m2m", "resources": resources});
    for refused in [
        json!([format!("{}/api read", server.origin)]),
        json!(["orders read"]),
        json!([format!("{ORDERS} openid")]),
        json!([format!("{ORDERS} a"), format!("{ORDERS} b")]),
    ] {
        admin.post("/applications", &machine(refused)).await.expect(422);
    }
    let made = admin.post("/applications", &machine(json!([format!("{ORDERS} read")]))).await.expect(201).json();
    assert_eq!(made["resources"], json!([format!("{ORDERS} read")]));
    let secret = admin.post("/applications/nightly/secrets", &json!({})).await.expect(201).json();
    let secret = secret["secret"].as_str().expect("a secret").to_string();
    let fields = [("grant_type", "client_credentials"), ("client_id", "nightly"), ("client_secret", &secret)];
    let fields = [&fields[..], &[("resource", ORDERS)]].concat();
    assert_eq!(server.http().post_form(TOKEN, &fields).await.expect(200).json()["scope"], "read");
    let mut owner = server.owner().await;
    owner.open("/portal/p/test/applications/new/machine").await;
    owner.fill("Client ID", "weekly");
    owner.press("Create application").await;
    owner.expect_page(200, "Quick start");
    assert!(owner.page().text.contains("grant_type=client_credentials"), "{}", owner.page().text);
    owner.open("/portal/p/test/applications/weekly").await;
    owner.fill("Resources", &format!("{ORDERS} read\n{STOCK}"));
    owner.press("Save").await;
    let project = server.app.projects.find_by_id("test").expect("the project");
    let weekly = project.settings.client("weekly").expect("the application");
    assert_eq!(weekly.resources, [format!("{ORDERS} read"), STOCK.to_string()]);
    owner.open("/portal/p/test/applications/nightly").await;
    owner.fill("Resources", "nonsense");
    owner.press("Save").await;
    let page = owner.expect_page(422, "nightly");
    assert!(page.problem("resources").is_some_and(|text| text.contains("absolute URI")), "{:?}", page.problems);
}
