//! Probes for liveness and readiness.

use std::sync::Arc;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use vestibule_app::{
    overload::Overload,
    readiness::{self, NotReady},
    state::App,
};

/// The process responds.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// The store can be read and written, the clock is about right, and the background jobs run.
pub(crate) async fn readyz(app: Arc<App>) -> Response {
    let Err(reason) = readiness::check(&app).await else { return "ready\n".into_response() };
    // Anyone may ask.
    app.report_overload(Overload::Store, "", &reason.to_string());
    let text = match reason {
        NotReady::Read(_) => "the store does not answer\n",
        NotReady::Write(_) => "the store takes no writes\n",
        NotReady::Slow => "the store does not answer in time\n",
        NotReady::Clock => "the clock is more than a minute off the database's\n",
        NotReady::Job(_) => "a background job keeps failing\n",
    };
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], text).into_response()
}
