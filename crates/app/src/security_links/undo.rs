//! Undoing changes of login methods: everything since one of them, in one transaction.

use vestibule_domain::{
    id::{ChangeId, IdentityId, ProjectNo, UserId},
    identifier::LoginIdKind,
    identity::OwnedLoginId,
    promotion::{CredentialRemoval, is_last_login_credential},
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx, credentials,
    login_method_changes::{self, LoginMethodChange},
    passkeys::{self, PasskeyRow},
};

use crate::{
    account::{
        LoginMethods,
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
}

/// What became of the changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// A login method that had been added stays, because it is the last one.
    pub kept_last: bool,
    /// Login methods that belong to another account by now, so that they could not be restored.
    /// A passkey without a name is `None`.
    pub claimed: Vec<Option<String>>,
}

/// The same while it goes on.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) undone: Undone,
    /// The normalized email addresses that are no longer the member's.
    removed: Vec<String>,
}

/// The changes from this one on; `None` when it is not among them.
pub(super) fn since(changes: &[LoginMethodChange], id: ChangeId) -> Option<&[LoginMethodChange]> {
    let first = changes.iter().position(|change| change.id == id)?;
    changes.get(first..)
}

/// What undoing these changes does to the login methods as they are now.
pub(super) fn steps(changes: &[LoginMethodChange], login_methods: &LoginMethods) -> Vec<UndoStep> {
    let step = |(id, before): (IdentityId, Option<StoredMethod>)| match (before, StoredMethod::find(login_methods, id))
    {
        (None, Some(StoredMethod::LoginId { original, .. })) => Some(UndoStep::RemovesLoginId(original)),
        (None, Some(StoredMethod::Passkey { name, .. })) => Some(UndoStep::RemovesPasskey(name)),
        (Some(StoredMethod::LoginId { original, .. }), present) => {
            let present = match present {
                Some(StoredMethod::LoginId { original, .. }) => Some(original),
                Some(StoredMethod::Passkey { .. }) | None => None,
            };
            let is_there = present.as_ref() == Some(&original);
            (!is_there).then_some(UndoStep::RestoresLoginId { login_id: original, replaces: present })
        }
        (Some(StoredMethod::Passkey { name, .. }), None) => Some(UndoStep::RestoresPasskey(name)),
        (Some(StoredMethod::Passkey { .. }), Some(_)) | (None, None) => None,
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
    let changes = live(login_method_changes::list(tx, no, user).await?, now);
    let Some((first, changes)) = since(&changes, change).and_then(|changes| Some((changes.first()?, changes))) else {
        return Ok(None);
    };
    let states = states_before(changes);
    let mut progress = Progress::default();
    // What was removed comes back first: what was added then is the last login method less often.
    for (id, before) in &states {
        let Some(before) = before else { continue };
        if let Some(old) = before.login_id(*id, user) {
            restore_login_id(tx, no, &old, &mut progress).await?;
        } else if let Some(old) = before.passkey(*id, user) {
            restore_passkey(tx, no, &old, &mut progress).await?;
        }
    }
    for (id, _) in states.iter().rev().filter(|(_, before)| before.is_none()) {
        remove(tx, (project, user), *id, &mut progress).await?;
    }
    login_method_changes::remove_from(tx, no, user, first.no).await?;
    Ok(Some(progress))
}

/// Puts a login ID back, in the place of what is there now, unless it belongs to another user.
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
    progress.undone.claimed.push(Some(old.original.clone()));
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
        progress.undone.claimed.push(old.name.clone());
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
    let removal = match row {
        Some(_) => CredentialRemoval::LoginId(id),
        None => CredentialRemoval::Passkey(id),
    };
    if row.is_none() && login_methods.passkeys.iter().all(|passkey| passkey.id != id) {
        return Ok(());
    }
    if is_last_login_credential(&login_methods.login_credentials(), removal, &project.settings) {
        progress.undone.kept_last = true;
        return Ok(());
    }
    progress.removed.extend(row.and_then(email_of));
    login_methods.remove(tx, (project.no, user), removal).await
}

fn email_of(row: &OwnedLoginId) -> Option<String> {
    (kind_of(row) == Some(LoginIdKind::Email)).then(|| row.value.clone())
}

/// The mails to addresses that a link removes, without a link of their own. They are written before it is known which.
pub(super) struct RemovalMails(Vec<(String, SealedMessage)>);

impl RemovalMails {
    pub(super) fn write(ctx: &Ctx<'_>, login_methods: &LoginMethods, write: WriteNotice<'_>) -> Self {
        let mail = |row: &OwnedLoginId| {
            let (value, login_id) = (email_of(row)?, login_id_of(row)?);
            let notice = SecurityNotice::LoginIdRemoved { login_id: login_id.original.clone(), link: None };
            let mail = write(&login_id.address()?, &notice);
            Some((value, SealedMessage::of_mail(ctx.app, ctx.project.no, &mail)))
        };
        Self(login_methods.login_ids.iter().filter_map(mail).collect())
    }

    pub(super) async fn push(
        &self,
        tx: &mut Tx,
        no: ProjectNo,
        progress: &Progress,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for (_, mail) in self.0.iter().filter(|(value, _)| progress.removed.contains(value)) {
            mail.push(tx, no, now).await?;
        }
        Ok(())
    }
}
