//! Use cases for a member's passkeys: adding, naming, removing.

use vestibule_domain::id::IdentityId;
use vestibule_store::passkeys::PasskeyRow;

use super::{
    LoginMethods,
    change::{AccountChange, ChangeOutcome, ChangeRequest, commit},
    login_id::AccountContext,
    notice::SecurityNotice,
};
use crate::{
    caller::AccountCaller,
    crypto::security_links::LinkAction,
    ctx::Ctx,
    error::Error,
    passkeys::{PasskeyUser, Site},
    projects::Project,
    security_links,
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
    let link = security_links::make(ctx, caller.user.id, LinkAction::RemovePasskey { id: row.id });
    let to = LoginMethods::load(ctx, caller.user.id).await?.mail_address();
    let notice = SecurityNotice::PasskeyAdded { name, link };
    let mails = to.map(|to| (asking.write_notice)(&to, &notice)).into_iter().collect();
    let change_request = ChangeRequest { change_kind: AccountChange::AddPasskey(row), mails, settings_action: None };
    commit(ctx, caller, change_request).await.map(Some)
}

/// Removes a passkey, unless it is the last login method.
pub async fn remove(ctx: &Ctx<'_>, caller: &AccountCaller, id: IdentityId) -> Result<ChangeOutcome, Error> {
    let change_request =
        ChangeRequest { change_kind: AccountChange::RemovePasskey(id), mails: Vec::new(), settings_action: None };
    commit(ctx, caller, change_request).await
}

/// Renames a passkey, or removes its name.
pub async fn rename(
    ctx: &Ctx<'_>,
    caller: &AccountCaller,
    id: IdentityId,
    name: Option<String>,
) -> Result<ChangeOutcome, Error> {
    let change_request =
        ChangeRequest { change_kind: AccountChange::RenamePasskey(id, name), mails: Vec::new(), settings_action: None };
    commit(ctx, caller, change_request).await
}
