//! Requests that wait for blocking webhooks. A project has its share of them, and a receiver a share of its project's: one that does
//! not answer leaves the others of its project as much as it holds, and is asked seldom once it was silent again and again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use vestibule_domain::{id::ProjectNo, time::Timestamp};

use crate::limits::{
    fair::{FairPermit, FairPermits},
    patience::{Heard, Patience},
};

/// Requests that wait at the same time.
const CALLS: usize = 512;
/// Those of one project at most.
const OF_A_PROJECT: usize = 256;
/// Those of one receiver at most.
const OF_A_RECEIVER: usize = 128;

type Address = (ProjectNo, String);

#[derive(Default)]
struct Receiver {
    waiting: usize,
    patience: Patience,
}

type Receivers = HashMap<Address, Receiver>;

/// The requests that wait.
pub struct BlockingCalls {
    places: FairPermits,
    receivers: Arc<Mutex<Receivers>>,
}

/// Why no request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallRefused {
    /// The receiver or its project has its share.
    ShareExceeded,
    /// The receiver did not answer the last ones.
    Resting,
}

/// A request that waits; dropping it frees its place.
pub(crate) struct BlockingCall {
    receivers: Arc<Mutex<Receivers>>,
    address: Address,
    /// That of the receiver's [`Patience`] when it began.
    number: u32,
    _place: FairPermit,
}

impl Default for BlockingCalls {
    fn default() -> Self {
        Self { places: FairPermits::new(CALLS, OF_A_PROJECT), receivers: Arc::default() }
    }
}

fn lock(receivers: &Mutex<Receivers>) -> MutexGuard<'_, Receivers> {
    receivers.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BlockingCalls {
    /// Begins a request to a receiver.
    pub(crate) fn begin(&self, project: ProjectNo, url: &str, now: Timestamp) -> Result<BlockingCall, CallRefused> {
        let address = (project, url.to_owned());
        let mut receivers = lock(&self.receivers);
        let of_project: usize =
            receivers.iter().filter(|((of, _), _)| *of == project).map(|(_, one)| one.waiting).sum();
        let (waiting, patience) =
            receivers.get(&address).map_or_else(Default::default, |one| (one.waiting, one.patience));
        if !patience.may_begin(waiting, now) {
            return Err(CallRefused::Resting);
        }
        if waiting >= OF_A_RECEIVER.min(OF_A_PROJECT.saturating_sub(of_project)) {
            return Err(CallRefused::ShareExceeded);
        }
        let place = self.places.take(project).map_err(|_| CallRefused::ShareExceeded)?;
        receivers.entry(address.clone()).or_default().waiting += 1;
        let receivers = Arc::clone(&self.receivers);
        Ok(BlockingCall { receivers, address, number: patience.number(), _place: place })
    }
}

impl BlockingCall {
    /// Notes what came of it; whether its receiver rests from now on.
    pub(crate) fn end(self, heard: Heard, now: Timestamp) -> bool {
        let mut receivers = lock(&self.receivers);
        let begins_to_rest =
            receivers.get_mut(&self.address).is_some_and(|one| one.patience.note(heard, self.number, now));
        receivers.retain(|_, one| one.waiting > 0 || !one.patience.is_forgotten(now));
        begins_to_rest
    }
}

impl Drop for BlockingCall {
    fn drop(&mut self) {
        let mut receivers = lock(&self.receivers);
        if let Some(receiver) = receivers.get_mut(&self.address) {
            receiver.waiting -= 1;
            if receiver.waiting == 0 && receiver.patience.is_answering() {
                receivers.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: ProjectNo = ProjectNo(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn fill(calls: &BlockingCalls, project: ProjectNo, url: &str) -> Vec<BlockingCall> {
        std::iter::from_fn(|| calls.begin(project, url, at(0)).ok()).collect()
    }

    #[test]
    fn a_receiver_leaves_others_of_its_project_as_much_as_it_holds() {
        let calls = BlockingCalls::default();
        let held = ["a", "b", "c"].map(|url| fill(&calls, SHOP, url));
        assert_eq!(held.each_ref().map(Vec::len), [128, 64, 32]);
        assert_eq!(calls.begin(SHOP, "a", at(0)).err(), Some(CallRefused::ShareExceeded));
        assert!(calls.begin(ProjectNo(2), "a", at(0)).is_ok());
        drop(held);
        assert_eq!(fill(&calls, SHOP, "c").len(), 128);
    }

    #[test]
    fn a_silent_receiver_is_asked_once_after_its_rest() {
        let calls = BlockingCalls::default();
        let silent: Vec<BlockingCall> = fill(&calls, SHOP, "a").into_iter().take(6).collect();
        let rests: Vec<bool> = silent.into_iter().map(|call| call.end(Heard::Nothing, at(0))).collect();
        assert_eq!(rests, [false, false, false, true, false, false]);
        assert_eq!(calls.begin(SHOP, "a", at(4)).err(), Some(CallRefused::Resting));
        assert!(calls.begin(SHOP, "b", at(4)).is_ok());
        let probe = calls.begin(SHOP, "a", at(5)).expect("one finds out");
        assert_eq!(calls.begin(SHOP, "a", at(5)).err(), Some(CallRefused::Resting));
        // One that is given up says nothing.
        drop(probe);
        let probe = calls.begin(SHOP, "a", at(5)).expect("another one");
        assert!(!probe.end(Heard::Something, at(5)));
        assert_eq!(fill(&calls, SHOP, "a").len(), 128);
        calls.begin(SHOP, "b", at(5)).expect("a place").end(Heard::Something, at(5));
        assert!(lock(&calls.receivers).is_empty(), "nothing is remembered of those that answer");
    }
}
