//! What users are found by inside: the phrases of their names, and the domains of their email addresses. SQL over `user_names`, and
//! over `login_ids` by domain; no policy.
//!
//! [`crate::users`] keeps the phrases with the attributes that they come from, so no caller has to think of them.

use serde_json::{Map, Value};
use vestibule_domain::{
    id::{ProjectNo, UserId},
    person_name::{self, MAX_PHRASES},
    user::User,
};

use crate::{
    column::{read_id, read_object},
    db::{Conn, Param, Sql, StoreError, Tx},
    id_set::{of_ids, pack},
    users::{read_user, user_columns},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] =
    &[&ADD, &REMOVE, &LOCK_FREE, &LOCK_ATTRIBUTES, &WITH_ATTRIBUTES, &REMOVE_ORPHANS, &BY_NAME, &BY_DOMAIN];

const ADD: Sql = Sql::new(
    "INSERT INTO user_names (
       project_no,
       phrase,
       user_id
     ) VALUES ($1, $2, $3)
     ON CONFLICT DO NOTHING",
);

/// Adds the phrases of a user that has none.
pub(crate) async fn add(
    tx: &mut Tx,
    p: ProjectNo,
    id: UserId,
    standard: &Map<String, Value>,
) -> Result<(), StoreError> {
    for phrase in person_name::phrases(standard) {
        tx.execute(&ADD, &[&p.0, &phrase.as_str(), &id.as_bytes().as_slice()]).await?;
    }
    Ok(())
}

const REMOVE: Sql = Sql::new("DELETE FROM user_names WHERE project_no = $1 AND user_id = $2");

/// Replaces the phrases of a user.
pub(crate) async fn replace(
    tx: &mut Tx,
    p: ProjectNo,
    id: UserId,
    standard: &Map<String, Value>,
) -> Result<(), StoreError> {
    tx.execute(&REMOVE, &[&p.0, &id.as_bytes().as_slice()]).await?;
    add(tx, p, id, standard).await
}

const LOCK_ATTRIBUTES: Sql = Sql::new(
    "UPDATE users
     SET updated_at = updated_at
     WHERE project_no = $1 AND id = $2
     RETURNING standard_attributes",
);

/// Makes the phrases of a user anew from its attributes: for one written by an earlier release. Waits for others that change the user, so
/// the transaction must hold no other one.
pub async fn renew(tx: &mut Tx, p: ProjectNo, id: UserId) -> Result<(), StoreError> {
    let values: [&dyn Param; 2] = [&p.0, &id.as_bytes().as_slice()];
    // Locked, so that the attributes do not change before the phrases follow them.
    if let Some(standard) = tx.query_optional(&LOCK_ATTRIBUTES, &values, |row| read_object(row, 0)).await? {
        replace(tx, p, id, &standard).await?;
    }
    Ok(())
}

const LOCK_FREE: Sql = of_ids!(
    "SELECT id, standard_attributes
     FROM users
     WHERE project_no = $1 AND ",
    "id",
    "
       AND standard_attributes IS NOT NULL
     ORDER BY id",
    "
       AND standard_attributes IS NOT NULL
     ORDER BY id
     FOR UPDATE SKIP LOCKED"
);

/// As [`renew`], for many users; answers those that it left out, because another transaction changes them just now, or they have no
/// attributes any more. It waits for none of them: members and their guests are locked in another order than that of their IDs
/// (decision 92).
pub async fn renew_free(tx: &mut Tx, p: ProjectNo, ids: &[UserId]) -> Result<Vec<UserId>, StoreError> {
    let values: [&dyn Param; 2] = [&p.0, &pack(ids)];
    let free: Vec<(UserId, Map<String, Value>)> =
        tx.query_all(&LOCK_FREE, &values, |row| Ok((read_id(row, 0)?, read_object(row, 1)?))).await?;
    for (id, standard) in &free {
        replace(tx, p, *id, standard).await?;
    }
    Ok(ids.iter().copied().filter(|id| free.binary_search_by_key(id, |(id, _)| *id).is_err()).collect())
}

const WITH_ATTRIBUTES: Sql = Sql::new(
    "SELECT id
     FROM users
     WHERE project_no = $1 AND id > $2 AND id <= $3
       AND standard_attributes IS NOT NULL
     ORDER BY id",
);

/// The users with attributes after one user and up to another, in the order of their IDs.
pub async fn list_with_attributes(
    conn: &mut Conn,
    p: ProjectNo,
    after: UserId,
    to: UserId,
) -> Result<Vec<UserId>, StoreError> {
    let (after, to) = (after.as_bytes().as_slice(), to.as_bytes().as_slice());
    conn.query_all(&WITH_ATTRIBUTES, &[&p.0, &after, &to], |row| read_id(row, 0)).await
}

const REMOVE_ORPHANS: Sql = Sql::new(
    "DELETE FROM user_names
     WHERE project_no = $1 AND user_id > $2 AND user_id <= $3
       AND NOT EXISTS (
         SELECT 1
         FROM users u
         WHERE u.project_no = $1 AND u.id = user_names.user_id
           AND u.id > $2 AND u.id <= $3
           AND u.standard_attributes IS NOT NULL
       )",
);

/// Removes the phrases whose user is gone, or has no attributes any more, after one user and up to another: an earlier release
/// deletes users without them.
pub async fn remove_orphans(tx: &mut Tx, p: ProjectNo, after: UserId, to: UserId) -> Result<(), StoreError> {
    let (after, to) = (after.as_bytes().as_slice(), to.as_bytes().as_slice());
    tx.execute(&REMOVE_ORPHANS, &[&p.0, &after, &to]).await?;
    Ok(())
}

const BY_NAME: Sql = Sql::both(
    concat!(
        "SELECT
       ",
        user_columns!(""),
        "
     FROM users
     WHERE project_no = $1
       AND id IN (
         SELECT user_id
         FROM user_names
         WHERE project_no = $1 AND phrase >= $2 AND phrase < $3
         ORDER BY phrase
         LIMIT $4
       )
     ORDER BY id DESC
     LIMIT $5"
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
         SELECT user_id
         FROM user_names
         WHERE project_no = $1 AND phrase >= $2 AND phrase < $3
         ORDER BY phrase
         LIMIT $4
       ))
     ORDER BY id DESC
     LIMIT $5"
    ),
);

/// What comes after all text that begins so.
fn end_of(beginning: &str) -> String {
    beginning.chars().chain([char::MAX]).collect()
}

/// At most `limit` users with a phrase that begins so, newest first, of those that come first by their phrases.
pub async fn search_names(conn: &mut Conn, p: ProjectNo, beginning: &str, limit: i64) -> Result<Vec<User>, StoreError> {
    let end = end_of(beginning);
    // Several phrases of one user may begin so.
    let phrases = limit.saturating_mul(i64::try_from(MAX_PHRASES).unwrap_or(1));
    let values: [&dyn Param; 5] = [&p.0, &beginning, &end.as_str(), &phrases, &limit];
    conn.query_all(&BY_NAME, &values, |row| read_user(row, 0)).await
}

const BY_DOMAIN: Sql = Sql::both(
    concat!(
        "SELECT
       ",
        user_columns!("u."),
        "
     FROM login_ids l
     JOIN users u ON u.project_no = l.project_no AND u.id = l.user_id
     WHERE l.project_no = $1
       AND l.kind = 'email'
       AND substr(l.value, instr(l.value, '@') + 1) >= $2
       AND substr(l.value, instr(l.value, '@') + 1) < $3
     ORDER BY substr(l.value, instr(l.value, '@') + 1) DESC, l.user_id DESC
     LIMIT $4"
    ),
    // Compare byte by byte, as the index and SQLite do, whatever the database's collation.
    concat!(
        "SELECT
       ",
        user_columns!("u."),
        "
     FROM login_ids l
     JOIN users u ON u.project_no = l.project_no AND u.id = l.user_id
     WHERE l.project_no = $1
       AND l.kind = 'email'
       AND split_part(l.value, '@', 2) ~>=~ $2
       AND split_part(l.value, '@', 2) ~<~ $3
     ORDER BY split_part(l.value, '@', 2) USING ~>~, l.user_id DESC
     LIMIT $4"
    ),
);

/// A character that comes before those of which domains are made.
const BEFORE: &str = "!";

/// At most `limit` users with an email address of this domain, newest first, and then of those that begin so.
pub async fn search_domains(conn: &mut Conn, p: ProjectNo, domain: &str, limit: i64) -> Result<Vec<User>, StoreError> {
    let (longer, end) = ([domain, BEFORE].concat(), end_of(domain));
    let mut users: Vec<User> = Vec::new();
    for (first, last) in [(domain, longer.as_str()), (longer.as_str(), end.as_str())] {
        let rest = limit - i64::try_from(users.len()).unwrap_or(limit);
        if rest > 0 {
            users.extend(conn.query_all(&BY_DOMAIN, &[&p.0, &first, &last, &rest], |row| read_user(row, 0)).await?);
        }
    }
    Ok(users)
}
