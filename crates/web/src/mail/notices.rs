//! The email about a change of an account, as the use cases describe it.

use vestibule_app::account::notice::{NamedSession, SecurityNotice};

use super::{AccountNotice, MailKind, MailedSession};
use crate::elapsed::Elapsed;

impl MailKind {
    /// The email about a change or promotion of the account.
    pub fn of_notice(notice: &SecurityNotice) -> Self {
        let (change, link) = match notice.clone() {
            SecurityNotice::StillSignedIn { sessions, link } => {
                let session = |named: NamedSession| MailedSession {
                    app: named.application,
                    device: named.device,
                    began: Elapsed::from_seconds(named.age.as_secs()),
                };
                return Self::StillSignedIn { sessions: sessions.into_iter().map(session).collect(), link };
            }
            SecurityNotice::LoginIdAdded { login_id, link } => (AccountNotice::LoginIdAdded { login_id }, link),
            SecurityNotice::LoginIdChanged { from, to, link } => (AccountNotice::LoginIdChanged { from, to }, link),
            SecurityNotice::LoginIdRemoved { login_id, link } => (AccountNotice::LoginIdRemoved { login_id }, link),
            SecurityNotice::PasskeyAdded { name, link } => (AccountNotice::PasskeyAdded { name }, link),
            SecurityNotice::PasskeyRemoved { name, link } => (AccountNotice::PasskeyRemoved { name }, link),
            SecurityNotice::ExternalAccountAdded { name, link } => (AccountNotice::ExternalAccountAdded { name }, link),
            SecurityNotice::ExternalAccountRemoved { name, link } => {
                (AccountNotice::ExternalAccountRemoved { name }, link)
            }
            SecurityNotice::PasswordChanged => (AccountNotice::PasswordChanged, None),
            SecurityNotice::ChangesUndone => (AccountNotice::ChangesUndone, None),
        };
        Self::Changed { change, link }
    }
}
