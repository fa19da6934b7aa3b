//! The mails that tell a member what was changed on the account. Their words are the pages' affair.

use crate::ports::mailer::Mail;

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// A login ID was added.
    LoginIdAdded { login_id: String },
    /// A login ID was replaced.
    LoginIdChanged { from: String, to: String },
    /// A login ID was removed.
    LoginIdRemoved { login_id: String },
    /// The password was changed or set.
    PasswordChanged,
}

/// Writes the mail in the person's language; given by the pages' side, since it knows the texts.
pub(crate) type WriteNews<'a> = &'a (dyn Fn(&str, &News) -> Mail + Send + Sync);
