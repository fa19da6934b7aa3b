//! Cookie sessions, and the lifetime rules of sessions and grants.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    id::{GrantId, SessionId, UserId},
    secret::TokenHash,
    time::Timestamp,
};

/// A stored cookie session.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// First half of the cookie; also in `sid`.
    pub id: SessionId,
    /// The owner.
    pub user_id: UserId,
    /// SHA-256 of the secret half of the cookie.
    pub secret_hash: TokenHash,
    /// When it began: the start of its hard lifetime.
    pub created_at: Timestamp,
    /// The last recorded use: the start of its idle timeout.
    pub last_access_at: Timestamp,
    /// When the user authenticated (`auth_time`).
    pub authenticated_at: Timestamp,
    /// How (`amr`), space-separated; `None` for a guest.
    pub amr: Option<String>,
    /// The device's display name.
    pub device: Option<String>,
}

impl Session {
    /// Whether its user authenticated with it as a member.
    #[must_use]
    pub fn is_of_member(&self) -> bool {
        proves_member(self.amr.as_deref())
    }

    /// When its user authenticated as a member, if that is known.
    #[must_use]
    pub fn proved_at(&self) -> Option<Timestamp> {
        proved_at(self.authenticated_at, self.amr.as_deref())
    }
}

/// The stored `amr` of a sign-in with a provider. Tokens do not have it: how the user authenticated there is not known.
pub const BY_PROVIDER: &str = "provider";
/// The same where the provider does not say when its user signed in there. It proves the member, but never that it authenticated
/// recently: a person at an unlocked browser that is signed in there gets such an answer.
pub const BY_PROVIDER_UNTIMED: &str = "provider_untimed";

/// Whether it is known when the user authenticated, with this `amr`.
#[must_use]
pub fn has_known_time(amr: Option<&str>) -> bool {
    amr != Some(BY_PROVIDER_UNTIMED)
}

/// When the user of a session or grant authenticated as a member, if that is known.
#[must_use]
pub fn proved_at(authenticated_at: Timestamp, amr: Option<&str>) -> Option<Timestamp> {
    (proves_member(amr) && has_known_time(amr)).then_some(authenticated_at)
}

/// Whether a session or grant with this `amr` is a proof of a member. That of a guest names no method, and stays no proof after
/// the guest's promotion, whatever its `authenticated_at` is.
#[must_use]
pub fn proves_member(amr: Option<&str>) -> bool {
    amr.is_some_and(|amr| !amr.is_empty())
}

/// A cookie session or a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum SessionRef {
    /// A cookie session.
    Session(SessionId),
    /// A grant.
    Grant(GrantId),
}

impl SessionRef {
    /// The kind in words: `cookie` or `refresh_token`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Session(_) => "cookie",
            Self::Grant(_) => "refresh_token",
        }
    }

    /// The ID without its kind, as the Admin API and the portal print it.
    #[must_use]
    pub fn plain_id(&self) -> String {
        match self {
            Self::Session(id) => id.to_string(),
            Self::Grant(id) => id.to_string(),
        }
    }
}

impl fmt::Display for SessionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "session:{id}"),
            Self::Grant(id) => write!(f, "grant:{id}"),
        }
    }
}

impl FromStr for SessionRef {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = match text.split_once(':') {
            Some(("session", id)) => id.parse().ok().map(Self::Session),
            Some(("grant", id)) => id.parse().ok().map(Self::Grant),
            Some(_) | None => None,
        };
        read.ok_or("write session:ID or grant:ID")
    }
}

/// The lifetime of a session or grant.
///
/// ```
/// use std::time::Duration;
/// use vestibule_domain::{session::Lifetime, time::Timestamp};
///
/// const DAY: Duration = Duration::from_secs(86_400);
/// let lifetime = Lifetime { hard: 30 * DAY, idle: Some(7 * DAY) };
/// let created = Timestamp::from_seconds(0);
/// let day = |number: u32| created.plus(number * DAY);
///
/// // Used on the fifth day, it lives until the twelfth.
/// assert!(lifetime.is_alive(created, day(5), day(12)));
/// assert!(!lifetime.is_alive(created, day(5), day(13)));
///
/// // Used every day, it ends after thirty.
/// assert_eq!(lifetime.expiry(created, day(29)), day(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// From its creation, regardless of use.
    pub hard: Duration,
    /// From its last use; `None` without an idle timeout.
    pub idle: Option<Duration>,
}

impl Lifetime {
    /// When a session created at `created_at` and last used at `last_access_at` expires.
    #[must_use]
    pub fn expiry(&self, created_at: Timestamp, last_access_at: Timestamp) -> Timestamp {
        let hard = created_at.plus(self.hard);
        self.idle.map_or(hard, |idle| hard.min(last_access_at.plus(idle)))
    }

    /// When a guest that is not stored expires. Its uses within the first 1 % of the idle timeout leave no trace, so that much is added: it may
    /// expire one window late, and never early.
    #[must_use]
    pub fn unstored_expiry(&self, created_at: Timestamp) -> Timestamp {
        self.expiry(created_at, created_at.plus(unstored_window(*self)))
    }

    /// The last use of such a guest that must be assumed, because it may have left no trace. Without an idle timeout no use leaves any.
    #[must_use]
    pub fn latest_unstored_use(&self, created_at: Timestamp, now: Timestamp) -> Timestamp {
        let latest = self.idle.map_or(now, |_| created_at.plus(unstored_window(*self)).min(now));
        latest.max(created_at)
    }

    /// Whether a use of a guest that is not stored would be lost: its idle timeout would not be counted from it.
    #[must_use]
    pub fn loses_unstored_use(&self, created_at: Timestamp, now: Timestamp) -> bool {
        self.idle.is_some() && now > created_at.plus(unstored_window(*self))
    }

    /// Whether it is valid at `now`; the last instant is included.
    #[must_use]
    pub fn is_alive(&self, created_at: Timestamp, last_access_at: Timestamp, now: Timestamp) -> bool {
        now <= self.expiry(created_at, last_access_at)
    }
}

/// The longest interval between two recorded uses, whatever the settings.
pub const LONGEST_COALESCE: Duration = Duration::from_secs(60);

/// How long after a recorded use further uses are not written: a minute, or 1 % of the idle timeout if shorter.
#[must_use]
pub fn coalesce_window(lifetime: Lifetime) -> Duration {
    lifetime.idle.map_or(LONGEST_COALESCE, |idle| LONGEST_COALESCE.min(idle / 100))
}

/// How long after its sign-up the uses of a guest that is not stored need no record: 1 % of the idle timeout.
#[must_use]
fn unstored_window(lifetime: Lifetime) -> Duration {
    lifetime.idle.map_or(Duration::ZERO, |idle| idle / 100)
}

/// How long a use may stay unwritten after its window, while the store accepts writes: several turns of the job that writes uses.
pub const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// Whether a use may be written later although its window is over. `unused` is the time since the last recorded use, `idle` what may pass
/// without any.
///
/// At least half of `idle` must be left after the recorded use. A crash that loses the use then takes at most half of the time that it
/// would have given, and no other process ends the session before the use is written.
#[must_use]
pub fn may_be_written_later(unused: Duration, idle: Option<Duration>) -> bool {
    idle.is_none_or(|idle| unused.saturating_add(unused.max(LONGEST_DELAY)) <= idle)
}

/// Which unwritten uses one process knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewpoint {
    /// It is the only process of its store, and knows every use since this time.
    Alone {
        /// When it started.
        since: Timestamp,
    },
    /// Other processes serve the same store and have unwritten uses of their own.
    OneOfMany,
}

/// The last use that this process knows: the recorded one, or a later one that it saw and did not write.
#[must_use]
pub fn known_use(recorded: Timestamp, remembered: Option<Timestamp>) -> Timestamp {
    remembered.map_or(recorded, |remembered| remembered.max(recorded))
}

/// The latest time at which a session may have been used, as far as one process can tell.
///
/// `remembered` is the last use that this process saw and did not write. Where the process knows every use, the result
/// is exact. Where it cannot know (another node, or one that crashed, may have an unwritten use within `window`), the
/// window is added to the written time: a session may then end up to one window late, and never early.
#[must_use]
pub fn latest_use(
    recorded: Timestamp,
    remembered: Option<Timestamp>,
    viewpoint: Viewpoint,
    window: Duration,
) -> Timestamp {
    let known = known_use(recorded, remembered);
    match viewpoint {
        Viewpoint::Alone { since } if remembered.is_some() || recorded >= since => known,
        Viewpoint::Alone { .. } | Viewpoint::OneOfMany => known.max(recorded.plus(window)),
    }
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
    }

    #[test]
    fn a_guest_that_is_not_stored_expires_one_window_late_and_a_later_use_stores_it() {
        // hard, idle, expiry, the last use that needs no record
        for (hard, idle, end, last) in [
            (10_000, Some(1_000), 1_010, Some(10)),
            (1_005, Some(1_000), 1_005, Some(10)),
            (500, Some(1_000), 500, Some(10)),
            (500, None, 500, None),
        ] {
            let lifetime = lifetime(hard, idle);
            assert_eq!(lifetime.unstored_expiry(START), at(end), "{hard} {idle:?}");
            for second in [0, 10, 11, 499] {
                let expected = last.is_some_and(|last| second > last);
                assert_eq!(lifetime.loses_unstored_use(START, at(second)), expected, "{hard} {idle:?} {second}");
                let latest = last.map_or(second, |last| second.min(last));
                assert_eq!(lifetime.latest_unstored_use(START, at(second)), at(latest), "{hard} {idle:?} {second}");
            }
        }
    }

    #[test]
    fn the_last_use_is_exact_where_it_is_known_and_one_window_late_where_it_is_not() {
        let window = Duration::from_secs(60);
        let alone = Viewpoint::Alone { since: at(100) };
        // viewpoint, recorded, remembered, latest
        let table = [
            (alone, 100, None, 100),
            (alone, 100, Some(130), 130),
            (alone, 99, None, 159),
            (alone, 99, Some(101), 101),
            (Viewpoint::OneOfMany, 100, None, 160),
            (Viewpoint::OneOfMany, 100, Some(130), 160),
            (Viewpoint::OneOfMany, 100, Some(170), 170),
        ];
        for (viewpoint, recorded, remembered, latest) in table {
            let found = latest_use(at(recorded), remembered.map(at), viewpoint, window);
            assert_eq!(found, at(latest), "{viewpoint:?} {recorded} {remembered:?}");
        }
    }

    #[test]
    fn a_use_is_written_later_only_while_half_of_the_time_is_left() {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        for (unused, idle, expected) in [
            (hours(1), None, true),
            (Duration::MAX, Some(hours(1)), false),
            (hours(360), Some(hours(720)), true),
            (hours(361), Some(hours(720)), false),
            (Duration::from_secs(10), Some(Duration::from_secs(40)), true),
            (Duration::from_secs(11), Some(Duration::from_secs(40)), false),
            (Duration::ZERO, Some(Duration::from_secs(29)), false),
        ] {
            assert_eq!(may_be_written_later(unused, idle), expected, "{unused:?} of {idle:?}");
        }
    }

    /// The recorded use, and what three nodes have in memory.
    struct Nodes {
        lifetime: Lifetime,
        recorded: Timestamp,
        remembered: [Option<Timestamp>; 3],
        /// When a node has written its last use at the latest.
        due: [Option<Timestamp>; 3],
    }

    impl Nodes {
        /// What is due is written.
        fn pass_to(&mut self, now: Timestamp) {
            for (remembered, due) in self.remembered.iter_mut().zip(&mut self.due) {
                if due.is_some_and(|due| due <= now) {
                    self.recorded = self.recorded.max(remembered.take().unwrap_or(self.recorded));
                    *due = None;
                }
            }
        }

        fn use_at(&mut self, node: usize, now: Timestamp) {
            self.pass_to(now);
            let unused = now.since(self.recorded);
            if unused <= coalesce_window(self.lifetime) {
                self.remembered[node] = Some(now);
            } else if may_be_written_later(unused, self.lifetime.idle) {
                self.remembered[node] = Some(now);
                self.due[node] = self.due[node].or(Some(now.plus(LONGEST_DELAY)));
            } else {
                self.recorded = now;
            }
        }
    }

    proptest! {
        /// Nodes share a store, and each has unwritten uses of its own. No node may end a session early.
        #[test]
        fn no_node_ends_a_session_early_and_none_more_than_one_window_late(
            idle in 1u64..100_000,
            uses in prop::collection::vec((0usize..3, 0u64..2_000_000, prop::bool::weighted(0.2)), 1..50),
            node_index in 0usize..3,
            wait in 0u64..300_000_000_000,
        ) {
            let lifetime = lifetime(u64::from(u32::MAX), Some(idle));
            let window = coalesce_window(lifetime);
            let (none, due) = ([None; 3], [None; 3]);
            let mut nodes = Nodes { lifetime, recorded: START, remembered: none, due };
            let mut used = START;
            for (node, gap, is_long) in uses {
                // Two seconds at most, or any part of the idle timeout.
                let gap = if is_long { gap * idle / 2 } else { gap.min(idle * 1_000_000) };
                used = used.plus(Duration::from_micros(gap));
                nodes.use_at(node, used);
            }
            let now = used.plus(Duration::from_micros(wait));
            nodes.pass_to(now);
            let latest = latest_use(nodes.recorded, nodes.remembered[node_index], Viewpoint::OneOfMany, window);
            let answer = lifetime.is_alive(START, latest, now);
            prop_assert!(!lifetime.is_alive(START, used, now) || answer, "ended early");
            prop_assert!(!answer || lifetime.is_alive(START, used.plus(window), now), "ended too late");
        }

        /// A crash loses what the nodes had in memory. The session then still lasts for half of its idle timeout after its last use,
        /// but for one window.
        #[test]
        fn a_crash_takes_half_of_the_idle_timeout_at_most(
            idle in 1u64..100_000,
            uses in prop::collection::vec((0usize..3, 0u64..1_000_000), 1..50),
        ) {
            let lifetime = lifetime(u64::from(u32::MAX), Some(idle));
            let mut nodes = Nodes { lifetime, recorded: START, remembered: [None; 3], due: [None; 3] };
            let mut used = START;
            for (node, share) in uses {
                used = used.plus(Duration::from_micros(share * idle));
                nodes.use_at(node, used);
            }
            let kept = nodes.recorded.plus(coalesce_window(lifetime));
            prop_assert!(lifetime.is_alive(START, kept, used.plus(Duration::from_secs(idle) / 2)));
        }
    }
}
