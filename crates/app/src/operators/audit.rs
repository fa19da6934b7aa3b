//! The operators' audit log (ADR 66): events are prepared here and written by the transaction of the change. They
//! contain names and addresses, never a secret, and never input of unauthenticated callers.

use std::net::IpAddr;

use vestibule_domain::{
    id::{EventId, OperatorId},
    operator::{Operator, OperatorAct, OperatorEvent},
    time::Timestamp,
};
use vestibule_store::operator_events;

use super::SignedIn;
use crate::{adapters::entropy::Entropy, error::Error, state::App};

/// The name of the password in the log.
pub(super) const PASSWORD: &str = "password";
pub(super) const PASSKEY: &str = "passkey";

/// An event about an operator's own action.
pub(super) fn own(
    app: &App,
    operator: &Operator,
    act: OperatorAct,
    detail: &str,
    ip: IpAddr,
    now: Timestamp,
) -> OperatorEvent {
    let whom = (Some(operator.id), operator.email.as_str());
    event_about(&app.entropy, whom, (&operator.email, Some(ip)), act, detail, now)
}

/// An event about an action on an operator or invitee, with actor and network address.
pub fn event_about(
    entropy: &Entropy,
    (operator_id, email): (Option<OperatorId>, &str),
    (done_by, ip): (&str, Option<IpAddr>),
    act: OperatorAct,
    detail: &str,
    now: Timestamp,
) -> OperatorEvent {
    OperatorEvent {
        id: entropy.id(now),
        operator_id,
        email: email.to_string(),
        done_by: done_by.to_string(),
        act: act.as_str().to_string(),
        detail: detail.to_string(),
        ip: ip.map(|ip| ip.to_string()),
        created_at: now,
        times: 1,
    }
}

/// A page of the log.
pub struct AuditPageRows {
    pub events: Vec<OperatorEvent>,
    /// The start of the next page.
    pub next: Option<EventId>,
}

/// The events of all operators, newest first.
pub async fn list(app: &App, before: Option<EventId>, limit: usize) -> Result<AuditPageRows, Error> {
    let wanted = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut conn = app.store.read().await?;
    let mut events = operator_events::list_page(&mut conn, None, before, wanted).await?;
    let is_more = events.len() > limit;
    events.truncate(limit);
    let next = events.last().filter(|_| is_more).map(|event| event.id);
    Ok(AuditPageRows { events, next })
}

/// The latest events about or by the signed-in operator, newest first.
pub async fn list_own(app: &App, signed_in: &SignedIn, limit: i64) -> Result<Vec<OperatorEvent>, Error> {
    Ok(operator_events::list_page(&mut *app.store.read().await?, Some(signed_in.operator.id), None, limit).await?)
}
