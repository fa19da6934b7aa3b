//! Session: the lifetimes of cookie sessions.

use crate::{
    PortalRoute, ProjectRequest,
    bound_control::control,
    control::{ControlKind, Pick},
    settings_form::{self, DocumentScope, FormView, Panel, SettingsForm},
    settings_page::{Extra, LifetimeHelp},
};

const PATH: &str = "/portal/p/{project}/session";

pub(super) fn routes() -> Vec<PortalRoute> {
    settings_form::routes(PATH, |_| build_form(), look)
}

pub(super) fn build_form() -> SettingsForm {
    let picks = vec![
        Pick::new("", "Keep users signed in", "The cookie is kept after the browser closes."),
        Pick::new("on", "End the session on browser close", "The cookie is deleted when the browser closes."),
    ];
    let rows = vec![
        control("session.use_session_cookie", "browser", "When the browser closes").of_kind(ControlKind::Radio(picks)),
        control("session.lifetime_seconds", "lifetime", "Maximum session lifetime")
            .hint("The session ends after this time, even if it is used."),
        control("session.idle_timeout_enabled", "idles", "Expire after idling"),
        control("session.idle_timeout_seconds", "idle", "Idle timeout")
            .hint("The session ends after this time without use.")
            .depends("idles"),
    ];
    let help = LifetimeHelp {
        lifetime: "lifetime".into(),
        enabled: Some("idles".into()),
        idle: "idle".into(),
        otherwise: None,
    };
    let mut panel = Panel::new("Cookie sessions", "A shorter lifetime ends older sessions at once.", rows);
    panel.view.help = Some(help);
    SettingsForm { scope: DocumentScope::Project, panels: vec![panel] }
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
