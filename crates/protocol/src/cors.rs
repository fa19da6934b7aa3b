//! Which web origins may call (`protocol` facts §11): entries with wildcard labels, matched against `Origin`.
//! A pure matcher; the header names are the caller's.

use url::{Host, Url};

use crate::limits::ORIGIN_BYTES;

/// A list of origin entries; entries that cannot be read match nothing and do no harm to the others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OriginMatcher {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Absent: http and https both match.
    scheme: Option<Scheme>,
    host: HostPattern,
    /// Absent: the default port of the scheme.
    port: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("https") {
            Some(Self::Https)
        } else if text.eq_ignore_ascii_case("http") {
            Some(Self::Http)
        } else {
            None
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    /// A name or address, as the URL standard prints it.
    Exact(String),
    /// Labels, of which `*` stands for exactly one.
    Labels(Vec<String>),
}

impl OriginMatcher {
    /// Reads entries of the form `[scheme://]host[:port]`, skipping those that are not.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Self {
        Self { entries: entries.into_iter().filter_map(Entry::parse).collect() }
    }

    /// Adds the origin of a URL, such as a redirect URI; custom schemes and broken URLs have none and add nothing.
    pub fn add_origin_of(&mut self, url: &str) {
        self.entries.extend(origin_of(url).as_deref().and_then(Entry::parse));
    }

    /// Whether `origin`, the value of an `Origin` header, matches an entry.
    pub fn matches(&self, origin: &str) -> bool {
        if origin.len() > ORIGIN_BYTES {
            return false;
        }
        let Some((scheme, host, port)) = split_origin(origin) else { return false };
        self.entries.iter().any(|entry| {
            entry.scheme.is_none_or(|wanted| wanted == scheme)
                && entry.port.unwrap_or(scheme.default_port()) == port
                && entry.host.matches(&host)
        })
    }
}

/// The web origin of an `http` or `https` URL, printed as browsers print it.
pub fn origin_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    Scheme::parse(url.scheme())?;
    Some(url.origin().ascii_serialization())
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(Scheme::parse(scheme)?), rest),
            None => (None, text),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = split_port(rest)?;
        Some(Self { scheme, host: HostPattern::parse(host)?, port })
    }
}

impl HostPattern {
    fn parse(text: &str) -> Option<Self> {
        if !text.contains('*') {
            return parse_host(text).map(Self::Exact);
        }
        let labels = text
            .split('.')
            .map(|label| match label {
                "*" => Some(label.to_owned()),
                // A number would make the whole an address, so a plain letter stands in for the missing name.
                _ => parse_host(&format!("{label}.x")).and_then(|host| host.strip_suffix(".x").map(str::to_owned)),
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Self::Labels(labels))
    }

    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == host,
            Self::Labels(labels) => {
                let mut parts = host.split('.');
                labels.iter().all(|label| parts.next().is_some_and(|part| label == "*" || label == part))
                    && parts.next().is_none()
            }
        }
    }
}

/// A host without anything a URL would read as another part.
fn parse_host(text: &str) -> Option<String> {
    let forbidden = |c: char| c.is_whitespace() || matches!(c, '/' | '\\' | '?' | '#' | '@' | '%');
    if text.is_empty() || text.contains(forbidden) {
        return None;
    }
    Host::parse(text).ok().map(|host| host.to_string())
}

/// Splits `host[:port]`, minding the colons of an IPv6 address in brackets.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let after_bracket = text.rfind(']').map_or(0, |bracket| bracket + 1);
    match text.get(after_bracket..)?.rfind(':') {
        None => Some((text, None)),
        Some(colon) => {
            let (host, port) = text.split_at(after_bracket + colon);
            let digits = port.strip_prefix(':')?;
            let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            Some((host, Some(digits.parse().ok().filter(|_| all_digits)?)))
        }
    }
}

/// Reads an `Origin` header: scheme, host and port, and nothing more.
fn split_origin(origin: &str) -> Option<(Scheme, String, u16)> {
    let (scheme, rest) = origin.split_once("://")?;
    let scheme = Scheme::parse(scheme)?;
    let (host, port) = split_port(rest)?;
    Some((scheme, parse_host(host).filter(|host| !host.contains('*'))?, port.unwrap_or(scheme.default_port())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entries_match_as_documented() {
        for (entry, origin, expected) in [
            ("https://app.example", "https://app.example", true),
            ("https://app.example", "http://app.example", false),
            ("https://app.example", "https://app.example:443", true),
            ("https://app.example:443", "https://app.example", true),
            ("https://app.example:8443", "https://app.example", false),
            ("https://app.example:8443", "https://app.example:8443", true),
            ("app.example", "https://app.example", true),
            ("app.example", "http://app.example", true),
            ("app.example", "http://app.example:8080", false),
            ("localhost:3000", "http://localhost:3000", true),
            ("APP.Example", "https://app.example", true),
            ("https://app.example/", "https://app.example", true),
            ("*.example", "https://app.example", true),
            ("*.example", "https://example", false),
            ("*.example", "https://a.b.example", false),
            ("*.*.example", "https://a.b.example", true),
            ("https://app-*.example", "https://app-1.example", false),
            ("*", "https://app.example", false),
            ("*", "http://localhost", true),
            ("127.0.0.1:3000", "http://127.0.0.1:3000", true),
            ("[::1]:3000", "http://[::1]:3000", true),
            ("[::1]", "http://[::1]", true),
            ("bücher.example", "https://xn--bcher-kva.example", true),
            ("app.example", "https://app.example.evil.test", false),
            ("app.example", "https://evil-app.example", false),
            ("app.example", "https://app.example/path", false),
            ("app.example", "https://user@app.example", false),
            ("app.example", "null", false),
            ("app.example", "", false),
            ("*.example", "https://*.example", false),
        ] {
            assert_eq!(OriginMatcher::new([entry]).matches(origin), expected, "{entry} against {origin}");
        }
    }

    #[test]
    fn a_bad_entry_does_not_spoil_the_others() {
        let matcher = OriginMatcher::new([
            "",
            "https://",
            "ftp://a.example",
            "com.shop.app://host",
            "a b",
            "a.example:port",
            "a.example:99999",
            "https://app.example",
        ]);
        assert_eq!(matcher, OriginMatcher::new(["https://app.example"]));
    }

    #[test]
    fn redirect_uris_lend_their_origin() {
        let mut matcher = OriginMatcher::default();
        for url in ["com.shop.app://host/path", "", "not a url", "https://app.example/after?x=1#y"] {
            matcher.add_origin_of(url);
        }
        assert_eq!(matcher, OriginMatcher::new(["https://app.example"]));
        assert_eq!(origin_of("http://localhost:4000/cb").as_deref(), Some("http://localhost:4000"));
        assert_eq!(origin_of("http://app.example:80/cb").as_deref(), Some("http://app.example"));
    }

    proptest! {
        #[test]
        fn matching_never_panics(entry in ".{0,30}", origin in "(https?://)?[a-z\\[\\]:.*0-9é]{0,30}") {
            let matcher = OriginMatcher::new([entry.as_str(), origin.as_str()]);
            let _ = matcher.matches(&origin);
            let _ = origin_of(&entry);
        }
    }
}
