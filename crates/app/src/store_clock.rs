//! The clock by which queues are worked off: the database's, so that all nodes agree (decision 84).

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use vestibule_domain::time::Timestamp;
use vestibule_store::{Conn, Engine, Store, StoreError, clock};

use crate::adapters::clock::Clock;

/// Measurements of one comparison: the shortest one says most.
const TRIES: usize = 3;
/// A measurement that took no longer is good enough.
const SHORT: Duration = Duration::from_millis(100);

const UNKNOWN: i64 = i64::MIN;

/// The clock of the store.
#[derive(Clone, Debug)]
pub enum StoreClock {
    /// PostgreSQL's own.
    Database,
    /// A clock of this process: an embedded store has no other, and a test owns it.
    Process(Clock),
}

impl StoreClock {
    pub(crate) fn of(engine: Engine, clock: &Clock) -> Self {
        match (engine, clock) {
            (Engine::Postgres, Clock::System) => Self::Database,
            (Engine::Postgres, Clock::Skewed { right, .. }) => Self::Process(Clock::Manual(right.clone())),
            (Engine::Postgres, Clock::Manual(_)) | (Engine::Sqlite, _) => Self::Process(clock.clone()),
        }
    }

    /// The time of the store, also within a transaction that has begun earlier.
    pub(crate) async fn now(&self, conn: &mut Conn) -> Result<Timestamp, StoreError> {
        match self {
            Self::Database => clock::now(conn).await,
            Self::Process(clock) => Ok(clock.now()),
        }
    }

    /// The time of the store, by a connection of its own.
    pub(crate) async fn read(&self, store: &Store) -> Result<Timestamp, StoreError> {
        match self {
            Self::Database => clock::now(&mut *store.read().await?).await,
            Self::Process(clock) => Ok(clock.now()),
        }
    }
}

/// How far the clock of this process is from the store's.
#[derive(Debug)]
pub struct ClockOffset {
    /// Microseconds that this process is ahead, negative when it is behind; [`UNKNOWN`] before the first measurement.
    ahead: AtomicI64,
    /// Microseconds that the offset has at least, whatever the duration of the measurement.
    at_least: AtomicU64,
}

impl Default for ClockOffset {
    fn default() -> Self {
        Self { ahead: AtomicI64::new(UNKNOWN), at_least: AtomicU64::new(0) }
    }
}

impl ClockOffset {
    /// Measures it: half of the time that the database took to answer is unknown.
    pub(crate) async fn measure(&self, own: &Clock, of_store: &StoreClock, store: &Store) -> Result<(), StoreError> {
        let mut conn = store.read().await?;
        let mut best: Option<(Duration, i64)> = None;
        for _ in 0..TRIES {
            let before = own.now();
            let there = of_store.now(&mut conn).await?;
            let took = own.now().since(before);
            let middle = before.plus(took / 2);
            if best.is_none_or(|(shortest, _)| took < shortest) {
                best = Some((took, middle.as_micros().saturating_sub(there.as_micros())));
            }
            if took <= SHORT {
                break;
            }
        }
        if let Some((took, ahead)) = best {
            let unknown = u64::try_from((took / 2).as_micros()).unwrap_or(u64::MAX);
            self.ahead.store(ahead, Relaxed);
            self.at_least.store(ahead.unsigned_abs().saturating_sub(unknown), Relaxed);
        }
        Ok(())
    }

    /// Microseconds that this process is ahead of the store; negative when it is behind. `None` when it was never measured.
    #[must_use]
    pub fn micros_ahead(&self) -> Option<i64> {
        Some(self.ahead.load(Relaxed)).filter(|ahead| *ahead != UNKNOWN)
    }

    /// The least that the clocks differ by.
    #[must_use]
    pub fn at_least(&self) -> Duration {
        Duration::from_micros(self.at_least.load(Relaxed))
    }
}
