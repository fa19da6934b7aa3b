//! The seam between SQL and its engines, and the only folder that names a driver. It names no table but its own.

mod backup;
mod check;
mod claim;
mod conn;
mod error;
mod grouped;
mod migrate;
mod notice;
mod postgres;
mod reader;
mod seal;
#[cfg(feature = "spans")]
mod spans;
mod sql;
mod sqlite;
mod stats;
mod tls;
mod transfer;

use tokio::sync::Notify;

use std::{fmt, path::PathBuf, pin::Pin, sync::Arc, time::Instant};

pub(crate) use self::sql::{Array, ByKey, for_each_key};
pub use self::{
    backup::{BackupStep, BackupSummary, ReportBackup, back_up_sqlite, check_backup, restore_sqlite},
    check::{Integrity, check_integrity},
    claim::Claim,
    conn::{Conn, Tx},
    error::StoreError,
    grouped::{GroupWork, GroupedWrite},
    reader::Reader,
    sql::{Column, Param, Row, Sql},
    stats::{GROUP_CLASSES, StoreStats, WriteStats},
    transfer::{TransferStep, transfer_to_postgres},
};
use self::{postgres::Postgres, reader::Held, sqlite::Sqlite, stats::Counters};

/// A boxed future that may borrow its transaction and input.
pub type BoxFuture<'t, T> = Pin<Box<dyn Future<Output = T> + Send + 't>>;

/// The two engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, inside this process.
    Sqlite,
    /// PostgreSQL, over the network.
    Postgres,
}

/// The location of a store.
#[derive(Clone)]
pub enum Location {
    /// A local file; its folder must exist.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
    /// A PostgreSQL database.
    Postgres {
        /// Connection URL in libpq's format. `sslmode=require` (or `verify-full`) means a verified certificate, by the
        /// authorities in the PEM file `sslrootcert` or the public ones; any other mode means no TLS.
        url: String,
        /// Maximum number of connections.
        max_connections: usize,
        /// The pooler between this process and the server.
        pooler: Pooler,
        /// Another URL to listen for changed settings at, for poolers that drop notifications.
        listen_url: Option<String>,
    },
}

impl Location {
    /// A PostgreSQL database without a pooler.
    #[must_use]
    pub const fn postgres(url: String, max_connections: usize) -> Self {
        Self::Postgres { url, max_connections, pooler: Pooler::None, listen_url: None }
    }
}

/// The pooler in front of PostgreSQL, which decides what outlives a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooler {
    /// No pooler, or one that keeps one session per connection.
    #[default]
    None,
    /// Each transaction may run in another session, without our prepared statements and settings.
    Transaction,
    /// As [`Pooler::Transaction`], but the pooler prepares our statements in each session.
    TransactionPrepared,
}

impl Pooler {
    /// Whether settings and LISTEN last as long as our connection.
    pub(self) const fn keeps_session(self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether a prepared statement can be reused by name.
    pub(self) const fn keeps_statements(self) -> bool {
        matches!(self, Self::None | Self::TransactionPrepared)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => f.debug_struct("Sqlite").field("path", path).finish(),
            // The URL contains a password; leave it out.
            Self::Postgres { max_connections, pooler, .. } => {
                let mut debug = f.debug_struct("Postgres");
                debug.field("max_connections", max_connections).field("pooler", pooler).finish_non_exhaustive()
            }
        }
    }
}

/// An open store; clones share its connections.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    counters: Arc<Counters>,
    outbox_signal: Arc<Notify>,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

impl Store {
    /// Opens the store, creates it where possible, and applies pending migrations.
    ///
    /// # Errors
    /// A message of one line that says what is wrong with the location.
    pub async fn open(location: &Location) -> Result<Self, StoreError> {
        let (counters, outbox_signal) = (Arc::new(Counters::default()), Arc::new(Notify::new()));
        let backend = match location {
            Location::Sqlite { path } => {
                let opening = Sqlite::open(path, Arc::clone(&counters), Arc::clone(&outbox_signal));
                Backend::Sqlite(Arc::new(opening.await?))
            }
            Location::Postgres { url, max_connections, pooler, listen_url } => {
                let listen_url = listen_url.as_deref();
                let shared = (Arc::clone(&counters), Arc::clone(&outbox_signal));
                let opening = Postgres::open(url, *max_connections, *pooler, listen_url, shared);
                Backend::Postgres(Arc::new(opening.await?))
            }
        };
        Ok(Self { backend, counters, outbox_signal })
    }

    /// Opens a store for reading only: nothing is created, migrated or written. `None` when the location contains no
    /// store.
    ///
    /// # Errors
    /// A message of one line that says what is wrong with the location.
    pub async fn look(location: &Location) -> Result<Option<Conn>, StoreError> {
        /// Whether the table exists that every store has.
        const IS_STORE: Sql = Sql::both(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'",
            "SELECT 1 WHERE to_regclass('migrations') IS NOT NULL",
        );
        let conn = match location {
            Location::Sqlite { path } => sqlite::look(path)?,
            Location::Postgres { url, pooler, .. } => Some(postgres::look(url, *pooler)?),
        };
        let Some(mut conn) = conn else { return Ok(None) };
        let found = conn.query_optional(&IS_STORE, &[], |_| Ok(())).await?;
        Ok(found.map(|()| conn))
    }

    /// Borrows a read connection. Drop it before awaiting anything but SQL. On PostgreSQL the first statement borrows it, or none does
    /// if it can go together with those of other requests; that statement then has these errors.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when none is free in time, [`StoreError::Unavailable`] when the database cannot be reached.
    pub async fn read(&self) -> Result<Reader, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => Ok(Reader(Held::Sqlite(sqlite.read().await?))),
            Backend::Postgres(postgres) => Ok(Reader(Held::Postgres(postgres.read()?))),
        }
    }

    /// Runs a closure in a transaction and returns after the COMMIT; an `Err` of the closure rolls everything back.
    ///
    /// The closure may run more than once (after a conflict or a lost connection), so it must do nothing but SQL and
    /// take its values from `input`. It runs to its end even when the caller is dropped.
    ///
    /// # Errors
    /// The closure's own, or a [`StoreError`] converted to it.
    pub async fn write<I, T, E, F>(&self, name: &'static str, input: I, work: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        #[expect(clippy::disallowed_methods, reason = "measures how long the write takes; decides nothing")]
        let started = Instant::now();
        let writing = async {
            match &self.backend {
                Backend::Sqlite(sqlite) => sqlite.write(name, input, work).await,
                Backend::Postgres(postgres) => postgres.write(name, input, work).await,
            }
        };
        #[cfg(feature = "spans")]
        let (span, writing) = spans::wrap(self.engine(), name, writing);
        let result = writing.await;
        #[cfg(feature = "spans")]
        spans::end(&span, result.is_ok());
        self.counters.count_write(name, result.is_ok(), started.elapsed());
        result
    }

    /// Notifies `signal` when another process may have changed projects or keys. There are no notifications on SQLite,
    /// nor behind a pooler without a `listen_url`, and elsewhere one can get lost; so poll as well.
    pub fn listen_for_settings(&self, signal: &Arc<Notify>) {
        match &self.backend {
            Backend::Sqlite(_) => {}
            Backend::Postgres(postgres) => postgres.listen(Arc::clone(signal)),
        }
    }

    /// The number under which this process claims work. On SQLite, the store's only process. On PostgreSQL, a number that
    /// the process has locked in the session that listens for settings: `None` while it has no such session.
    #[must_use]
    pub fn node(&self) -> Option<i64> {
        match &self.backend {
            Backend::Sqlite(_) => Some(0),
            Backend::Postgres(postgres) => postgres.node(),
        }
    }

    /// Whether this process claims work under a number, or did when it last could.
    #[must_use]
    pub fn is_this_node(&self, number: i64) -> bool {
        match &self.backend {
            Backend::Sqlite(_) => number == 0,
            Backend::Postgres(postgres) => postgres.is_this_node(number),
        }
    }

    /// Rung when a transaction of this process that filled the outbox has committed.
    #[must_use]
    pub const fn outbox_signal(&self) -> &Arc<Notify> {
        &self.outbox_signal
    }

    /// Whether the database answers, for a readiness probe.
    ///
    /// # Errors
    /// The reason why it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.ping().await,
            Backend::Postgres(postgres) => postgres.ping().await,
        }
    }

    /// Finishes the queued writes, then closes; later calls return [`StoreError::Closed`].
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Postgres(postgres) => postgres.close(),
        }
    }

    /// The engine in use.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.backend {
            Backend::Sqlite(_) => Engine::Sqlite,
            Backend::Postgres(_) => Engine::Postgres,
        }
    }

    /// Waits until the writes that wait by now are on disk, where all writes wait for each other: what is not urgent goes behind them.
    ///
    /// # Errors
    /// [`StoreError`] if the store closes, or the disk fails.
    pub async fn let_others_write(&self) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.write("let_others_write", (), |_, ()| Box::pin(async { Ok(()) })).await,
            Backend::Postgres(_) => Ok(()),
        }
    }

    /// Writes that were kept since the store was opened, as in [`Self::stats`].
    #[must_use]
    pub fn count_writes(&self) -> u64 {
        self.counters.writes()
    }

    /// A snapshot of the counters.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.counters.snapshot()
    }
}
