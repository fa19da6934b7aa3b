//! Requests for an unknown host: mostly from a reverse proxy that does not forward the requested host.

use axum::{
    extract::Request,
    http::{StatusCode, header, uri::Authority},
    response::{IntoResponse, Response},
};
use vestibule_app::{hosts::PORTAL_PATH, projects::Project, state::App};

use crate::{error, forwarded};

/// Maximum length of a host name part that is repeated.
const ECHOED: usize = 64;
/// Maximum number of hosts in a warning.
const NAMED: usize = 3;

/// The response to a request for an unknown host.
pub fn answer(app: &App, request: &Request, host: Option<&str>, from_proxy: bool) -> Response {
    if host.is_some_and(|host| app.projects.portal_host().is_requested(host)) {
        return answer_beside_the_portal(request);
    }
    let projects = app.projects.all();
    let is_passed_on = from_proxy || forwarded::is_present(request.headers());
    let received: String = host.unwrap_or_default().chars().filter(char::is_ascii_graphic).take(ECHOED).collect();
    if let [project] = projects.as_slice()
        && !is_passed_on
        && host.is_some_and(|host| is_served_directly(project, host))
    {
        // With a single project the intended one is clear: redirect to its origin, keeping method and body.
        if app.misdirected.host.is_due() {
            tracing::info!(
                http.host = received,
                project.origin = project.origin,
                "redirected a request for another host to the project's public origin"
            );
        }
        return redirect_to(project, request);
    }
    if is_passed_on && app.misdirected.host.is_due() {
        let expected: Vec<&str> = projects.iter().take(NAMED).map(|project| project.origin.as_str()).collect();
        tracing::warn!(
            http.host = received,
            projects.origins = expected.join(" "),
            "a reverse proxy sent a request for a host without a project: it must pass on the client's Host header (nginx: proxy_set_header Host $http_host;)"
        );
    }
    let text = format!(
        "No project is served under the host name \"{received}\".\n\nIf you operate this server: the reverse proxy must pass on the client's Host header, with its port (nginx: proxy_set_header Host $http_host;), and that host must be the public_origin of a project.\n"
    );
    error::plain(StatusCode::MISDIRECTED_REQUEST, text)
}

/// The response on a host that only the portal uses.
fn answer_beside_the_portal(request: &Request) -> Response {
    if request.uri().path() == "/" {
        return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, PORTAL_PATH)]).into_response();
    }
    error::plain(StatusCode::NOT_FOUND, "No project is served under this host name, only the portal, at /portal.\n")
}

/// The response to a request that reached a trusted proxy without TLS, for a project that is served over TLS.
pub(crate) fn redirect_to_https(app: &App, project: &Project, request: &Request) -> Option<Response> {
    (project.is_https() && came_without_tls(app, request)).then(|| redirect_to(project, request))
}

/// Whether a trusted proxy says that the client did not use TLS, and no header contradicts it.
pub fn came_without_tls(app: &App, request: &Request) -> bool {
    if forwarded::is_tls(request.headers()) != Some(false) {
        return false;
    }
    // Browsers send these headers over TLS only (Fetch Metadata §3). A request that came over TLS must not be
    // redirected to its own URL: that would loop.
    let is_proved =
        request.headers().contains_key("sec-fetch-site") || request.headers().contains_key("sec-fetch-mode");
    if is_proved && app.misdirected.scheme.is_due() {
        tracing::warn!(
            "the reverse proxy sent X-Forwarded-Proto: http for a request over TLS: it must send https, or the value it received"
        );
    }
    !is_proved
}

fn redirect_to(project: &Project, request: &Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let location = format!("{}{path}", project.origin);
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response()
}

/// Whether clients reach the project at this listener directly, and only the name differs. If TLS or the port differs
/// there is a proxy, and the redirect could loop.
fn is_served_directly(project: &Project, host: &str) -> bool {
    let port =
        |authority: &str| authority.parse::<Authority>().ok().map(|authority| authority.port_u16().unwrap_or(80));
    let Some(own) = project.origin.strip_prefix("http://") else { return false };
    port(own).is_some() && port(own) == port(host)
}
