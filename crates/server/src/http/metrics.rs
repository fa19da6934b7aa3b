//! The page of metrics.

use std::sync::Arc;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use vestibule_store::outbox;

use crate::app::App;

/// `GET /metrics`
pub(crate) async fn print(app: Arc<App>) -> Response {
    let age = match oldest(&app).await {
        Ok(age) => age,
        // What can be told without the store is told all the same: that is when it is needed most.
        Err(error) => {
            tracing::warn!(error = %error, "the outbox could not be read for the metrics");
            None
        }
    };
    let page = app.metrics.print(&app.store.stats(), age);
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page).into_response()
}

async fn oldest(app: &App) -> Result<Option<std::time::Duration>, vestibule_store::StoreError> {
    let queued = outbox::oldest_any_project(&mut *app.store.read().await?).await?;
    Ok(Some(queued.map_or(std::time::Duration::ZERO, |at| app.clock.now().since(at))))
}
