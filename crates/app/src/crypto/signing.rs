//! This server's signing keys (RS256, ES256), parsed once.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{append_base64url, base64url};
use crate::adapters::entropy::Entropy;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyAlgorithm {
    Rs256,
    Es256,
}

impl KeyAlgorithm {
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// The key cannot be generated or parsed.
#[derive(Debug, thiserror::Error)]
#[error("a signing key cannot be used: {0}")]
pub struct BadKey(&'static str);

enum SigningKeyPair {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

/// A parsed signing key.
pub(crate) struct SigningKey {
    pub kid: String,
    pair: SigningKeyPair,
    jwk: Value,
    public: ParsedPublicKey,
    random: SystemRandom,
    /// Cached JOSE headers by `typ`.
    heads: [(&'static str, String); 2],
}

/// Initial capacity for the claims of a typical token, and for its header and signature.
const USUAL_CLAIMS: usize = 640;
const USUAL_REST: usize = 512;

/// A JWS header, encoded.
fn print_head(algorithm: KeyAlgorithm, typ: &str, kid: &str) -> String {
    base64url(json!({"alg": algorithm.as_str(), "typ": typ, "kid": kid}).to_string())
}

fn generate_rsa() -> Result<Vec<u8>, BadKey> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| BadKey("RSA generation failed"))?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| BadKey("RSA encoding failed"))?;
    Ok(der.as_ref().to_vec())
}

/// One of the keys that the servers of a test process share: one for each server took half of the time of the whole suite.
fn share_rsa(number: u64) -> Result<Vec<u8>, BadKey> {
    const KEYS: u64 = 32;
    static SHARED: Mutex<BTreeMap<u64, Vec<u8>>> = Mutex::new(BTreeMap::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let place = number % KEYS;
    if let Some(key) = shared.get(&place) {
        return Ok(key.clone());
    }
    let key = generate_rsa()?;
    shared.insert(place, key.clone());
    Ok(key)
}

impl SigningKey {
    /// Generates a key pair and returns its PKCS#8 form, to be sealed and stored.
    ///
    /// # Errors
    /// When the provider fails.
    pub(crate) fn generate(algorithm: KeyAlgorithm, entropy: &Entropy) -> Result<Vec<u8>, BadKey> {
        match algorithm {
            KeyAlgorithm::Rs256 => match entropy.next_shared_key() {
                None => generate_rsa(),
                Some(number) => share_rsa(number),
            },
            KeyAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                    .map_err(|_| BadKey("EC generation failed"))?;
                let der = pair.to_pkcs8v1().map_err(|_| BadKey("EC encoding failed"))?;
                Ok(der.as_ref().to_vec())
            }
        }
    }

    /// Parses a key pair from PKCS#8.
    ///
    /// # Errors
    /// When the bytes are not such a key.
    pub(crate) fn parse(kid: String, algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<Self, BadKey> {
        let bad = |_| BadKey("its public half cannot be used");
        let (pair, public, mut jwk) = match algorithm {
            KeyAlgorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| BadKey("not an RSA key"))?;
                let public = pair.public_key();
                let n = base64url(public.modulus().big_endian_without_leading_zero());
                let e = base64url(public.exponent().big_endian_without_leading_zero());
                let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.as_ref()).map_err(bad)?;
                (SigningKeyPair::Rsa(Box::new(pair)), public, json!({"kty": "RSA", "n": n, "e": e}))
            }
            KeyAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                    .map_err(|_| BadKey("not a P-256 key"))?;
                let point = pair.public_key().as_ref().to_vec();
                let (x, y) = (base64url(&point[1..33]), base64url(&point[33..65]));
                let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).map_err(bad)?;
                (SigningKeyPair::Ec(Box::new(pair)), public, json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}))
            }
        };
        jwk["kid"] = kid.clone().into();
        jwk["alg"] = algorithm.as_str().into();
        jwk["use"] = "sig".into();
        let heads = ["JWT", "at+jwt"].map(|typ| (typ, print_head(algorithm, typ, &kid)));
        Ok(Self { kid, pair, jwk, public, random: SystemRandom::new(), heads })
    }

    #[must_use]
    pub(crate) fn algorithm(&self) -> KeyAlgorithm {
        match self.pair {
            SigningKeyPair::Rsa(_) => KeyAlgorithm::Rs256,
            SigningKeyPair::Ec(_) => KeyAlgorithm::Es256,
        }
    }

    /// Whether a signature over the message was made with this key.
    #[must_use]
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }

    /// The public half for the JWK set.
    #[must_use]
    pub(crate) fn public_jwk(&self) -> &Value {
        &self.jwk
    }

    /// Signs claims as a compact JWS with header `alg`, `typ` and `kid`.
    #[must_use]
    pub(crate) fn sign(&self, typ: &str, claims: &impl Serialize) -> String {
        let mut text = Vec::with_capacity(USUAL_CLAIMS);
        serde_json::to_writer(&mut text, claims).expect("claims are plain JSON values");
        let mut token = String::with_capacity(text.len().div_ceil(3) * 4 + USUAL_REST);
        match self.heads.iter().find(|(known, _)| *known == typ) {
            Some((_, head)) => token.push_str(head),
            None => token.push_str(&print_head(self.algorithm(), typ, &self.kid)),
        }
        token.push('.');
        append_base64url(&mut token, &text);
        let signature = self.sign_bytes(token.as_bytes());
        token.push('.');
        append_base64url(&mut token, &signature);
        token
    }

    fn sign_bytes(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            SigningKeyPair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature)
                    .expect("a parsed RSA key signs any message into a buffer of its own length");
                signature
            }
            SigningKeyPair::Ec(pair) => {
                pair.sign(&self.random, message).expect("a parsed P-256 key signs any message").as_ref().to_vec()
            }
        }
    }
}
