//! What those outside the house may know of the operators' portal: the way in for the first operator, and its doors.

use vestibule_store::StoreError;

pub use crate::http::portal::Need as Guard;
use crate::{
    app::App,
    flows::operators::links,
    http::{self, portal::Verb},
};

/// The one-time link that makes the first operator, while there is none and the portal is on; older ones are dead.
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
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, with `{parameters}`.
    pub path: &'static str,
    /// Who may pass.
    pub guard: Guard,
    /// Whether a fresh proof of who one is is asked for first.
    pub is_dangerous: bool,
}

/// Every route of the portal.
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
