//! The URLs of the project.

use vestibule_domain::operator::Role;

use super::{PageResult, PortalRoute, ProjectRequest, Verb};
use crate::ui::portal::AddressesPage;

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![PortalRoute::project(Verb::Get, "/portal/p/{project}/addresses", Role::Viewer, show)]
}

async fn show(request: ProjectRequest) -> PageResult {
    request.show(&AddressesPage { origin: request.project.origin.clone() })
}
