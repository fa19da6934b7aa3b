//! Putting events into the outbox, in the transaction that makes them true.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vestibule_domain::{
    event::{Context, Event, SessionModel, TriggeredBy},
    grant::Grant,
    id::{EventId, ProjectNo, UserId},
    session::Session,
    time::Timestamp,
};
use vestibule_store::{StoreError, Tx, outbox};

use crate::{app::App, projects::Project};

/// An event as it waits in the outbox; its sequence number is the outbox row's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct QueuedEvent {
    id: EventId,
    /// The whole body, with `seq` still 0.
    body: Value,
}

/// Who set an event off, and where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin<'a> {
    pub(crate) client_id: Option<&'a str>,
    pub(crate) ip: Option<std::net::IpAddr>,
    pub(crate) state: Option<&'a str>,
    pub(crate) x_state: Option<&'a str>,
}

/// Makes an event ready to be queued.
pub(crate) fn prepare(
    app: &App,
    project: &Project,
    event: &Event,
    user: UserId,
    origin: &Origin<'_>,
    now: Timestamp,
) -> QueuedEvent {
    prepare_by(app, project, event, user, TriggeredBy::User, origin, now)
}

/// Makes an event that somebody else than its user set off ready to be queued.
pub(crate) fn prepare_by(
    app: &App,
    project: &Project,
    event: &Event,
    user: UserId,
    by: TriggeredBy,
    origin: &Origin<'_>,
    now: Timestamp,
) -> QueuedEvent {
    let id: EventId = app.entropy.id(now);
    let mut context = Context::new(&project.id, by, now);
    context.user_id = Some(user);
    context.client_id = origin.client_id.map(str::to_string);
    context.ip_address = origin.ip.map(|ip| ip.to_string());
    context.oauth_state = origin.state.map(str::to_string);
    context.oauth_x_state = origin.x_state.map(str::to_string);
    QueuedEvent { id, body: event.to_json(0, id, &context) }
}

/// Queues an event.
pub(crate) async fn queue(
    tx: &mut Tx,
    no: ProjectNo,
    user: UserId,
    event: &QueuedEvent,
    now: Timestamp,
) -> Result<(), StoreError> {
    let payload = serde_json::to_string(event).expect("an event is plain JSON");
    outbox::push(tx, no, "event", Some(user), &payload, now).await
}

/// A grant as events speak of it.
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

/// A cookie session as events speak of it.
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
