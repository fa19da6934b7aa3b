//! Outgoing HTTP: the one place a client for it is made. No proxies, no redirects followed, always a time limit.

use std::time::Duration;

/// Makes a client whose requests end after this long.
///
/// # Errors
/// A sentence for the operator when TLS cannot be set up.
pub fn make_client(timeout: Duration) -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(10)))
        // Whoever answers with another address is not the one that was configured.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("vestibule/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| format!("outgoing HTTP cannot be set up: {error}"))
}

/// What an answer's status means for the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken.
    Taken,
    /// Try again later.
    Later,
    /// It will never be taken as it is.
    Never,
}

/// Judges a status code: 2xx is good; 408, 429 and 5xx pass; anything else stays.
#[must_use]
pub fn judge(status: u16) -> Verdict {
    match status {
        200..=299 => Verdict::Taken,
        408 | 429 | 500.. => Verdict::Later,
        _ => Verdict::Never,
    }
}
