//! Uses of sessions and grants that are not written yet, kept in this process's memory so that a use costs no write.
//! The domain decides when to write and what is known; this file only stores, within a limit.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use vestibule_domain::{
    session::{SessionRef, Viewpoint},
    time::Timestamp,
};

const SHARDS: u64 = 16;
/// Maximum number of uses per shard; a further use is written at once.
const SHARD_SIZE: usize = 8_192;

/// What to do about a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// Nothing: it is stored here and will be written with others.
    Remembered,
    /// Write it now, then call `Accesses::settle`.
    WriteNow,
}

/// A use that is not written yet, or is being written.
#[derive(Clone, Copy, Debug)]
struct Use {
    at: Timestamp,
    /// The last use that was written or is being written.
    written: Timestamp,
    window: Duration,
}

/// A use to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unwritten {
    pub target: SessionRef,
    pub at: Timestamp,
    /// The previously written use.
    pub written: Timestamp,
}

/// The unwritten uses of one project's sessions and grants in this process.
pub struct Accesses {
    viewpoint: Viewpoint,
    hasher: RandomState,
    shards: Vec<Mutex<HashMap<SessionRef, Use>>>,
}

impl Accesses {
    pub fn new(viewpoint: Viewpoint) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { viewpoint, hasher: RandomState::new(), shards }
    }

    /// Which uses this process knows.
    pub fn viewpoint(&self) -> Viewpoint {
        self.viewpoint
    }

    /// The last use that this process saw and has not written yet.
    ///
    /// Read this before the row: entries are evicted only after they are flushed.
    pub(crate) fn recall(&self, target: SessionRef) -> Option<Timestamp> {
        self.shard(target).get(&target).map(|used| used.at)
    }

    /// Records a use; `recorded` is the last one in the store.
    pub fn note(&self, target: SessionRef, recorded: Timestamp, now: Timestamp, window: Duration) -> Noted {
        let mut shard = self.shard(target);
        let is_full = shard.len() >= SHARD_SIZE;
        match shard.get_mut(&target) {
            Some(used) => {
                used.at = used.at.max(now);
                used.written = used.written.max(recorded);
                used.window = window;
                if now.since(used.written) <= window {
                    return Noted::Remembered;
                }
                // Claim the write: concurrent requests then need not write.
                used.written = now;
            }
            // The memory is full; such a use is rarely concurrent with another of the same session.
            None if is_full => return Noted::WriteNow,
            None => {
                let must_write = now.since(recorded) > window;
                let written = if must_write { now } else { recorded };
                if now > recorded {
                    shard.insert(target, Use { at: now, written, window });
                }
                if !must_write {
                    return Noted::Remembered;
                }
            }
        }
        Noted::WriteNow
    }

    /// Records that a use was written; it is removed unless there was a later one.
    pub(crate) fn settle(&self, target: SessionRef, written: Timestamp) {
        let mut shard = self.shard(target);
        if let Some(used) = shard.get_mut(&target) {
            if used.at <= written {
                shard.remove(&target);
            } else {
                used.written = used.written.max(written);
            }
        }
    }

    /// The uses whose window has passed, so that they must be written; at most `limit`.
    pub(crate) fn list_due(&self, now: Timestamp, limit: usize) -> Vec<Unwritten> {
        self.list(limit, |used| now.since(used.written) > used.window)
    }

    /// All unwritten uses, at most `limit`: for a process that stops.
    pub(crate) fn list_all(&self, limit: usize) -> Vec<Unwritten> {
        self.list(limit, |_| true)
    }

    fn list(&self, limit: usize, wanted: impl Fn(&Use) -> bool) -> Vec<Unwritten> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let remaining = limit - found.len();
            let wanted = shard.iter().filter(|(_, used)| wanted(used));
            let read =
                |(target, used): (&SessionRef, &Use)| Unwritten { target: *target, at: used.at, written: used.written };
            found.extend(wanted.map(read).take(remaining));
            if found.len() >= limit {
                break;
            }
        }
        found
    }

    fn shard(&self, target: SessionRef) -> MutexGuard<'_, HashMap<SessionRef, Use>> {
        let at = usize::try_from(self.hasher.hash_one(target) % SHARDS).unwrap_or(0);
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use vestibule_domain::id::{GrantId, SessionId};

    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn target(byte: u8) -> SessionRef {
        SessionRef::Grant(GrantId::from_bytes([byte; 16]))
    }

    fn accesses() -> Accesses {
        Accesses::new(Viewpoint::Alone { since: at(0) })
    }

    #[test]
    fn a_window_has_one_write_however_many_uses() {
        let accesses = accesses();
        let mut recorded = at(0);
        let mut writes = 0;
        for second in 0..=600 {
            if accesses.note(target(1), recorded, at(second), WINDOW) == Noted::WriteNow {
                writes += 1;
                // A concurrent request sees the same stored time and writes nothing.
                assert_eq!(accesses.note(target(1), recorded, at(second), WINDOW), Noted::Remembered);
                recorded = at(second);
                accesses.settle(target(1), recorded);
            }
        }
        assert_eq!(writes, 9);
        assert_eq!(accesses.recall(target(1)), Some(at(600)));
    }

    #[test]
    fn a_use_is_forgotten_once_it_is_written_and_not_before() {
        let accesses = accesses();
        assert_eq!(accesses.note(target(1), at(0), at(30), WINDOW), Noted::Remembered);
        assert_eq!(accesses.recall(target(1)), Some(at(30)));
        assert!(accesses.list_due(at(60), 10).is_empty());
        assert_eq!(accesses.list_due(at(61), 10), [Unwritten { target: target(1), at: at(30), written: at(0) }]);
        accesses.note(target(1), at(0), at(60), WINDOW);
        accesses.settle(target(1), at(30));
        assert_eq!(accesses.recall(target(1)), Some(at(60)), "a later use stays");
        accesses.settle(target(1), at(60));
        assert_eq!(accesses.recall(target(1)), None);
        assert!(accesses.list_all(10).is_empty());
    }

    #[test]
    fn a_full_memory_makes_uses_be_written_at_once() {
        let accesses = accesses();
        let flood = 40 * SHARD_SIZE;
        let mut written = 0;
        for n in 0..flood {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&n.to_be_bytes());
            let target = SessionRef::Session(SessionId::from_bytes(id));
            written += usize::from(accesses.note(target, at(0), at(1), WINDOW) == Noted::WriteNow);
        }
        assert_eq!(accesses.list_all(usize::MAX).len(), flood - written);
        assert!(written >= flood - 16 * SHARD_SIZE);
    }
}
