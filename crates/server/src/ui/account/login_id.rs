//! Adding, replacing and removing a member's login ID; the code page verifies it.

use askama::Template;

use super::sub_page;
use crate::ui::context::PageContext;
use crate::ui::field::{Field, LoginIdField};
use crate::ui::field_problem::FieldProblem;
use crate::ui::page::{Page, Shell};
use crate::ui::template::finish;
use crate::ui::text::Text;

/// Adds or replaces a login ID. The form posts `login_id` and `action=continue`.
#[derive(Clone, Debug)]
pub struct AddLoginIdPage {
    pub action: String,
    pub kind: LoginIdField,
    /// The login ID to replace, if any.
    pub replacing: Option<String>,
    pub value: String,
    pub error: Option<Text>,
    pub back_href: String,
}

impl AddLoginIdPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let email = Self {
            action: "/settings/identity/add".into(),
            kind: LoginIdField::Email,
            replacing: None,
            value: String::new(),
            error: None,
            back_href: "/settings".into(),
        };
        let change = Self {
            replacing: Some("ada@example.com".into()),
            value: "ada@".into(),
            error: Some(FieldProblem::EmailInvalid.text()),
            ..email.clone()
        };
        let phone = Self { kind: LoginIdField::Phone, ..email.clone() };
        let username = Self { kind: LoginIdField::Username, replacing: Some("ada".into()), ..email.clone() };
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
            (LoginIdField::Email, false) => "add-email-title",
            (LoginIdField::Email, true) => "change-email-title",
            (LoginIdField::Phone, false) => "add-phone-title",
            (LoginIdField::Phone, true) => "change-phone-title",
            (LoginIdField::Username, false) => "add-username-title",
            (LoginIdField::Username, true) => "change-username-title",
        })
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(AddBody { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(&'static str, Text)> {
        self.login_id().problem().into_iter().collect()
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/add_login_id.html")]
struct AddBody<'a> {
    ctx: &'a PageContext,
    page: &'a AddLoginIdPage,
}

/// Confirms the removal of a login ID. The form posts `action=remove`.
#[derive(Clone, Debug)]
pub struct RemoveLoginIdPage {
    pub action: String,
    pub value: String,
    pub back_href: String,
}

impl RemoveLoginIdPage {
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
        finish(RemoveBody { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/remove_login_id.html")]
struct RemoveBody<'a> {
    ctx: &'a PageContext,
    page: &'a RemoveLoginIdPage,
}

/// Offers to send a code to an unverified login ID. The form posts `action=send`.
#[derive(Clone, Debug)]
pub struct VerifyLoginIdPage {
    pub action: String,
    pub kind: LoginIdField,
    pub value: String,
    pub back_href: String,
}

impl VerifyLoginIdPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let email = Self {
            action: "/settings/identity/verify".into(),
            kind: LoginIdField::Email,
            value: "ada@example.com".into(),
            back_href: "/settings".into(),
        };
        let phone = Self { kind: LoginIdField::Phone, value: "+44 20 7946 0018".into(), ..email.clone() };
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
        finish(VerifyBody { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/verify_login_id.html")]
struct VerifyBody<'a> {
    ctx: &'a PageContext,
    page: &'a VerifyLoginIdPage,
}

/// The next step for a login ID of this kind.
fn lead_of(kind: LoginIdField) -> Option<&'static str> {
    match kind {
        LoginIdField::Email => Some("add-email-lead"),
        LoginIdField::Phone => Some("add-phone-lead"),
        LoginIdField::Username => None,
    }
}
