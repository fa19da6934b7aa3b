//! Operators of the portal: what each role may do, what a one-time link is for, how long a session lasts.
//! Values and rules only.

use std::time::Duration;

use crate::{
    id::{OperatorId, ProjectNo},
    session::Lifetime,
    time::Timestamp,
};

/// Stands for every project in a role: those there are and those to come.
pub const EVERY_PROJECT: ProjectNo = ProjectNo(0);
/// How long an operator's session lives: a week, or half a day without use.
pub const SESSION: Lifetime =
    Lifetime { hard: Duration::from_secs(7 * 24 * 3_600), idle: Some(Duration::from_secs(12 * 3_600)) };
/// How long a proof of who one is counts for dangerous actions.
pub const PROOF: Duration = Duration::from_secs(600);
/// How long the link of the first run and one for a new way in hold.
pub const SHORT_LINK: Duration = Duration::from_secs(24 * 3_600);
/// How long an invitation holds.
pub const INVITATION: Duration = Duration::from_secs(7 * 24 * 3_600);

/// What an operator may do; each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Look at everything, change nothing.
    Viewer,
    /// Change settings, applications and users.
    Editor,
    /// Also operators, keys of the Admin API, and the end of the project.
    Owner,
}

impl Role {
    /// Every role, the humblest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Editor, Self::Owner];

    /// The word in the store and in forms.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// A role in one project, or in [`EVERY_PROJECT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Where.
    pub project: ProjectNo,
    /// What.
    pub role: Role,
}

/// What the assignments amount to in one project: the highest role of those that count there.
#[must_use]
pub fn role_in(assignments: &[Assignment], project: ProjectNo) -> Option<Role> {
    let counting = assignments.iter().filter(|one| one.project == project || one.project == EVERY_PROJECT);
    counting.map(|one| one.role).max()
}

/// An operator as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Its id.
    pub id: OperatorId,
    /// The normal form of its address; unique.
    pub email: String,
    /// What others see.
    pub name: String,
    /// argon2id as a PHC string; none for who signs in with passkeys only.
    pub password_hash: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a one-time link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Making the first operator, or another owner from the command line.
    FirstRun,
    /// Making an operator somebody invited, or giving a role to one there is.
    Invitation,
    /// Choosing a new password or passkey.
    Reset,
}

impl LinkPurpose {
    /// Every purpose.
    pub const ALL: [Self; 3] = [Self::FirstRun, Self::Invitation, Self::Reset];

    /// The word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstRun => "first_run",
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == word)
    }

    /// How long such a link holds.
    #[must_use]
    pub fn lifetime(self) -> Duration {
        match self {
            Self::FirstRun | Self::Reset => SHORT_LINK,
            Self::Invitation => INVITATION,
        }
    }
}

/// What operators do to their own ways in and to each other, as the record of it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Signed in.
    SignedIn,
    /// A wrong password or a passkey that does not count.
    SignInFailed,
    /// The same where somebody who is signed in had to prove who it is.
    ProofFailed,
    /// Set a password, the first one or another.
    PasswordChanged,
    /// Took its password away.
    PasswordRemoved,
    /// Added a passkey.
    PasskeyAdded,
    /// Called a passkey something else.
    PasskeyRenamed,
    /// Took a passkey away.
    PasskeyRemoved,
    /// Somebody made a link for a new way in.
    LinkMade,
    /// The link was used: a new way in is in the place of the old ones.
    LinkUsed,
    /// Was invited, or got another role where it was known already.
    Invited,
    /// The invitation was taken back.
    InvitationRevoked,
    /// Came in by a link for the first time.
    Joined,
    /// Has another role.
    RoleChanged,
    /// Lost a role, and has others left.
    RoleTaken,
    /// Lost its last role: it is no operator any more.
    Removed,
}

impl Act {
    /// Every one.
    pub const ALL: [Self; 16] = [
        Self::SignedIn,
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
        Self::RoleChanged,
        Self::RoleTaken,
        Self::Removed,
    ];

    /// The word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
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
            Self::RoleChanged => "role_changed",
            Self::RoleTaken => "role_taken",
            Self::Removed => "removed",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == word)
    }
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
        assert_eq!(Role::parse("root"), None);
    }
}
