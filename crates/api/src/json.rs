//! JSON responses that must not be cached.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;

/// Initial capacity for the bodies of the most frequent routes, which avoids reallocation.
const USUAL_BODY: usize = 1_024;
/// Initial capacity for the headers of a response.
pub(crate) const USUAL_HEADERS: usize = 12;

/// A response of this status with a JSON body, marked `no-store`.
pub(crate) fn fresh(status: StatusCode, body: &impl Serialize) -> Response {
    let mut text = Vec::with_capacity(USUAL_BODY);
    if let Err(error) = serde_json::to_writer(&mut text, body) {
        // Serialization of our types cannot fail; it would for a map whose keys are not text.
        tracing::error!(error = %error, "a response could not be serialized");
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    }
    let mut headers = HeaderMap::with_capacity(USUAL_HEADERS);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// As [`fresh`], with 200, for tokens and codes: RFC 6749 §5.1 demands the older header, too.
pub(crate) fn fresh_grant(body: &impl Serialize) -> Response {
    for_grants(StatusCode::OK, body)
}

/// The same with 400, for a refusal with more than its code (RFC 6749 §5.2).
pub(crate) fn refused_grant(body: &impl Serialize) -> Response {
    for_grants(StatusCode::BAD_REQUEST, body)
}

fn for_grants(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = fresh(status, body);
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
