//! Who works on a project, and the keys of the Admin API.

use askama::Template;

use super::{
    control::Control,
    frame::{PortalContext, PortalPage},
};
use crate::ui::page::finish;

/// One operator's role.
#[derive(Clone, Debug)]
pub struct StaffEntry {
    /// The operator's id, as in addresses.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its address.
    pub email: String,
    /// The role, in a word.
    pub role: &'static str,
    /// Whether the role counts in every project.
    pub is_everywhere: bool,
    /// Whether it is the operator who looks.
    pub is_me: bool,
    /// Whether the operator who looks may change it, or make a link for a new way in.
    pub may_change: bool,
}

/// One invitation nobody has accepted yet.
#[derive(Clone, Debug)]
pub struct InvitationEntry {
    /// What names it when it is taken back.
    pub id: String,
    /// Whom it was sent to.
    pub email: String,
    /// The role, in a word.
    pub role: &'static str,
    /// Whether the role would count in every project.
    pub is_everywhere: bool,
}

/// The operators of a project.
#[derive(Clone, Debug)]
pub struct StaffPage {
    /// Who has a role.
    pub members: Vec<StaffEntry>,
    /// Who is invited.
    pub invitations: Vec<InvitationEntry>,
    /// Address and role of the next one; none for those who may not invite.
    pub controls: Vec<Control>,
    /// Whether the operator may see what all operators did.
    pub may_see_activity: bool,
}

impl StaffPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        use super::control::ControlKind;
        let me = StaffEntry {
            id: "0190".into(),
            name: "Kim Doe".into(),
            email: "kim@shop.example".into(),
            role: "owner",
            is_everywhere: true,
            is_me: true,
            may_change: true,
        };
        let lee = StaffEntry {
            id: "0191".into(),
            name: "Lee".into(),
            is_me: false,
            is_everywhere: false,
            role: "viewer",
            ..me.clone()
        };
        let invitation =
            InvitationEntry { id: "aa".into(), email: "mo@shop.example".into(), role: "editor", is_everywhere: false };
        let email = Control::new("email", "Email", ControlKind::Line("email"), "");
        vec![
            (
                "owner",
                Self {
                    members: vec![me, lee.clone()],
                    invitations: vec![invitation],
                    controls: vec![email],
                    may_see_activity: true,
                },
            ),
            (
                "alone",
                Self { members: vec![lee], invitations: Vec::new(), controls: Vec::new(), may_see_activity: false },
            ),
        ]
    }
}

impl PortalPage for StaffPage {
    fn title(&self) -> String {
        "Operators".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(StaffBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("operators")
    }

    fn complaints(&self) -> Vec<(String, String)> {
        self.controls.iter().filter_map(Control::complaint).collect()
    }
}

#[derive(Template)]
#[template(path = "portal/staff.html")]
struct StaffBody<'a> {
    ctx: &'a PortalContext,
    page: &'a StaffPage,
}

/// One key of the Admin API.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: String,
    /// When it was made.
    pub made: String,
    /// When it was last used.
    pub used: Option<String>,
    /// Whether it is refused.
    pub is_revoked: bool,
}

/// The keys of the Admin API.
#[derive(Clone, Debug)]
pub struct KeysPage {
    /// Where the API is.
    pub address: String,
    /// All of them.
    pub keys: Vec<KeyEntry>,
}

impl KeysPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let key = KeyEntry {
            id: "0011".into(),
            name: "Nightly report".into(),
            scopes: "events:read".into(),
            made: "2030-01-01".into(),
            used: None,
            is_revoked: false,
        };
        let old = KeyEntry { id: "0012".into(), is_revoked: true, used: Some("2030-01-02".into()), ..key.clone() };
        let address = "https://auth.shop.example/_api/admin/v1".to_string();
        vec![
            ("none", Self { address: address.clone(), keys: Vec::new() }),
            ("two", Self { address, keys: vec![key, old] }),
        ]
    }
}

impl PortalPage for KeysPage {
    fn title(&self) -> String {
        "Admin API keys".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(KeysBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("admin-keys")
    }
}

#[derive(Template)]
#[template(path = "portal/keys.html")]
struct KeysBody<'a> {
    ctx: &'a PortalContext,
    page: &'a KeysPage,
}
