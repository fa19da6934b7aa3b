//! Starts a sign-in request: redirects at once, continues with the signed-in user, or starts a flow.

use std::time::Duration;

use vestibule_domain::{
    id::UserId,
    identifier::{LoginId, LoginIdKind},
    time::Timestamp,
    user::User,
};
use vestibule_protocol::{
    login_hint::LoginHint,
    oauth::{AuthorizeDetails, ErrorCode, OAuthError, Prompt},
};
use vestibule_store::{credentials, external_accounts, users};

use super::{
    Flow, FlowPurpose, FlowState, login_methods,
    suggestion::{self, suggest},
};
use crate::{
    authorize::{BrowserState, PendingRequest, issue_for_caller, outcome::AuthorizeOutcome},
    caller::SessionCaller,
    consent::{self, ConsentNeed},
    ctx::Ctx,
    error::Error,
    projects::Project,
    promotion::source::PromotionSource,
    providers::LONG_AGO,
};

const TOO_MANY: &str = "too many authorization requests for this user, please try again later";

/// Decides the result of a request without a promotion.
///
/// # Errors
/// The outer error is the server's (store, limits); the inner one is redirected to the app.
pub async fn begin_sign_in(
    ctx: &Ctx<'_>,
    pending: PendingRequest,
    details: &AuthorizeDetails,
    browser: BrowserState<'_>,
) -> Result<Result<AuthorizeOutcome, OAuthError>, Error> {
    let enforced = match read_enforced(ctx.project, details) {
        Ok(enforced) => enforced,
        Err(error) => return Ok(Err(error)),
    };
    let hinted = find_hinted_member(ctx, details).await?;
    let caller = browser.caller.filter(|_| !pending.suppress_session);
    let mut wanted = caller.filter(|caller| hinted.as_ref().is_none_or(|hinted| hinted.id == caller.user.id));
    if let (Some(login_id), Some(caller)) = (&enforced, wanted)
        && !owns(ctx, caller.user.id, login_id).await?
    {
        wanted = None;
    }
    if details.prompt.contains(Prompt::None) {
        let Some(caller) = wanted else {
            return Ok(Err(OAuthError::new(ErrorCode::LoginRequired, "authentication required")));
        };
        return issue_silently(ctx, &pending, caller).await;
    }
    let secret = browser.browser.first().map_or_else(|| ctx.app.entropy.alphanumeric(), str::to_string);
    // Use only the guest of this browser's cookie; an app that suppresses cookies has its own.
    let guest = caller.filter(|caller| caller.user.is_anonymous());
    let purpose = choose_purpose(details, guest.is_some() && hinted.is_none());
    let mut state = FlowState::new(purpose, pending, &secret);
    state.guest = guest.map(|caller| caller.user.id);
    state.source = guest.map(PromotionSource::of_session);
    state.prefill = suggest(&ctx.project.settings, details.login_hint.as_ref());
    state.enforced = enforced;
    state.asks_consent = details.prompt.contains(Prompt::Consent);
    state.max_age = read_max_age(details, hinted.is_some());
    state.renews_login = details.prompt.contains(Prompt::Login);
    if !must_prove(details, wanted, ctx.now) {
        // A guest cannot agree to a third-party application: it signs up first.
        let is_third_party = consent::is_third_party(ctx.project, &state.request.client_id);
        let offered = wanted.filter(|caller| !(is_third_party && caller.user.is_anonymous()));
        state.offered_user = offered.map(|caller| caller.user.id);
    }
    if let Some(hinted) = hinted {
        state.purpose = FlowPurpose::Login;
        let is_signed_in = accept_only(ctx, &mut state, &hinted, browser.caller).await?;
        if let Some(own) = find_login_id(ctx, hinted.id).await? {
            state.prefill = Some(own);
            state.masks_prefill = !is_signed_in;
        }
    }
    Ok(Ok(AuthorizeOutcome::Pages { flow: Box::new(Flow::begin(ctx.app, state, ctx.now)), browser: secret }))
}

/// Lets a flow accept only one member; answers whether it is signed in to the browser.
pub(crate) async fn accept_only(
    ctx: &Ctx<'_>,
    state: &mut FlowState,
    member: &User,
    caller: Option<&SessionCaller>,
) -> Result<bool, Error> {
    state.only_user = Some(member.id);
    // The holder of an old ID token must not learn more from the page than the token contains.
    let is_signed_in = caller.is_some_and(|caller| caller.user.id == member.id);
    if is_signed_in && !ctx.project.settings.providers().is_empty() {
        let mut conn = ctx.app.store.read().await?;
        let own = external_accounts::list(&mut conn, ctx.project.no, member.id).await?;
        state.own_providers = Some(own.into_iter().map(|account| account.provider).collect());
    }
    Ok(is_signed_in)
}

/// How old a member's authentication may be. The SDKs send `prompt=login` in promotions, too, where it asks for no proof of a member; with
/// a member's ID token it asks for a reauthentication.
pub(crate) fn read_max_age(details: &AuthorizeDetails, is_hinted: bool) -> Option<u64> {
    if is_hinted && details.prompt.contains(Prompt::Login) { Some(0) } else { limited_age(details) }
}

/// The age that a request limits. With a year or more it asks only to hear when the user authenticated: no session is that old, and a
/// user whose provider does not say it must not be locked out.
pub(crate) fn limited_age(details: &AuthorizeDetails) -> Option<u64> {
    details.max_age.filter(|seconds| *seconds < LONG_AGO)
}

/// Answers a request that allows no page (`prompt=none`).
async fn issue_silently(
    ctx: &Ctx<'_>,
    pending: &PendingRequest,
    caller: &SessionCaller,
) -> Result<Result<AuthorizeOutcome, OAuthError>, Error> {
    match consent::judge(ctx, pending, &caller.user, false).await? {
        ConsentNeed::Nothing => {}
        ConsentNeed::Decision => {
            return Ok(Err(OAuthError::new(ErrorCode::ConsentRequired, "the user has not agreed to these scopes")));
        }
        ConsentNeed::Membership => {
            return Ok(Err(OAuthError::new(ErrorCode::LoginRequired, "a guest cannot sign in to this client")));
        }
    }
    match issue_for_caller(ctx, pending, caller).await {
        Ok(back) => Ok(Ok(AuthorizeOutcome::Redirect(back))),
        // No page is shown here, so the application gets the error.
        Err(Error::RateLimited(_)) => Ok(Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, TOO_MANY))),
        Err(error) => Err(error),
    }
}

/// The first page: the one that the app requested; otherwise sign-up for a guest and sign-in for anyone else.
fn choose_purpose(details: &AuthorizeDetails, is_guest: bool) -> FlowPurpose {
    match details.page.as_deref() {
        Some("signup") => FlowPurpose::SignUp,
        _ if details.prompt.contains(Prompt::Create) => FlowPurpose::SignUp,
        Some(_) => FlowPurpose::Login,
        None if is_guest && !details.prompt.contains(Prompt::Login) => FlowPurpose::SignUp,
        None => FlowPurpose::Login,
    }
}

/// Whether a signed-in user must authenticate again (OIDC Core §3.1.2.1, `prompt` and `max_age`).
fn must_prove(details: &AuthorizeDetails, caller: Option<&SessionCaller>, now: Timestamp) -> bool {
    let prompts = [Prompt::Login, Prompt::Create, Prompt::SelectAccount];
    // The session of the guest that a member was is no proof of the member.
    let any_age = limited_age(details).is_none();
    let authenticated_at = caller.and_then(|caller| match &caller.session {
        session if caller.user.is_anonymous() => Some(session.authenticated_at),
        session if any_age && session.is_of_member() => Some(session.authenticated_at),
        session => session.proved_at(),
    });
    let too_long_ago = details.max_age.is_some_and(|seconds| {
        authenticated_at.is_none_or(|at| seconds == 0 || now.since(at) > Duration::from_secs(seconds))
    });
    too_long_ago
        || prompts.iter().any(|prompt| details.prompt.contains(*prompt))
        || details.page.as_deref() == Some("signup")
}

/// The member in an ID token hint. Expired tokens are accepted: only the signature matters.
pub(crate) async fn find_hinted_member(ctx: &Ctx<'_>, details: &AuthorizeDetails) -> Result<Option<User>, Error> {
    let Some(hint) = &details.id_token_hint else { return Ok(None) };
    let claims = ctx.project.keys.read_jwt("JWT", hint);
    let text = |name: &str| claims.as_ref()?.get(name)?.as_str().map(str::to_string);
    let subject = text("sub").filter(|_| text("iss").is_some_and(|issuer| issuer == ctx.project.origin));
    let Some(id) = subject.and_then(|subject| subject.parse::<UserId>().ok()) else { return Ok(None) };
    let user = users::find(&mut *ctx.app.store.read().await?, ctx.project.no, id).await?;
    Ok(user.filter(|user| user.is_active() && !user.is_anonymous()))
}

/// A login ID of the member, to prefill.
async fn find_login_id(ctx: &Ctx<'_>, user: UserId) -> Result<Option<(LoginIdKind, String)>, Error> {
    let rows = credentials::list_login_ids(&mut *ctx.app.store.read().await?, ctx.project.no, user).await?;
    let usable = login_methods::login_kinds(&ctx.project.settings);
    let mut known = rows.into_iter().filter_map(|row| Some((LoginIdKind::from_name(&row.kind)?, row.original)));
    Ok(known.find(|(kind, _)| usable.contains(kind)))
}

/// The login ID that a hint enforces. One that this project does not accept is the app's error.
fn read_enforced(project: &Project, details: &AuthorizeDetails) -> Result<Option<LoginId>, OAuthError> {
    let Some(LoginHint::LoginId { login_id, enforce: true }) = &details.login_hint else { return Ok(None) };
    let (kind, typed) = suggestion::read(login_id);
    let settings = &project.settings;
    let read = LoginId::parse(kind, &typed, settings.default_country()).ok();
    let usable = read.filter(|login_id| settings.login_id_kinds().contains(&login_id.kind));
    usable
        .map(Some)
        .ok_or_else(|| OAuthError::invalid_request("login_hint enforces a login ID type that is not enabled"))
}

pub async fn owns(ctx: &Ctx<'_>, user: UserId, login_id: &LoginId) -> Result<bool, Error> {
    let mut conn = ctx.app.store.read().await?;
    let row = credentials::find_login_id(&mut conn, ctx.project.no, login_id.kind.as_str(), &login_id.value).await?;
    Ok(row.is_some_and(|row| row.user_id == user))
}
