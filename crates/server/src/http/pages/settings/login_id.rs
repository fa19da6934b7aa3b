//! Adding, replacing, verifying and removing a login ID.

use axum::{extract::Request, http::StatusCode, response::Response};
use vestibule_domain::{id::IdentityId, identifier::LoginIdKind};
use vestibule_store::credentials::LoginIdRow;

use super::{AccountRequest, HOME};
use crate::{
    flows::settings::{LoginMethods, change::ChangeOutcome, login_id::LoginIdStep, login_methods::kind_of},
    http::{
        credentials::AccountCookies,
        pages::{
            messages::{describe_identifier_problem, describe_taken, ui_kind},
            see_other,
        },
        visit::Visit,
    },
    ui::{AddLoginIdPage, NoticeKind, RemoveLoginIdPage, Text, VerifyLoginIdPage},
};

/// `GET /settings/identity/add`
pub(super) async fn show_add(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match open(visit, cookies, request).await {
        Ok(request) => match kind_to_add(&request) {
            Some(kind) => request.show(&add_page(&request, kind, None, String::new(), None)),
            None => see_other(HOME),
        },
        Err(response) => response,
    }
}

/// `POST /settings/identity/add`
pub(super) async fn add(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match receive(visit, cookies, request).await {
        Ok(request) => match kind_to_add(&request) {
            Some(kind) => take(&request, kind, None).await,
            None => see_other(HOME),
        },
        Err(response) => response,
    }
}

/// `GET /settings/identity/change`
pub(super) async fn show_change(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match open(visit, cookies, request).await {
        Ok(request) => match find(&request).await {
            Ok((kind, row)) => request.show(&add_page(&request, kind, Some(row.original), String::new(), None)),
            Err(response) => response,
        },
        Err(response) => response,
    }
}

/// `POST /settings/identity/change`
pub(super) async fn change(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match receive(visit, cookies, request).await {
        Ok(request) => match find(&request).await {
            Ok((kind, row)) => take(&request, kind, Some(&row)).await,
            Err(response) => response,
        },
        Err(response) => response,
    }
}

/// `GET /settings/identity/verify`
pub(super) async fn show_verify(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
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
pub(super) async fn verify(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
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
pub(super) async fn show_remove(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
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
pub(super) async fn remove(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
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
async fn find(request: &AccountRequest) -> Result<(LoginIdKind, LoginIdRow), Response> {
    let visit = &request.visit;
    let login_methods = LoginMethods::load(&visit.ctx(), request.caller.user.id).await;
    let login_methods = login_methods.map_err(|error| request.fail(&error))?;
    let row = request.id().and_then(|id| login_methods.find(id)).cloned();
    row.and_then(|row| Some((kind_of(&row)?, row))).ok_or_else(|| see_other(HOME))
}

async fn take(request: &AccountRequest, kind: LoginIdKind, replaced: Option<&LoginIdRow>) -> Response {
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
