//! The operator's projects, and creating another.

use vestibule_domain::operator::Role;

use super::{OperatorRequest, PageResult, PortalRoute, ProjectRequest, Verb, one_time_link::role_name};
use crate::{
    flows::{
        admin::{Fault, projects::create},
        operators::project_operators,
    },
    ui::portal::{Control, ControlKind, NewProjectPage, PortalNotice, ProjectEntry, ProjectsPage},
};

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::operator(Verb::Get, "/portal", None, list),
        PortalRoute::operator(Verb::Get, "/portal/projects/new", Some(Role::Owner), show_new),
        PortalRoute::operator(Verb::Post, "/portal/projects/new", Some(Role::Owner), make),
        PortalRoute::project(Verb::Get, "/portal/p/{project}", Role::Viewer, first_page),
    ]
}

async fn first_page(request: ProjectRequest) -> PageResult {
    request.go(&request.href("/overview"))
}

async fn list(request: OperatorRequest) -> PageResult {
    let mine = project_operators::list_projects(&request.app, &request.signed_in);
    let entries = mine.into_iter().map(|(project, role)| ProjectEntry {
        id: project.id.clone(),
        name: project.settings.project.name.clone().unwrap_or_else(|| project.id.clone()),
        origin: project.origin.clone(),
        applications: project.settings.clients().len(),
        has_guests: project.settings.anonymous_enabled(),
        role: role_name(role),
    });
    let may_create = request.signed_in.role_everywhere() == Some(Role::Owner);
    request.show(&ProjectsPage { projects: entries.collect(), may_create })
}

async fn show_new(request: OperatorRequest) -> PageResult {
    request.show(&new_page(&request, "on", &[]))
}

async fn make(request: OperatorRequest) -> PageResult {
    let (id, name, origin) = (request.field("id").trim(), request.field("name").trim(), request.field("origin").trim());
    let made =
        create(&request.app, &request.acting(), (id, name, origin, request.is_checked("guests")), request.now).await?;
    match made {
        Ok(()) => request.redirect_with_notice(&format!("/portal/p/{id}/applications"), PortalNotice::ProjectCreated),
        Err(faults) => request.show_again(&new_page(&request, request.field("guests"), &faults)),
    }
}

fn new_page(request: &OperatorRequest, guests: &str, faults: &[Fault]) -> NewProjectPage {
    let error = |path: &str| faults.iter().find(|fault| fault.path == path).map(|fault| fault.message.clone());
    let line = |name: &str, label: &str, path: &str| {
        Control::new(name, label, ControlKind::Line("text"), request.field(name)).error(error(path))
    };
    let controls = vec![
        line("id", "Project ID", "project.id")
            .hint("1 to 40 lower-case letters, digits and dashes. Used in events and on the command line. Can't be changed later.")
            .required(),
        line("name", "Name", "project.name").hint("Shown to operators. Defaults to the project ID."),
        line("origin", "Public origin", "project.public_origin")
            .hint(
                "Where users and applications reach the project, such as https://auth.shop.example. It is the issuer of its tokens. The host name must point to this server.",
            )
            .required(),
        Control::new("guests", "Enable anonymous users?", ControlKind::Toggle, guests)
            .hint("Visitors become anonymous users on first use. You can change this later."),
    ];
    NewProjectPage { controls }
}
