//! The Admin API: JSON for programs of operators, under `/_api/admin/v1`. Each handler reads, asks for a scope, calls one
//! flow and prints. The description for programs is `openapi.json` beside this file; a test holds the two together.

mod access;
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

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{MethodRouter, delete, get, post},
};

pub(crate) use self::idempotency::KEY_BYTES;
use crate::app::App;

/// Where it lives.
pub(crate) const PREFIX: &str = "/_api/admin/v1";

/// Every route of the Admin API.
pub(crate) fn router() -> Router<Arc<App>> {
    // Around the methods there are, so that one there is not is told so whatever key comes with it.
    let once = |methods: MethodRouter<Arc<App>>| methods.route_layer(middleware::from_fn(idempotency::answer_once));
    let guarded = Router::new()
        .route("/project", once(get(project::get).put(project::put)))
        .route("/project/webhook-secret", once(post(project::rotate_webhook_secret)))
        .route("/project/webhook-test", once(post(events::try_out)))
        .route("/applications", once(get(project::list_applications).post(project::create_application)))
        .route(
            "/applications/{client_id}",
            once(get(project::get_application).put(project::put_application).delete(project::delete_application)),
        )
        .route("/applications/{client_id}/secrets", once(get(project::list_secrets).post(project::create_secret)))
        .route("/applications/{client_id}/secrets/{secret_id}", once(delete(project::delete_secret)))
        .route("/users", once(get(users::list).post(users::create)))
        .route("/users/{user_id}", once(get(users::get).patch(users::patch).delete(users::delete)))
        .route("/users/{user_id}/promote", once(post(users::promote)))
        .route("/users/{user_id}/disable", once(post(users::disable)))
        .route("/users/{user_id}/enable", once(post(users::enable)))
        .route("/users/{user_id}/sessions", once(get(users::list_sessions).delete(users::revoke_all_sessions)))
        .route("/users/{user_id}/sessions/{session_id}", once(delete(users::revoke_session)))
        .route("/users/{user_id}/device-keys", once(get(users::list_keys)))
        .route("/users/{user_id}/device-keys/{device_key_id}", once(delete(users::revoke_key)))
        .route("/export/users", once(get(transfer::export)))
        .route("/export/events", once(get(events::export)))
        .route("/import/users", once(post(transfer::import)))
        .route("/events", once(get(events::list)))
        .route("/events/stream", once(get(events::stream)))
        .route("/deliveries", once(get(events::list_deliveries)))
        .route("/deliveries/{delivery_id}/replay", once(post(events::replay)))
        .route("/statistics", once(get(events::statistics)))
        .route("/keys", once(get(keys::list).post(keys::create)))
        .route("/keys/{key_id}", once(delete(keys::revoke)))
        .method_not_allowed_fallback(problem::wrong_method)
        .fallback(problem::no_such_route)
        .layer(middleware::from_fn(access::admit));
    Router::new()
        .route("/openapi.json", get(description::openapi))
        .route("/docs", get(description::page))
        .merge(guarded)
}
