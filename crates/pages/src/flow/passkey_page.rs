//! Pages for creating a passkey or signing in with one.

use askama::Template;
use vestibule_web::{
    context::PageContext,
    page::Page,
    passkey::{Ceremony, PasskeyCeremony},
    template::finish,
    text::Text,
};

/// Offers to create a passkey, or asks for one.
#[derive(Clone, Debug)]
pub(crate) struct PasskeyPage {
    pub passkey: PasskeyCeremony,
    /// The target of the form that skips this step.
    pub skip_action: Option<String>,
    pub other_href: Option<String>,
    pub cancel_href: Option<String>,
}

impl PasskeyPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let create = Self {
            passkey: PasskeyCeremony::sample(Ceremony::Create),
            skip_action: Some("/flow/sample/skip-passkey".into()),
            other_href: None,
            cancel_href: None,
        };
        let using = Self {
            passkey: PasskeyCeremony::sample(Ceremony::Use),
            skip_action: None,
            other_href: Some("/login".into()),
            cancel_href: Some("/cancel".into()),
        };
        vec![("create", create), ("use", using)]
    }

    fn lead(&self) -> &'static str {
        match self.passkey.ceremony {
            Ceremony::Create => "passkey-create-lead",
            Ceremony::Use => "passkey-use-lead",
        }
    }
}

impl Page for PasskeyPage {
    fn title(&self) -> Text {
        Text::new(match self.passkey.ceremony {
            Ceremony::Create => "passkey-create-title",
            Ceremony::Use => "passkey-use-title",
        })
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(PasskeyBody { ctx, page: self }.render())
    }

    fn has_passkey(&self) -> bool {
        true
    }
}

#[derive(Template)]
#[template(path = "passkey.html")]
struct PasskeyBody<'a> {
    ctx: &'a PageContext,
    page: &'a PasskeyPage,
}
