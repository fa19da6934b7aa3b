//! A member's passkeys: listing, creating, naming and removing them.

use askama::Template;

use super::sub_page;
use crate::ui::context::PageContext;
use crate::ui::elapsed::Elapsed;
use crate::ui::field::Field;
use crate::ui::field_problem::FieldProblem;
use crate::ui::page::{Page, Shell};
use crate::ui::passkey::{Ceremony, PasskeyCeremony};
use crate::ui::template::finish;
use crate::ui::text::Text;

/// One passkey.
#[derive(Clone, Debug)]
pub struct PasskeyEntry {
    /// Posted as `passkey_id` when it is removed.
    pub id: String,
    /// What it is called, such as "iCloud Keychain", if known.
    pub name: Option<String>,
    pub created: Elapsed,
    pub last_used: Option<Elapsed>,
    pub rename_href: String,
    /// False for the last login method.
    pub removable: bool,
}

/// The list of passkeys. A removal posts `passkey_id` and `action=remove`.
#[derive(Clone, Debug)]
pub struct PasskeysPage {
    pub entries: Vec<PasskeyEntry>,
    pub remove_action: String,
    pub add: Option<PasskeyCeremony>,
    pub back_href: String,
}

impl PasskeysPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let entry = |id: &str, name: Option<&str>, last_used, removable| PasskeyEntry {
            id: id.into(),
            name: name.map(str::to_owned),
            created: Elapsed::from_seconds(9_000_000),
            last_used,
            rename_href: format!("/settings/passkeys/name?id={id}"),
            removable,
        };
        let empty = Self {
            entries: Vec::new(),
            remove_action: "/settings/passkeys".into(),
            add: Some(PasskeyCeremony::sample(Ceremony::Create)),
            back_href: "/settings".into(),
        };
        let two = Self {
            entries: vec![
                entry("p1", Some("iCloud Keychain"), Some(Elapsed::from_seconds(4_000)), true),
                entry("p2", None, None, false),
            ],
            ..empty.clone()
        };
        vec![("two", two), ("empty", empty)]
    }
}

impl Page for PasskeysPage {
    fn title(&self) -> Text {
        Text::new("settings-passkeys")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(PasskeysBody { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }

    fn has_passkey(&self) -> bool {
        self.add.is_some()
    }
}

#[derive(Template)]
#[template(path = "account/passkeys.html")]
struct PasskeysBody<'a> {
    ctx: &'a PageContext,
    page: &'a PasskeysPage,
}

impl PasskeysBody<'_> {
    fn name(&self, entry: &PasskeyEntry) -> String {
        entry.name.clone().unwrap_or_else(|| self.ctx.t("passkey-unnamed"))
    }
}

/// Renames a passkey. The form posts `name` and `action=save`.
#[derive(Clone, Debug)]
pub struct PasskeyNamePage {
    pub action: String,
    pub name: String,
    pub error: Option<Text>,
    pub back_href: String,
}

impl PasskeyNamePage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let named = Self {
            action: "/settings/passkeys/name?id=p1".into(),
            name: "iCloud Keychain".into(),
            error: None,
            back_href: "/settings/passkeys".into(),
        };
        let long = Self { error: Some(FieldProblem::NameTooLong { max: 100 }.text()), ..named.clone() };
        vec![("named", named), ("too-long", long)]
    }

    fn field(&self) -> Field {
        Field {
            value: self.name.clone(),
            error: self.error.clone(),
            autofocus: self.error.is_some(),
            required: false,
            ..Field::new("name", Text::new("field-passkey-name"), "text")
        }
    }
}

impl Page for PasskeyNamePage {
    fn title(&self) -> Text {
        Text::new("passkey-name-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(NameBody { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(&'static str, Text)> {
        self.field().problem().into_iter().collect()
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/passkey_name.html")]
struct NameBody<'a> {
    ctx: &'a PageContext,
    page: &'a PasskeyNamePage,
}
