//! Lists and searches over users, for operators. SQL over `users` and `login_ids`; no policy.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    time::Timestamp,
    user::User,
};

use crate::{
    column::read_id,
    db::{Conn, Param, Sql, StoreError},
    users::{read_user, user_columns},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &GUESTS,
    &MEMBERS,
    &DISABLED,
    &PROMOTED,
    &DORMANT,
    &MARKED,
    &HELD,
    &STEP,
    &BY_LOGIN_ID,
    &BY_ID,
    &LOGIN_IDS_BETWEEN,
];

/// Users that an index lists directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserListKind {
    /// Members, whether they began as guests or not.
    Members,
    /// Disabled users.
    Disabled,
}

const MEMBERS: Sql = Sql::new(concat!(
    "SELECT
       ",
    user_columns!(""),
    "
     FROM users
     WHERE project_no = $1 AND id < $2
       AND anonymous_since IS NULL
     ORDER BY id DESC
     LIMIT $3"
));

const DISABLED: Sql = Sql::new(concat!(
    "SELECT
       ",
    user_columns!(""),
    "
     FROM users
     WHERE project_no = $1 AND id < $2
       AND disabled_at IS NOT NULL
     ORDER BY id DESC
     LIMIT $3"
));

/// At most `limit` users of a kind, newest first, `after` the last one of the previous page.
pub async fn list_kind(
    conn: &mut Conn,
    p: ProjectNo,
    kind: UserListKind,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    let sql = match kind {
        UserListKind::Members => &MEMBERS,
        UserListKind::Disabled => &DISABLED,
    };
    conn.query_all(sql, &[&p.0, &bound(after).as_slice(), &limit], |row| read_user(row, 0)).await
}

const PROMOTED: Sql = Sql::new(concat!(
    "SELECT
       ",
    user_columns!(""),
    "
     FROM users
     WHERE project_no = $1
       AND promoted_at >= $2
       AND (promoted_at, id) < ($3, $4)
     ORDER BY promoted_at DESC, id DESC
     LIMIT $5"
));

/// At most `limit` users promoted since a time, latest first, `after` the last one of the previous page.
pub async fn list_promoted(
    conn: &mut Conn,
    p: ProjectNo,
    since: Timestamp,
    after: Option<(Timestamp, UserId)>,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    let (at, id) = after.map_or((i64::MAX, [u8::MAX; 16]), |(at, id)| (at.as_micros(), *id.as_bytes()));
    conn.query_all(&PROMOTED, &[&p.0, &since.as_micros(), &at, &id.as_slice(), &limit], |row| read_user(row, 0)).await
}

const STEP: Sql = Sql::new(
    "SELECT id
     FROM users
     WHERE project_no = $1 AND id < $2
     ORDER BY id DESC
     LIMIT 1
     OFFSET $3",
);

/// The user that many places below this one, or below the newest: bounds how far a list without an index scans.
pub async fn step_down(
    conn: &mut Conn,
    p: ProjectNo,
    below: Option<UserId>,
    count: i64,
) -> Result<Option<UserId>, StoreError> {
    conn.query_optional(&STEP, &[&p.0, &bound(below).as_slice(), &count], |row| read_id(row, 0)).await
}

fn bound(below: Option<UserId>) -> [u8; 16] {
    below.map_or([u8::MAX; 16], |id| *id.as_bytes())
}

fn floor(from: Option<UserId>) -> [u8; 16] {
    from.map_or([0; 16], |id| *id.as_bytes())
}

const GUESTS: Sql = Sql::new(concat!(
    "SELECT
       ",
    user_columns!(""),
    "
     FROM users
     WHERE project_no = $1 AND id < $2 AND id >= $3
       AND anonymous_since IS NOT NULL
       AND yielded_to IS NULL
     ORDER BY id DESC
     LIMIT $4"
));

/// At most `limit` guests, newest first, `below` one user and down to another.
pub async fn list_guests(
    conn: &mut Conn,
    p: ProjectNo,
    below: Option<UserId>,
    from: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    let (below, from) = (bound(below), floor(from));
    conn.query_all(&GUESTS, &[&p.0, &below.as_slice(), &from.as_slice(), &limit], |row| read_user(row, 0)).await
}

const DORMANT: Sql = Sql::new(concat!(
    "SELECT
       ",
    user_columns!("u."),
    "
     FROM users u
     WHERE u.project_no = $1 AND u.id < $2 AND u.id >= $3
       AND u.anonymous_since IS NOT NULL
       AND u.yielded_to IS NULL
       AND NOT EXISTS (
         SELECT 1 FROM grants g WHERE g.project_no = u.project_no AND g.user_id = u.id AND g.last_access_at >= $4
       )
       AND NOT EXISTS (
         SELECT 1 FROM sessions s WHERE s.project_no = u.project_no AND s.user_id = u.id AND s.last_access_at >= $4
       )
     ORDER BY u.id DESC
     LIMIT $5"
));

/// At most `limit` guests not seen `since` a time, newest first, `below` one user and down to another. The caller asks
/// only for users created before that time: later ones were seen since.
pub async fn list_dormant(
    conn: &mut Conn,
    p: ProjectNo,
    since: Timestamp,
    below: Option<UserId>,
    from: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    let (below, from) = (bound(below), floor(from));
    conn.query_all(&DORMANT, &[&p.0, &below.as_slice(), &from.as_slice(), &since.as_micros(), &limit], |row| {
        read_user(row, 0)
    })
    .await
}

const MARKED: Sql = Sql::new(concat!(
    "SELECT
       ",
    user_columns!("u."),
    "
     FROM retention_marks m
     JOIN users u ON u.project_no = m.project_no AND u.id = m.user_id
     WHERE m.project_no = $1 AND m.user_id < $2
       AND u.anonymous_since IS NOT NULL
       AND u.yielded_to IS NULL
     ORDER BY m.user_id DESC
     LIMIT $3"
));

/// At most `limit` guests that were warned or have expired, newest first, `below` one user.
pub async fn list_marked(
    conn: &mut Conn,
    p: ProjectNo,
    below: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    conn.query_all(&MARKED, &[&p.0, &bound(below).as_slice(), &limit], |row| read_user(row, 0)).await
}

/// Whether a user with a hold is neither merged nor waits for it: a subquery of its own. As a join, or in another form, PostgreSQL expects
/// hardly a user to be left, and reads and sorts every hold of the project.
macro_rules! is_listed {
    () => {
        "(SELECT g.yielded_to IS NULL FROM users g WHERE g.project_no = h.project_no AND g.id = h.user_id)"
    };
}

const HELD: Sql = Sql::both(
    concat!(
        "SELECT
       ",
        user_columns!(""),
        "
     FROM users
     WHERE project_no = $1
       AND id IN (
         SELECT DISTINCT h.user_id
         FROM retention_holds h
         WHERE h.project_no = $1 AND h.user_id < $2
           AND h.expires_at >= $3
           AND ",
        is_listed!(),
        "
         ORDER BY h.user_id DESC
         LIMIT $4
       )
     ORDER BY id DESC"
    ),
    // As an array: PostgreSQL would read all users of the project beside a subquery, because it does not know how few there are.
    concat!(
        "SELECT
       ",
        user_columns!(""),
        "
     FROM users
     WHERE project_no = $1
       AND id = ANY(ARRAY(
         SELECT DISTINCT h.user_id
         FROM retention_holds h
         WHERE h.project_no = $1 AND h.user_id < $2
           AND h.expires_at >= $3
           AND ",
        is_listed!(),
        "
         ORDER BY h.user_id DESC
         LIMIT $4
       ))
     ORDER BY id DESC"
    ),
);

/// At most `limit` users with a hold that has not expired, newest first, `below` one user; without guests that are merged or wait for it.
pub async fn list_held(
    conn: &mut Conn,
    p: ProjectNo,
    now: Timestamp,
    below: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    let below = bound(below);
    let params: [&dyn Param; 4] = [&p.0, &below.as_slice(), &now.as_micros(), &limit];
    conn.query_all(&HELD, &params, |row| read_user(row, 0)).await
}

const BY_LOGIN_ID: Sql = Sql::both(
    concat!(
        "SELECT
       ",
        user_columns!("u."),
        "
     FROM login_ids l
     JOIN users u ON u.project_no = l.project_no AND u.id = l.user_id
     WHERE l.project_no = $1 AND l.kind = $2 AND l.value >= $3 AND l.value < $4
     ORDER BY l.value
     LIMIT $5"
    ),
    // Compare byte by byte, as the index and SQLite do, whatever the database's collation.
    concat!(
        "SELECT
       ",
        user_columns!("u."),
        "
     FROM login_ids l
     JOIN users u ON u.project_no = l.project_no AND u.id = l.user_id
     WHERE l.project_no = $1 AND l.kind = $2 AND l.value ~>=~ $3 AND l.value ~<~ $4
     ORDER BY l.value USING ~<~
     LIMIT $5"
    ),
);

/// At most `limit` users with a login ID of this kind that begins with this text.
pub async fn search_login_ids(
    conn: &mut Conn,
    p: ProjectNo,
    kind: &str,
    beginning: &str,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    let mut end = beginning.to_owned();
    end.push(char::MAX);
    conn.query_all(&BY_LOGIN_ID, &[&p.0, &kind, &beginning, &end.as_str(), &limit], |row| read_user(row, 0)).await
}

const BY_ID: Sql = Sql::new(concat!(
    "SELECT
       ",
    user_columns!(""),
    "
     FROM users
     WHERE project_no = $1 AND id >= $2 AND id <= $3
     ORDER BY id
     LIMIT $4"
));

/// At most `limit` users with ids between these two, both included.
pub async fn search_ids(
    conn: &mut Conn,
    p: ProjectNo,
    first: UserId,
    last: UserId,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    let (first, last) = (first.as_bytes().as_slice(), last.as_bytes().as_slice());
    conn.query_all(&BY_ID, &[&p.0, &first, &last, &limit], |row| read_user(row, 0)).await
}

const LOGIN_IDS_BETWEEN: Sql = Sql::new(
    "SELECT
       user_id,
       kind,
       value
     FROM login_ids
     WHERE project_no = $1 AND user_id >= $2 AND user_id <= $3
     ORDER BY user_id",
);

/// Kind and value of every login ID of the users between these two, both included: for one page of users.
pub async fn list_login_ids_between(
    conn: &mut Conn,
    p: ProjectNo,
    first: UserId,
    last: UserId,
) -> Result<Vec<(UserId, String, String)>, StoreError> {
    let (first, last) = (first.as_bytes().as_slice(), last.as_bytes().as_slice());
    conn.query_all(&LOGIN_IDS_BETWEEN, &[&p.0, &first, &last], |row| Ok((read_id(row, 0)?, row.get(1)?, row.get(2)?)))
        .await
}
