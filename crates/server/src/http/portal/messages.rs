//! Configuration of mail and text messages, with a test of each.

use vestibule_domain::operator::Role;

use super::{PageResult, PortalRoute, ProjectRequest, Verb};
use crate::{
    adapters::{
        mailer::{Mail, Mailer},
        sms::{Sms, SmsSender},
    },
    config::SmtpSecurity,
    flows::admin::{
        AdminError,
        messages::{self, TestMessage},
    },
    ui::portal::{ChannelView, Control, ControlKind, MessagesPage, TestOutcome, test_mail, test_text},
};

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::project(Verb::Get, "/portal/p/{project}/messages", Role::Viewer, show),
        PortalRoute::project(Verb::Post, "/portal/p/{project}/messages/mail", Role::Editor, try_mail),
        PortalRoute::project(Verb::Post, "/portal/p/{project}/messages/sms", Role::Editor, try_sms),
    ]
}

async fn show(request: ProjectRequest) -> PageResult {
    request.show(&page(&request))
}

fn page(request: &ProjectRequest) -> MessagesPage {
    MessagesPage { mail: mail(request), sms: sms(request) }
}

fn mail(request: &ProjectRequest) -> ChannelView {
    let smtp = &request.app.config.smtp;
    let carrier = match &request.app.mailer {
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
        sender: request.project.settings.mail.from.as_ref().unwrap_or(&smtp.from).clone(),
        to: Control::new("email", "Email address", ControlKind::Line("email"), "").required(),
        test_result: None,
    }
}

fn sms(request: &ProjectRequest) -> ChannelView {
    let config = &request.app.config.sms;
    let (carrier, sender) = match &request.app.sms {
        SmsSender::Twilio { .. } => (Some("Twilio".to_string()), config.twilio_from.clone()),
        SmsSender::Webhook { .. } => (Some(config.webhook_url.clone()), String::new()),
        SmsSender::Memory(_) => (Some("In-memory mailbox".to_string()), String::new()),
        SmsSender::None => (None, String::new()),
    };
    ChannelView {
        carrier,
        sender,
        to: Control::new("phone", "Phone number", ControlKind::Line("tel"), "").required(),
        test_result: None,
    }
}

async fn try_mail(request: ProjectRequest) -> PageResult {
    let to = request.field("email").trim().to_string();
    let settings = &request.project.settings;
    let write = |to: String| {
        let words = test_mail(settings.display_name());
        Mail { from: settings.mail.from.clone(), to, subject: words.subject, text: words.text, html: words.html }
    };
    let outcome = messages::try_out(&request.ctx(), &request.acting(), &TestMessage::Mail(&write), &to).await;
    answer(&request, to, outcome, |page| &mut page.mail)
}

async fn try_sms(request: ProjectRequest) -> PageResult {
    let to = request.field("phone").trim().to_string();
    let write = |to: String| Sms {
        to,
        body: test_text(request.project.settings.display_name()),
        project: request.project.id.clone(),
    };
    let outcome = messages::try_out(&request.ctx(), &request.acting(), &TestMessage::Sms(&write), &to).await;
    answer(&request, to, outcome, |page| &mut page.sms)
}

/// Shows the result of a test: the provider's response, or the problem of the recipient.
fn answer(
    request: &ProjectRequest,
    to: String,
    outcome: Result<Option<String>, AdminError>,
    channel: fn(&mut MessagesPage) -> &mut ChannelView,
) -> PageResult {
    let outcome = match outcome {
        Ok(error) => TestOutcome::Sent(error),
        Err(AdminError::Invalid(faults)) => {
            TestOutcome::Nowhere(faults.into_iter().next().map(|fault| fault.message).unwrap_or_default())
        }
        Err(error) => return Err(error.into()),
    };
    let mut page = page(request);
    let is_sent = channel(&mut page).show_outcome(to, outcome);
    if is_sent { request.show(&page) } else { request.show_again(&page) }
}
