//! Session: the lifetimes of cookie sessions.

use vestibule_domain::{
    client::{DEFAULT_IDLE_SECONDS, DEFAULT_LIFETIME_SECONDS},
    operator::Role,
};

use super::{
    Answer, Desk, Door, Verb,
    sheet::{self, Look, Panel, Part, Place, Row, Sheet},
};
use crate::ui::portal::{Control, ControlKind, Extra, LifetimeHelp, PanelView, Pick};

const PATH: &str = "/portal/p/{project}/session";

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
    let picks = vec![
        Pick::new("", "Keep users signed in", "The cookie outlives the browser window."),
        Pick::new("on", "End the session on browser close", "The cookie ends with the browser."),
    ];
    let cookie = Row {
        control: Control::new("browser", "When the browser closes", ControlKind::Radio(picks), ""),
        place: Place::Flag { path: "session.use_session_cookie", default: false },
    };
    let seconds = ControlKind::Number { unit: "seconds", min: 1 };
    let lifetime = Row {
        control: Control::new("lifetime", "Maximum session lifetime", seconds.clone(), "")
            .hint("However much it is used. Empty for the default, 52 weeks."),
        place: Place::Number { path: "session.lifetime_seconds", default: DEFAULT_LIFETIME_SECONDS },
    };
    let idles = Row {
        control: Control::new("idles", "Expire after idling", ControlKind::Toggle, ""),
        place: Place::Flag { path: "session.idle_timeout_enabled", default: true },
    };
    let idle = Row {
        control: Control::new("idle", "Idle timeout", seconds, "")
            .hint("Without a visit for that long, the session ends. Empty for the default, 30 days.")
            .depends("idles"),
        place: Place::Number { path: "session.idle_timeout_seconds", default: DEFAULT_IDLE_SECONDS },
    };
    let help = LifetimeHelp {
        lifetime: "lifetime".into(),
        enabled: Some("idles".into()),
        idle: "idle".into(),
        otherwise: None,
    };
    let view = PanelView {
        title: "Cookie sessions".into(),
        hint: "A shorter lifetime ends sessions that are older at once.".into(),
        help: Some(help),
        ..PanelView::default()
    };
    Sheet { part: Part::Project, panels: vec![Panel { view, rows: vec![cookie, lifetime, idles, idle], part: None }] }
}

fn look(_: &Desk) -> Look {
    Look {
        title: "Session".into(),
        lead: "For applications that use cookies, and for the account page. Applications that use tokens have lifetimes of \
               their own."
            .into(),
        section: "session",
        above: None,
        extra: Extra::None,
    }
}
