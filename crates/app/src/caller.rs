//! Finds the caller of a request: from a bearer token or a cookie to a valid session and its user.

mod access_token;
mod owner;

use std::cmp::Reverse;

use vestibule_domain::{
    client::Client,
    grant::Grant,
    id::{GrantId, SessionId},
    session::{
        self, Lifetime, Session, SessionRef, coalesce_window, has_known_time, known_use, latest_use, proves_member,
    },
    time::Timestamp,
    user::User,
};
use vestibule_protocol::oauth::Scope;
use vestibule_store::{Conn, StoreError, grants, sessions, spent};

pub(crate) use self::access_token::read_access_token;
pub use self::owner::CallerUser;
use crate::{
    accesses::Noted,
    candidates::Candidates,
    consent,
    crypto::unstored::UnstoredGuest,
    ctx::Ctx,
    error::Error,
    guests::{returning_guests, unstored},
    projects::Project,
    tokens::issue::{scopes_of, shown_amr, split_token},
};

/// The credential of a caller.
#[derive(Clone, Debug)]
pub enum Via {
    Grant(Grant),
    Session(Session),
}

impl Via {
    pub fn reference(&self) -> SessionRef {
        match self {
            Self::Grant(grant) => SessionRef::Grant(grant.id),
            Self::Session(session) => SessionRef::Session(session.id),
        }
    }

    /// When the user authenticated, or when it proved that it had.
    pub fn authenticated_at(&self) -> Timestamp {
        match self {
            Self::Grant(grant) => grant.authenticated_at,
            Self::Session(session) => session.authenticated_at,
        }
    }

    /// When the user authenticated, as applications see it (`auth_time`); `None` if that is not known.
    pub fn shown_authenticated_at(&self) -> Option<Timestamp> {
        Some(self.authenticated_at()).filter(|_| has_known_time(self.stored_amr()))
    }

    /// Whether the user authenticated as a member: not with a session or grant that began as a guest's, also after the promotion.
    pub fn is_of_member(&self) -> bool {
        proves_member(self.stored_amr())
    }

    /// When the user authenticated as a member, if that is known.
    pub fn proved_at(&self) -> Option<Timestamp> {
        session::proved_at(self.authenticated_at(), self.stored_amr())
    }

    /// Whether it is a grant left over from a promotion.
    pub fn is_limited(&self) -> bool {
        match self {
            Self::Grant(grant) => grant.is_limited(),
            Self::Session(_) => false,
        }
    }

    /// How the user authenticated (`amr`), space-separated, as far as applications see it.
    pub fn amr(&self) -> Option<&str> {
        shown_amr(self.stored_amr())
    }

    fn stored_amr(&self) -> Option<&str> {
        match self {
            Self::Grant(grant) => grant.amr.as_deref(),
            Self::Session(session) => session.amr.as_deref(),
        }
    }
}

/// The caller of a hosted page, by session cookie.
#[derive(Clone, Debug)]
pub struct SessionCaller {
    pub user: User,
    pub session: Session,
}

/// The caller of an API, by access token or session cookie.
#[derive(Clone, Debug)]
pub struct ApiCaller<U = User> {
    pub user: U,
    pub via: Via,
}

impl<U: CallerUser> ApiCaller<U> {
    /// Whether it is shown as a guest. What is left over from a promotion shows what its guest was.
    pub fn is_seen_as_guest(&self) -> bool {
        self.user.is_anonymous() || self.via.is_limited()
    }

    /// Whether it authenticated as a member: neither a guest, nor with a session or grant of the guest that the member was.
    pub fn is_proved_member(&self) -> bool {
        !self.is_seen_as_guest() && self.via.is_of_member()
    }
}

/// The caller of the account page, by session cookie or by the app session cookie of a grant with full access.
#[derive(Clone, Debug)]
pub struct AccountCaller {
    pub user: User,
    pub via: Via,
}

impl AccountCaller {
    /// The cookie session, if the caller used one.
    pub fn session(&self) -> Option<&Session> {
        match &self.via {
            Via::Session(session) => Some(session),
            Via::Grant(_) => None,
        }
    }

    /// The grant, if the caller used one.
    pub fn grant(&self) -> Option<&Grant> {
        match &self.via {
            Via::Grant(grant) => Some(grant),
            Via::Session(_) => None,
        }
    }
}

/// The result of finding the caller.
#[derive(Clone, Debug)]
pub enum Resolution<C> {
    /// No credential, or an empty bearer token.
    Anonymous,
    /// Only invalid credentials. `cookie` says whether a session cookie was among them.
    Dead { cookie: bool },
    /// A valid session of an active user.
    Live(Box<C>),
}

impl<C> Resolution<C> {
    pub fn live(&self) -> Option<&C> {
        match self {
            Self::Live(caller) => Some(caller),
            Self::Anonymous | Self::Dead { .. } => None,
        }
    }
}

/// Finds the user of the session cookies, and records the use.
pub async fn resolve_session(ctx: &Ctx<'_>, cookies: &Candidates) -> Result<Resolution<SessionCaller>, Error> {
    if !cookies.is_presented() {
        return Ok(Resolution::Anonymous);
    }
    let found = find_newest_session(&mut *ctx.app.store.read().await?, ctx.project, cookies, ctx.now).await?;
    let Some((session, user)) = found else { return Ok(Resolution::Dead { cookie: true }) };
    record_session_access(ctx, &session).await?;
    Ok(Resolution::Live(Box::new(SessionCaller { user, session })))
}

/// The credentials of an API request.
#[derive(Clone, Copy)]
pub struct PresentedApiCredentials<'a> {
    /// An access token; empty when the header has no token.
    pub bearer: Option<&'a str>,
    pub session: &'a Candidates,
    /// Whether a token of a third-party application counts. It stands for its application, with the scopes that the member
    /// agreed to, and not for the member itself.
    pub accepts_third_parties: bool,
    /// Whether a guest that is not stored must be: the request makes something of it that refers to its rows.
    pub stores_guest: bool,
}

/// Finds the caller of an API: by bearer token, or else by the session cookies. Records the use, coalesced so that most
/// requests write nothing.
pub async fn resolve_api<U: CallerUser>(
    ctx: &Ctx<'_>,
    credentials: PresentedApiCredentials<'_>,
) -> Result<Resolution<ApiCaller<U>>, Error> {
    let bearer = credentials.bearer.filter(|token| !token.is_empty());
    if bearer.is_none() && !credentials.session.is_presented() {
        return Ok(Resolution::Anonymous);
    }
    let mut conn = ctx.app.store.read().await?;
    let mut found = None;
    if let Some(token) = bearer {
        let live = find_by_token(&mut conn, ctx.project, token, ctx.now).await?.filter(may_identify);
        let is_accepted = |live: &LiveGrant<U>| {
            credentials.accepts_third_parties || !consent::is_third_party(ctx.project, &live.grant.client_id)
        };
        found = live.filter(is_accepted).map(FoundCaller::Grant);
    }
    if found.is_none() {
        let session = find_newest_session(&mut conn, ctx.project, credentials.session, ctx.now).await?;
        found = session.map(|(session, user)| FoundCaller::Session(session, user));
    }
    drop(conn);
    let caller = match found {
        Some(FoundCaller::Grant(live)) => {
            if credentials.stores_guest && !unstored::store(ctx, &live).await? {
                return Ok(Resolution::Dead { cookie: false });
            }
            live.record_access(ctx).await?;
            ApiCaller { user: live.user, via: Via::Grant(live.grant) }
        }
        Some(FoundCaller::Session(session, user)) => {
            record_session_access(ctx, &session).await?;
            ApiCaller { user, via: Via::Session(session) }
        }
        None => return Ok(Resolution::Dead { cookie: credentials.session.is_presented() }),
    };
    Ok(Resolution::Live(Box::new(caller)))
}

#[expect(clippy::large_enum_variant, reason = "it lives for a moment; a box would cost every request an allocation")]
enum FoundCaller<U> {
    Grant(LiveGrant<U>),
    Session(Session, U),
}

/// Whether the grant has the scope `openid`, which APIs that identify the user require.
fn may_identify<U>(live: &LiveGrant<U>) -> bool {
    // No stored scope means the default scopes, which include it.
    live.grant.scope.as_deref().is_none_or(|scope| scope.split(' ').any(|name| name == Scope::OPENID.as_str()))
}

/// The cookies of a request to an account page.
#[derive(Clone, Copy)]
pub struct PresentedAccountCookies<'a> {
    pub session: &'a Candidates,
    pub app_session: &'a Candidates,
}

/// Finds the caller of the account page. Where both cookies are valid and belong to different users, the app session is
/// used only in the session in which the user agreed to it, so that a link that sets the cookie cannot switch accounts.
pub async fn resolve_account(
    ctx: &Ctx<'_>,
    cookies: PresentedAccountCookies<'_>,
) -> Result<Resolution<AccountCaller>, Error> {
    if !cookies.session.is_presented() && !cookies.app_session.is_presented() {
        return Ok(Resolution::Anonymous);
    }
    let mut conn = ctx.app.store.read().await?;
    let session = find_newest_session::<User>(&mut conn, ctx.project, cookies.session, ctx.now).await?;
    let opened = find_app_sessions(&mut conn, ctx.project, cookies.app_session, ctx.now).await?;
    drop(conn);
    let dead_cookie = cookies.session.is_presented() && session.is_none();
    let opened = opened.into_iter().find(|opened| {
        session.as_ref().is_none_or(|(own, user)| user.id == opened.live.user.id || opened.agreed_in == Some(own.id))
    });
    let caller = match (opened, session) {
        (Some(opened), _) => {
            opened.live.record_access(ctx).await?;
            AccountCaller { user: opened.live.user, via: Via::Grant(opened.live.grant) }
        }
        (None, Some((session, user))) => {
            record_session_access(ctx, &session).await?;
            AccountCaller { user, via: Via::Session(session) }
        }
        (None, None) => return Ok(Resolution::Dead { cookie: dead_cookie }),
    };
    Ok(Resolution::Live(Box::new(caller)))
}

/// A valid app session.
pub(crate) struct OpenedAccount {
    pub live: LiveGrant,
    /// The cookie session of another user who agreed to open it.
    pub agreed_in: Option<SessionId>,
}

/// The valid app sessions of the cookies, that of the newest grant first.
pub(crate) async fn find_app_sessions(
    conn: &mut Conn,
    project: &Project,
    cookies: &Candidates,
    now: Timestamp,
) -> Result<Vec<OpenedAccount>, Error> {
    let mut found = Vec::new();
    for cookie in cookies.iter() {
        found.extend(find_app_session(conn, project, cookie, now).await?);
    }
    found.sort_by_key(|opened| Reverse((opened.live.grant.created_at, *opened.live.grant.id.as_bytes())));
    Ok(found)
}

/// Finds the app session of a cookie. Its grant must have full access, because the account page has. What was opened for a
/// guest ends with the promotion.
async fn find_app_session(
    conn: &mut Conn,
    project: &Project,
    cookie: &str,
    now: Timestamp,
) -> Result<Option<OpenedAccount>, Error> {
    let Some(value) = project.keys.mac.read_app_session(cookie).filter(|value| now <= value.expires_at) else {
        return Ok(None);
    };
    let live = find_live::<User>(conn, project, value.grant_id, now)
        .await?
        .filter(|live| has_full_access(project, &live.grant));
    let live = live.filter(|live| !value.is_of_guest || live.user.is_anonymous());
    Ok(live.map(|live| OpenedAccount { live, agreed_in: value.agreed_in }))
}

/// Whether a grant may open the account page: by its scopes, and by the current type of its application. One that is left
/// over from a promotion may not.
pub fn has_full_access(project: &Project, grant: &Grant) -> bool {
    let client = project.settings.client(&grant.client_id);
    client.is_some_and(|client| client.application_type().has_full_access())
        && scopes_of(grant).contains(Scope::FULL_ACCESS)
        && !grant.is_limited()
}

/// A valid grant and what it depends on.
pub(crate) struct LiveGrant<U = User> {
    pub grant: Grant,
    pub user: U,
    /// The cookie session it belongs to (single sign-on), also valid.
    pub session: Option<Session>,
    /// What its token says, if neither grant nor user is stored.
    pub unstored: Option<UnstoredGuest>,
}

/// Finds the valid grant of an access token.
pub(crate) async fn find_by_token<U: CallerUser>(
    conn: &mut Conn,
    project: &Project,
    token: &str,
    now: Timestamp,
) -> Result<Option<LiveGrant<U>>, Error> {
    let Some(read) = read_access_token(project, token).filter(|read| now <= read.expires_at) else { return Ok(None) };
    let mut found = find_live(conn, project, read.grant_id, now).await?;
    if let (None, Some(guest)) = (&found, &read.unstored) {
        found = unstored::find_live(conn, project, guest, now).await?;
    }
    let Some(mut live) = found else { return Ok(None) };
    if let Some(scopes) = &read.scopes {
        let granted = scopes_of(&live.grant);
        let kept = granted.intersection(scopes);
        if kept != granted {
            // The grant as this token has it; not stored.
            live.grant.scope = Some(kept.print());
        }
    }
    if live.grant.has_revoked_tokens && spent::find(conn, project.no, &read.fingerprint()).await?.is_some() {
        return Ok(None);
    }
    Ok(Some(live))
}

/// A valid grant of an active user.
pub(crate) async fn find_live_grant(
    conn: &mut Conn,
    project: &Project,
    id: GrantId,
    now: Timestamp,
) -> Result<Option<(Grant, User)>, Error> {
    Ok(find_live(conn, project, id, now).await?.map(|live| (live.grant, live.user)))
}

/// A valid grant: not expired under the current settings, its application exists, its user is active, its session is
/// valid.
pub(crate) async fn find_live<U: CallerUser>(
    conn: &mut Conn,
    project: &Project,
    id: GrantId,
    now: Timestamp,
) -> Result<Option<LiveGrant<U>>, Error> {
    // Read this before the row: entries are evicted only after they are flushed.
    let remembered = project.accesses.recall(SessionRef::Grant(id));
    let Some((grant, user)) = U::find_of_grant(conn, project.no, id).await? else { return Ok(None) };
    if find_expiry(project, &grant, &user, remembered, now).is_none() || !user.is_active() {
        return Ok(None);
    }
    let session = match grant.session_id {
        None => None,
        Some(session_id) => match find_live_session(conn, project, session_id, now).await? {
            Some(session) => Some(session),
            None => return Ok(None),
        },
    };
    Ok(Some(LiveGrant { grant, user, session, unstored: None }))
}

async fn find_live_session(
    conn: &mut Conn,
    project: &Project,
    id: SessionId,
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    let remembered = project.accesses.recall(SessionRef::Session(id));
    let session = sessions::find(conn, project.no, id).await?;
    Ok(session.filter(|session| is_session_alive(project, session, remembered, now)))
}

/// When a grant that is valid now expires without further use; `None` when it is not valid. One of an earlier application with
/// the same ID, or from before the application's type changed, is not.
pub(crate) fn find_expiry<U: CallerUser>(
    project: &Project,
    grant: &Grant,
    user: &U,
    remembered: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let lifetime = grant_lifetime(project, grant, user)?;
    let is_open = grant.ends_at.is_none_or(|ends_at| now <= ends_at)
        && !project.is_from_before(&grant.client_id, grant.created_at);
    if !is_open || !is_alive(project, lifetime, grant.created_at, grant.last_access_at, remembered, now) {
        return None;
    }
    let expiry = lifetime.expiry(grant.created_at, known_use(grant.last_access_at, remembered));
    Some(grant.ends_at.map_or(expiry, |ends_at| ends_at.min(expiry)))
}

/// Whether a cookie session is valid under the current settings.
pub(crate) fn is_session_alive(
    project: &Project,
    session: &Session,
    remembered: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    let lifetime = project.settings.session_lifetime();
    is_alive(project, lifetime, session.created_at, session.last_access_at, remembered, now)
}

/// Whether a session or grant of this lifetime is valid, given its last written and its last unwritten use.
pub fn is_alive(
    project: &Project,
    lifetime: Lifetime,
    created_at: Timestamp,
    recorded: Timestamp,
    remembered: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    let window = project.unwritten_window(lifetime, recorded);
    let used_at = latest_use(recorded, remembered, project.accesses.viewpoint(), window);
    lifetime.is_alive(created_at, used_at, now)
}

/// The lifetime of a grant under the current settings; `None` when its application was deleted. What is left over from a
/// promotion keeps that of its guest.
pub fn grant_lifetime<U: CallerUser>(project: &Project, grant: &Grant, user: &U) -> Option<Lifetime> {
    let is_of_guest = user.is_anonymous() || grant.is_limited();
    project.settings.client(&grant.client_id).map(|client: &Client| client.grant_lifetime(is_of_guest))
}

/// The newest of several valid sessions: its cookie was set last.
async fn find_newest_session<U: CallerUser>(
    conn: &mut Conn,
    project: &Project,
    cookies: &Candidates,
    now: Timestamp,
) -> Result<Option<(Session, U)>, Error> {
    let mut newest: Option<(Session, U)> = None;
    for cookie in cookies.iter() {
        if let Some(live) = find_session(conn, project, cookie, now).await?
            && newest.as_ref().is_none_or(|(known, _)| known.created_at < live.0.created_at)
        {
            newest = Some(live);
        }
    }
    Ok(newest)
}

/// Whether a value has the format of a `session` cookie: an ID, a dot, a secret.
pub fn is_session_cookie(value: &str) -> bool {
    value.len() == 69 && value.as_bytes()[36] == b'.'
}

/// The valid session of a cookie.
pub(crate) async fn find_session<U: CallerUser>(
    conn: &mut Conn,
    project: &Project,
    cookie: &str,
    now: Timestamp,
) -> Result<Option<(Session, U)>, Error> {
    let Some((id, hash)) = split_token(cookie) else { return Ok(None) };
    let remembered = project.accesses.recall(SessionRef::Session(id));
    let Some((session, user)) = U::find_of_session(conn, project.no, id).await? else { return Ok(None) };
    let alive = is_session_alive(project, &session, remembered, now);
    Ok((alive && session.secret_hash.matches(&hash) && user.is_active()).then_some((session, user)))
}

impl<U: CallerUser> LiveGrant<U> {
    /// Records a use of the grant and of its cookie session; most uses write nothing.
    pub(crate) async fn record_access(&self, ctx: &Ctx<'_>) -> Result<(), StoreError> {
        if !ctx.is_use {
            return Ok(());
        }
        if let Some(guest) = &self.unstored {
            return unstored::record_use(ctx, self, guest).await;
        }
        let now = ctx.now;
        if let Some(lifetime) = grant_lifetime(ctx.project, &self.grant, &self.user) {
            let (no, id, recorded) = (ctx.project.no, self.grant.id, self.grant.last_access_at);
            let target = SessionRef::Grant(id);
            if note(ctx, target, recorded, lifetime) == Noted::WriteNow {
                let user = self.grant.user_id;
                let new_day = returning_guests::is_new_day(user, recorded, now);
                let seen = new_day.then(|| (user, self.grant.client_id.clone()));
                ctx.app
                    .store
                    .write("touch_grant", seen, move |tx, seen| {
                        Box::pin(async move {
                            grants::record_access(tx, no, id, now).await?;
                            match seen {
                                Some((user, client_id)) => returning_guests::count(tx, no, *user, client_id, now).await,
                                None => Ok(()),
                            }
                        })
                    })
                    .await?;
                ctx.project.accesses.settle(target, now);
            }
        }
        match &self.session {
            Some(session) => record_session_access(ctx, session).await,
            None => Ok(()),
        }
    }
}

/// Remembers a use, and says whether it must be written at once.
fn note(ctx: &Ctx<'_>, target: SessionRef, recorded: Timestamp, lifetime: Lifetime) -> Noted {
    let may_wait = ctx.project.may_write_later(lifetime, ctx.now.since(recorded));
    ctx.project.accesses.note(target, recorded, ctx.now, coalesce_window(lifetime), may_wait)
}

/// Records a use of a cookie session; most uses write nothing.
pub(crate) async fn record_session_access(ctx: &Ctx<'_>, session: &Session) -> Result<(), StoreError> {
    if !ctx.is_use {
        return Ok(());
    }
    let now = ctx.now;
    let (no, id, target) = (ctx.project.no, session.id, SessionRef::Session(session.id));
    if note(ctx, target, session.last_access_at, ctx.project.settings.session_lifetime()) == Noted::WriteNow {
        let user = session.user_id;
        let new_day = returning_guests::is_new_day(user, session.last_access_at, now);
        ctx.app
            .store
            .write("touch_session", (), move |tx, ()| {
                Box::pin(async move {
                    sessions::touch(tx, no, id, now).await?;
                    // Cookie sessions belong to no application.
                    if new_day { returning_guests::count(tx, no, user, "", now).await } else { Ok(()) }
                })
            })
            .await?;
        ctx.project.accesses.settle(target, now);
    }
    Ok(())
}
