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
