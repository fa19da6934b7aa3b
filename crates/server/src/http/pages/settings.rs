//! The account page, where settings links land, and the server's front door.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{Frame, flow_error, found, leave, render, see_other};
use crate::{
    flows::{caller::Caller, settings},
    http::{cookies, visit::Visit},
    ui::{AlreadyPromotedPage, SettingsGuestPage},
};

/// `GET /settings`
pub(crate) async fn show(visit: Visit, headers: HeaderMap) -> Response {
    let resolution = match visit.resolve(&headers).await {
        Ok(resolution) => resolution,
        Err(error) => return flow_error(&visit, &headers, &error),
    };
    match resolution.live() {
        Some(caller) if caller.user.is_anonymous() => show_guest(&visit, &headers, caller),
        Some(caller) if caller.session().is_some() => found("/logout"),
        Some(caller) => {
            let page = AlreadyPromotedPage { app_href: app_href(&visit, caller) };
            super::page(&visit, &headers, None, StatusCode::OK, &page)
        }
        None => leave::left(visit, headers).await,
    }
}

fn show_guest(visit: &Visit, headers: &HeaderMap, caller: &Caller) -> Response {
    let page = SettingsGuestPage {
        promote_href: Some("/settings/promote".to_string()),
        logout_action: "/logout".to_string(),
        delete_href: None,
        app_href: app_href(visit, caller),
    };
    let csrf = leave::form_token(visit, caller);
    render(visit, headers, Frame { status: StatusCode::OK, request: None, csrf, notice: None }, &page)
}

fn app_href(visit: &Visit, caller: &Caller) -> Option<String> {
    let settings = &visit.project.settings;
    match caller.grant() {
        // A phone's app has no address to go back to: its person closes the window.
        Some(grant) => settings.client(&grant.client_id).and_then(|client| client.client_uri.clone()),
        None => settings.default_client_uri().map(str::to_string),
    }
}

/// `GET /settings/promote`: a guest who is signed in becomes a member, without the app's help.
pub(crate) async fn promote(visit: Visit, headers: HeaderMap) -> Response {
    let resolution = match visit.resolve(&headers).await {
        Ok(resolution) => resolution,
        Err(error) => return flow_error(&visit, &headers, &error),
    };
    let Some(caller) = resolution.live() else { return found("/settings") };
    let jar = cookies::Jar::read(&headers);
    let browser = jar.get(&cookies::Names::of(&visit.project).flow);
    match settings::begin_promotion(&visit.app, &visit.project, caller, browser, visit.now).await {
        Ok(Some(begun)) => {
            let mut response = found(&format!("/flow/{}", begun.flow));
            cookies::set_flow(response.headers_mut(), &visit.project, &begun.browser);
            response
        }
        Ok(None) => found("/settings"),
        Err(error) => flow_error(&visit, &headers, &error),
    }
}

/// Sub-pages a guest has none of, and old addresses of the account page.
pub(crate) async fn redirect() -> Response {
    found("/settings")
}

/// `GET /`: there is nothing here but the way on.
pub(crate) async fn home(visit: Visit) -> Response {
    see_other(visit.project.settings.default_client_uri().unwrap_or("/settings"))
}
