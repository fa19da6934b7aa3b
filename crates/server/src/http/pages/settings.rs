//! The account page, where settings links land, and the server's front door.

use axum::{http::HeaderMap, response::Response};

use super::{found, leave, see_other};
use crate::http::visit::Visit;

/// `GET /settings`
pub(crate) async fn show(visit: Visit, headers: HeaderMap) -> Response {
    match visit.resolve(&headers).await {
        Ok(resolution) if resolution.live().is_some_and(|caller| caller.session().is_some()) => found("/logout"),
        Ok(_) => leave::left(visit, headers).await,
        Err(error) => super::flow_error(&visit, &headers, &error),
    }
}

/// Old addresses of the account page.
pub(crate) async fn redirect() -> Response {
    found("/settings")
}

/// `GET /`: there is nothing here but the way on.
pub(crate) async fn home(visit: Visit) -> Response {
    see_other(visit.project.settings.default_client_uri().unwrap_or("/settings"))
}
