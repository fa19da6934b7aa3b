//! OAuth error codes and the error body (RFC 6749 §4.1.2.1 and §5.2, OIDC Core §3.1.2.6, RFC 6750 §3.1, RFC 9449 §5).

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::form::{FormError, Repeated};

/// A registered or reference-specific `error` value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// RFC 6749.
    InvalidRequest,
    /// RFC 6749 §5.2.
    InvalidClient,
    /// RFC 6749 §5.2; makes SDKs drop their session.
    InvalidGrant,
    /// RFC 6749.
    UnauthorizedClient,
    /// RFC 6749 §5.2.
    UnsupportedGrantType,
    /// RFC 6749.
    InvalidScope,
    /// RFC 9449 §5.
    InvalidDpopProof,
    /// RFC 6750 §3.1.
    InsufficientScope,
    /// RFC 8707 §2.
    InvalidTarget,
    /// A limit was hit; specific to this wire protocol.
    RateLimited,
    /// RFC 6749 §4.1.2.1.
    ServerError,
    /// RFC 6749 §4.1.2.1.
    AccessDenied,
    /// RFC 6749 §4.1.2.1.
    TemporarilyUnavailable,
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType,
    /// OIDC Core §3.1.2.6.
    LoginRequired,
    /// OIDC Core §3.1.2.6.
    InteractionRequired,
    /// OIDC Core §3.1.2.6.
    ConsentRequired,
    /// OIDC Core §3.1.2.6.
    RequestNotSupported,
    /// OIDC Core §3.1.2.6.
    RequestUriNotSupported,
    /// OIDC Core §3.1.2.6.
    RegistrationNotSupported,
    /// RFC 6750 §3.1.
    InvalidToken,
    /// RFC 7009 §2.2.1.
    UnsupportedTokenType,
    /// RFC 9470 §3.
    InsufficientUserAuthentication,
    /// RFC 9101 §6.2, RFC 9126 §2.2.
    InvalidRequestUri,
    /// RFC 8628 §3.5: the user has not decided yet.
    AuthorizationPending,
    /// RFC 8628 §3.5: the device asks too often.
    SlowDown,
    /// RFC 8628 §3.5: the device code has expired.
    ExpiredToken,
    /// An account at a provider, or its address, belongs to another user; specific to this wire protocol.
    IdentityConflict,
}

impl ErrorCode {
    /// The code as spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidTarget => "invalid_target",
            Self::RateLimited => "x_rate_limited",
            Self::ServerError => "server_error",
            Self::AccessDenied => "access_denied",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::LoginRequired => "login_required",
            Self::InteractionRequired => "interaction_required",
            Self::ConsentRequired => "consent_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidToken => "invalid_token",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::IdentityConflict => "x_identity_conflict",
        }
    }

    /// The HTTP status at the token endpoint; `invalid_client` is 400 there, which the SDKs expect.
    pub const fn status(self) -> u16 {
        match self {
            Self::RateLimited => 429,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            Self::InvalidToken | Self::InsufficientUserAuthentication => 401,
            Self::InvalidRequest
            | Self::InvalidClient
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::InvalidScope
            | Self::InvalidDpopProof
            | Self::InsufficientScope
            | Self::InvalidTarget
            | Self::AccessDenied
            | Self::UnsupportedResponseType
            | Self::LoginRequired
            | Self::InteractionRequired
            | Self::ConsentRequired
            | Self::RequestNotSupported
            | Self::RequestUriNotSupported
            | Self::RegistrationNotSupported
            | Self::UnsupportedTokenType
            | Self::InvalidRequestUri
            | Self::AuthorizationPending
            | Self::SlowDown
            | Self::ExpiredToken
            | Self::IdentityConflict => 400,
        }
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An OAuth error response: `{"error","error_description"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Error)]
#[error("{}: {description}", code.as_str())]
pub struct OAuthError {
    /// The `error` member.
    #[serde(rename = "error")]
    pub code: ErrorCode,
    /// The `error_description` member, within the character set of RFC 6749 §5.2.
    #[serde(rename = "error_description")]
    description: Cow<'static, str>,
}

impl OAuthError {
    /// Builds an error; characters that RFC 6749 §5.2 forbids in a description are replaced.
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        let mut description = description.into();
        if !description.bytes().all(is_description_byte) {
            description = Cow::Owned(description.chars().map(clean_description_char).collect());
        }
        Self { code, description }
    }

    /// The `error_description` member.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// An `invalid_request`.
    pub fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    /// An `invalid_grant`.
    pub fn invalid_grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidGrant, description)
    }

    /// The response to unexpected errors: 500, without details of the cause.
    pub fn server_error() -> Self {
        Self::new(ErrorCode::ServerError, "internal server error")
    }

    /// The response when a limit of the token endpoint is hit.
    pub fn rate_limited() -> Self {
        Self::new(ErrorCode::RateLimited, "rate limit exceeded, please try again later.")
    }
}

impl From<FormError> for OAuthError {
    fn from(error: FormError) -> Self {
        Self::invalid_request(error.to_string())
    }
}

impl From<Repeated> for OAuthError {
    fn from(error: Repeated) -> Self {
        Self::invalid_request(error.to_string())
    }
}

const fn is_description_byte(byte: u8) -> bool {
    matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E)
}

fn clean_description_char(c: char) -> char {
    match c {
        '"' | '`' => '\'',
        '\\' => '/',
        ' '..='~' => c,
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_prints_its_two_members() {
        let json = serde_json::to_string(&OAuthError::invalid_grant("invalid refresh token")).unwrap();
        assert_eq!(json, r#"{"error":"invalid_grant","error_description":"invalid refresh token"}"#);
    }

    #[test]
    fn forbidden_characters_never_reach_a_description() {
        let error = OAuthError::invalid_request("a \"b\" \\ \n é");
        assert_eq!(error.description, "a 'b' / ? ?");
    }

    #[test]
    fn statuses_at_the_token_endpoint_follow_the_facts() {
        use ErrorCode::*;
        for code in [
            InvalidRequest,
            InvalidClient,
            InvalidGrant,
            UnauthorizedClient,
            UnsupportedGrantType,
            InvalidScope,
            InvalidDpopProof,
            InsufficientScope,
            InvalidTarget,
        ] {
            assert_eq!(code.status(), 400, "{}", code.as_str());
        }
        assert_eq!((RateLimited.as_str(), RateLimited.status()), ("x_rate_limited", 429));
        assert_eq!((ServerError.as_str(), ServerError.status()), ("server_error", 500));
    }
}
