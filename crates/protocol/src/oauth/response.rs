//! Response types and modes of the authorization endpoint.

/// A supported `response_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResponseType {
    /// An authorization code (RFC 6749 §4.1).
    Code,
    /// Only the redirect: for cookie sessions (OAuth 2.0 Multiple Response Types §4).
    None,
    /// A code that completes a settings action.
    SettingsAction,
}

impl ResponseType {
    /// Every response type.
    pub const ALL: [Self; 3] = [Self::Code, Self::SettingsAction, Self::None];

    /// The response type as spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::None => "none",
            Self::SettingsAction => "urn:authgear:params:oauth:response-type:settings-action",
        }
    }

    /// Parses a `response_type`. Combinations (RFC 6749 §3.1.1) are not supported.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text.trim_matches(' '))
    }
}

/// How the authorization response is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    #[default]
    Query,
    /// In the fragment of the redirect URI.
    Fragment,
    /// In an auto-submitted form.
    FormPost,
}

impl ResponseMode {
    /// Every response mode.
    pub const ALL: [Self; 3] = [Self::Query, Self::Fragment, Self::FormPost];

    /// The mode as spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }

    /// Parses a `response_mode`; `None` if unknown.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_response_type_and_mode_is_read_back_from_its_spelling() {
        for kind in ResponseType::ALL {
            assert_eq!(ResponseType::parse(kind.as_str()), Some(kind));
        }
        for mode in ResponseMode::ALL {
            assert_eq!(ResponseMode::parse(mode.as_str()), Some(mode));
        }
    }

    #[test]
    fn what_is_not_served_is_not_known() {
        let pre_authenticated = "urn:authgear:params:oauth:response-type:pre-authenticated-url token";
        for text in ["token", "id_token", "code id_token", "code code", pre_authenticated, ""] {
            assert_eq!(ResponseType::parse(text), None, "{text}");
        }
        for text in ["cookie", "web_message", "Query", ""] {
            assert_eq!(ResponseMode::parse(text), None, "{text}");
        }
    }
}
