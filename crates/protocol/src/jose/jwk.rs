//! Public keys as JSON (RFC 7517, RFC 7518 §6), their thumbprints (RFC 7638) and key sets.
//! Rejects private and weak keys; the crypto library checks whether a point is on the curve.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use thiserror::Error;

use super::{Alg, decode_base64url, encode_base64url};
use crate::json;

/// Members of private and symmetric keys only (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "k", "oth"];

/// Why a key was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JwkError {
    /// Not a JSON object, or a member is missing or of the wrong type.
    #[error("key is malformed")]
    Malformed,
    /// It contains private members: its owner has disclosed the key.
    #[error("key must not carry private members")]
    Private,
    /// Neither RSA nor EC on P-256.
    #[error("key type is not supported")]
    Kind,
    /// `alg` or `use` excludes the signatures made here.
    #[error("key is not meant for this use")]
    Usage,
    /// Fewer than 2048 or more than 8192 bits, or even.
    #[error("RSA modulus must have 2048 to 8192 bits")]
    Modulus,
    /// Even, below 3 or over 32 bits.
    #[error("RSA exponent must be odd and have 2 to 32 bits")]
    Exponent,
    /// Not 32 bytes.
    #[error("EC coordinates must have 32 bytes")]
    Coordinate,
}

/// The numbers of a public key; for RSA without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// An RSA key, for RS256.
    Rsa {
        /// The modulus, big-endian.
        n: Vec<u8>,
        /// The exponent, big-endian.
        e: Vec<u8>,
    },
    /// A key on P-256, for ES256.
    EcP256 {
        /// The x coordinate, big-endian.
        x: [u8; 32],
        /// The y coordinate, big-endian.
        y: [u8; 32],
    },
}

impl PublicKey {
    /// The only algorithm for this type of key.
    pub const fn alg(&self) -> Alg {
        match self {
            Self::Rsa { .. } => Alg::Rs256,
            Self::EcP256 { .. } => Alg::Es256,
        }
    }
}

/// A public key with its ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwk {
    key: PublicKey,
    kid: Option<String>,
}

impl Jwk {
    /// Parses a key from JSON text, such as one stored by [`Jwk::to_json`].
    ///
    /// # Errors
    /// [`JwkError`].
    pub fn parse(text: &str) -> Result<Self, JwkError> {
        Self::from_object(&json::parse_object(text.as_bytes()).ok_or(JwkError::Malformed)?)
    }

    /// Parses a key from a JSON value, such as the `jwk` member of a header.
    ///
    /// # Errors
    /// [`JwkError`].
    pub fn from_value(value: &Value) -> Result<Self, JwkError> {
        Self::from_object(value.as_object().ok_or(JwkError::Malformed)?)
    }

    fn from_object(object: &Map<String, Value>) -> Result<Self, JwkError> {
        if PRIVATE_MEMBERS.iter().any(|name| object.contains_key(*name)) {
            return Err(JwkError::Private);
        }
        let bytes = |name: &str| read_text(object, name)?.and_then(decode_base64url).ok_or(JwkError::Malformed);
        let kid = read_text(object, "kid")?.map(str::to_owned);
        let mut jwk = match read_text(object, "kty")? {
            Some("RSA") => Self::rsa(&bytes("n")?, &bytes("e")?)?,
            Some("EC") if read_text(object, "crv")? == Some("P-256") => Self::ec_p256(&bytes("x")?, &bytes("y")?)?,
            Some(_) => return Err(JwkError::Kind),
            None => return Err(JwkError::Malformed),
        };
        if read_text(object, "alg")?.is_some_and(|alg| alg != jwk.alg().as_str())
            || read_text(object, "use")?.is_some_and(|usage| usage != "sig")
        {
            return Err(JwkError::Usage);
        }
        jwk.kid = kid;
        Ok(jwk)
    }

    /// Builds an RSA key. Leading zeros are dropped: Android SDKs sent the bytes of Java's `BigInteger`, which have
    /// one.
    ///
    /// # Errors
    /// [`JwkError::Modulus`] or [`JwkError::Exponent`].
    pub fn rsa(n: &[u8], e: &[u8]) -> Result<Self, JwkError> {
        let n = strip_zeros(n);
        let e = strip_zeros(e);
        if !(2048..=8192).contains(&count_bits(n)) || !is_odd(n) {
            return Err(JwkError::Modulus);
        }
        if !(2..=32).contains(&count_bits(e)) || !is_odd(e) {
            return Err(JwkError::Exponent);
        }
        Ok(Self { key: PublicKey::Rsa { n: n.to_vec(), e: e.to_vec() }, kid: None })
    }

    /// Builds a key on P-256; the caller's crypto library checks that the point is on the curve.
    ///
    /// # Errors
    /// [`JwkError::Coordinate`] unless both have 32 bytes.
    pub fn ec_p256(x: &[u8], y: &[u8]) -> Result<Self, JwkError> {
        let coordinate = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).map_err(|_| JwkError::Coordinate);
        Ok(Self { key: PublicKey::EcP256 { x: coordinate(x)?, y: coordinate(y)? }, kid: None })
    }

    /// The same key with an ID.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn with_kid(mut self, kid: impl Into<String>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// The same key without an ID, for records that store the ID separately.
    #[must_use]
    pub fn without_kid(mut self) -> Self {
        self.kid = None;
        self
    }

    /// The numbers.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The ID, if it has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The only algorithm for this key.
    pub const fn alg(&self) -> Alg {
        self.key.alg()
    }

    /// The text whose SHA-256 is the key's thumbprint (RFC 7638 §3).
    pub fn thumbprint_input(&self) -> String {
        match &self.key {
            PublicKey::Rsa { n, e } => print_rsa_thumbprint_input(n, e),
            PublicKey::EcP256 { x, y } => {
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, encode_base64url(x), encode_base64url(y))
            }
        }
    }

    /// The text that older Android and Flutter SDKs hash for `dpop_jkt`: with the sign byte that Java puts before the
    /// modulus. `None` for keys for which the two are equal. Compare a received `dpop_jkt` with both; store only the
    /// standard one.
    pub fn java_thumbprint_input(&self) -> Option<String> {
        match &self.key {
            PublicKey::Rsa { n, e } => {
                let top_bit = n.first().is_some_and(|first| first & 0x80 != 0);
                top_bit.then(|| print_rsa_thumbprint_input(&[&[0], n.as_slice()].concat(), e))
            }
            PublicKey::EcP256 { .. } => None,
        }
    }

    /// Serializes the public key with `alg` and `use`, deterministically.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a map of texts always prints")
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.key {
            PublicKey::Rsa { n, e } => {
                map.serialize_entry("kty", "RSA")?;
                map.serialize_entry("n", &encode_base64url(n))?;
                map.serialize_entry("e", &encode_base64url(e))?;
            }
            PublicKey::EcP256 { x, y } => {
                map.serialize_entry("kty", "EC")?;
                map.serialize_entry("crv", "P-256")?;
                map.serialize_entry("x", &encode_base64url(x))?;
                map.serialize_entry("y", &encode_base64url(y))?;
            }
        }
        if let Some(kid) = &self.kid {
            map.serialize_entry("kid", kid)?;
        }
        map.serialize_entry("alg", self.alg().as_str())?;
        map.serialize_entry("use", "sig")?;
        map.end()
    }
}

/// The SHA-256 thumbprint of a key (RFC 7638), serialized as in `jkt` and `dpop_jkt` (RFC 9449 §6.1 and §10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Wraps the SHA-256 of [`Jwk::thumbprint_input`].
    pub const fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Parses canonical base64url without padding; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        decode_base64url(text)?.try_into().ok().map(Self)
    }

    /// The digest.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode_base64url(self.0))
    }
}

fn print_rsa_thumbprint_input(n: &[u8], e: &[u8]) -> String {
    format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode_base64url(e), encode_base64url(n))
}

/// A text member; absent is `None`, another type is an error.
fn read_text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, JwkError> {
    object.get(name).map(|value| value.as_str().ok_or(JwkError::Malformed)).transpose()
}

fn strip_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Bits of a number without leading zero bytes.
fn count_bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|last| last & 1 == 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The key of RFC 7638 §3.1.
    const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    fn rsa_with(n: &[u8], e: &[u8]) -> Result<Jwk, JwkError> {
        Jwk::from_value(&json!({"kty": "RSA", "n": encode_base64url(n), "e": encode_base64url(e)}))
    }

    fn modulus(bits: usize) -> Vec<u8> {
        let mut n = vec![0xff; bits.div_ceil(8)];
        n[0] >>= (8 - bits % 8) % 8;
        n
    }

    #[test]
    fn the_thumbprint_input_is_that_of_the_rfc() {
        let jwk = Jwk::from_value(&json!({
            "kty": "RSA", "n": N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29", "x5t": "ignored", "x5c": ["x"],
            "jku": "https://evil.example"
        }))
        .unwrap();
        assert_eq!(jwk.thumbprint_input(), format!(r#"{{"e":"AQAB","kty":"RSA","n":"{N}"}}"#));
        assert_eq!(jwk.kid(), Some("2011-04-29"));
        assert_eq!(
            jwk.to_json(),
            format!(r#"{{"kty":"RSA","n":"{N}","e":"AQAB","kid":"2011-04-29","alg":"RS256","use":"sig"}}"#)
        );
    }

    #[test]
    fn a_java_sign_byte_makes_the_same_key_and_its_own_thumbprint() {
        let mut n = decode_base64url(N).unwrap();
        let plain = rsa_with(&n, &[1, 0, 1]).unwrap();
        n.insert(0, 0);
        let signed = rsa_with(&n, &[1, 0, 1]).unwrap();
        assert_eq!(signed, plain);
        assert_eq!(
            signed.java_thumbprint_input(),
            Some(format!(r#"{{"e":"AQAB","kty":"RSA","n":"{}"}}"#, encode_base64url(&n)))
        );
        assert_eq!(rsa_with(&modulus(2049), &[3]).unwrap().java_thumbprint_input(), None);
    }

    #[test]
    fn an_ec_key_is_read_and_printed() {
        let jwk = Jwk::ec_p256(&[1; 32], &[2; 32]).unwrap().with_kid("k");
        let coordinate = |byte| encode_base64url([byte; 32]);
        assert_eq!(
            jwk.thumbprint_input(),
            format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, coordinate(1), coordinate(2))
        );
        assert_eq!(Jwk::parse(&jwk.to_json()), Ok(jwk));
    }

    #[test]
    fn private_members_are_refused_whatever_they_hold() {
        for name in PRIVATE_MEMBERS {
            let mut jwk = json!({"kty": "RSA", "n": N, "e": "AQAB"});
            jwk[name] = Value::Null;
            assert_eq!(Jwk::from_value(&jwk), Err(JwkError::Private), "{name}");
        }
    }

    #[test]
    fn weak_and_absurd_rsa_keys_are_refused() {
        let e = [1, 0, 1];
        for (bits, good) in [(1024, false), (2047, false), (2048, true), (4096, true), (8192, true), (8193, false)] {
            assert_eq!(rsa_with(&modulus(bits), &e).is_ok(), good, "{bits}");
        }
        let mut even = modulus(2048);
        *even.last_mut().unwrap() = 0xfe;
        assert_eq!(rsa_with(&even, &e), Err(JwkError::Modulus));
        assert_eq!(rsa_with(&[], &e), Err(JwkError::Modulus));
        assert_eq!(rsa_with(&[0; 300], &e), Err(JwkError::Modulus));
        for (e, good) in [
            (&[][..], false),
            (&[0], false),
            (&[1], false),
            (&[2], false),
            (&[3], true),
            (&[0, 3], true),
            (&[1, 0, 0], false),
            (&[0xff, 0xff, 0xff, 0xff], true),
            (&[1, 0, 0, 0, 1], false),
        ] {
            assert_eq!(rsa_with(&modulus(2048), e).is_ok(), good, "{e:?}");
        }
    }

    #[test]
    fn other_kinds_and_uses_are_refused() {
        let x = encode_base64url([1; 32]);
        let short = encode_base64url([1; 31]);
        for (jwk, error) in [
            (json!({"kty": "EC", "crv": "P-384", "x": x, "y": x}), JwkError::Kind),
            (json!({"kty": "EC", "x": x, "y": x}), JwkError::Kind),
            (json!({"kty": "OKP", "crv": "Ed25519", "x": x}), JwkError::Kind),
            (json!({"kty": "oct"}), JwkError::Kind),
            (json!({"kty": "rsa", "n": N, "e": "AQAB"}), JwkError::Kind),
            (json!({"n": N, "e": "AQAB"}), JwkError::Malformed),
            (json!({"kty": "RSA", "n": N}), JwkError::Malformed),
            (json!({"kty": "RSA", "n": N, "e": 65537}), JwkError::Malformed),
            (json!({"kty": "RSA", "n": format!("{N}="), "e": "AQAB"}), JwkError::Malformed),
            (json!({"kty": "RSA", "n": N, "e": "AQAB", "kid": 1}), JwkError::Malformed),
            (json!({"kty": "RSA", "n": N, "e": "AQAB", "alg": "ES256"}), JwkError::Usage),
            (json!({"kty": "RSA", "n": N, "e": "AQAB", "alg": "HS256"}), JwkError::Usage),
            (json!({"kty": "RSA", "n": N, "e": "AQAB", "use": "enc"}), JwkError::Usage),
            (json!({"kty": "EC", "crv": "P-256", "x": x, "y": short}), JwkError::Coordinate),
            (json!({"kty": "EC", "crv": "P-256", "x": x, "y": x, "alg": "RS256"}), JwkError::Usage),
            (json!([]), JwkError::Malformed),
        ] {
            assert_eq!(Jwk::from_value(&jwk), Err(error), "{jwk}");
        }
    }

    proptest! {
        #[test]
        fn a_printed_key_is_read_back(n in proptest::collection::vec(any::<u8>(), 255..260), e in 1..=u32::MAX, kid in ".{0,8}") {
            if let Ok(jwk) = rsa_with(&n, &e.to_be_bytes()) {
                let jwk = jwk.with_kid(kid);
                prop_assert_eq!(Jwk::parse(&jwk.to_json()).unwrap(), jwk);
            }
        }

        #[test]
        fn parsing_never_panics(text in ".{0,60}", member in "(kty|n|e|crv|x|y|alg|kid|d)", value in "[\"\\[\\]{}A-Z0-9]{0,10}") {
            let _ = Jwk::parse(&text);
            let _ = Jwk::parse(&format!(r#"{{"kty":"RSA","{member}":{value}}}"#));
        }

        #[test]
        fn a_thumbprint_is_read_back(digest: [u8; 32]) {
            let thumbprint = Thumbprint::from_digest(digest);
            prop_assert_eq!(Thumbprint::parse(&thumbprint.to_string()), Some(thumbprint));
        }
    }
}
