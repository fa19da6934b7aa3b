//! A member's own sessions: listing and ending them.

use std::sync::Arc;

use vestibule_domain::time::Timestamp;
use vestibule_store::{grants, sessions};

use super::change::{Deed, Order, Outcome, Seat, commit};
use crate::{
    accesses::Target,
    app::App,
    flows::{
        Error,
        caller::{AccountCaller, grant_lifetime, is_alive, is_session_alive},
    },
    projects::Project,
};

/// A session or grant in the list.
pub(crate) struct Listed {
    pub(crate) seat: Seat,
    /// The application of a grant; `None` for a cookie session.
    pub(crate) client_id: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) last_access_at: Timestamp,
    /// Whether it is the caller's own, or grouped with it.
    pub(crate) current: bool,
}

/// Every valid session and grant of a member: the current one first, then by last use.
pub(crate) async fn list(
    app: &App,
    project: &Project,
    caller: &AccountCaller,
    now: Timestamp,
) -> Result<Vec<Listed>, Error> {
    let (no, user) = (project.no, &caller.user);
    let mut conn = app.store.read().await?;
    let sessions = sessions::list(&mut conn, no, user.id).await?;
    let grants = grants::list(&mut conn, no, user.id).await?;
    drop(conn);
    let here = Seat::of(caller);
    let mut listed = Vec::with_capacity(sessions.len() + grants.len());
    for session in sessions {
        // A session and its grants are one entry.
        let mut grouped = grants.iter().filter(|grant| grant.session_id == Some(session.id));
        let seat = Seat::Session(session.id);
        let remembered = project.accesses.recall(Target::Session(session.id));
        if is_session_alive(project, &session, remembered, now) {
            let current = seat == here || grouped.clone().any(|grant| Seat::Grant(grant.id) == here);
            let own = remembered.map_or(session.last_access_at, |at| at.max(session.last_access_at));
            let used = grouped.clone().map(|grant| grant.last_access_at).fold(own, Ord::max);
            let client_id = grouped.next().map(|grant| grant.client_id.clone());
            listed.push(Listed { seat, client_id, device: session.device, last_access_at: used, current });
        }
    }
    for grant in grants.into_iter().filter(|grant| grant.session_id.is_none()) {
        let Some(lifetime) = grant_lifetime(project, &grant, user) else { continue };
        let remembered = project.accesses.recall(Target::Grant(grant.id));
        if is_alive(project, lifetime, grant.created_at, grant.last_access_at, remembered, now) {
            let seat = Seat::Grant(grant.id);
            let last_access_at = remembered.map_or(grant.last_access_at, |at| at.max(grant.last_access_at));
            let client_id = Some(grant.client_id);
            listed.push(Listed { seat, client_id, device: grant.device, last_access_at, current: seat == here });
        }
    }
    listed.sort_by_key(|one| (!one.current, std::cmp::Reverse(one.last_access_at)));
    Ok(listed)
}

pub(crate) async fn end(
    app: &App,
    project: &Arc<Project>,
    caller: &AccountCaller,
    seat: Seat,
    now: Timestamp,
) -> Result<Outcome, Error> {
    commit(app, project, caller, Order { deed: Deed::End(seat), mails: Vec::new(), errand: None }, now).await
}

/// Ends every session and grant of the member except the caller's.
pub(crate) async fn end_others(
    app: &App,
    project: &Arc<Project>,
    caller: &AccountCaller,
    now: Timestamp,
) -> Result<Outcome, Error> {
    let deed = Deed::EndOthers { keep: Seat::of(caller) };
    commit(app, project, caller, Order { deed, mails: Vec::new(), errand: None }, now).await
}
