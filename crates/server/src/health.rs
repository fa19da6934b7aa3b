//! Probes for liveness and readiness.

use std::sync::Arc;

use axum::http::StatusCode;
use vestibule_app::{overload::Overload, state::App};

/// The process responds.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// The store responds too.
pub(crate) async fn readyz(app: Arc<App>) -> (StatusCode, &'static str) {
    match app.store.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            // Anyone may ask.
            app.report_overload(Overload::Store, "", &error.to_string());
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
        }
    }
}
