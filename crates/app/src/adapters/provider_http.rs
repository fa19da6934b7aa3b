//! Requests to providers of external accounts: bounded in size and time, and not to private addresses unless the operator
//! names their hosts.

use std::{fmt, time::Duration};

use reqwest::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL};
use url::Url;

use super::{
    lookup::Lookups,
    outbound,
    webhook::{PrivateHosts, SendError, describe, is_private_literal, make_guarded_client},
};

/// Maximum size of an answer, in bytes.
const ANSWER_LIMIT: usize = 256 * 1024;

pub(crate) struct ProviderHttp {
    client: reqwest::Client,
    private: PrivateHosts,
    timeout: Duration,
}

/// A provider's answer. Its body may have tokens, so it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ProviderAnswer {
    pub status: u16,
    /// How long it may be kept, if the provider says so.
    pub max_age: Option<Duration>,
    pub body: Vec<u8>,
}

impl fmt::Debug for ProviderAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderAnswer({}, {} bytes)", self.status, self.body.len())
    }
}

/// Why there is no answer; one sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    #[error("{0:?} is no https URL; http is possible only for hosts of providers.private_hosts")]
    BadUrl(String),
    #[error("the address is in a private network: name its host in providers.private_hosts to allow it")]
    Private,
    #[error("the answer is longer than {ANSWER_LIMIT} bytes")]
    TooLong,
    #[error("{0}")]
    Broken(String),
}

impl ProviderHttp {
    /// Sets up the client.
    ///
    /// # Errors
    /// A sentence when TLS cannot be set up.
    pub(crate) fn new(private_hosts: &[String], timeout: Duration) -> Result<Self, String> {
        let private = PrivateHosts::Named(private_hosts.to_vec());
        Ok(Self { client: make_guarded_client(&Lookups::default(), private.clone())?, private, timeout })
    }

    /// The URL, if it may be called: https, or http where the operator allows the host.
    ///
    /// # Errors
    /// Why it may not.
    pub(crate) fn check(&self, url: &str) -> Result<Url, CallError> {
        let bad = || CallError::BadUrl(vestibule_protocol::echo(url).into_owned());
        let parsed = Url::parse(url).map_err(|_| bad())?;
        let is_named = parsed.host_str().is_some_and(|host| self.private.allow(host));
        match parsed.scheme() {
            "https" => {}
            "http" if is_named => {}
            _ => return Err(bad()),
        }
        if !is_named && is_private_literal(&parsed) {
            return Err(CallError::Private);
        }
        Ok(parsed)
    }

    /// Reads a document, with a bearer token if it needs one.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) async fn get(&self, url: &str, bearer: Option<&str>) -> Result<ProviderAnswer, CallError> {
        let mut request = self.client.get(self.check(url)?).header(ACCEPT, "application/json");
        if let Some(token) = bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(request).await
    }

    /// Posts a form, with HTTP Basic authentication if the client has one.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) async fn post(
        &self,
        url: &str,
        form: &[(&str, &str)],
        basic: Option<String>,
    ) -> Result<ProviderAnswer, CallError> {
        let mut request = self.client.post(self.check(url)?).header(ACCEPT, "application/json").form(form);
        if let Some(credentials) = basic {
            request = request.header(AUTHORIZATION, credentials);
        }
        self.send(request).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<ProviderAnswer, CallError> {
        let exchange = async {
            let mut response = outbound::send("provider", request).await.map_err(|error| explain(&error))?;
            let status = response.status().as_u16();
            let caching = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
            let max_age = caching.and_then(read_max_age);
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| explain(&error))? {
                body.extend_from_slice(&chunk);
                if body.len() > ANSWER_LIMIT {
                    return Err(CallError::TooLong);
                }
            }
            Ok(ProviderAnswer { status, max_age, body })
        };
        let late = || CallError::Broken(format!("no answer within {} seconds", self.timeout.as_secs()));
        tokio::time::timeout(self.timeout, exchange).await.unwrap_or_else(|_| Err(late()))
    }
}

fn explain(error: &reqwest::Error) -> CallError {
    match describe(error) {
        SendError::Private => CallError::Private,
        other @ (SendError::BadUrl | SendError::TooLate(_) | SendError::Broken(_)) => {
            CallError::Broken(other.to_string())
        }
    }
}

/// The `max-age` of a `Cache-Control` header (RFC 9111 §5.2.2.1); none with `no-store`.
fn read_max_age(header: &str) -> Option<Duration> {
    let mut directives = header.split(',').map(str::trim);
    if directives.clone().any(|one| one.eq_ignore_ascii_case("no-store")) {
        return None;
    }
    let seconds = directives.find_map(|one| one.to_ascii_lowercase().strip_prefix("max-age=").map(str::to_owned))?;
    seconds.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_called_unless_the_operator_names_the_host() {
        let http = |hosts: &[&str]| {
            let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
            ProviderHttp::new(&hosts, Duration::from_secs(1)).expect("TLS")
        };
        let (closed, open) = (http(&[]), http(&["localhost", "10.0.0.7", "[::1]"]));
        for (url, by_default, named) in [
            ("https://id.example/token", true, true),
            ("http://id.example/token", false, false),
            ("http://localhost:1/token", false, true),
            ("https://localhost/token", true, true),
            ("https://10.0.0.7/token", false, true),
            ("https://10.0.0.8/token", false, false),
            ("http://[::1]:1/token", false, true),
            ("https://169.254.169.254/", false, false),
            ("ftp://id.example/", false, false),
            ("nonsense", false, false),
        ] {
            assert_eq!(closed.check(url).is_ok(), by_default, "{url}");
            assert_eq!(open.check(url).is_ok(), named, "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_called() {
        let http = ProviderHttp::new(&[], Duration::from_secs(5)).expect("TLS");
        assert_eq!(http.get("https://localhost:9/keys", None).await, Err(CallError::Private));
    }

    #[test]
    fn the_age_of_an_answer_is_read_from_its_header() {
        for (header, seconds) in [
            ("max-age=60", Some(60)),
            ("public, Max-Age=19808, must-revalidate", Some(19808)),
            ("no-store, max-age=60", None),
            ("no-cache", None),
            ("max-age=-1", None),
        ] {
            assert_eq!(read_max_age(header), seconds.map(Duration::from_secs), "{header}");
        }
    }
}
