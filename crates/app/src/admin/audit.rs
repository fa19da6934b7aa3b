//! Reads the audit log for operators: filtered, by page, as a stream, and as an export.

use std::ops::Range;

use serde_json::Value;
use vestibule_domain::{event::LoggedEvent, id::UserId, time::Timestamp};
use vestibule_store::{
    Conn, StoreError,
    events::{self, EventSelection},
};

use super::{AdminError, ListPage};
use crate::{ctx::Ctx, projects::Project, state::App};

/// Number of events per step of an export.
const EXPORT_BATCH: i64 = 500;

/// A filter for events; the default matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub user: Option<UserId>,
    /// The event's name.
    pub kind: Option<String>,
    /// The earliest time.
    pub from: Option<Timestamp>,
    /// The time before which events happened.
    pub to: Option<Timestamp>,
}

impl Filter {
    fn wanted(&self) -> EventSelection {
        // A PostgreSQL text cannot contain NUL.
        let kind = self.kind.as_ref().map(|kind| kind.replace('\0', ""));
        match (self.user, kind) {
            (Some(user), kind) => EventSelection::OfUser(user, kind),
            (None, Some(kind)) => EventSelection::OfType(kind),
            (None, None) => EventSelection::All,
        }
    }

    /// The range of event numbers for the filter's times.
    async fn numbers(&self, conn: &mut Conn, project: &Project) -> Result<Range<i64>, StoreError> {
        let start = match self.from {
            Some(from) => events::seek(conn, project.no, from).await?,
            None => 0,
        };
        let end = match self.to {
            Some(to) => events::seek(conn, project.no, to).await?,
            None => i64::MAX,
        };
        Ok(start..end)
    }
}

/// One page, newest first.
pub async fn list(
    ctx: &Ctx<'_>,
    filter: &Filter,
    cursor: Option<&str>,
    limit: u32,
) -> Result<ListPage<LoggedEvent>, AdminError> {
    let before = crate::admin::read_number(cursor)?;
    let mut conn = ctx.app.store.read().await?;
    let mut between = filter.numbers(&mut conn, ctx.project).await?;
    between.end = between.end.min(before.unwrap_or(i64::MAX));
    let rows = events::list_page(&mut conn, ctx.project.no, &filter.wanted(), &between, i64::from(limit) + 1).await?;
    Ok(ListPage::cut(rows, limit, |row| row.seq.to_string()))
}

/// An event as a line of the audit log.
#[derive(Clone, Debug)]
pub struct AuditLine {
    pub seq: i64,
    pub at: Timestamp,
    /// The event's name.
    pub kind: String,
    /// Whether a guest signed in to an existing member instead of becoming one; the event's name is the same.
    pub is_sign_in_instead: bool,
    pub user: Option<UserId>,
    /// The operator's email address, the command, or else the kind of actor.
    pub by: String,
    pub client_id: Option<String>,
    pub facts: EventFacts,
    /// The whole event, as indented JSON.
    pub body: String,
}

/// What an event says besides its name, for the history of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFacts {
    /// Why it happened, by its name in the payload.
    pub reason: Option<String>,
    /// The device of its session.
    pub device: Option<String>,
    /// The network address of the caller.
    pub ip: Option<String>,
    /// The other user of a merge, or of a sign-in to an existing member.
    pub other: Option<String>,
    /// The email address, phone number or username that came with it, or the provider's name.
    pub login_id: Option<String>,
    /// The settings that it changed.
    pub changes: Vec<ChangedSetting>,
    /// Further settings that it changed, and does not name.
    pub omitted: u64,
}

/// A setting in an event, with its values as JSON; none where there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedSetting {
    pub key: String,
    pub from: Option<String>,
    pub to: Option<String>,
}

impl EventFacts {
    fn of(body: &Value, about: Option<UserId>) -> Self {
        let (payload, about) = (&body["payload"], about.map(|id| id.to_string()));
        let text = |value: &Value| value.as_str().map(str::to_string);
        let users = ["anonymous_user", "user"].map(|who| text(&payload[who]["id"]));
        let other = match users {
            [Some(guest), Some(member)] if guest != member => {
                Some(if about.as_deref() == Some(guest.as_str()) { member } else { guest })
            }
            _ => None,
        };
        let identities = payload["identities"].as_array().into_iter().flatten().chain([&payload["identity"]]);
        let mut claims = identities.flat_map(|identity| {
            ["email", "phone_number", "preferred_username"].map(|name| text(&identity["claims"][name]))
        });
        Self {
            reason: text(&payload["reason"]),
            device: text(&payload["session"]["display_name"]),
            ip: text(&body["context"]["ip_address"]),
            other,
            login_id: claims.find_map(|claim| claim),
            changes: payload["changes"].as_array().into_iter().flatten().filter_map(ChangedSetting::of).collect(),
            omitted: payload["omitted"].as_u64().unwrap_or(0),
        }
    }
}

impl ChangedSetting {
    fn of(change: &Value) -> Option<Self> {
        let text = |name: &str| change[name].as_str().map(str::to_string);
        Some(Self { key: text("key")?, from: text("from"), to: text("to") })
    }
}

impl AuditLine {
    fn of(row: LoggedEvent) -> Self {
        let body: Value = serde_json::from_str(&row.body).unwrap_or_default();
        let context = &body["context"];
        let acting = &context["audit_context"];
        let by = [&acting["operator_email"], &acting["command"], &context["triggered_by"]];
        let by = by.into_iter().find_map(Value::as_str).unwrap_or_default().to_string();
        let [guest, member] = ["anonymous_user", "user"].map(|who| body["payload"][who]["id"].as_str());
        Self {
            seq: row.seq,
            at: row.created_at,
            is_sign_in_instead: guest.is_some() && guest != member,
            kind: row.kind,
            user: row.user_id,
            by,
            client_id: row.client_id,
            facts: EventFacts::of(&body, row.user_id),
            body: serde_json::to_string_pretty(&body).unwrap_or_default(),
        }
    }
}

/// As [`list`], as lines of the audit log.
pub async fn list_lines(
    ctx: &Ctx<'_>,
    filter: &Filter,
    cursor: Option<&str>,
    limit: u32,
) -> Result<ListPage<AuditLine>, AdminError> {
    let page = list(ctx, filter, cursor, limit).await?;
    Ok(ListPage { items: page.items.into_iter().map(AuditLine::of).collect(), next: page.next })
}

/// Iterates over all events that match a filter, newest first. Events added during the export are not included.
pub struct EventExport {
    wanted: EventSelection,
    between: Range<i64>,
}

pub async fn export(app: &App, project: &Project, filter: &Filter) -> Result<EventExport, StoreError> {
    let mut conn = app.store.read().await?;
    let mut between = filter.numbers(&mut conn, project).await?;
    between.end = between.end.min(events::last(&mut conn, project.no).await?.saturating_add(1));
    Ok(EventExport { wanted: filter.wanted(), between })
}

impl EventExport {
    /// The next events; empty after the last.
    pub async fn step(&mut self, app: &App, project: &Project) -> Result<Vec<LoggedEvent>, StoreError> {
        let mut conn = app.store.read().await?;
        let rows = events::list_page(&mut conn, project.no, &self.wanted, &self.between, EXPORT_BATCH).await?;
        self.between.end = rows.last().map_or(self.between.start, |row| row.seq);
        Ok(rows)
    }
}

/// The number of the newest event; 0 when there is none.
pub async fn last(ctx: &Ctx<'_>) -> Result<i64, StoreError> {
    events::last(&mut *ctx.app.store.read().await?, ctx.project.no).await
}

/// At most `limit` events above a number, oldest first.
pub async fn follow(app: &App, project: &Project, after: i64, limit: i64) -> Result<Vec<LoggedEvent>, StoreError> {
    events::follow(&mut *app.store.read().await?, project.no, after, limit).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_says_who_the_other_user_is() {
        let (guest, member) = (UserId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
        let body = json!({
            "payload": {
                "anonymous_user": {"id": guest.to_string()},
                "user": {"id": member.to_string()},
                "identities": [{"claims": {"https://authgear.com/x": ""}}, {"claims": {"email": "kim@shop.test"}}],
            },
            "context": {"ip_address": "192.0.2.7"},
        });
        let of = |about| EventFacts::of(&body, Some(about));
        assert_eq!(of(guest).other, Some(member.to_string()));
        assert_eq!(of(member).other, Some(guest.to_string()));
        assert_eq!(
            (of(guest).login_id.as_deref(), of(guest).ip.as_deref()),
            (Some("kim@shop.test"), Some("192.0.2.7"))
        );
        let alone = json!({"payload": {"user": {"id": guest.to_string()}, "reason": "operator"}});
        let facts = EventFacts::of(&alone, Some(guest));
        assert_eq!((facts.other, facts.reason.as_deref()), (None, Some("operator")));
    }

    #[test]
    fn an_event_says_what_settings_it_changed() {
        let change = json!({"key": "ui.name", "from": null, "to": "\"Shop\""});
        let facts = EventFacts::of(&json!({"payload": {"changes": [change, "odd"], "omitted": 3}}), None);
        let expected = ChangedSetting { key: "ui.name".into(), from: None, to: Some("\"Shop\"".into()) };
        assert_eq!((facts.changes, facts.omitted), (vec![expected], 3));
    }
}
