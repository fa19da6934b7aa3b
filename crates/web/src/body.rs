//! Request bodies: read whole, with a size limit and a timeout.

use std::{error::Error, io, time::Duration};

use axum::{
    body::{Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use vestibule_app::state::App;
use vestibule_protocol::{
    form::Form,
    limits::{BODY_BYTES, FORM_BYTES},
    oauth::{self, OAuthError},
};

use crate::{header_text::text_of, multipart, visit::Visit};

/// Bytes drained after the limit, so that the client receives the 413 instead of a reset.
const DRAINED: usize = 7 * BODY_BYTES;

/// The largest JSON body that is parsed on the thread that answers, in bytes: a larger one may take milliseconds.
pub const PARSED_AT_ONCE: usize = 64 * 1024;

/// A body that was read, with its headers and query.
pub struct ReceivedBody {
    pub bytes: Bytes,
    pub headers: HeaderMap,
    pub content_type: Option<String>,
    pub query: String,
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyProblem {
    /// Larger than this limit, in bytes.
    TooLarge(usize),
    /// It timed out, or the connection broke.
    Incomplete,
    /// Its chunked encoding is invalid (RFC 9112 §7.1).
    Malformed,
}

pub async fn read(visit: &Visit, request: Request) -> Result<ReceivedBody, BodyProblem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).map(text_of);
    let limit = if content_type.as_deref().is_some_and(is_form) { FORM_BYTES } else { BODY_BYTES };
    read_up_to(limit, &visit.app, request).await
}

/// Reads the body of a route that takes a form: the limit of forms holds for every content type.
pub async fn read_form(visit: &Visit, request: Request) -> Result<ReceivedBody, BodyProblem> {
    read_form_for(&visit.app, request).await
}

/// As [`read_form`], for a request without a project.
pub async fn read_form_for(app: &App, request: Request) -> Result<ReceivedBody, BodyProblem> {
    read_up_to(FORM_BYTES, app, request).await
}

/// As [`read_form_for`], also for a form with a file, which may have so many bytes.
pub async fn read_upload_for(app: &App, limit: usize, request: Request) -> Result<ReceivedBody, BodyProblem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).map(text_of);
    let has_file = content_type.is_some_and(|content_type| multipart::boundary_in(&content_type).is_some());
    read_up_to(if has_file { limit } else { FORM_BYTES }, app, request).await
}

async fn read_up_to(limit: usize, app: &App, request: Request) -> Result<ReceivedBody, BodyProblem> {
    let (parts, mut body) = request.into_parts();
    let content_type = parts.headers.get(header::CONTENT_TYPE).map(|value| text_of(value).into_owned());
    let query = parts.uri.query().unwrap_or_default().to_string();
    let timeout = Duration::from_secs(app.config.server.body_timeout_seconds);
    // Nothing is kept of a body that says that it is too large.
    if usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX) > limit {
        let _ = tokio::time::timeout(timeout, drain(body)).await;
        return Err(BodyProblem::TooLarge(limit));
    }
    let read = Limited::new(&mut body, limit).collect();
    match tokio::time::timeout(timeout, read).await {
        Ok(Ok(collected)) => {
            Ok(ReceivedBody { bytes: collected.to_bytes(), headers: parts.headers, content_type, query })
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            // Whether the rest arrives does not matter: the body is too large either way.
            let _ = tokio::time::timeout(timeout, drain(body)).await;
            Err(BodyProblem::TooLarge(limit))
        }
        Ok(Err(error)) if is_framing(&*error) => Err(BodyProblem::Malformed),
        Ok(Err(_)) | Err(_) => Err(BodyProblem::Incomplete),
    }
}

/// Whether the error is an invalid chunked encoding.
fn is_framing(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData);
        }
        cause = error.source();
    }
    false
}

async fn drain(body: axum::body::Body) {
    let mut rest = Limited::new(body, DRAINED);
    while let Some(Ok(_)) = rest.frame().await {}
}

fn is_form(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

impl BodyProblem {
    /// The error message for the client.
    pub fn describe(self) -> String {
        match self {
            Self::TooLarge(limit) => format!("request body is larger than {} KiB", limit / 1024),
            Self::Incomplete => "request body did not arrive in time".to_string(),
            Self::Malformed => "request body is not correctly chunked".to_string(),
        }
    }

    /// The status of the response.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Incomplete => StatusCode::REQUEST_TIMEOUT,
            Self::Malformed => StatusCode::BAD_REQUEST,
        }
    }
}

impl ReceivedBody {
    /// As [`ReceivedBody::form`], also of a form with a file that need not be text: in the field `file`.
    pub fn form_with_file(&self) -> Result<(Form, Option<Bytes>), OAuthError> {
        let boundary = self.content_type.as_deref().and_then(multipart::boundary_in);
        let Some(boundary) = boundary else { return Ok((self.form()?, None)) };
        let parsed = multipart::parse_with_file(&self.bytes, boundary, "file");
        let (form, file) = parsed.ok_or_else(|| OAuthError::invalid_request("the form is not complete"))?;
        Ok((form.merge(Form::parse_query(&self.query)?), file.map(|content| self.bytes.slice_ref(content))))
    }

    /// As [`ReceivedBody::form`], also of a form with a file.
    pub fn upload_form(&self) -> Result<Form, OAuthError> {
        let boundary = self.content_type.as_deref().and_then(multipart::boundary_in);
        let Some(boundary) = boundary else { return self.form() };
        let form = multipart::parse(&self.bytes, boundary);
        let form =
            form.ok_or_else(|| OAuthError::invalid_request("the form or its file is not complete UTF-8 text"))?;
        Ok(form.merge(Form::parse_query(&self.query)?))
    }

    /// Parses the body as a form, followed by the URL's query.
    pub fn form(&self) -> Result<Form, OAuthError> {
        Ok(self.own_form()?.merge(Form::parse_query(&self.query)?))
    }

    /// As [`ReceivedBody::form`], for OAuth endpoints: also checks the length of each parameter.
    pub fn oauth_form(&self) -> Result<Form, OAuthError> {
        let form = self.form()?;
        oauth::check_lengths(&form)?;
        Ok(form)
    }

    /// Parses the body as a form.
    pub fn own_form(&self) -> Result<Form, OAuthError> {
        if !self.content_type.as_deref().is_some_and(is_form) && !self.bytes.is_empty() {
            return Err(OAuthError::invalid_request(
                "request content type is invalid: send application/x-www-form-urlencoded",
            ));
        }
        Ok(Form::parse(&self.bytes)?)
    }
}
