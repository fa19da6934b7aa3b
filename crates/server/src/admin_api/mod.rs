//! The Admin API: JSON for clients of operators, under `/_api/admin/v1`. Each route declares the scope that a key
//! needs; each handler parses, calls one use case and serializes. The description is `openapi.json` in this folder; a
//! test compares the two.

mod access;
mod bodies;
mod description;
mod events;
mod idempotency;
mod keys;
mod page;
mod problem;
mod project;
mod read;
mod transfer;
mod users;
mod views;

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    handler::Handler,
    http::Method,
    middleware::{self, Next},
    response::IntoResponse,
};
use vestibule_app::{admin::keys::AdminScope, state::App};
use vestibule_web::route::ADMIN_API_PREFIX;
use vestibule_web::{
    credentials::CredentialKind,
    route::{Face, Route, api_description},
};

use self::access::Admin;
pub(crate) use self::idempotency::KEY_BYTES;

/// The router, to be nested at [`ADMIN_API_PREFIX`], from those of [`open_routes`] and [`guarded_routes`].
pub(super) fn router(open: Router<Arc<App>>, guarded: Router<Arc<App>>) -> Router<Arc<App>> {
    let guarded = guarded
        .method_not_allowed_fallback(problem::wrong_method)
        .fallback(problem::no_such_route)
        .layer(middleware::from_fn(access::admit));
    open.merge(guarded)
}

/// Its rows of the table of routes that are asked without a key.
pub(super) fn open_routes() -> Vec<Route> {
    let routes =
        vec![api_description("/openapi.json", description::openapi), api_description("/docs", description::page)];
    routes.into_iter().map(|route| route.below(ADMIN_API_PREFIX)).collect()
}

/// Its rows of the table of routes for keys.
pub(super) fn guarded_routes() -> Vec<Route> {
    let routes = vec![
        guarded(Method::GET, "/project", AdminScope::SettingsRead, project::get),
        guarded(Method::PUT, "/project", AdminScope::SettingsWrite, project::put),
        guarded(Method::POST, "/project/webhook-secret", AdminScope::SettingsWrite, project::rotate_webhook_secret),
        guarded(Method::POST, "/project/webhook-test", AdminScope::SettingsWrite, events::try_out),
        guarded(Method::GET, "/applications", AdminScope::SettingsRead, project::list_applications),
        guarded(Method::POST, "/applications", AdminScope::SettingsWrite, project::create_application),
        guarded(Method::GET, "/applications/{client_id}", AdminScope::SettingsRead, project::get_application),
        guarded(Method::PUT, "/applications/{client_id}", AdminScope::SettingsWrite, project::put_application),
        guarded(Method::DELETE, "/applications/{client_id}", AdminScope::SettingsWrite, project::delete_application),
        guarded(Method::GET, "/applications/{client_id}/secrets", AdminScope::SettingsRead, project::list_secrets),
        guarded(Method::POST, "/applications/{client_id}/secrets", AdminScope::SettingsWrite, project::create_secret),
        guarded(
            Method::DELETE,
            "/applications/{client_id}/secrets/{secret_id}",
            AdminScope::SettingsWrite,
            project::delete_secret,
        ),
        guarded(Method::GET, "/users", AdminScope::UsersRead, users::list),
        guarded(Method::POST, "/users", AdminScope::UsersWrite, users::create),
        guarded(Method::GET, "/users/{user_id}", AdminScope::UsersRead, users::get),
        guarded(Method::PATCH, "/users/{user_id}", AdminScope::UsersWrite, users::patch),
        guarded(Method::DELETE, "/users/{user_id}", AdminScope::UsersWrite, users::delete),
        guarded(Method::POST, "/users/{user_id}/promote", AdminScope::UsersWrite, users::promote),
        guarded(Method::POST, "/users/{user_id}/disable", AdminScope::UsersWrite, users::disable),
        guarded(Method::POST, "/users/{user_id}/enable", AdminScope::UsersWrite, users::enable),
        guarded(Method::GET, "/users/{user_id}/sessions", AdminScope::UsersRead, users::list_sessions),
        guarded(Method::DELETE, "/users/{user_id}/sessions", AdminScope::UsersWrite, users::revoke_all_sessions),
        guarded(
            Method::DELETE,
            "/users/{user_id}/sessions/{session_id}",
            AdminScope::UsersWrite,
            users::revoke_session,
        ),
        guarded(Method::GET, "/users/{user_id}/device-keys", AdminScope::UsersRead, users::list_keys),
        guarded(
            Method::DELETE,
            "/users/{user_id}/device-keys/{device_key_id}",
            AdminScope::UsersWrite,
            users::revoke_key,
        ),
        guarded(Method::GET, "/export/users", AdminScope::UsersTransfer, transfer::export),
        guarded(Method::GET, "/export/events", AdminScope::EventsRead, events::export),
        guarded(Method::POST, "/import/users", AdminScope::UsersTransfer, transfer::import),
        guarded(Method::GET, "/events", AdminScope::EventsRead, events::list),
        guarded(Method::GET, "/events/stream", AdminScope::EventsRead, events::stream),
        guarded(Method::GET, "/deliveries", AdminScope::EventsRead, events::list_deliveries),
        guarded(Method::POST, "/deliveries/{delivery_id}/replay", AdminScope::EventsRead, events::replay),
        guarded(Method::GET, "/statistics", AdminScope::StatisticsRead, events::statistics),
        guarded(Method::GET, "/keys", AdminScope::KeysWrite, keys::list),
        guarded(Method::POST, "/keys", AdminScope::KeysWrite, keys::create),
        guarded(Method::DELETE, "/keys/{key_id}", AdminScope::KeysWrite, keys::revoke),
    ];
    routes.into_iter().map(|route| route.below(ADMIN_API_PREFIX)).collect()
}

/// A route for keys with a scope, which is checked first.
fn guarded<T: 'static>(
    method: Method,
    path: &'static str,
    scope: AdminScope,
    handler: impl Handler<T, Arc<App>>,
) -> Route {
    let check = move |admin: Admin, request: Request, next: Next| async move {
        match admin.require(scope) {
            Ok(()) => next.run(request).await,
            Err(problem) => problem.into_response(),
        }
    };
    // `route_layer`, not `layer`: unknown methods must get 405 even with an idempotency key.
    Route::declare(Face::AdminApi, (method, path), vec![CredentialKind::AdminKey(scope)], handler).around(|handler| {
        handler.route_layer(middleware::from_fn(idempotency::answer_once)).route_layer(middleware::from_fn(check))
    })
}
