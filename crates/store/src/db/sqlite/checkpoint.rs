//! Copies the write-ahead log into the database file on a separate thread, so that writers do not wait. Names no table.

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;

use super::{super::stats::Counters, Readers, failed_write};

/// A checkpoint is due after this many changed rows,
const DUE_ROWS: u64 = 20_000;
/// or this long after the first change.
const DUE_AFTER: Duration = Duration::from_secs(2);
/// Above this many frames (pages), 64 MiB, the log must be restarted.
const LONG_LOG: i64 = 16_384;
/// How long the last checkpoint waits for other processes.
const CLOSE_WAIT: Duration = Duration::from_millis(250);

/// Handle of the checkpointer thread.
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    /// The log restarts only once it was copied to its last frame, and under steady load the writer is always ahead of
    /// this thread. The writer must then do the short rest itself, between two groups.
    needs_writer: AtomicBool,
    /// Held during a checkpoint and its judgment: after one that failed no other may succeed.
    running: Mutex<()>,
}

#[derive(Default)]
struct State {
    changed_rows: u64,
    stopping: bool,
}

impl Checkpointer {
    pub(super) fn start(connection: Connection, readers: Arc<Readers>, counters: Arc<Counters>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || theirs.serve(&connection, &readers, &counters))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Records how many rows a commit changed.
    pub(super) fn note_changes(&self, rows: u64) {
        if rows == 0 {
            return;
        }
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.changed_rows;
        state.changed_rows += rows;
        if before == 0 || (before < DUE_ROWS && state.changed_rows >= DUE_ROWS) {
            self.shared.wake.notify_one();
        }
    }

    /// Runs a checkpoint on the writer's connection if one is needed there.
    pub(super) fn help(&self, connection: &Connection, readers: &Readers) {
        if self.shared.needs_writer.swap(false, Ordering::Relaxed)
            && let Ok(_running) = self.shared.running.try_lock()
        {
            checkpoint_passively(connection, readers);
        }
    }

    /// Stops the thread and waits for it.
    pub(super) fn stop(&mut self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).stopping = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread had panicked");
        }
    }
}

impl Shared {
    fn serve(&self, connection: &Connection, readers: &Readers, counters: &Counters) {
        while self.wait_until_due() {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            let frames = checkpoint_passively(connection, readers);
            drop(running);
            if let Some(frames) = frames {
                counters.count_checkpoint();
                if frames > LONG_LOG {
                    self.needs_writer.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// Sleeps until a checkpoint is due; `false` when the store closes.
    fn wait_until_due(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self
            .wake
            .wait_while(state, |state| state.changed_rows == 0 && !state.stopping)
            .unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .wake
            .wait_timeout_while(state, DUE_AFTER, |state| state.changed_rows < DUE_ROWS && !state.stopping)
            .unwrap_or_else(PoisonError::into_inner);
        state.changed_rows = 0;
        !state.stopping
    }
}

/// Copies as much as possible without blocking readers or writers; returns the log's length in frames.
fn checkpoint_passively(connection: &Connection, readers: &Readers) -> Option<i64> {
    // What they see limits what is copied.
    readers.let_go();
    let frames = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(1));
    // The log begins anew only when nobody reads in it; a reader that looks after it was copied whole reads in the file alone.
    readers.let_go();
    match frames {
        Ok(frames) => Some(frames),
        Err(error) => {
            failed_write::end_if_write_failed(connection, &error);
            // Nothing is lost: the log keeps all changes until a later checkpoint succeeds.
            tracing::warn!(error = %error, "a checkpoint failed; the write-ahead log grows until one succeeds");
            None
        }
    }
}

/// Copies the whole log and truncates it, unless another process prevents that.
pub(super) fn checkpoint_at_close(connection: &Connection) {
    let run = connection
        .busy_timeout(CLOSE_WAIT)
        .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)));
    if let Err(error) = run {
        // Closing the connection would try again, and delete the log.
        failed_write::end_if_write_failed(connection, &error);
        tracing::warn!(error = %error, "the last checkpoint failed; the next start finds the log and reads it");
    }
}
