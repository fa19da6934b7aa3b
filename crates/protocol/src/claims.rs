//! The `sid` claim of ID tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The session of an ID token, in its `sid` claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sid {
    /// A refresh-token grant.
    OfflineGrant(String),
    /// A cookie session.
    Idp(String),
}

impl Sid {
    /// The claim's value: base64url without padding of `offline_grant:<id>` or `idp:<id>`.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(match self {
            Self::OfflineGrant(id) => format!("offline_grant:{id}"),
            Self::Idp(id) => format!("idp:{id}"),
        })
    }

    /// Parses the claim; `None` for anything else.
    pub fn parse(claim: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(claim).ok()?).ok()?;
        match text.split_once(':')? {
            ("offline_grant", id) if !id.is_empty() => Some(Self::OfflineGrant(id.to_owned())),
            ("idp", id) if !id.is_empty() => Some(Self::Idp(id.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sid_is_read_back_and_nothing_else_is() {
        for sid in [Sid::OfflineGrant("a-b".to_owned()), Sid::Idp("c:d".to_owned())] {
            assert_eq!(Sid::parse(&sid.encode()), Some(sid));
        }
        for text in ["", "!!", "offline_grant:x"] {
            assert_eq!(Sid::parse(text), None, "{text}");
        }
        for text in ["device:x", "idp:", "idp"] {
            assert_eq!(Sid::parse(&URL_SAFE_NO_PAD.encode(text)), None, "{text}");
        }
    }
}
