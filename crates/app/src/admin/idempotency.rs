//! Writes with an idempotency key: done once, with the response stored for repeated requests. Responses are sealed,
//! because some contain a secret that is shown once.

use std::time::Duration;

use vestibule_domain::secret::TokenHash;
use vestibule_store::{StoreError, admin_keys};

use crate::{
    crypto::{base64url, read_base64url},
    ctx::Ctx,
    projects::Project,
};

/// How long a response is stored.
const KEEP: Duration = Duration::from_secs(24 * 3600);
/// After this time a write without a response is treated as lost, and may be repeated.
const LOST: Duration = Duration::from_secs(120);

/// The stored response to a write.
#[derive(Clone, Debug, PartialEq)]
pub struct IdempotencyKey {
    pub status: i64,
    /// The new version, from the response's `ETag`.
    pub version: Option<String>,
    pub body: String,
}

/// What to do with a write.
pub enum WriteState {
    /// Do it, and store its response.
    Now,
    /// Another request with this key is running.
    Running,
    /// The key was used for a different request.
    Reused,
    /// It was done before, with this response.
    Before(IdempotencyKey),
}

/// Begins a write; exactly one of several concurrent callers with the same key does it.
pub async fn begin(ctx: &Ctx<'_>, key: TokenHash, request: TokenHash) -> Result<WriteState, StoreError> {
    let (no, now) = (ctx.project.no, ctx.now);
    let began = ctx
        .app
        .store
        .write("begin_idempotent", (), move |tx, ()| {
            Box::pin(admin_keys::begin_answer(tx, no, key, request, now, now.plus(KEEP)))
        })
        .await?;
    if began {
        return Ok(WriteState::Now);
    }
    let Some(found) = admin_keys::find_answer(&mut *ctx.app.store.read().await?, no, key).await? else {
        return Ok(WriteState::Running);
    };
    if !found.request_hash.matches(&request) {
        return Ok(WriteState::Reused);
    }
    if let Some(status) = found.status {
        let (version, body) = open(ctx, key, found.answer.unwrap_or_default());
        return Ok(WriteState::Before(IdempotencyKey { status, version, body }));
    }
    let started_at = found.started_at;
    if now.since(started_at) < LOST {
        return Ok(WriteState::Running);
    }
    let mine = ctx
        .app
        .store
        .write("retry_idempotent", (), move |tx, ()| {
            Box::pin(admin_keys::take_over_answer(tx, no, key, now, started_at))
        })
        .await?;
    Ok(if mine { WriteState::Now } else { WriteState::Running })
}

/// Stores the response to a write; without one the write may be retried.
pub async fn finish(ctx: &Ctx<'_>, key: TokenHash, answer: Option<IdempotencyKey>) -> Result<(), StoreError> {
    let no = ctx.project.no;
    let answer = answer.map(|kept| (kept.status, seal(ctx, key, &kept)));
    ctx.app
        .store
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

/// Prefix of the current format: sealed; a line with the version, then the body.
const VERSIONED: &str = "versioned:";
/// Prefix of the previous format: a sealed body. Before that, bodies were stored as they were. Each expires after a
/// day.
const SEALED: &str = "sealed:";

fn context(project: &Project, key: TokenHash) -> String {
    format!("idempotency|{}|{}", project.id, base64url(key.0))
}

fn seal(ctx: &Ctx<'_>, key: TokenHash, kept: &IdempotencyKey) -> String {
    let plain = format!("{}\n{}", kept.version.as_deref().unwrap_or_default(), kept.body);
    let sealed = ctx.app.master.seal(plain.as_bytes(), &context(ctx.project, key), &ctx.app.entropy);
    format!("{VERSIONED}{}", base64url(sealed))
}

/// Decodes version and body. Both are empty when another master key sealed them, so that the write is still not
/// repeated.
fn open(ctx: &Ctx<'_>, key: TokenHash, kept: String) -> (Option<String>, String) {
    let unseal = |sealed: &str| {
        let plain =
            read_base64url(sealed).and_then(|sealed| ctx.app.master.open(&sealed, &context(ctx.project, key)).ok());
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
