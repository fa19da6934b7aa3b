//! How many rows one transaction of a job changes: as many as take a few milliseconds, so that no other write waits long.

use std::time::Duration;

/// The time that a transaction should take, without its commit.
const AIM: Duration = Duration::from_millis(8);
/// A transaction changes at least this many rows, however slow the store is.
const LEAST: usize = 50;
/// And at most this many.
const MOST: usize = 4_000;

/// The size of a job's next transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    rows: usize,
}

impl Pace {
    /// A size for the first transaction.
    pub(crate) fn new() -> Self {
        Self { rows: 4 * LEAST }
    }

    /// How many rows the next transaction may change.
    pub(crate) fn rows(self) -> usize {
        self.rows
    }

    /// Learns from a transaction; at most doubles or halves.
    pub(crate) fn learn(&mut self, rows: usize, took: Duration) {
        // A smaller transaction says nothing about a full one, unless it was too slow.
        if rows < self.rows && took < AIM {
            return;
        }
        let fitting = rows as u128 * AIM.as_nanos() / took.as_nanos().max(1);
        let fitting = usize::try_from(fitting).unwrap_or(MOST);
        self.rows = fitting.clamp(self.rows / 2, self.rows * 2).clamp(LEAST, MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_grows_while_it_is_fast_and_shrinks_when_it_is_slow() {
        let millis = Duration::from_millis;
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
            let mut pace = Pace { rows: before };
            pace.learn(rows, took);
            assert_eq!(pace.rows(), after, "{before} {rows} {took:?}");
        }
    }
}
