//! The Admin API's description: OpenAPI 3.1, and an HTML page made from it.

use axum::{
    extract::Request,
    http::header,
    response::{IntoResponse, Response},
};
use vestibule_web::{credentials::NoCredential, visit::Visit};

use super::page::{OPENAPI, PAGE};

/// `GET /openapi.json`
pub(crate) async fn openapi(_: Visit, _: NoCredential, _: Request) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// `GET /docs`
pub(crate) async fn page(_: Visit, _: NoCredential, _: Request) -> Response {
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)];
    (headers, PAGE.as_str()).into_response()
}
