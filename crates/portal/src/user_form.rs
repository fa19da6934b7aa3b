//! The forms about a user on pages of their own: promotion, attributes, a login ID, a hold.

use askama::Template;
use vestibule_web::template::finish;

use crate::{
    control::{Control, ControlKind, Pick},
    frame::{PortalContext, PortalPage},
    user::UserHead,
};

/// The purpose of a form about a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserTask {
    Promote,
    Attributes,
    LoginId,
    Hold,
}

#[derive(Clone, Debug)]
pub(crate) struct UserFormPage {
    pub head: UserHead,
    pub task: UserTask,
    pub controls: Vec<Control>,
    /// The identity that a form about a login ID changes.
    pub identity: Option<String>,
}

impl UserFormPage {
    /// The form for promoting a guest.
    pub(crate) fn promote(
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
        Self { head, task: UserTask::Promote, controls, identity: None }
    }

    /// The form with both sets of attributes as JSON.
    pub(crate) fn attributes(head: UserHead, values: [&str; 2], errors: [Option<String>; 2]) -> Self {
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
        Self { head, task: UserTask::Attributes, controls, identity: None }
    }

    /// The form for changing a login ID.
    pub(super) fn of_login_id(head: UserHead, id: &str, controls: Vec<Control>) -> Self {
        Self { head, task: UserTask::LoginId, controls, identity: Some(id.to_string()) }
    }

    /// The form for placing a hold.
    pub(crate) fn hold(head: UserHead, values: [&str; 3], errors: [Option<String>; 3]) -> Self {
        let [owner, reason, until] = values;
        let [owner_error, reason_error, until_error] = errors;
        let controls = vec![
            Control::new("owner", "Owner", ControlKind::Line("text"), owner)
                .hint("The system or person that needs this user.")
                .error(owner_error)
                .required(),
            Control::new("reason", "Reason", ControlKind::Line("text"), reason)
                .hint("Such as “Order 4711 is open”.")
                .error(reason_error)
                .required(),
            Control::new("until", "Last day", ControlKind::Line("date"), until)
                .hint("The hold ends after this day, in UTC. At most ten years ahead.")
                .error(until_error)
                .required(),
        ];
        Self { head, task: UserTask::Hold, controls, identity: None }
    }

    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let wrong = Some("Enter an email address.".to_string());
        let kinds = [("email", "Email address"), ("username", "Username")];
        vec![
            ("promote", Self::promote(UserHead::sample(true), &kinds, ["email", "kim", ""], true, [None, wrong, None])),
            ("attributes", Self::attributes(UserHead::sample(false), ["{}", "{}"], [None, None])),
            ("login-id", Self::login_id_sample(UserHead::sample(false))),
            ("hold", Self::hold(UserHead::sample(true), ["orders", "Order 4711", "2031-01-31"], [None, None, None])),
        ]
    }

    fn path(&self) -> String {
        let task = match self.task {
            UserTask::Promote => "promote",
            UserTask::Attributes => "attributes",
            UserTask::LoginId => "login-id",
            UserTask::Hold => "holds",
        };
        format!("/users/{}/{task}", self.head.id)
    }

    fn lead(&self) -> &'static str {
        match self.task {
            UserTask::Promote => "The guest becomes a member with the same ID and keeps its sessions and data.",
            UserTask::Attributes => {
                "Profile data of this user. A guest's attributes are kept when the guest is promoted."
            }
            UserTask::LoginId => {
                "The old address gets a notice. If it is a verified email address, the notice has a link that undoes the change within 7 days."
            }
            UserTask::Hold => {
                "While a hold lasts, no rule warns, expires or deletes the guest. Deletion on request ignores it."
            }
        }
    }

    fn button(&self) -> &'static str {
        match self.task {
            UserTask::Promote => "Promote to member",
            UserTask::Attributes => "Save",
            UserTask::LoginId => "Change login ID",
            UserTask::Hold => "Place hold",
        }
    }
}

impl PortalPage for UserFormPage {
    fn title(&self) -> String {
        match self.task {
            UserTask::Promote => "Promote a guest".into(),
            UserTask::Attributes => "Attributes".into(),
            UserTask::LoginId => "Change a login ID".into(),
            UserTask::Hold => "Place a hold".into(),
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
