//! The passkey button of the portal: a form that the pages' script (`assets/passkey.js`) fills with a WebAuthn answer.

use askama::Template;

use super::{control::Control, frame::PortalContext};
use crate::ui::{Ceremony, page::finish};

/// A passkey button. The form posts `action=passkey` and, in `credential`, the answer as JSON with base64url values.
#[derive(Clone, Debug)]
pub struct PasskeyBox {
    /// Made or used.
    pub ceremony: Ceremony,
    /// The options as JSON with base64url values.
    pub options_json: String,
    /// Where the form posts to.
    pub action: String,
    /// What is sent along, unseen.
    pub hidden: Vec<(&'static str, String)>,
    /// What may be typed beside the button.
    pub controls: Vec<Control>,
    /// What the button says.
    pub button: &'static str,
    /// Whether there is no other way on the page.
    pub is_alone: bool,
    /// Why the last answer was not taken.
    pub error: Option<&'static str>,
}

impl PasskeyBox {
    /// A button for using a passkey.
    pub fn to_use(options_json: String, action: &str, button: &'static str) -> Self {
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

    /// A button for making one; it stands alone.
    pub fn to_create(options_json: String, action: &str, button: &'static str) -> Self {
        Self { ceremony: Ceremony::Create, is_alone: true, ..Self::to_use(options_json, action, button) }
    }

    /// With what is sent along, unseen.
    #[must_use]
    pub fn send(mut self, name: &'static str, value: &str) -> Self {
        self.hidden.push((name, value.to_string()));
        self
    }

    /// With a complaint, if there is one.
    #[must_use]
    pub fn error(mut self, error: Option<&'static str>) -> Self {
        self.error = error;
        self
    }

    pub(super) fn sample(ceremony: Ceremony) -> Self {
        let options = r#"{"publicKey":{"challenge":"c2FtcGxl","rpId":"localhost"}}"#.to_string();
        match ceremony {
            Ceremony::Create => Self::to_create(options, "/portal/sample", "Create a passkey"),
            Ceremony::Use => Self::to_use(options, "/portal/sample", "Use a passkey"),
        }
    }

    pub(super) fn render(&self, ctx: &PortalContext) -> String {
        finish(Body { ctx, passkey: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/passkey.html")]
struct Body<'a> {
    ctx: &'a PortalContext,
    passkey: &'a PasskeyBox,
}
