//! Configuration of mail and text messages, with a test of each.

use vestibule_domain::operator::Role;

use super::{Answer, Desk, Door, Verb};
use crate::{
    config::SmtpSecurity,
    flows::admin::{
        AdminError,
        messages::{self, Trial},
    },
    ports::{
        mailer::{Mail, Mailer},
        sms::{Sms, SmsSender},
    },
    ui::portal::{ChannelView, Control, ControlKind, MessagesPage, Outcome, trial_mail, trial_text},
};

pub(super) fn doors() -> Vec<Door> {
    vec![
        Door::desk(Verb::Get, "/portal/p/{project}/messages", Role::Viewer, show),
        Door::desk(Verb::Post, "/portal/p/{project}/messages/mail", Role::Editor, try_mail),
        Door::desk(Verb::Post, "/portal/p/{project}/messages/sms", Role::Editor, try_sms),
    ]
}

async fn show(desk: Desk) -> Answer {
    desk.show(&page(&desk))
}

fn page(desk: &Desk) -> MessagesPage {
    MessagesPage { mail: mail(desk), sms: sms(desk) }
}

fn mail(desk: &Desk) -> ChannelView {
    let smtp = &desk.app.config.smtp;
    let carrier = match &desk.app.mailer {
        Mailer::Smtp { .. } => {
            let security = match smtp.security {
                SmtpSecurity::None => "not encrypted",
                SmtpSecurity::Starttls => "STARTTLS",
                SmtpSecurity::Tls => "TLS",
            };
            Some(format!("{}:{}, {security}", smtp.host, smtp.port))
        }
        Mailer::Memory(_) => Some("In-memory mailbox".to_string()),
        Mailer::None => None,
    };
    ChannelView {
        carrier,
        sender: desk.project.settings.mail.from.as_ref().unwrap_or(&smtp.from).clone(),
        to: Control::new("email", "Email address", ControlKind::Line("email"), "").required(),
        trial: None,
    }
}

fn sms(desk: &Desk) -> ChannelView {
    let config = &desk.app.config.sms;
    let (carrier, sender) = match &desk.app.sms {
        SmsSender::Twilio { .. } => (Some("Twilio".to_string()), config.twilio_from.clone()),
        SmsSender::Webhook { .. } => (Some(config.webhook_url.clone()), String::new()),
        SmsSender::Memory(_) => (Some("In-memory mailbox".to_string()), String::new()),
        SmsSender::None => (None, String::new()),
    };
    ChannelView {
        carrier,
        sender,
        to: Control::new("phone", "Phone number", ControlKind::Line("tel"), "").required(),
        trial: None,
    }
}

async fn try_mail(desk: Desk) -> Answer {
    let to = desk.field("email").trim().to_string();
    let settings = &desk.project.settings;
    let write = |to: String| {
        let words = trial_mail(settings.display_name());
        Mail { from: settings.mail.from.clone(), to, subject: words.subject, text: words.text, html: words.html }
    };
    let outcome =
        messages::try_out(&desk.app, &desk.project, &desk.acting(), &Trial::Mail(&write), &to, desk.now).await;
    answer(&desk, to, outcome, |page| &mut page.mail)
}

async fn try_sms(desk: Desk) -> Answer {
    let to = desk.field("phone").trim().to_string();
    let write = |to: String| Sms {
        to,
        body: trial_text(desk.project.settings.display_name()),
        project: desk.project.id.clone(),
    };
    let outcome = messages::try_out(&desk.app, &desk.project, &desk.acting(), &Trial::Sms(&write), &to, desk.now).await;
    answer(&desk, to, outcome, |page| &mut page.sms)
}

/// Shows the result of a test: the provider's response, or the problem of the recipient.
fn answer(
    desk: &Desk,
    to: String,
    outcome: Result<Option<String>, AdminError>,
    channel: fn(&mut MessagesPage) -> &mut ChannelView,
) -> Answer {
    let outcome = match outcome {
        Ok(error) => Outcome::Sent(error),
        Err(AdminError::Invalid(faults)) => {
            Outcome::Nowhere(faults.into_iter().next().map(|fault| fault.message).unwrap_or_default())
        }
        Err(error) => return Err(error.into()),
    };
    let mut page = page(desk);
    let is_sent = channel(&mut page).tell(to, outcome);
    if is_sent { desk.show(&page) } else { desk.complain(&page) }
}
