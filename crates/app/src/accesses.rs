//! Uses of sessions and grants that are not written yet, kept in this process's memory so that a use costs no write.
//! The domain decides when to write and what is known; this file only stores, within a limit.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use vestibule_domain::{
    session::{SessionRef, Viewpoint},
    time::Timestamp,
};

const SHARDS: usize = 16;
/// Maximum number of uses per shard; a further use is written at once.
const SHARD_SIZE: usize = 8_192;
/// At so many uses in a shard, the job that writes them need not wait for its next turn.
const MANY: usize = SHARD_SIZE / 2;

/// What to do about a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// Nothing: it is stored here and will be written with others.
    Remembered,
    /// Write it now, then call `Accesses::settle`.
    WriteNow,
}

/// Uses that are not written yet, or are being written.
#[derive(Clone, Copy, Debug)]
struct Use {
    /// The first of them.
    first: Timestamp,
    /// The last of them.
    at: Timestamp,
    /// The last use that was written.
    written: Timestamp,
    window: Duration,
}

/// A use to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unwritten {
    pub target: SessionRef,
    pub at: Timestamp,
    /// The first use since the written one: not always on the same day as the last.
    pub first: Timestamp,
    /// The previously written use.
    pub written: Timestamp,
}

/// The unwritten uses of one project's sessions and grants in this process.
pub struct Accesses {
    viewpoint: Viewpoint,
    shards: Vec<Mutex<HashMap<SessionRef, Use>>>,
    /// Notified when a shard has many.
    many: Arc<Notify>,
}

impl Accesses {
    pub(crate) fn new(viewpoint: Viewpoint, many: Arc<Notify>) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { viewpoint, shards, many }
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

    /// Records a use; `recorded` is the last one in the store, `may_wait` says whether it may be written later though its window is
    /// over.
    pub fn note(
        &self,
        target: SessionRef,
        recorded: Timestamp,
        now: Timestamp,
        window: Duration,
        may_wait: bool,
    ) -> Noted {
        let mut shard = self.shard(target);
        let count = shard.len();
        if let Some(used) = shard.get_mut(&target) {
            // It is written with the uses before it.
            used.at = used.at.max(now);
            used.written = used.written.max(recorded);
            used.window = window;
            // A request may be writing it, and that write may still fail.
            return if may_wait || now.since(used.written) <= window { Noted::Remembered } else { Noted::WriteNow };
        }
        // The memory is full; such a use is rarely concurrent with another of the same session.
        if count >= SHARD_SIZE {
            return Noted::WriteNow;
        }
        if now > recorded {
            shard.insert(target, Use { first: now, at: now, written: recorded, window });
            if count + 1 == MANY {
                self.many.notify_one();
            }
        }
        if may_wait || now.since(recorded) <= window { Noted::Remembered } else { Noted::WriteNow }
    }

    /// Records that a use was written; it is removed unless there was a later one.
    pub(crate) fn settle(&self, target: SessionRef, written: Timestamp) {
        let mut shard = self.shard(target);
        if let Some(used) = shard.get_mut(&target) {
            if used.at <= written {
                shard.remove(&target);
            } else {
                used.written = used.written.max(written);
                used.first = used.at;
            }
        }
    }

    /// The uses whose window has passed, so that they must be written, in order of their IDs.
    pub(crate) fn list_due(&self, now: Timestamp) -> Vec<Unwritten> {
        self.list(|used| now.since(used.written) > used.window)
    }

    /// All unwritten uses in order of their IDs: for a process that stops.
    pub(crate) fn list_all(&self) -> Vec<Unwritten> {
        self.list(|_| true)
    }

    fn list(&self, wanted: impl Fn(&Use) -> bool) -> Vec<Unwritten> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let wanted = shard.iter().filter(|(_, used)| wanted(used));
            found.extend(wanted.map(|(target, used)| Unwritten {
                target: *target,
                at: used.at,
                first: used.first,
                written: used.written,
            }));
        }
        // Rows of one time are beside each other, and transactions that lock rows in one order do not wait for each other in a circle.
        found.sort_unstable_by_key(|one| one.target);
        found
    }

    fn shard(&self, target: SessionRef) -> MutexGuard<'_, HashMap<SessionRef, Use>> {
        let id = match &target {
            SessionRef::Session(id) => id.as_bytes(),
            SessionRef::Grant(id) => id.as_bytes(),
        };
        // IDs end in random bits.
        self.shards[usize::from(id[15]) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
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
        Accesses::new(Viewpoint::Alone { since: at(0) }, Arc::default())
    }

    #[test]
    fn a_use_after_its_window_is_due_at_once_or_written_by_its_request() {
        for may_wait in [true, false] {
            let accesses = accesses();
            let expected = if may_wait { Noted::Remembered } else { Noted::WriteNow };
            assert_eq!(accesses.note(target(1), at(0), at(60), WINDOW, may_wait), Noted::Remembered, "in its window");
            assert!(accesses.list_due(at(60)).is_empty());
            accesses.settle(target(1), at(60));
            assert_eq!(accesses.note(target(1), at(60), at(121), WINDOW, may_wait), expected);
            // A concurrent request reads the same recorded use: the write of the first may fail.
            assert_eq!(accesses.note(target(1), at(60), at(122), WINDOW, may_wait), expected);
            let due = Unwritten { target: target(1), at: at(122), first: at(121), written: at(60) };
            assert_eq!(accesses.list_due(at(122)), [due]);
            // The request has written its own use, or the job the first.
            accesses.settle(target(1), at(121));
            assert_eq!(accesses.recall(target(1)), Some(at(122)));
            assert!(accesses.list_due(at(181)).is_empty(), "the next window");
            let next = Unwritten { target: target(1), at: at(122), first: at(122), written: at(121) };
            assert_eq!(accesses.list_due(at(182)), [next]);
        }
    }

    #[test]
    fn a_use_is_forgotten_once_it_is_written_and_not_before() {
        let accesses = accesses();
        assert_eq!(accesses.note(target(1), at(0), at(30), WINDOW, true), Noted::Remembered);
        assert_eq!(accesses.recall(target(1)), Some(at(30)));
        assert!(accesses.list_due(at(60)).is_empty());
        let due = Unwritten { target: target(1), at: at(30), first: at(30), written: at(0) };
        assert_eq!(accesses.list_due(at(61)), [due]);
        accesses.note(target(1), at(0), at(60), WINDOW, true);
        accesses.settle(target(1), at(30));
        assert_eq!(accesses.recall(target(1)), Some(at(60)), "a later use stays");
        accesses.settle(target(1), at(60));
        assert_eq!(accesses.recall(target(1)), None);
        assert!(accesses.list_all().is_empty());
    }

    #[test]
    fn uses_are_listed_in_the_order_of_their_ids() {
        let accesses = accesses();
        for byte in [9, 200, 3, 77, 4] {
            accesses.note(target(byte), at(0), at(100), WINDOW, true);
        }
        let listed: Vec<SessionRef> = accesses.list_due(at(100)).into_iter().map(|one| one.target).collect();
        assert_eq!(listed, [3, 4, 9, 77, 200].map(target));
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
            written += usize::from(accesses.note(target, at(0), at(100), WINDOW, true) == Noted::WriteNow);
        }
        assert_eq!(accesses.list_all().len(), flood - written);
        assert!(written >= flood - 16 * SHARD_SIZE);
    }

    #[tokio::test]
    async fn many_uses_do_not_wait_for_the_next_turn_of_the_job() {
        let many = Arc::new(Notify::new());
        let accesses = Accesses::new(Viewpoint::OneOfMany, Arc::clone(&many));
        for n in 0..SHARDS * MANY {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&n.to_be_bytes());
            accesses.note(SessionRef::Session(SessionId::from_bytes(id)), at(0), at(100), WINDOW, true);
        }
        many.notified().await;
    }
}
