//! The account page of members and guests, its sign-in page, and the server's home page.

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use vestibule_app::{
    account::{LoginMethods, account_flow, external_account, login_methods::kind_of, profile, recovery_link},
    caller::AccountCaller,
    error::Error,
};
use vestibule_domain::{
    identifier::LoginIdKind,
    identity::OwnedLoginId,
    project::{AuthenticatorKind, Provider},
    promotion::{CredentialRemoval, is_last_login_credential},
};
use vestibule_protocol::form::Form;
use vestibule_web::{
    context::PageContext,
    cookies,
    credentials::{AccountCookies, BrowserCookies, FlowCookie, FlowCookies, NoCredential},
    elapsed::Elapsed,
    field::{LoginIdChoice, LoginIdField},
    page::{Page, Shell},
    template::finish,
    text::Text,
    visit::Visit,
};

use super::{
    AccountRequest, AllowedUsers, HOME, applications, connection, elapsed, form_token, logout_action, own_page,
    sessions,
};
use crate::{
    PageFrame,
    account::{guest::SettingsGuestPage, other_application::SettingsOtherApplicationPage},
    flow, flow_error, found,
    messages::ui_kind,
    page, render, see_other,
};

/// `GET /settings`
pub async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let headers = request.headers().clone();
    let resolution = match cookies.resolve(&visit).await {
        Ok(resolution) => resolution,
        Err(error) => return flow_error(&visit, &headers, &error),
    };
    match resolution.live() {
        Some(caller) if caller.user.is_anonymous() => show_guest(&visit, &headers, caller),
        Some(_) => match AccountRequest::open(visit, cookies, request).await {
            Ok(request) => show_member(&request).await,
            Err(response) => response,
        },
        None => show_other_application(&visit, &headers, request.uri()),
    }
}

fn show_other_application(visit: &Visit, headers: &HeaderMap, uri: &Uri) -> Response {
    let sign_in_href = match next_in(uri) {
        Some(next) => format!("/settings/sign-in?{}", Form::from_pairs([("next", next.as_str())]).print()),
        None => "/settings/sign-in".to_string(),
    };
    let app_href = visit.project.settings.default_client_uri().map(str::to_string);
    page(visit, headers, None, StatusCode::OK, &SettingsOtherApplicationPage { sign_in_href, app_href })
}

/// The account page that was requested first, if the URL names one.
fn next_in(uri: &Uri) -> Option<String> {
    let next = query_of(uri, "next")?;
    (next != HOME).then(|| own_page(&next)).flatten().map(str::to_string)
}

fn query_of(uri: &Uri, name: &str) -> Option<String> {
    let query = Form::parse_query(uri.query()?).ok()?;
    query.get(name).ok().flatten().map(str::to_string)
}

fn show_guest(visit: &Visit, headers: &HeaderMap, caller: &AccountCaller) -> Response {
    let page = SettingsGuestPage {
        promote_href: Some("/settings/promote".to_string()),
        logout_action: logout_action(caller),
        delete_href: Some("/settings/delete".to_string()),
        app_href: app_href(visit, caller),
    };
    let csrf = form_token(visit, caller);
    render(
        visit,
        headers,
        PageFrame { status: StatusCode::OK, request: None, csrf, carried: None, notice: None },
        &page,
    )
}

/// What a member's overview lists.
struct Owned {
    login_methods: LoginMethods,
    applications: Option<ApplicationsSummary>,
    sessions: Vec<SessionEntry>,
}

impl Owned {
    async fn load(request: &AccountRequest) -> Result<Self, Error> {
        Ok(Self {
            login_methods: LoginMethods::load(&request.visit.ctx(), request.caller.user.id).await?,
            applications: applications::summarize(request).await?,
            sessions: sessions::list(request).await?,
        })
    }
}

async fn show_member(request: &AccountRequest) -> Response {
    let (visit, caller) = (&request.visit, &request.caller);
    let Owned { login_methods, applications, sessions } = match Owned::load(request).await {
        Ok(owned) => owned,
        Err(error) => return request.fail(&error),
    };
    let settings = &visit.project.settings;
    let kinds = settings.login_id_kinds();
    let has_username = login_methods.login_ids.iter().any(|row| kind_of(row) == Some(LoginIdKind::Username));
    let is_addable = |kind: &&LoginIdKind| **kind != LoginIdKind::Username || !has_username;
    let uses_password = settings.offers(AuthenticatorKind::Password)
        && kinds.iter().any(|kind| settings.authenticators_for(*kind).contains(&AuthenticatorKind::Password));
    let uses_passkeys = settings.offers(AuthenticatorKind::Passkey);
    let page = SettingsPage {
        name: profile::display_name(caller),
        names_href: "/settings/names".into(),
        login_ids: login_methods.login_ids.iter().filter_map(|row| describe(request, &login_methods, row)).collect(),
        addable: kinds
            .iter()
            .filter(is_addable)
            .map(|kind| LoginIdChoice {
                kind: ui_kind(*kind),
                href: format!("/settings/identity/add?kind={}", kind.as_str()),
            })
            .collect(),
        password: uses_password.then(|| PasswordSummary {
            changed: login_methods.password.as_ref().map(|row| elapsed(row.updated_at, visit.now)),
            href: "/settings/password".into(),
        }),
        passkeys: uses_passkeys.then(|| PasskeySummary {
            count: u32::try_from(login_methods.passkeys.len()).unwrap_or(u32::MAX),
            href: "/settings/passkeys".into(),
        }),
        external_accounts: list_external(visit, &login_methods),
        connectable: list_connectable(visit, &login_methods),
        applications,
        sessions,
        sessions_action: "/settings/sessions".into(),
        logout_action: logout_action(caller),
        delete_href: Some("/settings/delete".into()),
        app_href: app_href(visit, caller),
    };
    request.show(&page)
}

fn describe(request: &AccountRequest, login_methods: &LoginMethods, row: &OwnedLoginId) -> Option<LoginIdEntry> {
    let settings = &request.visit.project.settings;
    let kind = kind_of(row)?;
    let is_proved = row.verified_at.is_some();
    let can_be_proved = kind != LoginIdKind::Username && settings.verification_enabled(kind);
    let link = |what: &str| format!("/settings/identity/{what}?id={}", row.id);
    let is_last =
        is_last_login_credential(&login_methods.login_credentials(), CredentialRemoval::LoginId(row.id), settings);
    Some(LoginIdEntry {
        kind: ui_kind(kind),
        value: row.original.clone(),
        verified: (is_proved || can_be_proved).then_some(is_proved),
        verify_href: (!is_proved && can_be_proved).then(|| link("verify")),
        change_href: settings.login_id_kinds().contains(&kind).then(|| link("change")),
        remove_href: (!is_last).then(|| link("remove")),
    })
}

fn list_external(visit: &Visit, login_methods: &LoginMethods) -> Vec<ExternalAccountEntry> {
    let settings = &visit.project.settings;
    let credentials = login_methods.login_credentials();
    let entries = login_methods.external_accounts.iter().map(|row| ExternalAccountEntry {
        id: row.id.to_string(),
        provider: external_account::provider_name(settings, row).to_string(),
        label: row.label().map(str::to_string),
        used: elapsed(row.updated_at, visit.now),
        removable: !is_last_login_credential(&credentials, CredentialRemoval::ExternalAccount(row.id), settings),
    });
    entries.collect()
}

/// The providers at which the member has no account yet.
fn list_connectable(visit: &Visit, login_methods: &LoginMethods) -> Vec<ProviderLink> {
    let is_connected = |key: &str| login_methods.external_accounts.iter().any(|row| row.provider == key);
    let providers = visit.project.settings.providers().iter().filter(|provider| !is_connected(&provider.account_key()));
    let link = |provider: &Provider| ProviderLink {
        name: provider.display_name().to_string(),
        href: format!("{}?provider={}", connection::HERE, provider.alias),
    };
    providers.map(link).collect()
}

fn app_href(visit: &Visit, caller: &AccountCaller) -> Option<String> {
    let settings = &visit.project.settings;
    match caller.grant() {
        // A mobile app has no URL to return to: the user closes the window.
        Some(grant) => settings.client(&grant.client_id).and_then(|client| client.client_uri.clone()),
        None => settings.default_client_uri().map(str::to_string),
    }
}

/// `GET /settings/promote`: promotes a signed-in guest without an app.
pub async fn promote(visit: Visit, cookies: BrowserCookies, request: Request) -> Response {
    let headers = request.headers().clone();
    let resolution = match cookies.account.resolve(&visit).await {
        Ok(resolution) => resolution,
        Err(error) => return flow_error(&visit, &headers, &error),
    };
    let Some(caller) = resolution.live() else { return found(HOME) };
    let browser = cookies.flow.first();
    let begun = account_flow::begin_promotion(&visit.ctx(), caller, browser);
    Box::pin(enter(&visit, cookies.of_flow(), &headers, begun)).await
}

/// `GET /settings/sign-in`: signs a member in to the account page without an app.
pub async fn sign_in(visit: Visit, cookie: FlowCookie, request: Request) -> Response {
    let (headers, next) = (request.headers().clone(), next_in(request.uri()));
    let browser = cookie.flow.first();
    // An email of an operator leads here; a link that has expired leads to the ordinary sign-in.
    let link = query_of(request.uri(), "recover");
    if let Some(begun) = link.and_then(|link| recovery_link::begin(&visit.ctx(), &link, browser)) {
        return flow::begin_recovery(&visit, cookie.into(), &headers, begun.flow, begun.browser).await;
    }
    let begun = account_flow::begin_sign_in(&visit.ctx(), next.as_deref(), browser);
    Box::pin(enter(&visit, cookie.into(), &headers, begun)).await
}

async fn enter(
    visit: &Visit,
    cookies: FlowCookies,
    headers: &HeaderMap,
    begun: Option<account_flow::BegunFlow>,
) -> Response {
    match begun {
        Some(begun) => flow::begin(visit, cookies, headers, begun.flow, begun.browser).await,
        None => found(HOME),
    }
}

/// `POST /settings/close`: closes the account page that an app opened. The app's own session continues.
pub async fn close(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    match AccountRequest::receive_for(AllowedUsers::GuestsToo, visit, cookies, request).await {
        Ok(request) => {
            let mut response = see_other("/logged-out");
            cookies::forget_app_session(response.headers_mut(), &request.visit.project);
            response
        }
        Err(response) => response,
    }
}

/// Sub-pages that guests do not have, and earlier paths of the account page.
pub async fn redirect(_: Visit, _: NoCredential, _: Request) -> Response {
    found(HOME)
}

/// `GET /.well-known/change-password`: where password managers send users (W3C, A Well-Known URL for Changing Passwords).
pub async fn change_password(_: Visit, _: NoCredential, _: Request) -> Response {
    found("/settings/password")
}

/// `GET /`: redirects to the project's page or the account page.
pub async fn home(visit: Visit, _: NoCredential, _: Request) -> Response {
    see_other(visit.project.settings.default_client_uri().unwrap_or(HOME))
}

/// One login ID of a member.
#[derive(Clone, Debug)]
pub struct LoginIdEntry {
    pub kind: LoginIdField,
    pub value: String,
    /// `None` for a username, which needs no verification.
    pub verified: Option<bool>,
    pub verify_href: Option<String>,
    pub change_href: Option<String>,
    /// `None` for the last login method.
    pub remove_href: Option<String>,
}

/// An account at a provider.
#[derive(Clone, Debug)]
pub struct ExternalAccountEntry {
    /// Posted as `id` when it is removed.
    pub id: String,
    pub provider: String,
    /// How the user recognizes it, if the provider said so.
    pub label: Option<String>,
    pub used: Elapsed,
    /// False for the last login method.
    pub removable: bool,
}

/// A provider whose account can be connected.
#[derive(Clone, Debug)]
pub struct ProviderLink {
    pub name: String,
    pub href: String,
}

/// What is known about the password.
#[derive(Clone, Debug)]
pub struct PasswordSummary {
    /// When it was set; `None` without a password.
    pub changed: Option<Elapsed>,
    pub href: String,
}

/// What is known about the passkeys.
#[derive(Clone, Debug)]
pub struct PasskeySummary {
    pub count: u32,
    pub href: String,
}

/// What is known about third-party applications.
#[derive(Clone, Debug)]
pub struct ApplicationsSummary {
    pub count: u32,
    pub href: String,
}

/// A session in the list.
#[derive(Clone, Debug)]
pub struct SessionEntry {
    /// Posted as `session_id` when it is revoked.
    pub id: String,
    /// The device, such as "Chrome on Android", if known.
    pub device: Option<String>,
    pub app: Option<String>,
    pub ip: Option<String>,
    pub last_active: Elapsed,
    /// The current session, which ends by signing out instead.
    pub current: bool,
}

/// The account page of a member.
///
/// The session forms post `session_id` and `action=revoke`, or `action=revoke_others`; signing out posts
/// `action=logout`.
#[derive(Clone, Debug)]
pub struct SettingsPage {
    pub name: Option<String>,
    pub names_href: String,
    pub login_ids: Vec<LoginIdEntry>,
    pub addable: Vec<LoginIdChoice>,
    /// `None` where the project does not use passwords.
    pub password: Option<PasswordSummary>,
    /// `None` where the project does not use passkeys.
    pub passkeys: Option<PasskeySummary>,
    /// A removal posts `id` to `/settings/external-accounts`.
    pub external_accounts: Vec<ExternalAccountEntry>,
    pub connectable: Vec<ProviderLink>,
    /// `None` while no third-party application has access.
    pub applications: Option<ApplicationsSummary>,
    pub sessions: Vec<SessionEntry>,
    pub sessions_action: String,
    pub logout_action: String,
    /// `None` where the project does not allow deletion.
    pub delete_href: Option<String>,
    pub app_href: Option<String>,
}

impl SettingsPage {
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let link = |path: &str| Some(format!("/settings/{path}"));
        let session = |id: &str, device: Option<&str>, app: Option<&str>, seconds, current| SessionEntry {
            id: id.into(),
            device: device.map(str::to_owned),
            app: app.map(str::to_owned),
            ip: Some("203.0.113.7".into()),
            last_active: Elapsed::from_seconds(seconds),
            current,
        };
        let entry = |kind, value: &str, verified| LoginIdEntry {
            kind,
            value: value.into(),
            verified,
            verify_href: None,
            change_href: link("identity/change"),
            remove_href: link("identity/remove"),
        };
        let full = Self {
            name: Some("Ada Lovelace".into()),
            names_href: "/settings/names".into(),
            login_ids: vec![
                entry(LoginIdField::Email, "ada@example.com", Some(true)),
                LoginIdEntry {
                    verify_href: link("identity/verify"),
                    ..entry(LoginIdField::Phone, "+44 20 7946 0018", Some(false))
                },
                entry(LoginIdField::Username, "ada", None),
            ],
            addable: vec![
                LoginIdChoice { kind: LoginIdField::Email, href: "/settings/identity/add?kind=email".into() },
                LoginIdChoice { kind: LoginIdField::Phone, href: "/settings/identity/add?kind=phone".into() },
            ],
            password: Some(PasswordSummary {
                changed: Some(Elapsed::from_seconds(8_000_000)),
                href: "/settings/password".into(),
            }),
            passkeys: Some(PasskeySummary { count: 2, href: "/settings/passkeys".into() }),
            external_accounts: vec![
                ExternalAccountEntry {
                    id: "e1".into(),
                    provider: "Google".into(),
                    label: Some("ada@gmail.com".into()),
                    used: Elapsed::from_seconds(4_000),
                    removable: true,
                },
                ExternalAccountEntry {
                    id: "e2".into(),
                    provider: "Example ID".into(),
                    label: None,
                    used: Elapsed::from_seconds(900_000),
                    removable: false,
                },
            ],
            connectable: vec![ProviderLink {
                name: "Staff ID".into(),
                href: "/settings/external-accounts/connect?provider=staff".into(),
            }],
            applications: Some(ApplicationsSummary { count: 2, href: "/settings/applications".into() }),
            sessions: vec![
                session("s1", Some("Chrome on Linux"), None, 0, true),
                session("s2", Some("Pixel 9"), Some("Corner Shop for Android"), 7_300, false),
                session("s3", None, Some("Corner Shop"), 900_000, false),
            ],
            sessions_action: "/settings/sessions".into(),
            logout_action: "/logout".into(),
            delete_href: link("delete"),
            app_href: Some("https://shop.example/".into()),
        };
        let bare = Self {
            name: None,
            login_ids: Vec::new(),
            addable: vec![LoginIdChoice { kind: LoginIdField::Email, href: "/settings/identity/add".into() }],
            password: Some(PasswordSummary { changed: None, href: "/settings/password".into() }),
            passkeys: Some(PasskeySummary { count: 1, href: "/settings/passkeys".into() }),
            external_accounts: Vec::new(),
            connectable: Vec::new(),
            applications: None,
            sessions: vec![session("s1", Some("Safari on iPhone"), None, 0, true)],
            delete_href: None,
            app_href: None,
            ..full.clone()
        };
        vec![("full", full), ("bare", bare)]
    }

    fn has_other_sessions(&self) -> bool {
        self.sessions.iter().any(|session| !session.current)
    }
}

impl LoginIdEntry {
    fn label(&self) -> Text {
        self.kind.label()
    }
}

impl Page for SettingsPage {
    fn title(&self) -> Text {
        Text::new("settings-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(SettingsBody { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        Shell::Account { back: None }
    }
}

#[derive(Template)]
#[template(path = "account/overview.html")]
struct SettingsBody<'a> {
    ctx: &'a PageContext,
    page: &'a SettingsPage,
}

impl SettingsBody<'_> {
    fn device(&self, session: &SessionEntry) -> String {
        session.device.clone().unwrap_or_else(|| self.ctx.t("session-unknown-device"))
    }

    fn application_count(&self, summary: &ApplicationsSummary) -> Text {
        Text::new("applications-count").with("count", summary.count)
    }

    fn passkey_count(&self, summary: &PasskeySummary) -> Text {
        Text::new("passkeys-count").with("count", summary.count)
    }
}
