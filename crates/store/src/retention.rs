//! The retention of guests: what decides about them, and their marks. SQL over `users`, what guests own, and `retention_marks`; no
//! policy.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    time::Timestamp,
    user::User,
};

use crate::{
    column::{read_id, read_optional_time, read_time},
    db::{Conn, Param, Row, Sql, StoreError, Tx},
    ended::SEVERAL,
    id_set::{of_ids, pack},
    users::{read_user, user_columns},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] =
    &[&PAGE_END, &SCAN, &FIND_MARK, &LIST_USERS, &MARK_WARNED, &MARK_EXPIRED, &UNMARK, &REMOVE_STRAY_MARKS];

/// What is known of a guest.
#[derive(Clone, Debug, PartialEq)]
pub struct GuestRow {
    /// The guest.
    pub id: UserId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it last authenticated.
    pub last_login_at: Option<Timestamp>,
    /// The last use of the sessions that were removed.
    pub left_at: Option<Timestamp>,
    /// The last day on which it was seen after that of its creation, in days since the epoch.
    pub seen_day: Option<i64>,
    /// Whether it has attributes.
    pub has_attributes: bool,
    /// The last recorded use of its grants.
    pub grant_used_at: Option<Timestamp>,
    /// The last recorded use of its cookie sessions.
    pub session_used_at: Option<Timestamp>,
    /// The last recorded use of its device keys.
    pub key_used_at: Option<Timestamp>,
    /// The applications of its grants, and the last one of those that were removed.
    pub client_ids: Vec<String>,
    /// Whether grants of several applications were removed, of which `client_ids` may lack some.
    pub left_several: bool,
    /// When its application was warned.
    pub warned_at: Option<Timestamp>,
    /// When it expired.
    pub expired_at: Option<Timestamp>,
    /// The end of its last hold.
    pub held_until: Option<Timestamp>,
}

const PAGE_END: Sql = Sql::new(
    "SELECT id
     FROM users
     WHERE project_no = $1 AND id > $2
     ORDER BY id
     LIMIT 1 OFFSET $3",
);

/// The user that comes this many rows after the next one; `None` when there are fewer.
pub async fn find_page_end(
    conn: &mut Conn,
    p: ProjectNo,
    after: UserId,
    rows: i64,
) -> Result<Option<UserId>, StoreError> {
    conn.query_optional(&PAGE_END, &[&p.0, &after.as_bytes().as_slice(), &rows], |row| read_id(row, 0)).await
}

/// The statement, with the function that lists applications, and how the mark of a guest is found: its two times, the join, whether there
/// is one.
macro_rules! scan {
    ($list:literal, $warned:literal, $expired:literal, $join:literal, $has_mark:literal) => {
        concat!(
            "SELECT
       u.id,
       u.created_at,
       u.updated_at,
       u.last_login_at,
       u.left_at,
       u.seen_day,
       CASE WHEN u.standard_attributes IS NULL AND u.custom_attributes IS NULL THEN NULL ELSE u.created_at END,
       (SELECT CAST(MAX(g.last_access_at) AS TEXT) || ' ' || ",
            $list,
            " FROM grants g WHERE g.project_no = u.project_no AND g.user_id = u.id),
       (SELECT MAX(s.last_access_at) FROM sessions s WHERE s.project_no = u.project_no AND s.user_id = u.id),
       (SELECT MAX(k.last_used_at) FROM device_keys k WHERE k.project_no = u.project_no AND k.user_id = u.id),
       u.left_client,
       ",
            $warned,
            ",
       ",
            $expired,
            ",
       (SELECT MAX(h.expires_at) FROM retention_holds h WHERE h.project_no = u.project_no AND h.user_id = u.id)
     FROM users u",
            $join,
            "
     WHERE u.project_no = $1 AND u.id > $2
       AND u.id <= $3
       AND u.anonymous_since IS NOT NULL
       AND u.disabled_at IS NULL
       AND u.yielded_to IS NULL
       AND (
         (
           u.updated_at < $4
           AND COALESCE(u.last_login_at, 0) < $4
           AND COALESCE(u.left_at, 0) < $4
           AND COALESCE(u.seen_day, 0) <= $5
         )
         OR ",
            $has_mark,
            "
       )
     ORDER BY u.id"
        )
    };
}

// On SQLite one look at the marks for each guest. PostgreSQL would look at the marks of the whole project for a join.
const SCAN: Sql = Sql::both(
    scan!(
        "group_concat(DISTINCT g.client_id)",
        "m.warned_at",
        "m.expired_at",
        "
     LEFT JOIN retention_marks m ON m.project_no = u.project_no AND m.user_id = u.id",
        "m.user_id IS NOT NULL"
    ),
    scan!(
        "string_agg(DISTINCT g.client_id, ',')",
        "(SELECT m.warned_at FROM retention_marks m WHERE m.project_no = u.project_no AND m.user_id = u.id)",
        "(SELECT m.expired_at FROM retention_marks m WHERE m.project_no = u.project_no AND m.user_id = u.id)",
        "",
        "(SELECT 1 FROM retention_marks m WHERE m.project_no = u.project_no AND m.user_id = u.id) = 1"
    ),
);

/// The last use of a guest's grants in microseconds, a space, and their applications with commas between them.
fn read_grants(text: &str) -> (Option<Timestamp>, Vec<String>) {
    let (used_at, clients) = text.split_once(' ').unwrap_or((text, ""));
    (used_at.parse().ok().map(Timestamp::from_micros), clients.split(',').map(str::to_owned).collect())
}

fn read_guest(row: &Row<'_>) -> Result<GuestRow, StoreError> {
    let grants: Option<String> = row.get(7)?;
    let (grant_used_at, mut client_ids) = grants.as_deref().map(read_grants).unwrap_or_default();
    let left: Option<String> = row.get(10)?;
    let left_several = left.as_deref() == Some(SEVERAL);
    client_ids.extend(left.filter(|left| !left_several && !client_ids.contains(left)));
    Ok(GuestRow {
        id: read_id(row, 0)?,
        created_at: read_time(row, 1)?,
        updated_at: read_time(row, 2)?,
        last_login_at: read_optional_time(row, 3)?,
        left_at: read_optional_time(row, 4)?,
        seen_day: row.get(5)?,
        has_attributes: read_optional_time(row, 6)?.is_some(),
        grant_used_at,
        session_used_at: read_optional_time(row, 8)?,
        key_used_at: read_optional_time(row, 9)?,
        client_ids,
        left_several,
        warned_at: read_optional_time(row, 11)?,
        expired_at: read_optional_time(row, 12)?,
        held_until: read_optional_time(row, 13)?,
    })
}

/// The active guests between two IDs (the second included) that were not seen after a time, as far as their own rows say, and those
/// with a mark.
pub async fn scan(
    conn: &mut Conn,
    p: ProjectNo,
    (after, end): (UserId, UserId),
    unseen_since: Timestamp,
) -> Result<Vec<GuestRow>, StoreError> {
    let (after, end) = (after.as_bytes().as_slice(), end.as_bytes().as_slice());
    let day = unseen_since.as_seconds().div_euclid(86_400);
    conn.query_all(&SCAN, &[&p.0, &after, &end, &unseen_since.as_micros(), &day], read_guest).await
}

const LIST_USERS: Sql = of_ids!(
    concat!(
        "SELECT
       ",
        user_columns!(""),
        "
     FROM users
     WHERE project_no = $1 AND "
    ),
    "id",
    ""
);

/// These users, in no order.
pub async fn list_users(conn: &mut Conn, p: ProjectNo, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
    conn.query_all(&LIST_USERS, &[&p.0, &pack(ids)], |row| read_user(row, 0)).await
}

const FIND_MARK: Sql = Sql::new(
    "SELECT
       warned_at,
       expired_at
     FROM retention_marks
     WHERE project_no = $1 AND user_id = $2",
);

/// When a guest was warned, and when it expired, if it has a mark.
pub async fn find_mark(
    conn: &mut Conn,
    p: ProjectNo,
    user: UserId,
) -> Result<Option<(Option<Timestamp>, Option<Timestamp>)>, StoreError> {
    let params: [&dyn Param; 2] = [&p.0, &user.as_bytes().as_slice()];
    conn.query_optional(&FIND_MARK, &params, |row| Ok((read_optional_time(row, 0)?, read_optional_time(row, 1)?))).await
}

const MARK_WARNED: Sql = of_ids!(
    "INSERT INTO retention_marks (
       project_no,
       user_id,
       warned_at
     )
     SELECT
       project_no,
       id,
       CAST($3 AS BIGINT)
     FROM users
     WHERE project_no = $1 AND ",
    "id",
    "
       AND anonymous_since IS NOT NULL
     ON CONFLICT DO NOTHING
     RETURNING user_id",
    "
       AND anonymous_since IS NOT NULL
     ORDER BY id
     ON CONFLICT DO NOTHING
     RETURNING user_id"
);

/// Marks guests as warned; returns those that had no mark.
pub async fn mark_warned(tx: &mut Tx, p: ProjectNo, ids: &[UserId], now: Timestamp) -> Result<Vec<UserId>, StoreError> {
    let params: [&dyn Param; 3] = [&p.0, &pack(ids), &now.as_micros()];
    tx.query_all(&MARK_WARNED, &params, |row| read_id(row, 0)).await
}

const MARK_EXPIRED: Sql = of_ids!(
    "INSERT INTO retention_marks (
       project_no,
       user_id,
       expired_at
     )
     SELECT
       project_no,
       id,
       CAST($3 AS BIGINT)
     FROM users
     WHERE project_no = $1 AND ",
    "id",
    "
       AND anonymous_since IS NOT NULL
     ON CONFLICT (project_no, user_id) DO UPDATE
     SET expired_at = excluded.expired_at",
    "
       AND anonymous_since IS NOT NULL
     ORDER BY id
     ON CONFLICT (project_no, user_id) DO UPDATE
     SET expired_at = excluded.expired_at"
);

/// Marks guests as expired.
pub async fn mark_expired(tx: &mut Tx, p: ProjectNo, ids: &[UserId], now: Timestamp) -> Result<u64, StoreError> {
    tx.execute(&MARK_EXPIRED, &[&p.0, &pack(ids), &now.as_micros()]).await
}

const UNMARK: Sql = of_ids!(
    "DELETE FROM retention_marks
     WHERE project_no = $1 AND ",
    "user_id",
    "
     RETURNING user_id, expired_at"
);

/// Removes the marks of guests; returns whose, and whether they had expired.
pub async fn unmark(tx: &mut Tx, p: ProjectNo, ids: &[UserId]) -> Result<Vec<(UserId, bool)>, StoreError> {
    tx.query_all(&UNMARK, &[&p.0, &pack(ids)], |row| Ok((read_id(row, 0)?, read_optional_time(row, 1)?.is_some())))
        .await
}

const REMOVE_STRAY_MARKS: Sql = Sql::new(
    "DELETE FROM retention_marks
     WHERE project_no = $1 AND user_id > $2
       AND user_id <= $3
       AND COALESCE((
         SELECT 1
         FROM users u
         WHERE u.project_no = retention_marks.project_no AND u.id = retention_marks.user_id
           AND u.anonymous_since IS NOT NULL
       ), 0) = 0",
);

/// Removes the marks between two IDs (the second included) of users that are gone or no guests any more.
pub async fn remove_stray_marks(tx: &mut Tx, p: ProjectNo, (after, end): (UserId, UserId)) -> Result<u64, StoreError> {
    let (after, end) = (after.as_bytes().as_slice(), end.as_bytes().as_slice());
    tx.execute(&REMOVE_STRAY_MARKS, &[&p.0, &after, &end]).await
}
