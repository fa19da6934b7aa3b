//! Deleting an account of a member or guest.

use axum::{extract::Request, response::Response};

use super::{AccountRequest, AllowedUsers, sign_out};
use crate::{
    flows::settings::{
        LoginMethods,
        change::ChangeOutcome,
        deletion::{confirms, delete},
    },
    http::{
        credentials::AccountCookies,
        pages::{see_other, to_app},
        visit::Visit,
    },
    ui::{DeleteAccountPage, FieldProblem},
};

/// `GET /settings/delete`
pub(super) async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open_for(AllowedUsers::GuestsToo, visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    match prepare(&request).await {
        Ok(page) => request.show(&page),
        Err(response) => response,
    }
}

/// `POST /settings/delete`
pub(super) async fn act(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive_for(AllowedUsers::GuestsToo, visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let page = match prepare(&request).await {
        Ok(page) => page,
        Err(response) => return response,
    };
    if !confirms(request.field("confirmation"), &page.phrase) {
        let error = Some(FieldProblem::ConfirmationWrong { phrase: page.phrase.clone() }.text());
        return request.show_again(&DeleteAccountPage { error, ..page });
    }
    let visit = &request.visit;
    match delete(&visit.ctx(), &request.caller, request.settings_action.as_ref()).await {
        Ok(ChangeOutcome::Done(Some(redirect))) => sign_out(&request, to_app(visit, &redirect)),
        Ok(ChangeOutcome::Done(None) | ChangeOutcome::UserGone) => sign_out(&request, see_other("/logged-out")),
        Ok(ChangeOutcome::Taken | ChangeOutcome::LastLoginMethod | ChangeOutcome::Stale) => {
            see_other(&request.action())
        }
        Err(error) => request.fail(&error),
    }
}

async fn prepare(request: &AccountRequest) -> Result<DeleteAccountPage, Response> {
    // A guest has no authenticator; its session is the only proof.
    let guest = request.caller.user.is_anonymous();
    if let Some(response) = request.ask_to_prove().filter(|_| !guest) {
        return Err(response);
    }
    let visit = &request.visit;
    let login_methods = LoginMethods::load(&visit.ctx(), request.caller.user.id).await;
    let login_methods = login_methods.map_err(|error| request.fail(&error))?;
    let phrase = login_methods.name().map_or_else(|| DeleteAccountPage::word(&request.locale()), str::to_string);
    let (action, back_href) = (request.action(), request.back_href());
    Ok(DeleteAccountPage { guest, action, phrase, error: None, grace_days: None, back_href })
}
