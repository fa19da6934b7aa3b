//! Changing the password, or setting the first one.

use askama::Template;
use axum::{extract::Request, response::Response};
use vestibule_app::account::{
    LoginMethods,
    password::{PasswordInput, PasswordInputErrors, change},
};
use vestibule_domain::secret::Secret;
use vestibule_web::{
    context::PageContext,
    credentials::{AccountCookies, KnownAccountCookies},
    field::{Field, PasswordField},
    field_problem::FieldProblem,
    notice::NoticeKind,
    page::{Page, Shell},
    template::finish,
    text::Text,
    visit::Visit,
};

use super::{AccountRequest, sub_page};
use crate::messages::new_password_field;

/// `GET /settings/password`
pub async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    match ready(&request).await {
        Ok(login_methods) => request.show(&page(&request, &login_methods, &PasswordInputErrors::default())),
        Err(response) => response,
    }
}

/// `POST /settings/password`
pub async fn save(visit: Visit, cookies: KnownAccountCookies, request: Request) -> Response {
    let KnownAccountCookies { account, known_devices } = cookies;
    let request = match AccountRequest::receive(visit, account, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let login_methods = match ready(&request).await {
        Ok(login_methods) => login_methods,
        Err(response) => return response,
    };
    let secret = |name| Secret::new(request.field(name).to_string());
    let typed = PasswordInput { current: secret("current_password"), new: secret("password") };
    let changed = request.stay_known(&known_devices, async || {
        let asked = request.ask(async |asking| change(asking, request.settings_action.as_ref(), typed).await).await?;
        Ok(match asked {
            Ok(outcome) => request.go_on(outcome, NoticeKind::PasswordChanged),
            Err(errors) => request.show_again(&page(&request, &login_methods, &errors)),
        })
    });
    changed.await.unwrap_or_else(|error| request.fail(&error))
}

/// The old password is the proof; a first password requires a recent authentication by other means.
async fn ready(request: &AccountRequest) -> Result<LoginMethods, Response> {
    let visit = &request.visit;
    let login_methods = LoginMethods::load(&visit.ctx(), request.caller.user.id).await;
    let login_methods = login_methods.map_err(|error| request.fail(&error))?;
    match request.ask_to_prove().filter(|_| login_methods.password.is_none()) {
        Some(response) => Err(response),
        None => Ok(login_methods),
    }
}

fn page(request: &AccountRequest, login_methods: &LoginMethods, errors: &PasswordInputErrors) -> ChangePasswordPage {
    let min_length = request.visit.project.settings.password_policy().min_length;
    let mut password = new_password_field(min_length, request.field("password"), &errors.new);
    if errors.reused && errors.new.is_good() {
        password = password.with_error(FieldProblem::PasswordReused);
    }
    ChangePasswordPage {
        action: request.action(),
        login_id: login_methods.name().unwrap_or_default().to_string(),
        current_required: login_methods.password.is_some(),
        current_error: errors.current_wrong.then(|| FieldProblem::PasswordWrong.text()),
        password,
        back_href: request.back_href(),
    }
}

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
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_web::field::Strength;
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
