//! The audit log as a file: CSV or JSON Lines, streamed as it is read, so that memory use does not depend on its
//! length.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use http_body_util::channel::Channel;
use serde_json::Value;
use vestibule_app::{
    StoreError,
    admin::{
        audit::{self, Filter},
        transfer,
    },
    error::Error,
    limits::fair::FairPermit,
    projects::Project,
    state::App,
};
use vestibule_domain::event::LoggedEvent;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a header line.
    Csv,
    /// One JSON object per line.
    JsonLines,
}

impl Format {
    /// Every format; the default comes first.
    pub const ALL: [Self; 2] = [Self::JsonLines, Self::Csv];

    /// The name in a query.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/x-ndjson",
        }
    }

    fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "attachment; filename=\"events.csv\"",
            Self::JsonLines => "attachment; filename=\"events.jsonl\"",
        }
    }

    /// The rows as text; CSV begins with the line of headings.
    fn print(self, rows: &[LoggedEvent], is_begin: bool) -> Vec<u8> {
        match self {
            Self::Csv => print_csv(rows, is_begin),
            Self::JsonLines => rows.iter().flat_map(|row| [row.body.as_str(), "\n"]).collect::<String>().into_bytes(),
        }
    }
}

/// Every user, newest first, as JSON Lines; the place is one of the exports.
///
/// # Errors
/// The store's, before the first line.
pub async fn stream_users(app: Arc<App>, project: Arc<Project>, place: FairPermit) -> Result<Body, StoreError> {
    let mut next = transfer::export_step(&app, &project, None).await?;
    let (mut sender, channel) = Channel::<Bytes, StoreError>::new(2);
    tokio::spawn(async move {
        let _place = place;
        while let Some((lines, last)) = next {
            if sender.send_data(Bytes::from(lines)).await.is_err() {
                return;
            }
            match transfer::export_step(&app, &project, Some(last)).await {
                Ok(step) => next = step,
                Err(error) => {
                    tracing::error!(error = %error, "an export stopped early");
                    // Break the connection, so that an incomplete export is not mistaken for a complete one.
                    sender.abort(error);
                    return;
                }
            }
        }
    });
    Ok(Body::new(channel))
}

/// Sends every user as a file.
///
/// # Errors
/// As [`stream_users`].
pub async fn send_users(app: Arc<App>, project: Arc<Project>, place: FairPermit) -> Result<Response, Error> {
    let body = stream_users(app, project, place).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(Format::JsonLines.media_type())),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"users.jsonl\"")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, body).into_response())
}

/// Sends every event that matches a filter; the place is one of the exports.
pub async fn send(
    app: Arc<App>,
    project: Arc<Project>,
    (filter, format): (&Filter, Format),
    place: FairPermit,
) -> Result<Response, Error> {
    let mut export = audit::export(&app, &project, filter).await?;
    let first = export.step(&app, &project).await?;
    let (mut sender, channel) = Channel::<Bytes, StoreError>::new(2);
    tokio::spawn(async move {
        let _place = place;
        let mut rows = first;
        let mut is_begin = true;
        loop {
            let text = format.print(&rows, is_begin);
            // Sending fails when the client has disconnected.
            if rows.is_empty() && text.is_empty() || sender.send_data(Bytes::from(text)).await.is_err() {
                return;
            }
            is_begin = false;
            rows = match export.step(&app, &project).await {
                Ok(rows) => rows,
                Err(error) => {
                    tracing::error!(error = %error, "an export of events stopped early");
                    // Break the connection, so that an incomplete export is not mistaken for a complete one.
                    sender.abort(error);
                    return;
                }
            };
        }
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(format.media_type())),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(format.file_name())),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::new(channel)).into_response())
}

const COLUMNS: [&str; 9] =
    ["time", "number", "event", "user_id", "application", "triggered_by", "by", "ip_address", "payload"];

fn print_csv(rows: &[LoggedEvent], is_begin: bool) -> Vec<u8> {
    const PROOF: &str = "each record has the same number of cells, and writing to memory cannot fail";
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    if is_begin {
        csv.write_record(COLUMNS).expect(PROOF);
    }
    for row in rows {
        csv.write_record(cells(row)).expect(PROOF);
    }
    csv.into_inner().expect(PROOF)
}

/// The cells of an event, in the order of [`COLUMNS`].
fn cells(row: &LoggedEvent) -> [String; COLUMNS.len()] {
    let body: Value = serde_json::from_str(&row.body).unwrap_or_default();
    let context = &body["context"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let cells = [
        row.created_at.to_rfc3339(),
        row.seq.to_string(),
        row.kind.clone(),
        row.user_id.map(|id| id.to_string()).unwrap_or_default(),
        row.client_id.clone().unwrap_or_default(),
        text(&context["triggered_by"]),
        text(&context["audit_context"]["operator_email"]),
        text(&context["ip_address"]),
        body["payload"].to_string(),
    ];
    cells.map(guard_formula)
}

/// The text of a cell that a spreadsheet does not evaluate: one that begins like a formula gets an apostrophe in front.
fn guard_formula(text: String) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vestibule_domain::{id::UserId, time::Timestamp};

    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        for (text, guarded) in [
            ("", ""),
            ("shop-web", "shop-web"),
            ("a=b", "a=b"),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2", "'-2"),
            ("+49", "'+49"),
            ("\t=1", "'\t=1"),
            ("\n=1", "'\n=1"),
            ("＝1", "'＝1"),
        ] {
            assert_eq!(guard_formula(text.into()), guarded, "{text:?}");
        }
    }

    fn event(operator: &str, payload: &Value) -> LoggedEvent {
        let body = json!({
            "type": "user.disabled", "payload": payload,
            "context": {"triggered_by": "portal", "audit_context": {"operator_email": operator}, "ip_address": "203.0.113.9"},
        });
        LoggedEvent {
            seq: 7,
            user_id: Some(UserId::from_parts(1, [1; 10])),
            kind: "user.disabled".into(),
            client_id: None,
            body: body.to_string(),
            created_at: Timestamp::from_seconds(1_893_456_000),
        }
    }

    #[test]
    fn a_line_has_a_cell_for_each_heading() {
        let row = event("=cmd", &json!({}));
        let user = UserId::from_parts(1, [1; 10]);
        let head = "time,number,event,user_id,application,triggered_by,by,ip_address,payload\r\n";
        let line = format!("2030-01-01T00:00:00.000Z,7,user.disabled,{user},,portal,'=cmd,203.0.113.9,{{}}\r\n");
        let print =
            |is_begin| String::from_utf8(Format::Csv.print(std::slice::from_ref(&row), is_begin)).expect("UTF-8");
        assert_eq!(print(true), format!("{head}{line}"));
        assert_eq!(print(false), line);
        assert_eq!(Format::JsonLines.print(std::slice::from_ref(&row), true), format!("{}\n", row.body).into_bytes());
        assert_eq!(Format::Csv.print(&[], true), head.as_bytes());
        assert_eq!(Format::Csv.print(&[], false), b"");
    }

    #[test]
    fn signs_of_the_format_stay_within_their_cell() {
        let payload = json!({"text": "a,b \"c\"\r\nd"});
        let text = Format::Csv.print(&[event("kim, \"lee\"\n=1", &payload), event("lee", &payload)], true);
        let mut reader = csv::Reader::from_reader(&*text);
        assert_eq!(reader.headers().expect("headings"), &csv::StringRecord::from(&COLUMNS[..]));
        let records: Vec<csv::StringRecord> =
            reader.records().collect::<Result<_, _>>().expect("records of one length");
        assert_eq!(records.len(), 2);
        assert_eq!(&records[0][6], "kim, \"lee\"\n=1");
        assert_eq!(serde_json::from_str::<Value>(&records[1][8]).expect("JSON"), payload);
    }
}
