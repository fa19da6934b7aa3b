//! The last step of a recovery: a new password, and what becomes of the member's other sign-in methods.

use vestibule_domain::{
    credential::password::{self, Assessment},
    id::{ProjectNo, UserId},
    identifier::LoginId,
    identity::OwnedLoginId,
    project::ProjectSettings,
    promotion::CredentialRemoval,
    secret::Secret,
    time::Timestamp,
};
use vestibule_store::{
    Tx,
    users::{self, LoginState},
};

use super::{Attempt, Flow, Goal, basis::Basis, sign_in::LoginProof, steps::check_password};
use crate::{
    account::{
        LoginMethods,
        external_account::{self, ConnectionReport},
        login_methods::login_id_of,
        method_log::{PlannedChange, Recipients, StoredMethod},
        notice::{SecurityNotice, WriteNotice},
    },
    adapters::mailer::Mail,
    ctx::Ctx,
    error::Error,
    promotion::change::PromotionError,
};

/// A sign-in method of a member who recovers its password, other than the one with which it does.
#[derive(Clone, Debug)]
pub struct OtherMethod {
    pub shown: ShownMethod,
    /// A login ID, the name of an external account, or that of a passkey, if it has one.
    pub name: Option<String>,
    pub created_at: Timestamp,
    /// Whether it is so young that another person may have added it.
    pub is_recent: bool,
}

/// A sign-in method as a page showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownMethod {
    pub removal: CredentialRemoval,
    /// The login ID, which may be replaced by another; a passkey or an external account stays what it is.
    pub content: String,
}

/// What the member decided about its other sign-in methods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryChoice {
    pub kept: Vec<ShownMethod>,
    pub removed: Vec<ShownMethod>,
}

/// The other sign-in methods of a member who entered the correct code to recover its password; `None` when that code counts no more,
/// because the login ID was removed or all sessions ended meanwhile.
pub async fn list_others(ctx: &Ctx<'_>, flow: &Flow) -> Result<Option<Vec<OtherMethod>>, Error> {
    let Some((attempt, user)) = recovering(flow) else { return Ok(Some(Vec::new())) };
    let no = ctx.project.no;
    let mut conn = ctx.app.store.read().await?;
    let login_methods = LoginMethods::read(&mut conn, no, user).await?;
    let endings = users::find_endings(&mut conn, no, user).await?;
    let state = LoginState { endings, sessions_ended_at: None };
    let holds = Basis::of_attempt(attempt).holds(&mut conn, no, user, state).await?;
    drop(conn);
    let is_recent = |created_at: Timestamp| ctx.now.since(created_at) < ctx.project.settings.recovery_preselect_age();
    let others = others_of(&login_methods, &attempt.login_id, Some(&ctx.project.settings));
    let others = others.into_iter().map(|(shown, name, created_at)| OtherMethod {
        shown,
        name,
        created_at,
        is_recent: is_recent(created_at),
    });
    Ok(holds.then(|| others.collect()))
}

/// The attempt of a recovery whose code was entered, and the member.
fn recovering(flow: &Flow) -> Option<(&Attempt, UserId)> {
    let attempt = flow.state.attempt.as_ref()?;
    let is_proved = attempt.goal == Goal::Recover && attempt.proved_at.is_some();
    Some((attempt, attempt.user?)).filter(|_| is_proved)
}

/// The sign-in methods besides this login ID and the password, each with its name and the time at which it was added.
/// The settings name the providers of external accounts; without them, these have no name.
fn others_of(
    login_methods: &LoginMethods,
    own: &LoginId,
    settings: Option<&ProjectSettings>,
) -> Vec<(ShownMethod, Option<String>, Timestamp)> {
    let is_own = |row: &&OwnedLoginId| row.kind == own.kind.as_str() && row.value == own.value;
    let login_ids = login_methods.login_ids.iter().filter(|row| !is_own(row)).map(|row| {
        let shown = ShownMethod { removal: CredentialRemoval::LoginId(row.id), content: row.value.clone() };
        (shown, Some(row.original.clone()), row.created_at)
    });
    let passkeys = login_methods.passkeys.iter().map(|row| {
        let shown = ShownMethod { removal: CredentialRemoval::Passkey(row.id), content: "passkey".to_string() };
        (shown, row.name.clone(), row.created_at)
    });
    let external = login_methods.external_accounts.iter().map(|row| {
        let removal = CredentialRemoval::ExternalAccount(row.id);
        let name = settings.map(|settings| external_account::name(settings, row));
        (ShownMethod { removal, content: "external account".to_string() }, name, row.created_at)
    });
    login_ids.chain(passkeys).chain(external).collect()
}

/// Handles the new password of a user who entered the correct code, with the choice about its other sign-in methods.
pub async fn choose_password(
    ctx: &Ctx<'_>,
    flow: &Flow,
    (typed, choice): (Secret<String>, RecoveryChoice),
    write: WriteNotice<'_>,
) -> Result<Result<Option<LoginProof>, Assessment>, Error> {
    let Some((attempt, user)) = recovering(flow) else { return Ok(Ok(None)) };
    let found = check_password(ctx, typed.expose(), Some(&attempt.login_id)).await?;
    if !found.is_good() {
        return Ok(Err(found));
    }
    let hash = ctx.app.hasher.hash(ctx.project.no, password::prepare(typed.expose()), &ctx.app.entropy).await?;
    // The code may have been read by another person, so mail the member about the new password.
    let login_methods = LoginMethods::load(ctx, user).await?;
    let addresses = told_addresses(&login_methods, &choice);
    let changed = addresses.iter().map(|to| write(to, &SecurityNotice::PasswordChanged));
    let (planned, removals) = plan_removals(ctx, (user, &login_methods), &choice, write).await?;
    let mails = changed.chain(removals).collect();
    Ok(Ok(Some(LoginProof {
        password_hash: Some(hash),
        proved: Some((attempt.login_id.kind, attempt.login_id.value.clone())),
        recovery: Some(Recovery {
            own: attempt.login_id.clone(),
            choice,
            planned,
            report: ConnectionReport::new(ctx, user),
        }),
        mails,
        ..LoginProof::new(user, "pwd", Basis::of_attempt(attempt))
    })))
}

/// Who hears of the new password: every verified address that the recovery does not remove, and the oldest in any case, because a thief
/// may recover.
fn told_addresses(login_methods: &LoginMethods, choice: &RecoveryChoice) -> Vec<String> {
    let is_removed = |to: &String| {
        let rows = login_methods
            .login_ids
            .iter()
            .filter(|row| choice.removed.iter().any(|shown| shown.removal == CredentialRemoval::LoginId(row.id)));
        rows.filter_map(login_id_of).any(|login_id| login_id.address().as_ref() == Some(to))
    };
    let addresses = login_methods.mail_addresses().into_iter().enumerate();
    addresses.filter(|(place, to)| *place == 0 || !is_removed(to)).map(|(_, to)| to).collect()
}

/// The mails about what a recovery removes: a thief who read the code could remove what is the owner's. All their links undo all of it.
async fn plan_removals(
    ctx: &Ctx<'_>,
    (user, login_methods): (UserId, &LoginMethods),
    choice: &RecoveryChoice,
    write: WriteNotice<'_>,
) -> Result<(PlannedChange, Vec<Mail>), Error> {
    let mut planned = PlannedChange::new(ctx);
    let recipients = Recipients::load(ctx, user, login_methods).await?;
    let mut mails = Vec::new();
    for shown in &choice.removed {
        let link = planned.link(ctx, user);
        match shown.removal {
            CredentialRemoval::LoginId(id) => {
                let Some(row) = login_methods.find(id) else { continue };
                let describe = |link| SecurityNotice::LoginIdRemoved { login_id: row.original.clone(), link };
                mails.extend(recipients.write((&mut planned, &link), Some(row), (&describe, write)));
            }
            CredentialRemoval::Passkey(id) => {
                let Some(row) = login_methods.passkeys.iter().find(|row| row.id == id) else { continue };
                let describe = |link| SecurityNotice::PasskeyRemoved { name: row.name.clone(), link };
                mails.extend(recipients.write((&mut planned, &link), None, (&describe, write)));
            }
            CredentialRemoval::ExternalAccount(id) => {
                let Some(row) = login_methods.external_accounts.iter().find(|row| row.id == id) else { continue };
                let name = external_account::name(&ctx.project.settings, row);
                let describe = |link| SecurityNotice::ExternalAccountRemoved { name: name.clone(), link };
                mails.extend(recipients.write((&mut planned, &link), None, (&describe, write)));
            }
            CredentialRemoval::Password => {}
        }
    }
    Ok((planned, mails))
}

/// A recovery that is ready to be written.
pub struct Recovery {
    /// The login ID with which the member recovers.
    own: LoginId,
    choice: RecoveryChoice,
    /// What is removed is one change, which a link undoes as a whole.
    planned: PlannedChange,
    /// Reports the external accounts that are removed.
    report: ConnectionReport,
}

impl Recovery {
    /// Removes what the member chose to remove.
    ///
    /// # Errors
    /// [`PromotionError::MethodsChanged`] when the member has a sign-in method that it has not seen: a thief may have added it while
    /// the page was open.
    pub(crate) async fn write(
        &self,
        tx: &mut Tx,
        (no, user): (ProjectNo, UserId),
        now: Timestamp,
    ) -> Result<(), PromotionError> {
        let login_methods = LoginMethods::read(tx, no, user).await?;
        let others = others_of(&login_methods, &self.own, None);
        let (kept, removed) = (&self.choice.kept, &self.choice.removed);
        if others.iter().any(|(shown, ..)| !kept.contains(shown) && !removed.contains(shown)) {
            return Err(PromotionError::MethodsChanged);
        }
        let before = removed.iter().filter_map(|shown| {
            let id = match shown.removal {
                CredentialRemoval::LoginId(id)
                | CredentialRemoval::Passkey(id)
                | CredentialRemoval::ExternalAccount(id) => id,
                CredentialRemoval::Password => return None,
            };
            Some((id, Some(StoredMethod::find(&login_methods, id)?)))
        });
        let before: Vec<_> = before.collect();
        if !before.is_empty() {
            self.planned.record(tx, (no, user), &before, now).await?;
        }
        for shown in removed {
            login_methods.remove(tx, (no, user), shown.removal).await?;
        }
        let is_removed = |id| removed.iter().any(|shown| shown.removal == CredentialRemoval::ExternalAccount(id));
        for account in login_methods.external_accounts.iter().filter(|account| is_removed(account.id)) {
            self.report.disconnected(tx, account).await?;
        }
        Ok(())
    }
}
