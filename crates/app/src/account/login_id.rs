//! Use cases for a member's login IDs: adding, replacing, verifying and removing; and the codes of the account page.

use vestibule_domain::{
    credential::otp::{self, CodeState, OtpDecision, ResendDecision},
    id::IdentityId,
    identifier::{IdentifierProblem, LoginId, LoginIdKind},
    identity::OwnedLoginId,
    project::{AuthenticatorKind, ProjectSettings},
    promotion::{CredentialRemoval, is_last_login_credential},
    time::Timestamp,
};
use vestibule_store::{StoreError, flows};

use super::{
    LoginMethods,
    change::{AccountChange, ChangeOutcome, ChangeRequest, Proof, commit},
    login_methods::login_id_of,
    method_log,
    notice::{DescribeChange, SecurityNotice, WriteNotice},
    settings_action::{CodeTask, Pending, SettingsAction},
};
use crate::{
    caller::AccountCaller,
    ctx::Ctx,
    error::Error,
    flow::{CodeUse, WriteMessage, one_time_code},
    known_devices::KnownDevice,
    limits::{
        rates,
        sending::{self, Requester},
        tries::{Buckets, Trier},
    },
    messages::PermittedMessage,
    send_permit,
};

/// The caller of a request, and the renderer of messages.
pub struct AccountContext<'a> {
    pub ctx: Ctx<'a>,
    pub caller: &'a AccountCaller,
    pub write_code: WriteMessage<'a>,
    pub write_notice: WriteNotice<'a>,
}

/// The result of a step.
pub enum LoginIdStep {
    /// The input is not a login ID of that kind.
    Invalid(IdentifierProblem),
    /// A code was sent, to be entered for this pending step.
    CodeSent(Box<SettingsAction>),
    /// No verification was needed; the result of the change.
    Ended(ChangeOutcome),
}

/// The result of entering a code.
pub enum CodeStep {
    /// Correct; the result of the change.
    Ended(ChangeOutcome),
    Refused(OtpDecision),
    /// The pending step changed in another tab: reload it.
    Stale,
}

/// Whether a login ID of this kind must be verified by a code first.
fn needs_proof(settings: &ProjectSettings, kind: LoginIdKind) -> bool {
    let authenticators = settings.authenticators_for(kind);
    let is_login_code = authenticators.contains(&AuthenticatorKind::OobOtpEmail)
        || authenticators.contains(&AuthenticatorKind::OobOtpSms);
    kind != LoginIdKind::Username && (settings.verification_enabled(kind) || is_login_code)
}

impl AccountContext<'_> {
    /// Adds a new login ID, or replaces an existing one.
    pub async fn offer(
        &self,
        settings_action: Option<SettingsAction>,
        kind: LoginIdKind,
        typed: &str,
        replaces: Option<IdentityId>,
    ) -> Result<LoginIdStep, Error> {
        let settings = &self.ctx.project.settings;
        let login_id = match LoginId::parse(kind, typed, settings.default_country()) {
            Ok(login_id) => login_id,
            Err(problem) => return Ok(LoginIdStep::Invalid(problem)),
        };
        let login_methods = LoginMethods::load(&self.ctx, self.caller.user.id).await?;
        let own = login_methods.login_ids.iter().find(|row| row.kind == kind.as_str() && row.value == login_id.value);
        if own.is_some_and(|own| Some(own.id) != replaces) {
            return Ok(LoginIdStep::Ended(ChangeOutcome::Taken));
        }
        let task = replaces.map_or(CodeTask::Add, |old| CodeTask::Replace { old });
        // A different spelling of an address that is verified already needs no code.
        if needs_proof(settings, kind) && own.is_none_or(|own| own.verified_at.is_none()) {
            return self.send_code(settings_action, task, login_id).await;
        }
        let verified_at = own.and_then(|own| own.verified_at);
        let outcome = self.finish(settings_action.as_ref(), &login_methods, &task, &login_id, verified_at).await?;
        Ok(LoginIdStep::Ended(outcome))
    }

    /// Sends a code to verify a login ID of the member.
    pub async fn verify(&self, id: IdentityId) -> Result<LoginIdStep, Error> {
        let login_methods = LoginMethods::load(&self.ctx, self.caller.user.id).await?;
        match login_methods.find(id).filter(|row| row.verified_at.is_none()).and_then(login_id_of) {
            Some(login_id) => self.send_code(None, CodeTask::Verify { id }, login_id).await,
            None => Ok(LoginIdStep::Ended(ChangeOutcome::Stale)),
        }
    }

    /// Sends a code for reauthentication before continuing to `next`.
    pub async fn prove(&self, next: String) -> Result<LoginIdStep, Error> {
        let login_methods = LoginMethods::load(&self.ctx, self.caller.user.id).await?;
        match login_methods.code_target() {
            Some(login_id) => self.send_code(None, CodeTask::Prove { next }, login_id).await,
            None => Ok(LoginIdStep::Ended(ChangeOutcome::Stale)),
        }
    }

    /// Removes a login ID, unless it is the last login method.
    pub async fn remove(&self, id: IdentityId) -> Result<ChangeOutcome, Error> {
        let login_methods = LoginMethods::load(&self.ctx, self.caller.user.id).await?;
        let Some(row) = login_methods.find(id) else { return Ok(ChangeOutcome::Stale) };
        if self.is_last(&login_methods, CredentialRemoval::LoginId(id)) {
            return Ok(ChangeOutcome::LastLoginMethod);
        }
        let notice = |link| SecurityNotice::LoginIdRemoved { login_id: row.original.clone(), link };
        let change_kind = AccountChange::RemoveLoginId(id);
        let change_request = self.plan(&login_methods, Some(row), (change_kind, &notice)).await?;
        commit(&self.ctx, self.caller, change_request).await
    }

    /// Compares a code; a wrong one is counted before the response is sent.
    pub async fn try_code(&self, settings_action: &mut SettingsAction, typed: &str) -> Result<CodeStep, Error> {
        let id = settings_action.id;
        let Some(pending) = &mut settings_action.state.pending else { return Ok(CodeStep::Stale) };
        let buckets = Buckets::of_code(&self.ctx, self.trier(pending));
        if !one_time_code::is_first_try(&pending.code) {
            buckets.check(self.ctx.app, self.ctx.now).await?;
        }
        let presented = one_time_code::hash_code(id.as_bytes(), typed);
        let decision = otp::try_code(&pending.code, &presented, self.ctx.now);
        match decision {
            OtpDecision::Accepted => {
                let pending = pending.clone();
                let known = self.own_address(&pending.task, &pending.login_id).await?;
                sending::record_answer(&self.ctx, &pending.login_id, known).await?;
                let outcome = self.complete(settings_action, &pending).await?;
                Ok(CodeStep::Ended(outcome))
            }
            OtpDecision::Wrong { .. } => {
                pending.code = pending.code.tried();
                let saved = self.save(settings_action, None).await?;
                buckets.record_failure(self.ctx.app, self.ctx.now).await?;
                Ok(if saved { CodeStep::Refused(decision) } else { CodeStep::Stale })
            }
            OtpDecision::Expired | OtpDecision::Exhausted => Ok(CodeStep::Refused(decision)),
        }
    }

    /// Sends another code, within the cool-down and the maximum; `None` when the pending step changed meanwhile.
    pub async fn resend(&self, settings_action: &mut SettingsAction) -> Result<Option<ResendDecision>, Error> {
        let Some(pending) = &settings_action.state.pending else { return Ok(None) };
        let decision = otp::may_resend(&pending.code, self.ctx.now);
        if decision != ResendDecision::Allowed {
            return Ok(Some(decision));
        }
        let (task, login_id, previous) = (pending.task.clone(), pending.login_id.clone(), pending.code.clone());
        let Ok(message) = self.prepare_code(settings_action, task, login_id, Some(&previous)).await? else {
            // The project's countries changed since the first code.
            return Ok(Some(ResendDecision::Exhausted));
        };
        Ok(self.save(settings_action, message).await?.then_some(ResendDecision::Allowed))
    }

    async fn send_code(
        &self,
        settings_action: Option<SettingsAction>,
        task: CodeTask,
        login_id: LoginId,
    ) -> Result<LoginIdStep, Error> {
        let mut settings_action = settings_action
            .unwrap_or_else(|| SettingsAction::new(self.ctx.app, self.caller.user.id, None, self.ctx.now));
        // Requesting a code again from the first page must not bypass the cool-down.
        let previous = settings_action.state.pending.take().filter(|pending| pending.login_id.value == login_id.value);
        if let Some(previous) = &previous
            && otp::may_resend(&previous.code, self.ctx.now) != ResendDecision::Allowed
        {
            settings_action.state.pending = Some(Pending { task, ..previous.clone() });
            let saved = self.save(&mut settings_action, None).await?;
            return Ok(if saved {
                LoginIdStep::CodeSent(Box::new(settings_action))
            } else {
                LoginIdStep::Ended(ChangeOutcome::Stale)
            });
        }
        let earlier = previous.as_ref().map(|pending| &pending.code);
        let message = match self.prepare_code(&mut settings_action, task, login_id, earlier).await? {
            Ok(message) => message,
            Err(problem) => return Ok(LoginIdStep::Invalid(problem)),
        };
        let saved = self.save(&mut settings_action, message).await?;
        Ok(if saved {
            LoginIdStep::CodeSent(Box::new(settings_action))
        } else {
            LoginIdStep::Ended(ChangeOutcome::Stale)
        })
    }

    async fn prepare_code(
        &self,
        settings_action: &mut SettingsAction,
        task: CodeTask,
        login_id: LoginId,
        previous: Option<&CodeState>,
    ) -> Result<Result<Option<PermittedMessage>, IdentifierProblem>, Error> {
        let requester = match self.own_address(&task, &login_id).await? {
            Some(device) => Requester::Known { device, is_sent: true },
            None => Requester::NewAddress,
        };
        let permit = match send_permit::admit(&self.ctx, &login_id, requester).await? {
            Ok(permit) => permit,
            Err(problem) => return Ok(Err(problem)),
        };
        let (code, text) = one_time_code::make(&self.ctx, settings_action.id.as_bytes(), previous);
        let purpose = match &task {
            CodeTask::Add | CodeTask::Replace { .. } | CodeTask::Verify { .. } => CodeUse::Verify,
            CodeTask::Prove { .. } => CodeUse::Login,
        };
        let message = permit.write((purpose, &login_id, &text), self.write_code);
        settings_action.state.pending = Some(Pending { task, login_id, code });
        Ok(Ok(message))
    }

    fn session(&self) -> KnownDevice {
        KnownDevice::of_session(self.caller.user.id, self.caller.via.reference())
    }

    /// Who tries a code: the session, for the member's own address. One to a new address counts for the address.
    fn trier<'p>(&self, pending: &'p Pending) -> Trier<'p> {
        match &pending.task {
            CodeTask::Verify { .. } | CodeTask::Prove { .. } => Trier::Known(self.session()),
            CodeTask::Add | CodeTask::Replace { .. } => Trier::Unknown(&pending.login_id),
        }
    }

    /// The session, where a code goes to an address of the member's for which it has limits of its own.
    async fn own_address(&self, task: &CodeTask, login_id: &LoginId) -> Result<Option<KnownDevice>, Error> {
        match task {
            CodeTask::Verify { .. } | CodeTask::Prove { .. } => {}
            CodeTask::Add | CodeTask::Replace { .. } => return Ok(None),
        }
        let login_methods = LoginMethods::load(&self.ctx, self.caller.user.id).await?;
        let mut rows = login_methods.login_ids.iter();
        let own = rows.find(|row| row.kind == login_id.kind.as_str() && row.value == login_id.value);
        let counts = |row: &OwnedLoginId| one_time_code::counts_as_known(login_id, row.verified_at.is_some());
        Ok(own.is_some_and(counts).then(|| self.session()))
    }

    /// Applies the change that the correct code allows.
    async fn complete(&self, settings_action: &SettingsAction, pending: &Pending) -> Result<ChangeOutcome, Error> {
        let login_methods = LoginMethods::load(&self.ctx, self.caller.user.id).await?;
        self.finish(Some(settings_action), &login_methods, &pending.task, &pending.login_id, Some(self.ctx.now)).await
    }

    async fn finish(
        &self,
        settings_action: Option<&SettingsAction>,
        login_methods: &LoginMethods,
        task: &CodeTask,
        login_id: &LoginId,
        verified_at: Option<Timestamp>,
    ) -> Result<ChangeOutcome, Error> {
        let now = self.ctx.now;
        let row = || OwnedLoginId {
            id: self.ctx.app.entropy.id(now),
            user_id: self.caller.user.id,
            kind: login_id.kind.as_str().to_string(),
            value: login_id.value.clone(),
            original: login_id.original.clone(),
            verified_at,
            created_at: now,
            updated_at: now,
        };
        let change_request = match task {
            CodeTask::Add => {
                let notice = |link| SecurityNotice::LoginIdAdded { login_id: login_id.original.clone(), link };
                self.plan(login_methods, None, (AccountChange::AddLoginId(row()), &notice)).await?
            }
            CodeTask::Replace { old } => {
                let Some(replaced) = login_methods.find(*old) else { return Ok(ChangeOutcome::Stale) };
                let notice = |link| {
                    let (from, to) = (replaced.original.clone(), login_id.original.clone());
                    SecurityNotice::LoginIdChanged { from, to, link }
                };
                let change_kind = AccountChange::ReplaceLoginId { old: *old, new: row() };
                self.plan(login_methods, Some(replaced), (change_kind, &notice)).await?
            }
            CodeTask::Verify { id } => {
                ChangeRequest::of(AccountChange::VerifyLoginId { id: *id, value: login_id.value.clone() })
            }
            CodeTask::Prove { .. } => {
                let login_id = Some(login_id.clone());
                ChangeRequest::of(AccountChange::Prove(Proof { login_id, ..Proof::of(self.caller, "otp") }))
            }
        };
        commit(&self.ctx, self.caller, ChangeRequest { settings_action, ..change_request }).await
    }

    /// Whether this removal would leave no login method. The transaction checks it again; a refusal here costs no change of the hour.
    pub(super) fn is_last(&self, login_methods: &LoginMethods, removal: CredentialRemoval) -> bool {
        is_last_login_credential(&login_methods.login_credentials(), removal, &self.ctx.project.settings)
    }

    /// Plans a change of a login method, with its notification mails. `concerned` is the login ID that is replaced or removed.
    pub(super) async fn plan<'r>(
        &self,
        login_methods: &LoginMethods,
        concerned: Option<&OwnedLoginId>,
        (change_kind, describe): (AccountChange, DescribeChange<'_>),
    ) -> Result<ChangeRequest<'r>, Error> {
        rates::charge_login_method_change(&self.ctx, self.caller.user.id)?;
        let texts = (describe, self.write_notice);
        let (planned, mails) =
            method_log::plan(&self.ctx, (self.caller.user.id, login_methods), concerned, texts).await?;
        let planned = planned.bringing_email(change_kind.brings_email());
        Ok(ChangeRequest { mails, planned: Some(planned), ..ChangeRequest::of(change_kind) })
    }

    /// Stores the pending step and queues its message, unless another tab changed it first.
    pub(super) async fn save(
        &self,
        settings_action: &mut SettingsAction,
        message: Option<PermittedMessage>,
    ) -> Result<bool, Error> {
        let (no, now) = (self.ctx.project.no, self.ctx.now);
        let message = message.map(|message| message.seal(self.ctx.app, no));
        let input = (settings_action.version, settings_action.to_row(now), message);
        let saved = self
            .ctx
            .app
            .store
            .write("save_settings_action", input, move |tx, (version, row, message)| {
                Box::pin(async move {
                    if *version == 0 {
                        flows::insert(tx, no, row).await?;
                    } else if !flows::update(tx, no, row.id, *version, &row.state, row.expires_at).await? {
                        return Ok::<_, StoreError>(false);
                    }
                    if let Some(message) = message {
                        message.push(tx, no, now).await?;
                    }
                    Ok(true)
                })
            })
            .await?;
        settings_action.version += i64::from(saved);
        Ok(saved)
    }
}
