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
use self::routes::{RouteGroup, mount};
use crate::app::App;

/// The router of everything but the metrics page. Which route accepts which credentials is in [`routes`].
pub(crate) fn router(app: Arc<App>) -> Router {
    let open = mount(Router::new(), RouteGroup::OpenDocuments).layer(middleware::from_fn(cors::open));
    let scripts = mount(Router::new(), RouteGroup::CalledByScripts).layer(middleware::from_fn(cors::dynamic));
    let projects = mount(open.merge(scripts), RouteGroup::BrowserPages);
    let projects = mount(projects, RouteGroup::CalledByServers)
        .nest(admin_api::PREFIX, admin_api::router())
        .fallback(pages::not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), visit::enter))
        .with_state(Arc::clone(&app));
    let probes = mount(Router::new(), RouteGroup::Probes).with_state(Arc::clone(&app));
    projects.clone().merge(portal::router(&app, projects)).merge(probes)
}
