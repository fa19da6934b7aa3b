//! A device's key pairs, generated and used without the server's code: RSA 2048 or P-256, as in its keystore.

use std::{
    cell::Cell,
    sync::{Arc, LazyLock},
};

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

#[derive(Clone)]
pub(crate) struct KeyPair(Arc<Pair>);

/// Generating RSA keys is slow, so tests share a few; no test may rely on a key being unknown to another test's server.
static RSA: LazyLock<Vec<KeyPair>> = LazyLock::new(|| {
    let make = || RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
    (0..8).map(|_| KeyPair(Arc::new(Pair::Rsa(make())))).collect()
});

impl KeyPair {
    /// An RSA key other than the last seven returned to this test: each test has a thread, and others do not take its turns.
    pub(crate) fn rsa() -> Self {
        thread_local!(static NEXT: Cell<usize> = const { Cell::new(0) });
        let next = NEXT.replace(NEXT.get() + 1);
        RSA[next % RSA.len()].clone()
    }

    pub(crate) fn ec() -> Self {
        Self(Arc::new(Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("an EC key"))))
    }

    pub(crate) fn alg(&self) -> &'static str {
        match &*self.0 {
            Pair::Rsa(_) => "RS256",
            Pair::Ec(_) => "ES256",
        }
    }

    /// The public key as the SDKs serialize it; `java` adds Java's sign byte before the modulus.
    pub(crate) fn jwk(&self, kid: &str, java: bool) -> Value {
        match &*self.0 {
            Pair::Rsa(pair) => {
                let n = pair.public_key().modulus();
                let n = n.big_endian_without_leading_zero();
                let n = if java { [&[0], n].concat() } else { n.to_vec() };
                let e = pair.public_key().exponent();
                let e = e.big_endian_without_leading_zero();
                json!({"kid": kid, "kty": "RSA", "alg": "RS256", "n": encode(n), "e": encode(e)})
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
                json!({"kid": kid, "kty": "EC", "alg": "ES256", "crv": "P-256", "x": x, "y": y})
            }
        }
    }

    /// The thumbprint (RFC 7638), or its variant with Java's sign byte.
    pub(crate) fn thumbprint(&self, java: bool) -> String {
        let jwk = self.jwk("", java);
        let text = |name: &str| jwk[name].as_str().unwrap_or_default().to_string();
        let input = match &*self.0 {
            Pair::Rsa(_) => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text("e"), text("n")),
            Pair::Ec(_) => format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, text("x"), text("y")),
        };
        encode(digest::digest(&digest::SHA256, input.as_bytes()))
    }

    /// Signs header and payload, both as text.
    pub(crate) fn sign(&self, header: &str, payload: &str) -> String {
        let input = format!("{}.{}", encode(header), encode(payload));
        let signature = match &*self.0 {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
                    .expect("a signature");
                signature
            }
            Pair::Ec(pair) => pair.sign(&SystemRandom::new(), input.as_bytes()).expect("a signature").as_ref().to_vec(),
        };
        format!("{input}.{}", encode(signature))
    }
}
