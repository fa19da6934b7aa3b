//! Removing an account at a provider. The overview lists them.

use axum::{extract::Request, response::Response};
use vestibule_app::account::{change::ChangeOutcome, external_account};
use vestibule_web::{credentials::AccountCookies, notice::NoticeKind, visit::Visit};

use super::{AccountRequest, HOME, with_notice};
use crate::see_other;

/// The path of the form.
pub(super) const HERE: &str = "/settings/external-accounts";

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
    match request.ask(async |asking| external_account::remove(asking, id).await).await {
        Ok(ChangeOutcome::Done(_)) => see_other(&with_notice(HOME, NoticeKind::LoginIdRemoved)),
        Ok(ChangeOutcome::LastLoginMethod) => see_other(&with_notice(HOME, NoticeKind::LastLoginMethod)),
        Ok(ChangeOutcome::Taken | ChangeOutcome::Stale | ChangeOutcome::UserGone | ChangeOutcome::SignedOut) => {
            see_other(HOME)
        }
        Err(error) => request.fail(&error),
    }
}
