//! One try of a delivery: an event to a webhook, or a notice of an ended session to an application.

use std::time::Duration;

use vestibule_domain::{delivery::Delivery, event::Event, handshake::MergeAnswer, time::Timestamp};

use super::receivers::ReceiverOutcome;
use crate::{
    adapters::webhook::SendError,
    logout_notices,
    projects::Project,
    retention::answers::may_hold,
    state::App,
    webhooks::hooks::{id_of, sign},
};

/// An answer that takes longer is slow.
const SLOW: Duration = Duration::from_secs(5);

/// What became of one try.
#[derive(Default)]
pub(super) struct AttemptOutcome {
    pub(super) status: Option<i64>,
    pub(super) error: Option<String>,
    /// Whether another try would fail, too.
    pub(super) is_final: bool,
    /// What the receiver answered about a merge.
    pub(super) decision: Option<MergeAnswer>,
    /// The body of an answer that may place a hold.
    pub(super) answer: Option<Vec<u8>>,
}

/// A try, ready to be sent.
pub(super) enum Attempt {
    /// An event, with the headers that sign it.
    Webhook(Vec<(&'static str, String)>),
    /// The form that notifies an application of a session's end.
    Logout(String),
}

impl Attempt {
    pub(super) fn prepare(project: &Project, delivery: &Delivery, now: Timestamp) -> Result<Self, AttemptOutcome> {
        let failed =
            |error: String, is_final| AttemptOutcome { error: Some(error), is_final, ..AttemptOutcome::default() };
        if delivery.kind == logout_notices::KIND {
            let notice = (delivery.body.as_str(), delivery.url.as_str());
            let form = logout_notices::print_form(project, notice, delivery.attempts, now);
            return form.map(Self::Logout).map_err(|error| failed(error.to_string(), true));
        }
        let headers = sign(project, (&id_of(&delivery.body), &delivery.body), now);
        if headers.is_empty() {
            return Err(failed("the project has no webhook secret: create one".into(), false));
        }
        Ok(Self::Webhook(headers))
    }
}

pub(super) async fn send(
    app: &App,
    attempt: Attempt,
    delivery: &Delivery,
    timeout: Duration,
    heard: &mut ReceiverOutcome,
) -> AttemptOutcome {
    let began = app.clock.now();
    let receiver = (delivery.project, delivery.url.as_str());
    let answer = match attempt {
        Attempt::Webhook(headers) => app.webhooks.post(receiver, delivery.body.clone(), &headers, timeout).await,
        Attempt::Logout(form) => app.webhooks.post_form(receiver, form, timeout).await,
    };
    *heard = match answer {
        Err(SendError::TooLate(_)) => ReceiverOutcome::Nothing,
        _ if app.clock.now().since(began) > SLOW => ReceiverOutcome::Late,
        _ => ReceiverOutcome::Something,
    };
    match answer {
        Ok(answer) if (200..300).contains(&answer.status) => {
            let status = Some(answer.status.into());
            let asks = delivery.kind == Event::USER_MERGE_REQUESTED;
            let decision = if asks { MergeAnswer::read(&answer.body) } else { None };
            let answer = may_hold(&delivery.kind).then_some(answer.body);
            AttemptOutcome { status, decision, answer, ..AttemptOutcome::default() }
        }
        Ok(answer) => AttemptOutcome {
            status: Some(answer.status.into()),
            error: Some(format!("the receiver answered with status {}", answer.status)),
            ..AttemptOutcome::default()
        },
        Err(error) => AttemptOutcome { error: Some(error.to_string()), ..AttemptOutcome::default() },
    }
}
