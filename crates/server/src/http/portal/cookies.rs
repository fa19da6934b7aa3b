//! The two cookies of the portal: who is signed in, and a secret that ties the forms before that to the browser.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite, time::Duration};
use vestibule_domain::{operator::SESSION, project::Origin};

/// A cookie of the portal.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// An operator's session.
    Session,
    /// Forms of somebody who is not signed in.
    Lobby,
}

impl Kind {
    fn stem(self) -> &'static str {
        match self {
            Self::Session => "vestibule_operator",
            Self::Lobby => "vestibule_lobby",
        }
    }

    /// Its name; over TLS the browser itself makes sure that no other host set it.
    pub(super) fn name(self, origin: &Origin) -> String {
        if origin.is_https() { format!("__Host-{}", self.stem()) } else { self.stem().to_string() }
    }
}

fn build(kind: Kind, origin: &Origin, value: String) -> Cookie<'static> {
    // The prefix `__Host-` wants the whole host; without TLS the portal's own path is enough.
    let path = if origin.is_https() { "/" } else { "/portal" };
    Cookie::build((kind.name(origin), value))
        .path(path)
        .http_only(true)
        .secure(origin.is_https())
        .same_site(SameSite::Lax)
        .build()
}

/// Sets a cookie; a session's lives as long as the session may.
pub(super) fn set(headers: &mut HeaderMap, kind: Kind, origin: &Origin, value: &str) {
    let mut cookie = build(kind, origin, value.to_string());
    if matches!(kind, Kind::Session) {
        cookie.set_max_age(Duration::seconds(i64::try_from(SESSION.hard.as_secs()).unwrap_or(i64::MAX)));
    }
    append(headers, &cookie);
}

/// Tells the browser to forget a cookie.
pub(super) fn clear(headers: &mut HeaderMap, kind: Kind, origin: &Origin) {
    let mut cookie = build(kind, origin, String::new());
    cookie.make_removal();
    append(headers, &cookie);
}

fn append(headers: &mut HeaderMap, cookie: &Cookie<'_>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        headers.append(header::SET_COOKIE, value);
    }
}
