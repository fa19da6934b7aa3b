//! Trying out mail and text messages: one, sent at once, and what the mail server or carrier said of it.

use vestibule_domain::{
    event::Event,
    identifier::{LoginId, LoginIdKind},
    time::Timestamp,
};

use super::{AdminError, Operator};
use crate::{
    app::App,
    events,
    ports::{mailer::Mail, sms::Sms},
    projects::Project,
};

/// How a message goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Mail,
    Sms,
}

impl Channel {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Sms => "sms",
        }
    }
}

/// Sends one message to an address or number; why it was not taken, if it was not.
///
/// # Errors
/// [`AdminError::Invalid`] when nobody can be reached at `to`.
pub(crate) async fn try_out(
    app: &App,
    project: &Project,
    operator: &Operator,
    channel: Channel,
    to: &str,
    now: Timestamp,
) -> Result<Option<String>, AdminError> {
    let name = project.settings.display_name();
    let error = match channel {
        Channel::Mail => {
            let to = parse(LoginIdKind::Email, to, "Enter an email address like name@example.com")?;
            let text = format!(
                "{name} can send mail.\n\nAn operator sent this from the portal to try it out. There is nothing to do.\n"
            );
            // Nothing of it was written by strangers but the name.
            let escaped = name.replace('&', "&amp;").replace('<', "&lt;");
            let html = format!(
                "<p>{escaped} can send mail.</p><p>An operator sent this from the portal to try it out. There is nothing to do.</p>"
            );
            let subject = format!("A test from {name}").replace(['\r', '\n'], " ");
            let mail = Mail { from: project.settings.mail.from.clone(), to, subject, text, html };
            app.mailer.send(&mail, now).await.err().map(|error| error.to_string())
        }
        Channel::Sms => {
            let to = parse(LoginIdKind::Phone, to, "Enter a number with its country code, like +49 30 901820")?;
            let body = format!("{name} can send text messages. This is a test: there is nothing to do.");
            let sms = Sms { to, body, project: project.id.clone() };
            app.sms.send(&sms, now).await.err().map(|error| error.to_string())
        }
    };
    let event = Event::MessageTested { channel: channel.as_str(), is_taken: error.is_none() };
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
