//! One user: who it is, how it gets in, what happened; and the forms that change it.

use askama::Template;

use super::{
    control::{Control, ControlKind, Pick},
    frame::{PortalContext, PortalPage},
    moment::Moment,
};
use crate::ui::page::finish;

/// Something a user is known by.
#[derive(Clone, Debug)]
pub struct IdentityLine {
    /// What kind of thing.
    pub kind: String,
    /// What it is.
    pub value: String,
    /// Whether the person proved to hold it; none where there is nothing to prove.
    pub is_verified: Option<bool>,
    /// Since when.
    pub created_at: Moment,
}

/// A key on a device.
#[derive(Clone, Debug)]
pub struct KeyLine {
    /// Its id.
    pub id: String,
    /// The device's name.
    pub device: String,
    /// Its id as the device chose it.
    pub key_id: String,
    /// When it was last used.
    pub last_used_at: Moment,
    /// Whether its owner was promoted, so that it proves nothing any more.
    pub is_retired: bool,
}

/// A session or grant.
#[derive(Clone, Debug)]
pub struct SessionLine {
    /// Its id.
    pub id: String,
    /// The application's name, or what else it is.
    pub place: String,
    /// The device's name.
    pub device: String,
    /// When it began.
    pub created_at: Moment,
    /// When it was last used.
    pub last_used_at: Moment,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct EventLine {
    /// Its number.
    pub seq: i64,
    /// When.
    pub at: Moment,
    /// Its name.
    pub kind: String,
    /// Whom it is about: the user's id.
    pub user_id: Option<String>,
    /// Who set it off: an operator's address, or `user`, `admin_api`, `system`.
    pub by: String,
    /// The application.
    pub client_id: String,
    /// The whole message, for those who want to know.
    pub body: String,
}

/// What names a user on its pages.
#[derive(Clone, Debug)]
pub struct UserHead {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: Option<String>,
    /// Whether it is a guest.
    pub is_guest: bool,
    /// Whether it is disabled.
    pub is_disabled: bool,
}

impl UserHead {
    /// What it is called.
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

/// A user.
#[derive(Clone, Debug)]
pub struct UserPage {
    /// Who.
    pub head: UserHead,
    /// When it came.
    pub created_at: Moment,
    /// When it or what is its own last changed.
    pub updated_at: Moment,
    /// When it became a member.
    pub promoted_at: Option<Moment>,
    /// When it last proved who it is.
    pub last_login_at: Option<Moment>,
    /// The member this guest gave way to.
    pub yielded_to: Option<String>,
    /// What it is known by.
    pub identities: Vec<IdentityLine>,
    /// How it can prove itself, in words.
    pub authenticators: Vec<String>,
    /// Keys on devices.
    pub keys: Vec<KeyLine>,
    /// Where it is signed in.
    pub sessions: Vec<SessionLine>,
    /// Standard attributes, name and value.
    pub standard: Vec<(String, String)>,
    /// The application's own attributes.
    pub custom: Vec<(String, String)>,
    /// What happened lately, newest first.
    pub events: Vec<EventLine>,
}

impl UserPage {
    /// The main states.
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
                kind: "E-mail".into(),
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
        finish(Body { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/user.html")]
struct Body<'a> {
    ctx: &'a PortalContext,
    page: &'a UserPage,
}

/// What a form about a user does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserTask {
    /// Makes a guest a member.
    Promote,
    /// Changes the attributes.
    Attributes,
}

/// A form about a user.
#[derive(Clone, Debug)]
pub struct UserFormPage {
    /// Who.
    pub head: UserHead,
    /// What it does.
    pub task: UserTask,
    /// Its controls.
    pub controls: Vec<Control>,
}

impl UserFormPage {
    /// Asks what a guest signs in with from now on.
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
            Control::new("kind", "Kind", ControlKind::Select(picks), kind).error(kind_error),
            Control::new("value", "Login ID", ControlKind::Line("text"), value)
                .hint("What the person signs in with from now on.")
                .error(value_error)
                .required(),
            Control::new("is_verified", "It is verified", ControlKind::Toggle, if is_verified { "on" } else { "" })
                .hint("You know that it belongs to this person."),
            Control::new("password", "Password", ControlKind::NewPassword, password)
                .hint("May be empty: the person can sign in by code, or ask for a new password.")
                .error(password_error),
        ];
        Self { head, task: UserTask::Promote, controls }
    }

    /// Shows both sets of attributes as JSON.
    pub fn attributes(head: UserHead, values: [&str; 2], errors: [Option<String>; 2]) -> Self {
        let [standard, custom] = values;
        let [standard_error, custom_error] = errors;
        let controls = vec![
            Control::new("standard", "Standard attributes", ControlKind::Lines { rows: 8 }, standard)
                .hint("A JSON object with names of OpenID Connect, such as name, locale or birthdate.")
                .error(standard_error),
            Control::new("custom", "Custom attributes", ControlKind::Lines { rows: 8 }, custom)
                .hint("A JSON object with whatever your applications keep. Applications read it in UserInfo.")
                .error(custom_error),
        ];
        Self { head, task: UserTask::Attributes, controls }
    }

    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let wrong = Some("Write an e-mail address.".to_string());
        let kinds = [("email", "E-mail"), ("username", "Username")];
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
            UserTask::Promote => {
                "The guest becomes a member with the same id. Its sessions go on, and what it has stays its own."
            }
            UserTask::Attributes => {
                "What applications and people know of this user. Attributes of a guest survive its promotion."
            }
        }
    }

    fn button(&self) -> &'static str {
        match self.task {
            UserTask::Promote => "Make it a member",
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

    fn complaints(&self) -> Vec<(String, String)> {
        self.controls.iter().filter_map(Control::complaint).collect()
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
