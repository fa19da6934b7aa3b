//! Moving a project to another public origin: for an owner of every project, who may give and take hosts.

use std::net::IpAddr;

use vestibule_domain::{
    event::Event,
    operator::{EVERY_PROJECT, Role, role_in},
    project::{Origin, ProjectSettings},
    time::Timestamp,
};
use vestibule_store::{StoreError, operators, projects};

use super::{AdminError, Fault, settings};
use crate::{
    app::App,
    events,
    flows::operators::SignedIn,
    hosts::{self, HostClash},
    projects::Project,
};

/// Why a project was not moved.
#[derive(Debug, thiserror::Error)]
enum Undone {
    #[error("only an owner of every project can do this")]
    NotOwner,
    #[error("another operator changed the project")]
    Changed,
    #[error(transparent)]
    Host(#[from] HostClash),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of the wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// The project has the origin now.
    Done,
    /// It had it already.
    Unchanged,
    /// The operator does not own every project.
    NotOwner,
}

const PATH: &str = "project.public_origin";

/// Gives the project another public origin; the operator's role is read where it is used.
pub(crate) async fn change(
    app: &App,
    project: &Project,
    (who, ip): (&SignedIn, IpAddr),
    origin: &Origin,
    now: Timestamp,
) -> Result<Moved, AdminError> {
    let current = settings::get(app, project).await?;
    if current.settings.public_origin() == origin {
        return Ok(Moved::Unchanged);
    }
    let moved = move_to(&current.settings, origin)?;
    let event = Event::ProjectChanged { keys: vec![PATH.to_string()] };
    let event = who.acting(ip).prepare(app, project, &event, None, now);
    let (no, version, actor) = (project.no, current.version, who.operator.id);
    let input = (app.projects.portal_host().clone(), moved, event);
    let written = app
        .store
        .write("change_public_origin", input, move |tx, (portal, moved, event)| {
            Box::pin(async move {
                let roles = operators::hold_roles_of(tx, actor).await?;
                if role_in(&roles, EVERY_PROJECT) != Some(Role::Owner) {
                    return Err(Undone::NotOwner);
                }
                let origin = moved.public_origin();
                hosts::judge_move(tx, portal, (Some(no), moved.id()), origin).await??;
                if !projects::update_settings(tx, no, version, origin, &moved.to_json(), now).await? {
                    return Err(Undone::Changed);
                }
                Ok(events::queue_of_project(tx, no, event, now).await?)
            })
        })
        .await;
    match written {
        Ok(()) => {}
        Err(Undone::NotOwner) => return Ok(Moved::NotOwner),
        Err(Undone::Changed) => return Err(AdminError::Changed { current: version + 1 }),
        Err(Undone::Host(clash)) => return Err(AdminError::fault(PATH, clash.to_string())),
        // The store keeps hosts apart, too: another project took it between the judgment and the write.
        Err(Undone::Store(StoreError::Conflict { .. })) => {
            return Err(AdminError::fault(PATH, HostClash::Taken.to_string()));
        }
        Err(Undone::Store(error)) => return Err(error.into()),
    }
    app.outbox_bell.notify_one();
    app.projects.reload(&app.store, &app.master).await?;
    Ok(Moved::Done)
}

/// The settings at the other origin, if the others go with it.
fn move_to(settings: &ProjectSettings, origin: &Origin) -> Result<ProjectSettings, AdminError> {
    let mut moved = settings.clone();
    moved.project.public_origin = origin.clone();
    moved.validate().map_err(|complaints| {
        AdminError::Invalid(complaints.into_iter().map(|one| Fault::new(one.path, one.message)).collect())
    })?;
    Ok(moved)
}
