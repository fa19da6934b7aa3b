//! Runs CPU work of more than about a millisecond outside the async threads: a few at a time, with a bounded queue.
//! (Password hashing has a separate pool, bounded by memory.)

use std::{num::NonZeroUsize, thread::available_parallelism};

use vestibule_domain::id::ProjectNo;

use crate::limits::fair::{ShareExceeded, Turns, WorkDemand};

/// Maximum length of the queue.
const QUEUE: usize = 256;
/// Bytes of JSON that are read in one turn: about as long as a new password is looked at.
const BYTES_OF_A_TURN: usize = 64 * 1024;

/// The turns that reading or printing so many bytes costs.
pub fn turns_for(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(BYTES_OF_A_TURN)).unwrap_or(u32::MAX).max(1)
}

/// The queue is full, or the work failed unexpectedly.
#[derive(Debug, thiserror::Error)]
#[error("too many jobs are queued")]
pub struct PoolOverloaded;

/// Runs work on blocking threads.
pub struct WorkerPool {
    turns: Turns,
}

impl Default for WorkerPool {
    fn default() -> Self {
        Self::new(available_parallelism().map_or(1, NonZeroUsize::get), QUEUE)
    }
}

impl WorkerPool {
    fn new(threads: usize, queue: usize) -> Self {
        Self { turns: Turns::new(u32::try_from(threads).unwrap_or(u32::MAX), queue) }
    }

    /// Queues and runs work of a project, which costs so many turns; operators' work belongs to `EVERY_PROJECT`.
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn run<T: Send + 'static>(
        &self,
        project: ProjectNo,
        turns: u32,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolOverloaded> {
        let turn =
            self.turns.wait(project, WorkDemand { units: 1, turns }).await.map_err(|ShareExceeded| PoolOverloaded)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(|error| {
            tracing::error!(error = %error, "a job in the pool failed");
            PoolOverloaded
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: ProjectNo = ProjectNo(1);

    #[tokio::test]
    async fn work_runs_in_another_thread_and_returns_its_result() {
        let here = std::thread::current().id();
        let there = WorkerPool::default().run(SHOP, 1, move || std::thread::current().id()).await.expect("room");
        assert_ne!(here, there);
    }

    #[tokio::test]
    async fn what_finds_no_place_is_refused_and_a_panic_takes_no_place_with_it() {
        let pool = WorkerPool::new(1, 0);
        let turn = pool.turns.wait(SHOP, WorkDemand::ORDINARY).await.expect("free");
        assert!(pool.run(SHOP, 1, || ()).await.is_err());
        drop(turn);
        let empty: Vec<u8> = Vec::new();
        assert!(pool.run(SHOP, 1, move || empty[0]).await.is_err());
        assert_eq!(pool.run(SHOP, 1, || 1).await.expect("room"), 1);
    }
}
