//! The operator's projects, and creating another.

use askama::Template;

use super::{
    control::Control,
    frame::{PortalContext, PortalPage},
};
use crate::ui::template::finish;

#[derive(Clone, Debug)]
pub struct ProjectEntry {
    pub id: String,
    pub name: String,
    pub origin: String,
    pub applications: usize,
    pub has_guests: bool,
    pub role: &'static str,
}

#[derive(Clone, Debug)]
pub struct ProjectsPage {
    pub projects: Vec<ProjectEntry>,
    pub may_create: bool,
}

impl ProjectsPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
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
pub struct NewProjectPage {
    /// ID, name, origin, and whether guests are enabled.
    pub controls: Vec<Control>,
}

impl NewProjectPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        use super::control::ControlKind;
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
