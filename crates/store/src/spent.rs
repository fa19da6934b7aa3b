//! Single-use values that have been redeemed. SQL over `spent`; no policy.

use vestibule_domain::{id::ProjectNo, time::Timestamp};

use crate::{
    db::{Array, Conn, Engine, Sql, StoreError, Tx},
    lock_order::remove_first,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&SPEND, &SPEND_ALL, &FIND, &REMOVE_EXPIRED_ANY_PROJECT];

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

/// A value to redeem.
#[derive(Clone, Copy, Debug)]
pub struct Spending<'a> {
    /// The project.
    pub project: ProjectNo,
    /// The value.
    pub id: &'a [u8],
    /// What it is redeemed for.
    pub holder: Option<&'a [u8]>,
    /// As for [`spend`].
    pub expires_at: Timestamp,
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
        let times: Array<i64> = values.iter().map(|value| value.expires_at.as_micros()).collect();
        let redeemed = tx.execute(&SPEND_ALL, &[&projects, &ids, &holders, &times]).await?;
        return Ok(redeemed == values.len() as u64);
    }
    for Spending { project, id, holder, expires_at } in values {
        if !spend(tx, *project, id, *holder, *expires_at).await? {
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

/// Removes at most `limit` values that expired before `now`; returns how many.
pub async fn remove_expired_any_project(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_EXPIRED_ANY_PROJECT, &[&now.as_micros(), &limit]).await
}
