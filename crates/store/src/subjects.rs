//! The subject ledger. SQL over `subjects` and `foreign_subjects`; no policy.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    subject::{Meaning, Subject},
    time::Timestamp,
};

use crate::{
    column::{read_id, read_optional_id},
    db::{Conn, Param, Row, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &RECORD,
    &RECORD_FOREIGN,
    &FIND,
    &FIND_FOREIGN,
    &LIST_ALIASES,
    &LIST_ALIASES_WITH_ROWS,
    &LIST_NEWEST_ALIASES,
    &LIST_FOREIGN,
    &BURY_ALIASES,
    &BURY_FOREIGN,
    &FORGET,
];

fn read_meaning(row: &Row<'_>) -> Result<Meaning, StoreError> {
    Ok(read_optional_id(row, 0)?.map_or(Meaning::Tombstone, |of| Meaning::Alias { of }))
}

const RECORD: Sql = Sql::new(
    "INSERT INTO subjects (
       project_no,
       id,
       user_id,
       since
     ) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING",
);

const RECORD_FOREIGN: Sql = Sql::new(
    "INSERT INTO foreign_subjects (
       project_no,
       id,
       user_id
     ) VALUES ($1, $2, $3)
     ON CONFLICT DO NOTHING",
);

/// Records what a `sub` means from now on; `false` when it is in the ledger already, which then stays as it is.
pub async fn record(
    tx: &mut Tx,
    p: ProjectNo,
    subject: &Subject,
    meaning: Meaning,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let current = meaning.current();
    let user = current.as_ref().map(|user| user.as_bytes().as_slice());
    match subject {
        Subject::Id(id) => tx.execute_one(&RECORD, &[&p.0, &id.as_bytes().as_slice(), &user, &now.as_micros()]).await,
        Subject::Foreign(id) => tx.execute_one(&RECORD_FOREIGN, &[&p.0, &id.as_str(), &user]).await,
    }
}

const FIND: Sql = Sql::new("SELECT user_id FROM subjects WHERE project_no = $1 AND id = $2");
const FIND_FOREIGN: Sql = Sql::new("SELECT user_id FROM foreign_subjects WHERE project_no = $1 AND id = $2");

/// What a `sub` means; `None` when it is not in the ledger: a user's own, or one that was never given out.
pub async fn find(conn: &mut Conn, p: ProjectNo, subject: &Subject) -> Result<Option<Meaning>, StoreError> {
    match subject {
        Subject::Id(id) => conn.query_optional(&FIND, &[&p.0, &id.as_bytes().as_slice()], read_meaning).await,
        Subject::Foreign(id) => conn.query_optional(&FIND_FOREIGN, &[&p.0, &id.as_str()], read_meaning).await,
    }
}

const LIST_ALIASES: Sql = Sql::new(
    "SELECT id
     FROM subjects
     WHERE project_no = $1 AND user_id = $2 AND id > $3
     ORDER BY id
     LIMIT $4",
);

/// At most `limit` aliases of a user, by ID, `after` the last one of the previous page.
pub async fn list_aliases(
    conn: &mut Conn,
    p: ProjectNo,
    user: UserId,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<UserId>, StoreError> {
    let bound = after.map_or([0; 16], |id| *id.as_bytes());
    let values: [&dyn Param; 4] = [&p.0, &user.as_bytes().as_slice(), &bound.as_slice(), &limit];
    conn.query_all(&LIST_ALIASES, &values, |row| read_id(row, 0)).await
}

const LIST_ALIASES_WITH_ROWS: Sql = Sql::new(
    "SELECT s.id
     FROM subjects s
     JOIN users u ON u.project_no = s.project_no AND u.id = s.id
     WHERE s.project_no = $1 AND s.user_id = $2
     ORDER BY s.id
     LIMIT $3",
);

/// At most `limit` aliases of a user of whose guests something is left, by ID.
pub async fn list_aliases_with_rows(
    conn: &mut Conn,
    p: ProjectNo,
    user: UserId,
    limit: i64,
) -> Result<Vec<UserId>, StoreError> {
    let values: [&dyn Param; 3] = [&p.0, &user.as_bytes().as_slice(), &limit];
    conn.query_all(&LIST_ALIASES_WITH_ROWS, &values, |row| read_id(row, 0)).await
}

const LIST_NEWEST_ALIASES: Sql = Sql::new(
    "SELECT id
     FROM subjects
     WHERE project_no = $1 AND user_id = $2
     ORDER BY since DESC, id DESC
     LIMIT $3",
);

/// At most `limit` aliases of a user, those of the newest merges first. Aliases from before merges had a time come last.
pub async fn list_newest_aliases(
    conn: &mut Conn,
    p: ProjectNo,
    user: UserId,
    limit: i64,
) -> Result<Vec<UserId>, StoreError> {
    conn.query_all(&LIST_NEWEST_ALIASES, &[&p.0, &user.as_bytes().as_slice(), &limit], |row| read_id(row, 0)).await
}

const LIST_FOREIGN: Sql = Sql::new(
    "SELECT id
     FROM foreign_subjects
     WHERE project_no = $1 AND user_id = $2 AND id > $3
     ORDER BY id
     LIMIT $4",
);

/// At most `limit` IDs that a user had in other systems, `after` the last one of the previous page.
pub async fn list_foreign(
    conn: &mut Conn,
    p: ProjectNo,
    user: UserId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let bound = after.unwrap_or_default();
    let values: [&dyn Param; 4] = [&p.0, &user.as_bytes().as_slice(), &bound, &limit];
    conn.query_all(&LIST_FOREIGN, &values, |row| row.get(0)).await
}

const FORGET: Sql = Sql::new("DELETE FROM subjects WHERE project_no = $1 AND id = $2 AND user_id = $3");

/// Makes an alias of a user a `sub` of its own again, because the merge was undone; `false` when it is no alias of that user.
pub async fn forget_alias(tx: &mut Tx, p: ProjectNo, alias: UserId, of: UserId) -> Result<bool, StoreError> {
    tx.execute_one(&FORGET, &[&p.0, &alias.as_bytes().as_slice(), &of.as_bytes().as_slice()]).await
}

const BURY_ALIASES: Sql = Sql::new("UPDATE subjects SET user_id = NULL WHERE project_no = $1 AND user_id = $2");
const BURY_FOREIGN: Sql = Sql::new("UPDATE foreign_subjects SET user_id = NULL WHERE project_no = $1 AND user_id = $2");

/// Makes tombstones of a user that is being deleted, and of its aliases.
pub(crate) async fn bury(tx: &mut Tx, p: ProjectNo, user: UserId) -> Result<(), StoreError> {
    let id = user.as_bytes().as_slice();
    tx.execute(&BURY_ALIASES, &[&p.0, &id]).await?;
    tx.execute(&BURY_FOREIGN, &[&p.0, &id]).await?;
    // An alias stays one when what was left of its guest is deleted.
    let no_time = Timestamp::from_micros(0);
    record(tx, p, &Subject::Id(user), Meaning::Tombstone, no_time).await.map(drop)
}
