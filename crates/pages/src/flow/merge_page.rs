//! Asks a member, who has just proved its account, what becomes of the guest.

use askama::Template;
use vestibule_web::{context::PageContext, elapsed::Elapsed, page::Page, template::finish, text::Text};

/// Says what a merge does. The form posts `action=bring`, `action=leave` or `action=cancel`.
#[derive(Clone, Debug)]
pub(crate) struct MergePage {
    pub action: String,
    /// The name or login ID of the member.
    pub person: Option<String>,
    /// A second line, such as the email address below a name.
    pub detail: Option<String>,
    /// When the guest began, if it has no session in this browser: another person may have begun it.
    pub begun: Option<Elapsed>,
    /// Whether its things come when the application has moved them.
    pub waits: bool,
    /// Whether it cannot be undone.
    pub is_final: bool,
}

impl MergePage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let here = Self {
            action: "/flow/sample/merge".into(),
            person: Some("Ada Lovelace".into()),
            detail: Some("ada@example.com".into()),
            begun: None,
            waits: false,
            is_final: true,
        };
        let elsewhere = Self {
            begun: Some(Elapsed::from_seconds(7_200)),
            detail: None,
            waits: true,
            is_final: false,
            ..here.clone()
        };
        vec![("here", here), ("elsewhere", elsewhere)]
    }
}

impl Page for MergePage {
    fn title(&self) -> Text {
        Text::new("merge-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(MergeBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "merge.html")]
struct MergeBody<'a> {
    ctx: &'a PageContext,
    page: &'a MergePage,
}
