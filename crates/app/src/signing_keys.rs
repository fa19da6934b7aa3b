//! Signing keys: listing, rotation, and removal when no valid token depends on them.

use std::time::Duration;

use vestibule_domain::{
    event::{Event, OperatorAction},
    id::ProjectNo,
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx,
    keys::{self, KeyRow},
    projects,
};

use crate::{
    actor::{ActError, Actor},
    crypto::{
        keyring::KeyRing,
        signing::{BadKey, KeyAlgorithm, SigningKey},
    },
    ctx::Ctx,
    projects::Project,
};

/// How long a new key is published before it signs: longer than any verifier caches the key set.
pub const PUBLISH_AHEAD: Duration = Duration::from_secs(24 * 3_600);
/// How much longer than the lifetime of its tokens a retired key is kept: clocks differ, and settings change.
const MARGIN: Duration = Duration::from_secs(24 * 3_600);

/// Why keys could not be rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// A key could not be generated.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// The thread that generated it ended.
    #[error("can't create the key: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// The keys of a project, oldest first.
pub async fn list(ctx: &Ctx<'_>) -> Result<Vec<KeyRow>, StoreError> {
    keys::list(&mut *ctx.app.store.read().await?, ctx.project.no).await
}

/// Adds a signing key of each algorithm and retires the current ones, `ahead` from now.
///
/// With `expected`, the keys are rotated only if the newest were created at that time, so that one of several nodes
/// does it. Returns whether this call did.
pub async fn rotate(
    ctx: &Ctx<'_>,
    actor: &Actor,
    expected: Option<Timestamp>,
    ahead: Duration,
) -> Result<bool, RotateError> {
    const ALGORITHMS: [KeyAlgorithm; 2] = [KeyAlgorithm::Rs256, KeyAlgorithm::Es256];
    // Generating RSA keys is slow.
    let entropy = ctx.app.entropy.clone();
    let made = tokio::task::spawn_blocking(move || {
        ALGORITHMS.map(|algorithm| SigningKey::generate(algorithm, &entropy).map(|pkcs8| (algorithm, pkcs8)))
    });
    let mut new = Vec::with_capacity(ALGORITHMS.len());
    for made in made.await? {
        let (algorithm, pkcs8) = made?;
        new.push(KeyRing::seal_signing(&ctx.project.id, algorithm, &pkcs8, &ctx.app.master, &ctx.app.entropy, ctx.now));
    }
    let kids: Vec<&str> = new.iter().map(|key| key.kid.as_str()).collect();
    let event = Event::OperatorActed { action: OperatorAction::SigningKeysRotated, target: kids.join(", ") };
    let entry = actor.prepare(ctx, &event, None);
    let (no, now, retire_at) = (ctx.project.no, ctx.now, ctx.now.plus(ahead));
    let done = ctx
        .app
        .store
        .write("rotate_keys", (new, entry), move |tx, (new, entry)| {
            Box::pin(async move {
                let done = replace(tx, no, new, expected, retire_at).await?;
                if done {
                    entry.write(tx, no, now).await?;
                }
                Ok::<_, ActError>(done)
            })
        })
        .await?;
    Ok(done)
}

async fn replace(
    tx: &mut Tx,
    no: ProjectNo,
    new: &[KeyRow],
    expected: Option<Timestamp>,
    retire_at: Timestamp,
) -> Result<bool, StoreError> {
    let present = keys::list(tx, no).await?;
    let signing = present.iter().filter(|key| new.iter().any(|new| new.purpose == key.purpose));
    let newest = signing.clone().map(|key| key.created_at).max();
    if expected.is_some() && newest != expected {
        return Ok(false);
    }
    for key in signing {
        keys::retire(tx, no, &key.kid, retire_at).await?;
    }
    for key in new {
        keys::insert(tx, no, key).await?;
    }
    projects::bump_version(tx, no).await?;
    Ok(true)
}

/// Removes retired keys whose last token has expired; returns how many.
pub(crate) async fn remove_spent(ctx: &Ctx<'_>) -> Result<usize, StoreError> {
    let grace = longest_token(ctx.project) + MARGIN;
    let is_spent = |at: Timestamp| at.plus(grace) < ctx.now;
    if !ctx.project.keys.first_retired().is_some_and(is_spent) {
        return Ok(0);
    }
    let (no, now) = (ctx.project.no, ctx.now);
    ctx.app
        .store
        .write("remove_spent_keys", grace, move |tx, grace| {
            Box::pin(async move {
                let mut removed = 0;
                for key in keys::list(tx, no).await? {
                    if key.retired_at.is_some_and(|at| at.plus(*grace) < now) && keys::remove(tx, no, &key.kid).await? {
                        removed += 1;
                    }
                }
                if removed > 0 {
                    projects::bump_version(tx, no).await?;
                }
                Ok::<_, StoreError>(removed)
            })
        })
        .await
}

/// The longest lifetime of a signed token: access tokens of any application, for guests and members.
fn longest_token(project: &Project) -> Duration {
    let clients = project.settings.clients().iter();
    let lifetimes = clients.flat_map(|client| [true, false].map(|anonymous| client.access_token_lifetime(anonymous)));
    lifetimes.max().unwrap_or_default()
}
