//! Entering the code for a change on the account page.

use axum::{extract::Request, http::StatusCode, response::Response};
use vestibule_app::account::{
    LoginMethods,
    change::ChangeOutcome,
    login_id::CodeStep,
    settings_action::{CodeTask, Pending, SettingsAction},
};
use vestibule_domain::credential::otp::{ResendDecision, may_resend};
use vestibule_web::{
    credentials::AccountCookies, field_problem::FieldProblem, history, notice::NoticeKind, text::Text, visit::Visit,
};

use super::{AccountRequest, HOME, login_id::add_page};
use crate::{
    flow::verify_code::{CodePurpose, Resend, VerifyCodePage},
    messages::{channel, describe_code_problem, describe_taken, whole_seconds},
    see_other,
};

/// `GET /settings/code`
pub async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match AccountRequest::open(visit, cookies, request).await {
        Ok(request) => match pending(&request) {
            Some((settings_action, pending)) => request.show(&page(&request, settings_action, pending, None)),
            None => see_other(HOME),
        },
        Err(response) => response,
    }
}

/// `POST /settings/code`
pub async fn act(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let Some((mut settings_action, pending)) =
        pending(&request).map(|(settings_action, pending)| (settings_action.clone(), pending.clone()))
    else {
        return see_other(HOME);
    };
    if request.field("action") == "resend" {
        return resend(&request, settings_action).await;
    }
    if request.field("code").trim().is_empty() {
        let error = Some(FieldProblem::CodeMissing.text());
        return request.show_again(&page(&request, &settings_action, &pending, error));
    }
    match request.ask(async |asking| asking.try_code(&mut settings_action, request.field("code")).await).await {
        Ok(CodeStep::Ended(outcome)) => finish(&request, &pending, outcome).await,
        Ok(CodeStep::Refused(decision)) => {
            let pending = settings_action.state.pending.as_ref().unwrap_or(&pending);
            request.show_again(&page(&request, &settings_action, pending, Some(describe_code_problem(decision).text())))
        }
        Ok(CodeStep::Stale) => see_other(&request.action()),
        Err(error) => request.fail(&error),
    }
}

async fn resend(request: &AccountRequest, mut settings_action: SettingsAction) -> Response {
    match request.ask(async |asking| asking.resend(&mut settings_action).await).await {
        Ok(None) => see_other(&request.action()),
        Ok(Some(decision)) => {
            let notice = match decision {
                ResendDecision::Allowed => NoticeKind::CodeSent,
                ResendDecision::Later { .. } | ResendDecision::Exhausted => NoticeKind::CodeTooSoon,
            };
            match &settings_action.state.pending {
                Some(pending) => {
                    let page = page(request, &settings_action, pending, None);
                    let mut response = request.render(StatusCode::OK, Some(notice), &page);
                    history::store(&mut response);
                    response
                }
                None => see_other(HOME),
            }
        }
        Err(error) => request.fail(&error),
    }
}

async fn finish(request: &AccountRequest, pending: &Pending, outcome: ChangeOutcome) -> Response {
    match (&pending.task, outcome) {
        (CodeTask::Prove { next }, ChangeOutcome::Done(_)) => see_other(next),
        // The address belongs to another user, and the caller has proved control of it: the page may say so.
        (CodeTask::Add | CodeTask::Replace { .. }, ChangeOutcome::Taken) => {
            let visit = &request.visit;
            let login_methods = match LoginMethods::load(&visit.ctx(), request.caller.user.id).await {
                Ok(login_methods) => login_methods,
                Err(error) => return request.fail(&error),
            };
            let kind = pending.login_id.kind;
            let replaced = match &pending.task {
                CodeTask::Replace { old } => login_methods.find(*old).map(|row| row.original.clone()),
                CodeTask::Add | CodeTask::Verify { .. } | CodeTask::Prove { .. } => None,
            };
            let typed = pending.login_id.original.clone();
            let mut page = add_page(request, kind, replaced, typed, Some(describe_taken(kind)));
            page.action = first_page(request, pending);
            request.render(StatusCode::CONFLICT, None, &page)
        }
        (CodeTask::Add, outcome) => request.go_on(outcome, NoticeKind::LoginIdAdded),
        (CodeTask::Replace { .. } | CodeTask::Verify { .. } | CodeTask::Prove { .. }, outcome) => {
            request.go_on(outcome, NoticeKind::LoginIdChanged)
        }
    }
}

fn pending(request: &AccountRequest) -> Option<(&SettingsAction, &Pending)> {
    let settings_action = request.settings_action.as_ref()?;
    Some((settings_action, settings_action.state.pending.as_ref()?))
}

/// The page on which the recipient of the code was entered.
fn first_page(request: &AccountRequest, pending: &Pending) -> String {
    let requested_action =
        request.settings_action.as_ref().filter(|settings_action| settings_action.request().is_some());
    let settings_action =
        requested_action.map(|settings_action| format!("&errand={}", settings_action.id)).unwrap_or_default();
    match &pending.task {
        CodeTask::Add => format!("/settings/identity/add?kind={}{settings_action}", pending.login_id.kind.as_str()),
        CodeTask::Replace { old } => format!("/settings/identity/change?id={old}{settings_action}"),
        CodeTask::Verify { .. } => HOME.to_string(),
        CodeTask::Prove { next } => request.confirm_href(next),
    }
}

fn page(
    request: &AccountRequest,
    settings_action: &SettingsAction,
    pending: &Pending,
    error: Option<Text>,
) -> VerifyCodePage {
    // Show what the user just typed in full, so that typing errors are visible; mask what only the server knows.
    let destination = match &pending.task {
        CodeTask::Add | CodeTask::Replace { .. } | CodeTask::Verify { .. } => pending.login_id.original.clone(),
        CodeTask::Prove { .. } => pending.login_id.mask(),
    };
    let channel = channel(pending.login_id.kind);
    let action = format!("/settings/code?errand={}", settings_action.id);
    let mut page = VerifyCodePage::new(CodePurpose::Verify, channel, destination, action);
    page.error = error;
    page.resend = match may_resend(&pending.code, request.visit.now) {
        ResendDecision::Allowed => Resend::Now,
        ResendDecision::Later { retry_after } => Resend::After(whole_seconds(retry_after)),
        ResendDecision::Exhausted => Resend::Never,
    };
    page.back_href = match &pending.task {
        CodeTask::Add | CodeTask::Replace { .. } => Some(first_page(request, pending)),
        CodeTask::Verify { .. } | CodeTask::Prove { .. } => None,
    };
    page.cancel_href = settings_action.request().map(|_| request.back_href());
    page
}
