//! Sign-in pages of the portal: sign-in, first run, invitation, reset, and reauthentication.

use askama::Template;
use vestibule_web::template::finish;

use crate::{
    control::{Control, ControlKind},
    frame::{PortalContext, PortalPage},
    passkey::PasskeyBox,
};

/// Asks for address and password.
#[derive(Clone, Debug)]
pub(crate) struct SignInPage {
    pub email: String,
    pub error: Option<String>,
    pub next: String,
    pub passkey: PasskeyBox,
    /// Whether any operator exists.
    pub has_operators: bool,
}

impl SignInPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_web::passkey::Ceremony;
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

    fn problems(&self) -> Vec<(String, String)> {
        self.controls().iter().filter_map(Control::problem).collect()
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

/// The purpose of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OneTimeLinkKind {
    /// Creates the first operator, or a further owner.
    FirstRun,
    /// Invites an operator.
    Invitation {
        email: String,
        role: String,
        place: String,
        /// Whether an account has the address, which was never proved: its credentials are replaced.
        replaces: bool,
    },
    /// Resets an operator's credentials.
    Reset { email: String },
}

impl OneTimeLinkKind {
    fn title(&self) -> String {
        match self {
            Self::FirstRun => "Welcome to Vestibule",
            Self::Invitation { .. } => "You are invited",
            Self::Reset { .. } => "Choose how you sign in",
        }
        .to_string()
    }
}

/// Asks the holder of a one-time link for name and password, or to continue with a passkey.
#[derive(Clone, Debug)]
pub(crate) struct OneTimeLinkPage {
    pub kind: OneTimeLinkKind,
    pub action: String,
    pub email: String,
    pub name: String,
    pub min_length: usize,
    pub email_error: Option<String>,
    pub name_error: Option<String>,
    pub password_error: Option<String>,
}

impl OneTimeLinkPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let first = Self {
            kind: OneTimeLinkKind::FirstRun,
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
            kind: OneTimeLinkKind::Invitation {
                email: "kim@shop.example".into(),
                role: "editor".into(),
                place: "Corner Shop".into(),
                replaces: false,
            },
            ..first.clone()
        };
        let unproved = Self {
            kind: OneTimeLinkKind::Invitation {
                email: "kim@shop.example".into(),
                role: "editor".into(),
                place: "Corner Shop".into(),
                replaces: true,
            },
            ..first.clone()
        };
        let reset = Self { kind: OneTimeLinkKind::Reset { email: "kim@shop.example".into() }, ..first.clone() };
        vec![("first", first), ("wrong", wrong), ("invited", invited), ("unproved", unproved), ("reset", reset)]
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
            OneTimeLinkKind::FirstRun => vec![email, name, password],
            OneTimeLinkKind::Invitation { .. } => vec![name, password],
            OneTimeLinkKind::Reset { .. } => vec![password],
        }
    }

    fn button(&self) -> &'static str {
        match self.kind {
            OneTimeLinkKind::FirstRun => "Create account",
            OneTimeLinkKind::Invitation { .. } => "Accept invitation",
            OneTimeLinkKind::Reset { .. } => "Set password",
        }
    }
}

impl PortalPage for OneTimeLinkPage {
    fn title(&self) -> String {
        self.kind.title()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(OneTimeLinkBody { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.controls().iter().filter_map(Control::problem).collect()
    }
}

#[derive(Template)]
#[template(path = "portal/welcome.html")]
struct OneTimeLinkBody<'a> {
    ctx: &'a PortalContext,
    page: &'a OneTimeLinkPage,
}

/// Asks the holder of a one-time link for a passkey, after the other fields.
#[derive(Clone, Debug)]
pub(crate) struct OneTimeLinkPasskeyPage {
    pub kind: OneTimeLinkKind,
    pub action: String,
    pub email: String,
    pub passkey: PasskeyBox,
}

impl OneTimeLinkPasskeyPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_web::passkey::Ceremony;
        let first = Self {
            kind: OneTimeLinkKind::FirstRun,
            action: "/portal/welcome/abc".into(),
            email: "kim@shop.example".into(),
            passkey: PasskeyBox::sample(Ceremony::Create).send("email", "kim@shop.example").send("name", "Kim \"K\""),
        };
        let refused = Self { passkey: first.passkey.clone().error(Some("That did not work.")), ..first.clone() };
        let reset = Self { kind: OneTimeLinkKind::Reset { email: "kim@shop.example".into() }, ..first.clone() };
        vec![("first", first), ("refused", refused), ("reset", reset)]
    }
}

impl PortalPage for OneTimeLinkPasskeyPage {
    fn title(&self) -> String {
        self.kind.title()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(OneTimeLinkPasskeyBody { ctx, page: self }.render())
    }

    fn has_passkey(&self) -> bool {
        true
    }
}

#[derive(Template)]
#[template(path = "portal/welcome_passkey.html")]
struct OneTimeLinkPasskeyBody<'a> {
    ctx: &'a PortalContext,
    page: &'a OneTimeLinkPasskeyPage,
}

/// Asks an operator who has an account to accept a role in a new place.
#[derive(Clone, Debug)]
pub(crate) struct AcceptRolePage {
    pub role: String,
    pub place: String,
    pub email: String,
    pub action: String,
}

impl AcceptRolePage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            role: "editor".into(),
            place: "Corner <Shop>".into(),
            email: "kim@shop.example".into(),
            action: "/portal/invitations/abc".into(),
        };
        vec![("open", page)]
    }
}

impl PortalPage for AcceptRolePage {
    fn title(&self) -> String {
        "You are invited".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(AcceptRoleBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/accept_role.html")]
struct AcceptRoleBody<'a> {
    ctx: &'a PortalContext,
    page: &'a AcceptRolePage,
}

/// Reauthentication before a dangerous action.
#[derive(Clone, Debug)]
pub(crate) struct ProvePage {
    pub email: String,
    pub has_password: bool,
    pub passkey: Option<PasskeyBox>,
    pub error: Option<String>,
    pub next: String,
}

impl ProvePage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_web::passkey::Ceremony;
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

    fn problems(&self) -> Vec<(String, String)> {
        self.control().problem().into_iter().collect()
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
