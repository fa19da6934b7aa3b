//! Parsing a signed compact JWS with the header fields that this server trusts.
//! Does not verify: gives the caller the bytes, the signature and the key.

use serde_json::{Map, Value};

use super::{Alg, Compact, JoseError, Jwk};
use crate::json;

/// The trusted header fields; `jku`, `x5u`, `x5c` and the like are never read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The algorithm.
    pub alg: Alg,
    /// The media type.
    pub typ: Option<String>,
    /// The key's ID.
    pub kid: Option<String>,
    /// The key itself, of the type that `alg` needs.
    pub jwk: Option<Jwk>,
}

impl Header {
    fn read(object: &Map<String, Value>) -> Result<Self, JoseError> {
        let alg = read_header_alg(object)?;
        let typ = read_text(object, "typ")?;
        let kid = read_text(object, "kid")?;
        let jwk = object.get("jwk").map(Jwk::from_value).transpose()?;
        if jwk.as_ref().is_some_and(|jwk| jwk.alg() != alg) {
            return Err(JoseError::KeyMismatch);
        }
        Ok(Self { alg, typ, kid, jwk })
    }
}

/// Reads `alg` and rejects headers with `crit` (RFC 7515 §4.1.11): no extension is supported.
pub(crate) fn read_header_alg(object: &Map<String, Value>) -> Result<Alg, JoseError> {
    if object.contains_key("crit") {
        return Err(JoseError::Critical);
    }
    let text = object.get("alg").and_then(Value::as_str).ok_or(JoseError::Header)?;
    Alg::parse(text).ok_or(JoseError::Algorithm)
}

fn read_text(object: &Map<String, Value>, name: &str) -> Result<Option<String>, JoseError> {
    object.get(name).map(|value| value.as_str().map(str::to_owned).ok_or(JoseError::Header)).transpose()
}

/// A well-formed JWS; its signature is not verified yet.
pub struct Jws {
    compact: Compact,
    header: Header,
}

impl Jws {
    /// Parses a compact JWS. The encoding is canonical: no two texts give the same signing input and signature.
    ///
    /// # Errors
    /// [`JoseError`].
    pub fn parse(text: &str) -> Result<Self, JoseError> {
        let compact = Compact::parse(text)?;
        let header = Header::read(&compact.header)?;
        Ok(Self { compact, header })
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The bytes the signature covers.
    pub fn signing_input(&self) -> &[u8] {
        self.compact.signing_input()
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        &self.compact.signature
    }

    /// The payload's bytes.
    pub fn payload(&self) -> &[u8] {
        &self.compact.payload
    }

    /// The payload as claims.
    ///
    /// # Errors
    /// [`JoseError::Payload`] unless it is a JSON object with unique members.
    pub fn claims(&self) -> Result<Map<String, Value>, JoseError> {
        json::parse_object(self.payload()).ok_or(JoseError::Payload)
    }

    /// Rejects a key of another type than `alg` (algorithm confusion).
    ///
    /// # Errors
    /// [`JoseError::KeyMismatch`].
    pub fn check_key(&self, key: &Jwk) -> Result<(), JoseError> {
        if key.alg() == self.header.alg { Ok(()) } else { Err(JoseError::KeyMismatch) }
    }
}

/// A compact JWS with these bytes as its signature.
#[cfg(test)]
pub(crate) fn print_jws(header: &Header, claims: &Value, signature: &[u8]) -> String {
    let mut fields = Map::new();
    fields.insert("alg".to_owned(), header.alg.as_str().into());
    fields.extend(header.typ.as_deref().map(|typ| ("typ".to_owned(), typ.into())));
    fields.extend(header.kid.as_deref().map(|kid| ("kid".to_owned(), kid.into())));
    fields.extend(header.jwk.as_ref().map(|jwk| ("jwk".to_owned(), serde_json::to_value(jwk).unwrap())));
    let parts = [Value::Object(fields).to_string().into_bytes(), claims.to_string().into_bytes(), signature.to_vec()];
    parts.map(super::encode_base64url).join(".")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::jose::{JwkError, encode_base64url};
    use crate::limits::JWS_BYTES;

    fn join(header: &str, payload: &str, signature: &[u8]) -> String {
        format!("{}.{}.{}", encode_base64url(header), encode_base64url(payload), encode_base64url(signature))
    }

    fn refuse(header: &str) -> JoseError {
        match Jws::parse(&join(header, "{}", b"sig")) {
            Ok(jws) => panic!("accepted {:?}", jws.header()),
            Err(error) => error,
        }
    }

    fn ec_key() -> Jwk {
        Jwk::ec_p256(&[1; 32], &[2; 32]).unwrap()
    }

    #[test]
    fn a_jws_gives_its_parts() {
        let text = join(r#"{"alg":"RS256","typ":"t","kid":"k","x5c":["ignored"]}"#, r#"{"a":1}"#, b"sig");
        let jws = Jws::parse(&text).unwrap();
        assert_eq!(
            jws.header(),
            &Header { alg: Alg::Rs256, typ: Some("t".to_owned()), kid: Some("k".to_owned()), jwk: None }
        );
        assert_eq!(jws.payload(), br#"{"a":1}"#);
        assert_eq!(jws.claims().unwrap()["a"], 1);
        assert_eq!(jws.signature(), b"sig");
        assert_eq!(jws.signing_input(), text.rsplit_once('.').unwrap().0.as_bytes());
    }

    #[test]
    fn a_made_jws_is_read_back() {
        let header = Header {
            alg: Alg::Es256,
            typ: Some("dpop+jwt".to_owned()),
            kid: Some("k".to_owned()),
            jwk: Some(ec_key().with_kid("k")),
        };
        let text = print_jws(&header, &json!({"jti": "x"}), &[7; 64]);
        let jws = Jws::parse(&text).unwrap();
        assert_eq!(jws.header(), &header);
        assert_eq!(Some(jws.signing_input()), text.rsplit_once('.').map(|(input, _)| input.as_bytes()));
        assert_eq!(jws.signature(), [7; 64]);
    }

    #[test]
    fn none_hmac_and_every_other_algorithm_are_refused() {
        for alg in ["none", "None", "HS256", "HS512", "RS384", "PS256", "ES384", "ES256K", "EdDSA", "rs256", ""] {
            assert_eq!(refuse(&format!(r#"{{"alg":"{alg}"}}"#)), JoseError::Algorithm, "{alg}");
        }
    }

    #[test]
    fn malformed_headers_are_refused() {
        for header in [
            "",
            "[]",
            "null",
            "{}",
            "{",
            r#"{"alg":1}"#,
            r#"{"alg":null}"#,
            r#"{"alg":["RS256"]}"#,
            r#"{"alg":"RS256","alg":"RS256"}"#,
            r#"{"alg":"none","alg":"RS256"}"#,
            r#"{"alg":"RS256","kid":1}"#,
            r#"{"alg":"RS256","typ":null}"#,
            r#"{"alg":"RS256"} "{}"#,
        ] {
            let error = match Jws::parse(&join(header, "{}", b"sig")) {
                Ok(_) => panic!("accepted {header}"),
                Err(error) => error,
            };
            let expected = if header.is_empty() { JoseError::Structure } else { JoseError::Header };
            assert_eq!(error, expected, "{header}");
        }
        assert_eq!(refuse(r#"{"alg":"RS256","crit":["b64"],"b64":false}"#), JoseError::Critical);
        assert_eq!(refuse(r#"{"alg":"RS256","crit":[]}"#), JoseError::Critical);
    }

    #[test]
    fn keys_in_the_header_are_judged() {
        let ec = ec_key().to_json();
        assert_eq!(refuse(&format!(r#"{{"alg":"RS256","jwk":{ec}}}"#)), JoseError::KeyMismatch);
        assert_eq!(
            refuse(r#"{"alg":"RS256","jwk":{"kty":"RSA","n":"AQ","e":"AQAB"}}"#),
            JoseError::Jwk(JwkError::Modulus)
        );
        assert_eq!(refuse(r#"{"alg":"RS256","jwk":"x"}"#), JoseError::Jwk(JwkError::Malformed));
        let jws = Jws::parse(&join(r#"{"alg":"RS256"}"#, "{}", b"sig")).unwrap();
        assert_eq!(jws.check_key(&ec_key()), Err(JoseError::KeyMismatch));
    }

    #[test]
    fn only_three_full_parts_are_a_jws() {
        let good = join(r#"{"alg":"RS256"}"#, "{}", b"sig");
        for text in ["", ".", "..", "a.b", &format!("{good}."), &format!("{good}.x"), &format!(".{good}")] {
            assert_eq!(Jws::parse(text).err(), Some(JoseError::Structure), "{text}");
        }
        let unsigned = format!("{}.", good.rsplit_once('.').unwrap().0);
        assert_eq!(Jws::parse(&unsigned).err(), Some(JoseError::Structure));
        for text in [format!("{good}="), format!(" {good}"), format!("{good}\n"), good.replace('.', ".+")] {
            assert_eq!(Jws::parse(&text).err(), Some(JoseError::Base64), "{text}");
        }
    }

    #[test]
    fn what_is_too_long_is_not_looked_at() {
        assert_eq!(Jws::parse(&".".repeat(JWS_BYTES + 1)).err(), Some(JoseError::TooLong));
    }

    #[test]
    fn claims_must_be_an_object_with_unique_members() {
        for payload in ["[]", "1", r#"{"sub":"a","sub":"b"}"#, r#"{"a":{"b":1,"b":2}}"#, "\u{feff}{}"] {
            let jws = Jws::parse(&join(r#"{"alg":"RS256"}"#, payload, b"sig")).unwrap();
            assert_eq!(jws.claims(), Err(JoseError::Payload), "{payload}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".{0,80}", header in "[\\[\\]{}\",:a-z0-9SR]{0,40}") {
            let _ = Jws::parse(&text);
            let _ = Jws::parse(&join(&header, &text, b"sig"));
        }

        #[test]
        fn a_changed_byte_is_refused_or_seen(
            payload in proptest::collection::vec(any::<u8>(), 1..40),
            signature in proptest::collection::vec(any::<u8>(), 1..70),
            at: proptest::sample::Index,
            byte in 0_u8..128,
        ) {
            let good = format!(
                "{}.{}.{}",
                encode_base64url(br#"{"alg":"RS256","kid":"device-key-1","typ":"t"}"#),
                encode_base64url(&payload),
                encode_base64url(&signature),
            );
            let mut changed = good.clone().into_bytes();
            let at = at.index(changed.len());
            prop_assume!(changed[at] != byte);
            changed[at] = byte;
            if let Ok(jws) = Jws::parse(std::str::from_utf8(&changed).unwrap()) {
                let original = Jws::parse(&good).unwrap();
                prop_assert!(
                    jws.signing_input() != original.signing_input() || jws.signature() != original.signature()
                );
            }
        }
    }
}
