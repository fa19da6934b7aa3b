//! Accounts at providers on the account page: their names, and removing one.

use vestibule_domain::{
    event::{Event, IdentityModel, UserModel},
    id::{IdentityId, UserId},
    identity::ExternalAccount,
    project::{ProjectSettings, type_of_account_key},
    promotion::CredentialRemoval,
};
use vestibule_store::users;

use super::{
    LoginMethods,
    change::{AccountChange, ChangeOutcome, ChangeRequest, commit},
    login_id::AccountContext,
    notice::SecurityNotice,
};
use crate::{
    ctx::Ctx,
    error::Error,
    events::{self, EventOrigin, QueuedEvent},
    identities::LoadedUser,
};

/// The name of an account's provider.
#[must_use]
pub fn provider_name<'a>(settings: &'a ProjectSettings, account: &'a ExternalAccount) -> &'a str {
    let provider = settings.provider_of_account(&account.provider);
    provider.map_or_else(|| type_of_account_key(&account.provider), |provider| provider.display_name())
}

/// The name of an account: of its provider, and the user's there, if known.
#[must_use]
pub fn name(settings: &ProjectSettings, account: &ExternalAccount) -> String {
    let provider = provider_name(settings, account);
    account.label().map_or_else(|| provider.to_string(), |label| format!("{provider} · {label}"))
}

/// The notice that an account was removed.
pub(crate) fn removal_notice(settings: &ProjectSettings, account: &ExternalAccount) -> SecurityNotice {
    SecurityNotice::ExternalAccountRemoved { name: name(settings, account) }
}

/// Removes an account, unless it is the last login method.
pub async fn remove(asking: &AccountContext<'_>, id: IdentityId) -> Result<ChangeOutcome, Error> {
    let AccountContext { ctx, caller, write_notice, .. } = asking;
    let login_methods = LoginMethods::load(ctx, caller.user.id).await?;
    let Some(row) = login_methods.external_accounts.iter().find(|row| row.id == id) else {
        return Ok(ChangeOutcome::Stale);
    };
    let notice = removal_notice(&ctx.project.settings, row);
    let mails = login_methods.mail_address().map(|to| write_notice(&to, &notice)).into_iter().collect();
    let removed = [CredentialRemoval::ExternalAccount(id)];
    let Some(event) = report_removals(ctx, caller.user.id, &removed).await?.pop() else {
        return Ok(ChangeOutcome::Stale);
    };
    let change_kind = AccountChange::RemoveExternalAccount(id, event);
    commit(ctx, caller, ChangeRequest { mails, ..ChangeRequest::of(change_kind) }).await
}

/// The events that report those of the removals that are of accounts at providers.
pub(crate) async fn report_removals(
    ctx: &Ctx<'_>,
    user: UserId,
    removals: &[CredentialRemoval],
) -> Result<Vec<QueuedEvent>, Error> {
    let mut removed = removals.iter().filter_map(|removal| match removal {
        CredentialRemoval::ExternalAccount(id) => Some(*id),
        CredentialRemoval::LoginId(_) | CredentialRemoval::Password | CredentialRemoval::Passkey(_) => None,
    });
    let Some(first) = removed.next() else { return Ok(Vec::new()) };
    let ids: Vec<IdentityId> = std::iter::once(first).chain(removed).collect();
    let mut conn = ctx.app.store.read().await?;
    let Some(user) = users::find(&mut conn, ctx.project.no, user).await? else { return Ok(Vec::new()) };
    let mut loaded = LoadedUser::load(&mut conn, ctx.project, user).await?;
    drop(conn);
    let (gone, stay) = loaded.identities.into_iter().partition(|identity| ids.contains(&identity.id));
    loaded.identities = stay;
    let gone: Vec<vestibule_domain::identity::Identity> = gone;
    let report = |identity| {
        let user = UserModel::copy(&loaded.account());
        let event = Event::ExternalAccountDisconnected { user, identity: IdentityModel::copy(loaded.id(), identity) };
        events::prepare(ctx, &event, loaded.id(), &EventOrigin::default())
    };
    Ok(gone.iter().map(report).collect())
}
