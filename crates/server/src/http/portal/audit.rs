//! The audit log by filter and page, and as an export.

use serde_json::Value;
use vestibule_domain::{event, id::UserId, operator::Role, time::Timestamp};
use vestibule_protocol::form::Form;
use vestibule_store::events::EventRow;

use super::{Answer, Desk, Door, Problem, Verb};
use crate::{
    flows::admin::audit::{self, Filter},
    http::export::{self, Format},
    ui::portal::{AuditPage, EventLine, Moment},
};

const LIMIT: u32 = 50;

pub(super) fn doors() -> Vec<Door> {
    vec![
        Door::desk(Verb::Get, "/portal/p/{project}/events", Role::Viewer, show),
        Door::desk(Verb::Get, "/portal/p/{project}/events/export", Role::Viewer, take_away),
    ]
}

/// Parses the filter; the error is a sentence for the operator.
fn read_filter(desk: &Desk) -> Result<Filter, String> {
    let day = |name: &str| match desk.field(name).trim() {
        "" => Ok(None),
        text => read_day(text).map(Some).ok_or_else(|| "Enter a date such as 2030-05-31.".to_string()),
    };
    let user = match desk.field("user").trim() {
        "" => None,
        text => Some(text.parse::<UserId>().map_err(|_| "This is not a user ID.".to_string())?),
    };
    let begin = |day: i64| Timestamp::from_seconds(day.saturating_mul(86_400));
    Ok(Filter {
        user,
        kind: Some(desk.field("type").to_string()).filter(|kind| !kind.is_empty()),
        from: day("from")?.map(begin),
        to: day("to")?.map(|day| begin(day + 1)),
    })
}

/// The number of a day `YYYY-MM-DD` in UTC.
fn read_day(text: &str) -> Option<i64> {
    let date: jiff::civil::Date = Some(text).filter(|text| text.len() == 10)?.parse().ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second().div_euclid(86_400))
}

fn print_filter<'a>(desk: &'a Desk, more: Option<(&'a str, &'a str)>) -> String {
    let names = ["type", "user", "from", "to"];
    let given = names.into_iter().map(|name| (name, desk.field(name).trim())).filter(|(_, value)| !value.is_empty());
    Form::from_pairs(given.chain(more)).print()
}

async fn show(desk: Desk) -> Answer {
    let cursor = Some(desk.field("cursor")).filter(|cursor| !cursor.is_empty());
    let (filter, complaint) = match read_filter(&desk) {
        Ok(filter) => (Some(filter), None),
        Err(complaint) => (None, Some(complaint)),
    };
    let page = match &filter {
        Some(filter) => Some(audit::list(&desk.app, &desk.project, filter, cursor, LIMIT).await?),
        None => None,
    };
    let is_wrong = complaint.is_some();
    let next = page.as_ref().and_then(|page| page.next.as_deref());
    let shown = AuditPage {
        kind: desk.field("type").to_string(),
        kinds: event::LOGGED.to_vec(),
        user: desk.field("user").trim().to_string(),
        from: desk.field("from").to_string(),
        to: desk.field("to").to_string(),
        complaint,
        filter: print_filter(&desk, None),
        next: next.map(|cursor| print_filter(&desk, Some(("cursor", cursor)))),
        is_later: cursor.is_some(),
        events: page.as_ref().map(|page| page.items.iter().map(event_line).collect()).unwrap_or_default(),
    };
    if is_wrong { desk.complain(&shown) } else { desk.show(&shown) }
}

pub(super) fn event_line(row: &EventRow) -> EventLine {
    let body: Value = serde_json::from_str(&row.body).unwrap_or_default();
    let context = &body["context"];
    let acting = &context["audit_context"];
    let by = [&acting["operator_email"], &acting["command"], &context["triggered_by"]];
    let by = by.into_iter().find_map(Value::as_str).unwrap_or_default();
    EventLine {
        seq: row.seq,
        at: Moment::new(row.created_at.to_rfc3339()),
        kind: row.kind.clone(),
        user_id: row.user_id.map(|id| id.to_string()),
        by: by.to_string(),
        client_id: row.client_id.clone().unwrap_or_default(),
        body: serde_json::to_string_pretty(&body).unwrap_or_default(),
    }
}

async fn take_away(desk: Desk) -> Answer {
    let filter = read_filter(&desk).map_err(Problem::Unreadable)?;
    let format = Format::parse(desk.field("format"));
    let format = format.ok_or_else(|| Problem::Unreadable("Choose CSV or JSON Lines.".to_string()))?;
    Ok(export::send(desk.app.clone(), desk.project.clone(), &filter, format).await?)
}
