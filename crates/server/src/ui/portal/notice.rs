//! The one message a page of the portal may carry on top: what just happened. Carried through a redirect as its code.

use crate::ui::notice::Level;

/// The notices of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortalNotice {
    /// The settings were saved.
    Saved,
    /// The form said what was there already.
    Unchanged,
    /// The project has another public origin.
    OriginChanged,
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
    /// A passkey was added.
    PasskeyAdded,
    /// The password was removed.
    PasswordRemoved,
    /// A passkey is called something else.
    PasskeyRenamed,
    /// A passkey was removed.
    PasskeyRemoved,
    /// The operator would have no way in any more.
    LastWayIn,
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
    /// Nobody would own every project any more.
    LastOwner,
    /// It takes an owner of every project.
    NotYours,
    /// The operator works where the one who acts owns nothing.
    WorksElsewhere,
    /// Sessions of a user were ended.
    SessionsEnded,
    /// A device key was revoked.
    DeviceKeyRevoked,
    /// A user was disabled.
    UserDisabled,
    /// A user was let in again.
    UserEnabled,
    /// A guest was made a member.
    UserPromoted,
    /// A user was deleted.
    UserDeleted,
    /// A webhook was removed.
    WebhookRemoved,
    /// A delivery was queued once more.
    DeliveryReplayed,
    /// The thing is not there any more.
    Gone,
}

impl PortalNotice {
    /// Every notice.
    pub const ALL: [Self; 30] = [
        Self::Saved,
        Self::Unchanged,
        Self::OriginChanged,
        Self::ProjectCreated,
        Self::ProjectDeleted,
        Self::ApplicationDeleted,
        Self::SecretDeleted,
        Self::PasswordChanged,
        Self::PasskeyAdded,
        Self::PasswordRemoved,
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
        Self::LastWayIn,
        Self::OperatorAdded,
        Self::RoleChanged,
        Self::OperatorRemoved,
        Self::InvitationRevoked,
        Self::KeyRevoked,
        Self::LastOwner,
        Self::NotYours,
        Self::WorksElsewhere,
        Self::SessionsEnded,
        Self::DeviceKeyRevoked,
        Self::UserDisabled,
        Self::UserEnabled,
        Self::UserPromoted,
        Self::UserDeleted,
        Self::WebhookRemoved,
        Self::DeliveryReplayed,
        Self::Gone,
    ];

    /// The word in an address.
    pub fn code(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Unchanged => "unchanged",
            Self::OriginChanged => "origin-changed",
            Self::ProjectCreated => "project-created",
            Self::ProjectDeleted => "project-deleted",
            Self::ApplicationDeleted => "application-deleted",
            Self::SecretDeleted => "secret-deleted",
            Self::PasswordChanged => "password-changed",
            Self::PasskeyAdded => "passkey-added",
            Self::PasswordRemoved => "password-removed",
            Self::PasskeyRenamed => "passkey-renamed",
            Self::PasskeyRemoved => "passkey-removed",
            Self::LastWayIn => "last-way-in",
            Self::OperatorAdded => "operator-added",
            Self::RoleChanged => "role-changed",
            Self::OperatorRemoved => "operator-removed",
            Self::InvitationRevoked => "invitation-revoked",
            Self::KeyRevoked => "key-revoked",
            Self::LastOwner => "last-owner",
            Self::NotYours => "not-yours",
            Self::WorksElsewhere => "works-elsewhere",
            Self::SessionsEnded => "sessions-ended",
            Self::DeviceKeyRevoked => "device-key-revoked",
            Self::UserDisabled => "user-disabled",
            Self::UserEnabled => "user-enabled",
            Self::UserPromoted => "user-promoted",
            Self::UserDeleted => "user-deleted",
            Self::WebhookRemoved => "webhook-removed",
            Self::DeliveryReplayed => "delivery-replayed",
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
            Self::LastOwner | Self::LastWayIn | Self::NotYours | Self::WorksElsewhere | Self::Gone => Level::Warning,
            Self::Unchanged => Level::Info,
            Self::Saved
            | Self::OriginChanged
            | Self::ProjectCreated
            | Self::ProjectDeleted
            | Self::ApplicationDeleted
            | Self::SecretDeleted
            | Self::PasswordChanged
            | Self::PasskeyAdded
            | Self::PasswordRemoved
            | Self::PasskeyRenamed
            | Self::PasskeyRemoved
            | Self::OperatorAdded
            | Self::RoleChanged
            | Self::OperatorRemoved
            | Self::InvitationRevoked
            | Self::KeyRevoked
            | Self::SessionsEnded
            | Self::DeviceKeyRevoked
            | Self::UserDisabled
            | Self::UserEnabled
            | Self::UserPromoted
            | Self::UserDeleted
            | Self::WebhookRemoved
            | Self::DeliveryReplayed => Level::Success,
        }
    }

    /// What it says.
    pub fn text(self) -> &'static str {
        match self {
            Self::Saved => "Saved. It counts from now on.",
            Self::Unchanged => "Nothing was changed: the form said what was there already.",
            Self::OriginChanged => "The public origin is changed. Give your applications the new endpoint.",
            Self::ProjectCreated => "The project is there. Add an application to begin.",
            Self::ProjectDeleted => "The project and everything in it is deleted.",
            Self::ApplicationDeleted => "The application is deleted. Its sessions are refused from now on.",
            Self::SecretDeleted => "The secret is removed. It is refused from now on.",
            Self::PasswordChanged => "Your password is changed. Your other sessions have ended.",
            Self::PasskeyAdded => "The passkey is ready to use.",
            Self::PasswordRemoved => "Your password is removed. Your other sessions have ended.",
            Self::PasskeyRenamed => "The passkey has its name.",
            Self::PasskeyRemoved => "The passkey is removed. Your other sessions have ended.",
            Self::LastWayIn => "Not done: it is your last way in. Set a password or add another passkey first.",
            Self::OperatorAdded => "They had an account already and have the role now.",
            Self::RoleChanged => "The role is changed.",
            Self::OperatorRemoved => "The operator is removed.",
            Self::InvitationRevoked => "The invitation is taken back. Its link is dead.",
            Self::KeyRevoked => "The key is revoked. Requests with it are refused from now on.",
            Self::LastOwner => "Not done: somebody has to own every project. Make another owner first.",
            Self::NotYours => "Not done: it takes an owner of every project.",
            Self::WorksElsewhere => {
                "Not done: the operator works in other projects too. Ask somebody who owns all of them."
            }
            Self::SessionsEnded => "Ended. Whoever used it has to sign in again.",
            Self::DeviceKeyRevoked => {
                "The key is revoked. The device is nobody from now on; its open sessions stay open."
            }
            Self::UserDisabled => "The user is disabled, and signed out everywhere.",
            Self::UserEnabled => "The user is let in again.",
            Self::UserPromoted => "The guest is a member now, with the same id.",
            Self::UserDeleted => "The user is deleted.",
            Self::WebhookRemoved => "The address is removed. It is told and asked nothing new.",
            Self::DeliveryReplayed => "It is on its way again.",
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
