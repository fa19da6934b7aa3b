//! Reauthentication before a sensitive change: by password, passkey or code.

use askama::Template;
use axum::{extract::Request, http::StatusCode, response::Response};
use vestibule_app::account::{LoginMethods, change::ChangeOutcome, login_id::LoginIdStep, reauthentication};
use vestibule_domain::project::AuthenticatorKind;
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

use super::{AccountRequest, HOME, own_page, sub_page};
use crate::{
    flow::password::{PasswordPage, PasswordReason},
    see_other,
};

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
        Ok(page) => request.show(page.as_ref()),
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

/// The password page if the member has one; a code or a passkey if that is all the member has, or requests.
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
        sign_in_href: sign_in_again(request, &login_methods),
        back_href: HOME.into(),
    }))
}

/// The sign-in page, for a member who can sign in with a provider: that proves it as a password does.
fn sign_in_again(request: &AccountRequest, login_methods: &LoginMethods) -> Option<String> {
    let settings = &request.visit.project.settings;
    let has_provider =
        login_methods.external_accounts.iter().any(|row| settings.provider_of_account(&row.provider).is_some());
    let next = next(request);
    has_provider.then(|| format!("/settings/sign-in?{}", Form::from_pairs([("next", next.as_str())]).print()))
}

/// Offers a code, a passkey, or both, to members who have no password or prefer not to use it. The code's form posts
/// `action=send`; members with a password get `flow::password::PasswordPage`.
#[derive(Clone, Debug)]
pub struct ConfirmPage {
    pub action: String,
    /// The masked destination of a code; `None` without an address.
    pub destination: Option<String>,
    pub passkey: Option<PasskeyCeremony>,
    /// For a member who signs in with a provider.
    pub sign_in_href: Option<String>,
    pub back_href: String,
}

impl ConfirmPage {
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let code = Self {
            action: "/settings/confirm".into(),
            destination: Some("a•••@example.com".into()),
            passkey: None,
            sign_in_href: None,
            back_href: "/settings".into(),
        };
        let passkey = Some(PasskeyCeremony::sample(Ceremony::Use));
        let both = Self { passkey: passkey.clone(), ..code.clone() };
        let alone = Self { destination: None, passkey, ..code.clone() };
        let again = Some("/settings/sign-in?next=%2Fsettings%2Fdelete".to_string());
        let provider = Self { destination: None, sign_in_href: again, ..code.clone() };
        vec![("code", code), ("both", both), ("passkey", alone), ("provider", provider)]
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
