//! A log that cannot be written: the server serves, its jobs run, and it ends when it must.

use std::{
    fs::OpenOptions,
    io::pipe,
    net::{SocketAddr, TcpListener, TcpStream},
    process::Stdio,
    time::Duration,
};

use tokio::{
    process::{Child, Command},
    task::JoinSet,
};

use crate::{
    nodes::until,
    support::{Engine, Http, Installation, TestStore, binary::HOST},
};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with a known port, whose log says more than a pipe holds.
struct Server {
    child: Child,
    address: SocketAddr,
    metrics: SocketAddr,
    _installation: Installation,
    _place: TestStore,
}

impl Server {
    async fn start(stderr: Stdio) -> Self {
        let place = TestStore::make(Engine::Sqlite).await;
        let installation = Installation::make(&place.url());
        let [address, metrics] = [(); 2].map(|()| free_address());
        let child = Command::from(installation.serve_command())
            .env("VESTIBULE__SERVER__LISTEN", address.to_string())
            .env("VESTIBULE__METRICS__LISTEN", metrics.to_string())
            .env("VESTIBULE__LOG__FILTER", "trace")
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .expect("the binary runs");
        let server = Self { child, address, metrics, _installation: installation, _place: place };
        until("it listens", || async { TcpStream::connect(server.address).is_ok() }).await;
        server
    }

    fn http(&self) -> Http {
        Http::new(&format!("http://{HOST}"), self.address)
    }

    async fn dropped(&self) -> u64 {
        let page = Http::new("http://localhost", self.metrics).get("/metrics").await.expect(200).body;
        let line = page.lines().find_map(|line| line.strip_prefix("vestibule_log_lines_dropped_total "));
        line.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no such metric in\n{page}"))
    }

    /// Serves many requests, until lines are dropped, and then some; then ends as it must.
    async fn serve_and_end(mut self) {
        let body = serde_json::json!({ "client_id": "rotating", "session_type": "refresh_token" });
        let http = self.http();
        let mut served = 0;
        until("lines are dropped", || async {
            let mut crowd = JoinSet::new();
            for _ in 0..100 {
                let (http, body) = (http.clone(), body.clone());
                crowd.spawn(async move { http.post_json("/api/anonymous_user/signup", &body).await.status });
            }
            assert!(crowd.join_all().await.iter().all(|status| *status == 200));
            self.dropped().await > 0
        })
        .await;
        while served < 50 {
            http.post_json("/api/anonymous_user/signup", &body).await.expect(200);
            served += 1;
        }
        http.get("/readyz").await.expect(200);
        let id = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.expect("kill runs").success());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends");
        assert!(ended.expect("it is our child").success());
    }
}

/// An address that was free a moment ago: the log that would say which one it is is not read.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_that_is_not_read_blocks_no_request() {
    let (reader, writer) = pipe().expect("a pipe");
    Server::start(writer.into()).await.serve_and_end().await;
    drop(reader);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_under_the_log_ends_no_request_and_no_job() {
    let full = OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    Server::start(full.into()).await.serve_and_end().await;
}
