//! Sign-out pages.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use vestibule_app::{
    caller::SessionCaller,
    crypto::is_equal,
    sessions::end_session::{self, LogoutTarget},
};
use vestibule_protocol::form::Form;
use vestibule_web::{
    body, cookies,
    credentials::{NoCredential, SessionCookie, form_token},
    error,
    field::TextLink,
    notice::NoticeKind,
    policy::Forms,
    text::Text,
    visit::Visit,
};

use crate::{
    PageFrame, body_error_page,
    end_pages::{LoggedOutPage, LogoutPage},
    flow_error, page, render_with, see_other,
};

/// `GET /logout`
pub async fn confirm(visit: Visit, cookie: SessionCookie, request: Request) -> Response {
    let headers = request.headers().clone();
    let query = request.uri().query().unwrap_or_default().to_string();
    match cookie.signed_in(&visit).await {
        Ok(Some(caller)) => ask(&visit, &headers, &caller, &query, None),
        Ok(None) => see_other("/logged-out"),
        Err(error) => flow_error(&visit, &headers, &error),
    }
}

/// `POST /logout`
pub async fn sign_out(visit: Visit, cookie: SessionCookie, request: Request) -> Response {
    let headers = request.headers().clone();
    let query = request.uri().query().unwrap_or_default().to_string();
    let body = match body::read_form(&visit, request).await {
        Ok(body) => body,
        Err(problem) => return body_error_page(&visit, &headers, problem),
    };
    let caller = match cookie.signed_in(&visit).await {
        Ok(Some(caller)) => caller,
        Ok(None) => return see_other("/logged-out"),
        Err(error) => return flow_error(&visit, &headers, &error),
    };
    let form = match body.own_form() {
        Ok(form) => form,
        Err(problem) => return error::plain(StatusCode::BAD_REQUEST, format!("{problem}\n")),
    };
    let token = form.get("_csrf").ok().flatten().unwrap_or_default();
    if !is_equal(token, &form_token(&visit, &caller)) {
        return ask(&visit, &headers, &caller, &query, Some(NoticeKind::FormExpired));
    }
    let query = Form::parse_query(&query).ok();
    let one = |name: &str| query.as_ref().and_then(|query| query.get(name).ok().flatten()).map(str::to_string);
    let (uri, state, client_id) = (one("post_logout_redirect_uri"), one("state"), one("client_id"));
    if let Err(error) = end_session::end(&visit.ctx(), &caller.user, &caller.session).await {
        return flow_error(&visit, &headers, &error);
    }
    let target = LogoutTarget { uri: uri.as_deref(), state: state.as_deref(), client_id: client_id.as_deref() };
    let destination = match target.uri {
        Some(_) => end_session::destination(&visit.project, &target).as_str().to_string(),
        None => "/logged-out".to_string(),
    };
    let mut response = see_other(&destination);
    cookies::clear_session(response.headers_mut(), &visit.project);
    response
}

/// `GET /logged-out`
pub async fn left(visit: Visit, _: NoCredential, request: Request) -> Response {
    let again = || TextLink { href: "/settings/sign-in".into(), text: Text::new("link-sign-in-again") };
    let action = visit.project.settings.default_client_uri().map_or_else(again, TextLink::to_app);
    page(&visit, request.headers(), None, StatusCode::OK, &LoggedOutPage { action: Some(action) })
}

fn ask(
    visit: &Visit,
    headers: &HeaderMap,
    caller: &SessionCaller,
    query: &str,
    notice: Option<NoticeKind>,
) -> Response {
    let csrf = form_token(visit, caller);
    let action = if query.is_empty() { "/logout".to_string() } else { format!("/logout?{query}") };
    let page = LogoutPage {
        action,
        person: None,
        guest: caller.user.is_anonymous(),
        cancel_href: visit.project.settings.default_client_uri().map(str::to_string),
    };
    // The notice says that the form token was invalid.
    let status = if notice.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    // With a redirect URI in the query, the form ends at the app.
    let forms = if query.is_empty() { Forms::Stay } else { Forms::Leave };
    render_with(visit, headers, PageFrame { status, request: None, csrf, carried: None, notice }, &page, forms)
}
