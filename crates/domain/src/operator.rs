//! Operators of the portal: roles, one-time links and session lifetimes.
//! Values and rules only.

use std::time::Duration;

use crate::{
    id::{EventId, OperatorId, ProjectNo},
    secret::TokenHash,
    session::Lifetime,
    time::Timestamp,
};

/// Stands for all projects in a role, present and future.
pub const EVERY_PROJECT: ProjectNo = ProjectNo(0);
/// Lifetime of an operator's session: a week, or half a day without use.
pub const SESSION: Lifetime =
    Lifetime { hard: Duration::from_secs(7 * 24 * 3_600), idle: Some(Duration::from_secs(12 * 3_600)) };
/// How long a reauthentication is valid for dangerous actions.
pub const PROOF: Duration = Duration::from_secs(600);
/// Lifetime of first-run and reset links.
pub const SHORT_LINK: Duration = Duration::from_secs(24 * 3_600);
/// Lifetime of an invitation.
pub const INVITATION: Duration = Duration::from_secs(7 * 24 * 3_600);

/// A role; each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Read everything, change nothing.
    Viewer,
    /// Change settings, applications and users.
    Editor,
    /// Also manage operators and Admin API keys, and delete the project.
    Owner,
}

impl Role {
    /// Every role, from least to most privileged.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Editor, Self::Owner];

    /// The name in the store and in forms.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }

    /// Parses the name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// A role in one project, or in [`EVERY_PROJECT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The project.
    pub project: ProjectNo,
    /// The role.
    pub role: Role,
}

/// The highest role that the assignments give in one project.
#[must_use]
pub fn role_in(assignments: &[Assignment], project: ProjectNo) -> Option<Role> {
    let counting = assignments.iter().filter(|one| one.project == project || one.project == EVERY_PROJECT);
    counting.map(|one| one.role).max()
}

/// A stored operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Its id.
    pub id: OperatorId,
    /// The normalized email address; unique.
    pub email: String,
    /// The display name.
    pub name: String,
    /// argon2id as a PHC string; `None` for an operator with passkeys only.
    pub password_hash: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it proved its address by a mailed code or link and chose its credentials; `None` while it has not.
    pub email_proved_at: Option<Timestamp>,
    /// How often its sessions were all ended: browsers that became known before are no longer.
    pub credential_generation: i64,
}

/// The purpose of a one-time link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Creates the first operator, or another owner from the command line.
    FirstRun,
    /// Creates an invited operator, or gives an existing one a role.
    Invitation,
    /// Resets the credentials of an operator.
    Reset,
}

impl LinkPurpose {
    /// Every purpose.
    pub const ALL: [Self; 3] = [Self::FirstRun, Self::Invitation, Self::Reset];

    /// The name in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstRun => "first_run",
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }

    /// Parses the name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == word)
    }

    /// The lifetime of such a link.
    #[must_use]
    pub fn lifetime(self) -> Duration {
        match self {
            Self::FirstRun | Self::Reset => SHORT_LINK,
            Self::Invitation => INVITATION,
        }
    }
}

/// An event of the operators' audit log: changes to credentials and roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAct {
    /// Signed in.
    SignedIn,
    /// Signed out.
    SignedOut,
    /// Failed to sign in: wrong password or invalid passkey.
    SignInFailed,
    /// Failed to reauthenticate.
    ProofFailed,
    /// Set or changed its password.
    PasswordChanged,
    /// Removed its password.
    PasswordRemoved,
    /// Added a passkey.
    PasskeyAdded,
    /// Renamed a passkey.
    PasskeyRenamed,
    /// Removed a passkey.
    PasskeyRemoved,
    /// A reset link was created for it.
    LinkMade,
    /// It used the reset link: the new credential replaces the old ones.
    LinkUsed,
    /// It was invited.
    Invited,
    /// Its invitation was revoked.
    InvitationRevoked,
    /// It accepted its first invitation.
    Joined,
    /// It accepted a role in a new place.
    RoleAccepted,
    /// It proved its address by a mailed code.
    AddressProved,
    /// It was created by a first-run link, as an owner of every project.
    FirstRunLinkUsed,
    /// Its role changed.
    RoleChanged,
    /// It lost a role and has others left.
    RoleTaken,
    /// It lost its last role and was removed.
    Removed,
    /// It deleted a project, whose event log is gone with it.
    ProjectDeleted,
}

impl OperatorAct {
    /// Every act.
    pub const ALL: [Self; 21] = [
        Self::SignedIn,
        Self::SignedOut,
        Self::SignInFailed,
        Self::ProofFailed,
        Self::PasswordChanged,
        Self::PasswordRemoved,
        Self::PasskeyAdded,
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
        Self::LinkMade,
        Self::LinkUsed,
        Self::Invited,
        Self::InvitationRevoked,
        Self::Joined,
        Self::RoleAccepted,
        Self::AddressProved,
        Self::FirstRunLinkUsed,
        Self::RoleChanged,
        Self::RoleTaken,
        Self::Removed,
        Self::ProjectDeleted,
    ];

    /// The name in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::SignedOut => "signed_out",
            Self::SignInFailed => "sign_in_failed",
            Self::ProofFailed => "proof_failed",
            Self::PasswordChanged => "password_changed",
            Self::PasswordRemoved => "password_removed",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRenamed => "passkey_renamed",
            Self::PasskeyRemoved => "passkey_removed",
            Self::LinkMade => "link_made",
            Self::LinkUsed => "link_used",
            Self::Invited => "invited",
            Self::InvitationRevoked => "invitation_revoked",
            Self::Joined => "joined",
            Self::RoleAccepted => "role_accepted",
            Self::AddressProved => "address_proved",
            Self::FirstRunLinkUsed => "first_run_link_used",
            Self::RoleChanged => "role_changed",
            Self::RoleTaken => "role_taken",
            Self::Removed => "removed",
            Self::ProjectDeleted => "project_deleted",
        }
    }

    /// Parses the name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == word)
    }
}

/// Who made a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkMaker {
    /// An operator: the link is worth what the operator's rights are when it is used.
    Operator(OperatorId),
    /// An administrator of the machine, or the server itself.
    CommandLine,
    /// Not recorded: the link was made by a release before 0.2.
    Unknown,
}

/// A link as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorLink {
    /// SHA-256 of its secret part.
    pub token: TokenHash,
    /// Its purpose.
    pub purpose: LinkPurpose,
    /// The role it grants, and in which project; unused for a reset.
    pub assignment: Assignment,
    /// The address it is for, normalized; empty when its holder may choose one.
    pub email: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// The last moment at which it is valid.
    pub expires_at: Timestamp,
    /// Who made it.
    pub maker: LinkMaker,
    /// Whether it was only mailed, so that using it proves the address.
    pub is_mailed: bool,
}

/// One audit event.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorEvent {
    /// Its ID, increasing with time.
    pub id: EventId,
    /// The operator it is about; `None` for an invitation not yet accepted.
    pub operator_id: Option<OperatorId>,
    /// The email address of the operator at that time.
    pub email: String,
    /// The actor: an operator's address, or the CLI.
    pub done_by: String,
    /// The name of a `vestibule_domain::operator::OperatorAct`; a later release may write further ones.
    pub act: String,
    /// Details such as the credential's name or the project; never a secret.
    pub detail: String,
    /// The network address of the actor.
    pub ip: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
    /// How many equal actions it stands for; the first of them was at `created_at`.
    pub times: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_role_that_counts_here_is_the_role() {
        let at = |project, role| Assignment { project: ProjectNo(project), role };
        for (assignments, expected) in [
            (vec![], None),
            (vec![at(2, Role::Owner)], None),
            (vec![at(1, Role::Viewer)], Some(Role::Viewer)),
            (vec![at(0, Role::Viewer), at(1, Role::Editor)], Some(Role::Editor)),
            (vec![at(0, Role::Owner), at(1, Role::Viewer)], Some(Role::Owner)),
        ] {
            assert_eq!(role_in(&assignments, ProjectNo(1)), expected, "{assignments:?}");
        }
    }

    #[test]
    fn words_read_back() {
        assert!(Role::ALL.into_iter().all(|role| Role::parse(role.as_str()) == Some(role)));
        assert!(LinkPurpose::ALL.into_iter().all(|one| LinkPurpose::parse(one.as_str()) == Some(one)));
        assert!(OperatorAct::ALL.into_iter().all(|one| OperatorAct::parse(one.as_str()) == Some(one)));
        assert_eq!(Role::parse("root"), None);
    }
}
