//! The JSON that the Admin API prints of events, webhook deliveries and statistics. Doc comments of these types are in the API's
//! description.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vestibule_app::admin::{
    ListPage,
    deliveries::WebhookTest,
    statistics::{DayNumbers, MethodNumbers, Report},
};
use vestibule_domain::delivery::{Delivery, DeliveryState};

use super::schemas::{DayText, TimeText};

/// See docs/guides/events.md.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Event")]
pub(super) struct EventView {
    id: String,
    seq: i64,
    #[serde(rename = "type")]
    kind: String,
    payload: Map<String, Value>,
    context: Map<String, Value>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct EventsPage {
    events: Vec<EventView>,
    next_cursor: Option<String>,
}

impl EventsPage {
    /// From the events as they are stored, each as JSON.
    pub(super) fn read<'a>(
        bodies: impl Iterator<Item = &'a str>,
        next_cursor: Option<String>,
    ) -> Result<Self, serde_json::Error> {
        let events = bodies.map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok(Self { events, next_cursor })
    }
}

// The state of a delivery.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum WrittenState {
    Waiting,
    Taken,
    Dead,
}

impl From<WrittenState> for DeliveryState {
    fn from(state: WrittenState) -> Self {
        match state {
            WrittenState::Waiting => Self::Waiting,
            WrittenState::Taken => Self::Taken,
            WrittenState::Dead => Self::Dead,
        }
    }
}

impl From<DeliveryState> for WrittenState {
    fn from(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Waiting => Self::Waiting,
            DeliveryState::Taken => Self::Taken,
            DeliveryState::Dead => Self::Dead,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub(crate) struct DeliveryView {
    id: String,
    seq: i64,
    #[serde(rename = "type")]
    kind: String,
    url: String,
    state: WrittenState,
    attempts: i64,
    created_at: TimeText,
    due_at: Option<TimeText>,
    finished_at: Option<TimeText>,
    last_status: Option<i64>,
    last_error: Option<String>,
}

impl DeliveryView {
    pub(super) fn of(delivery: Delivery) -> Self {
        let is_waiting = delivery.state == DeliveryState::Waiting;
        Self {
            id: delivery.id.to_string(),
            seq: delivery.seq,
            kind: delivery.kind,
            url: delivery.url,
            state: delivery.state.into(),
            attempts: delivery.attempts,
            created_at: delivery.created_at.into(),
            due_at: is_waiting.then(|| delivery.due_at.into()),
            finished_at: delivery.finished_at.map(TimeText::from),
            last_status: delivery.last_status,
            last_error: delivery.last_error,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct DeliveriesPage {
    deliveries: Vec<DeliveryView>,
    next_cursor: Option<String>,
}

impl DeliveriesPage {
    pub(super) fn of(page: ListPage<Delivery>) -> Self {
        Self { deliveries: page.items.into_iter().map(DeliveryView::of).collect(), next_cursor: page.next }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct WebhookTestView {
    /// The HTTP status, if the webhook answered.
    status: Option<u16>,
    /// Why the delivery failed.
    error: Option<String>,
}

impl WebhookTestView {
    pub(super) fn of(test: WebhookTest) -> Self {
        Self { status: test.status, error: test.error }
    }
}

// The statistics of a range of days.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Statistics")]
pub(crate) struct ReportView {
    from: DayText,
    to: DayText,
    days: Vec<DayView>,
    funnel: FunnelView,
    time_to_promotion: Vec<WithinView>,
    /// With which login methods users became members in the period. The most used one comes first.
    login_methods: Vec<MethodView>,
    /// Merges that wait for the answer of your backend now, whenever they were requested.
    merges_waiting: i64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct MethodView {
    /// `email`, `phone`, `username`, `passkey`, `oauth` for an account at a provider, or `other` where it is not known.
    method: String,
    /// The alias of the provider, for `oauth`; or its type if it had no alias.
    provider: Option<String>,
    /// Guests who became members with it and kept their ID.
    guests_promoted: i64,
    /// Users who signed up with it and were no guests.
    members_created: i64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct DayView {
    date: DayText,
    /// Empty without an application: guests with a cookie session, imported guests, and promotions by an operator or an API key.
    client_id: String,
    guests_created: i64,
    /// Those of guests_created who had no session when they were counted: imported, or signed out within a minute. Always under
    /// the empty client_id.
    guests_without_session: i64,
    /// Guests of lazy applications who signed up on this day and are not stored. They are not among guests_created: who is
    /// stored later moves there.
    guests_not_stored: i64,
    /// Returning guests of the day. guests_created and guests_returned together are the day's active guests.
    guests_returned: i64,
    /// Guests who became members and kept their ID.
    guests_promoted: i64,
    /// Guests who signed in to an existing account instead. They are not among guests_promoted.
    guests_signed_in: i64,
    members_created: i64,
    logins: i64,
    /// Merges that wait for the answer of your backend, by the day on which the person or an operator requested them. One whose question is
    /// repeated counts once.
    merges_requested: i64,
    /// Guests that became aliases of members on this day, also those whose merge did not wait.
    merges_settled: i64,
    /// Merges that were refused or had no answer in time, or whose member was deleted.
    merges_refused: i64,
    /// Those of merges_refused that had no answer in time.
    merges_timed_out: i64,
    /// Merges that were settled and then undone, by the day on which they were undone.
    merges_undone: i64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct FunnelView {
    /// Guests created in the period.
    guests_created: i64,
    /// Those of them who returned on any later day.
    guests_returned: i64,
    /// Those of them who were promoted, on any later day.
    guests_promoted: i64,
    /// Those of them who signed in to an existing account instead, on any later day.
    guests_signed_in: i64,
    /// Those of them whose merge waits for the answer of your backend now.
    merges_waiting: i64,
    /// Those of them who were merged, on any later day.
    merges_settled: i64,
    /// How often a merge of one of them was refused or had no answer in time.
    merges_refused: i64,
    /// How often a merge of one of them was undone. It is among merges_settled, too.
    merges_undone: i64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct WithinView {
    name: &'static str,
    seconds: Option<i64>,
    count: i64,
}

impl ReportView {
    pub(super) fn of(report: Report) -> Self {
        let funnel = report.funnel;
        let within = report.time_to_promotion.into_iter();
        Self {
            from: DayText::of(report.from),
            to: DayText::of(report.to),
            days: report.days.into_iter().map(DayView::of).collect(),
            funnel: FunnelView {
                guests_created: funnel.guests_created,
                guests_returned: funnel.guests_returned,
                guests_promoted: funnel.guests_promoted,
                guests_signed_in: funnel.guests_signed_in,
                merges_waiting: funnel.merges_waiting,
                merges_settled: funnel.merges_settled,
                merges_refused: funnel.merges_refused,
                merges_undone: funnel.merges_undone,
            },
            time_to_promotion: within
                .map(|one| WithinView { name: one.name, seconds: one.seconds, count: one.count })
                .collect(),
            login_methods: report.login_methods.into_iter().map(MethodView::of).collect(),
            merges_waiting: report.merges_waiting,
        }
    }
}

impl MethodView {
    fn of(numbers: MethodNumbers) -> Self {
        let MethodNumbers { method, provider, guests_promoted, members_created } = numbers;
        Self { method, provider, guests_promoted, members_created }
    }
}

impl DayView {
    fn of(day: DayNumbers) -> Self {
        Self {
            date: DayText::of(day.day),
            client_id: day.client_id,
            guests_created: day.guests_created,
            guests_without_session: day.guests_without_session,
            guests_not_stored: day.guests_not_stored,
            guests_returned: day.guests_returned,
            guests_promoted: day.guests_promoted,
            guests_signed_in: day.guests_signed_in,
            members_created: day.members_created,
            logins: day.logins,
            merges_requested: day.merges.requested,
            merges_settled: day.merges.settled,
            merges_refused: day.merges.refused,
            merges_timed_out: day.merges.timed_out,
            merges_undone: day.merges.undone,
        }
    }
}
