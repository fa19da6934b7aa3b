//! Signing out by hand: the question, the deed, the goodbye.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use vestibule_protocol::form::Form;

use super::{Frame, error_page, flow_error, page, render, see_other};
use crate::{
    flows::{caller::Caller, end_session},
    http::{body, cookies, error, visit::Visit},
    ui::{ErrorKind, Link, LoggedOutPage, LogoutPage, NoticeKind, Text},
};

/// `GET /logout`
pub(crate) async fn confirm(visit: Visit, request: Request) -> Response {
    let headers = request.headers().clone();
    let query = request.uri().query().unwrap_or_default().to_string();
    match session_caller(&visit, &headers).await {
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
    let caller = match session_caller(&visit, &headers).await {
        Ok(Some(caller)) => caller,
        Ok(None) => return see_other("/logged-out"),
        Err(response) => return response,
    };
    let Some(session) = caller.session() else { return see_other("/logged-out") };
    let form = match Form::parse(&body.bytes) {
        Ok(form) => form,
        Err(problem) => return error::plain(StatusCode::BAD_REQUEST, format!("{problem}\n")),
    };
    let token = form.get("_csrf").ok().flatten().unwrap_or_default();
    let expected = visit.project.keys.mac.session_form_token(session.id);
    if aws_lc_rs::constant_time::verify_slices_are_equal(token.as_bytes(), expected.as_bytes()).is_err() {
        return ask(&visit, &headers, &caller, &query, Some(NoticeKind::FormExpired));
    }
    let query = Form::parse_query(&query).ok();
    let one = |name: &str| query.as_ref().and_then(|query| query.get(name).ok().flatten()).map(str::to_string);
    let (uri, state) = (one("post_logout_redirect_uri"), one("state"));
    if let Err(error) = end_session::end(&visit.app, &visit.project, &caller.user, session, visit.now).await {
        return flow_error(&visit, &headers, &error);
    }
    let destination = match &uri {
        Some(_) => end_session::destination(&visit.project, uri.as_deref(), state.as_deref()),
        None => "/logged-out".to_string(),
    };
    let mut response = see_other(&destination);
    cookies::clear_session(response.headers_mut(), &visit.project);
    response
}

/// `GET /logged-out`
pub(crate) async fn left(visit: Visit, headers: HeaderMap) -> Response {
    let back = visit.project.settings.default_client_uri().map(str::to_string);
    let action = back.map(|href| Link { href, text: Text::new("link-back-to-app") });
    page(&visit, &headers, None, StatusCode::OK, &LoggedOutPage { action })
}

async fn session_caller(visit: &Visit, headers: &HeaderMap) -> Result<Option<Caller>, Response> {
    match visit.resolve(headers).await {
        Ok(resolution) => Ok(resolution.live().filter(|caller| caller.session().is_some()).cloned()),
        Err(error) => Err(flow_error(visit, headers, &error)),
    }
}

fn ask(visit: &Visit, headers: &HeaderMap, caller: &Caller, query: &str, notice: Option<NoticeKind>) -> Response {
    let csrf =
        caller.session().map(|session| visit.project.keys.mac.session_form_token(session.id)).unwrap_or_default();
    let action = if query.is_empty() { "/logout".to_string() } else { format!("/logout?{query}") };
    let page = LogoutPage {
        action,
        person: None,
        guest: caller.user.is_anonymous(),
        cancel_href: visit.project.settings.default_client_uri().map(str::to_string),
    };
    render(visit, headers, Frame { status: StatusCode::OK, request: None, csrf, notice }, &page)
}
