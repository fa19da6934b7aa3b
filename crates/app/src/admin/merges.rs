//! Merging a guest into a member, by an operator. Never a member into a member.

use std::sync::Arc;

use vestibule_domain::{
    id::UserId,
    merge::merge_attributes,
    promotion::{PromotionRefusal, YieldDecision, decide_yield},
    user::User,
};
use vestibule_store::{device_keys, users};

use super::{
    AdminError, Clash, Thing,
    idempotency::Achieved,
    users::{UpdateRefused, load_changed},
};
use crate::{
    actor::Actor,
    ctx::Ctx,
    identities::LoadedUser,
    promotion::merge::{self, GuestMerge},
    sessions::{self, Ending, Selection},
};

/// What a merge would do.
pub struct MergePreview {
    pub guest: UserId,
    /// The member as it would be.
    pub member: User,
    /// Sessions and grants of the guest that would end.
    pub sessions: usize,
    /// Device keys of the guest that would be retired.
    pub device_keys: usize,
}

/// Says what a merge would do; changes nothing.
///
/// # Errors
/// As [`merge_guest`].
pub async fn preview(ctx: &Ctx<'_>, guest: UserId, into: UserId) -> Result<MergePreview, AdminError> {
    let (guest, member) = find_both(ctx, guest, into).await?;
    let keys = device_keys::list(&mut *ctx.app.store.read().await?, ctx.project.no, guest.id).await?;
    let sessions = sessions::list(ctx, &guest).await?.len();
    Ok(MergePreview {
        guest: guest.id,
        member: merge_attributes(ctx.project.settings.merge_rules(), member, &guest),
        sessions,
        device_keys: keys.iter().filter(|key| key.promoted_at.is_none()).count(),
    })
}

/// Merges a guest into a member: the guest's sessions end, and its `sub` becomes an alias, at once or when the application has moved
/// its data.
///
/// # Errors
/// When one of them does not exist, the guest is no active guest, or the other user no active member.
pub async fn merge_guest(ctx: &Ctx<'_>, actor: &Actor, guest: UserId, into: UserId) -> Result<LoadedUser, AdminError> {
    let (guest, member) = find_both(ctx, guest, into).await?;
    let (no, now) = (ctx.project.no, ctx.now);
    let loaded = LoadedUser::read(ctx.app, ctx.project, member).await?;
    let ending = Ending::by_actor(ctx, actor, guest.id, Selection::All);
    let planned = GuestMerge::plan(ctx, guest.id, ending, None).await?;
    let event = actor.prepare(ctx, &planned.describe(ctx.project, &guest, &loaded), Some(into));
    let input = (planned, event, Arc::clone(ctx.project));
    let merged = ctx.app.store.write("admin_merge", input, move |tx, (guest, event, project)| {
        Box::pin(async move {
            // Locks the member: another change of it comes before or after.
            if !users::touch(tx, no, into, now).await? {
                return Err(UpdateRefused(AdminError::NotFound(Thing::User)));
            }
            merge::merge(tx, no, guest, into, now).await?;
            let merged = load_changed(tx, project, into).await?;
            event.write_answering(tx, no, now, &Achieved::UserChanged(&merged)).await?;
            Ok::<_, UpdateRefused>(merged)
        })
    });
    merged.await.map_err(|refused| refused.0)
}

async fn find_both(ctx: &Ctx<'_>, guest: UserId, into: UserId) -> Result<(User, User), AdminError> {
    let (mut conn, no) = (ctx.app.store.read().await?, ctx.project.no);
    let guest = users::find(&mut conn, no, guest).await?.ok_or(AdminError::NotFound(Thing::User))?;
    let member = users::find(&mut conn, no, into).await?;
    let member = member.ok_or_else(|| AdminError::fault("into", "there is no user with this ID"))?;
    match decide_yield(&guest, &member) {
        YieldDecision::Yield => Ok((guest, member)),
        YieldDecision::Refuse(PromotionRefusal::AlreadyMember) => Err(AdminError::Conflict(Clash::AlreadyMember)),
        YieldDecision::Refuse(PromotionRefusal::Disabled | PromotionRefusal::Yielded { .. }) => {
            Err(AdminError::Conflict(Clash::NotActive))
        }
        YieldDecision::MemberInactive => Err(AdminError::fault("into", "this member is disabled")),
        YieldDecision::NotAMember => {
            Err(AdminError::fault("into", "name a member: guests are merged into members only"))
        }
    }
}
