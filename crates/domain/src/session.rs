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
}
