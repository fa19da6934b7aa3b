//! A reader's transaction that stays open between its statements while nothing is committed, so that most statements do not take and give
//! back SQLite's lock on the write-ahead log. Names no table.

use std::{
    fs::File,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use super::{connection::SqliteConnection, files};

/// The head of the log's index, as SQLite lays it out (sqlite.org/walformat.html): a counter of commits, the log's length, its salts and
/// checksums. SQLite compares the same bytes to find out whether a reader's pages are still those of the database.
type Head = [u8; 48];

/// The index of the write-ahead log. Every commit of any process changes its head before the commit is answered.
pub(super) struct LogIndex {
    /// Never closed before the last connection of this process: closing a file drops SQLite's locks on it.
    file: File,
    /// Counts the commits of this process, and how often all readers were asked to end their transactions.
    round: AtomicU64,
}

impl LogIndex {
    /// Opens the index of an open store; `None` where a file may not read as it was changed in memory: no transaction stays open there.
    pub(super) fn open(path: &Path) -> Option<Arc<Self>> {
        let file = File::open(files::index_of(path)).ok()?;
        Some(Arc::new(Self { file, round: AtomicU64::new(0) }))
    }

    /// After a commit, or so that the readers end their transactions: those in use do with their next statement or when they are put back.
    pub(super) fn begin_round(&self) {
        self.round.fetch_add(1, SeqCst);
    }

    #[cfg(any(target_os = "linux", target_os = "macos"))]
    fn head(&self) -> Option<Head> {
        let mut head = [0; 48];
        std::os::unix::fs::FileExt::read_exact_at(&self.file, &mut head, 0).ok().map(|()| head)
    }

    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    fn head(&self) -> Option<Head> {
        None
    }

    /// The state of the store before a statement that begins now.
    fn moment(&self) -> Option<Moment> {
        let round = self.round.load(SeqCst);
        self.head().map(|head| Moment { head, round })
    }
}

/// A state of the store: between two that are equal, nothing was committed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Moment {
    head: Head,
    round: u64,
}

/// Whether a reader's transaction is open, and since when.
pub(super) struct Snapshot {
    index: Arc<LogIndex>,
    /// Before the last statement.
    seen: Option<Moment>,
    is_open: bool,
}

impl Snapshot {
    pub(super) const fn new(index: Arc<LogIndex>) -> Self {
        Self { index, seen: None, is_open: false }
    }
}

impl SqliteConnection {
    /// Before each statement of a reader. The transaction of the one before goes on if nothing was committed since it began; otherwise the
    /// statement sees the store anew. A transaction is opened only for the second statement between two commits: beside many writes,
    /// opening it would cost more than it saves.
    pub(super) fn begin_statement(&mut self) {
        let Some(snapshot) = &mut self.snapshot else { return };
        // Before the transaction: what is committed in between is seen, and taken for new once more.
        let now = snapshot.index.moment();
        let is_same = now.is_some() && now == snapshot.seen;
        snapshot.seen = now;
        match (is_same, snapshot.is_open) {
            (true, true) | (false, false) => {}
            (true, false) => {
                // Without it, the statement is a transaction of its own.
                snapshot.is_open =
                    self.connection.prepare_cached("BEGIN").and_then(|mut begin| begin.raw_execute()).is_ok();
            }
            (false, true) => self.end_transaction(),
        }
    }

    /// Ends the transaction of a reader, so that the log may begin anew.
    pub(super) fn end_transaction(&mut self) {
        let Some(snapshot) = &mut self.snapshot else { return };
        if !std::mem::take(&mut snapshot.is_open) || self.connection.is_autocommit() {
            return;
        }
        let ended = self.connection.prepare_cached("COMMIT").and_then(|mut commit| commit.raw_execute());
        if let Err(error) = ended {
            // Nothing was written, so nothing can be in the way. If it is, the next statement tells.
            tracing::warn!(error = %error, "a transaction that only reads could not be ended");
        }
    }

    /// Ends the transaction of a reader that is not used any more, if all were asked to.
    pub(super) fn end_old_transaction(&mut self) {
        let is_old =
            |snapshot: &Snapshot| snapshot.seen.is_some_and(|seen| seen.round != snapshot.index.round.load(SeqCst));
        if self.snapshot.as_ref().is_some_and(is_old) {
            self.end_transaction();
        }
    }

    /// Whether a transaction is open between statements.
    pub(super) fn holds_transaction(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| snapshot.is_open)
    }
}

#[cfg(all(test, any(target_os = "linux", target_os = "macos")))]
mod tests {
    use std::{sync::Arc, time::Duration};

    use rusqlite::Connection;
    use tempfile::TempDir;
    use tokio::time::Instant;

    use super::super::{Lease, Sqlite, link};
    use crate::db::{Sql, conn::Conn};

    const COUNT: Sql = Sql::new("SELECT count(*) FROM heap");
    const ADD: Sql = Sql::new("INSERT INTO heap VALUES (1)");

    async fn open(folder: &TempDir) -> (Sqlite, Connection) {
        let path = folder.path().join("some.db");
        let sqlite = Sqlite::open(&path, Arc::default(), Arc::default()).await.expect("it works");
        let other = Connection::open(&path).expect("it works");
        other.execute_batch("CREATE TABLE heap (content INTEGER) STRICT").expect("it works");
        (sqlite, other)
    }

    async fn count(conn: &mut Conn) -> i64 {
        conn.query_optional(&COUNT, &[], |row| row.get(0)).await.expect("it works").expect("it works")
    }

    /// A reader whose transaction is open after some statements.
    async fn hold(sqlite: &Sqlite) -> Lease {
        let mut lease = sqlite.read().await.expect("it works");
        for _ in 0..3 {
            count(lease.conn_mut()).await;
        }
        assert!(link(lease.conn_mut()).holds_transaction());
        lease
    }

    /// Whether another connection can empty the log, which nobody may read then.
    fn can_empty(other: &Connection) -> bool {
        other.busy_timeout(Duration::ZERO).expect("it works");
        other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).expect("it works") == 0
    }

    #[tokio::test]
    async fn each_statement_sees_what_any_connection_committed_before_it() {
        let folder = TempDir::new().expect("it works");
        let (sqlite, other) = open(&folder).await;
        let (mut first, mut second) = (hold(&sqlite).await, hold(&sqlite).await);
        for turn in 1..20 {
            if turn % 2 == 0 {
                other.execute("INSERT INTO heap VALUES (2)", []).expect("it works");
            } else {
                let add = sqlite.write("add", (), |tx, ()| Box::pin(async move { tx.execute(&ADD, &[]).await }));
                add.await.expect("it works");
            }
            for _ in 0..turn % 4 {
                assert_eq!(count(first.conn_mut()).await, turn);
            }
            assert_eq!(count(second.conn_mut()).await, turn);
        }
        drop((first, second));
        assert_eq!(count(sqlite.read().await.expect("it works").conn_mut()).await, 19);
        sqlite.close().await;
    }

    #[tokio::test]
    async fn a_transaction_ends_when_all_are_asked_to_or_a_moment_after_its_use() {
        let folder = TempDir::new().expect("it works");
        let (sqlite, other) = open(&folder).await;
        let used = hold(&sqlite).await;
        drop(hold(&sqlite).await);
        sqlite.readers.let_go();
        assert!(!can_empty(&other), "one is in use");
        drop(used);
        assert!(can_empty(&other), "an idle one ends at once, and the other when it is put back");
        other.execute("INSERT INTO heap VALUES (2)", []).expect("it works");
        drop(hold(&sqlite).await);
        assert!(!can_empty(&other), "it stays for the next request");
        let patience = Instant::now();
        while !can_empty(&other) {
            assert!(patience.elapsed() < Duration::from_secs(60), "it ends without one");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        sqlite.close().await;
    }

    #[tokio::test]
    async fn beside_writes_no_transaction_is_opened() {
        let folder = TempDir::new().expect("it works");
        let (sqlite, other) = open(&folder).await;
        let mut lease = sqlite.read().await.expect("it works");
        for turn in 1..9 {
            other.execute("INSERT INTO heap VALUES (2)", []).expect("it works");
            assert_eq!(count(lease.conn_mut()).await, turn);
            assert!(!link(lease.conn_mut()).holds_transaction());
        }
        drop(lease);
        sqlite.close().await;
    }
}
