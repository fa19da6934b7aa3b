//! Public keys of passkeys: COSE keys (RFC 9052 §7, RFC 9053, RFC 8230) and their signatures.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use ciborium::Value;

use super::{InvalidPasskey, authenticator_data::read_cbor};

/// The algorithms offered to authenticators, best first: ES256, EdDSA, RS256 (for Windows Hello).
pub(super) const ALGORITHMS: [i64; 3] = [-7, -8, -257];

/// Maximum size of a COSE key: RSA with 8192 bits, and its labels.
const MAX_COSE_KEY: usize = 1_200;
/// The allowed sizes of an RSA modulus, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

pub(super) enum PasskeyPublicKey {
    /// An uncompressed point on P-256.
    Es256(Vec<u8>),
    Ed25519(Vec<u8>),
    Rs256 {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl PasskeyPublicKey {
    /// Parses a new passkey's COSE key and checks that it can verify: a point off its curve, or an RSA key of an
    /// invalid size, would be stored but never work.
    pub(super) fn read_new(cose: &[u8]) -> Result<Self, InvalidPasskey> {
        let key = Self::read(cose)?;
        if key.is_usable() { Ok(key) } else { Err(InvalidPasskey::Malformed("COSE key")) }
    }

    fn is_usable(&self) -> bool {
        let parses =
            |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| ParsedPublicKey::new(algorithm, key).is_ok();
        match self {
            Self::Es256(point) => parses(&ECDSA_P256_SHA256_ASN1, point),
            Self::Ed25519(point) => parses(&ED25519, point),
            Self::Rs256 { modulus, exponent } => {
                let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
                // Odd, at least 3, at most 33 bits: the verifier's limits.
                let sound = exponent.first().is_some_and(|first| *first != 0) && exponent.len() <= 4;
                let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
                RSA_BITS.contains(&bits) && sound && odd(modulus) && odd(exponent) && exponent.as_slice() != [1]
            }
        }
    }

    /// Parses a COSE key of one of the offered algorithms.
    pub(super) fn read(cose: &[u8]) -> Result<Self, InvalidPasskey> {
        if cose.len() > MAX_COSE_KEY {
            return Err(InvalidPasskey::Malformed("COSE key"));
        }
        let mut rest = cose;
        let key = read_cbor(&mut rest)?;
        let entries = key.as_map().filter(|_| rest.is_empty()).ok_or(InvalidPasskey::Malformed("COSE key"))?;
        let find = |label: i64| {
            let label = Value::from(label);
            entries.iter().find(|(key, _)| *key == label).map(|(_, value)| value)
        };
        let number = |label| find(label).and_then(Value::as_integer).and_then(|n| i64::try_from(n).ok());
        let bytes = |label| find(label).and_then(Value::as_bytes).cloned();
        // Labels: 1 key type, 3 algorithm, -1 curve or modulus, -2 x or exponent, -3 y.
        match (number(1), number(3)) {
            (Some(2), Some(-7)) if number(-1) == Some(1) => {
                let (x, y) = (bytes(-2).filter(|x| x.len() == 32), bytes(-3).filter(|y| y.len() == 32));
                let (Some(x), Some(y)) = (x, y) else { return Err(InvalidPasskey::Malformed("COSE key")) };
                Ok(Self::Es256([&[4], x.as_slice(), y.as_slice()].concat()))
            }
            (Some(1), Some(-8)) if number(-1) == Some(6) => {
                bytes(-2).filter(|x| x.len() == 32).map(Self::Ed25519).ok_or(InvalidPasskey::Malformed("COSE key"))
            }
            (Some(3), Some(-257)) => {
                let (Some(modulus), Some(exponent)) = (bytes(-1), bytes(-2)) else {
                    return Err(InvalidPasskey::Malformed("COSE key"));
                };
                Ok(Self::Rs256 { modulus, exponent })
            }
            _ => Err(InvalidPasskey::UnknownAlgorithm),
        }
    }

    /// Whether the signature over the message was made with this key's private half.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature).is_ok()
            }
            Self::Ed25519(point) => UnparsedPublicKey::new(&ED25519, point).verify(message, signature).is_ok(),
            Self::Rs256 { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
        }
    }
}
