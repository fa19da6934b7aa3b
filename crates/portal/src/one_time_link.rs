//! One-time links: first run, invitation, reset.

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

use crate::{HOME, PageResult, PortalRoute, PublicRequest, Verb};
use crate::{
    entry_pages::{OneTimeLinkKind, OneTimeLinkPage, OneTimeLinkPasskeyPage},
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
        text: "It was used already, has expired, was replaced by a newer link, or its sender may no longer send it. Ask for another one."
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
