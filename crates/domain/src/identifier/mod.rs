//! Login IDs: what a person types to say who it is, in one normal form per kind.

use serde::{Deserialize, Serialize};

/// The kinds of login ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginIdKind {
    /// An email address.
    Email,
    /// A phone number.
    Phone,
    /// A user name.
    Username,
}

impl LoginIdKind {
    /// Every kind, in the order a page offers them by default.
    pub const ALL: [Self; 3] = [Self::Email, Self::Phone, Self::Username];

    /// The word used in settings, the store and the protocol.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Username => "username",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}
