//! A user's cookie sessions and grants: listing them, ending one, ending all.

use std::str::FromStr;

use vestibule_domain::{
    event::{Event, RevocationReason, TriggeredBy},
    grant::Grant,
    id::{GrantId, ProjectNo, SessionId, UserId},
    session::Session,
    time::Timestamp,
    user::User,
};
use vestibule_store::{Conn, StoreError, Tx, grants, sessions, users};

use super::{
    Error,
    caller::{grant_lifetime, is_alive, is_session_alive},
};
use crate::{
    accesses::Target,
    app::App,
    events::{self, QueuedEvent},
    projects::Project,
};

/// A cookie session or a grant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item<'a> {
    /// A cookie session.
    Session(&'a Session),
    /// A refresh-token grant.
    Grant(&'a Grant),
}

/// What can be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemId {
    /// A cookie session.
    Session(SessionId),
    /// A refresh-token grant.
    Grant(GrantId),
}

impl FromStr for ItemId {
    type Err = &'static str;

    /// Reads `session:<uuid>` or `grant:<uuid>`, as the list prints them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = match text.split_once(':') {
            Some(("session", id)) => id.parse().ok().map(Self::Session),
            Some(("grant", id)) => id.parse().ok().map(Self::Grant),
            Some(_) | None => None,
        };
        read.ok_or("write session:ID or grant:ID, as printed by `session list`")
    }
}

/// One line of the list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) id: ItemId,
    /// The application of a grant; a cookie session belongs to none.
    pub(crate) client_id: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) last_access_at: Timestamp,
    /// When it ends if it is not used again.
    pub(crate) expires_at: Timestamp,
    pub(crate) device: Option<String>,
}

/// The user with this id.
pub(crate) async fn find_user(app: &App, project: &Project, id: UserId) -> Result<Option<User>, Error> {
    Ok(users::find(&mut *app.store.read().await?, project.no, id).await?)
}

/// The live sessions and grants of a user, oldest first.
pub(crate) async fn list(app: &App, project: &Project, user: &User, now: Timestamp) -> Result<Vec<Listed>, Error> {
    let mut conn = app.store.read().await?;
    let (sessions, grants) = load(&mut conn, project.no, user.id).await?;
    drop(conn);
    let mut listed = Vec::with_capacity(sessions.len() + grants.len());
    for session in sessions {
        let remembered = project.accesses.recall(Target::Session(session.id));
        if is_session_alive(project, &session, remembered, now) {
            let last = remembered.map_or(session.last_access_at, |at| at.max(session.last_access_at));
            listed.push(Listed {
                id: ItemId::Session(session.id),
                client_id: None,
                created_at: session.created_at,
                last_access_at: last,
                expires_at: project.settings.session_lifetime().expiry(session.created_at, last),
                device: session.device,
            });
        }
    }
    for grant in grants {
        let remembered = project.accesses.recall(Target::Grant(grant.id));
        let Some(lifetime) = grant_lifetime(project, &grant, user) else { continue };
        if is_alive(project, lifetime, grant.created_at, grant.last_access_at, remembered, now) {
            let last = remembered.map_or(grant.last_access_at, |at| at.max(grant.last_access_at));
            listed.push(Listed {
                id: ItemId::Grant(grant.id),
                client_id: Some(grant.client_id),
                created_at: grant.created_at,
                last_access_at: last,
                expires_at: lifetime.expiry(grant.created_at, last),
                device: grant.device,
            });
        }
    }
    listed.sort_by_key(|item| item.created_at);
    Ok(listed)
}

async fn load(conn: &mut Conn, no: ProjectNo, user: UserId) -> Result<(Vec<Session>, Vec<Grant>), StoreError> {
    Ok((sessions::list(conn, no, user).await?, grants::list(conn, no, user).await?))
}

/// Who ends sessions, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    pub(crate) reason: RevocationReason,
    pub(crate) by: TriggeredBy,
}

/// Ends one session or grant of a user; false when the user has no such one.
///
/// A cookie session takes the grants with it that were made from it.
pub(crate) async fn revoke(
    app: &App,
    project: &Project,
    user: UserId,
    id: ItemId,
    ending: Ending,
    now: Timestamp,
) -> Result<bool, Error> {
    let ended = end(app, project, user, Some(id), None, ending, now).await?;
    Ok(ended > 0)
}

/// Ends every session and grant of a user but the one it keeps; answers how many.
pub(crate) async fn revoke_all(
    app: &App,
    project: &Project,
    user: UserId,
    keep: Option<ItemId>,
    ending: Ending,
    now: Timestamp,
) -> Result<usize, Error> {
    end(app, project, user, None, keep, ending, now).await
}

async fn end(
    app: &App,
    project: &Project,
    user: UserId,
    only: Option<ItemId>,
    keep: Option<ItemId>,
    ending: Ending,
    now: Timestamp,
) -> Result<usize, Error> {
    let no = project.no;
    let (sessions, grants) = load(&mut *app.store.read().await?, no, user).await?;
    let mut doomed = Vec::new();
    let mut doom = |id: ItemId, session: Option<SessionId>, item: Item<'_>| {
        let wanted = only.is_none_or(|only| only == id || session.map(ItemId::Session) == Some(only));
        let kept = keep.is_some_and(|keep| keep == id || session.map(ItemId::Session) == Some(keep));
        if wanted && !kept {
            let event = events::prepare_by(
                app,
                project,
                &describe(item, ending.reason),
                user,
                ending.by,
                &events::Origin::default(),
                now,
            );
            doomed.push((id, event));
        }
    };
    for session in &sessions {
        doom(ItemId::Session(session.id), None, Item::Session(session));
    }
    for grant in &grants {
        doom(ItemId::Grant(grant.id), grant.session_id, Item::Grant(grant));
    }
    if doomed.is_empty() {
        return Ok(0);
    }
    let ended = app
        .store
        .write("revoke_sessions", doomed, move |tx, doomed| Box::pin(remove(tx, no, user, doomed, now)))
        .await?;
    app.outbox_bell.notify_one();
    Ok(ended)
}

/// Ends sessions and grants and queues what tells of it; what ended meanwhile is not told of twice. Answers how many.
pub(crate) async fn remove(
    tx: &mut Tx,
    no: ProjectNo,
    user: UserId,
    doomed: &[(ItemId, QueuedEvent)],
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut ended = 0;
    for (id, event) in doomed {
        let was_there = match id {
            ItemId::Session(id) => sessions::remove(tx, no, *id).await?,
            ItemId::Grant(id) => grants::remove(tx, no, *id).await?,
        };
        // Somebody else may have ended it meanwhile, and told.
        if was_there {
            ended += 1;
            events::queue(tx, no, user, event, now).await?;
        }
    }
    Ok(ended)
}

/// What all of a user's sessions and grants end with, ready to be queued by the transaction that ends them.
pub(crate) async fn prepare_all_endings(
    app: &App,
    project: &Project,
    user: UserId,
    ending: Ending,
    now: Timestamp,
) -> Result<Vec<(ItemId, QueuedEvent)>, Error> {
    let (sessions, grants) = load(&mut *app.store.read().await?, project.no, user).await?;
    let origin = events::Origin::default();
    let tell = |item: Item<'_>| {
        events::prepare_by(app, project, &describe(item, ending.reason), user, ending.by, &origin, now)
    };
    let sessions = sessions.iter().map(|session| (ItemId::Session(session.id), tell(Item::Session(session))));
    let grants = grants.iter().map(|grant| (ItemId::Grant(grant.id), tell(Item::Grant(grant))));
    Ok(sessions.chain(grants).collect())
}

/// What a user's grants of one application end with, ready to be queued by the transaction that ends them.
pub(crate) async fn prepare_endings(
    app: &App,
    project: &Project,
    user: UserId,
    client_id: &str,
    reason: RevocationReason,
    now: Timestamp,
) -> Result<Vec<(GrantId, QueuedEvent)>, Error> {
    let grants = grants::list(&mut *app.store.read().await?, project.no, user).await?;
    let of_client = grants.iter().filter(|grant| grant.client_id == client_id);
    Ok(of_client.map(|grant| (grant.id, revocation(app, project, Item::Grant(grant), reason, now))).collect())
}

/// Ends grants and queues what tells of it; grants that ended meanwhile are not told of twice.
pub(crate) async fn end_told(
    tx: &mut Tx,
    no: ProjectNo,
    user: UserId,
    endings: &[(GrantId, QueuedEvent)],
    now: Timestamp,
) -> Result<(), StoreError> {
    for (id, event) in endings {
        if grants::remove(tx, no, *id).await? {
            events::queue(tx, no, user, event, now).await?;
        }
    }
    Ok(())
}

/// Ends a grant whose token or code was used by two parties (RFC 9700 §4.5, §4.14). The refusal is an outcome that is
/// committed.
pub(crate) async fn end_misused(
    app: &App,
    project: &Project,
    grant: &Grant,
    reason: RevocationReason,
    now: Timestamp,
) -> Result<(), Error> {
    let (no, user) = (project.no, grant.user_id);
    let endings = vec![(grant.id, revocation(app, project, Item::Grant(grant), reason, now))];
    app.store
        .write("end_misused_grant", endings, move |tx, endings| {
            Box::pin(async move { end_told(tx, no, user, endings, now).await })
        })
        .await?;
    app.outbox_bell.notify_one();
    Ok(())
}

fn describe(item: Item<'_>, reason: RevocationReason) -> Event {
    let (user_id, session) = match item {
        Item::Session(session) => (session.user_id, events::model_of_session(session)),
        Item::Grant(grant) => (grant.user_id, events::model_of_grant(grant)),
    };
    Event::SessionRevoked { user_id, session, reason }
}

/// The event that says the server ended a session by its own rules.
pub(crate) fn revocation(
    app: &App,
    project: &Project,
    item: Item<'_>,
    reason: RevocationReason,
    now: Timestamp,
) -> QueuedEvent {
    let event = describe(item, reason);
    let (user, client_id) = match item {
        Item::Session(session) => (session.user_id, None),
        Item::Grant(grant) => (grant.user_id, Some(grant.client_id.as_str())),
    };
    let origin = events::Origin { client_id, ..events::Origin::default() };
    events::prepare_by(app, project, &event, user, TriggeredBy::System, &origin, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_named_by_its_kind_and_id() {
        let id = "018f4e8e-7c3a-7b0e-9c0e-7f6f1a2b3c4d";
        assert_eq!(format!("session:{id}").parse(), id.parse().map(ItemId::Session).map_err(|_| ""));
        assert_eq!(format!("grant:{id}").parse(), id.parse().map(ItemId::Grant).map_err(|_| ""));
        for wrong in ["", id, "grant:", "grant:x", "user:018f4e8e-7c3a-7b0e-9c0e-7f6f1a2b3c4d"] {
            assert!(wrong.parse::<ItemId>().is_err(), "{wrong}");
        }
    }
}
