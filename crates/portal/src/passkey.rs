//! The passkey button of the portal: a form that `assets/passkey.js` fills with a WebAuthn response.

use askama::Template;
use vestibule_web::{passkey::Ceremony, template::finish};

use crate::{control::Control, frame::PortalContext};

/// A passkey button. The form posts `action=passkey` and, in `credential`, the response as JSON with base64url values.
#[derive(Clone, Debug)]
pub(crate) struct PasskeyBox {
    pub ceremony: Ceremony,
    pub options_json: String,
    pub action: String,
    pub hidden: Vec<(&'static str, String)>,
    /// Further inputs beside the button.
    pub controls: Vec<Control>,
    pub button: &'static str,
    pub is_alone: bool,
    pub error: Option<&'static str>,
}

impl PasskeyBox {
    /// A button for authentication.
    pub(crate) fn to_use(options_json: String, action: &str, button: &'static str) -> Self {
        Self {
            ceremony: Ceremony::Use,
            options_json,
            action: action.to_string(),
            hidden: Vec::new(),
            controls: Vec::new(),
            button,
            is_alone: false,
            error: None,
        }
    }

    /// A button for registration; the only action of its page.
    pub(crate) fn to_create(options_json: String, action: &str, button: &'static str) -> Self {
        Self { ceremony: Ceremony::Create, is_alone: true, ..Self::to_use(options_json, action, button) }
    }

    /// Adds a hidden field.
    #[must_use]
    pub(crate) fn send(mut self, name: &'static str, value: &str) -> Self {
        self.hidden.push((name, value.to_string()));
        self
    }

    #[must_use]
    pub(crate) fn error(mut self, error: Option<&'static str>) -> Self {
        self.error = error;
        self
    }

    #[cfg(test)]
    pub(super) fn sample(ceremony: Ceremony) -> Self {
        let options = r#"{"publicKey":{"challenge":"c2FtcGxl","rpId":"localhost"}}"#.to_string();
        match ceremony {
            Ceremony::Create => Self::to_create(options, "/portal/sample", "Create a passkey"),
            Ceremony::Use => Self::to_use(options, "/portal/sample", "Use a passkey"),
        }
    }

    pub(super) fn render(&self, ctx: &PortalContext) -> String {
        finish(PasskeyBoxBody { ctx, passkey: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/passkey.html")]
struct PasskeyBoxBody<'a> {
    ctx: &'a PortalContext,
    passkey: &'a PasskeyBox,
}
