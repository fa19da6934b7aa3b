//! The JWT with which an application authenticates by its key (RFC 7523 §3, OIDC Core §9).
//! Checks structure and times; the caller checks the audience, the key, the signature and that it is used once.

use serde_json::{Map, Value};

use super::{ClaimTimes, JoseError, Jws, TimeError};

/// The only `client_assertion_type` (RFC 7523 §2.2).
pub const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion may be valid, in seconds: until then, the server remembers its use.
pub const CLIENT_ASSERTION_SECONDS: i64 = 3_600;

/// By how much the clocks of two servers may differ, in seconds.
pub const CLIENT_SKEW_SECONDS: i64 = 60;

/// Maximum bytes of `jti`, and of one audience.
const TEXT_BYTES: usize = 4 * 1024;

/// Maximum number of audiences.
const AUDIENCES: usize = 8;

/// An assertion with valid structure and times; its signature is not verified yet.
pub struct ClientAssertion {
    /// The signed text.
    pub jws: Jws,
    /// The application: `iss` and `sub`, which are equal.
    pub client_id: String,
    /// For whom it is; at least one.
    pub audiences: Vec<String>,
    /// Its name, unique for the application.
    pub jti: String,
    /// When it ends, in Unix seconds.
    pub expires_at: i64,
}

impl ClientAssertion {
    /// Parses an assertion and checks its times.
    ///
    /// # Errors
    /// [`JoseError`].
    pub fn parse(text: &str, now_seconds: i64) -> Result<Self, JoseError> {
        let jws = Jws::parse(text)?;
        // A signature that the key made for another purpose is no authentication (RFC 8725 §3.11).
        let is_plain = |typ: &str| {
            ["jwt", "client-authentication+jwt"]
                .iter()
                .any(|known| typ.strip_prefix("application/").unwrap_or(typ).eq_ignore_ascii_case(known))
        };
        if jws.header().typ.as_deref().is_some_and(|typ| !is_plain(typ)) {
            return Err(JoseError::Type);
        }
        let claims = jws.claims()?;
        let client_id = read_text(&claims, "iss")?;
        if read_text(&claims, "sub")? != client_id {
            return Err(JoseError::Claim("sub"));
        }
        let times = ClaimTimes::read(&claims)?;
        let expires_at = times.exp.ok_or(JoseError::Claim("exp"))?.seconds();
        times.check(now_seconds, CLIENT_SKEW_SECONDS)?;
        if expires_at > now_seconds.saturating_add(CLIENT_ASSERTION_SECONDS + CLIENT_SKEW_SECONDS) {
            return Err(JoseError::Time(TimeError::TooLong));
        }
        let audiences = read_audiences(&claims)?;
        let jti = read_text(&claims, "jti")?;
        Ok(Self { jws, client_id, audiences, jti, expires_at })
    }
}

fn read_text(claims: &Map<String, Value>, name: &'static str) -> Result<String, JoseError> {
    let text = claims.get(name).and_then(Value::as_str);
    let text = text.filter(|text| !text.is_empty() && text.len() <= TEXT_BYTES);
    text.map(str::to_owned).ok_or(JoseError::Claim(name))
}

fn read_audiences(claims: &Map<String, Value>) -> Result<Vec<String>, JoseError> {
    match claims.get("aud") {
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(all)) if (1..=AUDIENCES).contains(&all.len()) => {
            let texts = all.iter().map(|one| one.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().ok_or(JoseError::Claim("aud"))
        }
        _ => Err(JoseError::Claim("aud")),
    }
}

/// The application that an assertion names, without any check: enough to find its keys.
#[must_use]
pub fn peek_client_id(assertion: &str) -> Option<String> {
    let claims = Jws::parse(assertion).ok()?.claims().ok()?;
    read_text(&claims, "sub").ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::{Alg, Header, print_jws};

    const NOW: i64 = 1_795_000_000;

    fn header(typ: Option<&str>) -> Header {
        Header { alg: Alg::Es256, typ: typ.map(str::to_owned), kid: None, jwk: None }
    }

    fn claims() -> Value {
        json!({"iss": "nightly", "sub": "nightly", "aud": "https://auth.shop.example", "jti": "1", "exp": NOW + 60})
    }

    fn parse(claims: &Value) -> Result<ClientAssertion, JoseError> {
        ClientAssertion::parse(&print_jws(&header(None), claims, &[1; 64]), NOW)
    }

    #[test]
    fn an_assertion_says_who_for_whom_and_until_when() {
        let read = parse(&claims()).unwrap();
        assert_eq!((read.client_id.as_str(), read.jti.as_str(), read.expires_at), ("nightly", "1", NOW + 60));
        assert_eq!(read.audiences, ["https://auth.shop.example"]);
        let mut several = claims();
        several["aud"] = json!(["a", "b"]);
        assert_eq!(parse(&several).unwrap().audiences, ["a", "b"]);
        assert_eq!(peek_client_id(&print_jws(&header(None), &claims(), &[1; 64])).as_deref(), Some("nightly"));
        assert_eq!(peek_client_id("a.b.c"), None);
    }

    #[test]
    fn what_is_missing_or_wrong_is_refused() {
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            claims
        };
        for (claims, error) in [
            (with("iss", json!("other")), JoseError::Claim("sub")),
            (with("iss", json!(null)), JoseError::Claim("iss")),
            (with("sub", json!("")), JoseError::Claim("sub")),
            (with("aud", json!([])), JoseError::Claim("aud")),
            (with("aud", json!([1])), JoseError::Claim("aud")),
            (with("aud", json!(vec!["a"; 9])), JoseError::Claim("aud")),
            (with("jti", json!(7)), JoseError::Claim("jti")),
            (with("jti", json!("x".repeat(4_097))), JoseError::Claim("jti")),
            (with("exp", json!("soon")), JoseError::Claim("exp")),
            (with("exp", json!(NOW - 60)), JoseError::Time(TimeError::Expired)),
            (with("exp", json!(NOW + 3_661)), JoseError::Time(TimeError::TooLong)),
            (with("iat", json!(NOW + 61)), JoseError::Time(TimeError::IssuedInFuture)),
            (with("nbf", json!(NOW + 61)), JoseError::Time(TimeError::NotYetValid)),
        ] {
            assert_eq!(parse(&claims).err(), Some(error), "{claims}");
        }
        let mut endless = claims();
        endless.as_object_mut().unwrap().remove("exp");
        assert_eq!(parse(&endless).err(), Some(JoseError::Claim("exp")));
    }

    #[test]
    fn a_signature_for_another_purpose_is_no_authentication() {
        for (typ, is_good) in [
            (None, true),
            (Some("JWT"), true),
            (Some("client-authentication+jwt"), true),
            (Some("application/client-authentication+jwt"), true),
            (Some("at+jwt"), false),
            (Some("dpop+jwt"), false),
        ] {
            let text = print_jws(&header(typ), &claims(), &[1; 64]);
            assert_eq!(ClientAssertion::parse(&text, NOW).is_ok(), is_good, "{typ:?}");
        }
    }
}
