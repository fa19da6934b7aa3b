//! The SDKs' JSON API: its envelopes, its errors and its request bodies (`protocol` facts §0.2, §2, §4, §16.1).
//! Values only; what a request leads to is decided elsewhere.

mod body;
mod error;
mod request;

use serde::Serialize;

pub use body::{Fields, RequestBody, parse_json};
pub use error::{ApiError, ApiErrorName, rate_limited};
pub use request::{
    AnonymousSignUpRequest, AppSessionTokenRequest, ChallengePurpose, ChallengeRequest, PromotionCodeRequest,
};

/// A success: `{"result": …}`. The SDKs refuse an answer whose result is null, so `T` must print an object.
#[derive(Clone, Serialize)]
pub struct ApiResult<T> {
    /// What the caller asked for.
    pub result: T,
}

impl<T> ApiResult<T> {
    /// Wraps a result.
    pub const fn new(result: T) -> Self {
        Self { result }
    }
}

/// A result with nothing to tell: prints `{}`, which every SDK takes as truthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Empty {}

/// The answer of `/oauth2/challenge`.
#[derive(Clone, Serialize)]
pub struct ChallengeResponse {
    /// The challenge to sign.
    pub token: String,
    /// RFC 3339 with fraction digits.
    pub expire_at: String,
}

/// The answer of `/api/anonymous_user/promotion_code`.
#[derive(Clone, Serialize)]
pub struct PromotionCodeResponse {
    /// The code for the login hint.
    pub promotion_code: String,
    /// RFC 3339 with fraction digits.
    pub expire_at: String,
}

/// The answer of `/oauth2/app_session_token`.
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
