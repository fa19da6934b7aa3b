//! `GET|POST /oauth2/end_session` (OIDC RP-Initiated Logout).

use axum::{extract::Request, http::HeaderMap, response::Response};
use vestibule_protocol::{
    form::Form,
    oauth::{OAuthError, check_lengths},
};

use vestibule_app::{
    caller::{Resolution, SessionCaller},
    sessions::end_session::{self, Destination, LogoutHint, LogoutTarget},
};
use vestibule_pages as pages;
use vestibule_web::{
    body, cookies,
    credentials::{NoCredential, SessionCookie},
    error,
    visit::Visit,
};

/// Signs out, or asks first.
pub async fn get(visit: Visit, cookie: SessionCookie, request: Request) -> Response {
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

/// The parameter with the hint of a posted request.
const SEALED_HINT: &str = "x_end_session_ref";

/// The same with the parameters in the body: a cross-site post carries no Lax cookie, so it is redirected to a
/// navigation. The ID token stays out of the URL (RFC 9700 §4.3.2).
pub async fn post(visit: Visit, _: NoCredential, request: Request) -> Response {
    let body = match body::read_form(&visit, request).await {
        Ok(body) => body,
        Err(problem) => return error::body_as_oauth(problem),
    };
    let form = match body.oauth_form() {
        Ok(form) => form,
        Err(problem) => return error::oauth_by_code(&problem),
    };
    // A hint that is not valid is one still: without, the request would be another one.
    let sealed = form.get("id_token_hint").ok().flatten().map(|token| {
        LogoutHint::read(&visit.project, token).map_or_else(|| "invalid".to_string(), |hint| hint.seal(&visit.ctx()))
    });
    let kept = crate::oauth::without_secrets(&form).filter(|(name, _)| ![SEALED_HINT, "id_token_hint"].contains(name));
    let hint = sealed.as_deref().map(|sealed| (SEALED_HINT, sealed));
    let query = Form::from_pairs(kept.chain(hint)).print();
    pages::see_other(&format!("/oauth2/end_session?{query}"))
}

/// The hint of a request.
enum Hint {
    None,
    /// Not an ID token of this project, or not of the application that the request names.
    Invalid,
    Valid(LogoutHint),
}

fn read_hint(visit: &Visit, form: &Form) -> Hint {
    let one = |name| form.get(name).ok().flatten();
    let read = match (one("id_token_hint"), one(SEALED_HINT)) {
        (None, None) => return Hint::None,
        (Some(token), _) => LogoutHint::read(&visit.project, token),
        (None, Some(sealed)) => LogoutHint::unseal(&visit.ctx(), sealed),
    };
    let named = one("client_id");
    let fits = read.filter(|hint| named.is_none_or(|client_id| client_id == hint.client_id()));
    fits.map_or(Hint::Invalid, Hint::Valid)
}

async fn end(visit: &Visit, cookie: &SessionCookie, headers: &HeaderMap, form: &Form) -> Response {
    let one = |name| form.get(name).ok().flatten();
    let project = &visit.project;
    let resolution = match cookie.resolve(visit).await {
        Ok(resolution) => resolution,
        Err(error) => return pages::flow_error(visit, headers, &error),
    };
    let hint = read_hint(visit, form);
    let of_hint = match &hint {
        Hint::Valid(hint) => Some(hint.client_id()),
        Hint::None | Hint::Invalid => None,
    };
    let client_id = one("client_id").or(of_hint);
    let target = LogoutTarget { uri: one("post_logout_redirect_uri"), state: one("state"), client_id };
    let destination = end_session::destination(project, &target);
    let Some(SessionCaller { user, session }) = resolution.live() else {
        let mut response = go_to(&destination);
        if matches!(resolution, Resolution::Dead { .. }) {
            cookies::forget_session(response.headers_mut(), project);
        }
        return response;
    };
    let trusted = match &hint {
        Hint::Valid(hint) => match hint.is_for(&visit.ctx(), session).await {
            Ok(trusted) => trusted,
            Err(error) => return pages::flow_error(visit, headers, &error),
        },
        Hint::Invalid => false,
        // The cookie mode of the SDKs, which have no ID token.
        Hint::None => cookie.is_same_site && target.may_be_of_sdk(project),
    };
    if !trusted {
        // A link on another site must not sign users out.
        let query = [("post_logout_redirect_uri", target.uri), ("state", target.state), ("client_id", client_id)];
        let query = Form::from_pairs(query.into_iter().filter_map(|(name, value)| Some((name, value?))));
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
