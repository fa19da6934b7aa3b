//! A member's consent to a third-party application: which scopes it may have.

use std::collections::BTreeSet;

use crate::{id::UserId, time::Timestamp};

/// The stored consent of a member to one application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The member.
    pub user_id: UserId,
    /// The application.
    pub client_id: String,
    /// The scopes, sorted and space-separated.
    pub scope: String,
    /// When the member first agreed.
    pub granted_at: Timestamp,
    /// When the member last agreed.
    pub updated_at: Timestamp,
    /// When the application last got tokens by it.
    pub last_used_at: Option<Timestamp>,
}

impl Consent {
    /// The consent after the member agreed to `scope`: earlier scopes stay, because the page shows only the requested
    /// ones.
    ///
    /// ```
    /// use vestibule_domain::{consent::Consent, id::UserId, time::Timestamp};
    ///
    /// let (kim, at) = (UserId::from_parts(1, [1; 10]), Timestamp::from_seconds);
    /// let first = Consent::agree(None, kim, "partner", "openid email", at(1));
    /// let second = Consent::agree(Some(&first), kim, "partner", "openid profile", at(2));
    /// assert_eq!((second.scope.as_str(), second.granted_at, second.updated_at), ("email openid profile", at(1), at(2)));
    /// ```
    #[must_use]
    pub fn agree(earlier: Option<&Self>, user_id: UserId, client_id: &str, scope: &str, now: Timestamp) -> Self {
        let known = earlier.map(|earlier| earlier.scope.as_str()).unwrap_or_default();
        let all: BTreeSet<&str> = words(known).chain(words(scope)).collect();
        Self {
            user_id,
            client_id: client_id.to_string(),
            scope: all.into_iter().collect::<Vec<_>>().join(" "),
            granted_at: earlier.map_or(now, |earlier| earlier.granted_at),
            updated_at: now,
            last_used_at: earlier.and_then(|earlier| earlier.last_used_at),
        }
    }

    /// Whether the member agreed to every one of the space-separated scopes.
    #[must_use]
    pub fn covers(&self, scope: &str) -> bool {
        covers(&self.scope, scope)
    }
}

/// Whether the space-separated scopes contain every one of the wanted ones.
#[must_use]
pub fn covers(scope: &str, wanted: &str) -> bool {
    words(wanted).all(|wanted| words(scope).any(|known| known == wanted))
}

fn words(scope: &str) -> impl Iterator<Item = &str> {
    scope.split(' ').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kim() -> UserId {
        UserId::from_parts(1, [1; 10])
    }

    #[test]
    fn a_consent_covers_its_scopes_in_any_order_and_no_other() {
        let consent = Consent::agree(None, kim(), "partner", "openid email profile", Timestamp::from_seconds(1));
        for (wanted, is_covered) in [
            ("openid", true),
            ("profile openid", true),
            ("email email", true),
            ("", true),
            ("openid phone", false),
            ("mail", false),
            ("email:write", false),
            ("OPENID", false),
        ] {
            assert_eq!(consent.covers(wanted), is_covered, "{wanted}");
        }
    }

    #[test]
    fn agreeing_again_never_takes_a_scope_away() {
        let first = Consent::agree(None, kim(), "partner", "openid email", Timestamp::from_seconds(1));
        let used = Consent { last_used_at: Some(Timestamp::from_seconds(2)), ..first };
        let again = Consent::agree(Some(&used), kim(), "partner", "openid", Timestamp::from_seconds(3));
        assert!(again.covers("openid email"));
        assert_eq!(again.last_used_at, Some(Timestamp::from_seconds(2)));
    }
}
