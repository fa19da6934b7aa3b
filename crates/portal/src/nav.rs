//! The navigation of a project. Each page has its entry here.

use vestibule_domain::operator::Role;

pub(super) struct Group {
    pub(super) label: &'static str,
    pub(super) items: &'static [NavItem],
}

pub(super) struct NavItem {
    /// The value of [`crate::frame::PortalPage::section`] on its pages.
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) path: &'static str,
    /// The outline of its icon, for a `path` in a view box of 24 × 24.
    pub(super) icon: &'static str,
    /// The role required to see it.
    pub(super) role: Role,
}

/// An entry for all roles.
const fn item(key: &'static str, label: &'static str, path: &'static str, icon: &'static str) -> NavItem {
    NavItem { key, label, path, icon, role: Role::Viewer }
}

pub(super) const GROUPS: &[Group] = &[
    Group {
        label: "People",
        items: &[
            item("overview", "Overview", "/overview", "M4 20V10M10 20V4M16 20v-7M21 20H3"),
            item(
                "users",
                "Users",
                "/users",
                "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 20a6.500 6.500 0 0 1 13 0M16 4.500a3.500 3.500 0 0 1 0 6M18 14.500a6.500 6.500 0 0 1 3.500 5.500",
            ),
        ],
    },
    Group {
        label: "Authentication",
        items: &[
            item(
                "anonymous-users",
                "Anonymous users",
                "/anonymous-users",
                "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20a7 7 0 0 1 14 0",
            ),
            item("retention", "Guest retention", "/retention", "M5 6h14M10 6V4h4v2M7 6l1 14h8l1-14M10 10v6M14 10v6"),
            item("merges", "Merges", "/merges", "M6 4v5a4 4 0 0 0 4 4h8M14 9l4 4-4 4M6 20v-4"),
            item("login-methods", "Login methods", "/login-methods", "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3M12 15v2"),
            item("providers", "Providers", "/providers", "M14 4h5v16h-5M4 12h10M10 8l4 4-4 4"),
            item("session", "Session", "/session", "M12 7v5l3 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z"),
            item("rate-limits", "Rate limits", "/rate-limits", "M4 18a9 9 0 1 1 16 0M12 15l4-5M4 18h16"),
        ],
    },
    Group {
        label: "Project",
        items: &[
            item("applications", "Applications", "/applications", "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z"),
            item("branding", "Branding", "/branding", "M4 20l4-1L19 8l-3-3L5 16zM14 7l3 3"),
            item("email-texts", "Email texts", "/email-texts", "M4 5h16v14H4zM8 10h8M8 14h5"),
            item(
                "addresses",
                "Endpoints",
                "/addresses",
                "M10 14a4 4 0 0 0 6 .400l3-3a4 4 0 0 0-5.700-5.700l-1.500 1.500M14 10a4 4 0 0 0-6-.400l-3 3a4 4 0 0 0 5.700 5.700l1.500-1.500",
            ),
            item("messages", "Email and SMS", "/messages", "M4 6h16v12H4zM4 7l8 6 8-6"),
            item(
                "operators",
                "Operators",
                "/operators",
                "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM12 11a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8.500 15.500a3.500 3.500 0 0 1 7 0",
            ),
            NavItem {
                role: Role::Owner,
                ..item(
                    "admin-keys",
                    "Admin API keys",
                    "/admin-keys",
                    "M8 19a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM11 12l8-8M16 7l3 3M13.500 9.500l2 2",
                )
            },
            item(
                "settings",
                "Project settings",
                "/settings",
                "M4 7h10M18 7h2M16 5v4M4 17h2M10 17h10M8 15v4M4 12h4M12 12h8M10 10v4",
            ),
        ],
    },
    Group {
        label: "Records",
        items: &[
            item("events", "Audit log", "/events", "M6 3h9l4 4v14H6zM14 3v5h5M9 12h7M9 16h7"),
            item("webhooks", "Webhooks", "/webhooks", "M13 3L5 13h6l-1 8 8-11h-6z"),
        ],
    },
];

/// The groups with the entries visible to this role.
pub(super) fn visible(role: Role) -> Vec<(&'static str, Vec<&'static NavItem>)> {
    GROUPS
        .iter()
        .map(|group| (group.label, group.items.iter().filter(|item| role >= item.role).collect::<Vec<_>>()))
        .filter(|(_, items)| !items.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_entry_has_a_key_a_path_and_an_icon_of_its_own() {
        let items: Vec<&NavItem> = GROUPS.iter().flat_map(|group| group.items).collect();
        let parts: [fn(&NavItem) -> &'static str; 4] =
            [|item| item.key, |item| item.label, |item| item.path, |item| item.icon];
        for part in parts {
            let different: BTreeSet<&str> = items.iter().map(|item| part(item)).collect();
            assert_eq!(different.len(), items.len(), "{different:?}");
        }
    }
}
