//! Deleting an account, confirmed by typing a phrase.

use askama::Template;

use super::sub_page;
use crate::ui::context::PageContext;
use crate::ui::field::Field;
use crate::ui::field_problem::FieldProblem;
use crate::ui::locale::Locale;
use crate::ui::page::{Page, Shell};
use crate::ui::template::finish;
use crate::ui::text::Text;

/// Requires a typed phrase before deletion. The form posts `confirmation` and `action=delete`.
#[derive(Clone, Debug)]
pub struct DeleteAccountPage {
    pub guest: bool,
    pub action: String,
    /// The phrase to type: a login ID of the account, or [`DeleteAccountPage::word`] if it has none.
    pub phrase: String,
    pub error: Option<Text>,
    /// Days until the deletion is final; `None` if it is immediate.
    pub grace_days: Option<u32>,
    pub back_href: String,
}

impl DeleteAccountPage {
    /// The phrase for an account without login ID, in the reader's language.
    pub fn word(locale: &Locale) -> String {
        locale.text("delete-word")
    }

    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            guest: false,
            action: "/settings/delete".into(),
            phrase: "ada@example.com".into(),
            error: None,
            grace_days: None,
            back_href: "/settings".into(),
        };
        let wrong = Self {
            error: Some(FieldProblem::ConfirmationWrong { phrase: plain.phrase.clone() }.text()),
            grace_days: Some(30),
            ..plain.clone()
        };
        let guest = Self { guest: true, phrase: "delete".into(), ..plain.clone() };
        vec![("plain", plain), ("wrong", wrong), ("guest", guest)]
    }

    fn confirmation(&self) -> Field {
        Field {
            error: self.error.clone(),
            autofocus: self.error.is_some(),
            plain: true,
            ..Field::new("confirmation", Text::new("field-confirmation").with("phrase", &self.phrase), "text")
        }
    }

    /// What is deleted.
    fn facts(&self) -> &'static [&'static str] {
        if self.guest { &["delete-guest-fact-gone"] } else { &["delete-fact-sign-in", "delete-fact-free"] }
    }

    fn submit(&self) -> &'static str {
        if self.guest { "link-delete-guest" } else { "link-delete-account" }
    }

    fn keep(&self) -> &'static str {
        if self.guest { "button-keep" } else { "button-keep-account" }
    }

    fn when(&self) -> Text {
        match self.grace_days {
            Some(days) => Text::new("delete-when-later").with("days", days),
            None => Text::new("delete-when-now"),
        }
    }
}

impl Page for DeleteAccountPage {
    fn title(&self) -> Text {
        Text::new(if self.guest { "delete-guest-title" } else { "delete-title" })
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(DeleteAccountBody { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(&'static str, Text)> {
        self.confirmation().problem().into_iter().collect()
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/deletion.html")]
struct DeleteAccountBody<'a> {
    ctx: &'a PageContext,
    page: &'a DeleteAccountPage,
}
