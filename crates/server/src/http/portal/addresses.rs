//! The URLs of the project.

use vestibule_domain::operator::Role;

use super::{Answer, Desk, Door, Verb};
use crate::ui::portal::AddressesPage;

pub(super) fn doors() -> Vec<Door> {
    vec![Door::desk(Verb::Get, "/portal/p/{project}/addresses", Role::Viewer, show)]
}

async fn show(desk: Desk) -> Answer {
    desk.show(&AddressesPage { origin: desk.project.origin.clone() })
}
