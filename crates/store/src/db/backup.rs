//! Online backup and restore of a SQLite store. Uses rusqlite and files; names no table.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, backup::Backup};

use super::StoreError;

/// What a backup contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupSummary {
    /// Its size in bytes.
    pub bytes: u64,
    /// The number of its newest schema migration.
    pub schema: i64,
}

/// Copies the SQLite file `from` to the new file `to`, a consistent snapshot taken while writes continue, and checks
/// the copy. Blocking: do not call it on an async thread.
///
/// # Errors
/// When `to` exists, either file cannot be used, or the copy fails its check; `to` is then not created.
pub fn back_up_sqlite(from: &Path, to: &Path) -> Result<BackupSummary, StoreError> {
    let source = open_existing(from)?;
    let part = part_of(to);
    if to.exists() {
        return Err(StoreError::CannotOpen { path: to.to_path_buf(), reason: "it exists already".to_owned() });
    }
    let copied = copy(&source, from, &part).and_then(|()| check(&part));
    let summary = match copied {
        Ok(summary) => summary,
        Err(error) => {
            fs::remove_file(&part).ok();
            return Err(error);
        }
    };
    put_in_place(&part, to)?;
    Ok(summary)
}

/// Replaces the SQLite store `to` by the backup `from`, after checking the backup. An existing store is kept as
/// `….before-restore`. Blocking: do not call it on an async thread.
///
/// # Errors
/// When the backup is damaged, or `to` is in use; `to` is then unchanged.
pub fn restore_sqlite(from: &Path, to: &Path) -> Result<BackupSummary, StoreError> {
    let source = open_existing(from)?;
    let part = part_of(to);
    if to.exists() {
        leave_wal(to)?;
    }
    let copied = copy(&source, from, &part).and_then(|()| check(&part));
    let summary = match copied {
        Ok(summary) => summary,
        Err(error) => {
            fs::remove_file(&part).ok();
            return Err(error);
        }
    };
    if to.exists() {
        let kept = with_suffix(to, ".before-restore");
        fs::rename(to, &kept).map_err(|error| cannot(&kept, &error))?;
    }
    put_in_place(&part, to)?;
    Ok(summary)
}

fn copy(source: &Connection, from: &Path, part: &Path) -> Result<(), StoreError> {
    fs::remove_file(part).ok();
    create_private(part)?;
    let fail = |error: rusqlite::Error| StoreError::from_opening(&error, part);
    let mut target = Connection::open(part).map_err(fail)?;
    let backup = Backup::new(source, &mut target).map_err(|error| StoreError::from_opening(&error, from))?;
    // All pages in one step: one read transaction sees one snapshot, and with a write-ahead log it does not block
    // writers. With smaller steps, each write of another connection would restart the copy.
    backup.run_to_completion(i32::MAX, Duration::from_millis(50), None).map_err(fail)?;
    drop(backup);
    // The copy must be one file, whatever the journal mode of the original.
    target.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0)).map_err(fail)?;
    target.close().map_err(|(_, error)| fail(error))
}

/// Runs SQLite's integrity check over the whole file.
fn check(path: &Path) -> Result<BackupSummary, StoreError> {
    let connection = open_existing(path)?;
    let fail = |error: rusqlite::Error| StoreError::from_opening(&error, path);
    let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(fail)?;
    if verdict != "ok" {
        return Err(StoreError::CannotOpen { path: path.to_path_buf(), reason: format!("it is damaged: {verdict}") });
    }
    let schema =
        connection.query_row("SELECT COALESCE(MAX(version), 0) FROM migrations", [], |row| row.get(0)).map_err(
            |_| StoreError::CannotOpen { path: path.to_path_buf(), reason: "it is no store of Vestibule".into() },
        )?;
    let bytes = fs::metadata(path).map_err(|error| cannot(path, &error))?.len();
    Ok(BackupSummary { bytes, schema })
}

/// Copies the write-ahead log into the file and removes it. SQLite allows this only to the last connection, so success
/// proves that the store is not in use.
fn leave_wal(path: &Path) -> Result<(), StoreError> {
    let fail = |error: rusqlite::Error| StoreError::from_opening(&error, path);
    let connection = open_existing(path)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0)).map_err(fail)?;
    if mode == "delete" { Ok(()) } else { Err(StoreError::Locked { path: path.to_path_buf() }) }
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

fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| cannot(path, &error))
}

/// Renames a finished file, and syncs file and folder so that both survive a power cut.
fn put_in_place(part: &Path, to: &Path) -> Result<(), StoreError> {
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    sync(part).and_then(|()| fs::rename(part, to)).and_then(|()| sync(folder)).map_err(|error| cannot(to, &error))
}

fn part_of(path: &Path) -> PathBuf {
    with_suffix(path, ".part")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn cannot(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::CannotOpen { path: path.to_path_buf(), reason: error.to_string() }
}
