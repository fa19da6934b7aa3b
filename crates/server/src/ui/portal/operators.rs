//! The operators of a project, and its Admin API keys.

use askama::Template;

use super::{
    control::Control,
    frame::{PortalContext, PortalPage},
};
use crate::ui::template::finish;

/// A role of an operator.
#[derive(Clone, Debug)]
pub struct OperatorEntry {
    pub id: String,
    pub name: String,
    pub email: String,
    pub role: &'static str,
    /// Whether the role is in all projects.
    pub is_everywhere: bool,
    pub is_me: bool,
    /// Whether the viewing operator may change it, or create a reset link.
    pub may_change: bool,
}

/// An open invitation.
#[derive(Clone, Debug)]
pub struct InvitationEntry {
    pub id: String,
    pub email: String,
    pub role: &'static str,
    /// Whether the role is in all projects.
    pub is_everywhere: bool,
}

#[derive(Clone, Debug)]
pub struct OperatorsPage {
    pub members: Vec<OperatorEntry>,
    pub invitations: Vec<InvitationEntry>,
    /// The controls for an invitation; empty for operators who may not invite.
    pub controls: Vec<Control>,
    /// Whether the operator may read the operators' audit log.
    pub may_see_activity: bool,
}

impl OperatorsPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        use super::control::ControlKind;
        let me = OperatorEntry {
            id: "0190".into(),
            name: "Kim Doe".into(),
            email: "kim@shop.example".into(),
            role: "owner",
            is_everywhere: true,
            is_me: true,
            may_change: true,
        };
        let lee = OperatorEntry {
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

impl PortalPage for OperatorsPage {
    fn title(&self) -> String {
        "Operators".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(OperatorsBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("operators")
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.controls.iter().filter_map(Control::problem).collect()
    }
}

#[derive(Template)]
#[template(path = "portal/staff.html")]
struct OperatorsBody<'a> {
    ctx: &'a PortalContext,
    page: &'a OperatorsPage,
}

#[derive(Clone, Debug)]
pub struct KeyEntry {
    pub id: String,
    pub name: String,
    pub scopes: String,
    pub made: String,
    pub used: Option<String>,
    pub is_revoked: bool,
}

#[derive(Clone, Debug)]
pub struct KeysPage {
    pub address: String,
    pub keys: Vec<KeyEntry>,
}

impl KeysPage {
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
