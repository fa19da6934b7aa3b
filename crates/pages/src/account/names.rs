//! Editing the names in the profile.

use askama::Template;
use axum::{extract::Request, response::Response};
use vestibule_app::account::profile::{self, MAX_NAME, NAMES, read_name};
use vestibule_web::{
    context::PageContext,
    credentials::AccountCookies,
    field::Field,
    field_problem::FieldProblem,
    notice::NoticeKind,
    page::{Page, Shell},
    template::finish,
    text::Text,
    visit::Visit,
};

use super::{AccountRequest, HOME, sub_page};

/// `GET /settings/names`
pub async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let attributes = &request.caller.user.standard_attributes;
    let stored = |name: &str| attributes.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_string();
    request.show(&page(NAMES.map(stored), [None, None, None]))
}

/// `POST /settings/names`
pub async fn save(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let typed = NAMES.map(|name| request.field(name).to_string());
    let read = NAMES.map(|name| read_name(request.field(name)));
    if read.iter().any(Result::is_err) {
        let max = u32::try_from(MAX_NAME).unwrap_or(u32::MAX);
        let errors = read.map(|name| name.is_err().then(|| FieldProblem::NameTooLong { max }.text()));
        return request.show_again(&page(typed, errors));
    }
    let names = read.map(Result::unwrap_or_default);
    if let Some((longest, most)) = profile::find_overflow(&request.caller, &names) {
        let mut errors = [None, None, None];
        let max = u32::try_from(most).unwrap_or(u32::MAX);
        errors[longest] = Some(FieldProblem::NameTooLong { max }.text());
        return request.show_again(&page(typed, errors));
    }
    let visit = &request.visit;
    match profile::save(&visit.ctx(), &request.caller, names).await {
        Ok(outcome) => request.go_on(outcome, NoticeKind::ProfileSaved),
        Err(error) => request.fail(&error),
    }
}

fn page(values: [String; 3], errors: [Option<Text>; 3]) -> EditNamesPage {
    let [given_name, family_name, nickname] = values;
    let [given_name_error, family_name_error, nickname_error] = errors;
    EditNamesPage {
        action: "/settings/names".into(),
        given_name,
        family_name,
        nickname,
        given_name_error,
        family_name_error,
        nickname_error,
        back_href: HOME.into(),
    }
}

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
    #[cfg(any(test, feature = "samples"))]
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
