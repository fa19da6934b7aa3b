//! How seldom a receiver is asked that stays silent. Pure: it is given the time.

use std::time::Duration;

use vestibule_domain::time::Timestamp;

/// Silent answers in a row after which a receiver rests.
const PATIENCE: usize = 4;
/// Seconds it rests, by the number of silent answers after it began to; the last one repeats.
const RESTS: [u64; 4] = [5, 10, 30, 60];

/// How long after its rest a receiver that is not asked is remembered.
const REMEMBER: Duration = Duration::from_secs(3_600);

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// An answer, or a refused connection.
    Something,
    /// No answer in time.
    Nothing,
}

/// What is remembered of one receiver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    silences: usize,
    rests_until: Timestamp,
    /// When the last one of them was noted.
    silent_at: Timestamp,
    /// How often it began to rest: a request that was on its way then says nothing new.
    rests: u32,
}

impl Default for Patience {
    fn default() -> Self {
        let never = Timestamp::from_micros(i64::MIN);
        Self { silences: 0, rests_until: never, silent_at: never, rests: 0 }
    }
}

impl Patience {
    /// Whether a request may begin beside those on their way: none while it rests, then one that finds out whether it answers
    /// again.
    pub(crate) fn may_begin(&self, on_their_way: usize, now: Timestamp) -> bool {
        now >= self.rests_until && (self.silences < PATIENCE || on_their_way == 0)
    }

    /// What a request that begins now passes to [`Self::note`].
    pub(crate) fn number(&self) -> u32 {
        self.rests
    }

    /// Notes what came of a request; whether the receiver begins to rest.
    pub(crate) fn note(&mut self, heard: Heard, number: u32, now: Timestamp) -> bool {
        match heard {
            Heard::Something => {
                *self = Self { rests: self.rests, ..Self::default() };
                false
            }
            Heard::Nothing if number != self.rests => false,
            Heard::Nothing => {
                self.silences += 1;
                self.silent_at = now;
                let Some(late) = self.silences.checked_sub(PATIENCE) else { return false };
                self.rests_until = now.plus(Duration::from_secs(RESTS[late.min(RESTS.len() - 1)]));
                self.rests += 1;
                true
            }
        }
    }

    /// Whether the last request was answered.
    pub(crate) fn is_answering(&self) -> bool {
        self.silences == 0
    }

    /// Whether there is nothing to remember, or not any more.
    pub(crate) fn is_forgotten(&self, now: Timestamp) -> bool {
        self.is_answering() || now > self.silent_at.max(self.rests_until).plus(REMEMBER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_receiver_that_stays_silent_is_asked_seldom_until_it_answers() {
        let mut patience = Patience::default();
        let first = patience.number();
        for _ in 0..3 {
            assert!(patience.may_begin(100, at(0)) && !patience.note(Heard::Nothing, first, at(0)));
        }
        assert!(patience.note(Heard::Nothing, first, at(0)));
        // What was on its way makes the rest no longer.
        assert!(!patience.note(Heard::Nothing, first, at(4)));
        let mut now = 0;
        for rest in [5, 10, 30, 60, 60] {
            assert!(!patience.may_begin(0, at(now + rest - 1)));
            now += rest;
            assert!(patience.may_begin(0, at(now)) && !patience.may_begin(1, at(now)), "one finds out");
            assert!(patience.note(Heard::Nothing, patience.number(), at(now)));
        }
        assert!(!patience.is_forgotten(at(now + 60)) && patience.is_forgotten(at(now + 3_661)));
        // An answer ends the rest at once, also to a request from before.
        assert!(!patience.note(Heard::Something, first, at(now)));
        assert!(patience.may_begin(100, at(now)) && patience.is_forgotten(at(now)));
    }

    #[test]
    fn an_answer_between_two_silences_starts_the_count_again() {
        let mut patience = Patience::default();
        for _ in 0..10 {
            for _ in 0..3 {
                assert!(!patience.note(Heard::Nothing, 0, at(0)));
            }
            patience.note(Heard::Something, 0, at(0));
        }
        assert!(patience.may_begin(9, at(0)));
    }
}
