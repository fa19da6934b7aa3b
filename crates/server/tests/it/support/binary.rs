//! The real binary: its files, its commands, its process.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread::JoinHandle,
    time::Duration,
};

use reqwest::{Client, Response, header};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{AppClient, Http};

/// The project's host; connections go to the process's address.
pub(crate) const HOST: &str = "vestibule.test";

/// A folder with a configuration, a master key and a project with one application, `rotating`.
pub(crate) struct Installation {
    pub(crate) folder: TempDir,
    /// Prepended to the binary's command line, such as `["unshare", "--mount"]`.
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
[authentication.rate_limits.signup.per_ip]
enabled = false
[authentication.rate_limits.account_enumeration.per_ip]
enabled = false
[authentication.rate_limits.password.per_ip]
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

    /// From now on runs the binary with a wrapper.
    pub(crate) fn wrap(&mut self, wrapper: &[&str]) {
        self.wrapper = wrapper.iter().map(|&part| part.to_owned()).collect();
    }

    /// Writes a configuration with this store.
    pub(crate) fn point_to(&self, store_url: &str) {
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.1\"]\n[store]\nurl = \"{store_url}\"\nmax_connections = 4\n[secrets]\nmaster_key_file = \"{}\"\n[log]\nformat = \"json\"\n[metrics]\nlisten = \"127.0.0.1:0\"\n[rate_limits]\ntoken_requests_per_address = 100000\ntoken_requests_per_user = 100000\n",
            self.folder.path().join("master.key").display(),
        );
        fs::write(self.folder.path().join("vestibule.toml"), config).expect("a file");
    }

    /// The command line of a server of this installation, for a test that starts it otherwise.
    pub(crate) fn serve_command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.arg("serve").arg("--config").arg(self.folder.path().join("vestibule.toml"));
        command
    }

    /// Runs a command that must succeed; returns its output.
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
    /// The address of the metrics.
    pub(crate) metrics: SocketAddr,
    /// Reads the log since it listened.
    log: Option<JoinHandle<String>>,
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
        let log = std::thread::spawn(move || {
            let lines = log.lines().map_while(Result::ok);
            lines.fold(String::new(), |all, line| all + &line + "\n")
        });
        Self { child, address, metrics, log: Some(log) }
    }

    /// The process, or its wrapper.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The path at which its files are visible as the process sees them, including private mounts.
    pub(crate) fn root(&self) -> PathBuf {
        format!("/proc/{}/root", self.child.id()).into()
    }

    /// HTTP for the actors of the other tests.
    pub(crate) fn http(&self) -> Http {
        Http::new(&format!("http://{HOST}"), self.address)
    }

    /// An app client of the application `rotating`.
    pub(crate) fn app_client(&self) -> AppClient {
        AppClient::new(self.http(), "rotating", "http://app.test/")
    }

    pub(crate) fn client(&self) -> Client {
        // The project's public origin has no port, and the process listens on a free one.
        let host = [(header::HOST, header::HeaderValue::from_static(HOST))];
        Client::builder()
            .no_proxy()
            .default_headers(host.into_iter().collect())
            .resolve(HOST, self.address)
            .timeout(Duration::from_secs(20))
            .build()
            .expect("an HTTP client")
    }

    /// Waits until it ends by itself; returns how, and the log since it listened.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("it is our child");
        (status, self.log.take().expect("taken only here").join().expect("the log is read"))
    }

    /// SIGKILL: no clean-up.
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
    // Every client has its own address: limits are not under test here.
    let request = client.post(format!("http://{HOST}:{port}{path}")).form(form);
    request.header("x-forwarded-for", format!("100.{a}.{b}.{c}")).send().await
}
