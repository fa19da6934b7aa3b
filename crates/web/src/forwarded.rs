//! Forwarding headers of reverse proxies: `X-Forwarded-For`, `-Host` and `-Proto`. Each proxy may append a value, in
//! the same line or in another one; the first value is about the client. They are used only when the peer is a trusted
//! proxy.

use std::{
    borrow::Cow,
    net::{AddrParseError, IpAddr, SocketAddr},
};

use axum::http::HeaderMap;
use vestibule_app::config::Server;

use crate::header_text::parts_of;

const FOR: &str = "x-forwarded-for";
const HOST: &str = "x-forwarded-host";
const PROTO: &str = "x-forwarded-proto";

/// Whether the peer is a trusted proxy.
pub(crate) fn is_trusted(server: &Server, peer: IpAddr) -> bool {
    server.trusted_proxies.iter().any(|network| network.contains(peer))
}

/// Whether a proxy, trusted or not, forwarded the request.
pub fn is_present(headers: &HeaderMap) -> bool {
    [FOR, HOST, PROTO, "forwarded"].into_iter().any(|name| headers.contains_key(name))
}

/// The host that the client requested.
pub fn host(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    values(headers, HOST).next()
}

/// Whether the client used TLS; `None` when no proxy says so.
pub fn is_tls(headers: &HeaderMap) -> Option<bool> {
    let scheme = values(headers, PROTO).next()?;
    Some(["https", "wss"].into_iter().any(|tls| scheme.eq_ignore_ascii_case(tls)))
}

/// The nearest address that is not a trusted proxy: values left of it may be forged.
pub(crate) fn client_ip(server: &Server, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
    let hops: Vec<Cow<'_, str>> = values(headers, FOR).collect();
    let mut nearest = peer;
    for hop in hops.iter().rev() {
        let Ok(ip) = parse_hop(hop) else { break };
        nearest = ip;
        if !is_trusted(server, ip) {
            break;
        }
    }
    nearest
}

/// The values of a header, beginning with the client's; empty ones are skipped (RFC 9110 §5.6.1).
fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
    headers.get_all(name).into_iter().flat_map(|line| parts_of(line, b',')).filter(|value| !value.is_empty())
}

fn parse_hop(hop: &str) -> Result<IpAddr, AddrParseError> {
    hop.parse::<IpAddr>()
        .or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()))
        .or_else(|_| hop.trim_matches(['[', ']']).parse())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn server(proxies: &[&str]) -> Server {
        let mut server = vestibule_app::config::load(None, std::iter::empty()).expect("defaults").server;
        server.trusted_proxies = proxies.iter().map(|p| (*p).to_string().try_into().expect("a network")).collect();
        server
    }

    fn headers(name: &'static str, lines: &[&str]) -> HeaderMap {
        let line = |line: &&str| (HeaderName::from_static(name), HeaderValue::from_str(line).expect("text"));
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(line) {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn the_clients_address_is_the_first_that_is_not_a_proxy_of_ours() {
        let server = server(&["10.0.0.0/8"]);
        let peer = "10.0.0.1".parse().expect("ip");
        for (lines, expected) in [
            (&["203.0.113.9"][..], "203.0.113.9"),
            (&["1.2.3.4, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            (&["1.2.3.4", "203.0.113.9", "10.0.0.2"], "203.0.113.9"),
            (&["203.0.113.9, ", " ,10.0.0.2,"], "203.0.113.9"),
            (&["nonsense, 203.0.113.9"], "203.0.113.9"),
            (&["203.0.113.9:4711"], "203.0.113.9"),
            (&["[2001:db8::9]:4711"], "2001:db8::9"),
            (&["nonsense"], "10.0.0.1"),
            (&[""], "10.0.0.1"),
            (&[], "10.0.0.1"),
        ] {
            assert_eq!(client_ip(&server, &headers(FOR, lines), peer).to_string(), expected, "{lines:?}");
        }
    }

    #[test]
    fn an_odd_byte_hides_no_other_hop() {
        let line = HeaderValue::from_bytes(b"b\xe9, 203.0.113.9").expect("a header value");
        let headers = HeaderMap::from_iter([(HeaderName::from_static(FOR), line)]);
        let peer = "10.0.0.1".parse().expect("ip");
        assert_eq!(client_ip(&server(&["10.0.0.0/8"]), &headers, peer).to_string(), "203.0.113.9");
    }

    #[test]
    fn the_first_scheme_is_the_clients() {
        for (lines, expected) in [
            (&["https"][..], Some(true)),
            (&["HTTPS"], Some(true)),
            (&["https,http"], Some(true)),
            (&["https, https"], Some(true)),
            (&["https", "http"], Some(true)),
            (&[" , https"], Some(true)),
            (&["", "https"], Some(true)),
            (&["wss"], Some(true)),
            (&["http"], Some(false)),
            (&["http, https"], Some(false)),
            (&["ws"], Some(false)),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(is_tls(&headers(PROTO, lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn the_first_host_is_the_one_the_client_asked_for() {
        for (lines, expected) in [
            (&["auth.test"][..], Some("auth.test")),
            (&["auth.test, inner:4100"], Some("auth.test")),
            (&[",auth.test", "inner:4100"], Some("auth.test")),
            (&[" "], None),
        ] {
            assert_eq!(host(&headers(HOST, lines)).as_deref(), expected, "{lines:?}");
        }
    }
}
