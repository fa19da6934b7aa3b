//! Discovery (RFC 8414, OIDC Discovery) and the JWK set.

use axum::{
    Json,
    extract::Request,
    http::header,
    response::{IntoResponse, Response},
};
use vestibule_protocol::discovery::Metadata;
use vestibule_web::{
    credentials::NoCredential,
    locale::{Locale, Locales},
    visit::Visit,
};

/// `GET /.well-known/openid-configuration`
pub async fn metadata(visit: Visit, _: NoCredential, _: Request) -> Response {
    let locales = Locales::shared().offered(visit.project.settings.languages().unwrap_or_default());
    let locales = locales.into_iter().map(Locale::tag).collect();
    let metadata = Metadata::new(&visit.project.origin, locales, visit.project.settings.has_native_sign_in());
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(metadata)).into_response()
}

/// `GET /oauth2/jwks`
pub async fn jwks(visit: Visit, _: NoCredential, _: Request) -> Response {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(visit.project.keys.jwks(visit.now))).into_response()
}
