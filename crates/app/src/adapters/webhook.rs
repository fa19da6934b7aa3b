//! Outgoing webhooks: signed POST requests, with a guard against private networks (SSRF).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};
use vestibule_domain::id::ProjectNo;

use super::{
    lookup::{Lookups, calling},
    outbound,
};
use crate::crypto::hex;

/// The headers that every event is sent with.
pub(crate) const CONTENT_TYPE: &str = "application/json";
pub(crate) const FORM_CONTENT_TYPE: &str = "application/x-www-form-urlencoded";
pub(crate) const USER_AGENT: &str = concat!("vestibule/", env!("CARGO_PKG_VERSION"));

/// Maximum size of a response, in bytes.
pub(crate) const ANSWER_LIMIT: usize = 64 * 1024;
/// Timeout of a connection attempt.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// Timeout of a name lookup.
const LOOKUP_PATIENCE: Duration = Duration::from_secs(3);

pub struct WebhookClient {
    client: reqwest::Client,
    lookups: Lookups,
    allows_private: bool,
}

/// A receiver's response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookResponse {
    pub status: u16,
    /// The body, up to the limit.
    pub body: Vec<u8>,
}

/// Why there is no response; one sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The URL leads to a private address.
    #[error("the address is in a private network, which hooks.allow_private_addresses does not allow")]
    Private,
    #[error("the address is not an http or https URL")]
    BadUrl,
    #[error("no answer within {} seconds", .0.as_secs())]
    TooLate(Duration),
    #[error("{0}")]
    Broken(String),
}

/// The signature of a body for receivers: lower-case hex of HMAC-SHA-256.
#[must_use]
pub fn sign(secret: &[u8], body: &[u8]) -> String {
    hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), body).as_ref())
}

/// The signature of a message in the Standard Webhooks format: `v1,` and base64 of HMAC-SHA-256 over ID, time and body.
#[must_use]
pub fn sign_message(secret: &[u8], (id, seconds): (&str, i64), body: &str) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret));
    context.update(format!("{id}.{seconds}.").as_bytes());
    context.update(body.as_bytes());
    format!("v1,{}", STANDARD.encode(context.sign()))
}

/// A secret as libraries for Standard Webhooks take it.
#[must_use]
pub fn print_secret(secret: &str) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

impl WebhookClient {
    /// Sets up the client.
    ///
    /// # Errors
    /// A sentence when TLS cannot be set up.
    pub fn new(allows_private: bool) -> Result<Self, String> {
        let lookups = Lookups::default();
        let private = if allows_private { PrivateHosts::All } else { PrivateHosts::Named(Vec::new()) };
        let client = make_guarded_client(&lookups, private)?;
        Ok(Self { client, lookups, allows_private })
    }

    /// Checks whether this URL may be called. A name that does not resolve yet is accepted, because every call is
    /// checked again.
    ///
    /// # Errors
    /// Why it may not.
    pub async fn check(&self, project: ProjectNo, url: &str) -> Result<(), SendError> {
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or(SendError::BadUrl)?;
        if self.allows_private {
            return Ok(());
        }
        if is_private_literal(&url) {
            return Err(SendError::Private);
        }
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        match tokio::time::timeout(LOOKUP_PATIENCE, calling(project, self.lookups.find(name))).await {
            Ok(Ok(all)) => {
                let leads_in = !all.is_empty() && !all.iter().any(|address| is_public(address.ip()));
                if leads_in { Err(SendError::Private) } else { Ok(()) }
            }
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    /// Posts a JSON body with these headers to a receiver of a project; waits for the complete response no longer than `timeout`.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn post(
        &self,
        (project, url): (ProjectNo, &str),
        body: String,
        headers: &[(&'static str, String)],
        timeout: Duration,
    ) -> Result<WebhookResponse, SendError> {
        let url = self.parse(url)?;
        let mut request = self.client.post(url).header("content-type", CONTENT_TYPE).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        calling(project, exchange("webhook", request, timeout)).await
    }

    /// Posts a form, encoded, to a receiver of a project; waits for the complete response no longer than `timeout`.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn post_form(
        &self,
        (project, url): (ProjectNo, &str),
        form: String,
        timeout: Duration,
    ) -> Result<WebhookResponse, SendError> {
        let request = self.client.post(self.parse(url)?).header("content-type", FORM_CONTENT_TYPE);
        calling(project, exchange("backchannel_logout", request.body(form), timeout)).await
    }

    /// Gets what is at a URL of a project, behind the same guard; waits for the complete response no longer than `timeout`.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn get(
        &self,
        (project, url): (ProjectNo, &str),
        timeout: Duration,
    ) -> Result<WebhookResponse, SendError> {
        let request = self.client.get(self.parse(url)?).header("accept", "application/json");
        calling(project, exchange("client_keys", request, timeout)).await
    }

    fn parse(&self, url: &str) -> Result<Url, SendError> {
        let url = Url::parse(url).map_err(|_| SendError::BadUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SendError::BadUrl);
        }
        if !self.allows_private && is_private_literal(&url) {
            return Err(SendError::Private);
        }
        Ok(url)
    }
}

/// The hosts that may be in a private network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PrivateHosts {
    All,
    /// Host names, and addresses as URLs have them.
    Named(Vec<String>),
}

impl PrivateHosts {
    pub(super) fn allow(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(hosts) => hosts.iter().any(|named| named.eq_ignore_ascii_case(host)),
        }
    }
}

/// Builds a client that connects to private addresses of the named hosts only.
///
/// # Errors
/// A sentence when TLS cannot be set up.
pub(super) fn make_guarded_client(lookups: &Lookups, private: PrivateHosts) -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        // A redirect would lead to a URL that is not the configured one.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_PATIENCE)
        .user_agent(USER_AGENT)
        // Check addresses when connecting: a second lookup of the name could return others.
        .dns_resolver(Arc::new(Resolver { lookups: lookups.clone(), private }))
        .build()
        .map_err(|error| describe_missing_roots(&error))
}

async fn exchange(
    name: &'static str,
    request: reqwest::RequestBuilder,
    timeout: Duration,
) -> Result<WebhookResponse, SendError> {
    let exchange = async {
        let mut response = outbound::send(name, request).await.map_err(|error| describe(&error))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| describe(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() >= ANSWER_LIMIT {
                body.truncate(ANSWER_LIMIT);
                break;
            }
        }
        Ok(WebhookResponse { status, body })
    };
    tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(SendError::TooLate(timeout)))
}

pub(super) fn describe(error: &reqwest::Error) -> SendError {
    // The client has no other time-out.
    if error.is_timeout() {
        return SendError::TooLate(CONNECT_PATIENCE);
    }
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

/// All addresses of the name are private.
#[derive(Debug, thiserror::Error)]
#[error("the host name resolves to a private address")]
struct PrivateAddress;

/// Why there is no HTTPS client: its own message names no cause, and the usual one is a system without root certificates.
fn describe_missing_roots(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    format!("{cause}. Install the root certificates of the operating system (Debian: ca-certificates)")
}

/// A resolver that drops private addresses where they must not be called.
struct Resolver {
    lookups: Lookups,
    private: PrivateHosts,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookups, allows_private) = (self.lookups.clone(), self.private.allow(name.as_str()));
        Box::pin(async move {
            let mut found = lookups.find(name.as_str()).await?;
            found.retain(|address| allows_private || is_public(address.ip()));
            if found.is_empty() {
                return Err(PrivateAddress.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

pub(super) fn is_private_literal(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => !is_public(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => !is_public(IpAddr::V6(ip)),
        Some(Host::Domain(_)) => false,
        None => true,
    }
}

/// Whether the address is public (the registries of RFC 6890).
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
        // IPv4-mapped, and the prefixes of translation to IPv4 (RFC 6052, 6to4).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some((high, low))
        }
        _ => None,
    };
    if let Some((high, low)) = embedded {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    // Global unicast is 2000::/3; in it, the documentation prefix and Teredo are not usable.
    parts[0] & 0xe000 == 0x2000 && !(parts[0] == 0x2001 && (parts[1] == 0xdb8 || parts[1] == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_signed_as_standard_webhooks_says() {
        // The example of the format's libraries.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let message = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
        let signature = sign_message(&secret, message, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(print_secret("ab"), "whsec_YWI=");
    }

    #[test]
    fn private_addresses_of_every_kind_are_recognized() {
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
            let refused = client.post((ProjectNo(1), url), "{}".into(), &[], Duration::from_secs(5)).await;
            assert_eq!(refused, Err(SendError::Private), "{url}");
        }
        assert_eq!(
            client.post((ProjectNo(1), "ftp://x/"), "{}".into(), &[], Duration::from_secs(5)).await,
            Err(SendError::BadUrl)
        );
    }
}
