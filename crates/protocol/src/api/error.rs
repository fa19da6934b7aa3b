//! The error envelope of the JSON API: names and status codes.

use std::borrow::Cow;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use thiserror::Error;

/// The `name` of an error, which fixes its HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApiErrorName {
    /// 400: the request cannot be parsed.
    BadRequest,
    /// 400: the request is well-formed but invalid.
    Invalid,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 409: it exists already.
    AlreadyExists,
    /// 409: another request changed it in the meantime.
    DataRace,
    /// 413.
    RequestEntityTooLarge,
    /// 429.
    TooManyRequest,
    /// 500.
    InternalError,
    /// 503.
    ServiceUnavailable,
}

impl ApiErrorName {
    /// The name as spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequest",
            Self::Invalid => "Invalid",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::DataRace => "DataRace",
            Self::RequestEntityTooLarge => "RequestEntityTooLarge",
            Self::TooManyRequest => "TooManyRequest",
            Self::InternalError => "InternalError",
            Self::ServiceUnavailable => "ServiceUnavailable",
        }
    }

    /// The HTTP status, which is also the `code` member.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest | Self::Invalid => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::AlreadyExists | Self::DataRace => 409,
            Self::RequestEntityTooLarge => 413,
            Self::TooManyRequest => 429,
            Self::InternalError => 500,
            Self::ServiceUnavailable => 503,
        }
    }
}

/// An error of the JSON API; prints as `{"error":{"name","reason","message","code","info"?}}`.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{}/{reason}: {message}", name.as_str())]
pub struct ApiError {
    /// The error's name, which determines the status.
    pub name: ApiErrorName,
    /// The more specific reason; `InvalidGrant` makes SDKs drop their session.
    pub reason: Cow<'static, str>,
    /// A message for developers.
    pub message: Cow<'static, str>,
    /// Machine-readable details.
    pub info: Option<Value>,
}

impl ApiError {
    /// An error without `info`.
    pub fn new(
        name: ApiErrorName,
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { name, reason: reason.into(), message: message.into(), info: None }
    }

    /// The same error with `info`.
    #[must_use]
    pub fn with_info(mut self, info: Value) -> Self {
        self.info = Some(info);
        self
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.name.status()
    }

    /// `Invalid`/`Invalid`, the common 400 of the guest APIs.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ApiErrorName::Invalid, "Invalid", message)
    }

    /// `Forbidden`/`Forbidden`, after which SDKs keep their session.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ApiErrorName::Forbidden, "Forbidden", message)
    }

    /// `Forbidden`/`InvalidGrant`, after which every SDK drops its session.
    pub fn invalid_grant(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ApiErrorName::Forbidden, "InvalidGrant", message)
    }

    /// `Unauthorized`/`Unauthorized`, "authentication required".
    pub fn unauthorized() -> Self {
        Self::new(ApiErrorName::Unauthorized, "Unauthorized", "authentication required")
    }

    /// The response to unexpected errors, without details of the cause.
    pub fn unexpected() -> Self {
        Self::new(ApiErrorName::InternalError, "UnexpectedError", "unexpected error occurred")
    }

    /// The response to a body over the limit.
    pub fn too_large() -> Self {
        Self::new(ApiErrorName::RequestEntityTooLarge, "RequestEntityTooLarge", "request body is too large")
    }
}

impl Serialize for ApiError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Inner<'a> {
            name: &'static str,
            reason: &'a str,
            message: &'a str,
            code: u16,
            #[serde(skip_serializing_if = "Option::is_none")]
            info: Option<&'a Value>,
        }
        let mut envelope = serializer.serialize_struct("ApiError", 1)?;
        envelope.serialize_field(
            "error",
            &Inner {
                name: self.name.as_str(),
                reason: &self.reason,
                message: &self.message,
                code: self.status(),
                info: self.info.as_ref(),
            },
        )?;
        envelope.end()
    }
}

/// The response when a named limit is hit: `name` is the limit's full name, `group` its group, `bucket` the deprecated
/// bucket name that older SDKs may read.
pub fn rate_limited(name: &str, group: &str, bucket: &str) -> ApiError {
    ApiError::new(ApiErrorName::TooManyRequest, "RateLimited", "request rate limited").with_info(json!({
        "rate_limit": { "name": name, "group": group },
        "rate_limit_name": group,
        "bucket_name": bucket,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_prints_its_envelope_and_code() {
        let json = serde_json::to_string(&ApiError::invalid_grant("invalid refresh token")).unwrap();
        assert_eq!(
            json,
            r#"{"error":{"name":"Forbidden","reason":"InvalidGrant","message":"invalid refresh token","code":403}}"#
        );
    }

    #[test]
    fn a_hit_limit_prints_the_documented_body() {
        let error = rate_limited(
            "authentication.signup_anonymous.per_ip",
            "authentication.signup_anonymous",
            "SignupAnonymousPerIP",
        );
        assert_eq!(
            serde_json::to_value(&error).unwrap(),
            json!({"error": {
                "name": "TooManyRequest", "reason": "RateLimited", "message": "request rate limited", "code": 429,
                "info": {
                    "rate_limit": {
                        "name": "authentication.signup_anonymous.per_ip",
                        "group": "authentication.signup_anonymous"
                    },
                    "rate_limit_name": "authentication.signup_anonymous",
                    "bucket_name": "SignupAnonymousPerIP"
                }
            }})
        );
    }

    #[test]
    fn every_name_has_its_documented_status() {
        use ApiErrorName::*;
        for (name, status) in [
            (BadRequest, 400),
            (Invalid, 400),
            (Unauthorized, 401),
            (Forbidden, 403),
            (NotFound, 404),
            (AlreadyExists, 409),
            (DataRace, 409),
            (RequestEntityTooLarge, 413),
            (TooManyRequest, 429),
            (InternalError, 500),
            (ServiceUnavailable, 503),
        ] {
            assert_eq!(name.status(), status, "{}", name.as_str());
        }
    }
}
