//! The one message a page of the portal may carry on top: what just happened. Carried through a redirect as its code.

use crate::ui::notice::Level;

/// The notices of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortalNotice {
    /// The settings were saved.
    Saved,
    /// The form said what was there already.
    Unchanged,
    /// A project was made.
    ProjectCreated,
    /// A project was deleted.
    ProjectDeleted,
    /// An application was removed.
    ApplicationDeleted,
    /// A secret was removed.
    SecretDeleted,
    /// The password was changed.
    PasswordChanged,
    /// Somebody with an account got a role.
    OperatorAdded,
    /// A role was changed.
    RoleChanged,
    /// A role was taken away.
    OperatorRemoved,
    /// An invitation was taken back.
    InvitationRevoked,
    /// A key was revoked.
    KeyRevoked,
    /// A test message was handed over.
    TestSent,
    /// Nobody would own every project any more.
    LastOwner,
    /// It takes an owner of every project.
    NotYours,
    /// The thing is not there any more.
    Gone,
}

impl PortalNotice {
    /// Every notice.
    pub const ALL: [Self; 16] = [
        Self::Saved,
        Self::Unchanged,
        Self::ProjectCreated,
        Self::ProjectDeleted,
        Self::ApplicationDeleted,
        Self::SecretDeleted,
        Self::PasswordChanged,
        Self::OperatorAdded,
        Self::RoleChanged,
        Self::OperatorRemoved,
        Self::InvitationRevoked,
        Self::KeyRevoked,
        Self::TestSent,
        Self::LastOwner,
        Self::NotYours,
        Self::Gone,
    ];

    /// The word in an address.
    pub fn code(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Unchanged => "unchanged",
            Self::ProjectCreated => "project-created",
            Self::ProjectDeleted => "project-deleted",
            Self::ApplicationDeleted => "application-deleted",
            Self::SecretDeleted => "secret-deleted",
            Self::PasswordChanged => "password-changed",
            Self::OperatorAdded => "operator-added",
            Self::RoleChanged => "role-changed",
            Self::OperatorRemoved => "operator-removed",
            Self::InvitationRevoked => "invitation-revoked",
            Self::KeyRevoked => "key-revoked",
            Self::TestSent => "test-sent",
            Self::LastOwner => "last-owner",
            Self::NotYours => "not-yours",
            Self::Gone => "gone",
        }
    }

    /// The notice of a word.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.code() == code)
    }

    /// How it sounds.
    pub fn level(self) -> Level {
        match self {
            Self::LastOwner | Self::NotYours | Self::Gone => Level::Warning,
            Self::Unchanged => Level::Info,
            Self::Saved
            | Self::ProjectCreated
            | Self::ProjectDeleted
            | Self::ApplicationDeleted
            | Self::SecretDeleted
            | Self::PasswordChanged
            | Self::OperatorAdded
            | Self::RoleChanged
            | Self::OperatorRemoved
            | Self::InvitationRevoked
            | Self::KeyRevoked
            | Self::TestSent => Level::Success,
        }
    }

    /// What it says.
    pub fn text(self) -> &'static str {
        match self {
            Self::Saved => "Saved. It counts from now on.",
            Self::Unchanged => "Nothing was changed: the form said what was there already.",
            Self::ProjectCreated => "The project is there. Add an application to begin.",
            Self::ProjectDeleted => "The project and everything in it is deleted.",
            Self::ApplicationDeleted => "The application is deleted. Its sessions are refused from now on.",
            Self::SecretDeleted => "The secret is removed. It is refused from now on.",
            Self::PasswordChanged => "Your password is changed. Your other sessions have ended.",
            Self::OperatorAdded => "They had an account already and have the role now.",
            Self::RoleChanged => "The role is changed.",
            Self::OperatorRemoved => "The operator is removed.",
            Self::InvitationRevoked => "The invitation is taken back. Its link is dead.",
            Self::KeyRevoked => "The key is revoked. Requests with it are refused from now on.",
            Self::TestSent => "The test message is on its way. Look into the inbox.",
            Self::LastOwner => "Not done: somebody has to own every project. Make another owner first.",
            Self::NotYours => "Not done: it takes an owner of every project.",
            Self::Gone => "It is not there any more. Somebody else may have removed it.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back() {
        for notice in PortalNotice::ALL {
            assert_eq!(PortalNotice::parse(notice.code()), Some(notice));
        }
    }
}
