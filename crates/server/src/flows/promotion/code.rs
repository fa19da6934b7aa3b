//! Issues the code that opens the promotion page for a guest. The code carries its own proof, so it costs no write. It
//! names the session or grant it was issued to, and is invalid once that has ended.

use std::time::Duration;

use vestibule_domain::{session::SessionRef, time::Timestamp, user::User};

use crate::{
    app::App,
    flows::{
        Error,
        caller::{SessionCaller, find_live_grant},
        issue::{scopes_of, split_token},
    },
    projects::Project,
};

/// How long a promotion code can open the promotion page.
pub(crate) const LIFETIME: Duration = Duration::from_secs(300);

pub(crate) struct IssuedCode {
    pub(crate) code: String,
    pub(crate) expires_at: Timestamp,
}

/// Issues a code for the guest of a refresh token.
pub(crate) async fn for_refresh_token(
    app: &App,
    project: &Project,
    refresh_token: &str,
    now: Timestamp,
) -> Result<IssuedCode, Error> {
    if refresh_token.is_empty() {
        return Err(Error::AuthenticationRequired);
    }
    let (id, hash) = split_token(refresh_token).ok_or(Error::InvalidRefreshToken)?;
    let mut conn = app.store.read().await?;
    let found = find_live_grant(&mut conn, project, id, now).await?;
    drop(conn);
    let (grant, user) = found.filter(|(grant, _)| grant.token_hash.matches(&hash)).ok_or(Error::InvalidRefreshToken)?;
    let dpop_disabled = project.settings.client(&grant.client_id).is_some_and(|client| client.is_dpop_disabled());
    if grant.dpop_jkt.is_some() && !dpop_disabled {
        return Err(Error::DpopBindingMismatch);
    }
    if !scopes_of(&grant).contains(vestibule_protocol::oauth::Scope::FULL_ACCESS) {
        return Err(Error::InsufficientScope);
    }
    issue(app, project, &user, SessionRef::Grant(grant.id), now)
}

/// Issues a code for the guest of a session cookie.
pub(crate) fn for_session(
    app: &App,
    project: &Project,
    caller: Option<&SessionCaller>,
    now: Timestamp,
) -> Result<IssuedCode, Error> {
    let SessionCaller { user, session } = caller.ok_or(Error::AuthenticationRequired)?;
    issue(app, project, user, SessionRef::Session(session.id), now)
}

fn issue(app: &App, project: &Project, user: &User, source: SessionRef, now: Timestamp) -> Result<IssuedCode, Error> {
    if !user.is_anonymous() {
        return Err(Error::LoggedInAsMember);
    }
    let expires_at = now.plus(LIFETIME);
    let code = project.keys.mac.issue_promotion_code(user.id, source, expires_at, &app.entropy);
    Ok(IssuedCode { code, expires_at })
}
