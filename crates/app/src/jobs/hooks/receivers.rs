//! Who may be sent to now: how many lanes each receiver and each project holds, and which receivers have been silent. Pure: it is
//! given the time, and reads and sends nothing.

use std::{collections::HashMap, time::Duration};

use vestibule_domain::{id::ProjectNo, time::Timestamp};

/// Lanes worked on at the same time.
const LANES: usize = 128;
/// Lanes of one project at most, and only as many as are free, so that the next project finds one.
const OF_A_PROJECT: usize = 32;
/// Lanes of one receiver to begin with, and after it was silent.
const FIRST: usize = 4;
/// Lanes of a receiver that answers, at most.
const MOST: usize = 16;
/// Silent tries in a row after which a receiver rests: as many as it has lanes to begin with.
const PATIENCE: usize = FIRST;
/// Seconds a silent receiver rests, by the number of silent tries after it began to; the last one repeats.
const RESTS: [u64; 5] = [60, 120, 300, 600, 900];
/// How long after its rest a receiver that nothing is sent to is remembered.
const REMEMBER: Duration = Duration::from_secs(3_600);

/// A project and the address of one of its handlers.
pub(super) type Address = (ProjectNo, String);

/// What came of the last try in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReceiverOutcome {
    /// An answer, or a refused connection: the lane was held for a moment.
    Something,
    /// An answer that took long.
    Late,
    /// No answer in time: the lane was held for as long as it may be.
    Nothing,
    /// Nothing was sent.
    NotTried,
}

#[derive(Debug)]
struct Receiver {
    /// The lanes that are worked on, and whether each was when the receiver began to rest.
    busy: HashMap<Vec<u8>, bool>,
    /// How many there may be.
    window: usize,
    /// Silent tries in a row.
    silences: usize,
    /// Until when it rests.
    rests_until: Timestamp,
    /// When a lane last ended.
    ended_at: Timestamp,
}

impl Default for Receiver {
    fn default() -> Self {
        let never = Timestamp::from_micros(i64::MIN);
        Self { busy: HashMap::new(), window: FIRST, silences: 0, rests_until: never, ended_at: never }
    }
}

/// Every receiver that is sent to, or was silent.
#[derive(Debug, Default)]
pub(super) struct Receivers(HashMap<Address, Receiver>);

impl Receivers {
    fn held(&self, of: impl Fn(ProjectNo) -> bool) -> usize {
        self.0.iter().filter(|((project, _), _)| of(*project)).map(|(_, receiver)| receiver.busy.len()).sum()
    }

    /// Whether no project may begin another lane.
    pub(super) fn is_full(&self) -> bool {
        self.held(|_| true) >= LANES
    }

    /// Whether a receiver was silent so often that it is not asked yet.
    pub(super) fn rests(&self, address: &Address, now: Timestamp) -> bool {
        self.0.get(address).is_some_and(|receiver| now < receiver.rests_until)
    }

    /// Whether another lane to this receiver may begin.
    pub(super) fn may_begin(&self, address: &Address, now: Timestamp) -> bool {
        let (own, window) = self.0.get(address).map_or((0, FIRST), |one| (one.busy.len(), one.window));
        let of_project = self.held(|project| project == address.0);
        let free = LANES.saturating_sub(self.held(|_| true));
        // Of what its project may hold, a receiver leaves the others as much as it has itself.
        !self.rests(address, now)
            && of_project < free.min(OF_A_PROJECT)
            && own < window.min(OF_A_PROJECT.saturating_sub(of_project))
    }

    /// Whether this lane is worked on.
    pub(super) fn is_busy(&self, address: &Address, lane: &[u8]) -> bool {
        self.0.get(address).is_some_and(|receiver| receiver.busy.contains_key(lane))
    }

    /// A lane begins.
    pub(super) fn begin(&mut self, address: &Address, lane: &[u8]) {
        self.0.entry(address.clone()).or_default().busy.insert(lane.to_vec(), false);
    }

    /// A lane ended; whether its receiver rests from now on.
    pub(super) fn end(&mut self, address: &Address, lane: &[u8], heard: ReceiverOutcome, now: Timestamp) -> bool {
        let Some(receiver) = self.0.get_mut(address) else { return false };
        let is_late = receiver.busy.remove(lane).unwrap_or(false);
        receiver.ended_at = now;
        let begins_to_rest = match heard {
            ReceiverOutcome::NotTried => false,
            // It was on its way when the receiver began to rest, so it says nothing new.
            ReceiverOutcome::Nothing if is_late => false,
            ReceiverOutcome::Something => {
                receiver.silences = 0;
                receiver.window = (receiver.window + 1).clamp(FIRST, MOST);
                false
            }
            // It is alive, and holds its lanes for long: it gets no more of them.
            ReceiverOutcome::Late => {
                receiver.silences = 0;
                receiver.window = FIRST;
                false
            }
            ReceiverOutcome::Nothing => receiver.note_silence(now),
        };
        self.0.retain(|_, one| !one.busy.is_empty() || now < one.ended_at.max(one.rests_until).plus(REMEMBER));
        begins_to_rest
    }
}

impl Receiver {
    /// Counts a silent try; whether the receiver rests from now on.
    fn note_silence(&mut self, now: Timestamp) -> bool {
        self.silences += 1;
        self.window = FIRST;
        let Some(rests) = self.silences.checked_sub(PATIENCE) else { return false };
        // One lane finds out whether it answers again.
        self.window = 1;
        self.rests_until = now.plus(Duration::from_secs(RESTS[rests.min(RESTS.len() - 1)]));
        self.busy.values_mut().for_each(|is_late| *is_late = true);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn address(project: i64, url: &str) -> Address {
        (ProjectNo(project), format!("https://{url}.example/"))
    }

    /// Begins as many lanes as it may; their names.
    fn fill(receivers: &mut Receivers, address: &Address, now: Timestamp) -> Vec<[u8; 1]> {
        let mut lanes = Vec::new();
        while receivers.may_begin(address, now) {
            let lane = (0..u8::MAX).map(|lane| [lane]).find(|lane| !receivers.is_busy(address, lane)).expect("few");
            receivers.begin(address, &lane);
            assert!(receivers.is_busy(address, &lane));
            lanes.push(lane);
        }
        lanes
    }

    #[test]
    fn a_receiver_begins_with_four_lanes_and_earns_more_by_answering() {
        let (mut receivers, one) = (Receivers::default(), address(1, "a"));
        for expected in [4, 8, 16, 16] {
            let lanes = fill(&mut receivers, &one, at(0));
            assert_eq!(lanes.len(), expected);
            for lane in lanes {
                receivers.end(&one, &lane, ReceiverOutcome::Something, at(0));
            }
        }
        let lanes = fill(&mut receivers, &one, at(0));
        receivers.end(&one, &lanes[0], ReceiverOutcome::Nothing, at(60));
        for lane in &lanes[1..] {
            receivers.end(&one, lane, ReceiverOutcome::NotTried, at(60));
        }
        assert_eq!(fill(&mut receivers, &one, at(60)).len(), 4);
    }

    #[test]
    fn a_receiver_that_answers_slowly_keeps_the_lanes_it_began_with() {
        let (mut receivers, one) = (Receivers::default(), address(1, "a"));
        for _ in 0..9 {
            let lanes = fill(&mut receivers, &one, at(0));
            assert_eq!(lanes.len(), 4);
            for lane in lanes {
                assert!(!receivers.end(&one, &lane, ReceiverOutcome::Late, at(50)));
            }
        }
        assert!(!receivers.rests(&one, at(50)));
    }

    #[test]
    fn a_receiver_that_is_silent_again_and_again_is_asked_seldom_until_it_answers() {
        let (mut receivers, one) = (Receivers::default(), address(1, "a"));
        let mut now = 60;
        let lanes = fill(&mut receivers, &one, at(0));
        let mut late = Vec::new();
        for (index, lane) in lanes.iter().enumerate() {
            assert_eq!(receivers.end(&one, lane, ReceiverOutcome::Nothing, at(now)), index == 3);
            if index == 0 {
                late = fill(&mut receivers, &one, at(now));
            }
        }
        assert_eq!(late.len(), 1);
        // It was on its way already, so it does not make the rest longer, whenever it ends.
        assert!(!receivers.end(&one, &late[0], ReceiverOutcome::Nothing, at(now + 60)));
        for rest in [60, 120, 300, 600, 900, 900] {
            assert!(
                fill(&mut receivers, &one, at(now + rest - 1)).is_empty() && receivers.rests(&one, at(now + rest - 1))
            );
            let lanes = fill(&mut receivers, &one, at(now + rest));
            assert_eq!(lanes.len(), 1, "one lane tries");
            now += rest + 60;
            assert!(receivers.end(&one, &lanes[0], ReceiverOutcome::Nothing, at(now)));
        }
        now += 900;
        let lanes = fill(&mut receivers, &one, at(now));
        assert!(!receivers.end(&one, &lanes[0], ReceiverOutcome::Something, at(now)));
        assert_eq!(fill(&mut receivers, &one, at(now)).len(), 4);
    }

    #[test]
    fn however_many_receivers_are_silent_the_next_one_finds_a_lane() {
        let mut receivers = Receivers::default();
        let mut taken = 0;
        for project in 1..=8 {
            let before = taken;
            for url in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
                let lanes = fill(&mut receivers, &address(project, url), at(0)).len();
                assert!(lanes <= FIRST);
                taken += lanes;
            }
            assert!((1..=OF_A_PROJECT).contains(&(taken - before)), "project {project}: {}", taken - before);
        }
        assert!(!receivers.is_full());
        // Ones that had answered before hold more, and still leave room within their project.
        let (mut receivers, one) = (Receivers::default(), address(1, "a"));
        for _ in 0..3 {
            for lane in fill(&mut receivers, &one, at(0)) {
                receivers.end(&one, &lane, ReceiverOutcome::Something, at(0));
            }
        }
        assert_eq!(fill(&mut receivers, &one, at(0)).len(), MOST);
        assert_eq!(fill(&mut receivers, &address(1, "b"), at(0)).len(), FIRST);
    }

    #[test]
    fn receivers_nothing_is_sent_to_are_forgotten() {
        let mut receivers = Receivers::default();
        for project in 0..100 {
            let one = address(project, "a");
            receivers.begin(&one, b"x");
            receivers.end(&one, b"x", ReceiverOutcome::Nothing, at(project));
        }
        let one = address(200, "a");
        receivers.begin(&one, b"x");
        receivers.end(&one, b"x", ReceiverOutcome::Nothing, at(3_650));
        assert_eq!(receivers.0.len(), 50, "those of the last hour");
    }
}
