//! What the load under kills needs beside the server: projects of their own, a mail server, a receiver of blocking webhooks, an operator.

use std::{
    collections::HashMap,
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{
    AppClient, Browser, Http, Installation, OWNER_PASSWORD, TestStore,
    binary::Process,
    connect_to,
    smtp::{MailServer, Manners, Received},
};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether a mail has come.
const PACE: Duration = Duration::from_millis(10);

/// Members sign in with codes by mail; guests with device keys; its users are changed in the portal.
pub(super) const CODES: &str = "codes";
/// Members have a passkey each.
pub(super) const PASSKEYS: &str = "passkeys";
/// A webhook decides about each guest and each promotion.
pub(super) const ASKED: &str = "asked";

const METHODS: [(&str, &str); 3] = [
    (CODES, "identities = [\"login_id\", \"anonymous\"]\nprimary_authenticators = [\"oob_otp_email\"]"),
    (PASSKEYS, "identities = [\"anonymous\", \"passkey\"]\nprimary_authenticators = [\"passkey\"]"),
    (ASKED, "identities = [\"login_id\", \"anonymous\"]\nprimary_authenticators = [\"password\"]"),
];
const LIMITS: [&str; 8] = [
    "signup_anonymous.per_ip",
    "signup.per_ip",
    "account_enumeration.per_ip",
    "password.per_ip",
    "passkey.per_ip",
    "device_key.per_ip",
    "oob_otp.trigger_per_ip",
    "oob_otp.validate_per_ip",
];
const CLIENTS: &str = r#"
[[oauth.clients]]
client_id = "rotating"
x_application_type = "spa"
redirect_uris = ["http://app.test/"]
[[oauth.clients]]
client_id = "phone"
x_application_type = "native"
redirect_uris = ["com.example.shop://host/path"]
"#;

fn origin_of(project: &str) -> String {
    // Passkeys need https, or this name.
    if project == PASSKEYS { "http://localhost".to_owned() } else { format!("http://{project}.test") }
}

/// Plain HTTP to one of the projects.
pub(super) fn http_of(process: &Process, project: &str) -> Http {
    Http::new(&origin_of(project), process.address)
}

/// An app client of one of the projects.
pub(super) fn app_of(process: &Process, project: &str) -> AppClient {
    AppClient::new(http_of(process, project), "rotating", "http://app.test/")
}

/// It outlives the processes that are killed.
pub(crate) struct World {
    pub(super) mails: Mails,
    pub(super) decider: Arc<Decider>,
    /// Signed in to the portal.
    pub(super) operator: Browser,
    numbers: AtomicU32,
}

impl World {
    /// Configures an installation that has not started yet, and starts it.
    pub(crate) async fn start(installation: &Installation) -> (Arc<Self>, Process) {
        let (mails, port) = Mails::start().await;
        let (decider, hook) = Decider::start().await;
        configure(installation, port);
        for (project, methods) in METHODS {
            apply(installation, project, methods, &hook);
        }
        let process = installation.start();
        // A start replaces the links of before.
        let link = installation.run(&["operator", "link"]);
        let mut operator = Browser::new(http_of(&process, CODES));
        operator.open(link.trim()).await;
        operator.fill("Email", "olga@house.example");
        operator.fill("Your name", "Olga");
        operator.fill("Password", OWNER_PASSWORD);
        operator.press("Create account").await;
        operator.expect_page(200, "Projects");
        (Arc::new(Self { mails, decider, operator, numbers: AtomicU32::new(0) }), process)
    }

    /// A number that nothing else has.
    pub(super) fn number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

fn configure(installation: &Installation, smtp_port: u16) {
    let file = installation.folder.path().join("vestibule.toml");
    let more = format!(
        "[smtp]\nhost = \"127.0.0.1\"\nport = {smtp_port}\nsecurity = \"none\"\n[hooks]\nallow_private_addresses = true\n\
         [portal]\npublic_origin = \"{}\"\nproject = \"{CODES}\"\n",
        origin_of(CODES)
    );
    let all = fs::read_to_string(&file).expect("the configuration") + &more;
    fs::write(&file, all).expect("a file");
}

fn apply(installation: &Installation, project: &str, methods: &str, hook: &str) {
    let kind = if project == ASKED { "username" } else { "email" };
    let limits: String = LIMITS.iter().map(|limit| format!("{limit}.enabled = false\n")).collect();
    let hooks = ["user.pre_create", "user.anonymous.pre_promote"]
        .map(|event| format!("[[hook.blocking_handlers]]\nevent = \"{event}\"\nurl = \"{hook}\"\n"));
    let hooks = if project == ASKED { hooks.concat() } else { String::new() };
    let text = format!(
        "[project]\nid = \"{project}\"\npublic_origin = \"{}\"\n[authentication]\n{methods}\n\
         [authentication.rate_limits]\n{limits}[[identity.login_id.keys]]\ntype = \"{kind}\"\n{hooks}{CLIENTS}",
        origin_of(project)
    );
    let file = installation.folder.path().join(format!("{project}.toml"));
    fs::write(&file, text).expect("a file");
    installation.run(&["project", "apply", file.to_str().expect("text")]);
}

/// The codes in the mails that came, by address.
#[derive(Default)]
pub(super) struct Mails(Arc<Mutex<HashMap<String, Vec<String>>>>);

impl Mails {
    /// Also returns the port of the mail server.
    async fn start() -> (Self, u16) {
        let MailServer { port, mut received } = MailServer::start(Manners::default()).await;
        let codes: Arc<Mutex<HashMap<String, Vec<String>>>> = Arc::default();
        let kept = Arc::clone(&codes);
        tokio::spawn(async move {
            while let Some(mail) = received.recv().await {
                if let Some(code) = read_code(&mail) {
                    let to = mail.to.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned();
                    kept.lock().expect("no panic").entry(to).or_default().push(code);
                }
            }
        });
        (Self(codes), port)
    }

    pub(super) fn codes_of(&self, to: &str) -> Vec<String> {
        self.0.lock().expect("no panic").get(to).cloned().unwrap_or_default()
    }

    /// A code that is none of the known ones; waits for it until it is `over`.
    pub(super) async fn next_code(&self, to: &str, known: &[String], over: &AtomicBool) -> Option<String> {
        let waiting = async {
            while !over.load(Ordering::Relaxed) {
                let fresh = self.codes_of(to).into_iter().find(|code| !known.contains(code));
                if fresh.is_some() {
                    return fresh;
                }
                tokio::time::sleep(PACE).await;
            }
            None
        };
        tokio::time::timeout(PATIENCE, waiting).await.ok().flatten()
    }
}

/// The six digits in the text of a mail.
fn read_code(mail: &Received) -> Option<String> {
    let (_, text) = mail.raw.split_once("text/plain")?;
    let (text, _) = text.split_once("text/html").unwrap_or((text, ""));
    let text = text.replace("=\r\n", "");
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned)
}

/// What a blocking webhook was asked, and how it answered.
#[derive(Clone)]
pub(super) struct Decision {
    pub(super) is_promotion: bool,
    pub(super) user: String,
    pub(super) is_allowed: bool,
}

/// A blocking webhook that refuses a third of the guests, and half of the promotions.
#[derive(Default)]
pub(super) struct Decider(Mutex<Vec<Decision>>);

impl Decider {
    async fn start() -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("its address"));
        let decider = Arc::new(Self::default());
        let router = Router::new().route("/hook", post(decide)).with_state(Arc::clone(&decider));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (decider, url)
    }

    pub(super) fn decisions(&self) -> Vec<Decision> {
        self.0.lock().expect("no panic").clone()
    }
}

async fn decide(State(decider): State<Arc<Decider>>, body: Bytes) -> String {
    let event: Value = serde_json::from_slice(&body).expect("a webhook is JSON");
    let is_promotion = event["type"] == "user.anonymous.pre_promote";
    let user = if is_promotion { &event["payload"]["anonymous_user"] } else { &event["payload"]["user"] };
    let user = user["id"].as_str().expect("an ID").replace('-', "");
    let mut all = decider.0.lock().expect("no panic");
    let before = all.iter().filter(|one| one.is_promotion == is_promotion).count();
    let is_allowed = if is_promotion { before % 2 == 0 } else { before % 3 < 2 };
    all.push(Decision { is_promotion, user, is_allowed });
    json!({ "is_allowed": is_allowed }).to_string()
}

/// The rows of a query on the store of a running server, as text; bytes in hexadecimal, NULL as nothing.
pub(super) async fn read_rows(place: &TestStore, sql: &str) -> Vec<Vec<String>> {
    let url = place.url();
    let Some(path) = url.strip_prefix("sqlite:") else {
        let messages = connect_to(&url).await.simple_query(sql).await.expect("rows");
        let rows = messages.iter().filter_map(|message| {
            let tokio_postgres::SimpleQueryMessage::Row(row) = message else { return None };
            Some(row)
        });
        let text = |value: Option<&str>| value.unwrap_or_default().trim_start_matches("\\x").to_owned();
        return rows.map(|row| (0..row.len()).map(|column| text(row.get(column))).collect()).collect();
    };
    let connection = rusqlite::Connection::open(path).expect("the store");
    let mut statement = connection.prepare(sql).expect("a query");
    let count = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..count).map(|column| Ok(print(row.get_ref(column)?))).collect::<rusqlite::Result<Vec<_>>>()
    });
    rows.expect("rows").collect::<rusqlite::Result<_>>().expect("rows")
}

fn print(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
