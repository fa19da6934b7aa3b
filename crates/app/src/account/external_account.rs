//! Accounts at providers on the account page: their names, removing one, and the events about them. `connection` adds one.

use std::sync::Arc;

use vestibule_domain::{
    event::{Context, Event, IdentityModel, UserModel},
    id::{IdentityId, UserId},
    identity::ExternalAccount,
    project::{ProjectSettings, type_of_account_key},
    promotion::CredentialRemoval,
};
use vestibule_store::{StoreError, Tx, users};

use super::{
    LoginMethods,
    change::{AccountChange, ChangeOutcome, ChangeRequest, commit},
    login_id::AccountContext,
    notice::SecurityNotice,
    settings_action::SettingsAction,
};
use crate::{
    adapters::entropy::Entropy,
    ctx::Ctx,
    error::Error,
    events::{self, EventOrigin},
    identities::LoadedUser,
    projects::Project,
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
    let change_kind = AccountChange::RemoveExternalAccount(id, ConnectionReport::new(ctx, caller.user.id));
    let change_request = asking.plan(&login_methods, None, (change_kind, &notice)).await?;
    commit(ctx, caller, ChangeRequest { settings_action, ..change_request }).await
}

/// What reports that a member gets or loses accounts at providers. The events are made in the transaction of the change, of what it
/// finds there: one that was prepared before could tell what did not happen.
#[derive(Clone)]
pub struct ConnectionReport {
    project: Arc<Project>,
    user: UserId,
    context: Context,
    entropy: Entropy,
}

impl ConnectionReport {
    /// The report of a user's own change.
    pub(crate) fn new(ctx: &Ctx<'_>, user: UserId) -> Self {
        let context = events::describe(ctx, user, &EventOrigin::default());
        Self { project: Arc::clone(ctx.project), user, context, entropy: ctx.app.entropy.clone() }
    }

    /// Queues the event about an account that the user has got.
    pub(crate) async fn connected(&self, tx: &mut Tx, account: &ExternalAccount) -> Result<(), StoreError> {
        self.queue(tx, account, |user, identity| Event::ExternalAccountConnected { user, identity }).await
    }

    /// Queues the event about an account that the user has lost.
    pub(crate) async fn disconnected(&self, tx: &mut Tx, account: &ExternalAccount) -> Result<(), StoreError> {
        self.queue(tx, account, |user, identity| Event::ExternalAccountDisconnected { user, identity }).await
    }

    async fn queue(
        &self,
        tx: &mut Tx,
        account: &ExternalAccount,
        event: impl FnOnce(UserModel, IdentityModel) -> Event,
    ) -> Result<(), StoreError> {
        let no = self.project.no;
        let Some(user) = users::find(tx, no, self.user).await? else { return Ok(()) };
        let loaded = LoadedUser::load(tx, &self.project, user).await?;
        let identity = IdentityModel::copy(self.user, &account.identity(&self.project.settings));
        let event = event(UserModel::copy(&loaded.account()), identity);
        let queued = events::prepare_in(&self.entropy, &event, &self.context);
        events::queue(tx, no, self.user, &queued, self.context.timestamp).await
    }
}
