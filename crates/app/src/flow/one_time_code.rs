//! One-time codes of a flow: making, comparing and sending again, for a new login ID and for a member alike. Settings actions
//! make and hash their codes here, too.

use vestibule_domain::{
    credential::otp::{self, CodeState, OtpDecision, ResendDecision},
    id::UserId,
    identifier::{IdentifierProblem, LoginId, LoginIdKind},
    secret::TokenHash,
    time::Timestamp,
};

use super::{Attempt, CodeUse, Flow, WriteMessage, save};
use crate::{
    crypto::{hex, sha256},
    ctx::Ctx,
    error::Error,
    known_devices::{self, KnownDevice},
    limits::{
        sending::{self, Recipient, Requester},
        tries::{Buckets, Trier},
    },
    send_permit::{self, SendPermit},
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
    let known = known_device(ctx, flow, of).await?;
    let Some(expected) = expected(flow, of) else { return Ok(CodeMatch::Stale) };
    let Some(code) = expected.code.as_mut() else { return Ok(CodeMatch::Stale) };
    let entered = expected.login_id.clone();
    let buckets = Buckets::of_code(ctx, Trier::new(&entered, known));
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
        sending::record_answer(ctx, &entered, known).await?;
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

/// The browser, if it is known for the user whose code is expected. For an attempt without an account, the same is done.
async fn known_device(ctx: &Ctx<'_>, flow: &Flow, of: CodeHolder) -> Result<Option<KnownDevice>, Error> {
    let attempt = match of {
        CodeHolder::Pending => None,
        CodeHolder::Attempt => flow.state.attempt.as_ref(),
    };
    let Some(attempt) = attempt else { return Ok(None) };
    let user = attempt.user.unwrap_or_else(|| UserId::from_bytes(*flow.id.as_bytes()));
    let known = known_devices::look_up(ctx, &flow.known_devices, user).await?;
    Ok(known.filter(|_| attempt.user.is_some() && counts_as_known(&attempt.login_id, attempt.is_proved_address)))
}

/// Whether a known browser of an account has limits of its own for codes to one of its addresses. Not for a phone number that
/// the account has not proved: it may be another person's, and messages cost money.
pub(crate) fn counts_as_known(login_id: &LoginId, is_proved: bool) -> bool {
    login_id.kind != LoginIdKind::Phone || is_proved
}

/// Who asks for another code.
fn requester(attempt: Option<&Attempt>, known: Option<KnownDevice>) -> Requester {
    match (attempt, known) {
        (None, _) => Requester::NewAddress,
        (Some(attempt), Some(device)) => Requester::Known { device, is_sent: attempt.user.is_some() },
        (Some(attempt), None) => Requester::SignIn(recipient(attempt.user, attempt.is_proved_address)),
    }
}

/// Who gets the code of a sign-in.
pub(crate) fn recipient(user: Option<UserId>, is_proved: bool) -> Recipient {
    match user {
        None => Recipient::Missing,
        Some(_) if is_proved => Recipient::Proved,
        Some(_) => Recipient::Unproved,
    }
}

/// Sends another code, within the cool-down and the maximum; `None` when no code is expected.
pub(crate) async fn resend(
    ctx: &Ctx<'_>,
    flow: &mut Flow,
    (of, purpose): (CodeHolder, CodeUse),
    write: WriteMessage<'_>,
) -> Result<Option<ResendDecision>, Error> {
    let known = known_device(ctx, flow, of).await?;
    let requester = match of {
        CodeHolder::Pending => requester(None, None),
        CodeHolder::Attempt => requester(flow.state.attempt.as_ref(), known),
    };
    let Some(ExpectedCode { login_id, code: Some(code), .. }) = expected(flow, of) else { return Ok(None) };
    let decision = otp::may_resend(code, ctx.now);
    if decision != ResendDecision::Allowed {
        return Ok(Some(decision));
    }
    let (login_id, earlier) = (login_id.clone(), code.clone());
    let Ok(permit) = send_permit::admit(ctx, &login_id, requester).await? else {
        // The project's countries changed since the first code, or the mail server did not take it.
        return Ok(Some(ResendDecision::Exhausted));
    };
    let (new, text) = make(ctx, flow.id.as_bytes(), Some(&earlier));
    let message = permit.write((purpose, &login_id, &text), write);
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

    /// Admits the code, if one is about to be sent; otherwise the problem of its number.
    pub(crate) async fn admit(
        &self,
        ctx: &Ctx<'_>,
        login_id: &LoginId,
        requester: Requester,
    ) -> Result<Result<Option<SendPermit>, IdentifierProblem>, Error> {
        match self {
            Self::Send(_) => Ok(send_permit::admit(ctx, login_id, requester).await?.map(Some)),
            Self::Keep(_) => Ok(Ok(None)),
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
