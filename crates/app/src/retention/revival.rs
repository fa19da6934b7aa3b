//! Reviving a guest in its grace period. Its device key does so by itself: a guest that is seen is not expired.

use vestibule_domain::{
    event::{Event, UserModel},
    id::UserId,
};
use vestibule_store::{retention, users};

use crate::{
    actor::{ActError, Actor},
    admin::{AdminError, Clash, Thing},
    ctx::Ctx,
    identities::LoadedUser,
};

/// Takes back the expiry of a guest, which counts as seen now. Its sessions stay ended: it signs in with its device key.
///
/// # Errors
/// [`Clash::NotExpired`] when it has not expired.
pub async fn revive(ctx: &Ctx<'_>, actor: &Actor, id: UserId) -> Result<(), AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    let user =
        users::find(&mut *ctx.app.store.read().await?, no, id).await?.ok_or(AdminError::NotFound(Thing::User))?;
    let loaded = LoadedUser::read(ctx.app, ctx.project, user).await?;
    let event = Event::UserAnonymousRevived { user: UserModel::copy(&loaded.account()) };
    let entry = actor.prepare(ctx, &event, Some(id));
    let revived = ctx.app.store.write("revive_guest", entry, move |tx, entry| {
        Box::pin(async move {
            // First, because it locks the guest: a clean-up that has found it unused finds it changed.
            if !users::touch(tx, no, id, now).await? {
                return Ok(None);
            }
            let has_expired = retention::unmark(tx, no, &[id]).await?.into_iter().any(|(_, has_expired)| has_expired);
            if has_expired {
                entry.write(tx, no, now).await?;
            }
            Ok::<_, ActError>(Some(has_expired))
        })
    });
    match revived.await? {
        Some(true) => Ok(()),
        Some(false) => Err(AdminError::Conflict(Clash::NotExpired)),
        None => Err(AdminError::NotFound(Thing::User)),
    }
}
