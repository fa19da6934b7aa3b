//! Asking once more before something is done that counts, and showing a secret once.

use askama::Template;

use super::{
    control::Control,
    frame::{PortalContext, PortalPage},
};
use crate::ui::page::finish;

/// Fields that are sent along and not shown.
#[derive(Clone, Debug, Default)]
pub struct Hidden {
    /// Names and values.
    pub fields: Vec<(String, String)>,
    /// Whether they are of a form that the question interrupts; then a second button goes back to it.
    pub is_form: bool,
}

impl Hidden {
    /// These fields.
    pub fn of<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Self { fields, is_form: false }
    }
}

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
    /// What is sent along.
    pub hidden: Hidden,
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
            hidden: Hidden::default(),
            button: "Delete".into(),
            is_danger: true,
        };
        let make = Self { controls: Vec::new(), is_danger: false, button: "Make one".into(), ..delete.clone() };
        let save = Self {
            title: "Save these changes to “Session”?".into(),
            facts: vec!["Signs out 1,240 people at once.".into()],
            controls: Vec::new(),
            hidden: Hidden { is_form: true, ..Hidden::of([("lifetime", "60\n<b>")]) },
            button: "Save and sign out 1,240 people".into(),
            ..delete.clone()
        };
        vec![("delete", delete), ("make", make), ("save", save)]
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
