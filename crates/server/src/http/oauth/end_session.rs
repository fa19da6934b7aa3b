//! `GET|POST /oauth2/end_session` (OIDC RP-Initiated Logout; protocol facts §7.2).

use axum::{extract::Request, http::HeaderMap, response::Response};
use vestibule_protocol::{
    form::Form,
    oauth::{OAuthError, check_lengths},
};

use crate::{
    flows::{
        caller::Resolution,
        end_session::{self, Destination},
    },
    http::{body, cookies, error, pages, visit::Visit},
};

/// Signs out, or asks first.
pub(crate) async fn get(visit: Visit, request: Request) -> Response {
    match read_query(request.uri().query().unwrap_or_default()) {
        Ok(form) => end(&visit, request.headers(), &form).await,
        Err(problem) => error::oauth_by_code(&problem),
    }
}

fn read_query(query: &str) -> Result<Form, OAuthError> {
    let form = Form::parse_query(query)?;
    check_lengths(&form)?;
    Ok(form)
}

/// The same with the parameters in the body: a cross-site post brings no Lax cookie, so it goes on as a navigation.
pub(crate) async fn post(visit: Visit, request: Request) -> Response {
    let body = match body::read(&visit, request).await {
        Ok(body) => body,
        Err(problem) => return error::body_as_oauth(problem),
    };
    match body.oauth_form() {
        Ok(form) => pages::see_other(&format!("/oauth2/end_session?{}", form.print())),
        Err(problem) => error::oauth_by_code(&problem),
    }
}

async fn end(visit: &Visit, headers: &HeaderMap, form: &Form) -> Response {
    let one = |name| form.get(name).ok().flatten();
    let (hint, uri, state) = (one("id_token_hint"), one("post_logout_redirect_uri"), one("state"));
    let project = &visit.project;
    let resolution = match visit.resolve(headers).await {
        Ok(resolution) => resolution,
        Err(error) => return pages::flow_error(visit, headers, &error),
    };
    let destination = end_session::destination(project, uri, state);
    let Some((caller, session)) = resolution.live().and_then(|caller| Some((caller, caller.session()?))) else {
        let mut response = go_to(&destination);
        if matches!(resolution, Resolution::Dead { .. }) {
            cookies::clear_session(response.headers_mut(), project);
        }
        return response;
    };
    let jar = cookies::Jar::read(headers);
    let same_site = jar.get(&cookies::Names::of(project).same_site_strict) == Some("true");
    let trusted = match hint {
        Some(hint) => end_session::hint_is_for(project, hint, session),
        None => same_site,
    };
    if !trusted {
        // Somebody else's link must not sign people out.
        let query = Form::from_pairs(
            [("post_logout_redirect_uri", uri), ("state", state)].into_iter().filter_map(|(n, v)| Some((n, v?))),
        );
        return pages::found(&format!("/logout?{}", query.print()));
    }
    match end_session::end(&visit.app, project, &caller.user, session, visit.now).await {
        Ok(()) => {
            let mut response = go_to(&destination);
            cookies::clear_session(response.headers_mut(), project);
            response
        }
        Err(error) => pages::flow_error(visit, headers, &error),
    }
}

/// An address the application registered is gone to by 303, as after any form; where we send people by ourselves, by 302.
fn go_to(destination: &Destination) -> Response {
    match destination {
        Destination::Registered(uri) => pages::see_other(uri),
        Destination::Ours(uri) => pages::found(uri),
    }
}
