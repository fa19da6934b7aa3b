//! Connecting an account at a provider to the member who owns its email address (`identity.on_conflict.oauth = "login_and_link"`):
//! the member signs in with its own methods first, and the sign-in connects the account.

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    id::UserId,
    identifier::{LoginId, LoginIdKind},
    identity::ExternalAccount,
    project::{ExternalConflict, ProjectSettings, Provider},
};

use super::{Flow, prepare::Achievement, sign_in::LoginProof};
use crate::{
    account::{
        LoginMethods,
        connection::{MAX_EXTERNAL_ACCOUNTS, make_account},
        external_account::{self, ConnectionReport},
        method_log::{self, PlannedChange},
        notice::{SecurityNotice, WriteNotice},
    },
    ctx::Ctx,
    error::Error,
    providers::ProviderUser,
};

/// An account that the sign-in of a member connects.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingLink {
    /// The name of its provider.
    pub provider: String,
    /// The alias of its provider.
    #[serde(default)]
    alias: String,
    /// The member to whom its email address belongs.
    owner: UserId,
    email: LoginId,
    user: ProviderUser,
}

impl PendingLink {
    pub(super) fn new(provider: &Provider, (owner, email): (UserId, LoginId), user: ProviderUser) -> Self {
        Self { provider: provider.display_name().to_string(), alias: provider.alias.clone(), owner, email, user }
    }

    /// Whether the project connects it today: it may have removed the provider since, or believe its addresses no more.
    #[must_use]
    pub fn is_open(&self, settings: &ProjectSettings) -> bool {
        let provider = settings.provider(&self.alias).filter(|one| one.account_key() == self.user.provider);
        let is_believed = |one: &Provider| self.user.clone().under(one).verified_email.is_some();
        is_offered(settings) && provider.is_some_and(is_believed)
    }
}

/// An account that a sign-in connects, ready to be written.
pub struct LinkedAccount {
    pub(super) account: ExternalAccount,
    pub(super) planned: PlannedChange,
    pub(super) report: ConnectionReport,
}

/// Whether the project connects accounts after a sign-in.
pub(super) fn is_offered(settings: &ProjectSettings) -> bool {
    settings.external_conflict() == ExternalConflict::LoginAndLink
}

/// Adds the account to a proof of the member whom it is to be connected to; the proof of another member stays as it is.
pub(super) async fn prepare(
    ctx: &Ctx<'_>,
    flow: &Flow,
    achievement: Achievement,
    write: WriteNotice<'_>,
) -> Result<Achievement, Error> {
    let Some(pending) = &flow.state.linking else { return Ok(achievement) };
    let (mut proof, choice) = match achievement {
        Achievement::Proved(proof) => (proof, None),
        Achievement::Decided(proof, choice) => (proof, Some(choice)),
        other @ (Achievement::Joined(_) | Achievement::Connected(_)) => return Ok(other),
    };
    if proof.user == pending.owner && pending.is_open(&ctx.project.settings) {
        proof.linked = link(ctx, pending, &mut proof, write).await?;
    }
    Ok(match choice {
        Some(choice) => Achievement::Decided(proof, choice),
        None => Achievement::Proved(proof),
    })
}

/// The account, ready to be written with the proof of its owner; `None` when the owner lost the address or has too many accounts.
async fn link(
    ctx: &Ctx<'_>,
    pending: &PendingLink,
    proof: &mut LoginProof,
    write: WriteNotice<'_>,
) -> Result<Option<LinkedAccount>, Error> {
    let login_methods = LoginMethods::load(ctx, proof.user).await?;
    let owns = login_methods
        .login_ids
        .iter()
        .any(|row| row.kind == LoginIdKind::Email.as_str() && row.value == pending.email.value);
    if !owns || login_methods.external_accounts.len() >= MAX_EXTERNAL_ACCOUNTS {
        return Ok(None);
    }
    let account = make_account(ctx, proof.user, pending.user.clone());
    let name = external_account::name(&ctx.project.settings, &account);
    let describe = |link| SecurityNotice::ExternalAccountAdded { name: name.clone(), link };
    let (planned, mails) = method_log::plan(ctx, (proof.user, &login_methods), None, (&describe, write)).await?;
    proof.mails.extend(mails);
    Ok(Some(LinkedAccount { account, planned, report: ConnectionReport::new(ctx, proof.user) }))
}
