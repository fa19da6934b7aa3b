//! One-time links: first run, invitation, reset.

use askama::Template;
use axum::http::StatusCode;
use vestibule_app::{
    operators::{
        OperatorEmailError, OperatorInput, OperatorInputErrors, PASSWORD_POLICY,
        links::{self, LinkHolder, NewCredential},
        passkeys,
    },
    state::App,
};
use vestibule_domain::{
    credential::password::Weakness,
    operator::{EVERY_PROJECT, LinkPurpose, OperatorLink, Role},
};
use vestibule_web::template::finish;

use crate::{
    HOME, PageResult, PortalRoute, PublicRequest, Verb,
    control::{Control, ControlKind},
    frame::{PortalContext, PortalPage},
    message::MessagePage,
    passkey::PasskeyBox,
};

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::public(Verb::Get, "/portal/welcome/{token}", show),
        PortalRoute::public(Verb::Post, "/portal/welcome/{token}", redeem),
    ]
}

async fn show(request: PublicRequest) -> PageResult {
    let token = request.param("token");
    let Some(link) = links::find(&request.app, token, request.now).await? else { return Ok(gone(&request)) };
    match links::holder_of(&request.app, &link).await? {
        LinkHolder::Account => request.go(&links::acceptance_path_of(token)),
        holder @ (LinkHolder::New | LinkHolder::Reset | LinkHolder::Unproved) => {
            request.show(&page(&request, (&link, holder), &OperatorInputErrors::default()))
        }
    }
}

async fn redeem(request: PublicRequest) -> PageResult {
    let Some(link) = links::find(&request.app, request.param("token"), request.now).await? else {
        return Ok(gone(&request));
    };
    let holder = links::holder_of(&request.app, &link).await?;
    if holder == LinkHolder::Account {
        return request.go(&links::acceptance_path_of(request.param("token")));
    }
    let typed = OperatorInput { email: request.field("email"), name: request.field("name") };
    let action = request.field("action");
    let credential = match action {
        "choose_passkey" => return ask_for_passkey(&request, (&link, holder), &typed, StatusCode::OK).await,
        "passkey" => NewCredential::Passkey { ceremony: request.ceremony(), answer: request.field("credential") },
        _ => NewCredential::Password(request.field("password")),
    };
    match links::redeem(&request.app, &link, &typed, credential, request.ip, request.now).await? {
        links::RedeemOutcome::SignedIn(started) => request.go_signed_in(&started, HOME),
        links::RedeemOutcome::Invalid(errors) if errors.passkey => {
            ask_for_passkey(&request, (&link, holder), &typed, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        links::RedeemOutcome::Invalid(errors) => request.show_again(&page(&request, (&link, holder), &errors)),
        links::RedeemOutcome::Gone => Ok(gone(&request)),
    }
}

/// The second step for a passkey: its owner is known now, so that the browser can name it.
async fn ask_for_passkey(
    request: &PublicRequest,
    (link, holder): (&OperatorLink, LinkHolder),
    typed: &OperatorInput<'_>,
    status: StatusCode,
) -> PageResult {
    let operator = match links::identify(&request.app, link, typed, request.now).await? {
        links::Identified::Newcomer(newcomer) => newcomer.operator,
        links::Identified::Invalid(errors) => return request.show_again(&page(request, (link, holder), &errors)),
        links::Identified::Gone => return Ok(gone(request)),
    };
    let identity = (operator.id, operator.email.as_str());
    let options = passkeys::creation_options(&request.app, request.ceremony(), identity, &[], request.now);
    let error = (status != StatusCode::OK).then_some("The passkey was not accepted. Try again.");
    let passkey = PasskeyBox::to_create(options, request.path(), "Create a passkey")
        .send("email", typed.email)
        .send("name", typed.name)
        .error(error);
    let page = OneTimeLinkPasskeyPage {
        kind: kind_of(request, (link, holder)),
        action: request.path().to_string(),
        email: operator.email,
        passkey,
    };
    Ok(request.page(status, &page))
}

fn gone(request: &PublicRequest) -> axum::response::Response {
    request.page(StatusCode::GONE, &gone_page())
}

pub(super) fn gone_page() -> MessagePage {
    MessagePage {
        title: "This link no longer works".into(),
        text: "It was used already, has expired, was replaced by a newer link, was made by an earlier release, or its sender may no longer \
               send it. Ask an owner for another one, or run \u{201c}vestibule operator link --email\u{201d} on the server."
            .into(),
        link: Some(("/portal/sign-in".into(), "Sign in".into())),
        request_id: None,
    }
}

/// The place of an invitation in words.
pub(super) fn place_name(app: &App, link: &OperatorLink) -> String {
    match app.projects.find_by_no(link.assignment.project) {
        _ if link.assignment.project == EVERY_PROJECT => "every project".to_string(),
        Some(project) => project.settings.project.name.clone().unwrap_or_else(|| project.id.clone()),
        None => "a deleted project".to_string(),
    }
}

/// A role in words.
pub(super) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Editor => "editor",
        Role::Owner => "owner",
    }
}

fn kind_of(request: &PublicRequest, (link, holder): (&OperatorLink, LinkHolder)) -> OneTimeLinkKind {
    match link.purpose {
        LinkPurpose::FirstRun => OneTimeLinkKind::FirstRun,
        LinkPurpose::Reset => OneTimeLinkKind::Reset { email: link.email.clone() },
        LinkPurpose::Invitation => OneTimeLinkKind::Invitation {
            email: link.email.clone(),
            role: role_name(link.assignment.role).into(),
            place: place_name(&request.app, link),
            replaces: holder == LinkHolder::Unproved,
        },
    }
}

fn page(request: &PublicRequest, of: (&OperatorLink, LinkHolder), errors: &OperatorInputErrors) -> OneTimeLinkPage {
    OneTimeLinkPage {
        kind: kind_of(request, of),
        action: request.path().to_string(),
        email: request.field("email").to_string(),
        name: request.field("name").to_string(),
        min_length: PASSWORD_POLICY.min_length,
        email_error: errors.email.map(|mistake| {
            match mistake {
                OperatorEmailError::Invalid => "Enter an email address such as kim@shop.example.",
                OperatorEmailError::Taken => "An operator with this address exists. Sign in instead.",
            }
            .to_string()
        }),
        name_error: errors.name.then(|| "Enter a name of 1 to 100 characters.".to_string()),
        password_error: errors.weaknesses.first().map(|weakness| describe_password_problem(*weakness)),
    }
}

/// The error of a new password.
pub(super) fn describe_password_problem(weakness: Weakness) -> String {
    match weakness {
        Weakness::TooShort { min } => format!("Use at least {min} characters."),
        Weakness::TooLong { max } => format!("Use at most {max} characters."),
        Weakness::LikeLoginId => {
            "This password is too similar to your name or email address. Choose another one.".into()
        }
        Weakness::TooGuessable => "This password is too easy to guess. Add a word or two.".into(),
        Weakness::Breached => "This password has appeared in a data breach. Choose another one.".into(),
    }
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
