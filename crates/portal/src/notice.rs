//! The notice at the top of a portal page. A redirect carries it as its code.

use vestibule_web::notice::Level;

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
    LastLoginMethod,
    OperatorAdded,
    RoleAccepted,
    AddressProved,
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
    UserCreated,
    UserInvited,
    UserNotInvited,
    PasswordEmailSent,
    PasswordEmailRefused,
    LoginIdChanged,
    LoginIdVerified,
    WebhookRemoved,
    ProviderAdded,
    ProviderRemoved,
    ProviderSecretSet,
    DeliveryReplayed,
    RetentionConfirmed,
    MergeDecided,
    MergeAsked,
    HoldPlaced,
    HoldLifted,
    GuestRevived,
    LogoSaved,
    LogoRemoved,
    /// The entry does not exist any more.
    Gone,
}

impl PortalNotice {
    pub const ALL: [Self; 50] = [
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
        Self::LastLoginMethod,
        Self::OperatorAdded,
        Self::RoleAccepted,
        Self::AddressProved,
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
        Self::UserCreated,
        Self::UserInvited,
        Self::UserNotInvited,
        Self::PasswordEmailSent,
        Self::PasswordEmailRefused,
        Self::LoginIdChanged,
        Self::LoginIdVerified,
        Self::WebhookRemoved,
        Self::ProviderAdded,
        Self::ProviderRemoved,
        Self::ProviderSecretSet,
        Self::DeliveryReplayed,
        Self::RetentionConfirmed,
        Self::MergeDecided,
        Self::MergeAsked,
        Self::HoldPlaced,
        Self::HoldLifted,
        Self::GuestRevived,
        Self::LogoSaved,
        Self::LogoRemoved,
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
            Self::LastLoginMethod => "last-way-in",
            Self::OperatorAdded => "operator-added",
            Self::RoleAccepted => "role-accepted",
            Self::AddressProved => "address-proved",
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
            Self::UserCreated => "user-created",
            Self::UserInvited => "user-invited",
            Self::UserNotInvited => "user-not-invited",
            Self::PasswordEmailSent => "password-email-sent",
            Self::PasswordEmailRefused => "password-email-refused",
            Self::LoginIdChanged => "login-id-changed",
            Self::LoginIdVerified => "login-id-verified",
            Self::WebhookRemoved => "webhook-removed",
            Self::ProviderAdded => "provider-added",
            Self::ProviderRemoved => "provider-removed",
            Self::ProviderSecretSet => "provider-secret-set",
            Self::DeliveryReplayed => "delivery-replayed",
            Self::RetentionConfirmed => "retention-confirmed",
            Self::MergeDecided => "merge-decided",
            Self::MergeAsked => "merge-asked",
            Self::HoldPlaced => "hold-placed",
            Self::HoldLifted => "hold-lifted",
            Self::GuestRevived => "guest-revived",
            Self::LogoSaved => "logo-saved",
            Self::LogoRemoved => "logo-removed",
            Self::Gone => "gone",
        }
    }

    /// Parses the name.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.code() == code)
    }

    pub fn level(self) -> Level {
        match self {
            Self::LastOwner
            | Self::LastLoginMethod
            | Self::NotYours
            | Self::WorksElsewhere
            | Self::UserNotInvited
            | Self::PasswordEmailRefused
            | Self::Gone => Level::Warning,
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
            | Self::RoleAccepted
            | Self::AddressProved
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
            | Self::UserCreated
            | Self::UserInvited
            | Self::PasswordEmailSent
            | Self::LoginIdChanged
            | Self::LoginIdVerified
            | Self::WebhookRemoved
            | Self::ProviderAdded
            | Self::ProviderRemoved
            | Self::ProviderSecretSet
            | Self::DeliveryReplayed
            | Self::RetentionConfirmed
            | Self::MergeDecided
            | Self::MergeAsked
            | Self::HoldPlaced
            | Self::HoldLifted
            | Self::GuestRevived
            | Self::LogoSaved
            | Self::LogoRemoved => Level::Success,
        }
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::Saved => "Changes saved.",
            Self::Unchanged => "No changes to save.",
            Self::OriginChanged => "Public origin changed. Set the new endpoint in your applications.",
            Self::ProjectCreated => "Project created. Add an application next.",
            Self::ProjectDeleted => "Project deleted.",
            Self::ApplicationDeleted => "Application deleted. Its sessions no longer work.",
            Self::SecretDeleted => "Secret removed. Requests with it are refused.",
            Self::PasswordChanged => "Password changed. Your other sessions have ended.",
            Self::PasskeyAdded => "Passkey added.",
            Self::PasswordRemoved => "Password removed. Your other sessions have ended.",
            Self::PasskeyRenamed => "Passkey renamed.",
            Self::PasskeyRemoved => "Passkey removed. Your other sessions have ended.",
            Self::LastLoginMethod => {
                "Can't remove your last sign-in method. Set a password or add another passkey first."
            }
            Self::OperatorAdded => "Role changed. The operator had an account already.",
            Self::RoleAccepted => "Role accepted.",
            Self::AddressProved => {
                "Email address confirmed. Your password is new, your passkeys are removed, and your other sessions have ended."
            }
            Self::RoleChanged => "Role changed.",
            Self::OperatorRemoved => "Operator removed.",
            Self::InvitationRevoked => "Invitation revoked. Its link no longer works.",
            Self::KeyRevoked => "Key revoked. Requests with it are refused.",
            Self::LastOwner => "Can't remove the last owner. Add another owner first.",
            Self::NotYours => "Only an owner of every project can do this.",
            Self::WorksElsewhere => {
                "Can't reset this operator: they have roles in other projects, too. Ask an owner of all of them."
            }
            Self::SessionsEnded => "All sessions ended.",
            Self::DeviceKeyRevoked => "Key revoked. This device can't sign in again; open sessions continue.",
            Self::UserDisabled => "User disabled and signed out everywhere.",
            Self::UserEnabled => "User enabled.",
            Self::UserPromoted => "Guest promoted. The ID stays the same.",
            Self::UserDeleted => "User deleted.",
            Self::UserCreated => "User created.",
            Self::UserInvited => "User created. The invitation is on its way.",
            Self::UserNotInvited => {
                "User created, but no invitation was sent: too many emails to this address, or it is not accepted. Try again later."
            }
            Self::PasswordEmailSent => "The email with the link is on its way.",
            Self::PasswordEmailRefused => {
                "No email was sent: the user is disabled, or has no email address that is accepted."
            }
            Self::LoginIdChanged => "Login ID changed. The old address gets a notice.",
            Self::LoginIdVerified => "Login ID verified.",
            Self::WebhookRemoved => "Webhook removed.",
            Self::ProviderAdded => "Provider added. Set its client secret next, then check it.",
            Self::ProviderRemoved => "Provider removed.",
            Self::ProviderSecretSet => "Client secret set. Check the provider next.",
            Self::DeliveryReplayed => "Delivery queued again.",
            Self::MergeDecided => "Merge changed.",
            Self::MergeAsked => "Event queued again.",
            Self::RetentionConfirmed => "Rules confirmed. The next run carries them out.",
            Self::HoldPlaced => "Hold placed. No rule deletes this guest until it ends.",
            Self::HoldLifted => "Hold lifted. The rules apply again when no other hold lasts.",
            Self::GuestRevived => "Guest revived. It is treated as seen now; its sessions stay ended.",
            Self::LogoSaved => "Logo saved. It is on the pages now.",
            Self::LogoRemoved => "Logo removed.",
            Self::Gone => "It no longer exists. Another operator may have removed it.",
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
