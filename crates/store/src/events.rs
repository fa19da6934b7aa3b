//! The event log for audits. SQL over `events`; no policy.

use std::ops::Range;

use vestibule_domain::{
    event::LoggedEvent,
    id::{ProjectNo, UserId},
    time::Timestamp,
};

use crate::{
    column::{read_optional_id, read_time},
    db::{Conn, Row, Sql, StoreError, Tx},
    lock_order::remove_first,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] =
    &[&INSERT, &PAGE, &PAGE_OF_USER, &PAGE_OF_TYPE, &SEEK, &FOLLOW, &LAST, &REMOVE_OLD_ANY_PROJECT];

fn read_row(row: &Row<'_>) -> Result<LoggedEvent, StoreError> {
    Ok(LoggedEvent {
        seq: row.get(0)?,
        user_id: read_optional_id(row, 1)?,
        kind: row.get(2)?,
        client_id: row.get(3)?,
        body: row.get(4)?,
        created_at: read_time(row, 5)?,
    })
}

const INSERT: Sql = Sql::new(
    "INSERT INTO events (
       project_no,
       seq,
       user_id,
       type,
       client_id,
       body,
       created_at
     ) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT DO NOTHING",
);

/// Adds an event; `false` when its number exists already.
pub async fn insert(tx: &mut Tx, p: ProjectNo, event: &LoggedEvent) -> Result<bool, StoreError> {
    let user = event.user_id.as_ref().map(|id| id.as_bytes().as_slice());
    tx.execute_one(
        &INSERT,
        &[
            &p.0,
            &event.seq,
            &user,
            &event.kind.as_str(),
            &event.client_id.as_deref(),
            &event.body.as_str(),
            &event.created_at.as_micros(),
        ],
    )
    .await
}

const PAGE: Sql = Sql::new(
    "SELECT
       seq,
       user_id,
       type,
       client_id,
       body,
       created_at
     FROM events
     WHERE project_no = $1 AND seq >= $2 AND seq < $3
     ORDER BY seq DESC
     LIMIT $4",
);

const PAGE_OF_USER: Sql = Sql::new(
    "SELECT
       seq,
       user_id,
       type,
       client_id,
       body,
       created_at
     FROM events
     WHERE project_no = $1 AND user_id = $5 AND seq >= $2 AND seq < $3
       AND ($6 = '' OR type = $6)
     ORDER BY seq DESC
     LIMIT $4",
);

const PAGE_OF_TYPE: Sql = Sql::new(
    "SELECT
       seq,
       user_id,
       type,
       client_id,
       body,
       created_at
     FROM events
     WHERE project_no = $1 AND type = $5 AND seq >= $2 AND seq < $3
     ORDER BY seq DESC
     LIMIT $4",
);

/// A filter for events.
#[derive(Clone, Debug, PartialEq)]
pub enum EventSelection {
    /// All events of the project.
    All,
    /// Events about a user, optionally of one name.
    OfUser(UserId, Option<String>),
    /// Events of this name.
    OfType(String),
}

/// At most `limit` events with numbers in a range, newest first.
pub async fn list_page(
    conn: &mut Conn,
    p: ProjectNo,
    wanted: &EventSelection,
    between: &Range<i64>,
    limit: i64,
) -> Result<Vec<LoggedEvent>, StoreError> {
    let (from, below) = (between.start, between.end);
    match wanted {
        EventSelection::All => conn.query_all(&PAGE, &[&p.0, &from, &below, &limit], read_row).await,
        EventSelection::OfUser(id, kind) => {
            let (id, kind) = (id.as_bytes().as_slice(), kind.as_deref().unwrap_or_default());
            conn.query_all(&PAGE_OF_USER, &[&p.0, &from, &below, &limit, &id, &kind], read_row).await
        }
        EventSelection::OfType(kind) => {
            conn.query_all(&PAGE_OF_TYPE, &[&p.0, &from, &below, &limit, &kind.as_str()], read_row).await
        }
    }
}

const SEEK: Sql = Sql::new(
    "WITH RECURSIVE span (low, high, found) AS (
       SELECT
         CAST(0 AS BIGINT),
         CAST($3 AS BIGINT),
         (SELECT e.created_at FROM events e WHERE e.project_no = $1 AND e.seq >= $3 / 2 ORDER BY e.seq LIMIT 1)
       UNION ALL
       SELECT
         CASE WHEN found < $2 THEN (low + high) / 2 + 1 ELSE low END,
         CASE WHEN found < $2 THEN high ELSE (low + high) / 2 END,
         (SELECT e.created_at
          FROM events e
          WHERE e.project_no = $1
            AND e.seq >= CASE WHEN found < $2 THEN ((low + high) / 2 + 1 + high) / 2 ELSE (low + (low + high) / 2) / 2 END
          ORDER BY e.seq
          LIMIT 1)
       FROM span
       WHERE low < high
     )
     SELECT low FROM span WHERE low >= high",
);

/// The first number of the events at or after a time. Numbers rise with time, so a binary search finds it without an
/// index on time. The search is one recursive statement, because some twenty round trips would be slow.
pub async fn seek(conn: &mut Conn, p: ProjectNo, at: Timestamp) -> Result<i64, StoreError> {
    let high = last(conn, p).await?.saturating_add(1);
    Ok(conn.query_optional(&SEEK, &[&p.0, &at.as_micros(), &high], |row| row.get(0)).await?.unwrap_or(high))
}

const FOLLOW: Sql = Sql::new(
    "SELECT
       seq,
       user_id,
       type,
       client_id,
       body,
       created_at
     FROM events
     WHERE project_no = $1 AND seq > $2
     ORDER BY seq
     LIMIT $3",
);

/// At most `limit` events above a number, oldest first.
pub async fn follow(conn: &mut Conn, p: ProjectNo, after: i64, limit: i64) -> Result<Vec<LoggedEvent>, StoreError> {
    conn.query_all(&FOLLOW, &[&p.0, &after, &limit], read_row).await
}

const LAST: Sql = Sql::new("SELECT seq FROM events WHERE project_no = $1 ORDER BY seq DESC LIMIT 1");

/// The number of the newest event; 0 when there is none.
pub async fn last(conn: &mut Conn, p: ProjectNo) -> Result<i64, StoreError> {
    Ok(conn.query_optional(&LAST, &[&p.0], |row| row.get(0)).await?.unwrap_or(0))
}

const REMOVE_OLD_ANY_PROJECT: Sql = remove_first!("events", "project_no, seq", "created_at < $1", "created_at");

/// Removes at most `limit` events from before a time; returns how many.
pub async fn remove_old_any_project(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_OLD_ANY_PROJECT, &[&before.as_micros(), &limit]).await
}
