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
            .hint("A visitor becomes a user with a stable id on first touch, and keeps the id when signing up later."),
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
            "User identity conflict when promote to normal user",
            ControlKind::Select(picks),
            "",
        )
        .hint(
            "Visitors can always use another address, or sign in to the account they have; nothing is merged. Show Error: \
             the guest they leave behind stays a guest. Proceed to Login: it ends, and the event names both users. The \
             conflict is shown only after the visitor has verified the address.",
        )
        .depends("anonymous"),
        place: Place::Text { path: "identity.on_conflict.promotion", default: "error" },
    };
    let closed = Row {
        control: Control::new("closed", "Close sign-up", ControlKind::Toggle, "")
            .hint("Nobody new comes in, neither guests nor members. Guests there are can still be promoted."),
        place: Place::Flag { path: "authentication.public_signup_disabled", default: false },
    };
    let limited = Row {
        control: Control::new("limited", "Limit new guests by address", ControlKind::Toggle, ""),
        place: Place::Flag { path: "authentication.rate_limits.signup_anonymous.per_ip.enabled", default: true },
    };
    let burst = Row {
        control: Control::new("burst", "New guests at once", ControlKind::Number { unit: "guests", min: 1 }, "")
            .hint("From one network address; phones behind one operator's address share it.")
            .depends("limited"),
        place: Place::Number { path: "authentication.rate_limits.signup_anonymous.per_ip.burst", default: 60 },
    };
    let period = Row {
        control: Control::new("period", "Grow back within", ControlKind::Line("text"), "")
            .hint("A length of time such as 1m, 30s or 1h. A whole burst has grown back after it.")
            .depends("limited"),
        place: Place::Text { path: "authentication.rate_limits.signup_anonymous.per_ip.period", default: "1m" },
    };
    let mut panels = vec![
        Panel::new("Anonymous users", "", vec![enable, conflict]),
        Panel::new("Sign-up limits", "They hold back floods, not people.", vec![limited, burst, period, closed]),
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
            row.control.hint = "Idling ends nothing: that is switched off for this application.".into();
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
        "They come with a cookie and live as long as the session does. An empty field: as for members."
    } else {
        "An empty field: as for members."
    };
    let view = PanelView {
        title: format!("Guests of {name}"),
        hint: hint.into(),
        help: (!uses_cookies).then_some(help),
        link: Some((desk.href(&format!("/applications/{}", client.client_id)), format!("Everything about {name}"))),
        fold: Some(Fold { note: if has_own { "Settings of their own" } else { "As usual" }.into(), is_open: is_only }),
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
        title: "Anonymous Users".into(),
        lead: "People can use your apps before they sign up. Vestibule keeps them as guests; whoever signs up later keeps \
               the same id and everything they did."
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
