//! Asks before an application opens the account page of a user other than the signed-in one.

use askama::Template;
use vestibule_web::{context::PageContext, page::Page, template::finish, text::Text};

/// Asks before another user's account page opens. The form repeats the application's request with the user's agreement.
#[derive(Clone, Debug)]
pub struct SwitchAccountPage {
    pub action: String,
    pub fields: Vec<(String, String)>,
    pub app: Option<String>,
    /// The login ID of the account to open; `None` for a guest.
    pub opened: Option<String>,
    /// The login ID of the signed-in user; `None` for a guest.
    pub present: Option<String>,
    pub stay_href: String,
}

impl SwitchAccountPage {
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let members = Self {
            action: "/oauth2/authorize".into(),
            fields: vec![("client_id".into(), "shop".into()), ("prompt".into(), "none".into())],
            app: Some("Corner Shop".into()),
            opened: Some("ada@example.com".into()),
            present: Some("grace@example.com".into()),
            stay_href: "/settings".into(),
        };
        let guests = Self { app: None, opened: None, present: None, ..members.clone() };
        vec![("members", members), ("guests", guests)]
    }
}

impl Page for SwitchAccountPage {
    fn title(&self) -> Text {
        Text::new("switch-account-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(SwitchAccountBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "switch_account.html")]
struct SwitchAccountBody<'a> {
    ctx: &'a PageContext,
    page: &'a SwitchAccountPage,
}
