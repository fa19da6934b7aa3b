//! Details of a user, and the forms that change it.

use askama::Template;

use super::{
    control::{Control, ControlKind, Pick},
    frame::{PortalContext, PortalPage},
    moment::Moment,
};
use crate::ui::template::finish;

/// An identity.
#[derive(Clone, Debug)]
pub struct IdentityLine {
    pub kind: String,
    pub value: String,
    /// `None` where there is nothing to verify.
    pub is_verified: Option<bool>,
    pub created_at: Moment,
}

/// A device key.
#[derive(Clone, Debug)]
pub struct KeyLine {
    pub id: String,
    pub device: String,
    /// The key ID, chosen by the device.
    pub key_id: String,
    pub last_used_at: Moment,
    /// Whether its owner was promoted, so that the key is not accepted any more.
    pub is_retired: bool,
}

#[derive(Clone, Debug)]
pub struct SessionLine {
    pub id: String,
    /// The application's name, or another description.
    pub place: String,
    pub device: String,
    pub created_at: Moment,
    pub last_used_at: Moment,
}

/// An event.
#[derive(Clone, Debug)]
pub struct EventLine {
    pub seq: i64,
    pub at: Moment,
    pub kind: String,
    pub user_id: Option<String>,
    /// The actor: an operator's address, or `user`, `admin_api`, `system`.
    pub by: String,
    pub client_id: String,
    pub body: String,
}

/// The heading of a user's pages.
#[derive(Clone, Debug)]
pub struct UserHead {
    pub id: String,
    pub name: Option<String>,
    pub is_guest: bool,
    pub is_disabled: bool,
}

impl UserHead {
    pub fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| if self.is_guest { "Guest".into() } else { "Member".into() })
    }

    fn above(&self) -> Option<(String, String)> {
        Some((format!("/users/{}", self.id), self.title()))
    }

    fn sample(is_guest: bool) -> Self {
        Self {
            id: "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab".into(),
            name: (!is_guest).then(|| "kim@shop.example".to_string()),
            is_guest,
            is_disabled: !is_guest,
        }
    }
}

#[derive(Clone, Debug)]
pub struct UserPage {
    pub head: UserHead,
    pub created_at: Moment,
    pub updated_at: Moment,
    pub promoted_at: Option<Moment>,
    pub last_login_at: Option<Moment>,
    /// The member this guest was given up for.
    pub yielded_to: Option<String>,
    pub identities: Vec<IdentityLine>,
    pub authenticators: Vec<String>,
    pub keys: Vec<KeyLine>,
    pub sessions: Vec<SessionLine>,
    /// Standard attributes, name and value.
    pub standard: Vec<(String, String)>,
    pub custom: Vec<(String, String)>,
    pub events: Vec<EventLine>,
}

impl UserPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let at = Moment::new("2030-05-01T08:00:00.000Z");
        let guest = Self {
            head: UserHead::sample(true),
            created_at: at.clone(),
            updated_at: at.clone(),
            promoted_at: None,
            last_login_at: None,
            yielded_to: None,
            identities: Vec::new(),
            authenticators: Vec::new(),
            keys: vec![KeyLine {
                id: "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ad".into(),
                device: "iPhone 15 Pro".into(),
                key_id: "K1".into(),
                last_used_at: at.clone(),
                is_retired: false,
            }],
            sessions: vec![SessionLine {
                id: "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ae".into(),
                place: "Shop <Web>".into(),
                device: String::new(),
                created_at: at.clone(),
                last_used_at: at.clone(),
            }],
            standard: Vec::new(),
            custom: vec![("cart".into(), "\"c-42\"".into())],
            events: Vec::new(),
        };
        let member = Self {
            head: UserHead::sample(false),
            promoted_at: Some(at.clone()),
            last_login_at: Some(at.clone()),
            identities: vec![IdentityLine {
                kind: "Email address".into(),
                value: "kim@shop.example".into(),
                is_verified: Some(true),
                created_at: at.clone(),
            }],
            authenticators: vec!["Password".into()],
            keys: vec![KeyLine { is_retired: true, ..guest.keys[0].clone() }],
            sessions: Vec::new(),
            standard: vec![("name".into(), "\"Kim\"".into())],
            custom: Vec::new(),
            events: vec![EventLine::sample()],
            ..guest.clone()
        };
        let yielded = Self { yielded_to: Some(guest.keys[0].id.clone()), keys: Vec::new(), ..guest.clone() };
        vec![("guest", guest), ("member", member), ("yielded", yielded)]
    }
}

impl EventLine {
    pub(super) fn short_user(&self) -> &str {
        let id = self.user_id.as_deref().unwrap_or_default();
        id.get(..13).unwrap_or(id)
    }

    pub(super) fn sample() -> Self {
        Self {
            seq: 7,
            at: Moment::new("2030-05-01T08:00:00.000Z"),
            kind: "user.anonymous.promoted".into(),
            user_id: Some("018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab".into()),
            by: "kim@shop.example".into(),
            client_id: "Shop".into(),
            body: "{\n  \"type\": \"<b>\"\n}".into(),
        }
    }
}

impl PortalPage for UserPage {
    fn title(&self) -> String {
        self.head.title()
    }

    fn section(&self) -> Option<&'static str> {
        Some("users")
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/users".into(), "Users".into()))
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(UserBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/user.html")]
struct UserBody<'a> {
    ctx: &'a PortalContext,
    page: &'a UserPage,
}

/// The purpose of a form about a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserTask {
    Promote,
    Attributes,
}

#[derive(Clone, Debug)]
pub struct UserFormPage {
    pub head: UserHead,
    pub task: UserTask,
    pub controls: Vec<Control>,
}

impl UserFormPage {
    /// The form for promoting a guest.
    pub fn promote(
        head: UserHead,
        kinds: &[(&str, &str)],
        values: [&str; 3],
        is_verified: bool,
        errors: [Option<String>; 3],
    ) -> Self {
        let [kind, value, password] = values;
        let [kind_error, value_error, password_error] = errors;
        let picks = kinds.iter().map(|(kind, name)| Pick::new(*kind, *name, "")).collect();
        let controls = vec![
            Control::new("kind", "Type", ControlKind::Select(picks), kind).error(kind_error),
            Control::new("value", "Login ID", ControlKind::Line("text"), value)
                .hint("The user then signs in with it.")
                .error(value_error)
                .required(),
            Control::new("is_verified", "Verified", ControlKind::Toggle, if is_verified { "on" } else { "" })
                .hint("You know that it belongs to this user."),
            Control::new("password", "Password", ControlKind::NewPassword, password)
                .hint("Optional. Without a password, the user signs in with a code or sets a new password.")
                .error(password_error),
        ];
        Self { head, task: UserTask::Promote, controls }
    }

    /// The form with both sets of attributes as JSON.
    pub fn attributes(head: UserHead, values: [&str; 2], errors: [Option<String>; 2]) -> Self {
        let [standard, custom] = values;
        let [standard_error, custom_error] = errors;
        let controls = vec![
            Control::new("standard", "Standard attributes", ControlKind::Lines { rows: 8 }, standard)
                .hint("A JSON object with OpenID Connect claims, such as name, locale or birthdate.")
                .error(standard_error),
            Control::new("custom", "Custom attributes", ControlKind::Lines { rows: 8 }, custom)
                .hint("A JSON object with your own data. Applications read it in UserInfo.")
                .error(custom_error),
        ];
        Self { head, task: UserTask::Attributes, controls }
    }

    pub fn samples() -> Vec<(&'static str, Self)> {
        let wrong = Some("Enter an email address.".to_string());
        let kinds = [("email", "Email address"), ("username", "Username")];
        vec![
            ("promote", Self::promote(UserHead::sample(true), &kinds, ["email", "kim", ""], true, [None, wrong, None])),
            ("attributes", Self::attributes(UserHead::sample(false), ["{}", "{}"], [None, None])),
        ]
    }

    fn path(&self) -> String {
        let task = match self.task {
            UserTask::Promote => "promote",
            UserTask::Attributes => "attributes",
        };
        format!("/users/{}/{task}", self.head.id)
    }

    fn lead(&self) -> &'static str {
        match self.task {
            UserTask::Promote => "The guest becomes a member with the same ID and keeps its sessions and data.",
            UserTask::Attributes => {
                "Profile data of this user. A guest's attributes are kept when the guest is promoted."
            }
        }
    }

    fn button(&self) -> &'static str {
        match self.task {
            UserTask::Promote => "Promote to member",
            UserTask::Attributes => "Save",
        }
    }
}

impl PortalPage for UserFormPage {
    fn title(&self) -> String {
        match self.task {
            UserTask::Promote => "Promote a guest".into(),
            UserTask::Attributes => "Attributes".into(),
        }
    }

    fn section(&self) -> Option<&'static str> {
        Some("users")
    }

    fn above(&self) -> Option<(String, String)> {
        self.head.above()
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.controls.iter().filter_map(Control::problem).collect()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(FormBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/user_form.html")]
struct FormBody<'a> {
    ctx: &'a PortalContext,
    page: &'a UserFormPage,
}
