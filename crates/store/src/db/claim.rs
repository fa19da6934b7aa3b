//! One process uses an SQLite store for itself: a server, a restore or a move. Names no table.
//!
//! The claim is a lock of the operating system on a file beside the database file, found through symbolic links; the
//! system lets go of it when the process ends, however it ends. Commands that work beside a server take none.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::Path,
};

use super::{
    Location, StoreError, seal,
    sqlite::{
        self,
        files::{self, beside, real_path},
        header::Header,
        log,
    },
};

/// The longest description of a process that is read from the lock file.
const LONGEST_HOLDER: u64 = 200;

/// The right to use an SQLite store alone; let go of when dropped.
#[derive(Debug)]
pub struct Claim {
    /// Locked as long as it is open.
    _lock: File,
    /// What an operator should know about the state of the files.
    pub warnings: Vec<String>,
}

impl Claim {
    /// Claims a store for a server, and looks whether its files are whole. `None` on PostgreSQL, which many may use.
    /// Blocking: do not call it on an async thread.
    ///
    /// # Errors
    /// When another process has claimed the store, or its files are damaged.
    pub fn for_server(location: &Location) -> Result<Option<Self>, StoreError> {
        let Location::Sqlite { path } = location else { return Ok(None) };
        files::refuse_remains(path)?;
        let mut claim = Self::take(path, "vestibule serve")?;
        let file = real_path(path);
        seal::take_off(&file)?;
        claim.warnings = inspect(&file)?;
        Ok(Some(claim))
    }

    /// Claims a store for a command; `name` is what a refused process is told.
    pub(super) fn take(path: &Path, name: &str) -> Result<Self, StoreError> {
        let file = beside(&real_path(path), ".lock");
        let fail = |error: std::io::Error| StoreError::from_io(&error, &file);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut lock = options.open(&file).map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse { path: path.to_path_buf(), by: read_holder(&lock) });
            }
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        // Only a hint for whom this lock refuses: a full disk is no reason to stop.
        let holder = format!("`{name}` (process {})\n", std::process::id());
        lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| lock.write_all(holder.as_bytes())).ok();
        Ok(Self { _lock: lock, warnings: Vec::new() })
    }
}

/// The process that holds the lock, as it wrote itself.
fn read_holder(lock: &File) -> String {
    let mut holder = String::new();
    let known = lock.take(LONGEST_HOLDER).read_to_string(&mut holder).is_ok();
    let line = holder.lines().next().unwrap_or_default();
    if known && line.starts_with('`') { line.to_owned() } else { "another process".to_owned() }
}

/// Looks whether the database file is as long as it should be, and whether its log is whole.
fn inspect(path: &Path) -> Result<Vec<String>, StoreError> {
    let length = files::size_of(path);
    if length == 0 {
        return Ok(Vec::new());
    }
    let header = Header::read(path)?;
    let log_file = files::log_of(path);
    let content = log::read(&log_file).map_err(|error| StoreError::from_io(&error, &log_file))?;
    let page_size = header.page_size;
    // A release before 0.2.0 wrote beside the checksum of a copied backup, which SQLite counts as a page.
    let there = if seal::is_at_end_of(path) { length.div_ceil(page_size) } else { length / page_size };
    let is_in_log = |page: &u64| content.pages.contains(page);
    let needed = if content.committed > 0 {
        content.database_pages
    } else if files::size_of(&beside(path, "-journal")) > 0 {
        // SQLite undoes a transaction that was interrupted.
        there
    } else {
        header.pages.unwrap_or(there)
    };
    let missing = (there + 1..=needed).filter(|page| !is_in_log(page)).count() as u64;
    // A free page may never have been written.
    if missing > 0 && missing > count_free_pages(path, content.committed > 0)? {
        let reason = format!(
            "it has {length} bytes, and its header tells of {}: its end is missing. Restore a backup",
            needed * page_size
        );
        return Err(StoreError::Damaged { path: path.to_path_buf(), reason });
    }
    Ok(describe_log(&log_file, &content).into_iter().collect())
}

/// The number of pages without content, which counts only if the log holds transactions: otherwise the file must be
/// as long as its header says.
fn count_free_pages(path: &Path, has_log: bool) -> Result<u64, StoreError> {
    if !has_log {
        return Ok(0);
    }
    let connection = sqlite::open_read_only(path)?;
    let count = connection.query_row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0));
    count.map(|count| u64::try_from(count).unwrap_or(0)).map_err(|error| StoreError::from_opening(&error, path))
}

/// What may be missing because of the log, if it is not whole.
fn describe_log(log: &Path, content: &log::LogContent) -> Option<String> {
    let log = log.display();
    if content.has_bad_header {
        return Some(format!(
            "the write-ahead log {log} is damaged at its start, so none of it can be used: changes since the last \
             checkpoint, usually the last seconds before the server ended, are missing if there were any. Compare with \
             a backup, and run `vestibule check`"
        ));
    }
    (content.after_commit > 0).then(|| {
        format!(
            "the write-ahead log {log} ends in the middle of a transaction: {} pages of whole transactions were read, \
             {} after them were not. If the server was killed or the power failed, no acknowledged change is missing. \
             If the log was copied, cut or damaged, acknowledged changes from its end are missing: compare with a \
             backup, and run `vestibule check`",
            content.committed, content.after_commit
        )
    })
}
