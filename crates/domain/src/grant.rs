//! Refresh-token grants: the long-lived sessions of token-based clients.

use std::time::Duration;

use crate::{
    id::{GrantId, SessionId, UserId},
    secret::TokenHash,
    session::proves_member,
    time::Timestamp,
};

/// A stored refresh-token grant.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// First half of the refresh token; also in `sid`.
    pub id: GrantId,
    /// The owner.
    pub user_id: UserId,
    /// The application it was issued to.
    pub client_id: String,
    /// SHA-256 of the secret half of the current refresh token.
    pub token_hash: TokenHash,
    /// Space-separated scopes; `None` means the default scopes of a guest, to save space.
    pub scope: Option<String>,
    /// When it was issued: the start of its hard lifetime.
    pub created_at: Timestamp,
    /// The last recorded use: the start of its idle timeout.
    pub last_access_at: Timestamp,
    /// When the user authenticated (`auth_time`).
    pub authenticated_at: Timestamp,
    /// How (`amr`), space-separated; `None` for a guest.
    pub amr: Option<String>,
    /// The cookie session it belongs to (single sign-on); it ends with that session.
    pub session_id: Option<SessionId>,
    /// Thumbprint of the key it is bound to (RFC 9449 §6).
    pub dpop_jkt: Option<String>,
    /// The device's display name.
    pub device: Option<String>,
    /// The hash that was current before the last rotation, and when it was replaced.
    pub previous: Option<PreviousToken>,
    /// Whether single access tokens of this grant were revoked; each token must then be looked up.
    pub has_revoked_tokens: bool,
    /// When it ends because its guest was promoted and the application is about to receive new tokens. Until then it is
    /// limited: see [`Grant::is_limited`].
    pub ends_at: Option<Timestamp>,
}

/// The refresh token before the last rotation.
#[derive(Clone, Debug, PartialEq)]
pub struct PreviousToken {
    /// SHA-256 of its secret half.
    pub token_hash: TokenHash,
    /// When it was replaced.
    pub rotated_at: Timestamp,
}

/// What a presented refresh token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshTokenMatch {
    /// The current one.
    Current,
    /// The previous one within the grace period: a concurrent tab or a lost response. It gets tokens, without a second
    /// lineage.
    PreviousInGrace,
    /// The previous one after the grace period: the token was copied. The grant must be revoked (RFC 9700 §4.14.2).
    Reused,
    /// Not a token of this grant.
    Unknown,
}

impl Grant {
    /// Whether it is left over from a promotion: it may refresh and read what its guest could read, and nothing more.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.ends_at.is_some()
    }

    /// The end of one of its tokens that would end at this time: none outlives the grant's own end.
    #[must_use]
    pub fn cut(&self, expires_at: Timestamp) -> Timestamp {
        self.ends_at.map_or(expires_at, |ends_at| ends_at.min(expires_at))
    }

    /// Whether its user has not authenticated as a member with it: it was issued to a guest.
    #[must_use]
    pub fn is_of_guest(&self) -> bool {
        !proves_member(self.amr.as_deref())
    }

    /// Classifies a refresh token by the hash of its secret half.
    #[must_use]
    pub fn recognize(&self, presented: &TokenHash, grace: Duration, now: Timestamp) -> RefreshTokenMatch {
        let is_current = self.token_hash.matches(presented);
        let previous = self.previous.as_ref().filter(|previous| previous.token_hash.matches(presented));
        match previous {
            _ if is_current => RefreshTokenMatch::Current,
            Some(previous) if now.since(previous.rotated_at) <= grace => RefreshTokenMatch::PreviousInGrace,
            Some(_) => RefreshTokenMatch::Reused,
            None => RefreshTokenMatch::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_current_in_grace_reused_or_unknown() {
        let hash = |byte: u8| TokenHash([byte; 32]);
        let rotated_at = Timestamp::from_seconds(100);
        let grant = Grant {
            id: GrantId::from_parts(1, [1; 10]),
            user_id: UserId::from_parts(1, [2; 10]),
            client_id: "a".into(),
            token_hash: hash(2),
            scope: None,
            created_at: rotated_at,
            last_access_at: rotated_at,
            authenticated_at: rotated_at,
            amr: None,
            session_id: None,
            dpop_jkt: None,
            device: None,
            previous: Some(PreviousToken { token_hash: hash(1), rotated_at }),
            has_revoked_tokens: false,
            ends_at: None,
        };
        let grace = Duration::from_secs(30);
        let table = [
            (2, 1_000_000, RefreshTokenMatch::Current),
            (1, 100, RefreshTokenMatch::PreviousInGrace),
            (1, 130, RefreshTokenMatch::PreviousInGrace),
            (1, 131, RefreshTokenMatch::Reused),
            (3, 100, RefreshTokenMatch::Unknown),
        ];
        for (byte, seconds, expected) in table {
            assert_eq!(grant.recognize(&hash(byte), grace, Timestamp::from_seconds(seconds)), expected);
        }
        let unrotated = Grant { previous: None, ..grant.clone() };
        assert_eq!(unrotated.recognize(&hash(1), grace, rotated_at), RefreshTokenMatch::Unknown);

        for (ends_at, expected) in [(None, 400), (Some(300), 300), (Some(500), 400)] {
            let grant = Grant { ends_at: ends_at.map(Timestamp::from_seconds), ..grant.clone() };
            assert_eq!(grant.cut(Timestamp::from_seconds(400)), Timestamp::from_seconds(expected), "{ends_at:?}");
        }

        // Without a method, or with the empty one of device keys, only a guest used it.
        for (amr, is_of_guest) in [(None, true), (Some(""), true), (Some("pwd"), false), (Some("pop user"), false)] {
            let grant = Grant { amr: amr.map(str::to_string), ..grant.clone() };
            assert_eq!(grant.is_of_guest(), is_of_guest, "{amr:?}");
        }
    }
}
