//! One-time links: first run, invitation, reset.

use axum::http::StatusCode;
use vestibule_domain::{
    credential::password::Weakness,
    operator::{EVERY_PROJECT, LinkPurpose, Role},
};
use vestibule_store::operator_links::OperatorLink;

use super::{Answer, Door, HOME, Lobby, Verb};
use crate::{
    flows::operators::{
        EmailMistake, Mistakes, PASSWORD_POLICY, Typed,
        links::{self, WayIn},
        passkeys,
    },
    ui::portal::{MessagePage, PasskeyBox, WelcomeKind, WelcomePage, WelcomePasskeyPage},
};

pub(super) fn doors() -> Vec<Door> {
    vec![
        Door::lobby(Verb::Get, "/portal/welcome/{token}", show),
        Door::lobby(Verb::Post, "/portal/welcome/{token}", redeem),
    ]
}

async fn show(lobby: Lobby) -> Answer {
    match links::find(&lobby.app, lobby.param("token"), lobby.now).await? {
        Some(link) => lobby.show(&page(&lobby, &link, &Mistakes::default())),
        None => Ok(gone(&lobby)),
    }
}

async fn redeem(lobby: Lobby) -> Answer {
    let Some(link) = links::find(&lobby.app, lobby.param("token"), lobby.now).await? else {
        return Ok(gone(&lobby));
    };
    let typed = Typed { email: lobby.field("email"), name: lobby.field("name") };
    let action = lobby.field("action");
    let way = match action {
        "choose_passkey" => return ask_for_passkey(&lobby, &link, &typed, StatusCode::OK).await,
        "passkey" => WayIn::Passkey { seat: lobby.seat(), answer: lobby.field("credential") },
        _ => WayIn::Password(lobby.field("password")),
    };
    match links::redeem(&lobby.app, &link, &typed, way, lobby.ip, lobby.now).await? {
        links::Redeemed::SignedIn(cookie) => lobby.go_signed_in(&cookie, HOME),
        links::Redeemed::Mistaken(mistakes) if mistakes.passkey => {
            ask_for_passkey(&lobby, &link, &typed, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        links::Redeemed::Mistaken(mistakes) => lobby.complain(&page(&lobby, &link, &mistakes)),
        links::Redeemed::Gone => Ok(gone(&lobby)),
    }
}

/// The second step for a passkey: its owner is known now, so that the browser can name it.
async fn ask_for_passkey(lobby: &Lobby, link: &OperatorLink, typed: &Typed<'_>, status: StatusCode) -> Answer {
    let operator = match links::identify(&lobby.app, link, typed, lobby.now).await? {
        links::Identified::Newcomer(newcomer) => newcomer.operator,
        links::Identified::Mistaken(mistakes) => return lobby.complain(&page(lobby, link, &mistakes)),
        links::Identified::Gone => return Ok(gone(lobby)),
    };
    let whose = (operator.id, operator.email.as_str());
    let options = passkeys::creation_options(&lobby.app, lobby.seat(), whose, &[], lobby.now);
    let error = (status != StatusCode::OK).then_some("The passkey was not accepted. Try again.");
    let passkey = PasskeyBox::to_create(options, lobby.path(), "Create a passkey")
        .send("email", typed.email)
        .send("name", typed.name)
        .error(error);
    let page = WelcomePasskeyPage {
        kind: kind_of(lobby, link),
        action: lobby.path().to_string(),
        email: operator.email,
        passkey,
    };
    Ok(lobby.page(status, &page))
}

fn gone(lobby: &Lobby) -> axum::response::Response {
    lobby.page(
        StatusCode::GONE,
        &MessagePage {
            title: "This link no longer works".into(),
            text: "It was used already, has expired, or was replaced by a newer link. Ask the person who sent it for another one."
                .into(),
            link: Some(("/portal/sign-in".into(), "Sign in".into())),
            request_id: None,
        },
    )
}

/// A role in words.
pub(super) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Editor => "editor",
        Role::Owner => "owner",
    }
}

fn kind_of(lobby: &Lobby, link: &OperatorLink) -> WelcomeKind {
    match link.purpose {
        LinkPurpose::FirstRun => WelcomeKind::FirstRun,
        LinkPurpose::Reset => WelcomeKind::Reset { email: link.email.clone() },
        LinkPurpose::Invitation => {
            let project = lobby.app.projects.find_by_no(link.assignment.project);
            let place = match project {
                _ if link.assignment.project == EVERY_PROJECT => "every project".to_string(),
                Some(project) => project.settings.project.name.clone().unwrap_or_else(|| project.id.clone()),
                None => "a deleted project".to_string(),
            };
            WelcomeKind::Invitation { email: link.email.clone(), role: role_name(link.assignment.role).into(), place }
        }
    }
}

fn page(lobby: &Lobby, link: &OperatorLink, mistakes: &Mistakes) -> WelcomePage {
    WelcomePage {
        kind: kind_of(lobby, link),
        action: lobby.path().to_string(),
        email: lobby.field("email").to_string(),
        name: lobby.field("name").to_string(),
        min_length: PASSWORD_POLICY.min_length,
        email_error: mistakes.email.map(|mistake| {
            match mistake {
                EmailMistake::Invalid => "Enter an email address such as kim@shop.example.",
                EmailMistake::Taken => "An operator with this address exists. Sign in instead.",
            }
            .to_string()
        }),
        name_error: mistakes.name.then(|| "Enter a name of 1 to 100 characters.".to_string()),
        password_error: mistakes.weaknesses.first().map(|weakness| complain_of_password(*weakness)),
    }
}

/// The error of a new password.
pub(super) fn complain_of_password(weakness: Weakness) -> String {
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
