//! Listing, creating, naming and removing passkeys.

use askama::Template;
use axum::{extract::Request, http::StatusCode, response::Response};
use vestibule_app::account::{LoginMethods, change::ChangeOutcome, passkey, profile::read_label};
use vestibule_domain::{
    project::AuthenticatorKind,
    promotion::{CredentialRemoval, is_last_login_credential},
};
use vestibule_protocol::text::MAX_NAME_CHARS;
use vestibule_web::{
    context::PageContext,
    credentials::AccountCookies,
    elapsed::Elapsed,
    field::Field,
    field_problem::FieldProblem,
    notice::NoticeKind,
    page::{Page, Shell},
    passkey::{Ceremony, PasskeyCeremony},
    template::finish,
    text::Text,
    user_agent::device_name,
    visit::Visit,
};

use super::{AccountRequest, HOME, elapsed, sub_page, with_notice};
use crate::see_other;

const HERE: &str = "/settings/passkeys";

/// `GET /settings/passkeys`
pub async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if let Some(response) = refuse(&request) {
        return response;
    }
    match page(&request).await {
        Ok(page) => request.show(&page),
        Err(response) => response,
    }
}

/// `POST /settings/passkeys`
pub async fn act(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if let Some(response) = refuse(&request) {
        return response;
    }
    if request.field("action") == "remove" { remove(&request).await } else { add(&request).await }
}

/// `GET /settings/passkeys/name`
pub(crate) async fn show_name(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if let Some(response) = refuse(&request) {
        return response;
    }
    match find_name(&request).await {
        Ok(name) => request.show(&name_page(&request, name, None)),
        Err(response) => response,
    }
}

/// `POST /settings/passkeys/name`
pub(crate) async fn save_name(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if let Some(response) = refuse(&request) {
        return response;
    }
    rename(&request).await
}

async fn rename(request: &AccountRequest) -> Response {
    let Some(id) = request.id() else { return see_other(HERE) };
    let Ok(name) = read_label(request.field("name")) else {
        let max = u32::try_from(MAX_NAME_CHARS).unwrap_or(u32::MAX);
        let error = Some(FieldProblem::NameTooLong { max }.text());
        return request.show_again(&name_page(request, request.field("name").to_string(), error));
    };
    let visit = &request.visit;
    match passkey::rename(&visit.ctx(), &request.caller, id, name).await {
        Ok(ChangeOutcome::Done(_)) => see_other(&with_notice(HERE, NoticeKind::PasskeyRenamed)),
        Ok(
            ChangeOutcome::Taken
            | ChangeOutcome::LastLoginMethod
            | ChangeOutcome::Stale
            | ChangeOutcome::UserGone
            | ChangeOutcome::SignedOut,
        ) => see_other(HERE),
        Err(error) => request.fail(&error),
    }
}

async fn find_name(request: &AccountRequest) -> Result<String, Response> {
    let visit = &request.visit;
    let login_methods = LoginMethods::load(&visit.ctx(), request.caller.user.id).await;
    let login_methods = login_methods.map_err(|error| request.fail(&error))?;
    let row = request.id().and_then(|id| login_methods.passkeys.into_iter().find(|row| row.id == id));
    row.map(|row| row.name.unwrap_or_default()).ok_or_else(|| see_other(HERE))
}

fn name_page(request: &AccountRequest, name: String, error: Option<Text>) -> PasskeyNamePage {
    PasskeyNamePage { action: request.action(), name, error, back_href: HERE.into() }
}

async fn add(request: &AccountRequest) -> Response {
    let (answer, name) = (request.field("credential"), device_name(&request.headers));
    let added = request.ask(async |asking| passkey::add(asking, answer, name.clone()).await).await;
    match added {
        Ok(Some(ChangeOutcome::Done(_))) => see_other(&with_notice(HERE, NoticeKind::PasskeyAdded)),
        Ok(Some(ChangeOutcome::SignedOut)) => see_other(HERE),
        Ok(
            Some(
                ChangeOutcome::Taken | ChangeOutcome::LastLoginMethod | ChangeOutcome::Stale | ChangeOutcome::UserGone,
            )
            | None,
        ) => match page(request).await {
            Ok(page) => request.render(StatusCode::UNPROCESSABLE_ENTITY, Some(NoticeKind::PasskeyFailed), &page),
            Err(response) => response,
        },
        Err(error) => request.fail(&error),
    }
}

async fn remove(request: &AccountRequest) -> Response {
    let Ok(id) = request.field("passkey_id").parse() else { return see_other(HERE) };
    match request.ask(async |asking| passkey::remove(asking, id).await).await {
        Ok(ChangeOutcome::Done(_)) => see_other(&with_notice(HERE, NoticeKind::PasskeyRemoved)),
        Ok(ChangeOutcome::LastLoginMethod) => see_other(&with_notice(HERE, NoticeKind::LastLoginMethod)),
        Ok(ChangeOutcome::Taken | ChangeOutcome::Stale | ChangeOutcome::UserGone | ChangeOutcome::SignedOut) => {
            see_other(HERE)
        }
        Err(error) => request.fail(&error),
    }
}

fn refuse(request: &AccountRequest) -> Option<Response> {
    let has_page = request.visit.project.settings.offers(AuthenticatorKind::Passkey);
    if has_page { request.ask_to_prove() } else { Some(see_other(HOME)) }
}

async fn page(request: &AccountRequest) -> Result<PasskeysPage, Response> {
    let visit = &request.visit;
    let login_methods = LoginMethods::load(&visit.ctx(), request.caller.user.id).await;
    let login_methods = login_methods.map_err(|error| request.fail(&error))?;
    let login_credentials = login_methods.login_credentials();
    let entries = login_methods.passkeys.iter().map(|row| PasskeyEntry {
        id: row.id.to_string(),
        name: row.name.clone(),
        created: elapsed(row.created_at, visit.now),
        last_used: row.last_used_at.map(|at| elapsed(at, visit.now)),
        rename_href: format!("{HERE}/name?id={}", row.id),
        removable: !is_last_login_credential(
            &login_credentials,
            CredentialRemoval::Passkey(row.id),
            &visit.project.settings,
        ),
    });
    Ok(PasskeysPage {
        entries: entries.collect(),
        remove_action: HERE.into(),
        add: Some(PasskeyCeremony {
            ceremony: Ceremony::Create,
            options_json: passkey::creation_options(&visit.project, &request.caller, &login_methods),
            action: HERE.into(),
        }),
        back_href: HOME.into(),
    })
}

/// One passkey.
#[derive(Clone, Debug)]
pub struct PasskeyEntry {
    /// Posted as `passkey_id` when it is removed.
    pub id: String,
    /// What it is called, such as "iCloud Keychain", if known.
    pub name: Option<String>,
    pub created: Elapsed,
    pub last_used: Option<Elapsed>,
    pub rename_href: String,
    /// False for the last login method.
    pub removable: bool,
}

/// The list of passkeys. A removal posts `passkey_id` and `action=remove`.
#[derive(Clone, Debug)]
pub struct PasskeysPage {
    pub entries: Vec<PasskeyEntry>,
    pub remove_action: String,
    pub add: Option<PasskeyCeremony>,
    pub back_href: String,
}

impl PasskeysPage {
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let entry = |id: &str, name: Option<&str>, last_used, removable| PasskeyEntry {
            id: id.into(),
            name: name.map(str::to_owned),
            created: Elapsed::from_seconds(9_000_000),
            last_used,
            rename_href: format!("/settings/passkeys/name?id={id}"),
            removable,
        };
        let empty = Self {
            entries: Vec::new(),
            remove_action: "/settings/passkeys".into(),
            add: Some(PasskeyCeremony::sample(Ceremony::Create)),
            back_href: "/settings".into(),
        };
        let two = Self {
            entries: vec![
                entry("p1", Some("iCloud Keychain"), Some(Elapsed::from_seconds(4_000)), true),
                entry("p2", None, None, false),
            ],
            ..empty.clone()
        };
        vec![("two", two), ("empty", empty)]
    }
}

impl Page for PasskeysPage {
    fn title(&self) -> Text {
        Text::new("settings-passkeys")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(PasskeysBody { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }

    fn has_passkey(&self) -> bool {
        self.add.is_some()
    }
}

#[derive(Template)]
#[template(path = "account/passkeys.html")]
struct PasskeysBody<'a> {
    ctx: &'a PageContext,
    page: &'a PasskeysPage,
}

impl PasskeysBody<'_> {
    fn name(&self, entry: &PasskeyEntry) -> String {
        entry.name.clone().unwrap_or_else(|| self.ctx.t("passkey-unnamed"))
    }
}

/// Renames a passkey. The form posts `name` and `action=save`.
#[derive(Clone, Debug)]
pub struct PasskeyNamePage {
    pub action: String,
    pub name: String,
    pub error: Option<Text>,
    pub back_href: String,
}

impl PasskeyNamePage {
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let named = Self {
            action: "/settings/passkeys/name?id=p1".into(),
            name: "iCloud Keychain".into(),
            error: None,
            back_href: "/settings/passkeys".into(),
        };
        let long = Self { error: Some(FieldProblem::NameTooLong { max: 100 }.text()), ..named.clone() };
        vec![("named", named), ("too-long", long)]
    }

    fn field(&self) -> Field {
        Field {
            value: self.name.clone(),
            error: self.error.clone(),
            autofocus: self.error.is_some(),
            required: false,
            ..Field::new("name", Text::new("field-passkey-name"), "text")
        }
    }
}

impl Page for PasskeyNamePage {
    fn title(&self) -> Text {
        Text::new("passkey-name-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(NameBody { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(&'static str, Text)> {
        self.field().problem().into_iter().collect()
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/passkey_name.html")]
struct NameBody<'a> {
    ctx: &'a PageContext,
    page: &'a PasskeyNamePage,
}
