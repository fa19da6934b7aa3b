//! The claims of a provider's ID token (OpenID Connect Core §3.1.3.7).

use std::time::Duration;

use serde_json::{Map, Value};
use vestibule_domain::{project::ProviderType, time::Timestamp};

use super::ProviderError;
use crate::crypto::is_equal;

/// How far the provider's clock may be from ours.
pub(super) const SKEW: Duration = Duration::from_secs(60);
/// Maximum bytes of a subject (OpenID Connect Core §2).
const SUBJECT_BYTES: usize = 255;
/// Issuers with a second name, which some of their ID tokens have. The keys are those of the first one.
const SECOND_NAMES: [(ProviderType, &str, &str); 2] = [
    (ProviderType::Google, "https://accounts.google.com", "accounts.google.com"),
    (ProviderType::Apple, "https://appleid.apple.com", "https://account.apple.com"),
];

/// What an ID token must say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) kind: ProviderType,
    pub(super) issuer: &'a str,
    /// It is for one of them.
    pub(super) clients: &'a [&'a str],
    /// It has one of them; `None` where the provider does not repeat it.
    pub(super) nonces: Option<&'a [&'a str]>,
    /// It was not issued before this time.
    pub(super) since: Option<Timestamp>,
    pub(super) now: Timestamp,
}

/// Checks the claims of an ID token whose signature is verified; answers its subject.
///
/// # Errors
/// [`ProviderError::Unproven`].
pub(super) fn check(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<String, ProviderError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let seconds = |name: &str| claims.get(name).and_then(Value::as_f64);
    let issuer = text("iss").unwrap_or_default();
    let is_issuer = issuer == expected.issuer || SECOND_NAMES.contains(&(expected.kind, expected.issuer, issuer));
    if !is_issuer {
        return Err(ProviderError::Unproven("the ID token is another issuer's"));
    }
    let is_client = |client: &str| expected.clients.contains(&client);
    let is_for_another =
        text("azp").is_some_and(|azp| !is_client(azp)) || claims.get("azp").is_some_and(|azp| !azp.is_string());
    if !only_audience(claims.get("aud")).is_some_and(is_client) || is_for_another {
        return Err(ProviderError::Unproven("the ID token is for another client"));
    }
    let early = expected.now.minus(SKEW).as_seconds() as f64;
    let late = expected.now.plus(SKEW).as_seconds() as f64;
    if seconds("exp").is_none_or(|exp| exp <= early) {
        return Err(ProviderError::Unproven("the ID token has expired"));
    }
    if seconds("iat").is_none_or(|iat| iat > late) || seconds("nbf").is_some_and(|nbf| nbf > late) {
        return Err(ProviderError::Unproven("the ID token is from the future"));
    }
    let oldest = expected.since.map(|since| since.minus(SKEW).as_seconds() as f64);
    if oldest.is_some_and(|oldest| seconds("iat").is_none_or(|iat| iat < oldest)) {
        return Err(ProviderError::Unproven("the ID token is too old"));
    }
    let is_nonce = |nonces: &[&str]| {
        text("nonce").is_some_and(|nonce| nonces.iter().filter(|expected| is_equal(nonce, expected)).count() > 0)
    };
    if !expected.nonces.is_none_or(is_nonce) {
        return Err(ProviderError::Unproven("the ID token has another nonce"));
    }
    let subject = text("sub").unwrap_or_default();
    if subject.is_empty() || subject.len() > SUBJECT_BYTES || subject.chars().any(char::is_control) {
        return Err(ProviderError::Unproven("the ID token has no usable subject"));
    }
    Ok(subject.to_string())
}

/// When the user signed in at the provider, if the ID token says so.
pub(super) fn read_auth_time(claims: &Map<String, Value>) -> Option<Timestamp> {
    claims.get("auth_time").and_then(Value::as_i64).filter(|seconds| *seconds > 0).map(Timestamp::from_seconds)
}

/// When a verified ID token was issued.
pub(super) fn read_issued_at(claims: &Map<String, Value>) -> Timestamp {
    claims.get("iat").and_then(Value::as_i64).map(Timestamp::from_seconds).unwrap_or(Timestamp::from_seconds(0))
}

/// The audience, if there is no other.
fn only_audience(audience: Option<&Value>) -> Option<&str> {
    match audience? {
        Value::String(only) => Some(only),
        Value::Array(all) => match all.as_slice() {
            [Value::String(only)] => Some(only),
            _ => None,
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EXPECTED: Expected<'_> = Expected {
        kind: ProviderType::Oidc,
        issuer: "https://id.example",
        clients: &["shop"],
        nonces: Some(&["n-1"]),
        since: None,
        now: Timestamp::from_seconds(10_000),
    };

    fn good() -> Value {
        json!({"iss": "https://id.example", "aud": "shop", "sub": "24400320", "nonce": "n-1", "iat": 9_990, "exp": 10_300})
    }

    fn judge(claims: &Value, expected: &Expected<'_>) -> Result<String, ProviderError> {
        check(claims.as_object().expect("an object"), expected)
    }

    #[test]
    fn an_id_token_must_say_exactly_what_is_expected() {
        assert_eq!(judge(&good(), &EXPECTED), Ok("24400320".to_string()));
        let accepted = [
            ("aud", json!(["shop"])),
            ("azp", json!("shop")),
            ("iat", json!(10_060)),
            ("exp", json!(9_941)),
            ("nbf", json!(10_000)),
            ("extra", json!({"a": 1})),
        ];
        for (name, value) in accepted {
            let mut claims = good();
            claims[name] = value.clone();
            assert!(judge(&claims, &EXPECTED).is_ok(), "{name} {value}");
        }
        let refused = [
            ("iss", json!("https://id.example/")),
            ("iss", json!("https://evil.example")),
            ("iss", Value::Null),
            ("aud", json!("other")),
            ("aud", json!(["shop", "other"])),
            ("aud", json!([])),
            ("aud", json!({"shop": 1})),
            ("azp", json!("other")),
            ("azp", json!(["shop"])),
            ("exp", json!(9_940)),
            ("exp", json!("10300")),
            ("exp", Value::Null),
            ("iat", json!(10_061)),
            ("iat", Value::Null),
            ("nbf", json!(10_061)),
            ("nonce", json!("n-2")),
            ("nonce", json!("")),
            ("nonce", Value::Null),
            ("sub", json!("")),
            ("sub", json!(7)),
            ("sub", json!("a\u{0}b")),
            ("sub", json!("a".repeat(256))),
        ];
        for (name, value) in refused {
            let mut claims = good();
            claims[name] = value.clone();
            assert!(judge(&claims, &EXPECTED).is_err(), "{name} {value}");
            claims.as_object_mut().expect("an object").remove(name);
            assert_eq!(judge(&claims, &EXPECTED).is_ok(), matches!(name, "azp" | "nbf"), "without {name}");
        }
    }

    #[test]
    fn a_token_without_a_nonce_is_good_only_where_none_was_sent() {
        let mut claims = good();
        claims.as_object_mut().expect("an object").remove("nonce");
        assert!(judge(&claims, &EXPECTED).is_err());
        assert!(judge(&claims, &Expected { nonces: None, ..EXPECTED }).is_ok());
    }

    #[test]
    fn a_native_token_is_for_one_of_several_clients_fresh_and_has_the_nonce_or_its_hash() {
        let since = Some(Timestamp::from_seconds(9_700));
        let native = Expected { clients: &["shop", "android"], nonces: Some(&["hash", "raw"]), since, ..EXPECTED };
        for (name, value, is_good) in [
            ("nonce", json!("raw"), true),
            ("nonce", json!("hash"), true),
            ("nonce", json!("n-1"), false),
            ("nonce", Value::Null, false),
            ("aud", json!("android"), true),
            ("aud", json!(["android"]), true),
            ("aud", json!(["shop", "android"]), false),
            ("aud", json!("com.other"), false),
            ("azp", json!("android"), true),
            ("azp", json!("com.other"), false),
            ("iat", json!(9_640), true),
            ("iat", json!(9_639), false),
        ] {
            let mut claims = good();
            claims["nonce"] = json!("hash");
            claims[name] = value.clone();
            assert_eq!(judge(&claims, &native).is_ok(), is_good, "{name} {value}");
        }
    }

    #[test]
    fn only_the_issuers_of_google_and_apple_have_second_names() {
        for (kind, first, second) in SECOND_NAMES {
            let known = Expected { kind, issuer: first, ..EXPECTED };
            let is_good = |expected: &Expected<'_>, issuer: &str| {
                let mut claims = good();
                claims["iss"] = json!(issuer);
                judge(&claims, expected).is_ok()
            };
            assert!(is_good(&known, first) && is_good(&known, second), "{kind:?}");
            assert!(!is_good(&Expected { kind: ProviderType::Oidc, ..known }, second), "{kind:?}");
            assert!(!is_good(&Expected { kind, ..EXPECTED }, second), "{kind:?}: the operator named another issuer");
            assert!(!is_good(&known, &format!("{second}/")), "{kind:?}");
        }
        let [(google, issuer, _), (_, _, of_apple)] = SECOND_NAMES;
        let mut claims = good();
        claims["iss"] = json!(of_apple);
        assert!(judge(&claims, &Expected { kind: google, issuer, ..EXPECTED }).is_err());
        claims["iss"] = json!("id.example");
        assert!(judge(&claims, &EXPECTED).is_err());
    }
}
