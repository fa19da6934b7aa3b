//! Searches of users by ID and login ID, for operators. SQL over `users` and `login_ids`; no policy.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    user::User,
};

use crate::{
    column::read_id,
    db::{Conn, Sql, StoreError},
    users::{read_user, user_columns},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&BY_LOGIN_ID, &BY_ID, &LOGIN_IDS_BETWEEN];

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
