//! Events, their stream, webhook deliveries and statistics.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    http::{HeaderName, header},
    response::IntoResponse,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{StreamExt as _, stream};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::watch;
use vestibule_app::{
    StoreError,
    admin::{
        AdminError, Thing,
        audit::{self, Filter},
        deliveries, statistics,
    },
    error::Error,
    jobs::statistics::day_of,
    limits::fair::FairPermit,
    projects::Project,
    state::App,
};
use vestibule_domain::{id::UserId, time::Timestamp};
use vestibule_web::export::{self, Format};

use super::{
    access::Admin,
    answer::{EventStream, Good, LinesOrCsv, Streamed},
    bodies::WebhookTestBody,
    event_views::{DeliveriesPage, DeliveryView, EventsPage, ReportView, WebhookTestView, WrittenState},
    input::{InPath, Json, LastEventId, PathPart, Query},
    operation::{Operation, Tag},
    problem::Problem,
    read::check_limit,
    schemas::{FormatWord, IdText},
};

/// Interval of a stream's heartbeats, and of its polling for events of other nodes.
const HEARTBEAT: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_secs(1);
/// Maximum number of events per query of a stream.
const STREAM_BATCH: i64 = 200;

/// Maximum number of items of a page.
const MOST_EVENTS: u32 = 1000;
const MOST_DELIVERIES: u32 = 200;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventQuery {
    /// Only events of this user.
    #[schemars(with = "Option<IdText>")]
    user_id: Option<UserId>,
    /// Only events of this type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// First day, UTC.
    #[schemars(extend("format" = "date"))]
    from: Option<String>,
    /// Last day (inclusive), UTC.
    #[schemars(extend("format" = "date"))]
    to: Option<String>,
    /// next_cursor of the previous page.
    #[schemars(extend("pattern" = "^[0-9]{1,18}$"))]
    cursor: Option<String>,
    /// Items per page: 50 by default, at most 1000.
    #[schemars(range(min = 1, max = MOST_EVENTS))]
    limit: Option<u32>,
}

pub(super) const LIST: Operation = Operation::new(Tag::Events, "listEvents", "List events, newest first", "One page.")
    .note("Creations of guests are not in the log: list guests instead.")
    .may_refuse(&[422]);

/// `GET /events`
pub(crate) async fn list(admin: Admin, Query(query): Query<EventQuery>) -> Result<Good<EventsPage>, Problem> {
    let limit = check_limit(query.limit, MOST_EVENTS)?;
    let filter = read_filter(query.user_id, query.kind, query.from.as_deref(), query.to.as_deref())?;
    let page = audit::list(&admin.visit.ctx(), &filter, query.cursor.as_deref(), limit).await?;
    let bodies = page.items.iter().map(|row| row.body.as_str());
    let page = EventsPage::read(bodies, page.next).map_err(|error| {
        tracing::error!(error = %error, "a stored event could not be read");
        Problem::unexpected()
    })?;
    Ok(Good::print(&page))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportQuery {
    /// Default: jsonl.
    #[schemars(with = "Option<FormatWord>")]
    format: Option<String>,
    /// Only events of this user.
    #[schemars(with = "Option<IdText>")]
    user_id: Option<UserId>,
    /// Only events of this type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// First day, UTC.
    #[schemars(extend("format" = "date"))]
    from: Option<String>,
    /// Last day (inclusive), UTC.
    #[schemars(extend("format" = "date"))]
    to: Option<String>,
}

pub(super) const EXPORT: Operation = Operation::new(Tag::Events, "exportEvents", "Export events to a file", "The file.")
    .note("Streams every matching event, newest first, as JSON Lines or as CSV with formulas escaped. If the connection breaks, the file is incomplete.")
    .may_refuse(&[422]);

/// `GET /export/events`: every matching event, newest first, streamed.
pub(crate) async fn export(admin: Admin, Query(query): Query<ExportQuery>) -> Result<Streamed<LinesOrCsv>, Problem> {
    let format = Format::parse(query.format.as_deref().unwrap_or("jsonl"));
    let format = format.ok_or_else(|| Problem::unreadable("format: write csv or jsonl"))?;
    let filter = read_filter(query.user_id, query.kind, query.from.as_deref(), query.to.as_deref())?;
    let place =
        admin.visit.app.shares.transfers.take_for(admin.visit.project.no, &admin.holder.key_id).map_err(Error::from)?;
    Ok(Streamed::new(export::send(admin.visit.app, admin.visit.project, (&filter, format), place).await?))
}

/// The filter's days are whole days in UTC; the last one is included.
fn read_filter(
    user: Option<UserId>,
    kind: Option<String>,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<Filter, Problem> {
    let begin = |day: i64| Timestamp::from_seconds(day.saturating_mul(86_400));
    let from = from.map(|text| read_day("from", text)).transpose()?.map(begin);
    let to = to.map(|text| read_day("to", text)).transpose()?.map(|day| begin(day + 1));
    Ok(Filter { user, kind, from, to })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamQuery {
    /// Same as the header, for callers that can't send it.
    after: Option<i64>,
}

pub(super) const STREAM: Operation = Operation::new(
    Tag::Events,
    "streamEvents",
    "Stream events",
    "Server-sent events. The ID of each event is its seq.",
);

/// `GET /events/stream`: server-sent events, from now on or from `Last-Event-ID`.
pub(crate) async fn stream(
    admin: Admin,
    LastEventId(resumed): LastEventId,
    Query(query): Query<StreamQuery>,
) -> Result<Streamed<EventStream>, Problem> {
    let after = match resumed.or(query.after) {
        Some(after) => after,
        None => audit::last(&admin.visit.ctx()).await?,
    };
    let (app, project) = (admin.visit.app, admin.visit.project);
    let place = app.shares.streams.take_for(project.no, &admin.holder.key_id).map_err(Error::from)?;
    let feed = EventFeed {
        grew: app.log_grew.subscribe(),
        stopping: app.stopping.subscribe(),
        after,
        waiting: Vec::new().into_iter(),
        app,
        project,
        _place: place,
    };
    let greeting = stream::iter([Ok::<_, Infallible>(Event::default().comment("connected"))]);
    let events = greeting.chain(stream::unfold(feed, EventFeed::take));
    let events =
        Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).event(Event::default().comment("still here")));
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        // Tells buffering reverse proxies to pass events on at once.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok(Streamed::new((headers, events).into_response()))
}

/// The events of a stream that are not sent yet.
struct EventFeed {
    app: Arc<App>,
    project: Arc<Project>,
    grew: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    /// The number of the last event read.
    after: i64,
    waiting: std::vec::IntoIter<Event>,
    _place: FairPermit,
}

impl EventFeed {
    /// The next event, and the rest; nothing when the server stops.
    async fn take(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        match self.next().await {
            Ok(event) => event.map(|event| (Ok(event), self)),
            Err(error) => {
                // The client notices the end of the response and reconnects with the last ID.
                tracing::debug!(error = %error, "an event stream stopped");
                None
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Event>, StoreError> {
        loop {
            if let Some(event) = self.waiting.next() {
                return Ok(Some(event));
            }
            if *self.stopping.borrow_and_update() {
                return Ok(None);
            }
            let rows = audit::follow(&self.app, &self.project, self.after, STREAM_BATCH).await?;
            let Some(last) = rows.last() else {
                tokio::select! {
                    _ = self.grew.changed() => {}
                    _ = self.stopping.changed() => return Ok(None),
                    () = tokio::time::sleep(LOOK) => {}
                }
                continue;
            };
            self.after = last.seq;
            let events =
                rows.iter().map(|row| Event::default().id(row.seq.to_string()).event(&row.kind).data(&row.body));
            self.waiting = events.collect::<Vec<_>>().into_iter();
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryQuery {
    /// dead by default: deliveries that failed for good.
    state: Option<WrittenState>,
    /// next_cursor of the previous page.
    #[schemars(extend("pattern" = "^[0-9]{1,18}$"))]
    cursor: Option<String>,
    /// Items per page: 50 by default, at most 200.
    #[schemars(range(min = 1, max = MOST_DELIVERIES))]
    limit: Option<u32>,
}

pub(super) const LIST_DELIVERIES: Operation =
    Operation::new(Tag::Events, "listDeliveries", "List webhook deliveries, newest first", "One page.")
        .may_refuse(&[422]);

/// `GET /deliveries`
pub(crate) async fn list_deliveries(
    admin: Admin,
    Query(query): Query<DeliveryQuery>,
) -> Result<Good<DeliveriesPage>, Problem> {
    let state = query.state.unwrap_or(WrittenState::Dead).into();
    let limit = check_limit(query.limit, MOST_DELIVERIES)?;
    let page = deliveries::list(&admin.visit.ctx(), state, query.cursor.as_deref(), limit).await?;
    Ok(Good::print(&DeliveriesPage::of(page)))
}

pub(crate) struct DeliveryId(i64);

impl PathPart for DeliveryId {
    const NAME: &'static str = "delivery_id";
    const MEANING: &'static str = "The delivery ID.";

    fn parse(text: &str) -> Result<Self, Problem> {
        text.parse().map(Self).map_err(|_| AdminError::NotFound(Thing::Delivery).into())
    }
}

pub(super) const REPLAY: Operation =
    Operation::new(Tag::Events, "replayDelivery", "Send a delivery again", "The delivery, pending again.");

/// `POST /deliveries/{delivery_id}/replay`
pub(crate) async fn replay(admin: Admin, InPath(id): InPath<DeliveryId>) -> Result<Good<DeliveryView>, Problem> {
    let visit = &admin.visit;
    let replayed = deliveries::replay(&visit.ctx(), &admin.operator(), id.0).await?;
    Ok(Good::print(&DeliveryView::of(replayed)))
}

pub(super) const TRY_OUT: Operation = Operation::new(
    Tag::Events,
    "testWebhook",
    "Send a signed test to one of the project's webhooks",
    "The webhook's answer.",
)
.note("Sends the event hook.test at once, without retries.");

/// `POST /project/webhook-test`
pub(crate) async fn try_out(
    admin: Admin,
    Json(order): Json<WebhookTestBody>,
) -> Result<Good<WebhookTestView>, Problem> {
    let visit = &admin.visit;
    let test = deliveries::try_out(&visit.ctx(), &admin.operator(), &order.url).await?;
    Ok(Good::print(&WebhookTestView::of(test.result)))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatisticsQuery {
    /// First day, UTC. Default: 29 days before to.
    #[schemars(extend("format" = "date"))]
    from: Option<String>,
    /// Last day, UTC. Default: today.
    #[schemars(extend("format" = "date"))]
    to: Option<String>,
    /// Only this application; empty for guests of cookie-based applications.
    client_id: Option<String>,
}

pub(super) const STATISTICS: Operation = Operation::new(
    Tag::Statistics,
    "getStatistics",
    "Statistics: guests by day and application, funnel, time to promotion",
    "The statistics.",
)
.may_refuse(&[422]);

/// `GET /statistics`: the last 30 days unless `from` and `to` say otherwise.
pub(crate) async fn statistics(
    admin: Admin,
    Query(query): Query<StatisticsQuery>,
) -> Result<Good<ReportView>, Problem> {
    let to = query.to.map_or(Ok(day_of(admin.visit.now)), |text| read_day("to", &text))?;
    let from = query.from.map_or(Ok(to - 29), |text| read_day("from", &text))?;
    let report = statistics::report(&admin.visit.ctx(), from, to, query.client_id.as_deref()).await?;
    Ok(Good::print(&ReportView::of(report)))
}

fn read_day(name: &str, text: &str) -> Result<i64, Problem> {
    let date: Option<jiff::civil::Date> = Some(text).filter(|text| text.len() == 10).and_then(|text| text.parse().ok());
    let zoned = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    zoned
        .map(|zoned| zoned.timestamp().as_second().div_euclid(86_400))
        .ok_or_else(|| Problem::unreadable(format!("{name}: write a day as YYYY-MM-DD")))
}
