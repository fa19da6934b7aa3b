//! Mail and text messages: who carries them, and a test of each.

use vestibule_domain::operator::Role;

use super::{Answer, Desk, Door, Verb};
use crate::{
    config::{SmsProvider, SmtpSecurity},
    flows::admin::{
        AdminError,
        messages::{self, Channel},
    },
    ports::{mailer::Mailer, sms::SmsSender},
    ui::portal::{ChannelView, Control, ControlKind, MessagesPage, TrialLine},
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
    try_out(desk, Channel::Mail).await
}

async fn try_sms(desk: Desk) -> Answer {
    try_out(desk, Channel::Sms).await
}

async fn try_out(desk: Desk, channel: Channel) -> Answer {
    let field = match channel {
        Channel::Mail => "email",
        Channel::Sms => "phone",
    };
    let to = desk.field(field).trim().to_string();
    let outcome = messages::try_out(&desk.app, &desk.project, &desk.acting(), channel, &to, desk.now).await;
    let mut page = page(&desk);
    let view = match channel {
        Channel::Mail => &mut page.mail,
        Channel::Sms => &mut page.sms,
    };
    match outcome {
        Ok(error) => {
            let is_good = error.is_none();
            view.trial = Some(TrialLine { url: to, is_good, outcome: error.unwrap_or_default() });
            desk.show(&page)
        }
        Err(AdminError::Invalid(faults)) => {
            view.to.value = to;
            let error = faults.into_iter().next().map(|fault| fault.message);
            view.to = view.to.clone().error(error);
            desk.complain(&page)
        }
        Err(error) => Err(error.into()),
    }
}
