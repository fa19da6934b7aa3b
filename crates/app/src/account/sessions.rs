//! A member's own sessions: listing and ending them.

use std::cmp::Reverse;

use vestibule_domain::session::SessionRef;

use super::change::{AccountChange, ChangeOutcome, ChangeRequest, commit};
use crate::{
    caller::AccountCaller,
    ctx::Ctx,
    error::Error,
    sessions::{self, ListedSession},
};

/// An entry of the account page's list: a session with its grants, or a grant of its own.
pub struct AccountSession {
    /// The session with the latest use of its grants, and the application of one of them.
    pub session: ListedSession,
    /// Whether it is the caller's.
    pub current: bool,
}

/// Every valid session and grant of a member: the current one first, then by last use.
pub async fn list(ctx: &Ctx<'_>, caller: &AccountCaller) -> Result<Vec<AccountSession>, Error> {
    let here = caller.via.reference();
    let (mut entries, mut children) = (Vec::new(), Vec::new());
    for session in sessions::list(ctx, &caller.user).await? {
        match session.parent {
            Some(_) => children.push(session),
            None => entries.push(AccountSession { current: session.id == here, session }),
        }
    }
    for child in children {
        let parent = child.parent.map(SessionRef::Session);
        match entries.iter_mut().find(|entry| Some(entry.session.id) == parent) {
            Some(AccountSession { session, current }) => {
                *current |= child.id == here;
                session.last_access_at = session.last_access_at.max(child.last_access_at);
                session.client_id = session.client_id.take().or(child.client_id);
            }
            None => entries.push(AccountSession { current: child.id == here, session: child }),
        }
    }
    entries.sort_by_key(|entry| (!entry.current, Reverse(entry.session.last_access_at)));
    Ok(entries)
}

pub async fn end(ctx: &Ctx<'_>, caller: &AccountCaller, session: SessionRef) -> Result<ChangeOutcome, Error> {
    commit(ctx, caller, ChangeRequest::of(AccountChange::End(session))).await
}

/// Ends every session and grant of the member except the caller's.
pub async fn end_others(ctx: &Ctx<'_>, caller: &AccountCaller) -> Result<ChangeOutcome, Error> {
    let change_kind = AccountChange::EndOthers { keep: caller.via.reference() };
    commit(ctx, caller, ChangeRequest::of(change_kind)).await
}
