//! The account page of a guest.

use askama::Template;
use vestibule_web::{
    context::PageContext,
    page::{Page, Shell},
    template::finish,
    text::Text,
};

/// The account page of a guest. The sign-out form posts `action=logout`.
#[derive(Clone, Debug)]
pub struct SettingsGuestPage {
    /// Starts the promotion; `None` where that is not possible.
    pub promote_href: Option<String>,
    pub logout_action: String,
    /// `None` where the project does not allow deletion.
    pub delete_href: Option<String>,
    pub app_href: Option<String>,
}

impl SettingsGuestPage {
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let full = Self {
            promote_href: Some("/settings/promote".into()),
            logout_action: "/logout".into(),
            delete_href: Some("/settings/delete".into()),
            app_href: Some("https://shop.example/".into()),
        };
        let bare = Self { promote_href: None, delete_href: None, ..full.clone() };
        vec![("full", full), ("bare", bare)]
    }
}

impl Page for SettingsGuestPage {
    fn title(&self) -> Text {
        Text::new("guest-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(SettingsGuestBody { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        Shell::Account { back: None }
    }
}

#[derive(Template)]
#[template(path = "account/guest.html")]
struct SettingsGuestBody<'a> {
    ctx: &'a PageContext,
    page: &'a SettingsGuestPage,
}
