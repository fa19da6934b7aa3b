//! Coalesced events: repetitions within a window that are not reported yet. SQL over `repeats`; no policy.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    time::Timestamp,
};

use crate::{
    column::{read_optional_id, read_project, read_time},
    db::{Conn, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&NOTE, &DUE_ANY_PROJECT, &TAKE, &REMOVE];

/// Equal events within one window.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeat {
    /// The project.
    pub project: ProjectNo,
    /// The hash of what makes them equal.
    pub id: Vec<u8>,
    /// How many are not reported yet.
    pub unreported: i64,
    /// The latest of them.
    pub payload: String,
    /// The user they are about.
    pub user_id: Option<UserId>,
    /// When their number is reported.
    pub report_at: Timestamp,
}

const NOTE: Sql = Sql::new(
    "INSERT INTO repeats (
       project_no,
       id,
       untold,
       payload,
       user_id,
       tell_at
     ) VALUES ($1, $2, 0, $3, $4, $5)
     ON CONFLICT (project_no, id) DO UPDATE
     SET untold = repeats.untold + 1,
         payload = excluded.payload
     RETURNING untold",
);

/// Records an event; `true` for the first of its window, which is reported at once. `report_at` is used only for that
/// one.
pub async fn note(
    tx: &mut Tx,
    p: ProjectNo,
    id: &[u8],
    payload: &str,
    user: Option<UserId>,
    report_at: Timestamp,
) -> Result<bool, StoreError> {
    let user = user.as_ref().map(|id| id.as_bytes().as_slice());
    let unreported: Option<i64> =
        tx.query_optional(&NOTE, &[&p.0, &id, &payload, &user, &report_at.as_micros()], |row| row.get(0)).await?;
    Ok(unreported == Some(0))
}

const DUE_ANY_PROJECT: Sql = Sql::new(
    "SELECT
       project_no,
       id,
       untold,
       payload,
       user_id,
       tell_at
     FROM repeats
     WHERE tell_at <= $1
     ORDER BY tell_at
     LIMIT $2",
);

/// At most `limit` rows whose number is to be reported by `now`, or that can be removed.
pub async fn due_any_project(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<Repeat>, StoreError> {
    conn.query_all(&DUE_ANY_PROJECT, &[&now.as_micros(), &limit], |row| {
        Ok(Repeat {
            project: read_project(row, 0)?,
            id: row.get(1)?,
            unreported: row.get(2)?,
            payload: row.get(3)?,
            user_id: read_optional_id(row, 4)?,
            report_at: read_time(row, 5)?,
        })
    })
    .await
}

const TAKE: Sql = Sql::new(
    "UPDATE repeats
     SET untold = 0,
         tell_at = $4
     WHERE project_no = $1 AND id = $2
       AND tell_at = $3
       AND untold = $5",
);

/// Begins the next window; `false` when another node did, or an event was added since the row was read.
pub async fn take(tx: &mut Tx, repeat: &Repeat, next: Timestamp) -> Result<bool, StoreError> {
    let Repeat { project, id, unreported, report_at, .. } = repeat;
    let values: [&dyn crate::db::Param; 5] =
        [&project.0, &id.as_slice(), &report_at.as_micros(), &next.as_micros(), unreported];
    tx.execute_one(&TAKE, &values).await
}

const REMOVE: Sql = Sql::new(
    "DELETE FROM repeats
     WHERE project_no = $1 AND id = $2
       AND tell_at = $3
       AND untold = $4",
);

/// Removes the row, unless an event was added since it was read.
pub async fn remove(tx: &mut Tx, repeat: &Repeat) -> Result<bool, StoreError> {
    let Repeat { project, id, unreported, report_at, .. } = repeat;
    tx.execute_one(&REMOVE, &[&project.0, &id.as_slice(), &report_at.as_micros(), unreported]).await
}
