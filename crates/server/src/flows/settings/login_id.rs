//! Use cases for a member's login IDs: adding, replacing, verifying and removing; and the codes of the account page.

use std::{net::IpAddr, sync::Arc};

use vestibule_domain::{
    credential::otp::{self, CodeState, OtpDecision, ResendDecision},
    id::IdentityId,
    identifier::{IdentifierProblem, LoginId, LoginIdKind},
    project::{AuthenticatorKind, ProjectSettings},
    secret::TokenHash,
    time::Timestamp,
};
use vestibule_store::{StoreError, credentials::LoginIdRow, flows};

use super::{
    Standing,
    change::{Deed, Order, Outcome, commit},
    errand::{Errand, Pending, Task},
    notice::{News, WriteNews},
    standing::login_id_of,
};
use crate::{
    app::App,
    crypto::{hex, sha256},
    flows::{
        Error,
        caller::AccountCaller,
        page_flow::{CodeMessage, CodeUse, WriteMessage},
        tries::Buckets,
    },
    messages::Message,
    ports::mailer::Mail,
    projects::Project,
};

/// The caller, its network address, and the renderer of messages.
pub(crate) struct Asking<'a> {
    pub(crate) app: &'a App,
    pub(crate) project: &'a Arc<Project>,
    pub(crate) caller: &'a AccountCaller,
    pub(crate) ip: IpAddr,
    pub(crate) write_code: WriteMessage<'a>,
    pub(crate) write_news: WriteNews<'a>,
    pub(crate) now: Timestamp,
}

/// The result of a step.
pub(crate) enum Step {
    /// The input is not a login ID of that kind.
    Mistaken(IdentifierProblem),
    /// A code was sent, to be entered for this pending step.
    CodeSent(Box<Errand>),
    /// No verification was needed; the result of the change.
    Ended(Outcome),
}

/// The result of entering a code.
pub(crate) enum CodeStep {
    /// Correct; the result of the change.
    Ended(Outcome),
    Refused(OtpDecision),
    /// The pending step changed in another tab: reload it.
    Stale,
}

/// Whether a login ID of this kind must be verified by a code first.
fn needs_proof(settings: &ProjectSettings, kind: LoginIdKind) -> bool {
    let ways = settings.authenticators_for(kind);
    let is_way_in = ways.contains(&AuthenticatorKind::OobOtpEmail) || ways.contains(&AuthenticatorKind::OobOtpSms);
    kind != LoginIdKind::Username && (settings.verification_enabled(kind) || is_way_in)
}

impl Asking<'_> {
    /// Adds a new login ID, or replaces an existing one.
    pub(crate) async fn offer(
        &self,
        errand: Option<Errand>,
        kind: LoginIdKind,
        typed: &str,
        replaces: Option<IdentityId>,
    ) -> Result<Step, Error> {
        let settings = &self.project.settings;
        let login_id = match LoginId::parse(kind, typed, settings.default_country()) {
            Ok(login_id) => login_id,
            Err(problem) => return Ok(Step::Mistaken(problem)),
        };
        let standing = Standing::load(self.app, self.project, self.caller.user.id).await?;
        let own = standing.login_ids.iter().find(|row| row.kind == kind.as_str() && row.value == login_id.value);
        if own.is_some_and(|own| Some(own.id) != replaces) {
            return Ok(Step::Ended(Outcome::Taken));
        }
        let task = replaces.map_or(Task::Add, |old| Task::Replace { old });
        // A different spelling of an address that is verified already needs no code.
        if needs_proof(settings, kind) && own.is_none_or(|own| own.verified_at.is_none()) {
            return self.send_code(errand, task, login_id).await;
        }
        let verified_at = own.and_then(|own| own.verified_at);
        let outcome = self.finish(errand.as_ref(), &standing, &task, &login_id, verified_at).await?;
        Ok(Step::Ended(outcome))
    }

    /// Sends a code to verify a login ID of the member.
    pub(crate) async fn verify(&self, id: IdentityId) -> Result<Step, Error> {
        let standing = Standing::load(self.app, self.project, self.caller.user.id).await?;
        match standing.find(id).filter(|row| row.verified_at.is_none()).and_then(login_id_of) {
            Some(login_id) => self.send_code(None, Task::Verify { id }, login_id).await,
            None => Ok(Step::Ended(Outcome::Stale)),
        }
    }

    /// Sends a code for reauthentication before continuing to `next`.
    pub(crate) async fn prove(&self, next: String) -> Result<Step, Error> {
        let standing = Standing::load(self.app, self.project, self.caller.user.id).await?;
        match standing.code_target() {
            Some(login_id) => self.send_code(None, Task::Prove { next }, login_id).await,
            None => Ok(Step::Ended(Outcome::Stale)),
        }
    }

    /// Removes a login ID, unless it is the last login method.
    pub(crate) async fn remove(&self, id: IdentityId) -> Result<Outcome, Error> {
        let standing = Standing::load(self.app, self.project, self.caller.user.id).await?;
        let Some(login_id) = standing.find(id).and_then(login_id_of) else { return Ok(Outcome::Stale) };
        let news = News::LoginIdRemoved { login_id: login_id.original.clone() };
        let mails = self.tell(&standing, Some(&login_id), &news);
        let order = Order { deed: Deed::RemoveLoginId(id), mails, errand: None };
        commit(self.app, self.project, self.caller, order, self.now).await
    }

    /// Compares a code; a wrong one is counted before the response is sent.
    pub(crate) async fn try_code(&self, errand: &mut Errand, typed: &str) -> Result<CodeStep, Error> {
        let id = errand.id;
        let Some(pending) = &mut errand.state.pending else { return Ok(CodeStep::Stale) };
        let buckets = Buckets::of_code(self.project, &pending.login_id.value, self.ip);
        buckets.check(self.app, self.now).await?;
        // Input that is not a code is a wrong code.
        let presented = hash_code(id.as_bytes(), &otp::read_code(typed).unwrap_or_default());
        let decision = otp::try_code(&pending.code, &presented, self.now);
        match decision {
            OtpDecision::Accepted => {
                let pending = pending.clone();
                let outcome = self.reward(errand, &pending).await?;
                Ok(CodeStep::Ended(outcome))
            }
            OtpDecision::Wrong { .. } => {
                pending.code = pending.code.tried();
                let saved = self.save(errand, None).await?;
                buckets.record_failure(self.app, self.now).await?;
                Ok(if saved { CodeStep::Refused(decision) } else { CodeStep::Stale })
            }
            OtpDecision::Expired | OtpDecision::Exhausted => Ok(CodeStep::Refused(decision)),
        }
    }

    /// Sends another code, within the cool-down and the maximum; `None` when the pending step changed meanwhile.
    pub(crate) async fn resend(&self, errand: &mut Errand) -> Result<Option<ResendDecision>, Error> {
        let Some(pending) = &errand.state.pending else { return Ok(None) };
        let decision = otp::may_resend(&pending.code, self.now);
        if decision != ResendDecision::Allowed {
            return Ok(Some(decision));
        }
        let (task, login_id, previous) = (pending.task.clone(), pending.login_id.clone(), pending.code.clone());
        let message = self.prepare_code(errand, task, login_id, Some(&previous)).await?;
        Ok(self.save(errand, message).await?.then_some(ResendDecision::Allowed))
    }

    async fn send_code(&self, errand: Option<Errand>, task: Task, login_id: LoginId) -> Result<Step, Error> {
        let mut errand = errand.unwrap_or_else(|| Errand::new(self.app, self.caller.user.id, None, self.now));
        // Requesting a code again from the first page must not bypass the cool-down.
        let previous = errand.state.pending.take().filter(|pending| pending.login_id.value == login_id.value);
        if let Some(previous) = &previous
            && otp::may_resend(&previous.code, self.now) != ResendDecision::Allowed
        {
            errand.state.pending = Some(Pending { task, ..previous.clone() });
            let saved = self.save(&mut errand, None).await?;
            return Ok(if saved { Step::CodeSent(Box::new(errand)) } else { Step::Ended(Outcome::Stale) });
        }
        let earlier = previous.as_ref().map(|pending| &pending.code);
        let message = self.prepare_code(&mut errand, task, login_id, earlier).await?;
        let saved = self.save(&mut errand, message).await?;
        Ok(if saved { Step::CodeSent(Box::new(errand)) } else { Step::Ended(Outcome::Stale) })
    }

    async fn prepare_code(
        &self,
        errand: &mut Errand,
        task: Task,
        login_id: LoginId,
        previous: Option<&CodeState>,
    ) -> Result<Option<Message>, Error> {
        let (app, project, now) = (self.app, self.project, self.now);
        Buckets::of_code_sent(project, &login_id.value, self.ip).take(app, now).await?;
        let text = app.entropy.six_digits();
        let hash = hash_code(errand.id.as_bytes(), &text);
        let code = previous.map_or_else(|| CodeState::first(hash, now), |previous| previous.resent(hash, now));
        let purpose = match &task {
            Task::Add | Task::Replace { .. } | Task::Verify { .. } => CodeUse::Verify,
            Task::Prove { .. } => CodeUse::Login,
        };
        let message = login_id
            .address()
            .map(|to| (self.write_code)(&CodeMessage { purpose, kind: login_id.kind, to, code: &text }));
        errand.state.pending = Some(Pending { task, login_id, code });
        Ok(message)
    }

    /// Applies the change that the correct code allows.
    async fn reward(&self, errand: &Errand, pending: &Pending) -> Result<Outcome, Error> {
        let standing = Standing::load(self.app, self.project, self.caller.user.id).await?;
        self.finish(Some(errand), &standing, &pending.task, &pending.login_id, Some(self.now)).await
    }

    async fn finish(
        &self,
        errand: Option<&Errand>,
        standing: &Standing,
        task: &Task,
        login_id: &LoginId,
        verified_at: Option<Timestamp>,
    ) -> Result<Outcome, Error> {
        let now = self.now;
        let row = || LoginIdRow {
            id: self.app.entropy.id(now),
            user_id: self.caller.user.id,
            kind: login_id.kind.as_str().to_string(),
            value: login_id.value.clone(),
            original: login_id.original.clone(),
            verified_at,
            created_at: now,
            updated_at: now,
        };
        let (deed, mails) = match task {
            Task::Add => {
                let news = News::LoginIdAdded { login_id: login_id.original.clone() };
                (Deed::AddLoginId(row()), self.tell(standing, None, &news))
            }
            Task::Replace { old } => {
                let Some(replaced) = standing.find(*old).and_then(login_id_of) else { return Ok(Outcome::Stale) };
                let news = News::LoginIdChanged { from: replaced.original.clone(), to: login_id.original.clone() };
                let mails = self.tell(standing, Some(&replaced), &news);
                (Deed::ReplaceLoginId { old: *old, new: row() }, mails)
            }
            Task::Verify { id } => (Deed::VerifyLoginId(*id), Vec::new()),
            Task::Prove { .. } => {
                let deed = Deed::Prove { session: self.caller.via.reference(), amr: "otp", passkey: None };
                (deed, Vec::new())
            }
        };
        commit(self.app, self.project, self.caller, Order { deed, mails, errand }, now).await
    }

    /// The notification mails: to the login ID in question if it is an email address, otherwise to the member's mail
    /// address.
    fn tell(&self, standing: &Standing, at: Option<&LoginId>, news: &News) -> Vec<Mail> {
        let there = at.filter(|login_id| login_id.kind == LoginIdKind::Email).and_then(LoginId::address);
        let to = there.or_else(|| standing.mail_address());
        to.map(|to| (self.write_news)(&to, news)).into_iter().collect()
    }

    /// Stores the pending step and queues its message, unless another tab changed it first.
    async fn save(&self, errand: &mut Errand, message: Option<Message>) -> Result<bool, Error> {
        let (no, now) = (self.project.no, self.now);
        let message = message.map(|message| message.seal(self.app, no));
        let input = (errand.version, errand.to_row(now), message);
        let saved = self
            .app
            .store
            .write("save_errand", input, move |tx, (version, row, message)| {
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
        errand.version += i64::from(saved);
        Ok(saved)
    }
}

/// The hash of a code is bound to its pending step, so that the code is useless in another.
fn hash_code(errand: &[u8; 16], code: &str) -> TokenHash {
    sha256(format!("{}:{code}", hex(errand)).as_bytes())
}
