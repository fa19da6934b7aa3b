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

/// The change to report. `link` undoes it; an address that a thief may have added gets none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecurityNotice {
    LoginIdAdded {
        login_id: String,
        link: Option<String>,
    },
    LoginIdChanged {
        from: String,
        to: String,
        link: Option<String>,
    },
    LoginIdRemoved {
        login_id: String,
        link: Option<String>,
    },
    PasskeyAdded {
        name: Option<String>,
        link: Option<String>,
    },
    PasskeyRemoved {
        name: Option<String>,
        link: Option<String>,
    },
    ExternalAccountAdded {
        name: String,
        link: Option<String>,
    },
    ExternalAccountRemoved {
        name: String,
        link: Option<String>,
    },
    PasswordChanged,
    /// A link "This was not me" was redeemed.
    ChangesUndone,
    /// A guest that began elsewhere was promoted; `link` ends what is still signed in.
    StillSignedIn {
        sessions: Vec<NamedSession>,
        link: String,
    },
}

/// Renders the mail in the user's language; provided by the pages, which have the texts.
pub(crate) type WriteNotice<'a> = &'a (dyn Fn(&str, &SecurityNotice) -> Mail + Send + Sync);

/// Describes a change of a login method, with its link if there is one.
pub(crate) type DescribeChange<'a> = &'a (dyn Fn(Option<String>) -> SecurityNotice + Send + Sync);
