//! Processor time of the threads of one server, and the bytes in the rows of its store.

use std::{fs, time::Duration};

use rusqlite::{Connection, OpenFlags};

use crate::support::connect_to;

pub(super) struct Meter {
    threads: &'static str,
    store: Rows,
}

enum Rows {
    Sqlite(Box<Connection>),
    Postgres(tokio_postgres::Client),
}

impl Meter {
    pub(super) async fn new(threads: &'static str, store_url: &str) -> Self {
        assert!(threads.len() <= 15, "the system keeps fifteen letters of a thread's name");
        let store = match store_url.strip_prefix("sqlite:") {
            Some(path) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
                Rows::Sqlite(Box::new(Connection::open_with_flags(path, flags).expect("the store's file")))
            }
            None => Rows::Postgres(connect_to(store_url).await),
        };
        Self { threads, store }
    }

    /// What the server's threads have used of the processor until now.
    pub(super) fn processor(&self) -> Duration {
        let tasks = fs::read_dir("/proc/self/task").expect("the threads of this process");
        let of_task = |folder: std::path::PathBuf| {
            let name = fs::read_to_string(folder.join("comm")).ok()?;
            // On the processor, waiting for it, times it ran: the first two in nanoseconds.
            let times = (name.trim_end() == self.threads).then(|| fs::read_to_string(folder.join("schedstat")).ok());
            times?.and_then(|times| times.split(' ').next()?.parse::<u64>().ok())
        };
        Duration::from_nanos(tasks.filter_map(|task| of_task(task.ok()?.path())).sum())
    }

    /// What they have used since then.
    pub(super) fn since(&self, before: Duration) -> Duration {
        self.processor().saturating_sub(before)
    }

    /// The bytes of every value in the store.
    pub(super) async fn kept(&self) -> u64 {
        match &self.store {
            Rows::Sqlite(store) => count_sqlite(store),
            Rows::Postgres(store) => count_postgres(store).await,
        }
    }
}

fn count_sqlite(store: &Connection) -> u64 {
    let list = "SELECT 'SELECT ' || group_concat('total(length(CAST(\"' || c.name || '\" AS BLOB)))', ' + ') \
                || ' FROM \"' || t.name || '\"' \
                FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' GROUP BY t.name";
    let mut statement = store.prepare_cached(list).expect("the tables");
    let counts = statement.query_map([], |row| row.get::<_, String>(0)).expect("the tables");
    let counts: Vec<String> = counts.map(|count| count.expect("a statement")).collect();
    let count = |sql: &String| -> f64 {
        let mut statement = store.prepare_cached(sql).expect("a table");
        statement.query_row([], |row| row.get(0)).expect("a sum")
    };
    // Sums of `total` are floats; a store of a test is far below where those are not exact.
    counts.iter().map(count).sum::<f64>() as u64
}

async fn count_postgres(store: &tokio_postgres::Client) -> u64 {
    let list = "SELECT quote_ident(relname) FROM pg_stat_user_tables";
    let tables = store.query(list, &[]).await.expect("the tables");
    let mut sum = 0;
    for table in tables {
        let table: String = table.get(0);
        let count = format!("SELECT coalesce(sum(octet_length(t::text)), 0)::bigint FROM {table} t");
        let bytes: i64 = store.query_one(&count, &[]).await.expect("a sum").get(0);
        sum += u64::try_from(bytes).expect("no sum is negative");
    }
    sum
}
