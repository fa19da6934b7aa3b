//! The access of third-party applications to a user's account, for operators.

use vestibule_domain::id::UserId;
use vestibule_store::users;

use super::{AdminError, Thing};
use crate::{
    actor::Actor,
    consent::{self, ThirdPartyAccess},
    ctx::Ctx,
};

/// The third-party applications with access to a user's account.
pub async fn list(ctx: &Ctx<'_>, user: UserId) -> Result<Vec<ThirdPartyAccess>, AdminError> {
    check_user(ctx, user).await?;
    Ok(consent::list(ctx, user).await?)
}

/// Revokes the consent to an application and ends its grants.
pub async fn revoke(ctx: &Ctx<'_>, actor: &Actor, user: UserId, client_id: &str) -> Result<(), AdminError> {
    check_user(ctx, user).await?;
    if consent::revoke_by_operator(ctx, actor, user, client_id).await? {
        Ok(())
    } else {
        Err(AdminError::NotFound(Thing::Consent))
    }
}

async fn check_user(ctx: &Ctx<'_>, user: UserId) -> Result<(), AdminError> {
    let found = users::find(&mut *ctx.app.store.read().await?, ctx.project.no, user).await?;
    found.map(drop).ok_or(AdminError::NotFound(Thing::User))
}
