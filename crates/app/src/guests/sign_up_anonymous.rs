//! Sign-up of a guest on the web, without a device key.

use vestibule_domain::{
    client::Client,
    id::{GrantKind, SessionKind},
    identity::UserAccount,
    project::LimitName,
    user::User,
};

use super::{
    late::LateSignUp,
    new_guest::{NewGuest, Start},
    sign_up_key::{SignUpKey, has_moved_on},
    unstored,
};
use crate::{
    caller::{LiveGrant, SessionCaller, find_session},
    crypto::unstored::UnstoredGuest,
    ctx::Ctx,
    error::Error,
    events::{self, EventOrigin},
    limits::rates,
    projects::Project,
    tokens::issue::{self, IssuedAccessToken, NewGrant},
    webhooks::hooks,
};

/// The tokens of a guest of a token-based application.
pub struct GuestTokens {
    pub access: IssuedAccessToken,
    /// Absent when the guest existed already.
    pub refresh_token: Option<String>,
}

/// Signs up a guest for a token-based application, or issues an access token to an existing guest. Of all requests with the
/// same idempotency key, one signs up a guest.
pub async fn with_refresh_token(
    ctx: &Ctx<'_>,
    client_id: &str,
    refresh_token: Option<&str>,
    key: Option<&str>,
) -> Result<GuestTokens, Error> {
    let client = ctx.project.settings.client(client_id).ok_or(Error::UnknownClient)?;
    if !client.application_type().allows_anonymous() {
        return Err(Error::ClientWithoutGuests);
    }
    check_enabled(ctx.project)?;
    if let Some(token) = refresh_token {
        return go_on(ctx, client, token).await;
    }
    let Some(key) = key else { return begin_grant(ctx, client, None).await?.ok_or_else(has_moved_on) };
    let key = SignUpKey::take(ctx, Some(client_id), key).await?;
    if let Some(tokens) = repeat_grant(ctx, client, &key).await? {
        return Ok(tokens);
    }
    match begin_grant(ctx, client, Some(&key)).await? {
        Some(tokens) => Ok(tokens),
        None => repeat_grant(ctx, client, &key).await?.ok_or_else(has_moved_on),
    }
}

/// The tokens of the guest whom the key signed up.
async fn repeat_grant(ctx: &Ctx<'_>, client: &Client, key: &SignUpKey) -> Result<Option<GuestTokens>, Error> {
    let Some(id) = key.find_started::<GrantKind>(ctx).await? else { return Ok(None) };
    let token = key.print(id);
    match go_on(ctx, client, &token).await {
        Ok(tokens) => Ok(Some(GuestTokens { refresh_token: Some(token), ..tokens })),
        Err(Error::InvalidRefreshToken | Error::LoggedInAsMember) => Err(has_moved_on()),
        Err(error) => Err(error),
    }
}

/// Signs up a guest; `None` when another node did it under the key.
async fn begin_grant(ctx: &Ctx<'_>, client: &Client, key: Option<&SignUpKey>) -> Result<Option<GuestTokens>, Error> {
    check_open(ctx)?;
    let client_id = client.client_id.as_str();
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
    let (mut grant, mut refresh_token) = issue::make_grant(ctx.app, new, ctx.now);
    match key {
        // The record of the key is a write anyway.
        Some(key) => (grant.token_hash, refresh_token) = (key.secret_hash(), key.print(grant.id)),
        None => {
            if let Some(guest) = unstored::describe(client, &user, &grant) {
                return Ok(Some(begin_unstored(ctx, client, &guest)));
            }
        }
    }
    let record = key.map(|key| key.record(grant.id, ctx.now));
    let access = issue::make_access_token(ctx, client, &grant, &UserAccount::of_guest(&user), None);
    let (no, late) = (ctx.project.no, LateSignUp::of(ctx.app));
    let guest = NewGuest { no, user, start: Start::Grant(grant), event, record, late };
    let began = ctx.app.store.write_grouped(&ctx.app.sign_ups.with_grant, guest).await?;
    Ok(began.then_some(GuestTokens { access, refresh_token: Some(refresh_token) }))
}

/// Signs up a guest that is not stored yet.
fn begin_unstored(ctx: &Ctx<'_>, client: &Client, guest: &UnstoredGuest) -> GuestTokens {
    let (refresh_token, access) = unstored::issue_tokens(ctx, client, guest);
    ctx.app.not_stored.add(ctx.project.no, guest.created_at, &client.client_id);
    ctx.app.metrics.count_lazy_guest();
    GuestTokens { access, refresh_token: Some(refresh_token) }
}

/// Signs up a guest for cookie-based applications; `None` when the caller is a guest already. Of all requests with the same
/// idempotency key, one signs up a guest.
pub async fn with_cookie(
    ctx: &Ctx<'_>,
    caller: Option<&SessionCaller>,
    device: Option<String>,
    key: Option<&str>,
) -> Result<Option<String>, Error> {
    check_enabled(ctx.project)?;
    match caller {
        Some(caller) if caller.user.is_anonymous() => return Ok(None),
        Some(_) => return Err(Error::LoggedInAsMember),
        None => {}
    }
    let Some(key) = key else { return begin_session(ctx, device, None).await };
    let key = SignUpKey::take(ctx, None, key).await?;
    if let Some(cookie) = repeat_session(ctx, &key).await? {
        return Ok(Some(cookie));
    }
    match begin_session(ctx, device, Some(&key)).await? {
        Some(cookie) => Ok(Some(cookie)),
        None => Ok(Some(repeat_session(ctx, &key).await?.ok_or_else(has_moved_on)?)),
    }
}

/// The cookie of the guest whom the key signed up.
async fn repeat_session(ctx: &Ctx<'_>, key: &SignUpKey) -> Result<Option<String>, Error> {
    let Some(id) = key.find_started::<SessionKind>(ctx).await? else { return Ok(None) };
    let cookie = key.print(id);
    let found = find_session::<User>(&mut *ctx.app.store.read().await?, ctx.project, &cookie, ctx.now).await?;
    let is_guest = found.is_some_and(|(_, user)| user.is_anonymous());
    if is_guest { Ok(Some(cookie)) } else { Err(has_moved_on()) }
}

/// Signs up a guest; `None` when another node did it under the key.
async fn begin_session(
    ctx: &Ctx<'_>,
    device: Option<String>,
    key: Option<&SignUpKey>,
) -> Result<Option<String>, Error> {
    check_open(ctx)?;
    let mut user = User::new_guest(ctx.app.entropy.id(ctx.now), ctx.now);
    let origin = EventOrigin::default();
    hooks::ask_before_guest(ctx, &mut user, None, &origin).await?;
    let event = events::prepare_new_guest(ctx, &user, None, &origin);
    let (mut session, mut cookie) = issue::make_session(ctx.app, user.id, ctx.now, None, device, ctx.now);
    if let Some(key) = key {
        (session.secret_hash, cookie) = (key.secret_hash(), key.print(session.id));
    }
    let record = key.map(|key| key.record(session.id, ctx.now));
    let (no, late) = (ctx.project.no, LateSignUp::of(ctx.app));
    let guest = NewGuest { no, user, start: Start::Session(session), event, record, late };
    let began = ctx.app.store.write_grouped(&ctx.app.sign_ups.with_session, guest).await?;
    Ok(began.then_some(cookie))
}

async fn go_on(ctx: &Ctx<'_>, client: &Client, token: &str) -> Result<GuestTokens, Error> {
    let mut conn = ctx.app.store.read().await?;
    let found = unstored::find_by_refresh_token(&mut conn, ctx.project, token, ctx.now).await?;
    drop(conn);
    let found = found.filter(|(live, hash)| live.grant.token_hash.matches(hash));
    let (LiveGrant { grant, user, unstored, .. }, _) = found.ok_or(Error::InvalidRefreshToken)?;
    // This route reads no DPoP proof, so a bound token cannot be used here.
    if grant.client_id != client.client_id || (grant.dpop_jkt.is_some() && !client.is_dpop_disabled()) {
        return Err(Error::InvalidRefreshToken);
    }
    if !user.is_anonymous() {
        return Err(Error::LoggedInAsMember);
    }
    let access = match &unstored {
        Some(guest) => issue::make_unstored_access_token(ctx, client, (&grant, guest), &UserAccount::of_guest(&user)),
        None => issue::make_access_token(ctx, client, &grant, &UserAccount::of_guest(&user), None),
    };
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
