//! Authentication › Anonymous Users: whether visitors can become guests, what happens on a conflict, the sign-up limit,
//! and the lifetimes and scopes of each application's guests.

use vestibule_domain::{
    client::{ApplicationType, Client},
    project::LimitName,
};

use crate::{
    PortalRoute, ProjectRequest,
    application::{GUEST_IDLE, GUEST_LIFETIME, guests},
    bound_control::{control, member},
    control::Control,
    rate_limits::PERIOD_HINT,
    settings_form::{self, DocumentScope, FormView, Panel, SettingsForm},
    settings_page::{Extra, Fold, LifetimeHelp, LifetimeRow, Lifetimes, PanelView},
};

const PATH: &str = "/portal/p/{project}/anonymous-users";

pub(super) fn routes() -> Vec<PortalRoute> {
    settings_form::routes(PATH, build_form, look)
}

/// The applications that may have guests.
fn clients(request: &ProjectRequest) -> Vec<&Client> {
    request.project.settings.clients().iter().filter(|client| client.application_type().allows_anonymous()).collect()
}

/// The label of a choice.
fn describe_conflict(word: &str) -> (&str, &'static str) {
    match word {
        "error" => ("Show Error", ""),
        "merge" => ("Ask and Merge", ""),
        _ => ("Proceed to Login", ""),
    }
}

/// The label of what becomes of a merge without an answer.
fn describe_timeout(word: &str) -> (&str, &'static str) {
    match word {
        "settle" => ("Merge anyway", ""),
        _ => ("Keep the Guest", ""),
    }
}

/// The panels besides those of the applications.
pub(super) fn project_panels() -> Vec<Panel> {
    let guests = vec![
        member("authentication.identities", "anonymous", "anonymous", "Enable anonymous users?")
            .hint("Visitors get a user with a stable ID on first use and keep the ID when they sign up later."),
        control("identity.on_conflict.promotion", "conflict", "If the email or phone already has an account")
            .choices(describe_conflict)
            .hint("Visitors can always use another address or sign in to the existing account. Show Error keeps the guest. Proceed to Login ends the guest, and the event names both users. Ask and Merge lets the visitor decide whether the guest is merged into the account. Shown only after the visitor has verified the address.")
            .depends("anonymous"),
    ];
    let limit = |key: &str| format!("{}.{key}", LimitName::SignupAnonymousPerIp.path());
    let sign_up = vec![
        control(&limit("enabled"), "limited", "Limit new guests per IP address"),
        control(&limit("burst"), "burst", "New guests at once")
            .unit("guests")
            .hint("From one IP address. People on the same network share this limit.")
            .depends("limited"),
        control(&limit("period"), "period", "Refill period").hint(PERIOD_HINT).depends("limited"),
        control("authentication.public_signup_disabled", "closed", "Close sign-up")
            .hint("No new guests or members. Existing guests can still sign up."),
    ];
    vec![
        Panel::new("Anonymous users", "", guests),
        Panel::new(
            "Merging",
            "Applies when a guest is merged into a member. The rules for attributes are set in the project file.",
            vec![
                control("identity.merge.handshake", "handshake", "Wait until my server has moved the guest's data")
                    .hint("Your server gets the event user.merge.requested and answers. The member signs in at once."),
                control("identity.merge.answer_seconds", "answer_by", "Time for the answer").depends("handshake"),
                control("identity.merge.on_timeout", "on_timeout", "Without an answer in time")
                    .choices(describe_timeout)
                    .depends("handshake"),
                control("identity.merge.undo_seconds", "undo", "Merges can be undone for")
                    .hint("By an operator or your server. 0: not at all."),
            ],
        ),
        Panel::new(
            "Retention",
            "Each application has rules for deleting unused guests, on its page. What they do is on the page Guest retention.",
            vec![
                control(
                    "authentication.retention_confirm_percent",
                    "retention_confirm",
                    "Ask before new rules that expire more than",
                )
                .unit("percent of the guests")
                .hint("Of one application, at first. 100 never asks."),
            ],
        ),
        Panel::new("Sign-up limits", "Limits how many guests one IP address can create.", sign_up),
    ]
}

fn build_form(request: &ProjectRequest) -> SettingsForm {
    let mut panels = project_panels();
    let clients = clients(request);
    panels.extend(clients.iter().map(|client| guests_of(request, client, clients.len() == 1)));
    SettingsForm { scope: DocumentScope::Project, panels }
}

/// The guest settings of one application, as on its own page; collapsed if there are several applications.
fn guests_of(request: &ProjectRequest, client: &Client, is_only: bool) -> Panel {
    let own = |name: &str| format!("{name}.{}", client.client_id);
    let name = client.display_name();
    let kind = client.application_type();
    let members = client.grant_lifetime(false);
    let mut rows = guests(kind);
    for row in &mut rows {
        let is_idle = row.control.name == GUEST_IDLE;
        let control = row.control.clone();
        row.control = Control { name: own(&control.name), ..control }.of(name);
        if is_idle && members.idle.is_none() {
            row.control.hint = "No effect: this application has no idle timeout.".into();
        }
    }
    let has_own = client.anonymous_access_token_lifetime_seconds.is_some()
        || client.anonymous_refresh_token_lifetime_seconds.is_some()
        || client.anonymous_refresh_token_idle_timeout_seconds.is_some()
        || client.anonymous_scopes.is_some();
    let uses_cookies = kind == ApplicationType::TraditionalWebapp;
    let help = LifetimeHelp {
        lifetime: own(GUEST_LIFETIME),
        enabled: None,
        idle: own(GUEST_IDLE),
        otherwise: Some(Lifetimes { lifetime: members.hard.as_secs(), idle: members.idle.map(|idle| idle.as_secs()) }),
    };
    let hint = if uses_cookies {
        "These guests use a cookie and last as long as the session. An empty field uses the members' value."
    } else {
        "An empty field uses the members' value."
    };
    let view = PanelView {
        title: format!("Guests of {name}"),
        hint: hint.into(),
        help: (!uses_cookies).then_some(help),
        link: Some((request.href(&format!("/applications/{}", client.client_id)), format!("All settings of {name}"))),
        fold: Some(Fold {
            note: if has_own { "Custom settings" } else { "Default settings" }.into(),
            is_open: is_only,
        }),
        ..PanelView::default()
    };
    Panel { view, rows, scope: Some(DocumentScope::Application(client.client_id.clone())) }
}

fn look(request: &ProjectRequest) -> FormView {
    let settings = &request.project.settings;
    let session = settings.session_lifetime();
    let seconds = |duration: std::time::Duration| duration.as_secs();
    let rows = clients(request)
        .into_iter()
        .filter(|client| client.application_type() != ApplicationType::TraditionalWebapp)
        .map(|client| {
            let lifetime = client.grant_lifetime(true);
            LifetimeRow {
                name: client.display_name().to_string(),
                href: request.href(&format!("/applications/{}", client.client_id)),
                idle: lifetime.idle.map(seconds),
                lifetime: seconds(lifetime.hard),
            }
        })
        .collect();
    FormView {
        title: "Anonymous users".into(),
        lead: "Visitors can use your apps before they sign up. They are guests until they do, and keep the same ID and everything they did."
            .into(),
        section: "anonymous-users",
        above: None,
        extra: Extra::UserLifetime {
            idle: session.idle.map(seconds),
            lifetime: seconds(session.hard),
            session_href: request.href("/session"),
            rows,
            applications_href: request.href("/applications"),
        },
    }
}
