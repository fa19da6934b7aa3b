//! Grant and token type identifiers of the token endpoint. Spelling only.

/// A `grant_type` the token endpoint knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GrantType {
    /// RFC 6749 §4.1.3.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 8693.
    TokenExchange,
    /// Sign-up or re-login of a guest with its device key.
    AnonymousRequest,
    /// Login or set-up with a biometric key.
    BiometricRequest,
    /// A code for a second app, asked by the first.
    App2AppRequest,
    /// A fresh ID token for an existing session.
    IdToken,
    /// The end of a settings action.
    SettingsAction,
}

impl GrantType {
    /// Every grant type, in the order of the facts table.
    pub const ALL: [Self; 9] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::AnonymousRequest,
        Self::IdToken,
        Self::BiometricRequest,
        Self::App2AppRequest,
        Self::SettingsAction,
        Self::TokenExchange,
        Self::ClientCredentials,
    ];

    /// The grant type as spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::AnonymousRequest => "urn:authgear:params:oauth:grant-type:anonymous-request",
            Self::BiometricRequest => "urn:authgear:params:oauth:grant-type:biometric-request",
            Self::App2AppRequest => "urn:authgear:params:oauth:grant-type:app2app-request",
            Self::IdToken => "urn:authgear:params:oauth:grant-type:id-token",
            Self::SettingsAction => "urn:authgear:params:oauth:grant-type:settings-action",
        }
    }

    /// Reads a `grant_type`; `None` is an `unsupported_grant_type`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text)
    }
}

/// A token type identifier of the token exchange (RFC 8693 §3 and OpenID Connect Native SSO).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenType {
    /// An ID token, the subject of the exchange.
    IdToken,
    /// A device secret, the actor of the exchange.
    DeviceSecret,
    /// The token a pre-authenticated URL carries.
    PreAuthenticatedUrlToken,
}

impl TokenType {
    const ALL: [Self; 3] = [Self::IdToken, Self::DeviceSecret, Self::PreAuthenticatedUrlToken];

    /// The identifier as spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdToken => "urn:ietf:params:oauth:token-type:id_token",
            Self::DeviceSecret => "urn:x-oath:params:oauth:token-type:device-secret",
            Self::PreAuthenticatedUrlToken => "urn:authgear:params:oauth:token-type:pre-authenticated-url-token",
        }
    }

    /// Reads an identifier; `None` for one not known here.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grant_type_is_read_back_from_its_spelling() {
        for grant in GrantType::ALL {
            assert_eq!(GrantType::parse(grant.as_str()), Some(grant));
        }
        assert_eq!(GrantType::parse("password"), None);
        assert_eq!(GrantType::parse("Authorization_Code"), None);
    }

    #[test]
    fn every_token_type_is_read_back_from_its_spelling() {
        for kind in TokenType::ALL {
            assert_eq!(TokenType::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(TokenType::parse("urn:ietf:params:oauth:token-type:access_token"), None);
    }
}
