//! The device authorization request and response (RFC 8628 §3.1, §3.2).

use serde::Serialize;

use super::parameters::check_lengths;
use super::{OAuthError, ScopeSet};
use crate::form::Form;

/// A well-formed device authorization request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceAuthorizationRequest {
    /// The requested scopes, if the request names any.
    pub scope: Option<ScopeSet>,
}

impl DeviceAuthorizationRequest {
    /// Parses the parameters besides the client's authentication.
    ///
    /// # Errors
    /// `invalid_scope`, or `invalid_request` naming the parameter.
    pub fn parse(form: &Form) -> Result<Self, OAuthError> {
        check_lengths(form)?;
        Ok(Self { scope: form.get("scope")?.map(ScopeSet::parse).transpose()? })
    }
}

/// A successful response. Secret, so without `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct DeviceAuthorizationResponse {
    /// For the device alone.
    pub device_code: String,
    /// For the user, in the form in which it is shown.
    pub user_code: String,
    /// The page that takes the user code.
    pub verification_uri: String,
    /// The same with the user code, for a QR code.
    pub verification_uri_complete: String,
    /// Whole seconds until both codes expire.
    pub expires_in: u64,
    /// Whole seconds between two token requests.
    pub interval: u64,
}

impl DeviceAuthorizationResponse {
    /// The response with the page at `origin` + `path`.
    pub fn new(device_code: String, user_code: String, (origin, path): (&str, &str)) -> Self {
        let verification_uri = format!("{}{path}", origin.trim_end_matches('/'));
        let verification_uri_complete = format!("{verification_uri}?user_code={user_code}");
        Self { device_code, user_code, verification_uri, verification_uri_complete, expires_in: 0, interval: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_is_that_of_the_rfc() {
        let response =
            DeviceAuthorizationResponse::new("d".into(), "BCDF-GHJK".into(), ("https://auth.shop.example/", "/device"));
        assert_eq!(
            serde_json::to_string(&DeviceAuthorizationResponse { expires_in: 600, interval: 5, ..response }).unwrap(),
            concat!(
                r#"{"device_code":"d","user_code":"BCDF-GHJK","verification_uri":"https://auth.shop.example/device","#,
                r#""verification_uri_complete":"https://auth.shop.example/device?user_code=BCDF-GHJK","#,
                r#""expires_in":600,"interval":5}"#
            )
        );
    }

    #[test]
    fn the_scope_may_be_absent() {
        let parse = |query: &str| DeviceAuthorizationRequest::parse(&Form::parse_query(query).unwrap());
        assert_eq!(parse("client_id=tv").unwrap().scope, None);
        assert!(parse("scope=openid+email").unwrap().scope.is_some_and(|scope| scope.contains("email")));
        assert!(parse("scope=openid&scope=email").is_err());
    }
}
