//! Changes of a member's login IDs by an operator: another value, with the notices that the account page sends, and verification.

use std::sync::Arc;

use vestibule_domain::{
    event::{Event, UserModel},
    id::{IdentityId, UserId},
    identity::{Identity, IdentityDetail, OwnedLoginId},
};
use vestibule_store::{credentials, users as user_rows};

use super::{
    AdminError, Clash, Fault, Thing,
    credentials::{NewLoginId, read_login_id},
    idempotency::Achieved,
    users::{self, UpdateRefused, load_changed},
};
use crate::{
    account::{
        LoginMethods,
        login_methods::kind_of,
        method_log::{self, StoredMethod},
        notice::{SecurityNotice, WriteNotice},
    },
    actor::{Actor, AuditEntry},
    ctx::Ctx,
    identities::LoadedUser,
    messages::SealedMessage,
};

/// A member with one of its login IDs.
struct Owned {
    loaded: LoadedUser,
    login_methods: LoginMethods,
    row: OwnedLoginId,
}

async fn find(ctx: &Ctx<'_>, user: UserId, id: IdentityId) -> Result<Owned, AdminError> {
    let loaded = users::get(ctx, user).await?;
    if loaded.user.is_anonymous() || loaded.user.yielded_to.is_some() {
        return Err(AdminError::Conflict(Clash::NotActive));
    }
    let login_methods = LoginMethods::load(ctx, user).await.map_err(AdminError::Flow)?;
    let row = login_methods.find(id).cloned().ok_or(AdminError::NotFound(Thing::LoginId))?;
    Ok(Owned { loaded, login_methods, row })
}

/// The entry of a change, with the user as it will be.
fn report(ctx: &Ctx<'_>, actor: &Actor, mut loaded: LoadedUser, new: &OwnedLoginId) -> AuditEntry {
    let user = loaded.user.id;
    for identity in loaded.identities.iter_mut().filter(|identity| identity.id == new.id) {
        if let Some(changed) = crate::identities::identity_of(new) {
            *identity = Identity { created_at: identity.created_at, ..changed };
        }
    }
    loaded.user.updated_at = ctx.now;
    let event = Event::UserUpdated { user: UserModel::copy(&loaded.account()) };
    actor.prepare(ctx, &event, Some(user))
}

/// Marks a login ID as the member's. One that is already stays so.
///
/// # Errors
/// [`AdminError::NotFound`] when the member does not have it, or it cannot be verified.
pub async fn verify(ctx: &Ctx<'_>, actor: &Actor, user: UserId, id: IdentityId) -> Result<LoadedUser, AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    let Owned { loaded, row, .. } = find(ctx, user, id).await?;
    let can_be = loaded.identities.iter().any(|identity| {
        let IdentityDetail::LoginId { login_id, .. } = &identity.detail else { return false };
        identity.id == id && login_id.address().is_some()
    });
    if !can_be {
        return Err(AdminError::NotFound(Thing::LoginId));
    }
    if row.verified_at.is_some() {
        return Ok(loaded);
    }
    let event = report(ctx, actor, loaded, &OwnedLoginId { verified_at: Some(now), ..row.clone() });
    let input = (row, event, Arc::clone(ctx.project));
    let verified = ctx.app.store.write("admin_verify_login_id", input, move |tx, (row, event, project)| {
        Box::pin(async move {
            if !user_rows::touch(tx, no, user, now).await? {
                return Err(UpdateRefused(AdminError::NotFound(Thing::User)));
            }
            // It may have been replaced meanwhile: only what the operator saw is verified.
            let owned = credentials::list_login_ids(tx, no, user).await?;
            if !owned.iter().any(|one| one.id == row.id && one.value == row.value) {
                return Err(UpdateRefused(AdminError::NotFound(Thing::LoginId)));
            }
            credentials::verify_login_id(tx, no, &row.kind, &row.value, now).await?;
            let changed = load_changed(tx, project, user).await?;
            event.write_answering(tx, no, now, &Achieved::UserChanged(&changed)).await?;
            Ok(changed)
        })
    });
    verified.await.map_err(|refused: UpdateRefused| refused.0)
}

/// Gives a login ID another value of the same kind. Its owner is notified at the old address and the others, with a link that undoes
/// the change where the account page would send one. Sessions stay.
///
/// # Errors
/// [`AdminError::Invalid`] for a value that is none, [`Clash::LoginIdTaken`] when another user has it.
pub async fn replace(
    ctx: &Ctx<'_>,
    actor: &Actor,
    (user, id): (UserId, IdentityId),
    (value, is_verified): (&str, bool),
    write: WriteNotice<'_>,
) -> Result<LoadedUser, AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    let Owned { loaded, login_methods, row: old } = find(ctx, user, id).await?;
    let kind = kind_of(&old).ok_or(AdminError::NotFound(Thing::LoginId))?;
    let new = NewLoginId { kind, value: value.to_string(), is_verified };
    let read = read_login_id(ctx, "login_id", &new, user).map_err(|fault: Fault| AdminError::Invalid(vec![fault]))?;
    // Another address is new, whatever it replaces: it must not look as old as the one that was there. Another spelling is not.
    let created_at = if old.value == read.value { old.created_at } else { now };
    let new = OwnedLoginId { id, created_at, ..read };
    let notice = |link| SecurityNotice::LoginIdChanged { from: old.original.clone(), to: new.original.clone(), link };
    let planned = method_log::plan(ctx, (user, &login_methods), Some(&old), (&notice, write)).await;
    let (planned, mails) = planned.map_err(AdminError::Flow)?;
    let planned = planned.bringing_email(kind == vestibule_domain::identifier::LoginIdKind::Email);
    let mails: Vec<SealedMessage> = mails.iter().map(|mail| SealedMessage::of_mail(ctx.app, no, mail)).collect();
    let event = report(ctx, actor, loaded, &new);
    let input = ((old, new), (planned, mails), event, Arc::clone(ctx.project));
    let replaced = ctx.app.store.write("admin_replace_login_id", input, move |tx, (rows, notices, event, project)| {
        Box::pin(async move {
            let ((old, new), (planned, mails)) = (rows, notices);
            if !user_rows::touch(tx, no, user, now).await? {
                return Err(UpdateRefused(AdminError::NotFound(Thing::User)));
            }
            // What the owner changed meanwhile stays.
            let login_methods = LoginMethods::read(tx, no, user).await?;
            if login_methods.find(id).is_none_or(|row| row.value != old.value) {
                return Err(UpdateRefused(AdminError::NotFound(Thing::LoginId)));
            }
            planned.record(tx, (no, user), &[(id, StoredMethod::find(&login_methods, id))], now).await?;
            credentials::remove_login_id(tx, no, &old.kind, &old.value).await?;
            if !credentials::insert_login_id(tx, no, new).await? {
                return Err(UpdateRefused(AdminError::Conflict(Clash::LoginIdTaken)));
            }
            for mail in mails {
                mail.push(tx, no, now).await?;
            }
            let changed = load_changed(tx, project, user).await?;
            event.write_answering(tx, no, now, &Achieved::UserChanged(&changed)).await?;
            Ok(changed)
        })
    });
    replaced.await.map_err(|refused: UpdateRefused| refused.0)
}
