//! Which deliveries to webhooks are next: by project, handler and lane. SQL over `hook_deliveries`; no policy. Each statement looks
//! at a bounded number of rows, however many wait.

use vestibule_domain::{delivery::Delivery, id::ProjectNo, time::Timestamp};

use crate::{
    column::{read_project, read_time},
    db::{Conn, Param, Sql, StoreError, Tx},
    deliveries,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] =
    &[&WAITING_ANY_PROJECT, &DUE, &PUT_BEHIND, &NEXT_IN_LANE, &WAKE_NEXT, &GIVE_UP, &GIVE_UP_LANE];

const WAITING_ANY_PROJECT: Sql = Sql::new(
    "WITH RECURSIVE waiting (project_no, url) AS (
       SELECT
         CAST($1 AS BIGINT),
         CAST($2 AS TEXT)
       UNION ALL
       SELECT
         COALESCE(
           (
             SELECT d.project_no
             FROM hook_deliveries d
             WHERE d.state = 0 AND d.project_no = w.project_no AND d.url > w.url
             ORDER BY d.url
             LIMIT 1
           ),
           (
             SELECT d.project_no
             FROM hook_deliveries d
             WHERE d.state = 0 AND d.project_no > w.project_no
             ORDER BY d.project_no, d.url
             LIMIT 1
           )
         ),
         COALESCE(
           (
             SELECT d.url
             FROM hook_deliveries d
             WHERE d.state = 0 AND d.project_no = w.project_no AND d.url > w.url
             ORDER BY d.url
             LIMIT 1
           ),
           (
             SELECT d.url
             FROM hook_deliveries d
             WHERE d.state = 0 AND d.project_no > w.project_no
             ORDER BY d.project_no, d.url
             LIMIT 1
           )
         )
       FROM waiting w
       WHERE w.project_no IS NOT NULL
     )
     SELECT
       w.project_no,
       w.url,
       CAST((SELECT COUNT(*) FROM receiver_moves m WHERE m.project_no = w.project_no AND m.old_url = w.url) AS BIGINT)
     FROM waiting w
     WHERE (w.project_no > $1 OR w.url > $2)
       AND (
         (
           SELECT MIN(d.due_at)
           FROM hook_deliveries d
           WHERE d.state = 0 AND d.project_no = w.project_no AND d.url = w.url
         ) <= $3
         OR (SELECT COUNT(*) FROM receiver_moves m WHERE m.project_no = w.project_no AND m.old_url = w.url) > 0
       )
     LIMIT $4",
);

/// A handler that something waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingHandler {
    /// Its project.
    pub project: ProjectNo,
    /// Its address.
    pub url: String,
    /// Whether a receiver moved away from there: [`crate::receiver_moves`] says where to.
    pub has_moved: bool,
}

/// At most `limit` handlers for which a delivery is due, or that have moved, in the order of the projects' numbers and the addresses,
/// after one of them. Costs a few looks at the index for each handler that something waits for, however much it is.
///
/// # Errors
/// Those of the engine.
pub async fn waiting_any_project(
    conn: &mut Conn,
    now: Timestamp,
    (after, url): (ProjectNo, &str),
    limit: i64,
) -> Result<Vec<WaitingHandler>, StoreError> {
    let values: &[&dyn Param] = &[&after.0, &url, &now.as_micros(), &limit];
    conn.query_all(&WAITING_ANY_PROJECT, values, |row| {
        Ok(WaitingHandler { project: read_project(row, 0)?, url: row.get(1)?, has_moved: row.get::<i64>(2)? > 0 })
    })
    .await
}

/// A delivery that is due, and what is first in its lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its number.
    pub id: i64,
    /// Its lane.
    pub lane: Vec<u8>,
    /// Since when.
    pub due_at: Timestamp,
    /// The number of the first that waits in its lane, perhaps its own.
    pub first: i64,
    /// When that one is due.
    pub first_due_at: Timestamp,
    /// Whether that one was tried in vain.
    pub first_failed: bool,
}

impl Due {
    /// Whether it is the first in its lane itself.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.id == self.first
    }
}

const DUE: Sql = Sql::new(
    "SELECT
       d.id,
       d.lane,
       d.due_at,
       f.id,
       f.due_at,
       CAST(CASE WHEN f.last_error IS NULL THEN 0 ELSE 1 END AS BIGINT)
     FROM hook_deliveries d
     JOIN hook_deliveries f ON f.id = (
       SELECT MIN(e.id) FROM hook_deliveries e
       WHERE e.state = 0
         AND e.project_no = d.project_no
         AND e.url = d.url
         AND e.lane = d.lane
     )
     WHERE d.state = 0 AND d.project_no = $1 AND d.url = $2 AND d.due_at <= $3
     ORDER BY d.due_at
     LIMIT $4",
);

/// At most `limit` deliveries of a handler that are due, those that wait longest first, whether they are first in their lane or not.
///
/// # Errors
/// Those of the engine.
pub async fn due(conn: &mut Conn, p: ProjectNo, url: &str, now: Timestamp, limit: i64) -> Result<Vec<Due>, StoreError> {
    conn.query_all(&DUE, &[&p.0, &url, &now.as_micros(), &limit], |row| {
        Ok(Due {
            id: row.get(0)?,
            lane: row.get(1)?,
            due_at: read_time(row, 2)?,
            first: row.get(3)?,
            first_due_at: read_time(row, 4)?,
            first_failed: row.get::<i64>(5)? != 0,
        })
    })
    .await
}

/// A lane: of one project and handler, what is about one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The project.
    pub project: ProjectNo,
    /// The handler.
    pub url: String,
    /// The user's id, or zeros.
    pub lane: Vec<u8>,
}

/// Deliveries of a lane that are not its first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// The lowest and the highest number of them.
    pub ids: (i64, i64),
    /// Those that were due later than this have changed since they were read.
    pub due_until: Timestamp,
    /// When they are to be due.
    pub due_at: Timestamp,
}

const PUT_BEHIND: Sql = Sql::new(
    "UPDATE hook_deliveries
     SET due_at = $7
     WHERE state = 0
       AND project_no = $1
       AND url = $2
       AND lane = $3
       AND id BETWEEN $4 AND $5
       AND due_at <= $6",
);

/// Has deliveries that wait behind the first of their lane be due later, so that looks at what is due do not find them.
/// [`wake_next`] makes each due when it is its turn.
///
/// # Errors
/// Those of the engine.
pub async fn put_behind(tx: &mut Tx, lane: &Lane, behind: &Behind) -> Result<u64, StoreError> {
    let Behind { ids: (first, last), due_until, due_at } = behind;
    let values: &[&dyn Param] =
        &[&lane.project.0, &lane.url, &lane.lane.as_slice(), first, last, &due_until.as_micros(), &due_at.as_micros()];
    tx.execute(&PUT_BEHIND, values).await
}

const NEXT_IN_LANE: Sql = Sql::new(
    "SELECT
       id,
       project_no,
       seq,
       lane,
       url,
       type,
       body,
       state,
       attempts,
       created_at,
       due_at,
       finished_at,
       last_status,
       last_error,
       tries
     FROM hook_deliveries
     WHERE project_no = $1 AND url = $2 AND lane = $3 AND state = 0
     ORDER BY id
     LIMIT 1",
);

/// The first delivery that waits in a lane, due or not.
///
/// # Errors
/// Those of the engine.
pub async fn next_in_lane(conn: &mut Conn, lane: &Lane) -> Result<Option<Delivery>, StoreError> {
    conn.query_optional(&NEXT_IN_LANE, &[&lane.project.0, &lane.url, &lane.lane.as_slice()], deliveries::read_row).await
}

const WAKE_NEXT: Sql = Sql::new(
    "UPDATE hook_deliveries
     SET due_at = $4
     WHERE id = (
         SELECT id
         FROM hook_deliveries
         WHERE project_no = $1 AND url = $2 AND lane = $3 AND state = 0
         ORDER BY id
         LIMIT 1
       )
       AND state = 0
       AND claimed_by IS NULL
       AND due_at > $4",
);

/// Makes the first delivery that waits in a lane due: it is its turn now. One that a node has claimed is left to that node.
///
/// # Errors
/// Those of the engine.
pub async fn wake_next(tx: &mut Tx, lane: &Lane, now: Timestamp) -> Result<(), StoreError> {
    let values: &[&dyn Param] = &[&lane.project.0, &lane.url, &lane.lane.as_slice(), &now.as_micros()];
    tx.execute(&WAKE_NEXT, values).await.map(drop)
}

const GIVE_UP: Sql = Sql::new(
    "UPDATE hook_deliveries
     SET state = 2,
         finished_at = $4,
         last_error = $5
     WHERE id IN (
       SELECT id
       FROM hook_deliveries
       WHERE state = 0 AND project_no = $1 AND url = $2 AND due_at < $3
       ORDER BY due_at
       LIMIT $6
     )",
);

/// Gives up at most `limit` deliveries to a handler that were due before a time; answers how many.
///
/// # Errors
/// Those of the engine.
pub async fn give_up(
    tx: &mut Tx,
    p: ProjectNo,
    (url, error): (&str, &str),
    before: Timestamp,
    limit: i64,
    now: Timestamp,
) -> Result<u64, StoreError> {
    tx.execute(&GIVE_UP, &[&p.0, &url, &before.as_micros(), &now.as_micros(), &error, &limit]).await
}

const GIVE_UP_LANE: Sql = Sql::new(
    "UPDATE hook_deliveries
     SET state = 2,
         finished_at = $5,
         last_error = $6
     WHERE id IN (
       SELECT first.id
       FROM (
         SELECT
           id,
           created_at,
           claimed_by
         FROM hook_deliveries
         WHERE state = 0 AND project_no = $1 AND url = $2 AND lane = $3
         ORDER BY id
         LIMIT $7
       ) first
       WHERE first.created_at < $4 AND first.claimed_by IS NULL
     )",
);

/// Gives up those of the first `limit` deliveries of a lane that were queued before a time; answers how many. One that a node has
/// claimed is left to that node. [`wake_next`] is for the first of those that are left.
///
/// # Errors
/// Those of the engine.
pub async fn give_up_lane(
    tx: &mut Tx,
    lane: &Lane,
    error: &str,
    before: Timestamp,
    limit: i64,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let values: &[&dyn Param] =
        &[&lane.project.0, &lane.url, &lane.lane.as_slice(), &before.as_micros(), &now.as_micros(), &error, &limit];
    tx.execute(&GIVE_UP_LANE, values).await
}
