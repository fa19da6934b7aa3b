//! A project's keys, opened once: the key of self-contained values and the signing keys.

use std::time::Duration;

use serde_json::{Map, Value, json};
use vestibule_domain::time::Timestamp;
use vestibule_store::keys::KeyRow;

use super::{
    hex, read_base64url,
    seal::{CannotUnseal, MasterKey},
    signing::{BadKey, SigningAlgorithm, SigningKey},
    tokens::MacKey,
};
use crate::ports::entropy::Entropy;

const MAC: &str = "mac";
const WEBHOOK: &str = "webhook";
/// How long webhooks are also signed with the secret that was current before.
const SECRET_OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// A project's keys, ready for use.
pub struct KeyRing {
    /// Makes and checks self-contained values.
    pub mac: MacKey,
    /// Newest first; the first that is not retired signs, all verify.
    signing: Vec<(SigningKey, bool)>,
    /// Newest first, with the time each was retired.
    webhook: Vec<(Vec<u8>, Option<Timestamp>)>,
}

/// The secrets a webhook is signed with.
#[derive(Clone, Copy)]
pub struct WebhookSecrets<'a> {
    /// Today's.
    pub current: &'a [u8],
    /// The one before, for a day after it was replaced.
    pub previous: Option<&'a [u8]>,
}

/// Why a project's keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// Sealed with another master key.
    #[error(transparent)]
    CannotUnseal(#[from] CannotUnseal),
    /// Not a key.
    #[error(transparent)]
    BadKey(#[from] BadKey),
    /// A kind of key that every project has is not there.
    #[error("the project has no {0} key")]
    Missing(&'static str),
}

impl KeyRing {
    /// Makes the keys of a new project, sealed for the store.
    ///
    /// # Errors
    /// When the crypto provider cannot make one.
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
            row("RS256", &SigningKey::generate(SigningAlgorithm::Rs256)?),
            row("ES256", &SigningKey::generate(SigningAlgorithm::Es256)?),
        ])
    }

    /// Makes one more signing key, sealed for the store.
    ///
    /// # Errors
    /// When the crypto provider cannot make one.
    pub fn generate_signing(
        project_id: &str,
        algorithm: SigningAlgorithm,
        master: &MasterKey,
        entropy: &Entropy,
        now: Timestamp,
    ) -> Result<KeyRow, BadKey> {
        let purpose = algorithm.as_str();
        Ok(KeyRow {
            kid: format!("{}-{}", purpose.to_lowercase(), hex(&entropy.bytes::<6>())),
            purpose: purpose.to_string(),
            sealed: master.seal(&SigningKey::generate(algorithm)?, &seal_context(project_id, purpose), entropy),
            created_at: now,
            retired_at: None,
        })
    }

    /// Makes a webhook secret: its text for the receivers, and its row for the store.
    #[must_use]
    pub fn generate_webhook(
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

    /// Opens a project's stored keys.
    ///
    /// # Errors
    /// When one cannot be opened, or one is missing.
    pub fn open(project_id: &str, mut rows: Vec<KeyRow>, master: &MasterKey) -> Result<Self, KeyRingError> {
        rows.sort_by_key(|row| std::cmp::Reverse(row.created_at));
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
                "RS256" => SigningAlgorithm::Rs256,
                "ES256" => SigningAlgorithm::Es256,
                // A newer release's kind of key: not ours to use.
                _ => continue,
            };
            signing.push((SigningKey::parse(row.kid, algorithm, &plain)?, row.retired_at.is_some()));
        }
        let ring = Self { mac: mac.ok_or(KeyRingError::Missing(MAC))?, signing, webhook };
        for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Es256] {
            if !ring.signing.iter().any(|(key, retired)| key.algorithm() == algorithm && !retired) {
                return Err(KeyRingError::Missing(algorithm.as_str()));
            }
        }
        Ok(ring)
    }

    /// The key that signs with this algorithm.
    #[must_use]
    pub fn signer(&self, algorithm: SigningAlgorithm) -> &SigningKey {
        let current = self.signing.iter().find(|(key, retired)| key.algorithm() == algorithm && !retired);
        &current.expect("open() refuses a ring without a signing key of each algorithm").0
    }

    /// What webhooks are signed with; none in a project that never had a secret made.
    #[must_use]
    pub fn webhook_secrets(&self, now: Timestamp) -> Option<WebhookSecrets<'_>> {
        let current = self.webhook.iter().find(|(_, retired)| retired.is_none())?;
        let previous = self.webhook.iter().find(|(_, retired)| retired.is_some_and(|at| now < at.plus(SECRET_OVERLAP)));
        Some(WebhookSecrets { current: &current.0, previous: previous.map(|(secret, _)| secret.as_slice()) })
    }

    /// The public halves as a JWK set (RFC 7517 §5), RS256 first.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let mut keys: Vec<&SigningKey> = self.signing.iter().map(|(key, _)| key).collect();
        keys.sort_by_key(|key| key.algorithm() != SigningAlgorithm::Rs256);
        json!({"keys": keys.iter().map(|key| key.public_jwk()).collect::<Vec<_>>()})
    }

    /// The claims of a JWT that one of these keys signed with this `typ`; times are the caller's to judge.
    #[must_use]
    pub fn read_jwt(&self, typ: &str, token: &str) -> Option<Map<String, Value>> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        let header: Map<String, Value> = serde_json::from_slice(&read_base64url(header)?).ok()?;
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        if text("typ")? != typ {
            return None;
        }
        let kid = text("kid")?;
        let (key, _) = self.signing.iter().find(|(key, _)| key.kid == kid)?;
        // The algorithm is the key's own, never the token's choice.
        if text("alg")? != key.algorithm().as_str() || !key.verifies(message.as_bytes(), &read_base64url(signature)?) {
            return None;
        }
        serde_json::from_slice(&read_base64url(payload)?).ok()
    }

    /// The public half of a key, by its `kid`.
    #[must_use]
    pub fn public_jwk(&self, kid: &str) -> Option<&Value> {
        self.signing.iter().find(|(key, _)| key.kid == kid).map(|(key, _)| key.public_jwk())
    }
}

fn seal_context(project_id: &str, purpose: &str) -> String {
    format!("vestibule/{project_id}/{purpose}")
}
