//! A cookie session, and the rule that says how long sessions and grants live.

use std::time::Duration;

use crate::{
    id::{SessionId, UserId},
    secret::TokenHash,
    time::Timestamp,
};

/// A cookie session as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// First half of the cookie; also in `sid`.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// SHA-256 of the secret half of the cookie.
    pub secret_hash: TokenHash,
    /// When it began: the hard lifetime counts from here.
    pub created_at: Timestamp,
    /// The last recorded use: the idle timeout counts from here.
    pub last_access_at: Timestamp,
    /// When the user proved who it is (`auth_time`).
    pub authenticated_at: Timestamp,
    /// How (`amr`), space-separated; `None` for a guest.
    pub amr: Option<String>,
    /// The device's display name.
    pub device: Option<String>,
}

/// How long a session or grant lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// From its creation, however much it is used.
    pub hard: Duration,
    /// From its last use; `None` when idling does not end it.
    pub idle: Option<Duration>,
}

impl Lifetime {
    /// When a session made at `created_at` and last used at `last_access_at` ends.
    #[must_use]
    pub fn expiry(&self, created_at: Timestamp, last_access_at: Timestamp) -> Timestamp {
        let hard = created_at.plus(self.hard);
        self.idle.map_or(hard, |idle| hard.min(last_access_at.plus(idle)))
    }

    /// Whether it is still alive at `now`; the last instant counts.
    #[must_use]
    pub fn is_alive(&self, created_at: Timestamp, last_access_at: Timestamp, now: Timestamp) -> bool {
        now <= self.expiry(created_at, last_access_at)
    }

    /// When it ends if `recorded` is the last use that was written down.
    ///
    /// Uses shortly after a recorded one are not written ([`should_record`]), so the last real use may be up to one
    /// [`coalesce_window`] later than the recorded one. The window is added here: a session never ends before the idle
    /// timeout after its last real use has passed, and at most one window after.
    #[must_use]
    pub fn expiry_as_recorded(&self, created_at: Timestamp, recorded: Timestamp) -> Timestamp {
        self.expiry(created_at, recorded.plus(coalesce_window(*self)))
    }

    /// Whether it is alive at `now` if `recorded` is the last use that was written down; the last instant counts.
    #[must_use]
    pub fn is_alive_as_recorded(&self, created_at: Timestamp, recorded: Timestamp, now: Timestamp) -> bool {
        now <= self.expiry_as_recorded(created_at, recorded)
    }
}

/// The longest time between two recorded uses that is not worth a write.
const LONGEST_COALESCE: Duration = Duration::from_secs(60);

/// How long after a recorded use further uses are not written down: a minute, or 1 % of the idle timeout if shorter.
#[must_use]
pub fn coalesce_window(lifetime: Lifetime) -> Duration {
    lifetime.idle.map_or(LONGEST_COALESCE, |idle| LONGEST_COALESCE.min(idle / 100))
}

/// Whether a use at `now` must be written down, `recorded` being the last one that was.
///
/// A setting may be shortened between a use and the next check; the window is then computed anew on both sides, so a
/// use that was left out under the longer window can end the session up to that longer window early, once.
#[must_use]
pub fn should_record(recorded: Timestamp, now: Timestamp, lifetime: Lifetime) -> bool {
    now.since(recorded) > coalesce_window(lifetime)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_000);

    fn at(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    fn lifetime(hard: u64, idle: Option<u64>) -> Lifetime {
        Lifetime { hard: Duration::from_secs(hard), idle: idle.map(Duration::from_secs) }
    }

    #[test]
    fn the_earlier_of_lifetime_and_idle_timeout_ends_it_and_the_last_instant_counts() {
        // hard, idle, last use, expiry
        let table = [
            (100, Some(10), 0, 10),
            (100, Some(10), 95, 100),
            (100, Some(10), 90, 100),
            (100, Some(1_000), 0, 100),
            (100, None, 0, 100),
        ];
        for (hard, idle, last, end) in table {
            let lifetime = lifetime(hard, idle);
            assert_eq!(lifetime.expiry(START, at(last)), at(end));
            assert!(lifetime.is_alive(START, at(last), at(end)));
            assert!(!lifetime.is_alive(START, at(last), at(end).plus(Duration::from_micros(1))));
        }
    }

    #[test]
    fn the_window_is_a_minute_or_a_hundredth_of_the_idle_timeout() {
        assert_eq!(coalesce_window(lifetime(1, Some(2_592_000))), Duration::from_secs(60));
        assert_eq!(coalesce_window(lifetime(1, Some(6_000))), Duration::from_secs(60));
        assert_eq!(coalesce_window(lifetime(1, Some(100))), Duration::from_secs(1));
        assert_eq!(coalesce_window(lifetime(1, None)), Duration::from_secs(60));
        assert!(!should_record(START, at(60), lifetime(1, None)));
        assert!(should_record(START, at(61), lifetime(1, None)));
    }

    #[test]
    fn the_window_never_outlives_the_hard_lifetime() {
        assert_eq!(lifetime(100, Some(100)).expiry_as_recorded(START, at(50)), at(100));
    }

    proptest! {
        #[test]
        fn unwritten_uses_never_end_a_session_early_and_at_most_one_window_late(
            idle in 1u64..100_000,
            gaps in prop::collection::vec(0u64..2_000_000, 1..50),
            wait in 0u64..300_000_000_000,
        ) {
            let lifetime = Lifetime { hard: Duration::from_secs(u64::from(u32::MAX)), idle: Some(Duration::from_secs(idle)) };
            let (mut used, mut recorded) = (START, START);
            for gap in gaps {
                used = used.plus(Duration::from_micros(gap));
                if should_record(recorded, used, lifetime) {
                    recorded = used;
                }
            }
            let now = used.plus(Duration::from_micros(wait));
            let exact = lifetime.is_alive(START, used, now);
            let late = lifetime.is_alive(START, used.plus(coalesce_window(lifetime)), now);
            let answer = lifetime.is_alive_as_recorded(START, recorded, now);
            prop_assert!(!exact || answer, "ended early");
            prop_assert!(!answer || late, "ended too late");
        }
    }
}
