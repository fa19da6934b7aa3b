//! Request bodies: read whole, up to 1 MiB, within a time.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::Request,
    http::{HeaderMap, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use vestibule_protocol::{form::Form, oauth::OAuthError};

use super::visit::Visit;
use crate::app::App;

/// The largest body taken, in bytes.
const LIMIT: usize = 1024 * 1024;
/// How much more of a larger one is read and thrown away: who is cut off while sending does not see the answer.
const DRAINED: usize = 7 * LIMIT;

/// A body that was read, with what its sender says of it.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    /// The request's headers.
    pub(crate) headers: HeaderMap,
    pub(crate) content_type: Option<String>,
    /// The query of the request's URL.
    pub(crate) query: String,
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyProblem {
    /// Larger than the limit.
    TooLarge,
    /// It did not come in time, or the connection broke.
    Incomplete,
}

/// Reads a request's body.
pub(crate) async fn read(visit: &Visit, request: Request) -> Result<Body, BodyProblem> {
    read_for(&visit.app, request).await
}

/// As [`read`], for a request that is no visit to a project.
pub(crate) async fn read_for(app: &App, request: Request) -> Result<Body, BodyProblem> {
    let (parts, mut body) = request.into_parts();
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).map(str::to_string);
    let query = parts.uri.query().unwrap_or_default().to_string();
    let patience = Duration::from_secs(app.config.server.body_timeout_seconds);
    let read = Limited::new(&mut body, LIMIT).collect();
    match tokio::time::timeout(patience, read).await {
        Ok(Ok(collected)) => Ok(Body { bytes: collected.to_bytes(), headers: parts.headers, content_type, query }),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            // Whether all of it came does not matter: it is too much either way.
            let _ = tokio::time::timeout(patience, drain(body)).await;
            Err(BodyProblem::TooLarge)
        }
        Ok(Err(_)) | Err(_) => Err(BodyProblem::Incomplete),
    }
}

async fn drain(body: axum::body::Body) {
    let mut rest = Limited::new(body, DRAINED);
    while let Some(Ok(_)) = rest.frame().await {}
}

impl Body {
    /// Reads it as a form, with the URL's query behind it.
    pub(crate) fn form(&self) -> Result<Form, OAuthError> {
        let media_type = self.content_type.as_deref().and_then(|text| text.split(';').next()).map(str::trim);
        let is_form = media_type.is_some_and(|t| t.eq_ignore_ascii_case("application/x-www-form-urlencoded"));
        if !is_form && !self.bytes.is_empty() {
            return Err(OAuthError::invalid_request(
                "request content type is invalid: send application/x-www-form-urlencoded",
            ));
        }
        Ok(Form::parse(&self.bytes)?.merge(Form::parse_query(&self.query)?))
    }
}
