//! The floors: the maximum that this machine can do. One only responds; one also writes the same two rows.

use std::{
    error::Error,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::any};
use rusqlite::{Connection, params};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc, oneshot},
};
use tokio_postgres::{Client, Statement, types::ToSql};

const SCHEMA_SQLITE: &str = include_str!("../../crates/store/migrations/0001_foundation.sqlite.sql");
const SCHEMA_POSTGRES: &str = include_str!("../../crates/store/migrations/0001_foundation.postgres.sql");
const USER: &str =
    "INSERT INTO users (project_no, id, created_at, updated_at, anonymous_since) VALUES (1, $1, $2, $2, $2)";
const GRANT: &str = "INSERT INTO grants (project_no, id, user_id, client_id, token_hash, created_at, last_access_at, authenticated_at) VALUES (1, $1, $2, 'bench', $3, $4, $4, $4)";
const ANSWER: &str = r#"{"result":{"access_token":"AZ5q2mE0fBqKs1nZb0Xo2wAAAZ5q2mE0AAAABQhJ0m5kq3Yp2bq8w3v0x1y2z3A4","expires_in":1800,"refresh_token":"0195e6ad-9a61-7c34-8000-0123456789ab.0123456789abcdefghijklmnopqrstuv","token_type":"Bearer"}}"#;

/// Which floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Floor {
    /// An empty axum handler.
    Http,
    /// The same two rows into SQLite: group commit, one fsync per group, no savepoints, no checks.
    Sqlite,
    /// The same two rows into PostgreSQL: one pipelined transaction each.
    Postgres,
}

/// Serves a floor until the process is terminated.
pub async fn serve(floor: Floor, port: u16, location: &str) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let router = match floor {
        Floor::Http => Router::new().fallback(any(async || ANSWER)),
        Floor::Sqlite => {
            let queue = start_writer(PathBuf::from(location))?;
            Router::new().route("/healthz", any(async || "ok")).fallback(any(append_sqlite)).with_state(queue)
        }
        Floor::Postgres => {
            let pool = Arc::new(Pool::open(location).await?);
            Router::new().route("/healthz", any(async || "ok")).fallback(any(append_postgres)).with_state(pool)
        }
    };
    axum::serve(listener, router).await?;
    Ok(())
}

struct Rows {
    user: [u8; 16],
    grant: [u8; 16],
    hash: [u8; 32],
    now: i64,
}

fn make_rows() -> Rows {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    let id = || {
        let number = DRAWN.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut id = [0; 16];
        id[..6].copy_from_slice(&(now.as_millis() as u64).to_be_bytes()[2..]);
        id[8..].copy_from_slice(&number.to_be_bytes());
        id
    };
    Rows { user: id(), grant: id(), hash: [7; 32], now: now.as_micros() as i64 }
}

// --- SQLite ---

type Queue = mpsc::UnboundedSender<(Rows, oneshot::Sender<()>)>;

async fn append_sqlite(State(queue): State<Queue>, _: Bytes) -> Result<&'static str, StatusCode> {
    let (reply, done) = oneshot::channel();
    queue.send((make_rows(), reply)).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    done.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(ANSWER)
}

fn open_sqlite(path: &PathBuf) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -65536;",
    )?;
    Ok(connection)
}

fn start_writer(path: PathBuf) -> Result<Queue, Box<dyn Error>> {
    let connection = open_sqlite(&path)?;
    connection.execute_batch(SCHEMA_SQLITE)?;
    let checkpoints = open_sqlite(&path)?;
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(300));
            checkpoints.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).ok();
        }
    });
    let (queue, mut waiting) = mpsc::unbounded_channel::<(Rows, oneshot::Sender<()>)>();
    thread::spawn(move || {
        let mut user = connection.prepare(USER).expect("the schema is there");
        let mut grant = connection.prepare(GRANT).expect("the schema is there");
        let mut group = Vec::with_capacity(512);
        while waiting.blocking_recv_many(&mut group, 512) > 0 {
            connection.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
            for (rows, _) in &group {
                user.execute(params![rows.user, rows.now]).expect("ids are new");
                grant.execute(params![rows.grant, rows.user, rows.hash, rows.now]).expect("ids are new");
            }
            connection.execute_batch("COMMIT").expect("the disk has room");
            for (_, reply) in group.drain(..) {
                reply.send(()).ok();
            }
        }
    });
    Ok(queue)
}

// --- PostgreSQL ---

struct Pool {
    idle: std::sync::Mutex<Vec<Link>>,
    places: Semaphore,
}

struct Link {
    client: Client,
    user: Statement,
    grant: Statement,
}

/// The server's default.
const LINKS: usize = 16;

impl Pool {
    async fn open(url: &str) -> Result<Self, Box<dyn Error>> {
        let mut idle = Vec::new();
        for number in 0..LINKS {
            let client = crate::store_location::connect(url).await?;
            if number == 0 {
                client.batch_execute(SCHEMA_POSTGRES).await?;
            }
            let (user, grant) = (client.prepare(USER).await?, client.prepare(GRANT).await?);
            idle.push(Link { client, user, grant });
        }
        Ok(Self { idle: std::sync::Mutex::new(idle), places: Semaphore::new(LINKS) })
    }
}

async fn append_postgres(State(pool): State<Arc<Pool>>, _: Bytes) -> Result<&'static str, StatusCode> {
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    let _place = pool.places.acquire().await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let link = pool.idle.lock().expect("nobody panics here").pop().expect("one for each place");
    let rows = make_rows();
    let (user, grant, hash) = (&rows.user[..], &rows.grant[..], &rows.hash[..]);
    let as_user: [&(dyn ToSql + Sync); 2] = [&user, &rows.now];
    let as_grant: [&(dyn ToSql + Sync); 4] = [&grant, &user, &hash, &rows.now];
    let outcome = tokio::try_join!(
        biased;
        link.client.batch_execute("BEGIN"),
        link.client.execute(&link.user, &as_user),
        link.client.execute(&link.grant, &as_grant),
        link.client.batch_execute("COMMIT"),
    );
    pool.idle.lock().expect("nobody panics here").push(link);
    outcome.map(|_| ANSWER).map_err(failed)
}
