//! Reauthentication without a password.

use askama::Template;

use super::sub_page;
use crate::ui::context::PageContext;
use crate::ui::page::{Page, Shell};
use crate::ui::passkey::{Ceremony, PasskeyCeremony};
use crate::ui::template::finish;
use crate::ui::text::Text;

/// Offers a code, a passkey, or both, to members who have no password or prefer not to use it. The code's form posts
/// `action=send`; members with a password get [`crate::ui::PasswordPage`].
#[derive(Clone, Debug)]
pub struct ConfirmPage {
    pub action: String,
    /// The masked destination of a code; `None` without an address.
    pub destination: Option<String>,
    pub passkey: Option<PasskeyCeremony>,
    pub back_href: String,
}

impl ConfirmPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let code = Self {
            action: "/settings/confirm".into(),
            destination: Some("a•••@example.com".into()),
            passkey: None,
            back_href: "/settings".into(),
        };
        let passkey = Some(PasskeyCeremony::sample(Ceremony::Use));
        let both = Self { passkey: passkey.clone(), ..code.clone() };
        let alone = Self { destination: None, passkey, ..code.clone() };
        vec![("code", code), ("both", both), ("passkey", alone)]
    }
}

impl Page for ConfirmPage {
    fn title(&self) -> Text {
        Text::new("confirm-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(AccountConfirmBody { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }

    fn has_passkey(&self) -> bool {
        self.passkey.is_some()
    }
}

#[derive(Template)]
#[template(path = "account/confirm.html")]
struct AccountConfirmBody<'a> {
    ctx: &'a PageContext,
    page: &'a ConfirmPage,
}
