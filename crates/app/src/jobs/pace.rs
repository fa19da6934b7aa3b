//! How many rows one transaction of a job changes: as many as take a few milliseconds, so that no other write waits long.

use std::time::Duration;

use vestibule_store::{Engine, Store};

use crate::adapters::clock::Stopwatch;

/// The longest time that a transaction should take, without its commit.
const LONGEST: Duration = Duration::from_millis(8);
/// The same where nothing else waits and commits are slow.
const LONGEST_ALONE: Duration = Duration::from_millis(32);
/// And the shortest one.
const SHORTEST: Duration = Duration::from_micros(500);
/// After a transaction that others may have waited for, the job leaves the store to them for so many times as long.
const PAUSES: u32 = 2;
/// A transaction changes at least this many rows, however slow the store is.
const LEAST: usize = 50;
/// And at most this many.
const MOST: usize = 4_000;
/// For so many transactions after one that met other writes, more of them are expected.
const MEMORY: u32 = 64;

/// The size of a job's next transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    rows: usize,
    engine: Engine,
    /// How many more transactions are taken to be beside other writes.
    beside: u32,
    pause: Duration,
}

/// A transaction that begins.
pub(crate) struct Turn<'a> {
    store: &'a Store,
    writes: u64,
    watch: Stopwatch,
}

/// A transaction that ended.
#[derive(Clone, Copy, Debug)]
struct Ended {
    rows: usize,
    /// Without its commit.
    took: Duration,
    /// How long its caller waited.
    waited: Duration,
    /// Other writes in that time.
    others: u64,
}

impl Pace {
    /// A size for the first transaction.
    pub(crate) fn new(engine: Engine) -> Self {
        Self { rows: 4 * LEAST, engine, beside: MEMORY, pause: Duration::ZERO }
    }

    /// How many of so many rows the next transaction changes. Transactions are of about the same size: a small one at the end would cost a
    /// commit of its own.
    pub(crate) fn share(self, rows: usize) -> usize {
        rows.div_ceil(rows.div_ceil(self.rows).max(1))
    }

    /// Begins a transaction.
    pub(crate) fn begin(store: &Store) -> Turn<'_> {
        Turn { store, writes: store.count_writes(), watch: Stopwatch::start() }
    }

    /// Learns from a transaction with so many rows, that took so long without its commit; at most doubles or halves. Beside other writes,
    /// it then lets them go first for a while.
    pub(crate) async fn learn(&mut self, turn: Turn<'_>, rows: usize, took: Duration) {
        // It is one of the writes itself.
        let others = turn.store.count_writes().saturating_sub(turn.writes + 1);
        self.learn_from(Ended { rows, took, waited: turn.watch.elapsed(), others });
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
    }

    fn learn_from(&mut self, Ended { rows, took, waited, others }: Ended) {
        self.beside = if others > 0 { MEMORY } else { self.beside.saturating_sub(1) };
        let is_waited_for = others > 0 && matches!(self.engine, Engine::Sqlite);
        self.pause = if is_waited_for { took.min(LONGEST) * PAUSES } else { Duration::ZERO };
        let aim = self.aim(waited.saturating_sub(took));
        // A smaller transaction says nothing about a full one, unless it was too slow.
        if rows < self.rows && took < aim {
            return;
        }
        let fitting = rows as u128 * aim.as_nanos() / took.as_nanos().max(1);
        let fitting = usize::try_from(fitting).unwrap_or(MOST);
        self.rows = fitting.clamp(self.rows / 2, self.rows * 2).clamp(LEAST, MOST);
    }

    /// How long a transaction may take, where the rest of the wait for it takes so long: the commit, and what it shares the writer with. On
    /// SQLite all writes wait for each other: half of that rest lets the others wait less than twice as long as without it, and where
    /// nothing else waits, a slow commit is worth a large transaction. On PostgreSQL they do not wait.
    fn aim(self, rest: Duration) -> Duration {
        match self.engine {
            Engine::Sqlite if self.beside > 0 => (rest / 2).clamp(SHORTEST, LONGEST),
            Engine::Sqlite => rest.clamp(LONGEST, LONGEST_ALONE),
            Engine::Postgres => LONGEST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn a_transaction_grows_while_it_is_fast_and_shrinks_when_it_is_slow() {
        // size before, rows, time, size afterwards
        for (before, rows, took, after) in [
            (200, 200, millis(4), 400),
            (200, 200, millis(1), 400),
            (200, 200, millis(16), 100),
            (200, 200, millis(800), 100),
            (200, 200, millis(10), 160),
            (200, 20, millis(1), 200),
            (200, 100, millis(20), 100),
            (50, 50, millis(800), 50),
            (4_000, 4_000, Duration::ZERO, 4_000),
        ] {
            let mut pace = Pace { rows: before, ..Pace::new(Engine::Postgres) };
            pace.learn_from(Ended { rows, took, waited: took, others: 9 });
            assert_eq!(pace.rows, after, "{before} {rows} {took:?}");
        }
    }

    #[test]
    fn on_sqlite_a_transaction_takes_half_of_the_time_of_the_rest() {
        // the time of 200 rows, the wait for them, the next size
        for (took, waited, after) in [
            (millis(4), millis(12), 200),
            (millis(4), millis(10), 150),
            (millis(4), millis(100), 400),
            (millis(8), millis(9), 100),
            (millis(2), millis(2), 100),
            (Duration::from_micros(500), millis(1), 200),
        ] {
            let mut pace = Pace { rows: 200, ..Pace::new(Engine::Sqlite) };
            pace.learn_from(Ended { rows: 200, took, waited, others: 1 });
            assert_eq!(pace.rows, after, "{took:?} {waited:?}");
        }
    }

    #[test]
    fn without_other_writes_it_grows_after_a_while() {
        let mut pace = Pace { rows: 200, ..Pace::new(Engine::Sqlite) };
        let alone = |rows| Ended { rows, took: millis(2), waited: millis(6), others: 0 };
        for _ in 1..MEMORY {
            pace.learn_from(alone(200));
        }
        assert_eq!(pace.rows, 200);
        for rows in [200, 400] {
            pace.learn_from(alone(rows));
        }
        assert_eq!(pace.rows, 800);
        pace.learn_from(Ended { others: 1, ..alone(800) });
        assert_eq!(pace.rows, 800, "as long as half of the rest");
        pace.learn_from(Ended { others: 1, waited: millis(3), ..alone(800) });
        assert_eq!(pace.rows, 400);
    }

    #[test]
    fn a_pause_follows_where_others_wait() {
        for (engine, others, took, pause) in [
            (Engine::Sqlite, 1, millis(2), millis(4)),
            (Engine::Sqlite, 1, millis(500), millis(16)),
            (Engine::Sqlite, 0, millis(2), Duration::ZERO),
            (Engine::Postgres, 1, millis(2), Duration::ZERO),
        ] {
            let mut pace = Pace::new(engine);
            pace.learn_from(Ended { rows: 200, took, waited: took, others });
            assert_eq!(pace.pause, pause, "{engine:?} {others} {took:?}");
        }
    }

    #[test]
    fn transactions_have_about_the_same_size() {
        let pace = Pace { rows: 600, ..Pace::new(Engine::Sqlite) };
        let shares = [0, 1, 600, 601, 1_000, 2_000].map(|rows| pace.share(rows));
        assert_eq!(shares, [0, 1, 600, 301, 500, 500]);
    }
}
