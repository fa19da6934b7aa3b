//! Malformed, hostile and oversized requests: always the documented error, never a 500, and the server keeps running.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Engine, Reply, TestServer, on_both_engines};

const JSON_API: [&str; 2] = ["/api/anonymous_user/signup", "/api/anonymous_user/promotion_code"];
const FORMS: [&str; 2] = ["/oauth2/token", "/oauth2/revoke"];
const FORM: &str = "application/x-www-form-urlencoded";

async fn post(server: &TestServer, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Reply {
    let request = server.http().request(Method::POST, path).body(body.into());
    Reply::of(if content_type.is_empty() { request } else { request.header("content-type", content_type) }).await
}

async fn json_bodies_are_read_strictly(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let good = json!({ "session_type": "refresh_token", "client_id": "web" }).to_string();
    for path in JSON_API {
        for content_type in
            ["", "text/plain", FORM, "application/json; charset=latin1", "application/json; x=y", "nonsense"]
        {
            let reply = post(&server, path, content_type, good.clone()).await;
            reply.expect_api_error(400, "BadRequest", "BadRequest", "request content type is invalid");
        }
        let deep = "[".repeat(100_000);
        for (body, offset) in
            [("", 0), ("{", 1), ("{\"a\":1,}", 8), ("nul", 3), ("{\"a\":1,\"a\":2}", 13), (deep.as_str(), 128)]
        {
            let reply = post(&server, path, "application/json", body).await;
            let reply = reply.expect_api_error(400, "BadRequest", "InvalidJSON", "request body is not valid JSON");
            assert_eq!(reply.json()["error"]["info"]["byte_offset"], offset, "{:.20}", body);
        }
        let reply = post(&server, path, "application/json", b"{\"a\":\"\xff\"}".to_vec()).await;
        reply.expect_api_error(400, "BadRequest", "InvalidJSON", "request body is not valid JSON");
    }
    for content_type in ["application/json", "application/json; charset=UTF-8", "APPLICATION/JSON;charset=\"utf-8\""] {
        post(&server, JSON_API[0], content_type, good.clone()).await.result();
    }
}

async fn json_bodies_are_checked_against_their_schema_with_all_causes(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let causes = async |path: &str, body: Value| -> Vec<(String, String)> {
        let reply = server.http().post_json(path, &body).await;
        let reply = reply.expect_api_error(400, "Invalid", "ValidationFailed", "invalid request body");
        let causes = reply.json()["error"]["info"]["causes"].take();
        let text = |value: &Value| value.as_str().expect("text").to_string();
        let causes = causes.as_array().expect("causes").iter().map(|c| (text(&c["location"]), text(&c["kind"])));
        causes.collect()
    };
    for path in JSON_API {
        for (body, expected) in [
            (json!([]), vec![("", "type")]),
            (json!(null), vec![("", "type")]),
            (json!({}), vec![("", "required")]),
            (json!({ "session_type": 1 }), vec![("/session_type", "type")]),
            (json!({ "session_type": "x" }), vec![("/session_type", "enum")]),
            (
                json!({ "session_type": "cookie", "x": 1, "a/b": 2 }),
                vec![("/a~1b", "additionalProperties"), ("/x", "additionalProperties")],
            ),
            (json!({ "session_type": "cookie", "refresh_token": null }), vec![("/refresh_token", "type")]),
        ] {
            let found = causes(path, body.clone()).await;
            // Missing members may be reported with invalid ones; invalid ones must be reported.
            for (location, kind) in expected {
                assert!(found.contains(&(location.into(), kind.into())), "{path} {body}: {found:?}");
            }
        }
    }
    let body = json!({ "session_type": "refresh_token" });
    assert_eq!(causes(JSON_API[0], body).await, [(String::new(), "required".to_string())]);
}

async fn bodies_over_one_mebibyte_are_refused(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let padding = "x".repeat(2 * 1024 * 1024);
    for path in JSON_API {
        let reply = post(&server, path, "application/json", format!("{{\"session_type\":\"{padding}\"}}")).await;
        assert_eq!(reply.status, 413, "{reply:?}");
        let error = reply.json()["error"].take();
        assert_eq!((error["name"].as_str(), error["code"].as_u64()), (Some("RequestEntityTooLarge"), Some(413)));
    }
}

async fn forms_over_64_kibibytes_are_refused(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let padding = "x".repeat(64 * 1024);
    for path in FORMS {
        let reply = post(&server, path, FORM, format!("token={padding}")).await;
        reply.expect_oauth_error(413, "invalid_request", "request body is larger than 64 KiB");
    }
    for path in
        ["/oauth2/authorize", "/oauth2/end_session", "/logout", "/flow/01234567-89ab-7def-8123-456789abcdef/start"]
    {
        post(&server, path, FORM, format!("client_id={padding}")).await.expect(413);
    }
    // A form's route reads no more of anything else.
    for path in FORMS.into_iter().chain(["/oauth2/introspect", "/oauth2/authorize", "/oauth2/end_session", "/logout"]) {
        for content_type in ["", "text/plain", "application/json"] {
            post(&server, path, content_type, format!("x{padding}")).await.expect(413);
            let reply = post(&server, path, content_type, padding.clone()).await;
            assert_ne!(reply.status, 413, "{reply:?}");
        }
    }
}

async fn forms_and_lists_of_scopes_are_short(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let many = "a&".repeat(257);
    for path in FORMS {
        let query = format!("{path}?{many}");
        for (path, body) in [(path, many.as_str()), (query.as_str(), "token=x")] {
            let description = "more than 256 parameters were sent";
            post(&server, path, FORM, body).await.expect_oauth_error(400, "invalid_request", description);
        }
    }
    let client = server.app_client();
    let words = (0..65).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    for (scope, output) in
        [(words, "scope+has+more+than+64+words"), ("x".repeat(4_097), "scope+is+longer+than+4096+bytes")]
    {
        let reply = server.http().get(&client.authorize_url(&[("scope", &scope)])).await.expect(303);
        let location = reply.header("location").expect("a location");
        assert!(location.contains("error=invalid_scope") && location.contains(output), "{location}");
    }
}

async fn forms_are_read_strictly(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let wrong_type = "request content type is invalid: send application/x-www-form-urlencoded";
    for path in FORMS {
        for content_type in ["", "application/json", "text/plain", "multipart/form-data; boundary=x"] {
            post(&server, path, content_type, "token=x").await.expect_oauth_error(400, "invalid_request", wrong_type);
        }
        for (body, description) in [
            ("token=%zz".as_bytes(), "malformed percent-encoding"),
            (b"token=%", "malformed percent-encoding"),
            (b"token=%ff", "parameters must be UTF-8"),
            (b"token=\xff", "parameters must be UTF-8"),
            (b"token=%00", "parameters must not contain NUL"),
        ] {
            post(&server, path, FORM, body).await.expect_oauth_error(400, "invalid_request", description);
        }
    }
    for (path, body, name) in [
        ("/oauth2/revoke", "token=a&token=b", "token"),
        ("/oauth2/token", "client_id=web&client_id=blog", "client_id"),
        ("/oauth2/token", "client_id=web&grant_type=a&grant_type=b", "grant_type"),
        ("/oauth2/token", "client_id=web&grant_type=refresh_token&refresh_token=a&refresh_token=b", "refresh_token"),
        ("/oauth2/token", "client_id=web&grant_type=authorization_code&code=a&code=b", "code"),
    ] {
        let description = format!("parameter {name} must not be repeated");
        post(&server, path, FORM, body).await.expect_oauth_error(400, "invalid_request", &description);
    }
}

async fn broken_queries_are_refused_where_they_are_read(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for query in ["client_id=%zz", "client_id=web&state=%ff", "client_id=web&scope=%00"] {
        let reply = server.http().get(&format!("/oauth2/authorize?{query}")).await.expect(400);
        assert!(reply.body.starts_with("Invalid OAuth authorization request: invalid_request: "), "{reply:?}");
        let reply = server.http().get(&format!("/oauth2/end_session?{query}")).await.expect(400);
        assert_eq!(reply.json()["error"], "invalid_request");
    }
}

async fn nul_and_odd_characters_find_no_user(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for client_id in ["\0", "web\0", "\u{202e}bew", "we\u{301}b", "' OR 1=1 --", "%", &"x".repeat(10_000)] {
        let body = json!({ "session_type": "refresh_token", "client_id": client_id });
        let reply = server.http().post_json(JSON_API[0], &body).await;
        reply.expect_api_error(400, "Invalid", "Invalid", "invalid client ID");
    }
    for token in ["\0", "a\0.b", "' OR 1=1 --", &"x".repeat(10_000)] {
        let body = json!({ "session_type": "refresh_token", "refresh_token": token });
        let reply = server.http().post_json(JSON_API[1], &body).await;
        reply.expect_api_error(403, "Forbidden", "Forbidden", "invalid refresh token");
    }
}

async fn heads_that_are_too_much_are_refused_and_the_server_goes_on(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut many = server.http().request(Method::GET, "/oauth2/userinfo");
    for number in 0..200 {
        many = many.header(format!("x-{number}"), "x");
    }
    Reply::of(many).await.expect(431);
    // The server closes the connection while this one is still being sent.
    let endless = server.http().request(Method::GET, "/oauth2/userinfo").header("x-long", "x".repeat(8 * 1024 * 1024));
    if let Ok(response) = endless.send().await {
        assert_eq!(response.status(), 431);
    }
    for cookie in
        ["session", "=", ";;;", "session=\u{1}", "session=; session=x", &format!("session={}", "x".repeat(8_000))]
    {
        let request = server.http().request(Method::GET, "/oauth2/userinfo");
        let Ok(value) = reqwest::header::HeaderValue::from_bytes(cookie.as_bytes()) else { continue };
        Reply::of(request.header("cookie", value)).await.expect(401);
    }
    for authorization in ["Basic", "Basic !!!", "Digest x", "Bearer a b", "\u{ff}"] {
        let value = reqwest::header::HeaderValue::from_bytes(authorization.as_bytes()).expect("a header");
        let request = server.http().request(Method::GET, "/oauth2/userinfo").header("authorization", value);
        Reply::of(request).await.expect(401);
    }
    server.http().get("/oauth2/jwks").await.expect(200);
}

async fn what_is_not_there_is_404_and_wrong_methods_405(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for path in [
        "/nothing",
        "/oauth2",
        "/flow/",
        "/flow/nonsense",
        "/assets/nothing.css",
        "/assets/../Cargo.toml",
        "/%zz",
        "/%00",
    ] {
        let reply = server.http().get(path).await;
        assert!([400, 404].contains(&reply.status), "{path}: {reply:?}");
    }
    for (method, path) in [
        (Method::GET, "/oauth2/token"),
        (Method::PUT, "/oauth2/token"),
        (Method::GET, "/api/anonymous_user/signup"),
        (Method::DELETE, "/oauth2/userinfo"),
        (Method::POST, "/oauth2/jwks"),
        (Method::TRACE, "/oauth2/authorize"),
    ] {
        Reply::of(server.http().request(method, path)).await.expect(405);
    }
}

/// Reproducible garbage: parts of valid requests, cut and mixed.
fn nonsense(seed: u64) -> Vec<u8> {
    const PIECES: [&[u8]; 20] = [
        b"{",
        b"}",
        b"\"session_type\"",
        b":",
        b"\"cookie\"",
        b",",
        b"client_id=web",
        b"&",
        b"grant_type=",
        b"%",
        b"=",
        b"refresh_token",
        b"\xff\xfe",
        b"\0",
        b"[",
        b"null",
        b"1e999",
        b"\"\\ud800\"",
        b"login_hint=https://authgear.com/login_hint?",
        b"+",
    ];
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % 1_000).expect("small")
    };
    (0..next() % 12).flat_map(|_| PIECES[next() % PIECES.len()].to_vec()).collect()
}

async fn nonsense_is_never_a_500(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let paths =
        [&JSON_API[..], &FORMS, &["/oauth2/authorize", "/oauth2/end_session", "/logout", "/oauth2/userinfo"]].concat();
    for (path, seed) in paths.iter().flat_map(|path| (0..40).map(move |seed| (path, seed))) {
        let body = nonsense(seed);
        let content_type = if seed % 2 == 0 { "application/json" } else { FORM };
        let reply = post(&server, path, content_type, body.clone()).await;
        assert!(reply.status < 500, "{path} {:?}: {reply:?}", String::from_utf8_lossy(&body));
        let text: String = String::from_utf8_lossy(&body).chars().filter(|c| c.is_ascii_graphic()).collect();
        let reply = server.http().get(&format!("{path}?{text}")).await;
        assert!(reply.status < 500, "{path}?{text}: {reply:?}");
    }
}

on_both_engines!(
    json_bodies_are_read_strictly,
    json_bodies_are_checked_against_their_schema_with_all_causes,
    bodies_over_one_mebibyte_are_refused,
    forms_over_64_kibibytes_are_refused,
    forms_and_lists_of_scopes_are_short,
    forms_are_read_strictly,
    broken_queries_are_refused_where_they_are_read,
    nul_and_odd_characters_find_no_user,
    heads_that_are_too_much_are_refused_and_the_server_goes_on,
    what_is_not_there_is_404_and_wrong_methods_405,
    nonsense_is_never_a_500,
);
