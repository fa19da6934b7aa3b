//! The operator's projects, and creating another.

use vestibule_domain::operator::Role;

use super::{Answer, Desk, Door, Hall, Verb, welcome::role_name};
use crate::{
    flows::{
        admin::{Fault, projects::create},
        operators::staff,
    },
    ui::portal::{Control, ControlKind, NewProjectPage, PortalNotice, ProjectEntry, ProjectsPage},
};

pub(super) fn doors() -> Vec<Door> {
    vec![
        Door::hall(Verb::Get, "/portal", None, list),
        Door::hall(Verb::Get, "/portal/projects/new", Some(Role::Owner), show_new),
        Door::hall(Verb::Post, "/portal/projects/new", Some(Role::Owner), make),
        Door::desk(Verb::Get, "/portal/p/{project}", Role::Viewer, first_page),
    ]
}

async fn first_page(desk: Desk) -> Answer {
    desk.go(&desk.href("/overview"))
}

async fn list(hall: Hall) -> Answer {
    let mine = staff::list_projects(&hall.app, &hall.who);
    let entries = mine.into_iter().map(|(project, role)| ProjectEntry {
        id: project.id.clone(),
        name: project.settings.project.name.clone().unwrap_or_else(|| project.id.clone()),
        origin: project.origin.clone(),
        applications: project.settings.clients().len(),
        has_guests: project.settings.anonymous_enabled(),
        role: role_name(role),
    });
    let may_create = hall.who.role_everywhere() == Some(Role::Owner);
    hall.show(&ProjectsPage { projects: entries.collect(), may_create })
}

async fn show_new(hall: Hall) -> Answer {
    hall.show(&new_page(&hall, "on", &[]))
}

async fn make(hall: Hall) -> Answer {
    let (id, name, origin) = (hall.field("id").trim(), hall.field("name").trim(), hall.field("origin").trim());
    let made = create(&hall.app, &hall.acting(), (id, name, origin, hall.is_checked("guests")), hall.now).await?;
    match made {
        Ok(()) => hall.go_and_say(&format!("/portal/p/{id}/applications"), PortalNotice::ProjectCreated),
        Err(faults) => hall.complain(&new_page(&hall, hall.field("guests"), &faults)),
    }
}

fn new_page(hall: &Hall, guests: &str, faults: &[Fault]) -> NewProjectPage {
    let error = |path: &str| faults.iter().find(|fault| fault.path == path).map(|fault| fault.message.clone());
    let line = |name: &str, label: &str, path: &str| {
        Control::new(name, label, ControlKind::Line("text"), hall.field(name)).error(error(path))
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
        Control::new("guests", "Allow guests", ControlKind::Toggle, guests)
            .hint("Visitors become anonymous users on first use. You can change this later."),
    ];
    NewProjectPage { controls }
}
