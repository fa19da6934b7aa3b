//! Who works on a project: listing operators and invitations, inviting, changing roles, removing. Somebody always keeps
//! every project in hand.

use vestibule_domain::{
    event::{Event, OperatorAction},
    id::{OperatorId, ProjectNo},
    operator::{Act, Assignment, EVERY_PROJECT, LinkPurpose, Operator, Role, role_in},
    secret::TokenHash,
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx,
    operator_events::{self, OperatorEvent},
    operator_links, operator_sessions, operators,
};

use super::{SignedIn, links, normalize, trace};
use crate::{
    app::App,
    crypto::read_hex,
    events::{self, QueuedEvent},
    flows::{Error, admin},
    messages::SealedMessage,
    ports::mailer::Mail,
    projects::Project,
};

/// Who has a role here, and who is invited.
pub(crate) struct Staff {
    pub(crate) members: Vec<(Operator, Assignment)>,
    pub(crate) invitations: Vec<operator_links::OperatorLink>,
}

/// Everybody who works on a project.
pub(crate) async fn list(app: &App, project: &Project, now: Timestamp) -> Result<Staff, Error> {
    let mut conn = app.store.read().await?;
    let members = operators::list_of_project(&mut conn, project.no).await?;
    let invitations = operator_links::list(&mut conn, project.no, LinkPurpose::Invitation, now).await?;
    Ok(Staff { members, invitations })
}

/// One project of an operator, with its role there.
pub(crate) fn list_projects(app: &App, who: &SignedIn) -> Vec<(std::sync::Arc<Project>, Role)> {
    let mut mine: Vec<_> = app
        .projects
        .all()
        .into_iter()
        .filter_map(|project| {
            let role = who.role_in(project.no)?;
            Some((project, role))
        })
        .collect();
    mine.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    mine
}

/// Why something about operators was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The address is none.
    BadEmail,
    /// It takes the role everywhere to give or take it everywhere.
    NotYours,
    /// Nobody would own every project any more.
    LastOwner,
    /// The operator works where the one who acts owns nothing.
    WorksElsewhere,
    /// There is no such operator or invitation here.
    Missing,
}

/// What became of an invitation.
#[derive(Debug)]
pub(crate) enum Invited {
    /// Somebody new: the secret part of the link it needs.
    Link(String),
    /// There is such an operator: it has the role already.
    Assigned,
}

fn place(project: &Project, everywhere: bool) -> ProjectNo {
    if everywhere { EVERY_PROJECT } else { project.no }
}

/// Whether the operator owns every one of these places, by the roles it has in this transaction; they stay as they are until
/// it ends. To own a project is to own it or every project.
async fn owns(tx: &mut Tx, actor: OperatorId, mut places: impl Iterator<Item = ProjectNo>) -> Result<bool, StoreError> {
    let roles = operators::hold_roles_of(tx, actor).await?;
    Ok(places.all(|place| role_in(&roles, place) == Some(Role::Owner)))
}

fn note(
    app: &App,
    project: &Project,
    actor: &admin::Operator,
    action: OperatorAction,
    target: &str,
    now: Timestamp,
) -> QueuedEvent {
    let event = Event::OperatorActed { action, target: target.to_string() };
    actor.prepare(app, project, &event, None, now)
}

/// What the record of all operators says of it; the project's event log says it in its own words.
fn record(
    app: &App,
    (who, ip): (&SignedIn, std::net::IpAddr),
    whom: (Option<OperatorId>, &str),
    act: Act,
    detail: &str,
    now: Timestamp,
) -> OperatorEvent {
    trace::done_to(&app.entropy, whom, (&who.operator.email, Some(ip)), act, detail, now)
}

/// A place in words.
fn describe(project: &Project, place: ProjectNo) -> &str {
    if place == EVERY_PROJECT { "every project" } else { &project.id }
}

fn describe_role(project: &Project, assignment: Assignment) -> String {
    format!("{} of {}", assignment.role.as_str(), describe(project, assignment.project))
}

/// Whom to invite, and to what.
pub(crate) struct Invitation<'a> {
    pub(crate) email: &'a str,
    pub(crate) role: Role,
    pub(crate) everywhere: bool,
    /// Writes the mail, given the path of the link (none for somebody who needs none).
    pub(crate) write_mail: &'a (dyn Fn(&str, Option<&str>) -> Mail + Send + Sync),
}

/// Invites somebody. An operator there is gets the role at once.
pub(crate) async fn invite(
    app: &App,
    project: &Project,
    who: &SignedIn,
    ip: std::net::IpAddr,
    wish: &Invitation<'_>,
    now: Timestamp,
) -> Result<Result<Invited, Obstacle>, Error> {
    let Some(email) = normalize(wish.email) else { return Ok(Err(Obstacle::BadEmail)) };
    let place = place(project, wish.everywhere);
    let assignment = Assignment { project: place, role: wish.role };
    let event = note(app, project, &who.acting(ip), OperatorAction::Invited, &email, now);
    let known = operators::find_by_email(&mut *app.store.read().await?, &email).await?;
    let (invited, mail, link) = match &known {
        Some(_) => (Invited::Assigned, (wish.write_mail)(&email, None), None),
        None => {
            let (token, link) = links::prepare(&app.entropy, LinkPurpose::Invitation, assignment, &email, now);
            let mail = (wish.write_mail)(&email, Some(&links::path_of(&token)));
            (Invited::Link(token), mail, Some(link))
        }
    };
    let (no, id, actor) = (project.no, known.map(|operator| operator.id), who.operator.id);
    let detail = describe_role(project, assignment);
    let recorded = record(app, (who, ip), (id, &email), Act::Invited, &detail, now);
    let mail = SealedMessage::of_mail(app, no, &mail);
    let written = app
        .store
        .write("invite_operator", (event, mail, link, recorded), move |tx, (event, mail, link, recorded)| {
            Box::pin(async move {
                if !owns(tx, actor, std::iter::once(place)).await? {
                    return Err(Undone::NotYours);
                }
                if let Some(link) = link {
                    links::write(tx, link).await?;
                }
                operator_events::insert(tx, recorded).await?;
                if let Some(id) = id {
                    set_role(tx, id, assignment).await?;
                }
                mail.push(tx, no, now).await?;
                events::queue_of_project(tx, no, event, now).await?;
                Ok(())
            })
        })
        .await;
    settle(app, written).map(|done| done.map(|()| invited))
}

/// Gives an operator another role; links made for it while it had less are dead from now on.
async fn set_role(tx: &mut Tx, id: OperatorId, assignment: Assignment) -> Result<(), Undone> {
    if assignment.project == EVERY_PROJECT {
        operators::hold_owners_of_all(tx).await?;
    }
    let operator = operators::find(tx, id).await?.ok_or(Undone::Missing)?;
    operator_links::remove_all_for(tx, &operator.email).await?;
    operators::set_role(tx, id, assignment).await?;
    check_owners(tx, assignment.project).await
}

/// Takes an operator's role; with its last one it is no operator any more, and no link makes it one again.
async fn take_role(tx: &mut Tx, target: &Operator, place: ProjectNo) -> Result<Act, Undone> {
    if place == EVERY_PROJECT {
        operators::hold_owners_of_all(tx).await?;
    }
    if !operators::remove_role(tx, place, target.id).await? {
        return Err(Undone::Missing);
    }
    check_owners(tx, place).await?;
    if !operators::roles_of(tx, target.id).await?.is_empty() {
        return Ok(Act::RoleTaken);
    }
    operator_links::remove_all_for(tx, &target.email).await?;
    operator_sessions::remove_of_operator(tx, target.id).await?;
    operators::remove(tx, target.id).await?;
    Ok(Act::Removed)
}

async fn check_owners(tx: &mut Tx, place: ProjectNo) -> Result<(), Undone> {
    if place == EVERY_PROJECT && operators::count_owners_of_all(tx).await? == 0 {
        return Err(Undone::LastOwner);
    }
    Ok(())
}

/// What the transaction found.
#[derive(Debug, thiserror::Error)]
enum Undone {
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

/// What becomes of an operator's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Another one.
    To(Role),
    /// None any more; whoever has no role left is no operator any more.
    Remove,
}

/// Changes or takes the role an operator has in this project or everywhere.
pub(crate) async fn change_role(
    app: &App,
    project: &Project,
    who: &SignedIn,
    ip: std::net::IpAddr,
    (id, everywhere): (OperatorId, bool),
    change: Change,
    now: Timestamp,
) -> Result<Result<(), Obstacle>, Error> {
    let place = place(project, everywhere);
    let target = operators::find(&mut *app.store.read().await?, id).await?;
    let Some(target) = target else { return Ok(Err(Obstacle::Missing)) };
    let action = match change {
        Change::To(_) => OperatorAction::RoleChanged,
        Change::Remove => OperatorAction::Removed,
    };
    let event = note(app, project, &who.acting(ip), action, &target.email, now);
    let whom = (Some(id), target.email.as_str());
    let recorded = match change {
        Change::To(role) => {
            let detail = describe_role(project, Assignment { project: place, role });
            record(app, (who, ip), whom, Act::RoleChanged, &detail, now)
        }
        Change::Remove => record(app, (who, ip), whom, Act::RoleTaken, describe(project, place), now),
    };
    let (no, actor) = (project.no, who.operator.id);
    let written = app
        .store
        .write("change_operator_role", (target, event, recorded), move |tx, (target, event, recorded)| {
            Box::pin(async move {
                if !owns(tx, actor, std::iter::once(place)).await? {
                    return Err(Undone::NotYours);
                }
                let act = match change {
                    Change::To(role) => {
                        if !operators::roles_of(tx, id).await?.iter().any(|one| one.project == place) {
                            return Err(Undone::Missing);
                        }
                        set_role(tx, id, Assignment { project: place, role }).await?;
                        Act::RoleChanged
                    }
                    Change::Remove => take_role(tx, target, place).await?,
                };
                let act = act.as_str().to_string();
                operator_events::insert(tx, &OperatorEvent { act, ..recorded.clone() }).await?;
                events::queue_of_project(tx, no, event, now).await?;
                Ok(())
            })
        })
        .await;
    settle(app, written)
}

/// What a transaction came to, for the caller.
fn settle(app: &App, written: Result<(), Undone>) -> Result<Result<(), Obstacle>, Error> {
    match written {
        Ok(()) => {
            app.outbox_bell.notify_one();
            Ok(Ok(()))
        }
        Err(Undone::NotYours) => Ok(Err(Obstacle::NotYours)),
        Err(Undone::WorksElsewhere) => Ok(Err(Obstacle::WorksElsewhere)),
        Err(Undone::LastOwner) => Ok(Err(Obstacle::LastOwner)),
        Err(Undone::Missing) => Ok(Err(Obstacle::Missing)),
        Err(Undone::Store(error)) => Err(error.into()),
    }
}

/// Makes a link with which another operator chooses a new way in, and signs it out everywhere; the answer is the link's
/// secret part. Whoever has the link can come in as that operator, so it takes somebody who owns every place it works in.
pub(crate) async fn make_link(
    app: &App,
    project: &Project,
    who: &SignedIn,
    ip: std::net::IpAddr,
    id: OperatorId,
    now: Timestamp,
) -> Result<Result<String, Obstacle>, Error> {
    let target = operators::find(&mut *app.store.read().await?, id).await?;
    let Some(target) = target else { return Ok(Err(Obstacle::Missing)) };
    let event = note(app, project, &who.acting(ip), OperatorAction::LinkCreated, &target.email, now);
    let (token, link) = links::prepare(&app.entropy, LinkPurpose::Reset, links::NO_ROLE, &target.email, now);
    let recorded = record(app, (who, ip), (Some(id), &target.email), Act::LinkMade, "", now);
    let (no, actor) = (project.no, who.operator.id);
    let written = app
        .store
        .write("make_operator_link", (link, event, recorded), move |tx, (link, event, recorded)| {
            Box::pin(async move {
                let places: Vec<_> = operators::hold_roles_of(tx, id).await?.iter().map(|one| one.project).collect();
                if !places.iter().any(|place| *place == no || *place == EVERY_PROJECT) {
                    return Err(Undone::Missing);
                }
                if !owns(tx, actor, places.into_iter()).await? {
                    return Err(Undone::WorksElsewhere);
                }
                links::write(tx, link).await?;
                operator_events::insert(tx, recorded).await?;
                Ok(events::queue_of_project(tx, no, event, now).await?)
            })
        })
        .await;
    settle(app, written).map(|done| done.map(|()| token))
}

/// Takes an invitation back; it is named by the hash of its link.
pub(crate) async fn revoke_invitation(
    app: &App,
    project: &Project,
    who: &SignedIn,
    ip: std::net::IpAddr,
    id: &str,
    now: Timestamp,
) -> Result<Result<(), Obstacle>, Error> {
    let staff = list(app, project, now).await?;
    let hash = read_hex(id).and_then(|bytes| bytes.try_into().ok()).map(TokenHash);
    let Some(link) = staff.invitations.into_iter().find(|link| Some(link.token) == hash) else {
        return Ok(Err(Obstacle::Missing));
    };
    let event = note(app, project, &who.acting(ip), OperatorAction::InvitationRevoked, &link.email, now);
    let detail = describe_role(project, link.assignment);
    let recorded = record(app, (who, ip), (None, &link.email), Act::InvitationRevoked, &detail, now);
    let (no, actor, token, place) = (project.no, who.operator.id, link.token, link.assignment.project);
    let written = app
        .store
        .write("revoke_invitation", (event, recorded), move |tx, (event, recorded)| {
            Box::pin(async move {
                if !owns(tx, actor, std::iter::once(place)).await? {
                    return Err(Undone::NotYours);
                }
                if !operator_links::remove(tx, token).await? {
                    return Err(Undone::Missing);
                }
                operator_events::insert(tx, recorded).await?;
                Ok(events::queue_of_project(tx, no, event, now).await?)
            })
        })
        .await;
    settle(app, written)
}

#[cfg(test)]
mod tests;
