//! The seam between SQL and its engines: the only folder that names a driver. It knows no table but its own.

mod backup;
mod conn;
mod error;
mod migrate;
mod notice;
mod postgres;
#[cfg(feature = "spans")]
mod spans;
mod sql;
mod sqlite;
mod stats;
mod tls;
mod transfer;

use tokio::sync::Notify;

use std::{fmt, path::PathBuf, pin::Pin, sync::Arc, time::Instant};

pub use self::{
    backup::{BackupSummary, back_up_sqlite, restore_sqlite},
    conn::{Conn, Reader, Tx},
    error::StoreError,
    sql::{Column, Param, Row, Sql},
    stats::{GROUP_CLASSES, StoreStats, WriteStats},
    transfer::{TransferStep, transfer_to_postgres},
};
use self::{conn::Held, postgres::Postgres, sqlite::Sqlite, stats::Counters};

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

/// Where a store lives.
#[derive(Clone)]
pub enum Location {
    /// A file of this machine; its folder must exist.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
    /// A PostgreSQL database.
    Postgres {
        /// Connection URL as libpq takes it. `sslmode=require` (or `verify-full`) means a verified certificate, by the
        /// authorities in the PEM file `sslrootcert` or the public ones; any other mode means no TLS.
        url: String,
        /// Connections kept at most.
        max_connections: usize,
        /// What stands between us and the server.
        pooler: Pooler,
        /// Where to listen for changed settings instead: past a pooler that loses notices.
        listen_url: Option<String>,
    },
}

impl Location {
    /// A PostgreSQL database with nothing in between.
    #[must_use]
    pub const fn postgres(url: String, max_connections: usize) -> Self {
        Self::Postgres { url, max_connections, pooler: Pooler::None, listen_url: None }
    }
}

/// What stands between us and PostgreSQL, and so what lasts longer than a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooler {
    /// Nothing, or something that keeps one session for each of our connections.
    #[default]
    None,
    /// Each transaction may meet another session, which knows neither our statements nor our settings.
    Transaction,
    /// As [`Pooler::Transaction`], but each session learns our statements from the pooler.
    TransactionPrepared,
}

impl Pooler {
    /// Whether what is set or listened for lasts as long as our connection.
    pub(self) const fn keeps_session(self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether a prepared statement can be run later by its name.
    pub(self) const fn keeps_statements(self) -> bool {
        matches!(self, Self::None | Self::TransactionPrepared)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => f.debug_struct("Sqlite").field("path", path).finish(),
            // The URL holds a password.
            Self::Postgres { max_connections, pooler, .. } => {
                let mut told = f.debug_struct("Postgres");
                told.field("max_connections", max_connections).field("pooler", pooler).finish_non_exhaustive()
            }
        }
    }
}

/// An open store; clones share it.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    counters: Arc<Counters>,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

impl Store {
    /// Opens the store, creates it where that is possible, and brings its schema up to date.
    ///
    /// # Errors
    /// One that says in a line what is wrong with the place.
    pub async fn open(location: &Location) -> Result<Self, StoreError> {
        let counters = Arc::new(Counters::default());
        let backend = match location {
            Location::Sqlite { path } => Backend::Sqlite(Arc::new(Sqlite::open(path, Arc::clone(&counters)).await?)),
            Location::Postgres { url, max_connections, pooler, listen_url } => {
                let listen_url = listen_url.as_deref();
                let opening = Postgres::open(url, *max_connections, *pooler, listen_url, Arc::clone(&counters));
                Backend::Postgres(Arc::new(opening.await?))
            }
        };
        Ok(Self { backend, counters })
    }

    /// A connection to read a store through as it is: nothing is created, brought up to date or written. `None` when there is no
    /// store at that place.
    ///
    /// # Errors
    /// One that says in a line what is wrong with the place.
    pub async fn look(location: &Location) -> Result<Option<Conn>, StoreError> {
        /// Whether the table is there that every store has.
        const IS_STORE: Sql = Sql::both(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'",
            "SELECT 1 WHERE to_regclass('migrations') IS NOT NULL",
        );
        let conn = match location {
            Location::Sqlite { path } => sqlite::look(path)?,
            Location::Postgres { url, pooler, .. } => Some(postgres::look(url, *pooler).await?),
        };
        let Some(mut conn) = conn else { return Ok(None) };
        let found = conn.query_optional(&IS_STORE, &[], |_| Ok(())).await?;
        Ok(found.map(|()| conn))
    }

    /// A connection to read through. Give it back (drop it) before waiting for anything but SQL.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when none gets free in time, [`StoreError::Unavailable`] when the database is away.
    pub async fn read(&self) -> Result<Reader, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => Ok(Reader(Held::Sqlite(sqlite.read().await?))),
            Backend::Postgres(postgres) => Ok(Reader(Held::Postgres(postgres.read().await?))),
        }
    }

    /// Runs a closure in a transaction and answers after its COMMIT; an `Err` of the closure undoes all it did.
    ///
    /// The closure may run more than once (after a conflict or a lost connection), so it must do nothing but SQL, and
    /// take what it needs from `input`. It finishes even when the caller stops waiting.
    ///
    /// # Errors
    /// The closure's own, or a [`StoreError`] turned into it.
    pub async fn write<I, T, E, F>(&self, name: &'static str, input: I, work: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        #[expect(clippy::disallowed_methods, reason = "measures how long the write takes; decides nothing")]
        let asked = Instant::now();
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
        self.counters.count_write(name, result.is_ok(), asked.elapsed());
        result
    }

    /// Rings the bell when another process may have changed projects or keys. Never on SQLite, nor behind a pooler without a
    /// place to listen at; elsewhere a notice can get lost. So look now and then all the same.
    pub fn listen_for_settings(&self, bell: &Arc<Notify>) {
        match &self.backend {
            Backend::Sqlite(_) => {}
            Backend::Postgres(postgres) => postgres.listen(Arc::clone(bell)),
        }
    }

    /// Whether the database answers, for a readiness probe.
    ///
    /// # Errors
    /// What keeps it from answering.
    pub async fn ping(&self) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.ping().await,
            Backend::Postgres(postgres) => postgres.ping().await,
        }
    }

    /// Finishes the writes that wait, then closes; later calls get [`StoreError::Closed`].
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Postgres(postgres) => postgres.close(),
        }
    }

    /// The engine underneath.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.backend {
            Backend::Sqlite(_) => Engine::Sqlite,
            Backend::Postgres(_) => Engine::Postgres,
        }
    }

    /// The counters as they stand.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.counters.snapshot()
    }
}
