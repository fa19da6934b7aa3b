//! What is particular to Sign in with Apple: fixed endpoints, a client secret that is signed with the client's own key, and the
//! user's name, which is said once, beside the ID token and unsigned.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::json;
use vestibule_domain::{project::Provider, secret::Secret, time::Timestamp};

use super::{ProviderError, known::Metadata};
use crate::crypto::signing::{KeyAlgorithm, SigningKey};

/// How long a client secret is good, in seconds. One is made for each request, so none gets old.
const SECRET_LIFETIME: i64 = 300;
/// Maximum bytes of what is said about the user beside the ID token.
const USER_BYTES: usize = 2 * 1_024;
/// Maximum characters of a part of a name.
const NAME_CHARS: usize = 100;
const ARMOR: [&str; 2] = ["-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"];

/// The endpoints, which Apple documents as they are.
pub(super) fn metadata(issuer: &str) -> Metadata {
    let at = |name: &str| format!("{issuer}/auth/{name}");
    Metadata {
        issuer: issuer.to_string(),
        authorization_endpoint: at("authorize"),
        token_endpoint: at("token"),
        jwks_uri: Some(at("keys")),
        userinfo_endpoint: None,
        names_issuer: false,
    }
}

/// The private key in the file that Apple made; `None` when the text is none.
pub(super) fn read_key(text: &str, key_id: &str) -> Option<SigningKey> {
    let [begin, end] = ARMOR;
    let body = text.trim().strip_prefix(begin)?.strip_suffix(end)?;
    let der = STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()?;
    SigningKey::parse(key_id.to_string(), KeyAlgorithm::Es256, &der).ok()
}

/// Signs a client secret with the key that is set in its place.
///
/// # Errors
/// When it is no key.
pub(super) fn sign_secret(
    (provider, audience): (&Provider, &str),
    key: &Secret<String>,
    now: Timestamp,
) -> Result<Secret<String>, ProviderError> {
    let key = read_key(key.expose(), provider.key_id.as_deref().unwrap_or_default()).ok_or(ProviderError::NotSetUp)?;
    let seconds = now.as_seconds();
    let claims = json!({
        "iss": provider.team_id, "sub": provider.client_id, "aud": audience,
        "iat": seconds, "exp": seconds + SECRET_LIFETIME,
    });
    Ok(Secret::new(key.sign("JWT", &claims)))
}

/// A user's name, as the user's own browser brought it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PersonName {
    pub(crate) given: Option<String>,
    pub(crate) family: Option<String>,
}

/// Reads the name from the `user` of Apple's form. What else it says is not signed either, and not needed.
pub(crate) fn read_name(user: &str) -> PersonName {
    #[derive(Deserialize)]
    struct User {
        #[serde(default)]
        name: Name,
    }
    #[derive(Default, Deserialize)]
    struct Name {
        #[serde(default, rename = "firstName")]
        first: Option<String>,
        #[serde(default, rename = "lastName")]
        last: Option<String>,
    }
    let read: Option<User> = (user.len() <= USER_BYTES).then(|| serde_json::from_str(user).ok()).flatten();
    let Some(User { name }) = read else { return PersonName::default() };
    PersonName::read(name.first.as_deref(), name.last.as_deref())
}

impl PersonName {
    /// A name of these parts, as far as they are short text.
    pub(crate) fn read(given: Option<&str>, family: Option<&str>) -> Self {
        let usable = |part: &str| {
            let part = part.trim();
            let is_good = !part.is_empty() && part.chars().count() <= NAME_CHARS && !part.chars().any(char::is_control);
            is_good.then(|| part.to_string())
        };
        Self { given: given.and_then(usable), family: family.and_then(usable) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use vestibule_domain::project::ProviderType;
    use vestibule_protocol::jose::{Jwk, Jws};

    use super::*;
    use crate::{adapters::entropy::Entropy, crypto::verify::verifies_jws};

    fn print_key(der: &[u8]) -> String {
        let encoded = STANDARD.encode(der);
        let lines: Vec<&str> =
            encoded.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
        format!("{}\r\n{}\r\n{}\r\n", ARMOR[0], lines.join("\r\n"), ARMOR[1])
    }

    #[test]
    fn a_client_secret_is_signed_with_the_key_and_names_who_made_it() {
        let der = SigningKey::generate(KeyAlgorithm::Es256, &Entropy::Os).expect("a key");
        let pem = Secret::new(print_key(&der));
        let provider = Provider {
            kind: ProviderType::Apple,
            client_id: "com.shop.web".into(),
            team_id: Some("A1B2C3D4E5".into()),
            key_id: Some("F6G7H8J9K0".into()),
            ..Provider::default()
        };
        let now = Timestamp::from_seconds(1_000);
        let signed = sign_secret((&provider, "https://appleid.apple.com"), &pem, now).expect("a secret");
        let jws = Jws::parse(signed.expose()).expect("a JWS");
        assert_eq!(jws.header().kid.as_deref(), Some("F6G7H8J9K0"));
        let key = read_key(pem.expose(), "k").expect("a key");
        assert!(verifies_jws(&Jwk::from_value(key.public_jwk()).expect("a key"), &jws));
        let expected = json!({
            "iss": "A1B2C3D4E5", "sub": "com.shop.web", "aud": "https://appleid.apple.com", "iat": 1_000, "exp": 1_300,
        });
        assert_eq!(Value::from(jws.claims().expect("claims")), expected);
        let other = Secret::new("a client secret of another provider".to_string());
        assert!(matches!(
            sign_secret((&provider, "https://appleid.apple.com"), &other, now),
            Err(ProviderError::NotSetUp)
        ));
    }

    #[test]
    fn a_key_is_a_p_256_key_in_its_armor() {
        let der = SigningKey::generate(KeyAlgorithm::Es256, &Entropy::Os).expect("a key");
        let rsa = SigningKey::generate(KeyAlgorithm::Rs256, &Entropy::Os).expect("a key");
        let pem = print_key(&der);
        assert!(read_key(&pem, "k").is_some() && read_key(&pem.replace("\r\n", "\n"), "k").is_some());
        for bad in [
            print_key(&rsa),
            print_key(&der[..60]),
            pem.replace("PRIVATE KEY", "EC PRIVATE KEY"),
            STANDARD.encode(&der),
            ARMOR.join(""),
            String::new(),
        ] {
            assert!(read_key(&bad, "k").is_none(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_short_text_and_nothing_else_is_read() {
        let name = |given: Option<&str>, family: Option<&str>| PersonName {
            given: given.map(str::to_string),
            family: family.map(str::to_string),
        };
        let long = "a".repeat(101);
        for (user, expected) in [
            (
                r#"{"name":{"firstName":"Kim","lastName":"Li"},"email":"x@evil.example"}"#.to_string(),
                name(Some("Kim"), Some("Li")),
            ),
            (r#"{"name":{"firstName":" Kim ","lastName":""}}"#.to_string(), name(Some("Kim"), None)),
            (format!(r#"{{"name":{{"firstName":"{long}","lastName":"Li"}}}}"#), name(None, Some("Li"))),
            (r#"{"name":{"firstName":"K\u0000"}}"#.to_string(), name(None, None)),
            (r#"{"email":"x@evil.example","sub":"1"}"#.to_string(), name(None, None)),
            (r#"{"name":"Kim"}"#.to_string(), name(None, None)),
            ("[]".to_string(), name(None, None)),
            ("{".to_string(), name(None, None)),
            (format!(r#"{{"name":{{"firstName":"Kim"}},"x":"{}"}}"#, "a".repeat(USER_BYTES)), name(None, None)),
        ] {
            assert_eq!(read_name(&user), expected, "{user}");
        }
    }
}
