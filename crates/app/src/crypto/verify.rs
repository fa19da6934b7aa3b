//! Verifies signatures by device keys and DPoP keys.
//! Does not decide which key is accepted, or what the signature means.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use vestibule_protocol::jose::{Jwk, Jws, PublicKey, Thumbprint};

use super::sha256;

/// Whether the key signed the message, with the one algorithm for its type: RS256 or ES256.
#[must_use]
pub fn verifies(key: &Jwk, message: &[u8], signature: &[u8]) -> bool {
    match key.key() {
        PublicKey::Rsa { n, e } => {
            RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
        }
        PublicKey::EcP256 { x, y } => {
            // SEC 1 §2.3.3, uncompressed; the provider rejects a point that is not on the curve.
            let mut point = [0x04; 65];
            point[1..33].copy_from_slice(x);
            point[33..].copy_from_slice(y);
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
        }
    }
}

/// Whether this key signed the JWS, with the algorithm that the JWS names (no algorithm confusion).
#[must_use]
pub(crate) fn verifies_jws(key: &Jwk, jws: &Jws) -> bool {
    jws.check_key(key).is_ok() && verifies(key, jws.signing_input(), jws.signature())
}

#[must_use]
pub fn thumbprint(key: &Jwk) -> Thumbprint {
    Thumbprint::from_digest(sha256(key.thumbprint_input().as_bytes()).0)
}

/// Whether a thumbprint is this key's, in the standard form or in that of older Android and Flutter SDKs.
#[must_use]
pub(crate) fn has_thumbprint(key: &Jwk, printed: &str) -> bool {
    let java = || key.java_thumbprint_input().map(|input| Thumbprint::from_digest(sha256(input.as_bytes()).0));
    Thumbprint::parse(printed).is_some_and(|wanted| wanted == thumbprint(key) || Some(wanted) == java())
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{
        adapters::entropy::Entropy,
        crypto::signing::{KeyAlgorithm, SigningKey},
    };

    fn make(algorithm: KeyAlgorithm) -> SigningKey {
        let pkcs8 = SigningKey::generate(algorithm, &Entropy::Os).expect("a key");
        SigningKey::parse("device-key-1".into(), algorithm, &pkcs8).expect("a key")
    }

    static RSA: LazyLock<SigningKey> = LazyLock::new(|| make(KeyAlgorithm::Rs256));
    static EC: LazyLock<SigningKey> = LazyLock::new(|| make(KeyAlgorithm::Es256));

    fn public(key: &SigningKey) -> Jwk {
        Jwk::from_value(key.public_jwk()).expect("a public key")
    }

    fn sign(key: &SigningKey) -> String {
        key.sign("t", &json!({"challenge": "C", "action": "auth"}))
    }

    #[test]
    fn a_signature_verifies_with_its_own_key_alone() {
        for (key, other) in [(&RSA, &EC), (&EC, &RSA)] {
            let jws = Jws::parse(&sign(key)).expect("a JWS");
            assert!(verifies_jws(&public(key), &jws));
            assert!(!verifies_jws(&public(other), &jws));
            assert!(!verifies_jws(&public(&make(key.algorithm())), &jws));
        }
    }

    #[test]
    fn a_point_off_the_curve_verifies_nothing() {
        let off = Jwk::ec_p256(&[1; 32], &[1; 32]).expect("the right length");
        let jws = Jws::parse(&sign(&EC)).expect("a JWS");
        assert!(!verifies_jws(&off, &jws));
    }

    #[test]
    fn a_signature_of_another_length_is_refused() {
        let jws = Jws::parse(&sign(&EC)).expect("a JWS");
        let key = public(&EC);
        for signature in [&[][..], &jws.signature()[..63], &[jws.signature(), &[0]].concat(), &[0; 64]] {
            assert!(!verifies(&key, jws.signing_input(), signature));
        }
    }

    #[test]
    fn the_thumbprint_is_that_of_the_standard_and_javas_is_known_too() {
        // Key and thumbprint of the example in RFC 7638 §3.1; its modulus has the top bit set.
        let key = Jwk::parse(
            r#"{"kty":"RSA","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}"#,
        )
        .expect("a key");
        assert_eq!(thumbprint(&key).to_string(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert!(has_thumbprint(&key, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
        let java = sha256(key.java_thumbprint_input().expect("the top bit is set").as_bytes());
        assert!(has_thumbprint(&key, &Thumbprint::from_digest(java.0).to_string()));
        assert!(!has_thumbprint(&key, &thumbprint(&public(&EC)).to_string()));
        assert!(!has_thumbprint(&key, "") && !has_thumbprint(&key, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs="));
    }

    proptest! {
        #[test]
        fn a_changed_byte_is_never_accepted(rsa: bool, at: proptest::sample::Index, byte in 0_u8..128) {
            let key = if rsa { &*RSA } else { &*EC };
            let mut changed = sign(key).into_bytes();
            let at = at.index(changed.len());
            prop_assume!(changed[at] != byte);
            changed[at] = byte;
            let accepted = Jws::parse(std::str::from_utf8(&changed).expect("ASCII"))
                .is_ok_and(|jws| verifies_jws(&public(key), &jws));
            prop_assert!(!accepted);
        }

        #[test]
        fn a_changed_bit_of_the_signature_is_never_accepted(rsa: bool, at: proptest::sample::Index, bit in 0_u8..8) {
            let key = if rsa { &*RSA } else { &*EC };
            let jws = Jws::parse(&sign(key)).expect("a JWS");
            let mut signature = jws.signature().to_vec();
            let at = at.index(signature.len());
            signature[at] ^= 1 << bit;
            prop_assert!(!verifies(&public(key), jws.signing_input(), &signature));
        }
    }
}
