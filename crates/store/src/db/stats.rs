//! Counters of the store.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Number of classes for group sizes: 1, 2, 3–4, 5–8, …, more than 256.
pub const GROUP_CLASSES: usize = 10;

/// A snapshot of the counters since the store was opened.
#[derive(Clone, Debug, Default)]
pub struct StoreStats {
    /// Transactions committed.
    pub commits: u64,
    /// Writes kept by those transactions.
    pub writes: u64,
    /// Commits by the number of their writes; class `n` goes up to `2^n`, the last is open.
    pub group_sizes: [u64; GROUP_CLASSES],
    /// Reads by key, each alone or together with others that waited (PostgreSQL).
    pub grouped_reads: u64,
    /// Statements for reads by key, by the number of their reads; in classes as those of `group_sizes`.
    pub read_group_sizes: [u64; GROUP_CLASSES],
    /// Transactions retried after a conflict or a lost connection.
    pub retries: u64,
    /// Checkpoints of the write-ahead log (SQLite).
    pub checkpoints: u64,
    /// Counters per named write.
    pub by_name: BTreeMap<&'static str, WriteStats>,
}

/// The counters of one named write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteStats {
    /// Number of calls.
    pub count: u64,
    /// Number of calls that failed and changed nothing.
    pub failed: u64,
    /// Total time from call to result.
    pub total: Duration,
}

fn class_of(size: usize) -> usize {
    (size.max(1).next_power_of_two().trailing_zeros() as usize).min(GROUP_CLASSES - 1)
}

#[derive(Default)]
pub(super) struct Counters(Mutex<StoreStats>);

impl Counters {
    fn with(&self, change: impl FnOnce(&mut StoreStats)) {
        // Plain numbers cannot be left half-changed, so a poisoned lock is usable.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn count_commit(&self, writes: usize) {
        self.with(|stats| {
            stats.commits += 1;
            stats.writes += writes as u64;
            stats.group_sizes[class_of(writes)] += 1;
        });
    }

    pub(super) fn count_grouped_reads(&self, reads: usize) {
        self.with(|stats| {
            stats.grouped_reads += reads as u64;
            stats.read_group_sizes[class_of(reads)] += 1;
        });
    }

    pub(super) fn count_retry(&self) {
        self.with(|stats| stats.retries += 1);
    }

    pub(super) fn count_checkpoint(&self) {
        self.with(|stats| stats.checkpoints += 1);
    }

    pub(super) fn count_write(&self, name: &'static str, kept: bool, took: Duration) {
        self.with(|stats| {
            let entry = stats.by_name.entry(name).or_default();
            entry.count += 1;
            entry.failed += u64::from(!kept);
            entry.total += took;
        });
    }

    pub(super) fn writes(&self) -> u64 {
        let mut writes = 0;
        self.with(|stats| writes = stats.writes);
        writes
    }

    pub(super) fn snapshot(&self) -> StoreStats {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_sizes_fall_into_powers_of_two() {
        let counters = Counters::default();
        for size in [1, 2, 3, 4, 5, 256, 257, 512] {
            counters.count_commit(size);
        }
        let stats = counters.snapshot();
        assert_eq!(stats.group_sizes, [1, 1, 2, 1, 0, 0, 0, 0, 1, 2]);
        assert_eq!((stats.commits, stats.writes), (8, 1040));
    }
}
