//! Errors of the store, independent of the driver.

use std::path::PathBuf;

/// Why a database operation failed.
///
/// The messages contain no stored values, so they may be logged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The SQLite file could not be opened or created, for another reason than those below.
    #[error("cannot open the database file {}: {reason}", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// The operating system's or SQLite's message.
        reason: String,
    },
    /// The folder of the SQLite file does not exist.
    #[error("cannot open the database file {}: its folder does not exist", path.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
    },
    /// The SQLite file cannot be created.
    #[error("cannot create the database file {}: its folder is not writable for this user", path.display())]
    FolderReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// A file to open does not exist.
    #[error("there is no file {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file to create exists.
    #[error("the file {} exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
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
    /// The file is an SQLite database of another program.
    #[error("the file {} is an SQLite database, but no store of Vestibule", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// The content of the file is not what was written.
    #[error("the file {} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Files of an earlier store are there, but not the database file: creating an empty one would hide them.
    #[error(
        "there is no database file {}, but {}: {advice}",
        path.display(),
        left.display()
    )]
    Incomplete {
        /// The database file.
        path: PathBuf,
        /// The file that is there.
        left: PathBuf,
        /// What to do.
        advice: &'static str,
    },
    /// A server, or a command that needs the store for itself, uses the SQLite file.
    #[error("the store {} is in use by {by}. A SQLite store serves one process: stop that one first", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
        /// The process.
        by: String,
    },
    /// Another process held the lock on the SQLite file for too long.
    #[error("the database file {} is locked by another process", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The PostgreSQL connection URL is invalid.
    #[error("the PostgreSQL URL is not valid: {0}")]
    BadUrl(String),
    /// A part of an embedded store is in the PostgreSQL database; users of the rest would be gone.
    #[error(
        "only a part of an embedded store is in this database, because its move was interrupted: run `vestibule migrate-store` again"
    )]
    UnfinishedMove,
    /// A schema migration failed and was rolled back.
    #[error("schema migration {name} failed: {reason}")]
    Migration {
        /// The migration's name.
        name: &'static str,
        /// The engine's message.
        reason: String,
    },
    /// The queue or pool is full, or a conflict persisted over all retries; a later retry may succeed.
    #[error("the database is busy: {0}")]
    Busy(&'static str),
    /// Another transaction holds the lock of a row for longer than this one may wait for it.
    #[error("a row is locked by another transaction")]
    Held,
    /// The database cannot be reached.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// The reply to a COMMIT was lost: the write may or may not have happened.
    #[error("the outcome of the write is unknown: {0}")]
    Unknown(String),
    /// The disk (or quota) is full; nothing was written.
    #[error("the disk of the database is full")]
    Full,
    /// The disk (or quota) of a copy is full; what was copied is removed.
    #[error("the disk is full: there is no room for {}", path.display())]
    NoRoom {
        /// The copy.
        path: PathBuf,
    },
    /// The database could not use its files or its memory, or its files are damaged. A later retry may succeed.
    #[error("the database cannot use its files or memory: {reason} (in: {sql})")]
    Failing {
        /// The statement's text.
        sql: &'static str,
        /// The engine's message.
        reason: String,
    },
    /// A statement violated a uniqueness constraint that it did not expect.
    #[error("a row with the same key exists already (in: {sql})")]
    Conflict {
        /// The statement's text.
        sql: &'static str,
    },
    /// A statement failed: a bug, or a damaged database.
    #[error("a statement failed: {reason} (in: {sql})")]
    Statement {
        /// The statement's text.
        sql: &'static str,
        /// The engine's message.
        reason: String,
    },
    /// A stored value cannot be decoded.
    #[error("column {column} does not hold what it should: {reason}")]
    Decode {
        /// The column's index in the row, from 0.
        column: usize,
        /// The reason.
        reason: String,
    },
    /// The closure of a write awaited something other than SQL; its changes were rolled back.
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
    /// Whether a retry may succeed a little later (HTTP faces return 503).
    #[must_use]
    pub fn is_transient(&self) -> bool {
        // `Unknown` too: every write may be repeated, because one that did happen is found by the retry.
        matches!(
            self,
            Self::Busy(_)
                | Self::Held
                | Self::Unavailable(_)
                | Self::Unknown(_)
                | Self::Full
                | Self::Failing { .. }
                | Self::Closed
        )
    }

    /// Converts an error of a SQLite statement.
    pub(crate) fn from_sqlite(error: &rusqlite::Error, sql: &'static str) -> Self {
        use rusqlite::ErrorCode;
        let Some(code) = error.sqlite_error() else {
            return Self::Statement { sql, reason: error.to_string() };
        };
        if code.code == ErrorCode::DatabaseBusy || code.code == ErrorCode::DatabaseLocked {
            Self::Busy("another process holds the write lock")
        } else if code.code == ErrorCode::DiskFull || code.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE {
            // The second one: the log's shared index did not find room.
            Self::Full
        } else if code.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
            || code.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        {
            Self::Conflict { sql }
        } else if is_failing(code) {
            let advice = "check the disk and the kernel's log, and run `vestibule check`";
            Self::Failing { sql, reason: format!("{error}: {advice}") }
        } else {
            Self::Statement { sql, reason: error.to_string() }
        }
    }

    /// Converts an SQLite error met while opening or migrating the file.
    pub(crate) fn from_opening(error: &rusqlite::Error, path: &std::path::Path) -> Self {
        use rusqlite::ErrorCode;
        if error.sqlite_error_code() == Some(ErrorCode::CannotOpen)
            && let Some(missing) = Self::missing(path)
        {
            return missing;
        }
        let path = path.to_path_buf();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, reason: error.to_string() },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::DiskFull) => Self::Full,
            _ => Self::CannotOpen { path, reason: error.to_string() },
        }
    }

    /// Converts an error of the operating system about a file of the store, or about creating one.
    pub(crate) fn from_io(error: &std::io::Error, path: &std::path::Path) -> Self {
        use std::io::ErrorKind;
        let (kind, name) = (error.kind(), path.to_path_buf());
        if let (ErrorKind::NotFound, Some(missing)) = (kind, Self::missing(path)) {
            missing
        } else if kind == ErrorKind::AlreadyExists {
            Self::Exists { path: name }
        } else if matches!(kind, ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) && !path.exists() {
            Self::FolderReadOnly { path: name }
        } else if matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
            Self::Full
        } else {
            Self::CannotOpen { path: name, reason: error.to_string() }
        }
    }

    /// That a file or its folder does not exist, if so.
    fn missing(path: &std::path::Path) -> Option<Self> {
        let has_folder = path.parent().is_none_or(|folder| folder.as_os_str().is_empty() || folder.exists());
        match (has_folder, path.try_exists()) {
            (false, _) => Some(Self::NoFolder { path: path.to_path_buf() }),
            (true, Ok(false)) => Some(Self::Missing { path: path.to_path_buf() }),
            (true, _) => None,
        }
    }

    /// Converts an error of a PostgreSQL statement.
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
        } else if *state == SqlState::LOCK_NOT_AVAILABLE {
            Self::Held
        } else if *state == SqlState::QUERY_CANCELED {
            Self::Busy("a statement ran into its time limit")
        } else if *state == SqlState::TOO_MANY_CONNECTIONS {
            Self::Busy("PostgreSQL has no connection left for us")
        } else if *state == SqlState::INVALID_SQL_STATEMENT_NAME || *state == SqlState::DUPLICATE_PSTATEMENT {
            Self::Unavailable(format!("{}; behind a pooler, set store.pooler", describe(error)))
        } else if is_broken(error) {
            Self::Unavailable(describe(error))
        } else if ["53", "58"].iter().any(|class| state.code().starts_with(class)) {
            // Insufficient resources; system errors.
            Self::Failing { sql, reason: describe(error) }
        } else {
            // Leave out the error's detail field: it contains stored values.
            Self::Statement { sql, reason: describe(error) }
        }
    }
}

/// Whether SQLite could not do its work because of its files or memory. A read that fails (EIO) is reported by SQLite like damage, so
/// both are here. Errors that mean a lost write end the process before they are converted.
fn is_failing(error: &rusqlite::ffi::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    // The plain code is a write through a connection for reading: a fault of the caller.
    let lost_its_file = error.code == Code::ReadOnly && error.extended_code != rusqlite::ffi::SQLITE_READONLY;
    lost_its_file
        || matches!(
            error.code,
            Code::SystemIoFailure
                | Code::CannotOpen
                | Code::OutOfMemory
                | Code::FileLockingProtocolFailed
                | Code::PermissionDenied
                | Code::DatabaseCorrupt
                | Code::NotADatabase
        )
}

/// Whether PostgreSQL rolled the transaction back because of a concurrent one, so that a retry may succeed.
pub(crate) fn is_conflict(error: &tokio_postgres::Error) -> bool {
    use tokio_postgres::error::SqlState;
    error
        .code()
        .is_some_and(|code| *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED)
}

/// Whether the connection must be discarded: it is lost, the server is shutting down, or a cached plan is out of date.
pub(crate) fn is_broken(error: &tokio_postgres::Error) -> bool {
    use tokio_postgres::error::SqlState;
    if error.is_closed() {
        return true;
    }
    match error.code() {
        // Class 08: connection exception. 57P01 to 57P05: the server is shutting down or starting, or ended the session.
        Some(code) => {
            code.code().starts_with("08")
                || *code == SqlState::ADMIN_SHUTDOWN
                || *code == SqlState::CRASH_SHUTDOWN
                || *code == SqlState::CANNOT_CONNECT_NOW
                || *code == SqlState::DATABASE_DROPPED
                || *code == SqlState::IDLE_SESSION_TIMEOUT
                || (*code == SqlState::FEATURE_NOT_SUPPORTED && is_stale_plan(error))
                || is_of_no_use(code)
                // A pooler lost our prepared statement, or has another one of the same name.
                || *code == SqlState::INVALID_SQL_STATEMENT_NAME
                || *code == SqlState::DUPLICATE_PSTATEMENT
        }
        None => std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>),
    }
}

/// A statement prepared before a migration; `0A000` has other causes too, which another connection does not cure.
fn is_stale_plan(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|db| db.message().contains("cached plan must not change result type"))
}

/// Whether the session answers and cannot do its work: the server became a standby, or the role lost its rights to write. A new session
/// may reach the new primary.
pub(crate) fn is_of_no_use(code: &tokio_postgres::error::SqlState) -> bool {
    use tokio_postgres::error::SqlState;
    *code == SqlState::READ_ONLY_SQL_TRANSACTION || *code == SqlState::INSUFFICIENT_PRIVILEGE
}

/// The error and its causes on one line, without the detail field (it contains stored values).
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

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_the_operating_system_refuses_may_succeed_later_and_a_fault_may_not() {
        let convert =
            |code| StoreError::from_sqlite(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None), "SELECT 1");
        for code in [
            ffi::SQLITE_IOERR,
            ffi::SQLITE_IOERR_READ,
            ffi::SQLITE_IOERR_SHORT_READ,
            ffi::SQLITE_IOERR_SHMMAP,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_NOMEM,
            ffi::SQLITE_PROTOCOL,
            ffi::SQLITE_READONLY_DBMOVED,
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_NOTADB,
            ffi::SQLITE_BUSY,
            ffi::SQLITE_FULL,
        ] {
            assert!(convert(code).is_transient(), "{code}: {:?}", convert(code));
        }
        for code in [ffi::SQLITE_ERROR, ffi::SQLITE_READONLY, ffi::SQLITE_CONSTRAINT_UNIQUE] {
            assert!(!convert(code).is_transient(), "{code}: {:?}", convert(code));
        }
    }
}
