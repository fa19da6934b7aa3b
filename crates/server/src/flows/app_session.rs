//! Issuing the token an app opens its account page with. It costs no write: the token carries its own proof.

use std::time::Duration;

use vestibule_domain::{grant::Presented as PresentedToken, time::Timestamp};
use vestibule_protocol::oauth::Scope;

use super::{
    Error,
    caller::find_live_grant,
    dpop::{self, Presented},
    issue::{scopes_of, split_token},
    rates,
};
use crate::{app::App, projects::Project};

/// How long the token waits to be exchanged for a cookie.
const LIFETIME: Duration = Duration::from_secs(300);

/// A token and when it stops working.
pub(crate) struct IssuedToken {
    pub(crate) token: String,
    pub(crate) expires_at: Timestamp,
}

/// Issues a token for the grant behind a refresh token; that is no use of the grant.
pub(crate) async fn issue(
    app: &App,
    project: &Project,
    refresh_token: &str,
    proof: &Presented,
    now: Timestamp,
) -> Result<IssuedToken, Error> {
    let (id, hash) = split_token(refresh_token).ok_or(Error::InvalidRefreshToken)?;
    let live = find_live_grant(&mut *app.store.read().await?, project, id, now).await?;
    let (grant, user) = live.ok_or(Error::InvalidRefreshToken)?;
    let client = project.settings.client(&grant.client_id).ok_or(Error::InvalidRefreshToken)?;
    match grant.recognise(&hash, client.rotation_grace(), now) {
        PresentedToken::Current | PresentedToken::PreviousInGrace => {}
        PresentedToken::Reused | PresentedToken::Unknown => return Err(Error::InvalidRefreshToken),
    }
    let used = proof.check(client, grant.dpop_jkt.as_deref())?;
    // The account page can do everything: a stranger's application must not get there.
    if !scopes_of(&grant).contains(Scope::FULL_ACCESS) {
        return Err(Error::InsufficientScope);
    }
    // Each redemption is a row, if a short-lived one.
    rates::charge_user(app, project, user.id, now)?;
    dpop::use_up(app, project, used).await?;
    let expires_at = now.plus(LIFETIME);
    let token = project.keys.mac.issue_app_session_token(grant.id, expires_at, &app.entropy);
    Ok(IssuedToken { token, expires_at })
}
