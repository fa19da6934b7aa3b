//! Writes that come with an idempotency key: begun once, and their answer kept for whoever asks again. Answers are kept sealed:
//! some tell a secret that is shown once.

use std::time::Duration;

use vestibule_domain::{secret::TokenHash, time::Timestamp};
use vestibule_store::{StoreError, admin_keys};

use crate::{
    app::App,
    crypto::{base64url, read_base64url},
    projects::Project,
};

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
        let answer = open(app, project, key, found.answer.unwrap_or_default());
        return Ok(Begun::Before { status, answer });
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
    let answer = answer.map(|(status, text)| (status, seal(app, project, key, &text)));
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

/// What a kept answer begins with; earlier versions kept them as they were, for a day.
const SEALED: &str = "sealed:";

fn context(project: &Project, key: TokenHash) -> String {
    format!("idempotency|{}|{}", project.id, base64url(key.0))
}

fn seal(app: &App, project: &Project, key: TokenHash, answer: &str) -> String {
    let sealed = app.master.seal(answer.as_bytes(), &context(project, key), &app.entropy);
    format!("{SEALED}{}", base64url(sealed))
}

/// The answer as it was; empty when it was sealed with another master key, so that the write is still not done twice.
fn open(app: &App, project: &Project, key: TokenHash, kept: String) -> String {
    let Some(sealed) = kept.strip_prefix(SEALED) else { return kept };
    let plain = read_base64url(sealed).and_then(|sealed| app.master.open(&sealed, &context(project, key)).ok());
    plain.and_then(|plain| String::from_utf8(plain).ok()).unwrap_or_default()
}
