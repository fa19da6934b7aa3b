//! CORS (Fetch §3.2): discovery is open to all origins, the other APIs to the project's own.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{credentials::NoCredential, visit::Visit};

const MAX_AGE: HeaderValue = HeaderValue::from_static("900");

/// Responds to a preflight; the layer adds the headers when the origin is allowed.
pub async fn preflight(_: Visit, _: NoCredential, _: Request) -> Response {
    StatusCode::OK.into_response()
}

/// Allows every origin, without credentials.
pub async fn open(request: Request, next: Next) -> Response {
    let preflight = requested_headers(request.headers());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    preflight.grant(headers);
    response
}

/// The same as a layer of routes: see [`Dynamic`].
pub async fn dynamic(visit: Visit, request: Request, next: Next) -> Response {
    let dynamic = Dynamic::read(&visit, request.headers());
    let mut response = next.run(request).await.into_response();
    dynamic.allow(response.headers_mut());
    response
}

/// Allows the project's origins, with credentials; other origins get no header, so the browser blocks them.
pub struct Dynamic(Option<(HeaderValue, PreflightRequest)>);

impl Dynamic {
    /// Reads the origin of a request.
    pub fn read(visit: &Visit, headers: &HeaderMap) -> Self {
        let origin = headers.get(header::ORIGIN);
        let allowed = origin.filter(|origin| origin.to_str().is_ok_and(|origin| visit.project.cors.matches(origin)));
        Self(allowed.map(|origin| (origin.clone(), requested_headers(headers))))
    }

    /// Adds the headers that allow the origin to read the response.
    pub fn allow(self, headers: &mut HeaderMap) {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some((origin, preflight)) = self.0 {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            preflight.grant(headers);
        }
    }
}

/// The method and headers of a preflight, which are allowed as requested.
struct PreflightRequest {
    method: Option<HeaderValue>,
    headers: Option<HeaderValue>,
}

fn requested_headers(headers: &HeaderMap) -> PreflightRequest {
    PreflightRequest {
        method: headers.get(header::ACCESS_CONTROL_REQUEST_METHOD).cloned(),
        headers: headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned(),
    }
}

impl PreflightRequest {
    fn grant(self, headers: &mut HeaderMap) {
        if let Some(method) = self.method {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method);
        }
        if let Some(names) = self.headers {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
        }
    }
}
