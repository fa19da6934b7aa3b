//! The SDKs' JSON API: envelopes, errors and request bodies.

mod body;
mod error;
mod request;

use serde::Serialize;

pub use body::{Fields, RequestBody, parse_json};
pub use error::{ApiError, ApiErrorName, rate_limited};
pub use request::{
    AnonymousSignUpRequest, AppSessionTokenRequest, ChallengePurpose, ChallengeRequest, PromotionCodeRequest,
    SIGN_UP_KEY, is_sign_up_key,
};

/// A success: `{"result": …}`. The SDKs reject a null result, so `T` must serialize to an object.
#[derive(Clone, Serialize)]
pub struct ApiResult<T> {
    /// The result.
    pub result: T,
}

impl<T> ApiResult<T> {
    /// Wraps a result.
    pub const fn new(result: T) -> Self {
        Self { result }
    }
}

/// An empty result: prints `{}`, which every SDK treats as truthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Empty {}

/// The response of `/oauth2/challenge`.
#[derive(Clone, Serialize)]
pub struct ChallengeResponse {
    /// The challenge to sign.
    pub token: String,
    /// RFC 3339 with fraction digits.
    pub expire_at: String,
}

/// The response of `/api/anonymous_user/promotion_code`.
#[derive(Clone, Serialize)]
pub struct PromotionCodeResponse {
    /// The code for the login hint.
    pub promotion_code: String,
    /// RFC 3339 with fraction digits.
    pub expire_at: String,
}

/// The response of `/oauth2/app_session_token`.
#[derive(Clone, Serialize)]
pub struct AppSessionTokenResponse {
    /// The token for the login hint.
    pub app_session_token: String,
    /// RFC 3339 with fraction digits.
    pub expire_at: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_result_is_an_object_and_never_null() {
        assert_eq!(serde_json::to_string(&ApiResult::new(Empty {})).unwrap(), r#"{"result":{}}"#);
    }

    #[test]
    fn a_challenge_prints_both_members() {
        let answer = ChallengeResponse { token: "T".to_owned(), expire_at: "2030-05-01T08:05:00.123456Z".to_owned() };
        assert_eq!(
            serde_json::to_string(&ApiResult::new(answer)).unwrap(),
            r#"{"result":{"token":"T","expire_at":"2030-05-01T08:05:00.123456Z"}}"#
        );
    }
}
