//! The audit log as a file: CSV or JSON Lines, streamed as it is read, so that memory use does not depend on its
//! length.

use std::{fmt::Write, sync::Arc};
use vestibule_domain::event::LoggedEvent;

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use http_body_util::channel::Channel;
use serde_json::Value;
use vestibule_app::StoreError;
use vestibule_app::{
    admin::audit::{self, Filter},
    error::Error,
    projects::Project,
    state::App,
};

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

    fn head(self) -> &'static str {
        match self {
            Self::Csv => "time,number,event,user_id,application,triggered_by,by,ip_address,payload\r\n",
            Self::JsonLines => "",
        }
    }

    fn print(self, row: &LoggedEvent) -> String {
        match self {
            Self::Csv => print_csv(row),
            Self::JsonLines => format!("{}\n", row.body),
        }
    }
}

/// Sends every event that matches a filter.
pub async fn send(app: Arc<App>, project: Arc<Project>, filter: &Filter, format: Format) -> Result<Response, Error> {
    let place = app.shares.transfers.take(project.no)?;
    let mut export = audit::export(&app, &project, filter).await?;
    let first = export.step(&app, &project).await?;
    let (mut sender, channel) = Channel::<Bytes, StoreError>::new(2);
    tokio::spawn(async move {
        let _place = place;
        let mut text = format.head().to_string();
        let mut rows = first;
        loop {
            text.extend(rows.iter().map(|row| format.print(row)));
            // Sending fails when the client has disconnected.
            if rows.is_empty() && text.is_empty() || sender.send_data(Bytes::from(text)).await.is_err() {
                return;
            }
            text = String::new();
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

fn print_csv(row: &LoggedEvent) -> String {
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
    let mut line = String::new();
    for (index, cell) in cells.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(line, "{comma}{}", print_cell(cell)).expect("writing to a String cannot fail");
    }
    line.push_str("\r\n");
    line
}

/// A CSV cell that a spreadsheet does not evaluate: text that begins like a formula gets an apostrophe in front.
fn print_cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let guard = if is_formula { "'" } else { "" };
    if is_formula || text.contains([',', '"', '\r', '\n']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vestibule_domain::{id::UserId, time::Timestamp};

    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        for (text, printed) in [
            ("", ""),
            ("shop-web", "shop-web"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("-2", "\"'-2\""),
            ("+49", "\"'+49\""),
            ("\t=1", "\"'\t=1\""),
            ("＝1", "\"'＝1\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
        ] {
            assert_eq!(print_cell(text), printed, "{text:?}");
        }
    }

    #[test]
    fn a_line_has_a_cell_for_each_heading() {
        let body = json!({
            "type": "user.disabled", "payload": {},
            "context": {"triggered_by": "portal", "audit_context": {"operator_email": "=cmd"}, "ip_address": "203.0.113.9"},
        });
        let row = LoggedEvent {
            seq: 7,
            user_id: Some(UserId::from_parts(1, [1; 10])),
            kind: "user.disabled".into(),
            client_id: None,
            body: body.to_string(),
            created_at: Timestamp::from_seconds(1_893_456_000),
        };
        let line = print_csv(&row);
        let user = UserId::from_parts(1, [1; 10]);
        assert_eq!(
            line,
            format!("2030-01-01T00:00:00.000Z,7,user.disabled,{user},,portal,\"'=cmd\",203.0.113.9,{{}}\r\n")
        );
        assert_eq!(Format::Csv.head().matches(',').count(), line.matches(',').count());
        assert_eq!(Format::JsonLines.print(&row), format!("{}\n", row.body));
    }
}
