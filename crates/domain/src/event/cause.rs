//! Why a session was revoked, and what an operator did, by their names in events.

/// Why a session ended other than by its user signing out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationReason {
    /// An operator revoked it.
    Operator,
    /// The user revoked it from another session.
    User,
    /// A refresh token was reused after its rotation (RFC 9700 §4.14).
    TokenReuse,
    /// The authorization code that created it was reused (RFC 6749 §4.1.2).
    CodeReuse,
    /// The application allows one session at a time.
    AnotherSession,
    /// Its guest was given up for a member.
    Promotion,
    /// The password was changed.
    PasswordChange,
}

impl RevocationReason {
    /// The name in the payload.
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

/// What an operator did, other than changes of settings and users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAction {
    /// An operator was invited to the portal.
    Invited,
    /// An invitation was revoked.
    InvitationRevoked,
    /// An operator got another role.
    RoleChanged,
    /// An operator lost its role.
    Removed,
    /// An operator got a link to reset its credentials.
    LinkCreated,
    /// An application got another secret.
    SecretCreated,
    /// A secret of an application was removed.
    SecretDeleted,
    /// The client secret for a provider was set.
    ProviderSecretSet,
    /// The client secret for a provider was removed.
    ProviderSecretRemoved,
    /// An Admin API key was created.
    KeyCreated,
    /// An Admin API key was revoked.
    KeyRevoked,
    /// The project was created.
    ProjectCreated,
    /// New signing keys were created, and the old ones will retire.
    SigningKeysRotated,
    /// A hold was put on a user.
    HoldCreated,
    /// A hold was taken from a user.
    HoldRemoved,
    /// The rules for the retention of guests were confirmed.
    RetentionConfirmed,
    /// A member got an email that its account is ready.
    UserInvited,
    /// A member got an email with a link to choose a new password.
    PasswordLinkSent,
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
            Self::ProviderSecretSet => "provider.secret_set",
            Self::ProviderSecretRemoved => "provider.secret_removed",
            Self::KeyCreated => "admin_key.created",
            Self::KeyRevoked => "admin_key.revoked",
            Self::ProjectCreated => "project.created",
            Self::SigningKeysRotated => "signing_key.rotated",
            Self::HoldCreated => "user.hold.created",
            Self::HoldRemoved => "user.hold.removed",
            Self::RetentionConfirmed => "retention.confirmed",
            Self::UserInvited => "user.invited",
            Self::PasswordLinkSent => "user.password_link_sent",
        }
    }
}

/// Why a user was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionReason {
    /// The user wanted it, on its account page.
    User,
    /// An operator, a program or a command.
    Operator,
    /// The rules of its application for unused guests.
    Retention,
}

impl DeletionReason {
    /// The name in the event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Operator => "operator",
            Self::Retention => "retention",
        }
    }
}
