//! Online backup and restore of a SQLite store. Uses rusqlite and files; names no table but the migrations.

use std::{
    fs::{self, File},
    path::Path,
    sync::mpsc,
    thread,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, backup::Backup};

use super::{
    Claim, StoreError,
    migrate::NEWEST,
    seal::{self, Seal},
    sqlite::{
        self,
        files::{beside, create_private, folder_of, kept_of, part_of, real_path, size_of},
    },
};

/// What a backup contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupSummary {
    /// Its size in bytes.
    pub bytes: u64,
    /// The number of its newest schema migration.
    pub schema: i64,
    /// Whether its checksum was there and right; a backup of an earlier release has none.
    pub has_checksum: bool,
    /// Whether this release knows its newest schema migration.
    pub is_known_schema: bool,
}

/// What a backup, a restore or a check of a backup is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupStep {
    /// Pages are copied; `done` is what has reached the file.
    Copying {
        /// Bytes written.
        done: u64,
        /// Bytes of the store.
        total: u64,
    },
    /// The file is read for its checksum.
    Hashing {
        /// Bytes read.
        done: u64,
        /// Bytes to read.
        total: u64,
    },
    /// SQLite checks every page and index; it does not say how far it is.
    Checking,
}

/// Receives the progress; may be called from another thread.
pub type ReportBackup<'a> = &'a (dyn Fn(BackupStep) + Sync);

/// How often the size of a growing file is read.
const LOOK: Duration = Duration::from_millis(200);

/// Copies the SQLite file `from` to the new file `to`, a consistent snapshot taken while writes continue, checks the
/// copy and adds its checksum. Blocking: do not call it on an async thread.
///
/// # Errors
/// When `to` exists, either file cannot be used, or the copy fails its check; `to` is then not created.
pub fn back_up_sqlite(from: &Path, to: &Path, report: ReportBackup<'_>) -> Result<BackupSummary, StoreError> {
    let source = open_existing(from)?;
    let part = part_of(to);
    if to.exists() {
        return Err(StoreError::Exists { path: to.to_path_buf() });
    }
    let made = copy(&source, from, &part, report)
        .and_then(|()| seal::add(&part, report))
        .and_then(|()| check_backup(&part, report))
        .and_then(|summary| put_in_place(&part, to).map(|()| summary));
    clear_up(made, &part, to)
}

/// Replaces the SQLite store `to` by the backup `from`, after checking the backup. An existing store is kept as
/// `….before-restore`. A store is at `to` at every moment, if there was one: the old one or the new one. Blocking: do
/// not call it on an async thread.
///
/// # Errors
/// When the backup is damaged, or `to` is in use; `to` is then unchanged.
pub fn restore_sqlite(from: &Path, to: &Path, report: ReportBackup<'_>) -> Result<BackupSummary, StoreError> {
    let summary = check_backup(from, report)?;
    let to = &real_path(to);
    let _claim = Claim::take(to, "vestibule restore")?;
    // Held to the end: commands that work beside a server wait, too.
    let old = if to.exists() { Some(take_alone(to)?) } else { None };
    let part = part_of(to);
    let source = open_existing(from)?;
    let made = copy(&source, from, &part, report).and_then(|()| check(&part, report)).and_then(|_| {
        if old.is_some() {
            keep(to)?;
        }
        put_in_place(&part, to)
    });
    clear_up(made, &part, to).map(|()| summary)
}

/// Leaves nothing of a copy that failed, and says whose disk is full: not the store's, while a backup is made elsewhere.
fn clear_up<T>(made: Result<T, StoreError>, part: &Path, to: &Path) -> Result<T, StoreError> {
    made.map_err(|error| {
        let journal = beside(part, "-journal");
        for left in [part, journal.as_path()] {
            fs::remove_file(left).ok();
        }
        if matches!(error, StoreError::Full) { StoreError::NoRoom { path: to.to_path_buf() } } else { error }
    })
}

/// Checks a backup without using it: its length, its checksum, its pages, and that it is a store. Blocking: do not
/// call it on an async thread.
///
/// # Errors
/// What is wrong with it.
pub fn check_backup(path: &Path, report: ReportBackup<'_>) -> Result<BackupSummary, StoreError> {
    let has_checksum = match seal::check(path, report)? {
        Seal::Right => true,
        Seal::Missing => false,
    };
    Ok(BackupSummary { has_checksum, ..check(path, report)? })
}

/// Gives the store the name `….before-restore`, too; an earlier one of this name is replaced.
fn keep(to: &Path) -> Result<(), StoreError> {
    let kept = kept_of(to);
    let fail = |error: std::io::Error| StoreError::from_io(&error, &kept);
    if kept.exists() {
        fs::remove_file(&kept).map_err(fail)?;
    }
    // The file system may have no hard links: then the store has no name for a moment, and `refuse_remains` tells a
    // start in that moment what to do.
    fs::hard_link(to, &kept).or_else(|_| fs::rename(to, &kept)).map_err(fail)
}

fn copy(source: &Connection, from: &Path, part: &Path, report: ReportBackup<'_>) -> Result<(), StoreError> {
    fs::remove_file(part).ok();
    create_private(part)?;
    let fail = |error: rusqlite::Error| StoreError::from_opening(&error, part);
    let mut target = Connection::open(part).map_err(fail)?;
    let backup = Backup::new(source, &mut target).map_err(|error| StoreError::from_opening(&error, from))?;
    let size = |pragma: &str| source.query_row(pragma, [], |row| row.get::<_, i64>(0)).map_err(fail);
    let total = u64::try_from(size("PRAGMA page_count")?.saturating_mul(size("PRAGMA page_size")?)).unwrap_or(0);
    // All pages in one step: one read transaction sees one snapshot, and with a write-ahead log it does not block
    // writers. With smaller steps, each write of another connection would restart the copy. So the progress is the size
    // of the file.
    watch_growth(part, total, report, || backup.run_to_completion(i32::MAX, Duration::from_millis(50), None))
        .map_err(fail)?;
    drop(backup);
    // The copy must be one file, whatever the journal mode of the original.
    target.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0)).map_err(fail)?;
    target.close().map_err(|(_, error)| fail(error))
}

/// Reports the size of a file while `work` writes it, and at the end.
fn watch_growth<T>(part: &Path, total: u64, report: ReportBackup<'_>, work: impl FnOnce() -> T) -> T {
    let look = || report(BackupStep::Copying { done: size_of(part).min(total), total });
    look();
    let (ended, has_ended) = mpsc::channel::<()>();
    let outcome = thread::scope(|scope| {
        scope.spawn(|| {
            let has_ended = has_ended;
            while matches!(has_ended.recv_timeout(LOOK), Err(mpsc::RecvTimeoutError::Timeout)) {
                look();
            }
        });
        // Dropped when the work is done, also by a panic, which ends the thread.
        let _ended = ended;
        work()
    });
    look();
    outcome
}

/// Runs SQLite's integrity check over the whole file.
fn check(path: &Path, report: ReportBackup<'_>) -> Result<BackupSummary, StoreError> {
    report(BackupStep::Checking);
    let connection = sqlite::open_read_only(path)?;
    let fail = |error: rusqlite::Error| StoreError::from_opening(&error, path);
    let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(fail)?;
    if verdict != "ok" {
        return Err(StoreError::Damaged { path: path.to_path_buf(), reason: verdict.replace('\n', " ") });
    }
    let schema = connection
        .query_row("SELECT COALESCE(MAX(version), 0) FROM migrations", [], |row| row.get(0))
        .map_err(|_| StoreError::NotAStore { path: path.to_path_buf() })?;
    let bytes = fs::metadata(path).map_err(|error| StoreError::from_io(&error, path))?.len();
    Ok(BackupSummary { bytes, schema, has_checksum: false, is_known_schema: schema <= NEWEST })
}

/// Copies the write-ahead log into the file, removes it, and locks the file. SQLite allows this only to the last
/// connection, so success proves that the store is not in use, and it stays so.
pub(super) fn take_alone(path: &Path) -> Result<Connection, StoreError> {
    let fail = |error: rusqlite::Error| StoreError::from_opening(&error, path);
    let connection = open_existing(path)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0)).map_err(fail)?;
    if mode != "delete" {
        return Err(StoreError::Locked { path: path.to_path_buf() });
    }
    connection.execute_batch("BEGIN EXCLUSIVE").map_err(fail)?;
    Ok(connection)
}

fn open_existing(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_millis(500))?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    };
    open().map_err(|error| StoreError::from_opening(&error, path))
}

/// Renames a finished file, and syncs file and folder so that both survive a power cut.
fn put_in_place(part: &Path, to: &Path) -> Result<(), StoreError> {
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
    let folder = folder_of(to);
    // The folder before the file is replaced, too: the name of the kept store must not be lost with the file's.
    let moved = sync(part).and_then(|()| sync(folder)).and_then(|()| fs::rename(part, to)).and_then(|()| sync(folder));
    moved.map_err(|error| StoreError::from_io(&error, to))
}
