//! The host and port of a project or the portal, in one spelling for all schemes: identifies a project by its host.

use std::{borrow::Borrow, fmt};

use url::Url;

use super::Origin;

/// Maximum length of `host[:port]`: a DNS name has at most 253 characters.
const LONGEST: usize = 300;
/// The ports of http and https, which URLs and `Host` headers leave out.
const DEFAULT_PORTS: [u16; 2] = [80, 443];

/// `host[:port]` in lower case, without a default port, a trailing dot or a Unicode spelling.
///
/// Both 80 and 443 are left out: which one is the default depends on the scheme, and a project is found by its host
/// whatever the scheme.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Authority(String);

impl Authority {
    /// Parses `host[:port]` as in a `Host` header; `None` when invalid.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && !matches!(c, '/' | '\\' | '?' | '#' | '@');
        if text.len() > LONGEST || !text.chars().all(is_plain) {
            return None;
        }
        let url = Url::parse(&format!("http://{text}")).ok()?;
        let authority = Self::from_parts(url.host_str()?, url.port());
        (!authority.0.is_empty() && !authority.0.starts_with(':')).then_some(authority)
    }

    /// The authority of an origin.
    #[must_use]
    pub fn of(origin: &Origin) -> Self {
        Self::from_parts(origin.host(), origin.port())
    }

    /// `host` must be in the spelling of a parsed URL: lower case and ASCII.
    fn from_parts(host: &str, port: Option<u16>) -> Self {
        let host = host.trim_end_matches('.');
        match port.filter(|port| !DEFAULT_PORTS.contains(port)) {
            Some(port) => Self(format!("{host}:{port}")),
            None => Self(host.to_owned()),
        }
    }

    /// `host[:port]`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Allows lookups in a map by authority without constructing one.
impl Borrow<str> for Authority {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(origin: &str) -> String {
        Authority::of(&Origin::parse(origin).unwrap()).0
    }

    #[test]
    fn scheme_default_port_case_dot_and_spelling_do_not_matter() {
        for origin in [
            "https://müller.example",
            "http://müller.example",
            "https://MÜLLER.example:443/",
            "http://xn--mller-kva.example:80",
            "http://xn--mller-kva.example:443",
            "https://xn--mller-kva.example:80",
            "https://XN--mller-kva.Example.",
            "https://müller.example.:443",
            "https://m%C3%BCller.example",
        ] {
            assert_eq!(of(origin), "xn--mller-kva.example", "{origin}");
        }
        assert_eq!(of("https://a.example.:8443"), "a.example:8443");
        assert_eq!(of("http://127.1:4100"), "127.0.0.1:4100");
        assert_eq!(of("http://[0:0::1]:443"), "[::1]");
    }

    #[test]
    fn other_ports_and_hosts_are_others() {
        let all = ["https://a.example", "https://a.example:8443", "https://b.a.example", "https://a.example.org"];
        let all: std::collections::BTreeSet<_> = all.map(of).into();
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn a_host_header_is_read_like_an_origin() {
        for (text, expected) in [
            ("a.example", Some("a.example")),
            ("A.Example:443", Some("a.example")),
            ("a.example:80", Some("a.example")),
            ("a.example.:4100", Some("a.example:4100")),
            ("MÜLLER.example", Some("xn--mller-kva.example")),
            ("[::1]:4100", Some("[::1]:4100")),
            ("", None),
            (".", None),
            (":80", None),
            ("a.example:x", None),
            ("a.example:99999", None),
            ("a.example/b", None),
            ("user@a.example", None),
            ("a.example\\b", None),
            ("a.exa\tmple", None),
            ("a b", None),
        ] {
            assert_eq!(Authority::parse(text).as_ref().map(Authority::as_str), expected, "{text:?}");
        }
        assert_eq!(Authority::parse(&"a".repeat(LONGEST + 1)), None);
    }
}
