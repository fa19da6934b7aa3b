//! Values of the authorization endpoint: the request that waits, the code, the response to the app. What a request leads
//! to is decided in [`begin`].

pub mod begin;
pub mod outcome;
pub mod pushed;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    client::Client,
    id::{SessionId, UserId},
    redirect_uri::below_origin,
    secret::TokenHash,
    time::Timestamp,
};
use vestibule_protocol::oauth::{AuthorizeDetails, ErrorCode, OAuthError, ResponseMode, ResponseType};
use vestibule_store::codes;

use crate::{
    caller::SessionCaller,
    candidates::Candidates,
    crypto::{base64url, sha256},
    ctx::Ctx,
    error::Error,
    limits::rates,
    projects::Project,
    state::App,
};

/// How long an authorization code can be exchanged.
pub(crate) const CODE_LIFETIME: Duration = Duration::from_secs(300);
/// Lifetime of a flow.
pub(crate) const FLOW_LIFETIME: Duration = Duration::from_secs(25 * 60);

/// A validated authorization request that waits for the user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingRequest {
    pub client_id: String,
    pub redirect_uri: String,
    pub response_type: String,
    pub response_mode: String,
    pub state: Option<String>,
    pub scope: String,
    pub nonce: Option<String>,
    pub code_challenge: Option<String>,
    pub dpop_jkt: Option<String>,
    /// A cookie session must not be created or used.
    pub suppress_session: bool,
    pub ui_locales: Option<String>,
    pub color_scheme: Option<String>,
    pub x_state: Option<String>,
}

/// The stored payload of an authorization code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CodePayload {
    pub client_id: String,
    pub redirect_uri: String,
    pub user_id: UserId,
    /// The cookie session that the grant will belong to.
    pub session_id: Option<SessionId>,
    /// The cookie session that the code was issued to; it must not have ended. The grant need not belong to it.
    #[serde(default)]
    pub issued_to: Option<SessionId>,
    pub scope: String,
    /// Whether that is less than requested, so that the client must be informed (RFC 6749 §5.1).
    #[serde(default)]
    pub is_scope_limited: bool,
    pub nonce: Option<String>,
    pub code_challenge: Option<String>,
    pub dpop_jkt: Option<String>,
    pub authenticated_at: Timestamp,
    pub amr: Option<String>,
    /// Whether the exchange ends the guest's earlier grants of the application: true after a promotion.
    pub ends_earlier_grants: bool,
}

/// A response sent to the app through the browser.
#[derive(Clone, Debug)]
pub struct AppRedirect {
    pub uri: String,
    pub mode: ResponseMode,
    pub parameters: Vec<(&'static str, String)>,
}

/// State that the browser sent.
pub struct BrowserState<'a> {
    /// The user of the session cookie.
    pub caller: Option<&'a SessionCaller>,
    /// The app session cookies. They open account pages only: here for settings actions, and to be compared before
    /// another one replaces them.
    pub app_session: &'a Candidates,
    /// The secrets of earlier flows, from the flow cookies.
    pub browser: &'a Candidates,
    pub sent: Submission<'a>,
}

/// How the browser sent the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submission<'a> {
    /// As a navigation, with Lax cookies.
    Navigation,
    /// As a form: from one of this server's pages, with the user's agreement, or from another site, without cookies.
    Form { agreement: Option<&'a str> },
}

/// Finds the application and the redirect URI for the response to an authorization request.
///
/// An error must be shown, not redirected.
pub fn find_target<'a>(
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
        // Settings links use a page of this server without registration.
        Some(uri) => client.find_redirect_uri(uri).or_else(|| below_origin(&project.origin, uri)),
        None => client.only_redirect_uri().map(str::to_string),
    };
    let uri = uri.ok_or_else(|| OAuthError::invalid_request("redirect URI is not allowed"))?;
    Ok((client, uri))
}

/// Checks that the application of a request that waited may still get a code at its redirect URI. It may have been removed or
/// changed since, and another application may have its ID.
///
/// # Errors
/// [`Error::ClientChanged`], which must be shown, not redirected.
pub(crate) fn check_target(project: &Project, pending: &PendingRequest) -> Result<(), Error> {
    if !pending.wants_code() {
        return Ok(());
    }
    let found = find_target(project, &pending.client_id, Some(&pending.redirect_uri));
    found.map(drop).map_err(|_| Error::ClientChanged)
}

/// Responds to an app for a user who is signed in by the session cookie; no other credential leads to a code.
pub async fn issue_for_caller(
    ctx: &Ctx<'_>,
    pending: &PendingRequest,
    caller: &SessionCaller,
) -> Result<AppRedirect, Error> {
    let SessionCaller { user, session } = caller;
    check_target(ctx.project, pending)?;
    rates::charge_code(ctx, user.id)?;
    let earned = CompletedFlow {
        user_id: user.id,
        session_id: Some(session.id),
        authenticated_at: session.authenticated_at,
        amr: session.amr.clone(),
        ends_earlier_grants: false,
        limited_scope: if user.is_anonymous() {
            limit_scope_to_guest(ctx.project, &pending.client_id, &pending.scope)
        } else {
            None
        },
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
pub(crate) fn limit_scope_to_guest(project: &Project, client_id: &str, scope: &str) -> Option<String> {
    let client = project.settings.client(client_id)?;
    if client.has_default_guest_scopes() {
        return None;
    }
    let allowed = client.scopes_for_guest();
    let kept = scope.split(' ').filter(|name| allowed.contains(name)).collect::<Vec<_>>().join(" ");
    (kept != scope).then_some(kept)
}

/// An authorization code, to be stored by the transaction that grants it.
pub struct NewCode {
    /// The code that the app receives.
    pub text: String,
    pub hash: TokenHash,
    pub payload: String,
    pub expires_at: Timestamp,
}

/// What an authorization code is issued for.
pub struct CompletedFlow {
    pub user_id: UserId,
    /// The cookie session that it comes from, or that was created with it.
    pub session_id: Option<SessionId>,
    pub authenticated_at: Timestamp,
    pub amr: Option<String>,
    pub ends_earlier_grants: bool,
    /// The granted scope, where it is less than requested.
    pub limited_scope: Option<String>,
}

/// Creates an authorization code; `None` when the response type has none.
pub fn make_code(app: &App, pending: &PendingRequest, earned: CompletedFlow, now: Timestamp) -> Option<NewCode> {
    make_code_of(app.entropy.alphanumeric(), pending, earned, now)
}

/// The same with this text.
pub(crate) fn make_code_of(
    text: String,
    pending: &PendingRequest,
    earned: CompletedFlow,
    now: Timestamp,
) -> Option<NewCode> {
    if !pending.wants_code() {
        return None;
    }
    let payload = CodePayload {
        client_id: pending.client_id.clone(),
        redirect_uri: pending.redirect_uri.clone(),
        user_id: earned.user_id,
        session_id: earned.session_id.filter(|_| !pending.suppress_session),
        issued_to: earned.session_id,
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
pub fn answer(pending: &PendingRequest, code: Option<String>) -> AppRedirect {
    redirect(pending, code.map(|code| ("code", code)).into_iter().collect())
}

/// The error response to the app.
pub fn error_redirect(pending: &PendingRequest, error: &OAuthError) -> AppRedirect {
    redirect(pending, error_parameters(error))
}

/// The response to the app when the user cancels.
pub fn cancel_redirect(pending: &PendingRequest) -> AppRedirect {
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
    /// Whether a successful response has an authorization code.
    pub(crate) fn wants_code(&self) -> bool {
        self.response_type != ResponseType::None.as_str()
    }

    /// Keeps the parts of a request that are needed later.
    pub fn new(
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
pub fn early_error(uri: String, mode: ResponseMode, state: Option<String>, error: &OAuthError) -> AppRedirect {
    let mut parameters = error_parameters(error);
    parameters.extend(state.map(|state| ("state", state)));
    AppRedirect { uri, mode, parameters }
}

fn error_parameters(error: &OAuthError) -> Vec<(&'static str, String)> {
    vec![("error", error.code.as_str().to_string()), ("error_description", error.description().to_string())]
}
