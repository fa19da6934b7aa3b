//! Moving the project to another public origin: asked for twice, because it signs out every user.

use vestibule_domain::{operator::Role, project::Origin};

use super::{Answer, Desk, Door, Problem, Verb, question::describe_signed_out, sheet::sentence};
use crate::{
    flows::admin::{
        AdminError, impact,
        origin::{Moved, change},
    },
    ui::portal::{ConfirmActionPage, Control, ControlKind, Hidden, PortalNotice},
};

/// Below the project's own address.
pub(super) const BELOW: &str = "/settings/origin";

pub(super) fn doors() -> Vec<Door> {
    const PATH: &str = "/portal/p/{project}/settings/origin";
    vec![
        Door::desk(Verb::Get, PATH, Role::Owner, ask).everywhere().dangerous(),
        Door::desk(Verb::Post, PATH, Role::Owner, make).everywhere().dangerous(),
    ]
}

/// What is wrong with either field.
#[derive(Default)]
struct Mistakes {
    origin: Option<String>,
    confirmation: Option<String>,
}

async fn page(desk: &Desk, mistakes: Mistakes) -> Result<ConfirmActionPage, Problem> {
    let now = &desk.project.origin;
    let people = impact::count_signed_in(&desk.app, &desk.project, desk.now).await?;
    let mut facts =
        vec![format!("It is {now} now. Every application has to use the new one as its endpoint and issuer.")];
    facts.extend(describe_signed_out(people));
    facts.extend(
        [
            "Tokens, cookies and links of the old origin stop working.",
            "Passkeys belong to the host name they were made for. On another host name they stop working.",
            "The new host name must lead to this server, or the project cannot be reached.",
        ]
        .map(str::to_string),
    );
    let line = |name: &str, label: &str, value: &str| Control::new(name, label, ControlKind::Line("text"), value);
    Ok(ConfirmActionPage {
        title: "Change the public origin".into(),
        facts,
        section: "settings",
        back: ("/settings".into(), "Project settings".into()),
        action: desk.path().to_string(),
        controls: vec![
            line("origin", "New public origin", desk.field("origin"))
                .placeholder("https://auth.shop.example")
                .required()
                .error(mistakes.origin),
            line("confirmation", "Type the new public origin again", desk.field("confirmation"))
                .required()
                .error(mistakes.confirmation),
        ],
        hidden: Hidden::default(),
        button: "Change the public origin".into(),
        is_danger: true,
    })
}

async fn ask(desk: Desk) -> Answer {
    desk.show(&page(&desk, Mistakes::default()).await?)
}

async fn make(desk: Desk) -> Answer {
    let origin = match Origin::parse(desk.field("origin")) {
        Ok(origin) => origin,
        Err(refusal) => {
            let origin = Some(sentence(&refusal.to_string()));
            return desk.complain(&page(&desk, Mistakes { origin, ..Mistakes::default() }).await?);
        }
    };
    if Origin::parse(desk.field("confirmation")).as_ref() != Ok(&origin) {
        let confirmation = Some(format!("Type exactly: {origin}"));
        return desk.complain(&page(&desk, Mistakes { confirmation, ..Mistakes::default() }).await?);
    }
    match change(&desk.app, &desk.project, (&desk.who, desk.ip), &origin, desk.now).await {
        Ok(Moved::Done) => desk.done("/settings", PortalNotice::OriginChanged),
        Ok(Moved::Unchanged) => desk.done("/settings", PortalNotice::Unchanged),
        Ok(Moved::NotOwner) => Err(Problem::Forbidden),
        Err(AdminError::Invalid(faults)) => {
            let told = faults.iter().map(|fault| match fault.path.as_str() {
                "project.public_origin" => sentence(&fault.message),
                path => format!("{path}: {}.", fault.message),
            });
            let origin = Some(told.collect::<Vec<_>>().join(" "));
            desk.complain(&page(&desk, Mistakes { origin, ..Mistakes::default() }).await?)
        }
        Err(error) => Err(error.into()),
    }
}
