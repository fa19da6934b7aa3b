//! Starts a flow from the account page: a guest's promotion or a member's sign-in.

use vestibule_domain::{client::Client, time::Timestamp};
use vestibule_protocol::oauth::{ResponseMode, ResponseType, ScopeSet};

use crate::{
    authorize::PendingRequest,
    caller::{AccountCaller, SessionCaller, Via},
    ctx::Ctx,
    flow::{Flow, FlowPurpose, FlowState},
    projects::Project,
    promotion::source::PromotionSource,
    state::App,
};

/// A new flow on its first page.
pub struct BegunFlow {
    pub flow: Flow,
    /// The secret for the flow cookie.
    pub browser: String,
}

/// Starts the promotion of the guest on the account page; `None` when the caller is not a guest.
///
/// The session is the proof, so there is no challenge to redeem: of several such flows the first to finish promotes the
/// guest, the others find a member.
pub fn begin_promotion(ctx: &Ctx<'_>, caller: &AccountCaller, browser: Option<&str>) -> Option<BegunFlow> {
    let client = client_of(ctx.project, caller).filter(|_| caller.user.is_anonymous())?;
    // An account page opened by an app must not leave a session of its own in the browser.
    let request = ask_for_account_page(ctx.project, client, caller.session().is_none());
    let (purpose, source) = (FlowPurpose::Promote { guest: caller.user.id }, Some(PromotionSource::of_account(caller)));
    let mut begun = begin_flow(ctx.app, (purpose, source), request, browser, ctx.now);
    begun.flow.state.from_elsewhere = caller.session().is_none();
    Some(begun)
}

/// Starts the sign-in of a member who opened the account page directly; `None` when the project has no application that
/// users sign in to. `next` is the requested account page, or the first.
pub fn begin_sign_in(ctx: &Ctx<'_>, next: Option<&str>, browser: Option<&str>) -> Option<BegunFlow> {
    let client = ctx.project.settings.clients().iter().find(|client| client.application_type().has_full_access())?;
    let mut request = ask_for_account_page(ctx.project, client, false);
    if let Some(next) = next {
        request.redirect_uri = format!("{}{next}", ctx.project.origin);
    }
    Some(begin_flow(ctx.app, (FlowPurpose::Login, None), request, browser, ctx.now))
}

/// Starts the sign-in of a user who is to decide about a device, and leads back to `page`; `None` when the project has no application
/// that users sign in to. A guest joins instead, or signs in to an account that it has.
pub fn begin_for_device(
    ctx: &Ctx<'_>,
    (client_id, page): (&str, &str),
    caller: Option<&SessionCaller>,
    browser: Option<&str>,
) -> Option<BegunFlow> {
    let settings = &ctx.project.settings;
    let own = settings.client(client_id).filter(|client| !client.is_third_party());
    // A third-party application asks for its consent on the page of the device.
    let client = own.or_else(|| settings.clients().iter().find(|one| one.application_type().has_full_access()))?;
    let mut request = ask_for_account_page(ctx.project, client, false);
    request.redirect_uri = format!("{}{page}", ctx.project.origin);
    let guest = caller.filter(|caller| caller.user.is_anonymous());
    let purpose = if guest.is_some() { FlowPurpose::SignUp } else { FlowPurpose::Login };
    let mut begun = begin_flow(ctx.app, (purpose, guest.map(PromotionSource::of_session)), request, browser, ctx.now);
    begun.flow.state.guest = guest.map(|caller| caller.user.id);
    Some(begun)
}

/// The authorization request that leads back to the account page.
fn ask_for_account_page(project: &Project, client: &Client, suppress_session: bool) -> PendingRequest {
    PendingRequest {
        client_id: client.client_id.clone(),
        redirect_uri: format!("{}/settings", project.origin),
        response_type: ResponseType::None.as_str().to_string(),
        response_mode: ResponseMode::default().as_str().to_string(),
        state: None,
        scope: ScopeSet::guest_default().print(),
        nonce: None,
        code_challenge: None,
        dpop_jkt: None,
        suppress_session,
        ui_locales: None,
        color_scheme: None,
        x_state: None,
    }
}

fn begin_flow(
    app: &App,
    (purpose, source): (FlowPurpose, Option<PromotionSource>),
    request: PendingRequest,
    browser: Option<&str>,
    now: Timestamp,
) -> BegunFlow {
    let browser = browser.map_or_else(|| app.entropy.alphanumeric(), str::to_string);
    let mut state = FlowState::new(purpose, request, &browser);
    state.source = source;
    BegunFlow { flow: Flow::begin(app, state, now), browser }
}

/// The application of the guest; a cookie session belongs to all that may have guests.
fn client_of<'a>(project: &'a Project, caller: &AccountCaller) -> Option<&'a Client> {
    match &caller.via {
        Via::Grant(grant) => project.settings.client(&grant.client_id),
        Via::Session(_) => {
            project.settings.clients().iter().find(|client| client.application_type().allows_anonymous())
        }
    }
}
