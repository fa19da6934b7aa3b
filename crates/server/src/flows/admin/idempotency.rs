//! Writes that come with an idempotency key: begun once, and their answer kept for whoever asks again.

use std::time::Duration;

use vestibule_domain::{secret::TokenHash, time::Timestamp};
use vestibule_store::{StoreError, admin_keys};

use crate::{app::App, projects::Project};

/// How long an answer is remembered.
const KEEP: Duration = Duration::from_secs(24 * 3600);
/// After this long a write without an answer counts as lost, and may be done again.
const LOST: Duration = Duration::from_secs(120);

/// What to do about a write.
pub(crate) enum Begun {
    /// Do it, and keep its answer.
    Now,
    /// Somebody does it at this moment.
    Running,
    /// The key was used for something else.
    Reused,
    /// It was done, and this was the answer.
    Before { status: i64, answer: String },
}

/// Begins a write; of any number of callers with the same key one does it.
pub(crate) async fn begin(
    app: &App,
    project: &Project,
    key: TokenHash,
    request: TokenHash,
    now: Timestamp,
) -> Result<Begun, StoreError> {
    let no = project.no;
    let began = app
        .store
        .write("begin_idempotent", (), move |tx, ()| {
            Box::pin(admin_keys::begin_answer(tx, no, key, request, now, now.plus(KEEP)))
        })
        .await?;
    if began {
        return Ok(Begun::Now);
    }
    let Some(found) = admin_keys::find_answer(&mut *app.store.read().await?, no, key).await? else {
        return Ok(Begun::Running);
    };
    if !found.request_hash.matches(&request) {
        return Ok(Begun::Reused);
    }
    if let Some(status) = found.status {
        return Ok(Begun::Before { status, answer: found.answer.unwrap_or_default() });
    }
    let started_at = found.started_at;
    if now.since(started_at) < LOST {
        return Ok(Begun::Running);
    }
    let mine = app
        .store
        .write("retry_idempotent", (), move |tx, ()| {
            Box::pin(admin_keys::take_over_answer(tx, no, key, now, started_at))
        })
        .await?;
    Ok(if mine { Begun::Now } else { Begun::Running })
}

/// Keeps the answer to a write; without one the write may be tried again.
pub(crate) async fn finish(
    app: &App,
    project: &Project,
    key: TokenHash,
    answer: Option<(i64, String)>,
) -> Result<(), StoreError> {
    let no = project.no;
    app.store
        .write("finish_idempotent", answer, move |tx, answer| {
            Box::pin(async move {
                match answer {
                    Some((status, text)) => admin_keys::finish_answer(tx, no, key, *status, text).await?,
                    None => admin_keys::drop_answer(tx, no, key).await?,
                };
                Ok::<_, StoreError>(())
            })
        })
        .await
}
