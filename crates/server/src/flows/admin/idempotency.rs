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

/// The answer to a write, as far as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) status: i64,
    /// The version of what was written, as its `ETag` said it.
    pub(crate) version: Option<String>,
    pub(crate) body: String,
}

/// What to do about a write.
pub(crate) enum Begun {
    /// Do it, and keep its answer.
    Now,
    /// Somebody does it at this moment.
    Running,
    /// The key was used for something else.
    Reused,
    /// It was done, and this was the answer.
    Before(Kept),
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
        let (version, body) = open(app, project, key, found.answer.unwrap_or_default());
        return Ok(Begun::Before(Kept { status, version, body }));
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
    answer: Option<Kept>,
) -> Result<(), StoreError> {
    let no = project.no;
    let answer = answer.map(|kept| (kept.status, seal(app, project, key, &kept)));
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

/// What a kept answer begins with: sealed, a line with the version and then the body.
const VERSIONED: &str = "versioned:";
/// Earlier ones were sealed bodies; still earlier ones were kept as they were. Each for a day.
const SEALED: &str = "sealed:";

fn context(project: &Project, key: TokenHash) -> String {
    format!("idempotency|{}|{}", project.id, base64url(key.0))
}

fn seal(app: &App, project: &Project, key: TokenHash, kept: &Kept) -> String {
    let plain = format!("{}\n{}", kept.version.as_deref().unwrap_or_default(), kept.body);
    let sealed = app.master.seal(plain.as_bytes(), &context(project, key), &app.entropy);
    format!("{VERSIONED}{}", base64url(sealed))
}

/// Version and body as they were; empty when they were sealed with another master key, so that the write is still not done
/// twice.
fn open(app: &App, project: &Project, key: TokenHash, kept: String) -> (Option<String>, String) {
    let unseal = |sealed: &str| {
        let plain = read_base64url(sealed).and_then(|sealed| app.master.open(&sealed, &context(project, key)).ok());
        plain.and_then(|plain| String::from_utf8(plain).ok()).unwrap_or_default()
    };
    if let Some(sealed) = kept.strip_prefix(VERSIONED) {
        let plain = unseal(sealed);
        let (version, body) = plain.split_once('\n').unwrap_or_default();
        return (Some(version.to_string()).filter(|version| !version.is_empty()), body.to_string());
    }
    match kept.strip_prefix(SEALED) {
        Some(sealed) => (None, unseal(sealed)),
        None => (None, kept),
    }
}
