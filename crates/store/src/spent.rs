//! Single-use values that have been redeemed. SQL over `spent`, whose rows are removed project by project; no policy.
//!
//! A value that begins with its end (`dated`) is removed by its key. All others have their end in a column, with an index.

use std::time::Duration;

use vestibule_domain::{id::ProjectNo, time::Timestamp};

use crate::{
    db::{Array, Conn, Engine, Param, Sql, StoreError, Tx},
    lock_order::remove_first,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &SPEND,
    &SPEND_DATED,
    &SPEND_ALL,
    &FIND,
    &REMOVE_EXPIRED_ANY_PROJECT,
    &REMOVE_DATED_ANY_PROJECT,
    &COUNT_EXPIRED,
    &COUNT_DATED,
];

const SPEND: Sql = Sql::new(
    "INSERT INTO spent (
       project_no,
       id,
       holder,
       expires_at
     ) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING",
);

/// Redeems a value for a holder; exactly one of several concurrent callers gets `true`.
///
/// The row may be removed after `expires_at`, so the value itself must be invalid by then.
pub async fn spend(
    tx: &mut Tx,
    p: ProjectNo,
    id: &[u8],
    holder: Option<&[u8]>,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute_one(&SPEND, &[&p.0, &id, &holder, &expires_at.as_micros()]).await
}

const SPEND_DATED: Sql = Sql::new(
    "INSERT INTO spent (
       project_no,
       id
     ) VALUES ($1, $2)
     ON CONFLICT DO NOTHING",
);

/// [`spend`] for a value that begins with its end ([`date_of`]).
pub async fn spend_dated(tx: &mut Tx, p: ProjectNo, id: &[u8]) -> Result<bool, StoreError> {
    tx.execute_one(&SPEND_DATED, &[&p.0, &id]).await
}

/// What a dated value begins with: the second of its end.
#[must_use]
pub fn date_of(expires_at: Timestamp) -> [u8; 4] {
    // 32 bits last until 2106; a time before the epoch is none of a value.
    let seconds = expires_at.as_seconds().clamp(0, i64::from(u32::MAX));
    u32::try_from(seconds).unwrap_or(u32::MAX).to_be_bytes()
}

/// A value to redeem.
#[derive(Clone, Copy, Debug)]
pub struct Spending<'a> {
    /// The project.
    pub project: ProjectNo,
    /// The value.
    pub id: &'a [u8],
    /// What it is redeemed for.
    pub holder: Option<&'a [u8]>,
    /// As for [`spend`]; `None` for a dated value ([`spend_dated`]).
    pub expires_at: Option<Timestamp>,
}

/// [`SPEND`] for several.
const SPEND_ALL: Sql = Sql::both(
    SPEND.text(Engine::Sqlite),
    "INSERT INTO spent (
       project_no,
       id,
       holder,
       expires_at
     )
     SELECT *
     FROM unnest(
       CAST($1 AS BIGINT[]),
       CAST($2 AS BYTEA[]),
       CAST($3 AS BYTEA[]),
       CAST($4 AS BIGINT[])
     )
     ON CONFLICT DO NOTHING",
);

/// Redeems several values; `false` when one of them was redeemed before, or is among them twice. Which are redeemed is then unknown,
/// so the transaction must not be kept.
pub async fn spend_all(tx: &mut Tx, values: &mut [Spending<'_>]) -> Result<bool, StoreError> {
    // Transactions that redeem the same values meet them in one order, so that they never wait for each other in a circle.
    values.sort_unstable_by_key(|value| (value.project, value.id));
    if tx.engine() == Engine::Postgres && values.len() > 1 {
        let projects: Array<i64> = values.iter().map(|value| value.project.0).collect();
        let ids: Array<&[u8]> = values.iter().map(|value| value.id).collect();
        let holders: Array<Option<&[u8]>> = values.iter().map(|value| value.holder).collect();
        let times: Array<Option<i64>> = values.iter().map(|value| value.expires_at.map(Timestamp::as_micros)).collect();
        let redeemed = tx.execute(&SPEND_ALL, &[&projects, &ids, &holders, &times]).await?;
        return Ok(redeemed == values.len() as u64);
    }
    for Spending { project, id, holder, expires_at } in values {
        let is_first = match expires_at {
            Some(expires_at) => spend(tx, *project, id, *holder, *expires_at).await?,
            None => spend_dated(tx, *project, id).await?,
        };
        if !is_first {
            return Ok(false);
        }
    }
    Ok(true)
}

const FIND: Sql = Sql::new(
    "SELECT holder
     FROM spent
     WHERE project_no = $1 AND id = $2",
);

/// `None` for an unused value, otherwise the holder it was redeemed for, if one was given.
pub async fn find(conn: &mut Conn, p: ProjectNo, id: &[u8]) -> Result<Option<Option<Vec<u8>>>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &id], |row| row.get(0)).await
}

const REMOVE_EXPIRED_ANY_PROJECT: Sql = remove_first!("spent", "project_no, id", "expires_at < $1", "expires_at");

/// The first `$3` dated values between two dates, with what ends the statement. SQLite joins in the order that CROSS JOIN has: one search of a
/// range for each project.
macro_rules! first_dated {
    ($end:literal) => {
        concat!(
            "SELECT spent.project_no, spent.id
       FROM projects
       CROSS JOIN spent
       WHERE spent.project_no = projects.no
         AND spent.id >= $1
         AND spent.id < $2
         AND spent.expires_at IS NULL
       LIMIT $3",
            $end
        )
    };
}

const REMOVE_DATED_ANY_PROJECT: Sql = Sql::both(
    concat!(
        "DELETE FROM spent
     WHERE (project_no, id) IN (
       ",
        first_dated!(""),
        "
     )"
    ),
    // As `remove_first` does: two nodes leave each other what is locked.
    concat!(
        "WITH first AS MATERIALIZED (
       ",
        first_dated!(
            "
       FOR UPDATE OF spent SKIP LOCKED"
        ),
        "
     )
     DELETE FROM spent
     WHERE (project_no, id) IN (SELECT project_no, id FROM first)"
    ),
);

/// How long ago a dated value may have ended to be removed. Other values are hashes, and some are kept for months: a range from the
/// beginning would look at two fifths of them each time, that of a year at one in 136.
const DATED_KEPT: Duration = Duration::from_secs(365 * 86_400);

fn dated_range(now: Timestamp) -> [[u8; 4]; 2] {
    [date_of(now.minus(DATED_KEPT)), date_of(now)]
}

/// Removes at most `limit` values of each form that expired before `now`; returns how many.
pub async fn remove_expired_any_project(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let [from, to] = dated_range(now);
    let dated = tx.execute(&REMOVE_DATED_ANY_PROJECT, &[&from.as_slice(), &to.as_slice(), &limit]).await?;
    Ok(dated + tx.execute(&REMOVE_EXPIRED_ANY_PROJECT, &[&now.as_micros(), &limit]).await?)
}

const COUNT_EXPIRED: Sql = Sql::new("SELECT COUNT(*) FROM spent WHERE expires_at < $1");

const COUNT_DATED: Sql = Sql::new(
    "SELECT COUNT(*)
     FROM projects
     CROSS JOIN spent
     WHERE spent.project_no = projects.no
       AND spent.id >= $1
       AND spent.id < $2
       AND spent.expires_at IS NULL",
);

/// How many values [`remove_expired_any_project`] would remove without a limit.
pub async fn count_expired_any_project(conn: &mut Conn, now: Timestamp) -> Result<i64, StoreError> {
    let [from, to] = dated_range(now);
    let values: [&dyn Param; 2] = [&from.as_slice(), &to.as_slice()];
    let dated: Option<i64> = conn.query_optional(&COUNT_DATED, &values, |row| row.get(0)).await?;
    let others: Option<i64> = conn.query_optional(&COUNT_EXPIRED, &[&now.as_micros()], |row| row.get(0)).await?;
    Ok(dated.unwrap_or(0) + others.unwrap_or(0))
}
