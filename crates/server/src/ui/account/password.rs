//! Setting or changing a member's password.

use askama::Template;

use super::sub_page;
use crate::ui::context::PageContext;
use crate::ui::field::{Field, PasswordField, Strength};
use crate::ui::field_problem::FieldProblem;
use crate::ui::page::{Page, Shell};
use crate::ui::template::finish;
use crate::ui::text::Text;

/// Changes or sets the password. The form posts `current_password`, `password` and `action=save`.
#[derive(Clone, Debug)]
pub struct ChangePasswordPage {
    pub action: String,
    /// The login ID under which a password manager stores the password.
    pub login_id: String,
    /// False for a member without a password.
    pub current_required: bool,
    pub current_error: Option<Text>,
    pub password: PasswordField,
    pub back_href: String,
}

impl ChangePasswordPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let change = Self {
            action: "/settings/password".into(),
            login_id: "ada@example.com".into(),
            current_required: true,
            current_error: None,
            password: PasswordField::new(8),
            back_href: "/settings".into(),
        };
        let errors = Self {
            current_error: Some(FieldProblem::PasswordWrong.text()),
            password: PasswordField {
                strength: Some(Strength::Fair),
                ..PasswordField::new(8).with_error(FieldProblem::PasswordReused)
            },
            ..change.clone()
        };
        let set = Self { current_required: false, ..change.clone() };
        vec![("change", change), ("errors", errors), ("set", set)]
    }

    fn fields(&self) -> Vec<Field> {
        let current = Field {
            name: "current_password",
            label: Text::new("field-current-password"),
            ..PasswordField { error: self.current_error.clone(), ..PasswordField::current() }.field()
        };
        let new = Field { label: Text::new("field-next-password"), ..self.password.field() };
        let mut fields = if self.current_required { vec![current, new] } else { vec![new] };
        Field::focus_only_problem(&mut fields);
        fields
    }
}

impl Page for ChangePasswordPage {
    fn title(&self) -> Text {
        Text::new(if self.current_required { "change-password-title" } else { "set-password-title" })
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(ChangePasswordBody { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(&'static str, Text)> {
        self.fields().iter().filter_map(Field::problem).collect()
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/password.html")]
struct ChangePasswordBody<'a> {
    ctx: &'a PageContext,
    page: &'a ChangePasswordPage,
}
