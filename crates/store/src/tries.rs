//! Failed attempts, counted for all nodes: one timestamp per bucket (GCRA). SQL over `tries`; no policy.

use vestibule_domain::{id::ProjectNo, limit::Quota, time::Timestamp};

use crate::{
    column::read_time,
    db::{Conn, Sql, StoreError, Tx},
    lock_order::remove_first,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&FIND, &ADD, &HOLD, &GIVE_BACK, &REMOVE, &REMOVE_EXPIRED_ANY_PROJECT];

const FIND: Sql = Sql::new(
    "SELECT full_until
     FROM tries
     WHERE project_no = $1 AND id = $2",
);

/// The fill level of a bucket as a timestamp; `None` when it is empty.
pub async fn find(conn: &mut Conn, p: ProjectNo, id: &[u8]) -> Result<Option<Timestamp>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &id], |row| read_time(row, 0)).await
}

const ADD: Sql = Sql::new(
    "INSERT INTO tries (
       project_no,
       id,
       full_until
     ) VALUES ($1, $2, $3)
     ON CONFLICT (project_no, id) DO UPDATE
     SET full_until = CASE
           WHEN tries.full_until > $7 THEN $6
           WHEN tries.full_until > $4 THEN tries.full_until + $5
           ELSE $4 + $5
         END
     WHERE tries.full_until > $7 OR tries.full_until <= $4 OR tries.full_until + $5 <= $6",
);

/// Adds one attempt to a bucket; `false` when it is full.
///
/// Concurrent callers on all nodes together do not exceed the quota. A bucket filled beyond the quota's capacity is
/// full except for one attempt, as in [`vestibule_domain::limit::decide`].
pub async fn add(tx: &mut Tx, p: ProjectNo, id: &[u8], quota: Quota, now: Timestamp) -> Result<bool, StoreError> {
    let interval = i64::try_from(quota.interval().as_micros()).unwrap_or(i64::MAX / 4);
    let (one, full) = (now.plus(quota.interval()).as_micros(), now.plus(quota.capacity()).as_micros());
    let broken = now.plus(quota.refill_time()).as_micros();
    tx.execute_one(&ADD, &[&p.0, &id, &one, &now.as_micros(), &interval, &full, &broken]).await
}

const HOLD: Sql = Sql::new(
    "INSERT INTO tries (
       project_no,
       id,
       full_until
     ) VALUES ($1, $2, $4)
     ON CONFLICT (project_no, id) DO UPDATE
     SET full_until = $4
     WHERE tries.full_until <= $3 OR tries.full_until > $5",
);

/// Fills a bucket until a time, unless it is full at `now`; `false` when it is. A time beyond `latest` means empty: it
/// was written before the clock was set back.
pub async fn hold(
    tx: &mut Tx,
    p: ProjectNo,
    id: &[u8],
    (now, until): (Timestamp, Timestamp),
    latest: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute_one(&HOLD, &[&p.0, &id, &now.as_micros(), &until.as_micros(), &latest.as_micros()]).await
}

const GIVE_BACK: Sql = Sql::new(
    "UPDATE tries
     SET full_until = full_until - $3
     WHERE project_no = $1 AND id = $2 AND full_until > $4",
);

/// Takes one attempt out of a bucket again.
pub async fn give_back(tx: &mut Tx, p: ProjectNo, id: &[u8], quota: Quota, now: Timestamp) -> Result<(), StoreError> {
    let interval = i64::try_from(quota.interval().as_micros()).unwrap_or(i64::MAX / 4);
    tx.execute(&GIVE_BACK, &[&p.0, &id, &interval, &now.as_micros()]).await.map(drop)
}

const REMOVE: Sql = Sql::new("DELETE FROM tries WHERE project_no = $1 AND id = $2");

/// Empties a bucket.
pub async fn remove(tx: &mut Tx, p: ProjectNo, id: &[u8]) -> Result<(), StoreError> {
    tx.execute(&REMOVE, &[&p.0, &id]).await.map(drop)
}

const REMOVE_EXPIRED_ANY_PROJECT: Sql = remove_first!("tries", "project_no, id", "full_until < $1", "full_until");

/// Removes at most `limit` empty buckets.
pub async fn remove_expired_any_project(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_EXPIRED_ANY_PROJECT, &[&now.as_micros(), &limit]).await
}
