//! The page for entering a one-time code.

use askama::Template;
use vestibule_web::{
    context::PageContext,
    field::{Field, Steps},
    page::Page,
    template::finish,
    text::Text,
};

/// The channel of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeChannel {
    Email,
    Sms,
}

/// The purpose of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodePurpose {
    /// Verifying an address or number just entered.
    Verify,
    /// Signing in; the page does not reveal whether an account exists.
    Login,
    /// Choosing a new password; the page does not reveal whether an account exists.
    Recover,
}

/// Whether another code can be requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resend {
    Now,
    /// In this many seconds; the button is there already, for browsers without JavaScript.
    After(u32),
    /// No: the maximum was sent.
    Never,
}

/// Asks for the code. The form posts `code` and `action=verify`, the other one `action=resend`.
#[derive(Clone, Debug)]
pub(crate) struct VerifyCodePage {
    pub purpose: CodePurpose,
    pub channel: CodeChannel,
    /// The recipient, masked if the caller decides so.
    pub destination: String,
    pub action: String,
    pub error: Option<Text>,
    pub resend: Resend,
    pub back_href: Option<String>,
    pub cancel_href: Option<String>,
    pub steps: Option<Steps>,
}

impl VerifyCodePage {
    pub(crate) fn new(
        purpose: CodePurpose,
        channel: CodeChannel,
        destination: impl Into<String>,
        action: impl Into<String>,
    ) -> Self {
        Self {
            purpose,
            channel,
            destination: destination.into(),
            action: action.into(),
            error: None,
            resend: Resend::Now,
            back_href: None,
            cancel_href: None,
            steps: None,
        }
    }

    fn code(&self) -> Field {
        Field {
            autocomplete: "one-time-code",
            inputmode: Some("numeric"),
            max_length: Some(12),
            error: self.error.clone(),
            autofocus: true,
            ltr: true,
            plain: true,
            class: "code",
            ..Field::new("code", Text::new("field-code"), "text")
        }
    }

    fn lead(&self) -> &'static str {
        match (self.purpose, self.channel) {
            (CodePurpose::Verify, CodeChannel::Email) => "code-lead-email",
            (CodePurpose::Verify, CodeChannel::Sms) => "code-lead-sms",
            (CodePurpose::Login | CodePurpose::Recover, CodeChannel::Email) => "code-lead-email-if-account",
            (CodePurpose::Login | CodePurpose::Recover, CodeChannel::Sms) => "code-lead-sms-if-account",
        }
    }

    fn help(&self) -> &'static str {
        match self.channel {
            CodeChannel::Email => "code-help-email",
            CodeChannel::Sms => "code-help-sms",
        }
    }

    fn back(&self) -> &'static str {
        match self.channel {
            CodeChannel::Email => "code-other-email",
            CodeChannel::Sms => "code-other-phone",
        }
    }

    fn resends(&self) -> bool {
        self.resend != Resend::Never
    }

    fn wait(&self) -> Option<(u32, Text)> {
        match self.resend {
            Resend::After(seconds) if seconds > 0 => Some((seconds, Text::new("resend-wait").with("seconds", seconds))),
            Resend::Now | Resend::After(_) | Resend::Never => None,
        }
    }
}

impl Page for VerifyCodePage {
    fn title(&self) -> Text {
        Text::new(match self.channel {
            CodeChannel::Email => "code-title-email",
            CodeChannel::Sms => "code-title-sms",
        })
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(VerifyCodeBody { ctx, page: self }.render())
    }

    fn steps(&self) -> Option<Steps> {
        self.steps
    }

    fn problems(&self) -> Vec<(&'static str, Text)> {
        self.code().problem().into_iter().collect()
    }
}

impl VerifyCodePage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_web::field_problem::FieldProblem;
        let email = Self {
            back_href: Some("/flow/sample/back".into()),
            cancel_href: Some("/flow/sample/cancel".into()),
            steps: Some(Steps { current: 2, total: 2 }),
            resend: Resend::After(45),
            ..Self::new(CodePurpose::Verify, CodeChannel::Email, "ada@example.com", "/flow/sample/code")
        };
        vec![
            ("email", email.clone()),
            ("email-wrong", Self { error: Some(FieldProblem::CodeWrong.text()), resend: Resend::Now, ..email }),
            (
                "sms",
                Self {
                    back_href: Some("/flow/sample/back".into()),
                    resend: Resend::Never,
                    ..Self::new(CodePurpose::Verify, CodeChannel::Sms, "+44 ••• ••• 018", "/flow/sample/code")
                },
            ),
            ("sms-login", Self::new(CodePurpose::Login, CodeChannel::Sms, "+44 20 7946 0018", "/flow/sample/code")),
            (
                "email-recover",
                Self::new(CodePurpose::Recover, CodeChannel::Email, "ada@example.com", "/flow/sample/code"),
            ),
        ]
    }
}

#[derive(Template)]
#[template(path = "verify_code.html")]
struct VerifyCodeBody<'a> {
    ctx: &'a PageContext,
    page: &'a VerifyCodePage,
}
