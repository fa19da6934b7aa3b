//! The account page and its sub-pages: authentication, form token, back link, and reauthentication for sensitive
//! changes. Each page is a file: it renders itself, handles its form, and calls one use case.

pub mod applications;
pub mod code;
pub mod confirm;
pub mod connection;
pub mod deletion;
pub mod export;
pub mod external_accounts;
pub mod guest;
pub mod login_id;
pub mod names;
pub(crate) mod other_application;
pub mod overview;
pub mod passkeys;
pub mod password;
pub mod sessions;

use axum::{
    extract::Request,
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};
use vestibule_app::{
    account::{
        change::ChangeOutcome,
        login_id::AccountContext,
        reauthentication::is_fresh,
        settings_action::{self, SettingsAction, SettingsActionKind},
    },
    authorize::cancel_redirect,
    caller::{AccountCaller, Via},
    candidates::Candidates,
    crypto::is_equal,
    error::Error,
    known_devices,
};
use vestibule_domain::{
    id::{FlowId, IdentityId},
    time::Timestamp,
};
use vestibule_protocol::form::Form;
use vestibule_web::{
    body, cookies,
    credentials::AccountCookies,
    elapsed::Elapsed,
    error,
    locale::Locale,
    notice::NoticeKind,
    page::{Page, Shell},
    policy::Forms,
    route::{Route, account_page},
    visit::Visit,
};

pub use self::{
    applications::{ApplicationEntry, ApplicationsPage},
    confirm::ConfirmPage,
    connection::ConnectPage,
    deletion::DeleteAccountPage,
    guest::SettingsGuestPage,
    login_id::{AddLoginIdPage, RemoveLoginIdPage, VerifyLoginIdPage},
    names::EditNamesPage,
    other_application::SettingsOtherApplicationPage,
    overview::{
        ApplicationsSummary, ExternalAccountEntry, LoginIdEntry, PasskeySummary, PasswordSummary, SessionEntry,
        SettingsPage,
    },
    passkeys::{PasskeyEntry, PasskeyNamePage, PasskeysPage},
    password::ChangePasswordPage,
};
use crate::{
    PageFrame, body_error_page, context, end_pages::ErrorKind, error_page, flow_error, found, link_to_app,
    messages::MessageWriter, render, render_with, see_other, to_app,
};

/// The path of the overview.
const HOME: &str = "/settings";
/// The path that closes an app session.
const CLOSE: &str = "/settings/close";

fn elapsed(at: Timestamp, now: Timestamp) -> Elapsed {
    Elapsed::from_seconds(now.since(at).as_secs())
}

pub fn routes() -> Vec<Route> {
    vec![
        account_page(Method::GET, HOME, overview::show),
        account_page(Method::GET, "/settings/sign-in", overview::sign_in).with_effect(),
        account_page(Method::GET, "/settings/promote", overview::promote).with_effect(),
        account_page(Method::POST, CLOSE, overview::close),
        account_page(Method::GET, "/settings/names", names::show),
        account_page(Method::POST, "/settings/names", names::save),
        account_page(Method::GET, "/settings/password", password::show),
        account_page(Method::POST, "/settings/password", password::save),
        account_page(Method::GET, "/settings/identity/add", login_id::show_add),
        account_page(Method::POST, "/settings/identity/add", login_id::add),
        account_page(Method::GET, "/settings/identity/change", login_id::show_change),
        account_page(Method::POST, "/settings/identity/change", login_id::change),
        account_page(Method::GET, "/settings/identity/verify", login_id::show_verify),
        account_page(Method::POST, "/settings/identity/verify", login_id::verify),
        account_page(Method::GET, "/settings/identity/remove", login_id::show_remove),
        account_page(Method::POST, "/settings/identity/remove", login_id::remove),
        account_page(Method::GET, "/settings/code", code::show),
        account_page(Method::POST, "/settings/code", code::act),
        account_page(Method::GET, "/settings/confirm", confirm::show),
        account_page(Method::POST, "/settings/confirm", confirm::act),
        account_page(Method::GET, "/settings/passkeys", passkeys::show),
        account_page(Method::POST, "/settings/passkeys", passkeys::act),
        account_page(Method::GET, "/settings/passkeys/name", passkeys::show_name),
        account_page(Method::POST, "/settings/passkeys/name", passkeys::save_name),
        account_page(Method::GET, connection::HERE, connection::show),
        account_page(Method::POST, connection::HERE, connection::act),
        account_page(Method::GET, connection::ANSWER, connection::answer).with_effect(),
        account_page(Method::GET, external_accounts::HERE, external_accounts::show),
        account_page(Method::POST, external_accounts::HERE, external_accounts::act),
        account_page(Method::GET, "/settings/applications", applications::show),
        account_page(Method::POST, "/settings/applications", applications::act),
        account_page(Method::GET, "/settings/sessions", overview::redirect),
        account_page(Method::POST, "/settings/sessions", sessions::act),
        account_page(Method::GET, "/settings/delete", deletion::show),
        account_page(Method::POST, "/settings/delete", deletion::act),
        account_page(Method::GET, "/settings/export", export::download),
        // Earlier paths, and paths without a page.
        account_page(Method::GET, "/settings/{*rest}", overview::redirect),
        account_page(Method::GET, "/.well-known/change-password", overview::change_password),
        account_page(Method::GET, "/", overview::home),
    ]
}

/// The path of the page for a settings action.
pub fn path_of(settings_action: FlowId, action: SettingsActionKind) -> String {
    match action {
        SettingsActionKind::ChangePassword => format!("/settings/password?errand={settings_action}"),
        SettingsActionKind::DeleteAccount => format!("/settings/delete?errand={settings_action}"),
        SettingsActionKind::AddLoginId { of } => {
            format!("/settings/identity/add?kind={}&errand={settings_action}", of.as_str())
        }
        SettingsActionKind::ChangeLoginId { id } => {
            format!("/settings/identity/change?id={id}&errand={settings_action}")
        }
        SettingsActionKind::ConnectExternalAccount => connection::page_of(settings_action),
        SettingsActionKind::RemoveExternalAccount { id } => {
            format!("{}?id={id}&errand={settings_action}", external_accounts::HERE)
        }
    }
}

/// The users that a page admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AllowedUsers {
    Members,
    GuestsToo,
}

/// A request of a signed-in user to an account page.
struct AccountRequest {
    visit: Visit,
    headers: HeaderMap,
    caller: AccountCaller,
    /// The query of a page; query and body of a form.
    form: Form,
    /// The page's path with its query.
    here: String,
    settings_action: Option<SettingsAction>,
    writer: MessageWriter,
}

impl AccountRequest {
    /// Admits a member to a page; everyone else is redirected to the overview.
    async fn open(visit: Visit, cookies: AccountCookies, request: Request) -> Result<Self, Response> {
        Self::open_for(AllowedUsers::Members, visit, cookies, request).await
    }

    async fn open_for(
        admits: AllowedUsers,
        visit: Visit,
        cookies: AccountCookies,
        request: Request,
    ) -> Result<Self, Response> {
        let form = Form::parse_query(request.uri().query().unwrap_or_default()).unwrap_or_default();
        let (headers, here) = (request.headers().clone(), address_of(&request));
        let caller = Self::find_caller(admits, &visit, &cookies, &headers, &here).await?;
        Self::build(visit, headers, here, form, caller).await
    }

    /// Handles a member's form; without a valid form token it redirects to the page and changes nothing.
    async fn receive(visit: Visit, cookies: AccountCookies, request: Request) -> Result<Self, Response> {
        Self::receive_for(AllowedUsers::Members, visit, cookies, request).await
    }

    async fn receive_for(
        admits: AllowedUsers,
        visit: Visit,
        cookies: AccountCookies,
        request: Request,
    ) -> Result<Self, Response> {
        let (headers, here) = (request.headers().clone(), address_of(&request));
        let body = match body::read_form(&visit, request).await {
            Ok(body) => body,
            Err(problem) => return Err(body_error_page(&visit, &headers, problem)),
        };
        let form = match body.form() {
            Ok(form) => form,
            Err(problem) => return Err(error::plain(StatusCode::BAD_REQUEST, format!("{problem}\n"))),
        };
        let caller = Self::find_caller(admits, &visit, &cookies, &headers, &here).await?;
        let request = Self::build(visit, headers, here, form, caller).await?;
        if !is_equal(request.field("_csrf"), &form_token(&request.visit, &request.caller)) {
            return Err(see_other(&with_notice(&request.here, NoticeKind::FormExpired)));
        }
        Ok(request)
    }

    async fn find_caller(
        admits: AllowedUsers,
        visit: &Visit,
        cookies: &AccountCookies,
        headers: &HeaderMap,
        here: &str,
    ) -> Result<AccountCaller, Response> {
        let resolution = cookies.resolve(visit).await.map_err(|error| flow_error(visit, headers, &error))?;
        let Some(caller) = resolution.live().cloned() else {
            // The page asks to sign in, then leads back here.
            return Err(found(&format!("{HOME}?{}", Form::from_pairs([("next", here)]).print())));
        };
        if admits == AllowedUsers::Members && caller.user.is_anonymous() {
            return Err(found(HOME));
        }
        Ok(caller)
    }

    async fn build(
        visit: Visit,
        headers: HeaderMap,
        here: String,
        form: Form,
        caller: AccountCaller,
    ) -> Result<Self, Response> {
        let mut settings_action = None;
        if let Some(text) = form.get("errand").ok().flatten() {
            let loaded = match text.parse::<FlowId>() {
                Ok(id) => settings_action::load(&visit.ctx(), id, &caller).await,
                Err(_) => Ok(None),
            };
            settings_action = loaded.map_err(|error| flow_error(&visit, &headers, &error))?;
            if settings_action.is_none() {
                return Err(error_page(&visit, &headers, None, StatusCode::GONE, ErrorKind::FlowExpired));
            }
        }
        let writer = MessageWriter::new(&visit, &headers, settings_action.as_ref().and_then(SettingsAction::request));
        Ok(Self { visit, headers, caller, form, here, settings_action, writer })
    }

    /// A parameter, empty if absent.
    fn field(&self, name: &str) -> &str {
        self.form.get(name).ok().flatten().unwrap_or_default()
    }

    /// The login ID, passkey or external account of the page.
    fn id(&self) -> Option<IdentityId> {
        self.field("id").parse().ok()
    }

    /// The page's path without one-time notices.
    fn action(&self) -> String {
        let path = self.here.split('?').next().unwrap_or(HOME);
        let kept = ["kind", "id", "errand", "next", "by", "provider"].into_iter().filter_map(|name| {
            let value = self.form.get(name).ok().flatten()?;
            Some((name, value))
        });
        let query = Form::from_pairs(kept).print();
        if query.is_empty() { path.to_string() } else { format!("{path}?{query}") }
    }

    /// The back link: to the app that requested the action, without a result, or to the overview.
    fn back_href(&self) -> String {
        let request = self.settings_action.as_ref().and_then(SettingsAction::request);
        let app = request.and_then(|request| link_to_app(&self.visit.project, &cancel_redirect(request)));
        app.unwrap_or_else(|| HOME.to_string())
    }

    /// The notice in the URL, if any.
    fn notice(&self) -> Option<NoticeKind> {
        NoticeKind::parse(self.field("done"))
    }

    fn locale(&self) -> Locale {
        context(
            &self.visit,
            &self.headers,
            self.settings_action.as_ref().and_then(SettingsAction::request),
            String::new(),
        )
        .locale
    }

    fn show(&self, page: &dyn Page) -> Response {
        self.render(StatusCode::OK, self.notice(), page)
    }

    /// The same for a page whose form may lead to another site.
    fn show_leaving(&self, page: &dyn Page) -> Response {
        let request = self.settings_action.as_ref().and_then(SettingsAction::request);
        let csrf = form_token(&self.visit, &self.caller);
        let frame = PageFrame { status: StatusCode::OK, request, csrf, carried: None, notice: self.notice() };
        render_with(&self.visit, &self.headers, frame, page, Forms::Leave)
    }

    fn show_again(&self, page: &dyn Page) -> Response {
        self.render(StatusCode::UNPROCESSABLE_ENTITY, None, page)
    }

    fn render(&self, status: StatusCode, notice: Option<NoticeKind>, page: &dyn Page) -> Response {
        let request = self.settings_action.as_ref().and_then(SettingsAction::request);
        let csrf = form_token(&self.visit, &self.caller);
        render(&self.visit, &self.headers, PageFrame { status, request, csrf, carried: None, notice }, page)
    }

    fn fail(&self, error: &Error) -> Response {
        flow_error(&self.visit, &self.headers, error)
    }

    /// Redirects to reauthentication, and back, unless the user has authenticated recently.
    fn ask_to_prove(&self) -> Option<Response> {
        if is_fresh(&self.caller, self.visit.now) {
            return None;
        }
        Some(self.refuse_guest(&self.action()).unwrap_or_else(|| see_other(&self.confirm_href(&self.action()))))
    }

    /// The response where the session or grant began as a guest's: there may be copies of it, so a member signs in instead of
    /// confirming, which begins a new session.
    fn refuse_guest(&self, next: &str) -> Option<Response> {
        if self.caller.via.is_of_member() {
            return None;
        }
        Some(match &self.caller.via {
            Via::Session(_) => see_other(&format!("/settings/sign-in?{}", Form::from_pairs([("next", next)]).print())),
            Via::Grant(_) => {
                error_page(&self.visit, &self.headers, None, StatusCode::FORBIDDEN, ErrorKind::ProofOutdated)
            }
        })
    }

    fn confirm_href(&self, next: &str) -> String {
        format!("/settings/confirm?{}", Form::from_pairs([("next", next)]).print())
    }

    /// Continues after a change: to the app that requested it, or to the overview with a notice.
    fn go_on(&self, outcome: ChangeOutcome, notice: NoticeKind) -> Response {
        match outcome {
            ChangeOutcome::Done(Some(redirect)) => to_app(&self.visit, &redirect),
            ChangeOutcome::Done(None) => see_other(&with_notice(HOME, notice)),
            ChangeOutcome::LastLoginMethod => see_other(&with_notice(HOME, NoticeKind::LastLoginMethod)),
            ChangeOutcome::Taken | ChangeOutcome::Stale | ChangeOutcome::UserGone | ChangeOutcome::SignedOut => {
                see_other(HOME)
            }
        }
    }

    /// Makes a change that may end the user's other sessions: of the browsers that were known for the user, this one stays so.
    async fn stay_known<F>(&self, cookies: &Candidates, change: F) -> Result<Response, Error>
    where
        F: AsyncFnOnce() -> Result<Response, Error>,
    {
        let (ctx, user) = (self.visit.ctx(), self.caller.user.id);
        let before = known_devices::look_up(&ctx, cookies, user).await?;
        let mut response = change().await?;
        if let Some(value) = known_devices::renew_after_change(&ctx, cookies, before, user).await? {
            cookies::set_known_device(response.headers_mut(), &self.visit.project, &value);
        }
        Ok(response)
    }

    /// Calls a use case that sends codes or mails.
    async fn ask<T, F>(&self, question: F) -> Result<T, Error>
    where
        F: AsyncFnOnce(&AccountContext<'_>) -> Result<T, Error>,
    {
        let asking = AccountContext {
            ctx: self.visit.ctx(),
            caller: &self.caller,
            write_code: &|message| self.writer.compose(message),
            write_notice: &|to, notice| self.writer.write_notice(to, notice),
        };
        question(&asking).await
    }
}

/// The address of the request, to return to after signing in; without a query that is too long for it.
fn address_of(request: &Request) -> String {
    let address = request.uri().path_and_query().map_or(HOME, |address| address.as_str());
    if address.len() <= LONGEST_NEXT { address.to_string() } else { HOME.to_string() }
}

/// Maximum length of a path to return to.
pub const LONGEST_NEXT: usize = 512;

/// The path if it is a page of the account.
fn own_page(address: &str) -> Option<&str> {
    let path = address.split('?').next().unwrap_or_default();
    let is_ours = path == HOME || path.starts_with("/settings/");
    let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-'));
    let short = address.len() <= LONGEST_NEXT && address.chars().all(|c| c.is_ascii_graphic());
    (is_ours && plain && short).then_some(address)
}

/// A path with a notice.
fn with_notice(address: &str, notice: NoticeKind) -> String {
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}done={}", notice.code())
}

fn form_token(visit: &Visit, caller: &AccountCaller) -> String {
    let mac = &visit.project.keys.mac;
    match &caller.via {
        Via::Session(session) => mac.session_form_token(session.id),
        Via::Grant(grant) => mac.grant_form_token(grant.id),
    }
}

/// The target of the sign-out form: a session ends, while an app session is only closed, because its grant belongs to
/// the app.
fn logout_action(caller: &AccountCaller) -> String {
    match &caller.via {
        Via::Session(_) => "/logout".to_string(),
        Via::Grant(_) => CLOSE.to_string(),
    }
}

/// Removes the cookie of the session that has ended.
fn sign_out(request: &AccountRequest, mut response: Response) -> Response {
    match &request.caller.via {
        Via::Session(_) => cookies::clear_session(response.headers_mut(), &request.visit.project),
        // A session cookie beside it may belong to another user.
        Via::Grant(_) => cookies::forget_app_session(response.headers_mut(), &request.visit.project),
    }
    response
}

/// The frame of a page below the overview.
fn sub_page(back_href: &str) -> Shell {
    Shell::Account { back: Some(back_href.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_account_pages_are_return_targets() {
        for (address, ours) in [
            ("/settings", true),
            ("/settings?done=x", true),
            ("/settings/identity/change?id=1&errand=2", true),
            ("/settingsx", false),
            ("/settings/../oauth2/authorize", false),
            ("/settings/%2e%2e/oauth2/authorize", false),
            ("/settings/\\evil.example", false),
            ("https://evil.example/settings", false),
            ("//evil.example/settings/", false),
            ("/settings/a?b=\r\nx: y", false),
            ("", false),
        ] {
            assert_eq!(own_page(address).is_some(), ours, "{address}");
        }
        assert_eq!(own_page(&format!("/settings/{}", "a".repeat(LONGEST_NEXT))), None);
    }
}
