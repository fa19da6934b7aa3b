//! Reauthentication before a sensitive change: by password, passkey or code.

use axum::{extract::Request, http::StatusCode, response::Response};
use vestibule_domain::project::AuthenticatorKind;

use super::{Desk, HOME, own_page};
use crate::{
    flows::settings::{Standing, change::Outcome, login_id::Step, prove},
    http::{credentials::AccountCookies, pages::see_other, visit::Visit},
    ui::{Ceremony, Complaint, ConfirmPage, NoticeKind, Page, PasskeyCeremony, PasswordPage, PasswordReason},
};

/// `GET /settings/confirm`
pub(super) async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match Desk::open(visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    match page(&desk, false).await {
        Ok(page) => desk.show(page.as_ref()),
        Err(response) => response,
    }
}

/// `POST /settings/confirm`
pub(super) async fn act(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match Desk::receive(visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    let (visit, caller) = (&desk.visit, &desk.caller);
    let (app, project, ip, now) = (&visit.app, &visit.project, visit.ip, visit.now);
    let proved = match desk.field("action") {
        "send" => return send_code(&desk).await,
        "passkey" => prove::by_passkey(app, project, caller, desk.field("credential"), ip, now).await,
        _ => prove::by_password(app, project, caller, desk.field("password"), ip, now).await,
    };
    match proved {
        Ok(Some(Outcome::Done(_))) => see_other(&next(&desk)),
        Ok(Some(Outcome::Taken | Outcome::LastWay | Outcome::Stale | Outcome::Gone)) => see_other(&desk.action()),
        Ok(None) => match page(&desk, true).await {
            Ok(page) if desk.field("action") == "passkey" => {
                desk.render(StatusCode::UNPROCESSABLE_ENTITY, Some(NoticeKind::PasskeyFailed), page.as_ref())
            }
            Ok(page) => desk.complain(page.as_ref()),
            Err(response) => response,
        },
        Err(error) => desk.fail(&error),
    }
}

async fn send_code(desk: &Desk) -> Response {
    match desk.ask(async |asking| asking.prove(next(desk)).await).await {
        Ok(Step::CodeSent(errand)) => see_other(&format!("/settings/code?errand={}", errand.id)),
        Ok(Step::Mistaken(_) | Step::Ended(_)) => see_other(&desk.action()),
        Err(error) => desk.fail(&error),
    }
}

/// The page to continue with: always one of the account's, whatever the URL says.
fn next(desk: &Desk) -> String {
    own_page(desk.field("next")).unwrap_or(HOME).to_string()
}

/// The password page if the member has one; a code or a passkey if that is all the member has, or requests.
async fn page(desk: &Desk, failed: bool) -> Result<Box<dyn Page>, Response> {
    let visit = &desk.visit;
    let standing = Standing::load(&visit.app, &visit.project, desk.caller.user.id).await;
    let standing = standing.map_err(|error| desk.fail(&error))?;
    let settings = &visit.project.settings;
    let passkey =
        (!standing.passkeys.is_empty() && settings.offers(AuthenticatorKind::Passkey)).then(|| PasskeyCeremony {
            ceremony: Ceremony::Use,
            options_json: prove::request_options(&visit.project, &desk.caller, &standing),
            action: desk.action(),
        });
    let target = standing.code_target();
    if standing.password.is_some() && desk.field("by") != "code" {
        let login_id = standing.name().unwrap_or_default();
        let mut page = PasswordPage::new(PasswordReason::Confirm, desk.action(), login_id);
        page.error = (failed && desk.field("action") != "passkey").then(|| Complaint::PasswordWrong.text());
        page.passkey = passkey;
        page.code_href = target.map(|_| format!("{}&by=code", desk.confirm_href(&next(desk))));
        return Ok(Box::new(page));
    }
    Ok(Box::new(ConfirmPage {
        action: desk.action(),
        destination: target.map(|login_id| login_id.mask()),
        passkey,
        back_href: HOME.into(),
    }))
}
