//! Inputs above their limits: rejected with the limit in the message, and never repeated at length.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::support::{Admin, Engine, Reply, TestServer, on_both_engines, query};

on_both_engines!(
    a_state_of_4_kib_is_returned_and_a_longer_one_is_an_error,
    parameters_of_every_endpoint_have_their_lengths,
    heads_have_their_lengths,
    what_is_unknown_is_named_shortly,
    the_admin_api_answers_shortly,
    an_import_has_a_bounded_number_of_lines_and_users_a_bounded_size,
    a_password_is_measured_with_its_owner_in_mind,
);

async fn a_state_of_4_kib_is_returned_and_a_longer_one_is_an_error(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let mut browser = server.browser();
    let state = "🦀".repeat(1_024);
    browser.open(&client.authorize_url(&[("prompt", "none"), ("state", &state)])).await;
    let url = browser.at_app();
    assert_eq!(query(url, "error").as_deref(), Some("login_required"));
    assert_eq!(query(url, "state"), Some(state.clone()));
    browser.open(&client.authorize_url(&[("prompt", "none"), ("state", &format!("{state}x"))])).await;
    let url = browser.at_app();
    assert_eq!(query(url, "error_description").as_deref(), Some("state is longer than 4096 bytes"));
    assert_eq!(query(url, "state"), None, "it is not carried back");
}

async fn parameters_of_every_endpoint_have_their_lengths(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (http, client) = (server.http(), server.app_client());
    let long = "x".repeat(20_000);
    for (path, name, most) in [
        ("/oauth2/token", "client_id", 256),
        ("/oauth2/token", "grant_type", 256),
        ("/oauth2/token", "refresh_token", 16_384),
        ("/oauth2/token", "code_verifier", 256),
        ("/oauth2/revoke", "token", 16_384),
        ("/oauth2/introspect", "token", 16_384),
        ("/oauth2/end_session", "state", 4_096),
        ("/oauth2/end_session", "id_token_hint", 16_384),
    ] {
        let reply = http.post_form(path, &[(name, &long)]).await;
        reply.expect_oauth_error(400, "invalid_request", &format!("{name} is longer than {most} bytes"));
    }
    let reply = http.get(&format!("/oauth2/end_session?post_logout_redirect_uri={}", &long[..4_097])).await;
    let output = "post_logout_redirect_uri is longer than 4096 bytes";
    reply.expect_oauth_error(400, "invalid_request", output);
    for name in ["client_id", "redirect_uri"] {
        let reply = http.get(&client.authorize_url(&[(name, &long[..5_000])])).await.expect(400);
        assert!(reply.body.contains(&format!("{name} is longer than ")) && reply.body.len() < 200, "{reply:?}");
    }
    for name in ["nonce", "x_state", "ui_locales", "x_settings_action_query"] {
        let reply = http.get(&client.authorize_url(&[(name, &long[..4_097]), ("state", "s")])).await.expect(303);
        let location = reply.header("location").expect("a location");
        let output = format!("{name}+is+longer+than+4096+bytes&state=s");
        assert!(location.ends_with(&output), "{location}");
    }
}

async fn heads_have_their_lengths(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    for path in ["/oauth2/userinfo", "/_resolver/resolve", "/settings", "/portal", "/_api/admin/v1/users"] {
        for (name, most) in [("cookie", 32), ("authorization", 16), ("dpop", 16), ("accept-language", 16)] {
            let request = server.http().request(Method::GET, path).header(name, "x".repeat(most * 1024 + 1));
            let reply = Reply::of(request).await.expect(431);
            assert_eq!(reply.body, format!("The header {name} is longer than {most} KiB.\n"), "{path}");
        }
        let reply = server.http().get(&format!("{path}?{}", "x".repeat(33_000))).await.expect(414);
        assert_eq!(reply.body, "The path and query are longer than 32 KiB.\n");
    }
    let cookies = (0..300).map(|n| format!("other-{n}={}", "x".repeat(90))).collect::<Vec<_>>().join("; ");
    let request = server.http().request(Method::GET, "/oauth2/userinfo").header("cookie", cookies);
    Reply::of(request).await.expect(401);
}

fn members(count: usize, length: usize) -> Map<String, Value> {
    (0..count).map(|n| (format!("{}{n:05}", "x".repeat(length)), json!(1))).collect()
}

async fn what_is_unknown_is_named_shortly(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (http, client) = (server.http(), server.app_client());
    for path in ["/api/anonymous_user/signup", "/api/anonymous_user/promotion_code", "/oauth2/challenge"] {
        let reply = http.post_json(path, &Value::Object(members(1_000, 900))).await.expect(400);
        assert!(reply.body.len() < 8_000, "{} bytes", reply.body.len());
        let causes = reply.json()["error"]["info"]["causes"].as_array().map(Vec::len);
        assert!(causes.is_some_and(|causes| causes <= 18), "{causes:?}");
    }
    let many = format!("[{}1]", "1,".repeat(400_000));
    let request = http.request(Method::POST, "/api/anonymous_user/signup").header("content-type", "application/json");
    let reply = Reply::of(request.body(many)).await;
    reply.expect_api_error(400, "BadRequest", "InvalidJSON", "request body is not valid JSON");
    for (name, word) in [("prompt", "y".repeat(200)), ("scope", format!("openid {}", "y".repeat(200)))] {
        let reply = http.get(&client.authorize_url(&[(name, &word)])).await.expect(303);
        let location = reply.header("location").expect("a location");
        assert!(location.contains(&"y".repeat(64)) && !location.contains(&"y".repeat(65)), "{location}");
    }
}

async fn the_admin_api_answers_shortly(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let project = admin.get("/project").await.expect(200);
    let tag = project.header("etag").expect("a version").to_string();
    let mut document = project.json();
    document.as_object_mut().expect("an object").extend(members(25_000, 20));
    let request = admin.request(Method::PUT, "/project").header("if-match", &tag).json(&document);
    let reply = Reply::of(request).await.expect(422);
    let errors = reply.json()["errors"].as_array().expect("errors").clone();
    assert_eq!(errors.len(), 17);
    assert_eq!(errors[16]["message"], "84 more are not listed");
    assert!(reply.body.len() < 16_000, "{} bytes", reply.body.len());

    let guest = server.app_client().sign_up().await;
    let user = format!("/users/{}", server.app_client().subject(&guest.access).await);
    let name = || "x".repeat(900_000);
    let login_id = json!({"type": "email", "value": "x".repeat(100)});
    for (method, path, body, status) in [
        (Method::POST, "/users", json!({ name(): 1 }), 400),
        (Method::POST, "/users", json!({"login_ids": [{"type": name()}]}), 400),
        (Method::POST, "/applications", json!({ name(): 1 }), 422),
        (Method::POST, "/keys", json!({"name": "a", "scopes": [name()]}), 400),
        (Method::POST, "/project/webhook-test", json!({"url": name()}), 404),
        (Method::PATCH, &user, json!({ "standard_attributes": members(25_000, 20) }), 422),
        (Method::PATCH, &user, json!({ "custom_attributes": members(25_000, 20) }), 422),
        (Method::POST, "/users", json!({"login_ids": vec![login_id; 6_000]}), 422),
    ] {
        let reply = admin.send(method.clone(), path, &body).await;
        assert_eq!(reply.status, status, "{method} {path}: {:.200}", reply.body);
        assert!(reply.body.len() < 4_000, "{method} {path}: {} bytes", reply.body.len());
    }
    // The size is checked first: what is in it is not.
    let nul = members(5_000, 20).into_iter().map(|(name, _)| (format!("{name}\0"), json!("\0"))).collect::<Map<_, _>>();
    for (method, path, of_users, limit) in
        [(Method::PATCH, user.as_str(), json!({}), 32_768), (Method::POST, "/users", json!({"login_ids": []}), 8_192)]
    {
        for set in ["standard_attributes", "custom_attributes"] {
            let mut body = of_users.clone();
            body[set] = nul.clone().into();
            let errors = admin.send(method.clone(), path, &body).await.expect(422).json()["errors"].clone();
            let message = errors[0]["message"].as_str().expect("a message");
            assert!(message.ends_with(&format!("more than {limit} bytes as JSON")), "{errors}");
            assert_eq!((errors.as_array().map(Vec::len), &errors[0]["path"]), (Some(1), &json!(set)), "{errors}");
        }
    }
    for query in ["/users?limit=", "/events?cursor=", "/users?kind="] {
        let reply = admin.get(&format!("{query}{}", "x".repeat(30_000))).await;
        assert!((400..500).contains(&reply.status) && reply.body.len() < 1_000, "{query}: {:.2000}", reply.body);
    }
}

async fn an_import_has_a_bounded_number_of_lines_and_users_a_bounded_size(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let import = async |body: String| {
        let request = admin.request(Method::POST, "/import/users").header("content-type", "application/x-ndjson");
        Reply::of(request.body(body)).await
    };
    let reply = import("x\n".repeat(10_001)).await.expect(422);
    assert_eq!(reply.json()["errors"][0]["message"], "send at most 10000 lines at once");
    let reply = import("x\n".repeat(10_000)).await.expect(200);
    assert_eq!(reply.json()["lines"].as_array().map(Vec::len), Some(10_000));

    let user = |change: &dyn Fn(&mut Value)| {
        let mut user = json!({
            "id": "01234567-89ab-7def-8123-456789abcdef", "created_at": 1, "updated_at": 1,
            "login_ids": [{
                "id": "01234567-89ab-7def-8123-456789abcdee", "type": "email", "value": "a@b.test", "original": "a@b.test",
                "created_at": 1, "updated_at": 1,
            }],
        });
        change(&mut user);
        user.to_string()
    };
    let unknown = "x".repeat(900_000);
    for (line, output) in [
        (user(&|user| user[unknown.as_str()] = json!(1)), "unknown field `xxx"),
        (
            user(&|user| user["login_ids"][0]["value"] = "x".repeat(2_000).into()),
            "a login ID, key ID, name, provider, subject, client ID or scope has at most 1024 bytes",
        ),
        (
            user(&|user| user["login_ids"] = vec![user["login_ids"][0].clone(); 101].into()),
            "a user owns at most 100 login IDs, device keys, passkeys, external accounts and consents each",
        ),
        (
            user(&|user| user["custom_attributes"] = json!({"a": "x".repeat(9_000)})),
            "these take more than 8192 bytes as JSON",
        ),
    ] {
        let reply = import(line).await.expect(200);
        let reason = reply.json()["lines"][0]["reason"].as_str().expect("a reason").to_string();
        assert!(reason.starts_with(output) && reason.len() < 600, "{reason:.700}");
    }
    let reply = import(user(&|_| {})).await.expect(200);
    assert_eq!(reply.json()["lines"][0]["outcome"], "created");
}

async fn a_password_is_measured_with_its_owner_in_mind(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.set("password_policy.min_strength", 3)).await;
    let admin = Admin::of(&server).await;
    for (email, password, status) in [
        ("kimberley.rosenthal@shop.test", "kimberley.rosenthal.77", 422),
        ("lee@shop.test", "Summer2024", 422),
        ("lee@shop.test", &"tidal-oboe-37 ".repeat(10), 422),
        ("lee@shop.test", &"x".repeat(900_000), 422),
        ("lee@shop.test", "tidal-oboe-37", 201),
    ] {
        let new = json!({"login_ids": [{"type": "email", "value": email}], "password": password});
        let reply = admin.post("/users", &new).await.expect(status);
        if status == 422 {
            assert_eq!(reply.json()["errors"][0]["path"], "password", "{reply:?}");
        }
    }
}
