//! How much a job does at once: how many rows one transaction changes, so that no other write waits long, and how many one read looks at,
//! so that no other request does.

use std::time::Duration;

use vestibule_store::{Engine, Store, StoreError};

use crate::adapters::clock::Stopwatch;

/// The longest time that a transaction should take, without its commit.
const LONGEST: Duration = Duration::from_millis(8);
/// The same where nothing else waits and commits are slow.
const LONGEST_ALONE: Duration = Duration::from_millis(32);
/// And the shortest one.
const SHORTEST: Duration = Duration::from_micros(120);
/// What a transaction is taken to add to its commit.
const COMMIT: Duration = Duration::from_micros(150);
/// A transaction changes at least this many rows, however slow the store is.
const LEAST: usize = 24;
/// And at most this many.
const MOST: usize = 4_000;
/// The size of the first transaction.
const FIRST: usize = 200;
/// For so many transactions after one that met other writes, more of them are expected.
const MEMORY: u32 = 64;
/// Rows that one read looks at on SQLite, where it runs on a thread that serves requests: about a third of a millisecond.
const AT_ONCE: i64 = 100;
/// The longest break between two reads.
const BREAK: Duration = Duration::from_millis(1);

/// The size of a job's next transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    rows: usize,
    engine: Engine,
    /// How many more transactions are taken to be beside other writes.
    beside: u32,
    /// How long the others waited lately, without a transaction of the job among them.
    usual: Duration,
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
        Self { rows: FIRST, engine, beside: MEMORY, usual: Duration::ZERO }
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
    /// it then lets those go first that wait by now.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn learn(&mut self, turn: Turn<'_>, rows: usize, took: Duration) -> Result<(), StoreError> {
        // It is one of the writes itself.
        let others = turn.store.count_writes().saturating_sub(turn.writes + 1);
        let waited = turn.watch.elapsed();
        if others > 0 {
            let watch = Stopwatch::start();
            turn.store.let_others_write().await?;
            self.usual = watch.elapsed();
        }
        self.learn_from(Ended { rows, took, waited, others });
        Ok(())
    }

    /// How many of so many rows a job reads at once, before a [`Self::rest`].
    pub(crate) fn rows_at_once(self, rows: i64) -> i64 {
        match self.engine {
            Engine::Sqlite => rows.min(AT_ONCE),
            Engine::Postgres => rows,
        }
    }

    /// Between two reads: other requests have the thread, and where others write, the processor is theirs for a moment, too.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn rest(self, store: &Store) -> Result<(), StoreError> {
        if self.beside > 0 && matches!(self.engine, Engine::Sqlite) {
            return tokio::time::timeout(BREAK, store.let_others_write()).await.unwrap_or(Ok(()));
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    fn learn_from(&mut self, Ended { rows, took, waited, others }: Ended) {
        self.beside = if others > 0 { MEMORY } else { self.beside.saturating_sub(1) };
        let aim = self.aim(waited.saturating_sub(took));
        // A much smaller transaction says nothing about a full one, unless it was too slow. Shares of a page are often a little smaller.
        if rows < self.rows - self.rows / 4 && took < aim {
            return;
        }
        let fitting = rows as u128 * aim.as_nanos() / took.as_nanos().max(1);
        let fitting = usize::try_from(fitting).unwrap_or(MOST);
        self.rows = fitting.clamp(self.rows / 2, self.rows * 2).clamp(LEAST, MOST);
    }

    /// How long a transaction may take. On SQLite all writes wait for each other. Half of what the others wait without it, less what
    /// it adds to the commit, lets them wait less than twice as long. Where nothing else waits, a slow commit (what the wait was beside the
    /// transaction) is worth a large transaction. On PostgreSQL they do not wait.
    fn aim(self, rest: Duration) -> Duration {
        match self.engine {
            Engine::Sqlite if self.beside > 0 => (self.usual / 2).saturating_sub(COMMIT).clamp(SHORTEST, LONGEST),
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
            (24, 24, millis(800), 24),
            (40, 40, millis(800), 24),
            (4_000, 4_000, Duration::ZERO, 4_000),
        ] {
            let mut pace = Pace { rows: before, ..Pace::new(Engine::Postgres) };
            pace.learn_from(Ended { rows, took, waited: took, others: 9 });
            assert_eq!(pace.rows, after, "{before} {rows} {took:?}");
        }
    }

    #[test]
    fn on_sqlite_a_transaction_takes_half_of_what_the_others_wait() {
        // the time of 200 rows, what the others wait, the next size
        for (took, usual, after) in [
            (Duration::from_micros(3_850), millis(8), 200),
            (Duration::from_micros(3_850), millis(100), 400),
            (Duration::from_micros(1_700), millis(3), 158),
            (millis(8), millis(1), 100),
            (millis(2), Duration::ZERO, 100),
            (Duration::from_micros(120), Duration::from_micros(300), 200),
        ] {
            let mut pace = Pace { rows: 200, usual, ..Pace::new(Engine::Sqlite) };
            pace.learn_from(Ended { rows: 200, took, waited: took * 9, others: 1 });
            assert_eq!(pace.rows, after, "{took:?} {usual:?}");
        }
    }

    #[test]
    fn shares_of_a_page_that_are_a_little_smaller_let_it_grow() {
        // A page of 3,810 rows is never divided into shares of 200.
        let mut pace = Pace { rows: 200, usual: millis(8), ..Pace::new(Engine::Sqlite) };
        let rows = pace.share(3_810);
        assert_eq!(rows, 191);
        pace.learn_from(Ended { rows, took: millis(1), waited: millis(13), others: 1 });
        assert_eq!(pace.rows, 400);
    }

    #[test]
    fn without_other_writes_it_grows_after_a_while() {
        let mut pace = Pace { rows: 200, usual: Duration::from_micros(4_300), ..Pace::new(Engine::Sqlite) };
        let alone = |rows| Ended { rows, took: millis(2), waited: millis(8), others: 0 };
        for _ in 1..MEMORY {
            pace.learn_from(alone(200));
        }
        assert_eq!(pace.rows, 200);
        for rows in [200, 400] {
            pace.learn_from(alone(rows));
        }
        assert_eq!(pace.rows, 800);
        pace.learn_from(Ended { others: 1, ..alone(800) });
        assert_eq!(pace.rows, 800, "as long as half of what the others wait, without the commit");
        pace.usual = millis(1);
        pace.learn_from(Ended { others: 1, ..alone(800) });
        assert_eq!(pace.rows, 400);
    }

    #[test]
    fn reads_are_short_where_they_hold_up_requests() {
        assert_eq!(Pace::new(Engine::Sqlite).rows_at_once(4_000), 100);
        assert_eq!(Pace::new(Engine::Sqlite).rows_at_once(60), 60);
        assert_eq!(Pace::new(Engine::Postgres).rows_at_once(4_000), 4_000);
    }

    #[test]
    fn transactions_have_about_the_same_size() {
        let pace = Pace { rows: 600, ..Pace::new(Engine::Sqlite) };
        let shares = [0, 1, 600, 601, 1_000, 2_000].map(|rows| pace.share(rows));
        assert_eq!(shares, [0, 1, 600, 301, 500, 500]);
    }
}
