//! Problem details (RFC 9457): maps errors of the admin use cases to responses.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;
use vestibule_app::{
    StoreError,
    admin::{AdminError, Clash},
    error::Error,
    overload::Overload,
};
use vestibule_domain::id::UserId;
use vestibule_protocol::limits::ECHO_NAMES;
use vestibule_web::{
    body::BodyProblem,
    error::{retry_after, with_retry_after},
};

// A problem response. Doc comments of these types are in the API's description.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    /// A stable code for programs.
    code: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Member>,
    /// The current ID (sub) of the user, if the request names it by an alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip)]
    retry_after: Option<Duration>,
    // Counted and logged with the response.
    #[serde(skip)]
    overload: Option<Overload>,
}

// An invalid member of a request.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Member {
    path: String,
    message: String,
}

/// Maximum characters of a text in a problem, for texts that were not shortened before.
const LONGEST: usize = 512;

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

impl Member {
    fn new(path: &str, message: &str) -> Self {
        Self { path: cut(path), message: cut(message) }
    }
}

impl Problem {
    /// A problem with its code and a sentence on what to do.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl AsRef<str>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: cut(detail.as_ref()),
            errors: Vec::new(),
            sub: None,
            retry_after: None,
            overload: None,
        }
    }

    /// The same, about this user.
    pub(crate) fn about(self, user: UserId) -> Self {
        Self { sub: Some(user.to_string()), ..self }
    }

    /// The caller presented no valid key.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "send Authorization: Bearer with an API key, or with a JWT signed by a registered key",
        )
    }

    pub(crate) fn too_many(after: Duration) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "too many requests: slow down");
        Self { retry_after: Some(after), ..problem }
    }

    /// A request that replaces something does not say which version of it.
    pub(crate) fn version_missing() -> Self {
        Self::new(
            StatusCode::PRECONDITION_REQUIRED,
            "version_missing",
            "send the version you read in If-Match, so that no change is lost",
        )
    }

    /// A fault of the server, which the caller has logged.
    pub(crate) fn unexpected() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected", "an unexpected error occurred")
    }

    /// The body is larger than it may be.
    pub(crate) fn too_large(detail: impl AsRef<str>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// The request cannot be parsed.
    pub(crate) fn unreadable(detail: impl AsRef<str>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unreadable", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).expect("a problem is plain JSON");
        let headers = [(header::CONTENT_TYPE, "application/problem+json"), (header::CACHE_CONTROL, "no-store")];
        let mut response = (status, headers, body).into_response();
        if let Some(overload) = self.overload {
            response.extensions_mut().insert(overload);
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        with_retry_after(response, self.retry_after)
    }
}

impl From<BodyProblem> for Problem {
    fn from(problem: BodyProblem) -> Self {
        let code = match problem {
            BodyProblem::TooLarge(_) => "too_large",
            BodyProblem::Incomplete => "incomplete",
            BodyProblem::Malformed => "malformed",
        };
        Self::new(problem.status(), code, problem.describe())
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::NotFound(what) => Self::new(StatusCode::NOT_FOUND, "not_found", format!("{what} not found")),
            AdminError::Invalid(faults) => {
                let first = faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
                let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", first);
                let left_out = faults.len().saturating_sub(ECHO_NAMES);
                let members = faults.into_iter().map(|fault| Member::new(&fault.path, &fault.message));
                let rest = (left_out > 0).then(|| Member::new("", &format!("{left_out} more are not listed")));
                Self { errors: members.take(ECHO_NAMES).chain(rest).collect(), ..problem }
            }
            AdminError::Conflict(clash) => Self::new(StatusCode::CONFLICT, code_of(clash), clash.to_string()),
            AdminError::Changed { current } => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "changed",
                format!("it was changed by another request: its version is now {current}; read it again"),
            ),
            error @ AdminError::OriginFixed => {
                let message = error.to_string();
                let problem = Self::new(StatusCode::FORBIDDEN, "origin_fixed", message.clone());
                Self { errors: vec![Member { path: "project.public_origin".to_string(), message }], ..problem }
            }
            // Keys have no role, so only operators of the portal can lose one.
            error @ AdminError::RoleLost => Self::new(StatusCode::FORBIDDEN, "forbidden", error.to_string()),
            AdminError::Store(error) => Error::Store(error).into(),
            AdminError::Flow(error) => error.into(),
            AdminError::Load(error) => {
                tracing::error!(error = %error, "the projects could not be loaded after a change");
                Self::unexpected()
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Error::Store(error).into()
    }
}

impl From<Error> for Problem {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these can come out of the flows of this API")]
    fn from(error: Error) -> Self {
        let after = retry_after(&error);
        let problem = match &error {
            Error::HookDisallowed(veto) => {
                let entries = veto.reasons.iter().map(|reason| {
                    let message = [reason.title.as_str(), reason.reason.as_str()].join(" ");
                    Member::new(veto.event_type, message.trim())
                });
                let problem = Self::new(StatusCode::FORBIDDEN, "hook_disallowed", "a blocking webhook refused it");
                Self { errors: entries.collect(), ..problem }
            }
            _ if after.is_some() => {
                let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "the server is busy: try again later");
                Self { overload: Overload::of(&error), ..problem }
            }
            _ => {
                tracing::error!(error = %error, "a request to the Admin API failed");
                Self::unexpected()
            }
        };
        Self { retry_after: after, ..problem }
    }
}

fn code_of(clash: Clash) -> &'static str {
    match clash {
        // No operation of the API acts on a selection.
        Clash::ChangedMeanwhile | Clash::SelectionChanged => "changed",
        Clash::LoginIdTaken => "login_id_taken",
        Clash::AlreadyMember => "already_member",
        Clash::NotActive => "not_active",
        Clash::ClientIdTaken => "client_id_taken",
        Clash::NoSecretNeeded => "no_secret_needed",
        Clash::StillWaiting => "still_waiting",
        Clash::KeyIdTaken => "key_id_taken",
        Clash::NotExpired => "not_expired",
        Clash::MergeEnded(_) => "merge_ended",
        Clash::MergeWaits => "merge_waits",
        Clash::MergeNotUndoable => "merge_not_undoable",
        Clash::PlanChanged => "plan_changed",
        Clash::TooManyHolds => "too_many_holds",
    }
}

pub(crate) async fn no_such_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "route not found: see /_api/admin/v1/docs")
}

/// The route exists, but not with this method.
pub(crate) async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "method not allowed: see the Allow header")
}
