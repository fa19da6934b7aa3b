//! Errors of the use cases, named by what went wrong. `http/error.rs` maps them to responses.

use std::time::Duration;

use vestibule_domain::project::LimitName;
use vestibule_protocol::{device_info::DeviceInfoError, dpop::ProofError, oauth::OAuthError};
use vestibule_store::StoreError;

use crate::{limits::Counter, webhooks::veto::Veto};

/// An exceeded rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The limit's counter.
    pub counter: Counter,
    pub retry_after: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    #[error("too many passwords are being hashed")]
    PasswordsOverloaded,
    #[error("the project has its share of waiting webhook calls, streams or exports already")]
    ShareUsedUp,
    #[error("a rate limit was exceeded: {:?}", .0.counter)]
    RateLimited(RateLimit),
    #[error("anonymous users are turned off")]
    AnonymousUserDisallowed,
    #[error("sign-up is turned off")]
    PublicSignUpDisabled,
    #[error("the application does not exist")]
    UnknownClient,
    #[error("the application was removed or changed since the request: start again")]
    ClientChanged,
    #[error("the application's secret is missing")]
    ClientSecretMissing,
    #[error("the application's secret is wrong")]
    ClientSecretWrong,
    #[error("{0}")]
    ClientAssertionRefused(String),
    #[error("the keys of the application can't be fetched")]
    ClientKeysUnavailable,
    #[error("the application's type cannot have anonymous users")]
    ClientWithoutGuests,
    #[error("the grant type is not allowed for the application")]
    GrantTypeNotAllowed,
    #[error("only a confidential application may introspect tokens")]
    IntrospectionNotAllowed,
    #[error("the caller is a member, not a guest")]
    LoggedInAsMember,
    #[error("no user is signed in")]
    AuthenticationRequired,
    #[error("the refresh token is not valid")]
    InvalidRefreshToken,
    #[error("the refresh token was replaced a moment ago")]
    RefreshTokenSuperseded,
    #[error("the refresh token belongs to another application")]
    RefreshTokenOfAnotherClient,
    #[error("the token belongs to another application")]
    TokenOfAnotherClient,
    #[error("the request names a scope that was not granted")]
    InvalidScope(OAuthError),
    #[error("the application gets no tokens for itself for this resource: {0}")]
    InvalidTarget(&'static str),
    #[error("the grant lacks the full-access scope")]
    InsufficientScope,
    #[error("the authorization code is not valid")]
    InvalidCode,
    #[error("the device code is not valid")]
    InvalidDeviceCode,
    #[error("the user has not decided about the device yet")]
    DeviceCodePending,
    #[error("the device asks for its tokens too often")]
    DeviceTooFast,
    #[error("the device code has expired")]
    DeviceCodeExpired,
    #[error("the user did not allow the device")]
    DeviceRefused,
    #[error("the provider's ID token is not accepted")]
    InvalidSubjectToken,
    #[error("the nonce of the provider's ID token is used, too old or not of this project")]
    InvalidProviderNonce,
    #[error("the continuation is used, too old or another application's")]
    InvalidContinuation,
    #[error("the keys of the provider can't be read")]
    ProviderUnavailable,
    #[error("the member did not authenticate recently")]
    ReauthenticationRequired,
    #[error("the redirect URI differs from the authorization request's")]
    RedirectUriMismatch,
    #[error("the DPoP proof is not valid: {0}")]
    InvalidDpopProof(ProofError),
    #[error("the DPoP key is not the one the token is bound to")]
    DpopBindingMismatch,
    #[error("the DPoP proof is too old or in the future")]
    DpopClockSkew,
    #[error("the DPoP proof was used before")]
    DpopProofReplayed,
    #[error("the credentials of the anonymous user are not valid")]
    InvalidAnonymousCredentials,
    #[error("the key belongs to an account that was promoted")]
    KeyWasPromoted,
    #[error("the user is disabled")]
    UserDisabled,
    #[error("the promotion code or proof was used")]
    HintUsed,
    #[error("the session or key that requested the promotion has ended")]
    GuestLeft,
    #[error(transparent)]
    InvalidDeviceInfo(#[from] DeviceInfoError),
    #[error("a parameter is missing or wrong: {0}")]
    InvalidRequest(String),
    #[error("the id_token grant needs a session")]
    SessionRequired,
    #[error("no credential was presented")]
    NothingPresented,
    #[error("a blocking webhook refused it: {0}")]
    HookDisallowed(Box<Veto>),
}

impl From<crate::passwords::HasherOverloaded> for Error {
    fn from(_: crate::passwords::HasherOverloaded) -> Self {
        Self::PasswordsOverloaded
    }
}

impl From<crate::limits::fair::ShareExceeded> for Error {
    fn from(_: crate::limits::fair::ShareExceeded) -> Self {
        Self::ShareUsedUp
    }
}

impl From<crate::pool::PoolOverloaded> for Error {
    fn from(_: crate::pool::PoolOverloaded) -> Self {
        Self::PasswordsOverloaded
    }
}

impl Error {
    /// One error of each kind, for the error reference.
    pub fn samples() -> Vec<Self> {
        let limit = RateLimit {
            counter: Counter::Setting(LimitName::SignupAnonymousPerIp),
            retry_after: Duration::from_secs(1),
        };
        vec![
            Self::Store(StoreError::Busy("no free connection")),
            Self::PasswordsOverloaded,
            Self::ShareUsedUp,
            Self::RateLimited(limit),
            Self::AnonymousUserDisallowed,
            Self::PublicSignUpDisabled,
            Self::UnknownClient,
            Self::ClientChanged,
            Self::ClientSecretMissing,
            Self::ClientSecretWrong,
            Self::ClientAssertionRefused("the client assertion is refused: …".into()),
            Self::ClientKeysUnavailable,
            Self::ClientWithoutGuests,
            Self::GrantTypeNotAllowed,
            Self::IntrospectionNotAllowed,
            Self::LoggedInAsMember,
            Self::AuthenticationRequired,
            Self::InvalidRefreshToken,
            Self::RefreshTokenSuperseded,
            Self::RefreshTokenOfAnotherClient,
            Self::TokenOfAnotherClient,
            Self::InvalidTarget("resource not found"),
            Self::InsufficientScope,
            Self::InvalidCode,
            Self::InvalidDeviceCode,
            Self::DeviceCodePending,
            Self::DeviceTooFast,
            Self::DeviceCodeExpired,
            Self::DeviceRefused,
            Self::InvalidSubjectToken,
            Self::InvalidProviderNonce,
            Self::InvalidContinuation,
            Self::ProviderUnavailable,
            Self::ReauthenticationRequired,
            Self::RedirectUriMismatch,
            Self::InvalidDpopProof(ProofError::Times),
            Self::DpopBindingMismatch,
            Self::DpopClockSkew,
            Self::DpopProofReplayed,
            Self::InvalidAnonymousCredentials,
            Self::KeyWasPromoted,
            Self::UserDisabled,
            Self::HintUsed,
            Self::GuestLeft,
            Self::InvalidDeviceInfo(DeviceInfoError::Model),
            Self::InvalidRequest("…".into()),
            Self::SessionRequired,
            Self::NothingPresented,
            Self::HookDisallowed(Box::new(Veto { event_type: "user.pre_create", reasons: Vec::new() })),
        ]
    }
}
