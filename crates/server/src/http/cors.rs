//! Cross-origin calls (protocol facts §11): discovery is open to all, the rest to the project's own origins.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{credentials::NoCredential, visit::Visit};

const MAX_AGE: HeaderValue = HeaderValue::from_static("900");

/// Answers a preflight: the layer adds the headers, when the origin is one of ours.
pub(crate) async fn preflight(_: Visit, _: NoCredential, _: Request) -> Response {
    StatusCode::OK.into_response()
}

/// Open to every origin, without credentials.
pub(crate) async fn open(request: Request, next: Next) -> Response {
    let asked = asked_headers(request.headers());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    asked.grant(headers);
    response
}

/// As a layer of routes: see [`Dynamic`].
pub(crate) async fn dynamic(visit: Visit, request: Request, next: Next) -> Response {
    let dynamic = Dynamic::read(&visit, request.headers());
    let mut response = next.run(request).await.into_response();
    dynamic.allow(response.headers_mut());
    response
}

/// Open to the project's origins, with credentials; others get no header and their browser refuses.
pub(crate) struct Dynamic(Option<(HeaderValue, Asked)>);

impl Dynamic {
    /// Looks where a request comes from.
    pub(crate) fn read(visit: &Visit, headers: &HeaderMap) -> Self {
        let origin = headers.get(header::ORIGIN);
        let allowed = origin.filter(|origin| origin.to_str().is_ok_and(|origin| visit.project.cors.matches(origin)));
        Self(allowed.map(|origin| (origin.clone(), asked_headers(headers))))
    }

    /// Tells its browser who may read the answer.
    pub(crate) fn allow(self, headers: &mut HeaderMap) {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some((origin, asked)) = self.0 {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            asked.grant(headers);
        }
    }
}

/// What a preflight asks for: it is granted as asked.
struct Asked {
    method: Option<HeaderValue>,
    headers: Option<HeaderValue>,
}

fn asked_headers(headers: &HeaderMap) -> Asked {
    Asked {
        method: headers.get(header::ACCESS_CONTROL_REQUEST_METHOD).cloned(),
        headers: headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned(),
    }
}

impl Asked {
    fn grant(self, headers: &mut HeaderMap) {
        if let Some(method) = self.method {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method);
        }
        if let Some(names) = self.headers {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
        }
    }
}
