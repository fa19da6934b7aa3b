//! The last click: everything a promotion, sign-up or login changes, in one transaction.

use vestibule_domain::{
    event::{Event, IdentityModel, SessionModel, UserModel},
    id::{IdentityId, ProjectNo, SessionId, UserId},
    identity::{Account, Dates, Identity, list_authenticators},
    session::Session,
    time::Timestamp,
    user::User,
};
use vestibule_store::{
    StoreError, Tx, codes,
    credentials::{self, LoginIdRow},
    device_keys, flows, sessions, users,
};

use super::{Flow, Purpose};
use crate::{
    app::App,
    events::{self, QueuedEvent},
    flows::{
        Error,
        account::{Loaded, identity_of},
        authorize::{AppRedirect, NewCode, answer, make_code},
        issue::make_session,
    },
    projects::Project,
};

/// How the last click ended.
pub(crate) enum Committed {
    /// Done: back to the app, with a session cookie unless the app wants none.
    Done { redirect: AppRedirect, session_cookie: Option<String> },
    /// The login ID belongs to somebody; nothing changed but that the flow knows it.
    Taken,
    /// The guest was promoted already, elsewhere; nothing changed.
    AlreadyPromoted,
    /// The user is gone, disabled, or gave way to another.
    UserGone,
    /// The flow changed in another tab; look again.
    Stale,
}

/// What the transaction needs.
struct Commit {
    flow: (vestibule_domain::id::FlowId, i64, String, Timestamp),
    user_id: UserId,
    change: Change,
    session: Option<Session>,
    ends_session: Option<SessionId>,
    code: Option<NewCode>,
    event: QueuedEvent,
    now: Timestamp,
}

/// What becomes of the user.
enum Change {
    Promote(Credentials),
    SignUp(Box<User>, Credentials),
    Login,
}

pub(crate) struct Credentials {
    pub(crate) login_id: LoginIdRow,
    pub(crate) password_hash: Option<String>,
}

/// Why the transaction was rolled back.
pub(crate) enum Refusal {
    Store(StoreError),
    Taken,
    AlreadyPromoted,
    UserGone,
    Stale,
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The browser's part in a commit.
pub(crate) struct Browser {
    /// The cookie session it came with; replaced by the new one.
    pub(crate) session: Option<SessionId>,
    /// Its display name.
    pub(crate) device: Option<String>,
}

/// Commits a promotion or sign-up whose login ID is proved, or a login whose user was found.
pub(crate) async fn commit(
    app: &App,
    project: &Project,
    flow: &Flow,
    login: Option<UserId>,
    browser: Browser,
    now: Timestamp,
) -> Result<Committed, Error> {
    let amr = Some("pwd".to_string());
    let Some(prepared) = prepare(app, project, flow, login, &browser, now).await? else {
        return Ok(Committed::UserGone);
    };
    let user_id = prepared.user_id;
    let (session, session_cookie) = if flow.state.request.suppress_session {
        (None, None)
    } else {
        let (session, cookie) = make_session(app, user_id, now, amr.clone(), browser.device, now);
        (Some(session), Some(cookie))
    };
    let session_id = session.as_ref().map(|session| session.id);
    let code = make_code(app, &flow.state.request, user_id, session_id, now, amr, flow.promotes(), now);
    let redirect = answer(&flow.state.request, code.as_ref().map(|code| code.text.clone()));
    let mut state = flow.state.clone();
    state.finished = true;
    if let Some(pending) = &mut state.pending {
        pending.password_hash = None;
    }
    let input = Commit {
        flow: (flow.id, flow.version, state.to_json(), flow.expires_at),
        user_id,
        change: prepared.change,
        ends_session: browser.session.filter(|_| session.is_some()),
        session,
        code,
        event: prepared.event,
        now,
    };
    let no = project.no;
    let result = app.store.write("commit_flow", input, move |tx, input| Box::pin(write(tx, no, input))).await;
    match result {
        Ok(()) => {
            app.outbox_bell.notify_one();
            Ok(Committed::Done { redirect, session_cookie })
        }
        Err(Refusal::Store(error)) => Err(error.into()),
        Err(Refusal::Taken) => Ok(Committed::Taken),
        Err(Refusal::AlreadyPromoted) => Ok(Committed::AlreadyPromoted),
        Err(Refusal::UserGone) => Ok(Committed::UserGone),
        Err(Refusal::Stale) => Ok(Committed::Stale),
    }
}

struct Prepared {
    user_id: UserId,
    change: Change,
    event: QueuedEvent,
}

async fn prepare(
    app: &App,
    project: &Project,
    flow: &Flow,
    login: Option<UserId>,
    browser: &Browser,
    now: Timestamp,
) -> Result<Option<Prepared>, Error> {
    let session_model = SessionModel {
        id: flow.id.to_string(),
        is_cookie: true,
        client_id: Some(flow.state.request.client_id.clone()),
        created_at: now,
        last_accessed_at: now,
        display_name: browser.device.clone(),
    };
    let mut conn = app.store.read().await?;
    match flow.state.purpose {
        Purpose::Promote { guest } => {
            let Some(guest) = users::find(&mut conn, project.no, guest).await? else { return Ok(None) };
            let Some(credentials) = credentials_of(app, flow, guest.id, now) else { return Ok(None) };
            let member = User { anonymous_since: None, promoted_at: Some(now), updated_at: now, ..guest.clone() };
            let loaded = preview(project, member, &credentials, now);
            let event = Event::UserAnonymousPromoted {
                anonymous_user: UserModel::copy(&Account::of_guest(&guest)),
                user: UserModel::copy(&loaded.account()),
                identities: IdentityModel::copy_all(&loaded.account()),
            };
            let event = prepare_event(app, project, flow, &event, guest.id, now);
            Ok(Some(Prepared { user_id: guest.id, change: Change::Promote(credentials), event }))
        }
        Purpose::SignUp => {
            let user = User::new_member(app.entropy.id(now), now);
            let Some(credentials) = credentials_of(app, flow, user.id, now) else { return Ok(None) };
            let loaded = preview(project, user.clone(), &credentials, now);
            let event = Event::UserCreated {
                user: UserModel::copy(&loaded.account()),
                identities: IdentityModel::copy_all(&loaded.account()),
            };
            let event = prepare_event(app, project, flow, &event, user.id, now);
            Ok(Some(Prepared { user_id: user.id, change: Change::SignUp(Box::new(user), credentials), event }))
        }
        Purpose::Login => {
            let Some(user_id) = login else { return Ok(None) };
            let user = users::find(&mut conn, project.no, user_id).await?.filter(User::is_active);
            let Some(user) = user else { return Ok(None) };
            let loaded = Loaded::load(&mut conn, project, user).await?;
            let event = Event::UserAuthenticated { user: UserModel::copy(&loaded.account()), session: session_model };
            let event = prepare_event(app, project, flow, &event, user_id, now);
            Ok(Some(Prepared { user_id, change: Change::Login, event }))
        }
    }
}

fn prepare_event(
    app: &App,
    project: &Project,
    flow: &Flow,
    event: &Event,
    user: UserId,
    now: Timestamp,
) -> QueuedEvent {
    let request = &flow.state.request;
    let origin = events::Origin {
        client_id: Some(&request.client_id),
        ip: None,
        state: request.state.as_deref(),
        x_state: request.x_state.as_deref(),
    };
    events::prepare(app, project, event, user, &origin, now)
}

/// The member as it will be once the transaction is committed.
fn preview(project: &Project, user: User, credentials: &Credentials, now: Timestamp) -> Loaded {
    let identities: Vec<Identity> = identity_of(&credentials.login_id).into_iter().collect();
    let password = credentials.password_hash.as_ref().map(|_| Dates { created_at: now, updated_at: now });
    let authenticators = list_authenticators(&project.settings, &identities, password, &[]);
    Loaded { user, identities, authenticators }
}

fn credentials_of(app: &App, flow: &Flow, user_id: UserId, now: Timestamp) -> Option<Credentials> {
    let pending = flow.state.pending.as_ref()?;
    let id: IdentityId = app.entropy.id(now);
    Some(Credentials {
        login_id: LoginIdRow {
            id,
            user_id,
            kind: pending.kind.as_str().to_string(),
            value: pending.value.clone(),
            original: pending.original.clone(),
            verified_at: pending.proved_at,
            created_at: now,
            updated_at: now,
        },
        password_hash: pending.password_hash.clone(),
    })
}

async fn write(tx: &mut Tx, no: ProjectNo, input: &Commit) -> Result<(), Refusal> {
    let (flow_id, version, state, expires_at) = &input.flow;
    if !flows::update(tx, no, *flow_id, *version, state, *expires_at).await? {
        return Err(Refusal::Stale);
    }
    match &input.change {
        Change::Promote(credentials) => {
            add_first_credential(tx, no, input.user_id, credentials, input.now).await?;
        }
        Change::SignUp(user, credentials) => {
            users::insert(tx, no, user).await?;
            insert_credentials(tx, no, input.user_id, credentials, input.now).await?;
        }
        Change::Login => {
            if !users::record_login(tx, no, input.user_id, input.now).await? {
                return Err(Refusal::UserGone);
            }
        }
    }
    if let Some(old) = input.ends_session {
        sessions::remove(tx, no, old).await?;
    }
    if let Some(session) = &input.session {
        sessions::insert(tx, no, session).await?;
    }
    if let Some(code) = &input.code {
        codes::insert(tx, no, code.hash, &code.payload, code.expires_at).await?;
    }
    events::queue(tx, no, input.user_id, &input.event, input.now).await?;
    Ok(())
}

/// Makes a guest a member: the one function that takes the anonymous identity away, whoever calls it.
pub(crate) async fn add_first_credential(
    tx: &mut Tx,
    no: ProjectNo,
    user: UserId,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<(), Refusal> {
    if !users::take_anonymous_identity(tx, no, user, now).await? {
        let found = users::find(tx, no, user).await?;
        return Err(match found {
            Some(user) if user.is_active() => Refusal::AlreadyPromoted,
            Some(_) | None => Refusal::UserGone,
        });
    }
    insert_credentials(tx, no, user, credentials, now).await?;
    device_keys::mark_promoted(tx, no, user, now).await?;
    Ok(())
}

pub(crate) async fn insert_credentials(
    tx: &mut Tx,
    no: ProjectNo,
    user: UserId,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<(), Refusal> {
    if !credentials::insert_login_id(tx, no, &credentials.login_id).await? {
        return Err(Refusal::Taken);
    }
    if let Some(hash) = &credentials.password_hash {
        credentials::set_password(tx, no, user, hash, now).await?;
    }
    Ok(())
}
