//! Authentication › Anonymous Users: whether visitors can become guests, what happens on a conflict, the sign-up limit,
//! and the lifetimes and scopes of each application's guests.

use vestibule_domain::{
    client::{ApplicationType, Client},
    operator::Role,
};

use super::{
    Answer, Desk, Door, Verb,
    application::{GUEST_IDLE, GUEST_LIFETIME, guests},
    sheet::{self, Look, Panel, Part, Place, Row, Sheet},
};
use crate::ui::portal::{Control, ControlKind, Extra, Fold, LifetimeHelp, LifetimeRow, Lifetimes, PanelView, Pick};

const PATH: &str = "/portal/p/{project}/anonymous-users";

pub(super) fn doors() -> Vec<Door> {
    vec![Door::desk(Verb::Get, PATH, Role::Viewer, show), Door::desk(Verb::Post, PATH, Role::Editor, save)]
}

async fn show(desk: Desk) -> Answer {
    sheet::show(&desk, plan(&desk), look(&desk)).await
}

async fn save(desk: Desk) -> Answer {
    sheet::save(&desk, plan(&desk), look).await
}

/// The applications that may have guests.
fn clients(desk: &Desk) -> Vec<&Client> {
    desk.project.settings.clients().iter().filter(|client| client.application_type().allows_anonymous()).collect()
}

fn plan(desk: &Desk) -> Sheet {
    let enable = Row {
        control: Control::new("anonymous", "Enable anonymous users?", ControlKind::Toggle, "")
            .hint("Visitors get a user with a stable ID on first use and keep the ID when they sign up later."),
        place: Place::Member {
            path: "authentication.identities",
            word: "anonymous",
            default: &["login_id"],
            key: None,
        },
    };
    let picks = vec![Pick::new("error", "Show Error", ""), Pick::new("login", "Proceed to Login", "")];
    let conflict = Row {
        control: Control::new(
            "conflict",
            "If the email or phone already has an account",
            ControlKind::Select(picks),
            "",
        )
        .hint(
            "Visitors can always use another address or sign in to the existing account. Nothing is merged. Show Error keeps the guest. Proceed to Login ends the guest, and the event names both users. Shown only after the visitor has verified the address.",
        )
        .depends("anonymous"),
        place: Place::Text { path: "identity.on_conflict.promotion", default: "error" },
    };
    let closed = Row {
        control: Control::new("closed", "Close sign-up", ControlKind::Toggle, "")
            .hint("No new guests or members. Existing guests can still sign up."),
        place: Place::Flag { path: "authentication.public_signup_disabled", default: false },
    };
    let limited = Row {
        control: Control::new("limited", "Limit new guests per IP address", ControlKind::Toggle, ""),
        place: Place::Flag { path: "authentication.rate_limits.signup_anonymous.per_ip.enabled", default: true },
    };
    let burst = Row {
        control: Control::new("burst", "New guests at once", ControlKind::Number { unit: "guests", min: 1 }, "")
            .hint("From one IP address. People on the same network share this limit.")
            .depends("limited"),
        place: Place::Number { path: "authentication.rate_limits.signup_anonymous.per_ip.burst", default: 60 },
    };
    let period = Row {
        control: Control::new("period", "Refill period", ControlKind::Line("text"), "")
            .hint("The limit refills completely over this time, such as 30s, 1m or 1h.")
            .depends("limited"),
        place: Place::Text { path: "authentication.rate_limits.signup_anonymous.per_ip.period", default: "1m" },
    };
    let mut panels = vec![
        Panel::new("Anonymous users", "", vec![enable, conflict]),
        Panel::new(
            "Sign-up limits",
            "Limits how many guests one IP address can create.",
            vec![limited, burst, period, closed],
        ),
    ];
    let clients = clients(desk);
    panels.extend(clients.iter().map(|client| guests_of(desk, client, clients.len() == 1)));
    Sheet { part: Part::Project, panels }
}

/// The guest settings of one application, as on its own page; collapsed if there are several applications.
fn guests_of(desk: &Desk, client: &Client, is_only: bool) -> Panel {
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
        link: Some((desk.href(&format!("/applications/{}", client.client_id)), format!("All settings of {name}"))),
        fold: Some(Fold {
            note: if has_own { "Custom settings" } else { "Default settings" }.into(),
            is_open: is_only,
        }),
        ..PanelView::default()
    };
    Panel { view, rows, part: Some(Part::Application(client.client_id.clone())) }
}

fn look(desk: &Desk) -> Look {
    let settings = &desk.project.settings;
    let session = settings.session_lifetime();
    let seconds = |duration: std::time::Duration| duration.as_secs();
    let rows = clients(desk)
        .into_iter()
        .filter(|client| client.application_type() != ApplicationType::TraditionalWebapp)
        .map(|client| {
            let lifetime = client.grant_lifetime(true);
            LifetimeRow {
                name: client.display_name().to_string(),
                href: desk.href(&format!("/applications/{}", client.client_id)),
                idle: lifetime.idle.map(seconds),
                lifetime: seconds(lifetime.hard),
            }
        })
        .collect();
    Look {
        title: "Anonymous users".into(),
        lead: "Visitors can use your apps before they sign up. They are guests until they do, and keep the same ID and everything they did."
            .into(),
        section: "anonymous-users",
        above: None,
        extra: Extra::UserLifetime {
            idle: session.idle.map(seconds),
            lifetime: seconds(session.hard),
            session_href: desk.href("/session"),
            rows,
            applications_href: desk.href("/applications"),
        },
    }
}
