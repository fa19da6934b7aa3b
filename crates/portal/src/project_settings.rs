//! The project's name, origin and deletion.

use vestibule_app::admin::{impact, projects::delete};
use vestibule_domain::operator::Role;

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    bound_control::{BoundControl, control},
    confirmation::{ConfirmActionPage, Hidden},
    control::{Control, ControlKind},
    notice::PortalNotice,
    origin,
    settings_form::{self, DocumentScope, FormView, Panel, SettingsForm},
    settings_page::Extra,
};

pub(super) fn routes() -> Vec<PortalRoute> {
    const PATH: &str = "/portal/p/{project}/settings";
    const DELETE: &str = "/portal/p/{project}/settings/delete";
    let mut routes = settings_form::routes(PATH, build_form, look);
    routes.extend([
        PortalRoute::project(Verb::Get, DELETE, Role::Owner, ask_delete).requires_reauthentication(),
        PortalRoute::project(Verb::Post, DELETE, Role::Owner, end).requires_reauthentication(),
    ]);
    routes
}

/// The name of the control of the allowed origins.
const ORIGINS: &str = "origins";

/// The controls of the panels "Names" and "Browsers".
pub(super) fn rows() -> [Vec<BoundControl>; 2] {
    let name = control("project.name", "name", "Name").hint("Shown to operators. Defaults to the project ID.");
    let web = vec![
        control("http.allowed_origins", ORIGINS, "Allowed origins")
            .rows(3)
            .hint("Additional web origins that may call from a browser, one per line, such as https://*.shop.example, https://*-team.vercel.app or capacitor://localhost. Origins of redirect URIs are always allowed."),
        control("http.cookie_domain", "cookie_domain", "Cookie domain")
            .hint("Shares cookies with your applications, such as shop.example. Empty: this host only."),
        control("http.cookie_prefix", "cookie_prefix", "Cookie prefix")
            .hint("Separates the cookies of projects under one domain."),
    ];
    [vec![name], web]
}

fn build_form(request: &ProjectRequest) -> SettingsForm {
    let warnings = request.project.settings.warnings();
    let [names, web] = rows();
    let is_origins = |row: &BoundControl| row.control.name == ORIGINS;
    let warn = |row: BoundControl| if is_origins(&row) { row.warn(&warnings, "http.allowed_origins") } else { row };
    let web = web.into_iter().map(warn).collect();
    let (id, origin) = (&request.project.id, &request.project.origin);
    let hint = match request.app.projects.find_refusal(request.project.no) {
        None => format!("The project's ID is {id} and cannot be changed. Its public origin is {origin}."),
        Some(clash) => format!("The project's ID is {id}. It is not served at its public origin {origin}: {clash}."),
    };
    let mut panels = vec![Panel::new("Names", hint, names), Panel::new("Browsers", String::new(), web)];
    if request.signed_in.role_everywhere() == Some(Role::Owner)
        && let Some(first) = panels.first_mut()
    {
        first.view.link = Some((request.href(origin::BELOW), "Change public origin".into()));
    }
    if request.role == Role::Owner
        && let Some(last) = panels.last_mut()
    {
        last.view.link = Some((request.href("/settings/delete"), "Delete project".into()));
    }
    SettingsForm { scope: DocumentScope::Project, panels }
}

fn look(_: &ProjectRequest) -> FormView {
    FormView {
        title: "Project settings".into(),
        lead: "Name, public origin and cookies of this project.".into(),
        section: "settings",
        above: None,
        extra: Extra::None,
    }
}

async fn delete_page(request: &ProjectRequest, error: Option<String>) -> Result<ConfirmActionPage, PortalError> {
    let id = &request.project.id;
    let users = impact::count_users(&request.ctx()).await?;
    Ok(ConfirmActionPage {
        title: format!("Delete {id}?"),
        facts: vec![
            if users.is_none() {
                "Deletes the project with all keys, events and settings. It has no users.".into()
            } else {
                let users = users.of("user", "users");
                format!("Deletes {users} (guests and members) with all sessions, keys, events and settings.")
            },
            "Applications that use it stop working at once.".into(),
            "This can't be undone. Only a backup can restore it.".into(),
        ],
        section: "settings",
        back: ("/settings".into(), "Project settings".into()),
        action: request.path().to_string(),
        controls: vec![
            Control::new("confirmation", format!("Type {id} to confirm"), ControlKind::Line("text"), "")
                .required()
                .error(error),
        ],
        hidden: Hidden::default(),
        button: "Delete project".into(),
        is_danger: true,
    })
}

async fn ask_delete(request: ProjectRequest) -> PageResult {
    request.show(&delete_page(&request, None).await?)
}

async fn end(request: ProjectRequest) -> PageResult {
    if request.field("confirmation").trim() != request.project.id {
        let error = Some(format!("Type {} exactly as shown.", request.project.id));
        return request.show_again(&delete_page(&request, error).await?);
    }
    delete(&request.ctx(), &request.acting()).await?;
    request.redirect_with_notice(crate::HOME, PortalNotice::ProjectDeleted)
}
