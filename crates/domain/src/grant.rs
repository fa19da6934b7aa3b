//! A refresh-token grant: the long life of a token-based client.

use crate::{
    id::{GrantId, SessionId, UserId},
    secret::TokenHash,
    time::Timestamp,
};

/// A refresh-token grant as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// First half of the refresh token; also in `sid`.
    pub id: GrantId,
    /// Whose it is.
    pub user_id: UserId,
    /// The application it was issued to.
    pub client_id: String,
    /// SHA-256 of the secret half of the current refresh token.
    pub token_hash: TokenHash,
    /// Space-separated scopes; `None` means the default set of a guest, which is not worth its bytes.
    pub scope: Option<String>,
    /// When it was issued: the hard lifetime counts from here.
    pub created_at: Timestamp,
    /// The last recorded use: the idle timeout counts from here.
    pub last_access_at: Timestamp,
    /// When the user proved who it is (`auth_time`).
    pub authenticated_at: Timestamp,
    /// How (`amr`), space-separated; `None` for a guest.
    pub amr: Option<String>,
    /// The cookie session it is grouped with (single sign-on); it dies with that session.
    pub session_id: Option<SessionId>,
    /// RFC 9449 thumbprint of the key it is bound to.
    pub dpop_jkt: Option<String>,
    /// The device's display name.
    pub device: Option<String>,
    /// The hash that was current before the last rotation, and when it was replaced.
    pub previous: Option<PreviousToken>,
    /// Whether single access tokens of this grant were revoked (then each is looked up).
    pub has_revoked_tokens: bool,
}

/// The refresh token before the last rotation.
#[derive(Clone, Debug, PartialEq)]
pub struct PreviousToken {
    /// SHA-256 of its secret half.
    pub token_hash: TokenHash,
    /// When it was replaced.
    pub rotated_at: Timestamp,
}
