//! Export and import of users, as JSON Lines.

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body_util::channel::Channel;
use serde::Serialize;
use vestibule_app::StoreError;
use vestibule_app::{admin::transfer, error::Error};

use super::{
    access::Admin,
    problem::Problem,
    read::{json, read_body},
    views::LineView,
};

const MEDIA_TYPE: &str = "application/x-ndjson";

#[derive(Serialize)]
struct ImportResult {
    lines: Vec<LineView>,
}

/// `GET /export/users`: every user, newest first, streamed.
pub(crate) async fn export(admin: Admin) -> Result<Response, Problem> {
    let place = admin.visit.app.shares.transfers.take(admin.visit.project.no).map_err(Error::from)?;
    transfer::record_export(&admin.visit.ctx(), &admin.operator()).await?;
    let (app, project) = (admin.visit.app, admin.visit.project);
    let mut next = transfer::export_step(&app, &project, None).await?;
    let (mut sender, channel) = Channel::<Bytes, StoreError>::new(2);
    tokio::spawn(async move {
        let _place = place;
        while let Some((lines, last)) = next {
            if sender.send_data(Bytes::from(lines)).await.is_err() {
                return;
            }
            match transfer::export_step(&app, &project, Some(last)).await {
                Ok(step) => next = step,
                Err(error) => {
                    tracing::error!(error = %error, "an export stopped early");
                    // Break the connection, so that an incomplete export is not mistaken for a complete one.
                    sender.abort(error);
                    return;
                }
            }
        }
    });
    let headers = [(header::CONTENT_TYPE, MEDIA_TYPE), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::new(channel)).into_response())
}

/// `POST /import/users`: up to 1 MiB of lines; each has its own result.
pub(crate) async fn import(admin: Admin, request: Request) -> Result<Response, Problem> {
    let visit = &admin.visit;
    let bytes = read_body(visit, request, &[MEDIA_TYPE, "application/jsonl"]).await?;
    let text = String::from_utf8(bytes).map_err(|_| Problem::unreadable("the body is not UTF-8"))?;
    let _place = visit.app.shares.transfers.take(visit.project.no).map_err(Error::from)?;
    let imported = transfer::import(&visit.ctx(), &admin.operator(), text).await?;
    // Printing thousands of lines takes milliseconds. The import is done, so this waits for no turn that could be refused; its
    // place bounds how many there are.
    let print = move || {
        let lines = imported.into_iter().map(LineView::of).collect();
        json(StatusCode::OK, &ImportResult { lines })
    };
    tokio::task::spawn_blocking(print).await.map_err(|error| {
        tracing::error!(error = %error, "the result of an import could not be printed");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected", "an unexpected error occurred")
    })
}
