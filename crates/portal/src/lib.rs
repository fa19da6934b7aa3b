//! The operators' portal, below `/portal` of one configured origin: parse, call one use case, render.
//!
//! A page is one file: its routes, its handlers, and the struct that its template renders. To add one:
//! 1. Add the file with a struct that implements `PortalPage` and has `samples()` (compiled for tests only), and a template in
//!    `templates/portal/`; name the samples in `sample.rs`. A test renders every sample for every role. Form controls are
//!    `Control`s. A page that changes settings is a settings form: `settings_form.rs` says how.
//! 2. Add its entry to `nav.rs`, if it has one.
//! 3. Add the handlers: `async fn show(request: ProjectRequest) -> PageResult`. A `ProjectRequest` is a request of an operator
//!    about a project: `request.ctx()` for use cases, `request.signed_in`, `request.project`,
//!    `request.param("user_id")` of the path, `request.field("email")` of query and form. `?` turns errors of use cases into
//!    pages. `request.show(&page)` responds with 200, `request.show_again(&page)` with 422,
//!    `request.done("/users", PortalNotice::Saved)` redirects to a page of the project and shows a notice;
//!    `request.acting()` is the `Actor` for use cases.
//! 4. Add the routes, `pub fn routes() -> Vec<PortalRoute>` in the same file, and list them in `all_routes` below:
//!    `PortalRoute::project(Verb::Get, "/portal/p/{project}/users", Role::Viewer, show)`. Operator, project, role and, for
//!    `Verb::Post`, the form token are checked before the handler runs; `.requires_reauthentication()` requires
//!    reauthentication. The authorization test calls every route with every role, so a route needs no test of its own for that.
//! 5. Add tests in `crates/server/tests/it/portal*.rs`.

pub mod acceptance;
pub mod activity;
pub mod addresses;
pub mod admin_keys;
pub(crate) mod anonymous_users;
pub mod application;
pub mod applications;
pub mod audit;
pub(crate) mod bound_control;
pub mod branding;
pub(crate) mod bulk;
pub mod confirmation;
pub mod control;
pub mod cookies;
pub(crate) mod delivery;
pub(crate) mod document_scope;
pub(crate) mod email_texts;
mod event_words;
pub(crate) mod export_users;
pub(crate) mod field_binding;
pub mod first_link;
mod first_steps;
pub mod frame;
pub(crate) mod guide;
pub mod health;
pub(crate) mod history;
pub(crate) mod import_users;
pub mod invitation;
pub mod login_methods;
pub(crate) mod logo;
pub mod me;
pub(crate) mod members;
pub(crate) mod merges;
pub mod message;
pub mod messages;
pub mod moment;
pub mod nav;
pub mod notice;
pub(crate) mod one_time_link;
pub mod operators;
pub mod origin;
pub mod overview;
pub mod passkey;
pub(crate) mod project_settings;
pub mod projects;
#[cfg(test)]
mod proof;
pub(crate) mod provider_settings;
pub(crate) mod provider_trial;
pub mod providers;
pub mod quick_start;
pub mod rate_limits;
pub mod request;
pub mod response;
pub(crate) mod retention;
pub mod route;
#[cfg(test)]
pub mod sample;
pub mod session;
pub(crate) mod settings_form;
pub(crate) mod settings_page;
pub mod sign_in;
pub mod user;
pub mod user_form;
mod user_retention;
pub mod users;
pub(crate) mod webhook_handlers;
pub mod webhooks;
pub(crate) mod without_control;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    http::{Method, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tower::ServiceExt;
use vestibule_app::{hosts, state::App};
use vestibule_domain::project::Origin;
use vestibule_web::{
    assets,
    brand::Brand,
    credentials::Brought,
    entry,
    preview::RenderPreview,
    route::{Face, Route},
};

pub use self::{
    request::{NEXT_BYTES, OperatorRequest, ProjectRequest, PublicRequest},
    response::{PageResult, PortalError},
    route::{PortalRoute, Verb},
    without_control::WITHOUT_CONTROL,
};
pub use vestibule_web::access::Access;

/// The operator's home page.
pub const HOME: &str = hosts::PORTAL_PATH;

/// Every route of the portal; `render` makes the preview of the hosted pages.
pub(crate) fn all_routes(render: RenderPreview) -> Vec<PortalRoute> {
    let routes = [
        one_time_link::routes(),
        acceptance::routes(),
        sign_in::routes(),
        me::routes(),
        activity::routes(),
        guide::routes(),
        health::routes(),
        projects::routes(),
        anonymous_users::routes(),
        login_methods::routes(),
        providers::routes(),
        provider_trial::routes(),
        provider_settings::routes(),
        session::routes(),
        rate_limits::routes(),
        applications::routes(),
        branding::routes(render),
        logo::routes(),
        email_texts::routes(),
        addresses::routes(),
        messages::routes(),
        overview::routes(),
        users::routes(),
        members::routes(),
        bulk::routes(),
        export_users::routes(),
        import_users::routes(),
        retention::routes(),
        merges::routes(),
        user::routes(),
        user_retention::routes(),
        history::routes(),
        audit::routes(),
        webhooks::routes(),
        webhook_handlers::routes(),
        delivery::routes(),
        operators::routes(),
        admin_keys::routes(),
        project_settings::routes(),
        origin::routes(),
    ];
    routes.into_iter().flatten().collect()
}

/// The portal's origin, if it is configured.
pub fn origin_of(app: &App) -> Option<Origin> {
    // The configuration is validated: an invalid origin can only be the empty one.
    Origin::parse(&app.config.portal.public_origin).ok()
}

/// The portal's router, from that of [`table`]; on any other host its paths are handled by the projects' router, as if
/// there were no portal.
pub fn router(app: &Arc<App>, routes: Router<Arc<App>>, project_router: Router) -> Router {
    routes.layer(middleware::from_fn_with_state((Arc::clone(app), project_router), enter)).with_state(Arc::clone(app))
}

/// The portal's entries in the table of routes; `render` makes the preview of the hosted pages.
pub fn table(render: RenderPreview) -> Vec<Route> {
    let files = Route::declare(Face::Portal, (Method::GET, "/portal/assets/{*path}"), Vec::new(), asset);
    all_routes(render).into_iter().map(PortalRoute::into_route).chain([files]).collect()
}

async fn asset(Path(path): Path<String>) -> Response {
    assets::find(&path, &Brand::default())
}

async fn enter(State((app, project_router)): State<(Arc<App>, Router)>, mut request: Request, next: Next) -> Response {
    if !entry::host_of(&app, &request).is_some_and(|host| app.projects.portal_host().is_requested(&host)) {
        return project_router.oneshot(request).await.into_response();
    }
    if let Some(origin) = origin_of(&app).filter(Origin::is_https)
        && entry::came_without_tls(&app, &request)
    {
        let path = request.uri().path_and_query().map_or(HOME, |path| path.as_str());
        return response::redirect(StatusCode::TEMPORARY_REDIRECT, &format!("{origin}{path}"));
    }
    if let Err(response) = entry::check_head(&request) {
        return response;
    }
    let request_id = entry::new_request_id(&app);
    let brought = Brought::take(request.headers_mut());
    request.extensions_mut().insert(brought);
    request.extensions_mut().insert(request_id);
    entry::answer(&app, request_id, request, next).await
}
