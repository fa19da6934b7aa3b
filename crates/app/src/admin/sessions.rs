//! Sessions and grants of a user, for operators.

use vestibule_domain::{id::UserId, user::User};

use super::{AdminError, Thing};
use crate::{
    actor::{ActError, Actor, check_permit},
    ctx::Ctx,
    sessions::{self, Ending, ListedSession, Selection},
};

/// The valid sessions and grants of a user, oldest first.
pub async fn list(ctx: &Ctx<'_>, user: UserId) -> Result<Vec<ListedSession>, AdminError> {
    let user = find_user(ctx, user).await?;
    Ok(sessions::list(ctx, &user).await?)
}

async fn find_user(ctx: &Ctx<'_>, id: UserId) -> Result<User, AdminError> {
    sessions::find_user(ctx, id).await?.ok_or(AdminError::NotFound(Thing::User))
}

/// Ends one session or grant of a user, or all of them; returns how many.
pub async fn revoke(ctx: &Ctx<'_>, actor: &Actor, user: UserId, only: Option<&str>) -> Result<usize, AdminError> {
    let user = find_user(ctx, user).await?;
    let selection = match only {
        None => Selection::All,
        Some(id) => {
            let listed = sessions::list(ctx, &user).await?;
            let found = listed.into_iter().map(|session| session.id).find(|session| session.plain_id() == id);
            Selection::One(found.ok_or(AdminError::NotFound(Thing::Session))?)
        }
    };
    let ending = Ending::by_actor(ctx, actor, user.id, selection);
    let (no, now, permit) = (ctx.project.no, ctx.now, actor.permit);
    let ended = ctx
        .app
        .store
        .write("admin_revoke_sessions", (ending, actor.once.clone()), move |tx, (ending, once)| {
            Box::pin(async move {
                check_permit(permit, tx, no).await?;
                let ended = ending.write(tx).await?;
                if let Some(once) = once {
                    once.write(tx, now).await?;
                }
                Ok::<_, ActError>(ended)
            })
        })
        .await?;
    Ok(ended)
}
