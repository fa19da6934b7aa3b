//! What is under way on an account page: an app's order (a settings action), a code that is waited for, or both.
//! It lives in the store like a page flow, and belongs to one member.

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    client::Client,
    credential::otp::CodeState,
    id::{FlowId, IdentityId, UserId},
    identifier::{LoginId, LoginIdKind},
    project::AuthenticatorKind,
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
    Standing,
    standing::{kind_of, login_id_of},
};
use crate::{
    app::App,
    flows::{
        Error,
        app_session::{self, Opening},
        authorize::{Begun, BrowserState, FLOW_LIFETIME, PendingRequest},
        caller::{AccountCaller, find_app_sessions},
        rates,
    },
    projects::Project,
};

/// What an app may have done on the account page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Action {
    ChangePassword,
    DeleteAccount,
    AddLoginId { of: LoginIdKind },
    ChangeLoginId { id: IdentityId },
}

/// An app's order: what it wants, and the request that is answered when it is done.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) action: Action,
    pub(crate) request: PendingRequest,
}

/// What a code is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Task {
    /// A login ID is added.
    Add,
    /// A login ID takes the place of another.
    Replace { old: IdentityId },
    /// A login ID the member has is proved.
    Verify { id: IdentityId },
    /// The member proves to be itself, and goes on to a page.
    Prove { next: String },
}

/// A code that was sent, and what it is for.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) task: Task,
    pub(crate) login_id: LoginId,
    pub(crate) code: CodeState,
}

/// The stored state.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ErrandState {
    /// Whose account it is about; nobody else may go on with it.
    member: UserId,
    pub(crate) order: Option<Order>,
    pub(crate) pending: Option<Pending>,
    /// It ended well; nothing can be done with it any more.
    pub(crate) finished: bool,
}

/// An errand as it was loaded, or is about to be stored.
#[derive(Clone)]
pub(crate) struct Errand {
    pub(crate) id: FlowId,
    /// 0 for one that is not stored yet.
    pub(crate) version: i64,
    pub(crate) expires_at: Timestamp,
    pub(crate) state: ErrandState,
}

impl Errand {
    /// A fresh one, not stored yet.
    pub(crate) fn new(app: &App, member: UserId, order: Option<Order>, now: Timestamp) -> Self {
        let state = ErrandState { member, order, pending: None, finished: false };
        Self { id: app.entropy.id(now), version: 0, expires_at: now.plus(FLOW_LIFETIME), state }
    }

    /// The stored form of a fresh one.
    pub(super) fn to_row(&self, now: Timestamp) -> FlowRow {
        FlowRow { id: self.id, state: self.to_json(), version: 1, created_at: now, expires_at: self.expires_at }
    }

    /// The state, to be stored.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(&self.state).expect("an errand's state is plain JSON")
    }

    /// The app's request that waits for it, if there is one.
    pub(crate) fn request(&self) -> Option<&PendingRequest> {
        self.state.order.as_ref().map(|order| &order.request)
    }
}

/// Loads a member's errand; `None` when it is not there, over, of another user, or ordered by another application than the
/// one whose app session the member came with.
pub(crate) async fn load(
    app: &App,
    project: &Project,
    id: FlowId,
    caller: &AccountCaller,
    now: Timestamp,
) -> Result<Option<Errand>, Error> {
    let row = flows::find(&mut *app.store.read().await?, project.no, id).await?;
    let Some(row) = row.filter(|row| now <= row.expires_at) else { return Ok(None) };
    // The state of a page flow does not read as one of an errand.
    let Ok(state) = serde_json::from_str::<ErrandState>(&row.state) else { return Ok(None) };
    let errand = Errand { id, version: row.version, expires_at: row.expires_at, state };
    let ordered_by = errand.request().map(|request| request.client_id.as_str());
    let may_answer = match (ordered_by, caller.grant()) {
        (Some(client_id), Some(grant)) => client_id == grant.client_id,
        (None, _) | (_, None) => true,
    };
    let is_open = errand.state.member == caller.user.id && !errand.state.finished && may_answer;
    Ok(Some(errand).filter(|_| is_open))
}

/// Takes an app's order (`response_type` settings-action): who it is about must be signed in, by the hint or by cookie.
///
/// # Errors
/// The outer error is ours; the inner one travels back to the app.
pub(crate) async fn take_order(
    app: &App,
    project: &Project,
    client: &Client,
    pending: PendingRequest,
    details: &AuthorizeDetails,
    browser: BrowserState<'_>,
    now: Timestamp,
) -> Result<Result<Begun, OAuthError>, Error> {
    let login_required = || OAuthError::new(ErrorCode::LoginRequired, "authentication required");
    let wanted = match Wanted::read(details).and_then(|wanted| wanted.check(project)) {
        Ok(wanted) => wanted,
        Err(error) => return Ok(Err(error)),
    };
    let (user, cookie) = match &details.login_hint {
        Some(LoginHint::AppSessionToken(token)) => {
            let presented = (Some(client.client_id.as_str()), token.as_str());
            match app_session::open(app, project, presented, &browser, now).await? {
                Opening::Opened { user, cookie } => (user, Some(cookie)),
                Opening::Refused => return Ok(Err(login_required())),
                Opening::Ask(question) => return Ok(Ok(Begun::Ask(question))),
                Opening::Navigate => return Ok(Ok(Begun::Navigate)),
            }
        }
        Some(LoginHint::Anonymous(_) | LoginHint::LoginId { .. } | LoginHint::Plain(_)) | None => {
            match find_signed_in(app, project, client, &browser, now).await? {
                Some(user) => (user, None),
                None => return Ok(Err(login_required())),
            }
        }
    };
    if !details.id_token_hint.as_ref().is_none_or(|hint| names_user(project, hint.as_str(), &user)) {
        return Ok(Err(login_required()));
    }
    if user.is_anonymous() {
        return Ok(Err(OAuthError::new(ErrorCode::AccessDenied, "a guest has no account settings")));
    }
    rates::charge_settings_action(app, project, user.id, now)?;
    let standing = Standing::load(app, project, user.id).await?;
    let Some(action) = wanted.resolve(project, &standing) else {
        return Ok(Err(OAuthError::invalid_request("the account has no such login ID")));
    };
    let errand = Errand::new(app, user.id, Some(Order { action, request: pending }), now);
    let (no, row) = (project.no, errand.to_row(now));
    app.store
        .write("begin_errand", row, move |tx, row| {
            Box::pin(async move { flows::insert(tx, no, row).await.map(|_| ()) })
        })
        .await?;
    Ok(Ok(Begun::Errand { cookie, errand: errand.id, action }))
}

/// Who is signed in: by the session cookie, or by an app session of this very application.
async fn find_signed_in(
    app: &App,
    project: &Project,
    client: &Client,
    browser: &BrowserState<'_>,
    now: Timestamp,
) -> Result<Option<User>, Error> {
    if let Some(caller) = browser.caller {
        return Ok(Some(caller.user.clone()));
    }
    if browser.app_session.is_empty() {
        return Ok(None);
    }
    let opened = find_app_sessions(&mut *app.store.read().await?, project, browser.app_session, now).await?;
    let own = opened.into_iter().find(|opened| opened.live.grant.client_id == client.client_id);
    Ok(own.map(|opened| opened.live.user))
}

/// Whether an ID token of ours, expired or not, is about this user.
fn names_user(project: &Project, id_token: &str, user: &User) -> bool {
    let claims = project.keys.read_jwt("JWT", id_token);
    claims.is_some_and(|claims| {
        let is = |name: &str, value: &str| claims.get(name).and_then(|claim| claim.as_str()) == Some(value);
        is("iss", &project.origin) && is("sub", &user.id.to_string())
    })
}

/// What a request asks for, before it is known what the member has.
enum Wanted {
    ChangePassword,
    DeleteAccount,
    Add(LoginIdKind),
    Change(LoginIdKind, Option<String>),
}

impl Wanted {
    fn read(details: &AuthorizeDetails) -> Result<Self, OAuthError> {
        let name = details.settings_action.as_deref().unwrap_or_default();
        match name {
            "" => return Err(OAuthError::invalid_request("x_settings_action is required")),
            "change_password" => return Ok(Self::ChangePassword),
            "delete_account" => return Ok(Self::DeleteAccount),
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

    /// Refuses what the project does not offer.
    fn check(self, project: &Project) -> Result<Self, OAuthError> {
        let settings = &project.settings;
        let offered = match &self {
            Self::ChangePassword => settings.offers(AuthenticatorKind::Password),
            Self::DeleteAccount => true,
            Self::Add(kind) | Self::Change(kind, _) => settings.login_id_kinds().contains(kind),
        };
        let problem = || OAuthError::invalid_request("x_settings_action is not offered by this project");
        if offered { Ok(self) } else { Err(problem()) }
    }

    /// `None` when the login ID in question is not the member's.
    fn resolve(self, project: &Project, standing: &Standing) -> Option<Action> {
        match self {
            Self::ChangePassword => Some(Action::ChangePassword),
            Self::DeleteAccount => Some(Action::DeleteAccount),
            Self::Add(of) => Some(Action::AddLoginId { of }),
            Self::Change(kind, named) => {
                let mut of_kind = standing.login_ids.iter().filter(|row| kind_of(row) == Some(kind));
                let Some(named) = named else {
                    // Not said which one: clear enough when there is one.
                    let only = of_kind.next()?;
                    return of_kind.next().is_none().then_some(Action::ChangeLoginId { id: only.id });
                };
                let named = LoginId::parse(kind, &named, project.settings.default_country()).ok()?;
                let row = of_kind.find(|row| login_id_of(row).is_some_and(|own| own.value == named.value))?;
                Some(Action::ChangeLoginId { id: row.id })
            }
        }
    }
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
