//! Device keys of guests, for operators.

use vestibule_domain::{
    event::Event,
    id::{IdentityId, UserId},
    time::Timestamp,
};
use vestibule_store::{device_keys, users};

use super::{AdminError, Thing};
use crate::{
    actor::{ActError, Actor},
    ctx::Ctx,
    sessions::{Ending, Selection},
};

/// A device key in a list.
#[derive(Clone, Debug)]
pub struct DeviceKey {
    pub id: IdentityId,
    /// The key ID, chosen by the device.
    pub key_id: String,
    /// The device's name, if known.
    pub device: Option<String>,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    /// When its owner was promoted; from then on the key is not accepted.
    pub promoted_at: Option<Timestamp>,
}

/// Every key of a user, oldest first.
pub async fn list(ctx: &Ctx<'_>, user: UserId) -> Result<Vec<DeviceKey>, AdminError> {
    let mut conn = ctx.app.store.read().await?;
    users::find(&mut conn, ctx.project.no, user).await?.ok_or(AdminError::NotFound(Thing::User))?;
    let keys = device_keys::list(&mut conn, ctx.project.no, user).await?;
    let listed = keys.into_iter().map(|key| DeviceKey {
        id: key.id,
        key_id: key.kid,
        device: key.device,
        created_at: key.created_at,
        last_used_at: key.last_used_at,
        promoted_at: key.promoted_at,
    });
    Ok(listed.collect())
}

/// Revokes a key: the device cannot sign in with it any more. Existing sessions stay.
pub async fn revoke(ctx: &Ctx<'_>, actor: &Actor, user: UserId, id: IdentityId) -> Result<(), AdminError> {
    remove(ctx, actor, (user, id), None).await.map(drop)
}

/// Revokes a key and ends all of the user's sessions in one transaction, for a lost or stolen device. Returns how many
/// ended.
pub async fn revoke_lost(ctx: &Ctx<'_>, actor: &Actor, user: UserId, id: IdentityId) -> Result<usize, AdminError> {
    let ending = Ending::by_actor(ctx, actor, user, Selection::All);
    remove(ctx, actor, (user, id), Some(ending)).await
}

async fn remove(
    ctx: &Ctx<'_>,
    actor: &Actor,
    (user, id): (UserId, IdentityId),
    ending: Option<Ending>,
) -> Result<usize, AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    let keys = device_keys::list(&mut *ctx.app.store.read().await?, no, user).await?;
    let key = keys.into_iter().find(|key| key.id == id).ok_or(AdminError::NotFound(Thing::DeviceKey))?;
    let event = Event::DeviceKeyRevoked { user_id: user, key_id: key.kid.clone() };
    let event = actor.prepare(ctx, &event, Some(user));
    let removed = ctx
        .app
        .store
        .write("admin_revoke_key", (key.kid, event, ending), move |tx, (kid, event, ending)| {
            Box::pin(async move {
                if !device_keys::remove(tx, no, kid, user).await? {
                    return Ok(None);
                }
                event.write(tx, no, now).await?;
                let ended = match ending {
                    Some(ending) => ending.write(tx).await?,
                    None => 0,
                };
                Ok::<_, ActError>(Some(ended))
            })
        })
        .await?;
    removed.ok_or(AdminError::NotFound(Thing::DeviceKey))
}
