//! Deleting an account of a member or guest.

use axum::{extract::Request, response::Response};

use super::{Admits, Desk, sign_out};
use crate::{
    flows::settings::{
        Standing,
        change::Outcome,
        deletion::{confirms, delete},
    },
    http::{
        credentials::AccountCookies,
        pages::{see_other, to_app},
        visit::Visit,
    },
    ui::{Complaint, DeleteAccountPage},
};

/// `GET /settings/delete`
pub(super) async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match Desk::open_for(Admits::GuestsToo, visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    match prepare(&desk).await {
        Ok(page) => desk.show(&page),
        Err(response) => response,
    }
}

/// `POST /settings/delete`
pub(super) async fn act(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match Desk::receive_for(Admits::GuestsToo, visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    let page = match prepare(&desk).await {
        Ok(page) => page,
        Err(response) => return response,
    };
    if !confirms(desk.field("confirmation"), &page.phrase) {
        let error = Some(Complaint::ConfirmationWrong { phrase: page.phrase.clone() }.text());
        return desk.complain(&DeleteAccountPage { error, ..page });
    }
    let visit = &desk.visit;
    match delete(&visit.app, &visit.project, &desk.caller, desk.errand.as_ref(), visit.now).await {
        Ok(Outcome::Done(Some(redirect))) => sign_out(&desk, to_app(visit, &redirect)),
        Ok(Outcome::Done(None) | Outcome::Gone) => sign_out(&desk, see_other("/logged-out")),
        Ok(Outcome::Taken | Outcome::LastWay | Outcome::Stale) => see_other(&desk.action()),
        Err(error) => desk.fail(&error),
    }
}

async fn prepare(desk: &Desk) -> Result<DeleteAccountPage, Response> {
    // A guest has no authenticator; its session is the only proof.
    let guest = desk.caller.user.is_anonymous();
    if let Some(response) = desk.ask_to_prove().filter(|_| !guest) {
        return Err(response);
    }
    let visit = &desk.visit;
    let standing = Standing::load(&visit.app, &visit.project, desk.caller.user.id).await;
    let standing = standing.map_err(|error| desk.fail(&error))?;
    let phrase = standing.name().map_or_else(|| DeleteAccountPage::word(&desk.locale()), str::to_string);
    let (action, back_href) = (desk.action(), desk.back_href());
    Ok(DeleteAccountPage { guest, action, phrase, error: None, grace_days: None, back_href })
}
