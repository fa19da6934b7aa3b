//! A user, and the one place that says whether it is a guest.

use crate::{id::UserId, time::Timestamp};

/// A user as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The stable `sub`.
    pub id: UserId,
    /// When the user came to be.
    pub created_at: Timestamp,
    /// When the user or what belongs to it last changed.
    pub updated_at: Timestamp,
    /// The last time the user proved who it is; absent until it does so again after creation.
    pub last_login_at: Option<Timestamp>,
    /// The anonymous identity: since when the user owns one. Removed by promotion, never set again.
    pub anonymous_since: Option<Timestamp>,
    /// When the user was promoted from guest to member.
    pub promoted_at: Option<Timestamp>,
    /// Since when the user is disabled by an operator.
    pub disabled_at: Option<Timestamp>,
    /// The member this guest gave way to when a promotion ended in a login (`on_conflict = "login"`).
    pub yielded_to: Option<UserId>,
    /// OIDC standard attributes the user has (`name`, `locale` …), a JSON object; empty when there are none.
    pub standard_attributes: serde_json::Map<String, serde_json::Value>,
    /// The application's own attributes, a JSON object.
    pub custom_attributes: serde_json::Map<String, serde_json::Value>,
}

impl User {
    /// A fresh guest.
    #[must_use]
    pub fn new_guest(id: UserId, now: Timestamp) -> Self {
        Self { anonymous_since: Some(now), ..Self::new_member(id, now) }
    }

    /// A fresh user with no anonymous identity; the caller adds its first credential in the same transaction.
    #[must_use]
    pub fn new_member(id: UserId, now: Timestamp) -> Self {
        Self {
            id,
            created_at: now,
            updated_at: now,
            last_login_at: None,
            anonymous_since: None,
            promoted_at: None,
            disabled_at: None,
            yielded_to: None,
            standard_attributes: serde_json::Map::new(),
            custom_attributes: serde_json::Map::new(),
        }
    }

    /// Whether the user is anonymous: exactly while it owns the anonymous identity.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.anonymous_since.is_some()
    }

    /// Whether sessions of this user count: neither disabled nor yielded to another user.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.disabled_at.is_none() && self.yielded_to.is_none()
    }
}
