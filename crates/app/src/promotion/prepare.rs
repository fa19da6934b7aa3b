//! What precedes the transaction that makes a member, of a guest or without one: the member as it will be, the question to
//! the blocking webhooks, and the event.

use vestibule_domain::{
    event::{Context, Event, IdentityModel, UserModel},
    identity::UserAccount,
    user::User,
};
use vestibule_store::user_credentials::CredentialRows;

use super::change::Credentials;
use crate::{ctx::Ctx, error::Error, identities::LoadedUser, projects::Project, webhooks::hooks};

/// The member as it will be with its first credentials.
pub fn preview(project: &Project, user: User, credentials: &Credentials) -> LoadedUser {
    let since = user.updated_at;
    let user = credentials.complete(user);
    let rows = CredentialRows {
        login_ids: credentials.login_id.iter().cloned().collect(),
        password: credentials.password_hash.as_ref().map(|_| (since, since)),
        passkeys: credentials.passkey.iter().map(|row| (row.id, row.created_at)).collect(),
        external_accounts: credentials.external.iter().map(|external| external.account.clone()).collect(),
    };
    LoadedUser::assemble(project, user, &rows)
}

/// Asks the blocking webhooks about a promotion; returns the event that reports it.
///
/// # Errors
/// [`Error::HookDisallowed`] when a webhook refuses.
pub(crate) async fn prepare_promotion(
    ctx: &Ctx<'_>,
    guest: &User,
    credentials: &Credentials,
    context: &Context,
) -> Result<Event, Error> {
    let member = User { anonymous_since: None, promoted_at: Some(ctx.now), updated_at: ctx.now, ..guest.clone() };
    let loaded = preview(ctx.project, member, credentials);
    let anonymous_user = UserModel::copy(&UserAccount::of_guest(guest));
    let identities = IdentityModel::copy_all(&loaded.account());
    let pre_promote =
        Event::UserAnonymousPrePromote { anonymous_user: anonymous_user.clone(), identities: identities.clone() };
    hooks::request_decision(ctx, &pre_promote, context).await?;
    Ok(Event::UserAnonymousPromoted { anonymous_user, user: UserModel::copy(&loaded.account()), identities })
}

/// Asks the blocking webhooks about a member who was no guest, and applies their changes; returns the event that reports it.
/// `preview` says what the member will own.
///
/// # Errors
/// [`Error::HookDisallowed`] when a webhook refuses.
pub(crate) async fn prepare_member(
    ctx: &Ctx<'_>,
    user: &mut User,
    preview: impl Fn(&User) -> LoadedUser,
    context: &Context,
) -> Result<Event, Error> {
    let describe = |user: &User| {
        let loaded = preview(user);
        (UserModel::copy(&loaded.account()), IdentityModel::copy_all(&loaded.account()))
    };
    let (model, identities) = describe(user);
    let pre_create = Event::UserPreCreate { user: model, identities };
    hooks::request_decision(ctx, &pre_create, context).await?.apply(user);
    let (model, identities) = describe(user);
    Ok(Event::UserCreated { user: model, identities })
}
