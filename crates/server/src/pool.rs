//! Runs CPU work of more than about a millisecond outside the async threads: a few at a time, with a bounded queue.
//! (Password hashing has a separate pool, bounded by memory.)

use std::{num::NonZeroUsize, thread::available_parallelism};

use vestibule_domain::id::ProjectNo;

use crate::fair::{Full, Turns};

/// Maximum length of the queue.
const QUEUE: usize = 256;

/// The queue is full, or the work failed unexpectedly.
#[derive(Debug, thiserror::Error)]
#[error("too many jobs are queued")]
pub struct Overloaded;

/// Runs work on blocking threads.
pub struct Pool {
    turns: Turns,
}

impl Default for Pool {
    fn default() -> Self {
        Self::new(available_parallelism().map_or(1, NonZeroUsize::get), QUEUE)
    }
}

impl Pool {
    fn new(threads: usize, queue: usize) -> Self {
        Self { turns: Turns::new(u32::try_from(threads).unwrap_or(u32::MAX), queue) }
    }

    /// Queues and runs work of a project; operators' work belongs to `EVERY_PROJECT`.
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn run<T: Send + 'static>(
        &self,
        project: ProjectNo,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let turn = self.turns.wait(project, 1).await.map_err(|Full| Overloaded)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(|error| {
            tracing::error!(error = %error, "a job in the pool failed");
            Overloaded
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: ProjectNo = ProjectNo(1);

    #[tokio::test]
    async fn work_is_done_elsewhere_and_its_result_comes_back() {
        let here = std::thread::current().id();
        let there = Pool::default().run(SHOP, move || std::thread::current().id()).await.expect("room");
        assert_ne!(here, there);
    }

    #[tokio::test]
    async fn what_finds_no_place_is_refused_and_a_panic_takes_no_place_with_it() {
        let pool = Pool::new(1, 0);
        let turn = pool.turns.wait(SHOP, 1).await.expect("free");
        assert!(pool.run(SHOP, || ()).await.is_err());
        drop(turn);
        let empty: Vec<u8> = Vec::new();
        assert!(pool.run(SHOP, move || empty[0]).await.is_err());
        assert_eq!(pool.run(SHOP, || 1).await.expect("room"), 1);
    }
}
