//! Rejects requests whose head is ambiguous about the target or the credentials, before anything else reads them.

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, Version, header, uri::Authority},
    response::Response,
};
use vestibule_web::error;

/// The rejection of a request without a single valid `Host` (RFC 9112 §3.2), or with more than one `Authorization`.
pub(super) fn refuse(request: &Request) -> Option<Response> {
    let problem = find_framing_problem(request)?;
    let mut response = error::plain(StatusCode::BAD_REQUEST, problem);
    // Where two servers parse a request differently, the rest of the connection is ambiguous too.
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Some(response)
}

fn find_framing_problem(request: &Request) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let Some(host) = hosts.next() else {
        return (request.version() >= Version::HTTP_11)
            .then_some("This request has no Host header: HTTP/1.1 requires one (RFC 9112, section 3.2).\n");
    };
    if hosts.next().is_some() {
        return Some("This request has more than one Host header: send one (RFC 9112, section 3.2).\n");
    }
    if !is_host(host) {
        return Some("The Host header of this request is not a host name with an optional port.\n");
    }
    let has_two = request.headers().get_all(header::AUTHORIZATION).iter().nth(1).is_some();
    has_two.then_some("This request has more than one Authorization header: send one (RFC 9110, section 11.6.2).\n")
}

/// A host with an optional port; empty where the target has none (RFC 9112 §3.2).
fn is_host(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    bytes.is_empty() || is_plain_host(bytes) || (!bytes.contains(&b'@') && Authority::try_from(bytes).is_ok())
}

/// Whether it is a usual host name, perhaps with a port: nearly all are, and this needs no copy of it.
fn is_plain_host(bytes: &[u8]) -> bool {
    let (name, port) = match bytes.iter().position(|byte| *byte == b':') {
        Some(at) => (&bytes[..at], Some(&bytes[at + 1..])),
        None => (bytes, None),
    };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    !name.is_empty()
        && name.iter().all(is_name)
        && port.is_none_or(|port| !port.is_empty() && port.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn is_refused(version: Version, headers: &[(&str, &str)]) -> bool {
        let request = Request::builder().version(version).uri("/");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        refuse(&request.body(Body::empty()).expect("a request")).is_some()
    }

    #[test]
    fn one_readable_host_is_required() {
        let (old, new) = (Version::HTTP_10, Version::HTTP_11);
        for (version, headers, expected) in [
            (new, &[("host", "auth.test")][..], false),
            (new, &[("host", "auth.test:4100")], false),
            (new, &[("host", "[2001:db8::1]:4100")], false),
            (new, &[("host", "")], false),
            (old, &[], false),
            (new, &[], true),
            (new, &[("host", "auth.test"), ("host", "auth.test")], true),
            (old, &[("host", "auth.test"), ("host", "other.test")], true),
            (new, &[("host", "auth.test, other.test")], true),
            (new, &[("host", "auth.test/path")], true),
            (new, &[("host", "user@auth.test")], true),
            (new, &[("host", "auth test")], true),
        ] {
            assert_eq!(is_refused(version, headers), expected, "{version:?} {headers:?}");
        }
    }

    #[test]
    fn two_authorization_headers_are_refused() {
        let host = ("host", "auth.test");
        assert!(!is_refused(Version::HTTP_11, &[host, ("authorization", "Bearer a")]));
        assert!(is_refused(Version::HTTP_11, &[host, ("authorization", "Bearer a"), ("authorization", "Basic b")]));
    }
}
