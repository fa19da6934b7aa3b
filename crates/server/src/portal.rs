//! Public API of the portal module: the first-run link, and the route list for the authorization test.

use vestibule_store::StoreError;

pub use crate::http::portal::Need as Guard;
use crate::{
    app::App,
    flows::operators::links,
    http::{self, portal::Verb},
};

/// Creates the first-run link, while there is no operator and the portal is on; invalidates older ones.
///
/// # Errors
/// When the store fails.
pub async fn create_first_link(app: &App) -> Result<Option<String>, StoreError> {
    let Some(origin) = http::portal::origin_of(app) else { return Ok(None) };
    let token = links::create_first(&app.store, &app.entropy, app.clock.now()).await?;
    Ok(token.map(|token| format!("{origin}{}", links::path_of(&token))))
}

/// A route of the portal, for tests that try them all.
#[derive(Clone, Debug)]
pub struct DoorView {
    pub method: &'static str,
    /// The path, with `{parameters}`.
    pub path: &'static str,
    /// The required role.
    pub guard: Guard,
    /// Whether it requires a recent authentication.
    pub is_dangerous: bool,
}

#[must_use]
pub fn list_doors() -> Vec<DoorView> {
    let view = |door: http::portal::Door| DoorView {
        method: match door.verb {
            Verb::Get => "GET",
            Verb::Post => "POST",
        },
        path: door.path,
        guard: door.need,
        is_dangerous: door.is_dangerous,
    };
    http::portal::all_doors().into_iter().map(view).collect()
}
