//! Signing in with a provider: its buttons, the way there and back, and the page for an answer that led to no user.

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use vestibule_app::{
    error::Error,
    flow::{
        Flow,
        external::{self, Answered, ExternalProblem, Intent, Started},
        posted_answer,
    },
    providers::trial,
};
use vestibule_protocol::form::Form;
use vestibule_web::{
    body,
    context::PageContext,
    cookies,
    credentials::{FlowCookies, NoCredential},
    error,
    look_ahead::is_prefetch,
    page::Page,
    route::path_parameter,
    template::finish,
    text::Text,
    visit::Visit,
};

use super::{Scene, View, open};
use crate::{account::connection, body_error_page, end_pages::ErrorKind, error_page, see_other};

/// `GET /sso/oauth2/callback/{alias}`: the answer of a provider.
pub async fn callback(visit: Visit, cookies: FlowCookies, request: Request) -> Response {
    let mut parts = request.into_parts().0;
    let alias = path_parameter(&mut parts, "alias").await;
    let query = match Form::parse_query(parts.uri.query().unwrap_or_default()) {
        Ok(query) => query,
        Err(problem) => return error::plain(StatusCode::BAD_REQUEST, format!("{problem}\n")),
    };
    let Some(form) = posted_answer::read(&visit.ctx(), &alias, query.clone()) else {
        return error_page(&visit, &parts.headers, None, StatusCode::GONE, ErrorKind::FlowExpired);
    };
    if let Some(portal) = trial::pass_on(&visit.ctx(), &alias, &form, &query) {
        return see_other(&portal);
    }
    if let Some(response) = connection::pass_on(&alias, &form, &query) {
        return response;
    }
    let flow = form.get("state").ok().flatten().and_then(external::read_state).map(|(flow, _)| flow.to_string());
    let Some(flow) = flow else {
        return error_page(&visit, &parts.headers, None, StatusCode::BAD_REQUEST, ErrorKind::InvalidRequest);
    };
    // The flow cookie comes with this navigation, so a browser without it did not begin the flow.
    let mut scene = match open((visit, cookies), &flow, None, (&parts.headers, None)).await {
        Ok(scene) => scene,
        Err(response) => return response,
    };
    if scene.flow.state.finished {
        return scene.finish_again().await;
    }
    if scene.flow.state.awaits_consent.is_some() {
        return scene.go(View::Consent);
    }
    let result = scene.take_answer(&alias, &form).await;
    result.unwrap_or_else(|error| scene.fail(View::Start, &error))
}

/// `POST /sso/oauth2/callback/{alias}`: the answer of a provider whose page posts it. It decides nothing: the flow's cookie does not
/// come with it.
pub async fn receive(visit: Visit, _: NoCredential, request: Request) -> Response {
    let (mut parts, content) = request.into_parts();
    let alias = path_parameter(&mut parts, "alias").await;
    let headers = parts.headers.clone();
    let received = match body::read_form(&visit, Request::from_parts(parts, content)).await {
        Ok(received) => received,
        Err(problem) => return body_error_page(&visit, &headers, problem),
    };
    let form = match received.own_form() {
        Ok(form) => form,
        Err(problem) => return error::plain(StatusCode::BAD_REQUEST, format!("{problem}\n")),
    };
    match posted_answer::seal(&visit.ctx(), &alias, &form) {
        Some(sealed) => see_other(&format!("/sso/oauth2/callback/{alias}?{}={sealed}", posted_answer::POSTED)),
        None => error_page(&visit, &headers, None, StatusCode::BAD_REQUEST, ErrorKind::InvalidRequest),
    }
}

/// Sends the browser of a new flow to a provider at once, or shows the flow's first page.
pub async fn begin(
    visit: &Visit,
    cookies: FlowCookies,
    headers: &HeaderMap,
    (flow, alias, has_session): (Flow, &str, bool),
    browser: String,
) -> Response {
    let ctx = visit.ctx();
    let is_offered = external::offered(&ctx, &flow).into_iter().any(|provider| provider.alias == alias);
    // A link of another site could lead here, and a provider may answer without a question: what this browser has of a guest or
    // member changes after a press of a button only, unless it carries a hint, which only the app has and which works once.
    let is_unasked = has_session && !flow.begins_with_hint();
    // A person who is to see that another one may have begun the guest sees the page first.
    if !is_offered || is_unasked || flow.state.from_elsewhere || flow.goes_on() || is_prefetch(headers) {
        return super::begin(visit, cookies, headers, flow, browser).await;
    }
    let mut scene = match Scene::set((visit.clone(), cookies), headers, flow, browser.clone()).await {
        Ok(scene) => scene,
        Err(response) => return response,
    };
    let intent = scene.intent_of_first_page();
    let result = scene.start_provider(alias, intent).await;
    let mut response = result.unwrap_or_else(|error| scene.fail(View::Start, &error));
    cookies::set_flow(response.headers_mut(), &visit.project, &browser);
    response
}

impl Scene {
    /// Handles the button of a provider.
    pub(super) async fn choose_provider(&mut self, form: &Form) -> Result<Response, Error> {
        let read = |name: &str| form.get(name).ok().flatten().unwrap_or_default();
        let intent = if read("intent") == JOIN { Intent::Join } else { Intent::SignIn };
        self.start_provider(read("provider"), intent).await
    }

    async fn start_provider(&mut self, alias: &str, intent: Intent) -> Result<Response, Error> {
        let visit = self.visit.clone();
        Ok(match Box::pin(external::start(&visit.ctx(), &mut self.flow, alias, intent)).await? {
            Started::Redirect(url) => see_other(&url),
            Started::Achieved(achievement) => self.commit(achievement).await?,
            Started::Problem => self.go(View::Current),
            Started::Stale if self.flow.is_stored() => self.go_on_elsewhere().await?,
            Started::Stale => self.go(View::Start),
        })
    }

    async fn take_answer(&mut self, alias: &str, form: &Form) -> Result<Response, Error> {
        let visit = self.visit.clone();
        match external::answer(&visit.ctx(), &mut self.flow, (alias, form)).await? {
            Answered::Achieved(achievement) => self.commit(achievement).await,
            Answered::Next => Ok(see_other(&self.here())),
            Answered::Stale => self.go_on_elsewhere().await,
        }
    }

    /// What a provider is chosen for on the flow's first page.
    fn intent_of_first_page(&self) -> Intent {
        match self.flow.state.purpose {
            vestibule_app::flow::FlowPurpose::Login => Intent::SignIn,
            vestibule_app::flow::FlowPurpose::Promote { .. } | vestibule_app::flow::FlowPurpose::SignUp => Intent::Join,
        }
    }

    /// The buttons of the providers that the flow offers.
    pub(super) fn provider_buttons(&self, intent: Intent) -> Option<ProviderButtons> {
        let visit = self.visit.ctx();
        let offered = external::offered(&visit, &self.flow).into_iter();
        let providers: Vec<_> = offered
            .map(|provider| ProviderChoice { alias: provider.alias.clone(), name: provider.display_name().to_string() })
            .collect();
        let intent = match intent {
            Intent::Join => JOIN,
            Intent::SignIn => SIGN_IN,
        };
        (!providers.is_empty()).then(|| ProviderButtons { action: self.at(View::Provider), intent, providers })
    }

    /// The page for a sign-in with a provider that led to no user, if that is what happened last.
    pub(super) fn provider_page(&self) -> Option<ProviderPage> {
        let step = self.flow.state.external.as_ref()?;
        let problem = step.problem?;
        let provider = self.visit.project.settings.provider(&step.alias)?;
        let is_guest = self.flow.state.guest().is_some();
        let may_join = is_guest || !self.visit.project.settings.public_signup_disabled();
        let (next, label) = match problem {
            ExternalProblem::Denied
            | ExternalProblem::Unavailable
            | ExternalProblem::NotAccepted
            | ExternalProblem::OtherAccount => (Some(step.intent), "button-try-again"),
            ExternalProblem::BelongsToMember => (Some(Intent::SignIn), "link-conflict-login"),
            ExternalProblem::Unknown if is_guest => (Some(Intent::Join), "button-save-progress"),
            ExternalProblem::Unknown => (may_join.then_some(Intent::Join), "button-create-account"),
            ExternalProblem::NotSetUp => (None, "button-try-again"),
        };
        let mut buttons = next.and_then(|intent| self.provider_buttons(intent));
        if let Some(buttons) = &mut buttons {
            buttons.providers.retain(|choice| choice.alias == step.alias);
        }
        Some(ProviderPage {
            problem,
            provider: provider.display_name().to_string(),
            again: buttons.filter(|buttons| !buttons.providers.is_empty()),
            label,
            other_href: self.at(View::Start),
            cancel_href: self.cancel_href(),
        })
    }
}

pub(crate) const JOIN: &str = "join";
pub(crate) const SIGN_IN: &str = "sign-in";

/// A provider on a page.
#[derive(Clone, Debug)]
pub(crate) struct ProviderChoice {
    pub alias: String,
    pub name: String,
}

/// The buttons of providers. The form posts `provider` and `intent`.
#[derive(Clone, Debug)]
pub(crate) struct ProviderButtons {
    pub action: String,
    pub intent: &'static str,
    pub providers: Vec<ProviderChoice>,
}

impl ProviderButtons {
    /// The buttons below a form, or, without one, as the page's main actions.
    pub(crate) fn render(&self, ctx: &PageContext, beside: bool) -> String {
        finish(Buttons { ctx, buttons: self, beside, label: None }.render())
    }

    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn sample() -> Self {
        let choice = |alias: &str, name: &str| ProviderChoice { alias: alias.into(), name: name.into() };
        Self {
            action: "/flow/sample/provider".into(),
            intent: JOIN,
            providers: vec![choice("google", "Google"), choice("ours", "Example ID")],
        }
    }
}

#[derive(Template)]
#[template(path = "providers.html")]
struct Buttons<'a> {
    ctx: &'a PageContext,
    buttons: &'a ProviderButtons,
    beside: bool,
    /// The text of every button, if it is not the provider's.
    label: Option<&'static str>,
}

/// A sign-in with a provider led to no user: what happened, and how to go on.
#[derive(Clone, Debug)]
pub(crate) struct ProviderPage {
    pub problem: ExternalProblem,
    pub provider: String,
    /// The provider once more.
    pub again: Option<ProviderButtons>,
    pub label: &'static str,
    /// The flow's first page.
    pub other_href: String,
    pub cancel_href: Option<String>,
}

impl ProviderPage {
    fn texts(&self) -> (&'static str, &'static str) {
        match self.problem {
            ExternalProblem::Denied => ("provider-denied-title", "provider-denied-lead"),
            ExternalProblem::Unavailable => ("provider-unavailable-title", "provider-unavailable-lead"),
            ExternalProblem::NotAccepted => ("provider-refused-title", "provider-refused-lead"),
            ExternalProblem::NotSetUp => ("provider-not-set-up-title", "provider-not-set-up-lead"),
            ExternalProblem::BelongsToMember => ("conflict-title", "provider-taken-lead"),
            ExternalProblem::Unknown => ("provider-unknown-title", "provider-unknown-lead"),
            ExternalProblem::OtherAccount => ("provider-other-account-title", "provider-other-account-lead"),
        }
    }

    fn lead(&self) -> Text {
        Text::new(self.texts().1).with("provider", &self.provider)
    }

    fn again(&self, ctx: &PageContext) -> String {
        let buttons = self.again.as_ref();
        buttons.map_or_else(String::new, |buttons| {
            finish(Buttons { ctx, buttons, beside: false, label: Some(self.label) }.render())
        })
    }

    fn is_conflict(&self) -> bool {
        self.problem == ExternalProblem::BelongsToMember
    }

    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let mut google = ProviderButtons::sample();
        google.providers.truncate(1);
        let page = |problem, label| Self {
            problem,
            provider: "Google".into(),
            again: Some(google.clone()),
            label,
            other_href: "/flow/sample/start".into(),
            cancel_href: Some("/flow/sample/cancel".into()),
        };
        vec![
            ("denied", page(ExternalProblem::Denied, "button-try-again")),
            ("unavailable", page(ExternalProblem::Unavailable, "button-try-again")),
            ("refused", page(ExternalProblem::NotAccepted, "button-try-again")),
            ("not-set-up", Self { again: None, ..page(ExternalProblem::NotSetUp, "button-try-again") }),
            ("taken", page(ExternalProblem::BelongsToMember, "link-conflict-login")),
            ("unknown", page(ExternalProblem::Unknown, "button-create-account")),
            ("other", page(ExternalProblem::OtherAccount, "button-try-again")),
        ]
    }
}

impl Page for ProviderPage {
    fn title(&self) -> Text {
        Text::new(self.texts().0).with("provider", &self.provider)
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(ProviderBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "provider.html")]
struct ProviderBody<'a> {
    ctx: &'a PageContext,
    page: &'a ProviderPage,
}
