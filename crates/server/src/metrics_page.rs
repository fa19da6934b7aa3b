//! The page of metrics.

use std::sync::Arc;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use vestibule_app::{jobs::outbox, metrics::CONTENT_TYPE, state::App};

/// `GET /metrics`
pub(crate) async fn print(app: Arc<App>) -> Response {
    let age = match outbox::age_of_oldest(&app).await {
        Ok(age) => Some(age),
        // The other numbers need no store, and are needed most when it fails.
        Err(error) => {
            tracing::warn!(error = %error, "the outbox could not be read for the metrics");
            None
        }
    };
    let page = app.metrics.print(app.store.stats(), age);
    (StatusCode::OK, [(header::CONTENT_TYPE, CONTENT_TYPE)], page).into_response()
}
