//! The table of routes, for the tests that call each of them and for the reference page.

use vestibule_web::route::Route;

use crate::route_table;
pub use vestibule_web::{credentials::CredentialKind, route::Face};

/// A route of the table.
#[derive(Clone, Debug)]
pub struct RouteView {
    pub face: Face,
    pub method: String,
    /// The path, with `{parameters}`.
    pub path: String,
    /// The credentials it accepts; all others are ignored.
    pub accepts: Vec<CredentialKind>,
    /// Credentials in the request's own parameters.
    pub parameters: &'static [&'static str],
}

#[must_use]
pub fn list_routes() -> Vec<RouteView> {
    let view = |route: Route| RouteView {
        face: route.face,
        method: route.method.to_string(),
        path: route.full_path(),
        accepts: route.accepts,
        parameters: route.parameters,
    };
    route_table::table().into_iter().map(view).collect()
}
