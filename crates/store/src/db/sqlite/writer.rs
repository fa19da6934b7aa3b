//! The one writer of an SQLite store: groups queued closures into one transaction and one fsync. Names no table.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    super::{
        BoxFuture, StoreError, Tx,
        conn::{AnyConnection, Conn},
        stats::Counters,
    },
    Readers, SqliteConnection,
    checkpoint::{Checkpointer, checkpoint_at_close},
    failed_write,
};

/// Maximum number of closures per transaction.
const GROUP_LIMIT: usize = 512;
/// Maximum number of queued closures; a further one waits up to [`QUEUE_WAIT`].
const QUEUE_LIMIT: usize = 8_192;
/// After a rollback, this many groups use a savepoint per closure.
const GROUPS_WITH_SAVEPOINTS: u32 = 32;
/// Maximum wait of a closure for room in the queue.
const QUEUE_WAIT: Duration = Duration::from_secs(5);

/// Handle of the writer thread.
pub(in crate::db) struct Writer(mpsc::Sender<WriterCommand>);

enum WriterCommand {
    Run(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the writer thread and its checkpointer.
    pub(super) fn start(
        link: SqliteConnection,
        checkpoints: Connection,
        readers: Arc<Readers>,
        counters: Arc<Counters>,
        outbox_signal: Arc<Notify>,
    ) -> io::Result<Self> {
        let (sender, queue) = mpsc::channel(QUEUE_LIMIT);
        let checkpointer = Checkpointer::start(checkpoints, Arc::clone(&readers), Arc::clone(&counters))?;
        let tx = Tx::new(Conn(AnyConnection::Sqlite(link)));
        let writer_loop = WriterLoop { tx, checkpointer, readers, counters, outbox_signal, groups_with_savepoints: 0 };
        thread::Builder::new().name("store-writer".to_owned()).spawn(move || writer_loop.serve(queue))?;
        Ok(Self(sender))
    }

    /// Whether the writer accepts no more work.
    pub(super) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Queues a closure and waits until its transaction is on disk.
    pub(super) async fn write<I, T, E, F>(&self, name: &'static str, input: I, work: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = WriterCommand::Run(Box::new(Queued { name, input, work, result: None, reply }));
        match self.0.try_send(job) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(StoreError::Closed.into()),
            Err(mpsc::error::TrySendError::Full(job)) => {
                self.0.send_timeout(job, QUEUE_WAIT).await.map_err(|error| match error {
                    mpsc::error::SendTimeoutError::Timeout(_) => StoreError::Busy("too many writes are waiting"),
                    mpsc::error::SendTimeoutError::Closed(_) => StoreError::Closed,
                })?;
            }
        }
        answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Finishes the queue, copies the log into the file and ends the thread.
    pub(super) async fn close(&self) {
        let (done, finished) = oneshot::channel();
        if self.0.send(WriterCommand::Close(done)).await.is_ok() {
            // An error means that the thread has already ended, which is the goal.
            finished.await.ok();
        }
    }
}

/// A queued closure with its types erased.
trait Job: Send {
    /// Runs the closure once, stores its result and returns whether its changes shall be kept.
    fn attempt(&mut self, tx: &mut Tx) -> bool;
    /// Replaces a missing or successful result by this error; an existing error stays.
    fn refuse(&mut self, error: StoreError);
    /// Sends the result to the waiting caller.
    fn answer(self: Box<Self>);
}

struct Queued<I, T, E, F> {
    name: &'static str,
    input: I,
    work: F,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<I, T, E, F> Job for Queued<I, T, E, F>
where
    I: Send + Sync,
    T: Send,
    E: From<StoreError> + Send,
    F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
{
    fn attempt(&mut self, tx: &mut Tx) -> bool {
        // Nothing on SQLite ever suspends, so one poll runs the closure to its end.
        // After a panic the caller rolls the transaction back; `tx` has no other state that a panic could break.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let mut future = (self.work)(tx, &self.input);
            future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        }));
        let mut result = match polled {
            Ok(Poll::Ready(result)) => result,
            Ok(Poll::Pending) => Err(StoreError::Suspended(self.name).into()),
            Err(_) => Err(StoreError::Panicked(self.name).into()),
        };
        // PostgreSQL cannot commit after a failed statement; SQLite must behave the same.
        if std::mem::take(&mut link(tx).failed) && result.is_ok() {
            result = Err(StoreError::Ignored(self.name).into());
        }
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn refuse(&mut self, error: StoreError) {
        if !matches!(self.result, Some(Err(_))) {
            self.result = Some(Err(error.into()));
        }
    }

    fn answer(self: Box<Self>) {
        failed_write::wait_if_ending();
        if let Some(result) = self.result {
            // The caller may have been dropped; the write happened all the same.
            self.reply.send(result).ok();
        }
    }
}

fn link(tx: &mut Tx) -> &mut SqliteConnection {
    match &mut tx.conn.0 {
        AnyConnection::Sqlite(link) => link,
        AnyConnection::Postgres(_) => unreachable!("the writer made this transaction on SQLite"),
    }
}

/// A COMMIT that failed may still be in the log after a crash.
fn mark_outcome_unknown(error: StoreError) -> StoreError {
    if let StoreError::Statement { reason, .. } | StoreError::Failing { reason, .. } = error {
        StoreError::Unknown(reason)
    } else {
        error
    }
}

/// State of the writer thread.
struct WriterLoop {
    tx: Tx,
    checkpointer: Checkpointer,
    readers: Arc<Readers>,
    counters: Arc<Counters>,
    /// Rung when a transaction that filled the outbox is on disk.
    outbox_signal: Arc<Notify>,
    /// How many groups still get savepoints.
    groups_with_savepoints: u32,
}

/// Why a group must run again.
enum Retry {
    /// A closure failed, and without savepoints its changes cannot be undone alone.
    WithSavepoints,
    /// This job broke the transaction.
    Without(usize, StoreError),
}

impl WriterLoop {
    fn serve(mut self, mut queue: mpsc::Receiver<WriterCommand>) {
        let mut commands = Vec::with_capacity(GROUP_LIMIT);
        let mut group = Vec::with_capacity(GROUP_LIMIT);
        let mut closers = Vec::new();
        // Take what is queued now; the next group gathers while this one is written.
        while queue.blocking_recv_many(&mut commands, GROUP_LIMIT) > 0 {
            for command in commands.drain(..) {
                match command {
                    WriterCommand::Run(job) => group.push(job),
                    WriterCommand::Close(done) => {
                        queue.close();
                        closers.push(done);
                    }
                }
            }
            if !group.is_empty() {
                self.commit(&mut group);
                group.drain(..).for_each(Job::answer);
            }
        }
        self.checkpointer.stop();
        checkpoint_at_close(&link(&mut self.tx).connection);
        drop(self);
        for done in closers {
            done.send(()).ok();
        }
    }

    /// Runs the whole group in one transaction; afterwards every job has its result.
    fn commit(&mut self, group: &mut Vec<Box<dyn Job>>) {
        self.checkpointer.help(&link(&mut self.tx).connection, &self.readers);
        let before = link(&mut self.tx).connection.total_changes();
        let outcome = loop {
            if let Err(error) = link(&mut self.tx).control("BEGIN IMMEDIATE") {
                break Err(error);
            }
            // Most groups succeed as a whole, so savepoints are used only after a failure.
            let run = if self.groups_with_savepoints > 0 { self.run_each(group) } else { self.run_together(group) };
            match run {
                Ok(0) => break link(&mut self.tx).control("ROLLBACK").map(|()| 0),
                Ok(kept) => break link(&mut self.tx).control("COMMIT").map(|()| kept).map_err(mark_outcome_unknown),
                Err(Retry::WithSavepoints) => {
                    self.roll_back();
                    self.groups_with_savepoints = GROUPS_WITH_SAVEPOINTS;
                }
                Err(Retry::Without(culprit, error)) => {
                    // The engine rolled back (disk full, I/O error) or a rollback is needed: the running job gets the
                    // error, and the others run again without it.
                    self.roll_back();
                    let mut job = group.remove(culprit);
                    job.refuse(error);
                    job.answer();
                    if group.is_empty() {
                        return;
                    }
                    self.counters.count_retry();
                }
            }
        };
        self.groups_with_savepoints = self.groups_with_savepoints.saturating_sub(1);
        let fills_outbox = self.tx.take_fills_outbox();
        match outcome {
            Ok(0) => {}
            Ok(kept) => {
                self.readers.note_commit();
                self.counters.count_commit(kept);
                if fills_outbox {
                    self.outbox_signal.notify_one();
                }
                let after = link(&mut self.tx).connection.total_changes();
                self.checkpointer.note_changes(after.saturating_sub(before));
            }
            Err(error) => {
                // Whether a COMMIT that failed changed something is not known.
                self.readers.note_commit();
                self.roll_back();
                for job in group {
                    job.refuse(error.clone());
                }
            }
        }
    }

    /// Runs the jobs one after the other without savepoints; returns how many are kept.
    fn run_together(&mut self, group: &mut [Box<dyn Job>]) -> Result<usize, Retry> {
        let lone = group.len() == 1;
        for (place, job) in group.iter_mut().enumerate() {
            let keep = job.attempt(&mut self.tx);
            self.check_open(place)?;
            if !keep {
                // The only job of its group is undone with the transaction.
                return if lone { Ok(0) } else { Err(Retry::WithSavepoints) };
            }
        }
        Ok(group.len())
    }

    /// Runs each job in its own savepoint; returns how many are kept.
    fn run_each(&mut self, group: &mut [Box<dyn Job>]) -> Result<usize, Retry> {
        let mut kept = 0;
        for (place, job) in group.iter_mut().enumerate() {
            let without = |error| Retry::Without(place, error);
            link(&mut self.tx).control("SAVEPOINT job").map_err(without)?;
            let keep = job.attempt(&mut self.tx);
            self.check_open(place)?;
            let link = link(&mut self.tx);
            if !keep {
                link.control("ROLLBACK TO job").map_err(without)?;
            }
            link.control("RELEASE job").map_err(without)?;
            kept += usize::from(keep);
        }
        Ok(kept)
    }

    /// Checks that the transaction is still open after the job at this index.
    fn check_open(&mut self, place: usize) -> Result<(), Retry> {
        if link(&mut self.tx).connection.is_autocommit() {
            return Err(Retry::Without(place, StoreError::Busy("the database gave up the transaction")));
        }
        Ok(())
    }

    fn roll_back(&mut self) {
        let link = link(&mut self.tx);
        if !link.connection.is_autocommit() && link.control("ROLLBACK").is_err() {
            // SQLite may have rolled back already; if the connection is unusable, the next BEGIN fails.
            tracing::error!("a failed transaction could not be rolled back");
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::{super::super::Sql, super::open_writer, *};

    const ADD: Sql = Sql::new("INSERT INTO heap (content) VALUES (zeroblob($1))");
    const COUNT: Sql = Sql::new("SELECT count(*) FROM heap");

    /// A writer on a file that may grow to only 100 pages.
    fn start(folder: &TempDir) -> Writer {
        let path = folder.path().join("small.db");
        let connection = open_writer(&path).unwrap();
        connection.execute_batch("CREATE TABLE heap (content BLOB) STRICT").unwrap();
        connection.pragma_update(None, "max_page_count", 100).unwrap();
        let (link, checkpoints) = (SqliteConnection::new(connection), open_writer(&path).unwrap());
        let readers = Arc::new(Readers::new(path, None));
        Writer::start(link, checkpoints, readers, Arc::default(), Arc::default()).unwrap()
    }

    async fn add(writer: &Writer, bytes: i64) -> Result<u64, StoreError> {
        writer.write("add", bytes, |tx, bytes| Box::pin(async move { tx.execute(&ADD, &[bytes]).await })).await
    }

    #[tokio::test]
    async fn a_closure_that_fills_the_disk_fails_alone() {
        let folder = TempDir::new().unwrap();
        let writer = start(&folder);
        let outcomes = tokio::join!(
            biased;
            add(&writer, 10),
            add(&writer, 10_000_000),
            add(&writer, 20),
            add(&writer, 10_000_000),
            add(&writer, 30),
        );
        let (first, second, third, fourth, fifth) = outcomes;
        assert!(first.is_ok() && third.is_ok() && fifth.is_ok(), "{first:?} {third:?} {fifth:?}");
        assert!(matches!(second, Err(StoreError::Full)), "{second:?}");
        assert!(matches!(fourth, Err(StoreError::Full)), "{fourth:?}");
        let rows: Result<Option<i64>, StoreError> = writer
            .write("count", (), |tx, ()| {
                Box::pin(async move { tx.query_optional(&COUNT, &[], |row| row.get(0)).await })
            })
            .await;
        assert_eq!(rows.unwrap(), Some(3));
    }

    #[tokio::test]
    async fn a_transaction_the_engine_gave_up_is_run_again_without_the_culprit() {
        const GIVE_UP: Sql = Sql::new("ROLLBACK");
        let folder = TempDir::new().unwrap();
        let writer = start(&folder);
        // SQLite ends the whole transaction by itself after some errors; to the writer, a ROLLBACK looks the same.
        let culprit = writer.write("give_up", (), |tx, ()| {
            Box::pin(async move {
                tx.execute(&GIVE_UP, &[]).await?;
                Err::<(), _>(StoreError::Full)
            })
        });
        let (first, culprit, last) = tokio::join!(biased; add(&writer, 10), culprit, add(&writer, 20));
        assert!(first.is_ok() && last.is_ok(), "{first:?} {last:?}");
        assert!(matches!(culprit, Err(StoreError::Full)), "{culprit:?}");
        let rows: Result<Option<i64>, StoreError> = writer
            .write("count", (), |tx, ()| {
                Box::pin(async move { tx.query_optional(&COUNT, &[], |row| row.get(0)).await })
            })
            .await;
        assert_eq!(rows.unwrap(), Some(2));
    }
}
