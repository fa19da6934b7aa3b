//! The account page without a session.

use askama::Template;
use vestibule_web::{context::PageContext, page::Page, template::finish, text::Text};

/// Offers to sign in.
#[derive(Clone, Debug)]
pub struct SettingsOtherApplicationPage {
    /// Signs in, then leads back to the requested page.
    pub sign_in_href: String,
    pub app_href: Option<String>,
}

impl SettingsOtherApplicationPage {
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let sign_in_href = "/settings/sign-in".to_owned();
        let app = Self { sign_in_href: sign_in_href.clone(), app_href: Some("https://shop.example/".into()) };
        vec![("app", app), ("alone", Self { sign_in_href, app_href: None })]
    }
}

impl Page for SettingsOtherApplicationPage {
    fn title(&self) -> Text {
        Text::new("settings-stranger-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(SettingsOtherApplicationBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "account/stranger.html")]
struct SettingsOtherApplicationBody<'a> {
    ctx: &'a PageContext,
    page: &'a SettingsOtherApplicationPage,
}
