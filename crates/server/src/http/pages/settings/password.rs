//! Changing the password, or setting the first one.

use axum::{extract::Request, response::Response};
use vestibule_domain::secret::Secret;

use super::Desk;
use crate::{
    flows::settings::{
        Standing,
        password::{Mistakes, Typed, change},
    },
    http::{credentials::AccountCookies, pages::words::new_password_field, visit::Visit},
    ui::{ChangePasswordPage, Complaint, NoticeKind},
};

/// `GET /settings/password`
pub(super) async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match Desk::open(visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    match ready(&desk).await {
        Ok(standing) => desk.show(&page(&desk, &standing, &Mistakes::default())),
        Err(response) => response,
    }
}

/// `POST /settings/password`
pub(super) async fn save(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match Desk::receive(visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    let standing = match ready(&desk).await {
        Ok(standing) => standing,
        Err(response) => return response,
    };
    let secret = |name| Secret::new(desk.field(name).to_string());
    let typed = Typed { current: secret("current_password"), new: secret("password") };
    match desk.ask(async |asking| change(asking, desk.errand.as_ref(), typed).await).await {
        Ok(Ok(outcome)) => desk.go_on(outcome, NoticeKind::PasswordChanged),
        Ok(Err(mistakes)) => desk.complain(&page(&desk, &standing, &mistakes)),
        Err(error) => desk.fail(&error),
    }
}

/// The old password is the proof; a first password requires a recent authentication by other means.
async fn ready(desk: &Desk) -> Result<Standing, Response> {
    let visit = &desk.visit;
    let standing = Standing::load(&visit.app, &visit.project, desk.caller.user.id).await;
    let standing = standing.map_err(|error| desk.fail(&error))?;
    match desk.ask_to_prove().filter(|_| standing.password.is_none()) {
        Some(response) => Err(response),
        None => Ok(standing),
    }
}

fn page(desk: &Desk, standing: &Standing, mistakes: &Mistakes) -> ChangePasswordPage {
    let min_length = desk.visit.project.settings.password_policy().min_length;
    let mut password = new_password_field(min_length, desk.field("password"), &mistakes.new);
    if mistakes.reused && mistakes.new.is_good() {
        password = password.with_error(Complaint::PasswordReused);
    }
    ChangePasswordPage {
        action: desk.action(),
        login_id: standing.name().unwrap_or_default().to_string(),
        current_required: standing.password.is_some(),
        current_error: mistakes.current_wrong.then(|| Complaint::PasswordWrong.text()),
        password,
        back_href: desk.back_href(),
    }
}
