//! One try of a delivery: an event to a webhook, or a notice of an ended session to an application.

use std::time::Duration;

use vestibule_domain::{
    delivery::{AnswerExcerpt, Delivery, DeliveryTry},
    event::Event,
    handshake::MergeAnswer,
    time::Timestamp,
};

use super::receivers::ReceiverOutcome;
use crate::{
    adapters::{clock::Stopwatch, webhook::SendError},
    logout_notices,
    projects::Project,
    retention::answers::{check_length, may_hold},
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
    /// Why a part of the answer has no effect, though the receiver took the delivery.
    pub(super) remark: Option<String>,
    /// Whether another try would fail, too.
    pub(super) is_final: bool,
    /// What the receiver answered about a merge.
    pub(super) decision: Option<MergeAnswer>,
    /// The body of an answer that may place a hold.
    pub(super) body: Option<Vec<u8>>,
    /// What operators see of the receiver's answer.
    pub(super) answer: Option<AnswerExcerpt>,
    /// How long the receiver took.
    pub(super) took: Duration,
}

impl AttemptOutcome {
    /// What is kept of it. `at` is the time in its headers.
    pub(super) fn note(&self, at: Timestamp) -> DeliveryTry {
        let took_ms = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        let why = self.error.as_deref().or(self.remark.as_deref());
        let noted = DeliveryTry::new(at, took_ms, self.status, why);
        DeliveryTry { answer: self.answer.clone(), ..noted }
    }
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
        let failed = |error: String| AttemptOutcome { error: Some(error), ..AttemptOutcome::default() };
        if delivery.kind == logout_notices::KIND {
            let notice = (delivery.body.as_str(), delivery.url.as_str());
            let form = logout_notices::print_form(project, notice, delivery.attempts, now);
            // Not for good: this node's settings may be a moment older than the URL. Where it is the notice that is old, it follows.
            return form.map(Self::Logout).map_err(|error| failed(error.to_string()));
        }
        let headers = sign(project, (&id_of(&delivery.body), &delivery.body), now);
        if headers.is_empty() {
            return Err(failed("the project has no webhook secret: create one".into()));
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
    let (began, watch) = (app.clock.now(), Stopwatch::start());
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
    let took = watch.elapsed();
    match answer {
        Ok(answer) => {
            let is_good = (200..300).contains(&answer.status);
            let asks = delivery.kind == Event::USER_MERGE_REQUESTED;
            let error = match is_good {
                false => Some(format!("the receiver answered with status {}", answer.status)),
                // It may decide its merge or keep its guest, so it is not taken for an answer that says nothing.
                true if asks || may_hold(&delivery.kind) => {
                    check_length(&answer.body).err().map(|error| error.to_string())
                }
                true => None,
            };
            AttemptOutcome {
                status: Some(answer.status.into()),
                is_final: false,
                decision: if asks && error.is_none() { MergeAnswer::read(&answer.body) } else { None },
                answer: AnswerExcerpt::of(&answer.body),
                took,
                body: (error.is_none() && may_hold(&delivery.kind)).then_some(answer.body),
                remark: None,
                error,
            }
        }
        Err(error) => AttemptOutcome { error: Some(error.to_string()), took, ..AttemptOutcome::default() },
    }
}
