//! The pages around a promotion that does not go straight: an account is there already, or the guest is none any more.

use askama::Template;

use super::context::PageContext;
use super::page::{Page, finish};
use super::text::Text;

/// "I already have an account": says what would happen to the guest's things, before anything does.
#[derive(Clone, Debug)]
pub struct HaveAccountPage {
    /// Signing in instead: the guest's things stay behind.
    pub login_href: String,
    /// Back to the page the person came from.
    pub back_href: String,
    /// Back to the waiting app, without doing anything.
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
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let back = "/flow/sample".to_owned();
        vec![("plain", Self { login_href: "/login".into(), back_href: back, cancel_href: Some("/cancel".into()) })]
    }
}

#[derive(Template)]
#[template(path = "have_account.html")]
struct HaveAccount<'a> {
    ctx: &'a PageContext,
    page: &'a HaveAccountPage,
}

/// The address belongs to an account. Shown only after the person proved that it is theirs.
#[derive(Clone, Debug)]
pub struct ConflictPage {
    /// The proved address or number.
    pub login_id: String,
    /// Signing in to that account instead: the guest's things stay behind.
    pub login_href: String,
    /// Another address.
    pub another_href: String,
    /// Back to the waiting app; the guest goes on as before.
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
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            login_id: "ada@example.com".into(),
            login_href: "/login".into(),
            another_href: "/flow/sample".into(),
            cancel_href: Some("/cancel".into()),
        };
        vec![("plain", plain)]
    }
}

#[derive(Template)]
#[template(path = "conflict.html")]
struct Conflict<'a> {
    ctx: &'a PageContext,
    page: &'a ConflictPage,
}

/// The guest became a member meanwhile, in another tab or on another device.
#[derive(Clone, Debug)]
pub struct AlreadyPromotedPage {
    /// Back to the app.
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
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        vec![("app", Self { app_href: Some("https://shop.example/".into()) }), ("alone", Self { app_href: None })]
    }
}

#[derive(Template)]
#[template(path = "already_promoted.html")]
struct AlreadyPromoted<'a> {
    ctx: &'a PageContext,
    page: &'a AlreadyPromotedPage,
}
