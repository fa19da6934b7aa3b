//! Mail and text messages: who carries them, and a test of each.

use vestibule_domain::operator::Role;

use super::{Answer, Desk, Door, Problem, Verb};
use crate::{
    config::{SmsProvider, SmtpSecurity},
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
    let own = desk.project.settings.mail.from.clone();
    let (carrier, sender) = match &desk.app.mailer {
        Mailer::Smtp { .. } => {
            let security = match smtp.security {
                SmtpSecurity::None => "not encrypted",
                SmtpSecurity::Starttls => "STARTTLS",
                SmtpSecurity::Tls => "TLS",
            };
            (Some(format!("{}:{}, {security}", smtp.host, smtp.port)), own.unwrap_or_else(|| smtp.from.clone()))
        }
        Mailer::Memory(_) => (Some("A mailbox in memory".to_string()), own.unwrap_or_else(|| smtp.from.clone())),
        Mailer::None => (None, own.unwrap_or_default()),
    };
    ChannelView {
        carrier,
        sender,
        to: Control::new("email", "Email address", ControlKind::Line("email"), "").required(),
        trial: None,
    }
}

fn sms(desk: &Desk) -> ChannelView {
    let config = &desk.app.config.sms;
    let (carrier, sender) = match (&desk.app.sms, config.provider) {
        (SmsSender::Twilio { .. }, _) => (Some("Twilio".to_string()), config.twilio_from.clone()),
        (SmsSender::Webhook { .. }, _) => (Some(config.webhook_url.clone()), String::new()),
        (SmsSender::Memory(_), _) => (Some("A mailbox in memory".to_string()), String::new()),
        (SmsSender::None, SmsProvider::None | SmsProvider::Webhook | SmsProvider::Twilio) => (None, String::new()),
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
    let mut page = page(&desk);
    let is_sent = page.mail.tell(to, read(outcome)?);
    if is_sent { desk.show(&page) } else { desk.complain(&page) }
}

async fn try_sms(desk: Desk) -> Answer {
    let to = desk.field("phone").trim().to_string();
    let write = |to: String| Sms {
        to,
        body: trial_text(desk.project.settings.display_name()),
        project: desk.project.id.clone(),
    };
    let outcome = messages::try_out(&desk.app, &desk.project, &desk.acting(), &Trial::Sms(&write), &to, desk.now).await;
    let mut page = page(&desk);
    let is_sent = page.sms.tell(to, read(outcome)?);
    if is_sent { desk.show(&page) } else { desk.complain(&page) }
}

/// What came of a test: what the carrier said, or what is wrong with the recipient.
fn read(outcome: Result<Option<String>, AdminError>) -> Result<Outcome, Problem> {
    match outcome {
        Ok(error) => Ok(Outcome::Sent(error)),
        Err(AdminError::Invalid(faults)) => {
            Ok(Outcome::Nowhere(faults.into_iter().next().map(|fault| fault.message).unwrap_or_default()))
        }
        Err(error) => Err(error.into()),
    }
}
