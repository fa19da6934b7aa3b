//! The passkey button: a form that a small script fills with a WebAuthn response (WebAuthn Level 3, JSON forms).

use askama::Template;

use crate::{context::PageContext, template::finish};

/// A WebAuthn ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceremony {
    /// Registration (`navigator.credentials.create`).
    Create,
    /// Authentication (`navigator.credentials.get`).
    Use,
}

impl Ceremony {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Use => "use",
        }
    }
}

/// A passkey button. The form posts `action=passkey` and, in `credential`, the response as JSON with base64url values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyCeremony {
    pub ceremony: Ceremony,
    /// The options as JSON with base64url values: the object with `publicKey`, or its value.
    pub options_json: String,
    pub action: String,
}

impl PasskeyCeremony {
    /// The button as an alternative below a form.
    pub fn render_beside(&self, ctx: &PageContext) -> String {
        finish(PasskeyButton { ctx, passkey: self, alone: false }.render())
    }

    /// The button as the main action of its page.
    pub fn render_alone(&self, ctx: &PageContext) -> String {
        finish(PasskeyButton { ctx, passkey: self, alone: true }.render())
    }
}

impl PasskeyCeremony {
    pub fn sample(ceremony: Ceremony) -> Self {
        let options_json = r#"{"publicKey":{"challenge":"c2FtcGxl","rpId":"localhost"}}"#.to_owned();
        Self { ceremony, options_json, action: "/flow/sample/passkey".into() }
    }
}

#[derive(Template)]
#[template(path = "part/passkey.html")]
struct PasskeyButton<'a> {
    ctx: &'a PageContext,
    passkey: &'a PasskeyCeremony,
    alone: bool,
}

impl PasskeyButton<'_> {
    fn label(&self) -> &'static str {
        match self.passkey.ceremony {
            Ceremony::Create if self.alone => "passkey-button-create",
            Ceremony::Create => "passkey-button-instead",
            Ceremony::Use => "passkey-button-use",
        }
    }
}
