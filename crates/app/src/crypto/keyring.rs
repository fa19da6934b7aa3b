//! A project's keys, unsealed once: the MAC key of self-contained values, the signing keys and the webhook secrets.

use std::time::Duration;

use serde_json::{Map, Value, json};
use vestibule_domain::time::Timestamp;
use vestibule_store::keys::KeyRow;

use super::{
    hex, read_base64url,
    seal::{CannotUnseal, MasterKey},
    signing::{BadKey, KeyAlgorithm, SigningKey},
    tokens::MacKey,
};
use crate::adapters::entropy::Entropy;

const MAC: &str = "mac";
const WEBHOOK: &str = "webhook";
/// How long webhooks are also signed with the previous secret.
const SECRET_OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// A project's unsealed keys.
pub struct KeyRing {
    /// Issues and validates self-contained values.
    pub mac: MacKey,
    /// Oldest first; of each algorithm the first that is not retired signs, all verify.
    signing: Vec<HeldKey>,
    /// Oldest first, with the time of retirement.
    webhook: Vec<(Vec<u8>, Option<Timestamp>)>,
}

/// The secrets that sign webhooks.
#[derive(Clone, Copy)]
pub struct WebhookSecrets<'a> {
    pub current: &'a [u8],
    /// The previous one, for a day after it was replaced.
    pub previous: Option<&'a [u8]>,
}

struct HeldKey {
    key: SigningKey,
    created_at: Timestamp,
    /// When it retires or retired: it then only verifies.
    retired_at: Option<Timestamp>,
}

impl HeldKey {
    fn is_retired(&self, now: Timestamp) -> bool {
        self.retired_at.is_some_and(|at| at <= now)
    }
}

/// Why a project's keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    #[error(transparent)]
    CannotUnseal(#[from] CannotUnseal),
    #[error(transparent)]
    BadKey(#[from] BadKey),
    /// A key that every project has is missing.
    #[error("the project has no {0} key")]
    Missing(&'static str),
}

impl KeyRing {
    /// Generates the keys of a new project, sealed for the store.
    ///
    /// # Errors
    /// When the crypto provider fails.
    pub fn generate(
        project_id: &str,
        master: &MasterKey,
        entropy: &Entropy,
        now: Timestamp,
    ) -> Result<Vec<KeyRow>, BadKey> {
        let row = |purpose: &str, plain: &[u8]| KeyRow {
            kid: format!("{}-{}", purpose.to_lowercase(), hex(&entropy.bytes::<6>())),
            purpose: purpose.to_string(),
            sealed: master.seal(plain, &seal_context(project_id, purpose), entropy),
            created_at: now,
            retired_at: None,
        };
        Ok(vec![
            row(MAC, &entropy.bytes::<32>()),
            row(WEBHOOK, hex(&entropy.bytes::<32>()).as_bytes()),
            row("RS256", &SigningKey::generate(KeyAlgorithm::Rs256, entropy)?),
            row("ES256", &SigningKey::generate(KeyAlgorithm::Es256, entropy)?),
        ])
    }

    /// Seals a signing key made by [`SigningKey::generate`], for the store.
    #[must_use]
    pub(crate) fn seal_signing(
        project_id: &str,
        algorithm: KeyAlgorithm,
        pkcs8: &[u8],
        master: &MasterKey,
        entropy: &Entropy,
        now: Timestamp,
    ) -> KeyRow {
        let purpose = algorithm.as_str();
        KeyRow {
            kid: format!("{}-{}", purpose.to_lowercase(), hex(&entropy.bytes::<6>())),
            purpose: purpose.to_string(),
            sealed: master.seal(pkcs8, &seal_context(project_id, purpose), entropy),
            created_at: now,
            retired_at: None,
        }
    }

    /// Generates a webhook secret: its text for the receivers, and its row for the store.
    #[must_use]
    pub(crate) fn generate_webhook(
        project_id: &str,
        master: &MasterKey,
        entropy: &Entropy,
        now: Timestamp,
    ) -> (String, KeyRow) {
        let secret = hex(&entropy.bytes::<32>());
        let row = KeyRow {
            kid: format!("{WEBHOOK}-{}", hex(&entropy.bytes::<6>())),
            purpose: WEBHOOK.to_string(),
            sealed: master.seal(secret.as_bytes(), &seal_context(project_id, WEBHOOK), entropy),
            created_at: now,
            retired_at: None,
        };
        (secret, row)
    }

    /// Unseals a project's keys.
    ///
    /// # Errors
    /// When one cannot be unsealed, or one is missing.
    pub fn open(project_id: &str, mut rows: Vec<KeyRow>, master: &MasterKey) -> Result<Self, KeyRingError> {
        rows.sort_by_key(|row| row.created_at);
        let mut mac = None;
        let mut signing = Vec::new();
        let mut webhook = Vec::new();
        for row in rows {
            let plain = master.open(&row.sealed, &seal_context(project_id, &row.purpose))?;
            let algorithm = match row.purpose.as_str() {
                MAC => {
                    mac = mac.or_else(|| Some(MacKey::new(&plain)));
                    continue;
                }
                WEBHOOK => {
                    webhook.push((plain, row.retired_at));
                    continue;
                }
                "RS256" => KeyAlgorithm::Rs256,
                "ES256" => KeyAlgorithm::Es256,
                // A kind of key of a newer release: ignore it.
                _ => continue,
            };
            let key = SigningKey::parse(row.kid, algorithm, &plain)?;
            signing.push(HeldKey { key, created_at: row.created_at, retired_at: row.retired_at });
        }
        let ring = Self { mac: mac.ok_or(KeyRingError::Missing(MAC))?, signing, webhook };
        for algorithm in [KeyAlgorithm::Rs256, KeyAlgorithm::Es256] {
            if !ring.signing.iter().any(|held| held.key.algorithm() == algorithm && held.retired_at.is_none()) {
                return Err(KeyRingError::Missing(algorithm.as_str()));
            }
        }
        Ok(ring)
    }

    /// The key that signs with this algorithm at `now`: the oldest that is not retired. A newer one is only published
    /// until the older one retires, so that every verifier knows it before it signs.
    #[must_use]
    pub(crate) fn signer(&self, algorithm: KeyAlgorithm, now: Timestamp) -> &SigningKey {
        let mut keys = self.signing.iter().filter(|held| held.key.algorithm() == algorithm);
        let current = keys.find(|held| !held.is_retired(now));
        &current.expect("open() refuses a ring without a key of each algorithm that never retires").key
    }

    /// The secrets that sign webhooks; `None` in a project without one.
    #[must_use]
    pub fn webhook_secrets(&self, now: Timestamp) -> Option<WebhookSecrets<'_>> {
        let current = self.webhook.iter().rev().find(|(_, retired)| retired.is_none())?;
        // The one that was retired last: two may have been created in the same instant.
        let retired =
            self.webhook.iter().filter(|(_, retired)| retired.is_some_and(|at| now < at.plus(SECRET_OVERLAP)));
        let previous = retired.max_by_key(|(_, retired)| *retired);
        Some(WebhookSecrets { current: &current.0, previous: previous.map(|(secret, _)| secret.as_slice()) })
    }

    /// The public halves as a JWK set (RFC 7517 §5): RS256 first, and the signing key before the others.
    #[must_use]
    pub fn jwks(&self, now: Timestamp) -> Value {
        let mut keys: Vec<&HeldKey> = self.signing.iter().collect();
        keys.sort_by_key(|held| (held.key.algorithm() != KeyAlgorithm::Rs256, held.is_retired(now)));
        json!({"keys": keys.iter().map(|held| held.key.public_jwk()).collect::<Vec<_>>()})
    }

    /// When the newest signing keys were created.
    #[must_use]
    pub(crate) fn newest_signing(&self) -> Timestamp {
        let newest = self.signing.iter().map(|held| held.created_at).max();
        newest.expect("open() refuses a ring without a key of each algorithm")
    }

    /// When the first of the retired keys stopped signing.
    #[must_use]
    pub(crate) fn first_retired(&self) -> Option<Timestamp> {
        self.signing.iter().filter_map(|held| held.retired_at).min()
    }

    fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.signing.iter().map(|held| &held.key).find(|key| key.kid == kid)
    }

    /// The claims of a JWT signed by one of these keys with this `typ`; the caller checks the times.
    #[must_use]
    pub(crate) fn read_jwt(&self, typ: &str, token: &str) -> Option<Map<String, Value>> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        let header: Map<String, Value> = serde_json::from_slice(&read_base64url(header)?).ok()?;
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        if text("typ")? != typ {
            return None;
        }
        let kid = text("kid")?;
        let key = self.find(kid)?;
        // The key determines the algorithm, never the token.
        if text("alg")? != key.algorithm().as_str() || !key.verifies(message.as_bytes(), &read_base64url(signature)?) {
            return None;
        }
        serde_json::from_slice(&read_base64url(payload)?).ok()
    }

    /// The public half of a key, by its `kid`.
    #[must_use]
    pub fn public_jwk(&self, kid: &str) -> Option<&Value> {
        self.find(kid).map(SigningKey::public_jwk)
    }
}

fn seal_context(project_id: &str, purpose: &str) -> String {
    format!("vestibule/{project_id}/{purpose}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_new_key_is_published_at_once_and_signs_when_the_old_one_retires() {
        let entropy = Entropy::seeded(1);
        let master = MasterKey::from_hex(&"ab".repeat(32), "test").expect("a key");
        let mut rows = KeyRing::generate("shop", &master, &entropy, at(0)).expect("keys");
        let pkcs8 = SigningKey::generate(KeyAlgorithm::Es256, &entropy).expect("a key");
        let new = KeyRing::seal_signing("shop", KeyAlgorithm::Es256, &pkcs8, &master, &entropy, at(100));
        let old_kid = rows.iter().find(|row| row.purpose == "ES256").expect("one").kid.clone();
        for row in &mut rows {
            row.retired_at = (row.kid == old_kid).then(|| at(200));
        }
        let new_kid = new.kid.clone();
        rows.insert(0, new);
        let ring = KeyRing::open("shop", rows, &master).expect("opens");
        for (now, signer) in [(100, &old_kid), (199, &old_kid), (200, &new_kid), (10_000, &new_kid)] {
            assert_eq!(&ring.signer(KeyAlgorithm::Es256, at(now)).kid, signer, "{now}");
            let jwks = ring.jwks(at(now));
            let kids: Vec<&str> =
                jwks["keys"].as_array().expect("keys").iter().filter_map(|k| k["kid"].as_str()).collect();
            assert!(kids.contains(&old_kid.as_str()) && kids.contains(&new_kid.as_str()));
            assert_eq!(kids[1], signer.as_str(), "the one that signs comes first");
        }
        let token = ring.signer(KeyAlgorithm::Es256, at(150)).sign("at+jwt", &json!({"sub": "x"}));
        assert!(ring.read_jwt("at+jwt", &token).is_some(), "a retired key still verifies");
        assert_eq!((ring.newest_signing(), ring.first_retired()), (at(100), Some(at(200))));
    }

    #[test]
    fn a_ring_whose_last_key_of_an_algorithm_retires_is_refused() {
        let entropy = Entropy::seeded(1);
        let master = MasterKey::from_hex(&"ab".repeat(32), "test").expect("a key");
        let mut rows = KeyRing::generate("shop", &master, &entropy, at(0)).expect("keys");
        let rs256 = rows.iter_mut().find(|row| row.purpose == "RS256").expect("a project has one");
        rs256.retired_at = Some(at(1_000_000));
        assert!(matches!(KeyRing::open("shop", rows, &master), Err(KeyRingError::Missing("RS256"))));
    }
}
