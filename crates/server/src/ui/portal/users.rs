//! The list of users with search and filters.

use askama::Template;

use super::{
    frame::{PortalContext, PortalPage},
    moment::Moment,
};
use crate::ui::template::finish;

/// A user in the list.
#[derive(Clone, Debug)]
pub struct UserRow {
    pub id: String,
    /// A login ID or a name, if any.
    pub name: Option<String>,
    pub is_guest: bool,
    pub is_disabled: bool,
    pub created_at: Moment,
    pub promoted_at: Option<Moment>,
    pub last_login_at: Option<Moment>,
}

impl UserRow {
    fn short_id(&self) -> &str {
        self.id.get(..13).unwrap_or(&self.id)
    }
}

#[derive(Clone, Debug)]
pub struct UsersPage {
    pub search: String,
    pub kind: String,
    /// Days, for recently promoted and dormant users.
    pub days: u32,
    pub users: Vec<UserRow>,
    pub next: Option<String>,
    pub is_later: bool,
    pub limit: usize,
}

/// The filters and their labels.
const KINDS: [(&str, &str); 6] = [
    ("all", "All users"),
    ("guest", "Guests"),
    ("member", "Members"),
    ("promoted", "Recently promoted"),
    ("dormant", "Dormant guests"),
    ("disabled", "Disabled"),
];

impl UsersPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let guest = UserRow {
            id: "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab".into(),
            name: None,
            is_guest: true,
            is_disabled: false,
            created_at: Moment::new("2030-05-01T08:00:00.000Z"),
            promoted_at: None,
            last_login_at: None,
        };
        let member = UserRow {
            id: "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ac".into(),
            name: Some("kim+<b>@shop.example".into()),
            is_guest: false,
            is_disabled: true,
            promoted_at: Some(Moment::new("2030-05-02T08:00:00.000Z")),
            last_login_at: Some(Moment::new("2030-05-03T08:00:00.000Z")),
            ..guest.clone()
        };
        let some = Self {
            search: String::new(),
            kind: "all".into(),
            days: 30,
            users: vec![guest, member],
            next: Some("kind=all&cursor=AAAA".into()),
            is_later: false,
            limit: 50,
        };
        let none = Self { users: Vec::new(), next: None, ..some.clone() };
        let not_found = Self { search: "kim@".into(), ..none.clone() };
        let walked = Self { kind: "dormant".into(), next: some.next.clone(), is_later: true, ..none.clone() };
        vec![("some", some), ("none", none), ("not-found", not_found), ("walked", walked)]
    }

    fn kinds(&self) -> [(&'static str, &'static str, bool); 6] {
        KINDS.map(|(kind, name)| (kind, name, kind == self.kind))
    }

    fn has_days(&self) -> bool {
        matches!(self.kind.as_str(), "promoted" | "dormant")
    }

    fn is_filtered(&self) -> bool {
        self.kind != "all" || !self.search.is_empty()
    }

    fn is_cut(&self) -> bool {
        !self.search.is_empty() && self.users.len() >= self.limit
    }
}

impl PortalPage for UsersPage {
    fn title(&self) -> String {
        "Users".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("users")
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(UsersBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/users.html")]
struct UsersBody<'a> {
    ctx: &'a PortalContext,
    page: &'a UsersPage,
}
