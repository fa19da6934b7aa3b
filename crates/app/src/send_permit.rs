//! The permission to send a message with a code, or a text message at all. Only [`admit`] and [`admit_test`] give it, after the
//! project's countries, the waits, the limits and the budget, and nothing is sent without it: see
//! [`CodeMessage`] and [`PermittedMessage`].

use vestibule_domain::{
    identifier::{
        IdentifierProblem, LoginId, LoginIdKind,
        email::EmailProblem,
        phone::{self, PhoneProblem},
    },
    project::LimitName,
};

use crate::{
    adapters::sms::{Sms, SmsError},
    ctx::Ctx,
    error::Error,
    flow::{CodeMessage, CodeUse, WriteMessage},
    limits::{
        Counter,
        sending::{Recipient, Requester, Sending},
    },
    messages::PermittedMessage,
    sms_budget,
};

/// The permission to send one message. To a sign-in without an account it is given, too; that message is made and not sent.
pub(crate) struct SendPermit {
    is_sent: bool,
}

impl SendPermit {
    /// Renders the message with a code; `None` for a username, which cannot receive messages.
    pub(crate) fn write(
        &self,
        (purpose, login_id, code): (CodeUse, &LoginId, &str),
        write: WriteMessage<'_>,
    ) -> Option<PermittedMessage> {
        let message = CodeMessage { purpose, kind: login_id.kind, to: login_id.address()?, code };
        Some(PermittedMessage::new(self, write(&message)))
    }

    pub(crate) fn is_sent(&self) -> bool {
        self.is_sent
    }

    /// Sends a text message at once.
    pub(crate) async fn send_now(self, ctx: &Ctx<'_>, sms: &Sms) -> Result<(), SmsError> {
        ctx.app.sms.send(sms, ctx.now).await
    }
}

/// Admits a code to an email address or phone number and counts it; otherwise the problem of the number.
///
/// # Errors
/// [`Error::RateLimited`] when a wait, a limit or the budget does not allow it, and the requester may learn that.
pub(crate) async fn admit(
    ctx: &Ctx<'_>,
    login_id: &LoginId,
    requester: Requester,
) -> Result<Result<SendPermit, IdentifierProblem>, Error> {
    if let Err(problem) = check_reach(ctx, login_id) {
        return Ok(Err(problem));
    }
    let is_wanted = match requester {
        Requester::NewAddress | Requester::SignIn(Recipient::Proved | Recipient::Unproved) => true,
        Requester::SignIn(Recipient::Missing) => false,
        Requester::Known { is_sent, .. } => is_sent,
    };
    Ok(Ok(charge(ctx, &Sending::of_code(ctx, login_id, requester), is_wanted).await?))
}

/// Admits a text message that an operator sends as a test.
///
/// # Errors
/// [`Error::RateLimited`] when the budget is used up.
pub(crate) async fn admit_test(
    ctx: &Ctx<'_>,
    number: &LoginId,
) -> Result<Result<SendPermit, IdentifierProblem>, Error> {
    if let Err(problem) = check_reach(ctx, number) {
        return Ok(Err(problem));
    }
    Ok(Ok(charge(ctx, &Sending::of_test(ctx), true).await?))
}

async fn charge(ctx: &Ctx<'_>, sending: &Sending, is_wanted: bool) -> Result<SendPermit, Error> {
    let charged = sending.take(ctx.app, ctx.now).await;
    let is_budget_used_up = match &charged {
        Ok(charged) => charged.is_open_part_full,
        Err(Error::RateLimited(limit)) => limit.counter == Counter::Setting(LimitName::SmsPerProject),
        Err(_) => false,
    };
    if is_budget_used_up {
        sms_budget::report(ctx).await?;
    }
    Ok(SendPermit { is_sent: charged?.is_covered && is_wanted })
}

/// The problem of a phone number to which the project sends no messages, or of an address that the mail server does not take.
fn check_reach(ctx: &Ctx<'_>, login_id: &LoginId) -> Result<(), IdentifierProblem> {
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
