//! The checksum at the end of a backup: one line of text behind the last page, which SQLite ignores.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
};

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::HEXLOWER;

use super::{
    StoreError,
    backup::{BackupStep, ReportBackup},
    sqlite::{
        files::{log_of, size_of},
        header::Header,
    },
};

/// Before the 64 hexadecimal digits of the SHA-256 of everything before this line.
const PREFIX: &[u8] = b"\nvestibule backup, sha256 of all before this line: ";
const LENGTH: usize = PREFIX.len() + 64 + 1;

/// What is known of a file by its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// The file is what was written.
    Right,
    /// The file has none: a release without checksums made it.
    Missing,
}

/// Adds the checksum to a database file.
pub(super) fn add(path: &Path, report: ReportBackup<'_>) -> Result<(), StoreError> {
    let fail = |error: io::Error| StoreError::from_io(&error, path);
    let digits = hash(path, file_length(path)?, report).map_err(fail)?;
    let mut file = OpenOptions::new().append(true).open(path).map_err(fail)?;
    let line = [PREFIX, digits.as_bytes(), b"\n"].concat();
    file.write_all(&line).and_then(|()| file.sync_all()).map_err(fail)
}

/// Whether a file ends in a checksum.
pub(super) fn is_at_end_of(path: &Path) -> bool {
    let read = || {
        let mut file = File::open(path)?;
        io::Seek::seek(&mut file, io::SeekFrom::End(-i64::try_from(LENGTH).unwrap_or(i64::MAX)))?;
        let mut line = Vec::new();
        file.read_to_end(&mut line)?;
        io::Result::Ok(line.starts_with(PREFIX) && line.ends_with(b"\n"))
    };
    read().unwrap_or(false)
}

/// Takes the checksum off a database file without a log: a backup that was copied to where the store is. SQLite counts
/// the line as a page once it writes.
pub(super) fn take_off(path: &Path) -> Result<(), StoreError> {
    if size_of(&log_of(path)) > 0 || !is_at_end_of(path) {
        return Ok(());
    }
    let without = file_length(path)? - LENGTH as u64;
    OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|file| file.set_len(without).and_then(|()| file.sync_all()))
        .map_err(|error| StoreError::from_io(&error, path))
}

/// Compares the length of a database file with its header, and its content with its checksum.
///
/// # Errors
/// What is wrong with the file.
pub(super) fn check(path: &Path, report: ReportBackup<'_>) -> Result<Seal, StoreError> {
    let header = Header::read(path)?;
    let damaged = |reason: String| StoreError::Damaged { path: path.to_path_buf(), reason };
    let fail = |error: io::Error| StoreError::from_io(&error, path);
    let length = file_length(path)?;
    // No backup has a log; beside one, the file alone says nothing.
    let has_log = size_of(&log_of(path)) > 0;
    let Some(pages) = header.length().filter(|_| !has_log) else { return Ok(Seal::Missing) };
    if length < pages {
        return Err(damaged(format!("it was cut off: it has {length} of {pages} bytes")));
    }
    if length == pages {
        return Ok(Seal::Missing);
    }
    let mut line = Vec::new();
    File::open(path)
        .and_then(|mut file| {
            io::Seek::seek(&mut file, io::SeekFrom::Start(pages))?;
            file.take(LENGTH as u64 + 1).read_to_end(&mut line)
        })
        .map_err(fail)?;
    let stored = line.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(b"\n")).filter(|rest| rest.len() == 64);
    let Some(stored) = stored else {
        return Err(damaged("its checksum, the last line, was cut off or changed".to_owned()));
    };
    if hash(path, pages, report).map_err(fail)?.as_bytes() != stored {
        return Err(damaged("its content does not match its checksum".to_owned()));
    }
    Ok(Seal::Right)
}

fn file_length(path: &Path) -> Result<u64, StoreError> {
    std::fs::metadata(path).map(|file| file.len()).map_err(|error| StoreError::from_io(&error, path))
}

/// The SHA-256 of the first `length` bytes, in hexadecimal digits.
fn hash(path: &Path, length: u64, report: ReportBackup<'_>) -> io::Result<String> {
    let mut file = File::open(path)?.take(length);
    let (mut context, mut buffer, mut done) = (Context::new(&SHA256), vec![0; 1 << 16], 0);
    loop {
        report(BackupStep::Hashing { done, total: length });
        match file.read(&mut buffer)? {
            0 => return Ok(HEXLOWER.encode(context.finish().as_ref())),
            read => {
                context.update(&buffer[..read]);
                done += read as u64;
            }
        }
    }
}
