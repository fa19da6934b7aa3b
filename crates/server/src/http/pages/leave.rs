//! Signing out by hand: the question, the deed, the goodbye.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use vestibule_protocol::form::Form;

use super::{Frame, error_page, flow_error, page, render_with, see_other};
use crate::{
    flows::{
        caller::{Caller, Via},
        end_session,
    },
    http::{body, cookies, error, visit::Visit},
    ui::{ErrorKind, Forms, Link, LoggedOutPage, LogoutPage, NoticeKind, Text},
};

/// `GET /logout`
pub(crate) async fn confirm(visit: Visit, request: Request) -> Response {
    let headers = request.headers().clone();
    let query = request.uri().query().unwrap_or_default().to_string();
    match cookie_caller(&visit, &headers).await {
        Ok(Some(caller)) => ask(&visit, &headers, &caller, &query, None),
        Ok(None) => see_other("/logged-out"),
        Err(response) => response,
    }
}

/// `POST /logout`
pub(crate) async fn leave(visit: Visit, request: Request) -> Response {
    let headers = request.headers().clone();
    let query = request.uri().query().unwrap_or_default().to_string();
    let body = match body::read(&visit, request).await {
        Ok(body) => body,
        Err(_) => return error_page(&visit, &headers, None, StatusCode::PAYLOAD_TOO_LARGE, ErrorKind::TooLarge),
    };
    let caller = match cookie_caller(&visit, &headers).await {
        Ok(Some(caller)) => caller,
        Ok(None) => return see_other("/logged-out"),
        Err(response) => return response,
    };
    let form = match body.own_form() {
        Ok(form) => form,
        Err(problem) => return error::plain(StatusCode::BAD_REQUEST, format!("{problem}\n")),
    };
    let token = form.get("_csrf").ok().flatten().unwrap_or_default();
    let expected = form_token(&visit, &caller);
    if aws_lc_rs::constant_time::verify_slices_are_equal(token.as_bytes(), expected.as_bytes()).is_err() {
        return ask(&visit, &headers, &caller, &query, Some(NoticeKind::FormExpired));
    }
    let query = Form::parse_query(&query).ok();
    let one = |name: &str| query.as_ref().and_then(|query| query.get(name).ok().flatten()).map(str::to_string);
    let (uri, state) = (one("post_logout_redirect_uri"), one("state"));
    // The window of an app is only closed: its grant is the app's to end.
    if let Some(session) = caller.session()
        && let Err(error) = end_session::end(&visit.app, &visit.project, &caller.user, session, visit.now).await
    {
        return flow_error(&visit, &headers, &error);
    }
    let destination = match &uri {
        Some(_) => end_session::destination(&visit.project, uri.as_deref(), state.as_deref()).as_str().to_string(),
        None => "/logged-out".to_string(),
    };
    let mut response = see_other(&destination);
    cookies::clear_session(response.headers_mut(), &visit.project);
    response
}

/// `GET /logged-out`
pub(crate) async fn left(visit: Visit, headers: HeaderMap) -> Response {
    let again = || Link { href: "/settings/sign-in".into(), text: Text::new("link-sign-in-again") };
    let action = visit.project.settings.default_client_uri().map_or_else(again, Link::to_app);
    page(&visit, &headers, None, StatusCode::OK, &LoggedOutPage { action: Some(action) })
}

/// Who is signed in by a cookie: that of a session or that of an app's window into its account page.
async fn cookie_caller(visit: &Visit, headers: &HeaderMap) -> Result<Option<Caller>, Response> {
    match visit.resolve(headers).await {
        Ok(resolution) => Ok(resolution.live().cloned()),
        Err(error) => Err(flow_error(visit, headers, &error)),
    }
}

/// The form token of the pages of somebody who is signed in.
pub(super) fn form_token(visit: &Visit, caller: &Caller) -> String {
    let mac = &visit.project.keys.mac;
    match &caller.via {
        Via::Session(session) => mac.session_form_token(session.id),
        Via::Grant(grant) => mac.grant_form_token(grant.id),
    }
}

fn ask(visit: &Visit, headers: &HeaderMap, caller: &Caller, query: &str, notice: Option<NoticeKind>) -> Response {
    let csrf = form_token(visit, caller);
    let action = if query.is_empty() { "/logout".to_string() } else { format!("/logout?{query}") };
    let page = LogoutPage {
        action,
        person: None,
        guest: caller.user.is_anonymous(),
        cancel_href: visit.project.settings.default_client_uri().map(str::to_string),
    };
    // The notice says that the form was not one of ours.
    let status = if notice.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    // With an address in the query, the form ends at the app.
    let forms = if query.is_empty() { Forms::Stay } else { Forms::Leave };
    render_with(visit, headers, Frame { status, request: None, csrf, carried: None, notice }, &page, forms)
}
