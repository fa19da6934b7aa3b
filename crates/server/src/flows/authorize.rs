//! Decisions of the authorization endpoint: redirect back to the app, start a flow, or show an error.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    client::Client,
    id::{FlowId, SessionId, UserId},
    secret::TokenHash,
    time::Timestamp,
    user::User,
};
use vestibule_protocol::{
    api::ChallengePurpose,
    echo,
    jose::{AnonymousAction, AnonymousRequest},
    login_hint::{AnonymousHint, LoginHint},
    oauth::{AuthorizeDetails, ErrorCode, OAuthError, ResponseMode, ResponseType, Scope, ScopeSet},
};
use vestibule_store::{codes, spent, users};

use super::{
    Error,
    app_session::{self, Opening, SwitchQuestion},
    caller::SessionCaller,
    candidates::Candidates,
    device_key::{self, Proven, Signer},
    page_flow::{self, Flow, FlowPurpose, FlowState, begin},
    promotion::source::PromotionSource,
    rates,
    settings::settings_action::{SettingsActionKind, start_settings_action},
};
use crate::{
    app::App,
    crypto::{base64url, sha256},
    events,
    flows::ctx::Ctx,
    projects::Project,
};

/// How long an authorization code can be exchanged.
pub(crate) const CODE_LIFETIME: Duration = Duration::from_secs(300);
/// Lifetime of a flow.
pub(crate) const FLOW_LIFETIME: Duration = Duration::from_secs(25 * 60);

/// A validated authorization request that waits for the user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PendingRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) response_type: String,
    pub(crate) response_mode: String,
    pub(crate) state: Option<String>,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    pub(crate) code_challenge: Option<String>,
    pub(crate) dpop_jkt: Option<String>,
    /// A cookie session must not be created or used.
    pub(crate) suppress_session: bool,
    pub(crate) ui_locales: Option<String>,
    pub(crate) color_scheme: Option<String>,
    pub(crate) x_state: Option<String>,
}

/// The stored payload of an authorization code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CodePayload {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) user_id: UserId,
    pub(crate) session_id: Option<SessionId>,
    pub(crate) scope: String,
    /// Whether that is less than requested, so that the client must be informed (RFC 6749 §5.1).
    #[serde(default)]
    pub(crate) is_scope_limited: bool,
    pub(crate) nonce: Option<String>,
    pub(crate) code_challenge: Option<String>,
    pub(crate) dpop_jkt: Option<String>,
    pub(crate) authenticated_at: Timestamp,
    pub(crate) amr: Option<String>,
    /// Whether the exchange ends the guest's earlier grants of the application: true after a promotion.
    pub(crate) ends_earlier_grants: bool,
}

/// A response sent to the app through the browser.
#[derive(Clone, Debug)]
pub(crate) struct AppRedirect {
    pub(crate) uri: String,
    pub(crate) mode: ResponseMode,
    pub(crate) parameters: Vec<(&'static str, String)>,
}

/// The result of an authorization request.
pub(crate) enum AuthorizeOutcome {
    /// A response to the app, without a page.
    Redirect(AppRedirect),
    /// The first page of a new flow; the browser keeps its secret in a cookie.
    Pages { flow: Box<Flow>, browser: String },
    /// A flow that this browser began before.
    Resume(FlowId),
    /// One of this server's pages, with an app session cookie.
    AppSession { cookie: String, location: String },
    /// The account page, for a settings action of an app.
    SettingsAction { cookie: Option<String>, settings_action: FlowId, action: SettingsActionKind },
    /// The question whether another user's account page may be opened in this browser.
    Ask(Box<SwitchQuestion>),
    /// The same request repeated as a navigation, so that the browser sends its cookies.
    Navigate,
    /// An error: the promotion code or proof in the hint is invalid.
    BadHint { back: AppRedirect },
}

/// State that the browser sent.
pub(crate) struct BrowserState<'a> {
    /// The user of the session cookie.
    pub(crate) caller: Option<&'a SessionCaller>,
    /// The app session cookies. They open account pages only: here for settings actions, and to be compared before
    /// another one replaces them.
    pub(crate) app_session: &'a Candidates,
    /// The secrets of earlier flows, from the flow cookies.
    pub(crate) browser: &'a Candidates,
    pub(crate) sent: Submission<'a>,
}

/// How the browser sent the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Submission<'a> {
    /// As a navigation, with Lax cookies.
    Navigation,
    /// As a form: from one of this server's pages, with the user's agreement, or from another site, without cookies.
    Form { agreement: Option<&'a str> },
}

/// Finds the application and the redirect URI for the response to an authorization request.
///
/// An error must be shown, not redirected.
pub(crate) fn find_target<'a>(
    project: &'a Project,
    client_id: &str,
    redirect_uri: Option<&str>,
) -> Result<(&'a Client, String), OAuthError> {
    let client = project
        .settings
        .client(client_id)
        .filter(|client| client.application_type().has_users())
        .ok_or_else(|| OAuthError::new(ErrorCode::UnauthorizedClient, "invalid client ID"))?;
    let uri = match redirect_uri {
        Some(uri) if client.allows_redirect_uri(uri) || is_own_page(project, uri) => uri.to_string(),
        Some(_) => return Err(OAuthError::invalid_request("redirect URI is not allowed")),
        None => client
            .only_redirect_uri()
            .ok_or_else(|| OAuthError::invalid_request("redirect URI is not allowed"))?
            .to_string(),
    };
    Ok((client, uri))
}

/// Whether the URI is a page of this server: settings links use one without registration.
fn is_own_page(project: &Project, uri: &str) -> bool {
    uri.strip_prefix(&project.origin).is_some_and(|rest| rest.starts_with('/') && !rest.starts_with("//"))
}

/// Decides the result of a request whose redirect URI is validated.
///
/// # Errors
/// The outer error is the server's (store, limits); the inner one is redirected to the app.
pub(crate) async fn begin(
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
        return start_settings_action(ctx, client, pending, details, browser).await;
    }
    match &details.login_hint {
        Some(LoginHint::AppSessionToken(token)) => begin_app_session(ctx, &pending, token, &browser).await.map(Ok),
        Some(LoginHint::Anonymous(hint)) => begin_promotion(ctx, pending, hint, browser).await.map(Ok),
        Some(LoginHint::LoginId { .. } | LoginHint::Plain(_)) | None => {
            begin::begin_sign_in(ctx, pending, details, browser).await
        }
    }
}

fn check_details(client: &Client, details: &AuthorizeDetails) -> Result<(), OAuthError> {
    match details.response_type {
        ResponseType::Code | ResponseType::None => {}
        ResponseType::SettingsAction if client.application_type().is_first_party() => {}
        ResponseType::SettingsAction => {
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "response type is not allowed for this client"));
        }
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

fn check_scope(client: &Client, scope: &ScopeSet) -> Result<(), OAuthError> {
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
    hint: &AnonymousHint,
    browser: BrowserState<'_>,
) -> Result<AuthorizeOutcome, Error> {
    let back = cancel_redirect(&pending);
    let Some(fingerprint) = fingerprint_of(ctx.project, hint) else { return Ok(AuthorizeOutcome::BadHint { back }) };
    // The same browser again (reload, back button): resume its flow, even when the hint itself has expired.
    let mut conn = ctx.app.store.read().await?;
    if let Some(holder) = spent::find(&mut conn, ctx.project.no, &fingerprint).await? {
        let own = page_flow::resume(&mut conn, ctx.project, holder, browser.browser).await?;
        return Ok(own.map_or(AuthorizeOutcome::BadHint { back }, AuthorizeOutcome::Resume));
    }
    drop(conn);
    let claim = read_promotion_hint(ctx, &pending, hint).await?;
    let claim = claim.filter(|claim| claim.guest.is_anonymous() && claim.guest.is_active());
    let Some(claim) = claim else { return Ok(AuthorizeOutcome::BadHint { back }) };
    let secret = browser.browser.first().map_or_else(|| ctx.app.entropy.alphanumeric(), str::to_string);
    let mut state = FlowState::new(FlowPurpose::Promote { guest: claim.guest.id }, pending, &secret);
    state.source = claim.source;
    let flow = Flow::begin_with_claim(ctx.app, state, fingerprint, ctx.now);
    Ok(AuthorizeOutcome::Pages { flow: Box::new(flow), browser: secret })
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

/// Responds to an app for a user who is signed in by the session cookie; no other credential leads to a code.
pub(crate) async fn issue_for_caller(
    ctx: &Ctx<'_>,
    pending: &PendingRequest,
    caller: &SessionCaller,
) -> Result<AppRedirect, Error> {
    let SessionCaller { user, session } = caller;
    rates::charge_code(ctx, user.id)?;
    let earned = CompletedFlow {
        user_id: user.id,
        session_id: Some(session.id),
        authenticated_at: session.authenticated_at,
        amr: session.amr.clone(),
        ends_earlier_grants: false,
        limited_scope: if user.is_anonymous() { limit_to_guest(ctx.project, pending) } else { None },
    };
    let Some(code) = make_code(ctx.app, pending, earned, ctx.now) else { return Ok(answer(pending, None)) };
    let (no, text) = (ctx.project.no, code.text.clone());
    ctx.app
        .store
        .write("issue_code", code, move |tx, code| {
            Box::pin(async move { codes::insert(tx, no, code.hash, &code.payload, code.expires_at).await })
        })
        .await?;
    Ok(answer(pending, Some(text)))
}

/// The scope for a guest, when its application allows guests less than was requested (RFC 6749 §3.3).
fn limit_to_guest(project: &Project, pending: &PendingRequest) -> Option<String> {
    let client = project.settings.client(&pending.client_id)?;
    if client.has_default_guest_scopes() {
        return None;
    }
    let allowed = client.scopes_for_guest();
    let kept = pending.scope.split(' ').filter(|name| allowed.contains(name)).collect::<Vec<_>>().join(" ");
    (kept != pending.scope).then_some(kept)
}

/// An authorization code, to be stored by the transaction that grants it.
pub(crate) struct NewCode {
    /// The code that the app receives.
    pub(crate) text: String,
    pub(crate) hash: TokenHash,
    pub(crate) payload: String,
    pub(crate) expires_at: Timestamp,
}

/// What an authorization code is issued for.
pub(crate) struct CompletedFlow {
    pub(crate) user_id: UserId,
    /// The cookie session that it comes from, or that was created with it.
    pub(crate) session_id: Option<SessionId>,
    pub(crate) authenticated_at: Timestamp,
    pub(crate) amr: Option<String>,
    pub(crate) ends_earlier_grants: bool,
    /// The granted scope, where it is less than requested.
    pub(crate) limited_scope: Option<String>,
}

/// Creates an authorization code; `None` when the response type has none.
pub(crate) fn make_code(app: &App, pending: &PendingRequest, earned: CompletedFlow, now: Timestamp) -> Option<NewCode> {
    if pending.response_type == ResponseType::None.as_str() {
        return None;
    }
    let text = app.entropy.alphanumeric();
    let payload = CodePayload {
        client_id: pending.client_id.clone(),
        redirect_uri: pending.redirect_uri.clone(),
        user_id: earned.user_id,
        session_id: earned.session_id.filter(|_| !pending.suppress_session),
        is_scope_limited: earned.limited_scope.is_some(),
        scope: earned.limited_scope.unwrap_or_else(|| pending.scope.clone()),
        nonce: pending.nonce.clone(),
        code_challenge: pending.code_challenge.clone(),
        dpop_jkt: pending.dpop_jkt.clone(),
        authenticated_at: earned.authenticated_at,
        amr: earned.amr,
        ends_earlier_grants: earned.ends_earlier_grants,
    };
    Some(NewCode {
        hash: sha256(text.as_bytes()),
        text,
        payload: serde_json::to_string(&payload).expect("a code's payload is plain JSON"),
        expires_at: now.plus(CODE_LIFETIME),
    })
}

/// The success response to the app.
pub(crate) fn answer(pending: &PendingRequest, code: Option<String>) -> AppRedirect {
    redirect(pending, code.map(|code| ("code", code)).into_iter().collect())
}

/// The error response to the app.
pub(crate) fn error_redirect(pending: &PendingRequest, error: &OAuthError) -> AppRedirect {
    redirect(pending, error_parameters(error))
}

/// The response to the app when the user cancels.
pub(crate) fn cancel_redirect(pending: &PendingRequest) -> AppRedirect {
    error_redirect(pending, &OAuthError::new(ErrorCode::AccessDenied, "the user cancelled"))
}

fn redirect(pending: &PendingRequest, mut parameters: Vec<(&'static str, String)>) -> AppRedirect {
    if let Some(state) = &pending.state {
        parameters.push(("state", state.clone()));
    }
    let mode = ResponseMode::parse(&pending.response_mode).unwrap_or_default();
    AppRedirect { uri: pending.redirect_uri.clone(), mode, parameters }
}

impl PendingRequest {
    /// Keeps the parts of a request that are needed later.
    pub(crate) fn new(
        client_id: &str,
        redirect_uri: String,
        mode: ResponseMode,
        state: Option<String>,
        details: &AuthorizeDetails,
    ) -> Self {
        let locales = details.ui_locales.print();
        Self {
            client_id: client_id.to_string(),
            redirect_uri,
            response_type: details.response_type.as_str().to_string(),
            response_mode: mode.as_str().to_string(),
            state,
            scope: details.scope.served().print(),
            nonce: details.nonce.clone(),
            code_challenge: details.code_challenge.as_ref().map(|challenge| base64url(challenge.digest())),
            dpop_jkt: details.dpop_jkt.as_ref().map(ToString::to_string),
            suppress_session: details.suppress_session_cookie,
            ui_locales: (!locales.is_empty()).then_some(locales),
            color_scheme: details.color_scheme.map(|scheme| scheme.as_str().to_string()),
            x_state: details.x_state.clone(),
        }
    }
}

/// The error response to an app whose request is invalid before anything is stored.
pub(crate) fn early_error(uri: String, mode: ResponseMode, state: Option<String>, error: &OAuthError) -> AppRedirect {
    let mut parameters = error_parameters(error);
    parameters.extend(state.map(|state| ("state", state)));
    AppRedirect { uri, mode, parameters }
}

fn error_parameters(error: &OAuthError) -> Vec<(&'static str, String)> {
    vec![("error", error.code.as_str().to_string()), ("error_description", error.description().to_string())]
}
