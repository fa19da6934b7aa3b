//! Who works on a project, and on which projects somebody works.

use vestibule_domain::operator::Role;

use super::SignedIn;
use crate::{app::App, projects::Project};

/// One project of an operator, with its role there.
pub(crate) fn list_projects(app: &App, who: &SignedIn) -> Vec<(std::sync::Arc<Project>, Role)> {
    let mut mine: Vec<_> = app
        .projects
        .all()
        .into_iter()
        .filter_map(|project| {
            let role = who.role_in(project.no)?;
            Some((project, role))
        })
        .collect();
    mine.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    mine
}
