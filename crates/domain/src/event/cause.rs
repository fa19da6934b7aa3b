//! Why a session ended, what an operator did: the words of events.

/// Why a session ended without its user asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationReason {
    /// An operator did it.
    Operator,
    /// The user did it from another session.
    User,
    /// A refresh token was used again after its successor (RFC 9700 §4.14).
    TokenReuse,
    /// The authorization code it was made with was used again (RFC 6749 §4.1.2).
    CodeReuse,
    /// The application allows one session at a time.
    AnotherSession,
    /// The guest it belonged to gave way to a member.
    Promotion,
    /// The password was changed.
    PasswordChange,
}

impl RevocationReason {
    /// The word in the payload.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::User => "user",
            Self::TokenReuse => "token_reuse",
            Self::CodeReuse => "code_reuse",
            Self::AnotherSession => "another_session",
            Self::Promotion => "promotion",
            Self::PasswordChange => "password_change",
        }
    }
}

/// What an operator can do besides changing settings and users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAction {
    /// Somebody was invited to the portal.
    Invited,
    /// An invitation was taken back.
    InvitationRevoked,
    /// An operator got another role.
    RoleChanged,
    /// An operator lost its role.
    Removed,
    /// An operator got a link to choose a new way in.
    LinkCreated,
    /// An application got another secret.
    SecretCreated,
    /// A secret of an application was removed.
    SecretDeleted,
    /// A key of the Admin API was made.
    KeyCreated,
    /// A key of the Admin API was revoked.
    KeyRevoked,
    /// The project was made.
    ProjectCreated,
}

impl OperatorAction {
    /// The event's name.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Invited => "operator.invited",
            Self::InvitationRevoked => "operator.invitation_revoked",
            Self::RoleChanged => "operator.role_changed",
            Self::Removed => "operator.removed",
            Self::LinkCreated => "operator.link_created",
            Self::SecretCreated => "application.secret_created",
            Self::SecretDeleted => "application.secret_deleted",
            Self::KeyCreated => "admin_key.created",
            Self::KeyRevoked => "admin_key.revoked",
            Self::ProjectCreated => "project.created",
        }
    }
}
