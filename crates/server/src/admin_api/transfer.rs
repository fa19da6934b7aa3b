//! Export and import of users, as JSON Lines.

use axum::{http::header, response::IntoResponse};
use vestibule_app::{admin::transfer, error::Error};
use vestibule_web::export;

use super::{
    access::Admin,
    answer::{Good, JsonLines, Streamed},
    input::{JSON_LINES, Lines},
    operation::{Operation, Tag},
    problem::Problem,
    views::ImportView,
};

pub(super) const EXPORT: Operation = Operation::new(
    Tag::Transfer,
    "exportUsers",
    "Export users with login IDs, password hashes and device keys",
    "JSON Lines, newest user first.",
);

/// `GET /export/users`: every user, newest first, streamed.
pub(crate) async fn export(admin: Admin) -> Result<Streamed<JsonLines>, Problem> {
    let place =
        admin.visit.app.shares.transfers.take_for(admin.visit.project.no, &admin.holder.key_id).map_err(Error::from)?;
    // A HEAD request gets no line.
    if admin.visit.is_use {
        transfer::record_export(&admin.visit.ctx(), &admin.operator()).await?;
    }
    let (app, project) = (admin.visit.app, admin.visit.project);
    let body = export::stream_users(app, project, place).await?;
    let headers = [(header::CONTENT_TYPE, JSON_LINES), (header::CACHE_CONTROL, "no-store")];
    Ok(Streamed::new((headers, body).into_response()))
}

pub(super) const IMPORT: Operation =
    Operation::new(Tag::Transfer, "importUsers", "Import users", "The result of each line.").note(
        "Lines in the format of the export, up to 1 MiB and 10,000 lines. Existing users are not changed, so you can send a file again.",
    );

/// `POST /import/users`: up to 1 MiB of lines; each has its own result.
pub(crate) async fn import(admin: Admin, Lines(bytes): Lines) -> Result<Good<ImportView>, Problem> {
    let visit = &admin.visit;
    let text = String::from_utf8(bytes).map_err(|_| Problem::unreadable("the body is not UTF-8"))?;
    let _place = visit.app.shares.transfers.take_for(visit.project.no, &admin.holder.key_id).map_err(Error::from)?;
    let imported = transfer::import(&visit.ctx(), &admin.operator(), text).await?;
    // Printing thousands of lines takes milliseconds. The import is done, so this waits for no turn that could be refused; its
    // place bounds how many there are.
    let print = move || Good::print(&ImportView::of(imported));
    tokio::task::spawn_blocking(print).await.map_err(|error| {
        tracing::error!(error = %error, "the result of an import could not be printed");
        Problem::unexpected()
    })
}
