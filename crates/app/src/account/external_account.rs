//! Accounts at providers on the account page: their names, removing one, and the events about them. `connection` adds one.

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
    settings_action::SettingsAction,
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

/// Removes an account, unless it is the last login method.
pub async fn remove(
    asking: &AccountContext<'_>,
    id: IdentityId,
    settings_action: Option<&SettingsAction>,
) -> Result<ChangeOutcome, Error> {
    let AccountContext { ctx, caller, .. } = asking;
    let login_methods = LoginMethods::load(ctx, caller.user.id).await?;
    let Some(row) = login_methods.external_accounts.iter().find(|row| row.id == id) else {
        return Ok(ChangeOutcome::Stale);
    };
    if asking.is_last(&login_methods, CredentialRemoval::ExternalAccount(id)) {
        return Ok(ChangeOutcome::LastLoginMethod);
    }
    let name = name(&ctx.project.settings, row);
    let notice = |link| SecurityNotice::ExternalAccountRemoved { name: name.clone(), link };
    let Some((_, event)) = report_removals(ctx, caller.user.id, &[id]).await?.pop() else {
        return Ok(ChangeOutcome::Stale);
    };
    let change_kind = AccountChange::RemoveExternalAccount(id, event);
    let change_request = asking.plan(&login_methods, None, (change_kind, &notice)).await?;
    commit(ctx, caller, ChangeRequest { settings_action, ..change_request }).await
}

/// The events that report that a member gets accounts at providers, each with the account's ID.
pub(crate) async fn report_additions(
    ctx: &Ctx<'_>,
    user: UserId,
    added: &[ExternalAccount],
) -> Result<Vec<(IdentityId, QueuedEvent)>, Error> {
    if added.is_empty() {
        return Ok(Vec::new());
    }
    let Some(mut loaded) = load(ctx, user).await? else { return Ok(Vec::new()) };
    let mut events = Vec::new();
    for account in added {
        let identity = account.identity(&ctx.project.settings);
        loaded.identities.push(identity.clone());
        let user = UserModel::copy(&loaded.account());
        let event = Event::ExternalAccountConnected { user, identity: IdentityModel::copy(loaded.id(), &identity) };
        events.push((account.id, events::prepare(ctx, &event, loaded.id(), &EventOrigin::default())));
    }
    Ok(events)
}

async fn load(ctx: &Ctx<'_>, user: UserId) -> Result<Option<LoadedUser>, Error> {
    let mut conn = ctx.app.store.read().await?;
    let Some(user) = users::find(&mut conn, ctx.project.no, user).await? else { return Ok(None) };
    Ok(Some(LoadedUser::load(&mut conn, ctx.project, user).await?))
}

/// Those of the removals that are of accounts at providers.
pub(crate) fn ids_of(removals: &[CredentialRemoval]) -> Vec<IdentityId> {
    let id = |removal: &CredentialRemoval| match removal {
        CredentialRemoval::ExternalAccount(id) => Some(*id),
        CredentialRemoval::LoginId(_) | CredentialRemoval::Password | CredentialRemoval::Passkey(_) => None,
    };
    removals.iter().filter_map(id).collect()
}

/// The events that report that a member loses accounts at providers, each with the account's ID.
pub(crate) async fn report_removals(
    ctx: &Ctx<'_>,
    user: UserId,
    ids: &[IdentityId],
) -> Result<Vec<(IdentityId, QueuedEvent)>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let Some(mut loaded) = load(ctx, user).await? else { return Ok(Vec::new()) };
    let (gone, stay) = loaded.identities.into_iter().partition(|identity| ids.contains(&identity.id));
    loaded.identities = stay;
    let gone: Vec<vestibule_domain::identity::Identity> = gone;
    let report = |identity: &vestibule_domain::identity::Identity| {
        let user = UserModel::copy(&loaded.account());
        let event = Event::ExternalAccountDisconnected { user, identity: IdentityModel::copy(loaded.id(), identity) };
        (identity.id, events::prepare(ctx, &event, loaded.id(), &EventOrigin::default()))
    };
    Ok(gone.iter().map(report).collect())
}
