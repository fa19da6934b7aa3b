//! Asking once more before something is done that counts, and showing a secret once.

use askama::Template;

use super::{
    control::Control,
    frame::{PortalContext, PortalPage},
};
use crate::ui::page::finish;

/// Asks once more.
#[derive(Clone, Debug)]
pub struct ConfirmActionPage {
    /// The question.
    pub title: String,
    /// What will happen, one sentence each.
    pub facts: Vec<String>,
    /// The entry in the navigation.
    pub section: &'static str,
    /// The page it leads back to: address below the project's, and name.
    pub back: (String, String),
    /// Where the form posts to.
    pub action: String,
    /// What has to be typed or chosen.
    pub controls: Vec<Control>,
    /// What the button says.
    pub button: String,
    /// Whether something is destroyed.
    pub is_danger: bool,
}

impl ConfirmActionPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        use super::control::ControlKind;
        let typed = Control::new("confirmation", "Type shop to confirm", ControlKind::Line("text"), "")
            .error(Some("Type exactly: shop"));
        let delete = Self {
            title: "Delete the project?".into(),
            facts: vec!["Every user is gone.".into()],
            section: "settings",
            back: ("/settings".into(), "Project settings".into()),
            action: "/portal/p/shop/settings/delete".into(),
            controls: vec![typed],
            button: "Delete".into(),
            is_danger: true,
        };
        let make = Self { controls: Vec::new(), is_danger: false, button: "Make one".into(), ..delete.clone() };
        vec![("delete", delete), ("make", make)]
    }
}

impl PortalPage for ConfirmActionPage {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(ConfirmBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some(self.section)
    }

    fn above(&self) -> Option<(String, String)> {
        Some(self.back.clone())
    }

    fn complaints(&self) -> Vec<(String, String)> {
        self.controls.iter().filter_map(Control::complaint).collect()
    }
}

#[derive(Template)]
#[template(path = "portal/confirm.html")]
struct ConfirmBody<'a> {
    ctx: &'a PortalContext,
    page: &'a ConfirmActionPage,
}

/// Shows a secret, this once.
#[derive(Clone, Debug)]
pub struct SecretShownPage {
    /// What it is.
    pub title: String,
    /// What to do with it.
    pub text: String,
    /// The secret.
    pub secret: String,
    /// The entry in the navigation.
    pub section: &'static str,
    /// Where to go on: address below the project's, and name.
    pub back: (String, String),
}

impl SecretShownPage {
    /// The one state.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let shown = Self {
            title: "The new secret".into(),
            text: "Copy it now: it is not shown again.".into(),
            secret: "abcdefgh".into(),
            section: "applications",
            back: ("/applications/web/secrets".into(), "Client secrets".into()),
        };
        vec![("shown", shown)]
    }
}

impl PortalPage for SecretShownPage {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(ShownBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some(self.section)
    }

    fn above(&self) -> Option<(String, String)> {
        Some(self.back.clone())
    }
}

#[derive(Template)]
#[template(path = "portal/secret_shown.html")]
struct ShownBody<'a> {
    ctx: &'a PortalContext,
    page: &'a SecretShownPage,
}
