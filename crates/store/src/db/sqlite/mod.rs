//! The SQLite engine: opening files, running statements, the pool of readers. Uses rusqlite; names no table.

mod checkpoint;
pub(super) mod connection;
mod failed_write;
pub(super) mod files;
pub(super) mod header;
pub(super) mod log;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use self::{connection::SqliteConnection, writer::Writer};
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
            let readers = Arc::new(Readers::new(path.clone()));
            // Open the first reader now, so that a problem with the file shows at startup.
            readers.put_back(readers.open_one()?);
            let writer = Writer::start(SqliteConnection::new(connection), checkpoints, counters, outbox_signal)
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
    permits: Arc<Semaphore>,
}

impl Readers {
    fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default(), permits: Arc::new(Semaphore::new(READERS)) }
    }

    async fn lease(readers: &Arc<Self>) -> Result<Lease, StoreError> {
        let permits = Arc::clone(&readers.permits);
        let permit = match Arc::clone(&permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => tokio::time::timeout(READER_WAIT, permits.acquire_owned())
                .await
                .map_err(|_| StoreError::Busy("all readers are in use"))?
                .map_err(|_| StoreError::Closed)?,
        };
        let waiting = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match waiting {
            Some(conn) => conn,
            // The store is open already: what is in the way now may be gone later.
            None => readers.open_one().map_err(|error| StoreError::Unavailable(error.to_string()))?,
        };
        Ok(Lease { conn: Some(conn), readers: Arc::clone(readers), _permit: permit })
    }

    fn open_one(&self) -> Result<Conn, StoreError> {
        let connection = open_reader(&self.path)?;
        Ok(Conn(AnyConnection::Sqlite(SqliteConnection::new(connection))))
    }

    fn put_back(&self, conn: Conn) {
        if !self.permits.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        }
    }

    fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A borrowed reader; dropping it returns it to the pool.
pub(super) struct Lease {
    conn: Option<Conn>,
    readers: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
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
        if let Some(conn) = self.conn.take() {
            self.readers.put_back(conn);
        }
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
