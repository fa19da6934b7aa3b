//! The Admin API: JSON for clients of operators, under `/_api/admin/v1`. Each route declares the scope that a key
//! needs and its operation; each handler parses, calls one use case and serializes. The description, `openapi.json` in this
//! folder, is generated from the rows and from the types of the handlers (decision 76).

mod access;
mod aliases;
mod answer;
mod bodies;
mod describe;
mod description;
mod event_views;
mod events;
mod handshakes;
mod idempotency;
mod input;
mod kept_answers;
mod keys;
mod logo;
mod merges;
mod openapi;
mod operation;
mod page;
mod problem;
mod project;
mod providers;
mod read;
mod retention;
pub(crate) mod retention_views;
mod schemas;
mod transfer;
mod users;
pub(crate) mod views;

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
use vestibule_web::{
    credentials::CredentialKind,
    route::{ADMIN_API_PREFIX, Face, Route, api_description},
};

#[cfg(test)]
pub(crate) use self::page::description_file;
use self::{access::Admin, describe::Described, operation::Operation};
pub(crate) use self::{idempotency::KEY_BYTES, openapi::print_document};

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

/// Takes the rows of the routes for keys: to serve them, or to describe them.
trait Rows {
    /// Takes a route, the scope that its key needs, its handler and what the description says of it.
    fn put<T: 'static, H: Handler<T, Arc<App>> + Described<T>>(
        &mut self,
        route: (Method, &'static str),
        scope: AdminScope,
        handler: H,
        operation: &Operation,
    );
}

impl Rows for Vec<Route> {
    fn put<T: 'static, H: Handler<T, Arc<App>> + Described<T>>(
        &mut self,
        (method, path): (Method, &'static str),
        scope: AdminScope,
        handler: H,
        _: &Operation,
    ) {
        self.push(guarded(method, path, scope, handler).below(ADMIN_API_PREFIX));
    }
}

/// Its rows of the table of routes for keys.
pub(super) fn guarded_routes() -> Vec<Route> {
    let mut routes = Vec::new();
    list_rows(&mut routes);
    routes
}

/// Every route for keys. A route is served and described by its row, or not at all.
fn list_rows(rows: &mut impl Rows) {
    list_project(rows);
    list_users(rows);
    list_merges(rows);
    list_others(rows);
}

fn list_project(rows: &mut impl Rows) {
    let (read, write) = (AdminScope::SettingsRead, AdminScope::SettingsWrite);
    rows.put((Method::GET, "/project"), read, project::get, &project::GET);
    rows.put((Method::PUT, "/project"), write, project::put, &project::PUT);
    rows.put((Method::GET, "/project/logo"), read, logo::get, &logo::GET);
    rows.put((Method::PUT, "/project/logo"), write, logo::put, &logo::PUT);
    rows.put((Method::DELETE, "/project/logo"), write, logo::remove, &logo::REMOVE);
    rows.put((Method::GET, "/retention"), read, retention::get, &retention::GET);
    rows.put((Method::POST, "/retention/confirm"), write, retention::confirm, &retention::CONFIRM);
    let path = "/project/webhook-secret";
    rows.put((Method::POST, path), write, project::rotate_webhook_secret, &project::ROTATE_WEBHOOK_SECRET);
    rows.put((Method::POST, "/project/webhook-test"), write, events::try_out, &events::TRY_OUT);
    rows.put((Method::GET, "/providers"), read, providers::list, &providers::LIST);
    let path = "/providers/{alias}/secret";
    rows.put((Method::PUT, path), write, providers::set_secret, &providers::SET_SECRET);
    rows.put((Method::DELETE, path), write, providers::remove_secret, &providers::REMOVE_SECRET);
    rows.put((Method::GET, "/applications"), read, project::list_applications, &project::LIST_APPLICATIONS);
    rows.put((Method::POST, "/applications"), write, project::create_application, &project::CREATE_APPLICATION);
    rows.put((Method::GET, "/applications/{client_id}"), read, project::get_application, &project::GET_APPLICATION);
    rows.put((Method::PUT, "/applications/{client_id}"), write, project::put_application, &project::PUT_APPLICATION);
    rows.put(
        (Method::DELETE, "/applications/{client_id}"),
        write,
        project::delete_application,
        &project::DELETE_APPLICATION,
    );
    rows.put((Method::GET, "/applications/{client_id}/secrets"), read, project::list_secrets, &project::LIST_SECRETS);
    rows.put(
        (Method::POST, "/applications/{client_id}/secrets"),
        write,
        project::create_secret,
        &project::CREATE_SECRET,
    );
    let path = "/applications/{client_id}/secrets/{secret_id}";
    rows.put((Method::DELETE, path), write, project::delete_secret, &project::DELETE_SECRET);
}

fn list_users(rows: &mut impl Rows) {
    let (read, write) = (AdminScope::UsersRead, AdminScope::UsersWrite);
    rows.put((Method::GET, "/users"), read, users::list, &users::LIST);
    rows.put((Method::POST, "/users"), write, users::create, &users::CREATE);
    rows.put((Method::GET, "/users/{user_id}"), read, users::get, &users::GET);
    rows.put((Method::PATCH, "/users/{user_id}"), write, users::patch, &users::PATCH);
    rows.put((Method::DELETE, "/users/{user_id}"), write, users::delete, &users::DELETE);
    rows.put((Method::POST, "/users/{user_id}/promote"), write, users::promote, &users::PROMOTE);
    rows.put((Method::GET, "/users/{user_id}/aliases"), read, users::list_aliases, &users::LIST_ALIASES);
    rows.put((Method::GET, "/users/{user_id}/merge"), read, merges::preview, &merges::PREVIEW);
    rows.put((Method::POST, "/users/{user_id}/merge"), write, merges::merge, &merges::MERGE);
    rows.put((Method::POST, "/users/{user_id}/disable"), write, users::disable, &users::DISABLE);
    rows.put((Method::POST, "/users/{user_id}/enable"), write, users::enable, &users::ENABLE);
    rows.put((Method::GET, "/users/{user_id}/sessions"), read, users::list_sessions, &users::LIST_SESSIONS);
    rows.put(
        (Method::DELETE, "/users/{user_id}/sessions"),
        write,
        users::revoke_all_sessions,
        &users::REVOKE_ALL_SESSIONS,
    );
    let path = "/users/{user_id}/sessions/{session_id}";
    rows.put((Method::DELETE, path), write, users::revoke_session, &users::REVOKE_SESSION);
    rows.put((Method::GET, "/users/{user_id}/consents"), read, users::list_consents, &users::LIST_CONSENTS);
    let path = "/users/{user_id}/consents/{client_id}";
    rows.put((Method::DELETE, path), write, users::revoke_consent, &users::REVOKE_CONSENT);
    rows.put((Method::GET, "/users/{user_id}/device-keys"), read, users::list_keys, &users::LIST_KEYS);
    let path = "/users/{user_id}/device-keys/{device_key_id}";
    rows.put((Method::DELETE, path), write, users::revoke_key, &users::REVOKE_KEY);
    rows.put((Method::GET, "/users/{user_id}/holds"), read, retention::list_holds, &retention::LIST_HOLDS);
    rows.put((Method::POST, "/users/{user_id}/holds"), write, retention::create_hold, &retention::CREATE_HOLD);
    let path = "/users/{user_id}/holds/{hold_id}";
    rows.put((Method::DELETE, path), write, retention::remove_hold, &retention::REMOVE_HOLD);
    rows.put((Method::POST, "/users/{user_id}/revive"), write, retention::revive, &retention::REVIVE);
}

/// Merges are written with the scope for users: whoever settles one changes a guest and a member.
fn list_merges(rows: &mut impl Rows) {
    let (read, write) = (AdminScope::UsersRead, AdminScope::UsersWrite);
    rows.put((Method::GET, "/merges"), read, handshakes::list, &handshakes::LIST);
    rows.put((Method::GET, "/merges/{merge_id}"), read, handshakes::get, &handshakes::GET);
    rows.put((Method::POST, "/merges/{merge_id}/settle"), write, handshakes::settle, &handshakes::SETTLE);
    rows.put((Method::POST, "/merges/{merge_id}/refuse"), write, handshakes::refuse, &handshakes::REFUSE);
    rows.put((Method::POST, "/merges/{merge_id}/undo"), write, handshakes::undo, &handshakes::UNDO);
    rows.put((Method::POST, "/merges/{merge_id}/ask"), write, handshakes::ask, &handshakes::ASK);
}

fn list_others(rows: &mut impl Rows) {
    let (transfers, log) = (AdminScope::UsersTransfer, AdminScope::EventsRead);
    rows.put((Method::GET, "/export/users"), transfers, transfer::export, &transfer::EXPORT);
    rows.put((Method::GET, "/export/events"), log, events::export, &events::EXPORT);
    rows.put((Method::POST, "/import/users"), transfers, transfer::import, &transfer::IMPORT);
    rows.put((Method::GET, "/events"), log, events::list, &events::LIST);
    rows.put((Method::GET, "/events/stream"), log, events::stream, &events::STREAM);
    rows.put((Method::GET, "/deliveries"), log, events::list_deliveries, &events::LIST_DELIVERIES);
    rows.put((Method::POST, "/deliveries/{delivery_id}/replay"), log, events::replay, &events::REPLAY);
    rows.put((Method::GET, "/statistics"), AdminScope::StatisticsRead, events::statistics, &events::STATISTICS);
    rows.put((Method::GET, "/keys"), AdminScope::KeysWrite, keys::list, &keys::LIST);
    rows.put((Method::POST, "/keys"), AdminScope::KeysWrite, keys::create, &keys::CREATE);
    rows.put((Method::DELETE, "/keys/{key_id}"), AdminScope::KeysWrite, keys::revoke, &keys::REVOKE);
}

/// In the paths of the routes of one user.
const USER_IN_PATH: &str = "{user_id}";

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
    // `route_layer`, not `layer`: unknown methods must get 405 even with an idempotency key. Aliases come last: a repeated request
    // gets its first answer even if that made the user an alias.
    let names_user = path.contains(USER_IN_PATH);
    Route::declare(Face::AdminApi, (method, path), vec![CredentialKind::AdminKey(scope)], handler).around(
        move |handler| {
            let handler = if names_user { handler.route_layer(middleware::from_fn(aliases::resolve)) } else { handler };
            handler.route_layer(middleware::from_fn(idempotency::answer_once)).route_layer(middleware::from_fn(check))
        },
    )
}
