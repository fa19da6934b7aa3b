//! The pages of promotion, sign-up and sign-in: each request loads the flow, calls one step, and renders the next page.

pub mod act;
pub(crate) mod continue_as;
pub mod identify;
pub(crate) mod merge_page;
pub(crate) mod passkey_page;
pub mod password;
pub mod promotion;
pub mod provider;
mod recovery;
pub mod show;
pub mod switch_account;
pub(crate) mod verify_code;

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, Uri, request::Parts},
    response::Response,
};
use vestibule_app::{
    authorize::PendingRequest,
    caller::SessionCaller,
    crypto::is_equal,
    error::Error,
    flow::{
        self, Flow, FlowProblem,
        commit::{answer_again, session_cookie_again},
        recovery::{OtherMethod, list_others},
    },
    identities::LoadedUser,
    sessions::find_user,
};
use vestibule_domain::{id::FlowId, identifier::LoginIdKind, identity::IdentityDetail, user::User};
use vestibule_protocol::form::Form;
use vestibule_web::{
    body, cookies,
    credentials::FlowCookies,
    error,
    field::TextLink,
    history::{self, RenderedPage},
    look_ahead::{is_prefetch, refuse_prefetch},
    notice::NoticeKind,
    page::Page,
    route::path_parameter,
    visit::Visit,
};

use crate::{
    PageFrame, body_error_page,
    end_pages::{ErrorKind, ErrorPage},
    error_page,
    flow::promotion::AlreadyPromotedPage,
    flow_error, home_link, page, render, see_other, to_app,
};

/// The URLs below a flow's own; each shows a page and handles its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// The page that the flow's state requires.
    Current,
    /// The first page, whatever the state: the target of the back button.
    Start,
    /// Joining: a login ID.
    Identify,
    /// Joining: its code.
    Code,
    /// Joining: a passkey for the login ID.
    NewPasskey,
    /// Joining: without a passkey.
    SkipPasskey,
    /// Joining with only a passkey.
    PasskeyAlone,
    /// Joining: "I have an account".
    HaveAccount,
    /// Sign-in: a login ID.
    Login,
    /// Sign-in: its password.
    Password,
    /// Sign-in: a code instead of the password.
    UseCode,
    /// Sign-in: the code that was sent.
    LoginCode,
    /// Sign-in: a passkey.
    Passkey,
    /// Recovery of a forgotten password.
    Forgotten,
    /// Recovery: the new password.
    NewPassword,
    /// Signing in with a provider.
    Provider,
    /// Continuing as the signed-in or just authenticated user.
    Continue,
    /// Deciding about the guest, with the member proved.
    Merge,
    /// Agreeing to a third-party application.
    Consent,
    /// Returning to the app without a result.
    Cancel,
}

impl View {
    const ALL: [Self; 20] = [
        Self::Current,
        Self::Start,
        Self::Identify,
        Self::Code,
        Self::NewPasskey,
        Self::SkipPasskey,
        Self::PasskeyAlone,
        Self::HaveAccount,
        Self::Login,
        Self::Password,
        Self::UseCode,
        Self::LoginCode,
        Self::Passkey,
        Self::Forgotten,
        Self::NewPassword,
        Self::Provider,
        Self::Continue,
        Self::Merge,
        Self::Consent,
        Self::Cancel,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Current => "",
            Self::Start => "start",
            Self::Identify => "identify",
            Self::Code => "code",
            Self::NewPasskey => "new-passkey",
            Self::SkipPasskey => "skip-passkey",
            Self::PasskeyAlone => "passkey-alone",
            Self::HaveAccount => "have-account",
            Self::Login => "login",
            Self::Password => "password",
            Self::UseCode => "use-code",
            Self::LoginCode => "login-code",
            Self::Passkey => "passkey",
            Self::Forgotten => "forgotten",
            Self::NewPassword => "new-password",
            Self::Provider => "provider",
            Self::Continue => "continue",
            Self::Merge => "merge",
            Self::Consent => "consent",
            Self::Cancel => "cancel",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.as_str() == name)
    }
}

/// The signed-in user that may continue or decides, as the page names it.
struct Offered {
    person: Option<String>,
    detail: Option<String>,
}

/// A request to a flow's pages, with the flow loaded.
struct Scene {
    visit: Visit,
    cookies: FlowCookies,
    headers: HeaderMap,
    browser: String,
    flow: Flow,
    offered: Option<Offered>,
    /// Recovery: the other sign-in methods of the member.
    others: Vec<OtherMethod>,
}

/// `GET /flow/{id}`
pub async fn show(visit: Visit, cookies: FlowCookies, request: Request) -> Response {
    show_view(visit, cookies, View::Current, request.into_parts().0).await
}

/// `GET /flow/{id}/{view}`
pub async fn show_step(visit: Visit, cookies: FlowCookies, request: Request) -> Response {
    let mut parts = request.into_parts().0;
    match View::from_name(&path_parameter(&mut parts, "view").await) {
        // The application gets its answer from this page, so the browser must not fetch it before the user decides.
        Some(View::Cancel) if is_prefetch(&parts.headers) => refuse_prefetch(),
        Some(view) => show_view(visit, cookies, view, parts).await,
        None => error_page(&visit, &parts.headers, None, StatusCode::NOT_FOUND, ErrorKind::NotFound),
    }
}

async fn show_view(visit: Visit, cookies: FlowCookies, view: View, mut request: Parts) -> Response {
    let id = path_parameter(&mut request, "id").await;
    match open((visit, cookies), &id, None, (&request.headers, Some(&request.uri))).await {
        Ok(scene) if scene.flow.state.finished => {
            let page = scene.look(view, kind_in(&request.uri)).await;
            scene.restore_session(page).await
        }
        Ok(scene) => scene.look(view, kind_in(&request.uri)).await,
        Err(response) => response,
    }
}

/// The kind of login ID that a URL selects.
fn kind_in(uri: &Uri) -> Option<LoginIdKind> {
    let query = Form::parse_query(uri.query().unwrap_or_default()).ok()?;
    LoginIdKind::from_name(query.get("kind").ok().flatten()?)
}

/// Shows the first page of a new flow. Nothing is stored: the page carries the flow.
pub async fn begin(visit: &Visit, cookies: FlowCookies, headers: &HeaderMap, flow: Flow, browser: String) -> Response {
    let view = if flow.goes_on() { View::Current } else { View::Start };
    begin_at(view, visit, cookies, headers, (flow, browser)).await
}

/// Starts a flow on the page that recovers a password.
pub(crate) async fn begin_recovery(
    visit: &Visit,
    cookies: FlowCookies,
    headers: &HeaderMap,
    flow: Flow,
    browser: String,
) -> Response {
    begin_at(View::Forgotten, visit, cookies, headers, (flow, browser)).await
}

async fn begin_at(
    view: View,
    visit: &Visit,
    cookies: FlowCookies,
    headers: &HeaderMap,
    (flow, browser): (Flow, String),
) -> Response {
    let mut response = match Scene::set((visit.clone(), cookies), headers, flow, browser.clone()).await {
        Ok(scene) => scene.show(view, None),
        Err(response) => response,
    };
    cookies::set_flow(response.headers_mut(), &visit.project, &browser);
    response
}

/// `POST /flow/{id}/{view}`
pub async fn act(visit: Visit, cookies: FlowCookies, request: Request) -> Response {
    let mut response = Box::pin(respond(visit, cookies, request)).await;
    // A page that carries its flow cannot be reached by a redirect.
    if response.extensions().get::<RenderedPage>().is_some() {
        history::store(&mut response);
    }
    response
}

async fn respond(visit: Visit, cookies: FlowCookies, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let (id, view) = (path_parameter(&mut parts, "id").await, path_parameter(&mut parts, "view").await);
    let (headers, uri) = (parts.headers.clone(), parts.uri.clone());
    let request = Request::from_parts(parts, body);
    let body = match body::read_form(&visit, request).await {
        Ok(body) => body,
        Err(problem) => return body_error_page(&visit, &headers, problem),
    };
    let form = match body.form() {
        Ok(form) => form,
        Err(problem) => return error::plain(StatusCode::BAD_REQUEST, format!("{problem}\n")),
    };
    let Some(view) = View::from_name(&view) else {
        return error_page(&visit, &headers, None, StatusCode::NOT_FOUND, ErrorKind::NotFound);
    };
    let mut scene = match open((visit, cookies), &id, form.get("_flow").ok().flatten(), (&headers, None)).await {
        Ok(scene) => scene,
        Err(response) => return response,
    };
    if !scene.is_own_form(form.get("_csrf").ok().flatten().unwrap_or_default()) {
        return scene.render(StatusCode::FORBIDDEN, Some(NoticeKind::FormExpired), scene.current_page().as_ref());
    }
    // A link of a page that carries its flow.
    if form.get("action").ok().flatten() == Some("show") {
        return scene.look(view, kind_in(&uri)).await;
    }
    if scene.flow.state.finished {
        return scene.finish_again().await;
    }
    // All other steps are done: their forms are of pages from before.
    if scene.flow.state.awaits_consent.is_some() && view != View::Consent {
        return scene.go(View::Consent);
    }
    if scene.flow.state.awaits_merge.is_some() && view != View::Merge {
        return scene.go(View::Merge);
    }
    scene.act(view, &form).await
}

/// Loads the flow of a request. `page` is the URL of a page: a browser without the flow cookie gets one and is
/// redirected back, while a form without it is refused.
async fn open(
    (visit, cookies): (Visit, FlowCookies),
    id: &str,
    sealed: Option<&str>,
    (headers, page): (&HeaderMap, Option<&Uri>),
) -> Result<Scene, Response> {
    let Ok(id) = id.parse::<FlowId>() else {
        return Err(error_page(&visit, headers, None, StatusCode::NOT_FOUND, ErrorKind::NotFound));
    };
    let loaded = flow::load(&visit.ctx(), (id, sealed), &cookies.flow).await;
    match loaded {
        Ok(Ok((flow, browser))) => Scene::set((visit, cookies), headers, flow, browser).await,
        Ok(Err(FlowProblem::Expired(request))) => {
            Err(error_page(&visit, headers, request.as_deref(), StatusCode::GONE, ErrorKind::FlowExpired))
        }
        Ok(Err(FlowProblem::ForeignBrowser(request))) => Err(match page {
            _ if !cookies.flow.is_empty() => refuse(&visit, headers, &request, ErrorKind::ForeignBrowser),
            Some(uri) => look_for_cookies(&visit, headers, &request, uri),
            None => refuse(&visit, headers, &request, ErrorKind::CookiesBlocked),
        }),
        Err(error) => Err(flow_error(&visit, headers, &error)),
    }
}

/// Marks the URL of a redirect that sets the cookie, to detect browsers that reject it.
const COOKIE_SENT: &str = "cookie=sent";

/// A browser without the flow cookie is a different one, or rejects cookies: sets one and redirects back once to find
/// out.
fn look_for_cookies(visit: &Visit, headers: &HeaderMap, request: &PendingRequest, uri: &Uri) -> Response {
    if uri.query().is_some_and(|query| query.split('&').any(|pair| pair == COOKIE_SENT)) {
        return refuse(visit, headers, request, ErrorKind::CookiesBlocked);
    }
    let mut response = see_other(&format!("{}?{COOKIE_SENT}", uri.path()));
    cookies::set_flow(response.headers_mut(), &visit.project, &visit.app.entropy.alphanumeric());
    response
}

/// The error for a browser that the flow does not belong to. It links to the home page, not to the app with the
/// request's response.
fn refuse(visit: &Visit, headers: &HeaderMap, request: &PendingRequest, kind: ErrorKind) -> Response {
    let home = home_link(&visit.project, Some(&request.client_id));
    let content = ErrorPage::new(kind).with_action(home).with_request_id(visit.request_id.to_string());
    page(visit, headers, Some(request), StatusCode::FORBIDDEN, &content)
}

/// How a page names a user: the name or a login ID, and a second line.
pub(crate) fn name_of(visit: &Visit, loaded: &LoadedUser) -> (Option<String>, Option<String>) {
    let name = loaded.user.standard_attributes.get("name").and_then(|name| name.as_str()).map(str::to_string);
    let mut login_ids = loaded.identities.iter().filter_map(|identity| match &identity.detail {
        IdentityDetail::LoginId { login_id, .. } => Some(login_id.original.clone()),
        IdentityDetail::External(external) => {
            external.profile.get("email").and_then(|email| email.as_str()).map(str::to_string)
        }
        IdentityDetail::Anonymous { .. } | IdentityDetail::Passkey => None,
    });
    let login_id = login_ids.next();
    let member = (!loaded.user.is_anonymous()).then(|| visit.project.settings.display_name().to_string());
    match name {
        Some(name) => (Some(name), login_id),
        None => (login_id.or(member), None),
    }
}

impl Scene {
    async fn set(
        (visit, cookies): (Visit, FlowCookies),
        headers: &HeaderMap,
        flow: Flow,
        browser: String,
    ) -> Result<Self, Response> {
        let mut scene =
            Self { visit, cookies, headers: headers.clone(), browser, flow, offered: None, others: Vec::new() };
        scene.flow.known_devices = scene.cookies.known_devices.clone();
        match scene.find_offered().await {
            Ok(offered) => scene.offered = offered,
            Err(error) => return Err(flow_error(&scene.visit, headers, &error)),
        }
        if scene.offered.is_none() && scene.flow.state.awaits_consent.is_some() {
            // The answer that set the cookie may have been lost.
            return Err(match scene.find_lost_session().await {
                Some(cookie) => {
                    let mut again = see_other(&scene.at(View::Consent));
                    cookies::set_session(again.headers_mut(), &scene.visit.project, &cookie);
                    again
                }
                None => {
                    let request = Some(&scene.flow.state.request);
                    error_page(&scene.visit, headers, request, StatusCode::GONE, ErrorKind::FlowExpired)
                }
            });
        }
        match list_others(&scene.visit.ctx(), &scene.flow).await {
            Ok(Some(others)) => scene.others = others,
            Ok(None) => return Err(scene.outdated()),
            Err(error) => return Err(flow_error(&scene.visit, headers, &error)),
        }
        if scene.offered.is_none() {
            // The user signed out meanwhile.
            scene.flow.state.offered_user = None;
        }
        Ok(scene)
    }

    /// The user that may continue or decides, if still signed in.
    async fn find_offered(&self) -> Result<Option<Offered>, Error> {
        let state = &self.flow.state;
        if let Some(awaited) = &state.awaits_merge {
            return match find_user(&self.visit.ctx(), awaited.member).await? {
                Some(member) => self.describe(member).await.map(Some),
                None => Ok(None),
            };
        }
        let user = match (&state.awaits_consent, state.offered_user) {
            (Some(awaited), _) => awaited.find_user(&self.visit.ctx(), self.resolve().await?.as_ref()).await?,
            (None, Some(wanted)) => self.resolve().await?.filter(|caller| caller.user.id == wanted).map(|one| one.user),
            (None, None) => None,
        };
        match user {
            Some(user) => self.describe(user).await.map(Some),
            None => Ok(None),
        }
    }

    async fn resolve(&self) -> Result<Option<SessionCaller>, Error> {
        Ok(self.cookies.resolve(&self.visit).await?.live().cloned())
    }

    async fn describe(&self, user: User) -> Result<Offered, Error> {
        let loaded = LoadedUser::read(&self.visit.app, &self.visit.project, user).await?;
        let (person, detail) = name_of(&self.visit, &loaded);
        Ok(Offered { person, detail })
    }

    fn is_own_form(&self, token: &str) -> bool {
        is_equal(token, &self.csrf())
    }

    fn csrf(&self) -> String {
        self.visit.project.keys.mac.form_token(self.flow.id, &self.browser)
    }

    /// The flow's own URL: the page that its state requires.
    fn here(&self) -> String {
        format!("/flow/{}", self.flow.id)
    }

    fn at(&self, view: View) -> String {
        if view == View::Current { self.here() } else { format!("{}/{}", self.here(), view.as_str()) }
    }

    fn cancel_href(&self) -> Option<String> {
        Some(self.at(View::Cancel))
    }

    fn render(&self, status: StatusCode, notice: Option<NoticeKind>, page: &dyn Page) -> Response {
        let carried = (!self.flow.is_stored()).then(|| self.flow.seal(&self.visit.ctx()));
        let frame = PageFrame { status, request: Some(&self.flow.state.request), csrf: self.csrf(), carried, notice };
        render(&self.visit, &self.headers, frame, page)
    }

    /// Follows a link of a page.
    async fn look(&self, view: View, kind: Option<LoginIdKind>) -> Response {
        if view == View::Cancel { self.cancel().await } else { self.show(view, kind) }
    }

    fn show(&self, view: View, kind: Option<LoginIdKind>) -> Response {
        if self.flow.state.finished {
            return self.finished();
        }
        self.render(StatusCode::OK, None, self.page_of(view, kind).as_ref())
    }

    /// Continues to a page of the flow: by a redirect, or directly while the page carries the flow.
    fn go(&self, view: View) -> Response {
        if self.flow.is_stored() { see_other(&self.at(view)) } else { self.show(view, None) }
    }

    /// Answers a form of a finished flow: as the first answer, which may be lost, while the app has not exchanged its code.
    async fn finish_again(&self) -> Response {
        let response = match answer_again(&self.visit.ctx(), &self.flow).await {
            Ok(Some(redirect)) => to_app(&self.visit, &redirect),
            Ok(None) => self.finished(),
            Err(error) => return flow_error(&self.visit, &self.headers, &error),
        };
        self.restore_session(response).await
    }

    /// Sets the session cookie of the flow's end again if the browser has no session: the answer that set it was lost.
    async fn restore_session(&self, mut response: Response) -> Response {
        if let Some(cookie) = self.find_lost_session().await {
            cookies::set_session(response.headers_mut(), &self.visit.project, &cookie);
        }
        response
    }

    async fn find_lost_session(&self) -> Option<String> {
        let found = async {
            match self.resolve().await? {
                Some(_) => Ok(None),
                None => session_cookie_again(&self.visit.ctx(), &self.flow).await,
            }
        };
        found.await.unwrap_or_else(|error: Error| {
            error::log(&self.visit, &error);
            None
        })
    }

    /// Answers a form that found the flow changed: by the same form, sent twice at once, or in another tab.
    async fn go_on_elsewhere(&mut self) -> Result<Response, Error> {
        self.reload().await?;
        let again = answer_again(&self.visit.ctx(), &self.flow).await?;
        let response = again.map_or_else(|| see_other(&self.here()), |redirect| to_app(&self.visit, &redirect));
        Ok(self.restore_session(response).await)
    }

    /// Reads the flow again, after another request changed it.
    async fn reload(&mut self) -> Result<(), Error> {
        let loaded = flow::load(&self.visit.ctx(), (self.flow.id, None), &self.cookies.flow).await?;
        if let Ok((flow, _)) = loaded {
            self.flow = flow;
            self.flow.known_devices = self.cookies.known_devices.clone();
        }
        Ok(())
    }

    /// The page after a proof that counts no more.
    fn outdated(&self) -> Response {
        let request = Some(&self.flow.state.request);
        error_page(&self.visit, &self.headers, request, StatusCode::GONE, ErrorKind::ProofOutdated)
    }

    fn finished(&self) -> Response {
        let home = self.app_home();
        if self.flow.state.promoted {
            return self.render(StatusCode::OK, None, &AlreadyPromotedPage { app_href: home });
        }
        let back = home.map_or_else(|| home_link(&self.visit.project, None), TextLink::to_app);
        self.render(StatusCode::OK, None, &ErrorPage::new(ErrorKind::FlowFinished).with_action(back))
    }

    /// The app's home page, derived from its redirect URI; without the response, which was sent already.
    fn app_home(&self) -> Option<String> {
        let request = &self.flow.state.request;
        let client = self.visit.project.settings.client(&request.client_id)?;
        client.client_uri.clone().or_else(|| Some(request.redirect_uri.clone()))
    }
}
