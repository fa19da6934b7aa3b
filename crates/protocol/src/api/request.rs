//! The request bodies of the JSON API.

use super::{Fields, RequestBody};
use crate::{Credential, limits::SIGN_UP_KEY_BYTES};

/// The purpose of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChallengePurpose {
    /// A guest's sign-up, sign-in or promotion.
    AnonymousRequest,
    /// A biometric sign-in.
    BiometricRequest,
    /// A code for a second app.
    App2AppRequest,
    /// The nonce of a provider's ID token that an application presents.
    IdTokenRequest,
}

impl ChallengePurpose {
    const ALL: [Self; 4] = [Self::AnonymousRequest, Self::BiometricRequest, Self::App2AppRequest, Self::IdTokenRequest];

    /// The purpose as spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnonymousRequest => "anonymous_request",
            Self::BiometricRequest => "biometric_request",
            Self::App2AppRequest => "app2app_request",
            Self::IdTokenRequest => "id_token_request",
        }
    }

    /// Parses a purpose; `None` if unknown.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// `POST /oauth2/challenge`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeRequest {
    /// What the challenge is for.
    pub purpose: ChallengePurpose,
}

impl RequestBody for ChallengeRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.require(&["purpose"]);
        let text = fields.string("purpose")?;
        let purpose = ChallengePurpose::parse(&text);
        if purpose.is_none() {
            fields.report_problem("purpose", "unknown challenge purpose");
        }
        Some(Self { purpose: purpose? })
    }
}

#[derive(Clone, Copy)]
enum SessionType {
    Cookie,
    RefreshToken,
}

const SESSION_TYPES: [(&str, SessionType); 2] =
    [("cookie", SessionType::Cookie), ("refresh_token", SessionType::RefreshToken)];

/// `POST /api/anonymous_user/signup`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnonymousSignUpRequest {
    /// The guest gets a cookie session.
    Cookie {
        /// The application; sent by the Web SDK, optional.
        client_id: Option<String>,
        /// The key with which the sign-up may be repeated.
        idempotency_key: Option<Credential>,
    },
    /// The guest gets a refresh token.
    RefreshToken {
        /// The application.
        client_id: String,
        /// The refresh token that the caller already has.
        refresh_token: Option<Credential>,
        /// The key with which the sign-up may be repeated.
        idempotency_key: Option<Credential>,
    },
}

/// The fewest bytes of an idempotency key of a sign-up: the holder of the key gets the guest's token, so it must not be
/// guessed. 16 random characters cannot be within the day that a key is of use.
const SHORTEST_SIGN_UP_KEY: usize = 16;
/// What an idempotency key of a sign-up must be.
pub const SIGN_UP_KEY: &str = "write 16 to 255 random visible ASCII characters, such as a UUID";

/// Whether a text may be an idempotency key of a sign-up.
pub fn is_sign_up_key(text: &str) -> bool {
    (SHORTEST_SIGN_UP_KEY..=SIGN_UP_KEY_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl RequestBody for AnonymousSignUpRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        let session_type = fields.choice("session_type", &SESSION_TYPES);
        let client_id = fields.string("client_id");
        let refresh_token = fields.string("refresh_token").filter(|token| !token.is_empty());
        let idempotency_key = fields.string("idempotency_key");
        if idempotency_key.as_deref().is_some_and(|key| !is_sign_up_key(key)) {
            fields.report_problem("idempotency_key", SIGN_UP_KEY);
        }
        let idempotency_key = idempotency_key.map(Credential::new);
        match session_type {
            None => {
                fields.require(&["session_type"]);
                None
            }
            Some(SessionType::Cookie) => Some(Self::Cookie { client_id, idempotency_key }),
            Some(SessionType::RefreshToken) => {
                fields.require(&["session_type", "client_id"]);
                let refresh_token = refresh_token.map(Credential::new);
                Some(Self::RefreshToken { client_id: client_id?, refresh_token, idempotency_key })
            }
        }
    }
}

/// `POST /api/anonymous_user/promotion_code`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromotionCodeRequest {
    /// For the guest of the session cookie.
    Cookie,
    /// For the guest of a refresh token.
    RefreshToken {
        /// Absent or empty means "authentication required", not a malformed request.
        refresh_token: Option<Credential>,
    },
}

impl RequestBody for PromotionCodeRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.require(&["session_type"]);
        let session_type = fields.choice("session_type", &SESSION_TYPES);
        let refresh_token = fields.string("refresh_token").filter(|token| !token.is_empty());
        Some(match session_type? {
            SessionType::Cookie => Self::Cookie,
            SessionType::RefreshToken => Self::RefreshToken { refresh_token: refresh_token.map(Credential::new) },
        })
    }
}

/// `POST /oauth2/app_session_token`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSessionTokenRequest {
    /// The refresh token that the caller has.
    pub refresh_token: Credential,
}

impl RequestBody for AppSessionTokenRequest {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.require(&["refresh_token"]);
        Some(Self { refresh_token: Credential::new(fields.string("refresh_token")?) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::api::{ApiError, parse_json};

    fn parse<T: RequestBody>(body: &str) -> Result<T, ApiError> {
        parse_json(Some("application/json"), body.as_bytes())
    }

    fn causes<T: RequestBody>(body: &str) -> Value {
        match parse::<T>(body) {
            Ok(_) => panic!("accepted {body}"),
            Err(error) => error.info.unwrap()["causes"].take(),
        }
    }

    #[test]
    fn every_purpose_is_known_and_others_are_refused() {
        for purpose in ChallengePurpose::ALL {
            let body = format!(r#"{{"purpose":"{}"}}"#, purpose.as_str());
            assert_eq!(parse(&body), Ok(ChallengeRequest { purpose }));
        }
        assert_eq!(
            causes::<ChallengeRequest>(r#"{"purpose":"anything"}"#),
            json!([{"location": "/purpose", "kind": "general", "details": {"msg": "unknown challenge purpose"}}])
        );
        assert_eq!(causes::<ChallengeRequest>("{}")[0]["details"]["missing"], json!(["purpose"]));
    }

    #[test]
    fn sign_up_needs_a_client_only_with_a_refresh_token() {
        let with_cookie = AnonymousSignUpRequest::Cookie { client_id: None, idempotency_key: None };
        assert_eq!(parse(r#"{"session_type":"cookie"}"#), Ok(with_cookie));
        let with_token = |refresh_token| AnonymousSignUpRequest::RefreshToken {
            client_id: "shop".to_owned(),
            refresh_token,
            idempotency_key: None,
        };
        assert_eq!(
            parse(r#"{"session_type":"refresh_token","client_id":"shop","refresh_token":"rt"}"#),
            Ok(with_token(Some("rt".into())))
        );
        assert_eq!(
            parse(r#"{"session_type":"refresh_token","client_id":"shop","refresh_token":""}"#),
            Ok(with_token(None))
        );
        assert_eq!(
            causes::<AnonymousSignUpRequest>(r#"{"session_type":"refresh_token"}"#)[0]["details"]["missing"],
            json!(["client_id"])
        );
        assert_eq!(
            causes::<AnonymousSignUpRequest>(r#"{"client_id":"shop"}"#)[0]["details"]["missing"],
            json!(["session_type"])
        );
        assert_eq!(causes::<AnonymousSignUpRequest>(r#"{"session_type":"jwt"}"#)[0]["kind"], "enum");
    }

    #[test]
    fn an_idempotency_key_is_long_and_visible() {
        let read = |key: &str| {
            let body = json!({"session_type": "cookie", "idempotency_key": key}).to_string();
            parse::<AnonymousSignUpRequest>(&body)
        };
        for good in ["k".repeat(16), "k".repeat(255), "0b5d1a52-8f4c-4f0e-9f62-3a3a7e0a1c11".to_owned()] {
            let key = Some(good.as_str().into());
            assert_eq!(read(&good), Ok(AnonymousSignUpRequest::Cookie { client_id: None, idempotency_key: key }));
        }
        for bad in [String::new(), "k".repeat(15), "k".repeat(256), format!("{} {}", "k".repeat(11), "k".repeat(11))] {
            assert_eq!(read(&bad).unwrap_err().info.unwrap()["causes"][0]["location"], "/idempotency_key", "{bad}");
        }
        assert!(read(&"é".repeat(20)).is_err());
    }

    #[test]
    fn a_promotion_code_request_without_a_token_is_well_formed() {
        assert_eq!(parse(r#"{"session_type":"cookie"}"#), Ok(PromotionCodeRequest::Cookie));
        for body in [r#"{"session_type":"refresh_token"}"#, r#"{"session_type":"refresh_token","refresh_token":""}"#] {
            assert_eq!(parse(body), Ok(PromotionCodeRequest::RefreshToken { refresh_token: None }), "{body}");
        }
        assert_eq!(
            causes::<PromotionCodeRequest>(r#"{"session_type":"cookie","client_id":"x"}"#)[0]["location"],
            "/client_id"
        );
    }

    #[test]
    fn an_app_session_token_request_needs_its_token() {
        assert!(parse::<AppSessionTokenRequest>(r#"{"refresh_token":"rt"}"#).is_ok());
        assert_eq!(causes::<AppSessionTokenRequest>("{}")[0]["kind"], "required");
        assert_eq!(causes::<AppSessionTokenRequest>(r#"{"refresh_token":1}"#)[0]["kind"], "type");
    }
}
