//! Operators of a project: inviting, changing roles, removing.

use askama::Template;
use vestibule_app::{
    crypto::hex,
    operators::{
        links,
        project_operators::{self, Invitation, Invited, Obstacle, RoleChange},
    },
};
use vestibule_domain::{
    id::OperatorId,
    operator::{EVERY_PROJECT, Operator, Role},
};
use vestibule_web::template::finish;

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    confirmation::{ConfirmActionPage, Hidden, SecretShownPage},
    control::{Control, ControlKind, Pick},
    frame::{PortalContext, PortalPage},
    invitation::{invitation_mail, mail_to_operator},
    message::MessagePage,
    notice::PortalNotice,
    one_time_link::role_name,
};

pub(super) fn routes() -> Vec<PortalRoute> {
    const ALL: &str = "/portal/p/{project}/operators";
    const ONE: &str = "/portal/p/{project}/operators/{operator}";
    const LINK: &str = "/portal/p/{project}/operators/{operator}/link";
    vec![
        PortalRoute::project(Verb::Get, ALL, Role::Viewer, list),
        PortalRoute::project(Verb::Post, ALL, Role::Owner, invite),
        PortalRoute::project(Verb::Get, ONE, Role::Owner, ask).requires_reauthentication(),
        PortalRoute::project(Verb::Post, ONE, Role::Owner, change).requires_reauthentication(),
        PortalRoute::project(Verb::Get, LINK, Role::Owner, ask_for_link).requires_reauthentication(),
        PortalRoute::project(Verb::Post, LINK, Role::Owner, make_link).requires_reauthentication(),
        PortalRoute::project(Verb::Post, "/portal/p/{project}/operators/invitations/revoke", Role::Owner, revoke),
    ]
}

fn roles() -> Vec<Pick> {
    vec![
        Pick::new("viewer", "Viewer", "Can view everything, change nothing."),
        Pick::new("editor", "Editor", "Can change settings, applications and users."),
        Pick::new("owner", "Owner", "Can also manage operators and Admin API keys, and can delete the project."),
    ]
}

async fn list(request: ProjectRequest) -> PageResult {
    let page = page(&request, None).await?;
    request.show(&page)
}

async fn page(request: &ProjectRequest, error: Option<&str>) -> Result<OperatorsPage, PortalError> {
    let operators = project_operators::list(&request.ctx()).await?;
    let owns_all = request.signed_in.role_everywhere() == Some(Role::Owner);
    let members = operators.members.into_iter().map(|(operator, assignment)| {
        let is_everywhere = assignment.project == EVERY_PROJECT;
        OperatorEntry {
            id: operator.id.to_string(),
            is_me: operator.id == request.signed_in.operator.id,
            is_proved: operator.email_proved_at.is_some(),
            may_change: request.role == Role::Owner && (owns_all || !is_everywhere),
            name: operator.name,
            email: operator.email,
            role: role_name(assignment.role),
            is_everywhere,
        }
    });
    let invitations = operators.invitations.into_iter().map(|link| InvitationEntry {
        id: hex(&link.token.0),
        email: link.email,
        role: role_name(link.assignment.role),
        is_everywhere: link.assignment.project == EVERY_PROJECT,
    });
    let mut controls = Vec::new();
    if request.role == Role::Owner {
        let role = match request.field("role") {
            "" => Role::Viewer.as_str(),
            word => word,
        };
        controls.push(
            Control::new("email", "Email", ControlKind::Line("email"), request.field("email")).required().error(error),
        );
        controls.push(Control::new("role", "Role", ControlKind::Radio(roles()), role));
        if owns_all {
            controls.push(
                Control::new("everywhere", "In every project", ControlKind::Toggle, request.field("everywhere"))
                    .hint("Including future projects."),
            );
        }
    }
    Ok(OperatorsPage {
        members: members.collect(),
        invitations: invitations.collect(),
        controls,
        may_see_activity: owns_all,
    })
}

async fn invite(request: ProjectRequest) -> PageResult {
    let Some(role) = Role::parse(request.field("role")) else {
        return Err(PortalError::Unreadable("Choose a role.".into()));
    };
    let name = request.project.settings.display_name().to_string();
    let (origin, from) = (request.origin.clone(), request.signed_in.operator.name.clone());
    let write_mail = move |to: &str, path: Option<&str>| {
        let href = format!("{origin}{}", path.unwrap_or("/portal"));
        mail_to_operator(to, invitation_mail(&from, &name, role_name(role), &href, path.is_some()))
    };
    let new_invitation = Invitation {
        email: request.field("email"),
        role,
        everywhere: request.is_checked("everywhere"),
        write_mail: &write_mail,
    };
    match project_operators::invite(&request.ctx(), &request.signed_in, &new_invitation).await? {
        Ok(Invited::Mailed) => request.show(&MessagePage {
            title: "Invited".into(),
            text: format!(
                "We sent an invitation to {}. Its link works once, within 7 days. Only its recipient gets it.",
                request.field("email").trim()
            ),
            link: Some((request.href("/operators"), "Operators".into())),
            request_id: None,
        }),
        Ok(Invited::Link(path)) => request.show(&SecretShownPage {
            title: "Invited".into(),
            text: format!(
                "Email is not set up: send this link to {} yourself. It works once, within 7 days.",
                request.field("email").trim()
            ),
            secret: format!("{}{path}", request.origin),
            section: "operators",
            back: ("/operators".into(), "Operators".into()),
        }),
        Ok(Invited::Assigned) => request.done("/operators", PortalNotice::OperatorAdded),
        Err(Obstacle::BadEmail) => {
            let page = page(&request, Some("Enter an email address such as kim@shop.example.")).await?;
            request.show_again(&page)
        }
        Err(obstacle) => show_obstacle(&request, obstacle),
    }
}

fn show_obstacle(request: &ProjectRequest, obstacle: Obstacle) -> PageResult {
    let notice = match obstacle {
        Obstacle::LastOwner => PortalNotice::LastOwner,
        Obstacle::NotYours => PortalNotice::NotYours,
        Obstacle::WorksElsewhere => PortalNotice::WorksElsewhere,
        Obstacle::Missing | Obstacle::BadEmail => PortalNotice::Gone,
    };
    request.done("/operators", notice)
}

fn operator_id(request: &ProjectRequest) -> Result<OperatorId, PortalError> {
    request.param("operator").parse().map_err(|_| PortalError::Missing)
}

async fn ask(request: ProjectRequest) -> PageResult {
    let id = operator_id(&request)?;
    let everywhere = request.is_checked("everywhere");
    let operators = project_operators::list(&request.ctx()).await?;
    let mut all = operators.members.into_iter();
    let found = all.find(|(one, at)| one.id == id && (at.project == EVERY_PROJECT) == everywhere);
    let (operator, assignment) = found.ok_or(PortalError::Missing)?;
    let mut picks = roles();
    picks.push(Pick::new(
        "none",
        "None",
        "Removes the operator from here. Without any role left, the operator account is deleted.",
    ));
    let place = if everywhere { "every project" } else { request.project.settings.display_name() };
    let mut controls = vec![Control::new("role", "Role", ControlKind::Radio(picks), assignment.role.as_str())];
    if everywhere {
        controls.push(
            Control::new("everywhere", "In every project", ControlKind::Toggle, "on")
                .hint("This role applies to every project. Leave this on to change it."),
        );
    }
    request.show(&ConfirmActionPage {
        title: format!("Role of {}", operator.name),
        facts: vec![format!("{} is {} of {place}.", operator.email, role_name(assignment.role))],
        section: "operators",
        back: ("/operators".into(), "Operators".into()),
        action: request.path().to_string(),
        controls,
        hidden: Hidden::default(),
        button: "Change role".into(),
        is_danger: false,
    })
}

async fn change(request: ProjectRequest) -> PageResult {
    let target = (operator_id(&request)?, request.is_checked("everywhere"));
    let change = match request.field("role") {
        "none" => RoleChange::Remove,
        word => RoleChange::To(Role::parse(word).ok_or_else(|| PortalError::Unreadable("Choose a role.".into()))?),
    };
    match project_operators::change_role(&request.ctx(), &request.signed_in, target, change).await? {
        // An operator who removed its own role is redirected to its projects, because it may not see this page any
        // more.
        Ok(()) if target.0 == request.signed_in.operator.id => {
            request.redirect_with_notice(crate::HOME, PortalNotice::RoleChanged)
        }
        Ok(()) if change == RoleChange::Remove => request.done("/operators", PortalNotice::OperatorRemoved),
        Ok(()) => request.done("/operators", PortalNotice::RoleChanged),
        Err(obstacle) => show_obstacle(&request, obstacle),
    }
}

/// The operator of this project with the ID in the path.
async fn find(request: &ProjectRequest) -> Result<Operator, PortalError> {
    let id = operator_id(request)?;
    let operators = project_operators::list(&request.ctx()).await?;
    let found = operators.members.into_iter().map(|(operator, _)| operator).find(|operator| operator.id == id);
    found.ok_or(PortalError::Missing)
}

async fn ask_for_link(request: ProjectRequest) -> PageResult {
    let operator = find(&request).await?;
    // An operator's own credentials are on its own page.
    if operator.id == request.signed_in.operator.id {
        return request.go("/portal/me");
    }
    request.show(&ConfirmActionPage {
        title: format!("Recovery link for {}", operator.name),
        facts: vec![
            format!(
                "For {}, if they lost their password and passkeys. The link works once, within 24 hours.",
                operator.email
            ),
            "Anyone who opens the link signs in as this operator. Send it to the right person yourself.".into(),
            "Creating the link signs the operator out everywhere. Using it replaces the old password and passkeys."
                .into(),
        ],
        section: "operators",
        back: ("/operators".into(), "Operators".into()),
        action: request.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::default(),
        button: "Create link".into(),
        is_danger: false,
    })
}

async fn make_link(request: ProjectRequest) -> PageResult {
    let operator = find(&request).await?;
    if operator.id == request.signed_in.operator.id {
        return request.go("/portal/me");
    }
    match project_operators::make_link(&request.ctx(), &request.signed_in, operator.id).await? {
        Ok(token) => request.show(&SecretShownPage {
            title: "Recovery link".into(),
            text: format!(
                "For {}. It works once, within 24 hours, and replaces earlier links. It is not sent by email: send it yourself.",
                operator.email
            ),
            secret: format!("{}{}", request.origin, links::path_of(&token)),
            section: "operators",
            back: ("/operators".into(), "Operators".into()),
        }),
        Err(obstacle) => show_obstacle(&request, obstacle),
    }
}

async fn revoke(request: ProjectRequest) -> PageResult {
    match project_operators::revoke_invitation(&request.ctx(), &request.signed_in, request.field("id")).await? {
        Ok(()) => request.done("/operators", PortalNotice::InvitationRevoked),
        Err(obstacle) => show_obstacle(&request, obstacle),
    }
}

/// A role of an operator.
#[derive(Clone, Debug)]
pub(crate) struct OperatorEntry {
    pub id: String,
    pub name: String,
    pub email: String,
    pub role: &'static str,
    /// Whether the role is in all projects.
    pub is_everywhere: bool,
    pub is_me: bool,
    /// Whether it proved its address.
    pub is_proved: bool,
    /// Whether the viewing operator may change it, or create a reset link.
    pub may_change: bool,
}

/// An open invitation.
#[derive(Clone, Debug)]
pub(crate) struct InvitationEntry {
    pub id: String,
    pub email: String,
    pub role: &'static str,
    /// Whether the role is in all projects.
    pub is_everywhere: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct OperatorsPage {
    pub members: Vec<OperatorEntry>,
    pub invitations: Vec<InvitationEntry>,
    /// The controls for an invitation; empty for operators who may not invite.
    pub controls: Vec<Control>,
    /// Whether the operator may read the operators' audit log.
    pub may_see_activity: bool,
}

impl OperatorsPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use crate::control::ControlKind;
        let me = OperatorEntry {
            id: "0190".into(),
            name: "Kim Doe".into(),
            email: "kim@shop.example".into(),
            role: "owner",
            is_everywhere: true,
            is_me: true,
            is_proved: true,
            may_change: true,
        };
        let lee = OperatorEntry {
            id: "0191".into(),
            name: "Lee".into(),
            is_me: false,
            is_proved: false,
            is_everywhere: false,
            role: "viewer",
            ..me.clone()
        };
        let invitation =
            InvitationEntry { id: "aa".into(), email: "mo@shop.example".into(), role: "editor", is_everywhere: false };
        let email = Control::new("email", "Email", ControlKind::Line("email"), "");
        vec![
            (
                "owner",
                Self {
                    members: vec![me, lee.clone()],
                    invitations: vec![invitation],
                    controls: vec![email],
                    may_see_activity: true,
                },
            ),
            (
                "alone",
                Self { members: vec![lee], invitations: Vec::new(), controls: Vec::new(), may_see_activity: false },
            ),
        ]
    }
}

impl PortalPage for OperatorsPage {
    fn title(&self) -> String {
        "Operators".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(OperatorsBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("operators")
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.controls.iter().filter_map(Control::problem).collect()
    }
}

#[derive(Template)]
#[template(path = "portal/staff.html")]
struct OperatorsBody<'a> {
    ctx: &'a PortalContext,
    page: &'a OperatorsPage,
}

#[derive(Clone, Debug)]
pub(crate) struct KeyEntry {
    pub id: String,
    pub name: String,
    pub scopes: String,
    pub made: String,
    pub used: Option<String>,
    pub is_revoked: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct KeysPage {
    pub address: String,
    pub keys: Vec<KeyEntry>,
}

impl KeysPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let key = KeyEntry {
            id: "0011".into(),
            name: "Nightly report".into(),
            scopes: "events:read".into(),
            made: "2030-01-01".into(),
            used: None,
            is_revoked: false,
        };
        let old = KeyEntry { id: "0012".into(), is_revoked: true, used: Some("2030-01-02".into()), ..key.clone() };
        let address = "https://auth.shop.example/_api/admin/v1".to_string();
        vec![
            ("none", Self { address: address.clone(), keys: Vec::new() }),
            ("two", Self { address, keys: vec![key, old] }),
        ]
    }
}

impl PortalPage for KeysPage {
    fn title(&self) -> String {
        "Admin API keys".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(KeysBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("admin-keys")
    }
}

#[derive(Template)]
#[template(path = "portal/keys.html")]
struct KeysBody<'a> {
    ctx: &'a PortalContext,
    page: &'a KeysPage,
}
