//! Token endpoint requests and responses (RFC 6749 §4.1.3–§6, and the grants of the SDKs).
//! Mandatory parameters are checked here with their exact error texts.

use serde::{Deserialize, Serialize};

use super::parameters::check_lengths;
use super::{ErrorCode, GrantType, OAuthError, PkceVerifier, ProviderTokenRequest, ScopeSet};
use crate::Credential;
use crate::form::Form;

/// The parameters of a code exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeExchange {
    /// The authorization code.
    pub code: Credential,
    /// Must equal that of the authorization request.
    pub redirect_uri: Option<String>,
    /// The presented PKCE verifier; see [`CodeExchange::verifier`].
    pub code_verifier: Option<Credential>,
}

impl CodeExchange {
    /// The verifier a public client must present.
    ///
    /// # Errors
    /// `invalid_request` if absent, `invalid_grant` if malformed.
    pub fn verifier(&self) -> Result<PkceVerifier, OAuthError> {
        let presented =
            self.code_verifier.as_ref().ok_or_else(|| OAuthError::invalid_request("PKCE code verifier is required"))?;
        PkceVerifier::parse(presented).map_err(|_| OAuthError::invalid_grant("invalid authorization code"))
    }
}

/// A well-formed token request, by grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRequest {
    /// RFC 6749 §4.1.3.
    AuthorizationCode(CodeExchange),
    /// RFC 6749 §6.
    RefreshToken {
        /// The refresh token presented.
        refresh_token: Credential,
        /// The scopes wanted of those of the grant.
        scope: Option<ScopeSet>,
    },
    /// A guest's device key.
    Anonymous {
        /// The signed request.
        jwt: Credential,
    },
    /// A new ID token for the session of the header or cookie.
    IdToken,
    /// The completion of a settings action.
    SettingsAction(CodeExchange),
    /// A token for the application itself (RFC 6749 §4.4.2).
    ClientCredentials {
        /// The API that the token is for (RFC 8707 §2).
        resource: Option<String>,
        /// The scopes wanted of those that the application has there.
        scope: Option<ScopeSet>,
    },
    /// RFC 8628 §3.4.
    DeviceCode {
        /// The device code.
        device_code: Credential,
    },
    /// The exchange of a provider's ID token, as a native application got it (RFC 8693 §2.1).
    TokenExchange(Box<ProviderTokenRequest>),
}

impl TokenRequest {
    /// Parses the grant type and its mandatory parameters.
    ///
    /// # Errors
    /// `unsupported_grant_type`, `invalid_scope`, `invalid_target`, or `invalid_request` naming the missing or too long parameter.
    pub fn parse(form: &Form) -> Result<Self, OAuthError> {
        check_lengths(form)?;
        let Some(grant) = GrantType::parse(form.get("grant_type")?.unwrap_or_default()) else {
            return Err(OAuthError::new(ErrorCode::UnsupportedGrantType, "grant type is not supported"));
        };
        Ok(match grant {
            GrantType::AuthorizationCode => Self::AuthorizationCode(parse_code_exchange(form)?),
            GrantType::RefreshToken => {
                let refresh_token = require(form, "refresh_token", "refresh token is required")?;
                Self::RefreshToken { refresh_token, scope: form.get("scope")?.map(ScopeSet::parse).transpose()? }
            }
            GrantType::AnonymousRequest => Self::Anonymous { jwt: require(form, "jwt", "jwt is required")? },
            GrantType::IdToken => Self::IdToken,
            GrantType::SettingsAction => Self::SettingsAction(parse_code_exchange(form)?),
            GrantType::ClientCredentials => Self::ClientCredentials {
                resource: parse_resource(form)?,
                scope: form.get("scope")?.map(ScopeSet::parse).transpose()?,
            },
            GrantType::DeviceCode => {
                Self::DeviceCode { device_code: require(form, "device_code", "device_code is required")? }
            }
            GrantType::TokenExchange => Self::TokenExchange(Box::new(ProviderTokenRequest::parse(form)?)),
        })
    }

    /// The grant type of this request.
    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode(_) => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::Anonymous { .. } => GrantType::AnonymousRequest,
            Self::IdToken => GrantType::IdToken,
            Self::SettingsAction(_) => GrantType::SettingsAction,
            Self::ClientCredentials { .. } => GrantType::ClientCredentials,
            Self::DeviceCode { .. } => GrantType::DeviceCode,
            Self::TokenExchange(_) => GrantType::TokenExchange,
        }
    }
}

pub(super) fn require(form: &Form, name: &str, problem: &'static str) -> Result<Credential, OAuthError> {
    form.get(name)?.map(Credential::from).ok_or_else(|| OAuthError::invalid_request(problem))
}

/// The one resource of a request. RFC 8707 §2 allows several; a token of this server is for one.
fn parse_resource(form: &Form) -> Result<Option<String>, OAuthError> {
    let one =
        form.get("resource").map_err(|_| OAuthError::new(ErrorCode::InvalidTarget, "only one resource is allowed"))?;
    Ok(one.map(str::to_owned))
}

fn parse_code_exchange(form: &Form) -> Result<CodeExchange, OAuthError> {
    Ok(CodeExchange {
        code: require(form, "code", "code is required")?,
        redirect_uri: form.get("redirect_uri")?.map(str::to_owned),
        code_verifier: form.get("code_verifier")?.map(Credential::from),
    })
}

/// A successful response of the token endpoint; absent members are not serialized. Secret, so without `Debug`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenResponse {
    /// Always `Bearer` in this spelling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// The access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// Whole seconds; iOS and Android reject anything but an integer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// Only when new or rotated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// With the scope `openid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// With the scope `device_sso`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_secret: Option<String>,
    /// Only when less was granted than requested (RFC 6749 §5.1), when a refresh names scopes, and in tokens of applications for
    /// themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopeSet>,
    /// Only for a token exchange (RFC 8693 §2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<String>,
    /// Only for the app2app grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl TokenResponse {
    /// A response with an access token that is valid for `expires_in` seconds.
    pub fn bearer(access_token: impl Into<String>, expires_in: u64) -> Self {
        Self {
            token_type: Some("Bearer".to_owned()),
            access_token: Some(access_token.into()),
            expires_in: Some(expires_in),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuse(query: &str) -> OAuthError {
        TokenRequest::parse(&Form::parse_query(query).unwrap()).unwrap_err()
    }

    #[test]
    fn every_missing_parameter_has_its_documented_answer() {
        let (anonymous, device) = (GrantType::AnonymousRequest.as_str(), GrantType::DeviceCode.as_str());
        for (query, code, description) in [
            ("", ErrorCode::UnsupportedGrantType, "grant type is not supported"),
            ("grant_type=password", ErrorCode::UnsupportedGrantType, "grant type is not supported"),
            (
                "grant_type=client_credentials&resource=https://a.example&resource=https://b.example",
                ErrorCode::InvalidTarget,
                "only one resource is allowed",
            ),
            ("grant_type=authorization_code", ErrorCode::InvalidRequest, "code is required"),
            ("grant_type=refresh_token&refresh_token=", ErrorCode::InvalidRequest, "refresh token is required"),
            (&format!("grant_type={anonymous}"), ErrorCode::InvalidRequest, "jwt is required"),
            (&format!("grant_type={device}"), ErrorCode::InvalidRequest, "device_code is required"),
            (
                "grant_type=refresh_token&refresh_token=a&refresh_token=b",
                ErrorCode::InvalidRequest,
                "parameter refresh_token must not be repeated",
            ),
        ] {
            assert_eq!(refuse(query), OAuthError::new(code, description), "{query}");
        }
    }

    #[test]
    fn a_public_client_must_send_a_well_formed_verifier() {
        let exchange = |query: &str| {
            let request = TokenRequest::parse(&Form::parse_query(query).unwrap()).unwrap();
            let TokenRequest::AuthorizationCode(exchange) = request else { panic!("another grant") };
            exchange.verifier()
        };
        assert_eq!(
            exchange("grant_type=authorization_code&code=c").unwrap_err(),
            OAuthError::invalid_request("PKCE code verifier is required")
        );
        assert_eq!(
            exchange("grant_type=authorization_code&code=c&code_verifier=short").unwrap_err(),
            OAuthError::invalid_grant("invalid authorization code")
        );
        let verifier = "v".repeat(43);
        assert!(exchange(&format!("grant_type=authorization_code&code=c&code_verifier={verifier}")).is_ok());
    }

    #[test]
    fn an_anonymous_request_is_read_and_its_scope_ignored() {
        let form = Form::from_pairs([
            ("grant_type", GrantType::AnonymousRequest.as_str()),
            ("jwt", "a.b.c"),
            ("scope", "not \" read"),
        ]);
        assert_eq!(TokenRequest::parse(&form).unwrap(), TokenRequest::Anonymous { jwt: "a.b.c".into() });
    }

    #[test]
    fn the_guest_answer_has_exactly_the_documented_members() {
        let mut answer = TokenResponse::bearer("at", 1800);
        answer.refresh_token = Some("rt".to_owned());
        answer.id_token = Some("it".to_owned());
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"token_type":"Bearer","access_token":"at","expires_in":1800,"refresh_token":"rt","id_token":"it"}"#
        );
        assert_eq!(serde_json::to_string(&TokenResponse::default()).unwrap(), "{}");
    }
}
