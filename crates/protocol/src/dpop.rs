//! DPoP proofs (RFC 9449 §4): all checks but the signature, each with its exact error text.
//! The caller passes the time and decides whether a proof is required.

use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;

use crate::jose::{Alg, ClaimTimes, Compact, JoseError, Jwk, SKEW_SECONDS, read_header_alg};
use crate::json;
use crate::oauth::{ErrorCode, OAuthError};

/// The `typ` of a proof.
pub const PROOF_TYPE: &str = "dpop+jwt";

/// The plain-text 400 response to more than one `DPoP` header.
pub const MULTIPLE_HEADERS: &str = "multiple DPoP headers are not allowed";

/// Maximum age of a proof, in seconds: also how long its `jti` must be stored.
pub const MAX_AGE_SECONDS: i64 = 300;

/// The longest `jti`: the base64url of 256 bits.
const MAX_JTI_CHARS: usize = 43;

/// Why a proof was rejected; the text is the `error_description` of an `invalid_dpop_proof`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum ProofError {
    /// Not a compact JWS with JSON parts.
    #[error("malformed DPoP jwt")]
    Malformed,
    /// `exp`, `nbf` or `iat` is off by more than the allowed clock skew.
    #[error("invalid DPoP jwt")]
    Times,
    /// `iat` is absent or too old.
    #[error("DPoP proof expired")]
    Expired,
    /// Neither ES256 nor RS256.
    #[error("unsupported alg in DPoP jwt")]
    Alg,
    /// `jwk` is absent, invalid, or of another type than `alg`.
    #[error("invalid DPoP jwk")]
    Jwk,
    /// Not [`PROOF_TYPE`].
    #[error("invalid DPoP jwt typ")]
    Type,
    /// `jti`, `htm` or `htu` is absent or malformed.
    #[error("invalid DPoP jwt payload")]
    Payload,
    /// The proof is for another method.
    #[error("htm in the DPoP proof does not match request method")]
    Method,
    /// The proof is for another address.
    #[error("htu in the DPoP proof does not match request uri")]
    Uri,
    /// The signature does not verify; checked by the caller.
    #[error("invalid DPoP jwt signature")]
    Signature,
}

impl From<ProofError> for OAuthError {
    fn from(error: ProofError) -> Self {
        Self::new(ErrorCode::InvalidDpopProof, error.to_string())
    }
}

/// The request that a proof must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofTarget<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The public origin (never the socket's address) with the request's path and query.
    pub uri: &'a str,
}

/// A proof that matches its request; its signature is not verified yet.
pub struct DpopProof {
    /// The key to verify with; its thumbprint is the `jkt`.
    pub jwk: Jwk,
    /// The algorithm, which matches the key's type.
    pub alg: Alg,
    /// The proof's ID, to detect replays.
    pub jti: String,
    /// When it was made, in Unix seconds.
    pub iat: i64,
    compact: Compact,
}

impl DpopProof {
    /// Parses the value of a `DPoP` header; of several faults, the first in the order of the checks is reported.
    ///
    /// # Errors
    /// [`ProofError`], which by itself does not fail a request.
    pub fn parse(header: &str, target: ProofTarget<'_>, now_seconds: i64) -> Result<Self, ProofError> {
        let compact = Compact::parse(header).map_err(|_| ProofError::Malformed)?;
        let payload = json::parse_object(&compact.payload).ok_or(ProofError::Malformed)?;
        let iat = check_times(&payload, now_seconds)?;
        let alg = read_header_alg(&compact.header).map_err(|error| match error {
            JoseError::Critical => ProofError::Malformed,
            JoseError::TooLong
            | JoseError::Structure
            | JoseError::Base64
            | JoseError::Header
            | JoseError::Algorithm
            | JoseError::Type
            | JoseError::Jwk(_)
            | JoseError::KeyMismatch
            | JoseError::KeyId
            | JoseError::Payload
            | JoseError::Claim(_)
            | JoseError::Time(_) => ProofError::Alg,
        })?;
        let jwk = compact.header.get("jwk").ok_or(ProofError::Jwk)?;
        let jwk = Jwk::from_value(jwk).ok().filter(|jwk| jwk.alg() == alg).ok_or(ProofError::Jwk)?;
        if compact.header.get("typ").and_then(Value::as_str) != Some(PROOF_TYPE) {
            return Err(ProofError::Type);
        }
        let text = |name: &str| payload.get(name).and_then(Value::as_str).ok_or(ProofError::Payload);
        let jti = text("jti")?;
        let method = text("htm")?;
        let uri = text("htu")?;
        if jti.is_empty() || jti.chars().count() > MAX_JTI_CHARS {
            return Err(ProofError::Payload);
        }
        let uri = strip_query(uri).ok_or(ProofError::Payload)?;
        if !method.eq_ignore_ascii_case(target.method) {
            return Err(ProofError::Method);
        }
        if strip_query(target.uri).is_none_or(|expected| expected != uri) {
            return Err(ProofError::Uri);
        }
        Ok(Self { jwk, alg, jti: jti.to_owned(), iat, compact })
    }

    /// The bytes the signature covers.
    pub fn signing_input(&self) -> &[u8] {
        self.compact.signing_input()
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        &self.compact.signature
    }
}

fn check_times(payload: &Map<String, Value>, now_seconds: i64) -> Result<i64, ProofError> {
    let times = ClaimTimes::read(payload).map_err(|_| ProofError::Malformed)?;
    times.check(now_seconds, SKEW_SECONDS).map_err(|_| ProofError::Times)?;
    let iat = times.iat.ok_or(ProofError::Expired)?.seconds();
    if iat.saturating_add(MAX_AGE_SECONDS) < now_seconds { Err(ProofError::Expired) } else { Ok(iat) }
}

/// The URL in comparable form (RFC 9449 §4.3, check 9): normalized, without query and fragment. Dropping the query of
/// the request too accepts proofs for requests that have one, which the reference server never matches.
fn strip_query(uri: &str) -> Option<Url> {
    let mut uri = Url::parse(uri).ok()?;
    uri.set_query(None);
    uri.set_fragment(None);
    Some(uri)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::jose::encode_base64url;

    const NOW: i64 = 1_795_000_000;
    const URI: &str = "https://auth.shop.example/oauth2/token";

    fn jwk() -> Value {
        serde_json::from_str(&Jwk::ec_p256(&[1; 32], &[2; 32]).unwrap().with_kid("k").to_json()).unwrap()
    }

    fn header() -> Value {
        json!({"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk(), "kid": "k"})
    }

    fn payload() -> Value {
        json!({"iat": NOW, "exp": NOW + 60, "jti": "0D1C7A3E-5B0F-4A52-9C0E-7F6F1A2B3C4D", "htm": "POST", "htu": URI})
    }

    fn parse_for(header: &Value, payload: &Value, method: &str, uri: &str) -> Result<DpopProof, ProofError> {
        let text = format!(
            "{}.{}.{}",
            encode_base64url(header.to_string()),
            encode_base64url(payload.to_string()),
            encode_base64url([7; 64])
        );
        DpopProof::parse(&text, ProofTarget { method, uri }, NOW)
    }

    fn refuse(header: &Value, payload: &Value) -> ProofError {
        match parse_for(header, payload, "POST", URI) {
            Ok(_) => panic!("accepted {header} {payload}"),
            Err(error) => error,
        }
    }

    fn change(mut value: Value, name: &str, to: Value) -> Value {
        value[name] = to;
        value
    }

    fn remove(mut value: Value, name: &str) -> Value {
        value.as_object_mut().unwrap().remove(name);
        value
    }

    #[test]
    fn a_good_proof_gives_its_parts() {
        let proof = parse_for(&header(), &payload(), "post", URI).unwrap();
        assert_eq!((proof.iat, proof.alg), (NOW, Alg::Es256));
        assert_eq!(proof.jti, "0D1C7A3E-5B0F-4A52-9C0E-7F6F1A2B3C4D");
        assert_eq!(proof.signature(), [7; 64]);
        assert!(proof.signing_input().starts_with(b"ey"));
    }

    #[test]
    fn floats_of_the_flutter_sdk_are_read() {
        let payload = change(change(payload(), "iat", json!(NOW as f64 + 0.75)), "exp", json!(1.795_000_3E9));
        assert_eq!(parse_for(&header(), &payload, "POST", URI).unwrap().iat, NOW);
    }

    #[test]
    fn every_row_of_the_table_has_its_description() {
        use ProofError::*;
        for (header, payload, error, description) in [
            (header(), json!([]), Malformed, "malformed DPoP jwt"),
            (header(), change(payload(), "exp", json!("soon")), Malformed, "malformed DPoP jwt"),
            (change(header(), "crit", json!(["x"])), payload(), Malformed, "malformed DPoP jwt"),
            (header(), change(payload(), "exp", json!(NOW - 300)), Times, "invalid DPoP jwt"),
            (header(), change(payload(), "nbf", json!(NOW + 301)), Times, "invalid DPoP jwt"),
            (header(), change(payload(), "iat", json!(NOW + 301)), Times, "invalid DPoP jwt"),
            (header(), change(payload(), "iat", json!(NOW - 301)), Expired, "DPoP proof expired"),
            (header(), remove(payload(), "iat"), Expired, "DPoP proof expired"),
            (change(header(), "alg", json!("HS256")), payload(), Alg, "unsupported alg in DPoP jwt"),
            (change(header(), "alg", json!("none")), payload(), Alg, "unsupported alg in DPoP jwt"),
            (remove(header(), "alg"), payload(), Alg, "unsupported alg in DPoP jwt"),
            (remove(header(), "jwk"), payload(), Jwk, "invalid DPoP jwk"),
            (change(header(), "jwk", json!("key")), payload(), Jwk, "invalid DPoP jwk"),
            (change(header(), "jwk", change(jwk(), "d", json!("AA"))), payload(), Jwk, "invalid DPoP jwk"),
            (change(header(), "alg", json!("RS256")), payload(), Jwk, "invalid DPoP jwk"),
            (change(header(), "typ", json!("JWT")), payload(), Type, "invalid DPoP jwt typ"),
            (remove(header(), "typ"), payload(), Type, "invalid DPoP jwt typ"),
            (header(), remove(payload(), "jti"), Payload, "invalid DPoP jwt payload"),
            (header(), change(payload(), "jti", json!("")), Payload, "invalid DPoP jwt payload"),
            (header(), change(payload(), "jti", json!("j".repeat(44))), Payload, "invalid DPoP jwt payload"),
            (header(), change(payload(), "htm", json!(1)), Payload, "invalid DPoP jwt payload"),
            (header(), change(payload(), "htu", json!("/oauth2/token")), Payload, "invalid DPoP jwt payload"),
            (
                header(),
                change(payload(), "htm", json!("GET")),
                Method,
                "htm in the DPoP proof does not match request method",
            ),
            (
                header(),
                change(payload(), "htu", json!("https://auth.shop.example/oauth2/revoke")),
                Uri,
                "htu in the DPoP proof does not match request uri",
            ),
        ] {
            assert_eq!(refuse(&header, &payload), error, "{header} {payload}");
            assert_eq!(OAuthError::from(error), OAuthError::new(ErrorCode::InvalidDpopProof, description));
        }
        assert_eq!(Signature.to_string(), "invalid DPoP jwt signature");
        for text in ["", "a.b.c", "not a proof"] {
            let parsed = DpopProof::parse(text, ProofTarget { method: "POST", uri: URI }, NOW);
            assert_eq!(parsed.err(), Some(Malformed), "{text}");
        }
    }

    #[test]
    fn the_first_fault_in_the_order_of_the_table_is_named() {
        let header = change(remove(header(), "jwk"), "typ", json!("JWT"));
        let payload = change(payload(), "htm", json!("GET"));
        assert_eq!(refuse(&header, &payload), ProofError::Jwk);
        assert_eq!(refuse(&header, &change(payload, "iat", json!(NOW - 301))), ProofError::Expired);
    }

    #[test]
    fn a_proof_five_minutes_old_is_the_oldest_accepted() {
        let payload = change(remove(payload(), "exp"), "iat", json!(NOW - 300));
        assert!(parse_for(&header(), &payload, "POST", URI).is_ok());
    }

    #[test]
    fn addresses_compare_without_query_and_fragment() {
        for (claim, request, good) in [
            (URI, URI, true),
            ("https://AUTH.shop.example:443/oauth2/token", URI, true),
            ("https://auth.shop.example/oauth2/token?a=b#c", URI, true),
            (URI, "https://auth.shop.example/oauth2/token?a=b", true),
            ("https://auth.shop.example/oauth2/token?a=b", "https://auth.shop.example/oauth2/token?a=b", true),
            ("http://auth.shop.example/oauth2/token", URI, false),
            ("https://auth.shop.example:8443/oauth2/token", URI, false),
            ("https://auth.shop.example/oauth2/token/", URI, false),
            ("https://kim@auth.shop.example/oauth2/token", URI, false),
            ("https://evil.example/oauth2/token", URI, false),
            ("https://auth.shop.example/OAUTH2/token", URI, false),
        ] {
            let parsed = parse_for(&header(), &change(payload(), "htu", json!(claim)), "POST", request);
            assert_eq!(parsed.err(), (!good).then_some(ProofError::Uri), "{claim} for {request}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".{0,60}", htu in ".{0,30}", iat: i64) {
            let target = ProofTarget { method: "POST", uri: &htu };
            let _ = DpopProof::parse(&text, target, iat);
            let _ = parse_for(&header(), &change(change(payload(), "htu", json!(htu)), "iat", json!(iat)), &text, URI);
        }
    }
}
