//! The faces: parse, call one flow, render. Cookies, status codes and HTML live here and nowhere else.

mod admin_api;
mod anonymous;
mod assets;
mod body;
mod cookies;
mod cors;
mod dpop;
pub(crate) mod error;
mod export;
mod forwarded;
pub(crate) mod front;
mod health;
mod json;
pub(crate) mod metrics;
pub(crate) mod misdirected;
mod oauth;
mod pages;
pub(crate) mod portal;
mod resolver;
pub(crate) mod serve;
mod visit;

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{get, post},
};

use crate::app::App;

/// Every route of the end-user server.
pub(crate) fn router(app: Arc<App>) -> Router {
    let open = Router::new()
        .route("/.well-known/openid-configuration", get(oauth::discovery::metadata).options(cors::preflight_open))
        .route("/.well-known/oauth-authorization-server", get(oauth::discovery::metadata).options(cors::preflight_open))
        .route("/oauth2/jwks", get(oauth::discovery::jwks).options(cors::preflight_open))
        .layer(middleware::from_fn(cors::open));
    let called_by_scripts = Router::new()
        .route("/oauth2/token", post(oauth::token::token).options(cors::preflight))
        .route("/oauth2/challenge", post(oauth::challenge::issue).options(cors::preflight))
        .route("/oauth2/app_session_token", post(oauth::app_session_token::issue).options(cors::preflight))
        .route("/oauth2/revoke", post(oauth::revoke::revoke).options(cors::preflight))
        .route(
            "/oauth2/userinfo",
            get(oauth::user_info::user_info).post(oauth::user_info::user_info).options(cors::preflight),
        )
        .route("/api/anonymous_user/signup", post(anonymous::sign_up).options(cors::preflight))
        .route("/api/anonymous_user/promotion_code", post(anonymous::promotion_code).options(cors::preflight))
        .layer(middleware::from_fn(cors::dynamic));
    let pages = Router::new()
        .route("/oauth2/authorize", get(oauth::authorize::get).post(oauth::authorize::post))
        .route("/oauth2/end_session", get(oauth::end_session::get).post(oauth::end_session::post))
        .route("/logout", get(pages::leave::confirm).post(pages::leave::leave))
        .route("/logged-out", get(pages::leave::left))
        .route("/flow/{id}", get(pages::flow::show))
        .route("/flow/{id}/{view}", get(pages::flow::show_step).post(pages::flow::act))
        .route("/flow/{id}/cancel", get(pages::flow::cancel))
        .merge(pages::settings::router());
    let houses = open
        .merge(called_by_scripts)
        .merge(pages)
        .nest(admin_api::PREFIX, admin_api::router())
        .route("/oauth2/introspect", post(oauth::introspect::introspect))
        .route("/_resolver/resolve", get(resolver::resolve))
        .route("/assets/{*path}", get(assets::asset))
        .fallback(pages::not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), visit::enter))
        .with_state(Arc::clone(&app));
    houses
        .clone()
        .merge(portal::router(&app, houses))
        // Probes come without the project's host name.
        .merge(
            Router::new().route("/healthz", get(health::healthz)).route("/readyz", get(health::readyz)).with_state(app),
        )
}
