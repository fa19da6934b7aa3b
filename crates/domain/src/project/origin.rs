//! The public origin of a project: scheme, host and port, nothing else.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// A web origin in its canonical form (`https://auth.shop.example`): lower case, no default port, no path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

/// Why a text is not an origin, phrased as an instruction to the author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAnOrigin(pub(crate) String);

impl Origin {
    /// Parses an origin; a trailing slash is accepted, a path, query, user or fragment is not.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, NotAnOrigin> {
        let url = Url::parse(text.trim())
            .map_err(|_| NotAnOrigin("write an origin such as \"https://auth.shop.example\"".to_owned()))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(NotAnOrigin(format!("the scheme must be https or http, not {:?}", url.scheme())));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(NotAnOrigin(format!(
                "an origin has no path, query or fragment: write {:?}",
                url.origin().ascii_serialization()
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NotAnOrigin("an origin has no user name or password".to_owned()));
        }
        if url.host_str().is_none_or(|host| host.trim_end_matches('.').is_empty()) {
            return Err(NotAnOrigin("an origin has a host name".to_owned()));
        }
        Ok(Self(url.origin().ascii_serialization()))
    }

    /// The canonical text, without a trailing slash: the issuer.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it uses TLS, so that cookies can be `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Host and port; `None` for the scheme's default port.
    fn host_and_port(&self) -> (&str, Option<&str>) {
        let rest = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            Some(_) | None => (rest, None),
        }
    }

    /// The host without port; an IPv6 address keeps its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host_and_port().0
    }

    /// The port, unless it is the scheme's default.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.host_and_port().1.and_then(|port| port.parse().ok())
    }

    /// Whether the host is an IP address and not a name.
    #[must_use]
    pub fn is_ip_address(&self) -> bool {
        !matches!(Host::parse(self.host()), Ok(Host::Domain(_)))
    }

    /// Whether only the local machine can reach it (`localhost`, `*.localhost`, loopback addresses).
    #[must_use]
    pub fn is_local(&self) -> bool {
        match Host::parse(self.host()) {
            Ok(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Ok(Host::Ipv4(address)) => address.is_loopback(),
            Ok(Host::Ipv6(address)) => address.is_loopback(),
            Err(_) => false,
        }
    }

    /// Whether browsers treat it as a secure context, which passkeys need.
    #[must_use]
    pub fn is_secure_context(&self) -> bool {
        self.is_https() || self.is_local()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Origin {
    type Error = NotAnOrigin;

    fn try_from(text: String) -> Result<Self, NotAnOrigin> {
        Self::parse(&text)
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_in_its_canonical_form() {
        let table = [
            ("https://auth.shop.example", "https://auth.shop.example", "auth.shop.example", false),
            ("https://Auth.Shop.Example:443/", "https://auth.shop.example", "auth.shop.example", false),
            ("http://localhost:4100", "http://localhost:4100", "localhost", true),
            ("http://shop.localhost:4100", "http://shop.localhost:4100", "shop.localhost", true),
            ("http://127.0.0.1:80", "http://127.0.0.1", "127.0.0.1", true),
            ("http://[::1]:4100", "http://[::1]:4100", "[::1]", true),
            ("https://müller.example", "https://xn--mller-kva.example", "xn--mller-kva.example", false),
        ];
        for (text, canonical, host, local) in table {
            let origin = Origin::parse(text).unwrap();
            assert_eq!(origin.as_str(), canonical);
            assert_eq!(origin.host(), host);
            assert_eq!(origin.is_local(), local, "{text}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused() {
        for text in [
            "",
            "auth.shop.example",
            "https://.",
            "https://shop.example/auth",
            "https://shop.example/?a",
            "https://a@shop.example",
            "ftp://a.example",
        ] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }
}
