//! Removing an account at a provider. The overview lists them, and `connection` adds one.

use axum::{extract::Request, response::Response};
use vestibule_app::account::{LoginMethods, external_account};
use vestibule_web::{credentials::AccountCookies, notice::NoticeKind, visit::Visit};

use super::{AccountRequest, HOME, RemoveLoginIdPage};
use crate::see_other;

/// The path of the form.
pub(super) const HERE: &str = "/settings/external-accounts";

/// `GET /settings/external-accounts`: asks before an account is removed, where an app requested it.
pub async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let Some(id) = request.id() else { return see_other(HOME) };
    if let Some(response) = request.ask_to_prove() {
        return response;
    }
    let login_methods = match LoginMethods::load(&request.visit.ctx(), request.caller.user.id).await {
        Ok(login_methods) => login_methods,
        Err(error) => return request.fail(&error),
    };
    let settings = &request.visit.project.settings;
    match login_methods.external_accounts.iter().find(|row| row.id == id) {
        Some(row) => request.show(&RemoveLoginIdPage {
            action: request.action(),
            value: external_account::name(settings, row),
            back_href: request.back_href(),
        }),
        None => see_other(HOME),
    }
}

/// `POST /settings/external-accounts`
pub async fn act(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if let Some(response) = request.ask_to_prove() {
        return response;
    }
    let Some(id) = request.id() else { return see_other(HOME) };
    let step = request.settings_action.as_ref();
    match request.ask(async |asking| external_account::remove(asking, id, step).await).await {
        Ok(outcome) => request.go_on(outcome, NoticeKind::LoginIdRemoved),
        Err(error) => request.fail(&error),
    }
}
