//! Side effects to carry out after the commit that queued them. SQL over `outbox`; no policy.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    time::Timestamp,
};

use crate::{
    column::{read_id, read_optional_id, read_project, read_time},
    db::{Array, Conn, Engine, Row, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &PUSH,
    &PUSH_ALL,
    &PRETEND,
    &DUE_ANY_PROJECT,
    &WAITING_ANY_PROJECT,
    &DUE,
    &CLAIM,
    &FAIL,
    &GIVE_UP,
    &REMOVE,
    &OLDEST_ANY_PROJECT,
    &SET_ASIDE,
    &COUNT_ANY_PROJECT,
    &COUNT,
    &LIST_IDS_ANY_PROJECT,
    &DUE_IDS,
    &FIND_ANY_PROJECT,
    &LIST_ABOUT,
];

/// The kind of events that could not be read: they are kept for an operator, and no webhook receives them.
pub const UNREADABLE_KIND: &str = "event.unreadable";

/// A queued side effect.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxRow {
    /// Sequence number.
    pub id: i64,
    /// The project it belongs to.
    pub project: ProjectNo,
    /// What kind of side effect.
    pub kind: String,
    /// The user it is about.
    pub user_id: Option<UserId>,
    /// Its parameters, as JSON.
    pub payload: String,
    /// When it was queued.
    pub created_at: Timestamp,
    /// The earliest time to run it.
    pub due_at: Timestamp,
    /// How many attempts were made.
    pub attempts: i64,
}

fn read_row(row: &Row<'_>) -> Result<OutboxRow, StoreError> {
    Ok(OutboxRow {
        id: row.get(0)?,
        project: read_project(row, 1)?,
        kind: row.get(2)?,
        user_id: read_optional_id(row, 3)?,
        payload: row.get(4)?,
        created_at: read_time(row, 5)?,
        due_at: read_time(row, 6)?,
        attempts: row.get(7)?,
    })
}

const PUSH: Sql = Sql::new(
    "INSERT INTO outbox (
       project_no,
       kind,
       user_id,
       payload,
       created_at,
       due_at
     ) VALUES ($1, $2, $3, $4, $5, 0)",
);

/// Queues a side effect, due at once: what is due is in the order of its numbers, which the database gives, whatever the clocks of
/// the processes say.
pub async fn push(
    tx: &mut Tx,
    p: ProjectNo,
    kind: &str,
    user: Option<UserId>,
    payload: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let user = user.as_ref().map(|id| id.as_bytes().as_slice());
    tx.fill_outbox();
    tx.execute(&PUSH, &[&p.0, &kind, &user, &payload, &now.as_micros()]).await.map(|_| ())
}

/// [`PUSH`] for several.
const PUSH_ALL: Sql = Sql::both(
    PUSH.text(Engine::Sqlite),
    "INSERT INTO outbox (
       project_no,
       kind,
       user_id,
       payload,
       created_at,
       due_at
     )
     SELECT
       project_no,
       kind,
       user_id,
       payload,
       created_at,
       0
     FROM unnest(
       CAST($1 AS BIGINT[]),
       CAST($2 AS TEXT[]),
       CAST($3 AS BYTEA[]),
       CAST($4 AS TEXT[]),
       CAST($5 AS BIGINT[])
     ) AS added (project_no, kind, user_id, payload, created_at)",
);

/// A side effect to queue about a user.
#[derive(Clone, Debug)]
pub struct Pushed<'a> {
    /// The project.
    pub project: ProjectNo,
    /// What kind of side effect.
    pub kind: &'a str,
    /// The user it is about.
    pub user_id: UserId,
    /// Its parameters, as JSON.
    pub payload: String,
    /// When it is queued.
    pub created_at: Timestamp,
}

/// Queues several side effects, as [`push`] does each; they are about different users, so their order is of no meaning.
pub async fn push_all(tx: &mut Tx, rows: &[Pushed<'_>]) -> Result<(), StoreError> {
    if tx.engine() == Engine::Sqlite || rows.len() < 2 {
        for row in rows {
            push(tx, row.project, row.kind, Some(row.user_id), &row.payload, row.created_at).await?;
        }
        return Ok(());
    }
    tx.fill_outbox();
    let projects: Array<i64> = rows.iter().map(|row| row.project.0).collect();
    let kinds: Array<&str> = rows.iter().map(|row| row.kind).collect();
    let users: Array<&[u8]> = rows.iter().map(|row| row.user_id.as_bytes().as_slice()).collect();
    let payloads: Array<&str> = rows.iter().map(|row| row.payload.as_str()).collect();
    let times: Array<i64> = rows.iter().map(|row| row.created_at.as_micros()).collect();
    tx.execute(&PUSH_ALL, &[&projects, &kinds, &users, &payloads, &times]).await.map(|_| ())
}

const PRETEND: Sql = Sql::new(
    "INSERT INTO outbox (
       project_no,
       kind,
       payload,
       created_at,
       due_at
     )
     SELECT
       CAST($1 AS BIGINT),
       CAST($2 AS TEXT),
       CAST($3 AS TEXT),
       CAST($4 AS BIGINT),
       CAST(0 AS BIGINT)
     WHERE CAST($4 AS BIGINT) IS NULL",
);

/// Queues nothing, in about the time of [`push`], so that a caller cannot tell a message that has no recipient by it.
pub async fn pretend(tx: &mut Tx, p: ProjectNo, kind: &str, payload: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.fill_outbox();
    tx.execute(&PRETEND, &[&p.0, &kind, &payload, &now.as_micros()]).await.map(|_| ())
}

const DUE_ANY_PROJECT: Sql = Sql::new(
    "SELECT
       id,
       project_no,
       kind,
       user_id,
       payload,
       created_at,
       due_at,
       attempts
     FROM outbox
     WHERE kind = $1 AND due_at <= $2
     ORDER BY due_at, id
     LIMIT $3",
);

/// At most `limit` due side effects of a kind, the longest due first.
pub async fn due_any_project(
    conn: &mut Conn,
    kind: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<OutboxRow>, StoreError> {
    conn.query_all(&DUE_ANY_PROJECT, &[&kind, &now.as_micros(), &limit], read_row).await
}

const WAITING_ANY_PROJECT: Sql = Sql::new(
    "WITH RECURSIVE waiting (project_no) AS (
       SELECT MIN(o.project_no)
       FROM outbox o
       WHERE o.kind = $1 AND o.project_no > $3
       UNION ALL
       SELECT (
         SELECT MIN(o.project_no)
         FROM outbox o
         WHERE o.kind = $1 AND o.project_no > w.project_no
       )
       FROM waiting w
       WHERE w.project_no IS NOT NULL
     )
     SELECT w.project_no
     FROM waiting w
     WHERE w.project_no IS NOT NULL
       AND EXISTS (
         SELECT 1
         FROM outbox o
         WHERE o.kind = $1 AND o.project_no = w.project_no AND o.due_at <= $2
       )
     LIMIT $4",
);

/// At most `limit` projects with a due side effect of a kind, by project number, after one of them. Costs one index
/// lookup per project, however many side effects are queued.
pub async fn waiting_any_project(
    conn: &mut Conn,
    kind: &str,
    now: Timestamp,
    after: ProjectNo,
    limit: i64,
) -> Result<Vec<ProjectNo>, StoreError> {
    conn.query_all(&WAITING_ANY_PROJECT, &[&kind, &now.as_micros(), &after.0, &limit], |row| read_project(row, 0)).await
}

const DUE: Sql = Sql::new(
    "SELECT
       id,
       project_no,
       kind,
       user_id,
       payload,
       created_at,
       due_at,
       attempts
     FROM outbox
     WHERE kind = $1 AND project_no = $2 AND due_at <= $3
     ORDER BY due_at, id
     LIMIT $4",
);

/// At most `limit` due side effects of a kind in a project, the longest due first.
pub async fn due(
    conn: &mut Conn,
    p: ProjectNo,
    kind: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<OutboxRow>, StoreError> {
    conn.query_all(&DUE, &[&kind, &p.0, &now.as_micros(), &limit], read_row).await
}

/// One attempt at a side effect, as a worker read it. It is the worker's from [`claim`] until another worker's attempt begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxAttempt {
    /// The side effect's sequence number.
    pub id: i64,
    /// How many attempts were made before this one.
    pub attempts: i64,
}

impl OutboxAttempt {
    /// The next attempt at a side effect.
    #[must_use]
    pub fn next_of(row: &OutboxRow) -> Self {
        Self { id: row.id, attempts: row.attempts }
    }
}

const CLAIM: Sql = Sql::new(
    "UPDATE outbox
     SET due_at = $3,
         claimed_by = $4,
         attempts = attempts + 1
     WHERE id = $1
       AND attempts = $2",
);

/// Leases an attempt to a node `until` a time; exactly one of several nodes gets `true`.
pub async fn claim(tx: &mut Tx, this: OutboxAttempt, until: Timestamp, node: Option<i64>) -> Result<bool, StoreError> {
    tx.execute_one(&CLAIM, &[&this.id, &this.attempts, &until.as_micros(), &node]).await
}

const FAIL: Sql = Sql::new(
    "UPDATE outbox
     SET due_at = $3,
         claimed_by = NULL,
         last_error = $4
     WHERE id = $1
       AND attempts - 1 = $2",
);

/// Records a failed attempt and the time of the next one. `false`, and nothing is recorded, when the attempt is not the caller's
/// any more.
pub async fn fail(tx: &mut Tx, this: OutboxAttempt, due_at: Timestamp, error: &str) -> Result<bool, StoreError> {
    tx.execute_one(&FAIL, &[&this.id, &this.attempts, &due_at.as_micros(), &error]).await
}

const GIVE_UP: Sql = Sql::new("DELETE FROM outbox WHERE id = $1 AND attempts - 1 = $2");

/// Removes a side effect that was attempted in vain. `false`, and it stays, when the attempt is not the caller's any more.
pub async fn give_up(tx: &mut Tx, this: OutboxAttempt) -> Result<bool, StoreError> {
    tx.execute_one(&GIVE_UP, &[&this.id, &this.attempts]).await
}

const REMOVE: Sql = Sql::new("DELETE FROM outbox WHERE id = $1");

/// Removes a side effect that is done, whoever attempts it now: nothing is left to do.
pub async fn remove(tx: &mut Tx, id: i64) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&id]).await
}

const OLDEST_ANY_PROJECT: Sql = Sql::new(
    "SELECT created_at
     FROM outbox
     WHERE kind <> $1
     ORDER BY id
     LIMIT 1",
);

/// When the oldest queued side effect of any project was queued, without those of one kind; `None` when there is none.
pub async fn oldest_any_project(conn: &mut Conn, without: &str) -> Result<Option<Timestamp>, StoreError> {
    conn.query_optional(&OLDEST_ANY_PROJECT, &[&without], |row| read_time(row, 0)).await
}

const SET_ASIDE: Sql = Sql::new(
    "UPDATE outbox
     SET kind = $2,
         last_error = $3
     WHERE id = $1",
);

/// Gives a side effect another kind, which nothing carries out, and the reason.
pub async fn set_aside(tx: &mut Tx, id: i64, kind: &str, reason: &str) -> Result<bool, StoreError> {
    tx.execute_one(&SET_ASIDE, &[&id, &kind, &reason]).await
}

const COUNT_ANY_PROJECT: Sql = Sql::new("SELECT COUNT(*) FROM outbox WHERE kind = $1");

/// The number of side effects of a kind.
pub async fn count_any_project(conn: &mut Conn, kind: &str) -> Result<i64, StoreError> {
    Ok(conn.query_optional(&COUNT_ANY_PROJECT, &[&kind], |row| row.get(0)).await?.unwrap_or(0))
}

const COUNT: Sql = Sql::new("SELECT COUNT(*) FROM outbox WHERE kind = $1 AND project_no = $2");

/// The number of side effects of a kind in a project.
pub async fn count(conn: &mut Conn, p: ProjectNo, kind: &str) -> Result<i64, StoreError> {
    Ok(conn.query_optional(&COUNT, &[&kind, &p.0], |row| row.get(0)).await?.unwrap_or(0))
}

const LIST_IDS_ANY_PROJECT: Sql = Sql::new("SELECT id FROM outbox WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3");

/// At most `limit` numbers of side effects of a kind, in order, after one of them.
pub async fn list_ids_any_project(conn: &mut Conn, kind: &str, after: i64, limit: i64) -> Result<Vec<i64>, StoreError> {
    conn.query_all(&LIST_IDS_ANY_PROJECT, &[&kind, &after, &limit], |row| row.get(0)).await
}

const DUE_IDS: Sql = Sql::new(
    "SELECT id
     FROM outbox
     WHERE kind = $1 AND project_no = $2 AND due_at <= $3
     ORDER BY due_at, id
     LIMIT $4",
);

/// The numbers of what [`due`] returns, for rows that cannot be read.
pub async fn due_ids(
    conn: &mut Conn,
    p: ProjectNo,
    kind: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    conn.query_all(&DUE_IDS, &[&kind, &p.0, &now.as_micros(), &limit], |row| row.get(0)).await
}

const FIND_ANY_PROJECT: Sql = Sql::new(
    "SELECT
       id,
       project_no,
       kind,
       user_id,
       payload,
       created_at,
       due_at,
       attempts
     FROM outbox
     WHERE id = $1",
);

/// A side effect by its number.
pub async fn find_any_project(conn: &mut Conn, id: i64) -> Result<Option<OutboxRow>, StoreError> {
    conn.query_optional(&FIND_ANY_PROJECT, &[&id], read_row).await
}

const LIST_ABOUT: Sql = Sql::new(
    "SELECT
       id,
       user_id
     FROM outbox
     WHERE kind = $1 AND project_no = $2 AND user_id > $3 AND user_id <= $4
     LIMIT $5",
);

/// At most `limit` side effects of a kind about users with IDs in a range, with their numbers, in no order.
pub async fn list_about(
    conn: &mut Conn,
    p: ProjectNo,
    kind: &str,
    (after, until): (UserId, UserId),
    limit: i64,
) -> Result<Vec<(i64, UserId)>, StoreError> {
    let (after, until) = (after.as_bytes().as_slice(), until.as_bytes().as_slice());
    conn.query_all(&LIST_ABOUT, &[&kind, &p.0, &after, &until, &limit], |row| Ok((row.get(0)?, read_id(row, 1)?))).await
}
