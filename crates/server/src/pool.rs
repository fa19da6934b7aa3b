//! Work that takes the processor for more than about a millisecond, away from the threads that answer requests: a few at a
//! time, and a bounded number that wait. (Passwords are hashed in a pool of their own, bounded by memory.)

use std::{num::NonZeroUsize, sync::Arc, thread::available_parallelism};

use tokio::sync::Semaphore;

/// The most that wait for their turn.
const QUEUE: usize = 256;

/// So much work waits already that more is refused; or it failed in a way it never should.
#[derive(Debug, thiserror::Error)]
#[error("too many jobs are queued")]
pub struct Overloaded;

/// Runs work in blocking threads.
pub struct Pool {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Pool {
    fn default() -> Self {
        Self::new(available_parallelism().map_or(1, NonZeroUsize::get), QUEUE)
    }
}

impl Pool {
    fn new(threads: usize, queue: usize) -> Self {
        Self { running: Arc::new(Semaphore::new(threads)), waiting: Arc::new(Semaphore::new(threads + queue)) }
    }

    /// Does the work when it is its turn.
    ///
    /// # Errors
    /// When too much waits already.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Overloaded> {
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Overloaded)?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Overloaded)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop((place, turn));
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

    #[tokio::test]
    async fn work_is_done_elsewhere_and_its_result_comes_back() {
        let here = std::thread::current().id();
        let there = Pool::default().run(move || std::thread::current().id()).await.expect("room");
        assert_ne!(here, there);
    }

    #[tokio::test]
    async fn what_finds_no_place_is_refused_and_a_panic_takes_no_place_with_it() {
        let pool = Pool::new(1, 0);
        let place = Arc::clone(&pool.waiting).try_acquire_owned().expect("free");
        assert!(pool.run(|| ()).await.is_err());
        drop(place);
        let empty: Vec<u8> = Vec::new();
        assert!(pool.run(move || empty[0]).await.is_err());
        assert_eq!(pool.run(|| 1).await.expect("room"), 1);
    }
}
