//! Undoing changes of login methods: everything since one of them, in one transaction.

use vestibule_domain::{
    id::{ChangeId, IdentityId, ProjectNo, UserId},
    identifier::LoginIdKind,
    identity::{ExternalAccount, OwnedLoginId},
    promotion::{CredentialRemoval, is_last_login_credential},
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx, credentials, external_accounts,
    login_method_changes::{self, LoginMethodChange},
    passkeys::{self, PasskeyRow},
};

use crate::{
    account::{
        LoginMethods, external_account,
        login_methods::{kind_of, login_id_of},
        method_log::{StoredMethod, live, states_before},
        notice::{SecurityNotice, WriteNotice},
    },
    ctx::Ctx,
    messages::SealedMessage,
    projects::Project,
};

/// What a link undoes, as its page lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UndoStep {
    RemovesLoginId(String),
    /// The passkey's name, if it has one.
    RemovesPasskey(Option<String>),
    RestoresLoginId {
        login_id: String,
        /// What is removed for it.
        replaces: Option<String>,
    },
    RestoresPasskey(Option<String>),
    /// The name of an account at a provider.
    RemovesExternalAccount(String),
    RestoresExternalAccount(String),
}

/// A login method as a page names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedMethod {
    LoginId(String),
    /// The passkey's name, if it has one.
    Passkey(Option<String>),
    /// The name of an account at a provider.
    ExternalAccount(String),
}

/// What became of the changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Login methods that had been added and stay, because without them no one could sign in.
    pub kept_last: Vec<NamedMethod>,
    /// Login methods that belong to another account by now, so that they could not be restored.
    pub claimed: Vec<NamedMethod>,
    /// Whether changes from before stay, which the links of other mails undo.
    pub leaves_earlier: bool,
}

/// The same while it goes on.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) undone: Undone,
    /// The normalized email addresses that are no longer the member's.
    removed: Vec<String>,
    /// Those that are.
    staying: Vec<String>,
    /// Login IDs in whose place the earlier one could not be restored: they are removed all the same.
    replaced: Vec<IdentityId>,
    /// The accounts at providers that were restored.
    pub(super) connected: Vec<ExternalAccount>,
    /// Those that were removed.
    pub(super) disconnected: Vec<ExternalAccount>,
}

/// The changes from this one on; `None` when it is not among them.
pub(super) fn since(changes: &[LoginMethodChange], id: ChangeId) -> Option<&[LoginMethodChange]> {
    let first = changes.iter().position(|change| change.id == id)?;
    changes.get(first..)
}

/// What undoing these changes does to the login methods as they are now.
pub(super) fn steps(
    changes: &[LoginMethodChange],
    login_methods: &LoginMethods,
    (project, user): (&Project, UserId),
) -> Vec<UndoStep> {
    let name = |id, state: &StoredMethod| {
        let account = state.external_account(id, user)?;
        Some(external_account::name(&project.settings, &account))
    };
    let step = |(id, before): (IdentityId, Option<StoredMethod>)| match (before, StoredMethod::find(login_methods, id))
    {
        (None, Some(StoredMethod::LoginId { original, .. })) => Some(UndoStep::RemovesLoginId(original)),
        (None, Some(StoredMethod::Passkey { name, .. })) => Some(UndoStep::RemovesPasskey(name)),
        (None, Some(state @ StoredMethod::ExternalAccount { .. })) => {
            name(id, &state).map(UndoStep::RemovesExternalAccount)
        }
        (Some(state @ StoredMethod::ExternalAccount { .. }), None) => {
            name(id, &state).map(UndoStep::RestoresExternalAccount)
        }
        (Some(StoredMethod::LoginId { original, .. }), present) => {
            let present = match present {
                Some(StoredMethod::LoginId { original, .. }) => Some(original),
                Some(StoredMethod::Passkey { .. } | StoredMethod::ExternalAccount { .. }) | None => None,
            };
            let is_there = present.as_ref() == Some(&original);
            (!is_there).then_some(UndoStep::RestoresLoginId { login_id: original, replaces: present })
        }
        (Some(StoredMethod::Passkey { name, .. }), None) => Some(UndoStep::RestoresPasskey(name)),
        (Some(StoredMethod::Passkey { .. } | StoredMethod::ExternalAccount { .. }), Some(_)) | (None, None) => None,
    };
    states_before(changes).into_iter().filter_map(step).collect()
}

/// Brings back the login methods from before a change of a member, which must be locked; `None` when that can no longer be undone.
pub(super) async fn apply(
    tx: &mut Tx,
    (project, user): (&Project, UserId),
    change: ChangeId,
    now: Timestamp,
) -> Result<Option<Progress>, StoreError> {
    let no = project.no;
    let all = live(login_method_changes::list(tx, no, user).await?, now);
    let Some((first, changes)) = since(&all, change).and_then(|changes| Some((changes.first()?, changes))) else {
        return Ok(None);
    };
    let states = states_before(changes);
    let mut progress = Progress::default();
    progress.undone.leaves_earlier = changes.len() < all.len();
    // What was removed comes back first: what was added then is the last login method less often.
    for (id, before) in &states {
        let Some(before) = before else { continue };
        if let Some(old) = before.login_id(*id, user) {
            restore_login_id(tx, no, &old, &mut progress).await?;
        } else if let Some(old) = before.passkey(*id, user) {
            restore_passkey(tx, no, &old, &mut progress).await?;
        } else if let Some(old) = before.external_account(*id, user) {
            restore_external_account(tx, project, &old, &mut progress).await?;
        }
    }
    for (id, before) in states.iter().rev() {
        if before.is_none() || progress.replaced.contains(id) {
            remove(tx, (project, user), *id, &mut progress).await?;
        }
    }
    login_method_changes::remove_from(tx, no, user, first.no).await?;
    // What one step removed, another one may have restored.
    let login_ids = credentials::list_login_ids(tx, no, user).await?;
    progress.staying = login_ids.iter().filter_map(email_of).collect();
    progress.removed.retain(|value| !progress.staying.contains(value));
    Ok(Some(progress))
}

/// Puts a login ID back, in the place of what is there now. If it belongs to another user, what is there now is to be removed.
async fn restore_login_id(
    tx: &mut Tx,
    no: ProjectNo,
    old: &OwnedLoginId,
    progress: &mut Progress,
) -> Result<(), StoreError> {
    let rows = credentials::list_login_ids(tx, no, old.user_id).await?;
    let is_same = |row: &OwnedLoginId| row.kind == old.kind && row.value == old.value;
    let present: Vec<_> = rows.into_iter().filter(|row| row.id == old.id || is_same(row)).collect();
    for row in &present {
        credentials::remove_login_id(tx, no, &row.kind, &row.value).await?;
    }
    // It may have been verified meanwhile.
    let verified = present.iter().filter(|row| is_same(row)).find_map(|row| row.verified_at);
    let restored = OwnedLoginId { verified_at: old.verified_at.or(verified), ..old.clone() };
    if credentials::insert_login_id(tx, no, &restored).await? {
        progress.removed.extend(present.iter().filter(|row| !is_same(row)).filter_map(email_of));
        return Ok(());
    }
    for row in &present {
        credentials::insert_login_id(tx, no, row).await?;
    }
    progress.replaced.push(old.id);
    progress.undone.claimed.push(NamedMethod::LoginId(old.original.clone()));
    Ok(())
}

/// Puts a passkey back, unless it is there, or belongs to another user.
async fn restore_passkey(
    tx: &mut Tx,
    no: ProjectNo,
    old: &PasskeyRow,
    progress: &mut Progress,
) -> Result<(), StoreError> {
    let present = passkeys::find(tx, no, &old.credential_id).await?;
    if present.as_ref().is_some_and(|present| present.id == old.id) {
        return Ok(());
    }
    if let Some(again) = present.filter(|present| present.owner == old.owner) {
        passkeys::remove(tx, no, old.owner, again.id).await?;
    }
    if !passkeys::insert(tx, no, old).await? {
        progress.undone.claimed.push(NamedMethod::Passkey(old.name.clone()));
    }
    Ok(())
}

/// Puts an account at a provider back, unless it is there, or belongs to another user.
async fn restore_external_account(
    tx: &mut Tx,
    project: &Project,
    old: &ExternalAccount,
    progress: &mut Progress,
) -> Result<(), StoreError> {
    let present = external_accounts::find(tx, project.no, &old.provider, &old.subject).await?;
    if present.as_ref().is_some_and(|present| present.id == old.id) {
        return Ok(());
    }
    if let Some(again) = present.filter(|present| present.user_id == old.user_id) {
        external_accounts::remove(tx, project.no, old.user_id, again.id).await?;
        progress.disconnected.push(again);
    }
    if external_accounts::insert(tx, project.no, old).await? {
        progress.connected.push(old.clone());
    } else {
        let name = external_account::name(&project.settings, old);
        progress.undone.claimed.push(NamedMethod::ExternalAccount(name));
    }
    Ok(())
}

async fn remove(
    tx: &mut Tx,
    (project, user): (&Project, UserId),
    id: IdentityId,
    progress: &mut Progress,
) -> Result<(), StoreError> {
    let login_methods = LoginMethods::read(tx, project.no, user).await?;
    let row = login_methods.find(id);
    let passkey = login_methods.passkeys.iter().find(|passkey| passkey.id == id);
    let external = login_methods.external_accounts.iter().find(|account| account.id == id);
    let (removal, named) = match (row, passkey, external) {
        (Some(row), _, _) => (CredentialRemoval::LoginId(id), NamedMethod::LoginId(row.original.clone())),
        (None, Some(passkey), _) => (CredentialRemoval::Passkey(id), NamedMethod::Passkey(passkey.name.clone())),
        (None, None, Some(account)) => {
            let name = external_account::name(&project.settings, account);
            (CredentialRemoval::ExternalAccount(id), NamedMethod::ExternalAccount(name))
        }
        (None, None, None) => return Ok(()),
    };
    if is_last_login_credential(&login_methods.login_credentials(), removal, &project.settings) {
        progress.undone.kept_last.push(named);
        return Ok(());
    }
    progress.removed.extend(row.and_then(email_of));
    progress.disconnected.extend(external.cloned());
    login_methods.remove(tx, (project.no, user), removal).await
}

fn email_of(row: &OwnedLoginId) -> Option<String> {
    (kind_of(row) == Some(LoginIdKind::Email)).then(|| row.value.clone())
}

/// The mails about what a link did, without a link of their own: to the addresses that it removes, and to those that stay, because
/// the one who used it may have read an old mailbox of the member. They are written before it is known which are which.
pub(super) struct RedemptionMails {
    removed: Vec<(String, SealedMessage)>,
    staying: Vec<(String, SealedMessage)>,
}

impl RedemptionMails {
    pub(super) fn write(ctx: &Ctx<'_>, login_methods: &LoginMethods, write: WriteNotice<'_>) -> Self {
        let seal =
            |to: &str, notice: &SecurityNotice| SealedMessage::of_mail(ctx.app, ctx.project.no, &write(to, notice));
        let removal = |row: &OwnedLoginId| {
            let (value, login_id) = (email_of(row)?, login_id_of(row)?);
            let notice = SecurityNotice::LoginIdRemoved { login_id: login_id.original.clone(), link: None };
            Some((value, seal(&login_id.address()?, &notice)))
        };
        let told = login_methods.mail_addresses();
        let undoing = |row: &OwnedLoginId| {
            let to = login_id_of(row)?.address().filter(|to| told.contains(to))?;
            Some((email_of(row)?, seal(&to, &SecurityNotice::ChangesUndone)))
        };
        let rows = &login_methods.login_ids;
        Self { removed: rows.iter().filter_map(removal).collect(), staying: rows.iter().filter_map(undoing).collect() }
    }

    pub(super) async fn push(
        &self,
        tx: &mut Tx,
        no: ProjectNo,
        progress: &Progress,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let removed = self.removed.iter().filter(|(value, _)| progress.removed.contains(value));
        let staying = self.staying.iter().filter(|(value, _)| progress.staying.contains(value));
        for (_, mail) in removed.chain(staying) {
            mail.push(tx, no, now).await?;
        }
        Ok(())
    }
}
