//! The SQLite engine: opening files, running statements, the pool of readers. Uses rusqlite; names no table.

mod checkpoint;
pub(super) mod connection;
mod failed_write;
pub(super) mod files;
pub(super) mod header;
pub(super) mod log;
mod snapshot;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore},
};

use self::{connection::SqliteConnection, snapshot::LogIndex, writer::Writer};
use super::{
    BoxFuture, Sql, StoreError, Tx,
    conn::{AnyConnection, Conn},
    migrate,
    stats::Counters,
};

/// How long a statement waits for another process's lock.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Maximum wait for a free reader.
const READER_WAIT: Duration = Duration::from_secs(3);
/// Maximum number of readers; they are opened on demand.
const READERS: usize = 16;
/// How long the transactions of idle readers may stay open. Less than a command that changes the store beside a server waits for them.
const LET_GO_AFTER: Duration = Duration::from_millis(100);
/// Prepared statements cached per connection: more than there are in total.
const STATEMENT_CACHE: usize = 256;
/// Page cache of the writer and of each reader, in SQLite's negative KiB. Small, because the operating system caches
/// the file's pages too, and because a reader drops its cache after every write.
const WRITER_CACHE: i64 = -24_576;
const READER_CACHE: i64 = -4_096;
/// How long the file of the write-ahead log stays when it begins anew: as long as it gets under load.
const LOG_BYTES_KEPT: u64 = 64 << 20;

/// An open SQLite store.
pub(super) struct Sqlite {
    readers: Arc<Readers>,
    writer: Writer,
}

impl Sqlite {
    /// Opens and migrates the file, then starts the writer and the checkpointer.
    pub(super) async fn open(
        path: &Path,
        counters: Arc<Counters>,
        outbox_signal: Arc<Notify>,
    ) -> Result<Self, StoreError> {
        let path = path.to_path_buf();
        let opened = tokio::task::spawn_blocking(move || {
            let mut connection = open_writer(&path)?;
            migrate::migrate_sqlite(&mut connection, &path)?;
            let checkpoints = open_writer(&path)?;
            let readers = Arc::new(Readers::new(path.clone(), LogIndex::open(&path)));
            // Open the first reader now, so that a problem with the file shows at startup.
            readers.put_back(readers.open_one()?);
            let link = SqliteConnection::new(connection);
            let writer = Writer::start(link, checkpoints, Arc::clone(&readers), counters, outbox_signal)
                .map_err(|error| StoreError::CannotOpen { path, reason: error.to_string() })?;
            Ok(Self { readers, writer })
        });
        opened.await.unwrap_or(Err(StoreError::Closed))
    }

    pub(super) async fn read(&self) -> Result<Lease, StoreError> {
        Readers::lease(&self.readers).await
    }

    /// Checks that the file is readable and the writer runs.
    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        const PING: Sql = Sql::new("SELECT 1");
        if self.writer.is_closed() {
            return Err(StoreError::Closed);
        }
        self.read().await?.conn_mut().query_optional(&PING, &[], |row| row.get::<i64>(0)).await.map(|_| ())
    }

    pub(super) async fn write<I, T, E, F>(&self, name: &'static str, input: I, work: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        self.writer.write(name, input, work).await
    }

    /// Finishes the queued writes, copies the log into the file and closes it.
    pub(super) async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }
}

/// The idle readers.
struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Conn>>,
    /// One for each reader that is not in use.
    permits: Semaphore,
    index: Option<Arc<LogIndex>>,
    /// Whether the idle readers' transactions will be ended soon.
    will_let_go: AtomicBool,
}

impl Readers {
    fn new(path: PathBuf, index: Option<Arc<LogIndex>>) -> Self {
        let will_let_go = AtomicBool::new(false);
        Self { path, idle: Mutex::default(), permits: Semaphore::new(READERS), index, will_let_go }
    }

    async fn lease(readers: &Arc<Self>) -> Result<Lease, StoreError> {
        let permit = match readers.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => tokio::time::timeout(READER_WAIT, readers.permits.acquire())
                .await
                .map_err(|_| StoreError::Busy("all readers are in use"))?
                .map_err(|_| StoreError::Closed)?,
        };
        let waiting = readers.idle().pop();
        let conn = match waiting {
            Some(conn) => conn,
            // The store is open already: what is in the way now may be gone later.
            None => readers.open_one().map_err(|error| StoreError::Unavailable(error.to_string()))?,
        };
        // The lease gives it back.
        permit.forget();
        Ok(Lease { conn: Some(conn), readers: Arc::clone(readers) })
    }

    fn open_one(&self) -> Result<Conn, StoreError> {
        let connection = open_reader(&self.path)?;
        Ok(Conn(AnyConnection::Sqlite(SqliteConnection::reader(connection, self.index.clone()))))
    }

    fn put_back(&self, mut conn: Conn) {
        if !self.permits.is_closed() {
            let mut idle = self.idle();
            // Under the lock: `let_go` has begun a round before, or finds this reader among the idle ones.
            link(&mut conn).end_old_transaction();
            idle.push(conn);
        }
    }

    /// Ends the transactions of readers that are not in use, and has the others do it soon. Otherwise the log could neither be copied whole
    /// nor begin anew.
    fn let_go(&self) {
        let Some(index) = &self.index else { return };
        index.begin_round();
        self.idle().iter_mut().for_each(|conn| link(conn).end_transaction());
    }

    /// Has every statement that begins from now on see what was committed.
    fn note_commit(&self) {
        if let Some(index) = &self.index {
            index.begin_round();
        }
    }

    /// Has [`Self::let_go`] called in a moment: without requests, no transaction stays open that other processes would have to wait for.
    fn let_go_soon(self: &Arc<Self>) {
        if self.will_let_go.load(Relaxed) || self.will_let_go.swap(true, Relaxed) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            self.will_let_go.store(false, Relaxed);
            return self.let_go();
        };
        let readers = Arc::downgrade(self);
        runtime.spawn(async move {
            tokio::time::sleep(LET_GO_AFTER).await;
            if let Some(readers) = readers.upgrade() {
                readers.will_let_go.store(false, Relaxed);
                readers.let_go();
            }
        });
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Conn>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.permits.close();
        self.idle().clear();
    }
}

fn link(conn: &mut Conn) -> &mut SqliteConnection {
    match &mut conn.0 {
        AnyConnection::Sqlite(link) => link,
        AnyConnection::Postgres(_) => unreachable!("this folder made the connection"),
    }
}

/// A borrowed reader; dropping it returns it to the pool.
pub(super) struct Lease {
    conn: Option<Conn>,
    readers: Arc<Readers>,
}

impl Lease {
    pub(super) fn conn(&self) -> &Conn {
        self.conn.as_ref().expect("taken only by drop")
    }

    pub(super) fn conn_mut(&mut self) -> &mut Conn {
        self.conn.as_mut().expect("taken only by drop")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(mut conn) = self.conn.take() {
            let holds_transaction = link(&mut conn).holds_transaction();
            self.readers.put_back(conn);
            if holds_transaction {
                self.readers.let_go_soon();
            }
        }
        self.readers.permits.add_permits(1);
    }
}

fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    files::refuse_remains(path)?;
    match files::create_private(path) {
        Ok(()) | Err(StoreError::Exists { .. }) => {}
        Err(error) => return Err(error),
    }
    let fail = |error: rusqlite::Error| StoreError::from_opening(&error, path);
    let connection = open_file(path, OpenFlags::SQLITE_OPEN_CREATE).map_err(fail)?;
    if connection.is_readonly("main").map_err(fail)? {
        return Err(StoreError::ReadOnly { path: path.to_path_buf() });
    }
    switch_to_wal(&connection, path)?;
    set_up(&connection, WRITER_CACHE).map_err(fail)?;
    Ok(connection)
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let connection = open_file(path, OpenFlags::empty())?;
        set_up(&connection, READER_CACHE)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    open().map_err(|error| StoreError::from_opening(&error, path))
}

/// Opens a file for reading only; `None` when it does not exist.
pub(super) fn look(path: &Path) -> Result<Option<Conn>, StoreError> {
    files::refuse_remains(path)?;
    if !path.exists() {
        return Ok(None);
    }
    let connection = open_read_only(path)?;
    Ok(Some(Conn(AnyConnection::Sqlite(SqliteConnection::new(connection)))))
}

/// Opens a file for reading only.
pub(super) fn open_read_only(path: &Path) -> Result<Connection, StoreError> {
    let has_log = files::log_of(path).exists();
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        // Without a log file, open as immutable: SQLite then does not create a log only to find it empty.
        let connection = Connection::open_with_flags(uri_of(path, !has_log), flags)?;
        connection.busy_timeout(BUSY_WAIT)?;
        Ok(connection)
    };
    open().map_err(|error| StoreError::from_opening(&error, path))
}

/// The file as SQLite's URI (sqlite.org/uri.html).
fn uri_of(path: &Path, is_immutable: bool) -> String {
    // An absolute path follows an empty authority, so that a path that begins with two slashes names no host.
    let mut uri = String::from(if path.is_absolute() { "file://" } else { "file:" });
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri + if is_immutable { "?immutable=1" } else { "" }
}

fn open_file(path: &Path, extra: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | extra;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    Ok(connection)
}

/// Turns on the write-ahead log. SQLite's busy timeout does not apply to this lock, so the loop waits.
fn switch_to_wal(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    const PAUSE: Duration = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        let error = match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let reason = format!("its file system allows no write-ahead log, only {mode}");
                return Err(StoreError::CannotOpen { path: path.to_path_buf(), reason });
            }
            Err(error) => StoreError::from_opening(&error, path),
        };
        if !matches!(error, StoreError::Locked { .. }) || waited >= BUSY_WAIT {
            return Err(error);
        }
        thread::sleep(PAUSE);
        waited += PAUSE;
    }
}

fn set_up(connection: &Connection, cache: i64) -> rusqlite::Result<()> {
    // Without QPSG, SQLite replans a cached statement whenever a bound value might change the plan.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", cache)?;
    // The checkpointer runs on its own thread. Unlike the others, this pragma and the next return a row.
    connection.query_row("PRAGMA wal_autocheckpoint = 0", [], |row| row.get::<_, i64>(0))?;
    // While something reads for long, as a backup does, the log grows. The first commit of the log's next round gives the rest back.
    connection.query_row(&format!("PRAGMA journal_size_limit = {LOG_BYTES_KEPT}"), [], |row| row.get::<_, i64>(0))?;
    Ok(())
}
