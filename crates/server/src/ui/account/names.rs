//! Editing the names in a member's profile.

use askama::Template;

use super::sub_page;
use crate::ui::context::PageContext;
use crate::ui::field::Field;
use crate::ui::field_problem::FieldProblem;
use crate::ui::page::{Page, Shell};
use crate::ui::template::finish;
use crate::ui::text::Text;

/// The names of a member (OIDC Core 5.1). The form posts `given_name`, `family_name`, `nickname` and `action=save`.
#[derive(Clone, Debug, Default)]
pub struct EditNamesPage {
    pub action: String,
    pub given_name: String,
    pub family_name: String,
    pub nickname: String,
    pub given_name_error: Option<Text>,
    pub family_name_error: Option<Text>,
    pub nickname_error: Option<Text>,
    pub back_href: String,
}

impl EditNamesPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let filled = Self {
            action: "/settings/names".into(),
            given_name: "Ada".into(),
            family_name: "Lovelace".into(),
            back_href: "/settings".into(),
            ..Self::default()
        };
        let error = Self { nickname_error: Some(FieldProblem::NameTooLong { max: 100 }.text()), ..filled.clone() };
        vec![("filled", filled), ("error", error)]
    }

    fn fields(&self) -> [Field; 3] {
        let field = |name, label, autocomplete, value: &str, error: &Option<Text>| Field {
            value: value.to_owned(),
            error: error.clone(),
            autocomplete,
            required: false,
            ..Field::new(name, Text::new(label), "text")
        };
        let mut fields = [
            field("given_name", "field-given-name", "given-name", &self.given_name, &self.given_name_error),
            field("family_name", "field-family-name", "family-name", &self.family_name, &self.family_name_error),
            field("nickname", "field-nickname", "nickname", &self.nickname, &self.nickname_error),
        ];
        Field::focus_only_problem(&mut fields);
        fields
    }
}

impl Page for EditNamesPage {
    fn title(&self) -> Text {
        Text::new("names-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(EditNamesBody { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(&'static str, Text)> {
        self.fields().iter().filter_map(Field::problem).collect()
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/names.html")]
struct EditNamesBody<'a> {
    ctx: &'a PageContext,
    page: &'a EditNamesPage,
}
