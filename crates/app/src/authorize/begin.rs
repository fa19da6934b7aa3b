//! Decisions of the authorization endpoint: redirect back to the app, start a flow, or show an error.

use vestibule_domain::{client::Client, session::SessionRef, user::User};
use vestibule_protocol::{
    api::ChallengePurpose,
    echo,
    jose::{AnonymousAction, AnonymousRequest},
    login_hint::{AnonymousHint, LoginHint},
    oauth::{AuthorizeDetails, ErrorCode, OAuthError, Prompt, ResponseType, Scope, ScopeSet},
};
use vestibule_store::{spent, users};

use super::{BrowserState, PendingRequest, Submission, cancel_redirect, outcome::AuthorizeOutcome};
use crate::{
    account::settings_action::start_settings_action,
    ctx::Ctx,
    error::Error,
    events,
    flow::{
        self, Flow, FlowPurpose, FlowState,
        begin::{accept_only, begin_sign_in, find_hinted_member, limited_age},
        continuation::{Continuation, KeptAnswer},
        external,
    },
    guests::device_key::{self, Proven, Signer},
    projects::Project,
    promotion::source::PromotionSource,
    tokens::app_session::{self, Opening},
};

/// Decides the result of a request whose redirect URI is validated.
///
/// # Errors
/// The outer error is the server's (store, limits); the inner one is redirected to the app.
pub async fn begin(
    ctx: &Ctx<'_>,
    client: &Client,
    pending: PendingRequest,
    details: &AuthorizeDetails,
    browser: BrowserState<'_>,
) -> Result<Result<AuthorizeOutcome, OAuthError>, Error> {
    if let Err(error) = check_details(client, details) {
        return Ok(Err(error));
    }
    if details.response_type == ResponseType::SettingsAction {
        return Ok(start_settings_action(ctx, client, pending, details, browser).await?.map(AuthorizeOutcome::from));
    }
    match &details.login_hint {
        Some(LoginHint::AppSessionToken(token)) => begin_app_session(ctx, &pending, token, &browser).await.map(Ok),
        Some(LoginHint::Anonymous(hint)) => {
            begin_promotion(ctx, pending, (hint, limited_age(details)), browser).await.map(Ok)
        }
        Some(LoginHint::Continuation(_)) if details.prompt.contains(Prompt::None) => {
            Ok(Err(OAuthError::new(ErrorCode::LoginRequired, "a continuation needs a page")))
        }
        Some(LoginHint::Continuation(sealed)) => {
            begin_continuation(ctx, pending, (sealed, details), browser).await.map(Ok)
        }
        Some(LoginHint::LoginId { .. } | LoginHint::Plain(_)) | None => {
            begin_sign_in(ctx, pending, details, browser).await
        }
    }
}

/// Checks that an application may make this request.
pub(super) fn check_details(client: &Client, details: &AuthorizeDetails) -> Result<(), OAuthError> {
    match details.response_type {
        ResponseType::Code | ResponseType::None => {}
        ResponseType::SettingsAction if !client.is_third_party() => {}
        ResponseType::SettingsAction => {
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "response type is not allowed for this client"));
        }
    }
    if matches!(details.login_hint, Some(LoginHint::Anonymous(_) | LoginHint::Continuation(_)))
        && client.is_third_party()
    {
        let why = "a third-party client cannot promote a guest or go on with a continuation";
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, why));
    }
    check_scope(client, &details.scope)?;
    let public = !client.application_type().is_confidential();
    let with_code = matches!(details.response_type, ResponseType::Code | ResponseType::SettingsAction);
    if public && with_code && details.code_challenge.is_none() {
        return Err(OAuthError::invalid_request("PKCE code challenge is required for public clients"));
    }
    if details.sso_enabled && client.allows_one_session_only() {
        return Err(OAuthError::invalid_request("SSO is not allowed for a client with x_max_concurrent_session"));
    }
    Ok(())
}

/// Checks that an application may request these scopes.
pub(crate) fn check_scope(client: &Client, scope: &ScopeSet) -> Result<(), OAuthError> {
    if !scope.contains("openid") {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "must request 'openid' scope"));
    }
    if let Some(unknown) = scope.iter().find(|name| Scope::ALL.iter().all(|known| known.as_str() != *name)) {
        return Err(OAuthError::new(ErrorCode::InvalidScope, format!("scope '{}' is not known", echo(unknown))));
    }
    let full_access_only =
        ["https://authgear.com/scopes/full-access", "https://authgear.com/scopes/pre-authenticated-url"];
    for name in full_access_only {
        if scope.contains(name) && !client.application_type().has_full_access() {
            return Err(OAuthError::new(
                ErrorCode::InvalidScope,
                format!("scope '{name}' is not allowed for this client"),
            ));
        }
    }
    Ok(())
}

async fn begin_promotion(
    ctx: &Ctx<'_>,
    pending: PendingRequest,
    (hint, max_age): (&AnonymousHint, Option<u64>),
    browser: BrowserState<'_>,
) -> Result<AuthorizeOutcome, Error> {
    let back = cancel_redirect(&pending);
    let Some(fingerprint) = fingerprint_of(ctx.project, hint) else { return Ok(AuthorizeOutcome::BadHint { back }) };
    // The same browser again (reload, back button): resume its flow, even when the hint itself has expired.
    let mut conn = ctx.app.store.read().await?;
    if let Some(holder) = spent::find(&mut conn, ctx.project.no, &fingerprint).await? {
        let own = flow::resume(&mut conn, ctx.project, holder, browser.browser).await?;
        return Ok(own.map_or(AuthorizeOutcome::BadHint { back }, AuthorizeOutcome::Resume));
    }
    drop(conn);
    let claim = read_promotion_hint(ctx, &pending, hint).await?;
    let claim = claim.filter(|claim| claim.guest.is_anonymous() && claim.guest.is_active());
    let Some(claim) = claim else { return Ok(AuthorizeOutcome::BadHint { back }) };
    match find_holder(&claim, &browser) {
        Holder::Another => return Ok(AuthorizeOutcome::BadHint { back }),
        Holder::Unknown => return Ok(AuthorizeOutcome::Navigate),
        Holder::This => {}
    }
    let secret = browser.browser.first().map_or_else(|| ctx.app.entropy.alphanumeric(), str::to_string);
    let mut state = FlowState::new(FlowPurpose::Promote { guest: claim.guest.id }, pending, &secret);
    state.source = claim.source;
    state.from_elsewhere = browser.caller.is_none_or(|caller| caller.user.id != claim.guest.id);
    state.max_age = max_age;
    let flow = Flow::begin_with_claim(ctx.app, state, fingerprint, ctx.now);
    Ok(AuthorizeOutcome::Pages { flow: Box::new(flow), browser: secret })
}

/// Goes on where an application's exchange of an ID token stopped.
async fn begin_continuation(
    ctx: &Ctx<'_>,
    pending: PendingRequest,
    (sealed, details): (&str, &AuthorizeDetails),
    browser: BrowserState<'_>,
) -> Result<AuthorizeOutcome, Error> {
    let back = cancel_redirect(&pending);
    let Some(continuation) = Continuation::read_page(ctx, sealed) else {
        return Ok(AuthorizeOutcome::BadHint { back });
    };
    let fingerprint = continuation.fingerprint();
    let mut conn = ctx.app.store.read().await?;
    if let Some(holder) = spent::find(&mut conn, ctx.project.no, &fingerprint).await? {
        let own = flow::resume(&mut conn, ctx.project, holder, browser.browser).await?;
        return Ok(own.map_or(AuthorizeOutcome::BadHint { back }, AuthorizeOutcome::Resume));
    }
    let is_bound = continuation.dpop_jkt.is_some();
    let is_of_key = !is_bound || continuation.dpop_jkt == pending.dpop_jkt;
    if !is_of_key || continuation.provider(ctx, &pending.client_id).is_none() {
        return Ok(AuthorizeOutcome::BadHint { back });
    }
    let Continuation { guest, kept, .. } = continuation;
    let claim = match guest {
        None => None,
        Some((guest, source)) => {
            let is_live = source.is_live(&mut conn, ctx.project, guest, ctx.now).await?;
            let guest = users::find(&mut conn, ctx.project.no, guest).await?;
            let guest = guest.filter(|guest| is_live && guest.is_anonymous() && guest.is_active());
            let Some(guest) = guest else { return Ok(AuthorizeOutcome::BadHint { back }) };
            Some(PromotionClaim { guest, source: Some(source) })
        }
    };
    drop(conn);
    let hinted = find_hinted_member(ctx, details).await?;
    let secret = browser.browser.first().map_or_else(|| ctx.app.entropy.alphanumeric(), str::to_string);
    let purpose = claim.as_ref().map_or(FlowPurpose::Login, |claim| FlowPurpose::Promote { guest: claim.guest.id });
    let mut state = FlowState::new(purpose, pending, &secret);
    // It may have been sent to this browser by somebody else, who must not leave an account of its own here.
    state.request.suppress_session = true;
    if let Some(claim) = claim {
        state.from_elsewhere = browser.caller.is_none_or(|caller| caller.user.id != claim.guest.id);
        state.source = claim.source;
    }
    // Here, `prompt=login` says that what the application has is not enough.
    state.max_age = if details.prompt.contains(Prompt::Login) { Some(0) } else { limited_age(details) };
    if let Some(hinted) = hinted {
        accept_only(ctx, &mut state, &hinted, browser.caller).await?;
    }
    let mut flow = Flow::begin_with_claim(ctx.app, state, fingerprint, ctx.now);
    external::go_on(ctx, &mut flow, KeptAnswer { is_bound, ..kept }).await?;
    Ok(AuthorizeOutcome::Pages { flow: Box::new(flow), browser: secret })
}

/// Which browser may use a hint.
enum Holder {
    This,
    Another,
    /// A form of another site has no session cookie, so the request must be repeated as a navigation.
    Unknown,
}

/// A code that was issued to a cookie session is of use only in the browser that has this session: sent as a link to another
/// person, it must not make that person's account of the sender's guest.
fn find_holder(claim: &PromotionClaim, browser: &BrowserState<'_>) -> Holder {
    let Some(PromotionSource::SignedIn { session: SessionRef::Session(id) }) = &claim.source else {
        return Holder::This;
    };
    match (browser.caller, browser.sent) {
        (Some(caller), _) if caller.session.id == *id => Holder::This,
        (None, Submission::Form { .. }) => Holder::Unknown,
        (Some(_), Submission::Form { .. } | Submission::Navigation) | (None, Submission::Navigation) => Holder::Another,
    }
}

/// The fingerprint under which a used hint is recorded; does not validate the hint.
fn fingerprint_of(project: &Project, hint: &AnonymousHint) -> Option<[u8; 16]> {
    let mac = &project.keys.mac;
    match hint {
        AnonymousHint::PromotionCode(code) => Some(mac.read_promotion_code(code)?.fingerprint),
        AnonymousHint::Jwt(jwt) => {
            let challenge = AnonymousRequest::parse_timeless(jwt).ok()?.claims.challenge;
            Some(mac.read_challenge(ChallengePurpose::AnonymousRequest.as_str(), &challenge)?.fingerprint)
        }
    }
}

/// The guest in a hint, and the credential that requested the promotion.
struct PromotionClaim {
    guest: User,
    source: Option<PromotionSource>,
}

async fn read_promotion_hint(
    ctx: &Ctx<'_>,
    pending: &PendingRequest,
    hint: &AnonymousHint,
) -> Result<Option<PromotionClaim>, Error> {
    match hint {
        AnonymousHint::PromotionCode(code) => {
            let Some(code) = ctx.project.keys.mac.read_promotion_code(code).filter(|code| ctx.now <= code.expires_at)
            else {
                return Ok(None);
            };
            let mut conn = ctx.app.store.read().await?;
            let source = code.source.map(|session| PromotionSource::SignedIn { session });
            if let Some(source) = &source
                && !source.is_live(&mut conn, ctx.project, code.user_id, ctx.now).await?
            {
                return Ok(None);
            }
            let guest = users::find(&mut conn, ctx.project.no, code.user_id).await?;
            Ok(guest.map(|guest| PromotionClaim { guest, source }))
        }
        AnonymousHint::Jwt(jwt) => {
            let origin = events::EventOrigin {
                client_id: Some(&pending.client_id),
                state: pending.state.as_deref(),
                x_state: pending.x_state.as_deref(),
            };
            let proven = device_key::prove(ctx, jwt, AnonymousAction::Promote, &origin).await;
            match proven {
                Ok(Proven { signer: Signer::Known { key, user }, .. }) => {
                    let is_guest = device_key::check_guest(&key, &user).is_ok();
                    let source = Some(PromotionSource::Key { kid: key.kid });
                    Ok(is_guest.then_some(PromotionClaim { guest: *user, source }))
                }
                Ok(Proven { signer: Signer::New { .. }, .. }) | Err(Error::InvalidAnonymousCredentials) => Ok(None),
                Err(error) => Err(error),
            }
        }
    }
}

async fn begin_app_session(
    ctx: &Ctx<'_>,
    pending: &PendingRequest,
    token: &str,
    browser: &BrowserState<'_>,
) -> Result<AuthorizeOutcome, Error> {
    Ok(match app_session::open(ctx, (None, token), browser).await? {
        Opening::Refused => AuthorizeOutcome::BadHint { back: cancel_redirect(pending) },
        Opening::Ask(question) => AuthorizeOutcome::Ask(question),
        Opening::Navigate => AuthorizeOutcome::Navigate,
        Opening::Opened { cookie, .. } => {
            AuthorizeOutcome::AppSession { cookie, location: pending.redirect_uri.trim_end_matches('?').to_string() }
        }
    })
}
