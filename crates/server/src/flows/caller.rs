//! Who is calling: from a bearer token or a cookie to a live session and its user.

use std::time::Duration;

use vestibule_domain::{
    client::Client,
    grant::Grant,
    id::GrantId,
    session::{Lifetime, Session, should_record},
    time::Timestamp,
    user::User,
};
use vestibule_protocol::claims::Sid;
use vestibule_store::{Conn, grants, sessions, spent};

use super::{Error, issue::split_token};
use crate::{app::App, crypto::tokens::MacKey, projects::Project};

/// What a request brought to say who is calling.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Credentials<'a> {
    /// `Authorization: Bearer …`; empty when the header was there with nothing behind it.
    pub(crate) bearer: Option<&'a str>,
    /// The `app_session` cookie.
    pub(crate) app_session: Option<&'a str>,
    /// The `session` cookie.
    pub(crate) session: Option<&'a str>,
}

/// What stands behind a live caller.
#[derive(Clone, Debug)]
pub(crate) enum Via {
    /// A refresh-token grant, by access token or app session cookie.
    Grant(Grant),
    /// A cookie session.
    Session(Session),
}

/// A live caller.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: User,
    pub(crate) via: Via,
}

impl Caller {
    /// The cookie session, when that is what the caller came with.
    pub(crate) fn session(&self) -> Option<&Session> {
        match &self.via {
            Via::Session(session) => Some(session),
            Via::Grant(_) => None,
        }
    }

    /// The grant, when that is what the caller came with.
    pub(crate) fn grant(&self) -> Option<&Grant> {
        match &self.via {
            Via::Grant(grant) => Some(grant),
            Via::Session(_) => None,
        }
    }
}

/// The answer to "who is calling?".
#[derive(Clone, Debug)]
pub(crate) enum Resolution {
    /// Nothing was presented, or only an empty bearer.
    Nobody,
    /// Something was presented, and none of it is alive. `cookie` says that a bad session cookie was among it.
    Dead { cookie: bool },
    /// A live session of an active user.
    Live(Box<Caller>),
}

impl Resolution {
    /// The caller, if there is one.
    pub(crate) fn live(&self) -> Option<&Caller> {
        match self {
            Self::Live(caller) => Some(caller),
            Self::Nobody | Self::Dead { .. } => None,
        }
    }
}

/// Finds the caller: bearer token first, then the app session cookie, then the session cookie; a dead one falls through.
/// A live one's use is recorded, coalesced so that most requests write nothing.
pub(crate) async fn resolve(
    app: &App,
    project: &Project,
    credentials: Credentials<'_>,
    now: Timestamp,
) -> Result<Resolution, Error> {
    let bearer = credentials.bearer.filter(|token| !token.is_empty());
    if bearer.is_none() && credentials.app_session.is_none() && credentials.session.is_none() {
        return Ok(Resolution::Nobody);
    }
    let mut conn = app.store.read().await?;
    let mut found = None;
    if let Some(token) = bearer {
        found =
            find_by_access_token(&mut conn, project, token, now).await?.map(|(grant, user)| (Via::Grant(grant), user));
    }
    if let (None, Some(cookie)) = (&found, credentials.app_session)
        && let Some(value) = project.keys.mac.read_app_session(cookie)
        && now <= value.expires_at
    {
        found = find_live_grant(&mut conn, project, value.grant_id, now).await?.map(|(g, u)| (Via::Grant(g), u));
    }
    let mut dead_cookie = false;
    if let (None, Some(cookie)) = (&found, credentials.session) {
        found = find_session(&mut conn, project, cookie, now).await?.map(|(s, u)| (Via::Session(s), u));
        dead_cookie = found.is_none();
    }
    drop(conn);
    let Some((via, user)) = found else { return Ok(Resolution::Dead { cookie: dead_cookie }) };
    record_access(app, project, &via, &user, now).await?;
    Ok(Resolution::Live(Box::new(Caller { user, via })))
}

/// What an access token says of itself, once it is known to be ours.
pub(crate) struct ReadToken {
    pub(crate) grant_id: GrantId,
    pub(crate) expires_at: Timestamp,
    /// Under which its own revocation is remembered.
    pub(crate) fingerprint: [u8; 16],
}

/// Reads an access token of this project, opaque or JWT, expired or not.
pub(crate) fn read_access_token(project: &Project, token: &str) -> Option<ReadToken> {
    if !token.contains('.') {
        let read = project.keys.mac.read_access_token(token)?;
        return Some(ReadToken { grant_id: read.grant_id, expires_at: read.expires_at, fingerprint: read.fingerprint });
    }
    let claims = project.keys.read_jwt("at+jwt", token)?;
    let sid = Sid::parse(claims.get("sid")?.as_str()?)?;
    let grant_id = match sid {
        Sid::OfflineGrant(id) => id.parse().ok()?,
        Sid::Idp(_) => return None,
    };
    Some(ReadToken {
        grant_id,
        expires_at: Timestamp::from_seconds(claims.get("exp")?.as_i64()?),
        fingerprint: MacKey::fingerprint_of_jti(claims.get("jti")?.as_str()?),
    })
}

/// The grant and user of a live access token.
pub(crate) async fn find_by_access_token(
    conn: &mut Conn,
    project: &Project,
    token: &str,
    now: Timestamp,
) -> Result<Option<(Grant, User)>, Error> {
    let Some(read) = read_access_token(project, token).filter(|read| now <= read.expires_at) else { return Ok(None) };
    let Some((grant, user)) = find_live_grant(conn, project, read.grant_id, now).await? else { return Ok(None) };
    if grant.has_revoked_tokens && spent::find(conn, project.no, &read.fingerprint).await?.is_some() {
        return Ok(None);
    }
    Ok(Some((grant, user)))
}

/// A grant that is neither expired nor its user's inactive, with that user.
pub(crate) async fn find_live_grant(
    conn: &mut Conn,
    project: &Project,
    id: GrantId,
    now: Timestamp,
) -> Result<Option<(Grant, User)>, Error> {
    let Some((grant, user)) = grants::find_with_user(conn, project.no, id).await? else { return Ok(None) };
    if !is_grant_alive(project, &grant, &user, now) {
        return Ok(None);
    }
    if let Some(session_id) = grant.session_id {
        // Grouped by single sign-on: the grant lives only with its cookie session.
        let session = sessions::find(conn, project.no, session_id).await?;
        let lifetime = project.settings.session_lifetime();
        if !session.is_some_and(|s| lifetime.is_alive_as_recorded(s.created_at, s.last_access_at, now)) {
            return Ok(None);
        }
    }
    Ok(Some((grant, user)))
}

fn is_grant_alive(project: &Project, grant: &Grant, user: &User, now: Timestamp) -> bool {
    let lifetime = grant_lifetime(project, grant, user);
    lifetime.is_some_and(|l| l.is_alive_as_recorded(grant.created_at, grant.last_access_at, now)) && user.is_active()
}

/// How long a grant lives by today's settings; `None` when its application is gone.
pub(crate) fn grant_lifetime(project: &Project, grant: &Grant, user: &User) -> Option<Lifetime> {
    project.settings.client(&grant.client_id).map(|client: &Client| client.grant_lifetime(user.is_anonymous()))
}

async fn find_session(
    conn: &mut Conn,
    project: &Project,
    cookie: &str,
    now: Timestamp,
) -> Result<Option<(Session, User)>, Error> {
    let Some((id, hash)) = split_token(cookie) else { return Ok(None) };
    let Some((session, user)) = sessions::find_with_user(conn, project.no, id).await? else { return Ok(None) };
    let alive =
        project.settings.session_lifetime().is_alive_as_recorded(session.created_at, session.last_access_at, now);
    Ok((alive && session.secret_hash.matches(&hash) && user.is_active()).then_some((session, user)))
}

async fn record_access(app: &App, project: &Project, via: &Via, user: &User, now: Timestamp) -> Result<(), Error> {
    let no = project.no;
    match via {
        Via::Grant(grant) => {
            let lifetime =
                grant_lifetime(project, grant, user).unwrap_or(Lifetime { hard: Duration::ZERO, idle: None });
            if should_record(grant.last_access_at, now, lifetime) {
                let id = grant.id;
                app.store
                    .write("touch_grant", (), move |tx, ()| Box::pin(grants::record_access(tx, no, id, now)))
                    .await?;
            }
        }
        Via::Session(session) => {
            if should_record(session.last_access_at, now, project.settings.session_lifetime()) {
                let id = session.id;
                app.store.write("touch_session", (), move |tx, ()| Box::pin(sessions::touch(tx, no, id, now))).await?;
            }
        }
    }
    Ok(())
}
