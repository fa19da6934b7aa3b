//! Signing in as a member: by password, by code, and the code of a recovery.
//! No response reveals, by content or by time, whether an account exists.

use vestibule_domain::{
    credential::{
        otp::{OtpDecision, ResendDecision},
        password,
    },
    id::UserId,
    identifier::{LoginId, LoginIdKind},
    identity::OwnedLoginId,
    secret::Secret,
    time::Timestamp,
};
use vestibule_store::{credentials, passkeys::PasskeyUse, users::Endings};

use super::{
    Attempt, CodeUse, Flow, Goal, WriteMessage,
    basis::Basis,
    keep,
    link::LinkedAccount,
    login_methods,
    one_time_code::{self, CodeHolder, CodeMatch, CodeSending},
    recovery::Recovery,
    save,
    steps::{Identification, InputErrors},
};
use crate::{
    adapters::mailer::Mail,
    ctx::Ctx,
    error::Error,
    known_devices::KnownAccount,
    limits::{
        sending::Requester,
        tries::{Buckets, Trier},
    },
    passwords::PasswordVerdict,
    projects::Project,
    providers::ProviderUser,
};

/// A successful authentication, and what to store about it.
pub struct LoginProof {
    pub user: UserId,
    /// The method (RFC 8176).
    pub amr: &'static str,
    /// When the user authenticated, if not with the last step of the flow.
    pub(super) proved_at: Option<Timestamp>,
    /// Without it, the proof is worth nothing.
    pub basis: Basis,
    /// A hash to store: a rehash of the same password, or a new one.
    pub password_hash: Option<String>,
    /// A forgotten password is replaced, so the member's other sessions must end.
    pub recovery: Option<Recovery>,
    /// The login ID whose code was entered.
    pub proved: Option<(LoginIdKind, String)>,
    /// The passkey that was used, with its new counter.
    pub passkey: Option<PasskeyUse>,
    /// The account at a provider that was used, with what the provider said.
    pub(crate) external: Option<ProviderUser>,
    /// The account at a provider that the sign-in connects.
    pub(super) linked: Option<LinkedAccount>,
    /// The mails about a new password and about removed addresses.
    pub mails: Vec<Mail>,
}

impl LoginProof {
    pub fn new(user: UserId, amr: &'static str, basis: Basis) -> Self {
        Self {
            user,
            amr,
            proved_at: None,
            basis,
            password_hash: None,
            recovery: None,
            proved: None,
            passkey: None,
            external: None,
            linked: None,
            mails: Vec::new(),
        }
    }
}

/// The result of a sign-in step.
pub enum SignIn {
    /// The input was wrong; nothing changed.
    Invalid(InputErrors),
    /// The flow's state determines the next page.
    Next,
    /// The user is authenticated.
    Proved(Box<LoginProof>),
    /// The flow changed in another tab; reload it.
    Stale,
}

/// Handles a login ID, and the password where the first page has both.
pub async fn log_in(
    ctx: &Ctx<'_>,
    flow: &mut Flow,
    input: Identification,
    write: WriteMessage<'_>,
) -> Result<SignIn, Error> {
    let login_id = match LoginId::parse(input.kind, &input.login_id, ctx.project.settings.default_country()) {
        Ok(login_id) => login_id,
        Err(error) => return Ok(SignIn::Invalid(InputErrors { login_id: Some(error), ..InputErrors::default() })),
    };
    match (
        login_methods::has_password(&ctx.project.settings, login_id.kind),
        login_methods::has_code(&ctx.project.settings, login_id.kind),
    ) {
        (true, false) => try_password_of(ctx, flow, &login_id, input.password).await,
        (false, _) => send_code(ctx, flow, login_id, Goal::Login, write).await,
        (true, true) => {
            flow.state.attempt = Some(Attempt::new(login_id, Goal::Login));
            Ok(if keep(ctx, flow).await? { SignIn::Next } else { SignIn::Stale })
        }
    }
}

/// Handles the password for the login ID entered before.
pub async fn try_password(ctx: &Ctx<'_>, flow: &Flow, typed: Secret<String>) -> Result<SignIn, Error> {
    let Some(attempt) = &flow.state.attempt else { return Ok(SignIn::Stale) };
    try_password_of(ctx, flow, &attempt.login_id, typed).await
}

async fn try_password_of(
    ctx: &Ctx<'_>,
    flow: &Flow,
    login_id: &LoginId,
    typed: Secret<String>,
) -> Result<SignIn, Error> {
    let found = find_user(ctx, login_id).await?;
    let known = flow.known_device(ctx, found.as_ref().map(account_of));
    let buckets = Buckets::of_password(ctx, Trier::new(login_id, known));
    buckets.check(ctx.app, ctx.now).await?;
    let found = found.map(|(row, endings)| (row.user_id, endings)).filter(|(user, _)| is_wanted(flow, *user));
    // The generation was read before the hash: a new password either has another, or is the one that is compared here.
    let mut conn = ctx.app.store.read().await?;
    let hash = match found {
        Some((user, _)) => credentials::find_password(&mut conn, ctx.project.no, user).await?.map(|row| row.hash),
        None => None,
    };
    drop(conn);
    let verdict = ctx.app.hasher.verify(ctx.project.no, password::prepare(typed.expose()), hash).await?;
    let (PasswordVerdict::Right { stale }, Some((user, endings))) = (verdict, found) else {
        buckets.record_failure(ctx.app, ctx.now).await?;
        return Ok(SignIn::Invalid(InputErrors { wrong_credentials: true, ..InputErrors::default() }));
    };
    // Check the limit again after hashing: concurrent guesses must not pass between check and verify.
    buckets.check(ctx.app, ctx.now).await?;
    let mut proof =
        LoginProof::new(user, "pwd", Basis::of_password(login_id.kind, &login_id.value, endings.generation));
    if stale {
        // Not worth failing for: the rehash is tried again at the next sign-in.
        proof.password_hash =
            ctx.app.hasher.hash(ctx.project.no, password::prepare(typed.expose()), &ctx.app.entropy).await.ok();
    }
    Ok(SignIn::Proved(Box::new(proof)))
}

/// The stored login ID, and how often its user's sessions were ended.
async fn find_user(ctx: &Ctx<'_>, login_id: &LoginId) -> Result<Option<(OwnedLoginId, Endings)>, Error> {
    let (no, kind, value) = (ctx.project.no, login_id.kind.as_str(), login_id.value.as_str());
    Ok(credentials::find_login_id_and_endings(&mut *ctx.app.store.read().await?, no, kind, value).await?)
}

fn account_of((row, endings): &(OwnedLoginId, Endings)) -> KnownAccount {
    KnownAccount { id: *row.user_id.as_bytes(), generation: endings.generation }
}

fn is_wanted(flow: &Flow, user: UserId) -> bool {
    flow.state.only_user.is_none_or(|only| only == user)
}

/// Handles the login ID of a user who forgot the password, or wants a code instead.
pub async fn ask_for_code(
    ctx: &Ctx<'_>,
    flow: &mut Flow,
    (kind, typed): (LoginIdKind, &str),
    goal: Goal,
    write: WriteMessage<'_>,
) -> Result<SignIn, Error> {
    match LoginId::parse(kind, typed, ctx.project.settings.default_country()) {
        Ok(login_id) => send_code(ctx, flow, login_id, goal, write).await,
        Err(error) => Ok(SignIn::Invalid(InputErrors { login_id: Some(error), ..InputErrors::default() })),
    }
}

async fn send_code(
    ctx: &Ctx<'_>,
    flow: &mut Flow,
    login_id: LoginId,
    goal: Goal,
    write: WriteMessage<'_>,
) -> Result<SignIn, Error> {
    let earlier = flow.state.attempt.as_ref().filter(|old| old.login_id.value == login_id.value && old.goal == goal);
    let step = CodeSending::after(earlier.and_then(|attempt| attempt.code.clone()), ctx.now);
    if matches!(step, CodeSending::Keep(_)) {
        // The same form again, moments later.
        return Ok(if save(ctx, flow, None).await? { SignIn::Next } else { SignIn::Stale });
    }
    let found = find_user(ctx, &login_id).await?;
    let known = flow.known_device(ctx, found.as_ref().map(account_of));
    let Endings { generation, full: full_endings } = found.as_ref().map(|(_, endings)| *endings).unwrap_or_default();
    let row = found.map(|(row, _)| row);
    let is_proved = row.as_ref().is_some_and(|row| row.verified_at.is_some());
    let known = known.filter(|_| one_time_code::counts_as_known(&login_id, is_proved));
    let user = row.filter(|row| may_receive(goal, row)).map(|row| row.user_id).filter(|user| is_wanted(flow, *user));
    let requester = match known {
        Some(device) => Requester::Known { device, is_sent: user.is_some() },
        None => Requester::SignIn(one_time_code::recipient(user, is_proved)),
    };
    let permit = match step.admit(ctx, &login_id, requester).await? {
        Ok(permit) => permit,
        Err(problem) => {
            return Ok(SignIn::Invalid(InputErrors { login_id: Some(problem), ..InputErrors::default() }));
        }
    };
    let (code, text) = step.take(ctx, flow);
    // Without an account the code is stored and required all the same, but not sent.
    let sent = permit.zip(text);
    let message = sent.and_then(|(permit, text)| permit.write((use_of(goal), &login_id, &text), write));
    let attempt = Attempt::new(login_id, goal);
    flow.state.attempt =
        Some(Attempt { user, generation, full_endings, is_proved_address: is_proved, code: Some(code), ..attempt });
    Ok(if save(ctx, flow, message).await? { SignIn::Next } else { SignIn::Stale })
}

/// An unverified address must not sign a user in; a new password may be chosen through it.
fn may_receive(goal: Goal, row: &OwnedLoginId) -> bool {
    match goal {
        Goal::Login => row.verified_at.is_some(),
        Goal::Recover => true,
    }
}

fn use_of(goal: Goal) -> CodeUse {
    match goal {
        Goal::Login => CodeUse::Login,
        Goal::Recover => CodeUse::Recover,
    }
}

/// The result of entering a code.
pub enum LoginCode {
    /// Correct: the user is authenticated.
    Proved(Box<LoginProof>),
    /// Correct: a new password may be chosen.
    Next,
    Refused(OtpDecision),
    /// No code is expected, or the flow changed in another tab.
    Stale,
}

/// Compares a code with the one sent to a member.
pub async fn try_code(ctx: &Ctx<'_>, flow: &mut Flow, typed: &str) -> Result<LoginCode, Error> {
    // The code may have been accepted before, and a later step have failed.
    let was_accepted = |flow: &Flow| {
        let proved =
            flow.state.attempt.as_ref().filter(|attempt| attempt.code.is_none() && attempt.proved_at.is_some());
        proved.and_then(after_code)
    };
    if let Some(after) = was_accepted(flow) {
        return Ok(after);
    }
    Ok(match one_time_code::compare(ctx, flow, CodeHolder::Attempt, typed).await? {
        CodeMatch::Accepted => was_accepted(flow).unwrap_or(LoginCode::Stale),
        CodeMatch::Refused(decision) => LoginCode::Refused(decision),
        CodeMatch::Stale => LoginCode::Stale,
    })
}

/// The step after the correct code.
fn after_code(attempt: &Attempt) -> Option<LoginCode> {
    let user = attempt.user?;
    let (kind, value) = (attempt.login_id.kind, attempt.login_id.value.clone());
    Some(match attempt.goal {
        Goal::Recover => LoginCode::Next,
        Goal::Login => {
            let proof = LoginProof::new(user, amr_of_code(kind), Basis::of_attempt(attempt));
            LoginCode::Proved(Box::new(LoginProof { proved: Some((kind, value)), ..proof }))
        }
    })
}

/// RFC 8176: a one-time code, and its channel.
pub(crate) fn amr_of_code(kind: LoginIdKind) -> &'static str {
    match kind {
        LoginIdKind::Phone => "otp sms",
        LoginIdKind::Email | LoginIdKind::Username => "otp",
    }
}

/// Sends another code to a member.
pub async fn resend(ctx: &Ctx<'_>, flow: &mut Flow, write: WriteMessage<'_>) -> Result<Option<ResendDecision>, Error> {
    let Some(goal) = flow.state.attempt.as_ref().map(|attempt| attempt.goal) else { return Ok(None) };
    one_time_code::resend(ctx, flow, (CodeHolder::Attempt, use_of(goal)), write).await
}

/// Whether the code for a taken login ID may also sign in to the account that owns it.
pub async fn open_taken(ctx: &Ctx<'_>, flow: &Flow) -> Result<Option<LoginProof>, Error> {
    let Some(pending) = flow.state.pending.as_ref().filter(|_| may_open_taken(ctx.project, flow)) else {
        return Ok(None);
    };
    let kind = pending.login_id.kind;
    let row = find_user(ctx, &pending.login_id).await?.map(|(row, _)| row);
    let row = row.filter(|row| may_receive(Goal::Login, row) && is_wanted(flow, row.user_id));
    Ok(row.map(|row| {
        let (proved, proved_at) = (Some((kind, pending.login_id.value.clone())), pending.proved_at);
        let basis = Basis::of_taken(flow, kind, &pending.login_id.value);
        LoginProof { proved, proved_at, ..LoginProof::new(row.user_id, amr_of_code(kind), basis) }
    }))
}

/// Whether the user may continue as the owner of the login ID just verified.
pub fn may_open_taken(project: &Project, flow: &Flow) -> bool {
    flow.state.pending.as_ref().is_some_and(|pending| {
        pending.taken
            && pending.proved_at.is_some()
            && login_methods::has_code(&project.settings, pending.login_id.kind)
    })
}
