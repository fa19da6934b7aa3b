//! Notification mails about account changes. The pages provide the texts.

use crate::adapters::mailer::Mail;

/// The change to report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecurityNotice {
    LoginIdAdded { login_id: String },
    LoginIdChanged { from: String, to: String },
    LoginIdRemoved { login_id: String },
    PasswordChanged,
}

/// Renders the mail in the user's language; provided by the pages, which have the texts.
pub(crate) type WriteNotice<'a> = &'a (dyn Fn(&str, &SecurityNotice) -> Mail + Send + Sync);
