//! Processor time of the threads of one server, and the bytes in the rows of its store.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    sync::{Arc, Mutex},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use vestibule_store::{Store, StoreError};

use crate::support::connect_to;

/// What the system says of the threads of one server. Those of other tests are not among them.
#[derive(Clone, Default)]
pub(super) struct Threads(Arc<Mutex<Vec<File>>>);

impl Threads {
    /// Adds the thread this is called on.
    pub(super) fn add_this(&self) {
        self.0.lock().expect("no panic").push(open_times());
    }

    /// Adds the thread on which SQLite's rows are written.
    pub(super) async fn add_writer(&self, store: &Store) {
        let written = store.write("test", (), |_, ()| Box::pin(async { Ok::<_, StoreError>(open_times()) })).await;
        self.0.lock().expect("no panic").push(written.expect("the store works"));
    }

    /// What they have used of the processor until now. The system brings it up to date when a thread begins to wait.
    pub(super) fn processor(&self) -> Duration {
        let threads = self.0.lock().expect("no panic");
        Duration::from_nanos(threads.iter().filter_map(read_time).sum())
    }

    /// What they have used since then.
    pub(super) fn since(&self, before: Duration) -> Duration {
        self.processor().saturating_sub(before)
    }
}

/// On the processor, waiting for it, and how often it ran: of the thread that opens it.
fn open_times() -> File {
    File::open("/proc/thread-self/schedstat").expect("the system tells what threads use of the processor")
}

fn read_time(times: &File) -> Option<u64> {
    let mut buffer = [0; 64];
    let length = times.read_at(&mut buffer, 0).ok()?;
    std::str::from_utf8(buffer.get(..length)?).ok()?.split(' ').next()?.parse().ok()
}

/// A look at a server's store.
pub(super) enum Rows {
    Sqlite { store: Box<Connection>, sum: String, last: (i64, u64) },
    Postgres { store: tokio_postgres::Client, sum: String, last: (String, u64) },
}

impl Rows {
    pub(super) async fn open(store_url: &str) -> Self {
        match store_url.strip_prefix("sqlite:") {
            Some(path) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
                let store = Connection::open_with_flags(path, flags).expect("the store's file");
                Self::Sqlite { sum: sum_of_sqlite(&store), store: Box::new(store), last: (-1, 0) }
            }
            None => {
                let store = connect_to(store_url).await;
                Self::Postgres { sum: sum_of_postgres(&store).await, store, last: (String::new(), 0) }
            }
        }
    }

    /// The bytes of every value. They are summed up only if something was written since the last time.
    pub(super) async fn bytes(&mut self) -> u64 {
        match self {
            Self::Sqlite { store, sum, last } => {
                let ask = |sql: &str| store.prepare_cached(sql).expect("a statement");
                let version = ask("PRAGMA data_version").query_row([], |row| row.get(0)).expect("a number");
                if version != last.0 {
                    let bytes: i64 = ask(sum).query_row([], |row| row.get(0)).expect("a sum");
                    *last = (version, u64::try_from(bytes).expect("no sum is negative"));
                }
                last.1
            }
            Self::Postgres { store, sum, last } => {
                let next = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text";
                let version: String = store.query_one(next, &[]).await.expect("a number").get(0);
                if version != last.0 {
                    let bytes: i64 = store.query_one(&*sum, &[]).await.expect("a sum").get(0);
                    *last = (version, u64::try_from(bytes).expect("no sum is negative"));
                }
                last.1
            }
        }
    }
}

/// The statement that sums up every column of every table.
fn sum_of_sqlite(store: &Connection) -> String {
    let list = "SELECT 'coalesce((SELECT sum(' || \
                group_concat('coalesce(length(CAST(\"' || c.name || '\" AS BLOB)), 0)', ' + ') \
                || ') FROM \"' || t.name || '\"), 0)' \
                FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' GROUP BY t.name";
    let mut statement = store.prepare(list).expect("the tables");
    let tables = statement.query_map([], |row| row.get::<_, String>(0)).expect("the tables");
    let tables: Vec<String> = tables.map(|table| table.expect("a sum")).collect();
    format!("SELECT {}", tables.join(" + "))
}

/// The same, without the table in which a node replaces what it counted every second, of any requests.
async fn sum_of_postgres(store: &tokio_postgres::Client) -> String {
    let list = "SELECT '(SELECT coalesce(sum(octet_length(t::text)), 0) FROM ' || quote_ident(relname) || ' t)' \
                FROM pg_stat_user_tables WHERE relname <> 'limit_counts'";
    let tables = store.query(list, &[]).await.expect("the tables");
    let tables: Vec<String> = tables.iter().map(|table| table.get(0)).collect();
    format!("SELECT ({})::bigint", tables.join(" + "))
}
