//! The record of what operators do to their own ways in and to each other (ADR 66): made ready here, written by the
//! transaction that makes it true. Names and addresses, never a secret, and never what a stranger typed.

use std::net::IpAddr;

use vestibule_domain::{
    id::{EventId, OperatorId},
    operator::{Act, Operator},
    time::Timestamp,
};
use vestibule_store::operator_events::{self, OperatorEvent};

use super::SignedIn;
use crate::{app::App, flows::Error, ports::entropy::Entropy};

/// What a way in is called in the record.
pub(super) const PASSWORD: &str = "password";
pub(super) const PASSKEY: &str = "passkey";

/// Something an operator does to itself.
pub(super) fn own(app: &App, operator: &Operator, act: Act, detail: &str, ip: IpAddr, now: Timestamp) -> OperatorEvent {
    let whom = (Some(operator.id), operator.email.as_str());
    done_to(&app.entropy, whom, (&operator.email, Some(ip)), act, detail, now)
}

/// Something done to an operator, or to somebody who is to be one: by whom and from where.
pub(crate) fn done_to(
    entropy: &Entropy,
    (operator_id, email): (Option<OperatorId>, &str),
    (done_by, ip): (&str, Option<IpAddr>),
    act: Act,
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

/// A page of the record.
pub(crate) struct Page {
    pub(crate) events: Vec<OperatorEvent>,
    /// Where the next one begins.
    pub(crate) next: Option<EventId>,
}

/// What everybody did, newest first.
pub(crate) async fn list(app: &App, before: Option<EventId>, limit: usize) -> Result<Page, Error> {
    let wanted = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut conn = app.store.read().await?;
    let mut events = operator_events::list_page(&mut conn, None, before, wanted).await?;
    let is_more = events.len() > limit;
    events.truncate(limit);
    let next = events.last().filter(|_| is_more).map(|event| event.id);
    Ok(Page { events, next })
}

/// What was done lately by or to whoever is signed in, newest first.
pub(crate) async fn list_own(app: &App, who: &SignedIn, limit: i64) -> Result<Vec<OperatorEvent>, Error> {
    Ok(operator_events::list_page(&mut *app.store.read().await?, Some(who.operator.id), None, limit).await?)
}
