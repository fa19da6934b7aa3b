//! The faces: parse, call one flow, render. Cookies, status codes and HTML live here and nowhere else.

mod admin_api;
mod anonymous;
mod assets;
mod body;
mod cookies;
mod cors;
pub(crate) mod credentials;
mod dpop;
pub(crate) mod error;
mod export;
mod forwarded;
pub(crate) mod front;
mod health;
mod json;
mod limits;
pub(crate) mod metrics;
pub(crate) mod misdirected;
mod oauth;
mod pages;
pub(crate) mod portal;
mod resolver;
pub(crate) mod routes;
pub(crate) mod serve;
mod visit;

use std::sync::Arc;

use axum::{Router, middleware};

pub(crate) use self::limits::LIMITS;
use crate::app::App;

/// The router of everything but the metrics page. Which route accepts which credentials is in [`routes`].
pub(crate) fn router(app: Arc<App>) -> Router {
    let open = routes::mount(Router::new(), routes::open_documents()).layer(middleware::from_fn(cors::open));
    let scripts = routes::mount(Router::new(), routes::called_by_scripts()).layer(middleware::from_fn(cors::dynamic));
    let projects = routes::mount(open.merge(scripts), routes::browser_pages());
    let projects = routes::mount(projects, routes::called_by_servers())
        .nest(admin_api::PREFIX, admin_api::router())
        .fallback(pages::not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), visit::enter))
        .with_state(Arc::clone(&app));
    let probes = routes::mount(Router::new(), routes::probes()).with_state(Arc::clone(&app));
    projects.clone().merge(portal::router(&app, projects)).merge(probes)
}
