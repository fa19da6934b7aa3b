//! The operator's projects, and creating another.

use askama::Template;
use vestibule_app::{
    admin::{Fault, projects::create},
    operators::project_operators,
};
use vestibule_domain::operator::Role;
use vestibule_web::template::finish;

use crate::{
    OperatorRequest, PageResult, PortalRoute, ProjectRequest, Verb,
    control::{Control, ControlKind},
    frame::{PortalContext, PortalPage},
    notice::PortalNotice,
    one_time_link::role_name,
    settings_form::describe,
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
    let error = |path: &str| faults.iter().find(|fault| fault.path == path).map(describe);
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

#[derive(Clone, Debug)]
pub(crate) struct ProjectEntry {
    pub id: String,
    pub name: String,
    pub origin: String,
    pub applications: usize,
    pub has_guests: bool,
    pub role: &'static str,
}

#[derive(Clone, Debug)]
pub(crate) struct ProjectsPage {
    pub projects: Vec<ProjectEntry>,
    pub may_create: bool,
}

impl ProjectsPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let shop = ProjectEntry {
            id: "shop".into(),
            name: "Corner Shop".into(),
            origin: "https://auth.shop.example".into(),
            applications: 3,
            has_guests: true,
            role: "owner",
        };
        let blog = ProjectEntry { id: "blog".into(), has_guests: false, applications: 1, ..shop.clone() };
        vec![
            ("two", Self { projects: vec![shop, blog], may_create: true }),
            ("none", Self { projects: Vec::new(), may_create: false }),
        ]
    }
}

impl PortalPage for ProjectsPage {
    fn title(&self) -> String {
        "Projects".into()
    }

    fn body(&self, _: &PortalContext) -> String {
        finish(ProjectsBody { page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/projects.html")]
struct ProjectsBody<'a> {
    page: &'a ProjectsPage,
}

/// Asks for the fields of a new project.
#[derive(Clone, Debug)]
pub(crate) struct NewProjectPage {
    /// ID, name, origin, and whether guests are enabled.
    pub controls: Vec<Control>,
}

impl NewProjectPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use crate::control::ControlKind;
        let id = Control::new("id", "Project ID", ControlKind::Line("text"), "Shop!")
            .hint("1 to 40 lower-case letters, digits and dashes. Can't be changed later.")
            .error(Some("Enter 1 to 40 lower-case letters, digits and dashes."))
            .required();
        let guests = Control::new("guests", "Enable anonymous users?", ControlKind::Toggle, "on");
        vec![("wrong", Self { controls: vec![id, guests] })]
    }
}

impl PortalPage for NewProjectPage {
    fn title(&self) -> String {
        "New project".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(NewProjectBody { ctx, page: self }.render())
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/portal".into(), "Projects".into()))
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.controls.iter().filter_map(Control::problem).collect()
    }
}

#[derive(Template)]
#[template(path = "portal/new_project.html")]
struct NewProjectBody<'a> {
    ctx: &'a PortalContext,
    page: &'a NewProjectPage,
}
