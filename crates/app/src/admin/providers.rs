//! The providers of external accounts in a project's settings: their order, and removing one.

use serde_json::Value;

use super::{AdminError, Thing, settings};
use crate::{actor::Actor, ctx::Ctx, providers::secrets};

/// The list in the settings.
const LIST: &str = "/identity/oauth/providers";

/// Where a provider moves in the order in which pages offer them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

fn list_of(document: &mut Value) -> Option<&mut Vec<Value>> {
    document.pointer_mut(LIST)?.as_array_mut()
}

fn position(list: &[Value], alias: &str) -> Option<usize> {
    list.iter().position(|provider| provider["alias"] == *alias)
}

/// Moves a provider by one place; the first one moves up to where it is.
///
/// # Errors
/// When there is no such provider.
pub async fn shift(ctx: &Ctx<'_>, actor: &Actor, alias: &str, direction: Direction) -> Result<(), AdminError> {
    let edit = |document: &mut Value| {
        let missing = || AdminError::NotFound(Thing::Provider);
        let list = list_of(document).ok_or_else(missing)?;
        let at = position(list, alias).ok_or_else(missing)?;
        let to = match direction {
            Direction::Up => at.saturating_sub(1),
            Direction::Down => (at + 1).min(list.len() - 1),
        };
        list.swap(at, to);
        Ok(())
    };
    settings::change(ctx, actor, edit).await
}

/// Removes a provider and its client secret. External accounts of users stay, for the case that it is added again.
///
/// # Errors
/// When there is no such provider.
pub async fn remove(ctx: &Ctx<'_>, actor: &Actor, alias: &str) -> Result<(), AdminError> {
    let edit = |document: &mut Value| {
        let missing = || AdminError::NotFound(Thing::Provider);
        let list = list_of(document).ok_or_else(missing)?;
        let at = position(list, alias).ok_or_else(missing)?;
        list.remove(at);
        Ok(())
    };
    settings::change(ctx, actor, edit).await?;
    match secrets::remove(ctx, actor, alias).await {
        Ok(()) | Err(AdminError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
