//! Locations of stores under test: a scratch folder, or a scratch database on the server of the environment.

use std::{
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use tempfile::TempDir;
use vestibule_domain::{
    grant::Grant,
    id::{Id, ProjectNo, UserId},
    secret::TokenHash,
    session::Session,
    time::Timestamp,
    user::User,
};
use vestibule_store::{BoxFuture, Location, Store, StoreError, Tx};

/// Declares each named check as a test on SQLite and one on PostgreSQL; a check takes an open store.
/// Those on PostgreSQL are ignored, because a fresh clone has none; `./test` runs them.
macro_rules! on_both_engines {
    ($($check:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                let place = crate::test_store::TestStore::sqlite();
                super::$check(place.open().await).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs VESTIBULE_TEST_POSTGRES"]
            async fn $check() {
                let place = crate::test_store::TestStore::postgres().await;
                super::$check(place.open().await).await;
            })+
        }
    };
}
pub(crate) use on_both_engines;

/// The location of a store under test; removed when dropped.
pub(crate) struct TestStore {
    pub(crate) location: Location,
    _scratch: Scratch,
}

enum Scratch {
    Folder(#[expect(dead_code, reason = "held for its drop")] TempDir),
    Database(#[expect(dead_code, reason = "held for its drop")] Database),
}

impl TestStore {
    pub(crate) fn sqlite() -> Self {
        let folder = TempDir::new().expect("a scratch folder");
        let location = Location::Sqlite { path: folder.path().join("test.db") };
        Self { location, _scratch: Scratch::Folder(folder) }
    }

    pub(crate) async fn postgres() -> Self {
        let database = Database::create().await;
        let location = Location::postgres(database.url(), 4);
        Self { location, _scratch: Scratch::Database(database) }
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.location).await.expect("the store opens")
    }

    /// The file of a SQLite store.
    pub(crate) fn path(&self) -> PathBuf {
        match &self.location {
            Location::Sqlite { path } => path.clone(),
            Location::Postgres { .. } => panic!("not on SQLite"),
        }
    }
}

/// The server's URL, with another database name.
fn server_url(database: &str) -> String {
    let url = std::env::var("VESTIBULE_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!("VESTIBULE_TEST_POSTGRES is not set: run ./test, which starts a PostgreSQL, or set it to a server's URL")
    });
    let (base, query) = url.split_once('?').map_or((url.as_str(), None), |(base, query)| (base, Some(query)));
    let (scheme, rest) = base.split_once("://").expect("VESTIBULE_TEST_POSTGRES is a URL");
    let authority = rest.split('/').next().unwrap_or_default();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{authority}/{database}{query}")
}

/// A direct connection, to inspect or disturb the store.
pub(crate) async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    client
}

struct Database(String);

impl Database {
    async fn create() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("vestibule_test_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let server = connect(&server_url("postgres")).await;
        server.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.expect("old one gone");
        server.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database of our own");
        Self(name)
    }

    fn url(&self) -> String {
        server_url(&self.0)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.0);
        // Dropping cannot block the test's runtime.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { connect(&server_url("postgres")).await.batch_execute(&statement).await.ok() });
        });
        dropping.join().ok();
    }
}

pub(crate) const P: ProjectNo = ProjectNo(1);
pub(crate) const OTHER: ProjectNo = ProjectNo(2);

/// The n-th ID of a kind; greater numbers sort later.
pub(crate) fn id<K>(number: u64) -> Id<K> {
    Id::from_parts(1_000 + number, [7; 10])
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

pub(crate) fn hash(byte: u8) -> TokenHash {
    TokenHash([byte; 32])
}

pub(crate) fn guest(number: u64) -> User {
    User::new_guest(id(number), at(1))
}

pub(crate) fn grant(number: u64, user: UserId) -> Grant {
    Grant {
        id: id(number),
        user_id: user,
        client_id: "app".to_owned(),
        token_hash: hash(1),
        scope: None,
        created_at: at(1),
        last_access_at: at(1),
        authenticated_at: at(1),
        amr: None,
        session_id: None,
        dpop_jkt: None,
        device: None,
        previous: None,
        has_revoked_tokens: false,
        ends_at: None,
    }
}

pub(crate) fn session(number: u64, user: UserId) -> Session {
    Session {
        id: id(number),
        user_id: user,
        secret_hash: hash(2),
        created_at: at(1),
        last_access_at: at(1),
        authenticated_at: at(1),
        amr: None,
        device: None,
    }
}

/// Runs a write that must succeed.
pub(crate) async fn write<I, T, F>(store: &Store, input: I, work: F) -> T
where
    I: Send + Sync + 'static,
    T: Send + 'static,
    F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, StoreError>> + Send + Sync + 'static,
{
    store.write("test", input, work).await.expect("the write succeeds")
}
