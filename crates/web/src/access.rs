//! Who may use a route of the portal.

use vestibule_domain::operator::Role;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Anonymous,
    /// All operators.
    Operator,
    /// Operators with at least this role in all projects.
    Everywhere(Role),
    /// Operators with at least this role in the project in the path.
    InProject(Role),
}
