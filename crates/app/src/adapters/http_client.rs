//! The only place that builds an HTTP client. No proxies, no redirects, always a timeout.

use std::time::Duration;

/// Builds a client whose requests have this timeout.
///
/// # Errors
/// A sentence for the operator when TLS cannot be set up.
pub(super) fn make_client(timeout: Duration) -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(10)))
        // A redirect would lead to a URL that is not the configured one.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("vestibule/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| format!("can't set up outgoing HTTP: {error}"))
}
