//! A user, and the function that decides whether it is a guest.

use crate::{id::UserId, time::Timestamp};

/// A stored user.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The stable `sub`.
    pub id: UserId,
    /// When the user was created.
    pub created_at: Timestamp,
    /// When the user or something it owns last changed.
    pub updated_at: Timestamp,
    /// When it last signed in, if ever: the creation of a guest is no sign-in; sign-up and promotion by the person are.
    pub last_login_at: Option<Timestamp>,
    /// When the user got the anonymous identity, if it owns it. Removed by promotion, never set again.
    pub anonymous_since: Option<Timestamp>,
    /// When the user was promoted from guest to member.
    pub promoted_at: Option<Timestamp>,
    /// When an operator disabled the user.
    pub disabled_at: Option<Timestamp>,
    /// The member this guest was given up for, when a promotion ended in a sign-in (`on_conflict = "login"`).
    pub yielded_to: Option<UserId>,
    /// OIDC standard attributes (`name`, `locale` …), a JSON object; empty when there are none.
    pub standard_attributes: serde_json::Map<String, serde_json::Value>,
    /// Custom attributes, a JSON object.
    pub custom_attributes: serde_json::Map<String, serde_json::Value>,
}

impl User {
    /// A new guest.
    #[must_use]
    pub fn new_guest(id: UserId, now: Timestamp) -> Self {
        Self { anonymous_since: Some(now), ..Self::new_member(id, now) }
    }

    /// A new user without the anonymous identity; the caller adds its first credential in the same transaction.
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

    /// Whether sessions of this user are valid: it is neither disabled nor given up for a member.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.disabled_at.is_none() && self.yielded_to.is_none()
    }
}

/// Whose a session or grant is, for those who only ask whether it is an active guest's.
#[derive(Clone, Debug, PartialEq)]
pub enum Owner {
    /// An active guest's. Nothing more of it is known.
    Guest(UserId),
    /// Another user's: a member's, or one's whose sessions are not valid.
    Other(Box<User>),
}

impl Owner {
    /// The stable `sub`.
    #[must_use]
    pub fn id(&self) -> UserId {
        match self {
            Self::Guest(id) => *id,
            Self::Other(user) => user.id,
        }
    }

    /// As [`User::is_anonymous`].
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        match self {
            Self::Guest(_) => true,
            Self::Other(user) => user.is_anonymous(),
        }
    }

    /// As [`User::is_active`].
    #[must_use]
    pub fn is_active(&self) -> bool {
        match self {
            Self::Guest(_) => true,
            Self::Other(user) => user.is_active(),
        }
    }
}

impl From<User> for Owner {
    fn from(user: User) -> Self {
        if user.is_anonymous() && user.is_active() { Self::Guest(user.id) } else { Self::Other(Box::new(user)) }
    }
}
