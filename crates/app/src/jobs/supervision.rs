//! Starts jobs again that panicked or ended, and knows which of them fail repeatedly.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet, time::timeout};

use super::wait;
use crate::metrics::Metrics;

const MAX_PAUSE: Duration = Duration::from_secs(60);
/// After this many failures in a row the process is not ready.
const REPEATED: u32 = 3;

/// What the jobs of this process went through.
#[derive(Debug)]
pub struct Supervision {
    /// Failures in a row, by job.
    failures: Mutex<BTreeMap<&'static str, u32>>,
    /// A job that ran this long works again.
    steady: Duration,
    /// Pause before the first restart; it doubles with each further failure.
    first_pause: Duration,
}

impl Default for Supervision {
    fn default() -> Self {
        Self { failures: Mutex::default(), steady: Duration::from_secs(60), first_pause: Duration::from_secs(1) }
    }
}

impl Supervision {
    /// A job that failed repeatedly and has not worked for a while since.
    pub fn failing(&self) -> Option<&'static str> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.iter().find(|(_, count)| **count >= REPEATED).map(|(name, _)| *name)
    }

    /// Runs a job until `stop` says so, and starts it again whenever it panics or ends before.
    pub(super) async fn keep<F: Future<Output = ()> + Send + 'static>(
        &self,
        metrics: &Metrics,
        name: &'static str,
        mut stop: watch::Receiver<bool>,
        start: impl Fn() -> F,
    ) {
        loop {
            // A set, because it ends the job when this future is dropped.
            let mut run = JoinSet::new();
            run.spawn(start());
            let mut ended = timeout(self.steady, run.join_next()).await;
            if ended.is_err() {
                self.note(name, |_| 0);
                ended = Ok(run.join_next().await);
            }
            if *stop.borrow() {
                return;
            }
            let failures = self.note(name, |count| count.saturating_add(1));
            metrics.count_job_restart();
            let pause = self.first_pause.saturating_mul(1 << (failures - 1).min(10)).min(MAX_PAUSE);
            let has_panicked = matches!(ended, Ok(Some(Err(_))));
            tracing::error!(
                job = name,
                panicked = has_panicked,
                failures,
                pause_seconds = pause.as_secs(),
                "a background job ended; it is started again after the pause"
            );
            if !wait(&mut stop, pause, None).await {
                return;
            }
        }
    }

    fn note(&self, name: &'static str, change: impl FnOnce(u32) -> u32) -> u32 {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(name).or_default();
        *count = change(*count);
        *count
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::{
            Mutex,
            atomic::{AtomicU32, Ordering::SeqCst},
        },
        time::Duration,
    };

    use tokio::sync::{Notify, watch};

    use super::Supervision;
    use crate::metrics::Metrics;

    /// Runs a job that fails three times, and then works: the job that counts as failing, and how often it was started.
    async fn failing_after_three_failures(steady: Duration) -> (Option<&'static str>, u64) {
        let supervision = Supervision { failures: Mutex::default(), steady, first_pause: Duration::ZERO };
        let (metrics, runs, works) = (Metrics::default(), AtomicU32::new(0), std::sync::Arc::new(Notify::new()));
        let (_stop, stopped) = watch::channel(false);
        let start = || {
            let (run, works) = (runs.fetch_add(1, SeqCst), std::sync::Arc::clone(&works));
            async move {
                match run {
                    0 | 2 => panic!("run {run}"),
                    1 => {}
                    _ => {
                        works.notify_one();
                        pending().await
                    }
                }
            }
        };
        let seen = async {
            works.notified().await;
            // Lets the supervision see that the job runs on.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = supervision.keep(&metrics, "example", stopped, start) => panic!("the job goes on"),
            () = seen => {}
        }
        (supervision.failing(), metrics.job_restarts())
    }

    #[tokio::test]
    async fn a_job_that_panics_or_ends_is_started_again() {
        assert_eq!(failing_after_three_failures(Duration::MAX).await, (Some("example"), 3));
    }

    #[tokio::test]
    async fn a_job_that_ran_long_enough_works_again() {
        let supervision = Supervision { steady: Duration::ZERO, ..Supervision::default() };
        supervision.failures.lock().expect("no panic").insert("example", 7);
        let (metrics, (stop, stopped)) = (Metrics::default(), watch::channel(false));
        assert_eq!(supervision.failing(), Some("example"));
        let start = || {
            let mut stopped = stopped.clone();
            async move { drop(stopped.wait_for(|is_over| *is_over).await) }
        };
        let end = async {
            while supervision.failing().is_some() {
                tokio::task::yield_now().await;
            }
            stop.send_replace(true);
        };
        tokio::join!(supervision.keep(&metrics, "example", stopped.clone(), start), end);
        assert_eq!(metrics.job_restarts(), 0, "a job that ends because it must is not started again");
    }
}
