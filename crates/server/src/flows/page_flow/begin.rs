//! How a sign-in request begins: back to the app at once, on with who is signed in, or into the pages.

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
use vestibule_store::{credentials, users};

use super::{
    Flow, FlowState, Purpose,
    suggestion::{self, suggest},
    ways,
};
use crate::{
    app::App,
    flows::{
        Error,
        authorize::{Begun, BrowserState, PendingRequest, issue_for_caller},
        caller::SessionCaller,
        promotion_source::PromotionSource,
    },
    projects::Project,
};

const TOO_MANY: &str = "too many authorization requests for this user, please try again later";

/// Decides where a request without a promotion in it leads.
///
/// # Errors
/// The outer error is ours (store, limits); the inner one travels back to the app.
pub(crate) async fn begin_sign_in(
    app: &App,
    project: &Project,
    pending: PendingRequest,
    details: &AuthorizeDetails,
    browser: BrowserState<'_>,
    now: Timestamp,
) -> Result<Result<Begun, OAuthError>, Error> {
    let enforced = match read_enforced(project, details) {
        Ok(enforced) => enforced,
        Err(error) => return Ok(Err(error)),
    };
    let hinted = find_hinted_member(app, project, details).await?;
    let caller = browser.caller.filter(|_| !pending.suppress_session);
    let mut wanted = caller.filter(|caller| hinted.as_ref().is_none_or(|hinted| hinted.id == caller.user.id));
    if let (Some(login_id), Some(caller)) = (&enforced, wanted)
        && !owns(app, project, caller.user.id, login_id).await?
    {
        wanted = None;
    }
    if details.prompt.contains(Prompt::None) {
        let Some(caller) = wanted else {
            return Ok(Err(OAuthError::new(ErrorCode::LoginRequired, "authentication required")));
        };
        return match issue_for_caller(app, project, &pending, caller, now).await {
            Ok(back) => Ok(Ok(Begun::Redirect(back))),
            // Nobody looks at a page here: the application hears it.
            Err(Error::RateLimited(_)) => Ok(Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, TOO_MANY))),
            Err(error) => Err(error),
        };
    }
    let secret = browser.browser.first().map_or_else(|| app.entropy.alphanumeric(), str::to_string);
    // Only a guest of this browser's own cookie is met: the app that suppresses cookies has its own.
    let guest = caller.filter(|caller| caller.user.is_anonymous());
    let purpose = choose_purpose(details, guest.is_some() && hinted.is_none());
    let mut state = FlowState::new(purpose, pending, &secret);
    state.guest = guest.map(|caller| caller.user.id);
    state.source = guest.map(PromotionSource::of_session);
    state.prefill = suggest(&project.settings, details.login_hint.as_ref());
    state.enforced = enforced;
    if !must_prove(details, wanted, now) {
        state.offered_user = wanted.map(|caller| caller.user.id);
    }
    if let Some(hinted) = hinted {
        state.purpose = Purpose::Login;
        state.only_user = Some(hinted.id);
        if let Some(own) = find_login_id(app, project, hinted.id).await? {
            state.prefill = Some(own);
            // Whoever holds an old ID token must not learn more from it than it says.
            state.masks_prefill = browser.caller.is_none_or(|caller| caller.user.id != hinted.id);
        }
    }
    Ok(Ok(Begun::Pages { flow: Box::new(Flow::begin(app, state, now)), browser: secret }))
}

/// Which page comes first: what the app asks for; without a wish, a guest is to join and anybody else to come back.
fn choose_purpose(details: &AuthorizeDetails, is_guest: bool) -> Purpose {
    match details.page.as_deref() {
        Some("signup") => Purpose::SignUp,
        _ if details.prompt.contains(Prompt::Create) => Purpose::SignUp,
        Some(_) => Purpose::Login,
        None if is_guest && !details.prompt.contains(Prompt::Login) => Purpose::SignUp,
        None => Purpose::Login,
    }
}

/// Whether the person must prove itself though it is signed in (OIDC Core §3.1.2.1, `prompt` and `max_age`).
fn must_prove(details: &AuthorizeDetails, caller: Option<&SessionCaller>, now: Timestamp) -> bool {
    let asked = [Prompt::Login, Prompt::Create, Prompt::SelectAccount];
    let authenticated_at = caller.map(|caller| caller.session.authenticated_at);
    let too_long_ago = details.max_age.is_some_and(|seconds| {
        authenticated_at.is_none_or(|at| seconds == 0 || now.since(at) > Duration::from_secs(seconds))
    });
    too_long_ago
        || asked.iter().any(|prompt| details.prompt.contains(*prompt))
        || details.page.as_deref() == Some("signup")
}

/// The member an ID token speaks of. Expired ones are fine: the signature is what counts.
async fn find_hinted_member(app: &App, project: &Project, details: &AuthorizeDetails) -> Result<Option<User>, Error> {
    let Some(hint) = &details.id_token_hint else { return Ok(None) };
    let claims = project.keys.read_jwt("JWT", hint);
    let text = |name: &str| claims.as_ref()?.get(name)?.as_str().map(str::to_string);
    let subject = text("sub").filter(|_| text("iss").is_some_and(|issuer| issuer == project.origin));
    let Some(id) = subject.and_then(|subject| subject.parse::<UserId>().ok()) else { return Ok(None) };
    let user = users::find(&mut *app.store.read().await?, project.no, id).await?;
    Ok(user.filter(|user| user.is_active() && !user.is_anonymous()))
}

/// What the member can type to log in.
async fn find_login_id(app: &App, project: &Project, user: UserId) -> Result<Option<(LoginIdKind, String)>, Error> {
    let rows = credentials::list_login_ids(&mut *app.store.read().await?, project.no, user).await?;
    let usable = ways::login_kinds(&project.settings);
    let mut known = rows.into_iter().filter_map(|row| Some((LoginIdKind::from_name(&row.kind)?, row.original)));
    Ok(known.find(|(kind, _)| usable.contains(kind)))
}

/// The login ID a hint insists on (protocol facts §5.3). One this project cannot know anybody by is the app's mistake.
fn read_enforced(project: &Project, details: &AuthorizeDetails) -> Result<Option<LoginId>, OAuthError> {
    let Some(LoginHint::LoginId { login_id, enforce: true }) = &details.login_hint else { return Ok(None) };
    let (kind, typed) = suggestion::read(login_id);
    let settings = &project.settings;
    let read = LoginId::parse(kind, &typed, settings.default_country()).ok();
    let usable = read.filter(|login_id| settings.login_id_kinds().contains(&login_id.kind));
    usable.map(Some).ok_or_else(|| OAuthError::invalid_request("login_hint enforces what is no login ID here"))
}

/// Whether a login ID is this user's.
pub(super) async fn owns(app: &App, project: &Project, user: UserId, login_id: &LoginId) -> Result<bool, Error> {
    let mut conn = app.store.read().await?;
    let row = credentials::find_login_id(&mut conn, project.no, login_id.kind.as_str(), &login_id.value).await?;
    Ok(row.is_some_and(|row| row.user_id == user))
}
