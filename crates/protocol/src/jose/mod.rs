//! The supported subset of JOSE: compact JWS (RFC 7515), public RSA and P-256 keys (RFC 7517), RS256 and ES256.
//! Strict parsing and canonical serialization; the caller signs, verifies and hashes.

mod alg;
mod anonymous;
mod client_assertion;
mod compact;
mod date;
mod jwk;
mod jws;
mod key_set;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;

pub use alg::Alg;
pub use anonymous::{ANONYMOUS_REQUEST_TYPE, AnonymousAction, AnonymousRequest, AnonymousRequestClaims, KeyId};
pub use client_assertion::{
    CLIENT_ASSERTION_SECONDS, CLIENT_ASSERTION_TYPE, CLIENT_SKEW_SECONDS, ClientAssertion, peek_client_id,
};
pub(crate) use compact::Compact;
pub use date::{ClaimTimes, NumericDate, SKEW_SECONDS, TimeError};
pub use jwk::{Jwk, JwkError, PublicKey, Thumbprint};
#[cfg(test)]
pub(crate) use jws::print_jws;
pub(crate) use jws::read_header_alg;
pub use jws::{Header, Jws};
pub use key_set::KeySet;

/// Why a JWS was rejected; must not be returned to an unauthenticated caller in detail.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JoseError {
    /// Longer than [`JWS_BYTES`](crate::limits::JWS_BYTES).
    #[error("JWS is too long")]
    TooLong,
    /// Not three non-empty parts joined by dots.
    #[error("JWS is not in compact form")]
    Structure,
    /// A part is not canonical base64url without padding, so a different text could decode to the same bytes.
    #[error("JWS part is not canonical base64url")]
    Base64,
    /// The header is not a JSON object with unique members of the right types.
    #[error("JWS header is malformed")]
    Header,
    /// Neither RS256 nor ES256; `none` and HMAC are rejected.
    #[error("JWS algorithm is not supported")]
    Algorithm,
    /// `crit` names extensions, and none is supported (RFC 7515 §4.1.11).
    #[error("JWS header has critical extensions")]
    Critical,
    /// `typ` is not the expected one.
    #[error("JWS type is not the expected one")]
    Type,
    /// The `jwk` in the header is invalid.
    #[error("JWS header key is refused: {0}")]
    Jwk(#[from] JwkError),
    /// The key is of another type than `alg`.
    #[error("JWS algorithm does not match the key")]
    KeyMismatch,
    /// The key ID is absent, or not of the format `^[-\w]{8,64}$`.
    #[error("JWS key id is missing or malformed")]
    KeyId,
    /// The payload is not a JSON object with unique members.
    #[error("JWS payload is not a JSON object")]
    Payload,
    /// A claim is missing or of the wrong type.
    #[error("claim {0} is missing or malformed")]
    Claim(&'static str),
    /// The times are invalid.
    #[error(transparent)]
    Time(#[from] TimeError),
}

/// Decodes canonical base64url without padding: for any bytes, exactly one text is accepted.
pub(crate) fn decode_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

pub(crate) fn encode_base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
