//! Reauthentication before a sensitive change: by password, passkey, code, or an account at a provider.

use askama::Template;
use axum::{extract::Request, http::StatusCode, response::Response};
use vestibule_app::account::{
    LoginMethods,
    change::ChangeOutcome,
    connection::{self as external, ConnectionStart},
    login_id::LoginIdStep,
    reauthentication,
};
use vestibule_domain::{id::FlowId, project::AuthenticatorKind};
use vestibule_protocol::form::Form;
use vestibule_web::{
    context::PageContext,
    credentials::AccountCookies,
    field_problem::FieldProblem,
    notice::NoticeKind,
    page::{Page, Shell},
    passkey::{Ceremony, PasskeyCeremony},
    template::finish,
    text::Text,
    visit::Visit,
};

use super::{AccountRequest, HOME, connection::problem_of_proof, own_page, sub_page};
use crate::{
    flow::{
        password::{PasswordPage, PasswordReason},
        provider::ProviderChoice,
    },
    see_other,
};

const HERE: &str = "/settings/confirm";

/// The path of the page for a member whose try to prove itself at a provider failed.
pub(super) fn page_of(step: FlowId, next: &str) -> String {
    let step = step.to_string();
    format!("{HERE}?{}", Form::from_pairs([("next", next), ("errand", step.as_str())]).print())
}

/// `GET /settings/confirm`
pub async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if let Some(response) = request.refuse_guest(&next(&request)) {
        return response;
    }
    match page(&request, false).await {
        Ok(page) => request.show_leaving(page.as_ref()),
        Err(response) => response,
    }
}

/// `POST /settings/confirm`
pub async fn act(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if let Some(response) = request.refuse_guest(&next(&request)) {
        return response;
    }
    let (visit, caller) = (&request.visit, &request.caller);
    let ctx = visit.ctx();
    let proved = match request.field("action") {
        "send" => return send_code(&request).await,
        "provider" => return go_to_provider(&request).await,
        "passkey" => reauthentication::by_passkey(&ctx, caller, request.field("credential")).await,
        _ => reauthentication::by_password(&ctx, caller, request.field("password")).await,
    };
    match proved {
        Ok(Some(ChangeOutcome::Done(_))) => see_other(&next(&request)),
        Ok(Some(
            ChangeOutcome::Taken
            | ChangeOutcome::LastLoginMethod
            | ChangeOutcome::Stale
            | ChangeOutcome::UserGone
            | ChangeOutcome::SignedOut,
        )) => see_other(&request.action()),
        Ok(None) => match page(&request, true).await {
            Ok(page) if request.field("action") == "passkey" => {
                request.render(StatusCode::UNPROCESSABLE_ENTITY, Some(NoticeKind::PasskeyFailed), page.as_ref())
            }
            Ok(page) => request.show_again(page.as_ref()),
            Err(response) => response,
        },
        Err(error) => request.fail(&error),
    }
}

async fn go_to_provider(request: &AccountRequest) -> Response {
    let alias = request.field("provider");
    match request.ask(async |asking| external::start_proof(asking, alias, next(request)).await).await {
        Ok(ConnectionStart::Redirect(url)) => see_other(&url),
        Ok(ConnectionStart::Problem(step)) => see_other(&page_of(step, &next(request))),
        Ok(ConnectionStart::Stale) => see_other(&request.action()),
        Err(error) => request.fail(&error),
    }
}

async fn send_code(request: &AccountRequest) -> Response {
    match request.ask(async |asking| asking.prove(next(request)).await).await {
        Ok(LoginIdStep::CodeSent(settings_action)) => {
            see_other(&format!("/settings/code?errand={}", settings_action.id))
        }
        Ok(LoginIdStep::Invalid(_) | LoginIdStep::Ended(_)) => see_other(&request.action()),
        Err(error) => request.fail(&error),
    }
}

/// The page to continue with: always one of the account's, whatever the URL says.
fn next(request: &AccountRequest) -> String {
    own_page(request.field("next")).unwrap_or(HOME).to_string()
}

/// The password page if the member has one; a code, a passkey or a provider if that is all the member has, or requests.
async fn page(request: &AccountRequest, failed: bool) -> Result<Box<dyn Page>, Response> {
    let visit = &request.visit;
    let login_methods = LoginMethods::load(&visit.ctx(), request.caller.user.id).await;
    let login_methods = login_methods.map_err(|error| request.fail(&error))?;
    let settings = &visit.project.settings;
    let passkey =
        (!login_methods.passkeys.is_empty() && settings.offers(AuthenticatorKind::Passkey)).then(|| PasskeyCeremony {
            ceremony: Ceremony::Use,
            options_json: reauthentication::request_options(&visit.project, &request.caller, &login_methods),
            action: request.action(),
        });
    let target = login_methods.code_target();
    if login_methods.password.is_some() && request.field("by") != "code" {
        let login_id = login_methods.name().unwrap_or_default();
        let mut page = PasswordPage::new(PasswordReason::Confirm, request.action(), login_id);
        page.error = (failed && request.field("action") != "passkey").then(|| FieldProblem::PasswordWrong.text());
        page.passkey = passkey;
        page.code_href = target.map(|_| format!("{}&by=code", request.confirm_href(&next(request))));
        return Ok(Box::new(page));
    }
    Ok(Box::new(ConfirmPage {
        action: request.action(),
        destination: target.map(|login_id| login_id.mask()),
        passkey,
        problem: problem_of_proof(request),
        providers: providers_of(request, &login_methods),
        back_href: HOME.into(),
    }))
}

/// The providers with which the member can prove itself.
fn providers_of(request: &AccountRequest, login_methods: &LoginMethods) -> Vec<ProviderChoice> {
    let own = external::proving_providers(&request.visit.project.settings, login_methods).into_iter();
    own.map(|provider| ProviderChoice { alias: provider.alias.clone(), name: provider.display_name().to_string() })
        .collect()
}

/// Offers a code, a passkey and the member's providers to members who have no password or prefer not to use it. The code's form posts
/// `action=send`, a provider's `action=provider`; members with a password get `flow::password::PasswordPage`.
#[derive(Clone, Debug)]
pub struct ConfirmPage {
    pub action: String,
    /// The masked destination of a code; `None` without an address.
    pub destination: Option<String>,
    pub passkey: Option<PasskeyCeremony>,
    /// Why the last try at a provider proved nothing.
    pub problem: Option<Text>,
    pub(crate) providers: Vec<ProviderChoice>,
    pub back_href: String,
}

impl ConfirmPage {
    /// Whether there is anything to confirm with.
    fn has_way(&self) -> bool {
        self.destination.is_some() || self.passkey.is_some() || !self.providers.is_empty()
    }

    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let code = Self {
            action: "/settings/confirm".into(),
            destination: Some("a•••@example.com".into()),
            passkey: None,
            problem: None,
            providers: Vec::new(),
            back_href: "/settings".into(),
        };
        let passkey = Some(PasskeyCeremony::sample(Ceremony::Use));
        let both = Self { passkey: passkey.clone(), ..code.clone() };
        let alone = Self { destination: None, passkey, ..code.clone() };
        let providers = vec![ProviderChoice { alias: "google".into(), name: "Google".into() }];
        let provider = Self { destination: None, providers: providers.clone(), ..code.clone() };
        let problem = Some(Text::new("provider-other-account-title").with("provider", "Google"));
        let refused = Self { problem, ..provider.clone() };
        let all = Self { providers, ..both.clone() };
        let nothing = Self { destination: None, ..code.clone() };
        vec![
            ("code", code),
            ("both", both),
            ("passkey", alone),
            ("provider", provider),
            ("refused", refused),
            ("all", all),
            ("nothing", nothing),
        ]
    }
}

impl Page for ConfirmPage {
    fn title(&self) -> Text {
        Text::new("confirm-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(AccountConfirmBody { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }

    fn has_passkey(&self) -> bool {
        self.passkey.is_some()
    }
}

#[derive(Template)]
#[template(path = "account/confirm.html")]
struct AccountConfirmBody<'a> {
    ctx: &'a PageContext,
    page: &'a ConfirmPage,
}
