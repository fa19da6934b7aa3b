//! The operators' portal, below `/portal` of one configured origin: parse, call one flow, render.
//!
//! How to add a page:
//! 1. Its look: a struct in `ui/portal/yours.rs` that implements `PortalPage` (title, body, `section` for the navigation,
//!    `above` for the way back) with `samples()`, a template in `templates/portal/`, both named in `ui/portal/mod.rs`, the
//!    samples in `ui/portal/sample.rs`. A test then reads every sample for every role. Form controls are `Control`s.
//! 2. Its entry in `ui/portal/nav.rs`, if it has one.
//! 3. Its handlers in `http/portal/yours.rs`: `async fn show(desk: Desk) -> Answer`. A `Desk` knows the operator
//!    (`desk.who`), the project (`desk.project`), the role, the time, and what was sent: `desk.param("user_id")` of the
//!    path, `desk.field("email")` and `desk.fields(…)` of query and form. Errors of flows become pages with `?`.
//!    `desk.show(&page)` answers 200, `desk.complain(&page)` 422, `desk.done("/users", PortalNotice::Saved)` redirects to a
//!    page of the project and says so there, `desk.acting()` is the `admin::Operator` for `flows/admin`.
//! 4. Its doors, a `pub(super) fn doors() -> Vec<Door>` in the same file, listed in `all_doors` below:
//!    `Door::desk(Verb::Get, "/portal/p/{project}/users", Role::Viewer, show)`. The door checks operator, project, role and,
//!    for `Verb::Post`, the form token, before the handler runs; `.dangerous()` asks for password or passkey first. The
//!    authorization test tries every door with everybody, so a door needs no test of its own for that.
//! 5. Tests in `tests/it/portal*.rs`.

mod activity;
mod addresses;
mod admin_keys;
mod anonymous_users;
mod answer;
mod application;
mod applications;
mod audit;
mod branding;
mod cookies;
mod door;
mod lobby;
mod login_methods;
mod me;
mod messages;
mod operators;
mod origin;
mod overview;
mod part;
mod place;
mod project_settings;
mod projects;
mod question;
mod session;
mod sheet;
mod sign_in;
mod user_actions;
mod users;
mod webhook_handlers;
mod webhooks;
mod welcome;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    http::{Method, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tower::ServiceExt;
use vestibule_domain::project::Origin;

pub use self::door::Need;
pub(crate) use self::{
    answer::{Answer, Problem},
    door::{Door, Verb},
    lobby::{Desk, Hall, Lobby, NEXT_BYTES},
};
use super::{
    assets,
    credentials::Brought,
    routes::{self, Face, Route},
    visit,
};
use crate::{app::App, ui::Brand};

/// The first page of an operator.
pub(crate) const HOME: &str = "/portal";

/// Every door of the portal.
pub(crate) fn all_doors() -> Vec<Door> {
    let doors = [
        welcome::doors(),
        sign_in::doors(),
        me::doors(),
        activity::doors(),
        projects::doors(),
        anonymous_users::doors(),
        login_methods::doors(),
        session::doors(),
        applications::doors(),
        branding::doors(),
        addresses::doors(),
        messages::doors(),
        overview::doors(),
        users::doors(),
        user_actions::doors(),
        audit::doors(),
        webhooks::doors(),
        webhook_handlers::doors(),
        operators::doors(),
        admin_keys::doors(),
        project_settings::doors(),
        origin::doors(),
    ];
    doors.into_iter().flatten().collect()
}

/// The origin the portal is reached at, if there is one.
pub(crate) fn origin_of(app: &App) -> Option<Origin> {
    // The configuration was checked: what cannot be read is empty.
    Origin::parse(&app.config.portal.public_origin).ok()
}

/// Whether the portal is reached at a host.
pub(super) fn is_at(app: &App, host: &str) -> bool {
    app.projects.portal_host().is_asked_for(host)
}

/// The routes of the portal; on any other host they are answered by the houses, as if there were no portal.
pub(super) fn router(app: &Arc<App>, houses: Router) -> Router {
    routes::mount(Router::new(), table())
        .layer(middleware::from_fn_with_state((Arc::clone(app), houses), enter))
        .with_state(Arc::clone(app))
}

/// Its rows of the table of routes.
pub(super) fn table() -> Vec<Route> {
    let files = Route::declare(Face::Portal, (Method::GET, "/portal/assets/{*path}"), Vec::new(), asset);
    all_doors().into_iter().map(Door::into_route).chain([files]).collect()
}

async fn asset(Path(path): Path<String>) -> Response {
    assets::find(&path, &Brand::default())
}

async fn enter(State((app, houses)): State<(Arc<App>, Router)>, mut request: Request, next: Next) -> Response {
    if !visit::host_of(&app, &request).is_some_and(|host| is_at(&app, host)) {
        return houses.oneshot(request).await.into_response();
    }
    if let Some(origin) = origin_of(&app).filter(Origin::is_https)
        && visit::came_without_tls(&app, &request)
    {
        let path = request.uri().path_and_query().map_or(HOME, |path| path.as_str());
        return answer::redirect(StatusCode::TEMPORARY_REDIRECT, &format!("{origin}{path}"));
    }
    if let Err(response) = visit::check_head(&request) {
        return response;
    }
    let request_id = visit::new_request_id(&app);
    let brought = Brought::take(request.headers_mut());
    request.extensions_mut().insert(brought);
    request.extensions_mut().insert(lobby::RequestId(Arc::clone(&request_id)));
    visit::answer(&app, &request_id, request, next).await
}
