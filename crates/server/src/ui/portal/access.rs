//! Coming in: signing in, the first run, invitations, a new way in, and proving again who one is.

use askama::Template;

use super::{
    control::{Control, ControlKind},
    frame::{PortalContext, PortalPage},
    passkey::PasskeyBox,
};
use crate::ui::{Ceremony, page::finish};

/// Asks for address and password.
#[derive(Clone, Debug)]
pub struct SignInPage {
    /// What was typed before.
    pub email: String,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Where to go on afterwards.
    pub next: String,
    /// Signing in without typing.
    pub passkey: PasskeyBox,
    /// Whether there is anybody who could sign in.
    pub has_operators: bool,
}

impl SignInPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            email: String::new(),
            error: None,
            next: "/portal".into(),
            passkey: PasskeyBox::sample(Ceremony::Use),
            has_operators: true,
        };
        let wrong =
            Self { email: "kim@shop.example".into(), error: Some("Wrong email or password.".into()), ..plain.clone() };
        let refused = Self {
            passkey: plain.passkey.clone().error(Some("This passkey is not registered here.")),
            ..plain.clone()
        };
        let unused = Self { has_operators: false, ..plain.clone() };
        vec![("plain", plain), ("wrong", wrong), ("refused", refused), ("unused", unused)]
    }

    fn controls(&self) -> Vec<Control> {
        vec![
            Control::new("email", "Email", ControlKind::Line("email"), &self.email).required().autocomplete("username"),
            Control::new("password", "Password", ControlKind::Password, "").required().error(self.error.clone()),
        ]
    }
}

impl PortalPage for SignInPage {
    fn title(&self) -> String {
        "Sign in to the portal".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(SignInBody { ctx, page: self }.render())
    }

    fn complaints(&self) -> Vec<(String, String)> {
        self.controls().iter().filter_map(Control::complaint).collect()
    }

    fn has_passkey(&self) -> bool {
        self.has_operators
    }
}

#[derive(Template)]
#[template(path = "portal/sign_in.html")]
struct SignInBody<'a> {
    ctx: &'a PortalContext,
    page: &'a SignInPage,
}

/// What a link was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WelcomeKind {
    /// The first operator, or another owner.
    FirstRun,
    /// Somebody invited.
    Invitation {
        /// The address it was sent to.
        email: String,
        /// The role, in words.
        role: String,
        /// The project, or "every project".
        place: String,
    },
    /// A new password or passkey.
    Reset {
        /// Whose.
        email: String,
    },
}

impl WelcomeKind {
    fn title(&self) -> String {
        match self {
            Self::FirstRun => "Welcome to Vestibule",
            Self::Invitation { .. } => "You are invited",
            Self::Reset { .. } => "Choose how you sign in",
        }
        .to_string()
    }
}

/// Asks whoever has a one-time link for name and password, or to go on to a passkey.
#[derive(Clone, Debug)]
pub struct WelcomePage {
    /// What the link is for.
    pub kind: WelcomeKind,
    /// Where the form posts to.
    pub action: String,
    /// What was typed before.
    pub email: String,
    /// What was typed before.
    pub name: String,
    /// The fewest characters of a password.
    pub min_length: usize,
    /// What is wrong with the address.
    pub email_error: Option<String>,
    /// What is wrong with the name.
    pub name_error: Option<String>,
    /// What is wrong with the password.
    pub password_error: Option<String>,
}

impl WelcomePage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let first = Self {
            kind: WelcomeKind::FirstRun,
            action: "/portal/welcome/abc".into(),
            email: String::new(),
            name: String::new(),
            min_length: 10,
            email_error: None,
            name_error: None,
            password_error: None,
        };
        let wrong = Self {
            email: "kim".into(),
            email_error: Some("Enter an email address such as kim@shop.example.".into()),
            name_error: Some("Enter a name of 1 to 100 characters.".into()),
            password_error: Some("At least 10 characters.".into()),
            ..first.clone()
        };
        let invited = Self {
            kind: WelcomeKind::Invitation {
                email: "kim@shop.example".into(),
                role: "editor".into(),
                place: "Corner Shop".into(),
            },
            ..first.clone()
        };
        let reset = Self { kind: WelcomeKind::Reset { email: "kim@shop.example".into() }, ..first.clone() };
        vec![("first", first), ("wrong", wrong), ("invited", invited), ("reset", reset)]
    }

    fn controls(&self) -> Vec<Control> {
        let email = Control::new("email", "Email", ControlKind::Line("email"), &self.email)
            .required()
            .autocomplete("username")
            .error(self.email_error.clone());
        let name = Control::new("name", "Your name", ControlKind::Line("text"), &self.name)
            .required()
            .autocomplete("name")
            .hint("Shown to other operators next to your changes.")
            .error(self.name_error.clone());
        let password = Control::new("password", "Password", ControlKind::NewPassword, "")
            .required()
            .hint(format!("At least {} characters. A few words are easier to remember than symbols.", self.min_length))
            .error(self.password_error.clone());
        match self.kind {
            WelcomeKind::FirstRun => vec![email, name, password],
            WelcomeKind::Invitation { .. } => vec![name, password],
            WelcomeKind::Reset { .. } => vec![password],
        }
    }

    fn button(&self) -> &'static str {
        match self.kind {
            WelcomeKind::FirstRun => "Create account",
            WelcomeKind::Invitation { .. } => "Accept invitation",
            WelcomeKind::Reset { .. } => "Set password",
        }
    }
}

impl PortalPage for WelcomePage {
    fn title(&self) -> String {
        self.kind.title()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(WelcomeBody { ctx, page: self }.render())
    }

    fn complaints(&self) -> Vec<(String, String)> {
        self.controls().iter().filter_map(Control::complaint).collect()
    }
}

#[derive(Template)]
#[template(path = "portal/welcome.html")]
struct WelcomeBody<'a> {
    ctx: &'a PortalContext,
    page: &'a WelcomePage,
}

/// Asks whoever has a one-time link for a passkey, once the rest is known.
#[derive(Clone, Debug)]
pub struct WelcomePasskeyPage {
    /// What the link is for.
    pub kind: WelcomeKind,
    /// The page of the link.
    pub action: String,
    /// Whose passkey it will be.
    pub email: String,
    /// Makes it.
    pub passkey: PasskeyBox,
}

impl WelcomePasskeyPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let first = Self {
            kind: WelcomeKind::FirstRun,
            action: "/portal/welcome/abc".into(),
            email: "kim@shop.example".into(),
            passkey: PasskeyBox::sample(Ceremony::Create).send("email", "kim@shop.example").send("name", "Kim \"K\""),
        };
        let refused = Self { passkey: first.passkey.clone().error(Some("That did not work.")), ..first.clone() };
        let reset = Self { kind: WelcomeKind::Reset { email: "kim@shop.example".into() }, ..first.clone() };
        vec![("first", first), ("refused", refused), ("reset", reset)]
    }
}

impl PortalPage for WelcomePasskeyPage {
    fn title(&self) -> String {
        self.kind.title()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(WelcomePasskeyBody { ctx, page: self }.render())
    }

    fn has_passkey(&self) -> bool {
        true
    }
}

#[derive(Template)]
#[template(path = "portal/welcome_passkey.html")]
struct WelcomePasskeyBody<'a> {
    ctx: &'a PortalContext,
    page: &'a WelcomePasskeyPage,
}

/// Asks for the password or a passkey again, before something dangerous.
#[derive(Clone, Debug)]
pub struct ProvePage {
    /// Who has to prove it.
    pub email: String,
    /// Whether there is a password.
    pub has_password: bool,
    /// One of the operator's passkeys, if it has any.
    pub passkey: Option<PasskeyBox>,
    /// What is wrong with the last one.
    pub error: Option<String>,
    /// Where to go on afterwards.
    pub next: String,
}

impl ProvePage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            email: "kim@shop.example".into(),
            has_password: true,
            passkey: None,
            error: None,
            next: "/portal/p/shop/settings/delete".into(),
        };
        let wrong = Self { error: Some("Wrong password.".into()), ..plain.clone() };
        let both = Self { passkey: Some(PasskeyBox::sample(Ceremony::Use)), ..plain.clone() };
        let passkey = PasskeyBox { is_alone: true, ..PasskeyBox::sample(Ceremony::Use) };
        let only = Self { has_password: false, passkey: Some(passkey), ..plain.clone() };
        vec![("plain", plain), ("wrong", wrong), ("both", both), ("only", only)]
    }

    fn control(&self) -> Control {
        Control::new("password", "Password", ControlKind::Password, "").required().error(self.error.clone())
    }
}

impl PortalPage for ProvePage {
    fn title(&self) -> String {
        "Confirm that it's you".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(ProveBody { ctx, page: self }.render())
    }

    fn complaints(&self) -> Vec<(String, String)> {
        self.control().complaint().into_iter().collect()
    }

    fn has_passkey(&self) -> bool {
        self.passkey.is_some()
    }
}

#[derive(Template)]
#[template(path = "portal/prove.html")]
struct ProveBody<'a> {
    ctx: &'a PortalContext,
    page: &'a ProvePage,
}
