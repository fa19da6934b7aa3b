//! What those outside the house may know of the operators' portal: the way in for the first operator.

use vestibule_store::StoreError;

use crate::{app::App, flows::operators::links, http};

/// The one-time link that makes the first operator, while there is none and the portal is on; older ones are dead.
///
/// # Errors
/// When the store fails.
pub async fn create_first_link(app: &App) -> Result<Option<String>, StoreError> {
    let Some(origin) = http::portal::origin_of(app) else { return Ok(None) };
    let token = links::create_first(&app.store, &app.entropy, app.clock.now()).await?;
    Ok(token.map(|token| format!("{origin}{}", links::path_of(&token))))
}
