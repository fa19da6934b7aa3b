//! The navigation of a project: one entry for each page that is there. Add yours with the page it leads to.

use vestibule_domain::operator::Role;

/// A group of entries.
pub(super) struct Group {
    pub(super) label: &'static str,
    pub(super) items: &'static [Item],
}

/// An entry.
pub(super) struct Item {
    /// What [`super::PortalPage::section`] answers on its pages.
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    /// Below `/portal/p/{project}`.
    pub(super) path: &'static str,
    /// The outline of its picture, for a `path` in a view box of 24 × 24.
    pub(super) icon: &'static str,
    /// Who sees it.
    pub(super) role: Role,
}

/// An entry everybody sees.
const fn item(key: &'static str, label: &'static str, path: &'static str, icon: &'static str) -> Item {
    Item { key, label, path, icon, role: Role::Viewer }
}

pub(super) const GROUPS: &[Group] = &[Group {
    label: "Project",
    items: &[item(
        "addresses",
        "Addresses",
        "/addresses",
        "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.700-5.700l-1.500 1.500M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.700 5.700l1.500-1.500",
    )],
}];

/// The groups with the entries this role sees.
pub(super) fn visible(role: Role) -> Vec<(&'static str, Vec<&'static Item>)> {
    GROUPS
        .iter()
        .map(|group| (group.label, group.items.iter().filter(|item| role >= item.role).collect::<Vec<_>>()))
        .filter(|(_, items)| !items.is_empty())
        .collect()
}
