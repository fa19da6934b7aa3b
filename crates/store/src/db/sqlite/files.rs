//! The files of an SQLite store: their names, and what must not be taken for a new store. Names no table.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
};

use super::super::StoreError;

/// The file with this suffix beside the database file.
pub(in crate::db) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The store that a restore replaced.
pub(in crate::db) fn kept_of(path: &Path) -> PathBuf {
    beside(path, ".before-restore")
}

/// An unfinished copy.
pub(in crate::db) fn part_of(path: &Path) -> PathBuf {
    beside(path, ".part")
}

/// The write-ahead log. SQLite names it after the file itself, not after a symbolic link to it.
pub(in crate::db) fn log_of(path: &Path) -> PathBuf {
    beside(&real_path(path), "-wal")
}

/// The index of the write-ahead log, which is there while the file is open.
pub(super) fn index_of(path: &Path) -> PathBuf {
    beside(&real_path(path), "-shm")
}

/// The path without symbolic links, so that every spelling names the same files.
pub(in crate::db) fn real_path(path: &Path) -> PathBuf {
    /// Links from one to the next that are followed.
    const LINKS: usize = 16;
    let mut path = path.to_path_buf();
    // `canonicalize` follows no link to a file that does not exist yet.
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&path) else { break };
        path = folder_of(&path).join(target);
    }
    let name = path.file_name().map_or_else(OsString::new, OsString::from);
    fs::canonicalize(folder_of(&path)).map_or(path, |folder| folder.join(name))
}

/// The folder of a file.
pub(in crate::db) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Refuses a path without a database file where other files show that there was one: a new store would be empty.
pub(in crate::db) fn refuse_remains(path: &Path) -> Result<(), StoreError> {
    if size_of(path) > 0 {
        return Ok(());
    }
    let path = &real_path(path);
    let refuse = |left: PathBuf, advice| Err(StoreError::Incomplete { path: path.clone(), left, advice });
    let (kept, part, log) = (kept_of(path), part_of(path), log_of(path));
    if size_of(&kept) > 0 {
        return refuse(
            kept,
            "a restore was interrupted. Run `vestibule restore` again, or rename this file to the database file to go back to the store before the restore",
        );
    }
    if size_of(&log) > 0 {
        return refuse(
            log,
            "the database file was moved or deleted without its write-ahead log. Put the file back beside it, or move the log away before you restore a backup",
        );
    }
    if size_of(&part) > 0 {
        return refuse(
            part,
            "a restore was interrupted before it was complete. Run `vestibule restore` again, or delete this file to begin with an empty store",
        );
    }
    Ok(())
}

/// The size of a file; 0 when it does not exist.
pub(in crate::db) fn size_of(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// Creates a file readable by its owner only: it contains sealed keys and personal data. The log inherits the mode.
pub(in crate::db) fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| StoreError::from_io(&error, path))
}
