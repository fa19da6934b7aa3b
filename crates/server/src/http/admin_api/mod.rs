//! The Admin API: JSON for programs of operators, under `/_api/admin/v1`. Each handler reads, asks for a scope, calls one
//! flow and prints. The description for programs is `openapi.json` beside this file; a test holds the two together.

mod access;
mod description;
mod events;
mod idempotency;
mod keys;
mod problem;
mod project;
mod read;
mod transfer;
mod users;

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{delete, get, post},
};

use crate::app::App;

/// Where it lives.
pub(crate) const PREFIX: &str = "/_api/admin/v1";

/// Every route of the Admin API.
pub(crate) fn router() -> Router<Arc<App>> {
    let guarded = Router::new()
        .route("/project", get(project::get).put(project::put))
        .route("/project/webhook-secret", post(project::rotate_webhook_secret))
        .route("/project/webhook-test", post(events::try_out))
        .route("/applications", get(project::list_applications).post(project::create_application))
        .route(
            "/applications/{client_id}",
            get(project::get_application).put(project::put_application).delete(project::delete_application),
        )
        .route("/applications/{client_id}/secrets", get(project::list_secrets).post(project::create_secret))
        .route("/applications/{client_id}/secrets/{secret_id}", delete(project::delete_secret))
        .route("/users", get(users::list).post(users::create))
        .route("/users/{user_id}", get(users::get).patch(users::patch).delete(users::delete))
        .route("/users/{user_id}/promote", post(users::promote))
        .route("/users/{user_id}/disable", post(users::disable))
        .route("/users/{user_id}/enable", post(users::enable))
        .route("/users/{user_id}/sessions", get(users::list_sessions).delete(users::revoke_all_sessions))
        .route("/users/{user_id}/sessions/{session_id}", delete(users::revoke_session))
        .route("/users/{user_id}/device-keys", get(users::list_keys))
        .route("/users/{user_id}/device-keys/{device_key_id}", delete(users::revoke_key))
        .route("/export/users", get(transfer::export))
        .route("/export/events", get(events::export))
        .route("/import/users", post(transfer::import))
        .route("/events", get(events::list))
        .route("/events/stream", get(events::stream))
        .route("/deliveries", get(events::list_deliveries))
        .route("/deliveries/{delivery_id}/replay", post(events::replay))
        .route("/statistics", get(events::statistics))
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{key_id}", delete(keys::revoke))
        .method_not_allowed_fallback(problem::wrong_method)
        .fallback(problem::no_such_route)
        .layer(middleware::from_fn(idempotency::answer_once))
        .layer(middleware::from_fn(access::admit));
    Router::new()
        .route("/openapi.json", get(description::openapi))
        .route("/docs", get(description::page))
        .merge(guarded)
}
