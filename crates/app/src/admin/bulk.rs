//! One action on all users of a filter, in runs of bounded size. A dry run says who they are; the run does it for exactly these, and
//! refuses when they are others by then.

use vestibule_domain::{id::UserId, user::User};

use super::{
    AdminError, Clash, sessions,
    user_lists::{self, UserFilter, UserQuery, UserSort},
    users,
};
use crate::{
    actor::Actor,
    crypto::{hex, sha256},
    ctx::Ctx,
};

/// Users of one run.
pub const MOST: usize = 500;
/// Users that one look reads.
const PAGE: u32 = 200;
/// Looks: a page of guests may be empty though there are more.
const LOOKS: usize = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkAction {
    Disable,
    Enable,
    EndSessions,
    Delete,
}

impl BulkAction {
    pub const ALL: [Self; 4] = [Self::Disable, Self::Enable, Self::EndSessions, Self::Delete];

    /// The name in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::EndSessions => "end_sessions",
            Self::Delete => "delete",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }

    /// Whether it changes anything for this user.
    fn applies_to(self, user: &User) -> bool {
        match self {
            Self::Disable => user.disabled_at.is_none(),
            Self::Enable => user.disabled_at.is_some(),
            Self::EndSessions | Self::Delete => true,
        }
    }
}

/// The users of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkSelection {
    users: Vec<UserId>,
    pub guests: usize,
    pub members: usize,
    /// Whether more users match, for a further run.
    pub has_more: bool,
}

impl BulkSelection {
    pub fn count(&self) -> usize {
        self.users.len()
    }

    /// Identifies the action and its users.
    pub fn fingerprint(&self, action: BulkAction) -> String {
        let mut bytes = action.as_str().as_bytes().to_vec();
        for id in &self.users {
            bytes.extend_from_slice(id.as_bytes());
        }
        hex(&sha256(&bytes).0[..16])
    }

    /// The newest user, so that those who come later do not change the selection.
    pub fn newest(&self) -> Option<UserId> {
        self.users.iter().max().copied()
    }
}

/// The users that match a filter and that the action changes, not newer than one of them; at most [`MOST`].
pub async fn select(
    ctx: &Ctx<'_>,
    (kind, days): (UserFilter, u32),
    action: BulkAction,
    through: Option<UserId>,
) -> Result<BulkSelection, AdminError> {
    let mut selection = BulkSelection { users: Vec::new(), guests: 0, members: 0, has_more: false };
    let mut cursor = None;
    for _ in 0..LOOKS {
        let query = UserQuery { kind, days, sort: UserSort::Newest, search: None, cursor, limit: PAGE };
        let page = user_lists::list(ctx, &query).await?;
        let wanted = |user: &User| action.applies_to(user) && through.is_none_or(|through| user.id <= through);
        for user in page.items.iter().filter(|user| wanted(user)) {
            if selection.users.len() == MOST {
                selection.has_more = true;
                return Ok(selection);
            }
            selection.users.push(user.id);
            if user.is_anonymous() { selection.guests += 1 } else { selection.members += 1 }
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(selection);
        }
    }
    selection.has_more = true;
    Ok(selection)
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BulkResult {
    pub done: usize,
    /// Users that were gone by then.
    pub gone: usize,
    /// Guests that wait to be merged, and were not deleted.
    pub waiting: usize,
}

/// Carries an action out for the users of a selection, each in its own transaction and with its own event.
///
/// # Errors
/// [`Clash::SelectionChanged`] when the fingerprint is that of other users; nothing is done then.
pub async fn run(
    ctx: &Ctx<'_>,
    actor: &Actor,
    action: BulkAction,
    (selection, confirmed): (&BulkSelection, &str),
) -> Result<BulkResult, AdminError> {
    if selection.fingerprint(action) != confirmed {
        return Err(AdminError::Conflict(Clash::SelectionChanged));
    }
    let mut result = BulkResult::default();
    for id in &selection.users {
        let done = match action {
            BulkAction::Disable => users::set_disabled(ctx, actor, *id, true).await.map(drop),
            BulkAction::Enable => users::set_disabled(ctx, actor, *id, false).await.map(drop),
            BulkAction::EndSessions => sessions::revoke(ctx, actor, *id, None).await.map(drop),
            BulkAction::Delete => users::delete(ctx, actor, *id).await,
        };
        match done {
            Ok(()) => result.done += 1,
            Err(AdminError::NotFound(_)) => result.gone += 1,
            Err(AdminError::Conflict(Clash::MergeWaits)) => result.waiting += 1,
            // What is done stays; the next dry run shows the rest.
            Err(error) => return Err(error),
        }
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_of_the_action_and_its_users() {
        let of = |users: &[u8]| BulkSelection {
            users: users.iter().map(|byte| UserId::from_bytes([*byte; 16])).collect(),
            guests: 0,
            members: users.len(),
            has_more: false,
        };
        let one = of(&[2, 1]).fingerprint(BulkAction::Disable);
        assert_eq!(one, of(&[2, 1]).fingerprint(BulkAction::Disable));
        assert_ne!(one, of(&[2, 1]).fingerprint(BulkAction::Delete));
        assert_ne!(one, of(&[2]).fingerprint(BulkAction::Disable));
        assert_eq!(of(&[1, 2]).newest(), Some(UserId::from_bytes([2; 16])));
        for action in BulkAction::ALL {
            assert_eq!(BulkAction::parse(action.as_str()), Some(action));
        }
    }
}
