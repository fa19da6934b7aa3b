//! Dying in the middle of it: the real binary is killed (SIGKILL) under load and started again. What it had acknowledged
//! must be there, revocations included. `VESTIBULE_CRASHES=100` makes the loop long; it is short otherwise.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use reqwest::{Client, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Engine, Place, on_both_engines};

/// The host the project is served under; connections go to wherever the process listens.
const HOST: &str = "vestibule.test";

/// A running `vestibule serve`.
struct Victim {
    child: Child,
    address: SocketAddr,
}

impl Victim {
    fn start(folder: &TempDir) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vestibule"))
            .args(["serve", "--config"])
            .arg(folder.path().join("vestibule.toml"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let (mut line, mut seen) = (String::new(), String::new());
        let address = loop {
            line.clear();
            assert!(log.read_line(&mut line).expect("a readable log") > 0, "it ended: {seen}");
            seen.push_str(&line);
            let entry: Value = serde_json::from_str(&line).expect("a JSON log");
            if let Some(address) = entry["server.address"].as_str() {
                break address.parse().expect("an address");
            }
        };
        // The pipe must not fill up.
        std::thread::spawn(move || log.lines().map_while(Result::ok).for_each(drop));
        Self { child, address }
    }

    fn client(&self) -> Client {
        Client::builder()
            .no_proxy()
            .resolve(HOST, self.address)
            .timeout(Duration::from_secs(20))
            .build()
            .expect("an HTTP client")
    }

    /// SIGKILL: nothing of it gets to tidy up.
    fn kill(mut self) {
        self.child.kill().expect("it still ran");
        self.child.wait().expect("it is gone");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What the server said yes to.
#[derive(Default)]
struct Acknowledged {
    alive: Vec<String>,
    revoked: Vec<String>,
    /// Rotated away: the token before, and the one after.
    rotated: Vec<(String, String)>,
}

/// Signs up, and lets every third guest log out and every third rotate its token, until the server is gone.
async fn load(client: Client, port: u16, known: Arc<Mutex<Acknowledged>>, count: Arc<AtomicU32>) {
    for number in 0_u32.. {
        let Ok(answer) = sign_up(&client, port).await else { return };
        let Some(token) = refresh_token(answer, "result").await else { return };
        count.fetch_add(1, Ordering::Relaxed);
        match number % 3 {
            0 => match post(&client, port, "/oauth2/revoke", &[("token", &token)]).await {
                Ok(answer) if answer.status().is_success() => known.lock().expect("no panic").revoked.push(token),
                // Unknown whether it happened: nothing can be said of this one.
                Ok(_) => {}
                Err(_) => return,
            },
            1 => {
                let Ok(answer) = refresh(&client, port, "rotating", &token).await else { return };
                let Some(next) = refresh_token(answer, "").await else { return };
                known.lock().expect("no panic").rotated.push((token, next));
            }
            _ => known.lock().expect("no panic").alive.push(token),
        }
    }
}

async fn sign_up(client: &Client, port: u16) -> reqwest::Result<Response> {
    let body = json!({ "client_id": "rotating", "session_type": "refresh_token" });
    client.post(format!("http://{HOST}:{port}/api/anonymous_user/signup")).json(&body).send().await
}

async fn refresh_token(answer: Response, inside: &str) -> Option<String> {
    if !answer.status().is_success() {
        return None;
    }
    let body: Value = answer.json().await.ok()?;
    let body = if inside.is_empty() { &body } else { &body[inside] };
    body["refresh_token"].as_str().map(str::to_owned)
}

async fn refresh(client: &Client, port: u16, client_id: &str, token: &str) -> reqwest::Result<Response> {
    let form = [("grant_type", "refresh_token"), ("client_id", client_id), ("refresh_token", token)];
    post(client, port, "/oauth2/token", &form).await
}

async fn post(client: &Client, port: u16, path: &str, form: &[(&str, &str)]) -> reqwest::Result<Response> {
    static ADDRESS: AtomicU32 = AtomicU32::new(0);
    let [_, a, b, c] = ADDRESS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    // Everybody from an address of their own: this is not about limits.
    let request = client.post(format!("http://{HOST}:{port}{path}")).form(form);
    request.header("x-forwarded-for", format!("100.{a}.{b}.{c}")).send().await
}

fn write_files(folder: &TempDir, place: &Place) {
    let config = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.1\"]\n[store]\nurl = \"{}\"\nmax_connections = 4\n[secrets]\nmaster_key_file = \"{}\"\n[log]\nformat = \"json\"\n",
        place.url(),
        folder.path().join("master.key").display(),
    );
    fs::write(folder.path().join("vestibule.toml"), config).expect("a file");
    let project = format!(
        r#"
[project]
id = "crash"
public_origin = "http://{HOST}"
[authentication]
identities = ["login_id", "anonymous"]
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
    fs::write(folder.path().join("project.toml"), project).expect("a file");
    let applied = Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(["project", "apply", "--config"])
        .args([folder.path().join("vestibule.toml"), folder.path().join("project.toml")])
        .output()
        .expect("the binary runs");
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
}

async fn nothing_acknowledged_is_lost_when_the_process_is_killed_under_load(engine: Engine) {
    let rounds = std::env::var("VESTIBULE_CRASHES").map_or(2, |rounds| rounds.parse().expect("a number"));
    let place = Place::make(engine).await;
    let folder = TempDir::new().expect("a scratch folder");
    write_files(&folder, &place);
    let known = Arc::new(Mutex::new(Acknowledged::default()));
    for round in 1..=rounds {
        let victim = Victim::start(&folder);
        let port = victim.address.port();
        let count = Arc::new(AtomicU32::new(0));
        let tasks: Vec<_> = (0..16)
            .map(|_| tokio::spawn(load(victim.client(), port, Arc::clone(&known), Arc::clone(&count))))
            .collect();
        // In the midst of it, at another place each round.
        while count.load(Ordering::Relaxed) < 60 + 37 * (round % 5) {
            tokio::task::yield_now().await;
            assert!(!tasks.iter().all(tokio::task::JoinHandle::is_finished), "the load ended by itself");
        }
        victim.kill();
        for task in tasks {
            task.await.expect("the load does not panic");
        }
    }
    let victim = Victim::start(&folder);
    let (client, port) = (victim.client(), victim.address.port());
    let known = std::mem::take(&mut *known.lock().expect("no panic"));
    assert!(!known.alive.is_empty() && !known.revoked.is_empty() && !known.rotated.is_empty(), "a load of every kind");
    for token in &known.alive {
        let answer = refresh(&client, port, "rotating", token).await.expect("an answer");
        assert_eq!(answer.status(), 200, "an acknowledged guest is gone: {}", answer.text().await.expect("text"));
    }
    for (before, after) in &known.rotated {
        let answer = refresh(&client, port, "rotating", after).await.expect("an answer");
        assert_eq!(answer.status(), 200, "an acknowledged rotation is gone: {}", answer.text().await.expect("text"));
        let answer = refresh(&client, port, "rotating", before).await.expect("an answer");
        assert_eq!(answer.status(), 400, "a token that was rotated away works again");
    }
    for token in &known.revoked {
        let answer = refresh(&client, port, "rotating", token).await.expect("an answer");
        assert_eq!(answer.status(), 400, "an acknowledged revocation is gone");
    }
}

on_both_engines!(nothing_acknowledged_is_lost_when_the_process_is_killed_under_load);
