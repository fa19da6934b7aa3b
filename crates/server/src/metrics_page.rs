//! The page of metrics.

use std::sync::Arc;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use vestibule_app::{
    StoreError,
    jobs::{events, outbox},
    metrics::{CONTENT_TYPE, Measured},
    state::App,
};

/// `GET /metrics`
pub(crate) async fn print(app: Arc<App>) -> Response {
    let read =
        async { Ok::<_, StoreError>((outbox::age_of_oldest(&app).await?, events::count_unreadable(&app).await?)) };
    let (outbox_age, unreadable) = match read.await {
        Ok((age, unreadable)) => (Some(age), Some(unreadable)),
        // The other numbers need no store, and are needed most when it fails.
        Err(error) => {
            tracing::warn!(error = %error, "the outbox could not be read for the metrics");
            (None, None)
        }
    };
    let clock_ahead = app.clock_offset.micros_ahead();
    let page = app.metrics.print(app.store.stats(), Measured { outbox_age, unreadable, clock_ahead });
    (StatusCode::OK, [(header::CONTENT_TYPE, CONTENT_TYPE)], page).into_response()
}
