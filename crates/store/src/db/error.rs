//! What can go wrong in the store, in words of ours; may look into driver errors, touches nothing else.

use std::path::PathBuf;

/// Why the store could not do what it was asked to.
///
/// The texts hold no stored values, so they may be logged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The SQLite file could not be opened or created.
    #[error("cannot open the database file {}: its folder is missing or not writable ({reason})", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The SQLite file can be read but not written.
    #[error("the database file {} is not writable", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The file exists but is not an SQLite database.
    #[error("the file {} is not an SQLite database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// Another process kept the SQLite file locked for longer than we wait.
    #[error("the database file {} is locked by another process", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The connection URL of PostgreSQL makes no sense.
    #[error("the PostgreSQL URL is not valid: {0}")]
    BadUrl(String),
    /// A schema migration failed; nothing of it was kept.
    #[error("schema migration {name} failed: {reason}")]
    Migration {
        /// The migration's name.
        name: &'static str,
        /// What the engine said.
        reason: String,
    },
    /// Too much is waiting for the database, or a conflict did not go away; trying again later may help.
    #[error("the database is busy: {0}")]
    Busy(&'static str),
    /// The database cannot be reached.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// The answer to a COMMIT was lost: the write may or may not have happened.
    #[error("the outcome of the write is unknown: {0}")]
    Unknown(String),
    /// The disk (or quota) is full; nothing was written.
    #[error("the disk of the database is full")]
    Full,
    /// A uniqueness rule was violated by a statement that did not expect it.
    #[error("a row with the same key exists already (in: {sql})")]
    Conflict {
        /// The statement's text.
        sql: &'static str,
    },
    /// A statement failed: a mistake of ours or a damaged database.
    #[error("a statement failed: {reason} (in: {sql})")]
    Statement {
        /// The statement's text.
        sql: &'static str,
        /// What the engine said.
        reason: String,
    },
    /// A stored value does not read back as what it should be.
    #[error("column {column} does not hold what it should: {reason}")]
    Decode {
        /// The column's place in the row, from 0.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// The closure of a write awaited something that is not SQL; its changes were rolled back.
    #[error("the write {0} awaited something other than SQL")]
    Suspended(&'static str),
    /// The closure of a write panicked; its changes were rolled back.
    #[error("the write {0} panicked")]
    Panicked(&'static str),
    /// The closure of a write returned success although one of its statements had failed; it was rolled back.
    #[error("the write {0} ignored a failed statement")]
    Ignored(&'static str),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether the same request may well succeed a little later (an HTTP face answers 503).
    #[must_use]
    pub fn is_transient(&self) -> bool {
        // After an unknown outcome, too: what was done already answers for itself when it is asked for again.
        matches!(self, Self::Busy(_) | Self::Unavailable(_) | Self::Unknown(_) | Self::Full | Self::Closed)
    }

    /// Reads an SQLite error that a statement met.
    pub(crate) fn from_sqlite(error: &rusqlite::Error, sql: &'static str) -> Self {
        use rusqlite::ErrorCode;
        let Some(code) = error.sqlite_error() else {
            return Self::Statement { sql, reason: error.to_string() };
        };
        if code.code == ErrorCode::DatabaseBusy || code.code == ErrorCode::DatabaseLocked {
            Self::Busy("another process holds the write lock")
        } else if code.code == ErrorCode::DiskFull {
            Self::Full
        } else if code.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
            || code.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        {
            Self::Conflict { sql }
        } else {
            Self::Statement { sql, reason: error.to_string() }
        }
    }

    /// Reads an SQLite error met while opening or migrating the file.
    pub(crate) fn from_opening(error: &rusqlite::Error, path: &std::path::Path) -> Self {
        use rusqlite::ErrorCode;
        let path = path.to_path_buf();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::DiskFull) => Self::Full,
            _ => Self::CannotOpen { path, reason: error.to_string() },
        }
    }

    /// Reads a PostgreSQL error that a statement met.
    pub(crate) fn from_postgres(error: &tokio_postgres::Error, sql: &'static str) -> Self {
        use tokio_postgres::error::SqlState;
        let Some(db) = error.as_db_error() else {
            return if is_broken(error) {
                Self::Unavailable(describe(error))
            } else {
                Self::Statement { sql, reason: describe(error) }
            };
        };
        let state = db.code();
        if *state == SqlState::UNIQUE_VIOLATION {
            Self::Conflict { sql }
        } else if *state == SqlState::DISK_FULL {
            Self::Full
        } else if is_conflict(error) {
            Self::Busy("transactions kept getting in each other's way")
        } else if *state == SqlState::QUERY_CANCELED || *state == SqlState::LOCK_NOT_AVAILABLE {
            Self::Busy("a statement ran into its time limit")
        } else if *state == SqlState::TOO_MANY_CONNECTIONS {
            Self::Busy("PostgreSQL has no connection left for us")
        } else if *state == SqlState::INVALID_SQL_STATEMENT_NAME || *state == SqlState::DUPLICATE_PSTATEMENT {
            Self::Unavailable(format!("{}; behind a pooler, set store.pooler", describe(error)))
        } else if is_broken(error) {
            Self::Unavailable(describe(error))
        } else {
            // The detail of the message is left out on purpose: it holds stored values.
            Self::Statement { sql, reason: describe(error) }
        }
    }
}

/// Whether PostgreSQL undid the transaction because of a concurrent one: a fresh try may succeed.
pub(crate) fn is_conflict(error: &tokio_postgres::Error) -> bool {
    use tokio_postgres::error::SqlState;
    error
        .code()
        .is_some_and(|code| *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED)
}

/// Whether the connection is of no more use: the link is gone, the server stops, or a cached plan is out of date.
pub(crate) fn is_broken(error: &tokio_postgres::Error) -> bool {
    use tokio_postgres::error::SqlState;
    if error.is_closed() {
        return true;
    }
    match error.code() {
        // Class 08: connection exception; 57P01..57P03: the server shuts down or starts.
        Some(code) => {
            code.code().starts_with("08")
                || *code == SqlState::ADMIN_SHUTDOWN
                || *code == SqlState::CRASH_SHUTDOWN
                || *code == SqlState::CANNOT_CONNECT_NOW
                || *code == SqlState::FEATURE_NOT_SUPPORTED // "cached plan must not change result type"
                // The pooler in between forgot our statement, or has another's of the same name.
                || *code == SqlState::INVALID_SQL_STATEMENT_NAME
                || *code == SqlState::DUPLICATE_PSTATEMENT
        }
        None => std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>),
    }
}

/// The error and its causes on one line, without the detail field (it holds stored values).
pub(crate) fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let next = inner
            .downcast_ref::<tokio_postgres::error::DbError>()
            .map_or_else(|| inner.to_string(), |db| format!("{} ({})", db.message(), db.code().code()));
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = inner.source();
    }
    text
}
