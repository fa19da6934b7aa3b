//! CORS (Fetch §3.2): discovery is open to all origins, the other APIs to the project's own; only first-party origins may
//! send cookies.

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

/// Allows the project's origins: those of first-party applications with credentials, those of third-party applications
/// without. A host of a third-party application has no credentials by an entry with a star. Other origins get no header, so
/// the browser blocks them.
pub struct Dynamic(Option<AllowedOrigin>);

struct AllowedOrigin {
    origin: HeaderValue,
    with_credentials: bool,
    preflight: PreflightRequest,
}

impl Dynamic {
    /// Reads the origin of a request.
    pub fn read(visit: &Visit, headers: &HeaderMap) -> Self {
        let Some(origin) = headers.get(header::ORIGIN) else { return Self(None) };
        let Ok(text) = origin.to_str() else { return Self(None) };
        let (own, others) = (&visit.project.cors, &visit.project.third_party_cors);
        // A star is not meant for the host of a third-party application, which may be below the project's own domain.
        let with_credentials = own.matches_exactly(text) || (own.matches(text) && !others.has_host_of(text));
        if !with_credentials && !others.matches(text) {
            return Self(None);
        }
        Self(Some(AllowedOrigin { origin: origin.clone(), with_credentials, preflight: requested_headers(headers) }))
    }

    /// Adds the headers that allow the origin to read the response.
    pub fn allow(self, headers: &mut HeaderMap) {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(AllowedOrigin { origin, with_credentials, preflight }) = self.0 {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            if with_credentials {
                headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            }
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
