//! JSON answers that nobody may keep.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;

/// Room for the answers of the routes that are asked most, so that printing one does not move it.
const USUAL_BODY: usize = 1_024;
/// Room for the headers an answer gets on its way out.
const USUAL_HEADERS: usize = 12;

/// An answer of this status with a JSON body, marked `no-store`.
pub(crate) fn fresh(status: StatusCode, body: &impl Serialize) -> Response {
    let mut text = Vec::with_capacity(USUAL_BODY);
    if let Err(error) = serde_json::to_writer(&mut text, body) {
        // Our own types print; a map with keys that are no text would not.
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
