//! The notice at the top of a page, about what just happened.

use crate::text::Text;

/// The severity of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Info,
    Success,
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

    /// The ARIA role: a warning interrupts the screen reader, other notices do not.
    pub fn role(self) -> &'static str {
        match self {
            Self::Info | Self::Success => "status",
            Self::Warning => "alert",
        }
    }
}

/// A notice at the top of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub level: Level,
    pub key: Text,
}

/// The known notices; a redirect can carry one by its [`NoticeKind::code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    CodeSent,
    /// A new code was requested too soon.
    CodeTooSoon,
    /// The form's CSRF token had expired; nothing was done.
    FormExpired,
    PasswordChanged,
    LoginIdAdded,
    LoginIdChanged,
    LoginIdRemoved,
    /// The last login method was not removed.
    LastLoginMethod,
    ProfileSaved,
    SessionRevoked,
    OtherSessionsRevoked,
    /// A third-party application lost its access.
    AccessRemoved,
    PasskeyAdded,
    PasskeyRenamed,
    PasskeyRemoved,
    PasskeyFailed,
    /// The message could not be sent.
    SendingFailed,
}

impl NoticeKind {
    pub const ALL: [Self; 17] = [
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
        Self::AccessRemoved,
        Self::PasskeyAdded,
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
        Self::PasskeyFailed,
        Self::SendingFailed,
    ];

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
            Self::AccessRemoved => (Level::Success, "notice-access-removed"),
            Self::PasskeyAdded => (Level::Success, "notice-passkey-added"),
            Self::PasskeyRenamed => (Level::Success, "notice-passkey-renamed"),
            Self::PasskeyRemoved => (Level::Success, "notice-passkey-removed"),
            Self::PasskeyFailed => (Level::Warning, "notice-passkey-failed"),
            Self::SendingFailed => (Level::Warning, "notice-sending-failed"),
        };
        Notice { level, key: Text::new(key) }
    }

    /// A stable name for query parameters and cookies.
    pub fn code(self) -> &'static str {
        let key = self.notice().key.key();
        key.strip_prefix("notice-").unwrap_or(key)
    }

    /// The notice with this [`NoticeKind::code`].
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
