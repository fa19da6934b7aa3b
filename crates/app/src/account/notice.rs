//! Notification mails about account changes. The pages provide the texts.

use std::time::Duration;

use crate::adapters::mailer::Mail;

/// A session in a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedSession {
    /// The name of the application.
    pub application: String,
    pub device: Option<String>,
    /// How long ago it began.
    pub age: Duration,
}

/// The change to report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecurityNotice {
    /// `link` removes it.
    LoginIdAdded {
        login_id: String,
        link: String,
    },
    /// `link` restores the old one.
    LoginIdChanged {
        from: String,
        to: String,
        link: String,
    },
    /// `link` removes it.
    PasskeyAdded {
        name: Option<String>,
        link: String,
    },
    LoginIdRemoved {
        login_id: String,
    },
    PasswordChanged,
    /// A guest that began elsewhere was promoted; `link` ends what is still signed in.
    StillSignedIn {
        sessions: Vec<NamedSession>,
        link: String,
    },
}

/// Renders the mail in the user's language; provided by the pages, which have the texts.
pub(crate) type WriteNotice<'a> = &'a (dyn Fn(&str, &SecurityNotice) -> Mail + Send + Sync);
