//! Sign-up of a guest on the web, without a device key.

use vestibule_domain::{
    client::Client, grant::Grant, id::ProjectNo, identity::UserAccount, project::LimitName, session::Session,
    user::User,
};
use vestibule_store::{StoreError, Tx, grants, sessions, users};

use crate::{
    caller::{SessionCaller, find_live_grant},
    ctx::Ctx,
    error::Error,
    events::{self, EventOrigin, QueuedEvent},
    limits::rates,
    projects::Project,
    tokens::issue::{self, IssuedAccessToken, NewGrant, split_token},
    webhooks::hooks,
};

/// The tokens of a guest of a token-based application.
pub struct GuestTokens {
    pub access: IssuedAccessToken,
    /// Absent when the guest existed already.
    pub refresh_token: Option<String>,
}

/// Signs up a guest for a token-based application, or issues an access token to an existing guest.
pub async fn with_refresh_token(
    ctx: &Ctx<'_>,
    client_id: &str,
    refresh_token: Option<&str>,
) -> Result<GuestTokens, Error> {
    let client = ctx.project.settings.client(client_id).ok_or(Error::UnknownClient)?;
    if !client.application_type().allows_anonymous() {
        return Err(Error::ClientWithoutGuests);
    }
    check_enabled(ctx.project)?;
    if let Some(token) = refresh_token {
        return go_on(ctx, client, token).await;
    }
    check_open(ctx)?;
    let mut user = User::new_guest(ctx.app.entropy.id(ctx.now), ctx.now);
    let origin = EventOrigin::of_client(client_id);
    hooks::ask_before_guest(ctx, &mut user, None, &origin).await?;
    let event = events::prepare_new_guest(ctx, &user, None, &origin);
    let new = NewGrant {
        user_id: user.id,
        client_id,
        scope: issue::guest_scope(client),
        authenticated_at: ctx.now,
        amr: None,
        session_id: None,
        dpop_jkt: None,
        device: None,
    };
    let (grant, refresh_token) = issue::make_grant(ctx.app, new, ctx.now);
    let access = issue::make_access_token(ctx, client, &grant, &UserAccount::of_guest(&user), None);
    let no = ctx.project.no;
    ctx.app
        .store
        .write("sign_up_anonymous", (user, grant, event), move |tx, (user, grant, event)| {
            Box::pin(insert(tx, no, user, Start::Grant(grant), event.as_ref()))
        })
        .await?;
    Ok(GuestTokens { access, refresh_token: Some(refresh_token) })
}

/// Signs up a guest for cookie-based applications; `None` when the caller is a guest already.
pub async fn with_cookie(
    ctx: &Ctx<'_>,
    caller: Option<&SessionCaller>,
    device: Option<String>,
) -> Result<Option<String>, Error> {
    check_enabled(ctx.project)?;
    match caller {
        Some(caller) if caller.user.is_anonymous() => return Ok(None),
        Some(_) => return Err(Error::LoggedInAsMember),
        None => {}
    }
    check_open(ctx)?;
    let mut user = User::new_guest(ctx.app.entropy.id(ctx.now), ctx.now);
    let origin = EventOrigin::default();
    hooks::ask_before_guest(ctx, &mut user, None, &origin).await?;
    let event = events::prepare_new_guest(ctx, &user, None, &origin);
    let (session, cookie) = issue::make_session(ctx.app, user.id, ctx.now, None, device, ctx.now);
    let no = ctx.project.no;
    ctx.app
        .store
        .write("sign_up_anonymous_cookie", (user, session, event), move |tx, (user, session, event)| {
            Box::pin(insert(tx, no, user, Start::Session(session), event.as_ref()))
        })
        .await?;
    Ok(Some(cookie))
}

/// The first grant or session of a guest.
enum Start<'a> {
    Grant(&'a Grant),
    Session(&'a Session),
}

async fn insert(
    tx: &mut Tx,
    no: ProjectNo,
    user: &User,
    start: Start<'_>,
    event: Option<&QueuedEvent>,
) -> Result<(), StoreError> {
    users::insert(tx, no, user).await?;
    if let Some(event) = event {
        events::queue(tx, no, user.id, event, user.created_at).await?;
    }
    match start {
        Start::Grant(grant) => grants::insert(tx, no, grant).await,
        Start::Session(session) => sessions::insert(tx, no, session).await,
    }
}

async fn go_on(ctx: &Ctx<'_>, client: &Client, token: &str) -> Result<GuestTokens, Error> {
    let (id, hash) = split_token(token).ok_or(Error::InvalidRefreshToken)?;
    let mut conn = ctx.app.store.read().await?;
    let found = find_live_grant(&mut conn, ctx.project, id, ctx.now).await?;
    drop(conn);
    let (grant, user) = found.filter(|(grant, _)| grant.token_hash.matches(&hash)).ok_or(Error::InvalidRefreshToken)?;
    // This route reads no DPoP proof, so a bound token cannot be used here.
    if grant.client_id != client.client_id || (grant.dpop_jkt.is_some() && !client.is_dpop_disabled()) {
        return Err(Error::InvalidRefreshToken);
    }
    if !user.is_anonymous() {
        return Err(Error::LoggedInAsMember);
    }
    let access = issue::make_access_token(ctx, client, &grant, &UserAccount::of_guest(&user), None);
    Ok(GuestTokens { access, refresh_token: None })
}

/// Checks that the project has guests enabled.
pub(crate) fn check_enabled(project: &Project) -> Result<(), Error> {
    if project.settings.anonymous_enabled() { Ok(()) } else { Err(Error::AnonymousUserDisallowed) }
}

/// Checks that sign-up is open and that the address is within its limit.
pub fn check_open(ctx: &Ctx<'_>) -> Result<(), Error> {
    if ctx.project.settings.public_signup_disabled() {
        return Err(Error::PublicSignUpDisabled);
    }
    rates::charge_ip(ctx, LimitName::SignupAnonymousPerIp)
}
