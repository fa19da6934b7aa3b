//! Listing, creating, naming and removing passkeys.

use axum::{extract::Request, http::StatusCode, response::Response};
use vestibule_domain::{
    project::AuthenticatorKind,
    promotion::{CredentialRemoval, is_last_login_credential},
};

use super::{AccountRequest, HOME, elapsed, with_notice};
use crate::{
    flows::settings::{
        LoginMethods,
        change::ChangeOutcome,
        passkey,
        profile::{MAX_NAME, read_name},
    },
    http::{credentials::AccountCookies, pages::see_other, user_agent::device_name, visit::Visit},
    ui::{Ceremony, FieldProblem, NoticeKind, PasskeyCeremony, PasskeyEntry, PasskeyNamePage, PasskeysPage, Text},
};

const HERE: &str = "/settings/passkeys";

/// `GET /settings/passkeys`
pub(super) async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if let Some(response) = refuse(&request) {
        return response;
    }
    match page(&request).await {
        Ok(page) => request.show(&page),
        Err(response) => response,
    }
}

/// `POST /settings/passkeys`
pub(super) async fn act(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if let Some(response) = refuse(&request) {
        return response;
    }
    if request.field("action") == "remove" { remove(&request).await } else { add(&request).await }
}

/// `GET /settings/passkeys/name`
pub(super) async fn show_name(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if let Some(response) = refuse(&request) {
        return response;
    }
    match find_name(&request).await {
        Ok(name) => request.show(&name_page(&request, name, None)),
        Err(response) => response,
    }
}

/// `POST /settings/passkeys/name`
pub(super) async fn save_name(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if let Some(response) = refuse(&request) {
        return response;
    }
    rename(&request).await
}

async fn rename(request: &AccountRequest) -> Response {
    let Some(id) = request.id() else { return see_other(HERE) };
    let Ok(name) = read_name(request.field("name")) else {
        let max = u32::try_from(MAX_NAME).unwrap_or(u32::MAX);
        let error = Some(FieldProblem::NameTooLong { max }.text());
        return request.show_again(&name_page(request, request.field("name").to_string(), error));
    };
    let visit = &request.visit;
    match passkey::rename(&visit.ctx(), &request.caller, id, name).await {
        Ok(ChangeOutcome::Done(_)) => see_other(&with_notice(HERE, NoticeKind::PasskeyRenamed)),
        Ok(ChangeOutcome::Taken | ChangeOutcome::LastLoginMethod | ChangeOutcome::Stale | ChangeOutcome::UserGone) => {
            see_other(HERE)
        }
        Err(error) => request.fail(&error),
    }
}

async fn find_name(request: &AccountRequest) -> Result<String, Response> {
    let visit = &request.visit;
    let login_methods = LoginMethods::load(&visit.ctx(), request.caller.user.id).await;
    let login_methods = login_methods.map_err(|error| request.fail(&error))?;
    let row = request.id().and_then(|id| login_methods.passkeys.into_iter().find(|row| row.id == id));
    row.map(|row| row.name.unwrap_or_default()).ok_or_else(|| see_other(HERE))
}

fn name_page(request: &AccountRequest, name: String, error: Option<Text>) -> PasskeyNamePage {
    PasskeyNamePage { action: request.action(), name, error, back_href: HERE.into() }
}

async fn add(request: &AccountRequest) -> Response {
    let (visit, answer) = (&request.visit, request.field("credential"));
    let name = device_name(&request.headers);
    let added = passkey::add(&visit.ctx(), &request.caller, answer, name).await;
    match added {
        Ok(Some(ChangeOutcome::Done(_))) => see_other(&with_notice(HERE, NoticeKind::PasskeyAdded)),
        Ok(
            Some(
                ChangeOutcome::Taken | ChangeOutcome::LastLoginMethod | ChangeOutcome::Stale | ChangeOutcome::UserGone,
            )
            | None,
        ) => match page(request).await {
            Ok(page) => request.render(StatusCode::UNPROCESSABLE_ENTITY, Some(NoticeKind::PasskeyFailed), &page),
            Err(response) => response,
        },
        Err(error) => request.fail(&error),
    }
}

async fn remove(request: &AccountRequest) -> Response {
    let Ok(id) = request.field("passkey_id").parse() else { return see_other(HERE) };
    let visit = &request.visit;
    match passkey::remove(&visit.ctx(), &request.caller, id).await {
        Ok(ChangeOutcome::Done(_)) => see_other(&with_notice(HERE, NoticeKind::PasskeyRemoved)),
        Ok(ChangeOutcome::LastLoginMethod) => see_other(&with_notice(HERE, NoticeKind::LastLoginMethod)),
        Ok(ChangeOutcome::Taken | ChangeOutcome::Stale | ChangeOutcome::UserGone) => see_other(HERE),
        Err(error) => request.fail(&error),
    }
}

fn refuse(request: &AccountRequest) -> Option<Response> {
    let has_page = request.visit.project.settings.offers(AuthenticatorKind::Passkey);
    if has_page { request.ask_to_prove() } else { Some(see_other(HOME)) }
}

async fn page(request: &AccountRequest) -> Result<PasskeysPage, Response> {
    let visit = &request.visit;
    let login_methods = LoginMethods::load(&visit.ctx(), request.caller.user.id).await;
    let login_methods = login_methods.map_err(|error| request.fail(&error))?;
    let login_credentials = login_methods.login_credentials();
    let entries = login_methods.passkeys.iter().map(|row| PasskeyEntry {
        id: row.id.to_string(),
        name: row.name.clone(),
        created: elapsed(row.created_at, visit.now),
        last_used: row.last_used_at.map(|at| elapsed(at, visit.now)),
        rename_href: format!("{HERE}/name?id={}", row.id),
        removable: !is_last_login_credential(
            &login_credentials,
            CredentialRemoval::Passkey(row.id),
            &visit.project.settings,
        ),
    });
    Ok(PasskeysPage {
        entries: entries.collect(),
        remove_action: HERE.into(),
        add: Some(PasskeyCeremony {
            ceremony: Ceremony::Create,
            options_json: passkey::creation_options(&visit.project, &request.caller, &login_methods),
            action: HERE.into(),
        }),
        back_href: HOME.into(),
    })
}
