//! Adding, replacing, verifying and removing a login ID.

use axum::{extract::Request, http::StatusCode, response::Response};
use vestibule_domain::{id::IdentityId, identifier::LoginIdKind};
use vestibule_store::credentials::LoginIdRow;

use super::{Desk, HOME};
use crate::{
    flows::settings::{Standing, change::Outcome, login_id::Step, standing::kind_of},
    http::{
        credentials::AccountCookies,
        pages::{
            see_other,
            words::{complain_of_identifier, complain_of_taken, ui_kind},
        },
        visit::Visit,
    },
    ui::{AddLoginIdPage, NoticeKind, RemoveLoginIdPage, Text, VerifyLoginIdPage},
};

/// `GET /settings/identity/add`
pub(super) async fn show_add(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match open(visit, cookies, request).await {
        Ok(desk) => match kind_to_add(&desk) {
            Some(kind) => desk.show(&add_page(&desk, kind, None, String::new(), None)),
            None => see_other(HOME),
        },
        Err(response) => response,
    }
}

/// `POST /settings/identity/add`
pub(super) async fn add(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match receive(visit, cookies, request).await {
        Ok(desk) => match kind_to_add(&desk) {
            Some(kind) => take(&desk, kind, None).await,
            None => see_other(HOME),
        },
        Err(response) => response,
    }
}

/// `GET /settings/identity/change`
pub(super) async fn show_change(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match open(visit, cookies, request).await {
        Ok(desk) => match find(&desk).await {
            Ok((kind, row)) => desk.show(&add_page(&desk, kind, Some(row.original), String::new(), None)),
            Err(response) => response,
        },
        Err(response) => response,
    }
}

/// `POST /settings/identity/change`
pub(super) async fn change(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match receive(visit, cookies, request).await {
        Ok(desk) => match find(&desk).await {
            Ok((kind, row)) => take(&desk, kind, Some(&row)).await,
            Err(response) => response,
        },
        Err(response) => response,
    }
}

/// `GET /settings/identity/verify`
pub(super) async fn show_verify(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match Desk::open(visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    match find(&desk).await {
        Ok((kind, row)) => desk.show(&VerifyLoginIdPage {
            action: desk.action(),
            kind: ui_kind(kind),
            value: row.original,
            back_href: desk.back_href(),
        }),
        Err(response) => response,
    }
}

/// `POST /settings/identity/verify`
pub(super) async fn verify(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match Desk::receive(visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    let Some(id) = desk.id() else { return see_other(HOME) };
    match desk.ask(async |asking| asking.verify(id).await).await {
        Ok(Step::CodeSent(errand)) => see_other(&format!("/settings/code?errand={}", errand.id)),
        Ok(Step::Mistaken(_) | Step::Ended(_)) => see_other(HOME),
        Err(error) => desk.fail(&error),
    }
}

/// `GET /settings/identity/remove`
pub(super) async fn show_remove(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match open(visit, cookies, request).await {
        Ok(desk) => match find(&desk).await {
            Ok((_, row)) => desk.show(&RemoveLoginIdPage {
                action: desk.action(),
                value: row.original,
                back_href: desk.back_href(),
            }),
            Err(response) => response,
        },
        Err(response) => response,
    }
}

/// `POST /settings/identity/remove`
pub(super) async fn remove(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match receive(visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    let Some(id) = desk.id() else { return see_other(HOME) };
    match desk.ask(async |asking| asking.remove(id).await).await {
        Ok(outcome) => desk.go_on(outcome, NoticeKind::LoginIdRemoved),
        Err(error) => desk.fail(&error),
    }
}

/// Opens the page, and requires a recent authentication.
async fn open(visit: Visit, cookies: AccountCookies, request: Request) -> Result<Desk, Response> {
    let desk = Desk::open(visit, cookies, request).await?;
    desk.ask_to_prove().map_or(Ok(desk), Err)
}

/// Receives the form, and requires a recent authentication.
async fn receive(visit: Visit, cookies: AccountCookies, request: Request) -> Result<Desk, Response> {
    let desk = Desk::receive(visit, cookies, request).await?;
    desk.ask_to_prove().map_or(Ok(desk), Err)
}

fn kind_to_add(desk: &Desk) -> Option<LoginIdKind> {
    let kinds = desk.visit.project.settings.login_id_kinds();
    LoginIdKind::from_name(desk.field("kind")).filter(|kind| kinds.contains(kind))
}

/// The login ID of the page.
async fn find(desk: &Desk) -> Result<(LoginIdKind, LoginIdRow), Response> {
    let visit = &desk.visit;
    let standing = Standing::load(&visit.app, &visit.project, desk.caller.user.id).await;
    let standing = standing.map_err(|error| desk.fail(&error))?;
    let row = desk.id().and_then(|id| standing.find(id)).cloned();
    row.and_then(|row| Some((kind_of(&row)?, row))).ok_or_else(|| see_other(HOME))
}

async fn take(desk: &Desk, kind: LoginIdKind, replaced: Option<&LoginIdRow>) -> Response {
    let typed = desk.field("login_id").to_string();
    let old: Option<IdentityId> = replaced.map(|row| row.id);
    let step = desk.ask(async |asking| asking.offer(desk.errand.clone(), kind, &typed, old).await).await;
    let error = match step {
        Ok(Step::CodeSent(errand)) => return see_other(&format!("/settings/code?errand={}", errand.id)),
        Ok(Step::Ended(Outcome::Taken)) => (StatusCode::CONFLICT, complain_of_taken(kind)),
        Ok(Step::Ended(outcome)) => {
            let notice = if old.is_some() { NoticeKind::LoginIdChanged } else { NoticeKind::LoginIdAdded };
            return desk.go_on(outcome, notice);
        }
        Ok(Step::Mistaken(problem)) => (StatusCode::UNPROCESSABLE_ENTITY, complain_of_identifier(problem)),
        Err(error) => return desk.fail(&error),
    };
    let (status, complaint) = error;
    let page = add_page(desk, kind, replaced.map(|row| row.original.clone()), typed, Some(complaint));
    desk.render(status, None, &page)
}

/// The page for entering a login ID.
pub(super) fn add_page(
    desk: &Desk,
    kind: LoginIdKind,
    replacing: Option<String>,
    value: String,
    error: Option<Text>,
) -> AddLoginIdPage {
    AddLoginIdPage { action: desk.action(), kind: ui_kind(kind), replacing, value, error, back_href: desk.back_href() }
}
