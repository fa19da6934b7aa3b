//! The page of the device authorization grant (RFC 8628 §3.3): takes the code that a device shows, names the application and its scopes,
//! and has the user decide. Someone else may have sent the code, so the page asks whether the device in front of the user shows it.

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};
use vestibule_app::{
    account::account_flow,
    caller::SessionCaller,
    crypto::is_equal,
    device_authorization::{self, Decided, DeviceDecision, PAGE, Standing, WaitingDevice, judge},
    identities::LoadedUser,
};
use vestibule_protocol::form::Form;
use vestibule_web::{
    body,
    context::PageContext,
    credentials::{FlowCookies, NoCredential, SessionCookie, form_token},
    error,
    field::Field,
    notice::NoticeKind,
    page::Page,
    policy::Forms,
    route::{Face, Route},
    template::finish,
    text::Text,
    visit::Visit,
};

use crate::{
    PageFrame, body_error_page, consent::ConsentScope, end_pages::ErrorKind, error_page, flow, flow_error, found,
    messages::consent_scopes, page, render_with, see_other,
};

const SIGN_IN: &str = "/device/sign-in";
const DONE: &str = "/device/done";
const REFUSED: &str = "/device/refused";

pub fn routes() -> Vec<Route> {
    let hosted = Face::HostedPages;
    vec![
        Route::new(hosted, Method::GET, PAGE, show).reads(&["user_code"]),
        Route::new(hosted, Method::POST, PAGE, decide).reads(&["user_code"]),
        Route::new(hosted, Method::GET, SIGN_IN, sign_in).reads(&["user_code"]).with_effect(),
        Route::new(hosted, Method::GET, DONE, done),
        Route::new(hosted, Method::GET, REFUSED, refused),
    ]
}

fn code_in(request: &Request) -> String {
    let form = Form::parse_query(request.uri().query().unwrap_or_default()).unwrap_or_default();
    form.get("user_code").ok().flatten().unwrap_or_default().to_string()
}

/// A path with the code.
fn with_code(path: &str, device: &WaitingDevice) -> String {
    format!("{path}?{}", Form::from_pairs([("user_code", device.user_code.print())]).print())
}

/// `GET /device`: the form for the code, or with a code the question.
async fn show(visit: Visit, cookie: SessionCookie, request: Request) -> Response {
    let (headers, typed) = (request.headers().clone(), code_in(&request));
    if typed.is_empty() {
        return page(&visit, &headers, None, StatusCode::OK, &DevicePage::default());
    }
    let device = match find(&visit, &headers, &typed).await {
        Ok(device) => device,
        Err(response) => return response,
    };
    match cookie.signed_in(&visit).await {
        Ok(caller) => ask(&visit, &headers, &device, caller.as_ref(), None).await,
        Err(error) => flow_error(&visit, &headers, &error),
    }
}

/// `POST /device`: the decision.
async fn decide(visit: Visit, cookie: SessionCookie, request: Request) -> Response {
    let headers = request.headers().clone();
    let body = match body::read_form(&visit, request).await {
        Ok(body) => body,
        Err(problem) => return body_error_page(&visit, &headers, problem),
    };
    let form = match body.own_form() {
        Ok(form) => form,
        Err(problem) => return error::plain(StatusCode::BAD_REQUEST, format!("{problem}\n")),
    };
    let field = |name: &str| form.get(name).ok().flatten().unwrap_or_default().to_string();
    let caller = match cookie.signed_in(&visit).await {
        Ok(caller) => caller,
        Err(error) => return flow_error(&visit, &headers, &error),
    };
    let device = match find(&visit, &headers, &field("user_code")).await {
        Ok(device) => device,
        Err(response) => return response,
    };
    let Some(caller) = caller else { return ask(&visit, &headers, &device, None, None).await };
    if !is_equal(&field("_csrf"), &form_token(&visit, &caller)) {
        return ask(&visit, &headers, &device, Some(&caller), Some(NoticeKind::FormExpired)).await;
    }
    let (decision, end) = match field("action").as_str() {
        "allow" => (DeviceDecision::Allow, DONE),
        _ => (DeviceDecision::Deny, REFUSED),
    };
    match device_authorization::decide(&visit.ctx(), &device, &caller, decision).await {
        Ok(Decided::Done) => see_other(end),
        Ok(Decided::Stale) => wrong(&visit, &headers, &device.user_code.print()),
        Ok(Decided::SignedOut) => see_other(&with_code(PAGE, &device)),
        Err(error) => flow_error(&visit, &headers, &error),
    }
}

/// `GET /device/sign-in`: signs in, or up, and leads back to the question.
async fn sign_in(visit: Visit, cookies: FlowCookies, request: Request) -> Response {
    let (headers, typed) = (request.headers().clone(), code_in(&request));
    let device = match find(&visit, &headers, &typed).await {
        Ok(device) => device,
        Err(response) => return response,
    };
    let caller = match cookies.resolve(&visit).await {
        Ok(resolution) => resolution.live().cloned(),
        Err(error) => return flow_error(&visit, &headers, &error),
    };
    let back = with_code(PAGE, &device);
    let browser = cookies.flow.first().map(str::to_string);
    let to = (device.client_id.as_str(), back.as_str());
    match account_flow::begin_for_device(&visit.ctx(), to, caller.as_ref(), browser.as_deref()) {
        Some(begun) => flow::begin(&visit, cookies, &headers, begun.flow, begun.browser).await,
        None => found(&back),
    }
}

/// `GET /device/done`
async fn done(visit: Visit, _: NoCredential, request: Request) -> Response {
    page(&visit, request.headers(), None, StatusCode::OK, &DeviceEndPage { is_connected: true })
}

/// `GET /device/refused`
async fn refused(visit: Visit, _: NoCredential, request: Request) -> Response {
    page(&visit, request.headers(), None, StatusCode::OK, &DeviceEndPage { is_connected: false })
}

async fn find(visit: &Visit, headers: &HeaderMap, typed: &str) -> Result<WaitingDevice, Response> {
    match device_authorization::find(&visit.ctx(), typed).await {
        Ok(Some(device)) => Ok(device),
        Ok(None) => Err(wrong(visit, headers, typed)),
        Err(error) => Err(flow_error(visit, headers, &error)),
    }
}

/// The form again, after a code that no device waits for.
fn wrong(visit: &Visit, headers: &HeaderMap, typed: &str) -> Response {
    let typed = typed.chars().take(LONGEST_SHOWN).collect();
    page(visit, headers, None, StatusCode::UNPROCESSABLE_ENTITY, &DevicePage { typed, is_wrong: true })
}

/// Asks whether the device is the user's own.
async fn ask(
    visit: &Visit,
    headers: &HeaderMap,
    device: &WaitingDevice,
    caller: Option<&SessionCaller>,
    notice: Option<NoticeKind>,
) -> Response {
    let Some(client) = visit.project.settings.client(&device.client_id) else {
        return error_page(visit, headers, None, StatusCode::GONE, ErrorKind::FlowExpired);
    };
    let href = with_code(SIGN_IN, device);
    let step = match (judge(&visit.ctx(), device, caller), caller) {
        (Standing::MayDecide, Some(caller)) if caller.user.is_anonymous() => DeviceStep::DecideAsGuest,
        (Standing::MayDecide, Some(caller)) => {
            let loaded = LoadedUser::read(&visit.app, &visit.project, caller.user.clone()).await;
            match loaded {
                Ok(loaded) => {
                    let (person, detail) = flow::name_of(visit, &loaded);
                    DeviceStep::Decide { person, detail, other_href: href }
                }
                Err(error) => return flow_error(visit, headers, &error.into()),
            }
        }
        (Standing::JoinsFirst, _) => DeviceStep::Join { href },
        (Standing::SignsInFirst | Standing::MayDecide, _) => DeviceStep::SignIn { href },
    };
    let content = DeviceQuestionPage {
        action: PAGE.into(),
        app: client.display_name().to_string(),
        user_code: device.user_code.print(),
        scopes: consent_scopes(&device.scope),
        step,
    };
    // The notice says that the form token was invalid.
    let status = if notice.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let csrf = caller.map(|caller| form_token(visit, caller)).unwrap_or_default();
    let frame = PageFrame { status, request: None, csrf, carried: None, notice };
    render_with(visit, headers, frame, &content, Forms::Stay)
}

/// Characters of a wrong code that are shown again.
const LONGEST_SHOWN: usize = 32;

/// Takes the code that a device shows. The form is a GET: it changes nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct DevicePage {
    pub typed: String,
    /// No device waits for the code.
    pub is_wrong: bool,
}

impl DevicePage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        vec![("empty", Self::default()), ("wrong", Self { typed: "BCDF-GHJK".into(), is_wrong: true })]
    }

    fn field(&self) -> Field {
        Field {
            value: self.typed.clone(),
            error: self.is_wrong.then(|| Text::new("error-device-code")),
            ltr: true,
            plain: true,
            autofocus: true,
            ..Field::new("user_code", Text::new("field-device-code"), "text")
        }
    }
}

impl Page for DevicePage {
    fn title(&self) -> Text {
        Text::new("device-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(DeviceBody { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(&'static str, Text)> {
        self.field().problem().into_iter().collect()
    }
}

#[derive(Template)]
#[template(path = "device.html")]
struct DeviceBody<'a> {
    ctx: &'a PageContext,
    page: &'a DevicePage,
}

/// What the user can do about a device.
#[derive(Clone, Debug)]
pub(crate) enum DeviceStep {
    Decide {
        /// The name or login ID of the member.
        person: Option<String>,
        /// A second line, such as the email address below a name.
        detail: Option<String>,
        /// Signs in to another account.
        other_href: String,
    },
    DecideAsGuest,
    SignIn {
        href: String,
    },
    /// A guest, whom the application does not get.
    Join {
        href: String,
    },
}

/// Asks whether to connect a device. The form posts `user_code` and `action=allow` or `action=deny`.
#[derive(Clone, Debug)]
pub(crate) struct DeviceQuestionPage {
    pub action: String,
    pub app: String,
    /// As the device shows it.
    pub user_code: String,
    pub scopes: Vec<ConsentScope>,
    pub step: DeviceStep,
}

impl DeviceQuestionPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let href = || "/device/sign-in?user_code=BCDF-GHJK".to_string();
        let decide = |person: Option<&str>, detail: Option<&str>| DeviceStep::Decide {
            person: person.map(str::to_string),
            detail: detail.map(str::to_string),
            other_href: href(),
        };
        let page = |step| Self {
            action: "/device".into(),
            app: "Corner Shop TV".into(),
            user_code: "BCDF-GHJK".into(),
            scopes: vec![ConsentScope::OpenId, ConsentScope::FullAccess, ConsentScope::OfflineAccess],
            step,
        };
        vec![
            ("member", page(decide(Some("Ada Lovelace"), Some("ada@example.com")))),
            ("unnamed", page(decide(None, None))),
            ("guest", page(DeviceStep::DecideAsGuest)),
            ("sign-in", page(DeviceStep::SignIn { href: href() })),
            ("join", page(DeviceStep::Join { href: href() })),
        ]
    }

    /// Where to sign in first.
    fn sign_in_href(&self) -> Option<&str> {
        match &self.step {
            DeviceStep::SignIn { href } | DeviceStep::Join { href } => Some(href),
            DeviceStep::Decide { .. } | DeviceStep::DecideAsGuest => None,
        }
    }

    fn person(&self) -> Option<&str> {
        match &self.step {
            DeviceStep::Decide { person, .. } => person.as_deref(),
            DeviceStep::DecideAsGuest | DeviceStep::SignIn { .. } | DeviceStep::Join { .. } => None,
        }
    }

    fn detail(&self) -> Option<&str> {
        match &self.step {
            DeviceStep::Decide { detail, .. } => detail.as_deref(),
            DeviceStep::DecideAsGuest | DeviceStep::SignIn { .. } | DeviceStep::Join { .. } => None,
        }
    }

    /// Where to sign in to another account.
    fn other_href(&self) -> Option<&str> {
        match &self.step {
            DeviceStep::Decide { other_href, .. } => Some(other_href),
            DeviceStep::DecideAsGuest | DeviceStep::SignIn { .. } | DeviceStep::Join { .. } => None,
        }
    }

    fn is_for_guest(&self) -> bool {
        matches!(self.step, DeviceStep::DecideAsGuest)
    }

    fn needs_member(&self) -> bool {
        matches!(self.step, DeviceStep::Join { .. })
    }
}

impl Page for DeviceQuestionPage {
    fn title(&self) -> Text {
        Text::new("device-question-title").with("client", self.app.as_str())
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(DeviceQuestionBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "device_question.html")]
struct DeviceQuestionBody<'a> {
    ctx: &'a PageContext,
    page: &'a DeviceQuestionPage,
}

/// Says what became of the device.
#[derive(Clone, Debug)]
pub(crate) struct DeviceEndPage {
    pub is_connected: bool,
}

impl DeviceEndPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        vec![("connected", Self { is_connected: true }), ("refused", Self { is_connected: false })]
    }
}

impl Page for DeviceEndPage {
    fn title(&self) -> Text {
        Text::new(if self.is_connected { "device-done-title" } else { "device-refused-title" })
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(DeviceEndBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "device_end.html")]
struct DeviceEndBody<'a> {
    ctx: &'a PageContext,
    page: &'a DeviceEndPage,
}
