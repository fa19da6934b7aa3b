//! Authentication › Anonymous Users: whether visitors can be guests, what happens on a conflict, how many may come at once,
//! and how long they can be reached (protocol facts §15.1).

use vestibule_domain::{client::ApplicationType, operator::Role};

use super::{
    Answer, Desk, Door, Verb,
    sheet::{self, Look, Panel, Part, Place, Row, Sheet},
};
use crate::ui::portal::{Control, ControlKind, Extra, LifetimeRow, PanelView, Pick};

const PATH: &str = "/portal/p/{project}/anonymous-users";

pub(super) fn doors() -> Vec<Door> {
    vec![Door::desk(Verb::Get, PATH, Role::Viewer, show), Door::desk(Verb::Post, PATH, Role::Editor, save)]
}

async fn show(desk: Desk) -> Answer {
    sheet::show(&desk, plan(), look(&desk)).await
}

async fn save(desk: Desk) -> Answer {
    sheet::save(&desk, plan(), look).await
}

fn plan() -> Sheet {
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
            "A guest signs up with an address that belongs to somebody: show an error, or let the person sign in as that \
             user. Either way it is told only to who proved to own the address.",
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
    let panel = |title: &str, hint: &str, rows| Panel {
        view: PanelView { title: title.into(), hint: hint.into(), ..PanelView::default() },
        rows,
    };
    Sheet {
        part: Part::Project,
        panels: vec![
            panel("Anonymous users", "", vec![enable, conflict]),
            panel("Sign-up limits", "They hold back floods, not people.", vec![limited, burst, period, closed]),
        ],
    }
}

fn look(desk: &Desk) -> Look {
    let settings = &desk.project.settings;
    let session = settings.session_lifetime();
    let seconds = |duration: std::time::Duration| duration.as_secs();
    let rows = settings
        .clients()
        .iter()
        .filter(|client| client.application_type().allows_anonymous())
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
