//! A member's own sessions: listing and ending them.

use std::{cmp::Reverse, sync::Arc};

use vestibule_domain::{session::SessionRef, time::Timestamp};

use super::change::{AccountChange, ChangeOutcome, ChangeRequest, commit};
use crate::{
    app::App,
    flows::{
        Error,
        caller::AccountCaller,
        sessions::{self, ListedSession},
    },
    projects::Project,
};

/// An entry of the account page's list: a session with its grants, or a grant of its own.
pub(crate) struct AccountSession {
    /// The session with the latest use of its grants, and the application of one of them.
    pub(crate) session: ListedSession,
    /// Whether it is the caller's.
    pub(crate) current: bool,
}

/// Every valid session and grant of a member: the current one first, then by last use.
pub(crate) async fn list(
    app: &App,
    project: &Project,
    caller: &AccountCaller,
    now: Timestamp,
) -> Result<Vec<AccountSession>, Error> {
    let here = caller.via.reference();
    let (mut entries, mut children) = (Vec::new(), Vec::new());
    for session in sessions::list(app, project, &caller.user, now).await? {
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

pub(crate) async fn end(
    app: &App,
    project: &Arc<Project>,
    caller: &AccountCaller,
    session: SessionRef,
    now: Timestamp,
) -> Result<ChangeOutcome, Error> {
    commit(
        app,
        project,
        caller,
        ChangeRequest { change_kind: AccountChange::End(session), mails: Vec::new(), settings_action: None },
        now,
    )
    .await
}

/// Ends every session and grant of the member except the caller's.
pub(crate) async fn end_others(
    app: &App,
    project: &Arc<Project>,
    caller: &AccountCaller,
    now: Timestamp,
) -> Result<ChangeOutcome, Error> {
    let change_kind = AccountChange::EndOthers { keep: caller.via.reference() };
    commit(app, project, caller, ChangeRequest { change_kind, mails: Vec::new(), settings_action: None }, now).await
}
