//! The transaction behind every change on an account page: the change, its notification mails, the end of a pending
//! step, and the code for the app that requested it.

use std::sync::Arc;

use vestibule_domain::{
    event::{DeletionReason, Event, RevocationReason, TriggeredBy, UserModel},
    id::{FlowId, IdentityId, ProjectNo, UserId},
    identifier::{LoginId, LoginIdKind},
    identity::{ExternalAccount, OwnedLoginId},
    promotion::{CredentialRemoval, is_last_login_credential},
    session::SessionRef,
    time::Timestamp,
    user::User,
};
use vestibule_store::{
    StoreError, Tx, codes, credentials, external_accounts, flows as flow_rows, grants,
    passkeys::{self, PasskeyRow, PasskeyUse},
    sessions, users,
};

use super::{
    LoginMethods,
    external_account::ConnectionReport,
    login_methods::kind_of,
    method_log::{PlannedChange, StoredMethod},
    profile::put_names,
    settings_action::SettingsAction,
};
use crate::{
    actor::ActError,
    adapters::mailer::Mail,
    authorize::{AppRedirect, NewCode, answer},
    caller::AccountCaller,
    ctx::Ctx,
    error::Error,
    events::{self, QueuedEvent},
    identities::LoadedUser,
    logout_notices::LogoutNotices,
    messages::SealedMessage,
    projects::Project,
    promotion::waiting::{Deletion, DeletionOutcome, DeletionRight},
    sessions::{Ending, Selection},
    single_use::SingleUse,
    tokens::settings_action,
};

/// The change.
pub enum AccountChange {
    AddLoginId(OwnedLoginId),
    /// The new login ID keeps the identity of the old one.
    ReplaceLoginId {
        old: IdentityId,
        new: OwnedLoginId,
    },
    /// The code was sent to this value.
    VerifyLoginId {
        id: IdentityId,
        value: String,
    },
    RemoveLoginId(IdentityId),
    /// Ends every other session, because the old password may be known to others.
    SetPassword {
        hash: String,
        keep: SessionRef,
    },
    End(SessionRef),
    /// Ends every session and grant except the caller's.
    EndOthers {
        keep: SessionRef,
    },
    SetNames(Vec<(&'static str, Option<String>)>),
    AddPasskey(PasskeyRow),
    RemovePasskey(IdentityId),
    RenamePasskey(IdentityId, Option<String>),
    /// Adds an account at a provider, and reports it.
    AddExternalAccount(ExternalAccount, ConnectionReport),
    /// Removes an account at a provider, and reports it.
    RemoveExternalAccount(IdentityId, ConnectionReport),
    /// Records a reauthentication.
    Prove(Proof),
    Delete,
}

/// A reauthentication.
pub struct Proof {
    pub(super) session: SessionRef,
    /// The method (RFC 8176).
    pub(super) amr: &'static str,
    /// When it was made, if not now.
    pub(super) at: Option<Timestamp>,
    /// The passkey that was used, with its new counter.
    pub(super) passkey: Option<PasskeyUse>,
    /// The login ID whose code was entered: it must still be the member's.
    pub(super) login_id: Option<LoginId>,
    /// The account at a provider that was used, with what the provider said: it must still be the member's.
    pub(super) external: Option<ExternalAccount>,
}

impl Proof {
    /// One by this method, in the caller's session.
    pub(super) fn of(caller: &AccountCaller, amr: &'static str) -> Self {
        Self { session: caller.via.reference(), amr, at: None, passkey: None, login_id: None, external: None }
    }
}

/// The result of a change.
#[derive(Clone, Debug)]
pub enum ChangeOutcome {
    /// Done; the app that requested it gets its response.
    Done(Option<AppRedirect>),
    /// The login ID or external account belongs to another user; nothing changed.
    Taken,
    /// It is the last login method; nothing changed.
    LastLoginMethod,
    /// The state changed in another tab, or what the change uses up was used; reload it.
    Stale,
    /// The member was deleted.
    UserGone,
    /// The caller's session has ended meanwhile, or began as a guest's and cannot become the member's; nothing changed.
    SignedOut,
}

/// A change and what belongs to it.
pub struct ChangeRequest<'a> {
    pub change_kind: AccountChange,
    pub mails: Vec<Mail>,
    /// Its name in the log of login methods, if it changes one.
    pub(crate) planned: Option<PlannedChange>,
    /// The pending step that ends with it.
    pub settings_action: Option<&'a SettingsAction>,
    /// What it uses up.
    pub(crate) single_use: Option<SingleUse>,
}

impl ChangeRequest<'_> {
    /// A change alone.
    pub(crate) fn of(change_kind: AccountChange) -> Self {
        Self { change_kind, mails: Vec::new(), planned: None, settings_action: None, single_use: None }
    }
}

struct PreparedChange {
    user: UserId,
    /// The caller's session or grant.
    session: SessionRef,
    project: Arc<Project>,
    change_kind: AccountChange,
    settings_action: Option<(FlowId, i64, String, Timestamp)>,
    single_use: Option<SingleUse>,
    mails: Vec<SealedMessage>,
    planned: Option<PlannedChange>,
    ending: Option<Ending>,
    deletion: Option<(Deletion, QueuedEvent)>,
    code: Option<NewCode>,
    notices: LogoutNotices,
    now: Timestamp,
}

enum ChangeError {
    Store(StoreError),
    Taken,
    LastLoginMethod,
    Stale,
    UserGone,
    SignedOut,
}

impl From<StoreError> for ChangeError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Applies a change in one transaction.
pub async fn commit(
    ctx: &Ctx<'_>,
    caller: &AccountCaller,
    change_request: ChangeRequest<'_>,
) -> Result<ChangeOutcome, Error> {
    let user = &caller.user;
    // A copy of what the guest had is worth as much as the original, so it stays the guest's.
    if matches!(change_request.change_kind, AccountChange::Prove(_)) && !caller.via.is_of_member() {
        return Ok(ChangeOutcome::SignedOut);
    }
    let ending = change_request
        .change_kind
        .ends_sessions()
        .map(|(selection, reason)| Ending::new(ctx, user.id, selection, (reason, TriggeredBy::User)));
    let mut deletion = None;
    if matches!(change_request.change_kind, AccountChange::Delete) {
        let context = events::describe(ctx, user.id, &events::EventOrigin::default());
        let planned = Deletion::new(ctx, user.id, context);
        let begun = planned.begin(ctx.app, DeletionRight::Owner(caller.via.reference())).await;
        begun.map_err(|error| match error {
            ActError::Store(error) => error.into(),
            // A user has no role.
            ActError::RoleLost => Error::AuthenticationRequired,
        })?;
        deletion = Some((planned, describe_deletion(ctx, user).await?));
    }
    let request = change_request.settings_action.and_then(SettingsAction::request);
    let code = request.map(|request| settings_action::make_code(ctx.app, request, ctx.now));
    let redirect = request.zip(code.as_ref()).map(|(request, code)| answer(request, Some(code.text.clone())));
    let settings_action =
        change_request.settings_action.filter(|settings_action| settings_action.version > 0).map(|settings_action| {
            let mut done = settings_action.clone();
            done.state.finished = true;
            done.state.pending = None;
            (done.id, done.version, done.to_json(), done.expires_at)
        });
    let seal = |mail: &Mail| SealedMessage::of_mail(ctx.app, ctx.project.no, mail);
    let change = PreparedChange {
        user: user.id,
        session: caller.via.reference(),
        project: Arc::clone(ctx.project),
        change_kind: change_request.change_kind,
        settings_action,
        single_use: change_request.single_use,
        mails: change_request.mails.iter().map(seal).collect(),
        planned: change_request.planned,
        ending,
        deletion,
        code,
        notices: LogoutNotices::of(ctx.app, ctx.project),
        now: ctx.now,
    };
    match ctx.app.store.write("change_account", change, move |tx, change| Box::pin(write(tx, change))).await {
        Ok(()) => Ok(ChangeOutcome::Done(redirect)),
        Err(ChangeError::Store(error)) => Err(error.into()),
        Err(ChangeError::Taken) => Ok(ChangeOutcome::Taken),
        Err(ChangeError::LastLoginMethod) => Ok(ChangeOutcome::LastLoginMethod),
        Err(ChangeError::Stale) => Ok(ChangeOutcome::Stale),
        Err(ChangeError::UserGone) => Ok(ChangeOutcome::UserGone),
        Err(ChangeError::SignedOut) => Ok(ChangeOutcome::SignedOut),
    }
}

impl AccountChange {
    /// Which sessions end with the change, and why.
    fn ends_sessions(&self) -> Option<(Selection, RevocationReason)> {
        match self {
            Self::SetPassword { keep, .. } => Some((Selection::AllExcept(*keep), RevocationReason::PasswordChange)),
            Self::End(session) => Some((Selection::One(*session), RevocationReason::User)),
            Self::EndOthers { keep } => Some((Selection::AllExcept(*keep), RevocationReason::User)),
            Self::AddLoginId(_)
            | Self::ReplaceLoginId { .. }
            | Self::VerifyLoginId { .. }
            | Self::RemoveLoginId(_)
            | Self::SetNames(_)
            | Self::AddPasskey(_)
            | Self::RemovePasskey(_)
            | Self::RenamePasskey(..)
            | Self::AddExternalAccount(..)
            | Self::RemoveExternalAccount(..)
            | Self::Prove(_)
            | Self::Delete => None,
        }
    }
}

impl AccountChange {
    /// Whether it adds an email address, or puts one in the place of another.
    pub(super) fn brings_email(&self) -> bool {
        let (Self::AddLoginId(new) | Self::ReplaceLoginId { new, .. }) = self else { return false };
        kind_of(new) == Some(LoginIdKind::Email)
    }

    /// The login ID, passkey or external account that it changes.
    fn login_method(&self) -> Option<IdentityId> {
        match self {
            Self::AddLoginId(row) => Some(row.id),
            Self::ReplaceLoginId { old: id, .. } | Self::RemoveLoginId(id) | Self::RemovePasskey(id) => Some(*id),
            Self::AddPasskey(row) => Some(row.id),
            Self::AddExternalAccount(account, _) => Some(account.id),
            Self::RemoveExternalAccount(id, _) => Some(*id),
            Self::VerifyLoginId { .. }
            | Self::SetPassword { .. }
            | Self::End(_)
            | Self::EndOthers { .. }
            | Self::SetNames(_)
            | Self::RenamePasskey(..)
            | Self::Prove(_)
            | Self::Delete => None,
        }
    }
}

async fn describe_deletion(ctx: &Ctx<'_>, user: &User) -> Result<QueuedEvent, Error> {
    let loaded = LoadedUser::read(ctx.app, ctx.project, user.clone()).await?;
    let event = Event::UserDeleted { user: UserModel::copy(&loaded.account()), reason: DeletionReason::User };
    Ok(events::prepare(ctx, &event, user.id, &events::EventOrigin::default()))
}

async fn write(tx: &mut Tx, change: &PreparedChange) -> Result<(), ChangeError> {
    let (no, user, now) = (change.project.no, change.user, change.now);
    // Lock the user first, so that of two concurrent changes the second sees the result of the first.
    if !users::note_change(tx, no, user, now).await? {
        return Err(ChangeError::UserGone);
    }
    // Then the caller's own session: if a recovery has just ended it, the change comes too late.
    let is_signed_in = match change.session {
        SessionRef::Session(id) => sessions::hold(tx, no, id, user).await?,
        SessionRef::Grant(id) => grants::hold(tx, no, id, user).await?,
    };
    if !is_signed_in {
        return Err(ChangeError::SignedOut);
    }
    if let Some((id, version, state, expires_at)) = &change.settings_action
        && !flow_rows::update(tx, no, *id, *version, state, *expires_at).await?
    {
        return Err(ChangeError::Stale);
    }
    if let Some(single_use) = &change.single_use
        && !single_use.spend(tx, no).await?
    {
        return Err(ChangeError::Stale);
    }
    if let Some((planned, id)) = change.planned.as_ref().zip(change.change_kind.login_method()) {
        let before = StoredMethod::find(&LoginMethods::read(tx, no, user).await?, id);
        planned.record(tx, (no, user), &[(id, before)], now).await?;
    }
    apply(tx, change).await?;
    if let Some(ending) = &change.ending {
        ending.write(tx).await?;
    }
    for mail in &change.mails {
        mail.push(tx, no, now).await?;
    }
    if let Some((_, event)) = &change.deletion {
        events::queue(tx, no, user, event, now).await?;
    }
    if let Some(code) = &change.code {
        codes::insert(tx, no, code.hash, &code.payload, code.expires_at).await?;
    }
    Ok(())
}

async fn apply(tx: &mut Tx, change: &PreparedChange) -> Result<(), ChangeError> {
    let (no, user, now) = (change.project.no, change.user, change.now);
    match &change.change_kind {
        AccountChange::AddLoginId(row) => insert_login_id(tx, no, row).await,
        AccountChange::ReplaceLoginId { old, new } => {
            let old = find_login_id(tx, no, user, *old).await?;
            credentials::remove_login_id(tx, no, &old.kind, &old.value).await?;
            // Another address is new, whatever it replaces: it must not look as old as the one that was there. Another spelling is not.
            let created_at = if old.value == new.value { old.created_at } else { new.created_at };
            insert_login_id(tx, no, &OwnedLoginId { id: old.id, created_at, ..new.clone() }).await
        }
        AccountChange::VerifyLoginId { id, value } => {
            let row = find_login_id(tx, no, user, *id).await?;
            if row.value != *value {
                return Err(ChangeError::Stale);
            }
            credentials::verify_login_id(tx, no, &row.kind, &row.value, now).await?;
            Ok(())
        }
        AccountChange::RemoveLoginId(id) => {
            let row = find_login_id(tx, no, user, *id).await?;
            keep_a_login_method(tx, change, CredentialRemoval::LoginId(*id)).await?;
            credentials::remove_login_id(tx, no, &row.kind, &row.value).await?;
            Ok(())
        }
        AccountChange::SetPassword { hash, .. } => Ok(credentials::set_password(tx, no, user, hash, now).await?),
        // The sessions end below, with those of other changes.
        AccountChange::End(_) | AccountChange::EndOthers { .. } => Ok(()),
        AccountChange::SetNames(names) => set_names(tx, no, user, names, now).await,
        AccountChange::AddPasskey(row) => match passkeys::insert(tx, no, row).await? {
            true => Ok(()),
            false => Err(ChangeError::Taken),
        },
        AccountChange::RemovePasskey(id) => {
            keep_a_login_method(tx, change, CredentialRemoval::Passkey(*id)).await?;
            match passkeys::remove(tx, no, user, *id).await? {
                true => Ok(()),
                false => Err(ChangeError::Stale),
            }
        }
        AccountChange::RenamePasskey(id, name) => match passkeys::rename(tx, no, user, *id, name).await? {
            true => Ok(()),
            false => Err(ChangeError::Stale),
        },
        AccountChange::AddExternalAccount(account, report) => {
            if !external_accounts::insert(tx, no, account).await? {
                return Err(ChangeError::Taken);
            }
            Ok(report.connected(tx, account).await?)
        }
        AccountChange::RemoveExternalAccount(id, report) => {
            keep_a_login_method(tx, change, CredentialRemoval::ExternalAccount(*id)).await?;
            let all = external_accounts::list(tx, no, user).await?;
            let account = all.into_iter().find(|account| account.id == *id).ok_or(ChangeError::Stale)?;
            external_accounts::remove(tx, no, user, *id).await?;
            Ok(report.disconnected(tx, &account).await?)
        }
        AccountChange::Prove(proof) => prove(tx, (no, user), proof, now).await,
        AccountChange::Delete => {
            let ended = change.notices.find_of_user(tx, user).await?;
            // A guest that waits to be merged has no session.
            let outcome = match &change.deletion {
                Some((deletion, _)) => deletion.write(tx, now).await?,
                None => DeletionOutcome::Gone,
            };
            match outcome {
                DeletionOutcome::Done => {}
                DeletionOutcome::Gone | DeletionOutcome::Waits => return Err(ChangeError::UserGone),
                DeletionOutcome::Unfinished => {
                    return Err(StoreError::Busy("many guests are merged into the user just now").into());
                }
            }
            Ok(change.notices.queue(tx, &ended, now).await?)
        }
    }
}

async fn prove(tx: &mut Tx, (no, user): (ProjectNo, UserId), proof: &Proof, now: Timestamp) -> Result<(), ChangeError> {
    if let Some(login_id) = &proof.login_id {
        let rows = credentials::list_login_ids(tx, no, user).await?;
        let is_own = |row: &OwnedLoginId| row.kind == login_id.kind.as_str() && row.value == login_id.value;
        if !rows.iter().any(is_own) {
            return Err(ChangeError::Stale);
        }
    }
    if let Some(used) = &proof.passkey
        && !passkeys::record_use(tx, no, used, now).await?
    {
        return Err(ChangeError::Stale);
    }
    if let Some(used) = &proof.external {
        let account = (used.provider.as_str(), used.subject.as_str());
        if !external_accounts::record_use(tx, no, account, user, &used.profile, now).await? {
            return Err(ChangeError::Stale);
        }
    }
    let at = proof.at.unwrap_or(now);
    let noted = match proof.session {
        SessionRef::Session(id) => sessions::set_authenticated(tx, no, id, at, Some(proof.amr)).await?,
        SessionRef::Grant(id) => grants::set_authenticated(tx, no, id, at, Some(proof.amr)).await?,
    };
    if noted { Ok(()) } else { Err(ChangeError::UserGone) }
}

async fn insert_login_id(tx: &mut Tx, no: ProjectNo, row: &OwnedLoginId) -> Result<(), ChangeError> {
    if credentials::insert_login_id(tx, no, row).await? { Ok(()) } else { Err(ChangeError::Taken) }
}

async fn find_login_id(tx: &mut Tx, no: ProjectNo, user: UserId, id: IdentityId) -> Result<OwnedLoginId, ChangeError> {
    let rows = credentials::list_login_ids(tx, no, user).await?;
    rows.into_iter().find(|row| row.id == id).ok_or(ChangeError::Stale)
}

async fn keep_a_login_method(
    tx: &mut Tx,
    change: &PreparedChange,
    removal: CredentialRemoval,
) -> Result<(), ChangeError> {
    let login_credentials = LoginMethods::read(tx, change.project.no, change.user).await?.login_credentials();
    if is_last_login_credential(&login_credentials, removal, &change.project.settings) {
        Err(ChangeError::LastLoginMethod)
    } else {
        Ok(())
    }
}

async fn set_names(
    tx: &mut Tx,
    no: ProjectNo,
    user: UserId,
    names: &[(&'static str, Option<String>)],
    now: Timestamp,
) -> Result<(), ChangeError> {
    let stored = users::find(tx, no, user).await?.ok_or(ChangeError::UserGone)?;
    let mut attributes = stored.standard_attributes;
    put_names(&mut attributes, names.iter().map(|(name, value)| (*name, value.as_deref())));
    users::set_attributes(tx, no, user, &attributes, &stored.custom_attributes, now).await?;
    Ok(())
}
