//! An operator's own account: its passkeys and its password.

use askama::Template;

use super::{
    activity::ActivityLine,
    control::{Control, ControlKind},
    frame::{PortalContext, PortalPage},
    moment::Moment,
    passkey::PasskeyBox,
};
use crate::ui::{Ceremony, template::finish};

/// One passkey of the operator.
#[derive(Clone, Debug)]
pub struct MyPasskey {
    pub id: String,
    pub name: String,
    pub created_at: Moment,
    pub used_at: Option<Moment>,
    pub rename: Control,
}

impl MyPasskey {
    /// The control for renaming a passkey, and its error.
    pub fn rename_control(id: &str, name: &str, typed: &str, error: Option<&str>) -> Control {
        Control::new(format!("name.{id}"), "New name", ControlKind::Line("text"), typed)
            .of(name)
            .required()
            .error(error)
    }
}

#[derive(Clone, Debug)]
pub struct MePage {
    pub email: String,
    pub passkeys: Vec<MyPasskey>,
    pub add: PasskeyBox,
    pub has_password: bool,
    pub min_length: usize,
    pub error: Option<String>,
    pub lately: Vec<ActivityLine>,
}

impl MePage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            email: "kim@shop.example".into(),
            passkeys: Vec::new(),
            add: PasskeyBox::sample(Ceremony::Create),
            has_password: true,
            min_length: 10,
            error: None,
            lately: ActivityLine::samples(),
        };
        let short = Self { error: Some("Use at least 10 characters.".into()), ..plain.clone() };
        let key = |id: &str, used: Option<&str>| MyPasskey {
            id: id.into(),
            name: "Blue <key>".into(),
            created_at: Moment::new("2030-05-01T08:00:00.000Z"),
            used_at: used.map(Moment::new),
            rename: MyPasskey::rename_control(id, "Blue <key>", "", used.map(|_| "Enter a name.")),
        };
        let keys = Self {
            passkeys: vec![key("0190", None), key("0191", Some("2030-05-02T08:00:00.000Z"))],
            has_password: false,
            add: PasskeyBox::sample(Ceremony::Create).error(Some("That did not work.")),
            lately: Vec::new(),
            ..plain.clone()
        };
        let both = Self { has_password: true, ..keys.clone() };
        vec![("plain", plain), ("short", short), ("keys", keys), ("both", both)]
    }

    pub fn name_control() -> Control {
        Control::new("name", "Name of the new passkey", ControlKind::Line("text"), "")
            .hint("For example Laptop or Blue security key.")
    }

    fn control(&self) -> Control {
        Control::new("password", "New password", ControlKind::NewPassword, "")
            .required()
            .hint(format!("At least {} characters. Your other sessions end.", self.min_length))
            .error(self.error.clone())
    }

    fn may_remove_password(&self) -> bool {
        self.has_password && !self.passkeys.is_empty()
    }

    fn button(&self) -> &'static str {
        if self.has_password { "Change password" } else { "Set password" }
    }
}

impl PortalPage for MePage {
    fn title(&self) -> String {
        "Your account".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(MeBody { ctx, page: self }.render())
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/portal".into(), "Projects".into()))
    }

    fn problems(&self) -> Vec<(String, String)> {
        let renames = self.passkeys.iter().filter_map(|one| one.rename.problem());
        renames.chain(self.control().problem()).collect()
    }

    fn has_passkey(&self) -> bool {
        true
    }
}

#[derive(Template)]
#[template(path = "portal/me.html")]
struct MeBody<'a> {
    ctx: &'a PortalContext,
    page: &'a MePage,
}
