//! A user's cookie sessions and grants. One function lists them, one ends them: for the account page, the Admin API, the portal and
//! the command line alike.

pub mod end_session;

use std::collections::HashMap;

use vestibule_domain::{
    event::{Context, Event, RevocationReason, SessionModel, TriggeredBy},
    grant::Grant,
    id::{ProjectNo, SessionId, UserId},
    session::{Session, SessionRef, known_use},
    time::Timestamp,
    user::User,
};
use vestibule_store::{Conn, StoreError, Tx, ended, grants, sessions, users};

use crate::{
    actor::Actor,
    adapters::entropy::Entropy,
    caller::{find_expiry, is_session_alive},
    ctx::Ctx,
    error::Error,
    events,
    logout_notices::LogoutNotices,
    state::App,
};

/// A valid session or grant.
#[derive(Clone, Debug)]
pub struct ListedSession {
    pub id: SessionRef,
    /// The cookie session that a grant belongs to and ends with.
    pub parent: Option<SessionId>,
    /// The application of a grant; `None` for a cookie session.
    pub client_id: Option<String>,
    pub created_at: Timestamp,
    /// The last use, with uses that are not written yet.
    pub last_access_at: Timestamp,
    /// When it expires without further use.
    pub expires_at: Timestamp,
    pub device: Option<String>,
}

pub async fn find_user(ctx: &Ctx<'_>, id: UserId) -> Result<Option<User>, Error> {
    Ok(users::find(&mut *ctx.app.store.read().await?, ctx.project.no, id).await?)
}

/// The valid sessions and grants of a user, oldest first.
pub async fn list(ctx: &Ctx<'_>, user: &User) -> Result<Vec<ListedSession>, Error> {
    let mut conn = ctx.app.store.read().await?;
    let (sessions, grants) = load(&mut conn, ctx.project.no, user.id).await?;
    drop(conn);
    let mut listed = Vec::with_capacity(sessions.len() + grants.len());
    // An application that does not describe its device runs in the browser of its cookie session.
    let browsers: HashMap<SessionId, String> =
        sessions.iter().filter_map(|session| Some((session.id, session.device.clone()?))).collect();
    for session in sessions {
        let id = SessionRef::Session(session.id);
        let remembered = ctx.project.accesses.recall(id);
        if is_session_alive(ctx.project, &session, remembered, ctx.now) {
            let last = known_use(session.last_access_at, remembered);
            listed.push(ListedSession {
                id,
                parent: None,
                client_id: None,
                created_at: session.created_at,
                last_access_at: last,
                expires_at: ctx.project.settings.session_lifetime().expiry(session.created_at, last),
                device: session.device,
            });
        }
    }
    for grant in grants {
        let id = SessionRef::Grant(grant.id);
        let remembered = ctx.project.accesses.recall(id);
        if let Some(expires_at) = find_expiry(ctx.project, &grant, user, remembered, ctx.now) {
            listed.push(ListedSession {
                id,
                parent: grant.session_id,
                client_id: Some(grant.client_id),
                created_at: grant.created_at,
                last_access_at: known_use(grant.last_access_at, remembered),
                expires_at,
                device: grant.device.or_else(|| browsers.get(&grant.session_id?).cloned()),
            });
        }
    }
    listed.sort_by_key(|one| one.created_at);
    Ok(listed)
}

async fn load(conn: &mut Conn, no: ProjectNo, user: UserId) -> Result<(Vec<Session>, Vec<Grant>), StoreError> {
    Ok((sessions::list(conn, no, user).await?, grants::list(conn, no, user).await?))
}

/// Whether a session is there and belongs to a user.
pub(crate) async fn is_session_of(tx: &mut Tx, no: ProjectNo, id: SessionId, user: UserId) -> Result<bool, StoreError> {
    Ok(sessions::find(tx, no, id).await?.is_some_and(|session| session.user_id == user))
}

/// Whether an active user is still signed in by a session. Locks the user first, as an [`Ending`] of all sessions does.
pub(crate) async fn lock_signed_in_by(
    tx: &mut Tx,
    no: ProjectNo,
    id: SessionId,
    user: UserId,
) -> Result<bool, StoreError> {
    Ok(users::lock_active(tx, no, user).await? && is_session_of(tx, no, id, user).await?)
}

/// Which sessions and grants of a user end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    All,
    /// A grant alone, or a cookie session with its grants.
    One(SessionRef),
    /// All except this one, its cookie session and the grants of that session.
    AllExcept(SessionRef),
    /// The grants of one application.
    OfApplication(String),
    /// The grants of one application that were issued to the guest that the user was.
    OfGuest(String),
    /// What a promotion ends: all except the cookie session of the promoting browser, if a new one replaces it, and the grants
    /// of the application that is about to receive new tokens. Of the grants in cookie sessions, those in that of the
    /// promoting browser stay.
    Promoted {
        held: Option<SessionId>,
        is_replaced: bool,
        receiver: Option<String>,
    },
}

impl Selection {
    /// Whether nothing from before goes on by itself: neither what is not a session yet, such as an authorization code or a proof
    /// for a sign-in, nor a browser that is known for the user, since a person who had a session may have kept the cookie.
    fn ends_all_at_once(&self) -> bool {
        match self {
            Self::All | Self::AllExcept(_) => true,
            // A guest's codes end because it is a guest no more.
            Self::One(_) | Self::OfApplication(_) | Self::OfGuest(_) | Self::Promoted { .. } => false,
        }
    }
}

/// Sessions that a transaction ends, and what their events say.
#[derive(Clone)]
pub struct Ending {
    no: ProjectNo,
    user: UserId,
    selection: Selection,
    reason: RevocationReason,
    context: Context,
    /// Whether the context of each event names the application of its grant.
    names_application: bool,
    entropy: Entropy,
    notices: LogoutNotices,
}

impl Ending {
    /// An ending that a person or a command caused.
    pub fn new(
        ctx: &Ctx<'_>,
        user: UserId,
        selection: Selection,
        (reason, by): (RevocationReason, TriggeredBy),
    ) -> Self {
        let context = Context { triggered_by: by, ..events::describe(ctx, user, &events::EventOrigin::default()) };
        let (no, entropy) = (ctx.project.no, ctx.app.entropy.clone());
        let notices = LogoutNotices::of(ctx.app, ctx.project);
        Self { no, user, selection, reason, context, names_application: false, entropy, notices }
    }

    /// An ending by an operator, a program or a command, with what the audit log says of it.
    pub fn by_actor(ctx: &Ctx<'_>, actor: &Actor, user: UserId, selection: Selection) -> Self {
        let cause = (RevocationReason::Operator, actor.by);
        let context = actor.context(&ctx.project.id, Some(user), ctx.now);
        Self { context, ..Self::new(ctx, user, selection, cause) }
    }

    /// An ending by a rule of the server.
    pub(crate) fn by_rule(ctx: &Ctx<'_>, user: UserId, selection: Selection, reason: RevocationReason) -> Self {
        let cause = (reason, TriggeredBy::System);
        // The server acts here, and not the caller at the request's address.
        Self { names_application: true, ..Self::new(&Ctx { ip: None, ..*ctx }, user, selection, cause) }
    }

    /// Ends the sessions and grants and queues their events, one for each row that was actually deleted. Returns how many.
    pub async fn write(&self, tx: &mut Tx) -> Result<usize, StoreError> {
        let (no, now) = (self.no, self.context.timestamp);
        if self.selection.ends_all_at_once() {
            // First, because it locks the user: a code that is being exchanged either has added its grant, or is refused; and so
            // with a sign-in that is being finished.
            let is_full = self.selection == Selection::All;
            users::note_sessions_ended(tx, no, self.user, now, is_full).await?;
        }
        let mut gone = Vec::new();
        let (sessions, mut grants) = load(tx, no, self.user).await?;
        let selected = self.select(&sessions, &grants);
        // Grants before sessions, each in the order of their IDs: so do those who record uses.
        let mut in_order: Vec<SessionRef> = selected.iter().map(|(id, _)| *id).collect();
        in_order.sort_by_key(|id| matches!(id, SessionRef::Session(_)));
        for id in in_order {
            let was_there = match id {
                SessionRef::Session(id) => sessions::remove(tx, no, id).await?,
                SessionRef::Grant(id) => grants::remove(tx, no, id).await?,
            };
            if was_there {
                gone.push(id);
            }
        }
        for (id, session) in selected {
            // A concurrent request may have ended it, and queued its event.
            if gone.contains(&id) {
                events::queue(tx, no, self.user, &self.describe(session), now).await?;
            }
        }
        grants.retain(|grant| gone.contains(&SessionRef::Grant(grant.id)));
        if !gone.is_empty() {
            // A guest is known to have been here now, also without sessions.
            let client_id = grants.last().map(|grant| grant.client_id.as_str());
            ended::note_left(tx, no, self.user, client_id, now).await?;
        }
        self.notices.queue(tx, &grants, now).await?;
        Ok(gone.len())
    }

    fn select(&self, sessions: &[Session], grants: &[Grant]) -> Vec<(SessionRef, SessionModel)> {
        let kept_session = match &self.selection {
            Selection::AllExcept(SessionRef::Session(id)) => Some(*id),
            Selection::AllExcept(SessionRef::Grant(id)) => {
                grants.iter().find(|grant| grant.id == *id).and_then(|grant| grant.session_id)
            }
            Selection::All
            | Selection::One(_)
            | Selection::OfApplication(_)
            | Selection::OfGuest(_)
            | Selection::Promoted { .. } => None,
        };
        let is_selected = |id: SessionRef, parent: Option<SessionId>, grant: Option<&Grant>| match &self.selection {
            Selection::All => true,
            Selection::One(one) => *one == id || parent.map(SessionRef::Session) == Some(*one),
            Selection::AllExcept(kept) => {
                let session = match id {
                    SessionRef::Session(id) => Some(id),
                    SessionRef::Grant(_) => parent,
                };
                *kept != id && (session.is_none() || session != kept_session)
            }
            Selection::OfApplication(application) => grant.is_some_and(|grant| grant.client_id == *application),
            Selection::OfGuest(application) => {
                grant.is_some_and(|grant| grant.client_id == *application && grant.is_of_guest())
            }
            Selection::Promoted { held, is_replaced, receiver } => match (id, grant) {
                (SessionRef::Session(id), _) => !is_replaced || Some(id) != *held,
                (SessionRef::Grant(_), grant) => {
                    let is_elsewhere = parent.is_some() && parent != *held;
                    is_elsewhere || grant.map(|grant| &grant.client_id) != receiver.as_ref()
                }
            },
        };
        let sessions = sessions
            .iter()
            .map(|session| (SessionRef::Session(session.id), None, None, events::model_of_session(session)));
        let grants = grants
            .iter()
            .map(|grant| (SessionRef::Grant(grant.id), grant.session_id, Some(grant), events::model_of_grant(grant)));
        sessions
            .chain(grants)
            .filter(|(id, parent, grant, _)| is_selected(*id, *parent, *grant))
            .map(|(id, _, _, model)| (id, model))
            .collect()
    }

    fn describe(&self, session: SessionModel) -> events::QueuedEvent {
        let mut context = self.context.clone();
        if self.names_application {
            context.client_id.clone_from(&session.client_id);
        }
        let event = Event::SessionRevoked { user_id: self.user, session, reason: self.reason };
        events::prepare_in(&self.entropy, &event, &context)
    }
}

/// Ends sessions in a transaction of their own; returns how many.
pub async fn end(app: &App, ending: Ending) -> Result<usize, Error> {
    Ok(app.store.write("end_sessions", ending, |tx, ending| Box::pin(ending.write(tx))).await?)
}

/// Ends a grant whose token or code was used by two parties (RFC 9700 §4.5, §4.14). The refusal is an outcome that is
/// committed.
pub(crate) async fn end_misused(ctx: &Ctx<'_>, grant: &Grant, reason: RevocationReason) -> Result<(), Error> {
    let selection = Selection::One(SessionRef::Grant(grant.id));
    end(ctx.app, Ending::by_rule(ctx, grant.user_id, selection, reason)).await.map(drop)
}
