//! Merges of guests into members, and where their handshakes stand. SQL over `merges`; no policy.

use vestibule_domain::{
    handshake::{Merge, MergeState},
    id::{MergeId, ProjectNo, UserId},
    time::Timestamp,
};

use crate::{
    column::{read_id, read_optional_time, read_project, read_time},
    db::{Conn, Param, Row, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &FIND,
    &LOCK,
    &ALL,
    &OF_STATE,
    &OF_GUEST,
    &OF_MEMBER,
    &OPEN_OF_GUEST,
    &OPEN_OF_MEMBER,
    &COUNT_OPEN,
    &CHANGE,
    &BEGIN_ASKING,
    &PROLONG,
    &FORGET,
    &LATE_ANY_PROJECT,
    &FINAL_ANY_PROJECT,
    &OLD_ANY_PROJECT,
    &REMOVE,
];

const fn code_of(state: MergeState) -> i64 {
    match state {
        MergeState::Requested => 0,
        MergeState::Settled => 1,
        MergeState::Refused => 2,
        MergeState::TimedOut => 3,
        MergeState::Undone => 4,
    }
}

fn read_state(code: i64) -> MergeState {
    match code {
        1 => MergeState::Settled,
        2 => MergeState::Refused,
        3 => MergeState::TimedOut,
        4 => MergeState::Undone,
        _ => MergeState::Requested,
    }
}

/// A stored merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeRow {
    /// What it is, and where it stands.
    pub merge: Merge,
    /// The application in which the person agreed; `None` when an operator asked for the merge.
    pub client_id: Option<String>,
    /// How often the application was asked.
    pub asked: i64,
    /// When it was last asked.
    pub asked_at: Option<Timestamp>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// What the merge did, JSON, while it can be undone.
    pub kept: Option<String>,
}

fn read_row(row: &Row<'_>) -> Result<MergeRow, StoreError> {
    let merge = Merge {
        id: read_id(row, 0)?,
        from: read_id(row, 1)?,
        into: read_id(row, 2)?,
        state: read_state(row.get(3)?),
        requested_at: read_time(row, 5)?,
        answer_by: read_optional_time(row, 6)?,
        changed_at: read_time(row, 7)?,
        undo_until: read_optional_time(row, 8)?,
        asking_until: read_optional_time(row, 13)?,
    };
    Ok(MergeRow {
        merge,
        client_id: row.get(4)?,
        asked: row.get(9)?,
        asked_at: read_optional_time(row, 10)?,
        reason: row.get(11)?,
        kept: row.get(12)?,
    })
}

/// The statement, with what follows the project's number.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT
       id,
       guest_id,
       member_id,
       state,
       client_id,
       requested_at,
       answer_by,
       changed_at,
       undo_until,
       asked,
       asked_at,
       reason,
       kept,
       asking_until
     FROM merges
     WHERE project_no = $1 ",
            $rest
        )
    };
}

const INSERT: Sql = Sql::new(
    "INSERT INTO merges (
       project_no,
       id,
       guest_id,
       member_id,
       state,
       client_id,
       requested_at,
       answer_by,
       changed_at,
       undo_until,
       asked,
       kept
     ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11)",
);

/// Adds a merge.
pub async fn insert(tx: &mut Tx, p: ProjectNo, row: &MergeRow) -> Result<(), StoreError> {
    let Merge { id, from, into, state, requested_at, answer_by, changed_at, undo_until, .. } = &row.merge;
    let params: [&dyn Param; 11] = [
        &p.0,
        &id.as_bytes().as_slice(),
        &from.as_bytes().as_slice(),
        &into.as_bytes().as_slice(),
        &code_of(*state),
        &row.client_id.as_deref(),
        &requested_at.as_micros(),
        &answer_by.map(Timestamp::as_micros),
        &changed_at.as_micros(),
        &undo_until.map(Timestamp::as_micros),
        &row.kept.as_deref(),
    ];
    tx.execute(&INSERT, &params).await.map(drop)
}

const FIND: Sql = Sql::new(select!("AND id = $2"));

/// A merge of a project.
pub async fn find(conn: &mut Conn, p: ProjectNo, id: MergeId) -> Result<Option<MergeRow>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &id.as_bytes().as_slice()], read_row).await
}

const LOCK: Sql = Sql::new("UPDATE merges SET asked = asked WHERE project_no = $1 AND id = $2");

/// A merge of a project that no other transaction changes until this one ends.
pub async fn lock(tx: &mut Tx, p: ProjectNo, id: MergeId) -> Result<Option<MergeRow>, StoreError> {
    tx.execute(&LOCK, &[&p.0, &id.as_bytes().as_slice()]).await?;
    find(tx, p, id).await
}

const ALL: Sql = Sql::new(select!("AND id < $2 ORDER BY id DESC LIMIT $3"));
const OF_STATE: Sql = Sql::new(select!("AND id < $2 AND state = $3 ORDER BY id DESC LIMIT $4"));

/// At most `limit` merges, in a state or in any, newest first, `after` the last one of the previous page.
pub async fn list(
    conn: &mut Conn,
    p: ProjectNo,
    state: Option<MergeState>,
    after: Option<MergeId>,
    limit: i64,
) -> Result<Vec<MergeRow>, StoreError> {
    let bound = after.map_or([u8::MAX; 16], |id| *id.as_bytes());
    match state {
        None => conn.query_all(&ALL, &[&p.0, &bound.as_slice(), &limit], read_row).await,
        Some(state) => conn.query_all(&OF_STATE, &[&p.0, &bound.as_slice(), &code_of(state), &limit], read_row).await,
    }
}

const OF_GUEST: Sql = Sql::new(select!("AND guest_id = $2 ORDER BY id DESC LIMIT $3"));
const OF_MEMBER: Sql = Sql::new(select!("AND member_id = $2 ORDER BY id DESC LIMIT $3"));

/// At most `limit` merges of a guest, newest first.
pub async fn list_of_guest(
    conn: &mut Conn,
    p: ProjectNo,
    guest: UserId,
    limit: i64,
) -> Result<Vec<MergeRow>, StoreError> {
    conn.query_all(&OF_GUEST, &[&p.0, &guest.as_bytes().as_slice(), &limit], read_row).await
}

/// At most `limit` merges into a member, newest first.
pub async fn list_of_member(
    conn: &mut Conn,
    p: ProjectNo,
    member: UserId,
    limit: i64,
) -> Result<Vec<MergeRow>, StoreError> {
    conn.query_all(&OF_MEMBER, &[&p.0, &member.as_bytes().as_slice(), &limit], read_row).await
}

const OPEN_OF_GUEST: Sql = Sql::new(select!("AND guest_id = $2 AND state = 0"));
const OPEN_OF_MEMBER: Sql = Sql::new(select!("AND member_id = $2 AND state = 0 ORDER BY id LIMIT $3"));

/// The merge that a guest waits for; `None` when it waits for none.
pub async fn find_open_of_guest(conn: &mut Conn, p: ProjectNo, guest: UserId) -> Result<Option<MergeRow>, StoreError> {
    conn.query_optional(&OPEN_OF_GUEST, &[&p.0, &guest.as_bytes().as_slice()], read_row).await
}

/// At most `limit` merges into a member that wait for an answer, oldest first.
pub async fn list_open_of_member(
    conn: &mut Conn,
    p: ProjectNo,
    member: UserId,
    limit: i64,
) -> Result<Vec<MergeRow>, StoreError> {
    conn.query_all(&OPEN_OF_MEMBER, &[&p.0, &member.as_bytes().as_slice(), &limit], read_row).await
}

const COUNT_OPEN: Sql = Sql::new(
    "SELECT
       client_id,
       COUNT(*),
       COUNT(CASE WHEN guest_id >= $2 AND guest_id < $3 THEN 1 END)
     FROM merges
     WHERE project_no = $1 AND state = 0
     GROUP BY client_id",
);

/// Merges of an application that wait for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenMerges {
    /// The application in which the persons agreed; `None` for merges by operators.
    pub client_id: Option<String>,
    /// All of them.
    pub count: i64,
    /// Those whose guests have IDs in the range.
    pub in_range: i64,
}

/// The merges that wait for an answer, by application; how many there are, and of guests with IDs from one up to below another.
pub async fn count_open(
    conn: &mut Conn,
    p: ProjectNo,
    (from, below): (UserId, UserId),
) -> Result<Vec<OpenMerges>, StoreError> {
    conn.query_all(&COUNT_OPEN, &[&p.0, &from.as_bytes().as_slice(), &below.as_bytes().as_slice()], |row| {
        Ok(OpenMerges { client_id: row.get(0)?, count: row.get(1)?, in_range: row.get(2)? })
    })
    .await
}

const CHANGE: Sql = Sql::new(
    "UPDATE merges
     SET state = $3,
         changed_at = $4,
         undo_until = $5,
         reason = $6,
         kept = $7
     WHERE project_no = $1 AND id = $2",
);

/// Writes where a locked merge stands now.
pub async fn change(tx: &mut Tx, p: ProjectNo, row: &MergeRow) -> Result<bool, StoreError> {
    let Merge { id, state, changed_at, undo_until, .. } = &row.merge;
    let params: [&dyn Param; 7] = [
        &p.0,
        &id.as_bytes().as_slice(),
        &code_of(*state),
        &changed_at.as_micros(),
        &undo_until.map(Timestamp::as_micros),
        &row.reason.as_deref(),
        &row.kept.as_deref(),
    ];
    tx.execute_one(&CHANGE, &params).await
}

const BEGIN_ASKING: Sql = Sql::new(
    "UPDATE merges
     SET asked = asked + 1,
         asked_at = $3,
         asking_until = CASE WHEN asking_until > $4 THEN asking_until ELSE $4 END
     WHERE project_no = $1 AND id = $2",
);

/// Counts that an application is asked about a locked merge, whose answer may come until a time.
pub async fn begin_asking(
    tx: &mut Tx,
    p: ProjectNo,
    id: MergeId,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let params: [&dyn Param; 4] = [&p.0, &id.as_bytes().as_slice(), &now.as_micros(), &until.as_micros()];
    tx.execute_one(&BEGIN_ASKING, &params).await
}

const PROLONG: Sql = Sql::new("UPDATE merges SET answer_by = $3 WHERE project_no = $1 AND id = $2 AND state = 0");

/// Gives an application until a later time to answer; `false` when the merge waits for no answer.
pub async fn prolong(tx: &mut Tx, p: ProjectNo, id: MergeId, answer_by: Timestamp) -> Result<bool, StoreError> {
    tx.execute_one(&PROLONG, &[&p.0, &id.as_bytes().as_slice(), &answer_by.as_micros()]).await
}

const FORGET: Sql = Sql::new("UPDATE merges SET kept = NULL WHERE project_no = $1 AND id = $2");

/// Forgets what a merge did: it can't be undone any more.
pub async fn forget(tx: &mut Tx, p: ProjectNo, id: MergeId) -> Result<bool, StoreError> {
    tx.execute_one(&FORGET, &[&p.0, &id.as_bytes().as_slice()]).await
}

fn read_place(row: &Row<'_>) -> Result<(ProjectNo, MergeId), StoreError> {
    Ok((read_project(row, 0)?, read_id(row, 1)?))
}

const LATE_ANY_PROJECT: Sql = Sql::new(
    "SELECT project_no, id
     FROM merges
     WHERE state = 0 AND answer_by IS NOT NULL AND answer_by < $1
       AND COALESCE(asking_until, 0) < $1
     ORDER BY answer_by
     LIMIT $2",
);

/// At most `limit` merges whose application had time for an answer until before `now`, and none is on its way.
pub async fn list_late_any_project(
    conn: &mut Conn,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(ProjectNo, MergeId)>, StoreError> {
    conn.query_all(&LATE_ANY_PROJECT, &[&now.as_micros(), &limit], read_place).await
}

const FINAL_ANY_PROJECT: Sql = Sql::new(
    "SELECT project_no, id
     FROM merges
     WHERE kept IS NOT NULL AND undo_until < $1
     ORDER BY undo_until
     LIMIT $2",
);

/// At most `limit` merges that could be undone until before `now`, and of which it is still kept what they did.
pub async fn list_final_any_project(
    conn: &mut Conn,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(ProjectNo, MergeId)>, StoreError> {
    conn.query_all(&FINAL_ANY_PROJECT, &[&now.as_micros(), &limit], read_place).await
}

const OLD_ANY_PROJECT: Sql = Sql::new(
    "SELECT project_no, id
     FROM merges
     WHERE state > 0 AND kept IS NULL AND changed_at < $1
     ORDER BY changed_at
     LIMIT $2",
);
const REMOVE: Sql = Sql::new("DELETE FROM merges WHERE project_no = $1 AND id = $2 AND state > 0 AND kept IS NULL");

/// Removes at most `limit` merges that ended before a time and can't be undone any more; returns how many. One statement would read
/// every merge of their projects on SQLite.
pub async fn remove_old_any_project(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let (mut removed, mut old) = (0, tx.query_all(&OLD_ANY_PROJECT, &[&before.as_micros(), &limit], read_place).await?);
    // In this order on every node, so that two clean-ups at once do not wait for each other.
    old.sort_unstable_by_key(|(p, id)| (p.0, *id.as_bytes()));
    for (p, id) in old {
        removed += tx.execute(&REMOVE, &[&p.0, &id.as_bytes().as_slice()]).await?;
    }
    Ok(removed)
}
