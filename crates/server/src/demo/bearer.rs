//! Finds the owner of an access token by the identity server's UserInfo, like any resource server.
//! Caches the responses for a few seconds.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;
use tokio::time::Instant;

/// How long a cached response is used: a revoked token works for at most this long.
const TRUSTED_FOR: Duration = Duration::from_secs(15);
/// Maximum number of cached responses.
const REMEMBERED: usize = 1_000;
/// Timeout of a request to the identity server.
const DEADLINE: Duration = Duration::from_secs(10);

/// Why a token's owner could not be found.
#[derive(Debug, thiserror::Error)]
pub(super) enum WhoseError {
    /// The identity server does not know the token.
    #[error("the access token is not valid")]
    Unknown,
    /// The identity server sent no usable response.
    #[error("the identity server did not answer: {0}")]
    Unreachable(String),
}

#[derive(Deserialize)]
struct UserInfoSub {
    sub: String,
}

/// Finds the owner of an access token.
pub(super) struct Bearers {
    userinfo_endpoint: String,
    http: reqwest::Client,
    known: Mutex<BearerCache>,
}

impl Bearers {
    /// For the identity server at `issuer` (an origin without a trailing slash).
    pub(super) fn new(issuer: &str) -> Result<Self, reqwest::Error> {
        // The identity server is local; an outbound proxy must not see its tokens.
        let http = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build()?;
        let userinfo_endpoint = format!("{}/oauth2/userinfo", issuer.trim_end_matches('/'));
        Ok(Self { userinfo_endpoint, http, known: Mutex::default() })
    }

    /// The `sub` the token was issued for.
    ///
    /// # Errors
    /// [`WhoseError`] when the token is invalid, or the identity server cannot be asked.
    pub(super) async fn find_sub(&self, token: &str) -> Result<String, WhoseError> {
        let key = hash(token);
        if let Some(sub) = self.known.lock().unwrap_or_else(PoisonError::into_inner).find(&key, Instant::now()) {
            return Ok(sub);
        }
        let sub = self.ask(token).await?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remember(key, sub.clone(), Instant::now());
        Ok(sub)
    }

    async fn ask(&self, token: &str) -> Result<String, WhoseError> {
        let unreachable = |error: reqwest::Error| WhoseError::Unreachable(error.without_url().to_string());
        let response = self.http.get(&self.userinfo_endpoint).bearer_auth(token).send().await.map_err(unreachable)?;
        match response.status().as_u16() {
            200 => Ok(response.json::<UserInfoSub>().await.map_err(unreachable)?.sub),
            401 => Err(WhoseError::Unknown),
            status => Err(WhoseError::Unreachable(format!("status {status}"))),
        }
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    key
}

/// Cached responses by the token's hash.
#[derive(Default)]
struct BearerCache(HashMap<[u8; 32], (String, Instant)>);

impl BearerCache {
    fn find(&self, key: &[u8; 32], now: Instant) -> Option<String> {
        self.0.get(key).filter(|(_, until)| now < *until).map(|(sub, _)| sub.clone())
    }

    fn remember(&mut self, key: [u8; 32], sub: String, now: Instant) {
        if self.0.len() >= REMEMBERED {
            self.0.retain(|_, (_, until)| now < *until);
        }
        if self.0.len() >= REMEMBERED {
            self.0.clear(); // an evicted entry only costs another request
        }
        self.0.insert(key, (sub, now + TRUSTED_FOR));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_forgotten_when_its_time_is_over() {
        let (mut known, start) = (BearerCache::default(), Instant::now());
        known.remember(hash("token"), "sub".into(), start);
        assert_eq!(known.find(&hash("token"), start).as_deref(), Some("sub"));
        assert_eq!(known.find(&hash("other"), start), None);
        assert_eq!(known.find(&hash("token"), start + TRUSTED_FOR), None);
    }

    #[test]
    fn the_memory_of_answers_is_bounded() {
        let (mut known, start) = (BearerCache::default(), Instant::now());
        for n in 0..REMEMBERED * 2 + 1 {
            known.remember(hash(&n.to_string()), n.to_string(), start);
        }
        assert!(known.0.len() <= REMEMBERED);
        let last = (REMEMBERED * 2).to_string();
        assert_eq!(known.find(&hash(&last), start), Some(last));
    }
}
