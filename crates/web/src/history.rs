//! Caching of pages that answer a form. A browser asks to send the form again when its Back button returns to such a page and
//! the page was not stored, so pages without secrets are stored, in the browser only.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

/// Marks the response of a page, as opposed to one that carries a code to an application.
#[derive(Clone, Copy)]
pub struct RenderedPage;

/// The `Cache-Control` of a page with this status: errors hold no secrets, and are mostly responses to forms.
pub fn cache_control(status: StatusCode) -> HeaderValue {
    if status.is_success() { HeaderValue::from_static("no-store") } else { stored() }
}

/// Lets the Back button return to this page. Not for pages that show a secret.
pub fn store(response: &mut Response) {
    response.headers_mut().insert(header::CACHE_CONTROL, stored());
}

/// RFC 9111 §5.2.2: validated before any use but the Back button's.
fn stored() -> HeaderValue {
    HeaderValue::from_static("private, no-cache")
}
