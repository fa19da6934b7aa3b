//! The retention of guests: when an unused one is warned, expires and is erased. Values and rules only; the settings of an
//! application are in `client`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{project::is_default, session::LONGEST_COALESCE, time::Timestamp};

/// How much later than its last recorded use a guest that a rule concerns may have been used: the longest write window. A use lost in a
/// crash, or not yet written by another node, is no older than this, unless the guest has half of the rule's time left
/// ([`may_be_written_later`](crate::session::may_be_written_later)).
pub const WRITE_WINDOW: Duration = LONGEST_COALESCE;

/// The shortest idle time until a guest expires: a day.
pub const MIN_IDLE_SECONDS: u32 = 86_400;
/// The grace period, unless the rule sets another: a week.
pub const DEFAULT_GRACE_SECONDS: u32 = 604_800;
/// The share of an application's guests, in percent, above which a rule must be confirmed.
pub const DEFAULT_CONFIRM_ABOVE_PERCENT: u32 = 20;

/// The kinds of guests with rules of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestClass {
    /// It has no device key and no attributes: it is gone with its session.
    WithoutKey,
    /// It has a device key, with which it can return, and no attributes.
    WithKey,
    /// It has attributes, with or without a device key.
    WithAttributes,
}

impl GuestClass {
    /// The class of a guest.
    #[must_use]
    pub fn of(has_attributes: bool, has_key: bool) -> Self {
        match (has_attributes, has_key) {
            (true, _) => Self::WithAttributes,
            (false, true) => Self::WithKey,
            (false, false) => Self::WithoutKey,
        }
    }
}

/// The rules of an application for its guests, as stored in its settings; an absent member means the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "project::schema documents every key under its own name")]
pub struct RetentionSettings {
    #[serde(default, skip_serializing_if = "is_default")]
    pub without_key: ClassSettings,
    #[serde(default, skip_serializing_if = "is_default")]
    pub with_key: ClassSettings,
    #[serde(default, skip_serializing_if = "is_default")]
    pub with_attributes: ClassSettings,
}

/// The rule for one class of guests, as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "project::schema documents every key under its own name")]
pub struct ClassSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_with_session: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u32>,
}

impl RetentionSettings {
    /// The shortest time without use after which a rule warns of a guest or ends it.
    #[must_use]
    pub fn shortest_idle(&self) -> Option<Duration> {
        [GuestClass::WithoutKey, GuestClass::WithKey, GuestClass::WithAttributes]
            .into_iter()
            .filter_map(|class| self.rule(class))
            .filter_map(|rule| rule.idle.map(|idle| idle.saturating_sub(rule.warning)))
            .min()
    }

    /// The rule for a class of guests; `None` keeps them forever.
    #[must_use]
    pub fn rule(&self, class: GuestClass) -> Option<Rule> {
        match class {
            GuestClass::WithoutKey => &self.without_key,
            GuestClass::WithKey => &self.with_key,
            GuestClass::WithAttributes => &self.with_attributes,
        }
        .rule()
    }
}

impl ClassSettings {
    fn rule(&self) -> Option<Rule> {
        let seconds = |value: u32| Duration::from_secs(value.into());
        let ends_with_session = self.ends_with_session.unwrap_or_default();
        if self.idle_seconds.is_none() && !ends_with_session {
            return None;
        }
        Some(Rule {
            idle: self.idle_seconds.map(seconds),
            ends_with_session,
            warning: seconds(self.warning_seconds.unwrap_or_default()),
            grace: seconds(self.grace_seconds.unwrap_or(DEFAULT_GRACE_SECONDS)),
        })
    }
}

/// When guests of one class expire.
///
/// ```
/// use std::time::Duration;
/// use vestibule_domain::{retention::{Guest, GuestState, Rule, Step}, time::Timestamp};
///
/// const DAY: Duration = Duration::from_secs(86_400);
/// let rule = Rule { idle: Some(30 * DAY), ends_with_session: false, warning: 7 * DAY, grace: 14 * DAY };
/// let day = |number: u32| Timestamp::from_seconds(0).plus(number * DAY);
/// let guest = |state| Guest { seen_at: day(0), has_session: true, is_held: false, state };
///
/// // Last seen on day 0, it is warned a week before day 30, then expires, and is erased two weeks later.
/// assert_eq!(rule.step(&guest(GuestState::Active), day(23)), Step::Keep);
/// assert_eq!(rule.step(&guest(GuestState::Active), day(24)), Step::Warn);
/// assert_eq!(rule.step(&guest(GuestState::Warned { at: day(24) }), day(31)), Step::Expire);
/// assert_eq!(rule.step(&guest(GuestState::Expired { at: day(31) }), day(46)), Step::Erase);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The time without use until a guest expires; `None`: only the end of its session counts.
    pub idle: Option<Duration>,
    /// Whether a guest expires as soon as it has no session.
    pub ends_with_session: bool,
    /// How long before it expires a guest is warned; zero: not at all.
    pub warning: Duration,
    /// How long an expired guest can be revived before it is erased.
    pub grace: Duration,
}

/// Where a guest stands. It is erased when it is there no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestState {
    /// In use, or not yet idle for long enough.
    Active,
    /// Its application was warned that it will expire.
    Warned {
        /// Since when.
        at: Timestamp,
    },
    /// Its sessions have ended; it is erased after the grace period.
    Expired {
        /// Since when.
        at: Timestamp,
    },
}

/// What decides about a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The latest time at which it is known to have been used.
    pub seen_at: Timestamp,
    /// Whether it has a session or grant.
    pub has_session: bool,
    /// Whether a hold keeps it for now.
    pub is_held: bool,
    /// Where it stands.
    pub state: GuestState,
}

/// What is to be done about a guest now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Nothing.
    Keep,
    /// Warn its application.
    Warn,
    /// End its sessions and begin its grace period.
    Expire,
    /// Erase it.
    Erase,
    /// It is in use again, or its rule became longer, or it was warned and is held now: take back the warning or the expiry.
    Revive,
}

impl Rule {
    /// The last moment at which a guest has not expired, if no further use follows; `None` while it cannot expire.
    #[must_use]
    pub fn due_at(&self, guest: &Guest) -> Option<Timestamp> {
        let known = guest.seen_at.plus(WRITE_WINDOW);
        let at_end = (self.ends_with_session && !guest.has_session).then_some(known);
        let at_idle = self.idle.map(|idle| known.plus(idle));
        match (at_end, at_idle) {
            (Some(end), Some(idle)) => Some(end.min(idle)),
            (end, idle) => end.or(idle),
        }
    }

    /// What is to be done about a guest now.
    ///
    /// The state says what was done before, and its facts decide whether that still holds: a guest that is seen again, or whose rule
    /// became longer, is revived by the next look, whatever it was.
    #[must_use]
    pub fn step(&self, guest: &Guest, now: Timestamp) -> Step {
        let due_at = self.due_at(guest);
        let is_due = due_at.is_some_and(|due_at| now > due_at);
        let is_near = due_at.is_some_and(|due_at| now.plus(self.warning) > due_at);
        match guest.state {
            GuestState::Expired { .. } if !is_due => Step::Revive,
            // A hold takes the warning back: when it ends, the application is warned again.
            GuestState::Warned { .. } if !is_near || guest.is_held => Step::Revive,
            GuestState::Active | GuestState::Expired { .. } if guest.is_held => Step::Keep,
            GuestState::Expired { at } if now > at.plus(self.grace) => Step::Erase,
            GuestState::Active if is_near && !self.warning.is_zero() => Step::Warn,
            GuestState::Active if is_due => self.expire(),
            GuestState::Warned { at } if is_due && now >= at.plus(self.warning) => self.expire(),
            GuestState::Active | GuestState::Warned { .. } | GuestState::Expired { .. } => Step::Keep,
        }
    }

    /// A rule without a grace period erases at once.
    fn expire(&self) -> Step {
        if self.grace.is_zero() { Step::Erase } else { Step::Expire }
    }

    /// The latest time of a recorded use at which a guest may be expired or erased by this rule now.
    #[must_use]
    pub fn cutoff(&self, guest: &Guest, now: Timestamp) -> Timestamp {
        let idle = self.idle.filter(|_| !self.ends_with_session || guest.has_session).unwrap_or_default();
        now.minus(WRITE_WINDOW).minus(idle)
    }
}

/// The rule of a guest that several applications know: the one by which it stays longest. Without an application it stays.
#[must_use]
pub fn choose(rules: impl IntoIterator<Item = Option<Rule>>, guest: &Guest) -> Option<Rule> {
    let mut chosen: Option<Rule> = None;
    for rule in rules {
        // An application without a rule keeps its guests, and so does one whose rule cannot end this guest.
        let due_at = rule?.due_at(guest)?;
        if chosen.and_then(|chosen| chosen.due_at(guest)).is_none_or(|earlier| earlier < due_at) {
            chosen = rule;
        }
    }
    chosen
}

#[cfg(test)]
mod tests;
