//! `GET|POST /oauth2/end_session` (OIDC RP-Initiated Logout).

use axum::{extract::Request, http::HeaderMap, response::Response};
use vestibule_protocol::{
    form::Form,
    oauth::{OAuthError, check_lengths},
};

use vestibule_app::{
    caller::{Resolution, SessionCaller},
    sessions::end_session::{self, Destination},
};
use vestibule_pages as pages;
use vestibule_web::{
    body, cookies,
    credentials::{NoCredential, SessionCookie},
    error,
    visit::Visit,
};

/// Signs out, or asks first.
pub(crate) async fn get(visit: Visit, cookie: SessionCookie, request: Request) -> Response {
    match read_query(request.uri().query().unwrap_or_default()) {
        Ok(form) => end(&visit, &cookie, request.headers(), &form).await,
        Err(problem) => error::oauth_by_code(&problem),
    }
}

fn read_query(query: &str) -> Result<Form, OAuthError> {
    let form = Form::parse_query(query)?;
    check_lengths(&form)?;
    Ok(form)
}

/// The same with the parameters in the body: a cross-site post carries no Lax cookie, so it is redirected to a
/// navigation.
pub(crate) async fn post(visit: Visit, _: NoCredential, request: Request) -> Response {
    let body = match body::read_form(&visit, request).await {
        Ok(body) => body,
        Err(problem) => return error::body_as_oauth(problem),
    };
    match body.oauth_form() {
        Ok(form) => {
            let query = Form::from_pairs(crate::oauth::without_secrets(&form)).print();
            pages::see_other(&format!("/oauth2/end_session?{query}"))
        }
        Err(problem) => error::oauth_by_code(&problem),
    }
}

async fn end(visit: &Visit, cookie: &SessionCookie, headers: &HeaderMap, form: &Form) -> Response {
    let one = |name| form.get(name).ok().flatten();
    let (hint, uri, state) = (one("id_token_hint"), one("post_logout_redirect_uri"), one("state"));
    let project = &visit.project;
    let resolution = match cookie.resolve(visit).await {
        Ok(resolution) => resolution,
        Err(error) => return pages::flow_error(visit, headers, &error),
    };
    let destination = end_session::destination(project, uri, state);
    let Some(SessionCaller { user, session }) = resolution.live() else {
        let mut response = go_to(&destination);
        if matches!(resolution, Resolution::Dead { .. }) {
            cookies::forget_session(response.headers_mut(), project);
        }
        return response;
    };
    let trusted = match hint {
        Some(hint) => match end_session::hint_is_for(&visit.ctx(), hint, session).await {
            Ok(trusted) => trusted,
            Err(error) => return pages::flow_error(visit, headers, &error),
        },
        None => cookie.is_same_site,
    };
    if !trusted {
        // A link on another site must not sign users out.
        let query = Form::from_pairs(
            [("post_logout_redirect_uri", uri), ("state", state)].into_iter().filter_map(|(n, v)| Some((n, v?))),
        );
        return pages::found(&format!("/logout?{}", query.print()));
    }
    match end_session::end(&visit.ctx(), user, session).await {
        Ok(()) => {
            let mut response = go_to(&destination);
            cookies::clear_session(response.headers_mut(), project);
            response
        }
        Err(error) => pages::flow_error(visit, headers, &error),
    }
}

/// A registered URI is redirected to by 303, as after any form; the server's own destinations by 302.
fn go_to(destination: &Destination) -> Response {
    match destination {
        Destination::Registered(uri) => pages::see_other(uri),
        Destination::Ours(uri) => pages::found(uri),
    }
}
