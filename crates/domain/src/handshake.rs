//! The durable handshake of a merge: the application that has data of the guest says whether it has moved them. A value: what a
//! merge is, and what each step makes of it. One effect per merge, however often and by whichever way a step is asked for.

use serde_json::Value;
use vestibule_protocol::text;

use crate::{
    id::{MergeId, UserId},
    project::MergeTimeout,
    time::Timestamp,
};

/// Maximum length of the reason of a refusal, in characters. The rest is cut off.
pub const REASON_CHARS: usize = 500;

/// Where a merge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MergeState {
    /// The person agreed. The guest is of no use until the application answers, and keeps what it has.
    Requested,
    /// The guest's `sub` is an alias of the member's.
    Settled,
    /// The application refused: the guest is a guest of its own.
    Refused,
    /// The application did not answer in time, which counts as a refusal.
    TimedOut,
    /// It was settled and then undone: the guest is a guest of its own.
    Undone,
}

impl MergeState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Requested, Self::Settled, Self::Refused, Self::TimedOut, Self::Undone];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Settled => "settled",
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Undone => "undone",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether the guest belongs to the member, or waits to.
    #[must_use]
    pub fn holds_guest(self) -> bool {
        matches!(self, Self::Requested | Self::Settled)
    }
}

/// What is asked of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeStep {
    /// The application has moved its data.
    Settle,
    /// The application will not move its data.
    Refuse,
    /// The time for an answer is over.
    TimeOut(MergeTimeout),
    /// The merge is taken back.
    Undo,
}

/// A merge that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Its ID: the same in every event and every answer about it.
    pub id: MergeId,
    /// The guest.
    pub from: UserId,
    /// The member.
    pub into: UserId,
    /// Where it stands.
    pub state: MergeState,
    /// When the person or an operator asked for it.
    pub requested_at: Timestamp,
    /// The last moment for an answer; `None` when no answer is waited for.
    pub answer_by: Option<Timestamp>,
    /// Until when an answer may be on its way: the application was asked in time, and a time-out waits for it.
    pub asking_until: Option<Timestamp>,
    /// When it came to its state.
    pub changed_at: Timestamp,
    /// The last moment at which it can be undone; `None` when it can't be.
    pub undo_until: Option<Timestamp>,
}

/// Why a step is not taken. Nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepRefused {
    /// The merge ended in another way.
    Ended(MergeState),
    /// There is still time for an answer.
    TooEarly,
    /// The time in which it could be undone is over.
    TooLate,
    /// There is nothing to undo.
    NotSettled,
}

/// What a step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepTaken {
    /// The merge gets this state.
    Becomes(MergeState),
    /// It has the state already.
    Already,
}

impl Merge {
    /// Whether the application may still be asked about the merge: its answer can have an effect, or repeats one.
    #[must_use]
    pub fn may_be_asked(&self, now: Timestamp) -> bool {
        match self.state {
            MergeState::Requested => self.answer_by.is_none_or(|last| now <= last),
            // The earlier answer may have been lost.
            MergeState::Settled => true,
            MergeState::Refused | MergeState::TimedOut | MergeState::Undone => false,
        }
    }

    /// Whether the time for an answer is over, and none is on its way.
    fn is_over(&self, now: Timestamp) -> bool {
        self.answer_by.is_some_and(|last| now > last) && self.asking_until.is_none_or(|last| now > last)
    }

    /// What a step makes of the merge at this moment.
    ///
    /// ```
    /// use vestibule_domain::{handshake::{Merge, MergeState, MergeStep, StepRefused, StepTaken}, id::Id, time::Timestamp};
    ///
    /// let now = Timestamp::from_seconds(1_000);
    /// let merge = Merge {
    ///     id: Id::from_parts(1, [1; 10]), from: Id::from_parts(1, [2; 10]), into: Id::from_parts(1, [3; 10]),
    ///     state: MergeState::Requested, requested_at: now, answer_by: None, asking_until: None, changed_at: now,
    ///     undo_until: None,
    /// };
    /// assert_eq!(merge.step(MergeStep::Settle, now), Ok(StepTaken::Becomes(MergeState::Settled)));
    /// let settled = Merge { state: MergeState::Settled, ..merge };
    /// assert_eq!(settled.step(MergeStep::Settle, now), Ok(StepTaken::Already));
    /// assert_eq!(settled.step(MergeStep::Refuse, now), Err(StepRefused::Ended(MergeState::Settled)));
    /// ```
    ///
    /// # Errors
    /// Why the step can't be taken.
    pub fn step(&self, step: MergeStep, now: Timestamp) -> Result<StepTaken, StepRefused> {
        use MergeState::{Refused, Requested, Settled, TimedOut, Undone};
        match (self.state, step) {
            (Requested, MergeStep::Settle) => Ok(StepTaken::Becomes(Settled)),
            (Requested, MergeStep::Refuse) => Ok(StepTaken::Becomes(Refused)),
            (Requested, MergeStep::TimeOut(_)) if !self.is_over(now) => Err(StepRefused::TooEarly),
            (Requested, MergeStep::TimeOut(MergeTimeout::Refuse)) => Ok(StepTaken::Becomes(TimedOut)),
            (Requested, MergeStep::TimeOut(MergeTimeout::Settle)) => Ok(StepTaken::Becomes(Settled)),
            (Settled, MergeStep::Undo) if self.undo_until.is_some_and(|last| now <= last) => {
                Ok(StepTaken::Becomes(Undone))
            }
            (Settled, MergeStep::Undo) => Err(StepRefused::TooLate),
            // Asked once more, or too late to matter. A refusal agrees with a time-out: both leave the guest alone.
            (Settled, MergeStep::Settle)
            | (Refused | TimedOut, MergeStep::Refuse)
            | (Undone, MergeStep::Undo)
            | (Settled | Refused | TimedOut | Undone, MergeStep::TimeOut(_)) => Ok(StepTaken::Already),
            (Requested | Refused | TimedOut, MergeStep::Undo) => Err(StepRefused::NotSettled),
            (ended @ (Refused | TimedOut | Undone), MergeStep::Settle)
            | (ended @ (Settled | Undone), MergeStep::Refuse) => Err(StepRefused::Ended(ended)),
        }
    }
}

/// An application's answer to `user.merge.requested`, in the body of its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeAnswer {
    /// It has moved its data.
    Settled,
    /// It will not move its data.
    Refused {
        /// Why, for operators; empty without a reason.
        reason: String,
    },
}

impl MergeAnswer {
    /// Reads the body of a response: the member `merge` is `settled` or `refused`. `None` for everything else: the receiver has not
    /// decided, or does not take part.
    ///
    /// ```
    /// use vestibule_domain::handshake::MergeAnswer;
    ///
    /// assert_eq!(MergeAnswer::read(br#"{"merge": "settled"}"#), Some(MergeAnswer::Settled));
    /// assert_eq!(MergeAnswer::read(b"OK"), None);
    /// ```
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return None };
        match members.get("merge")?.as_str()? {
            "settled" => Some(Self::Settled),
            "refused" => {
                let reason = members.get("reason").and_then(Value::as_str).unwrap_or_default();
                Some(Self::Refused { reason: tidy_reason(reason) })
            }
            _ => None,
        }
    }
}

/// A reason as one line of at most [`REASON_CHARS`] characters.
#[must_use]
pub fn tidy_reason(reason: &str) -> String {
    let start: String = reason.chars().take(REASON_CHARS).collect();
    text::read_line(&start)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const START: i64 = 1_000;
    const ANSWER_BY: i64 = 2_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn requested() -> Merge {
        Merge {
            id: MergeId::from_parts(1, [1; 10]),
            from: UserId::from_parts(1, [2; 10]),
            into: UserId::from_parts(1, [3; 10]),
            state: MergeState::Requested,
            requested_at: at(START),
            answer_by: Some(at(ANSWER_BY)),
            asking_until: None,
            changed_at: at(START),
            undo_until: None,
        }
    }

    /// The merge after a step, as the store keeps it.
    fn after(merge: &Merge, step: MergeStep, now: Timestamp, undo: i64) -> Merge {
        match merge.step(step, now) {
            Ok(StepTaken::Becomes(state)) => Merge {
                state,
                changed_at: now,
                undo_until: (state == MergeState::Settled)
                    .then(|| now.plus(std::time::Duration::from_secs(undo.unsigned_abs()))),
                ..merge.clone()
            },
            Ok(StepTaken::Already) | Err(_) => merge.clone(),
        }
    }

    fn any_step() -> impl Strategy<Value = MergeStep> {
        prop_oneof![
            Just(MergeStep::Settle),
            Just(MergeStep::Refuse),
            Just(MergeStep::TimeOut(MergeTimeout::Refuse)),
            Just(MergeStep::TimeOut(MergeTimeout::Settle)),
            Just(MergeStep::Undo),
        ]
    }

    #[test]
    fn every_step_from_every_state() {
        use MergeState::{Refused, Requested, Settled, TimedOut, Undone};
        use StepTaken::{Already, Becomes};
        let late = at(ANSWER_BY + 1);
        let time_out = MergeStep::TimeOut(MergeTimeout::Refuse);
        let table = [
            (Requested, MergeStep::Settle, Ok(Becomes(Settled))),
            (Requested, MergeStep::Refuse, Ok(Becomes(Refused))),
            (Requested, time_out, Ok(Becomes(TimedOut))),
            (Requested, MergeStep::TimeOut(MergeTimeout::Settle), Ok(Becomes(Settled))),
            (Requested, MergeStep::Undo, Err(StepRefused::NotSettled)),
            (Settled, MergeStep::Settle, Ok(Already)),
            (Settled, MergeStep::Refuse, Err(StepRefused::Ended(Settled))),
            (Settled, time_out, Ok(Already)),
            (Settled, MergeStep::Undo, Err(StepRefused::TooLate)),
            (Refused, MergeStep::Settle, Err(StepRefused::Ended(Refused))),
            (Refused, MergeStep::Refuse, Ok(Already)),
            (Refused, MergeStep::Undo, Err(StepRefused::NotSettled)),
            (TimedOut, MergeStep::Settle, Err(StepRefused::Ended(TimedOut))),
            (TimedOut, MergeStep::Refuse, Ok(Already)),
            (TimedOut, time_out, Ok(Already)),
            (Undone, MergeStep::Settle, Err(StepRefused::Ended(Undone))),
            (Undone, MergeStep::Refuse, Err(StepRefused::Ended(Undone))),
            (Undone, MergeStep::Undo, Ok(Already)),
        ];
        for (state, step, expected) in table {
            assert_eq!(Merge { state, ..requested() }.step(step, late), expected, "{state:?} {step:?}");
        }
        assert_eq!(requested().step(time_out, at(ANSWER_BY)), Err(StepRefused::TooEarly));
        let asked = Merge { asking_until: Some(late), ..requested() };
        assert_eq!(asked.step(time_out, late), Err(StepRefused::TooEarly), "an answer is on its way");
        assert_eq!(asked.step(time_out, at(ANSWER_BY + 2)), Ok(Becomes(TimedOut)));
        for (state, until) in [(Requested, ANSWER_BY), (Settled, i64::from(u32::MAX))] {
            assert!(Merge { state, ..requested() }.may_be_asked(at(until)), "{state:?}");
        }
        for state in [Requested, Refused, TimedOut, Undone] {
            assert!(!Merge { state, ..requested() }.may_be_asked(late), "{state:?}");
        }
        let forever = Merge { answer_by: None, ..requested() };
        assert_eq!(forever.step(time_out, at(i64::from(u32::MAX))), Err(StepRefused::TooEarly));
    }

    #[test]
    fn a_state_is_read_back_by_its_name() {
        for state in MergeState::ALL {
            assert_eq!(MergeState::parse(state.as_str()), Some(state));
        }
        assert_eq!(MergeState::parse("lost"), None);
    }

    #[test]
    fn only_a_clear_answer_is_one() {
        let refused = |reason: &str| Some(MergeAnswer::Refused { reason: reason.into() });
        let long = "x".repeat(REASON_CHARS + 1);
        for (body, expected) in [
            (r#"{"merge":"settled","other":1}"#.to_owned(), Some(MergeAnswer::Settled)),
            (r#"{"merge":"refused"}"#.to_owned(), refused("")),
            (r#"{"merge":"refused","reason":" two\norders "}"#.to_owned(), refused("two orders")),
            (format!(r#"{{"merge":"refused","reason":"{long}"}}"#), refused(&long[1..])),
            (r#"{"merge":"refused","reason":7}"#.to_owned(), refused("")),
            (r#"{"merge":"Settled"}"#.to_owned(), None),
            (r#"{"merge":true}"#.to_owned(), None),
            (r#"{"payload":{"merge":"settled"}}"#.to_owned(), None),
            (r#"["merge","settled"]"#.to_owned(), None),
            (r#"{"merge":"settled""#.to_owned(), None),
            ("settled".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(MergeAnswer::read(body.as_bytes()), expected, "{body}");
        }
        assert_eq!(MergeAnswer::read(&[0xff; 40]), None);
    }

    proptest! {
        #[test]
        fn a_merge_changes_at_most_twice_and_never_back(
            steps in vec((any_step(), 0i64..2_000), 1..40), undo in 0i64..500,
        ) {
            let (mut merge, mut now, mut seen) = (requested(), START, vec![MergeState::Requested]);
            for (step, pause) in steps {
                now += pause;
                let next = after(&merge, step, at(now), undo);
                if next.state != merge.state {
                    prop_assert!(!seen.contains(&next.state), "{:?} again after {:?}", next.state, seen);
                    seen.push(next.state);
                }
                // The same step once more, at the same moment or by another way at once, changes nothing.
                prop_assert_eq!(after(&next, step, at(now), undo).state, next.state);
                if next.state == MergeState::Undone && merge.state != MergeState::Undone {
                    prop_assert!(merge.state == MergeState::Settled && at(now) <= merge.changed_at.plus(std::time::Duration::from_secs(undo.unsigned_abs())));
                }
                merge = next;
            }
            prop_assert!(seen.len() <= 3);
            // What the application answered first holds: after a refusal nothing settles it.
            let refused = seen.iter().any(|state| matches!(state, MergeState::Refused | MergeState::TimedOut));
            prop_assert!(!(refused && seen.contains(&MergeState::Settled)));
        }

        #[test]
        fn no_body_is_too_strange_to_be_read(body in vec(any::<u8>(), 0..200)) {
            let _ = MergeAnswer::read(&body);
        }
    }
}
