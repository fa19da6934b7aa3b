//! The Admin API itself: keys, scopes, versions, idempotency, and its description.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_app::{admin::keys::AdminScope, crypto::sha256};
use vestibule_server::routes::{CredentialKind, Face, list_routes};
use vestibule_store::admin_keys;

use crate::support::{Admin, Engine, KeyPair, Reply, TestServer, on_both_engines};

on_both_engines!(
    every_route_wants_a_key_with_its_scope,
    a_signed_token_is_a_key_too,
    settings_change_only_from_the_version_that_was_read,
    applications_and_their_secrets_come_and_go,
    new_applications_of_browsers_and_devices_sign_cheaply,
    a_write_with_an_idempotency_key_is_done_once,
    what_was_refused_is_repaired_under_the_same_key,
    an_answer_with_a_secret_is_kept_sealed,
    keys_make_keys_but_never_stronger_ones,
    a_key_that_asks_too_often_has_to_wait,
    a_body_of_very_many_values_is_refused_before_it_is_parsed,
    a_path_that_is_not_text_is_refused_with_a_problem,
);

fn described() -> Vec<(Method, String, AdminScope)> {
    let text = include_str!("../../src/admin_api/openapi.json");
    let api: Value = serde_json::from_str(text).expect("JSON");
    let mut routes = Vec::new();
    for (path, methods) in api["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let described = operation["description"].as_str().expect("a description");
            let scope = described.rsplit_once("Needs the scope ").expect("a scope").1.trim_end_matches('.');
            let path = path
                .replace("{user_id}", "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab")
                .replace("{client_id}", "web")
                .replace("{key_id}", "none")
                .replace("{secret_id}", "none")
                .replace("{session_id}", "none")
                .replace("{device_key_id}", "none")
                .replace("{delivery_id}", "7");
            let method = method.to_uppercase().parse().expect("a method");
            routes.push((method, path, AdminScope::parse(scope).expect("a scope there is")));
        }
    }
    assert!(routes.len() > 30);
    routes
}

/// The routers are built from the table, so what it has is what is served.
#[test]
fn every_route_for_keys_is_described_with_its_scope_and_no_other() {
    let text = include_str!("../../src/admin_api/openapi.json");
    let api: Value = serde_json::from_str(text).expect("JSON");
    let prefix = api["servers"][0]["url"].as_str().expect("a path");
    let mut described = BTreeSet::new();
    for (path, methods) in api["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let security = &operation["security"];
            let scope = security[0]["bearer"][0].as_str().expect("a scope");
            assert_eq!(*security, json!([{"bearer": [scope]}]), "{method} {path}");
            let sentence = format!("Needs the scope {scope}.");
            assert!(operation["description"].as_str().expect("a text").ends_with(&sentence), "{method} {path}");
            described.insert((method.to_uppercase(), format!("{prefix}{path}"), scope.to_string()));
            let parts: BTreeSet<&str> =
                path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let parameters = parameters.map(|one| {
                let target = one["$ref"].as_str().and_then(|path| api.pointer(path.strip_prefix('#')?));
                target.unwrap_or(one)
            });
            let in_path = parameters.filter(|one| one["in"] == "path").filter_map(|one| one["name"].as_str());
            assert_eq!(in_path.collect::<BTreeSet<_>>(), parts, "{method} {path}");
        }
    }
    let (mut served, mut open) = (BTreeSet::new(), Vec::new());
    for route in list_routes().into_iter().filter(|route| route.face == Face::AdminApi) {
        match route.accepts.as_slice() {
            [CredentialKind::AdminKey(scope)] => {
                served.insert((route.method, route.path, scope.as_str().to_string()));
            }
            other => {
                assert!(other.is_empty(), "{} {}: {other:?}", route.method, route.path);
                open.push(route.path);
            }
        }
    }
    assert_eq!(described, served);
    // The description itself needs no key and is not described.
    assert_eq!(open, ["/_api/admin/v1/openapi.json", "/_api/admin/v1/docs"]);
}

async fn every_route_wants_a_key_with_its_scope(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let all_but = |scope: AdminScope| AdminScope::ALL.into_iter().filter(|one| *one != scope).collect::<Vec<_>>();
    let mut weak = Vec::new();
    for scope in AdminScope::ALL {
        weak.push((scope, Admin::new(&server, &all_but(scope)).await));
    }
    let revoked = Admin::of(&server).await;
    let admin = Admin::of(&server).await;
    admin.delete(&format!("/keys/{}", revoked.key_id)).await.expect(204);
    for (method, path, scope) in described() {
        // Refusals are counted per address, and these all come from one.
        server.clock.advance_seconds(60);
        let anonymous = server.http().request(method.clone(), &format!("/_api/admin/v1{path}"));
        let refused = Reply::of(anonymous).await;
        assert_eq!(refused.status, 401, "{method} {path}");
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        Reply::of(revoked.request(method.clone(), &path)).await.expect(401);
        let (_, key) = weak.iter().find(|(lacks, _)| *lacks == scope).expect("a key for each scope");
        let refused = Reply::of(key.request(method.clone(), &path)).await;
        assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("scope_missing")), "{method} {path}");
    }
    admin.get("/nowhere").await.expect(404);
    admin.delete("/users").await.expect(405);
    let forged = format!("{}x", admin.token);
    let other = Admin { token: forged, ..admin.clone() };
    other.get("/project").await.expect(401);
    server.http().get("/_api/admin/v1/openapi.json").await.expect(200);
    assert!(server.http().get("/_api/admin/v1/docs").await.expect(200).body.contains("<h1>"));
}

async fn a_signed_token_is_a_key_too(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let pair = KeyPair::ec();
    let scopes = ["users:read", "users:write", "events:read"];
    let new = json!({"name": "ops", "scopes": scopes, "public_jwk": pair.jwk("ops-1", false)});
    Admin::of(&server).await.post("/keys", &new).await.expect(201);
    let now = server.clock.now().as_seconds();
    let token = |claims: Value| pair.sign(r#"{"alg":"ES256","typ":"JWT","kid":"ops-1"}"#, &claims.to_string());
    let claims = json!({"aud": "test", "iat": now, "exp": now + 60, "audit_context": {"ticket": "42"}});
    let admin = Admin { http: server.http(), token: token(claims), key_id: "ops-1".into() };
    admin.get("/users").await.expect(200);
    admin.get("/project").await.expect(403);
    let guest = server.app_client().sign_up().await;
    let subject = server.app_client().subject(&guest.access).await;
    admin.post(&format!("/users/{subject}/disable"), &json!({})).await.expect(200);
    let log = admin.wait_until("/events?type=user.disabled", |log| log["events"][0].is_object()).await;
    assert_eq!(log["events"][0]["context"]["audit_context"], json!({"admin_key_id": "ops-1", "ticket": "42"}));
    assert_eq!(log["events"][0]["context"]["triggered_by"], "admin_api");
    for claims in [
        json!({"aud": "other", "iat": now, "exp": now + 60}),
        json!({"aud": "test", "iat": now - 900, "exp": now - 400}),
        json!({"aud": "test", "iat": now + 400, "exp": now + 900}),
    ] {
        let refused = Admin { token: token(claims), ..admin.clone() };
        refused.get("/users").await.expect(401);
    }
}

async fn settings_change_only_from_the_version_that_was_read(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let read = admin.get("/project").await.expect(200);
    let tag = read.header("etag").expect("a version").to_string();
    let mut settings = read.json()["settings"].clone();
    settings["authentication"]["identities"] = json!(["login_id"]);
    let put = |tag: Option<String>, settings: Value| {
        let request = admin.request(Method::PUT, "/project").json(&settings);
        Reply::of(match tag {
            Some(tag) => request.header("if-match", tag),
            None => request,
        })
    };
    put(None, settings.clone()).await.expect(428);
    put(Some("\"99\"".into()), settings.clone()).await.expect(412);
    // As a compressing proxy sends it.
    let changed = put(Some(format!("W/{tag}")), settings.clone()).await.expect(200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    let body = json!({"session_type": "refresh_token", "client_id": "web"});
    let refused = server.http().post_json("/api/anonymous_user/signup", &body).await;
    assert_ne!(refused.status, 200, "guests are switched off at once");
    put(Some(tag), settings.clone()).await.expect(412);
    let now = changed.header("etag").map(str::to_string);
    settings["authentication"]["identitys"] = json!([]);
    let wrong = put(now, settings).await.expect(422).json();
    assert_eq!(wrong["errors"][0]["path"], "authentication.identitys");
    let log = admin.wait_until("/events?type=project.changed", |log| log["events"][0].is_object()).await;
    assert_eq!(log["events"][0]["payload"]["keys"], json!(["authentication.identities"]));
}

async fn applications_and_their_secrets_come_and_go(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let new =
        json!({"client_id": "shop-2", "x_application_type": "confidential", "redirect_uris": ["https://two.test/"]});
    admin.post("/applications", &new).await.expect(201);
    assert_eq!(admin.post("/applications", &new).await.expect(409).json()["code"], "client_id_taken");
    let secret = admin.post("/applications/shop-2/secrets", &json!({})).await.expect(201).json();
    let listed = admin.get("/applications/shop-2/secrets").await.expect(200).json();
    assert_eq!(listed["secrets"][0]["id"], secret["id"]);
    assert!(!listed.to_string().contains(secret["secret"].as_str().expect("a text")));
    assert_eq!(
        admin.post("/applications/web/secrets", &json!({})).await.expect(409).json()["code"],
        "no_secret_needed"
    );
    let path = format!("/applications/shop-2/secrets/{}", secret["id"].as_str().expect("an id"));
    admin.delete(&path).await.expect(204);
    admin.delete(&path).await.expect(404);
    let renamed = json!({"client_id": "shop-2", "name": "Two", "x_application_type": "confidential", "redirect_uris": ["https://two.test/"]});
    assert_eq!(admin.send(Method::PUT, "/applications/shop-2", &renamed).await.expect(200).json()["name"], "Two");
    let wrong = json!({"client_id": "shop-2", "redirect_uris": ["nowhere"]});
    let faults = admin.send(Method::PUT, "/applications/shop-2", &wrong).await.expect(422).json();
    assert!(faults["errors"][0]["path"].as_str().expect("a path").ends_with(".redirect_uris[0]"), "{faults}");
    admin.delete("/applications/shop-2").await.expect(204);
    admin.get("/applications/shop-2").await.expect(404);
    assert!(admin.get("/applications").await.expect(200).json()["applications"].as_array().expect("a list").len() > 3);
}

/// Existing applications, and those of a file, keep RS256, the default.
async fn new_applications_of_browsers_and_devices_sign_cheaply(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (admin, http) = (Admin::of(&server).await, server.http());
    let key = "id_token_signed_response_alg";
    for (name, kind, stated, expected) in [
        ("one", "spa", None, json!("ES256")),
        ("two", "native", None, json!("ES256")),
        ("three", "spa", Some("RS256"), json!("RS256")),
        ("four", "traditional_webapp", None, Value::Null),
        ("five", "confidential", None, Value::Null),
        ("six", "third_party_app", None, Value::Null),
    ] {
        let mut body = json!({"client_id": name, "x_application_type": kind, "redirect_uris": ["https://two.test/"]});
        if let Some(stated) = stated {
            body[key] = stated.into();
        }
        let made = admin.post("/applications", &body).await.expect(201).json();
        assert_eq!(made[key], expected, "{kind}");
        assert_eq!(admin.get(&format!("/applications/{name}")).await.expect(200).json()[key], expected);
    }
    let supported = http.get("/.well-known/openid-configuration").await.expect(200).json();
    let supported = supported["id_token_signing_alg_values_supported"].as_array().cloned().expect("a list");
    for (name, expected) in [("web", "RS256"), ("one", "ES256"), ("three", "RS256")] {
        let body = json!({"session_type": "refresh_token", "client_id": name});
        let guest = http.post_json("/api/anonymous_user/signup", &body).await.expect(200).json();
        let refresh = guest["result"]["refresh_token"].as_str().expect("a token");
        let form = [("grant_type", "refresh_token"), ("client_id", name), ("refresh_token", refresh)];
        let fresh = http.post_form("/oauth2/token", &form).await.expect(200).json();
        let (header, _) = crate::token::claims(fresh["id_token"].as_str().expect("an ID token"));
        assert_eq!(header["alg"], expected, "{name}");
        assert!(supported.contains(&header["alg"]), "discovery says what is used");
    }
}

async fn a_write_with_an_idempotency_key_is_done_once(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let create = |email: &str, key: &str| {
        let body = json!({"login_ids": [{"type": "email", "value": email}]});
        Reply::of(admin.request(Method::POST, "/users").header("idempotency-key", key).json(&body))
    };
    let first = create("kim@shop.test", "a").await.expect(201);
    let again = create("kim@shop.test", "a").await.expect(201);
    assert_eq!(first.json(), again.json());
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(create("lee@shop.test", "a").await.expect(422).json()["code"], "idempotency_key_reused");
    create("kim@shop.test", "a b").await.expect(400);
    let wrong = admin.request(Method::PUT, "/users").header("idempotency-key", "a");
    Reply::of(wrong).await.expect(405);
    let racers: Vec<_> = (0..10).map(|_| tokio::spawn(create("ann@shop.test", "c"))).collect();
    let mut created = Vec::new();
    for racer in racers {
        let reply = racer.await.expect("a reply");
        created.push(reply.expect(201).json()["id"].clone());
    }
    created.dedup();
    assert_eq!(created.len(), 1);
}

async fn what_was_refused_is_repaired_under_the_same_key(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let create = |email: &str| {
        let body = json!({"login_ids": [{"type": "email", "value": email}]}).to_string();
        admin.request(Method::POST, "/users").header("idempotency-key", "kim").body(body)
    };
    let json = |request: reqwest::RequestBuilder| Reply::of(request.header("content-type", "application/json"));
    Reply::of(create("kim@shop.test")).await.expect(415);
    let refused = json(create("no address")).await.expect(422).json();
    assert_eq!(refused["errors"][0]["message"], "the email address has no @ (email.missing_at)");
    let first = json(create("kim@shop.test")).await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!(json(create("kim@shop.test")).await.expect(201).header("idempotency-replayed"), Some("true"));

    // The version is part of the request: the response for one must not be used for another.
    let settings = admin.get("/project").await.expect(200).json()["settings"].clone();
    let put = |version: i64| {
        let request = admin.request(Method::PUT, "/project").header("idempotency-key", "put").json(&settings);
        Reply::of(request.header("if-match", format!("\"{version}\"")))
    };
    let version = admin.get("/project").await.json()["version"].as_i64().expect("a version");
    put(version + 7).await.expect(412);
    let changed = put(version).await.expect(200);
    let again = put(version).await.expect(200);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert!(changed.header("etag").is_some(), "{changed:?}");
    assert_eq!(again.header("etag"), changed.header("etag"), "who asks again can go on from there");
    assert_eq!(put(version + 1).await.expect(422).json()["code"], "idempotency_key_reused");
}

async fn an_answer_with_a_secret_is_kept_sealed(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::new(&server, &[AdminScope::KeysWrite, AdminScope::UsersRead]).await;
    let make = || {
        let body = json!({"name": "reader", "scopes": ["users:read"]});
        Reply::of(admin.request(Method::POST, "/keys").header("idempotency-key", "one").json(&body))
    };
    let made = make().await.expect(201).json();
    let again = make().await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.json(), made, "who lost the answer gets it, secret and all");

    let no = server.app.projects.find_by_id("test").expect("the project").no;
    let key = sha256(format!("{}\none", admin.key_id).as_bytes());
    let mut conn = server.app.store.read().await.expect("a connection");
    let kept = admin_keys::find_answer(&mut conn, no, key).await.expect("an answer").expect("kept");
    let kept = kept.answer.expect("a text");
    let secret = made["api_key"].as_str().expect("a key");
    assert!(kept.starts_with("versioned:") && !kept.contains(secret) && !kept.contains("vak_"), "{kept}");
}

async fn keys_make_keys_but_never_stronger_ones(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::new(&server, &[AdminScope::KeysWrite, AdminScope::UsersRead]).await;
    let strong = json!({"name": "strong", "scopes": ["users:read", "users:write"]});
    admin.post("/keys", &strong).await.expect(403);
    let made = admin.post("/keys", &json!({"name": "reader", "scopes": ["users:read"]})).await.expect(201).json();
    let reader = Admin { token: made["api_key"].as_str().expect("a key").into(), ..admin.clone() };
    reader.get("/users").await.expect(200);
    let listed = admin.get("/keys").await.expect(200).json();
    // Both were created at the same instant of the manual clock, so their order is undefined.
    assert!(listed["keys"].as_array().expect("keys").iter().any(|key| key["name"] == "reader"));
    admin.delete(&format!("/keys/{}", made["key"]["id"].as_str().expect("an id"))).await.expect(204);
    reader.get("/users").await.expect(401);
    for wrong in [json!({"name": "", "scopes": ["users:read"]}), json!({"name": "x", "scopes": []})] {
        admin.post("/keys", &wrong).await.expect(422);
    }
    admin.post("/keys", &json!({"name": "x", "scopes": ["all"]})).await.expect(400);
}

async fn a_key_that_asks_too_often_has_to_wait(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.configure("admin_api.requests_per_minute", "2")).await;
    let admin = Admin::of(&server).await;
    admin.get("/users").await.expect(200);
    admin.get("/users").await.expect(200);
    let refused = admin.get("/users").await.expect(429);
    assert_eq!(refused.header("retry-after"), Some("30"));
    server.clock.advance_seconds(30);
    admin.get("/users").await.expect(200);
}

async fn a_body_of_very_many_values_is_refused_before_it_is_parsed(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let many = format!("{{\"custom_attributes\":{{\"a\":[{}1]}}}}", "{\"q\":1},".repeat(40_000));
    for path in ["/users", "/applications"] {
        let request = admin.request(Method::POST, path).header("content-type", "application/json").body(many.clone());
        let refused = Reply::of(request).await.expect(413).json();
        assert_eq!(refused["code"], "too_large", "{refused}");
    }
}

/// As described: before, the framework refused it, as plain text.
async fn a_path_that_is_not_text_is_refused_with_a_problem(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    for (method, path) in [
        (Method::GET, "/users/%FF"),
        (Method::GET, "/applications/%FF"),
        (Method::POST, "/deliveries/%FF/replay"),
        (Method::DELETE, "/users/%FF/sessions/x"),
    ] {
        let reply = Reply::of(admin.request(method, path)).await.expect(400);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{path}");
        assert_eq!(reply.json()["code"], "unreadable", "{path}");
    }
}
