//! The notice at the top of a portal page. A redirect carries it as its code.

use crate::ui::notice::Level;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortalNotice {
    Saved,
    /// The form contained no change.
    Unchanged,
    OriginChanged,
    ProjectCreated,
    ProjectDeleted,
    ApplicationDeleted,
    SecretDeleted,
    PasswordChanged,
    PasskeyAdded,
    PasswordRemoved,
    PasskeyRenamed,
    PasskeyRemoved,
    /// The last credential was not removed.
    LastWayIn,
    OperatorAdded,
    RoleChanged,
    OperatorRemoved,
    InvitationRevoked,
    KeyRevoked,
    /// The last owner of all projects was not removed.
    LastOwner,
    /// Only an owner of all projects may do this.
    NotYours,
    /// The other operator has a role where the acting one is not an owner.
    WorksElsewhere,
    SessionsEnded,
    DeviceKeyRevoked,
    UserDisabled,
    UserEnabled,
    UserPromoted,
    UserDeleted,
    WebhookRemoved,
    DeliveryReplayed,
    /// The entry does not exist any more.
    Gone,
}

impl PortalNotice {
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

    /// The name in a URL.
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

    /// Parses the name.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.code() == code)
    }

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
