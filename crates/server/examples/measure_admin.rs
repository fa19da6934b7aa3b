//! Loads a store with a million users and measures what operators ask for: lists, searches, a user, the numbers, the log.
//! Prints p50, p95 and the slowest of each in milliseconds, over real HTTP, so the server's own time is a little less.
//!
//! `cargo run --release -p vestibule-server --example measure_admin [USERS] [postgres://…]`; without a URL, on SQLite.
#![expect(clippy::print_stdout, reason = "a program that prints its result")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::{error::Error, net::SocketAddr, sync::Arc, time::Instant};

use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};
use vestibule_domain::{
    grant::Grant,
    id::{Id, ProjectNo, UserId},
    project::ProjectSettings,
    secret::TokenHash,
    time::Timestamp,
    user::User,
};
use vestibule_server::{
    app::{App, Ports},
    boot, config,
    flows::{
        admin::{
            Operator,
            keys::{self, Scope},
        },
        projects,
    },
    ports::{clock::Clock, entropy::Entropy, mailer::Mailer, sms::SmsSender},
};
use vestibule_store::{
    Store, StoreError, Tx,
    counts::{self, Count},
    credentials::{self, LoginIdRow},
    events::{self, EventRow},
    grants, users,
};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Days the users are spread over.
const DAYS: i64 = 90;
const DAY_MICROS: i64 = 86_400_000_000;
/// Users one transaction inserts.
const BATCH: i64 = 2_000;
/// Transactions at the same time: one connection each on PostgreSQL.
const WRITERS: usize = 8;
/// How often each question is asked.
const ROUNDS: i64 = 200;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let url = arguments.next();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(count, url))
}

async fn measure(count: i64, url: Option<String>) -> Result<()> {
    let place = tempfile::tempdir()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let url = url.unwrap_or_else(|| format!("sqlite:{}", place.path().join("vestibule.db").display()));
    let environment = [
        ("VESTIBULE__STORE__URL", url),
        ("VESTIBULE__SECRETS__MASTER_KEY", "00".repeat(32)),
        ("VESTIBULE__ADMIN_API__REQUESTS_PER_MINUTE", "1000000".to_string()),
        ("VESTIBULE__LOG__FILTER", "error".to_string()),
    ];
    let config = config::load(None, environment.into_iter().map(|(name, value)| (name.to_string(), value)))
        .map_err(|complaints| format!("{complaints:?}"))?;
    let settings = ProjectSettings::parse_toml(&project(address)).map_err(|complaints| format!("{complaints:?}"))?;
    let (store, master) = boot::open_store(&config, &Entropy::Os).await?;
    projects::apply(&store, &master, &Entropy::Os, &settings, Clock::System.now()).await?;
    store.close().await;
    let ports = Ports { clock: Clock::System, entropy: Entropy::Os, mailer: Mailer::None, sms: SmsSender::None };
    let app = boot::open(config, ports).await?;
    let project = app.projects.find_by_id("measure").ok_or("the project was applied")?;
    let now = app.clock.now();
    let loading = Instant::now();
    load(&app.store, project.no, count, now).await?;
    println!("loaded {count} users in {:.0} s", loading.elapsed().as_secs_f64());
    let made =
        keys::create_api_key(&app, &project, &Operator::at_terminal("measure"), "measure", &Scope::ALL, now).await?;
    tokio::spawn(boot::serve(Arc::clone(&app), listener, std::future::pending()));
    ask_all(&app, address, &made.1, count, now).await
}

fn project(address: SocketAddr) -> String {
    format!(
        r#"
[project]
id = "measure"
public_origin = "http://{address}"

[authentication]
identities = ["anonymous", "login_id"]

[[identity.login_id.keys]]
type = "email"

[[identity.login_id.keys]]
type = "username"

[[oauth.clients]]
client_id = "web"
x_application_type = "spa"
redirect_uris = ["https://shop.example/"]
"#
    )
}

/// The n-th of so many users: an id spread over the days, one in five a member, every other member promoted.
struct Shape {
    id: UserId,
    at: Timestamp,
    number: i64,
}

impl Shape {
    fn of(number: i64, count: i64, now: Timestamp) -> Self {
        let at = now.as_micros() - DAYS * DAY_MICROS + DAYS * DAY_MICROS / count * number;
        let at = Timestamp::from_micros(at);
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.to_be_bytes());
        Self { id: Id::from_parts(at.as_unix_millis(), random), at, number }
    }

    fn is_member(&self) -> bool {
        self.number % 5 == 0
    }

    fn email(&self) -> String {
        // Spread over the alphabet, as people's are.
        let mixed = self.number.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15);
        format!("{:013x}.{}@shop.example", mixed >> 12, self.number)
    }
}

async fn load(store: &Store, no: ProjectNo, count: i64, now: Timestamp) -> Result<()> {
    let mut writers: JoinSet<std::result::Result<(), StoreError>> = JoinSet::new();
    for first in (0..count).step_by(usize::try_from(BATCH)?) {
        if writers.len() >= WRITERS {
            writers.join_next().await.ok_or("there are writers")???;
        }
        let store = store.clone();
        writers.spawn(async move {
            let shapes: Vec<Shape> = (first..count.min(first + BATCH)).map(|n| Shape::of(n, count, now)).collect();
            store.write("load", shapes, move |tx, shapes| Box::pin(insert(tx, no, shapes, now))).await
        });
    }
    while let Some(done) = writers.join_next().await {
        done??;
    }
    let today = now.as_seconds() / 86_400;
    store
        .write("load_counts", (), move |tx, ()| {
            Box::pin(async move {
                for day in today - DAYS..=today {
                    for client in ["", "web", "ios", "android"] {
                        for name in ["guests_created", "guests_returned", "guests_promoted", "promoted_within_1h"] {
                            let row = Count {
                                day,
                                client_id: client.to_string(),
                                name: name.to_string(),
                                count: 100 + day % 7,
                            };
                            counts::add(tx, no, &row).await?;
                        }
                    }
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(())
}

async fn insert(tx: &mut Tx, no: ProjectNo, shapes: &[Shape], now: Timestamp) -> std::result::Result<(), StoreError> {
    for shape in shapes {
        let mut user =
            if shape.is_member() { User::new_member(shape.id, shape.at) } else { User::new_guest(shape.id, shape.at) };
        if shape.number % 10 == 0 {
            user.promoted_at = Some(shape.at);
        }
        if shape.number % 1_000 == 0 {
            user.disabled_at = Some(now);
        }
        users::insert(tx, no, &user).await?;
        let is_lively = shape.number % 10 < 3;
        let grant = Grant {
            id: Id::from_bytes(*shape.id.as_bytes()),
            user_id: shape.id,
            client_id: "web".to_string(),
            token_hash: TokenHash([0; 32]),
            scope: None,
            created_at: shape.at,
            last_access_at: if is_lively { now } else { shape.at },
            authenticated_at: shape.at,
            amr: None,
            session_id: None,
            dpop_jkt: None,
            device: None,
            previous: None,
            has_revoked_tokens: false,
        };
        grants::insert(tx, no, &grant).await?;
        if shape.is_member() {
            insert_member(tx, no, shape).await?;
        }
    }
    Ok(())
}

async fn insert_member(tx: &mut Tx, no: ProjectNo, shape: &Shape) -> std::result::Result<(), StoreError> {
    for (salt, kind, value) in [(1, "email", shape.email()), (2, "username", format!("user{}", shape.number))] {
        let mut id = *shape.id.as_bytes();
        id[15] ^= salt;
        let row = LoginIdRow {
            id: Id::from_bytes(id),
            user_id: shape.id,
            kind: kind.to_string(),
            original: value.clone(),
            value,
            verified_at: Some(shape.at),
            created_at: shape.at,
            updated_at: shape.at,
        };
        credentials::insert_login_id(tx, no, &row).await?;
    }
    let kind = if shape.number % 10 == 0 { "user.anonymous.promoted" } else { "user.authenticated" };
    let body =
        json!({"type": kind, "payload": {"user": {"id": shape.id.to_string()}}, "context": {"triggered_by": "user"}});
    let event = EventRow {
        seq: shape.number + 1,
        user_id: Some(shape.id),
        kind: kind.to_string(),
        client_id: Some("web".to_string()),
        body: body.to_string(),
        created_at: shape.at,
    };
    events::insert(tx, no, &event).await.map(drop)
}

async fn ask_all(app: &App, address: SocketAddr, key: &str, count: i64, now: Timestamp) -> Result<()> {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
    let asker = Asker { client, base: format!("http://{address}/_api/admin/v1"), key: key.to_string() };
    println!("{:?}, {count} users\n", app.store.engine());
    println!("| question | p50 ms | p95 ms | slowest ms |\n|---|---:|---:|---:|");
    let shape = |round: i64| Shape::of(round * 7_919 * 5 % count / 5 * 5, count, now);
    for kind in ["all", "guest", "member", "promoted", "dormant", "disabled"] {
        asker.ask(&format!("first page: {kind}"), |_| format!("/users?kind={kind}")).await?;
        let cursors = asker.walk(&format!("/users?kind={kind}"), 40).await?;
        asker
            .ask(&format!("later pages: {kind}"), |round| {
                let cursor = &cursors[usize::try_from(round).unwrap_or(0) % cursors.len()];
                format!("/users?kind={kind}&cursor={cursor}")
            })
            .await?;
    }
    asker.ask("dormant for 80 days", |_| "/users?kind=dormant&days=80".to_string()).await?;
    asker.ask("search: whole e-mail address", |round| format!("/users?q={}", shape(round).email())).await?;
    asker.ask("search: 3 letters", |round| format!("/users?q={}", &shape(round).email()[..3])).await?;
    asker.ask("search: username", |round| format!("/users?q=user{}", shape(round).number)).await?;
    asker.ask("search: \"user\", which all have", |_| "/users?q=user".to_string()).await?;
    asker.ask("search: id", |round| format!("/users?q={}", shape(round).id)).await?;
    asker.ask("search: beginning of an id", |round| format!("/users?q={}", &shape(round).id.to_string()[..11])).await?;
    asker.ask("a user", |round| format!("/users/{}", shape(round).id)).await?;
    asker.ask("a user's sessions", |round| format!("/users/{}/sessions", shape(round).id)).await?;
    asker.ask("a user's events", |round| format!("/events?user_id={}", shape(round).id)).await?;
    asker.ask("numbers of 90 days", |_| from_days(now, 89)).await?;
    asker.ask("the log's newest page", |_| "/events".to_string()).await?;
    asker.ask("the log, one event", |_| "/events?type=user.anonymous.promoted".to_string()).await?;
    asker
        .ask("the log of a day", |round| {
            let day = day_text(now, round % DAYS);
            format!("/events?from={day}&to={day}")
        })
        .await
}

fn day_text(now: Timestamp, ago: i64) -> String {
    let at = Timestamp::from_micros(now.as_micros() - ago * DAY_MICROS);
    at.to_rfc3339()[..10].to_string()
}

fn from_days(now: Timestamp, ago: i64) -> String {
    format!("/statistics?from={}", day_text(now, ago))
}

/// A program with a key, that keeps time.
struct Asker {
    client: reqwest::Client,
    base: String,
    key: String,
}

impl Asker {
    async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.key).send().await?;
        if !answer.status().is_success() {
            return Err(format!("{path}: {} {}", answer.status(), answer.text().await?).into());
        }
        Ok(serde_json::from_str(&answer.text().await?)?)
    }

    /// Cursors of the first pages of a list.
    async fn walk(&self, path: &str, pages: usize) -> Result<Vec<String>> {
        let mut cursors = Vec::new();
        let mut next = path.to_string();
        for _ in 0..pages {
            let Some(cursor) = self.get(&next).await?["next_cursor"].as_str().map(str::to_string) else { break };
            next = format!("{path}&cursor={cursor}");
            cursors.push(cursor);
        }
        if cursors.is_empty() { Err(format!("{path} has one page only").into()) } else { Ok(cursors) }
    }

    async fn ask(&self, name: &str, path: impl Fn(i64) -> String) -> Result<()> {
        let mut times = Vec::new();
        for round in 0..ROUNDS {
            let path = path(round);
            let asked = Instant::now();
            self.get(&path).await?;
            times.push(asked.elapsed().as_secs_f64() * 1_000.0);
        }
        times.sort_by(f64::total_cmp);
        let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
        println!("| {name} | {:.1} | {:.1} | {:.1} |", at(50), at(95), at(100));
        Ok(())
    }
}
