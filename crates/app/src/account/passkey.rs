//! Use cases for a member's passkeys: adding, naming, removing.

use vestibule_domain::{id::IdentityId, promotion::CredentialRemoval};
use vestibule_store::passkeys::PasskeyRow;

use super::{
    LoginMethods,
    change::{AccountChange, ChangeOutcome, ChangeRequest, commit},
    login_id::AccountContext,
    notice::SecurityNotice,
};
use crate::{
    caller::AccountCaller,
    ctx::Ctx,
    error::Error,
    passkeys::{PasskeyUser, Site},
    projects::Project,
};

/// The WebAuthn relying party of a project.
pub fn site(project: &Project) -> Site<'_> {
    Site::new(project.settings.public_origin(), project.settings.display_name())
}

/// The challenge for the next passkey; it changes with every change of the account.
fn challenge(project: &Project, caller: &AccountCaller) -> [u8; 32] {
    let place = [caller.user.id.as_bytes().as_slice(), &caller.user.updated_at.as_micros().to_be_bytes()].concat();
    project.keys.mac.passkey_challenge("create", &place)
}

/// The options for creating a passkey.
pub fn creation_options(project: &Project, caller: &AccountCaller, login_methods: &LoginMethods) -> String {
    let known: Vec<Vec<u8>> = login_methods.passkeys.iter().map(|row| row.credential_id.clone()).collect();
    let name = login_methods.name().unwrap_or_else(|| project.settings.display_name());
    let person = PasskeyUser { handle: *caller.user.id.as_bytes(), name, passkeys: &known };
    site(project).creation_options(&challenge(project, caller), &person)
}

/// Stores the passkey that the browser created; `None` when its response is invalid.
pub async fn add(
    asking: &AccountContext<'_>,
    answer: &str,
    name: Option<String>,
) -> Result<Option<ChangeOutcome>, Error> {
    let AccountContext { ctx, caller, .. } = asking;
    let made = match site(ctx.project).register(answer, &challenge(ctx.project, caller)) {
        Ok(made) => made,
        Err(problem) => {
            tracing::info!(request.id = ctx.log_id(), user.id = %caller.user.id, error = %problem, "a new passkey was refused");
            return Ok(None);
        }
    };
    let row = PasskeyRow {
        credential_id: made.credential_id,
        id: ctx.app.entropy.id(ctx.now),
        owner: caller.user.id,
        public_key: made.public_key,
        sign_count: i64::from(made.sign_count),
        name: name.clone(),
        created_at: ctx.now,
        last_used_at: None,
        backup_eligible: Some(made.backup_eligible),
    };
    let login_methods = LoginMethods::load(ctx, caller.user.id).await?;
    let notice = |link| SecurityNotice::PasskeyAdded { name: name.clone(), link };
    let change_kind = AccountChange::AddPasskey(row);
    commit(ctx, caller, asking.plan(&login_methods, None, (change_kind, &notice)).await?).await.map(Some)
}

/// Removes a passkey, unless it is the last login method.
pub async fn remove(asking: &AccountContext<'_>, id: IdentityId) -> Result<ChangeOutcome, Error> {
    let AccountContext { ctx, caller, .. } = asking;
    let login_methods = LoginMethods::load(ctx, caller.user.id).await?;
    let Some(row) = login_methods.passkeys.iter().find(|row| row.id == id) else { return Ok(ChangeOutcome::Stale) };
    if asking.is_last(&login_methods, CredentialRemoval::Passkey(id)) {
        return Ok(ChangeOutcome::LastLoginMethod);
    }
    let notice = |link| SecurityNotice::PasskeyRemoved { name: row.name.clone(), link };
    let change_kind = AccountChange::RemovePasskey(id);
    commit(ctx, caller, asking.plan(&login_methods, None, (change_kind, &notice)).await?).await
}

/// Renames a passkey, or removes its name.
pub async fn rename(
    ctx: &Ctx<'_>,
    caller: &AccountCaller,
    id: IdentityId,
    name: Option<String>,
) -> Result<ChangeOutcome, Error> {
    commit(ctx, caller, ChangeRequest::of(AccountChange::RenamePasskey(id, name))).await
}
