//! Deleting an account of a member or guest.

use askama::Template;
use axum::{extract::Request, response::Response};
use vestibule_app::account::{
    LoginMethods,
    change::ChangeOutcome,
    deletion::{confirms, delete},
};
use vestibule_web::{
    context::PageContext,
    credentials::AccountCookies,
    field::Field,
    field_problem::FieldProblem,
    locale::Locale,
    page::{Page, Shell},
    template::finish,
    text::Text,
    visit::Visit,
};

use super::{AccountRequest, AllowedUsers, sign_out, sub_page};
use crate::{see_other, to_app};

/// `GET /settings/delete`
pub async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open_for(AllowedUsers::GuestsToo, visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    match prepare(&request).await {
        Ok(page) => request.show(&page),
        Err(response) => response,
    }
}

/// `POST /settings/delete`
pub async fn act(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive_for(AllowedUsers::GuestsToo, visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let page = match prepare(&request).await {
        Ok(page) => page,
        Err(response) => return response,
    };
    if !confirms(request.field("confirmation"), &page.phrase) {
        let error = Some(FieldProblem::ConfirmationWrong { phrase: page.phrase.clone() }.text());
        return request.show_again(&DeleteAccountPage { error, ..page });
    }
    let visit = &request.visit;
    match delete(&visit.ctx(), &request.caller, request.settings_action.as_ref()).await {
        Ok(ChangeOutcome::Done(Some(redirect))) => sign_out(&request, to_app(visit, &redirect)),
        Ok(ChangeOutcome::Done(None) | ChangeOutcome::UserGone) => sign_out(&request, see_other("/logged-out")),
        Ok(ChangeOutcome::Taken | ChangeOutcome::LastLoginMethod | ChangeOutcome::Stale | ChangeOutcome::SignedOut) => {
            see_other(&request.action())
        }
        Err(error) => request.fail(&error),
    }
}

async fn prepare(request: &AccountRequest) -> Result<DeleteAccountPage, Response> {
    // A guest has no authenticator; its session is the only proof.
    let guest = request.caller.user.is_anonymous();
    if let Some(response) = request.ask_to_prove().filter(|_| !guest) {
        return Err(response);
    }
    let visit = &request.visit;
    let login_methods = LoginMethods::load(&visit.ctx(), request.caller.user.id).await;
    let login_methods = login_methods.map_err(|error| request.fail(&error))?;
    let phrase = login_methods.name().map_or_else(|| DeleteAccountPage::word(&request.locale()), str::to_string);
    let (action, back_href) = (request.action(), request.back_href());
    Ok(DeleteAccountPage { guest, action, phrase, error: None, grace_days: None, back_href })
}

/// Requires a typed phrase before deletion. The form posts `confirmation` and `action=delete`.
#[derive(Clone, Debug)]
pub struct DeleteAccountPage {
    pub guest: bool,
    pub action: String,
    /// The phrase to type: a login ID of the account, or [`DeleteAccountPage::word`] if it has none.
    pub phrase: String,
    pub error: Option<Text>,
    /// Days until the deletion is final; `None` if it is immediate.
    pub grace_days: Option<u32>,
    pub back_href: String,
}

impl DeleteAccountPage {
    /// The phrase for an account without login ID, in the reader's language.
    pub fn word(locale: &Locale) -> String {
        locale.text("delete-word")
    }

    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            guest: false,
            action: "/settings/delete".into(),
            phrase: "ada@example.com".into(),
            error: None,
            grace_days: None,
            back_href: "/settings".into(),
        };
        let wrong = Self {
            error: Some(FieldProblem::ConfirmationWrong { phrase: plain.phrase.clone() }.text()),
            grace_days: Some(30),
            ..plain.clone()
        };
        let guest = Self { guest: true, phrase: "delete".into(), ..plain.clone() };
        vec![("plain", plain), ("wrong", wrong), ("guest", guest)]
    }

    fn confirmation(&self) -> Field {
        Field {
            error: self.error.clone(),
            autofocus: self.error.is_some(),
            plain: true,
            ..Field::new("confirmation", Text::new("field-confirmation").with("phrase", &self.phrase), "text")
        }
    }

    /// What is deleted.
    fn facts(&self) -> &'static [&'static str] {
        if self.guest { &["delete-guest-fact-gone"] } else { &["delete-fact-sign-in", "delete-fact-free"] }
    }

    fn submit(&self) -> &'static str {
        if self.guest { "link-delete-guest" } else { "link-delete-account" }
    }

    fn keep(&self) -> &'static str {
        if self.guest { "button-keep" } else { "button-keep-account" }
    }

    fn when(&self) -> Text {
        match self.grace_days {
            Some(days) => Text::new("delete-when-later").with("days", days),
            None => Text::new("delete-when-now"),
        }
    }
}

impl Page for DeleteAccountPage {
    fn title(&self) -> Text {
        Text::new(if self.guest { "delete-guest-title" } else { "delete-title" })
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(DeleteAccountBody { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(&'static str, Text)> {
        self.confirmation().problem().into_iter().collect()
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/deletion.html")]
struct DeleteAccountBody<'a> {
    ctx: &'a PageContext,
    page: &'a DeleteAccountPage,
}
