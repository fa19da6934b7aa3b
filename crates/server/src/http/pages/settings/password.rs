//! Changing the password, or setting the first one.

use axum::{extract::Request, response::Response};
use vestibule_domain::secret::Secret;

use super::AccountRequest;
use crate::{
    flows::settings::{
        LoginMethods,
        password::{PasswordInput, PasswordInputErrors, change},
    },
    http::{credentials::AccountCookies, pages::messages::new_password_field, visit::Visit},
    ui::{ChangePasswordPage, FieldProblem, NoticeKind},
};

/// `GET /settings/password`
pub(super) async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
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
pub(super) async fn save(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let login_methods = match ready(&request).await {
        Ok(login_methods) => login_methods,
        Err(response) => return response,
    };
    let secret = |name| Secret::new(request.field(name).to_string());
    let typed = PasswordInput { current: secret("current_password"), new: secret("password") };
    match request.ask(async |asking| change(asking, request.settings_action.as_ref(), typed).await).await {
        Ok(Ok(outcome)) => request.go_on(outcome, NoticeKind::PasswordChanged),
        Ok(Err(errors)) => request.show_again(&page(&request, &login_methods, &errors)),
        Err(error) => request.fail(&error),
    }
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
