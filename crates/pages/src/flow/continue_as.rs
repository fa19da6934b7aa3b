//! Asks a signed-in user whether to continue with this account or another.

use askama::Template;
use vestibule_web::{context::PageContext, page::Page, template::finish, text::Text};

/// Offers to continue as the signed-in user. The form posts `action=continue` or `action=other`.
#[derive(Clone, Debug)]
pub(crate) struct ContinueAsPage {
    pub action: String,
    /// The name or login ID of the signed-in user; `None` for a guest.
    pub person: Option<String>,
    /// A second line, such as the email address below a name.
    pub detail: Option<String>,
    pub cancel_href: Option<String>,
}

impl ContinueAsPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let member = Self {
            action: "/flow/sample/continue".into(),
            person: Some("Ada Lovelace".into()),
            detail: Some("ada@example.com".into()),
            cancel_href: Some("/cancel".into()),
        };
        vec![("member", member.clone()), ("guest", Self { person: None, detail: None, ..member })]
    }

    fn initial(&self) -> String {
        let first = self.person.as_deref().and_then(|person| person.chars().next());
        first.map(|letter| letter.to_uppercase().collect()).unwrap_or_default()
    }
}

impl Page for ContinueAsPage {
    fn title(&self) -> Text {
        Text::new("continue-as-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(ContinueAsBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "continue_as.html")]
struct ContinueAsBody<'a> {
    ctx: &'a PageContext,
    page: &'a ContinueAsPage,
}
