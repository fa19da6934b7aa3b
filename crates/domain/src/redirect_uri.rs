//! Compares redirect URIs. The authority of an `http` or `https` URI counts in any spelling (RFC 3986 §6.2.2), the rest
//! character by character (RFC 9700 §2.1); the port of a loopback address may differ for native applications (RFC 8252 §7.3).

use std::net::{Ipv4Addr, Ipv6Addr};

use url::Host;
use vestibule_protocol::cors::split_port;

/// An `http` or `https` URI, with its authority in normal form.
#[derive(PartialEq, Eq)]
struct WebUri<'a> {
    scheme: &'static str,
    host: Host<String>,
    port: u16,
    /// Path and query, as written.
    rest: &'a str,
}

impl<'a> WebUri<'a> {
    /// `None` for other schemes, and where parsers disagree about the authority.
    fn parse(text: &'a str) -> Option<Self> {
        let (scheme, after) = text.split_once("://")?;
        let (scheme, default_port) =
            ["http", "https"].into_iter().zip([80, 443]).find(|(known, _)| known.eq_ignore_ascii_case(scheme))?;
        let (authority, rest) = after.split_at(after.find(['/', '?', '#', '\\']).unwrap_or(after.len()));
        if authority.contains(['@', '%']) || rest.starts_with(['\\', '#']) {
            return None;
        }
        // A port may be empty (RFC 3986 §6.2.3).
        let (host, port) = split_port(authority.strip_suffix(':').unwrap_or(authority))?;
        Some(Self { scheme, host: Host::parse(host).ok()?, port: port.unwrap_or(default_port), rest })
    }

    fn has_origin_of(&self, other: &WebUri<'_>) -> bool {
        (self.scheme, &self.host, self.port) == (other.scheme, &other.host, other.port)
    }

    /// The literals of RFC 8252 §7.3; a name such as `localhost` may resolve to another address (§8.3).
    fn is_loopback(&self) -> bool {
        let is_literal = match self.host {
            Host::Ipv4(address) => address == Ipv4Addr::LOCALHOST,
            Host::Ipv6(address) => address == Ipv6Addr::LOCALHOST,
            Host::Domain(_) => false,
        };
        is_literal && self.scheme == "http"
    }

    fn print(&self) -> String {
        format!("{}://{}:{}{}", self.scheme, self.host, self.port, self.rest)
    }
}

/// The URI to redirect to when a request names `sent`: a registered one, or one with the port that a native application listens on.
pub(crate) fn find(registered: &[String], sent: &str, has_any_loopback_port: bool) -> Option<String> {
    if let Some(known) = registered.iter().find(|known| *known == sent) {
        return Some(known.clone());
    }
    let parsed = WebUri::parse(sent)?;
    let web = || registered.iter().filter_map(|known| Some((known, WebUri::parse(known)?)));
    let same = web().find(|(_, known)| *known == parsed).map(|(known, _)| known.clone());
    same.or_else(|| {
        let is_near =
            |known: &WebUri<'_>| known.is_loopback() && known.host == parsed.host && known.rest == parsed.rest;
        let may_differ = has_any_loopback_port && parsed.is_loopback();
        (may_differ && web().any(|(_, known)| is_near(&known))).then(|| parsed.print())
    })
}

/// Whether an exchange names the redirect URI of its code (RFC 6749 §4.1.3). A URI without a path may have gained its `/`: the Web SDK
/// sends the URL on which the browser landed (RFC 3986 §6.2.3).
pub(crate) fn is_of_code(of_code: &str, sent: &str) -> bool {
    if of_code == sent {
        return true;
    }
    let (Some(of_code), Some(sent)) = (WebUri::parse(of_code), WebUri::parse(sent)) else { return false };
    let has_gained_slash = of_code.rest.is_empty() && sent.rest == "/";
    sent.has_origin_of(&of_code) && (sent.rest == of_code.rest || has_gained_slash)
}

/// The URI as a page below an origin, in the origin's spelling.
#[must_use]
pub fn below_origin(origin: &str, uri: &str) -> Option<String> {
    let (origin_parts, parsed) = (WebUri::parse(origin)?, WebUri::parse(uri)?);
    let is_below =
        parsed.has_origin_of(&origin_parts) && parsed.rest.starts_with('/') && !parsed.rest.starts_with("//");
    is_below.then(|| format!("{origin}{}", parsed.rest))
}

/// Whether the URI ends with its authority. Browsers add a `/`, and operating systems match links by path.
pub(crate) fn has_no_path(uri: &str) -> bool {
    uri.split_once("://")
        .is_some_and(|(_, after)| after.split(['?', '#']).next().is_some_and(|start| !start.contains('/')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn find_one(registered: &str, sent: &str, any_port: bool) -> Option<String> {
        find(&[registered.to_owned()], sent, any_port)
    }

    #[test]
    fn the_authority_counts_in_any_spelling_and_the_rest_as_written() {
        for (registered, sent, fits) in [
            ("https://shop.example/back", "https://shop.example/back", true),
            ("https://shop.example/back", "https://SHOP.example/back", true),
            ("https://shop.example/back", "HTTPS://shop.example:443/back", true),
            ("https://shop.example:443/back", "https://shop.example/back", true),
            ("http://shop.example/back", "http://shop.example:80/back", true),
            ("https://shop.example/back", "https://shop.example:/back", true),
            ("https://shop.example/back", "https://shop.example::/back", false),
            ("https://shop.example/back", "https://:/back", false),
            ("https://bücher.example/back", "https://xn--bcher-kva.example/back", true),
            ("https://xn--bcher-kva.example/back", "https://BÜCHER.example/back", true),
            ("http://[2001:db8::1]:3000/", "http://[2001:0DB8:0:0:0:0:0:1]:3000/", true),
            ("https://shop.example?a=b", "https://Shop.example?a=b", true),
            ("https://shop.example/back", "https://shop.example/Back", false),
            ("https://shop.example/back", "https://shop.example/b%61ck", false),
            ("https://shop.example/back", "https://shop.example/back/", false),
            ("https://shop.example/back", "https://shop.example/back?x=1", false),
            ("https://shop.example/back", "https://shop.example/x/../back", false),
            ("https://shop.example/back", "https://shop.example:8443/back", false),
            ("https://shop.example/back", "http://shop.example/back", false),
            ("https://shop.example/back", "http://shop.example:443/back", false),
            ("https://shop.example/back", "https://shop.example./back", false),
            ("https://shop.example/back", "https://kim@shop.example/back", false),
            ("https://shop.example/back", "https://shop.example@evil.example/back", false),
            ("https://shop.example/back", "https://evil.example\\@shop.example/back", false),
            ("https://shop.example/back", "https://shop%2eexample/back", false),
            ("https://shop.example/back", "https:shop.example/back", false),
            ("https://shop.example/back", "//shop.example/back", false),
            ("https://shop.example/back", " https://shop.example/back", false),
            ("https://shop.example/back", "", false),
            ("https://shop.example", "https://shop.example/", false),
            ("com.shop.app://Host/back", "com.shop.app://host/back", false),
            ("com.shop.app:/back", "com.shop.app:/back", true),
        ] {
            // Always the registered text: what browsers read differently cannot lead elsewhere.
            let expected = fits.then(|| registered.to_owned());
            assert_eq!(find_one(registered, sent, true), expected, "{registered} {sent}");
        }
    }

    #[test]
    fn a_native_application_listens_on_any_loopback_port() {
        for (registered, sent, found) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", Some("http://127.0.0.1:51004/cb")),
            ("http://127.0.0.1:8000/cb", "http://127.0.0.1:51004/cb", Some("http://127.0.0.1:51004/cb")),
            ("http://127.0.0.1:8000/cb", "http://127.0.0.1/cb", Some("http://127.0.0.1:80/cb")),
            ("http://[::1]/cb?a=b", "http://[::1]:51004/cb?a=b", Some("http://[::1]:51004/cb?a=b")),
            ("http://[::1]/cb", "HTTP://[0:0:0:0:0:0:0:1]:5/cb", Some("http://[::1]:5/cb")),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb/", None),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb?x", None),
            ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb", None),
            ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", None),
            ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb", None),
            ("https://127.0.0.1/cb", "https://127.0.0.1:51004/cb", None),
            ("http://127.0.0.1/cb", "http://[::1]:51004/cb", None),
            ("http://127.0.0.1/cb", "http://localhost:51004/cb", None),
            ("http://localhost/cb", "http://localhost:51004/cb", None),
            ("http://127.0.0.2/cb", "http://127.0.0.2:51004/cb", None),
            ("http://[::ffff:127.0.0.1]/cb", "http://[::ffff:127.0.0.1]:51004/cb", None),
            ("http://192.168.0.1/cb", "http://192.168.0.1:51004/cb", None),
            ("http://127.0.0.1/cb", "http://kim@127.0.0.1:51004/cb", None),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004@evil.example/cb", None),
        ] {
            assert_eq!(find_one(registered, sent, true).as_deref(), found, "{registered} {sent}");
            assert_eq!(find_one(registered, sent, false), None, "{registered} {sent}");
        }
        let exact = ["http://127.0.0.1/cb".to_owned(), "http://127.0.0.1:5000/cb".to_owned()];
        assert_eq!(find(&exact, "http://127.0.0.1:5000/cb", false).as_deref(), Some("http://127.0.0.1:5000/cb"));
    }

    #[test]
    fn an_exchange_may_add_the_slash_that_a_browser_adds() {
        for (of_code, sent, expected) in [
            ("https://shop.example", "https://shop.example", true),
            ("https://shop.example", "https://shop.example/", true),
            ("https://shop.example", "https://Shop.example:443/", true),
            ("http://localhost:5173", "http://localhost:5173/", true),
            ("http://127.0.0.1:80/cb", "http://127.0.0.1/cb", true),
            ("http://127.0.0.1:51004/cb", "http://127.0.0.1:51005/cb", false),
            ("https://shop.example/", "https://shop.example", false),
            ("https://shop.example", "https://shop.example//", false),
            ("https://shop.example", "https://shop.example.evil/", false),
            ("https://shop.example/back", "https://shop.example/back/", false),
            ("https://shop.example?a=b", "https://shop.example?a=b/", false),
            ("com.shop.app://back", "com.shop.app://back/", false),
        ] {
            assert_eq!(is_of_code(of_code, sent), expected, "{of_code} {sent}");
        }
    }

    #[test]
    fn a_page_below_an_origin_is_printed_in_the_origins_spelling() {
        let origin = "https://auth.shop.example";
        for (uri, page) in [
            ("https://auth.shop.example/settings?a=b", Some("https://auth.shop.example/settings?a=b")),
            ("https://AUTH.shop.example:443/settings", Some("https://auth.shop.example/settings")),
            ("https://auth.shop.example", None),
            ("https://auth.shop.example//evil.example", None),
            ("https://auth.shop.example\\evil.example", None),
            ("https://auth.shop.example:8443/settings", None),
            ("https://auth.shop.example.evil.example/", None),
            ("http://auth.shop.example/settings", None),
        ] {
            assert_eq!(below_origin(origin, uri).as_deref(), page, "{uri}");
        }
    }

    #[test]
    fn a_uri_may_have_no_path() {
        for (uri, expected) in [
            ("https://shop.example", true),
            ("https://shop.example?a=/b", true),
            ("com.shop.app://done", true),
            ("https://shop.example/", false),
            ("https://shop.example/?a", false),
            ("com.shop.app://host/path", false),
            ("com.shop.app:/done", false),
            ("com.shop.app:done", false),
        ] {
            assert_eq!(has_no_path(uri), expected, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn what_fits_has_the_origin_that_the_url_standard_reads(sent in "(?i)https?://[a-z0-9.:@\\\\\\[\\]/?#%-]{1,30}") {
            if let Some(found) = find_one("http://127.0.0.1/cb", &sent, true) {
                let read = url::Url::parse(&sent).unwrap();
                prop_assert_eq!(read.host_str(), Some("127.0.0.1"));
                prop_assert_eq!(url::Url::parse(&found).unwrap(), read);
            }
        }
    }
}
