//! Editing the names in the profile.

use axum::{extract::Request, response::Response};

use super::{AccountRequest, HOME};
use crate::{
    flows::settings::profile::{self, MAX_NAME, NAMES, read_name},
    http::{credentials::AccountCookies, visit::Visit},
    ui::{EditNamesPage, FieldProblem, NoticeKind, Text},
};

/// `GET /settings/names`
pub(super) async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let attributes = &request.caller.user.standard_attributes;
    let stored = |name: &str| attributes.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_string();
    request.show(&page(NAMES.map(stored), [None, None, None]))
}

/// `POST /settings/names`
pub(super) async fn save(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let typed = NAMES.map(|name| request.field(name).to_string());
    let read = NAMES.map(|name| read_name(request.field(name)));
    if read.iter().any(Result::is_err) {
        let max = u32::try_from(MAX_NAME).unwrap_or(u32::MAX);
        let errors = read.map(|name| name.is_err().then(|| FieldProblem::NameTooLong { max }.text()));
        return request.show_again(&page(typed, errors));
    }
    let names = read.map(Result::unwrap_or_default);
    let visit = &request.visit;
    match profile::save(&visit.ctx(), &request.caller, names).await {
        Ok(outcome) => request.go_on(outcome, NoticeKind::ProfileSaved),
        Err(error) => request.fail(&error),
    }
}

fn page(values: [String; 3], errors: [Option<Text>; 3]) -> EditNamesPage {
    let [given_name, family_name, nickname] = values;
    let [given_name_error, family_name_error, nickname_error] = errors;
    EditNamesPage {
        action: "/settings/names".into(),
        given_name,
        family_name,
        nickname,
        given_name_error,
        family_name_error,
        nickname_error,
        back_href: HOME.into(),
    }
}
