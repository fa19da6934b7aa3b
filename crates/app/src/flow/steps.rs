//! The steps to a new login ID: entering it, entering its code, requesting another code.

use vestibule_domain::{
    credential::{
        otp::{OtpDecision, ResendDecision},
        password::{self, Assessment},
    },
    identifier::{IdentifierProblem, LoginId, LoginIdKind},
    project::{AuthenticatorKind, LimitName, ProjectSettings},
    promotion::{AddressProof, PromotionDecision, decide},
    secret::Secret,
};
use vestibule_store::{credentials, users};

use super::{
    CodeUse, Flow, FlowPurpose, PendingLoginId, WriteMessage, keep,
    login_methods::{self, NewLoginMethod},
    one_time_code::{self, CodeHolder, CodeMatch, CodeSending},
    save,
};
use crate::{
    ctx::Ctx,
    error::Error,
    limits::{rates, sending::Requester},
    passwords::new_password,
    projects::Project,
};

/// The input of a first page.
pub struct Identification {
    pub kind: LoginIdKind,
    pub login_id: String,
    pub password: Secret<String>,
}

/// The problems of the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputErrors {
    pub login_id: Option<IdentifierProblem>,
    /// The login ID belongs to another user, and no verification precedes.
    pub taken: bool,
    pub password: Assessment,
    /// Sign-in only: the combination is wrong; the page does not say which part.
    pub wrong_credentials: bool,
}

/// The result of a step.
pub enum StepOutcome {
    /// The input was wrong; nothing changed.
    Invalid(InputErrors),
    /// The flow's state determines the next page.
    Next,
    /// Everything is verified: the flow can be committed.
    Ready,
    /// The flow changed in another tab; reload it.
    Stale,
}

/// Handles the login ID, and the new password if there is one, of a promotion or sign-up.
pub async fn identify(
    ctx: &Ctx<'_>,
    flow: &mut Flow,
    input: Identification,
    write: WriteMessage<'_>,
) -> Result<StepOutcome, Error> {
    let parsed = LoginId::parse(input.kind, &input.login_id, ctx.project.settings.default_country());
    let method = login_methods::new_login_method(&ctx.project.settings, input.kind);
    // Check both fields, so that the user sees all problems at once.
    let password = match method {
        NewLoginMethod::Password => check_password(ctx, input.password.expose(), parsed.as_ref().ok()).await?,
        NewLoginMethod::Code | NewLoginMethod::Passkey => Assessment::default(),
    };
    let login_id = match parsed {
        Ok(login_id) if password.is_good() => login_id,
        Ok(_) => return Ok(StepOutcome::Invalid(InputErrors { password, ..InputErrors::default() })),
        Err(error) => {
            return Ok(StepOutcome::Invalid(InputErrors { login_id: Some(error), password, ..InputErrors::default() }));
        }
    };
    let needs_proof = login_methods::needs_proof(&ctx.project.settings, login_id.kind);
    let mut taken = false;
    // The form may be sent again: by an impatient user, or from the back button.
    let earlier = flow.state.pending.as_ref().filter(|pending| pending.login_id.value == login_id.value);
    let earlier = earlier.and_then(|pending| pending.code.clone());
    let step = CodeSending::after(earlier, ctx.now);
    let mut permit = None;
    if needs_proof {
        permit = match step.admit(ctx, &login_id, Requester::NewAddress).await? {
            Ok(permit) => permit,
            Err(problem) => {
                return Ok(StepOutcome::Invalid(InputErrors { login_id: Some(problem), ..InputErrors::default() }));
            }
        };
    } else {
        // No verification follows, so the answer is immediate; limit the rate to prevent enumeration.
        rates::charge_ip(ctx, LimitName::AccountEnumerationPerIp)?;
        match judge(ctx, flow, &login_id, AddressProof::NotRequired).await? {
            PromotionDecision::ReportTaken => {
                return Ok(StepOutcome::Invalid(InputErrors { taken: true, ..InputErrors::default() }));
            }
            PromotionDecision::OfferLogin { .. } => taken = true,
            PromotionDecision::Proceed | PromotionDecision::ProceedSilently | PromotionDecision::Refuse(_) => {}
        }
    }
    let password_hash = match method {
        NewLoginMethod::Password => {
            let password = password::prepare(input.password.expose());
            Some(ctx.app.hasher.hash(ctx.project.no, password, &ctx.app.entropy).await?)
        }
        NewLoginMethod::Code | NewLoginMethod::Passkey => None,
    };
    // A taken login ID leads to a page that says so, which must not store a row.
    let password_hash = password_hash.filter(|_| !taken);
    let mut pending = PendingLoginId { login_id, password_hash, code: None, proved_at: None, taken };
    let mut message = None;
    if needs_proof {
        let (code, text) = step.take(ctx, flow);
        let sent = permit.zip(text);
        message = sent.and_then(|(permit, text)| permit.write((CodeUse::Verify, &pending.login_id, &text), write));
        pending.code = Some(code);
    }
    flow.state.pending = Some(pending);
    let ready = !needs_proof && !taken && passkey_step(ctx.project, flow).is_none();
    let stays = taken || ready;
    let kept = if stays { keep(ctx, flow).await? } else { save(ctx, flow, message).await? };
    if !kept {
        return Ok(StepOutcome::Stale);
    }
    Ok(if ready { StepOutcome::Ready } else { StepOutcome::Next })
}

/// The problem of a new password for a user with this login ID.
pub(crate) async fn check_password(
    ctx: &Ctx<'_>,
    password: &str,
    login_id: Option<&LoginId>,
) -> Result<Assessment, Error> {
    let own_names: Vec<&str> = login_id.iter().map(|login_id| login_id.original.as_str()).collect();
    new_password::assess(ctx.app, ctx.project.no, ctx.project.settings.password_policy(), password, &own_names).await
}

/// What the owner of a login ID, if any, means for this flow.
async fn judge(
    ctx: &Ctx<'_>,
    flow: &Flow,
    login_id: &LoginId,
    proof: AddressProof,
) -> Result<PromotionDecision, Error> {
    let mut conn = ctx.app.store.read().await?;
    let owner = credentials::find_login_id(&mut conn, ctx.project.no, login_id.kind.as_str(), &login_id.value).await?;
    let Some(owner) = owner.map(|row| row.user_id) else { return Ok(PromotionDecision::Proceed) };
    if let FlowPurpose::Promote { guest } = flow.state.purpose
        && let Some(guest) = users::find(&mut conn, ctx.project.no, guest).await?
    {
        return Ok(decide(&guest, Some(owner), proof, ctx.project.settings.promotion_conflict()));
    }
    // A user who came to sign up, not to be promoted, may sign in instead.
    Ok(PromotionDecision::OfferLogin { member: owner })
}

/// The result of entering a code.
pub enum CodeOutcome {
    /// Correct: the flow can be committed.
    Ready,
    /// Correct: the flow's state determines the next page.
    Next,
    Refused(OtpDecision),
    /// No code is expected, or the flow changed in another tab.
    Stale,
}

/// Compares a code with the one sent to a new login ID.
pub async fn try_code(ctx: &Ctx<'_>, flow: &mut Flow, typed: &str) -> Result<CodeOutcome, Error> {
    if flow.state.pending.as_ref().is_some_and(|pending| pending.proved_at.is_some() && pending.is_settled()) {
        // The code was accepted before, but the commit failed.
        let is_last = passkey_step(ctx.project, flow).is_none();
        return Ok(if is_last { CodeOutcome::Ready } else { CodeOutcome::Next });
    }
    match one_time_code::compare(ctx, flow, CodeHolder::Pending, typed).await? {
        CodeMatch::Accepted => {}
        CodeMatch::Refused(decision) => return Ok(CodeOutcome::Refused(decision)),
        CodeMatch::Stale => return Ok(CodeOutcome::Stale),
    }
    if passkey_step(ctx.project, flow).is_none() {
        return Ok(CodeOutcome::Ready);
    }
    // Do not ask for a passkey for a taken login ID. Control of it is proved, so the page may say that it is taken.
    let taken = flow.state.pending.as_ref().map(|pending| pending.login_id.clone());
    if let Some(login_id) = taken
        && judge(ctx, flow, &login_id, AddressProof::Proven).await? != PromotionDecision::Proceed
    {
        mark_taken(ctx, flow).await?;
    }
    Ok(CodeOutcome::Next)
}

/// Why a user who joins is asked for a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyStep {
    /// It is required.
    Needed,
    /// It is recommended and can be skipped.
    Offered,
}

/// Whether the passkey step is next, all other steps being done.
pub fn passkey_step(project: &Project, flow: &Flow) -> Option<PasskeyStep> {
    let pending = flow.state.pending.as_ref().filter(|pending| pending.is_settled())?;
    if login_methods::new_login_method(&project.settings, pending.login_id.kind) == NewLoginMethod::Passkey {
        return Some(PasskeyStep::Needed);
    }
    (offers_passkey(&project.settings) && !flow.state.passkey_skipped).then_some(PasskeyStep::Offered)
}

/// Whether users who join by other means are offered a passkey too.
pub fn offers_passkey(settings: &ProjectSettings) -> bool {
    settings.offers(AuthenticatorKind::Passkey) && settings.passkey_offer_enabled()
}

/// Sends another code to a new login ID.
pub async fn resend(ctx: &Ctx<'_>, flow: &mut Flow, write: WriteMessage<'_>) -> Result<Option<ResendDecision>, Error> {
    one_time_code::resend(ctx, flow, (CodeHolder::Pending, CodeUse::Verify), write).await
}

/// Records that the login ID belongs to another user; the pending input is kept for the page that says so.
pub async fn mark_taken(ctx: &Ctx<'_>, flow: &mut Flow) -> Result<(), Error> {
    if let Some(pending) = &mut flow.state.pending {
        pending.taken = true;
        pending.password_hash = None;
    }
    keep(ctx, flow).await?;
    Ok(())
}
