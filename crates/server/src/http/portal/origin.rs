//! Moving the project to another public origin. Needs two confirmations, because it signs out every user.

use vestibule_domain::{operator::Role, project::Origin};

use super::{Answer, Desk, Door, Problem, Verb, question::describe_signed_out, sheet::sentence};
use crate::{
    flows::admin::{
        AdminError, impact,
        origin::{Moved, change},
    },
    ui::portal::{ConfirmActionPage, Control, ControlKind, Hidden, PortalNotice},
};

/// The path below the project's.
pub(super) const BELOW: &str = "/settings/origin";

pub(super) fn doors() -> Vec<Door> {
    const PATH: &str = "/portal/p/{project}/settings/origin";
    vec![
        Door::desk(Verb::Get, PATH, Role::Owner, ask).everywhere().dangerous(),
        Door::desk(Verb::Post, PATH, Role::Owner, make).everywhere().dangerous(),
    ]
}

/// The errors of the fields.
#[derive(Default)]
struct Mistakes {
    origin: Option<String>,
    confirmation: Option<String>,
}

async fn page(desk: &Desk, mistakes: Mistakes) -> Result<ConfirmActionPage, Problem> {
    let now = &desk.project.origin;
    let people = impact::count_signed_in(&desk.app, &desk.project, desk.now).await?;
    let mut facts = vec![format!(
        "The public origin is now {now}. Every application must use the new one as its endpoint and issuer."
    )];
    facts.extend(describe_signed_out(people));
    facts.extend(
        [
            "Tokens, cookies and links of the old origin stop working.",
            "Passkeys work only for the host name they were created for.",
            "The new host name must point to this server. Otherwise, the project can't be reached.",
        ]
        .map(str::to_string),
    );
    let line = |name: &str, label: &str, value: &str| Control::new(name, label, ControlKind::Line("text"), value);
    Ok(ConfirmActionPage {
        title: "Change public origin".into(),
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
        button: "Change public origin".into(),
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
        let confirmation = Some(format!("Type {origin} exactly as shown."));
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
