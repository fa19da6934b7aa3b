//! The one message a page may carry on top: what just happened.

use super::text::Text;

/// How a notice sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something to know.
    Info,
    /// Something worked.
    Success,
    /// Something needs another try.
    Warning,
}

impl Level {
    /// The CSS class suffix.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Success => "success",
            Self::Warning => "warning",
        }
    }

    /// The ARIA role: a warning interrupts, the rest waits its turn.
    pub fn role(self) -> &'static str {
        match self {
            Self::Info | Self::Success => "status",
            Self::Warning => "alert",
        }
    }
}

/// A message on top of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How it sounds.
    pub level: Level,
    /// What it says.
    pub key: Text,
}

/// The notices the house knows; handlers can carry [`NoticeKind::code`] through a redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// A new code is on its way.
    CodeSent,
    /// A new code was asked for too soon.
    CodeTooSoon,
    /// The form was older than its CSRF token; nothing was done.
    FormExpired,
    /// The password is changed or set.
    PasswordChanged,
    /// A login ID was added.
    LoginIdAdded,
    /// A login ID was replaced.
    LoginIdChanged,
    /// A login ID was removed.
    LoginIdRemoved,
    /// It is the last way to sign in and stays.
    LastLoginMethod,
    /// The profile is saved.
    ProfileSaved,
    /// One session was signed out.
    SessionRevoked,
    /// Every other session was signed out.
    OtherSessionsRevoked,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey has another name.
    PasskeyRenamed,
    /// A passkey was removed.
    PasskeyRemoved,
    /// The passkey could not be used.
    PasskeyFailed,
    /// The address could not be reached; nothing was sent.
    SendingFailed,
}

impl NoticeKind {
    /// Every notice.
    pub const ALL: [Self; 16] = [
        Self::CodeSent,
        Self::CodeTooSoon,
        Self::FormExpired,
        Self::PasswordChanged,
        Self::LoginIdAdded,
        Self::LoginIdChanged,
        Self::LoginIdRemoved,
        Self::LastLoginMethod,
        Self::ProfileSaved,
        Self::SessionRevoked,
        Self::OtherSessionsRevoked,
        Self::PasskeyAdded,
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
        Self::PasskeyFailed,
        Self::SendingFailed,
    ];

    /// The notice as it is shown.
    pub fn notice(self) -> Notice {
        let (level, key) = match self {
            Self::CodeSent => (Level::Success, "notice-code-sent"),
            Self::CodeTooSoon => (Level::Info, "notice-code-too-soon"),
            Self::FormExpired => (Level::Warning, "notice-form-expired"),
            Self::PasswordChanged => (Level::Success, "notice-password-changed"),
            Self::LoginIdAdded => (Level::Success, "notice-login-id-added"),
            Self::LoginIdChanged => (Level::Success, "notice-login-id-changed"),
            Self::LoginIdRemoved => (Level::Success, "notice-login-id-removed"),
            Self::LastLoginMethod => (Level::Warning, "notice-last-login-method"),
            Self::ProfileSaved => (Level::Success, "notice-profile-saved"),
            Self::SessionRevoked => (Level::Success, "notice-session-revoked"),
            Self::OtherSessionsRevoked => (Level::Success, "notice-other-sessions-revoked"),
            Self::PasskeyAdded => (Level::Success, "notice-passkey-added"),
            Self::PasskeyRenamed => (Level::Success, "notice-passkey-renamed"),
            Self::PasskeyRemoved => (Level::Success, "notice-passkey-removed"),
            Self::PasskeyFailed => (Level::Warning, "notice-passkey-failed"),
            Self::SendingFailed => (Level::Warning, "notice-sending-failed"),
        };
        Notice { level, key: Text::new(key) }
    }

    /// A short stable name, fit for a query parameter or a cookie.
    pub fn code(self) -> &'static str {
        let key = self.notice().key.key();
        key.strip_prefix("notice-").unwrap_or(key)
    }

    /// The notice named by [`NoticeKind::code`].
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notice_is_found_by_its_code() {
        for kind in NoticeKind::ALL {
            assert_eq!(NoticeKind::parse(kind.code()), Some(kind));
        }
        assert_eq!(NoticeKind::parse("nonsense"), None);
    }
}
