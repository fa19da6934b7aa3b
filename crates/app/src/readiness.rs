//! Whether this process can serve: it reads and writes, and its background jobs run. For a readiness probe, which anyone may send as often as they like.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::watch;
use vestibule_domain::time::Timestamp;
use vestibule_store::{Conn, Store, StoreError, job_state};

use crate::{jobs, state::App};

/// How long a write that succeeded proves that others would.
const PROVES: Duration = Duration::from_secs(5);
/// Pause after a write that failed: a flood of probes must not load a disk in trouble.
const PAUSE: Duration = Duration::from_secs(1);
/// Maximum wait of a probe for each of reading and writing.
const WAIT: Duration = Duration::from_secs(3);
/// The row that a probe writes.
const ROW: &str = "readiness";

/// Why the process is not ready.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotReady {
    /// The store cannot be read.
    #[error("the store does not answer: {0}")]
    Read(StoreError),
    /// The store can be read, but not written.
    #[error("the store takes no writes: {0}")]
    Write(StoreError),
    /// The store did neither succeed nor fail in time.
    #[error("the store did not answer in time")]
    Slow,
    /// The clock of this machine is too far from the database's.
    #[error("the clock of this machine is more than a minute off the database's")]
    Clock,
    /// A background job failed repeatedly.
    #[error("the background job {0} keeps failing")]
    Job(&'static str),
}

/// Writes the row of the probe.
///
/// # Errors
/// Why the store takes no write.
pub async fn prove_write(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    store.write("probe_readiness", (), move |tx, ()| Box::pin(job_state::set(tx, ROW, None, now))).await
}

/// When a write was last proved, by the clock of the process that made it.
///
/// # Errors
/// When the store can't be read.
pub async fn read_last_proof(conn: &mut Conn) -> Result<Option<Timestamp>, StoreError> {
    Ok(job_state::get(conn, ROW).await?.map(|(_, at)| at))
}

/// Writes the row of the probe, and reads it by another connection: from the disk, where a read that failed for requests fails, too.
async fn prove(store: &Store, now: Timestamp) -> Result<(), NotReady> {
    prove_write(store, now).await.map_err(NotReady::Write)?;
    let read = async { read_last_proof(&mut *store.read().await?).await };
    read.await.map(drop).map_err(NotReady::Read)
}

/// The outcome of a write, once it is known.
type Outcome = Option<Result<(), NotReady>>;

/// The write that callers share.
#[derive(Default)]
pub struct Readiness(Mutex<Option<Write>>);

#[derive(Clone)]
struct Write {
    began_at: Timestamp,
    outcome: watch::Receiver<Outcome>,
}

impl Write {
    /// Whether its outcome, or the lack of one, still holds.
    fn holds(&self, now: Timestamp) -> bool {
        let lasts = match &*self.outcome.borrow() {
            // It is still running; a second one would only wait behind it.
            None => return self.outcome.has_changed().is_ok(),
            Some(Ok(())) => PROVES,
            Some(Err(_)) => PAUSE,
        };
        // After a step back of the clock, the time is unknown.
        now >= self.began_at && now.since(self.began_at) < lasts
    }
}

/// Reads, and relies on a write of the last seconds or makes one.
///
/// # Errors
/// Why the process is not ready.
pub async fn check(app: &Arc<App>) -> Result<(), NotReady> {
    if let Some(name) = app.supervision.failing() {
        return Err(NotReady::Job(name));
    }
    if app.clock_offset.at_least() > jobs::clock::UNUSABLE {
        return Err(NotReady::Clock);
    }
    match tokio::time::timeout(WAIT, app.store.ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(NotReady::Read(error)),
        Err(_) => return Err(NotReady::Slow),
    }
    let mut outcome = app.readiness.write(app);
    let known = tokio::time::timeout(WAIT, outcome.wait_for(Option::is_some)).await;
    match known {
        Ok(Ok(outcome)) => match &*outcome {
            Some(Err(error)) => Err(error.clone()),
            Some(Ok(())) | None => Ok(()),
        },
        // The task that wrote ended without an outcome.
        Ok(Err(_)) => Err(NotReady::Write(StoreError::Closed)),
        Err(_) => Err(NotReady::Slow),
    }
}

impl Readiness {
    /// The write of the last seconds, or a new one.
    fn write(&self, app: &Arc<App>) -> watch::Receiver<Outcome> {
        let now = app.clock.now();
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(write) = latest.as_ref().filter(|write| write.holds(now)) {
            return write.outcome.clone();
        }
        let (sender, outcome) = watch::channel(None);
        let app = Arc::clone(app);
        // A task of its own: the caller may hang up, and others wait for the same outcome.
        tokio::spawn(async move {
            sender.send_replace(Some(prove(&app.store, now).await));
        });
        *latest = Some(Write { began_at: now, outcome: outcome.clone() });
        outcome
    }
}
