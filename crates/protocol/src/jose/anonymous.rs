//! The request that a guest signs with its device key: sign-up, sign-in and promotion.
//! Checks structure and times; the caller checks the challenge, the key and the signature.

use serde_json::{Map, Value};

use super::{ClaimTimes, Header, JoseError, Jws, SKEW_SECONDS};
use crate::Credential;

/// The `typ` of an anonymous request, the same for all SDKs.
pub const ANONYMOUS_REQUEST_TYPE: &str = "vnd.authgear.anonymous-request";

/// The ID of a device key: `^[-\w]{8,64}$` in ASCII, opaque and case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// Parses an ID.
    ///
    /// # Errors
    /// [`JoseError::KeyId`].
    pub fn parse(text: &str) -> Result<Self, JoseError> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (8..=64).contains(&text.len()) && text.bytes().all(word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(JoseError::KeyId)
        }
    }

    /// The key ID of a header: that of its `jwk` when there is one, else its `kid`.
    ///
    /// # Errors
    /// [`JoseError::KeyId`].
    pub fn select(header: &Header) -> Result<Self, JoseError> {
        let kid = match &header.jwk {
            Some(jwk) => jwk.kid(),
            None => header.kid.as_deref(),
        };
        Self::parse(kid.ok_or(JoseError::KeyId)?)
    }

    /// The ID.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The requested action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnonymousAction {
    /// Sign up or sign in; valid at the token endpoint.
    Auth,
    /// Promote the guest; valid in a login hint.
    Promote,
}

impl AnonymousAction {
    /// The action as spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Promote => "promote",
        }
    }

    /// Parses an action; `None` if unknown.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Auth, Self::Promote].into_iter().find(|action| action.as_str() == text)
    }
}

/// The claims of an anonymous request; `device_info`, which two SDKs add, is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnonymousRequestClaims {
    /// Its times, all optional.
    pub times: ClaimTimes,
    /// The signed challenge.
    pub challenge: Credential,
    /// The action; the caller must check that it fits the endpoint.
    pub action: AnonymousAction,
}

impl AnonymousRequestClaims {
    /// Reads the claims. An absent action is rejected: a request for one use must not serve for another.
    ///
    /// # Errors
    /// [`JoseError::Claim`] naming the claim.
    pub fn read(payload: &Map<String, Value>) -> Result<Self, JoseError> {
        let text = |name: &'static str| payload.get(name).and_then(Value::as_str).ok_or(JoseError::Claim(name));
        Ok(Self {
            times: ClaimTimes::read(payload)?,
            challenge: Credential::from(text("challenge")?),
            action: AnonymousAction::parse(text("action")?).ok_or(JoseError::Claim("action"))?,
        })
    }

    /// Compares the times present with `now_seconds`, allowing clocks to differ by `skew_seconds`.
    ///
    /// # Errors
    /// [`JoseError::Time`].
    pub fn check_times(&self, now_seconds: i64, skew_seconds: i64) -> Result<(), JoseError> {
        Ok(self.times.check(now_seconds, skew_seconds)?)
    }
}

/// An anonymous request with valid structure and times; its signature is not verified yet.
pub struct AnonymousRequest {
    /// The signed text and its key, if it carries one.
    pub jws: Jws,
    /// The ID of the device key that it claims to be signed with.
    pub key_id: KeyId,
    /// The claims.
    pub claims: AnonymousRequestClaims,
}

impl AnonymousRequest {
    /// Parses a request and checks its times.
    ///
    /// # Errors
    /// [`JoseError`]; the response is the same for all.
    pub fn parse(text: &str, now_seconds: i64) -> Result<Self, JoseError> {
        let request = Self::parse_timeless(text)?;
        request.claims.check_times(now_seconds, SKEW_SECONDS)?;
        Ok(request)
    }

    /// Parses a request without checking its times: enough to find out whether its challenge was used.
    ///
    /// # Errors
    /// [`JoseError`]; the response is the same for all.
    pub fn parse_timeless(text: &str) -> Result<Self, JoseError> {
        let jws = Jws::parse(text)?;
        let claims = AnonymousRequestClaims::read(&jws.claims()?)?;
        if jws.header().typ.as_deref() != Some(ANONYMOUS_REQUEST_TYPE) {
            return Err(JoseError::Type);
        }
        let key_id = KeyId::select(jws.header())?;
        Ok(Self { jws, key_id, claims })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::{Alg, Jwk, NumericDate, TimeError, print_jws};

    const NOW: i64 = 1_795_000_000;

    fn header() -> Header {
        Header {
            alg: Alg::Es256,
            typ: Some(ANONYMOUS_REQUEST_TYPE.to_owned()),
            kid: Some("0D1C7A3E-5B0F-4A52-9C0E-7F6F1A2B3C4D".to_owned()),
            jwk: None,
        }
    }

    fn parse(header: &Header, claims: &Value) -> Result<AnonymousRequest, JoseError> {
        AnonymousRequest::parse(&print_jws(header, claims, &[1; 64]), NOW)
    }

    fn claims() -> Value {
        json!({"iat": NOW, "exp": NOW + 60, "challenge": "C", "action": "auth"})
    }

    #[test]
    fn requests_of_every_sdk_are_read() {
        for claims in [
            claims(),
            json!({"iat": NOW as f64 + 0.5, "exp": NOW as f64 + 300.25, "challenge": "C", "action": "auth"}),
            json!({"challenge": "C", "action": "auth", "device_info": {"ios": {}}}),
        ] {
            let request = parse(&header(), &claims).unwrap();
            assert_eq!(request.claims.challenge.as_str(), "C");
            assert_eq!(request.claims.action, AnonymousAction::Auth);
            assert_eq!(request.key_id.as_str(), "0D1C7A3E-5B0F-4A52-9C0E-7F6F1A2B3C4D");
        }
    }

    #[test]
    fn exponent_floats_of_flutter_on_android_are_read() {
        let payload: Value =
            serde_json::from_str(r#"{"iat":1.795E9,"exp":1.7950003E9,"challenge":"C","action":"promote"}"#).unwrap();
        let claims = AnonymousRequestClaims::read(payload.as_object().unwrap()).unwrap();
        assert_eq!(claims.times.iat, Some(NumericDate::from_seconds(1_795_000_000)));
        assert_eq!(claims.times.exp, Some(NumericDate::from_seconds(1_795_000_300)));
    }

    #[test]
    fn every_structural_fault_is_refused() {
        let without = |name: &str| {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(name);
            claims
        };
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            claims
        };
        for (claims, error) in [
            (without("challenge"), JoseError::Claim("challenge")),
            (without("action"), JoseError::Claim("action")),
            (with("action", json!("setup")), JoseError::Claim("action")),
            (with("challenge", json!(1)), JoseError::Claim("challenge")),
            (with("iat", json!("now")), JoseError::Claim("iat")),
            (with("exp", json!(null)), JoseError::Claim("exp")),
            (with("exp", json!(NOW - 300)), JoseError::Time(TimeError::Expired)),
            (with("iat", json!(NOW + 301)), JoseError::Time(TimeError::IssuedInFuture)),
            (with("nbf", json!(NOW + 301)), JoseError::Time(TimeError::NotYetValid)),
            (json!([]), JoseError::Payload),
        ] {
            assert_eq!(parse(&header(), &claims).err(), Some(error), "{claims}");
        }
        for (header, error) in [
            (Header { typ: None, ..header() }, JoseError::Type),
            (Header { typ: Some("vnd.authgear.biometric-request".to_owned()), ..header() }, JoseError::Type),
            (Header { kid: None, ..header() }, JoseError::KeyId),
            (Header { kid: Some("short".to_owned()), ..header() }, JoseError::KeyId),
        ] {
            assert_eq!(parse(&header, &claims()).err(), Some(error), "{header:?}");
        }
    }

    #[test]
    fn the_id_of_a_carried_key_wins() {
        let jwk = Jwk::ec_p256(&[1; 32], &[2; 32]).unwrap();
        let named = Header { jwk: Some(jwk.clone().with_kid("key-in-jwk")), ..header() };
        assert_eq!(KeyId::select(&named).unwrap().as_str(), "key-in-jwk");
        let unnamed = Header { jwk: Some(jwk), ..header() };
        assert_eq!(KeyId::select(&unnamed), Err(JoseError::KeyId));
    }

    #[test]
    fn key_ids_are_8_to_64_word_characters() {
        for (text, good) in [
            ("1234567", false),
            ("12345678", true),
            ("-_aZ09-_", true),
            (&"a".repeat(64), true),
            (&"a".repeat(65), false),
            ("12345678\n", false),
            ("1234567é", false),
            ("1234 678", false),
            ("", false),
        ] {
            assert_eq!(KeyId::parse(text).is_ok(), good, "{text:?}");
        }
    }
}
