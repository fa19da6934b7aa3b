//! One-time codes of a flow: making, comparing and sending again, for a new login ID and for a member alike. Settings actions
//! make and hash their codes here, too.

use vestibule_domain::{
    credential::otp::{self, CodeState, OtpDecision, ResendDecision},
    identifier::{
        IdentifierProblem, LoginId, LoginIdKind,
        email::EmailProblem,
        phone::{self, PhoneProblem},
    },
    project::LimitName,
    secret::TokenHash,
    time::Timestamp,
};

use super::{CodeMessage, CodeUse, Flow, WriteMessage, save};
use crate::{
    crypto::{hex, sha256},
    ctx::Ctx,
    error::Error,
    known_devices::KnownDevice,
    limits::{Counter, tries::Buckets},
    sms_budget,
};

/// Where a flow keeps a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeHolder {
    /// With the login ID of a user who joins.
    Pending,
    /// With the attempt to sign in as a member.
    Attempt,
}

/// A code that a flow expects.
struct ExpectedCode<'f> {
    login_id: &'f LoginId,
    /// Whether it was sent. A code for an address without an account is stored, and never right.
    is_sent: bool,
    code: &'f mut Option<CodeState>,
    proved_at: &'f mut Option<Timestamp>,
}

fn expected(flow: &mut Flow, of: CodeHolder) -> Option<ExpectedCode<'_>> {
    match of {
        CodeHolder::Pending => flow.state.pending.as_mut().map(|pending| ExpectedCode {
            login_id: &pending.login_id,
            is_sent: true,
            code: &mut pending.code,
            proved_at: &mut pending.proved_at,
        }),
        CodeHolder::Attempt => flow.state.attempt.as_mut().map(|attempt| ExpectedCode {
            login_id: &attempt.login_id,
            is_sent: attempt.user.is_some(),
            code: &mut attempt.code,
            proved_at: &mut attempt.proved_at,
        }),
    }
}

/// The result of comparing a code.
pub(crate) enum CodeMatch {
    Accepted,
    Refused(OtpDecision),
    /// No code is expected, or the flow changed in another tab.
    Stale,
}

/// Compares a code with the expected one; a wrong one is counted before the response is sent.
pub(crate) async fn compare(ctx: &Ctx<'_>, flow: &mut Flow, of: CodeHolder, typed: &str) -> Result<CodeMatch, Error> {
    let presented = hash_code(flow.id.as_bytes(), typed);
    let known = known_device(ctx, flow, of);
    let Some(expected) = expected(flow, of) else { return Ok(CodeMatch::Stale) };
    let Some(code) = expected.code.as_mut() else { return Ok(CodeMatch::Stale) };
    let entered = expected.login_id.clone();
    let buckets = Buckets::of_code(ctx, &expected.login_id.value, known);
    if !is_first_try(code) {
        buckets.check(ctx.app, ctx.now).await?;
    }
    let mut decision = otp::try_code(code, &presented, ctx.now);
    if decision == OtpDecision::Accepted && !expected.is_sent {
        // This code was never sent, so it was guessed; reject it.
        decision = OtpDecision::Wrong { tries_left: otp::MAX_TRIES.saturating_sub(code.tries + 1) };
    }
    match decision {
        OtpDecision::Accepted => {
            *expected.proved_at = Some(ctx.now);
            *expected.code = None;
        }
        OtpDecision::Wrong { .. } => *code = code.tried(),
        OtpDecision::Expired | OtpDecision::Exhausted => return Ok(CodeMatch::Refused(decision)),
    }
    if !save(ctx, flow, None).await? {
        return Ok(CodeMatch::Stale);
    }
    if decision == OtpDecision::Accepted {
        Buckets::record_answer(ctx, &entered).await?;
        return Ok(CodeMatch::Accepted);
    }
    buckets.record_failure(ctx.app, ctx.now).await?;
    Ok(CodeMatch::Refused(decision))
}

/// Whether no code was entered yet for the one that was sent. Such a try is judged even when failures of strangers have
/// used up the account's limit: otherwise they could lock out the user who has the code. It gives an attacker one guess in
/// a million for each message to that user, and those are limited.
pub(crate) fn is_first_try(code: &CodeState) -> bool {
    code.tries == 0
}

/// The browser, if the user whose code is expected signed in there before.
fn known_device(ctx: &Ctx<'_>, flow: &Flow, of: CodeHolder) -> Option<KnownDevice> {
    let user = match of {
        CodeHolder::Pending => None,
        CodeHolder::Attempt => flow.state.attempt.as_ref().and_then(|attempt| attempt.user),
    };
    flow.known_device(ctx, user)
}

/// Sends another code, within the cool-down and the maximum; `None` when no code is expected.
pub(crate) async fn resend(
    ctx: &Ctx<'_>,
    flow: &mut Flow,
    (of, purpose): (CodeHolder, CodeUse),
    write: WriteMessage<'_>,
) -> Result<Option<ResendDecision>, Error> {
    let known = known_device(ctx, flow, of);
    let Some(ExpectedCode { login_id, is_sent, code: Some(code), .. }) = expected(flow, of) else { return Ok(None) };
    let decision = otp::may_resend(code, ctx.now);
    if decision != ResendDecision::Allowed {
        return Ok(Some(decision));
    }
    let (login_id, earlier) = (login_id.clone(), code.clone());
    if check_reach(ctx, &login_id).is_err() {
        // The project's countries changed since the first code, or the mail server did not take it.
        return Ok(Some(ResendDecision::Exhausted));
    }
    charge(ctx, &login_id, known, is_sent).await?;
    let (new, text) = make(ctx, flow.id.as_bytes(), Some(&earlier));
    let message = CodeMessage::new(purpose, &login_id, &text).filter(|_| is_sent).map(|code| write(&code));
    if let Some(expected) = expected(flow, of) {
        *expected.code = Some(new);
    }
    Ok(save(ctx, flow, message).await?.then_some(ResendDecision::Allowed))
}

/// What a form that asks for a code does.
pub(crate) enum CodeSending {
    /// It sends a code, which replaces the earlier one.
    Send(Option<CodeState>),
    /// A code was sent moments ago, or too many were: it stays as it is, with the attempts that are left.
    Keep(CodeState),
}

impl CodeSending {
    /// The step after the code that the flow expects for the same login ID, if any.
    pub(crate) fn after(earlier: Option<CodeState>, now: Timestamp) -> Self {
        match earlier {
            Some(code) if otp::may_resend(&code, now) != ResendDecision::Allowed => Self::Keep(code),
            earlier => Self::Send(earlier),
        }
    }

    /// Charges the code, if one is about to be sent.
    pub(crate) async fn charge(
        &self,
        ctx: &Ctx<'_>,
        login_id: &LoginId,
        (known, is_sent): (Option<KnownDevice>, bool),
    ) -> Result<(), Error> {
        match self {
            Self::Send(_) => charge(ctx, login_id, known, is_sent).await,
            Self::Keep(_) => Ok(()),
        }
    }

    /// The code to expect, and its text if it is to be sent.
    pub(crate) fn take(self, ctx: &Ctx<'_>, flow: &Flow) -> (CodeState, Option<String>) {
        match self {
            Self::Send(earlier) => {
                let (code, text) = make(ctx, flow.id.as_bytes(), earlier.as_ref());
                (code, Some(text))
            }
            Self::Keep(code) => (code, None),
        }
    }
}

/// Charges a code that is about to be sent, or would be if there were an account.
pub(crate) async fn charge(
    ctx: &Ctx<'_>,
    login_id: &LoginId,
    known: Option<KnownDevice>,
    is_sent: bool,
) -> Result<(), Error> {
    let charged = Buckets::of_code_sent(ctx, login_id, known).take(ctx.app, is_sent, ctx.now).await;
    if let Err(Error::RateLimited(limit)) = &charged
        && limit.counter == Counter::Setting(LimitName::SmsPerProject)
    {
        sms_budget::report(ctx).await?;
    }
    charged
}

/// The problem of a phone number to which the project sends no codes, or of an address that the mail server does not take.
pub(crate) fn check_reach(ctx: &Ctx<'_>, login_id: &LoginId) -> Result<(), IdentifierProblem> {
    match login_id.kind {
        LoginIdKind::Phone => {
            let country = phone::country_of(&login_id.value);
            let is_allowed = ctx.project.settings.allows_sms_to(country.as_deref());
            if is_allowed { Ok(()) } else { Err(IdentifierProblem::Phone(PhoneProblem::CountryNotAllowed)) }
        }
        LoginIdKind::Email => {
            let is_refused = login_id.address().is_some_and(|address| ctx.app.mailer.refuses(&address, ctx.now));
            if is_refused { Err(IdentifierProblem::Email(EmailProblem::NotDeliverable)) } else { Ok(()) }
        }
        LoginIdKind::Username => Ok(()),
    }
}

/// Generates a code and its stored state, for the flow or settings action with this ID.
pub(crate) fn make(ctx: &Ctx<'_>, id: &[u8; 16], previous: Option<&CodeState>) -> (CodeState, String) {
    let (text, now) = (ctx.app.entropy.six_digits(), ctx.now);
    let hash = hash_code(id, &text);
    (previous.map_or_else(|| CodeState::first(hash, now), |previous| previous.resent(hash, now)), text)
}

/// The hash of a code is bound to its flow or settings action, so that the code is useless in another.
pub(crate) fn hash_code(id: &[u8; 16], typed: &str) -> TokenHash {
    // Hash invalid input as it is: it is wrong like any other code, and takes as long.
    let code = otp::read_code(typed).unwrap_or_else(|| typed.to_string());
    sha256(format!("{}:{code}", hex(id)).as_bytes())
}
