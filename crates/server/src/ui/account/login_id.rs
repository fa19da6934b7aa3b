//! Adding, replacing and removing a member's login ID; the proof is asked for on the code page.

use askama::Template;

use super::sub_page;
use crate::ui::complaint::Complaint;
use crate::ui::context::PageContext;
use crate::ui::field::{Field, LoginIdKind};
use crate::ui::page::{Page, Shell, finish};
use crate::ui::text::Text;

/// Asks for one more login ID, or one in place of another. The form posts `login_id` and `action=continue`.
#[derive(Clone, Debug)]
pub struct AddLoginIdPage {
    /// Where the form posts to.
    pub action: String,
    /// The kind.
    pub kind: LoginIdKind,
    /// The one to be replaced, if any.
    pub replacing: Option<String>,
    /// What was typed.
    pub value: String,
    /// What is wrong with it.
    pub error: Option<Text>,
    /// Back to the overview.
    pub back_href: String,
}

impl AddLoginIdPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let email = Self {
            action: "/settings/identity/add".into(),
            kind: LoginIdKind::Email,
            replacing: None,
            value: String::new(),
            error: None,
            back_href: "/settings".into(),
        };
        let change = Self {
            replacing: Some("ada@example.com".into()),
            value: "ada@".into(),
            error: Some(Complaint::EmailInvalid.text()),
            ..email.clone()
        };
        let phone = Self { kind: LoginIdKind::Phone, ..email.clone() };
        let username = Self { kind: LoginIdKind::Username, replacing: Some("ada".into()), ..email.clone() };
        vec![("email", email), ("email-change-error", change), ("phone", phone), ("username-change", username)]
    }

    fn login_id(&self) -> Field {
        let field = self.kind.field(&self.value, self.error.as_ref(), false);
        Field { autofocus: true, ..field }
    }

    fn lead(&self) -> Option<&'static str> {
        lead_of(self.kind)
    }
}

impl Page for AddLoginIdPage {
    fn title(&self) -> Text {
        Text::new(match (self.kind, self.replacing.is_some()) {
            (LoginIdKind::Email, false) => "add-email-title",
            (LoginIdKind::Email, true) => "change-email-title",
            (LoginIdKind::Phone, false) => "add-phone-title",
            (LoginIdKind::Phone, true) => "change-phone-title",
            (LoginIdKind::Username, false) => "add-username-title",
            (LoginIdKind::Username, true) => "change-username-title",
        })
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(Add { ctx, page: self }.render())
    }

    fn complaints(&self) -> Vec<(&'static str, Text)> {
        self.login_id().complaint().into_iter().collect()
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/add_login_id.html")]
struct Add<'a> {
    ctx: &'a PageContext,
    page: &'a AddLoginIdPage,
}

/// Asks whether a login ID shall really go. The form posts `action=remove`.
#[derive(Clone, Debug)]
pub struct RemoveLoginIdPage {
    /// Where the form posts to.
    pub action: String,
    /// The one to go.
    pub value: String,
    /// Back to the overview.
    pub back_href: String,
}

impl RemoveLoginIdPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            action: "/settings/identity/remove".into(),
            value: "ada@example.com".into(),
            back_href: "/settings".into(),
        };
        vec![("plain", page)]
    }
}

impl Page for RemoveLoginIdPage {
    fn title(&self) -> Text {
        Text::new("remove-login-id-title").with("what", self.value.as_str())
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(Remove { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/remove_login_id.html")]
struct Remove<'a> {
    ctx: &'a PageContext,
    page: &'a RemoveLoginIdPage,
}

/// Asks whether to send a code to a login ID that is not proved yet. The form posts `action=send`.
#[derive(Clone, Debug)]
pub struct VerifyLoginIdPage {
    /// Where the form posts to.
    pub action: String,
    /// Its kind.
    pub kind: LoginIdKind,
    /// The one to be proved.
    pub value: String,
    /// Back to the overview.
    pub back_href: String,
}

impl VerifyLoginIdPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let email = Self {
            action: "/settings/identity/verify".into(),
            kind: LoginIdKind::Email,
            value: "ada@example.com".into(),
            back_href: "/settings".into(),
        };
        let phone = Self { kind: LoginIdKind::Phone, value: "+44 20 7946 0018".into(), ..email.clone() };
        vec![("email", email), ("phone", phone)]
    }

    fn lead(&self) -> Option<&'static str> {
        lead_of(self.kind)
    }
}

impl Page for VerifyLoginIdPage {
    fn title(&self) -> Text {
        Text::new("link-verify-label").with("what", self.value.as_str())
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(Verify { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/verify_login_id.html")]
struct Verify<'a> {
    ctx: &'a PageContext,
    page: &'a VerifyLoginIdPage,
}

/// What happens once a login ID of this kind is given.
fn lead_of(kind: LoginIdKind) -> Option<&'static str> {
    match kind {
        LoginIdKind::Email => Some("add-email-lead"),
        LoginIdKind::Phone => Some("add-phone-lead"),
        LoginIdKind::Username => None,
    }
}
