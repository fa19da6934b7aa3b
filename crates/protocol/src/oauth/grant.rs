//! Grant types of the token endpoint.

/// A supported `grant_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GrantType {
    /// RFC 6749 §4.1.3.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// Sign-up or sign-in of a guest with its device key.
    AnonymousRequest,
    /// A fresh ID token for an existing session.
    IdToken,
    /// The end of a settings action.
    SettingsAction,
    /// A token for the application itself (RFC 6749 §4.4).
    ClientCredentials,
    /// RFC 8628 §3.4.
    DeviceCode,
    /// The exchange of a provider's ID token (RFC 8693 §2.1).
    TokenExchange,
}

impl GrantType {
    /// Every supported grant type.
    pub const ALL: [Self; 8] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::AnonymousRequest,
        Self::IdToken,
        Self::SettingsAction,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::TokenExchange,
    ];

    /// The grant type as spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::AnonymousRequest => "urn:authgear:params:oauth:grant-type:anonymous-request",
            Self::IdToken => "urn:authgear:params:oauth:grant-type:id-token",
            Self::SettingsAction => "urn:authgear:params:oauth:grant-type:settings-action",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }

    /// Parses a `grant_type`; `None` is an `unsupported_grant_type`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text)
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
        for text in ["password", "urn:ietf:params:oauth:grant-type:jwt-bearer"] {
            assert_eq!(GrantType::parse(text), None, "{text}");
        }
        assert_eq!(GrantType::parse("Authorization_Code"), None);
    }
}
