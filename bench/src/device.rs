//! Devices: keys that sign what a guest's app would sign.

use std::{sync::Arc, thread};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};

use crate::request::base64url;

/// A key pair shared by many [`DeviceKey`]s.
pub enum Pair {
    /// RSA of 2048 bits, RS256: what the SDKs generate.
    Rsa(Box<RsaKeyPair>),
    /// P-256, ES256.
    P256(Box<EcdsaKeyPair>),
}

/// One pair of each kind.
#[derive(Clone)]
pub struct Pairs {
    pub rsa: Arc<Pair>,
    pub p256: Arc<Pair>,
}

impl Pairs {
    pub fn make() -> Self {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("keys can be made");
        let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("keys can be made");
        Self { rsa: Arc::new(Pair::Rsa(Box::new(rsa))), p256: Arc::new(Pair::P256(Box::new(p256))) }
    }
}

/// A device's key: its own key ID, with a shared key pair, which makes no difference to the server.
pub struct DeviceKey {
    pair: Arc<Pair>,
    header: String,
}

impl DeviceKey {
    pub fn new(pair: &Arc<Pair>) -> Self {
        let mut random = [0; 16];
        aws_lc_rs::rand::fill(&mut random).expect("the system has randomness");
        let kid = base64url(&random);
        let (alg, key) = match &**pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let n = base64url(public.modulus().big_endian_without_leading_zero());
                let e = base64url(public.exponent().big_endian_without_leading_zero());
                ("RS256", format!(r#""kty":"RSA","n":"{n}","e":"{e}""#))
            }
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (base64url(&point[1..33]), base64url(&point[33..65]));
                ("ES256", format!(r#""kty":"EC","crv":"P-256","x":"{x}","y":"{y}""#))
            }
        };
        let header = format!(
            r#"{{"typ":"vnd.authgear.anonymous-request","alg":"{alg}","kid":"{kid}","jwk":{{"kid":"{kid}","alg":"{alg}",{key}}}}}"#
        );
        Self { pair: Arc::clone(pair), header: base64url(header.as_bytes()) }
    }

    fn sign(&self, challenge: &str) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let payload = format!(
            r#"{{"iat":{now},"exp":{},"challenge":"{challenge}","action":"auth","device_info":{{}}}}"#,
            now + 300
        );
        let signed = format!("{}.{}", self.header, base64url(payload.as_bytes()));
        let random = SystemRandom::new();
        let signature = match &*self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).expect("RSA can sign");
                signature
            }
            Pair::P256(pair) => pair.sign(&random, signed.as_bytes()).expect("P-256 can sign").as_ref().to_vec(),
        };
        format!("{signed}.{}", base64url(&signature))
    }
}

/// For each key, its signed request for the challenge with the same index.
pub fn sign_all(keys: &[Arc<DeviceKey>], challenges: &[String]) -> Vec<String> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = keys.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let parts: Vec<_> = (keys.chunks(share).zip(challenges.chunks(share)))
            .map(|(keys, challenges)| {
                scope.spawn(move || {
                    keys.iter().zip(challenges).map(|(key, challenge)| key.sign(challenge)).collect::<Vec<_>>()
                })
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("signing does not panic")).collect()
    })
}
