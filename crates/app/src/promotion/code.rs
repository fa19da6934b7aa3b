//! Issues the code that opens the promotion page for a guest. The code carries its own proof, so it costs no write. It
//! names the session or grant it was issued to, and is invalid once that has ended.

use std::time::Duration;

use vestibule_domain::{session::SessionRef, time::Timestamp, user::User};

use crate::{
    caller::{LiveGrant, SessionCaller},
    ctx::Ctx,
    error::Error,
    guests::unstored,
    tokens::issue::scopes_of,
};

/// How long a promotion code can open the promotion page.
pub const LIFETIME: Duration = Duration::from_secs(300);

pub struct IssuedCode {
    pub code: String,
    pub expires_at: Timestamp,
}

/// Issues a code for the guest of a refresh token.
pub async fn for_refresh_token(ctx: &Ctx<'_>, refresh_token: &str) -> Result<IssuedCode, Error> {
    if refresh_token.is_empty() {
        return Err(Error::AuthenticationRequired);
    }
    let mut conn = ctx.app.store.read().await?;
    let found = unstored::find_by_refresh_token(&mut conn, ctx.project, refresh_token, ctx.now).await?;
    drop(conn);
    let found = found.filter(|(live, hash)| live.grant.token_hash.matches(hash));
    let (live, _) = found.ok_or(Error::InvalidRefreshToken)?;
    let LiveGrant { grant, user, .. } = &live;
    let client = ctx.project.settings.client(&grant.client_id).ok_or(Error::InvalidRefreshToken)?;
    if grant.dpop_jkt.is_some() && !client.is_dpop_disabled() {
        return Err(Error::DpopBindingMismatch);
    }
    let has_full_access = client.application_type().has_full_access();
    if !has_full_access || !scopes_of(grant).contains(vestibule_protocol::oauth::Scope::FULL_ACCESS) {
        return Err(Error::InsufficientScope);
    }
    // The code names its grant, which must then be there.
    if !unstored::store(ctx, &live).await? {
        return Err(Error::InvalidRefreshToken);
    }
    issue(ctx, user, SessionRef::Grant(grant.id))
}

/// Issues a code for the guest of a session cookie.
pub fn for_session(ctx: &Ctx<'_>, caller: Option<&SessionCaller>) -> Result<IssuedCode, Error> {
    let SessionCaller { user, session } = caller.ok_or(Error::AuthenticationRequired)?;
    issue(ctx, user, SessionRef::Session(session.id))
}

fn issue(ctx: &Ctx<'_>, user: &User, source: SessionRef) -> Result<IssuedCode, Error> {
    if !user.is_anonymous() {
        return Err(Error::LoggedInAsMember);
    }
    let expires_at = ctx.now.plus(LIFETIME);
    let code = ctx.project.keys.mac.issue_promotion_code(user.id, source, expires_at, &ctx.app.entropy);
    Ok(IssuedCode { code, expires_at })
}
