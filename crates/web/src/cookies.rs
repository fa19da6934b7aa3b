//! Cookies: their names and attributes. `credentials` reads them.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite, time::Duration};
use vestibule_app::{known_devices, projects::Project};

/// The cookie names of this project.
pub struct Names {
    pub session: String,
    pub same_site_strict: String,
    pub app_session: String,
    pub flow: String,
}

impl Names {
    pub fn of(project: &Project) -> Self {
        let name = |suffix| project.settings.cookie_name(suffix);
        Self {
            session: name("session"),
            same_site_strict: name("same_site_strict"),
            app_session: name("app_session"),
            flow: host_only(project, &name("oauth_ui")),
        }
    }
}

/// With TLS, the browser guarantees by the `__Host-` prefix that no other host and no page without TLS set the cookie.
fn host_only(project: &Project, name: &str) -> String {
    match name.strip_prefix(HOST_PREFIX) {
        Some(_) => name.to_string(),
        None if project.is_https() => format!("{HOST_PREFIX}{name}"),
        None => name.to_string(),
    }
}

const HOST_PREFIX: &str = "__Host-";

/// The name of the cookie by which a browser is known for accounts. Not in [`Names`], which every request with cookies
/// makes: few pages read it.
pub(crate) fn known_device_name(project: &Project) -> String {
    host_only(project, &project.settings.cookie_name("known_device"))
}

/// Whether a value has the format of this server's secrets: 32 letters and digits.
pub fn is_secret(value: &str) -> bool {
    value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Sets the session cookie and its same-site twin.
pub fn set_session(headers: &mut HeaderMap, project: &Project, value: &str) {
    let names = Names::of(project);
    let mut session = shared(project, names.session, value.to_string(), SameSite::Lax);
    let mut strict = shared(project, names.same_site_strict, "true".to_string(), SameSite::Strict);
    if !project.settings.uses_session_cookie() {
        let seconds = i64::try_from(project.settings.session_lifetime().hard.as_secs()).unwrap_or(i64::MAX);
        session.set_max_age(Duration::seconds(seconds));
        strict.set_max_age(Duration::seconds(seconds));
    }
    forget_host_only(headers, project, &session);
    append(headers, &session);
    append(headers, &strict);
}

/// Removes the session cookie.
pub fn forget_session(headers: &mut HeaderMap, project: &Project) {
    remove(headers, project, Names::of(project).session);
}

/// Removes the app session cookie.
pub fn forget_app_session(headers: &mut HeaderMap, project: &Project) {
    remove(headers, project, Names::of(project).app_session);
}

/// Removes the session and app session cookies.
pub fn clear_session(headers: &mut HeaderMap, project: &Project) {
    let names = Names::of(project);
    for name in [names.session, names.app_session] {
        remove(headers, project, name);
    }
}

fn remove(headers: &mut HeaderMap, project: &Project, name: String) {
    let mut cookie = shared(project, name, String::new(), SameSite::Lax);
    cookie.make_removal();
    forget_host_only(headers, project, &cookie);
    append(headers, &cookie);
}

/// Removes the host-only cookie of the same name, set before `http.cookie_domain` was configured: to the browser it is
/// another cookie, and it sends the older one first. This header precedes the one for the shared cookie, because some
/// browsers treat the two as the same.
fn forget_host_only(headers: &mut HeaderMap, project: &Project, cookie: &Cookie<'static>) {
    if project.settings.cookie_domain().is_none() {
        return;
    }
    let mut older = cookie.clone();
    older.unset_domain();
    older.make_removal();
    append(headers, &older);
}

/// Sets the app session cookie, which ends with the browser.
pub fn set_app_session(headers: &mut HeaderMap, project: &Project, value: &str) {
    let cookie = shared(project, Names::of(project).app_session, value.to_string(), SameSite::Lax);
    forget_host_only(headers, project, &cookie);
    append(headers, &cookie);
}

/// Sets the secret that binds flows to this browser.
pub fn set_flow(headers: &mut HeaderMap, project: &Project, value: &str) {
    // Host-only and Lax: it is needed on top-level navigations only, never in a frame or a cross-site post.
    let cookie = Cookie::build((Names::of(project).flow, value.to_string()))
        .path("/")
        .http_only(true)
        .secure(project.is_https())
        .same_site(SameSite::Lax)
        .build();
    append(headers, &cookie);
}

/// Remembers that accounts signed in to this browser: see `flows::known_devices`.
pub fn set_known_device(headers: &mut HeaderMap, project: &Project, value: &str) {
    let cookie = Cookie::build((known_device_name(project), value.to_string()))
        .path("/")
        .http_only(true)
        .secure(project.is_https())
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(i64::try_from(known_devices::LIFETIME.as_secs()).unwrap_or(i64::MAX)))
        .build();
    append(headers, &cookie);
}

fn shared(project: &Project, name: String, value: String, same_site: SameSite) -> Cookie<'static> {
    let mut cookie =
        Cookie::build((name, value)).path("/").http_only(true).secure(project.is_https()).same_site(same_site).build();
    if let Some(domain) = project.settings.cookie_domain() {
        cookie.set_domain(domain.to_string());
    }
    cookie
}

fn append(headers: &mut HeaderMap, cookie: &Cookie<'_>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        headers.append(header::SET_COOKIE, value);
    }
}
