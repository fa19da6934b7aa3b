//! Device keys of guests, for operators.

use serde::Serialize;
use vestibule_domain::{
    event::Event,
    id::{IdentityId, UserId},
    time::Timestamp,
};
use vestibule_store::{device_keys, users};

use super::{AdminError, Thing};
use crate::{
    app::App,
    flows::{
        actor::{ActError, Actor},
        sessions::{Ending, Selection},
    },
    projects::Project,
};

/// A device key in a list.
#[derive(Debug, Serialize)]
pub(crate) struct DeviceKeyView {
    pub(crate) id: String,
    /// The key ID, chosen by the device.
    pub(crate) key_id: String,
    /// The device's name, if known.
    pub(crate) device: Option<String>,
    pub(crate) created_at: String,
    pub(crate) last_used_at: String,
    /// When its owner was promoted; from then on the key is not accepted.
    pub(crate) promoted_at: Option<String>,
}

/// Every key of a user, oldest first.
pub(crate) async fn list(app: &App, project: &Project, user: UserId) -> Result<Vec<DeviceKeyView>, AdminError> {
    let mut conn = app.store.read().await?;
    users::find(&mut conn, project.no, user).await?.ok_or(AdminError::NotFound(Thing::User))?;
    let keys = device_keys::list(&mut conn, project.no, user).await?;
    let views = keys.into_iter().map(|key| DeviceKeyView {
        id: key.id.to_string(),
        key_id: key.kid,
        device: key.device,
        created_at: key.created_at.to_rfc3339(),
        last_used_at: key.last_used_at.to_rfc3339(),
        promoted_at: key.promoted_at.map(Timestamp::to_rfc3339),
    });
    Ok(views.collect())
}

/// Revokes a key: the device cannot sign in with it any more. Existing sessions stay.
pub(crate) async fn revoke(
    app: &App,
    project: &Project,
    actor: &Actor,
    user: UserId,
    id: IdentityId,
    now: Timestamp,
) -> Result<(), AdminError> {
    remove(app, project, actor, (user, id), None, now).await.map(drop)
}

/// Revokes a key and ends all of the user's sessions in one transaction, for a lost or stolen device. Returns how many
/// ended.
pub(crate) async fn revoke_lost(
    app: &App,
    project: &Project,
    actor: &Actor,
    user: UserId,
    id: IdentityId,
    now: Timestamp,
) -> Result<usize, AdminError> {
    let ending = Ending::by_actor(app, project, actor, user, Selection::All, now);
    remove(app, project, actor, (user, id), Some(ending), now).await
}

async fn remove(
    app: &App,
    project: &Project,
    actor: &Actor,
    (user, id): (UserId, IdentityId),
    ending: Option<Ending>,
    now: Timestamp,
) -> Result<usize, AdminError> {
    let no = project.no;
    let keys = device_keys::list(&mut *app.store.read().await?, no, user).await?;
    let key = keys.into_iter().find(|key| key.id == id).ok_or(AdminError::NotFound(Thing::DeviceKey))?;
    let event = Event::DeviceKeyRevoked { user_id: user, key_id: key.kid.clone() };
    let event = actor.prepare(app, project, &event, Some(user), now);
    let removed = app
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
