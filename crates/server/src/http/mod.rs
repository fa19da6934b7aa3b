//! The faces: parse, call one flow, render. Cookies, status codes and HTML live here and nowhere else.

mod admin_api;
mod anonymous;
mod assets;
mod body;
mod cookies;
mod cors;
pub(crate) mod credentials;
mod dpop;
mod entry;
pub(crate) mod error;
mod export;
mod forwarded;
pub(crate) mod front;
mod health;
mod history;
mod json;
mod limits;
mod metrics;
mod misdirected;
mod oauth;
mod pages;
mod peer;
pub(crate) mod portal;
mod resolver;
pub(crate) mod routes;
pub(crate) mod serve;
mod user_agent;
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
    let (description, guarded) = (RouteGroup::AdminDescription, RouteGroup::AdminApi);
    let admin_api = admin_api::router(mount(Router::new(), description), mount(Router::new(), guarded));
    let projects = mount(open.merge(scripts), RouteGroup::BrowserPages);
    let projects = mount(projects, RouteGroup::CalledByServers)
        .nest(admin_api::PREFIX, admin_api)
        .fallback(pages::not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), entry::enter))
        .with_state(Arc::clone(&app));
    let probes = mount(Router::new(), RouteGroup::Probes).with_state(Arc::clone(&app));
    let portal = portal::router(&app, mount(Router::new(), RouteGroup::Portal), projects.clone());
    projects.merge(portal).merge(probes)
}

/// The router of the listener for metrics: `/metrics`, `/healthz` and `/readyz`. Strangers need not reach that listener,
/// and cannot fill it.
pub(crate) fn metrics_router(app: Arc<App>) -> Router {
    mount(mount(Router::new(), RouteGroup::MetricsPage), RouteGroup::Probes).with_state(app)
}
