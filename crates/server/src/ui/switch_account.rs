//! An application asks to open the account page of one user while another is signed in: the person decides.

use askama::Template;

use super::context::PageContext;
use super::page::{Page, finish};
use super::text::Text;

/// Asks before another user's account page is opened. The form sends the application's request again, with the agreement.
#[derive(Clone, Debug)]
pub struct SwitchAccountPage {
    /// Where the form posts to.
    pub action: String,
    /// The hidden fields of the form.
    pub fields: Vec<(String, String)>,
    /// The application that asks for it.
    pub app: Option<String>,
    /// The login ID of the account that is to be opened; none for a guest.
    pub opened: Option<String>,
    /// The login ID of who is signed in; none for a guest.
    pub present: Option<String>,
    /// The account page of who is signed in.
    pub stay_href: String,
}

impl SwitchAccountPage {
    /// The main states.
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
        finish(Body { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "switch_account.html")]
struct Body<'a> {
    ctx: &'a PageContext,
    page: &'a SwitchAccountPage,
}
