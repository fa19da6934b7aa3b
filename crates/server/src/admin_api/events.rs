//! Events, their stream, webhook deliveries and statistics.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{Path, Request},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use http_body_util::channel::{Channel, Sender};
use serde::Deserialize;
use serde_json::{Value, json};
use vestibule_app::StoreError;
use vestibule_app::{
    admin::{
        AdminError, Thing,
        audit::{self, Filter},
        deliveries, statistics,
    },
    error::Error,
    jobs::statistics::day_of,
    projects::Project,
    state::App,
};
use vestibule_domain::{
    delivery::{Delivery, DeliveryState},
    id::UserId,
    time::Timestamp,
};
use vestibule_web::export::{self, Format};

use super::{
    access::Admin,
    problem::Problem,
    read::{check_limit, json, read_json, read_query},
    views::ReportView,
};

type EventsResult = Result<Response, Problem>;

/// Interval of a stream's heartbeats, and of its polling for events of other nodes.
const HEARTBEAT: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_secs(1);
/// Maximum number of events per query of a stream.
const STREAM_BATCH: i64 = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventQuery {
    user_id: Option<UserId>,
    #[serde(rename = "type")]
    kind: Option<String>,
    from: Option<String>,
    to: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// `GET /events`
pub(crate) async fn list(admin: Admin, uri: Uri) -> EventsResult {
    let query: EventQuery = read_query(&uri)?;
    let limit = check_limit(query.limit, 1000)?;
    let filter = read_filter(query.user_id, query.kind, query.from.as_deref(), query.to.as_deref())?;
    let page = audit::list(&admin.visit.ctx(), &filter, query.cursor.as_deref(), limit).await?;
    let bodies: Vec<Value> =
        page.items.iter().map(|row| serde_json::from_str(&row.body).unwrap_or(Value::Null)).collect();
    Ok(json(StatusCode::OK, &json!({"events": bodies, "next_cursor": page.next})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportQuery {
    format: Option<String>,
    user_id: Option<UserId>,
    #[serde(rename = "type")]
    kind: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

/// `GET /export/events`: every matching event, newest first, streamed.
pub(crate) async fn export(admin: Admin, uri: Uri) -> EventsResult {
    let query: ExportQuery = read_query(&uri)?;
    let format = Format::parse(query.format.as_deref().unwrap_or("jsonl"));
    let format = format.ok_or_else(|| Problem::unreadable("format: write csv or jsonl"))?;
    let filter = read_filter(query.user_id, query.kind, query.from.as_deref(), query.to.as_deref())?;
    Ok(export::send(admin.visit.app, admin.visit.project, &filter, format).await?)
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StreamQuery {
    after: Option<i64>,
}

/// `GET /events/stream`: server-sent events, from now on or from `Last-Event-ID`.
pub(crate) async fn stream(admin: Admin, headers: HeaderMap, uri: Uri) -> EventsResult {
    let query: StreamQuery = read_query(&uri)?;
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let after = match resumed.or(query.after) {
        Some(after) => after,
        None => audit::last(&admin.visit.ctx()).await?,
    };
    let (app, project) = (admin.visit.app, admin.visit.project);
    let place = app.shares.streams.take(project.no).map_err(Error::from)?;
    let (sender, channel) = Channel::<Bytes, StoreError>::new(16);
    tokio::spawn(async move {
        let _place = place;
        // The client notices the end of the connection and reconnects with the last ID.
        if let Err(error) = feed(&app, &project, after, sender).await {
            tracing::debug!(error = %error, "an event stream stopped");
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // Tells buffering reverse proxies to pass events on at once.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::new(channel)).into_response())
}

/// Sends events until the client disconnects or the server stops.
async fn feed(
    app: &App,
    project: &Project,
    mut after: i64,
    mut sender: Sender<Bytes, StoreError>,
) -> Result<(), StoreError> {
    let mut grew = app.log_grew.subscribe();
    let mut stopping = app.stopping.subscribe();
    let mut silent = Duration::ZERO;
    if sender.send_data(Bytes::from_static(b": connected\n\n")).await.is_err() {
        return Ok(());
    }
    while !*stopping.borrow_and_update() {
        let rows = audit::follow(app, project, after, STREAM_BATCH).await?;
        if rows.is_empty() {
            tokio::select! {
                _ = grew.changed() => {}
                _ = stopping.changed() => return Ok(()),
                () = tokio::time::sleep(LOOK) => silent += LOOK,
            }
            if silent >= HEARTBEAT {
                silent = Duration::ZERO;
                if sender.send_data(Bytes::from_static(b": still here\n\n")).await.is_err() {
                    return Ok(());
                }
            }
            continue;
        }
        silent = Duration::ZERO;
        for row in rows {
            after = row.seq;
            let message = format!("id: {}\nevent: {}\ndata: {}\n\n", row.seq, row.kind, row.body);
            if sender.send_data(Bytes::from(message)).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeliveryQuery {
    state: Option<WrittenState>,
    cursor: Option<String>,
    limit: Option<u32>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenState {
    Waiting,
    Taken,
    Dead,
}

/// `GET /deliveries`
pub(crate) async fn list_deliveries(admin: Admin, uri: Uri) -> EventsResult {
    let query: DeliveryQuery = read_query(&uri)?;
    let state = match query.state.unwrap_or(WrittenState::Dead) {
        WrittenState::Waiting => DeliveryState::Waiting,
        WrittenState::Taken => DeliveryState::Taken,
        WrittenState::Dead => DeliveryState::Dead,
    };
    let limit = check_limit(query.limit, 200)?;
    let page = deliveries::list(&admin.visit.ctx(), state, query.cursor.as_deref(), limit).await?;
    let items: Vec<Value> = page.items.iter().map(print_delivery).collect();
    Ok(json(StatusCode::OK, &json!({"deliveries": items, "next_cursor": page.next})))
}

fn print_delivery(delivery: &Delivery) -> Value {
    let state = match delivery.state {
        DeliveryState::Waiting => "waiting",
        DeliveryState::Taken => "taken",
        DeliveryState::Dead => "dead",
    };
    json!({
        "id": delivery.id.to_string(),
        "seq": delivery.seq,
        "type": delivery.kind,
        "url": delivery.url,
        "state": state,
        "attempts": delivery.attempts,
        "created_at": delivery.created_at.to_rfc3339(),
        "due_at": (delivery.state == DeliveryState::Waiting).then(|| delivery.due_at.to_rfc3339()),
        "finished_at": delivery.finished_at.map(Timestamp::to_rfc3339),
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
    })
}

/// `POST /deliveries/{delivery_id}/replay`
pub(crate) async fn replay(admin: Admin, Path(id): Path<String>) -> EventsResult {
    let visit = &admin.visit;
    let id: i64 = id.parse().map_err(|_| Problem::from(AdminError::NotFound(Thing::Delivery)))?;
    let replayed = deliveries::replay(&visit.ctx(), &admin.operator(), id).await?;
    Ok(json(StatusCode::OK, &print_delivery(&replayed)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookTestRequest {
    url: String,
}

/// `POST /project/webhook-test`
pub(crate) async fn try_out(admin: Admin, request: Request) -> EventsResult {
    let visit = &admin.visit;
    let order: WebhookTestRequest = read_json(visit, request).await?;
    let test_result = deliveries::try_out(&visit.ctx(), &admin.operator(), &order.url).await?;
    Ok(json(StatusCode::OK, &json!({"status": test_result.status, "error": test_result.error})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatisticsQuery {
    from: Option<String>,
    to: Option<String>,
    client_id: Option<String>,
}

/// `GET /statistics`: the last 30 days unless `from` and `to` say otherwise.
pub(crate) async fn statistics(admin: Admin, uri: Uri) -> EventsResult {
    let query: StatisticsQuery = read_query(&uri)?;
    let to = query.to.map_or(Ok(day_of(admin.visit.now)), |text| read_day("to", &text))?;
    let from = query.from.map_or(Ok(to - 29), |text| read_day("from", &text))?;
    let report = statistics::report(&admin.visit.ctx(), from, to, query.client_id.as_deref()).await?;
    Ok(json(StatusCode::OK, &ReportView::of(&report)))
}

fn read_day(name: &str, text: &str) -> Result<i64, Problem> {
    let date: Option<jiff::civil::Date> = Some(text).filter(|text| text.len() == 10).and_then(|text| text.parse().ok());
    let zoned = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    zoned
        .map(|zoned| zoned.timestamp().as_second().div_euclid(86_400))
        .ok_or_else(|| Problem::unreadable(format!("{name}: write a day as YYYY-MM-DD")))
}
