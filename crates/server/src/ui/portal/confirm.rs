//! Confirmation pages, and the page that shows a secret once.

use askama::Template;

use super::{
    control::Control,
    frame::{PortalContext, PortalPage},
};
use crate::ui::template::finish;

/// Hidden fields.
#[derive(Clone, Debug, Default)]
pub struct Hidden {
    pub fields: Vec<(String, String)>,
    /// Whether they belong to a form that the confirmation interrupts; a second button then leads back to it.
    pub is_form: bool,
}

impl Hidden {
    pub fn of<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Self { fields, is_form: false }
    }
}

/// Confirms an action.
#[derive(Clone, Debug)]
pub struct ConfirmActionPage {
    pub title: String,
    /// The consequences, one sentence each.
    pub facts: Vec<String>,
    pub section: &'static str,
    /// The page to return to: its path below the project's, and its name.
    pub back: (String, String),
    pub action: String,
    pub controls: Vec<Control>,
    pub hidden: Hidden,
    pub button: String,
    pub is_danger: bool,
}

impl ConfirmActionPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        use super::control::ControlKind;
        let typed = Control::new("confirmation", "Type shop to confirm", ControlKind::Line("text"), "")
            .error(Some("Type shop exactly as shown."));
        let delete = Self {
            title: "Delete this project?".into(),
            facts: vec!["Deletes every user.".into()],
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
            title: "Save changes to “Session”?".into(),
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

    fn problems(&self) -> Vec<(String, String)> {
        self.controls.iter().filter_map(Control::problem).collect()
    }

    fn may_be_stored(&self) -> bool {
        true
    }
}

#[derive(Template)]
#[template(path = "portal/confirm.html")]
struct ConfirmBody<'a> {
    ctx: &'a PortalContext,
    page: &'a ConfirmActionPage,
}

/// Shows a secret once.
#[derive(Clone, Debug)]
pub struct SecretShownPage {
    pub title: String,
    pub text: String,
    pub secret: String,
    pub section: &'static str,
    /// The page to continue with: its path below the project's, and its name.
    pub back: (String, String),
}

impl SecretShownPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let shown = Self {
            title: "New client secret".into(),
            text: "Copy this secret now. You won't see it again.".into(),
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
