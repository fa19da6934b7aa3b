//! Daily counters per application. SQL over `daily_counts`, and over users, grants and sessions for counting guests; no policy.

use vestibule_domain::id::{ProjectNo, UserId};

use crate::{
    column::read_id,
    db::{Conn, Row, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&ADD, &RANGE, &CLEAR, &GUESTS_SINCE, &USER];

/// One counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DailyCount {
    /// Days since the epoch, UTC.
    pub day: i64,
    /// The application; empty for none (a cookie session, the Admin API).
    pub client_id: String,
    /// The counter's name.
    pub name: String,
    /// The value.
    pub count: i64,
}

const ADD: Sql = Sql::new(
    "INSERT INTO daily_counts (
       project_no,
       day,
       client_id,
       name,
       count
     ) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (project_no, day, client_id, name) DO UPDATE
     SET count = daily_counts.count + excluded.count",
);

/// Adds to a counter.
pub async fn add(tx: &mut Tx, p: ProjectNo, count: &DailyCount) -> Result<(), StoreError> {
    tx.execute(&ADD, &[&p.0, &count.day, &count.client_id.as_str(), &count.name.as_str(), &count.count])
        .await
        .map(|_| ())
}

const RANGE: Sql = Sql::new(
    "SELECT
       day,
       client_id,
       name,
       count
     FROM daily_counts
     WHERE project_no = $1 AND day >= $2 AND day <= $3
     ORDER BY day, client_id, name",
);

/// All counters of these days.
pub async fn list(conn: &mut Conn, p: ProjectNo, first_day: i64, last_day: i64) -> Result<Vec<DailyCount>, StoreError> {
    conn.query_all(&RANGE, &[&p.0, &first_day, &last_day], |row| {
        Ok(DailyCount { day: row.get(0)?, client_id: row.get(1)?, name: row.get(2)?, count: row.get(3)? })
    })
    .await
}

const CLEAR: Sql = Sql::new("DELETE FROM daily_counts WHERE project_no = $1 AND name = $2");

/// Removes all counters of one name, before they are computed again.
pub async fn clear(tx: &mut Tx, p: ProjectNo, name: &str) -> Result<u64, StoreError> {
    tx.execute(&CLEAR, &[&p.0, &name]).await
}

/// A query for users to count, as [`read_user`] reads them.
macro_rules! select_users {
    ($condition:literal) => {
        Sql::new(concat!(
            "SELECT
       u.id,
       COALESCE(
         (SELECT g.client_id
          FROM grants g
          WHERE g.project_no = u.project_no AND g.user_id = u.id
          ORDER BY g.id
          LIMIT 1),
         (SELECT CAST('' AS TEXT)
          FROM sessions s
          WHERE s.project_no = u.project_no AND s.user_id = u.id
          LIMIT 1)
       ),
       CASE WHEN u.anonymous_since IS NOT NULL OR u.promoted_at IS NOT NULL THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END
     FROM users u
     ",
            $condition
        ))
    };
}

const GUESTS_SINCE: Sql = select_users!(
    "WHERE u.project_no = $1 AND u.id > $2 AND u.id < $3
     ORDER BY u.id
     LIMIT $4"
);

/// A user to count: the id, the application of the user's oldest grant (empty for a cookie session, `None` without either), and
/// whether the user began as a guest.
pub type FoundUser = (UserId, Option<String>, bool);

fn read_user(row: &Row<'_>) -> Result<FoundUser, StoreError> {
    Ok((read_id(row, 0)?, row.get(1)?, row.get::<i64>(2)? == 1))
}

/// At most `limit` users with ids in a range, oldest first.
pub async fn list_users_between(
    conn: &mut Conn,
    p: ProjectNo,
    after: UserId,
    below: UserId,
    limit: i64,
) -> Result<Vec<FoundUser>, StoreError> {
    let (after, below) = (after.as_bytes().as_slice(), below.as_bytes().as_slice());
    conn.query_all(&GUESTS_SINCE, &[&p.0, &after, &below, &limit], read_user).await
}

const USER: Sql = select_users!("WHERE u.project_no = $1 AND u.id = $2");

/// A user of [`list_users_between`].
pub async fn find_user(conn: &mut Conn, p: ProjectNo, id: UserId) -> Result<Option<FoundUser>, StoreError> {
    conn.query_optional(&USER, &[&p.0, &id.as_bytes().as_slice()], read_user).await
}
