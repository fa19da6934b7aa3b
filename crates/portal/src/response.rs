//! Responses of the portal: pages with their headers, redirects, and error pages.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use vestibule_app::{StoreError, admin::AdminError, ctx::RequestId, error::Error, overload::Overload};
use vestibule_protocol::limits::ECHO_NAMES;
use vestibule_web::{body::BodyProblem, error, history, policy::content_security_policy};

use crate::{
    HOME,
    frame::{PortalContext, PortalPage},
    message::MessagePage,
};

/// The response of a handler.
pub type PageResult = Result<Response, PortalError>;

/// Why there is no page.
#[derive(Debug)]
pub enum PortalError {
    /// It does not exist, or this operator must not know that it does.
    Missing,
    /// The operator's role is not sufficient.
    Forbidden,
    /// The form token has expired or is invalid.
    FormExpired,
    /// The form cannot be parsed.
    Unreadable(String),
    /// The body is too large or incomplete.
    Body(BodyProblem),
    /// The uploaded file has more bytes than these.
    FileTooLarge(usize),
    /// Too many attempts.
    TooMany(Duration),
    /// The server is overloaded.
    Busy(Duration, Option<Overload>),
    /// The input conflicts with the current state.
    Clash(String),
    /// An internal error, which was logged.
    Broken,
}

impl From<Error> for PortalError {
    fn from(error: Error) -> Self {
        match (&error, error::retry_after(&error)) {
            (Error::RateLimited(_), Some(wait)) => Self::TooMany(wait),
            (_, Some(wait)) => Self::Busy(wait, Overload::of(&error)),
            (_, None) => {
                tracing::error!(error = %error, "a request to the portal failed");
                Self::Broken
            }
        }
    }
}

impl From<StoreError> for PortalError {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<AdminError> for PortalError {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Store(error) => error.into(),
            AdminError::Flow(error) => error.into(),
            AdminError::NotFound(_) => Self::Missing,
            AdminError::RoleLost => Self::Forbidden,
            AdminError::Conflict(clash) => Self::Clash(format!("Not possible now: {clash}.")),
            AdminError::Changed { .. } => Self::Clash(
                "Another operator changed the project at the same time. Nothing was saved. Try again.".into(),
            ),
            AdminError::Invalid(faults) => {
                let messages =
                    faults.into_iter().take(ECHO_NAMES).map(|fault| format!("{}: {}", fault.path, fault.message));
                Self::Clash(format!("Nothing was saved. {}", messages.collect::<Vec<_>>().join("; ")))
            }
            error @ AdminError::OriginFixed => Self::Clash(format!("Nothing was saved: {error}.")),
            AdminError::Load(error) => {
                tracing::error!(error = %error, "the projects could not be loaded");
                Self::Broken
            }
        }
    }
}

impl PortalError {
    /// The error page.
    pub(super) fn respond(&self, ctx: &PortalContext, request_id: Option<RequestId>) -> Response {
        let home = Some((HOME.to_string(), "Back to projects".to_string()));
        let (status, title, text) = match self {
            Self::Missing => (
                StatusCode::NOT_FOUND,
                "Page not found",
                "Check the address. The page may have been removed, or you have no role in the project.".to_string(),
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "You need a higher role",
                "Your role in this project does not allow this. Ask an owner.".to_string(),
            ),
            Self::FormExpired => (
                StatusCode::FORBIDDEN,
                "The form has expired",
                "Nothing was saved. Go back, reload the page and send the form again.".to_string(),
            ),
            Self::Unreadable(why) => (StatusCode::BAD_REQUEST, "The request is not valid", why.clone()),
            Self::Body(problem) => {
                (problem.status(), "The request is not valid", format!("The {}.", problem.describe()))
            }
            Self::FileTooLarge(limit) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "The file is too large",
                format!("Nothing was saved. Choose a file of at most {} KiB.", limit / 1024),
            ),
            Self::TooMany(wait) => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many attempts",
                match wait.as_secs() {
                    0 => "Wait a second, then try again.".to_string(),
                    more => format!("Wait {} seconds, then try again.", more + 1),
                },
            ),
            Self::Busy(..) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The server is busy",
                "Nothing was saved. Try again in a moment.".to_string(),
            ),
            Self::Clash(why) => (StatusCode::CONFLICT, "Conflict", why.clone()),
            Self::Broken => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong",
                "The error is in the server's log.".to_string(),
            ),
        };
        let is_ours = status.is_server_error();
        let page = MessagePage {
            title: title.to_string(),
            text,
            link: home,
            request_id: request_id.filter(|_| is_ours).map(|id| id.to_string()),
        };
        let mut response = render(ctx, status, &page);
        if let Self::Busy(_, Some(overload)) = self {
            // Counted and logged with the response.
            response.extensions_mut().insert(*overload);
        }
        match self {
            Self::TooMany(wait) | Self::Busy(wait, _) => error::with_retry_after(response, Some(*wait)),
            Self::Missing
            | Self::Forbidden
            | Self::FormExpired
            | Self::Unreadable(_)
            | Self::Body(_)
            | Self::FileTooLarge(_)
            | Self::Clash(_)
            | Self::Broken => response,
        }
    }
}

/// A page with the common headers.
pub(super) fn render(ctx: &PortalContext, status: StatusCode, page: &dyn PortalPage) -> Response {
    let mut policy = content_security_policy(page.forms(), page.image_origin().as_deref());
    if page.has_frame() {
        policy.push_str("; frame-src 'self'");
    }
    let mut response = (status, page.render(ctx)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, history::cache_control(status));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

pub(super) fn redirect(status: StatusCode, location: &str) -> Response {
    let mut response = (status, [(header::CACHE_CONTROL, "no-store")]).into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
