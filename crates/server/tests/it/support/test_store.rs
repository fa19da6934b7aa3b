//! The location of a test's data: a scratch folder, or a scratch database on the PostgreSQL of the environment.

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use tempfile::TempDir;
use tokio::sync::OnceCell;
use vestibule_store::{Location, Store};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(30);

/// Declares each named check as a test on SQLite and one on PostgreSQL; a check is an `async fn(Engine)`. A test that
/// needs what a fresh clone may not have is ignored, with that as the reason; `./test` runs it.
macro_rules! on_both_engines {
    ($($check:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                Box::pin(super::$check(crate::support::Engine::Sqlite)).await;
            })+
        }
        on_both_engines!(on_postgres: $($check),+; "needs VESTIBULE_TEST_POSTGRES");
    };
    // Checks that run a program which a fresh clone may not have.
    ($($check:ident),+; needs nginx) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs nginx"]
            async fn $check() {
                Box::pin(super::$check(crate::support::Engine::Sqlite)).await;
            })+
        }
        on_both_engines!(on_postgres: $($check),+; "needs VESTIBULE_TEST_POSTGRES and nginx");
    };
    (on_postgres: $($check:ident),+; $reason:literal) => {
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = $reason]
            async fn $check() {
                Box::pin(super::$check(crate::support::Engine::Postgres)).await;
            })+
        }
    };
}
pub(crate) use on_both_engines;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// The location of one server's data; removed when dropped.
pub(crate) enum TestStore {
    Folder(TempDir),
    Database(Database),
}

impl TestStore {
    pub(crate) async fn make(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::Folder(TempDir::new().expect("a scratch folder")),
            Engine::Postgres => Self::Database(Database::create().await),
        }
    }

    /// An unmigrated location.
    pub(crate) async fn make_empty(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::make(engine).await,
            Engine::Postgres => Self::Database(Database::create_from("template0").await),
        }
    }

    /// The value of `store.url`.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Folder(folder) => format!("sqlite:{}", folder.path().join("vestibule.db").display()),
            Self::Database(database) => server_url(&database.0),
        }
    }
}

/// A database of one test.
pub(crate) struct Database(String);

/// The migrated database that all others are copied from: much faster than migrating each.
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

impl Database {
    async fn create() -> Self {
        Self::create_from(TEMPLATE.get_or_init(make_template).await).await
    }

    async fn create_from(template: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("vestibule_it_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let server = connect("postgres").await;
        server.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.expect("old one gone");
        server.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.expect("a database");
        Self(name)
    }
}

async fn make_template() -> String {
    let name = format!("vestibule_it_template_{}", process::id());
    let server = connect("postgres").await;
    // Templates of finished test runs: their process has ended, so nothing else drops them.
    let old = server
        .query("SELECT datname FROM pg_database WHERE datname LIKE 'vestibule\\_it\\_template\\_%'", &[])
        .await
        .expect("the list of databases");
    for row in old {
        let old: String = row.get(0);
        let process = old.rsplit('_').next().unwrap_or_default();
        if old == name || !std::path::Path::new(&format!("/proc/{process}")).exists() {
            server.batch_execute(&format!("DROP DATABASE IF EXISTS {old} WITH (FORCE)")).await.expect("old one gone");
        }
    }
    server.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database");
    let store = Store::open(&Location::postgres(server_url(&name), 1)).await;
    store.expect("the template is migrated").close().await;
    // A template can be copied only without connections; the pool's connections end asynchronously.
    server
        .batch_execute(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'; \
             ALTER DATABASE {name} ALLOW_CONNECTIONS false"
        ))
        .await
        .expect("nobody is connected to the template");
    name
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.0);
        // Dropping cannot block the test's runtime.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { connect("postgres").await.batch_execute(&statement).await.ok() });
        });
        dropping.join().ok();
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

async fn connect(database: &str) -> tokio_postgres::Client {
    connect_to(&server_url(database)).await
}

pub(crate) async fn connect_to(url: &str) -> tokio_postgres::Client {
    let connecting = tokio::time::timeout(PATIENCE, tokio_postgres::connect(url, tokio_postgres::NoTls)).await;
    let (client, connection) = connecting.expect("PostgreSQL answers in time").expect("PostgreSQL answers");
    tokio::spawn(connection);
    client
}
