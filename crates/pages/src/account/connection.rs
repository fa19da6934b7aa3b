//! Connecting an account at a provider: the page with the button, and the provider's answer.

use askama::Template;
use axum::{extract::Request, http::Uri, response::Response};
use vestibule_app::{
    account::{
        connection::{self, ConnectionEnd, ConnectionProblem, ConnectionStart, PendingConnection},
        settings_action::{self, SettingsAction},
    },
    flow::{external::ExternalProblem, posted_answer},
};
use vestibule_domain::id::FlowId;
use vestibule_protocol::form::Form;
use vestibule_web::{
    context::PageContext,
    credentials::AccountCookies,
    notice::NoticeKind,
    page::{Page, Shell},
    template::finish,
    text::Text,
    visit::Visit,
};

use super::{AccountRequest, HOME, confirm, sub_page};
use crate::see_other;

/// The path of the page.
pub(super) const HERE: &str = "/settings/external-accounts/connect";
/// The path to which the answer of a provider is passed on.
pub(super) const ANSWER: &str = "/settings/external-accounts/answer";
/// The parameter of [`ANSWER`] with the alias in the redirect URI.
const ALIAS: &str = "answered_by";

/// Passes a provider's answer on, if it is one to a request of an account page.
pub(crate) fn pass_on(alias: &str, form: &Form, query: &Form) -> Option<Response> {
    let state = form.get("state").ok().flatten()?;
    connection::read_state(state)?;
    let alias = Form::from_pairs([(ALIAS, alias)]).print();
    Some(see_other(&format!("{ANSWER}?{alias}&{}", posted_answer::known(query).print())))
}

/// `GET /settings/external-accounts/connect`
pub async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if let Some(response) = request.ask_to_prove() {
        return response;
    }
    match page(&request) {
        Some(page) => request.show_leaving(&page),
        None => see_other(HOME),
    }
}

/// `POST /settings/external-accounts/connect`
pub async fn act(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if let Some(response) = request.ask_to_prove() {
        return response;
    }
    let Some(alias) = alias_of(&request) else { return see_other(HOME) };
    let step = request.settings_action.clone();
    match request.ask(async |asking| connection::start(asking, step, &alias).await).await {
        Ok(ConnectionStart::Redirect(url)) => see_other(&url),
        Ok(ConnectionStart::Problem(step)) => see_other(&page_of(step)),
        Ok(ConnectionStart::Stale) => see_other(&request.action()),
        Err(error) => request.fail(&error),
    }
}

/// `GET /settings/external-accounts/answer`
pub async fn answer(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let Ok(query) = Form::parse_query(request.uri().query().unwrap_or_default()) else { return see_other(HOME) };
    let alias = query.get(ALIAS).ok().flatten().unwrap_or_default().to_string();
    let Some(form) = posted_answer::read(&visit.ctx(), &alias, query) else { return see_other(HOME) };
    // Without the answer, which must not go along to the sign-in page.
    let (mut parts, body) = request.into_parts();
    parts.uri = Uri::from_static(HOME);
    let request = match AccountRequest::open(visit, cookies, Request::from_parts(parts, body)).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let read = |name: &str| form.get(name).ok().flatten().unwrap_or_default();
    let Some((id, _)) = connection::read_state(read("state")) else { return see_other(HOME) };
    let mut step = match settings_action::load(&request.visit.ctx(), id, &request.caller).await {
        Ok(Some(step)) => step,
        // Finished, expired, or another member's.
        Ok(None) => return see_other(HOME),
        Err(error) => return request.fail(&error),
    };
    let answered = (alias.as_str(), &form);
    match Box::pin(request.ask(async |asking| Box::pin(connection::answer(asking, &mut step, answered)).await)).await {
        Ok(ConnectionEnd::Ended(outcome)) => request.go_on(outcome, NoticeKind::LoginIdAdded),
        Ok(ConnectionEnd::Proved(next)) => see_other(&next),
        Ok(ConnectionEnd::Refused) => {
            see_other(&match pending_of(&step).and_then(|pending| pending.proves_for.as_deref()) {
                Some(next) => confirm::page_of(id, next),
                None => page_of(id),
            })
        }
        Ok(ConnectionEnd::Stale) => see_other(HOME),
        Err(error) => request.fail(&error),
    }
}

/// The page of a pending step.
pub(super) fn page_of(step: FlowId) -> String {
    format!("{HERE}?errand={step}")
}

fn pending_of(step: &SettingsAction) -> Option<&PendingConnection> {
    step.state.connection.as_ref()
}

/// The account that is to be connected.
fn pending(request: &AccountRequest) -> Option<&PendingConnection> {
    request.settings_action.as_ref().and_then(pending_of).filter(|pending| pending.proves_for.is_none())
}

/// What became of the member's last try to prove itself with an account.
pub(super) fn problem_of_proof(request: &AccountRequest) -> Option<Text> {
    let pending = request.settings_action.as_ref().and_then(pending_of)?;
    let provider = pending.provider(&request.visit.project.settings)?;
    pending.proves_for.as_ref()?;
    Some(describe(pending.problem?, provider.display_name()))
}

/// The alias of the provider: the pending step's, or that of the overview's link.
fn alias_of(request: &AccountRequest) -> Option<String> {
    let settings = &request.visit.project.settings;
    match pending(request) {
        Some(pending) => pending.provider(settings).map(|provider| provider.alias.clone()),
        None if request.settings_action.is_some() => None,
        None => settings.provider(request.field("provider")).map(|provider| provider.alias.clone()),
    }
}

fn page(request: &AccountRequest) -> Option<ConnectPage> {
    let provider = request.visit.project.settings.provider(&alias_of(request)?)?;
    Some(ConnectPage {
        action: request.action(),
        provider: provider.display_name().to_string(),
        problem: pending(request).and_then(|pending| pending.problem),
        back_href: request.back_href(),
    })
}

/// Leads to a provider whose account is to be connected. The form posts `action=connect`.
#[derive(Clone, Debug)]
pub struct ConnectPage {
    pub action: String,
    /// The provider's name.
    pub provider: String,
    /// Why the last attempt connected nothing.
    pub problem: Option<ConnectionProblem>,
    pub back_href: String,
}

impl ConnectPage {
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let page = Self { action: HERE.into(), provider: "Google".into(), problem: None, back_href: HOME.into() };
        let with = |problem| Self { problem: Some(problem), ..page.clone() };
        vec![
            ("plain", page.clone()),
            ("taken", with(ConnectionProblem::BelongsToAnother)),
            ("known", with(ConnectionProblem::Connected)),
            ("many", with(ConnectionProblem::TooMany)),
            ("denied", with(ConnectionProblem::Provider(ExternalProblem::Denied))),
            ("unavailable", with(ConnectionProblem::Provider(ExternalProblem::Unavailable))),
        ]
    }

    fn problem(&self) -> Option<Text> {
        Some(describe(self.problem?, &self.provider))
    }
}

fn describe(problem: ConnectionProblem, provider: &str) -> Text {
    let key = match problem {
        ConnectionProblem::BelongsToAnother => "connect-taken",
        ConnectionProblem::Connected => "connect-known",
        ConnectionProblem::TooMany => "connect-too-many",
        ConnectionProblem::NotOwn => "provider-other-account-title",
        ConnectionProblem::Provider(problem) => match problem {
            ExternalProblem::Denied => "provider-denied-title",
            ExternalProblem::Unavailable => "provider-unavailable-title",
            ExternalProblem::NotSetUp => "provider-not-set-up-title",
            ExternalProblem::NotAccepted
            | ExternalProblem::BelongsToMember
            | ExternalProblem::Unknown
            | ExternalProblem::OtherAccount => "provider-refused-title",
        },
    };
    Text::new(key).with("provider", provider)
}

impl Page for ConnectPage {
    fn title(&self) -> Text {
        Text::new("connect-title").with("provider", &self.provider)
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(ConnectBody { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/connect.html")]
struct ConnectBody<'a> {
    ctx: &'a PageContext,
    page: &'a ConnectPage,
}
