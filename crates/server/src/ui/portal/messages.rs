//! Configuration of mail and text messages, with a test of each.

use askama::Template;

use super::{
    control::{Control, ControlKind},
    frame::{PortalContext, PortalPage},
    webhooks::TestResultLine,
};
use crate::ui::{rendered_mail::RenderedMail, template::finish};

/// The state of one channel.
#[derive(Clone, Debug)]
pub struct ChannelView {
    /// The provider; `None` when it is not configured.
    pub carrier: Option<String>,
    /// The sender; empty where the provider decides.
    pub sender: String,
    pub to: Control,
    pub test_result: Option<TestResultLine>,
}

/// The result of a test.
#[derive(Clone, Debug)]
pub enum TestOutcome {
    /// The provider accepted it, or returned this error.
    Sent(Option<String>),
    /// The recipient is invalid, with the reason.
    Nowhere(String),
}

impl ChannelView {
    /// Sets the result of a test; returns whether a message was sent.
    pub fn show_outcome(&mut self, to: String, outcome: TestOutcome) -> bool {
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

pub fn test_text(name: &str) -> String {
    format!("Text messages work for {name}. This is a test. You don't need to do anything.")
}

#[derive(Clone, Debug)]
pub struct MessagesPage {
    pub mail: ChannelView,
    pub sms: ChannelView,
}

impl MessagesPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
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
        };
        vec![("some", Self { mail, sms }), ("none", none)]
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
