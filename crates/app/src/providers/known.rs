//! What is known of one provider: its metadata and keys, kept for a while, and whether it answers. After several failures in a
//! row it is left alone for half a minute, so that its pages fail at once and it can recover.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Map, Value};
use vestibule_domain::time::Timestamp;
use vestibule_protocol::jose::{Jwk, Jws};

use super::{ProviderError, microsoft::Tenants};
use crate::{
    adapters::provider_http::{CallError, ProviderAnswer, ProviderHttp},
    crypto::verify::verifies_jws,
    metrics::{Metrics, ProviderCall},
};

/// How long metadata is kept.
const METADATA_AGE: Duration = Duration::from_secs(3_600);
/// How long metadata is used while the provider does not give it again.
const METADATA_STALE: Duration = Duration::from_secs(24 * 3_600);
/// How long keys are kept, whatever the provider says: at least, by default, and at most.
const KEYS_AGE: [Duration; 3] = [Duration::from_secs(300), Duration::from_secs(3_600), Duration::from_secs(24 * 3_600)];
/// How long a provider is not asked again for what it has just failed to give: of many requests that need it, one asks.
const FAILURE_PAUSE: Duration = Duration::from_secs(5);
/// The same where it may not have failed: a call for an unknown key was given up.
const GIVEN_UP_PAUSE: Duration = Duration::from_secs(1);
/// How often keys are read again for a token with an unknown key, whether they can be read or not: anyone can make up its name.
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(30);
/// Maximum number of keys of a provider.
const KEYS: usize = 50;
/// Failures in a row after which a provider is left alone, and for how long.
const FAILURES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(30);
/// Maximum bytes of an issuer or endpoint.
const URL_BYTES: usize = 2_048;

/// The metadata of a provider (OpenID Connect Discovery §3), as far as it is used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    /// None of providers without ID tokens.
    #[serde(default)]
    pub(super) jwks_uri: Option<String>,
    #[serde(default)]
    pub(super) userinfo_endpoint: Option<String>,
    /// Whether authorization responses name the issuer (RFC 9207 §3).
    #[serde(default, rename = "authorization_response_iss_parameter_supported")]
    pub(super) names_issuer: bool,
}

/// Where the metadata of a provider comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// From the provider, which names its own issuer in it.
    Discovery,
    /// From Microsoft, for some tenants.
    Tenants(Tenants),
    /// It is documented as fixed.
    Fixed(Metadata),
}

/// A key of a provider.
struct ProviderKey {
    key: Jwk,
    /// The issuer of the tokens that it signs, where the provider says so. Microsoft does.
    issuer: Option<String>,
}

#[derive(Clone)]
struct Kept<T> {
    content: Arc<T>,
    read_at: Timestamp,
    expires_at: Timestamp,
}

/// What was read last, and what became of the last try since.
struct Remembered<T> {
    kept: Option<Kept<T>>,
    failure: Option<Failure>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self { kept: None, failure: None }
    }
}

/// A try that failed, or that was given up: its request may have been cancelled.
struct Failure {
    error: ProviderError,
    until: Timestamp,
}

impl<T> Remembered<T> {
    /// Why the provider is not asked now.
    fn refuse(&self, now: Timestamp) -> Result<(), ProviderError> {
        match &self.failure {
            Some(failure) if now < failure.until => Err(failure.error.clone()),
            Some(_) | None => Ok(()),
        }
    }

    fn note_failure(&mut self, error: &ProviderError, until: Timestamp) {
        self.failure = Some(Failure { error: error.clone(), until });
    }

    fn keep(&mut self, content: Arc<T>, read_at: Timestamp, age: Duration) {
        *self = Self { kept: Some(Kept { content, read_at, expires_at: read_at.plus(age) }), failure: None };
    }
}

/// Whether a provider answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Health {
    failures: u32,
    paused_until: Option<Timestamp>,
}

impl Health {
    /// Whether a call may be made. While the pause has ended and nothing else is known, one call at a time is.
    fn admit(&mut self, now: Timestamp) -> bool {
        match self.paused_until {
            Some(until) if now < until => false,
            Some(_) => {
                self.paused_until = Some(now.plus(PAUSE));
                true
            }
            None => true,
        }
    }

    fn record(&mut self, has_answered: bool, now: Timestamp) {
        if has_answered {
            *self = Self::default();
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            self.paused_until = Some(now.plus(PAUSE));
        }
    }
}

pub(super) struct KnownProvider {
    /// Its issuer, or, for many tenants, where their metadata is.
    pub(super) issuer: String,
    source: Source,
    health: Mutex<Health>,
    // Locked while they are read, so that of many requests one reads.
    metadata: tokio::sync::Mutex<Remembered<Metadata>>,
    keys: tokio::sync::Mutex<Remembered<Vec<ProviderKey>>>,
}

impl KnownProvider {
    pub(super) fn new(issuer: &str, source: Source) -> Self {
        Self {
            issuer: issuer.to_string(),
            source,
            health: Mutex::default(),
            metadata: tokio::sync::Mutex::default(),
            keys: tokio::sync::Mutex::default(),
        }
    }

    /// Makes a call, unless the provider is left alone. Only an answer below 500 counts as one.
    pub(super) async fn call(
        &self,
        (metrics, now): (&Metrics, Timestamp),
        call: impl Future<Output = Result<ProviderAnswer, CallError>>,
    ) -> Result<ProviderAnswer, ProviderError> {
        if !self.health.lock().unwrap_or_else(PoisonError::into_inner).admit(now) {
            metrics.count_provider_call(&self.issuer, ProviderCall::Skipped);
            return Err(ProviderError::Unavailable("it did not answer several times, so it is not asked now".into()));
        }
        let answer = call.await;
        let has_answered = answer.as_ref().is_ok_and(|answer| answer.status < 500);
        self.health.lock().unwrap_or_else(PoisonError::into_inner).record(has_answered, now);
        let result = if has_answered { ProviderCall::Answered } else { ProviderCall::Failed };
        metrics.count_provider_call(&self.issuer, result);
        match answer {
            Ok(answer) if has_answered => Ok(answer),
            Ok(answer) => Err(ProviderError::Unavailable(format!("it answered {}", answer.status))),
            Err(error) => Err(ProviderError::Unavailable(error.to_string())),
        }
    }

    /// The provider's metadata.
    ///
    /// # Errors
    /// When it is not known and cannot be read.
    pub(super) async fn metadata(
        &self,
        http: &ProviderHttp,
        metrics: &Metrics,
        now: Timestamp,
    ) -> Result<Arc<Metadata>, ProviderError> {
        if let Source::Fixed(metadata) = &self.source {
            return Ok(Arc::new(metadata.clone()));
        }
        let mut metadata = self.metadata.lock().await;
        if let Some(known) = metadata.kept.as_ref().filter(|known| now < known.expires_at) {
            return Ok(Arc::clone(&known.content));
        }
        let read = match metadata.refuse(now) {
            Ok(()) => {
                let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
                let answer = self.call((metrics, now), http.get(&url, None)).await;
                let read = answer.and_then(|answer| self.read_metadata(&answer));
                if let Err(error) = &read {
                    metadata.note_failure(error, now.plus(FAILURE_PAUSE));
                }
                read
            }
            Err(error) => Err(error),
        };
        match read {
            Ok(read) => {
                let content = Arc::new(read);
                metadata.keep(Arc::clone(&content), now, METADATA_AGE);
                Ok(content)
            }
            Err(error) => {
                let usable = metadata.kept.as_ref().filter(|known| now.since(known.read_at) < METADATA_STALE);
                usable.map(|known| Arc::clone(&known.content)).ok_or(error)
            }
        }
    }

    fn read_metadata(&self, answer: &ProviderAnswer) -> Result<Metadata, ProviderError> {
        if answer.status != 200 {
            return Err(ProviderError::Unavailable(format!("its metadata was answered with {}", answer.status)));
        }
        let read: Metadata = serde_json::from_slice(&answer.body)
            .map_err(|_| ProviderError::Unavailable("its metadata cannot be read".into()))?;
        // Otherwise one provider could name the endpoints of another (OpenID Connect Discovery §4.3).
        let is_own = match &self.source {
            Source::Tenants(tenants) => tenants.may_name(&read.issuer),
            Source::Discovery | Source::Fixed(_) => read.issuer == self.issuer,
        };
        if !is_own {
            return Err(ProviderError::Unproven("the metadata is another issuer's"));
        }
        let urls = [Some(&read.authorization_endpoint), Some(&read.token_endpoint), read.jwks_uri.as_ref()];
        if urls.into_iter().chain([read.userinfo_endpoint.as_ref()]).flatten().any(|url| url.len() > URL_BYTES) {
            return Err(ProviderError::Unproven("an endpoint in the metadata is too long"));
        }
        Ok(read)
    }

    /// Whether the metadata comes from the provider.
    pub(super) fn has_metadata(&self) -> bool {
        !matches!(self.source, Source::Fixed(_))
    }

    /// How many keys that can verify a signature the provider publishes now.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) async fn count_keys(
        &self,
        (http, jwks_uri): (&ProviderHttp, &str),
        asked: (&Metrics, Timestamp),
    ) -> Result<usize, ProviderError> {
        let answer = self.call(asked, http.get(jwks_uri, None)).await?;
        Ok(read_keys(&answer)?.len())
    }

    /// Checks the issuer that an authorization response names (RFC 9207 §2.4).
    ///
    /// # Errors
    /// When it is another one, or none and the provider always names it.
    pub(super) fn check_answer(&self, metadata: &Metadata, issuer: Option<&str>) -> Result<(), ProviderError> {
        let is_own = |issuer: &str| match &self.source {
            Source::Tenants(tenants) => tenants.may_answer(issuer, &metadata.issuer),
            Source::Discovery | Source::Fixed(_) => issuer == metadata.issuer,
        };
        match issuer {
            Some(issuer) if !is_own(issuer) => Err(ProviderError::Unproven("the answer names another issuer")),
            None if metadata.names_issuer => Err(ProviderError::Unproven("the answer does not name its issuer")),
            Some(_) | None => Ok(()),
        }
    }

    /// The issuer that an ID token with these claims must have, if a key of this issuer signed it.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn expect_issuer(
        &self,
        metadata: &Metadata,
        claims: &Map<String, Value>,
        key_issuer: Option<&str>,
    ) -> Result<String, ProviderError> {
        match &self.source {
            Source::Tenants(tenants) => tenants.expect_issuer(claims, &metadata.issuer, key_issuer),
            Source::Discovery | Source::Fixed(_) => Ok(metadata.issuer.clone()),
        }
    }

    /// Verifies a signature with the provider's keys; reads them again for an unknown key. Answers the issuer whose tokens alone
    /// the key signs, if the provider says so.
    ///
    /// # Errors
    /// When no key made the signature, or the keys cannot be read.
    pub(super) async fn verify(
        &self,
        (http, jwks_uri): (&ProviderHttp, &str),
        jws: &Jws,
        (metrics, now): (&Metrics, Timestamp),
    ) -> Result<Option<String>, ProviderError> {
        let mut keys = self.keys.lock().await;
        let known = keys.kept.as_ref().filter(|known| now < known.expires_at);
        let has_keys = known.is_some();
        if let Some(known) = known {
            match try_keys(&known.content, jws) {
                KeyVerdict::Verified(key) => return Ok(key.issuer.clone()),
                KeyVerdict::Refused => return Err(ProviderError::Unproven("the signature is wrong")),
                KeyVerdict::Unknown if now.since(known.read_at) < UNKNOWN_KEY_PAUSE => {
                    return Err(ProviderError::Unproven("the ID token is signed with an unknown key"));
                }
                KeyVerdict::Unknown => {}
            }
        }
        keys.refuse(now)?;
        if has_keys {
            // Before the call: who makes up key names may give each request up, so that none of them fails.
            let error = ProviderError::Unavailable("its keys are being read".into());
            keys.note_failure(&error, now.plus(GIVEN_UP_PAUSE));
        }
        let answer = self.call((metrics, now), http.get(jwks_uri, None)).await;
        let (read, age) = match answer.and_then(|answer| Ok((read_keys(&answer)?, answer.max_age))) {
            Ok(read) => read,
            Err(error) => {
                let pause = if has_keys { UNKNOWN_KEY_PAUSE } else { FAILURE_PAUSE };
                keys.note_failure(&error, now.plus(pause));
                return Err(error);
            }
        };
        let [least, default, most] = KEYS_AGE;
        let verdict = match try_keys(&read, jws) {
            KeyVerdict::Verified(key) => Ok(key.issuer.clone()),
            KeyVerdict::Refused => Err(ProviderError::Unproven("the signature is wrong")),
            KeyVerdict::Unknown => Err(ProviderError::Unproven("the ID token is signed with an unknown key")),
        };
        keys.keep(Arc::new(read), now, age.unwrap_or(default).clamp(least, most));
        verdict
    }
}

enum KeyVerdict<'a> {
    Verified(&'a ProviderKey),
    /// The key that the token names did not sign it.
    Refused,
    /// The token names a key that is not among these.
    Unknown,
}

fn try_keys<'a>(keys: &'a [ProviderKey], jws: &Jws) -> KeyVerdict<'a> {
    let named = jws.header().kid.as_deref();
    let mut candidates = keys
        .iter()
        .filter(|one| named.is_none_or(|kid| one.key.kid() == Some(kid)) && jws.check_key(&one.key).is_ok())
        .peekable();
    if candidates.peek().is_none() {
        return KeyVerdict::Unknown;
    }
    candidates.find(|one| verifies_jws(&one.key, jws)).map_or(KeyVerdict::Refused, KeyVerdict::Verified)
}

/// The keys of a key set (RFC 7517 §5) that can verify a signature; others are left out.
fn read_keys(answer: &ProviderAnswer) -> Result<Vec<ProviderKey>, ProviderError> {
    #[derive(Deserialize)]
    struct KeySet {
        keys: Vec<Value>,
    }
    let read: Option<KeySet> = (answer.status == 200).then(|| serde_json::from_slice(&answer.body).ok()).flatten();
    let read = read.ok_or_else(|| ProviderError::Unavailable("its keys cannot be read".into()))?;
    let is_for_signatures = |key: &&Value| key.get("use").is_none_or(|use_| use_ == "sig");
    let read_key = |value: &Value| {
        let issuer = value.get("issuer").and_then(Value::as_str).map(str::to_string);
        Some(ProviderKey { key: Jwk::from_value(value).ok()?, issuer })
    };
    Ok(read.keys.iter().take(KEYS).filter(is_for_signatures).filter_map(read_key).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        adapters::entropy::Entropy,
        crypto::signing::{KeyAlgorithm, SigningKey},
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    #[test]
    fn a_provider_that_fails_is_left_alone_and_then_asked_once() {
        let mut health = Health::default();
        for _ in 0..FAILURES {
            assert!(health.admit(NOW));
            health.record(false, NOW);
        }
        let later = NOW.plus(PAUSE);
        assert!(!health.admit(NOW));
        assert!(health.admit(later) && !health.admit(later), "one call finds out");
        health.record(true, later);
        assert!(health.admit(later) && health.admit(later));
    }

    #[test]
    fn a_token_is_verified_by_the_key_that_it_names() {
        let make = |kid: &str| {
            let pkcs8 = SigningKey::generate(KeyAlgorithm::Es256, &Entropy::Os).expect("a key");
            SigningKey::parse(kid.into(), KeyAlgorithm::Es256, &pkcs8).expect("a key")
        };
        let public = |key: &SigningKey| {
            let key = Jwk::from_value(key.public_jwk()).expect("a public key");
            ProviderKey { key, issuer: None }
        };
        let (own, other, twin) = (make("a"), make("b"), make("a"));
        let jws = Jws::parse(&own.sign("JWT", &json!({}))).expect("a JWS");
        assert!(matches!(try_keys(&[public(&other), public(&own)], &jws), KeyVerdict::Verified(_)));
        assert!(matches!(try_keys(&[public(&other)], &jws), KeyVerdict::Unknown));
        assert!(matches!(try_keys(&[public(&twin)], &jws), KeyVerdict::Refused));
        assert!(matches!(try_keys(&[], &jws), KeyVerdict::Unknown));
    }

    #[test]
    fn metadata_of_another_issuer_is_refused() {
        let known = KnownProvider::new("https://id.example", Source::Discovery);
        let answer = |issuer: &str, status| {
            let body = json!({
                "issuer": issuer, "authorization_endpoint": "https://id.example/a",
                "token_endpoint": "https://id.example/t", "jwks_uri": "https://id.example/k",
            });
            ProviderAnswer { status, max_age: None, body: body.to_string().into_bytes() }
        };
        assert!(known.read_metadata(&answer("https://id.example", 200)).is_ok());
        for (issuer, status) in
            [("https://evil.example", 200), ("https://id.example/", 200), ("https://id.example", 404)]
        {
            assert!(known.read_metadata(&answer(issuer, status)).is_err(), "{issuer} {status}");
        }
    }
}
