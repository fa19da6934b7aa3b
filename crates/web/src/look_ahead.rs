//! Requests that must have no effect: HEAD, and GET that a browser sends before anyone follows the link.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// The headers by which browsers mark a request as made ahead of time (Fetch §`Sec-Purpose`, and what older ones send).
const MARKS: [HeaderName; 4] = [
    HeaderName::from_static("sec-purpose"),
    HeaderName::from_static("purpose"),
    HeaderName::from_static("x-purpose"),
    HeaderName::from_static("x-moz"),
];

/// Whether a browser sent the request ahead of time.
pub fn is_prefetch(headers: &HeaderMap) -> bool {
    // Nearly no request has one of them, and each looks.
    let values = headers.iter().filter(|(name, _)| MARKS.contains(name)).map(|(_, value)| value);
    values.flat_map(|value| value.as_bytes().split(|byte| matches!(byte, b';' | b','))).any(|part| {
        [&b"prefetch"[..], b"prerender", b"preview"].iter().any(|mark| part.trim_ascii().eq_ignore_ascii_case(mark))
    })
}

/// Whether the request only looks: nothing that it leads to is recorded as a use.
pub fn only_looks(method: &Method, headers: &HeaderMap) -> bool {
    matches!(*method, Method::HEAD | Method::OPTIONS) || is_prefetch(headers)
}

/// A layer for a GET that has an effect: HEAD gets an empty answer, and a prefetch is refused, so that the browser asks again when
/// someone follows the link.
pub async fn guard_effect(request: Request, next: Next) -> Response {
    let status = match *request.method() {
        Method::HEAD => StatusCode::OK,
        Method::GET if is_prefetch(request.headers()) => StatusCode::SERVICE_UNAVAILABLE,
        _ => return next.run(request).await,
    };
    refuse(status)
}

/// The answer to a prefetch of a page that has an effect.
pub fn refuse_prefetch() -> Response {
    refuse(StatusCode::SERVICE_UNAVAILABLE)
}

fn refuse(status: StatusCode) -> Response {
    (status, [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_mark_what_they_fetch_ahead_of_time() {
        for (name, value, expected) in [
            ("sec-purpose", &b"prefetch"[..], true),
            ("sec-purpose", b"prefetch;prerender", true),
            ("sec-purpose", b"prefetch;anonymous-client-ip", true),
            ("purpose", b"Prefetch", true),
            ("x-moz", b"prefetch", true),
            ("x-purpose", b"preview", true),
            ("sec-purpose", b"\xff; prefetch", true),
            ("sec-purpose", b"prefetch, prefetch;prerender", true),
            ("sec-purpose", b"", false),
            ("sec-purpose", b"prefetched", false),
            ("sec-fetch-mode", b"prefetch", false),
        ] {
            let value = HeaderValue::from_bytes(value).expect("a header value");
            let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.clone())]);
            assert_eq!(is_prefetch(&headers), expected, "{name}: {value:?}");
        }
    }

    #[test]
    fn a_request_that_only_looks_is_no_use() {
        let none = HeaderMap::new();
        for (method, expected) in
            [(Method::GET, false), (Method::POST, false), (Method::HEAD, true), (Method::OPTIONS, true)]
        {
            assert_eq!(only_looks(&method, &none), expected, "{method}");
        }
    }
}
