//! Use cases for a member's passkeys: adding, naming, removing.

use std::sync::Arc;

use vestibule_domain::{id::IdentityId, time::Timestamp};
use vestibule_store::passkeys::PasskeyRow;

use super::{
    Standing,
    change::{Deed, Order, Outcome, commit},
};
use crate::{
    app::App,
    flows::{Error, caller::AccountCaller},
    passkeys::{Person, Site},
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
pub(crate) fn creation_options(project: &Project, caller: &AccountCaller, standing: &Standing) -> String {
    let known: Vec<Vec<u8>> = standing.passkeys.iter().map(|row| row.credential_id.clone()).collect();
    let name = standing.name().unwrap_or_else(|| project.settings.display_name());
    let person = Person { handle: *caller.user.id.as_bytes(), name, passkeys: &known };
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
) -> Result<Option<Outcome>, Error> {
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
    let order = Order { deed: Deed::AddPasskey(row), mails: Vec::new(), errand: None };
    commit(app, project, caller, order, now).await.map(Some)
}

/// Removes a passkey, unless it is the last login method.
pub(crate) async fn remove(
    app: &App,
    project: &Arc<Project>,
    caller: &AccountCaller,
    id: IdentityId,
    now: Timestamp,
) -> Result<Outcome, Error> {
    let order = Order { deed: Deed::RemovePasskey(id), mails: Vec::new(), errand: None };
    commit(app, project, caller, order, now).await
}

/// Renames a passkey, or removes its name.
pub(crate) async fn rename(
    app: &App,
    project: &Arc<Project>,
    caller: &AccountCaller,
    id: IdentityId,
    name: Option<String>,
    now: Timestamp,
) -> Result<Outcome, Error> {
    let order = Order { deed: Deed::RenamePasskey(id, name), mails: Vec::new(), errand: None };
    commit(app, project, caller, order, now).await
}
