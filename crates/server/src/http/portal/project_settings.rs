//! The project itself: its name and origin, and its end.

use vestibule_domain::operator::Role;

use super::{
    Answer, Desk, Door, Problem, Verb, origin,
    sheet::{self, Look, Panel, Part, Place, Row, Sheet},
};
use crate::{
    flows::admin::{impact, projects::delete},
    ui::portal::{ConfirmActionPage, Control, ControlKind, Extra, Hidden, PortalNotice},
};

pub(super) fn doors() -> Vec<Door> {
    const PATH: &str = "/portal/p/{project}/settings";
    const DELETE: &str = "/portal/p/{project}/settings/delete";
    vec![
        Door::desk(Verb::Get, PATH, Role::Viewer, show),
        Door::desk(Verb::Post, PATH, Role::Editor, save),
        Door::desk(Verb::Get, DELETE, Role::Owner, ask_delete).dangerous(),
        Door::desk(Verb::Post, DELETE, Role::Owner, end).dangerous(),
    ]
}

async fn show(desk: Desk) -> Answer {
    sheet::show(&desk, plan(&desk), look(&desk)).await
}

async fn save(desk: Desk) -> Answer {
    sheet::save(&desk, plan(&desk), look).await
}

fn plan(desk: &Desk) -> Sheet {
    let line = |name: &str, label: &str, hint: &str, path: &'static str| Row {
        control: Control::new(name, label, ControlKind::Line("text"), "").hint(hint),
        place: Place::Text { path, default: "" },
    };
    let names = vec![line("name", "Name", "What you and your colleagues see; the id without it.", "project.name")];
    let web = vec![
        Row {
            control: Control::new("origins", "Allowed origins", ControlKind::Lines { rows: 3 }, "")
                .hint("Other web origins that may call from a browser, one a line, such as https://*.shop.example, https://*-team.vercel.app or capacitor://localhost. The origins of redirect URIs are allowed already."),
            place: Place::Lines { path: "http.allowed_origins" },
        },
        line(
            "cookie_domain",
            "Cookie domain",
            "For cookies shared with your applications, such as shop.example. Empty: this host only.",
            "http.cookie_domain",
        ),
        line("cookie_prefix", "Cookie prefix", "To keep projects under one domain apart.", "http.cookie_prefix"),
    ];
    let (id, origin) = (&desk.project.id, &desk.project.origin);
    let hint = match desk.app.projects.find_refusal(desk.project.no) {
        None => format!("The project's ID is {id} and cannot be changed. Its public origin is {origin}."),
        Some(clash) => format!("The project's ID is {id}. It is not served at its public origin {origin}: {clash}."),
    };
    let mut panels = vec![Panel::new("Names", hint, names), Panel::new("Browsers", String::new(), web)];
    if desk.who.role_everywhere() == Some(Role::Owner)
        && let Some(first) = panels.first_mut()
    {
        first.view.link = Some((desk.href(origin::BELOW), "Change the public origin".into()));
    }
    if desk.role == Role::Owner
        && let Some(last) = panels.last_mut()
    {
        last.view.link = Some((desk.href("/settings/delete"), "Delete the project".into()));
    }
    Sheet { part: Part::Project, panels }
}

fn look(_: &Desk) -> Look {
    Look {
        title: "Project settings".into(),
        lead: "What the project is called and where it lives.".into(),
        section: "settings",
        above: None,
        extra: Extra::None,
    }
}

async fn delete_page(desk: &Desk, error: Option<String>) -> Result<ConfirmActionPage, Problem> {
    let id = &desk.project.id;
    let users = impact::count_users(&desk.app, &desk.project).await?;
    Ok(ConfirmActionPage {
        title: format!("Delete {id}?"),
        facts: vec![
            format!(
                "Deletes {}, guests and members, with sessions, keys, events and settings.",
                users.of("user", "users")
            ),
            "Applications that use it stop working at once.".into(),
            "It cannot be undone. A backup is the only way back.".into(),
        ],
        section: "settings",
        back: ("/settings".into(), "Project settings".into()),
        action: desk.path().to_string(),
        controls: vec![
            Control::new("confirmation", format!("Type {id} to confirm"), ControlKind::Line("text"), "")
                .required()
                .error(error),
        ],
        hidden: Hidden::default(),
        button: "Delete the project".into(),
        is_danger: true,
    })
}

async fn ask_delete(desk: Desk) -> Answer {
    desk.show(&delete_page(&desk, None).await?)
}

async fn end(desk: Desk) -> Answer {
    if desk.field("confirmation").trim() != desk.project.id {
        let error = Some(format!("Type exactly: {}", desk.project.id));
        return desk.complain(&delete_page(&desk, error).await?);
    }
    delete(&desk.app, &desk.project, &desk.acting(), desk.now).await?;
    desk.go_and_say(super::HOME, PortalNotice::ProjectDeleted)
}
