//! The routers: everything that the server answers, and the listener for metrics.

use std::sync::Arc;

use axum::{Router, middleware};
use vestibule_app::state::App;

use crate::{
    admin_api,
    route_table::{RouteGroup, mount},
};
use vestibule_pages as pages;
use vestibule_portal as portal;
use vestibule_web::{cors, entry, route::ADMIN_API_PREFIX};

/// The router of everything but the metrics page. Which route accepts which credentials is in [`crate::route_table`].
pub(crate) fn router(app: Arc<App>) -> Router {
    let open = mount(Router::new(), RouteGroup::OpenDocuments).layer(middleware::from_fn(cors::open));
    let scripts = mount(Router::new(), RouteGroup::CalledByScripts).layer(middleware::from_fn(cors::dynamic));
    let (description, guarded) = (RouteGroup::AdminDescription, RouteGroup::AdminApi);
    let admin_api = admin_api::router(mount(Router::new(), description), mount(Router::new(), guarded));
    let projects = mount(open.merge(scripts), RouteGroup::BrowserPages);
    let projects = mount(projects, RouteGroup::CalledByServers)
        .nest(ADMIN_API_PREFIX, admin_api)
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
