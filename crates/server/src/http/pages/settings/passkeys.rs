//! Listing, creating, naming and removing passkeys.

use axum::{extract::Request, http::StatusCode, response::Response};
use vestibule_domain::{
    project::AuthenticatorKind,
    promotion::{Removal, is_last_login_credential},
};

use super::{Desk, HOME, overview::elapsed, with_notice};
use crate::{
    flows::settings::{
        Standing,
        change::Outcome,
        passkey,
        profile::{MAX_NAME, read_name},
    },
    http::{
        credentials::AccountCookies,
        pages::{device_name, see_other},
        visit::Visit,
    },
    ui::{Ceremony, Complaint, NoticeKind, PasskeyCeremony, PasskeyEntry, PasskeyNamePage, PasskeysPage, Text},
};

const HERE: &str = "/settings/passkeys";

/// `GET /settings/passkeys`
pub(super) async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match Desk::open(visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    if let Some(response) = refuse(&desk) {
        return response;
    }
    match page(&desk).await {
        Ok(page) => desk.show(&page),
        Err(response) => response,
    }
}

/// `POST /settings/passkeys`
pub(super) async fn act(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match Desk::receive(visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    if let Some(response) = refuse(&desk) {
        return response;
    }
    if desk.field("action") == "remove" { remove(&desk).await } else { add(&desk).await }
}

/// `GET /settings/passkeys/name`
pub(super) async fn show_name(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match Desk::open(visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    if let Some(response) = refuse(&desk) {
        return response;
    }
    match find_name(&desk).await {
        Ok(name) => desk.show(&name_page(&desk, name, None)),
        Err(response) => response,
    }
}

/// `POST /settings/passkeys/name`
pub(super) async fn save_name(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match Desk::receive(visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    if let Some(response) = refuse(&desk) {
        return response;
    }
    rename(&desk).await
}

async fn rename(desk: &Desk) -> Response {
    let Some(id) = desk.id() else { return see_other(HERE) };
    let Ok(name) = read_name(desk.field("name")) else {
        let max = u32::try_from(MAX_NAME).unwrap_or(u32::MAX);
        let error = Some(Complaint::NameTooLong { max }.text());
        return desk.complain(&name_page(desk, desk.field("name").to_string(), error));
    };
    let visit = &desk.visit;
    match passkey::rename(&visit.app, &visit.project, &desk.caller, id, name, visit.now).await {
        Ok(Outcome::Done(_)) => see_other(&with_notice(HERE, NoticeKind::PasskeyRenamed)),
        Ok(Outcome::Taken | Outcome::LastWay | Outcome::Stale | Outcome::Gone) => see_other(HERE),
        Err(error) => desk.fail(&error),
    }
}

async fn find_name(desk: &Desk) -> Result<String, Response> {
    let visit = &desk.visit;
    let standing = Standing::load(&visit.app, &visit.project, desk.caller.user.id).await;
    let standing = standing.map_err(|error| desk.fail(&error))?;
    let row = desk.id().and_then(|id| standing.passkeys.into_iter().find(|row| row.id == id));
    row.map(|row| row.name.unwrap_or_default()).ok_or_else(|| see_other(HERE))
}

fn name_page(desk: &Desk, name: String, error: Option<Text>) -> PasskeyNamePage {
    PasskeyNamePage { action: desk.action(), name, error, back_href: HERE.into() }
}

async fn add(desk: &Desk) -> Response {
    let (visit, answer) = (&desk.visit, desk.field("credential"));
    let name = device_name(&desk.headers);
    let added = passkey::add(&visit.app, &visit.project, &desk.caller, answer, name, visit.now).await;
    match added {
        Ok(Some(Outcome::Done(_))) => see_other(&with_notice(HERE, NoticeKind::PasskeyAdded)),
        Ok(Some(Outcome::Taken | Outcome::LastWay | Outcome::Stale | Outcome::Gone) | None) => match page(desk).await {
            Ok(page) => desk.render(StatusCode::UNPROCESSABLE_ENTITY, Some(NoticeKind::PasskeyFailed), &page),
            Err(response) => response,
        },
        Err(error) => desk.fail(&error),
    }
}

async fn remove(desk: &Desk) -> Response {
    let Ok(id) = desk.field("passkey_id").parse() else { return see_other(HERE) };
    let visit = &desk.visit;
    match passkey::remove(&visit.app, &visit.project, &desk.caller, id, visit.now).await {
        Ok(Outcome::Done(_)) => see_other(&with_notice(HERE, NoticeKind::PasskeyRemoved)),
        Ok(Outcome::LastWay) => see_other(&with_notice(HERE, NoticeKind::LastLoginMethod)),
        Ok(Outcome::Taken | Outcome::Stale | Outcome::Gone) => see_other(HERE),
        Err(error) => desk.fail(&error),
    }
}

fn refuse(desk: &Desk) -> Option<Response> {
    let has_page = desk.visit.project.settings.offers(AuthenticatorKind::Passkey);
    if has_page { desk.ask_to_prove() } else { Some(see_other(HOME)) }
}

async fn page(desk: &Desk) -> Result<PasskeysPage, Response> {
    let visit = &desk.visit;
    let standing = Standing::load(&visit.app, &visit.project, desk.caller.user.id).await;
    let standing = standing.map_err(|error| desk.fail(&error))?;
    let ways = standing.ways_in();
    let entries = standing.passkeys.iter().map(|row| PasskeyEntry {
        id: row.id.to_string(),
        name: row.name.clone(),
        created: elapsed(row.created_at, visit.now),
        last_used: row.last_used_at.map(|at| elapsed(at, visit.now)),
        rename_href: format!("{HERE}/name?id={}", row.id),
        removable: !is_last_login_credential(&ways, Removal::Passkey(row.id), &visit.project.settings),
    });
    Ok(PasskeysPage {
        entries: entries.collect(),
        remove_action: HERE.into(),
        add: Some(PasskeyCeremony {
            ceremony: Ceremony::Create,
            options_json: passkey::creation_options(&visit.project, &desk.caller, &standing),
            action: HERE.into(),
        }),
        back_href: HOME.into(),
    })
}
