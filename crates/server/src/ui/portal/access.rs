//! Coming in: signing in, the first run, invitations, a new password, and proving again who one is.

use askama::Template;

use super::{
    control::{Control, ControlKind},
    frame::{PortalContext, PortalPage},
};
use crate::ui::page::finish;

/// Asks for address and password.
#[derive(Clone, Debug)]
pub struct SignInPage {
    /// What was typed before.
    pub email: String,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Where to go on afterwards.
    pub next: String,
}

impl SignInPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self { email: String::new(), error: None, next: "/portal".into() };
        let wrong = Self {
            email: "kim@shop.example".into(),
            error: Some("Address or password is not right.".into()),
            ..plain.clone()
        };
        vec![("plain", plain), ("wrong", wrong)]
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
    /// A new password.
    Reset {
        /// Whose.
        email: String,
    },
}

/// Asks whoever has a one-time link for name and password.
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
            email_error: Some("Write an address such as kim@shop.example.".into()),
            name_error: Some("Write a name of 1 to 100 characters.".into()),
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
            .hint("Your colleagues see it beside what you change.")
            .error(self.name_error.clone());
        let password = Control::new("password", "Password", ControlKind::NewPassword, "")
            .required()
            .hint(format!("At least {} characters. A few words are easier to remember than signs.", self.min_length))
            .error(self.password_error.clone());
        match self.kind {
            WelcomeKind::FirstRun => vec![email, name, password],
            WelcomeKind::Invitation { .. } => vec![name, password],
            WelcomeKind::Reset { .. } => vec![password],
        }
    }

    fn button(&self) -> &'static str {
        match self.kind {
            WelcomeKind::FirstRun => "Create the operator",
            WelcomeKind::Invitation { .. } => "Accept the invitation",
            WelcomeKind::Reset { .. } => "Set the password",
        }
    }
}

impl PortalPage for WelcomePage {
    fn title(&self) -> String {
        match self.kind {
            WelcomeKind::FirstRun => "Welcome to Vestibule".into(),
            WelcomeKind::Invitation { .. } => "You are invited".into(),
            WelcomeKind::Reset { .. } => "Choose a new password".into(),
        }
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

/// Asks for the password again, before something dangerous.
#[derive(Clone, Debug)]
pub struct ProvePage {
    /// Whose password.
    pub email: String,
    /// What is wrong with the last one.
    pub error: Option<String>,
    /// Where to go on afterwards.
    pub next: String,
}

impl ProvePage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain =
            Self { email: "kim@shop.example".into(), error: None, next: "/portal/p/shop/settings/delete".into() };
        let wrong = Self { error: Some("That is not your password.".into()), ..plain.clone() };
        vec![("plain", plain), ("wrong", wrong)]
    }

    fn control(&self) -> Control {
        Control::new("password", "Password", ControlKind::Password, "").required().error(self.error.clone())
    }
}

impl PortalPage for ProvePage {
    fn title(&self) -> String {
        "Is it really you?".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(ProveBody { ctx, page: self }.render())
    }

    fn complaints(&self) -> Vec<(String, String)> {
        self.control().complaint().into_iter().collect()
    }
}

#[derive(Template)]
#[template(path = "portal/prove.html")]
struct ProveBody<'a> {
    ctx: &'a PortalContext,
    page: &'a ProvePage,
}

/// Asks an operator for its next password.
#[derive(Clone, Debug)]
pub struct MyPasswordPage {
    /// Whose.
    pub email: String,
    /// The fewest characters.
    pub min_length: usize,
    /// What is wrong with the one typed.
    pub error: Option<String>,
}

impl MyPasswordPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self { email: "kim@shop.example".into(), min_length: 10, error: None };
        let short = Self { error: Some("Write at least 10 characters.".into()), ..plain.clone() };
        vec![("plain", plain), ("short", short)]
    }

    fn control(&self) -> Control {
        Control::new("password", "New password", ControlKind::NewPassword, "")
            .required()
            .hint(format!("At least {} characters. Your other sessions end.", self.min_length))
            .error(self.error.clone())
    }
}

impl PortalPage for MyPasswordPage {
    fn title(&self) -> String {
        "Your password".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(MyPasswordBody { ctx, page: self }.render())
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/portal".into(), "Projects".into()))
    }

    fn complaints(&self) -> Vec<(String, String)> {
        self.control().complaint().into_iter().collect()
    }
}

#[derive(Template)]
#[template(path = "portal/my_password.html")]
struct MyPasswordBody<'a> {
    ctx: &'a PortalContext,
    page: &'a MyPasswordPage,
}
