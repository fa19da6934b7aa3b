//! Use cases for a member's passkeys: adding, naming, removing.

use std::sync::Arc;

use vestibule_domain::{id::IdentityId, time::Timestamp};
use vestibule_store::passkeys::PasskeyRow;

use super::{
    LoginMethods,
    change::{AccountChange, ChangeOutcome, ChangeRequest, commit},
};
use crate::{
    app::App,
    flows::{Error, caller::AccountCaller},
    passkeys::{PasskeyUser, Site},
    projects::Project,
};

/// The WebAuthn relying party of a project.
pub(super) fn site(project: &Project) -> Site<'_> {
    Site::new(project.settings.public_origin(), project.settings.display_name())
}

/// The challenge for the next passkey; it changes with every change of the account.
fn challenge(project: &Project, caller: &AccountCaller) -> [u8; 32] {
    let place = [caller.user.id.as_bytes().as_slice(), &caller.user.updated_at.as_micros().to_be_bytes()].concat();
    project.keys.mac.passkey_challenge("create", &place)
}

/// The options for creating a passkey.
pub(crate) fn creation_options(project: &Project, caller: &AccountCaller, login_methods: &LoginMethods) -> String {
    let known: Vec<Vec<u8>> = login_methods.passkeys.iter().map(|row| row.credential_id.clone()).collect();
    let name = login_methods.name().unwrap_or_else(|| project.settings.display_name());
    let person = PasskeyUser { handle: *caller.user.id.as_bytes(), name, passkeys: &known };
    site(project).creation_options(&challenge(project, caller), &person)
}

/// Stores the passkey that the browser created; `None` when its response is invalid.
pub(crate) async fn add(
    app: &App,
    project: &Arc<Project>,
    caller: &AccountCaller,
    answer: &str,
    name: Option<String>,
    now: Timestamp,
) -> Result<Option<ChangeOutcome>, Error> {
    let made = match site(project).register(answer, &challenge(project, caller)) {
        Ok(made) => made,
        Err(problem) => {
            tracing::info!(user.id = %caller.user.id, error = %problem, "a new passkey was refused");
            return Ok(None);
        }
    };
    let row = PasskeyRow {
        credential_id: made.credential_id,
        id: app.entropy.id(now),
        user_id: caller.user.id,
        public_key: made.public_key,
        sign_count: i64::from(made.sign_count),
        name,
        created_at: now,
        last_used_at: None,
        backup_eligible: Some(made.backup_eligible),
    };
    let change_request =
        ChangeRequest { change_kind: AccountChange::AddPasskey(row), mails: Vec::new(), settings_action: None };
    commit(app, project, caller, change_request, now).await.map(Some)
}

/// Removes a passkey, unless it is the last login method.
pub(crate) async fn remove(
    app: &App,
    project: &Arc<Project>,
    caller: &AccountCaller,
    id: IdentityId,
    now: Timestamp,
) -> Result<ChangeOutcome, Error> {
    let change_request =
        ChangeRequest { change_kind: AccountChange::RemovePasskey(id), mails: Vec::new(), settings_action: None };
    commit(app, project, caller, change_request, now).await
}

/// Renames a passkey, or removes its name.
pub(crate) async fn rename(
    app: &App,
    project: &Arc<Project>,
    caller: &AccountCaller,
    id: IdentityId,
    name: Option<String>,
    now: Timestamp,
) -> Result<ChangeOutcome, Error> {
    let change_request =
        ChangeRequest { change_kind: AccountChange::RenamePasskey(id, name), mails: Vec::new(), settings_action: None };
    commit(app, project, caller, change_request, now).await
}
