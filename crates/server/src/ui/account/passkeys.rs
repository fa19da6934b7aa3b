//! A member's passkeys: seeing, making and removing them.

use askama::Template;

use super::sub_page;
use crate::ui::context::PageContext;
use crate::ui::elapsed::Elapsed;
use crate::ui::page::{Page, Shell, finish};
use crate::ui::passkey::{Ceremony, PasskeyCeremony};
use crate::ui::text::Text;

/// One passkey.
#[derive(Clone, Debug)]
pub struct PasskeyEntry {
    /// Posted as `passkey_id` when it is removed.
    pub id: String,
    /// What it is called, such as "iCloud Keychain", if known.
    pub name: Option<String>,
    /// When it was made.
    pub created: Elapsed,
    /// When it was last used.
    pub last_used: Option<Elapsed>,
    /// False for the last way to sign in.
    pub removable: bool,
}

/// All passkeys. A removal posts `passkey_id` and `action=remove`.
#[derive(Clone, Debug)]
pub struct PasskeysPage {
    /// All of them.
    pub entries: Vec<PasskeyEntry>,
    /// Where a removal posts to.
    pub remove_action: String,
    /// Making one more.
    pub add: Option<PasskeyCeremony>,
    /// Back to the overview.
    pub back_href: String,
}

impl PasskeysPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let entry = |id: &str, name: Option<&str>, last_used, removable| PasskeyEntry {
            id: id.into(),
            name: name.map(str::to_owned),
            created: Elapsed::from_seconds(9_000_000),
            last_used,
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
        finish(Body { ctx, page: self }.render())
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
struct Body<'a> {
    ctx: &'a PageContext,
    page: &'a PasskeysPage,
}

impl Body<'_> {
    fn name(&self, entry: &PasskeyEntry) -> String {
        entry.name.clone().unwrap_or_else(|| self.ctx.t("passkey-unnamed"))
    }
}
