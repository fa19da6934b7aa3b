//! The first-run link, and the list of routes for the authorization test.

use vestibule_app::{StoreError, operators::links, state::App};
use vestibule_web::access::Access;

use crate::Verb;

/// Creates the first-run link, while there is no operator and the portal is on; invalidates older ones.
///
/// # Errors
/// When the store fails.
pub async fn create_first_link(app: &App) -> Result<Option<String>, StoreError> {
    let Some(origin) = crate::origin_of(app) else { return Ok(None) };
    let token = links::create_first(app).await?;
    Ok(token.map(|token| format!("{origin}{}", links::path_of(&token))))
}

/// A route of the portal, for tests that try them all.
#[derive(Clone, Debug)]
pub struct PortalRouteView {
    pub method: &'static str,
    /// The path, with `{parameters}`.
    pub path: &'static str,
    /// The required role.
    pub access: Access,
    /// Whether it requires a recent authentication.
    pub requires_reauthentication: bool,
}

#[must_use]
pub fn list_routes() -> Vec<PortalRouteView> {
    let view = |route: crate::PortalRoute| PortalRouteView {
        method: match route.verb {
            Verb::Get => "GET",
            Verb::Post => "POST",
        },
        path: route.path,
        access: route.access,
        requires_reauthentication: route.requires_reauthentication,
    };
    crate::all_routes(|_, _, _| String::new()).into_iter().map(view).collect()
}
