//! Faults: database outages, clock steps, and clients that are slow, hostile or too many.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{
    guest_journey::identify,
    support::{Device, Engine, Platform, TestServer, on_both_engines},
};

/// A connection to the database that can be cut.
struct Cable {
    address: SocketAddr,
    whole: Arc<AtomicBool>,
    cut: watch::Sender<()>,
}

impl Cable {
    async fn lay() -> Self {
        let url = std::env::var("VESTIBULE_TEST_POSTGRES").expect("VESTIBULE_TEST_POSTGRES: run ./test");
        let url = url::Url::parse(&url).expect("a URL");
        let server = format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let whole = Arc::new(AtomicBool::new(true));
        let (cut, _) = watch::channel(());
        tokio::spawn({
            let (whole, cut) = (Arc::clone(&whole), cut.clone());
            async move {
                while let Ok((mut near, _)) = listener.accept().await {
                    if !whole.load(Ordering::SeqCst) {
                        continue;
                    }
                    let (server, mut cut) = (server.clone(), cut.subscribe());
                    tokio::spawn(async move {
                        let Ok(mut far) = TcpStream::connect(server).await else { return };
                        tokio::select! {
                            _ = copy_bidirectional(&mut near, &mut far) => {}
                            _ = cut.changed() => {}
                        }
                    });
                }
            }
        });
        Self { address, whole, cut }
    }

    /// Drops every connection and refuses new ones.
    fn cut(&self) {
        self.whole.store(false, Ordering::SeqCst);
        self.cut.send_replace(());
    }

    fn mend(&self) {
        self.whole.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_lost_database_is_answered_503_with_retry_after_and_found_again() {
    let cable = Cable::lay().await;
    let server = TestServer::start(Engine::Postgres, |setup| setup.reach_store_at(cable.address)).await;
    let (client, http) = (server.app_client(), server.http());
    let guest = client.sign_up().await;
    cable.cut();
    let body = json!({ "client_id": "web", "session_type": "refresh_token" });
    let refused = http.post_json("/api/anonymous_user/signup", &body).await.expect(503);
    assert!(refused.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok_and(|s| s > 0)));
    let refused = client.refresh(&guest.refresh).await.expect(503);
    // `invalid_grant` would make the SDKs drop the session.
    assert_eq!(refused.json()["error"], "temporarily_unavailable");
    assert!(refused.header("retry-after").is_some());
    http.get("/readyz").await.expect(503);
    http.get("/healthz").await.expect(200);
    cable.mend();
    http.get("/readyz").await.expect(200);
    http.post_json("/api/anonymous_user/signup", &body).await.expect(200);
    client.refresh(&guest.refresh).await.expect(200);
    client.user_info(&guest.access).await.expect(200);
}

async fn a_clock_that_steps_back_ends_no_session_and_delays_no_request_for_long(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let before = client.sign_up().await;
    client.refresh(&before.refresh).await.expect(200);
    server.clock.advance_seconds(-3_600);
    client.user_info(&before.access).await.expect(200);
    // A limit treats a time from the future as a bucket with room for one, which drains within seconds.
    server.clock.advance_seconds(2);
    let during = client.sign_up().await;
    for guest in [&before, &during] {
        server.clock.advance_seconds(2);
        client.user_info(&guest.access).await.expect(200);
        client.refresh(&guest.refresh).await.expect(200);
    }
    server.clock.advance_seconds(3_600);
    client.user_info(&before.access).await.expect(200);
    client.refresh(&before.refresh).await.expect(200);
}

/// Everything that began before a step back can be finished after it, by devices and by browsers.
async fn what_was_begun_before_a_clock_stepped_back_can_be_finished(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let mut device = Device::new(&server, Platform::Android);
    let sub = device.authenticate().await;
    let guest = client.sign_up().await;
    let code = client.promotion_code(&guest).await;
    let challenge = device.challenge().await;
    let (mut browser, mut mailbox) = (server.browser(), server.mailbox());
    server.clock.advance_seconds(-3_600);
    // The device's clock moves with the server's, as by NTP, and so do the jobs'.
    let kid = device.kid.clone().expect("it has a key");
    device.present(&device.sign("auth", &challenge, &kid, false)).await.expect(200);
    server.clock.advance_seconds(2);
    assert_eq!(device.authenticate().await, sub, "new challenges work as well");
    browser.open(&client.promotion_url(&code)).await;
    identify(&mut browser, "kim@shop.example").await;
    browser.fill("Code", &mailbox.next_code("kim@shop.example").await);
    browser.press("Confirm").await;
    let member = client.finish(browser.at_app()).await;
    vestibule_server::boot::maintain(&server.app).await.expect("the jobs go on");
    client.user_info(&member.access).await.expect(200);
    server.clock.advance_seconds(2);
    client.refresh(&member.refresh).await.expect(200);
    server.clock.advance_seconds(2);
    device.refresh().await;
}

/// With a clock that is ahead, the clean-up treats everything as expired.
async fn what_was_spent_stays_spent_when_a_clock_that_ran_ahead_is_put_right(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let device = Device::new(&server, Platform::Android);
    let jwt = device.sign("auth", &device.challenge().await, &device.uuid(), true);
    device.present(&jwt).await.expect(200);
    server.clock.advance_seconds(1_800);
    vestibule_server::boot::maintain(&server.app).await.expect("the clean-up runs");
    server.clock.advance_seconds(-1_800);
    let again = device.present(&jwt).await;
    assert_eq!(again.status, 400, "a challenge was good for a second time: {}", again.body);
}

on_both_engines!(
    a_clock_that_steps_back_ends_no_session_and_delays_no_request_for_long,
    what_was_begun_before_a_clock_stepped_back_can_be_finished,
    what_was_spent_stays_spent_when_a_clock_that_ran_ahead_is_put_right,
);

/// Everything the server sends until it closes the connection.
async fn read_to_end(mut stream: TcpStream) -> String {
    let mut output = Vec::new();
    let reading = stream.read_to_end(&mut output);
    // A reset after the response is equivalent.
    tokio::time::timeout(Duration::from_secs(30), reading).await.expect("the server hangs up").ok();
    String::from_utf8_lossy(&output).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_finishes_its_head_is_hung_up_on() {
    let server = TestServer::start(Engine::Sqlite, |setup| setup.configure("server.header_timeout_seconds", "1")).await;
    let mut slow = TcpStream::connect(server.address).await.expect("a connection");
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.expect("sent");
    let output = read_to_end(slow).await;
    assert!(output.is_empty() || output.starts_with("HTTP/1.1 408"), "{output}");
    server.http().get("/healthz").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_never_comes_is_given_up() {
    let server = TestServer::start(Engine::Sqlite, |setup| setup.configure("server.body_timeout_seconds", "1")).await;
    let mut slow = TcpStream::connect(server.address).await.expect("a connection");
    let head = format!(
        "POST /api/anonymous_user/signup HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\nContent-Length: 50\r\nConnection: close\r\n\r\n{{",
        server.address.port()
    );
    slow.write_all(head.as_bytes()).await.expect("sent");
    let output = read_to_end(slow).await;
    assert!(output.starts_with("HTTP/1.1 4"), "{output}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_without_end_is_refused() {
    let server = TestServer::start_plain(Engine::Sqlite).await;
    let mut rude = TcpStream::connect(server.address).await.expect("a connection");
    let head = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "a".repeat(1 << 20));
    // The server may close before it has read everything.
    rude.write_all(head.as_bytes()).await.ok();
    let output = read_to_end(rude).await;
    assert!(output.is_empty() || output.starts_with("HTTP/1.1 431"), "{output}");
    server.http().get("/healthz").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_too_many_is_refused_politely_and_a_free_place_is_given_again() {
    let server = TestServer::start(Engine::Sqlite, |setup| setup.configure("server.max_connections", "2")).await;
    let mut first = TcpStream::connect(server.address).await.expect("a connection");
    let mut second = TcpStream::connect(server.address).await.expect("a connection");
    for stream in [&mut first, &mut second] {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
    }
    let refused = read_to_end(TcpStream::connect(server.address).await.expect("a connection")).await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("Retry-After: "), "{refused}");
    drop(first);
    // The connection is released once the server notices; until then it keeps refusing.
    let reported = async {
        loop {
            let mut again = TcpStream::connect(server.address).await.expect("a connection");
            if again.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.is_ok()
                && read_to_end(again).await.starts_with("HTTP/1.1 200")
            {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reported).await.expect("a free place");
}
