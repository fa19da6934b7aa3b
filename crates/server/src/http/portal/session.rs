//! Session: the lifetimes of cookie sessions.

use vestibule_domain::{
    client::{DEFAULT_IDLE_SECONDS, DEFAULT_LIFETIME_SECONDS},
    operator::Role,
};

use super::{
    PageResult, PortalRoute, ProjectRequest, Verb,
    settings_form::{self, BoundControl, DocumentScope, FieldBinding, FormView, Panel, SettingsForm},
};
use crate::ui::portal::{Control, ControlKind, Extra, LifetimeHelp, PanelView, Pick};

const PATH: &str = "/portal/p/{project}/session";

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::project(Verb::Get, PATH, Role::Viewer, show),
        PortalRoute::project(Verb::Post, PATH, Role::Editor, save),
    ]
}

async fn show(request: ProjectRequest) -> PageResult {
    settings_form::show(&request, build_form(), look(&request)).await
}

async fn save(request: ProjectRequest) -> PageResult {
    settings_form::save(&request, build_form(), look).await
}

fn build_form() -> SettingsForm {
    let picks = vec![
        Pick::new("", "Keep users signed in", "The cookie is kept after the browser closes."),
        Pick::new("on", "End the session on browser close", "The cookie is deleted when the browser closes."),
    ];
    let cookie = BoundControl {
        control: Control::new("browser", "When the browser closes", ControlKind::Radio(picks), ""),
        binding: FieldBinding::Flag { path: "session.use_session_cookie", default: false },
    };
    let seconds = ControlKind::Number { unit: "seconds", min: 1 };
    let lifetime = BoundControl {
        control: Control::new("lifetime", "Maximum session lifetime", seconds.clone(), "")
            .hint("The session ends after this time, even if it is used. Default: 52 weeks."),
        binding: FieldBinding::Number { path: "session.lifetime_seconds", default: DEFAULT_LIFETIME_SECONDS },
    };
    let idles = BoundControl {
        control: Control::new("idles", "Expire after idling", ControlKind::Toggle, ""),
        binding: FieldBinding::Flag { path: "session.idle_timeout_enabled", default: true },
    };
    let idle = BoundControl {
        control: Control::new("idle", "Idle timeout", seconds, "")
            .hint("The session ends after this time without use. Default: 30 days.")
            .depends("idles"),
        binding: FieldBinding::Number { path: "session.idle_timeout_seconds", default: DEFAULT_IDLE_SECONDS },
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
    SettingsForm {
        scope: DocumentScope::Project,
        panels: vec![Panel { view, rows: vec![cookie, lifetime, idles, idle], scope: None }],
    }
}

fn look(_: &ProjectRequest) -> FormView {
    FormView {
        title: "Session".into(),
        lead: "For cookie-based applications and the account page. Token-based applications have their own lifetimes."
            .into(),
        section: "session",
        above: None,
        extra: Extra::None,
    }
}
