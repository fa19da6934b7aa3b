//! The links of emails in which an operator asks a member to choose a password. Each carries its own content, sealed. It proves
//! nothing: it opens the recovery with the member's address filled in, and the code that is then sent there is the proof.

use serde::{Deserialize, Serialize};
use vestibule_domain::{identifier::LoginIdKind, time::Timestamp};

use super::{base64url, read_base64url, tokens::MacKey};
use crate::adapters::entropy::Entropy;

/// Length of the longest secret that is read.
const LONGEST: usize = 2_048;
const LABEL: &str = "recovery_link";

/// The content of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecoveryLink {
    pub kind: LoginIdKind,
    /// The login ID as its owner writes it.
    pub login_id: String,
    pub expires_at: Timestamp,
}

impl MacKey {
    /// Issues the text of a link.
    #[must_use]
    pub(crate) fn issue_recovery_link(&self, link: &RecoveryLink, entropy: &Entropy) -> String {
        let plain = serde_json::to_vec(link).expect("a link's content is plain JSON");
        let id: [u8; 16] = entropy.bytes();
        base64url([id.as_slice(), &self.seal_under(LABEL, &id, &plain, entropy)].concat())
    }

    /// Parses the text of a link; `None` when it is not one of this project's.
    #[must_use]
    pub(crate) fn read_recovery_link(&self, text: &str) -> Option<RecoveryLink> {
        if text.len() > LONGEST {
            return None;
        }
        let bytes = read_base64url(text)?;
        let (id, sealed) = bytes.split_first_chunk::<16>()?;
        serde_json::from_slice(&self.open_under(LABEL, id, sealed)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_reads_back_in_its_project_only() {
        let entropy = Entropy::seeded(8);
        let (key, other) = (MacKey::new(&[1; 32]), MacKey::new(&[2; 32]));
        let expires_at = Timestamp::from_seconds(1_900_000_000);
        let link = RecoveryLink { kind: LoginIdKind::Email, login_id: "Kim@shop.test".into(), expires_at };
        let text = key.issue_recovery_link(&link, &entropy);
        assert_eq!(key.read_recovery_link(&text), Some(link.clone()));
        assert_eq!(other.read_recovery_link(&text), None);
        assert_eq!(key.read_recovery_link(&text[1..]), None);
        // A link of another kind is none of these.
        assert_eq!(key.read_security_link(&text), None);
    }
}
