//! Moves a project to another public origin. Only for owners of all projects, because it takes and frees host names.

use vestibule_domain::{
    operator::Role,
    project::{Origin, ProjectSettings},
};

use super::{AdminError, settings};
use crate::{
    actor::{Actor, Permit},
    ctx::Ctx,
    operators::SignedIn,
};

/// The result of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    Done,
    /// The project already has this origin.
    Unchanged,
    /// The operator does not own all projects.
    NotOwner,
}

/// Gives the project another public origin; the operator's role is read where it is used.
pub async fn change(ctx: &Ctx<'_>, signed_in: &SignedIn, origin: &Origin) -> Result<Moved, AdminError> {
    let row = settings::read_row(ctx).await?;
    let current = settings::read_settings(ctx.project, &row)?;
    if current.public_origin() == origin {
        return Ok(Moved::Unchanged);
    }
    let moved = move_to(&current, origin)?;
    let permit = Permit { operator: signed_in.operator.id, role: Role::Owner, everywhere: true };
    let actor = Actor { permit: Some(permit), ..signed_in.acting(ctx.ip) };
    match settings::write(ctx.app, &row, &moved, &actor, ctx.now).await {
        Ok(_) => Ok(Moved::Done),
        Err(AdminError::RoleLost) => Ok(Moved::NotOwner),
        Err(error) => Err(error),
    }
}

/// The settings with the new origin, if the other settings stay valid with it.
fn move_to(settings: &ProjectSettings, origin: &Origin) -> Result<ProjectSettings, AdminError> {
    let mut moved = settings.clone();
    moved.project.public_origin = origin.clone();
    moved.validate()?;
    Ok(moved)
}
