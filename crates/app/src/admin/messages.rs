//! Tests of mail and text messages: sends one message at once and returns the provider's response.

use vestibule_domain::{
    event::Event,
    identifier::{LoginId, LoginIdKind},
};

use super::AdminError;
use crate::{
    actor::Actor,
    adapters::{mailer::Mail, sms::Sms},
    crypto::hex,
    ctx::Ctx,
    error::Error,
    send_permit,
};

/// A message that is rendered once its recipient is known.
pub enum TestMessage<'a> {
    Mail(&'a (dyn Fn(String) -> Mail + Sync)),
    Sms(&'a (dyn Fn(String) -> Sms + Sync)),
}

/// Sends one message; returns the provider's error, if any.
///
/// # Errors
/// [`AdminError::Invalid`] when `to` is not a valid address or number.
pub async fn try_out(
    ctx: &Ctx<'_>,
    actor: &Actor,
    test_result: &TestMessage<'_>,
    to: &str,
) -> Result<Option<String>, AdminError> {
    let now = ctx.now;
    let _place = ctx.app.shares.trials.take(ctx.project.no).map_err(Error::from)?;
    let (channel, error) = match test_result {
        TestMessage::Mail(write) => {
            let to = parse(LoginIdKind::Email, to, "Enter an email address like name@example.com")?;
            let sent = ctx.app.mailer.send(&write(address_of(to)), &hex(&ctx.app.entropy.bytes::<16>()), now).await;
            ("mail", sent.err().map(|error| error.to_string()))
        }
        TestMessage::Sms(write) => {
            let to = parse(LoginIdKind::Phone, to, "Enter a phone number with its country code, like +49 30 901820")?;
            let Ok(permit) = send_permit::admit_test(ctx, &to).await? else {
                return Err(AdminError::fault(
                    "to",
                    "Text messages to this country are turned off (sms.allowed_countries)",
                ));
            };
            let sent = permit.send_now(ctx, &write(address_of(to))).await;
            ("sms", sent.err().map(|error| error.to_string()))
        }
    };
    let event = Event::MessageTested { channel, is_taken: error.is_none() };
    let (no, event) = (ctx.project.no, actor.prepare(ctx, &event, None));
    ctx.app.store.write("log_message_test", event, move |tx, event| Box::pin(event.write(tx, no, now))).await?;
    Ok(error)
}

fn parse(kind: LoginIdKind, to: &str, advice: &str) -> Result<LoginId, AdminError> {
    LoginId::parse(kind, to, None).map_err(|_| AdminError::fault("to", advice))
}

fn address_of(login_id: LoginId) -> String {
    login_id.address().unwrap_or(login_id.value)
}
