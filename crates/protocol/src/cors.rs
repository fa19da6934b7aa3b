//! Web origins that may call (CORS): entries with wildcard labels, matched against `Origin`.
//! A pure matcher, linear in the header's length.

use std::collections::HashSet;

use thiserror::Error;
use url::Host;

/// Maximum length of an entry or `Origin` header: a host name has at most 253 characters.
const MAX_LENGTH: usize = 512;

use crate::limits::ORIGIN_BYTES;

/// A list of origin entries; invalid entries match nothing and do not affect the others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OriginMatcher {
    /// Origins as browsers print them: lower case, without the default port of http and https.
    exact: HashSet<String>,
    patterns: Vec<Pattern>,
}

/// Why an entry is rejected; the text says what to write instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EntryError {
    /// Not a host with an optional scheme and port.
    #[error(
        "write [scheme://]host[:port] without a path, such as \"https://*.shop.example\" or \"capacitor://localhost\""
    )]
    Syntax,
    /// A star as the whole host.
    #[error(
        "\"*\" as the whole host lets every web page call with the user's cookies: name a domain, such as \"https://*.shop.example\""
    )]
    AnyHost,
    /// A star where none is allowed.
    #[error(
        "write \"*\" at most once in a label and only in the first labels of the host, never in the last, such as \"https://*-team.vercel.app\""
    )]
    Star,
}

impl OriginMatcher {
    /// Reads entries of the form `[scheme://]host[:port]` and skips invalid ones; whatever follows the port of a URL is
    /// ignored.
    ///
    /// ```
    /// use vestibule_protocol::cors::OriginMatcher;
    ///
    /// let mut origins = OriginMatcher::new(["https://*.shop.example", "http://localhost:5173"]);
    /// assert!(origins.matches("https://app.shop.example"));
    /// assert!(!origins.matches("https://shop.example"), "a star is a label");
    /// assert!(!origins.matches("http://app.shop.example"), "the scheme is part of an origin");
    /// assert!(!origins.matches("http://localhost"), "and so is the port");
    ///
    /// // A redirect URI allows its origin.
    /// origins.allow_url("https://shop.example/after-login");
    /// assert!(origins.matches("https://shop.example"));
    /// ```
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Self {
        let mut matcher = Self::default();
        for entry in entries {
            match OriginEntry::parse(entry).and_then(|entry| entry.pattern()) {
                Ok(Ok(pattern)) => matcher.patterns.push(pattern),
                Ok(Err(origins)) => matcher.exact.extend(origins),
                Err(_) => {}
            }
        }
        matcher
    }

    /// Adds the origin of a URL, such as a redirect URI. A star in it is not a wildcard: it matches nothing, like a URL
    /// without a host.
    pub fn allow_url(&mut self, url: &str) {
        if let Some(origin) = OriginEntry::parse(url).ok().and_then(|entry| entry.origin()) {
            self.exact.insert(origin);
        }
    }

    /// Whether `origin`, the value of an `Origin` header, matches an entry without a star.
    ///
    /// ```
    /// use vestibule_protocol::cors::OriginMatcher;
    ///
    /// let origins = OriginMatcher::new(["*.shop.example", "https://app.shop.example"]);
    /// assert!(origins.matches_exactly("https://app.shop.example"));
    /// assert!(!origins.matches_exactly("https://other.shop.example"));
    /// ```
    pub fn matches_exactly(&self, origin: &str) -> bool {
        if origin.len() > ORIGIN_BYTES {
            return false;
        }
        self.exact.contains(origin)
            || OriginEntry::parse(origin)
                .ok()
                .filter(|sent| !sent.has_more)
                .and_then(|sent| sent.origin())
                .is_some_and(|canonical| self.exact.contains(&canonical))
    }

    /// Whether an entry without a star has the host of `origin`, with any scheme and port.
    ///
    /// ```
    /// use vestibule_protocol::cors::OriginMatcher;
    ///
    /// let origins = OriginMatcher::new(["https://app.shop.example"]);
    /// assert!(origins.has_host_of("http://app.shop.example:8080"));
    /// assert!(!origins.has_host_of("https://shop.example"));
    /// ```
    pub fn has_host_of(&self, origin: &str) -> bool {
        if origin.len() > ORIGIN_BYTES || self.exact.is_empty() {
            return false;
        }
        let Ok(sent) = OriginEntry::parse(origin) else { return false };
        self.exact.iter().any(|known| OriginEntry::parse(known).is_ok_and(|known| known.host == sent.host))
    }

    /// Whether `origin`, the value of an `Origin` header, matches an entry.
    pub fn matches(&self, origin: &str) -> bool {
        if origin.len() > ORIGIN_BYTES {
            return false;
        }
        if self.exact.contains(origin) {
            return true;
        }
        let Ok(sent) = OriginEntry::parse(origin) else { return false };
        if sent.has_more {
            return false;
        }
        let Some(canonical) = sent.origin() else { return false };
        self.exact.contains(&canonical) || self.patterns.iter().any(|pattern| pattern.matches(&sent))
    }
}

/// Checks that an entry is a valid origin entry without further parts.
///
/// # Errors
/// [`EntryError`], whose text says what to write instead.
pub fn check_entry(text: &str) -> Result<(), EntryError> {
    let entry = OriginEntry::parse(text)?;
    if entry.has_more {
        return Err(EntryError::Syntax);
    }
    entry.pattern().map(|_| ())
}

/// The domain directly below the stars of an entry, in ASCII; `None` for an entry without a star or an invalid one.
pub fn domain_below_star(entry: &str) -> Option<String> {
    let pattern = OriginEntry::parse(entry).and_then(OriginEntry::pattern).ok()?.ok()?;
    let fixed = pattern.labels.iter().filter_map(|label| match label {
        Label::Exact(label) => Some(label.as_str()),
        Label::Star(..) => None,
    });
    Some(fixed.collect::<Vec<_>>().join("."))
}

/// The parts of an entry or of an `Origin` header, in lower case.
struct OriginEntry {
    /// Absent: http and https.
    scheme: Option<String>,
    /// Not empty; may contain stars.
    host: String,
    /// As written.
    port: Option<u16>,
    /// Whether there are further parts: user information, a path, a query or a fragment.
    has_more: bool,
}

impl OriginEntry {
    fn parse(text: &str) -> Result<Self, EntryError> {
        if text.len() > MAX_LENGTH || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(EntryError::Syntax);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme.to_ascii_lowercase()), rest),
            Some(_) => return Err(EntryError::Syntax),
            None => (None, text),
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, more) = rest.split_at(end);
        let (user, address) = authority.rsplit_once('@').map_or((None, authority), |(user, rest)| (Some(user), rest));
        let (host, port) = split_port(address).ok_or(EntryError::Syntax)?;
        let host = match scheme.as_deref() {
            _ if host.contains('*') => host.to_lowercase(),
            None | Some("http" | "https") => read_web_host(host).ok_or(EntryError::Syntax)?,
            Some(_) => read_custom_host(host).ok_or(EntryError::Syntax)?,
        };
        Ok(Self { scheme, host, port, has_more: user.is_some() || !more.is_empty() })
    }

    /// The port, unless it is the scheme's default; a custom scheme has none.
    fn port_beside(&self, scheme: &str) -> Option<u16> {
        let own = match scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        self.port.filter(|port| Some(*port) != own)
    }

    /// The origin of an entry with a scheme and without stars.
    fn origin(&self) -> Option<String> {
        let scheme = self.scheme.as_deref()?;
        (!self.host.contains('*')).then(|| print(scheme, &self.host, self.port_beside(scheme)))
    }

    /// What the entry matches: a pattern, or a list of origins.
    fn pattern(self) -> Result<Result<Pattern, Vec<String>>, EntryError> {
        if self.host.contains('*') {
            let labels = read_labels(&self.host)?;
            let port = match self.scheme.as_deref() {
                Some(scheme) => self.port_beside(scheme),
                None => self.port,
            };
            return Ok(Ok(Pattern { scheme: self.scheme, labels, port }));
        }
        Ok(Err(match self.origin() {
            Some(origin) => vec![origin],
            // Without a scheme the port is literal: browsers never write the scheme's default.
            None => ["http", "https"].map(|scheme| print(scheme, &self.host, self.port)).to_vec(),
        }))
    }
}

fn print(scheme: &str, host: &str, port: Option<u16>) -> String {
    port.map_or_else(|| format!("{scheme}://{host}"), |port| format!("{scheme}://{host}:{port}"))
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// A host in the spelling of the URL standard; `None` if parsing would decode it or split off another part.
fn read_web_host(text: &str) -> Option<String> {
    if text.is_empty() || text.contains('%') {
        return None;
    }
    Host::parse(text).ok().map(|host| host.to_string())
}

/// The host after a custom scheme, which no standard normalizes.
fn read_custom_host(text: &str) -> Option<String> {
    if text.starts_with('[') {
        return read_web_host(text);
    }
    let is_good = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'));
    is_good.then(|| text.to_ascii_lowercase())
}

/// Splits `host[:port]`, taking care of the colons of an IPv6 address in brackets. `None` for a port that is not a number from 1 to
/// 65535.
pub fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let after_bracket = text.rfind(']').map_or(0, |bracket| bracket + 1);
    match text.get(after_bracket..)?.rfind(':') {
        None => Some((text, None)),
        Some(colon) => {
            let (host, port) = text.split_at(after_bracket + colon);
            let digits = port.strip_prefix(':')?;
            let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            Some((host, Some(digits.parse().ok().filter(|port| all_digits && *port > 0)?)))
        }
    }
}

/// An entry with stars.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// Absent: http and https.
    scheme: Option<String>,
    labels: Vec<Label>,
    /// Absent: the default port of the scheme.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Label {
    Exact(String),
    /// The text before and after the star.
    Star(String, String),
}

impl Pattern {
    fn matches(&self, sent: &OriginEntry) -> bool {
        let Some(scheme) = sent.scheme.as_deref() else { return false };
        let fits = match &self.scheme {
            Some(wanted) => wanted == scheme,
            None => matches!(scheme, "http" | "https"),
        };
        if !fits || self.port != sent.port_beside(scheme) {
            return false;
        }
        let mut parts = sent.host.split('.');
        self.labels.iter().all(|label| parts.next().is_some_and(|part| label.matches(part))) && parts.next().is_none()
    }
}

impl Label {
    fn matches(&self, part: &str) -> bool {
        match self {
            Self::Exact(label) => label == part,
            Self::Star(before, behind) => {
                let middle = part.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(behind.as_str()));
                // Like any label, the whole label begins with a letter or digit and is not empty.
                middle.is_some_and(is_label_text) && part.starts_with(|c: char| c.is_ascii_alphanumeric())
            }
        }
    }
}

fn is_label_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The labels of a host with stars.
fn read_labels(host: &str) -> Result<Vec<Label>, EntryError> {
    let labels: Vec<&str> = host.split('.').collect();
    let [leading @ .., last] = labels.as_slice() else { return Err(EntryError::Syntax) };
    if leading.is_empty() {
        return Err(if *last == "*" { EntryError::AnyHost } else { EntryError::Star });
    }
    if last.contains('*') {
        return Err(EntryError::Star);
    }
    let mut may_star = true;
    labels
        .iter()
        .map(|label| {
            let Some((before, behind)) = label.split_once('*') else {
                may_star = false;
                return read_label(label).map(Label::Exact).ok_or(EntryError::Syntax);
            };
            if !may_star || behind.contains('*') {
                return Err(EntryError::Star);
            }
            let is_good = is_label_text(before) && is_label_text(behind) && !before.starts_with('-');
            is_good.then(|| Label::Star(before.to_owned(), behind.to_owned())).ok_or(EntryError::Syntax)
        })
        .collect()
}

/// A label without a star, in ASCII.
fn read_label(label: &str) -> Option<String> {
    // A number alone would be parsed as an IP address, so append a name.
    let host = read_web_host(&format!("{label}.x"))?;
    host.strip_suffix(".x").filter(|label| !label.is_empty() && is_label_text(label)).map(str::to_owned)
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
            ("app.example", "capacitor://app.example", false),
            ("localhost:3000", "http://localhost:3000", true),
            ("localhost:3000", "http://localhost", false),
            ("app.example:443", "https://app.example", false),
            ("app.example:443", "http://app.example:443", true),
            ("APP.Example", "https://app.example", true),
            ("HTTPS://APP.Example", "https://app.example", true),
            ("https://app.example/", "https://app.example", true),
            ("https://kim:pw@app.example/a?b#c", "https://app.example", true),
            ("127.0.0.1:3000", "http://127.0.0.1:3000", true),
            ("127.0.0.1", "http://localhost", false),
            ("[::1]:3000", "http://[::1]:3000", true),
            ("[::1]", "http://[::1]", true),
            ("bücher.example", "https://xn--bcher-kva.example", true),
            ("my_app.example", "https://my_app.example", true),
            ("app.example", "https://app.example.evil.test", false),
            ("app.example", "https://evil-app.example", false),
            ("app.example", "https://app.example/path", false),
            ("app.example", "https://user@app.example", false),
            ("app.example", "app.example", false),
            ("app.example", "null", false),
            ("null", "null", false),
            ("app.example", "", false),
        ] {
            assert_eq!(OriginMatcher::new([entry]).matches(origin), expected, "{entry} against {origin}");
        }
    }

    #[test]
    fn applications_with_a_scheme_of_their_own_match_exactly() {
        for (entry, origin, expected) in [
            ("capacitor://localhost", "capacitor://localhost", true),
            ("capacitor://localhost/cb?a#b", "capacitor://localhost", true),
            ("Capacitor://LocalHost", "capacitor://localhost", true),
            ("tauri://localhost", "tauri://localhost", true),
            ("tauri://localhost", "tauri://localhost:80", false),
            ("tauri://localhost:80", "tauri://localhost:80", true),
            ("tauri://localhost:80", "tauri://localhost", false),
            ("com.example://host/x", "com.example://host", true),
            ("com.example://Host_1", "com.example://host_1", true),
            ("com.example://host", "com.example.evil://host", false),
            ("com.example://host", "com.example://host.evil", false),
            ("com.example://host", "https://host", false),
            ("https://localhost", "capacitor://localhost", false),
            ("com.example:/cb", "com.example://cb", false),
            ("com.example:opaque", "com.example://opaque", false),
            ("com.example://*.host", "com.example://a.host", true),
        ] {
            assert_eq!(OriginMatcher::new([entry]).matches(origin), expected, "{entry} against {origin}");
        }
    }

    #[test]
    fn a_star_stands_for_part_of_one_leading_label() {
        for (entry, origin, expected) in [
            ("*.example", "https://app.example", true),
            ("*.example", "https://example", false),
            ("*.example", "https://a.b.example", false),
            ("*.example", "https://-a.example", false),
            ("*.example", "https://a_b.example", false),
            ("*.example", "https://.example", false),
            ("*.example", "https://*.example", false),
            ("*.example", "https://127.0.0.1", false),
            ("*.EXAMPLE", "https://app.example", true),
            ("*.*.example", "https://a.b.example", true),
            ("*.*.example", "https://a.example", false),
            ("https://*-team.vercel.app", "https://shop-git-main-team.vercel.app", true),
            ("https://*-team.vercel.app", "https://-team.vercel.app", false),
            ("https://*-team.vercel.app", "https://team.vercel.app", false),
            ("https://*-team.vercel.app", "https://a-team.vercel.app.evil.test", false),
            ("https://*-team.vercel.app", "https://evil.a-team.vercel.app", false),
            ("https://*-team.vercel.app", "http://a-team.vercel.app", false),
            ("https://*-team.vercel.app", "https://a-team.vercel.app:8443", false),
            ("app-*.x.example", "https://app-1.x.example", true),
            ("app-*.x.example", "http://app-.x.example", true),
            ("app-*.x.example", "http://app.x.example", false),
            ("a*b.example", "https://ab.example", true),
            ("a*b.example", "https://a-b.example", true),
            ("aba*ba.example", "https://aba.example", false),
            ("*a.example", "https://a.example", true),
            ("a*.b*.example", "https://a1.b2.example", true),
            ("http://*.localhost:3000", "http://app.localhost:3000", true),
            ("*.example:443", "https://a.example", false),
            ("https://*.example:443", "https://a.example", true),
            ("*.bücher.example", "https://a.xn--bcher-kva.example", true),
        ] {
            assert_eq!(OriginMatcher::new([entry]).matches(origin), expected, "{entry} against {origin}");
        }
    }

    #[test]
    fn a_bad_entry_is_refused_with_the_reason_and_does_not_spoil_the_others() {
        use EntryError::*;
        let bad = [
            ("", Syntax),
            ("https://", Syntax),
            ("file:///index.html", Syntax),
            ("com.shop.app:/cb", Syntax),
            ("com.shop.app:opaque", Syntax),
            ("1app://host", Syntax),
            ("://host", Syntax),
            ("a b", Syntax),
            ("a%2eb", Syntax),
            ("a.example:port", Syntax),
            ("a.example:0", Syntax),
            ("a.example:99999", Syntax),
            ("*", AnyHost),
            ("https://*", AnyHost),
            ("*:3000", AnyHost),
            ("a*", Star),
            ("example.*", Star),
            ("*.*", Star),
            ("a.*.example", Star),
            ("**.example", Star),
            ("*-*.example", Star),
            ("*.a_b.example", Syntax),
            ("*..example", Syntax),
            ("*.example.", Syntax),
            ("-*.example", Syntax),
        ];
        for (entry, why) in bad {
            assert_eq!(check_entry(entry), Err(why), "{entry}");
        }
        let mut entries: Vec<&str> = bad.iter().map(|(entry, _)| *entry).collect();
        entries.push("https://app.example");
        assert_eq!(OriginMatcher::new(entries), OriginMatcher::new(["https://app.example"]));
        for entry in
            ["https://app.example/", "https://app.example/a", "kim@app.example", "app.example?a", "app.example#a"]
        {
            assert_eq!(check_entry(entry), Err(Syntax), "{entry}");
        }
        for entry in ["app.example", "https://*-team.vercel.app", "capacitor://localhost", "[::1]:80", "localhost:3000"]
        {
            assert_eq!(check_entry(entry), Ok(()), "{entry}");
        }
    }

    #[test]
    fn redirect_uris_lend_their_origin_and_no_wildcard() {
        let mut matcher = OriginMatcher::default();
        for url in [
            "",
            "not a url",
            "com.shop.app:/cb",
            "app.example",
            "https://*.example.com/cb",
            "https://app.example/after?x=1#y",
            "http://localhost:4000/cb",
            "http://plain.example:80/cb",
            "capacitor://localhost/cb",
            "com.example.acceptance://host",
        ] {
            matcher.allow_url(url);
        }
        let origins = [
            "https://app.example",
            "http://localhost:4000",
            "http://plain.example",
            "capacitor://localhost",
            "com.example.acceptance://host",
        ];
        assert_eq!(matcher, OriginMatcher::new(origins));
        for origin in origins {
            assert!(matcher.matches(origin), "{origin}");
        }
        assert!(!matcher.matches("https://a.example.com"));
        assert!(!matcher.matches("https://*.example.com"));
    }

    proptest! {
        #[test]
        fn matching_never_panics(entry in ".{0,30}", origin in "([a-z+.]{1,8}://)?[a-z\\[\\]:.*0-9é@-]{0,30}") {
            let mut matcher = OriginMatcher::new([entry.as_str(), origin.as_str()]);
            matcher.allow_url(&entry);
            let _ = matcher.matches(&origin);
            let _ = matcher.matches(&entry);
        }

        #[test]
        fn what_a_star_matches_stays_one_host_below_its_domain(
            label in "[a-z0-9*-]{1,8}",
            origin in "https://[a-z0-9.:/@*-]{1,40}",
        ) {
            if OriginMatcher::new([format!("https://{label}.shop.example").as_str()]).matches(&origin) {
                let host = origin.strip_prefix("https://").unwrap();
                let host = host.strip_suffix(":443").unwrap_or(host);
                prop_assert!(host.strip_suffix(".shop.example").is_some_and(|label| !label.contains(['.', '/', '@', '*'])));
            }
        }
    }
}
