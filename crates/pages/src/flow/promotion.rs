//! Pages for exceptions in a promotion: the account exists already, or the guest was promoted before.

use askama::Template;
use vestibule_web::{context::PageContext, page::Page, template::finish, text::Text};

/// "I already have an account": explains what happens to the guest's data, before anything does.
#[derive(Clone, Debug)]
pub(crate) struct HaveAccountPage {
    /// Signs in instead.
    pub login_href: String,
    /// Whether the visitor can bring the guest's data along; otherwise it is left behind.
    pub merges: bool,
    pub back_href: String,
    pub cancel_href: Option<String>,
}

impl Page for HaveAccountPage {
    fn title(&self) -> Text {
        Text::new("have-account-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(HaveAccount { ctx, page: self }.render())
    }
}

impl HaveAccountPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let back = "/flow/sample".to_owned();
        let plain =
            Self { login_href: "/login".into(), merges: false, back_href: back, cancel_href: Some("/cancel".into()) };
        vec![("merging", Self { merges: true, ..plain.clone() }), ("plain", plain)]
    }
}

#[derive(Template)]
#[template(path = "have_account.html")]
struct HaveAccount<'a> {
    ctx: &'a PageContext,
    page: &'a HaveAccountPage,
}

/// The address belongs to another account. Shown only after verification.
#[derive(Clone, Debug)]
pub(crate) struct ConflictPage {
    pub login_id: String,
    /// Whether the visitor can bring the guest's data along; otherwise it is left behind.
    pub merges: bool,
    /// Signs in to that account instead.
    pub login_href: String,
    pub another_href: String,
    /// The provider whose account that sign-in connects.
    pub linking: Option<String>,
    /// Returns to the app; the guest is unchanged.
    pub cancel_href: Option<String>,
}

impl Page for ConflictPage {
    fn title(&self) -> Text {
        Text::new("conflict-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(Conflict { ctx, page: self }.render())
    }
}

impl ConflictPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            login_id: "ada@example.com".into(),
            merges: false,
            login_href: "/login".into(),
            another_href: "/flow/sample".into(),
            linking: None,
            cancel_href: Some("/cancel".into()),
        };
        let linking = Self { linking: Some("Google".into()), ..plain.clone() };
        vec![("merging", Self { merges: true, ..plain.clone() }), ("plain", plain), ("linking", linking)]
    }
}

#[derive(Template)]
#[template(path = "conflict.html")]
struct Conflict<'a> {
    ctx: &'a PageContext,
    page: &'a ConflictPage,
}

/// The guest was promoted meanwhile, in another tab or on another device.
#[derive(Clone, Debug)]
pub(crate) struct AlreadyPromotedPage {
    pub app_href: Option<String>,
}

impl Page for AlreadyPromotedPage {
    fn title(&self) -> Text {
        Text::new("already-promoted-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(AlreadyPromoted { ctx, page: self }.render())
    }
}

impl AlreadyPromotedPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        vec![("app", Self { app_href: Some("https://shop.example/".into()) }), ("alone", Self { app_href: None })]
    }
}

#[derive(Template)]
#[template(path = "already_promoted.html")]
struct AlreadyPromoted<'a> {
    ctx: &'a PageContext,
    page: &'a AlreadyPromotedPage,
}
