//! Outgoing webhooks: signed POST requests, with a guard that keeps them out of private networks. The only network client
//! beside mail; knows nothing of events.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use aws_lc_rs::hmac;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::outbound;
use crate::crypto::hex;

/// The most of an answer that is read, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;
/// How long an operator waits for a name to be looked up.
const LOOKUP_PATIENCE: Duration = Duration::from_secs(3);

/// Sends webhooks.
pub struct WebhookClient {
    client: reqwest::Client,
    allows_private: bool,
}

/// What a receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, as far as it is read.
    pub body: Vec<u8>,
}

/// Why there is no answer; one sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The address must not be called.
    #[error("the address is in a private network, which hooks.allow_private_addresses does not allow")]
    Private,
    /// The address makes no sense.
    #[error("the address is not an http or https URL")]
    BadUrl,
    /// No answer in time.
    #[error("no answer within {} seconds", .0.as_secs())]
    TooLate(Duration),
    /// No connection, or it broke.
    #[error("{0}")]
    Broken(String),
}

/// The signature of a body, as receivers check it: lower-case hex of HMAC-SHA-256.
#[must_use]
pub fn sign(secret: &[u8], body: &[u8]) -> String {
    hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), body).as_ref())
}

impl WebhookClient {
    /// Sets the client up.
    ///
    /// # Errors
    /// A sentence when TLS cannot be had.
    pub fn new(allows_private: bool) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder()
            // Whoever answers with another address is not the one that was configured.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(10))
            .user_agent(concat!("vestibule/", env!("CARGO_PKG_VERSION")));
        if !allows_private {
            // Checked where the connection is made: a name that is looked up twice may change in between.
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { client, allows_private })
    }

    /// Whether this address may be called, as far as one can tell now: a name nobody knows yet is not held against it, and
    /// every call is checked again.
    ///
    /// # Errors
    /// Why it may not.
    pub async fn check(&self, url: &str) -> Result<(), SendError> {
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or(SendError::BadUrl)?;
        if self.allows_private {
            return Ok(());
        }
        if is_private_literal(&url) {
            return Err(SendError::Private);
        }
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        match tokio::time::timeout(LOOKUP_PATIENCE, tokio::net::lookup_host((name, 0))).await {
            Ok(Ok(found)) => {
                let all: Vec<SocketAddr> = found.collect();
                let leads_in = !all.is_empty() && !all.iter().any(|address| is_public(address.ip()));
                if leads_in { Err(SendError::Private) } else { Ok(()) }
            }
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    /// Posts a JSON body with these headers; waits for the whole answer no longer than `patience`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post(
        &self,
        url: &str,
        body: String,
        headers: &[(&'static str, String)],
        patience: Duration,
    ) -> Result<Answer, SendError> {
        let url = Url::parse(url).map_err(|_| SendError::BadUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SendError::BadUrl);
        }
        if !self.allows_private && is_private_literal(&url) {
            return Err(SendError::Private);
        }
        let mut request = self.client.post(url).header("content-type", "application/json").body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let exchange = async {
            let mut response = outbound::send("webhook", request).await.map_err(|error| describe(&error))?;
            let status = response.status().as_u16();
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| describe(&error))? {
                body.extend_from_slice(&chunk);
                if body.len() >= ANSWER_LIMIT {
                    body.truncate(ANSWER_LIMIT);
                    break;
                }
            }
            Ok(Answer { status, body })
        };
        tokio::time::timeout(patience, exchange).await.unwrap_or(Err(SendError::TooLate(patience)))
    }
}

fn describe(error: &reqwest::Error) -> SendError {
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(error);
    let mut last = None;
    while let Some(inner) = source {
        if inner.is::<PrivateAddress>() {
            return SendError::Private;
        }
        last = Some(inner);
        source = inner.source();
    }
    let what = if error.is_connect() { "no connection" } else { "the connection was closed early" };
    SendError::Broken(last.map_or_else(|| what.to_string(), |inner| format!("{what}: {inner}")))
}

/// Every address the name has is private.
#[derive(Debug, thiserror::Error)]
#[error("the host name resolves to a private address")]
struct PrivateAddress;

/// Looks names up and forgets private addresses.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(PrivateAddress.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

fn is_private_literal(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => !is_public(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => !is_public(IpAddr::V6(ip)),
        Some(Host::Domain(_)) => false,
        None => true,
    }
}

/// Whether the address belongs to the public internet (the registries of RFC 6890).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocols = a == 192 && b == 0 && c == 0;
    let benchmarks = a == 198 && (18..20).contains(&b);
    !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_documentation())
        && !(a == 0 || a >= 240 || shared || protocols || benchmarks)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    let embedded = match parts {
        // IPv4-mapped, and the prefix by which gateways reach IPv4 (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some((high, low))
        }
        _ => None,
    };
    if let Some((high, low)) = embedded {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    // Global unicast is 2000::/3; of it the documentation prefix and Teredo lead nowhere.
    parts[0] & 0xe000 == 0x2000 && !(parts[0] == 0x2001 && (parts[1] == 0xdb8 || parts[1] == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_of_every_kind_are_told_apart() {
        for (address, public) in [
            ("8.8.8.8", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("255.255.255.255", false),
            ("::1", false),
            ("::", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("2606:4700::1", true),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::7f00:1", false),
            ("2002:7f00:1::", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    #[test]
    fn a_signature_is_hex_of_hmac_sha_256() {
        // RFC 4231, test case 2.
        assert_eq!(
            sign(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[tokio::test]
    async fn the_guard_refuses_names_and_numbers_of_this_machine() {
        let client = WebhookClient::new(false).unwrap();
        for url in ["http://127.0.0.1:9/", "http://[::1]:9/", "http://localhost:9/", "http://0x7f.1:9/"] {
            let refused = client.post(url, "{}".into(), &[], Duration::from_secs(5)).await;
            assert_eq!(refused, Err(SendError::Private), "{url}");
        }
        assert_eq!(client.post("ftp://x/", "{}".into(), &[], Duration::from_secs(5)).await, Err(SendError::BadUrl));
    }
}
