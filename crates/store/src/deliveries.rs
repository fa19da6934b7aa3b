//! Events on their way to webhooks, one row for each event and handler. SQL over `hook_deliveries`; no policy. Whose turn it is:
//! `delivery_lanes`.

use vestibule_domain::{
    delivery::{Delivery, DeliveryState, DeliveryTry},
    id::{ProjectNo, UserId},
    time::Timestamp,
};

use crate::{
    column::{read_id, read_optional_time, read_project, read_time},
    db::{Conn, Param, Row, Sql, StoreError, Tx},
    lock_order::remove_first,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &HEAD,
    &INSERT,
    &CLAIM,
    &FINISH,
    &POSTPONE,
    &PAGE,
    &FIND,
    &COUNT,
    &REPLAY,
    &REMOVE_DONE_ANY_PROJECT,
    &DEAD_LANES_ANY_PROJECT,
    &REMOVE_DEAD,
];

const fn code_of(state: DeliveryState) -> i64 {
    match state {
        DeliveryState::Waiting => 0,
        DeliveryState::Taken => 1,
        DeliveryState::Dead => 2,
    }
}

fn read_state(code: i64) -> DeliveryState {
    match code {
        1 => DeliveryState::Taken,
        2 => DeliveryState::Dead,
        _ => DeliveryState::Waiting,
    }
}

/// A delivery to add.
#[derive(Clone, Copy, Debug)]
pub struct NewDelivery<'a> {
    /// The event's number.
    pub seq: i64,
    /// Whom it is about: deliveries to one handler about one user keep their order.
    pub user_id: Option<UserId>,
    /// The handler.
    pub url: &'a str,
    /// The event's name.
    pub kind: &'a str,
    /// The whole message, JSON.
    pub body: &'a str,
}

/// For the eyes of operators only: what a later release writes and this one cannot read is left out.
fn read_tries(text: &str) -> Vec<DeliveryTry> {
    serde_json::from_str(text).unwrap_or_default()
}

/// The column, and the status and reason of the last one.
fn print_tries(tries: &[DeliveryTry]) -> (String, Option<i64>, Option<&str>) {
    let last = tries.last();
    let printed = serde_json::to_string(tries).expect("tries are plain JSON");
    (printed, last.and_then(|one| one.status), last.and_then(|one| one.error.as_deref()))
}

pub(crate) fn read_row(row: &Row<'_>) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.get(0)?,
        project: read_project(row, 1)?,
        seq: row.get(2)?,
        lane: row.get(3)?,
        url: row.get(4)?,
        kind: row.get(5)?,
        body: row.get(6)?,
        state: read_state(row.get(7)?),
        attempts: row.get(8)?,
        created_at: read_time(row, 9)?,
        due_at: read_time(row, 10)?,
        finished_at: read_optional_time(row, 11)?,
        last_status: row.get(12)?,
        last_error: row.get(13)?,
        tries: row.get::<Option<String>>(14)?.map_or_else(Vec::new, |text| read_tries(&text)),
    })
}

const HEAD: Sql = Sql::new(
    "SELECT
       due_at,
       CAST(CASE WHEN last_error IS NULL THEN 0 ELSE 1 END AS BIGINT)
     FROM hook_deliveries
     WHERE project_no = $1 AND url = $2 AND lane = $3 AND state = 0
     ORDER BY id
     LIMIT 1",
);

const INSERT: Sql = Sql::new(
    "INSERT INTO hook_deliveries (
       project_no,
       seq,
       lane,
       url,
       type,
       body,
       state,
       attempts,
       created_at,
       due_at
     ) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, $8)",
);

/// Queues a delivery, due at once, or with the first of its lane when that failed: what waits behind another must not be looked at
/// every second. Two statements, because Citus takes no subquery in an INSERT.
///
/// # Errors
/// Those of the engine.
pub async fn insert(tx: &mut Tx, p: ProjectNo, new: &NewDelivery<'_>, now: Timestamp) -> Result<(), StoreError> {
    // No user has the id of zeros: UUIDv7 always has its version bits set.
    let lane = new.user_id.map_or([0; 16], |id| *id.as_bytes());
    let lane = lane.as_slice();
    let read_head = |row: &Row<'_>| Ok((read_time(row, 0)?, row.get::<i64>(1)? != 0));
    let head = tx.query_optional(&HEAD, &[&p.0, &new.url, &lane], read_head).await?;
    let due_at = match head {
        Some((due_at, true)) => due_at.max(now),
        Some((_, false)) | None => now,
    };
    let values: &[&dyn Param] =
        &[&p.0, &new.seq, &lane, &new.url, &new.kind, &new.body, &now.as_micros(), &due_at.as_micros()];
    tx.execute(&INSERT, values).await.map(|_| ())
}

/// One try of a delivery, as a worker read it. It is the worker's from [`claim`] until another worker's try begins, or an operator
/// sends the delivery again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryClaim {
    /// The delivery's number.
    pub id: i64,
    /// When it was queued. Another time after a replay, which counts tries anew.
    pub queued_at: Timestamp,
    /// How many tries were before this one.
    pub attempts: i64,
}

impl DeliveryClaim {
    /// The next try of a delivery.
    #[must_use]
    pub fn next_of(delivery: &Delivery) -> Self {
        Self { id: delivery.id, queued_at: delivery.created_at, attempts: delivery.attempts }
    }
}

const CLAIM: Sql = Sql::new(
    "UPDATE hook_deliveries
     SET due_at = $4,
         claimed_by = $5,
         attempts = attempts + 1
     WHERE id = $1
       AND created_at = $2
       AND attempts = $3
       AND state = 0",
);

/// Claims a try for a node `until` a time; of several nodes one gets `true`.
///
/// # Errors
/// Those of the engine.
pub async fn claim(tx: &mut Tx, this: DeliveryClaim, until: Timestamp, node: Option<i64>) -> Result<bool, StoreError> {
    let DeliveryClaim { id, queued_at, attempts } = this;
    tx.execute_one(&CLAIM, &[&id, &queued_at.as_micros(), &attempts, &until.as_micros(), &node]).await
}

const FINISH: Sql = Sql::new(
    "UPDATE hook_deliveries
     SET state = $4,
         finished_at = $5,
         last_status = $6,
         last_error = $7,
         tries = $8
     WHERE id = $1
       AND created_at = $2
       AND attempts - 1 = $3
       AND state = 0",
);

/// Notes the end of a delivery, taken or dead, with the tries to keep. `false`, and nothing is noted, when the try is not the caller's any
/// more. [`crate::delivery_lanes::wake_next`] is for the delivery after it.
///
/// # Errors
/// Those of the engine.
pub async fn finish(
    tx: &mut Tx,
    this: DeliveryClaim,
    state: DeliveryState,
    tries: &[DeliveryTry],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let DeliveryClaim { id, queued_at, attempts } = this;
    let (tries, status, error) = print_tries(tries);
    let values: &[&dyn Param] =
        &[&id, &queued_at.as_micros(), &attempts, &code_of(state), &now.as_micros(), &status, &error, &tries.as_str()];
    tx.execute_one(&FINISH, values).await
}

const POSTPONE: Sql = Sql::new(
    "UPDATE hook_deliveries
     SET due_at = $4,
         claimed_by = NULL,
         last_status = $5,
         last_error = $6,
         tries = $7
     WHERE id = $1
       AND created_at = $2
       AND attempts - 1 = $3
       AND state = 0",
);

/// Notes a failed try, the last of those to keep, and when the next one is due. `false`, and nothing is noted, when the try is not the
/// caller's any more. What waits behind it keeps its time: [`crate::delivery_lanes::put_behind`] is for it.
///
/// # Errors
/// Those of the engine.
pub async fn postpone(
    tx: &mut Tx,
    this: DeliveryClaim,
    due_at: Timestamp,
    tries: &[DeliveryTry],
) -> Result<bool, StoreError> {
    let DeliveryClaim { id, queued_at, attempts } = this;
    let (tries, status, error) = print_tries(tries);
    let values: &[&dyn Param] =
        &[&id, &queued_at.as_micros(), &attempts, &due_at.as_micros(), &status, &error, &tries.as_str()];
    tx.execute_one(&POSTPONE, values).await
}

const PAGE: Sql = Sql::new(
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
     WHERE project_no = $1 AND state = $2 AND id < $3
     ORDER BY id DESC
     LIMIT $4",
);

/// At most `limit` deliveries in a state, below a number, newest first.
///
/// # Errors
/// Those of the engine.
pub async fn list_page(
    conn: &mut Conn,
    p: ProjectNo,
    state: DeliveryState,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    conn.query_all(&PAGE, &[&p.0, &code_of(state), &before.unwrap_or(i64::MAX), &limit], read_row).await
}

const FIND: Sql = Sql::new(
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
     WHERE id = $2 AND project_no = $1",
);

/// The delivery of this number.
///
/// # Errors
/// Those of the engine.
pub async fn find(conn: &mut Conn, p: ProjectNo, id: i64) -> Result<Option<Delivery>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &id], read_row).await
}

const COUNT: Sql = Sql::new("SELECT COUNT(*) FROM hook_deliveries WHERE project_no = $1 AND state = $2");

/// The number of deliveries of a project in a state.
pub async fn count(conn: &mut Conn, p: ProjectNo, state: DeliveryState) -> Result<i64, StoreError> {
    Ok(conn.query_optional(&COUNT, &[&p.0, &code_of(state)], |row| row.get(0)).await?.unwrap_or(0))
}

const REPLAY: Sql = Sql::new(
    "UPDATE hook_deliveries
     SET state = 0,
         claimed_by = NULL,
         attempts = 0,
         created_at = $3,
         due_at = $3,
         finished_at = NULL
     WHERE id = $2 AND project_no = $1
       AND state <> 0",
);

/// Queues a delivery that ended once more; `false` when there is no such one or it still waits.
///
/// # Errors
/// Those of the engine.
pub async fn replay(tx: &mut Tx, p: ProjectNo, id: i64, now: Timestamp) -> Result<bool, StoreError> {
    tx.execute_one(&REPLAY, &[&p.0, &id, &now.as_micros()]).await
}

const REMOVE_DONE_ANY_PROJECT: Sql =
    remove_first!("hook_deliveries", "id", "state = 1 AND finished_at < $1", "finished_at");

/// Removes at most `limit` deliveries taken before a time; answers how many. Dead letters stay.
///
/// # Errors
/// Those of the engine.
pub async fn remove_done_any_project(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_DONE_ANY_PROJECT, &[&before.as_micros(), &limit]).await
}

const DEAD_LANES_ANY_PROJECT: Sql = Sql::new(
    "SELECT project_no, lane
     FROM hook_deliveries
     WHERE state = 2 AND (project_no, lane) > ($1, $2)
     GROUP BY project_no, lane
     ORDER BY project_no, lane
     LIMIT $3",
);

/// At most `limit` users of all projects with a dead letter about them, `after` one in the order of projects and IDs. Dead letters
/// about no user have the ID of zeros.
///
/// # Errors
/// Those of the engine.
pub async fn list_dead_lanes_any_project(
    conn: &mut Conn,
    after: Option<(ProjectNo, UserId)>,
    limit: i64,
) -> Result<Vec<(ProjectNo, UserId)>, StoreError> {
    let (no, id) = after.map_or((i64::MIN, [0; 16]), |(no, id)| (no.0, *id.as_bytes()));
    let read = |row: &Row<'_>| Ok((read_project(row, 0)?, read_id(row, 1)?));
    conn.query_all(&DEAD_LANES_ANY_PROJECT, &[&no, &id.as_slice(), &limit], read).await
}

const REMOVE_DEAD: Sql =
    Sql::new("DELETE FROM hook_deliveries WHERE state = 2 AND project_no = $1 AND lane = $2 AND finished_at < $3");

/// Removes the dead letters about a user that were given up before a time; answers how many.
///
/// # Errors
/// Those of the engine.
pub async fn remove_dead(tx: &mut Tx, p: ProjectNo, user: UserId, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_DEAD, &[&p.0, &user.as_bytes().as_slice(), &before.as_micros()]).await
}
