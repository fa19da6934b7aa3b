//! Connections of slow or hostile clients: unread responses, silence, too many from one address, ambiguous heads.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::support::{Engine, Installation, TestServer, TestStore, on_both_engines};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(60);
const PROBE: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

/// A connection for raw bytes.
struct Raw(TcpStream);

impl Raw {
    async fn open(to: SocketAddr) -> Self {
        Self(TcpStream::connect(to).await.expect("a connection"))
    }

    /// Opens a connection from another loopback address.
    async fn open_from(from: [u8; 4], to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((from, 0).into()).expect("a loopback address");
        Self(socket.connect(to).await.expect("a connection"))
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("sent");
    }

    /// The head of the next response, in lower case; its body is read and discarded.
    async fn head(&mut self) -> String {
        let read = async {
            let mut output = Vec::new();
            while !output.ends_with(b"\r\n\r\n") {
                output.push(self.0.read_u8().await.expect("a head"));
            }
            let head = String::from_utf8(output).expect("text").to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.expect("a length").parse().expect("a number")];
            self.0.read_exact(&mut body).await.expect("a body");
            head
        };
        tokio::time::timeout(PATIENCE, read).await.expect("an answer in time")
    }

    /// Everything until the server closes the connection.
    async fn rest(mut self) -> String {
        let mut output = Vec::new();
        // A reset ends it too.
        tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut output)).await.expect("the server hangs up").ok();
        String::from_utf8_lossy(&output).into_owned()
    }
}

/// The server's complete response to exactly these bytes.
pub(crate) async fn send_raw(to: SocketAddr, text: &str) -> String {
    let mut raw = Raw::open(to).await;
    // The server may close before it has read everything.
    raw.0.write_all(text.as_bytes()).await.ok();
    raw.rest().await
}

async fn a_head_that_leaves_its_host_or_caller_in_doubt_is_refused(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.open_portal();
        setup.configure("server.header_timeout_seconds", "1");
    })
    .await;
    let host = format!("Host: localhost:{}\r\n", server.address.port());
    let two_hosts = format!("{host}Host: other.test\r\n");
    let two_callers = format!("{host}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n");
    let two_names = format!("Host: localhost:{}, other.test\r\n", server.address.port());
    for target in [
        "POST /api/anonymous_user/signup",
        "POST /oauth2/token",
        "GET /oauth2/userinfo",
        "GET /_resolver/resolve",
        "GET /oauth2/jwks",
        "GET /settings",
        "GET /portal",
        "GET /healthz",
        "GET /nothing-here",
    ] {
        for (version, headers) in [
            ("1.1", ""),
            ("1.1", &two_hosts),
            ("1.0", &two_hosts),
            ("1.1", &two_names),
            ("1.1", "Host: user@localhost\r\n"),
            ("1.1", &two_callers),
            ("1.0", &two_callers),
        ] {
            let output = send_raw(server.address, &format!("{target} HTTP/{version}\r\n{headers}\r\n")).await;
            let status = format!("HTTP/{version} 400 ");
            assert!(output.starts_with(&status), "{target} {version} {headers:?}: {output}");
            assert!(output.to_lowercase().contains("connection: close"), "{target} {version} {headers:?}: {output}");
        }
    }
    let output =
        send_raw(server.address, &format!("GET /oauth2/jwks HTTP/1.1\r\n{host}Connection: close\r\n\r\n")).await;
    assert!(output.starts_with("HTTP/1.1 200 "), "{output}");
}

async fn the_host_of_an_absolute_target_replaces_that_of_the_header(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (ours, other) = (format!("localhost:{}", server.address.port()), "other.test");
    for path in ["/oauth2/jwks", "/_resolver/resolve"] {
        for (target, header, is_ours) in [(ours.as_str(), other, true), (other, ours.as_str(), false)] {
            let request = format!("GET http://{target}{path} HTTP/1.1\r\nHost: {header}\r\nConnection: close\r\n\r\n");
            let output = send_raw(server.address, &request).await;
            assert_eq!(output.starts_with("HTTP/1.1 200 "), is_ours, "{path} {target}: {output}");
        }
    }
}

async fn a_body_with_a_bad_chunk_size_is_refused_at_once(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (form, json) = ("application/x-www-form-urlencoded", "application/json");
    for (path, kind) in [
        ("/oauth2/token", form),
        ("/oauth2/revoke", form),
        ("/api/anonymous_user/signup", json),
        ("/oauth2/challenge", json),
        ("/api/anonymous_user/promotion_code", json),
    ] {
        for chunk in
            ["zz\r\nabc\r\n0\r\n\r\n", "-1\r\nabc\r\n0\r\n\r\n", "fffffffffffffffff\r\nabc\r\n", "3\r\nabcd\r\n"]
        {
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n",
                server.address.port()
            );
            let output = send_raw(server.address, &format!("{head}{chunk}")).await;
            assert!(output.starts_with("HTTP/1.1 400 "), "{path} {chunk:?}: {output}");
        }
    }
}

on_both_engines!(
    a_head_that_leaves_its_host_or_caller_in_doubt_is_refused,
    the_host_of_an_absolute_target_replaces_that_of_the_header,
    a_body_with_a_bad_chunk_size_is_refused_at_once,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_not_read_end_the_connection() {
    let server = TestServer::start(Engine::Sqlite, |setup| setup.configure("server.write_timeout_seconds", "1")).await;
    let mut deaf = Raw::open(server.address).await;
    let request =
        format!("GET /.well-known/openid-configuration HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", server.address.port());
    // It sends requests until the server reads no more, then waits for room, which only comes when the connection ends.
    let asking = async { while deaf.0.write_all(request.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, asking).await.expect("the connection is cut");
    server.http().get("/healthz").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_outlives_the_limit_for_heads() {
    let server = TestServer::start(Engine::Sqlite, |setup| setup.configure("server.header_timeout_seconds", "1")).await;
    let mut idle = Raw::open(server.address).await;
    idle.send(PROBE).await;
    assert!(idle.head().await.starts_with("http/1.1 200 "));
    // A silent connection is cut; it was opened after the other one became idle.
    assert_eq!(Raw::open(server.address).await.rest().await, "");
    idle.send(PROBE).await;
    assert!(idle.head().await.starts_with("http/1.1 200 "));
    // Its next head has the same timeout as the first.
    idle.send("GET /healthz HTTP/1.1\r\nHost: ").await;
    assert_eq!(idle.rest().await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_has_a_limit_of_its_own() {
    let server = TestServer::start(Engine::Sqlite, |setup| setup.configure("server.idle_timeout_seconds", "1")).await;
    let mut idle = Raw::open(server.address).await;
    idle.send(PROBE).await;
    assert!(idle.head().await.starts_with("http/1.1 200 "));
    assert_eq!(idle.rest().await, "");
}

/// After a second without a byte, a connection gives its buffers back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_rested_serves_on_and_has_lost_no_byte() {
    const RESTED: Duration = Duration::from_millis(1_500);
    let server = TestServer::start_plain(Engine::Sqlite).await;
    let mut raw = Raw::open(server.address).await;
    tokio::time::sleep(RESTED).await;
    for _ in 0..2 {
        raw.send(PROBE).await;
        assert!(raw.head().await.starts_with("http/1.1 200 "));
        tokio::time::sleep(RESTED).await;
    }
    // The beginning of the next request came with this one.
    let (first, rest) = PROBE.split_at(PROBE.len() / 2);
    raw.send(&format!("{PROBE}{first}")).await;
    assert!(raw.head().await.starts_with("http/1.1 200 "));
    tokio::time::sleep(RESTED).await;
    raw.send(rest).await;
    assert!(raw.head().await.starts_with("http/1.1 200 "));
}

/// A server that stops does not wait for connections without a request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_without_a_request_end_when_the_server_stops() {
    let mut server = TestServer::start_plain(Engine::Sqlite).await;
    let silent = Raw::open(server.address).await;
    let mut used = Raw::open(server.address).await;
    used.send(PROBE).await;
    assert!(used.head().await.starts_with("http/1.1 200 "));
    server.stop().await;
    for raw in [silent, used] {
        assert_eq!(raw.rest().await, "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_connection_is_closed_with_an_answer_and_not_before() {
    let server =
        TestServer::start(Engine::Sqlite, |setup| setup.configure("server.max_connection_age_seconds", "1")).await;
    let mut busy = Raw::open(server.address).await;
    let asking = async {
        loop {
            busy.send(PROBE).await;
            let head = busy.head().await;
            assert!(head.starts_with("http/1.1 200 "), "{head}");
            if head.contains("connection: close") {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("it is old at last");
    assert_eq!(busy.rest().await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_cannot_take_every_connection_unless_it_is_a_proxy() {
    for is_proxy in [false, true] {
        let server = TestServer::start(Engine::Sqlite, |setup| {
            setup.configure("server.max_connections_per_address", "2");
            if is_proxy {
                setup.configure("server.trusted_proxies", "127.0.0.9");
            }
        })
        .await;
        let crowd = [127, 0, 0, 9];
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut raw = Raw::open_from(crowd, server.address).await;
            raw.send(PROBE).await;
            assert!(raw.head().await.starts_with("http/1.1 200 "));
            held.push(raw);
        }
        let mut third = Raw::open_from(crowd, server.address).await;
        if is_proxy {
            third.send(PROBE).await;
            assert!(third.head().await.starts_with("http/1.1 200 "));
            continue;
        }
        let refused = third.rest().await;
        assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("Retry-After: "), "{refused}");
        let mut neighbor = Raw::open_from([127, 0, 0, 10], server.address).await;
        neighbor.send(PROBE).await;
        assert!(neighbor.head().await.starts_with("http/1.1 200 "));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_have_a_listener_that_a_flood_of_the_other_one_does_not_reach() {
    let folder = tempfile::TempDir::new().expect("a scratch folder");
    let mut installation = Installation::make(&TestStore::Folder(folder).url());
    installation.wrap(&["env", "VESTIBULE__SERVER__MAX_CONNECTIONS=1"]);
    let process = installation.start();
    let mut only = Raw::open(process.address).await;
    only.send(PROBE).await;
    assert!(only.head().await.starts_with("http/1.1 200 "));
    assert!(Raw::open(process.address).await.rest().await.starts_with("HTTP/1.1 503 "));
    for path in ["/healthz", "/readyz", "/metrics"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: 10.0.0.1\r\nConnection: close\r\n\r\n");
        let output = send_raw(process.metrics, &request).await;
        assert!(output.starts_with("HTTP/1.1 200 "), "{path}: {output}");
        if path == "/metrics" {
            for line in ["vestibule_connections_open 1", "vestibule_connections_refused_total{reason=\"full\"} 1"] {
                assert!(output.lines().any(|found| found.trim_end() == line), "{line} is missing in\n{output}");
            }
        }
    }
    let output =
        send_raw(process.metrics, "GET /oauth2/jwks HTTP/1.1\r\nHost: vestibule.test\r\nConnection: close\r\n\r\n")
            .await;
    assert!(output.starts_with("HTTP/1.1 404 "), "nothing else is there: {output}");
}
