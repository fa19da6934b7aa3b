//! Response types and modes of the authorization endpoint. Spelling only.

/// A `response_type` the authorization endpoint knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResponseType {
    /// An authorization code (RFC 6749 §4.1).
    Code,
    /// Nothing but the redirect: cookie sessions (OAuth 2.0 Multiple Response Types §4).
    None,
    /// A code that ends a settings action.
    SettingsAction,
    /// An access token in a cookie, for a pre-authenticated URL.
    PreAuthenticatedUrlToken,
}

impl ResponseType {
    /// Every response type.
    pub const ALL: [Self; 4] = [Self::Code, Self::None, Self::SettingsAction, Self::PreAuthenticatedUrlToken];

    /// The response type as spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::None => "none",
            Self::SettingsAction => "urn:authgear:params:oauth:response-type:settings-action",
            Self::PreAuthenticatedUrlToken => "urn:authgear:params:oauth:response-type:pre-authenticated-url token",
        }
    }

    /// Reads a `response_type`; the order of its space-separated parts does not matter (RFC 6749 §3.1.1).
    pub fn parse(text: &str) -> Option<Self> {
        let sent = sort_parts(text);
        Self::ALL.into_iter().find(|kind| sort_parts(kind.as_str()) == sent)
    }
}

fn sort_parts(text: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = text.split(' ').filter(|part| !part.is_empty()).collect();
    parts.sort_unstable();
    parts
}

/// How the authorization answer travels back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    #[default]
    Query,
    /// In the fragment of the redirect URI.
    Fragment,
    /// In an auto-submitted form.
    FormPost,
    /// In a cookie; only for pre-authenticated URLs.
    Cookie,
}

impl ResponseMode {
    const ALL: [Self; 4] = [Self::Query, Self::Fragment, Self::FormPost, Self::Cookie];

    /// The mode as spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
            Self::Cookie => "cookie",
        }
    }

    /// Reads a `response_mode`; `None` for one not known here.
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
    fn the_order_of_a_compound_response_type_does_not_matter() {
        let swapped = "token urn:authgear:params:oauth:response-type:pre-authenticated-url";
        assert_eq!(ResponseType::parse(swapped), Some(ResponseType::PreAuthenticatedUrlToken));
    }

    #[test]
    fn implicit_and_hybrid_types_are_not_known() {
        for text in ["token", "id_token", "code id_token", "code code", ""] {
            assert_eq!(ResponseType::parse(text), None, "{text}");
        }
    }
}
