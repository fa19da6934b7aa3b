//! The `Authorization: Bearer` header (RFC 6750 §2.1). Distinguishes an absent credential from an empty one.

use crate::Credential;
use crate::oauth::OAuthError;

/// The content of the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bearer {
    /// No header, or another scheme.
    Absent,
    /// The scheme without a token: the iOS SDK sends this when it has none.
    Empty,
    /// A token was presented.
    Token(Credential),
}

impl Bearer {
    /// Parses the header's value; the scheme is case-insensitive (RFC 9110 §11.1).
    pub fn parse(header: Option<&str>) -> Self {
        match header.and_then(|value| strip_scheme(value, "bearer")) {
            None => Self::Absent,
            Some("") => Self::Empty,
            Some(token) => Self::Token(token.into()),
        }
    }

    /// The token, if one was presented.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::Absent | Self::Empty => None,
            Self::Token(token) => Some(token),
        }
    }
}

/// A `WWW-Authenticate` value: bare if no credential was presented, otherwise with the error (RFC 6750 §3).
pub fn print_challenge(error: Option<&OAuthError>) -> String {
    match error {
        None => "Bearer".to_owned(),
        // A description contains neither quotes nor backslashes, so it needs no escaping.
        Some(error) => {
            format!(r#"Bearer error="{}", error_description="{}""#, error.code.as_str(), error.description())
        }
    }
}

/// The value after the scheme, or `None` for another scheme.
pub(crate) fn strip_scheme<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let value = value.trim_matches([' ', '\t']);
    let (found, rest) = value.split_once([' ', '\t']).unwrap_or((value, ""));
    found.eq_ignore_ascii_case(scheme).then(|| rest.trim_matches([' ', '\t']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_bare_or_names_the_error() {
        assert_eq!(print_challenge(None), "Bearer");
        assert_eq!(
            print_challenge(Some(&OAuthError::invalid_grant("invalid session"))),
            r#"Bearer error="invalid_grant", error_description="invalid session""#
        );
        assert_eq!(
            print_challenge(Some(&OAuthError::invalid_grant("a \"b\\"))),
            r#"Bearer error="invalid_grant", error_description="a 'b/""#
        );
    }

    #[test]
    fn absent_empty_and_present_are_distinguished() {
        for (header, expected) in [
            (None, Bearer::Absent),
            (Some(""), Bearer::Absent),
            (Some("Basic abc"), Bearer::Absent),
            (Some("BearerX abc"), Bearer::Absent),
            (Some("DPoP abc"), Bearer::Absent),
            (Some("Bearer"), Bearer::Empty),
            (Some("Bearer "), Bearer::Empty),
            (Some("bearer  \t"), Bearer::Empty),
            (Some("Bearer abc"), Bearer::Token("abc".into())),
            (Some("BEARER   abc "), Bearer::Token("abc".into())),
        ] {
            assert_eq!(Bearer::parse(header), expected, "{header:?}");
        }
    }
}
