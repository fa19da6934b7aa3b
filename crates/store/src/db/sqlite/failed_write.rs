//! Ends the process when the disk did not keep a write (decision 80). Names no table.
//!
//! After a failed sync the operating system may have dropped the pages that it could not write, and a repeated sync
//! succeeds without them. SQLite remembers parts of a checkpoint as done before they are synced, so a later checkpoint
//! would start the log anew although those parts are lost. The log still has every acknowledged write: the next start
//! reads all of it.

use std::{
    io::{self, Write as _},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use rusqlite::{Connection, Error, ErrorCode, ffi};

/// The exit status of the process: EX_IOERR of sysexits.h.
const EXIT_STATUS: i32 = 74;
/// Maximum wait for the log line, which a full or unread log may block.
const LINE_WAIT: Duration = Duration::from_millis(200);
/// Pause for a log that is written by another thread.
const LOG_PAUSE: Duration = Duration::from_millis(50);

/// I/O errors that lose no write: of reads, locks and the shared index, which is rebuilt from the log.
const HARMLESS: [i32; 14] = [
    ffi::SQLITE_IOERR_READ,
    ffi::SQLITE_IOERR_SHORT_READ,
    ffi::SQLITE_IOERR_CORRUPTFS,
    ffi::SQLITE_IOERR_NOMEM,
    ffi::SQLITE_IOERR_ACCESS,
    ffi::SQLITE_IOERR_LOCK,
    ffi::SQLITE_IOERR_RDLOCK,
    ffi::SQLITE_IOERR_UNLOCK,
    ffi::SQLITE_IOERR_BLOCKED,
    ffi::SQLITE_IOERR_CHECKRESERVEDLOCK,
    ffi::SQLITE_IOERR_SHMOPEN,
    ffi::SQLITE_IOERR_SHMSIZE,
    ffi::SQLITE_IOERR_SHMLOCK,
    ffi::SQLITE_IOERR_SHMMAP,
];

/// Whether a thread is ending the process.
static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// Ends the process if the error means that a write did not reach the disk. A full disk is no such error: SQLite
/// undoes the write.
pub(super) fn end_if_write_failed(connection: &Connection, error: &Error) {
    if is_failed_write(error) {
        end(connection.path().unwrap_or_default(), error);
    }
}

/// Never returns once the process is ending: nothing more is acknowledged.
pub(super) fn wait_if_ending() {
    while IS_ENDING.load(Ordering::SeqCst) {
        thread::park();
    }
}

fn is_failed_write(error: &Error) -> bool {
    let failure = error.sqlite_error();
    failure
        .is_some_and(|failure| failure.code == ErrorCode::SystemIoFailure && !HARMLESS.contains(&failure.extended_code))
}

fn end(path: &str, error: &Error) {
    if IS_ENDING.swap(true, Ordering::SeqCst) {
        wait_if_ending();
    }
    let line = format!(
        "the disk failed to keep a write to the store {path} ({error}): the process ends now, without a checkpoint, so \
         that the next start reads every acknowledged write from the write-ahead log. Check the disk and the kernel's \
         log, copy {path} and {path}-wal together to a healthy disk if it fails again, then start the server"
    );
    let (done, said) = mpsc::channel();
    let saying = thread::Builder::new().spawn(move || {
        say(&line);
        done.send(()).ok();
    });
    if saying.is_ok() && said.recv_timeout(LINE_WAIT).is_ok() {
        thread::sleep(LOG_PAUSE);
    }
    exit();
}

/// To the log; commands have none.
fn say(line: &str) {
    if tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!("{line}");
    } else {
        writeln!(io::stderr(), "vestibule: {line}").ok();
    }
}

/// Exits without running any clean-up: closing a connection could run a checkpoint.
#[cfg(unix)]
fn exit() -> ! {
    signal_hook::low_level::exit(EXIT_STATUS)
}

#[cfg(not(unix))]
fn exit() -> ! {
    std::process::exit(EXIT_STATUS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_writes_and_syncs_end_the_process_and_a_full_disk_does_not() {
        let is_failed = |code| is_failed_write(&Error::SqliteFailure(ffi::Error::new(code), None));
        for code in [
            ffi::SQLITE_IOERR,
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_IOERR_DIR_FSYNC,
            ffi::SQLITE_IOERR_TRUNCATE,
            ffi::SQLITE_IOERR_FSTAT,
        ] {
            assert!(is_failed(code), "{code}");
        }
        for code in
            [ffi::SQLITE_FULL, ffi::SQLITE_BUSY, ffi::SQLITE_CORRUPT, ffi::SQLITE_IOERR_READ, ffi::SQLITE_IOERR_SHMSIZE]
        {
            assert!(!is_failed(code), "{code}");
        }
    }
}
