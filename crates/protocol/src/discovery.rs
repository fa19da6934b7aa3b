//! The discovery document (OIDC Discovery §3, RFC 8414 §2) computed from an origin.

use serde::Serialize;

use crate::{
    jose::Alg,
    oauth::{GrantType, Prompt, ResponseMode, ResponseType, Scope},
};

/// The discovery document. Every SDK rejects it if one of its five endpoints is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// The origin, without a trailing slash.
    pub issuer: String,
    /// Must be on the origin that serves the APIs: SDKs derive their URLs from it.
    pub authorization_endpoint: String,
    /// The token endpoint (RFC 6749 §3.2).
    pub token_endpoint: String,
    /// The UserInfo endpoint (OIDC Core §5.3).
    pub userinfo_endpoint: String,
    /// The revocation endpoint (RFC 7009).
    pub revocation_endpoint: String,
    /// The introspection endpoint (RFC 7662).
    pub introspection_endpoint: String,
    /// The endpoint of pushed authorization requests (RFC 9126 §5).
    pub pushed_authorization_request_endpoint: String,
    /// Only for applications that ask for it.
    pub require_pushed_authorization_requests: bool,
    /// The device authorization endpoint (RFC 8628 §4).
    pub device_authorization_endpoint: String,
    /// The sign-out endpoint (OIDC RP-Initiated Logout).
    pub end_session_endpoint: String,
    /// The public key set (RFC 7517).
    pub jwks_uri: String,
    /// The response types of the authorization endpoint.
    pub response_types_supported: Vec<&'static str>,
    /// Its response modes.
    pub response_modes_supported: Vec<&'static str>,
    /// The standard grant types; those of the SDKs are not listed.
    pub grant_types_supported: Vec<&'static str>,
    /// Every scope that grants something.
    pub scopes_supported: Vec<&'static str>,
    /// The prompts with an effect (Initiating User Registration 1.0 §4).
    pub prompt_values_supported: Vec<&'static str>,
    /// The languages of the hosted pages.
    pub ui_locales_supported: Vec<&'static str>,
    /// `public`: all clients see the same `sub`.
    pub subject_types_supported: Vec<&'static str>,
    /// The signing algorithms of ID tokens.
    pub id_token_signing_alg_values_supported: Vec<&'static str>,
    /// S256 only.
    pub code_challenge_methods_supported: Vec<&'static str>,
    /// Client authentication at the token endpoint.
    pub token_endpoint_auth_methods_supported: Vec<&'static str>,
    /// The algorithms of client assertions there (OIDC Core §9).
    pub token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    /// Client authentication at the revocation endpoint.
    pub revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    /// The algorithms of client assertions there.
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    /// Client authentication at the introspection endpoint.
    pub introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    /// The algorithms of client assertions there.
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    /// Applications are notified of sessions that end (Back-Channel Logout §2.1).
    pub backchannel_logout_supported: bool,
    /// The notice names the session by its `sid`.
    pub backchannel_logout_session_supported: bool,
    /// The `claims` parameter is ignored.
    pub claims_parameter_supported: bool,
    /// Request objects are rejected.
    pub request_parameter_supported: bool,
    /// Request object references are rejected too; absence would mean `true`. Pushed requests are none.
    pub request_uri_parameter_supported: bool,
    /// The authorization response names the issuer (RFC 9207 §3).
    pub authorization_response_iss_parameter_supported: bool,
    /// The signing algorithms of DPoP proofs (RFC 9449 §5.1).
    pub dpop_signing_alg_values_supported: Vec<&'static str>,
    /// The claims that UserInfo may contain.
    pub claims_supported: Vec<&'static str>,
}

/// How applications authenticate.
const AUTH_METHODS: [&str; 4] = ["none", "client_secret_post", "client_secret_basic", "private_key_jwt"];

/// The algorithms of their assertions.
const ASSERTION_ALGORITHMS: [&str; 2] = [Alg::Rs256.as_str(), Alg::Es256.as_str()];

impl Metadata {
    /// The document of the server at `origin`, such as `https://auth.shop.example`, with the languages of its pages; drops a
    /// trailing slash. `exchanges_tokens` says whether ID tokens of a provider are exchanged.
    pub fn new(origin: &str, ui_locales: Vec<&'static str>, exchanges_tokens: bool) -> Self {
        let origin = origin.trim_end_matches('/');
        let endpoint = |path: &str| format!("{origin}/oauth2/{path}");
        Self {
            issuer: origin.to_owned(),
            authorization_endpoint: endpoint("authorize"),
            token_endpoint: endpoint("token"),
            userinfo_endpoint: endpoint("userinfo"),
            revocation_endpoint: endpoint("revoke"),
            introspection_endpoint: endpoint("introspect"),
            pushed_authorization_request_endpoint: endpoint("par"),
            require_pushed_authorization_requests: false,
            device_authorization_endpoint: endpoint("device_authorization"),
            end_session_endpoint: endpoint("end_session"),
            jwks_uri: endpoint("jwks"),
            response_types_supported: ResponseType::ALL.map(ResponseType::as_str).to_vec(),
            response_modes_supported: ResponseMode::ALL.map(ResponseMode::as_str).to_vec(),
            grant_types_supported: [
                GrantType::AuthorizationCode,
                GrantType::RefreshToken,
                GrantType::ClientCredentials,
                GrantType::DeviceCode,
            ]
            .into_iter()
            .chain(exchanges_tokens.then_some(GrantType::TokenExchange))
            .map(GrantType::as_str)
            .collect(),
            scopes_supported: Scope::SERVED.map(Scope::as_str).to_vec(),
            prompt_values_supported: Prompt::ALL.map(Prompt::as_str).to_vec(),
            ui_locales_supported: ui_locales,
            subject_types_supported: vec!["public"],
            // Both, whatever the applications use: libraries reject an algorithm that is not listed.
            id_token_signing_alg_values_supported: vec!["RS256", "ES256"],
            code_challenge_methods_supported: vec!["S256"],
            token_endpoint_auth_methods_supported: AUTH_METHODS.to_vec(),
            token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS.to_vec(),
            revocation_endpoint_auth_methods_supported: AUTH_METHODS.to_vec(),
            revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS.to_vec(),
            // Not `none`.
            introspection_endpoint_auth_methods_supported: AUTH_METHODS[1..].to_vec(),
            introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS.to_vec(),
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
            claims_parameter_supported: false,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
            authorization_response_iss_parameter_supported: true,
            dpop_signing_alg_values_supported: vec!["ES256", "RS256"],
            claims_supported: vec![
                "iss",
                "aud",
                "iat",
                "exp",
                "sub",
                "email",
                "email_verified",
                "phone_number",
                "phone_number_verified",
                "preferred_username",
                "family_name",
                "given_name",
                "middle_name",
                "name",
                "nickname",
                "picture",
                "profile",
                "website",
                "gender",
                "birthdate",
                "zoneinfo",
                "locale",
                "address",
                "updated_at",
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_document_is_the_documented_one_and_says_where_to_introspect() {
        let mut expected = json!({
            "issuer": "https://auth.shop.example",
            "authorization_endpoint": "https://auth.shop.example/oauth2/authorize",
            "token_endpoint": "https://auth.shop.example/oauth2/token",
            "userinfo_endpoint": "https://auth.shop.example/oauth2/userinfo",
            "revocation_endpoint": "https://auth.shop.example/oauth2/revoke",
            "introspection_endpoint": "https://auth.shop.example/oauth2/introspect",
            "pushed_authorization_request_endpoint": "https://auth.shop.example/oauth2/par",
            "require_pushed_authorization_requests": false,
            "device_authorization_endpoint": "https://auth.shop.example/oauth2/device_authorization",
            "end_session_endpoint": "https://auth.shop.example/oauth2/end_session",
            "jwks_uri": "https://auth.shop.example/oauth2/jwks",
            "response_types_supported": ["code", "urn:authgear:params:oauth:response-type:settings-action", "none"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "grant_types_supported": [
                "authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"
            ],
            "scopes_supported": [
                "offline_access", "openid", "profile", "email", "address", "phone",
                "https://authgear.com/scopes/full-access",
                "https://authgear.com/scopes/full-userinfo"
            ],
            "prompt_values_supported": ["none", "login", "consent", "select_account", "create"],
            "ui_locales_supported": ["en", "de"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"]
        });
        let clients = json!({
            "token_endpoint_auth_methods_supported": [
                "none", "client_secret_post", "client_secret_basic", "private_key_jwt"
            ],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
            "revocation_endpoint_auth_methods_supported": [
                "none", "client_secret_post", "client_secret_basic", "private_key_jwt"
            ],
            "revocation_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
            "introspection_endpoint_auth_methods_supported": [
                "client_secret_post", "client_secret_basic", "private_key_jwt"
            ],
            "introspection_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
            "backchannel_logout_supported": true,
            "backchannel_logout_session_supported": true,
            "claims_parameter_supported": false,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "authorization_response_iss_parameter_supported": true,
            "dpop_signing_alg_values_supported": ["ES256", "RS256"],
            "claims_supported": [
                "iss", "aud", "iat", "exp", "sub", "email", "email_verified", "phone_number",
                "phone_number_verified", "preferred_username", "family_name", "given_name", "middle_name",
                "name", "nickname", "picture", "profile", "website", "gender", "birthdate", "zoneinfo",
                "locale", "address", "updated_at"
            ]
        });
        expected.as_object_mut().unwrap().extend(clients.as_object().unwrap().clone());
        assert_eq!(
            serde_json::to_value(Metadata::new("https://auth.shop.example/", vec!["en", "de"], false)).unwrap(),
            expected
        );
        let with_exchange = Metadata::new("https://auth.shop.example", Vec::new(), true);
        assert_eq!(
            with_exchange.grant_types_supported.last(),
            Some(&"urn:ietf:params:oauth:grant-type:token-exchange")
        );
    }
}
