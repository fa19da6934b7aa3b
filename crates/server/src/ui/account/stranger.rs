//! What the account page shows to a browser without a session.

use askama::Template;

use crate::ui::context::PageContext;
use crate::ui::page::{Page, finish};
use crate::ui::text::Text;

/// Asks to sign in first.
#[derive(Clone, Debug)]
pub struct SettingsStrangerPage {
    /// Signing in; the way back to the page that was asked for is in it.
    pub sign_in_href: String,
    /// Back to the app.
    pub app_href: Option<String>,
}

impl SettingsStrangerPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let sign_in_href = "/settings/sign-in".to_owned();
        let app = Self { sign_in_href: sign_in_href.clone(), app_href: Some("https://shop.example/".into()) };
        vec![("app", app), ("alone", Self { sign_in_href, app_href: None })]
    }
}

impl Page for SettingsStrangerPage {
    fn title(&self) -> Text {
        Text::new("settings-stranger-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(Body { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "account/stranger.html")]
struct Body<'a> {
    ctx: &'a PageContext,
    page: &'a SettingsStrangerPage,
}
