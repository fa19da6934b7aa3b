//! Trying out mail and text messages: one, sent at once, and what the mail server or carrier said of it.

use vestibule_domain::{
    event::Event,
    identifier::{LoginId, LoginIdKind},
    time::Timestamp,
};

use super::{AdminError, Operator};
use crate::{
    app::App,
    crypto::hex,
    events,
    ports::{mailer::Mail, sms::Sms},
    projects::Project,
};

/// A message that is written once it is known whom it goes to.
pub(crate) enum Trial<'a> {
    Mail(&'a (dyn Fn(String) -> Mail + Sync)),
    Sms(&'a (dyn Fn(String) -> Sms + Sync)),
}

/// Sends one message to an address or number; why it was not taken, if it was not.
///
/// # Errors
/// [`AdminError::Invalid`] when nobody can be reached at `to`.
pub(crate) async fn try_out(
    app: &App,
    project: &Project,
    operator: &Operator,
    trial: &Trial<'_>,
    to: &str,
    now: Timestamp,
) -> Result<Option<String>, AdminError> {
    let (channel, error) = match trial {
        Trial::Mail(write) => {
            let to = parse(LoginIdKind::Email, to, "Enter an email address like name@example.com")?;
            let sent = app.mailer.send(&write(to), &hex(&app.entropy.bytes::<16>()), now).await;
            ("mail", sent.err().map(|error| error.to_string()))
        }
        Trial::Sms(write) => {
            let to = parse(LoginIdKind::Phone, to, "Enter a phone number with its country code, like +49 30 901820")?;
            let sent = app.sms.send(&write(to), now).await;
            ("sms", sent.err().map(|error| error.to_string()))
        }
    };
    let event = Event::MessageTested { channel, is_taken: error.is_none() };
    let (no, event) = (project.no, operator.prepare(app, project, &event, None, now));
    app.store
        .write("log_message_test", event, move |tx, event| Box::pin(events::queue_of_project(tx, no, event, now)))
        .await?;
    app.outbox_bell.notify_one();
    Ok(error)
}

fn parse(kind: LoginIdKind, to: &str, advice: &str) -> Result<String, AdminError> {
    let parsed = LoginId::parse(kind, to, None).map_err(|_| AdminError::fault("to", advice))?;
    Ok(parsed.address().unwrap_or(parsed.value))
}
