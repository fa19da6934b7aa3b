//! A pending step of an account page: a settings action of an app, an expected code, or both.
//! It is stored like a hosted flow, and belongs to one member.

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    client::Client,
    credential::otp::CodeState,
    id::{FlowId, IdentityId, UserId},
    identifier::{LoginId, LoginIdKind},
    project::{AuthenticatorKind, Provider},
    time::Timestamp,
    user::User,
};
use vestibule_protocol::{
    form::Form,
    login_hint::LoginHint,
    oauth::{AuthorizeDetails, ErrorCode, OAuthError},
};
use vestibule_store::flows::{self, FlowRow};

use super::{
    LoginMethods,
    connection::PendingConnection,
    login_methods::{kind_of, login_id_of},
};
use crate::{
    authorize::{BrowserState, FLOW_LIFETIME, PendingRequest},
    caller::{AccountCaller, find_app_sessions},
    ctx::Ctx,
    error::Error,
    limits::rates,
    projects::Project,
    state::App,
    tokens::app_session::{self, Opening, SwitchQuestion},
};

/// A settings action (`x_settings_action` of the SDKs).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SettingsActionKind {
    ChangePassword,
    DeleteAccount,
    AddLoginId {
        of: LoginIdKind,
    },
    ChangeLoginId {
        id: IdentityId,
    },
    /// Connecting an account at a provider, which the step names.
    ConnectExternalAccount,
    RemoveExternalAccount {
        id: IdentityId,
    },
}

/// An app's settings action: the action, and the authorization request to respond to.
#[derive(Clone, Serialize, Deserialize)]
pub struct SettingsActionRequest {
    pub action: SettingsActionKind,
    pub request: PendingRequest,
}

/// The purpose of an expected code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CodeTask {
    /// Adding a login ID.
    Add,
    /// Replacing a login ID.
    Replace { old: IdentityId },
    /// Verifying an existing login ID.
    Verify { id: IdentityId },
    /// Reauthenticating, then continuing to a page.
    Prove { next: String },
}

/// A code that was sent, and its purpose.
#[derive(Clone, Serialize, Deserialize)]
pub struct Pending {
    pub task: CodeTask,
    pub login_id: LoginId,
    pub code: CodeState,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct SettingsActionState {
    /// The member whose account it is; others cannot use it.
    member: UserId,
    #[serde(rename = "order")]
    pub app_request: Option<SettingsActionRequest>,
    pub pending: Option<Pending>,
    /// The account at a provider that the member connects.
    #[serde(default)]
    pub connection: Option<PendingConnection>,
    /// It is finished and accepts no more steps.
    pub finished: bool,
}

/// A pending step, loaded or to be stored.
#[derive(Clone)]
pub struct SettingsAction {
    pub id: FlowId,
    /// 0 if it is not stored yet.
    pub version: i64,
    pub expires_at: Timestamp,
    pub state: SettingsActionState,
}

impl SettingsAction {
    /// A new one, not stored yet.
    pub fn new(app: &App, member: UserId, app_request: Option<SettingsActionRequest>, now: Timestamp) -> Self {
        let state = SettingsActionState { member, app_request, pending: None, connection: None, finished: false };
        Self { id: app.entropy.id(now), version: 0, expires_at: now.plus(FLOW_LIFETIME), state }
    }

    /// The row of a new one.
    pub(crate) fn to_row(&self, now: Timestamp) -> FlowRow {
        FlowRow { id: self.id, state: self.to_json(), version: 1, created_at: now, expires_at: self.expires_at }
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.state).expect("the state of a settings action is plain JSON")
    }

    /// The app's authorization request that waits for it, if any.
    pub fn request(&self) -> Option<&PendingRequest> {
        self.state.app_request.as_ref().map(|app_request| &app_request.request)
    }
}

/// Loads a member's pending step; `None` when it does not exist, has ended, belongs to another user, or was requested
/// by another application than the one whose app session the member uses.
pub async fn load(ctx: &Ctx<'_>, id: FlowId, caller: &AccountCaller) -> Result<Option<SettingsAction>, Error> {
    let row = flows::find(&mut *ctx.app.store.read().await?, ctx.project.no, id).await?;
    let Some(row) = row.filter(|row| ctx.now <= row.expires_at) else { return Ok(None) };
    // The state of a hosted flow does not parse as one of these.
    let Ok(state) = serde_json::from_str::<SettingsActionState>(&row.state) else { return Ok(None) };
    let settings_action = SettingsAction { id, version: row.version, expires_at: row.expires_at, state };
    let requested_by = settings_action.request().map(|request| request.client_id.as_str());
    let may_answer = match (requested_by, caller.grant()) {
        (Some(client_id), Some(grant)) => client_id == grant.client_id,
        (None, _) | (_, None) => true,
    };
    let is_open = settings_action.state.member == caller.user.id && !settings_action.state.finished && may_answer;
    Ok(Some(settings_action).filter(|_| is_open))
}

/// The result of an app's request for a settings action.
pub(crate) enum SettingsActionStart {
    /// The page of the action, with a cookie if the request opened an app session.
    Started { cookie: Option<String>, settings_action: FlowId, action: SettingsActionKind },
    /// The question whether another user's account page may be opened in this browser.
    Ask(Box<SwitchQuestion>),
    /// The same request repeated as a navigation, so that the browser sends its cookies.
    Navigate,
}

/// Starts a settings action (`response_type` settings-action). The user must be signed in, by the hint or by cookie.
///
/// # Errors
/// The outer error is the server's; the inner one is redirected to the app.
pub(crate) async fn start_settings_action(
    ctx: &Ctx<'_>,
    client: &Client,
    pending: PendingRequest,
    details: &AuthorizeDetails,
    browser: BrowserState<'_>,
) -> Result<Result<SettingsActionStart, OAuthError>, Error> {
    let login_required = || OAuthError::new(ErrorCode::LoginRequired, "authentication required");
    let wanted = match RequestedAction::read(details).and_then(|wanted| wanted.check(ctx.project)) {
        Ok(wanted) => wanted,
        Err(error) => return Ok(Err(error)),
    };
    let (user, cookie) = match &details.login_hint {
        Some(LoginHint::AppSessionToken(token)) => {
            let presented = (Some(client.client_id.as_str()), token.as_str());
            match app_session::open(ctx, presented, &browser).await? {
                Opening::Opened { user, cookie } => (user, Some(cookie)),
                Opening::Refused => return Ok(Err(login_required())),
                Opening::Ask(question) => return Ok(Ok(SettingsActionStart::Ask(question))),
                Opening::Navigate => return Ok(Ok(SettingsActionStart::Navigate)),
            }
        }
        Some(
            LoginHint::Anonymous(_) | LoginHint::Continuation(_) | LoginHint::LoginId { .. } | LoginHint::Plain(_),
        )
        | None => match find_signed_in(ctx, client, &browser).await? {
            Some(user) => (user, None),
            None => return Ok(Err(login_required())),
        },
    };
    if !details.id_token_hint.as_ref().is_none_or(|hint| names_user(ctx.project, hint.as_str(), &user)) {
        return Ok(Err(login_required()));
    }
    if user.is_anonymous() {
        return Ok(Err(OAuthError::new(ErrorCode::AccessDenied, "a guest has no account settings")));
    }
    rates::charge_settings_action(ctx, user.id)?;
    let login_methods = LoginMethods::load(ctx, user.id).await?;
    let connection = wanted.connection(ctx.project);
    let action = match wanted.resolve(ctx.project, &login_methods) {
        Ok(action) => action,
        Err(problem) => return Ok(Err(OAuthError::invalid_request(problem))),
    };
    let app_request = Some(SettingsActionRequest { action, request: pending });
    let mut settings_action = SettingsAction::new(ctx.app, user.id, app_request, ctx.now);
    settings_action.state.connection = connection;
    let (no, row) = (ctx.project.no, settings_action.to_row(ctx.now));
    ctx.app
        .store
        .write("begin_settings_action", row, move |tx, row| {
            Box::pin(async move { flows::insert(tx, no, row).await.map(|_| ()) })
        })
        .await?;
    Ok(Ok(SettingsActionStart::Started { cookie, settings_action: settings_action.id, action }))
}

/// The signed-in user: by session cookie, or by an app session of this application.
async fn find_signed_in(ctx: &Ctx<'_>, client: &Client, browser: &BrowserState<'_>) -> Result<Option<User>, Error> {
    if let Some(caller) = browser.caller {
        return Ok(Some(caller.user.clone()));
    }
    if browser.app_session.is_empty() {
        return Ok(None);
    }
    let opened =
        find_app_sessions(&mut *ctx.app.store.read().await?, ctx.project, browser.app_session, ctx.now).await?;
    let own = opened.into_iter().find(|opened| opened.live.grant.client_id == client.client_id);
    Ok(own.map(|opened| opened.live.user))
}

/// Whether an ID token of this server, expired or not, is about this user.
fn names_user(project: &Project, id_token: &str, user: &User) -> bool {
    let claims = project.keys.read_jwt("JWT", id_token);
    claims.is_some_and(|claims| {
        let is = |name: &str, value: &str| claims.get(name).and_then(|claim| claim.as_str()) == Some(value);
        is("iss", &project.origin) && is("sub", &user.id.to_string())
    })
}

/// The requested action, before the member's login methods are known.
enum RequestedAction {
    ChangePassword,
    DeleteAccount,
    Add(LoginIdKind),
    Change(LoginIdKind, Option<String>),
    /// The alias of the provider.
    Connect(String),
    Disconnect(String),
}

impl RequestedAction {
    fn read(details: &AuthorizeDetails) -> Result<Self, OAuthError> {
        let name = details.settings_action.as_deref().unwrap_or_default();
        match name {
            "" => return Err(OAuthError::invalid_request("x_settings_action is required")),
            "change_password" => return Ok(Self::ChangePassword),
            "delete_account" => return Ok(Self::DeleteAccount),
            "link_oauth" | "unlink_oauth" => {
                let alias = details.oauth_provider_alias.clone();
                let missing = || OAuthError::invalid_request("oauthProviderAlias is required for this settings action");
                let alias = alias.filter(|alias| !alias.is_empty()).ok_or_else(missing)?;
                return Ok(if name == "link_oauth" { Self::Connect(alias) } else { Self::Disconnect(alias) });
            }
            _ => {}
        }
        let kind = |prefix: &str| name.strip_prefix(prefix).and_then(LoginIdKind::from_name);
        if let Some(kind) = kind("add_") {
            return Ok(Self::Add(kind));
        }
        match kind("change_") {
            Some(kind) => Ok(Self::Change(kind, read_login_id(details.settings_action_query.as_deref()))),
            None => Err(OAuthError::invalid_request("x_settings_action is not supported")),
        }
    }

    /// Rejects actions that the project does not offer.
    fn check(self, project: &Project) -> Result<Self, OAuthError> {
        let settings = &project.settings;
        let offered = match &self {
            Self::ChangePassword => settings.offers(AuthenticatorKind::Password),
            Self::DeleteAccount => true,
            Self::Add(kind) | Self::Change(kind, _) => settings.login_id_kinds().contains(kind),
            Self::Connect(alias) | Self::Disconnect(alias) => settings.provider(alias).is_some(),
        };
        let problem = || OAuthError::invalid_request("x_settings_action is not offered by this project");
        if offered { Ok(self) } else { Err(problem()) }
    }

    /// The way to the provider, for an account to connect.
    fn connection(&self, project: &Project) -> Option<PendingConnection> {
        let Self::Connect(alias) = self else { return None };
        project.settings.provider(alias).map(PendingConnection::new)
    }

    /// The action.
    ///
    /// # Errors
    /// When the login ID or account in question is not the member's, or not the only one.
    fn resolve(self, project: &Project, login_methods: &LoginMethods) -> Result<SettingsActionKind, &'static str> {
        match self {
            Self::ChangePassword => Ok(SettingsActionKind::ChangePassword),
            Self::DeleteAccount => Ok(SettingsActionKind::DeleteAccount),
            Self::Add(of) => Ok(SettingsActionKind::AddLoginId { of }),
            Self::Change(kind, named) => {
                let id = find_login_id(project, login_methods, (kind, named));
                id.map(|id| SettingsActionKind::ChangeLoginId { id }).ok_or("the account has no such login ID")
            }
            Self::Connect(_) => Ok(SettingsActionKind::ConnectExternalAccount),
            Self::Disconnect(alias) => {
                let key = project.settings.provider(&alias).map(Provider::account_key);
                let mut own = login_methods.external_accounts.iter().filter(|row| Some(&row.provider) == key.as_ref());
                match (own.next(), own.next()) {
                    (Some(row), None) => Ok(SettingsActionKind::RemoveExternalAccount { id: row.id }),
                    (None, _) => Err("the account has no account at this provider"),
                    (Some(_), Some(_)) => {
                        Err("the account has several accounts at this provider: open the account page instead")
                    }
                }
            }
        }
    }
}

/// The login ID of the member that an action is about.
fn find_login_id(
    project: &Project,
    login_methods: &LoginMethods,
    (kind, named): (LoginIdKind, Option<String>),
) -> Option<IdentityId> {
    let mut of_kind = login_methods.login_ids.iter().filter(|row| kind_of(row) == Some(kind));
    let Some(named) = named else {
        // Not specified: unambiguous when there is only one.
        let only = of_kind.next()?;
        return of_kind.next().is_none().then_some(only.id);
    };
    let named = LoginId::parse(kind, &named, project.settings.default_country()).ok()?;
    let row = of_kind.find(|row| login_id_of(row).is_some_and(|own| own.value == named.value))?;
    Some(row.id)
}

/// The login ID in `x_settings_action_query`. The Web SDK writes `q_login_id`, and "undefined" where it has none.
fn read_login_id(query: Option<&str>) -> Option<String> {
    let query = Form::parse_query(query?).ok()?;
    let named = ["q_login_id", "login_id"].into_iter().find_map(|name| query.get(name).ok().flatten())?;
    (!named.is_empty() && named != "undefined").then(|| named.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_id_of_an_action_is_read_as_the_sdks_write_it() {
        for (query, expected) in [
            (Some("q_login_id=kim%40shop.example"), Some("kim@shop.example")),
            (Some("login_id=%2B41791234567"), Some("+41791234567")),
            (Some("q_login_id=undefined"), None),
            (Some("q_login_id="), None),
            (Some(""), None),
            (None, None),
        ] {
            assert_eq!(read_login_id(query).as_deref(), expected, "{query:?}");
        }
    }
}
