//! Maps errors of the use cases to responses, in the formats of OAuth and of the JSON API.
//! Errors are logged here, once, with the request ID and without personal data.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use vestibule_app::{
    error::{Error, RateLimit},
    limits::Counter,
    overload::Overload,
};
use vestibule_protocol::{
    api::{self, ApiError, ApiErrorName},
    bearer::print_challenge,
    dpop::ProofError,
    oauth::{ErrorCode, OAuthError},
};

use crate::{body::BodyProblem, visit::Visit};

/// `Retry-After` when the server is overloaded.
const BUSY_RETRY: Duration = Duration::from_secs(2);
const BUSY: &str = "the server is busy, please try again later";
/// The SDKs' message for an application type that must not have guests.
const WITHOUT_GUESTS: &str = "Anonymous user is not supported by the client application type. Try using SPA, Traditional Web App, or Native App client types if applicable.";

/// The error message for a proof that does not match its token.
const BINDING: &str = "Invalid DPoP key binding";
/// Added when the time is the problem, because the device's owner can fix it.
const CHECK_CLOCK: &str = "it is more than 5 minutes old or ahead, check the clock of the device";

/// A plain-text response.
pub fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, text.into()).into_response()
}

/// An OAuth error response of the token endpoint.
pub fn oauth(error: &OAuthError, status: StatusCode) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    (status, headers, Json(error)).into_response()
}

/// An OAuth error response of a resource: 401 with the bearer challenge (RFC 6750 §3).
pub fn unauthorized(body: &OAuthError, challenge: Option<&OAuthError>) -> Response {
    let mut response = oauth(body, StatusCode::UNAUTHORIZED);
    if let Ok(challenge) = HeaderValue::from_str(&print_challenge(challenge)) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// An OAuth error response with the code's own status.
pub fn oauth_by_code(error: &OAuthError) -> Response {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    oauth(error, status)
}

/// Maps a use case's error to an OAuth response.
pub fn flow_as_oauth(visit: &Visit, error: &Error) -> Response {
    log(visit, error);
    let oauth_error = to_oauth(error);
    let response = if is_about_a_session(error) {
        // Without error code when no credential was presented (RFC 6750 §3.1).
        unauthorized(&oauth_error, Some(&oauth_error).filter(|_| !matches!(error, Error::NothingPresented)))
    } else {
        oauth_by_code(&oauth_error)
    };
    with_retry_after(response, retry_after(error))
}

/// Whether the error is a failed client authentication.
pub fn is_about_the_client(error: &Error) -> bool {
    to_oauth(error).code == ErrorCode::InvalidClient
}

/// Adds a challenge for HTTP Basic credentials (RFC 6749 §5.2); the value is that of `WWW-Authenticate`.
pub fn challenge_basic(mut response: Response, challenge: &'static str) -> Response {
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

/// Maps a use case's error to a JSON API response.
pub fn flow_as_api(visit: &Visit, error: &Error) -> Response {
    log(visit, error);
    with_retry_after(api(&to_api(error)), retry_after(error))
}

pub fn api(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    (status, [(header::CACHE_CONTROL, "no-store")], Json(error)).into_response()
}

/// The OAuth response for a body that could not be read.
pub fn body_as_oauth(problem: BodyProblem) -> Response {
    oauth(&OAuthError::invalid_request(problem.describe()), problem.status())
}

/// The JSON API response for a body that could not be read.
pub fn body_as_api(problem: BodyProblem) -> Response {
    match problem {
        BodyProblem::TooLarge(_) => api(&ApiError::too_large()),
        BodyProblem::Incomplete | BodyProblem::Malformed => {
            api(&ApiError::new(ApiErrorName::BadRequest, "BadRequest", problem.describe()))
        }
    }
}

/// Logs errors that an operator should know of.
#[expect(clippy::wildcard_enum_match_arm, reason = "whatever is not the server's own trouble is the caller's")]
pub fn log(visit: &Visit, error: &Error) {
    if let Some(overload) = Overload::of(error) {
        let detail = format!("{}: {error}", visit.project.id);
        return visit.app.report_overload(overload, visit.request_id.as_str(), &detail);
    }
    match error {
        Error::Store(_) => {
            tracing::error!(request.id = %visit.request_id, project.id = visit.project.id, error = %error, "the store failed");
        }
        _ => {
            tracing::debug!(request.id = %visit.request_id, project.id = visit.project.id, error = %error, "a request was refused")
        }
    }
}

/// How long the client should wait, if waiting helps.
#[expect(clippy::wildcard_enum_match_arm, reason = "waiting helps against overload and nothing else")]
pub fn retry_after(error: &Error) -> Option<Duration> {
    match error {
        Error::RateLimited(RateLimit { retry_after, .. }) => Some(*retry_after),
        Error::Store(failure) if failure.is_transient() => Some(BUSY_RETRY),
        Error::PasswordsOverloaded
        | Error::ShareUsedUp
        | Error::RefreshTokenSuperseded
        | Error::ClientKeysUnavailable
        | Error::ProviderUnavailable => Some(BUSY_RETRY),
        _ => None,
    }
}

/// Adds `Retry-After` in whole seconds, rounded up.
pub fn with_retry_after(mut response: Response, after: Option<Duration>) -> Response {
    if let Some(after) = after {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    response
}

/// A row of the error reference: the error, and its response in each format.
pub struct DocumentedError {
    pub what: String,
    pub oauth: OAuthError,
    pub oauth_status: u16,
    pub api: ApiError,
    pub retry: bool,
}

/// Every error with its responses, for the generated reference.
pub fn list_documented_errors() -> Vec<DocumentedError> {
    Error::samples()
        .into_iter()
        .map(|error| DocumentedError {
            what: error.to_string(),
            oauth: to_oauth(&error),
            oauth_status: if is_about_a_session(&error) { 401 } else { to_oauth(&error).code.status() },
            api: to_api(&error),
            retry: retry_after(&error).is_some(),
        })
        .collect()
}

fn busy_as_oauth() -> OAuthError {
    OAuthError::new(ErrorCode::TemporarilyUnavailable, BUSY)
}

fn busy_as_api() -> ApiError {
    ApiError::new(ApiErrorName::ServiceUnavailable, "ServiceUnavailable", BUSY)
}

/// Whether the error is about the caller's session, not the request: OAuth responses then have status 401.
fn is_about_a_session(error: &Error) -> bool {
    matches!(error, Error::SessionRequired | Error::NothingPresented)
}

fn to_oauth(error: &Error) -> OAuthError {
    use ErrorCode as Code;
    match error {
        Error::Store(failure) if failure.is_transient() => busy_as_oauth(),
        Error::PasswordsOverloaded | Error::ShareUsedUp => busy_as_oauth(),
        Error::Store(_) => OAuthError::server_error(),
        Error::RateLimited(_) => OAuthError::rate_limited(),
        Error::AnonymousUserDisallowed => OAuthError::new(Code::UnauthorizedClient, "AnonymousUserDisallowed"),
        Error::PublicSignUpDisabled => OAuthError::new(Code::UnauthorizedClient, "public signup is disabled"),
        Error::UnknownClient => OAuthError::new(Code::InvalidClient, "invalid client ID"),
        Error::ClientChanged => OAuthError::invalid_request(error.to_string()),
        Error::ClientSecretMissing => OAuthError::new(Code::InvalidClient, "client secret is required"),
        Error::ClientSecretWrong => OAuthError::new(Code::InvalidClient, "invalid client secret"),
        Error::ClientAssertionRefused(why) => OAuthError::new(Code::InvalidClient, why.clone()),
        Error::ClientKeysUnavailable => OAuthError::new(Code::TemporarilyUnavailable, error.to_string()),
        Error::ClientWithoutGuests => OAuthError::new(Code::UnauthorizedClient, WITHOUT_GUESTS),
        Error::GrantTypeNotAllowed => {
            OAuthError::new(Code::UnauthorizedClient, "grant type is not allowed for this client")
        }
        Error::IntrospectionNotAllowed => {
            OAuthError::new(Code::UnauthorizedClient, "introspection is for confidential applications")
        }
        Error::LoggedInAsMember => OAuthError::invalid_grant("user logged in as normal user"),
        Error::AuthenticationRequired => OAuthError::invalid_grant("authentication required"),
        Error::InvalidRefreshToken => OAuthError::invalid_grant("invalid refresh token"),
        // Not `invalid_grant`: that would make the SDK drop the newer token it is about to receive.
        Error::RefreshTokenSuperseded => {
            OAuthError::new(Code::TemporarilyUnavailable, "the refresh token was just replaced: use the newest one")
        }
        Error::RefreshTokenOfAnotherClient => OAuthError::invalid_grant("client id doesn't match the refresh token"),
        Error::TokenOfAnotherClient => OAuthError::invalid_grant("the token was issued to another client"),
        Error::InvalidScope(why) => why.clone(),
        Error::InvalidTarget(why) => OAuthError::new(Code::InvalidTarget, *why),
        Error::InsufficientScope => OAuthError::new(Code::InsufficientScope, "full-access scope is required"),
        Error::InvalidCode => OAuthError::invalid_grant("invalid authorization code"),
        Error::InvalidDeviceCode => OAuthError::invalid_grant("invalid device code"),
        Error::DeviceCodePending => OAuthError::new(Code::AuthorizationPending, "the user has not decided yet"),
        Error::DeviceTooFast => OAuthError::new(Code::SlowDown, "wait 5 seconds longer between requests"),
        Error::DeviceCodeExpired => OAuthError::new(Code::ExpiredToken, "the device code has expired"),
        Error::DeviceRefused => OAuthError::new(Code::AccessDenied, "the user did not allow the device"),
        // One text for every fault of the token: the log says which.
        Error::InvalidSubjectToken => {
            OAuthError::invalid_request("invalid subject_token: get a new nonce and ask the provider again")
        }
        Error::InvalidProviderNonce => OAuthError::invalid_request(
            "invalid nonce: it was used or is too old, get another from /oauth2/challenge and ask the provider again",
        ),
        Error::InvalidContinuation => {
            OAuthError::invalid_request("invalid x_continuation: it was used or is too old, ask the provider again")
        }
        Error::ProviderUnavailable => {
            OAuthError::new(Code::TemporarilyUnavailable, "the provider does not answer, repeat the request")
        }
        Error::ReauthenticationRequired => OAuthError::new(
            Code::InteractionRequired,
            "the member must have authenticated within the last 5 minutes: reauthenticate, then repeat",
        ),
        Error::RedirectUriMismatch => OAuthError::invalid_request("invalid redirect URI"),
        Error::InvalidDpopProof(why) => describe_proof_error(*why),
        Error::DpopBindingMismatch => OAuthError::new(Code::InvalidDpopProof, BINDING),
        Error::DpopClockSkew => OAuthError::new(Code::InvalidDpopProof, format!("{BINDING}: {CHECK_CLOCK}")),
        Error::DpopProofReplayed => OAuthError::new(Code::InvalidDpopProof, "DPoP proof was used before"),
        Error::InvalidAnonymousCredentials => OAuthError::invalid_grant("InvalidCredentials"),
        Error::KeyWasPromoted => {
            OAuthError::invalid_grant("the account of this key was promoted: sign in with its login ID instead")
        }
        Error::UserDisabled => OAuthError::invalid_grant("user is disabled"),
        Error::HintUsed => OAuthError::invalid_request("the promotion code or proof was used"),
        Error::GuestLeft => OAuthError::new(Code::AccessDenied, "the guest's session has ended"),
        Error::InvalidDeviceInfo(why) => OAuthError::invalid_request(why.to_string()),
        Error::InvalidRequest(why) => OAuthError::invalid_request(why.clone()),
        Error::SessionRequired => OAuthError::invalid_grant("valid session is required"),
        Error::NothingPresented => OAuthError::invalid_request("no access token was presented"),
        Error::HookDisallowed(_) => OAuthError::invalid_request("disallowed by hook event handler"),
    }
}

/// The documented message of the fault, with advice when the device's clock is wrong.
fn describe_proof_error(why: ProofError) -> OAuthError {
    match why {
        ProofError::Times | ProofError::Expired => {
            OAuthError::new(ErrorCode::InvalidDpopProof, format!("{why}: {CHECK_CLOCK}"))
        }
        ProofError::Malformed
        | ProofError::Alg
        | ProofError::Jwk
        | ProofError::Type
        | ProofError::Payload
        | ProofError::Method
        | ProofError::Uri
        | ProofError::Signature => why.into(),
    }
}

fn to_api(error: &Error) -> ApiError {
    match error {
        Error::Store(failure) if failure.is_transient() => busy_as_api(),
        Error::PasswordsOverloaded | Error::ShareUsedUp => busy_as_api(),
        Error::Store(_) => ApiError::unexpected(),
        Error::RateLimited(limit) => match limit.counter {
            Counter::Setting(name) => api::rate_limited(&name.error_name(), &name.error_group(), name.bucket_name()),
            Counter::TokenPerIp => api::rate_limited("oauth.token.per_ip", "oauth.token", "TokenPerIP"),
            Counter::TokenPerApplication => {
                api::rate_limited("oauth.token.per_application", "oauth.token", "TokenPerApplication")
            }
            Counter::TokenPerUser => api::rate_limited("oauth.token.per_user", "oauth.token", "TokenPerUser"),
            Counter::TokenPerKey => api::rate_limited("oauth.token.per_key", "oauth.token", "TokenPerKey"),
            Counter::RevocationPerIp => api::rate_limited("oauth.revoke.per_ip", "oauth.revoke", "RevokePerIP"),
            Counter::DevicePerIp | Counter::DevicePerProject | Counter::DevicePoll | Counter::DevicePollPerIp => {
                api::rate_limited("oauth.device", "oauth.device", "Device")
            }
            Counter::PushedPerIp => api::rate_limited("oauth.par.per_ip", "oauth.par", "PushedPerIP"),
            Counter::UserCodePerIp => api::rate_limited("oauth.user_code.per_ip", "oauth.user_code", "UserCodePerIP"),
            Counter::CodePerUser | Counter::SettingsActionPerUser => {
                api::rate_limited("oauth.authorize.per_user", "oauth.authorize", "AuthorizePerUser")
            }
            Counter::LoginMethodChangePerUser => {
                api::rate_limited("settings.login_method.per_user", "settings.login_method", "LoginMethodPerUser")
            }
            Counter::AdminPerKey | Counter::AdminRefusedPerIp => {
                api::rate_limited("admin_api.request", "admin_api", "AdminApi")
            }
            Counter::ProviderPerIp => api::rate_limited("oauth.provider.per_ip", "oauth.provider", "ProviderPerIP"),
            Counter::OperatorSignIn => api::rate_limited("portal.sign_in", "portal", "PortalSignIn"),
        },
        Error::AnonymousUserDisallowed => ApiError::invalid("anonymous user disallowed"),
        Error::PublicSignUpDisabled => {
            ApiError::new(ApiErrorName::Forbidden, "NoPublicSignup", "public signup is disabled")
        }
        Error::UnknownClient => ApiError::invalid("invalid client ID"),
        Error::ClientWithoutGuests => ApiError::invalid(WITHOUT_GUESTS),
        Error::LoggedInAsMember => ApiError::invalid("user logged in as normal user"),
        Error::AuthenticationRequired | Error::SessionRequired | Error::NothingPresented => ApiError::unauthorized(),
        Error::InvalidRefreshToken => ApiError::invalid("invalid refresh token"),
        Error::InvalidScope(why) => ApiError::invalid(why.description().to_string()),
        Error::InvalidTarget(why) => ApiError::invalid(*why),
        Error::InsufficientScope => ApiError::forbidden("full-access scope is required"),
        Error::DpopBindingMismatch | Error::DpopClockSkew | Error::DpopProofReplayed | Error::InvalidDpopProof(_) => {
            ApiError::forbidden(to_oauth(error).description().to_string())
        }
        Error::HookDisallowed(veto) => {
            ApiError::new(ApiErrorName::Forbidden, "HookDisallowed", "disallowed by hook event handler")
                .with_info(json!({"event_type": veto.event_type, "reasons": veto.reasons}))
        }
        Error::InvalidRequest(why) => ApiError::invalid(why.clone()),
        Error::UserDisabled => ApiError::forbidden("user is disabled"),
        Error::InvalidAnonymousCredentials => {
            ApiError::new(ApiErrorName::Unauthorized, "InvalidCredentials", "invalid credentials")
        }
        Error::KeyWasPromoted
        | Error::ClientChanged
        | Error::ClientSecretMissing
        | Error::ClientSecretWrong
        | Error::ClientAssertionRefused(_)
        | Error::ClientKeysUnavailable
        | Error::GrantTypeNotAllowed
        | Error::IntrospectionNotAllowed
        | Error::RefreshTokenSuperseded
        | Error::RefreshTokenOfAnotherClient
        | Error::TokenOfAnotherClient
        | Error::InvalidCode
        | Error::InvalidDeviceCode
        | Error::DeviceCodePending
        | Error::DeviceTooFast
        | Error::DeviceCodeExpired
        | Error::DeviceRefused
        | Error::InvalidSubjectToken
        | Error::InvalidProviderNonce
        | Error::InvalidContinuation
        | Error::ProviderUnavailable
        | Error::ReauthenticationRequired
        | Error::RedirectUriMismatch
        | Error::HintUsed
        | Error::GuestLeft
        | Error::InvalidDeviceInfo(_) => ApiError::invalid(to_oauth(error).description().to_string()),
    }
}
