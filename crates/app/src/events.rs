//! Queues events in the outbox, in the transaction of the change. `jobs/events` distributes them from there to the
//! event log, to the project's webhooks and to the daily counters.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vestibule_domain::{
    event::{Context, Event, IdentityModel, SessionModel, TriggeredBy, UserModel},
    grant::Grant,
    id::{EventId, IdentityId, ProjectNo, UserId},
    identity::{Identity, IdentityDetail, UserAccount},
    session::Session,
    time::Timestamp,
    user::User,
};
use vestibule_store::{
    StoreError, Tx,
    outbox::{self, Pushed},
};

use crate::{
    adapters::entropy::Entropy,
    crypto::{hex, sha256},
    ctx::Ctx,
};

/// An event in the outbox; its sequence number is the outbox row's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QueuedEvent {
    pub id: EventId,
    /// The complete event, with `seq` still 0.
    pub body: Value,
    #[serde(default = "is_logged")]
    pub is_logged: bool,
    #[serde(default = "is_logged")]
    pub is_for_hooks: bool,
    /// The application to notify of a session's end, if this is such a notice and no event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logout_of: Option<String>,
}

fn is_logged() -> bool {
    true
}

/// What an application sent with the request that triggered an event.
#[derive(Clone, Debug, Default)]
pub struct EventOrigin<'a> {
    pub client_id: Option<&'a str>,
    pub state: Option<&'a str>,
    pub x_state: Option<&'a str>,
}

impl<'a> EventOrigin<'a> {
    /// A request of an application without parameters of its own.
    pub fn of_client(client_id: &'a str) -> Self {
        Self { client_id: Some(client_id), ..Self::default() }
    }
}

/// Prepares an event for the queue.
pub fn prepare(ctx: &Ctx<'_>, event: &Event, user: UserId, origin: &EventOrigin<'_>) -> QueuedEvent {
    prepare_about(ctx, event, &describe(ctx, user, origin))
}

/// Prepares an event of this request for the queue.
pub(crate) fn prepare_about(ctx: &Ctx<'_>, event: &Event, context: &Context) -> QueuedEvent {
    with_id(ctx.app.entropy.id(ctx.now), event, context)
}

/// The context of a user's own action.
pub fn describe(ctx: &Ctx<'_>, user: UserId, origin: &EventOrigin<'_>) -> Context {
    let mut context = Context::new(&ctx.project.id, TriggeredBy::User, ctx.now);
    context.user_id = Some(user);
    context.client_id = origin.client_id.map(str::to_string);
    context.ip_address = ctx.ip.map(|ip| ip.to_string());
    context.oauth_state = origin.state.map(shorten);
    context.oauth_x_state = origin.x_state.map(shorten);
    context
}

/// Shortens a parameter of an application for events, which are stored for a year and sent to every webhook. Longer
/// texts are hashed, so that the application can still recognize them.
fn shorten(text: &str) -> String {
    if text.len() <= LONGEST_STATE { text.to_string() } else { format!("sha256:{}", hex(&sha256(text.as_bytes()).0)) }
}

/// Maximum length of `state` and `x_state` in an event, in bytes.
const LONGEST_STATE: usize = 1_024;

/// Makes an event ready to be queued, in circumstances of the caller's making.
pub(crate) fn prepare_in(entropy: &Entropy, event: &Event, context: &Context) -> QueuedEvent {
    with_id(entropy.id(context.timestamp), event, context)
}

fn with_id(id: EventId, event: &Event, context: &Context) -> QueuedEvent {
    let body = event.to_json(0, id, context);
    QueuedEvent { id, body, is_logged: true, is_for_hooks: event.is_for_hooks(), logout_of: None }
}

/// Prepares the event of a new guest, only if a webhook is configured for it. The event log omits new guests, because
/// their IDs and rows contain the same information, and a guest should cost no row that is never read.
pub(crate) fn prepare_new_guest(
    ctx: &Ctx<'_>,
    user: &User,
    key_id: Option<&str>,
    origin: &EventOrigin<'_>,
) -> Option<QueuedEvent> {
    const CREATED: &str = "user.created";
    if ctx.project.settings.non_blocking_handlers_for(CREATED).is_empty() {
        return None;
    }
    let (user_model, identities) = describe_guest(user, key_id);
    let event = Event::UserCreated { user: user_model, identities };
    Some(QueuedEvent { is_logged: false, ..prepare(ctx, &event, user.id, origin) })
}

/// A guest and its identity, in their event form.
pub(crate) fn describe_guest(user: &User, key_id: Option<&str>) -> (UserModel, Vec<IdentityModel>) {
    let account = UserAccount::of_guest(user);
    let identities = match key_id {
        None => IdentityModel::copy_all(&account),
        Some(key_id) => {
            let identity = Identity {
                id: IdentityId::from_bytes(*user.id.as_bytes()),
                created_at: user.created_at,
                updated_at: user.updated_at,
                detail: IdentityDetail::Anonymous { key_id: Some(key_id.to_string()) },
            };
            vec![IdentityModel::copy(user.id, &identity)]
        }
    };
    (UserModel::copy(&account), identities)
}

/// Queues an event about no user.
pub(crate) async fn queue_of_project(
    tx: &mut Tx,
    no: ProjectNo,
    event: &QueuedEvent,
    now: Timestamp,
) -> Result<(), StoreError> {
    let payload = serde_json::to_string(event).expect("an event is plain JSON");
    outbox::push(tx, no, OUTBOX_KIND, None, &payload, now).await
}

/// The outbox kind of events.
pub(crate) const OUTBOX_KIND: &str = "event";

pub(crate) use vestibule_store::outbox::UNREADABLE_KIND;

pub async fn queue(
    tx: &mut Tx,
    no: ProjectNo,
    user: UserId,
    event: &QueuedEvent,
    now: Timestamp,
) -> Result<(), StoreError> {
    let payload = serde_json::to_string(event).expect("an event is plain JSON");
    outbox::push(tx, no, OUTBOX_KIND, Some(user), &payload, now).await
}

/// Queues events about different users.
pub(crate) async fn queue_all(
    tx: &mut Tx,
    events: &[(ProjectNo, UserId, &QueuedEvent, Timestamp)],
) -> Result<(), StoreError> {
    let push = |(project, user_id, event, created_at): &(ProjectNo, UserId, &QueuedEvent, Timestamp)| {
        let payload = serde_json::to_string(event).expect("an event is plain JSON");
        Pushed { project: *project, kind: OUTBOX_KIND, user_id: *user_id, payload, created_at: *created_at }
    };
    let rows: Vec<_> = events.iter().map(push).collect();
    outbox::push_all(tx, &rows).await
}

/// A grant in its event form.
pub(crate) fn model_of_grant(grant: &Grant) -> SessionModel {
    SessionModel {
        id: grant.id.to_string(),
        is_cookie: false,
        client_id: Some(grant.client_id.clone()),
        created_at: grant.created_at,
        last_accessed_at: grant.last_access_at,
        display_name: grant.device.clone(),
    }
}

/// A cookie session in its event form.
pub(crate) fn model_of_session(session: &Session) -> SessionModel {
    SessionModel {
        id: session.id.to_string(),
        is_cookie: true,
        client_id: None,
        created_at: session.created_at,
        last_accessed_at: session.last_access_at,
        display_name: session.device.clone(),
    }
}
