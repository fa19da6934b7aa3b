//! Adding, replacing, verifying and removing a login ID.

use askama::Template;
use axum::{extract::Request, http::StatusCode, response::Response};
use vestibule_app::account::{LoginMethods, change::ChangeOutcome, login_id::LoginIdStep, login_methods::kind_of};
use vestibule_domain::{id::IdentityId, identifier::LoginIdKind, identity::OwnedLoginId};
use vestibule_web::{
    context::PageContext,
    credentials::AccountCookies,
    field::{Field, LoginIdField},
    notice::NoticeKind,
    page::{Page, Shell},
    template::finish,
    text::Text,
    visit::Visit,
};

use super::{AccountRequest, HOME, sub_page};
use crate::{
    messages::{describe_identifier_problem, describe_taken, ui_kind},
    see_other,
};

/// `GET /settings/identity/add`
pub(crate) async fn show_add(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match open(visit, cookies, request).await {
        Ok(request) => match kind_to_add(&request) {
            Some(kind) => request.show(&add_page(&request, kind, None, String::new(), None)),
            None => see_other(HOME),
        },
        Err(response) => response,
    }
}

/// `POST /settings/identity/add`
pub async fn add(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match receive(visit, cookies, request).await {
        Ok(request) => match kind_to_add(&request) {
            Some(kind) => take(&request, kind, None).await,
            None => see_other(HOME),
        },
        Err(response) => response,
    }
}

/// `GET /settings/identity/change`
pub(crate) async fn show_change(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match open(visit, cookies, request).await {
        Ok(request) => match find(&request).await {
            Ok((kind, row)) => request.show(&add_page(&request, kind, Some(row.original), String::new(), None)),
            Err(response) => response,
        },
        Err(response) => response,
    }
}

/// `POST /settings/identity/change`
pub async fn change(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match receive(visit, cookies, request).await {
        Ok(request) => match find(&request).await {
            Ok((kind, row)) => take(&request, kind, Some(&row)).await,
            Err(response) => response,
        },
        Err(response) => response,
    }
}

/// `GET /settings/identity/verify`
pub(crate) async fn show_verify(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    match find(&request).await {
        Ok((kind, row)) => request.show(&VerifyLoginIdPage {
            action: request.action(),
            kind: ui_kind(kind),
            value: row.original,
            back_href: request.back_href(),
        }),
        Err(response) => response,
    }
}

/// `POST /settings/identity/verify`
pub async fn verify(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let Some(id) = request.id() else { return see_other(HOME) };
    match request.ask(async |asking| asking.verify(id).await).await {
        Ok(LoginIdStep::CodeSent(settings_action)) => {
            see_other(&format!("/settings/code?errand={}", settings_action.id))
        }
        Ok(LoginIdStep::Invalid(_) | LoginIdStep::Ended(_)) => see_other(HOME),
        Err(error) => request.fail(&error),
    }
}

/// `GET /settings/identity/remove`
pub(crate) async fn show_remove(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match open(visit, cookies, request).await {
        Ok(request) => match find(&request).await {
            Ok((_, row)) => request.show(&RemoveLoginIdPage {
                action: request.action(),
                value: row.original,
                back_href: request.back_href(),
            }),
            Err(response) => response,
        },
        Err(response) => response,
    }
}

/// `POST /settings/identity/remove`
pub async fn remove(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match receive(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let Some(id) = request.id() else { return see_other(HOME) };
    match request.ask(async |asking| asking.remove(id).await).await {
        Ok(outcome) => request.go_on(outcome, NoticeKind::LoginIdRemoved),
        Err(error) => request.fail(&error),
    }
}

/// Opens the page, and requires a recent authentication.
async fn open(visit: Visit, cookies: AccountCookies, request: Request) -> Result<AccountRequest, Response> {
    let request = AccountRequest::open(visit, cookies, request).await?;
    request.ask_to_prove().map_or(Ok(request), Err)
}

/// Receives the form, and requires a recent authentication.
async fn receive(visit: Visit, cookies: AccountCookies, request: Request) -> Result<AccountRequest, Response> {
    let request = AccountRequest::receive(visit, cookies, request).await?;
    request.ask_to_prove().map_or(Ok(request), Err)
}

fn kind_to_add(request: &AccountRequest) -> Option<LoginIdKind> {
    let kinds = request.visit.project.settings.login_id_kinds();
    LoginIdKind::from_name(request.field("kind")).filter(|kind| kinds.contains(kind))
}

/// The login ID of the page.
async fn find(request: &AccountRequest) -> Result<(LoginIdKind, OwnedLoginId), Response> {
    let visit = &request.visit;
    let login_methods = LoginMethods::load(&visit.ctx(), request.caller.user.id).await;
    let login_methods = login_methods.map_err(|error| request.fail(&error))?;
    let row = request.id().and_then(|id| login_methods.find(id)).cloned();
    row.and_then(|row| Some((kind_of(&row)?, row))).ok_or_else(|| see_other(HOME))
}

async fn take(request: &AccountRequest, kind: LoginIdKind, replaced: Option<&OwnedLoginId>) -> Response {
    let typed = request.field("login_id").to_string();
    let old: Option<IdentityId> = replaced.map(|row| row.id);
    let step = request.ask(async |asking| asking.offer(request.settings_action.clone(), kind, &typed, old).await).await;
    let error = match step {
        Ok(LoginIdStep::CodeSent(settings_action)) => {
            return see_other(&format!("/settings/code?errand={}", settings_action.id));
        }
        Ok(LoginIdStep::Ended(ChangeOutcome::Taken)) => (StatusCode::CONFLICT, describe_taken(kind)),
        Ok(LoginIdStep::Ended(outcome)) => {
            let notice = if old.is_some() { NoticeKind::LoginIdChanged } else { NoticeKind::LoginIdAdded };
            return request.go_on(outcome, notice);
        }
        Ok(LoginIdStep::Invalid(problem)) => (StatusCode::UNPROCESSABLE_ENTITY, describe_identifier_problem(problem)),
        Err(error) => return request.fail(&error),
    };
    let (status, problem) = error;
    let page = add_page(request, kind, replaced.map(|row| row.original.clone()), typed, Some(problem));
    request.render(status, None, &page)
}

/// The page for entering a login ID.
pub(super) fn add_page(
    request: &AccountRequest,
    kind: LoginIdKind,
    replacing: Option<String>,
    value: String,
    error: Option<Text>,
) -> AddLoginIdPage {
    AddLoginIdPage {
        action: request.action(),
        kind: ui_kind(kind),
        replacing,
        value,
        error,
        back_href: request.back_href(),
    }
}

/// Adds or replaces a login ID. The form posts `login_id` and `action=continue`.
#[derive(Clone, Debug)]
pub struct AddLoginIdPage {
    pub action: String,
    pub kind: LoginIdField,
    /// The login ID to replace, if any.
    pub replacing: Option<String>,
    pub value: String,
    pub error: Option<Text>,
    pub back_href: String,
}

impl AddLoginIdPage {
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_web::field_problem::FieldProblem;
        let email = Self {
            action: "/settings/identity/add".into(),
            kind: LoginIdField::Email,
            replacing: None,
            value: String::new(),
            error: None,
            back_href: "/settings".into(),
        };
        let change = Self {
            replacing: Some("ada@example.com".into()),
            value: "ada@".into(),
            error: Some(FieldProblem::EmailInvalid.text()),
            ..email.clone()
        };
        let phone = Self { kind: LoginIdField::Phone, ..email.clone() };
        let username = Self { kind: LoginIdField::Username, replacing: Some("ada".into()), ..email.clone() };
        vec![("email", email), ("email-change-error", change), ("phone", phone), ("username-change", username)]
    }

    fn login_id(&self) -> Field {
        let field = self.kind.field(&self.value, self.error.as_ref(), false);
        Field { autofocus: true, ..field }
    }

    fn lead(&self) -> Option<&'static str> {
        lead_of(self.kind)
    }
}

impl Page for AddLoginIdPage {
    fn title(&self) -> Text {
        Text::new(match (self.kind, self.replacing.is_some()) {
            (LoginIdField::Email, false) => "add-email-title",
            (LoginIdField::Email, true) => "change-email-title",
            (LoginIdField::Phone, false) => "add-phone-title",
            (LoginIdField::Phone, true) => "change-phone-title",
            (LoginIdField::Username, false) => "add-username-title",
            (LoginIdField::Username, true) => "change-username-title",
        })
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(AddBody { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(&'static str, Text)> {
        self.login_id().problem().into_iter().collect()
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/add_login_id.html")]
struct AddBody<'a> {
    ctx: &'a PageContext,
    page: &'a AddLoginIdPage,
}

/// Confirms the removal of a login ID. The form posts `action=remove`.
#[derive(Clone, Debug)]
pub struct RemoveLoginIdPage {
    pub action: String,
    pub value: String,
    pub back_href: String,
}

impl RemoveLoginIdPage {
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            action: "/settings/identity/remove".into(),
            value: "ada@example.com".into(),
            back_href: "/settings".into(),
        };
        vec![("plain", page)]
    }
}

impl Page for RemoveLoginIdPage {
    fn title(&self) -> Text {
        Text::new("remove-login-id-title").with("what", self.value.as_str())
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(RemoveBody { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/remove_login_id.html")]
struct RemoveBody<'a> {
    ctx: &'a PageContext,
    page: &'a RemoveLoginIdPage,
}

/// Offers to send a code to an unverified login ID. The form posts `action=send`.
#[derive(Clone, Debug)]
pub struct VerifyLoginIdPage {
    pub action: String,
    pub kind: LoginIdField,
    pub value: String,
    pub back_href: String,
}

impl VerifyLoginIdPage {
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let email = Self {
            action: "/settings/identity/verify".into(),
            kind: LoginIdField::Email,
            value: "ada@example.com".into(),
            back_href: "/settings".into(),
        };
        let phone = Self { kind: LoginIdField::Phone, value: "+44 20 7946 0018".into(), ..email.clone() };
        vec![("email", email), ("phone", phone)]
    }

    fn lead(&self) -> Option<&'static str> {
        lead_of(self.kind)
    }
}

impl Page for VerifyLoginIdPage {
    fn title(&self) -> Text {
        Text::new("link-verify-label").with("what", self.value.as_str())
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(VerifyBody { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/verify_login_id.html")]
struct VerifyBody<'a> {
    ctx: &'a PageContext,
    page: &'a VerifyLoginIdPage,
}

/// The next step for a login ID of this kind.
fn lead_of(kind: LoginIdField) -> Option<&'static str> {
    match kind {
        LoginIdField::Email => Some("add-email-lead"),
        LoginIdField::Phone => Some("add-phone-lead"),
        LoginIdField::Username => None,
    }
}
