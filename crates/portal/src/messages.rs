//! Configuration of mail and text messages, with a test of each.

use askama::Template;
use vestibule_app::{
    adapters::{
        mailer::{Mail, Mailer},
        sms::{Sms, SmsSender},
    },
    admin::{
        AdminError,
        messages::{self, TestMessage},
    },
    config::SmtpSecurity,
    sms_budget,
};
use vestibule_domain::operator::Role;
use vestibule_web::{rendered_mail::RenderedMail, template::finish};

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    control::{Control, ControlKind},
    frame::{PortalContext, PortalPage},
    moment::Moment,
    webhooks::TestResultLine,
};

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::project(Verb::Get, "/portal/p/{project}/messages", Role::Viewer, show),
        PortalRoute::project(Verb::Post, "/portal/p/{project}/messages/mail", Role::Editor, try_mail),
        PortalRoute::project(Verb::Post, "/portal/p/{project}/messages/sms", Role::Editor, try_sms),
    ]
}

async fn show(request: ProjectRequest) -> PageResult {
    request.show(&page(&request).await?)
}

async fn page(request: &ProjectRequest) -> Result<MessagesPage, PortalError> {
    let used_up = sms_budget::used_up_at(&request.ctx()).await?;
    let sms_used_up = used_up.map(|at| Moment::new(at.to_rfc3339()));
    Ok(MessagesPage { mail: mail(request), sms: sms(request), sms_used_up })
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
        Mail {
            from: settings.mail.from.clone(),
            to,
            subject: words.subject,
            text: words.text,
            html: words.html,
            useful_seconds: None,
        }
    };
    let outcome = messages::try_out(&request.ctx(), &request.acting(), &TestMessage::Mail(&write), &to).await;
    answer(&request, to, outcome, |page| &mut page.mail).await
}

async fn try_sms(request: ProjectRequest) -> PageResult {
    let to = request.field("phone").trim().to_string();
    let write = |to: String| Sms {
        to,
        body: test_text(request.project.settings.display_name()),
        project: request.project.id.clone(),
    };
    let outcome = messages::try_out(&request.ctx(), &request.acting(), &TestMessage::Sms(&write), &to).await;
    answer(&request, to, outcome, |page| &mut page.sms).await
}

/// Shows the result of a test: the provider's response, or the problem of the recipient.
async fn answer(
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
    let mut page = page(request).await?;
    let is_sent = channel(&mut page).show_outcome(to, outcome);
    if is_sent { request.show(&page) } else { request.show_again(&page) }
}

/// The state of one channel.
#[derive(Clone, Debug)]
pub(crate) struct ChannelView {
    /// The provider; `None` when it is not configured.
    pub carrier: Option<String>,
    /// The sender; empty where the provider decides.
    pub sender: String,
    pub to: Control,
    pub test_result: Option<TestResultLine>,
}

/// The result of a test.
#[derive(Clone, Debug)]
pub(crate) enum TestOutcome {
    /// The provider accepted it, or returned this error.
    Sent(Option<String>),
    /// The recipient is invalid, with the reason.
    Nowhere(String),
}

impl ChannelView {
    /// Sets the result of a test; returns whether a message was sent.
    pub(crate) fn show_outcome(&mut self, to: String, outcome: TestOutcome) -> bool {
        match outcome {
            TestOutcome::Sent(error) => {
                let is_good = error.is_none();
                self.test_result = Some(TestResultLine { url: to, is_good, outcome: error.unwrap_or_default() });
                true
            }
            TestOutcome::Nowhere(why) => {
                self.to.value = to;
                self.to.error = Some(why);
                false
            }
        }
    }
}

pub fn test_mail(name: &str) -> RenderedMail {
    let words = "An operator sent this test from the portal. You don't need to do anything.";
    let html = finish(TestMessageHtml { name, words }.render());
    let subject = format!("Test message from {name}").replace(['\r', '\n'], " ");
    RenderedMail { subject, text: format!("Email works for {name}.\n\n{words}\n"), html }
}

#[derive(Template)]
#[template(source = "<p>Email works for {{ name }}.</p><p>{{ words }}</p>", ext = "html")]
struct TestMessageHtml<'a> {
    name: &'a str,
    words: &'a str,
}

pub(crate) fn test_text(name: &str) -> String {
    format!("Text messages work for {name}. This is a test. You don't need to do anything.")
}

#[derive(Clone, Debug)]
pub(crate) struct MessagesPage {
    pub mail: ChannelView,
    pub sms: ChannelView,
    /// When the project's budget of text messages was used up, within the last hour.
    pub sms_used_up: Option<Moment>,
}

impl MessagesPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let mail = ChannelView {
            carrier: Some("smtp.shop.example:587, STARTTLS".into()),
            sender: "Shop <no-reply@shop.example>".into(),
            to: Control::new("email", "Email address", ControlKind::Line("email"), "").required(),
            test_result: Some(TestResultLine { url: "kim@shop.example".into(), is_good: true, outcome: String::new() }),
        };
        let sms = ChannelView {
            carrier: Some("Twilio".into()),
            sender: "+15005550006".into(),
            to: Control::new("phone", "Phone number", ControlKind::Line("tel"), "12").error(Some("Enter a number")),
            test_result: None,
        };
        let failed =
            TestResultLine { url: "kim@shop.example".into(), is_good: false, outcome: "it is <b>closed</b>".into() };
        let none = Self {
            mail: ChannelView { carrier: None, sender: String::new(), test_result: Some(failed), ..mail.clone() },
            sms: ChannelView { carrier: None, sender: String::new(), ..sms.clone() },
            sms_used_up: None,
        };
        let sms_used_up = Some(Moment::new("2030-05-01T08:00:00.000Z"));
        vec![("some", Self { mail, sms, sms_used_up }), ("none", none)]
    }

    fn channels(&self) -> [(&'static str, &'static str, &'static str, &ChannelView); 2] {
        [("mail", "Email", "smtp", &self.mail), ("sms", "Text messages", "sms", &self.sms)]
    }
}

impl PortalPage for MessagesPage {
    fn title(&self) -> String {
        "Email and SMS".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("messages")
    }

    fn problems(&self) -> Vec<(String, String)> {
        [&self.mail.to, &self.sms.to].into_iter().filter_map(Control::problem).collect()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(MessagesBody { ctx, page: self }.render())
    }

    fn may_be_stored(&self) -> bool {
        true
    }
}

#[derive(Template)]
#[template(path = "portal/messages.html")]
struct MessagesBody<'a> {
    ctx: &'a PortalContext,
    page: &'a MessagesPage,
}
