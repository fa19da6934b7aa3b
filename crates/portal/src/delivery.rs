//! One delivery of a webhook: its payload, the headers, what the receiver answered to the newest tries, and sending it again.

use askama::Template;
use serde_json::Value;
use vestibule_app::admin::deliveries::{self, ShownHeader, WebhookTrial};
use vestibule_domain::{
    delivery::{AnswerExcerpt, Delivery, DeliveryState, DeliveryTry},
    id::UserId,
    operator::Role,
};
use vestibule_web::template::finish;

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    frame::{PortalContext, PortalPage},
    moment::Moment,
    webhooks::DeliveryLine,
};

pub(super) fn routes() -> Vec<PortalRoute> {
    const ONE: &str = "/portal/p/{project}/webhooks/deliveries/{delivery}";
    vec![PortalRoute::project(Verb::Get, ONE, Role::Viewer, show)]
}

async fn show(request: ProjectRequest) -> PageResult {
    let id = request.param("delivery").parse().map_err(|_| PortalError::Missing)?;
    let delivery = deliveries::get(&request.ctx(), id).await?;
    request.show(&DeliveryPage::of(&delivery))
}

/// The path of a delivery below the project's.
pub(super) fn path_of(id: i64) -> String {
    format!("/webhooks/deliveries/{id}")
}

/// JSON, indented; other text as it is.
fn indent(body: &str) -> String {
    let read = serde_json::from_str::<Value>(body).ok();
    read.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| body.to_string())
}

/// A length of time: milliseconds, or seconds from one on.
pub(super) fn print_millis(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        longer => format!("{}.{} s", longer / 1_000, longer % 1_000 / 100),
    }
}

fn print_headers(headers: &[ShownHeader]) -> String {
    let print = |(name, value): &ShownHeader| format!("{name}: {}", value.as_deref().unwrap_or("(hidden)"));
    headers.iter().map(print).collect::<Vec<_>>().join("\n")
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// One line each.
    pub headers: String,
    pub payload: String,
    /// Whether the payload is sent as a signed token.
    pub is_token: bool,
}

/// What a receiver answered.
#[derive(Clone, Debug)]
pub(crate) struct AnswerView {
    pub text: String,
    pub is_cut: bool,
}

impl AnswerView {
    fn of(answer: &AnswerExcerpt) -> Self {
        Self { text: answer.text.clone(), is_cut: answer.is_cut }
    }
}

/// One try.
#[derive(Clone, Debug)]
pub(crate) struct TryLine {
    pub at: Moment,
    pub took: String,
    pub is_good: bool,
    /// The status, or why there is none.
    pub outcome: String,
    pub answer: Option<AnswerView>,
}

impl TryLine {
    fn of(one: &DeliveryTry) -> Self {
        let status = one.status.map(|status| format!("status {status}"));
        Self {
            at: Moment::new(one.at.to_rfc3339()),
            took: print_millis(one.took_ms),
            is_good: one.error.is_none(),
            outcome: one.error.clone().or(status).unwrap_or_default(),
            answer: one.answer.as_ref().map(AnswerView::of),
        }
    }
}

/// What went over the wire in a test.
#[derive(Clone, Debug)]
pub(crate) struct TrialView {
    pub exchange: Exchange,
    pub took: String,
    pub answer: Option<AnswerView>,
}

impl TrialView {
    pub(super) fn of(trial: &WebhookTrial) -> Self {
        Self {
            exchange: Exchange {
                headers: print_headers(&trial.headers),
                payload: indent(&trial.body),
                is_token: false,
            },
            took: print_millis(u64::try_from(trial.took.as_millis()).unwrap_or(u64::MAX)),
            answer: trial.answer.as_ref().map(AnswerView::of),
        }
    }

    #[cfg(test)]
    pub(super) fn sample() -> Self {
        Self { exchange: Exchange::sample(), took: "12 ms".into(), answer: Some(AnswerView::sample()) }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct DeliveryPage {
    pub line: DeliveryLine,
    /// `waiting`, `dead` or `taken`.
    pub state: &'static str,
    /// The number of the event.
    pub seq: i64,
    pub user_id: Option<String>,
    /// Newest first.
    pub tries: Vec<TryLine>,
    pub exchange: Exchange,
}

impl DeliveryPage {
    fn of(delivery: &Delivery) -> Self {
        let lane = <[u8; 16]>::try_from(delivery.lane.as_slice()).ok().filter(|lane| *lane != [0; 16]);
        let last = delivery.tries.last().map_or(delivery.due_at, |one| one.at);
        Self {
            line: DeliveryLine::of(delivery),
            state: match delivery.state {
                DeliveryState::Waiting => "waiting",
                DeliveryState::Taken => "taken",
                DeliveryState::Dead => "dead",
            },
            seq: delivery.seq,
            user_id: lane.map(|lane| UserId::from_bytes(lane).to_string()),
            tries: delivery.tries.iter().rev().map(TryLine::of).collect(),
            exchange: Exchange {
                headers: print_headers(&deliveries::describe_headers(delivery, last)),
                payload: indent(&delivery.body),
                is_token: deliveries::is_sent_as_token(delivery),
            },
        }
    }

    /// Where it stands: the label of its state and the class of its badge.
    fn badge(&self) -> (&'static str, &'static str) {
        match self.state {
            "taken" => ("Delivered", " badge-good"),
            "dead" => ("Failed", " badge-warn"),
            _ => ("Pending", ""),
        }
    }

    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let at = Moment::new("2030-05-01T08:00:00.000Z");
        let bad = TryLine {
            at: at.clone(),
            took: "1.2 s".into(),
            is_good: false,
            outcome: "the receiver answered with status 500".into(),
            answer: Some(AnswerView::sample()),
        };
        let silent = TryLine { outcome: "no answer within 10 seconds".into(), answer: None, ..bad.clone() };
        let line = DeliveryLine {
            id: 7,
            kind: "user.created".into(),
            url: "https://shop.example/hook?a=1&b=<2>".into(),
            attempts: 30,
            created_at: at.clone(),
            next_at: Some(at),
            took: Some("1.2 s".into()),
            outcome: bad.outcome.clone(),
        };
        let dead = Self {
            line: line.clone(),
            state: "dead",
            seq: 42,
            user_id: Some("018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab".into()),
            tries: vec![bad, silent],
            exchange: Exchange::sample(),
        };
        let untried = DeliveryLine { attempts: 0, next_at: None, took: None, outcome: String::new(), ..line };
        let waiting = Self {
            line: untried,
            state: "waiting",
            user_id: None,
            tries: Vec::new(),
            exchange: Exchange { is_token: true, ..Exchange::sample() },
            ..dead.clone()
        };
        vec![("dead", dead), ("waiting", waiting)]
    }
}

#[cfg(test)]
impl Exchange {
    fn sample() -> Self {
        Self {
            headers: print_headers(&[("content-type", Some("application/json".into())), ("webhook-signature", None)]),
            payload: "{\n  \"type\": \"<b>\"\n}".into(),
            is_token: false,
        }
    }
}

#[cfg(test)]
impl AnswerView {
    fn sample() -> Self {
        Self { text: "<h1>Not today</h1>\n\u{fffd}".into(), is_cut: true }
    }
}

impl PortalPage for DeliveryPage {
    fn title(&self) -> String {
        format!("Delivery of {}", self.line.kind)
    }

    fn section(&self) -> Option<&'static str> {
        Some("webhooks")
    }

    fn above(&self) -> Option<(String, String)> {
        Some((format!("/webhooks?state={}#deliveries", self.state), "Deliveries".into()))
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(DeliveryBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/delivery.html")]
struct DeliveryBody<'a> {
    ctx: &'a PortalContext,
    page: &'a DeliveryPage,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let printed = [0, 999, 1_000, 1_250, 60_000].map(print_millis);
        assert_eq!(printed, ["0 ms", "999 ms", "1.0 s", "1.2 s", "60.0 s"]);
    }
}
