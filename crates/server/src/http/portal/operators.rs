//! Operators of a project: inviting, changing roles, removing.

use vestibule_domain::{
    id::OperatorId,
    operator::{EVERY_PROJECT, Operator, Role},
};

use super::{Answer, Desk, Door, Problem, Verb, welcome::role_name};
use crate::{
    crypto::hex,
    flows::operators::{
        links,
        staff::{self, Change, Invitation, Invited, Obstacle},
    },
    ports::mailer::Mail,
    ui::portal::{
        ConfirmActionPage, Control, ControlKind, Hidden, InvitationEntry, Pick, PortalNotice, SecretShownPage,
        StaffEntry, StaffPage, invitation_mail,
    },
};

pub(super) fn doors() -> Vec<Door> {
    const ALL: &str = "/portal/p/{project}/operators";
    const ONE: &str = "/portal/p/{project}/operators/{operator}";
    const LINK: &str = "/portal/p/{project}/operators/{operator}/link";
    vec![
        Door::desk(Verb::Get, ALL, Role::Viewer, list),
        Door::desk(Verb::Post, ALL, Role::Owner, invite),
        Door::desk(Verb::Get, ONE, Role::Owner, ask).dangerous(),
        Door::desk(Verb::Post, ONE, Role::Owner, change).dangerous(),
        Door::desk(Verb::Get, LINK, Role::Owner, ask_for_link).dangerous(),
        Door::desk(Verb::Post, LINK, Role::Owner, make_link).dangerous(),
        Door::desk(Verb::Post, "/portal/p/{project}/operators/invitations/revoke", Role::Owner, revoke),
    ]
}

fn roles() -> Vec<Pick> {
    vec![
        Pick::new("viewer", "Viewer", "Looks, changes nothing."),
        Pick::new("editor", "Editor", "Changes settings, applications and users."),
        Pick::new("owner", "Owner", "Also manages operators and Admin API keys, and can delete the project."),
    ]
}

async fn list(desk: Desk) -> Answer {
    let page = page(&desk, None).await?;
    desk.show(&page)
}

async fn page(desk: &Desk, error: Option<&str>) -> Result<StaffPage, Problem> {
    let staff = staff::list(&desk.app, &desk.project, desk.now).await?;
    let owns_all = desk.who.role_everywhere() == Some(Role::Owner);
    let members = staff.members.into_iter().map(|(operator, assignment)| {
        let is_everywhere = assignment.project == EVERY_PROJECT;
        StaffEntry {
            id: operator.id.to_string(),
            is_me: operator.id == desk.who.operator.id,
            may_change: desk.role == Role::Owner && (owns_all || !is_everywhere),
            name: operator.name,
            email: operator.email,
            role: role_name(assignment.role),
            is_everywhere,
        }
    });
    let invitations = staff.invitations.into_iter().map(|link| InvitationEntry {
        id: hex(&link.token.0),
        email: link.email,
        role: role_name(link.assignment.role),
        is_everywhere: link.assignment.project == EVERY_PROJECT,
    });
    let mut controls = Vec::new();
    if desk.role == Role::Owner {
        let role = match desk.field("role") {
            "" => Role::Viewer.as_str(),
            word => word,
        };
        controls.push(
            Control::new("email", "Email", ControlKind::Line("email"), desk.field("email")).required().error(error),
        );
        controls.push(Control::new("role", "Role", ControlKind::Radio(roles()), role));
        if owns_all {
            controls.push(
                Control::new("everywhere", "In every project", ControlKind::Toggle, desk.field("everywhere"))
                    .hint("Those to come included."),
            );
        }
    }
    Ok(StaffPage {
        members: members.collect(),
        invitations: invitations.collect(),
        controls,
        may_see_activity: owns_all,
    })
}

async fn invite(desk: Desk) -> Answer {
    let Some(role) = Role::parse(desk.field("role")) else {
        return Err(Problem::Unreadable("Choose a role.".into()));
    };
    let name = desk.project.settings.display_name().to_string();
    let (origin, from) = (desk.origin.clone(), desk.who.operator.name.clone());
    let sender = desk.project.settings.mail.from.clone();
    let write_mail = move |to: &str, path: Option<&str>| {
        let href = format!("{origin}{}", path.unwrap_or("/portal"));
        let words = invitation_mail(&from, &name, role_name(role), &href, path.is_some());
        Mail { from: sender.clone(), to: to.to_string(), subject: words.subject, text: words.text, html: words.html }
    };
    let wish = Invitation {
        email: desk.field("email"),
        role,
        everywhere: desk.is_checked("everywhere"),
        write_mail: &write_mail,
    };
    match staff::invite(&desk.app, &desk.project, &desk.who, desk.ip, &wish, desk.now).await? {
        Ok(Invited::Link(token)) => desk.show(&SecretShownPage {
            title: "Invited".into(),
            text: format!(
                "{} gets a mail with this link. If mail is not set up, hand it over yourself: it works once, for a week.",
                desk.field("email").trim()
            ),
            secret: format!("{}{}", desk.origin, links::path_of(&token)),
            section: "operators",
            back: ("/operators".into(), "Operators".into()),
        }),
        Ok(Invited::Assigned) => desk.done("/operators", PortalNotice::OperatorAdded),
        Err(Obstacle::BadEmail) => {
            let page = page(&desk, Some("Write an address such as kim@shop.example.")).await?;
            desk.complain(&page)
        }
        Err(obstacle) => tell(&desk, obstacle),
    }
}

fn tell(desk: &Desk, obstacle: Obstacle) -> Answer {
    let notice = match obstacle {
        Obstacle::LastOwner => PortalNotice::LastOwner,
        Obstacle::NotYours => PortalNotice::NotYours,
        Obstacle::WorksElsewhere => PortalNotice::WorksElsewhere,
        Obstacle::Missing | Obstacle::BadEmail => PortalNotice::Gone,
    };
    desk.done("/operators", notice)
}

fn operator_id(desk: &Desk) -> Result<OperatorId, Problem> {
    desk.param("operator").parse().map_err(|_| Problem::Missing)
}

async fn ask(desk: Desk) -> Answer {
    let id = operator_id(&desk)?;
    let everywhere = desk.is_checked("everywhere");
    let staff = staff::list(&desk.app, &desk.project, desk.now).await?;
    let mut all = staff.members.into_iter();
    let found = all.find(|(one, at)| one.id == id && (at.project == EVERY_PROJECT) == everywhere);
    let (operator, assignment) = found.ok_or(Problem::Missing)?;
    let mut picks = roles();
    picks.push(Pick::new("none", "None", "Remove. Whoever has no role left is no operator any more."));
    let place = if everywhere { "every project" } else { desk.project.settings.display_name() };
    let mut controls = vec![Control::new("role", "Role", ControlKind::Radio(picks), assignment.role.as_str())];
    if everywhere {
        controls.push(
            Control::new("everywhere", "In every project", ControlKind::Toggle, "on")
                .hint("This role counts everywhere; leave the switch on to change it."),
        );
    }
    desk.show(&ConfirmActionPage {
        title: format!("The role of {}", operator.name),
        facts: vec![format!("{} is {} of {place}.", operator.email, role_name(assignment.role))],
        section: "operators",
        back: ("/operators".into(), "Operators".into()),
        action: desk.path().to_string(),
        controls,
        hidden: Hidden::default(),
        button: "Change the role".into(),
        is_danger: false,
    })
}

async fn change(desk: Desk) -> Answer {
    let target = (operator_id(&desk)?, desk.is_checked("everywhere"));
    let change = match desk.field("role") {
        "none" => Change::Remove,
        word => Change::To(Role::parse(word).ok_or_else(|| Problem::Unreadable("Choose a role.".into()))?),
    };
    match staff::change_role(&desk.app, &desk.project, &desk.who, desk.ip, target, change, desk.now).await? {
        // Whoever took its own role away sees its projects, not this page.
        Ok(()) if target.0 == desk.who.operator.id => desk.go_and_say(super::HOME, PortalNotice::RoleChanged),
        Ok(()) if change == Change::Remove => desk.done("/operators", PortalNotice::OperatorRemoved),
        Ok(()) => desk.done("/operators", PortalNotice::RoleChanged),
        Err(obstacle) => tell(&desk, obstacle),
    }
}

/// An operator who works here, by the id in the address.
async fn find(desk: &Desk) -> Result<Operator, Problem> {
    let id = operator_id(desk)?;
    let staff = staff::list(&desk.app, &desk.project, desk.now).await?;
    let found = staff.members.into_iter().map(|(operator, _)| operator).find(|operator| operator.id == id);
    found.ok_or(Problem::Missing)
}

async fn ask_for_link(desk: Desk) -> Answer {
    let operator = find(&desk).await?;
    // One's own ways in are on one's own page.
    if operator.id == desk.who.operator.id {
        return desk.go("/portal/me");
    }
    desk.show(&ConfirmActionPage {
        title: format!("A new way in for {}", operator.name),
        facts: vec![
            format!("For {}, who lost password and passkeys. The link works once, for 24 hours.", operator.email),
            "Whoever opens it comes in as that operator: hand it over yourself, to the right person.".into(),
            "The operator is signed out everywhere now. Once the link is used, the old password and passkeys let nobody in.".into(),
        ],
        section: "operators",
        back: ("/operators".into(), "Operators".into()),
        action: desk.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::default(),
        button: "Make the link".into(),
        is_danger: false,
    })
}

async fn make_link(desk: Desk) -> Answer {
    let operator = find(&desk).await?;
    if operator.id == desk.who.operator.id {
        return desk.go("/portal/me");
    }
    match staff::make_link(&desk.app, &desk.project, &desk.who, desk.ip, operator.id, desk.now).await? {
        Ok(token) => desk.show(&SecretShownPage {
            title: "The link".into(),
            text: format!(
                "For {}. It works once, within 24 hours, and kills any link made before. Nobody sends it: hand it over yourself.",
                operator.email
            ),
            secret: format!("{}{}", desk.origin, links::path_of(&token)),
            section: "operators",
            back: ("/operators".into(), "Operators".into()),
        }),
        Err(obstacle) => tell(&desk, obstacle),
    }
}

async fn revoke(desk: Desk) -> Answer {
    let (app, project) = (&desk.app, &desk.project);
    match staff::revoke_invitation(app, project, &desk.who, desk.ip, desk.field("id"), desk.now).await? {
        Ok(()) => desk.done("/operators", PortalNotice::InvitationRevoked),
        Err(obstacle) => tell(&desk, obstacle),
    }
}
