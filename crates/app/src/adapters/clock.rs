//! The clock: the only code that reads the time of day.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use vestibule_domain::time::Timestamp;

#[derive(Clone, Debug)]
pub enum Clock {
    System,
    /// A test's clock, which moves only when advanced.
    Manual(Arc<AtomicI64>),
    /// A test's clock of a node that is wrong by some microseconds; the database has the right one.
    Skewed {
        right: Arc<AtomicI64>,
        by: Arc<AtomicI64>,
    },
}

impl Clock {
    /// A clock that stands still at `start`.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.as_micros())))
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::from_micros(read_system_clock()),
            Self::Manual(micros) => Timestamp::from_micros(micros.load(Ordering::SeqCst)),
            Self::Skewed { right, by } => {
                Timestamp::from_micros(right.load(Ordering::SeqCst).saturating_add(by.load(Ordering::SeqCst)))
            }
        }
    }

    /// A manual clock that is wrong by as many microseconds as `by` says; the system clock is unaffected.
    #[must_use]
    pub fn skewed(&self, by: Arc<AtomicI64>) -> Self {
        match self {
            Self::System => Self::System,
            Self::Manual(right) | Self::Skewed { right, .. } => Self::Skewed { right: Arc::clone(right), by },
        }
    }

    /// Moves a manual clock forward (or back, with a negative number of seconds); the system clock is unaffected.
    pub fn advance_seconds(&self, seconds: i64) {
        match self {
            Self::System => {}
            Self::Manual(micros) | Self::Skewed { right: micros, .. } => {
                micros.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one door to the system's clock")]
fn read_system_clock() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_epoch.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
}

/// Measures durations for logs, metrics and the size of a job's transactions; no answer depends on them.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the system's clock")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    #[must_use]
    pub fn elapsed(&self) -> std::time::Duration {
        self.0.elapsed()
    }
}
