//! The audit log of operators: changes to their credentials and roles. SQL over `operator_events`; no policy. An event
//! outlives its operator and belongs to no project.

use vestibule_domain::{
    id::{EventId, OperatorId},
    operator::OperatorEvent,
    time::Timestamp,
};

use crate::{
    column::{read_id, read_optional_id, read_time},
    db::{Conn, Row, Sql, StoreError, Tx},
    lock_order::remove_first,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &COUNT_AGAIN, &PAGE, &PAGE_OF_OPERATOR, &REMOVE_OLD];

fn read_event(row: &Row<'_>) -> Result<OperatorEvent, StoreError> {
    Ok(OperatorEvent {
        id: read_id(row, 0)?,
        operator_id: read_optional_id(row, 1)?,
        email: row.get(2)?,
        done_by: row.get(3)?,
        act: row.get(4)?,
        detail: row.get(5)?,
        ip: row.get(6)?,
        created_at: read_time(row, 7)?,
        times: row.get(8)?,
    })
}

const INSERT: Sql = Sql::new(
    "INSERT INTO operator_events (
       id,
       operator_id,
       email,
       done_by,
       act,
       detail,
       ip,
       created_at,
       times
     ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);

/// Adds an event.
pub async fn insert(tx: &mut Tx, event: &OperatorEvent) -> Result<(), StoreError> {
    tx.execute(
        &INSERT,
        &[
            &event.id.as_bytes().as_slice(),
            &event.operator_id.as_ref().map(|id| id.as_bytes().as_slice()),
            &event.email.as_str(),
            &event.done_by.as_str(),
            &event.act.as_str(),
            &event.detail.as_str(),
            &event.ip.as_deref(),
            &event.created_at.as_micros(),
            &event.times,
        ],
    )
    .await
    .map(drop)
}

const COUNT_AGAIN: Sql = Sql::new(
    "UPDATE operator_events
     SET times = times + 1
     WHERE id = (
       SELECT id
       FROM operator_events
       WHERE operator_id = $1
         AND id >= $2
         AND act = $3
         AND detail = $4
         AND ip = $5
       ORDER BY id DESC
       LIMIT 1
     )",
);

/// Adds one, or counts it with an equal one from the same address that is not older than `since`.
///
/// # Errors
/// Those of the engine.
pub async fn insert_or_count(tx: &mut Tx, event: &OperatorEvent, since: Timestamp) -> Result<(), StoreError> {
    let bound = EventId::lower_bound(since.as_unix_millis());
    let counted = tx
        .execute_one(
            &COUNT_AGAIN,
            &[
                &event.operator_id.as_ref().map(|id| id.as_bytes().as_slice()),
                &bound.as_bytes().as_slice(),
                &event.act.as_str(),
                &event.detail.as_str(),
                &event.ip.as_deref(),
            ],
        )
        .await?;
    if counted { Ok(()) } else { insert(tx, event).await }
}

const PAGE: Sql = Sql::new(
    "SELECT
       id,
       operator_id,
       email,
       done_by,
       act,
       detail,
       ip,
       created_at,
       times
     FROM operator_events
     WHERE id < $1
     ORDER BY id DESC
     LIMIT $2",
);

const PAGE_OF_OPERATOR: Sql = Sql::new(
    "SELECT
       id,
       operator_id,
       email,
       done_by,
       act,
       detail,
       ip,
       created_at,
       times
     FROM operator_events
     WHERE operator_id = $3 AND id < $1
     ORDER BY id DESC
     LIMIT $2",
);

/// At most `limit` events before an ID (from the newest without one), newest first; of all operators or of one.
pub async fn list_page(
    conn: &mut Conn,
    of: Option<OperatorId>,
    before: Option<EventId>,
    limit: i64,
) -> Result<Vec<OperatorEvent>, StoreError> {
    let before = before.map_or([u8::MAX; 16], |id| *id.as_bytes());
    let before = before.as_slice();
    match of {
        None => conn.query_all(&PAGE, &[&before, &limit], read_event).await,
        Some(id) => {
            let id = id.as_bytes().as_slice();
            conn.query_all(&PAGE_OF_OPERATOR, &[&before, &limit, &id], read_event).await
        }
    }
}

const REMOVE_OLD: Sql = remove_first!("operator_events", "id", "id < $1", "id");

/// Removes at most `limit` events before a time; returns how many.
pub async fn remove_old(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let bound = EventId::lower_bound(before.as_unix_millis());
    tx.execute(&REMOVE_OLD, &[&bound.as_bytes().as_slice(), &limit]).await
}
