//! The links in security mails. Each carries its own content, sealed, so that sending one costs no write; that it was redeemed is
//! recorded.

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    id::{ChangeId, UserId},
    secret::TokenHash,
    time::Timestamp,
};

use super::{base64url, fingerprint, read_base64url, tokens::MacKey};
use crate::adapters::entropy::Entropy;

/// Length of the longest secret that is read.
const LONGEST: usize = 2_048;
const LABEL: &str = "security_link";

/// A security link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecurityLink {
    pub content: LinkContent,
    /// The key of its record when it is redeemed.
    pub fingerprint: [u8; 16],
}

/// The content of a security link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkContent {
    /// Whose account it is about.
    pub user_id: UserId,
    pub action: LinkAction,
    pub expires_at: Timestamp,
}

/// What a security link does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LinkAction {
    /// Ends all sessions and grants, and an authorization code that may be outstanding.
    EndSessions { code: Option<[u8; 32]> },
    /// Undoes a change of the login methods and all later ones, and ends all sessions.
    Undo { change: ChangeId },
}

impl LinkAction {
    /// The authorization code that it ends.
    pub fn code(&self) -> Option<TokenHash> {
        match self {
            Self::EndSessions { code } => code.map(TokenHash),
            Self::Undo { .. } => None,
        }
    }
}

impl MacKey {
    /// Issues the secret of a security link.
    #[must_use]
    pub(crate) fn issue_security_link(&self, content: &LinkContent, entropy: &Entropy) -> String {
        let plain = serde_json::to_vec(content).expect("a link's content is plain JSON");
        let id: [u8; 16] = entropy.bytes();
        base64url([id.as_slice(), &self.seal_under(LABEL, &id, &plain, entropy)].concat())
    }

    /// Parses the secret of a security link; `None` when it is not one of this project's.
    #[must_use]
    pub(crate) fn read_security_link(&self, secret: &str) -> Option<SecurityLink> {
        if secret.len() > LONGEST {
            return None;
        }
        let bytes = read_base64url(secret)?;
        let (id, sealed) = bytes.split_first_chunk::<16>()?;
        let content = serde_json::from_slice(&self.open_under(LABEL, id, sealed)?).ok()?;
        Some(SecurityLink { content, fingerprint: fingerprint(LABEL, secret.as_bytes()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_reads_back_unchanged_and_in_its_project_only() {
        let entropy = Entropy::seeded(8);
        let expires_at = Timestamp::from_seconds(1_900_000_000);
        let user_id = entropy.id(expires_at);
        let (key, other) = (MacKey::new(&[1; 32]), MacKey::new(&[2; 32]));
        for code in [None, Some([7; 32])] {
            let content = LinkContent { user_id, action: LinkAction::EndSessions { code }, expires_at };
            let secret = key.issue_security_link(&content, &entropy);
            let read = key.read_security_link(&secret).expect("its own");
            assert_eq!(read.content, content);
            assert_eq!(read.content.action.code(), code.map(TokenHash));
            assert_ne!(secret, key.issue_security_link(&content, &entropy), "no two are equal");
            assert_eq!(other.read_security_link(&secret), None);
            for position in 0..secret.len() {
                let mut changed = secret.clone().into_bytes();
                changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
                let changed = String::from_utf8(changed).expect("ASCII");
                assert_eq!(key.read_security_link(&changed), None, "{position}");
                assert_eq!(key.read_security_link(&secret[..position]), None, "{position}");
            }
        }
    }
}
