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
        Pick::new("", "Keep users signed in", "The cookie is kept after the browser closes."),
        Pick::new("on", "End the session on browser close", "The cookie is deleted when the browser closes."),
    ];
    let cookie = Row {
        control: Control::new("browser", "When the browser closes", ControlKind::Radio(picks), ""),
        place: Place::Flag { path: "session.use_session_cookie", default: false },
    };
    let seconds = ControlKind::Number { unit: "seconds", min: 1 };
    let lifetime = Row {
        control: Control::new("lifetime", "Maximum session lifetime", seconds.clone(), "")
            .hint("The session ends after this time, even if it is used. Default: 52 weeks."),
        place: Place::Number { path: "session.lifetime_seconds", default: DEFAULT_LIFETIME_SECONDS },
    };
    let idles = Row {
        control: Control::new("idles", "Expire after idling", ControlKind::Toggle, ""),
        place: Place::Flag { path: "session.idle_timeout_enabled", default: true },
    };
    let idle = Row {
        control: Control::new("idle", "Idle timeout", seconds, "")
            .hint("The session ends after this time without use. Default: 30 days.")
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
        hint: "A shorter lifetime ends older sessions at once.".into(),
        help: Some(help),
        ..PanelView::default()
    };
    Sheet { part: Part::Project, panels: vec![Panel { view, rows: vec![cookie, lifetime, idles, idle], part: None }] }
}

fn look(_: &Desk) -> Look {
    Look {
        title: "Session".into(),
        lead: "For cookie-based applications and the account page. Token-based applications have their own lifetimes."
            .into(),
        section: "session",
        above: None,
        extra: Extra::None,
    }
}
