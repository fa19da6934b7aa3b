//! Operators of a project: listing them and their invitations, inviting, changing roles, removing. There is always at
//! least one owner of all projects.

use vestibule_domain::{
    event::{Event, OperatorAction},
    id::{OperatorId, ProjectNo},
    operator::{
        Assignment, EVERY_PROJECT, LinkMaker, LinkPurpose, Operator, OperatorAct, OperatorEvent, OperatorLink, Role,
        role_in,
    },
    secret::TokenHash,
};
use vestibule_store::{Conn, StoreError, Tx, operator_events, operator_links, operator_sessions, operators};

use super::{
    SignedIn, audit,
    links::{self, LinkOrigin},
    normalize,
};
use crate::{
    actor::{ActError, Actor, AuditEntry},
    adapters::mailer::Mail,
    crypto::read_hex,
    ctx::Ctx,
    error::Error,
    messages::SealedMessage,
    projects::Project,
    state::App,
};

/// The operators with a role in a project, and its invitations.
pub struct ProjectOperators {
    pub members: Vec<(Operator, Assignment)>,
    pub invitations: Vec<OperatorLink>,
}

pub async fn list(ctx: &Ctx<'_>) -> Result<ProjectOperators, Error> {
    let mut conn = ctx.app.store.read().await?;
    let members = operators::list_of_project(&mut conn, ctx.project.no).await?;
    let invitations = operator_links::list(&mut conn, ctx.project.no, LinkPurpose::Invitation, ctx.now).await?;
    Ok(ProjectOperators { members, invitations })
}

/// The projects of an operator, each with its role.
pub fn list_projects(app: &App, signed_in: &SignedIn) -> Vec<(std::sync::Arc<Project>, Role)> {
    let mut mine: Vec<_> = app
        .projects
        .all()
        .into_iter()
        .filter_map(|project| {
            let role = signed_in.role_in(project.no)?;
            Some((project, role))
        })
        .collect();
    mine.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    mine
}

/// Why a change to operators was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The address is invalid.
    BadEmail,
    /// Only an operator with the role in all projects may give or remove it there.
    NotYours,
    /// All projects would be left without an owner.
    LastOwner,
    /// The other operator has a role where the acting one is not an owner.
    WorksElsewhere,
    /// The operator or invitation does not exist here.
    Missing,
}

/// The result of an invitation.
#[derive(Debug)]
pub enum Invited {
    /// The link was mailed. It is not shown, so using it proves the address.
    Mailed,
    /// There is no mail server: the path of the link, to be handed over.
    Link(String),
    /// An operator who has a role in this place already: it has the new one now.
    Assigned,
}

fn place(project: &Project, everywhere: bool) -> ProjectNo {
    if everywhere { EVERY_PROJECT } else { project.no }
}

/// Whether the operator owns each of these projects, by the roles read in this transaction, which stay locked until it
/// ends. An owner of all projects owns each.
async fn owns(tx: &mut Tx, actor: OperatorId, mut places: impl Iterator<Item = ProjectNo>) -> Result<bool, StoreError> {
    let roles = operators::hold_roles_of(tx, actor).await?;
    Ok(places.all(|place| role_in(&roles, place) == Some(Role::Owner)))
}

fn note(ctx: &Ctx<'_>, actor: &Actor, action: OperatorAction, target: &str) -> AuditEntry {
    let event = Event::OperatorActed { action, target: target.to_string() };
    actor.prepare(ctx, &event, None)
}

/// The event for the operators' audit log; the project's event log gets its own.
fn record(
    ctx: &Ctx<'_>,
    signed_in: &SignedIn,
    whom: (Option<OperatorId>, &str),
    act: OperatorAct,
    detail: &str,
) -> OperatorEvent {
    audit::event_about(&ctx.app.entropy, whom, (&signed_in.operator.email, ctx.ip), act, detail, ctx.now)
}

/// A project's name for the audit log.
fn describe(project: &Project, place: ProjectNo) -> &str {
    if place == EVERY_PROJECT { "every project" } else { &project.id }
}

fn describe_role(project: &Project, assignment: Assignment) -> String {
    format!("{} of {}", assignment.role.as_str(), describe(project, assignment.project))
}

/// The address and role of an invitation.
pub struct Invitation<'a> {
    pub email: &'a str,
    pub role: Role,
    pub everywhere: bool,
    /// Renders the mail, given the path of the link (`None` for an operator who has the role already).
    pub write_mail: &'a (dyn Fn(&str, Option<&str>) -> Mail + Send + Sync),
}

/// Invites an operator. One who has a role in this place gets the new one at once; one who works elsewhere has to accept it,
/// because the account may be in the hands of those who made it there.
pub async fn invite(
    ctx: &Ctx<'_>,
    signed_in: &SignedIn,
    new_invitation: &Invitation<'_>,
) -> Result<Result<Invited, Obstacle>, Error> {
    let now = ctx.now;
    let Some(email) = normalize(new_invitation.email) else { return Ok(Err(Obstacle::BadEmail)) };
    let place = place(ctx.project, new_invitation.everywhere);
    let assignment = Assignment { project: place, role: new_invitation.role };
    let event = note(ctx, &signed_in.acting(ctx.ip), OperatorAction::Invited, &email);
    let mut conn = ctx.app.store.read().await?;
    let known = operators::find_by_email(&mut conn, &email).await?;
    let has_role_here = match &known {
        Some(operator) => has_role(&mut conn, operator.id, place).await?,
        None => false,
    };
    drop(conn);
    let actor = signed_in.operator.id;
    let (invited, mail, link) = if has_role_here {
        (Invited::Assigned, Some((new_invitation.write_mail)(&email, None)), None)
    } else {
        let origin = LinkOrigin { maker: LinkMaker::Operator(actor), is_mailed: ctx.app.mailer.is_configured() };
        let of = (assignment, email.as_str());
        let (token, link) = links::prepare(&ctx.app.entropy, origin, LinkPurpose::Invitation, of, now);
        let path = if known.is_some() { links::acceptance_path_of(&token) } else { links::path_of(&token) };
        if origin.is_mailed {
            // An account whose address was never proved may be claimed there.
            let is_proved = known.as_ref().is_none_or(|known| known.email_proved_at.is_some());
            let path = if is_proved { path } else { links::path_of(&token) };
            (Invited::Mailed, Some((new_invitation.write_mail)(&email, Some(&path))), Some(link))
        } else {
            (Invited::Link(path), None, Some(link))
        }
    };
    let no = ctx.project.no;
    let known = known.map(|operator| operator.id);
    let detail = describe_role(ctx.project, assignment);
    let recorded = record(ctx, signed_in, (known, &email), OperatorAct::Invited, &detail);
    let mail = mail.map(|mail| SealedMessage::of_mail(ctx.app, no, &mail));
    let raised = known.filter(|_| has_role_here);
    let written = ctx
        .app
        .store
        .write("invite_operator", (event, mail, link, recorded), move |tx, (event, mail, link, recorded)| {
            Box::pin(async move {
                if !owns(tx, actor, std::iter::once(place)).await? {
                    return Err(RoleChangeError::NotYours);
                }
                if let Some(link) = link {
                    links::write(tx, link).await?;
                }
                operator_events::insert(tx, recorded).await?;
                if let Some(id) = raised {
                    if !has_role(tx, id, place).await? {
                        return Err(RoleChangeError::Missing);
                    }
                    set_role(tx, id, assignment).await?;
                }
                if let Some(mail) = mail {
                    mail.push(tx, no, now).await?;
                }
                event.write(tx, no, now).await?;
                Ok(())
            })
        })
        .await;
    settle(written).map(|done| done.map(|()| invited))
}

async fn has_role(conn: &mut Conn, id: OperatorId, place: ProjectNo) -> Result<bool, StoreError> {
    Ok(operators::roles_of(conn, id).await?.iter().any(|one| one.project == place))
}

/// Changes an operator's role. Links that would reset its credentials, or give another role in this place, become invalid.
async fn set_role(tx: &mut Tx, id: OperatorId, assignment: Assignment) -> Result<(), RoleChangeError> {
    if assignment.project == EVERY_PROJECT {
        operators::hold_owners_of_all(tx).await?;
    }
    let operator = operators::find(tx, id).await?.ok_or(RoleChangeError::Missing)?;
    operator_links::remove_resets_of(tx, &operator.email).await?;
    operator_links::remove_of(tx, assignment.project, LinkPurpose::Invitation, &operator.email).await?;
    operators::set_role(tx, id, assignment).await?;
    check_owners(tx, assignment.project).await
}

/// Removes an operator's role; with the last role, the operator and its links are removed.
async fn take_role(tx: &mut Tx, target: &Operator, place: ProjectNo) -> Result<OperatorAct, RoleChangeError> {
    if place == EVERY_PROJECT {
        operators::hold_owners_of_all(tx).await?;
    }
    if !operators::remove_role(tx, place, target.id).await? {
        return Err(RoleChangeError::Missing);
    }
    check_owners(tx, place).await?;
    operator_links::remove_of(tx, place, LinkPurpose::Invitation, &target.email).await?;
    if !operators::roles_of(tx, target.id).await?.is_empty() {
        return Ok(OperatorAct::RoleTaken);
    }
    operator_links::remove_all_for(tx, &target.email).await?;
    operator_sessions::remove_of_operator(tx, target.id).await?;
    operators::remove(tx, target.id).await?;
    Ok(OperatorAct::Removed)
}

async fn check_owners(tx: &mut Tx, place: ProjectNo) -> Result<(), RoleChangeError> {
    if place == EVERY_PROJECT && operators::count_owners_of_all(tx).await? == 0 {
        return Err(RoleChangeError::LastOwner);
    }
    Ok(())
}

/// Why the transaction was rolled back.
#[derive(Debug, thiserror::Error)]
enum RoleChangeError {
    #[error("the operator does not own the place")]
    NotYours,
    #[error("the other operator works where this one owns nothing")]
    WorksElsewhere,
    #[error("every project needs an owner")]
    LastOwner,
    #[error("there is no such role")]
    Missing,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ActError> for RoleChangeError {
    fn from(error: ActError) -> Self {
        match error {
            ActError::RoleLost => Self::NotYours,
            ActError::Store(error) => Self::Store(error),
        }
    }
}

/// What becomes of an operator's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleChange {
    To(Role),
    /// Removes the role; an operator without roles is removed.
    Remove,
}

/// Changes or removes an operator's role in this project or in all projects.
pub async fn change_role(
    ctx: &Ctx<'_>,
    signed_in: &SignedIn,
    (id, everywhere): (OperatorId, bool),
    change: RoleChange,
) -> Result<Result<(), Obstacle>, Error> {
    let now = ctx.now;
    let place = place(ctx.project, everywhere);
    let target = operators::find(&mut *ctx.app.store.read().await?, id).await?;
    let Some(target) = target else { return Ok(Err(Obstacle::Missing)) };
    let action = match change {
        RoleChange::To(_) => OperatorAction::RoleChanged,
        RoleChange::Remove => OperatorAction::Removed,
    };
    let event = note(ctx, &signed_in.acting(ctx.ip), action, &target.email);
    let whom = (Some(id), target.email.as_str());
    let recorded = match change {
        RoleChange::To(role) => {
            let detail = describe_role(ctx.project, Assignment { project: place, role });
            record(ctx, signed_in, whom, OperatorAct::RoleChanged, &detail)
        }
        RoleChange::Remove => record(ctx, signed_in, whom, OperatorAct::RoleTaken, describe(ctx.project, place)),
    };
    let (no, actor) = (ctx.project.no, signed_in.operator.id);
    let written = ctx
        .app
        .store
        .write("change_operator_role", (target, event, recorded), move |tx, (target, event, recorded)| {
            Box::pin(async move {
                if !owns(tx, actor, std::iter::once(place)).await? {
                    return Err(RoleChangeError::NotYours);
                }
                let act = match change {
                    RoleChange::To(role) => {
                        if !has_role(tx, id, place).await? {
                            return Err(RoleChangeError::Missing);
                        }
                        set_role(tx, id, Assignment { project: place, role }).await?;
                        OperatorAct::RoleChanged
                    }
                    RoleChange::Remove => take_role(tx, target, place).await?,
                };
                let act = act.as_str().to_string();
                operator_events::insert(tx, &OperatorEvent { act, ..recorded.clone() }).await?;
                event.write(tx, no, now).await?;
                Ok(())
            })
        })
        .await;
    settle(written)
}

/// What a transaction came to, for the caller.
fn settle(written: Result<(), RoleChangeError>) -> Result<Result<(), Obstacle>, Error> {
    match written {
        Ok(()) => Ok(Ok(())),
        Err(RoleChangeError::NotYours) => Ok(Err(Obstacle::NotYours)),
        Err(RoleChangeError::WorksElsewhere) => Ok(Err(Obstacle::WorksElsewhere)),
        Err(RoleChangeError::LastOwner) => Ok(Err(Obstacle::LastOwner)),
        Err(RoleChangeError::Missing) => Ok(Err(Obstacle::Missing)),
        Err(RoleChangeError::Store(error)) => Err(error.into()),
    }
}

/// Creates a reset link for another operator, and ends its sessions; returns the link's secret part. The link's holder
/// can sign in as that operator, so only an owner of all its projects may create it.
pub async fn make_link(ctx: &Ctx<'_>, signed_in: &SignedIn, id: OperatorId) -> Result<Result<String, Obstacle>, Error> {
    let now = ctx.now;
    let target = operators::find(&mut *ctx.app.store.read().await?, id).await?;
    let Some(target) = target else { return Ok(Err(Obstacle::Missing)) };
    let event = note(ctx, &signed_in.acting(ctx.ip), OperatorAction::LinkCreated, &target.email);
    let origin = LinkOrigin { maker: LinkMaker::Operator(signed_in.operator.id), is_mailed: false };
    let of = (links::NO_ROLE, target.email.as_str());
    let (token, link) = links::prepare(&ctx.app.entropy, origin, LinkPurpose::Reset, of, now);
    let recorded = record(ctx, signed_in, (Some(id), &target.email), OperatorAct::LinkMade, "");
    let (no, actor) = (ctx.project.no, signed_in.operator.id);
    let written = ctx
        .app
        .store
        .write("make_operator_link", (link, event, recorded), move |tx, (link, event, recorded)| {
            Box::pin(async move {
                let places: Vec<_> = operators::hold_roles_of(tx, id).await?.iter().map(|one| one.project).collect();
                if !places.iter().any(|place| *place == no || *place == EVERY_PROJECT) {
                    return Err(RoleChangeError::Missing);
                }
                if !owns(tx, actor, places.into_iter()).await? {
                    return Err(RoleChangeError::WorksElsewhere);
                }
                links::write(tx, link).await?;
                operator_events::insert(tx, recorded).await?;
                Ok(event.write(tx, no, now).await?)
            })
        })
        .await;
    settle(written).map(|done| done.map(|()| token))
}

/// Revokes an invitation, named by the hash of its link.
pub async fn revoke_invitation(ctx: &Ctx<'_>, signed_in: &SignedIn, id: &str) -> Result<Result<(), Obstacle>, Error> {
    let now = ctx.now;
    let operators = list(ctx).await?;
    let hash = read_hex(id).and_then(|bytes| bytes.try_into().ok()).map(TokenHash);
    let Some(link) = operators.invitations.into_iter().find(|link| Some(link.token) == hash) else {
        return Ok(Err(Obstacle::Missing));
    };
    let event = note(ctx, &signed_in.acting(ctx.ip), OperatorAction::InvitationRevoked, &link.email);
    let detail = describe_role(ctx.project, link.assignment);
    let recorded = record(ctx, signed_in, (None, &link.email), OperatorAct::InvitationRevoked, &detail);
    let (no, actor, token, place) = (ctx.project.no, signed_in.operator.id, link.token, link.assignment.project);
    let written = ctx
        .app
        .store
        .write("revoke_invitation", (event, recorded), move |tx, (event, recorded)| {
            Box::pin(async move {
                if !owns(tx, actor, std::iter::once(place)).await? {
                    return Err(RoleChangeError::NotYours);
                }
                if !operator_links::remove(tx, token).await? {
                    return Err(RoleChangeError::Missing);
                }
                operator_events::insert(tx, recorded).await?;
                Ok(event.write(tx, no, now).await?)
            })
        })
        .await;
    settle(written)
}

#[cfg(test)]
pub mod tests;
