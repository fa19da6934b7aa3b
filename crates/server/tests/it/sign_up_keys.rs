//! A web guest is created once for each idempotency key, and who asks again gets its token or cookie.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::support::{Admin, Engine, Http, Receiver, Reply, TestServer, on_both_engines};

on_both_engines!(
    a_guest_with_a_token_is_created_once_for_each_key,
    a_guest_with_a_cookie_is_created_once_for_each_key,
    fifty_sign_ups_at_once_with_a_key_make_one_guest,
    a_caller_that_hangs_up_gets_its_guest,
    a_key_is_good_for_one_day_and_while_its_guest_is_as_it_was,
);

const SIGN_UP: &str = "/api/anonymous_user/signup";
const KEY: &str = "8d7f1c52-3a4e-4f0e-9f62-3a3a7e0a1c11";
const OTHER: &str = "0b5d1a52-8f4c-4f0e-9f62-3a3a7e0a1c11";

fn by_token(client: &str) -> Value {
    json!({"session_type": "refresh_token", "client_id": client})
}

fn with_key(mut body: Value, key: &str) -> Value {
    body["idempotency_key"] = key.into();
    body
}

async fn send(http: &Http, body: &Value, header: Option<&str>) -> Reply {
    let request = http.request(Method::POST, SIGN_UP).json(body);
    Reply::of(match header {
        Some(key) => request.header("idempotency-key", key),
        None => request,
    })
    .await
}

/// The refresh token of a reply, whose access token works.
async fn refresh_token_of(server: &TestServer, reply: Reply) -> String {
    let result = reply.expect(200).result();
    let access = result["access_token"].as_str().expect("an access token");
    server.app_client().user_info(access).await.expect(200);
    result["refresh_token"].as_str().expect("a refresh token").to_string()
}

async fn count_guests(server: &TestServer) -> Option<usize> {
    let page = Admin::of(server).await.get("/users?kind=guest&limit=200").await.expect(200).json();
    page["users"].as_array().map(Vec::len)
}

async fn a_guest_with_a_token_is_created_once_for_each_key(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let http = server.http();
    let first = refresh_token_of(&server, send(&http, &by_token("web"), Some(KEY)).await).await;
    let in_body = with_key(by_token("web"), KEY);
    for (body, header) in [(&by_token("web"), Some(KEY)), (&in_body, None), (&in_body, Some(KEY))] {
        assert_eq!(refresh_token_of(&server, send(&http, body, header).await).await, first);
    }
    assert_eq!(count_guests(&server).await, Some(1));
    server.app_client().refresh(&first).await.expect(200);
    // Another key, another application, no key: other guests.
    let others = [
        send(&http, &by_token("web"), Some(OTHER)).await,
        send(&http, &by_token("phone"), Some(KEY)).await,
        send(&http, &by_token("web"), None).await,
    ];
    for other in others {
        assert_ne!(other.expect(200).result()["refresh_token"], first.as_str());
    }
    assert_eq!(count_guests(&server).await, Some(4));
    send(&http, &in_body, Some(OTHER)).await.expect(400);
    for bad in ["short", &"k".repeat(256), "0b5d1a52 8f4c 4f0e 9f62 3a3a7e0a1c11"] {
        send(&http, &by_token("web"), Some(bad)).await.expect(400);
        let refused = send(&http, &with_key(by_token("web"), bad), None).await.expect(400).json();
        assert_eq!(refused["error"]["reason"], "ValidationFailed");
    }
    assert_eq!(count_guests(&server).await, Some(4));
}

async fn a_guest_with_a_cookie_is_created_once_for_each_key(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let http = server.http();
    let by_cookie = json!({"session_type": "cookie"});
    let first = send(&http, &by_cookie, Some(KEY)).await.expect(200);
    let cookie = first.header("set-cookie").expect("a cookie").to_string();
    for (body, header) in [(&by_cookie, Some(KEY)), (&with_key(by_cookie.clone(), KEY), None)] {
        assert_eq!(send(&http, body, header).await.expect(200).header("set-cookie"), Some(cookie.as_str()));
    }
    let value = cookie.split(';').next().expect("a value");
    let info = http.request(Method::GET, "/oauth2/userinfo").header("cookie", value);
    Reply::of(info).await.expect(200);
    // In token mode, the same key is another one.
    send(&http, &by_token("web"), Some(KEY)).await.expect(200);
    assert_eq!(count_guests(&server).await, Some(2));
}

async fn fifty_sign_ups_at_once_with_a_key_make_one_guest(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| {
        setup.configure("hooks.allow_private_addresses", "true");
        let url = receiver.url.as_str();
        let handler = toml::toml! { event = "user.pre_create" url = url };
        setup.set("hook.blocking_handlers", vec![toml::Value::Table(handler)]);
        // Repeats are no sign-ups: they do not count against the limit.
        setup.set("authentication.rate_limits.signup_anonymous.per_ip.burst", 2);
    })
    .await;
    Admin::of(&server).await.post("/project/webhook-secret", &json!({})).await.expect(201);
    let http = server.http();
    let sent: Vec<_> = (0..50)
        .map(|number| {
            let http = http.clone();
            tokio::spawn(async move {
                match number % 2 {
                    0 => send(&http, &by_token("web"), Some(KEY)).await,
                    _ => send(&http, &with_key(by_token("web"), KEY), None).await,
                }
            })
        })
        .collect();
    let mut tokens = Vec::new();
    for reply in sent {
        tokens.push(refresh_token_of(&server, reply.await.expect("a reply")).await);
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_eq!(count_guests(&server).await, Some(1));
    assert_eq!(receiver.calls().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn sign_ups_at_two_nodes_with_a_key_make_one_guest() {
    let server = TestServer::start_plain(Engine::Postgres).await;
    let node = server.start_node().await;
    let sent: Vec<_> = (0..50)
        .map(|number| {
            let http = if number % 2 == 0 { server.http() } else { node.http.clone() };
            tokio::spawn(async move {
                let by_cookie = json!({"session_type": "cookie"});
                (send(&http, &by_token("web"), Some(KEY)).await, send(&http, &by_cookie, Some(KEY)).await)
            })
        })
        .collect();
    let (mut tokens, mut cookies) = (Vec::new(), Vec::new());
    for replies in sent {
        let (token, cookie) = replies.await.expect("replies");
        tokens.push(refresh_token_of(&server, token).await);
        cookies.push(cookie.expect(200).header("set-cookie").expect("a cookie").to_string());
    }
    tokens.dedup();
    cookies.dedup();
    assert_eq!((tokens.len(), cookies.len()), (1, 1));
    assert_eq!(count_guests(&server).await, Some(2));
    node.stop().await;
}

async fn a_caller_that_hangs_up_gets_its_guest(engine: Engine) {
    const TRIES: usize = 20;
    let server = TestServer::start_plain(engine).await;
    let http = server.http();
    for number in 0..TRIES {
        let body = with_key(by_token("web"), &format!("{KEY}-{number}"));
        let text = body.to_string();
        let request = format!(
            "POST {SIGN_UP} HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
            server.address.port(),
            text.len()
        );
        let mut caller = TcpStream::connect(server.address).await.expect("a connection");
        caller.write_all(request.as_bytes()).await.expect("sent");
        for _ in 0..number {
            tokio::task::yield_now().await;
        }
        drop(caller);
        refresh_token_of(&server, send(&http, &body, None).await).await;
    }
    assert_eq!(count_guests(&server).await, Some(TRIES));
}

async fn a_key_is_good_for_one_day_and_while_its_guest_is_as_it_was(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let http = server.http();
    let first = refresh_token_of(&server, send(&http, &by_token("web"), Some(KEY)).await).await;
    let second = refresh_token_of(&server, send(&http, &by_token("web"), Some(OTHER)).await).await;
    server.app_client().revoke(&second).await.expect(200);
    let refused = send(&http, &by_token("web"), Some(OTHER)).await.expect(400).json();
    assert_eq!(refused["error"]["reason"], "Invalid", "it does not make the SDKs drop a session: {refused}");
    assert!(refused["error"]["message"].as_str().is_some_and(|text| text.contains("choose a new key")), "{refused}");
    server.clock.advance_seconds(23 * 3_600);
    assert_eq!(refresh_token_of(&server, send(&http, &by_token("web"), Some(KEY)).await).await, first);
    server.clock.advance_seconds(3 * 3_600);
    vestibule_server::boot::maintain(&server.app).await.expect("the clean-up runs");
    assert_ne!(refresh_token_of(&server, send(&http, &by_token("web"), Some(KEY)).await).await, first);
}
