//! The cookies of the portal: the operator's session, a secret that binds forms before sign-in to the browser, and what
//! makes the browser known for operators who signed in there.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite, time::Duration};
use vestibule_app::known_devices;
use vestibule_domain::{operator::SESSION, project::Origin};

#[derive(Clone, Copy)]
pub(super) enum CookieKind {
    /// The session of an operator.
    Session,
    /// The secret of forms before sign-in.
    Form,
    /// What makes the browser known: see `flows::known_devices`.
    KnownDevice,
}

impl CookieKind {
    fn stem(self) -> &'static str {
        match self {
            Self::Session => "vestibule_operator",
            Self::Form => "vestibule_lobby",
            Self::KnownDevice => "vestibule_known_device",
        }
    }

    /// The name; with TLS, its `__Host-` prefix guarantees that no other host set the cookie.
    pub(super) fn name(self, origin: &Origin) -> String {
        if origin.is_https() { format!("__Host-{}", self.stem()) } else { self.stem().to_string() }
    }
}

fn build(kind: CookieKind, origin: &Origin, value: String) -> Cookie<'static> {
    // The prefix `__Host-` requires the path `/`; without TLS the portal's own path is enough.
    let path = if origin.is_https() { "/" } else { "/portal" };
    Cookie::build((kind.name(origin), value))
        .path(path)
        .http_only(true)
        .secure(origin.is_https())
        .same_site(SameSite::Lax)
        .build()
}

/// Sets a cookie; it lives as long as what it stands for may.
pub(super) fn set(headers: &mut HeaderMap, kind: CookieKind, origin: &Origin, value: &str) {
    let mut cookie = build(kind, origin, value.to_string());
    let lifetime = match kind {
        CookieKind::Session => Some(SESSION.hard),
        CookieKind::KnownDevice => Some(known_devices::LIFETIME),
        CookieKind::Form => None,
    };
    if let Some(lifetime) = lifetime {
        cookie.set_max_age(Duration::seconds(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX)));
    }
    append(headers, &cookie);
}

pub(super) fn clear(headers: &mut HeaderMap, kind: CookieKind, origin: &Origin) {
    let mut cookie = build(kind, origin, String::new());
    cookie.make_removal();
    append(headers, &cookie);
}

fn append(headers: &mut HeaderMap, cookie: &Cookie<'_>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        headers.append(header::SET_COOKIE, value);
    }
}
