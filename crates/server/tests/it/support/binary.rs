//! The real binary, as an operator runs it: its files, its commands, its process.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use reqwest::{Client, Response, header};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{AppClient, Http};

/// The host the project is served under; connections go to wherever the process listens.
pub(crate) const HOST: &str = "vestibule.test";

/// A folder with a configuration, a master key and a project of one application, `rotating`.
pub(crate) struct Installation {
    pub(crate) folder: TempDir,
    /// Put before the binary's own command line, e.g. `["unshare", "--mount"]`.
    wrapper: Vec<String>,
}

impl Installation {
    /// Writes the files and applies the project.
    pub(crate) fn make(store_url: &str) -> Self {
        let installation = Self::bare(store_url);
        let project = format!(
            r#"
[project]
id = "crash"
public_origin = "http://{HOST}"
[authentication]
identities = ["login_id", "anonymous"]
primary_authenticators = ["password"]
[[identity.login_id.keys]]
type = "username"
[authentication.rate_limits.signup_anonymous.per_ip]
enabled = false
[[oauth.clients]]
client_id = "rotating"
x_application_type = "spa"
redirect_uris = ["http://app.test/"]
id_token_signed_response_alg = "ES256"
refresh_token_rotation_enabled = true
refresh_token_rotation_grace_seconds = 0
"#
        );
        let file = installation.folder.path().join("project.toml");
        fs::write(&file, project).expect("a file");
        installation.run(&["project", "apply", file.to_str().expect("text")]);
        installation
    }

    /// Writes a configuration, and applies no project.
    pub(crate) fn bare(store_url: &str) -> Self {
        let installation = Self { folder: TempDir::new().expect("a scratch folder"), wrapper: Vec::new() };
        installation.point_to(store_url);
        installation
    }

    /// Starts the binary by way of another program from now on.
    pub(crate) fn wrap(&mut self, wrapper: &[&str]) {
        self.wrapper = wrapper.iter().map(|&part| part.to_owned()).collect();
    }

    /// Writes a configuration with this store.
    pub(crate) fn point_to(&self, store_url: &str) {
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.1\"]\n[store]\nurl = \"{store_url}\"\nmax_connections = 4\n[secrets]\nmaster_key_file = \"{}\"\n[log]\nformat = \"json\"\n[metrics]\nlisten = \"127.0.0.1:0\"\n",
            self.folder.path().join("master.key").display(),
        );
        fs::write(self.folder.path().join("vestibule.toml"), config).expect("a file");
    }

    /// Runs a command that is expected to succeed; answers what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.try_run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a command.
    pub(crate) fn try_run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_vestibule"))
            .args(arguments)
            .env("VESTIBULE_CONFIG", self.folder.path().join("vestibule.toml"))
            .output()
            .expect("the binary runs")
    }

    pub(crate) fn start(&self) -> Process {
        Process::start(self)
    }
}

/// A running `vestibule serve`.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Where the metrics page is.
    pub(crate) metrics: SocketAddr,
}

impl Process {
    fn start(installation: &Installation) -> Self {
        let binary = env!("CARGO_BIN_EXE_vestibule").to_owned();
        let line: Vec<String> = installation.wrapper.iter().cloned().chain([binary]).collect();
        let mut child = Command::new(&line[0])
            .args(&line[1..])
            .args(["serve", "--config"])
            .arg(installation.folder.path().join("vestibule.toml"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let (mut line, mut seen) = (String::new(), String::new());
        let mut address = None;
        let (address, metrics) = loop {
            line.clear();
            assert!(log.read_line(&mut line).expect("a readable log") > 0, "it ended: {seen}");
            seen.push_str(&line);
            let entry: Value = serde_json::from_str(&line).expect("a JSON log");
            if let Some(listening) = entry["server.address"].as_str() {
                address = Some(listening.parse().expect("an address"));
            }
            if let (Some(address), Some(metrics)) = (address, entry["metrics.address"].as_str()) {
                break (address, metrics.parse().expect("an address"));
            }
        };
        // The pipe must not fill up.
        std::thread::spawn(move || log.lines().map_while(Result::ok).for_each(drop));
        Self { child, address, metrics }
    }

    /// The process, or what wraps it.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its files are seen as it sees them, mounts of its own included.
    pub(crate) fn root(&self) -> PathBuf {
        format!("/proc/{}/root", self.child.id()).into()
    }

    /// The way the actors of the other tests speak to it.
    pub(crate) fn http(&self) -> Http {
        Http::new(&format!("http://{HOST}"), self.address)
    }

    /// A program of the application `rotating`.
    pub(crate) fn app_client(&self) -> AppClient {
        AppClient::new(self.http(), "rotating", "http://app.test/")
    }

    pub(crate) fn client(&self) -> Client {
        // The project's public origin names no port, and the process listens on a free one.
        let host = [(header::HOST, header::HeaderValue::from_static(HOST))];
        Client::builder()
            .no_proxy()
            .default_headers(host.into_iter().collect())
            .resolve(HOST, self.address)
            .timeout(Duration::from_secs(20))
            .build()
            .expect("an HTTP client")
    }

    /// SIGKILL: nothing of it gets to tidy up.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it still ran");
        self.child.wait().expect("it is gone");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(crate) async fn sign_up(client: &Client, port: u16) -> reqwest::Result<Response> {
    let body = json!({ "client_id": "rotating", "session_type": "refresh_token" });
    client.post(format!("http://{HOST}:{port}/api/anonymous_user/signup")).json(&body).send().await
}

pub(crate) async fn refresh_token(answer: Response, inside: &str) -> Option<String> {
    if !answer.status().is_success() {
        return None;
    }
    let body: Value = answer.json().await.ok()?;
    let body = if inside.is_empty() { &body } else { &body[inside] };
    body["refresh_token"].as_str().map(str::to_owned)
}

pub(crate) async fn refresh(client: &Client, port: u16, client_id: &str, token: &str) -> reqwest::Result<Response> {
    let form = [("grant_type", "refresh_token"), ("client_id", client_id), ("refresh_token", token)];
    post(client, port, "/oauth2/token", &form).await
}

pub(crate) async fn post(client: &Client, port: u16, path: &str, form: &[(&str, &str)]) -> reqwest::Result<Response> {
    static ADDRESS: AtomicU32 = AtomicU32::new(0);
    let [_, a, b, c] = ADDRESS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    // Everybody from an address of their own: this is not about limits.
    let request = client.post(format!("http://{HOST}:{port}{path}")).form(form);
    request.header("x-forwarded-for", format!("100.{a}.{b}.{c}")).send().await
}
