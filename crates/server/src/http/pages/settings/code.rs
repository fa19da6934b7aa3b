//! Entering the code for a change on the account page.

use axum::{extract::Request, http::StatusCode, response::Response};
use vestibule_domain::credential::otp::{ResendDecision, may_resend};

use super::{Desk, HOME, login_id::add_page};
use crate::{
    flows::settings::{
        Standing,
        change::Outcome,
        errand::{Errand, Pending, Task},
        login_id::CodeStep,
    },
    http::{
        credentials::AccountCookies,
        pages::{
            see_other,
            words::{channel, complain_of_code, complain_of_taken, whole_seconds},
        },
        visit::Visit,
    },
    ui::{CodePurpose, Complaint, NoticeKind, Resend, Text, VerifyCodePage},
};

/// `GET /settings/code`
pub(super) async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match Desk::open(visit, cookies, request).await {
        Ok(desk) => match pending(&desk) {
            Some((errand, pending)) => desk.show(&page(&desk, errand, pending, None)),
            None => see_other(HOME),
        },
        Err(response) => response,
    }
}

/// `POST /settings/code`
pub(super) async fn act(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match Desk::receive(visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    let Some((mut errand, pending)) = pending(&desk).map(|(errand, pending)| (errand.clone(), pending.clone())) else {
        return see_other(HOME);
    };
    if desk.field("action") == "resend" {
        return resend(&desk, errand).await;
    }
    if desk.field("code").trim().is_empty() {
        let error = Some(Complaint::CodeMissing.text());
        return desk.complain(&page(&desk, &errand, &pending, error));
    }
    match desk.ask(async |asking| asking.try_code(&mut errand, desk.field("code")).await).await {
        Ok(CodeStep::Ended(outcome)) => finish(&desk, &pending, outcome).await,
        Ok(CodeStep::Refused(decision)) => {
            let pending = errand.state.pending.as_ref().unwrap_or(&pending);
            desk.complain(&page(&desk, &errand, pending, Some(complain_of_code(decision).text())))
        }
        Ok(CodeStep::Stale) => see_other(&desk.action()),
        Err(error) => desk.fail(&error),
    }
}

async fn resend(desk: &Desk, mut errand: Errand) -> Response {
    match desk.ask(async |asking| asking.resend(&mut errand).await).await {
        Ok(None) => see_other(&desk.action()),
        Ok(Some(decision)) => {
            let notice = match decision {
                ResendDecision::Allowed => NoticeKind::CodeSent,
                ResendDecision::Later { .. } | ResendDecision::Exhausted => NoticeKind::CodeTooSoon,
            };
            match &errand.state.pending {
                Some(pending) => desk.render(StatusCode::OK, Some(notice), &page(desk, &errand, pending, None)),
                None => see_other(HOME),
            }
        }
        Err(error) => desk.fail(&error),
    }
}

async fn finish(desk: &Desk, pending: &Pending, outcome: Outcome) -> Response {
    match (&pending.task, outcome) {
        (Task::Prove { next }, Outcome::Done(_)) => see_other(next),
        // The address belongs to another user, and the caller has proved control of it: the page may say so.
        (Task::Add | Task::Replace { .. }, Outcome::Taken) => {
            let visit = &desk.visit;
            let standing = match Standing::load(&visit.app, &visit.project, desk.caller.user.id).await {
                Ok(standing) => standing,
                Err(error) => return desk.fail(&error),
            };
            let kind = pending.login_id.kind;
            let replaced = match &pending.task {
                Task::Replace { old } => standing.find(*old).map(|row| row.original.clone()),
                Task::Add | Task::Verify { .. } | Task::Prove { .. } => None,
            };
            let typed = pending.login_id.original.clone();
            let mut page = add_page(desk, kind, replaced, typed, Some(complain_of_taken(kind)));
            page.action = first_page(desk, pending);
            desk.render(StatusCode::CONFLICT, None, &page)
        }
        (Task::Add, outcome) => desk.go_on(outcome, NoticeKind::LoginIdAdded),
        (Task::Replace { .. } | Task::Verify { .. } | Task::Prove { .. }, outcome) => {
            desk.go_on(outcome, NoticeKind::LoginIdChanged)
        }
    }
}

fn pending(desk: &Desk) -> Option<(&Errand, &Pending)> {
    let errand = desk.errand.as_ref()?;
    Some((errand, errand.state.pending.as_ref()?))
}

/// The page on which the recipient of the code was entered.
fn first_page(desk: &Desk, pending: &Pending) -> String {
    let order = desk.errand.as_ref().filter(|errand| errand.request().is_some());
    let errand = order.map(|errand| format!("&errand={}", errand.id)).unwrap_or_default();
    match &pending.task {
        Task::Add => format!("/settings/identity/add?kind={}{errand}", pending.login_id.kind.as_str()),
        Task::Replace { old } => format!("/settings/identity/change?id={old}{errand}"),
        Task::Verify { .. } => HOME.to_string(),
        Task::Prove { next } => desk.confirm_href(next),
    }
}

fn page(desk: &Desk, errand: &Errand, pending: &Pending, error: Option<Text>) -> VerifyCodePage {
    // Show what the user just typed in full, so that typing errors are visible; mask what only the server knows.
    let destination = match &pending.task {
        Task::Add | Task::Replace { .. } | Task::Verify { .. } => pending.login_id.original.clone(),
        Task::Prove { .. } => pending.login_id.mask(),
    };
    let channel = channel(pending.login_id.kind);
    let action = format!("/settings/code?errand={}", errand.id);
    let mut page = VerifyCodePage::new(CodePurpose::Verify, channel, destination, action);
    page.error = error;
    page.resend = match may_resend(&pending.code, desk.visit.now) {
        ResendDecision::Allowed => Resend::Now,
        ResendDecision::Later { retry_after } => Resend::After(whole_seconds(retry_after)),
        ResendDecision::Exhausted => Resend::Never,
    };
    page.back_href = match &pending.task {
        Task::Add | Task::Replace { .. } => Some(first_page(desk, pending)),
        Task::Verify { .. } | Task::Prove { .. } => None,
    };
    page.cancel_href = errand.request().map(|_| desk.back_href());
    page
}
