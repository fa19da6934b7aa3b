//! Requests that wait at the same moment and go together: a bounded queue, and the lanes that work it off. A lane takes what waits,
//! works on it, and then takes what came meanwhile; so nothing waits for a group to fill. Knows no SQL.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use super::POOL_WAIT;
use crate::db::StoreError;

/// Maximum number of members of a group: as many answers come at once, and as many wait for the slowest of them.
const GROUP_LIMIT: usize = 128;
/// Maximum number of queued members; a further one is refused.
const QUEUE_LIMIT: usize = 4_096;
/// Groups under way at the same time. Fewer are larger and cost less; with one, each would wait for the whole one before.
const LANES: usize = 2;
/// The same while members wait for longer than [`RELIEF`].
const MOST_LANES: usize = 8;
/// After this time in the queue a member has another lane started: those under way wait for something.
const RELIEF: Duration = Duration::from_millis(25);

/// The queue of one kind.
pub(in crate::db) struct Waiting<M>(Mutex<State<M>>);

struct State<M> {
    queue: VecDeque<(u64, M)>,
    next: u64,
    lanes: usize,
}

/// Of a member that wants to go.
pub(super) enum Entered<M> {
    /// Nobody waits and there is room: it goes at once, on this lane.
    Free(M, Lane<M>),
    /// It waits under this number; if there is a lane, it must be started.
    Queued(u64, Option<Lane<M>>),
}

impl<M> Default for Waiting<M> {
    fn default() -> Self {
        Self(Mutex::new(State { queue: VecDeque::new(), next: 0, lanes: 0 }))
    }
}

impl<M> Waiting<M> {
    fn state(&self) -> MutexGuard<'_, State<M>> {
        // Whole values are put in and taken out, so a poisoned lock is usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a member go or wait.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the queue is full.
    pub(super) fn enter(self: &Arc<Self>, member: M) -> Result<Entered<M>, StoreError> {
        let mut state = self.state();
        let has_room = state.lanes < LANES;
        if has_room && state.queue.is_empty() {
            state.lanes += 1;
            return Ok(Entered::Free(member, Lane::of(self)));
        }
        if state.queue.len() >= QUEUE_LIMIT {
            return Err(StoreError::Busy("too many requests are waiting for the database"));
        }
        let ticket = state.next;
        state.next += 1;
        state.queue.push_back((ticket, member));
        // One that ended in a panic has left others behind.
        let lane = has_room.then(|| {
            state.lanes += 1;
            Lane::of(self)
        });
        Ok(Entered::Queued(ticket, lane))
    }

    /// Waits for the answer to a queued member. It may be in a group for as long as the group takes, but in the queue only for as long
    /// as a request may wait for a connection.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when it is still queued by then, [`StoreError::Closed`] when it was dropped.
    pub(super) async fn wait<T>(
        self: &Arc<Self>,
        ticket: u64,
        mut answer: oneshot::Receiver<T>,
        start: impl Fn(Lane<M>),
    ) -> Result<T, StoreError> {
        let answered = |answer: Result<T, _>| answer.map_err(|_| StoreError::Closed);
        if let Ok(answer) = timeout(RELIEF, &mut answer).await {
            return answered(answer);
        }
        if let Some(lane) = self.relieve(ticket) {
            start(lane);
        }
        if let Ok(answer) = timeout(POOL_WAIT - RELIEF, &mut answer).await {
            return answered(answer);
        }
        if self.withdraw(ticket) {
            return Err(StoreError::Busy("all PostgreSQL connections are in use"));
        }
        answered(answer.await)
    }

    /// Another lane, if the member is still queued.
    fn relieve(self: &Arc<Self>, ticket: u64) -> Option<Lane<M>> {
        let mut state = self.state();
        let is_queued = state.queue.binary_search_by_key(&ticket, |(ticket, _)| *ticket).is_ok();
        (is_queued && state.lanes < MOST_LANES).then(|| {
            state.lanes += 1;
            Lane::of(self)
        })
    }

    /// Takes a member out of the queue, if it is in there.
    fn withdraw(&self, ticket: u64) -> bool {
        let mut state = self.state();
        let found = state.queue.binary_search_by_key(&ticket, |(ticket, _)| *ticket);
        found.is_ok_and(|place| state.queue.remove(place).is_some())
    }
}

/// The right to work on one group at a time; given back when dropped.
pub(super) struct Lane<M> {
    waiting: Arc<Waiting<M>>,
    is_ended: bool,
}

impl<M> Lane<M> {
    fn of(waiting: &Arc<Waiting<M>>) -> Self {
        Self { waiting: Arc::clone(waiting), is_ended: false }
    }

    /// Whether something waits. If not, the lane has ended: what comes next starts another one.
    pub(super) fn goes_on(&mut self) -> bool {
        let mut state = self.waiting.state();
        if state.queue.is_empty() && !self.is_ended {
            self.is_ended = true;
            state.lanes -= 1;
        }
        !self.is_ended
    }

    /// The number that the next member gets.
    pub(super) fn mark(&self) -> u64 {
        self.waiting.state().next
    }

    /// Takes the next group: what has waited longest.
    pub(super) fn take(&self) -> Vec<M> {
        let mut state = self.waiting.state();
        let count = state.queue.len().min(GROUP_LIMIT);
        state.queue.drain(..count).map(|(_, member)| member).collect()
    }

    /// Takes those who were queued before a mark.
    pub(super) fn take_before(&self, mark: u64) -> Vec<M> {
        let mut state = self.waiting.state();
        let count = state.queue.partition_point(|(ticket, _)| *ticket < mark);
        state.queue.drain(..count).map(|(_, member)| member).collect()
    }
}

impl<M> Drop for Lane<M> {
    fn drop(&mut self) {
        if !self.is_ended {
            self.waiting.state().lanes -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(entered: Entered<u32>) -> (u64, Option<Lane<u32>>) {
        match entered {
            Entered::Queued(ticket, lane) => (ticket, lane),
            Entered::Free(member, _) => panic!("{member} went"),
        }
    }

    fn free(entered: Entered<u32>) -> Lane<u32> {
        match entered {
            Entered::Free(_, lane) => lane,
            Entered::Queued(ticket, _) => panic!("{ticket} waits"),
        }
    }

    #[test]
    fn who_finds_a_free_lane_goes_and_who_comes_meanwhile_is_the_next_group() {
        let waiting = Arc::new(Waiting::default());
        let mut lanes: Vec<_> = (0..2).map(|number| free(waiting.enter(number).unwrap())).collect();
        for number in 2..132 {
            assert!(queued(waiting.enter(number).unwrap()).1.is_none());
        }
        assert!(lanes[0].goes_on());
        assert_eq!(lanes[0].take(), (2..130).collect::<Vec<_>>());
        assert_eq!(lanes[1].take(), [130, 131]);
        assert!(lanes[0].take().is_empty());
        assert!(!lanes[0].goes_on() && lanes[1].waiting.state().lanes == 1);
        let third = free(waiting.enter(3).unwrap());
        drop((lanes, third));
        assert_eq!(waiting.state().lanes, 0, "a lane ends once");
    }

    #[test]
    fn a_full_queue_refuses() {
        let waiting = Arc::new(Waiting::default());
        let _lanes: Vec<_> = (0..2).map(|number| free(waiting.enter(number).unwrap())).collect();
        for number in 0..4_096 {
            queued(waiting.enter(number).unwrap());
        }
        assert!(matches!(waiting.enter(0), Err(StoreError::Busy(_))));
    }

    #[test]
    fn a_lane_that_is_lost_leaves_nobody_behind() {
        let waiting = Arc::new(Waiting::default());
        let mut lanes: Vec<_> = (0..2).map(|number| free(waiting.enter(number).unwrap())).collect();
        queued(waiting.enter(2).unwrap());
        drop(lanes.pop());
        let (_, lane) = queued(waiting.enter(3).unwrap());
        assert_eq!(lane.expect("a lane for both").take(), [2, 3]);
    }

    #[test]
    fn those_from_before_a_mark_are_taken_alone() {
        let waiting = Arc::new(Waiting::default());
        let lanes: Vec<_> = (0..2).map(|number| free(waiting.enter(number).unwrap())).collect();
        queued(waiting.enter(2).unwrap());
        let mark = lanes[0].mark();
        queued(waiting.enter(3).unwrap());
        assert_eq!(lanes[0].take_before(mark), [2]);
        assert_eq!(lanes[0].take(), [3]);
    }

    #[tokio::test]
    async fn who_waits_for_long_starts_another_lane_and_is_refused_in_the_end() {
        let waiting = Arc::new(Waiting::default());
        let _lanes: Vec<_> = (0..2).map(|number| free(waiting.enter(number).unwrap())).collect();
        let (ticket, _) = queued(waiting.enter(2).unwrap());
        let (_reply, answer) = oneshot::channel::<()>();
        let started = Mutex::new(Vec::new());
        let begun = tokio::time::Instant::now();
        let outcome = waiting.wait(ticket, answer, |lane| started.lock().unwrap().push(lane)).await;
        assert!(matches!(outcome, Err(StoreError::Busy(_))), "{outcome:?}");
        assert!(begun.elapsed() >= POOL_WAIT);
        assert_eq!(started.lock().unwrap().len(), 1);
        assert!(waiting.state().queue.is_empty(), "it does not go any more");
    }
}
