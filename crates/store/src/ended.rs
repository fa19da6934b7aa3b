//! Removes sessions and grants that have ended, many at once, and notes on their guests when they were last there. SQL over
//! `sessions`, `grants` and `users`; no policy.

use vestibule_domain::{
    id::{GrantId, Id, ProjectNo, SessionId, UserId},
    time::Timestamp,
};

use crate::{
    column::read_id,
    db::{Engine, Param, Sql, StoreError, Tx},
    id_set::{of_ids, pack},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &NOTE_LEFT,
    &NOTE_LEFT_OF_SESSION,
    &NOTE_LEFT_OF_GRANTS,
    &NOTE_LEFT_OF_SESSIONS,
    &NOTE_LEFT_OF_GRANTS_IN_SESSIONS,
    &LOCK_UNUSED_GRANTS,
    &LOCK_UNUSED_SESSIONS,
    &LOCK_GRANTS_OF_SESSIONS,
    &REMOVE_GRANTS,
    &REMOVE_SESSIONS,
    &REMOVE_GRANTS_OF_SESSIONS,
];

/// What is noted as the application of a guest that had grants of several.
pub(crate) const SEVERAL: &str = "*";

/// Notes on the guests of a set of rows, named by a column, that these end. On PostgreSQL it locks the guests in the order of their IDs.
macro_rules! note_ends {
    ($table:literal, $column:literal, $found:literal, $set:literal) => {
        crate::id_set::of_ids!(
            concat!(
                "UPDATE users
     SET ",
                $set,
                "
     FROM (
       SELECT
         user_id,
         ",
                $found,
                "
       FROM ",
                $table,
                "
       WHERE project_no = $1 AND "
            ),
            concat!(
                "WITH ended AS MATERIALIZED (
       SELECT found.*
       FROM (
         SELECT
           user_id,
           ",
                $found,
                "
         FROM ",
                $table,
                "
         WHERE project_no = $1 AND "
            ),
            $column,
            "
       GROUP BY user_id
     ) AS ended
     WHERE users.project_no = $1 AND users.id = ended.user_id
       AND users.anonymous_since IS NOT NULL",
            concat!(
                "
         GROUP BY user_id
         ORDER BY user_id
       ) AS found
       CROSS JOIN LATERAL (
         SELECT 1
         FROM users u
         WHERE u.project_no = $1 AND u.id = found.user_id
           AND u.anonymous_since IS NOT NULL
         FOR NO KEY UPDATE
       ) AS held
     )
     UPDATE users
     SET ",
                $set,
                "
     FROM ended
     WHERE users.project_no = $1 AND users.id = ended.user_id"
            )
        )
        .planned_anew()
    };
}
pub(crate) use note_ends;

/// The last use of grants, and their application, or [`SEVERAL`].
macro_rules! note_left_of_grants {
    ($column:literal) => {
        crate::ended::note_ends!(
            "grants",
            $column,
            "MAX(last_access_at) AS last_at, CASE WHEN MIN(client_id) = MAX(client_id) THEN MAX(client_id) ELSE '*' END AS client_id",
            "left_at = CASE WHEN users.left_at > ended.last_at THEN users.left_at ELSE ended.last_at END,
         left_client = CASE WHEN users.left_client <> ended.client_id THEN '*' ELSE ended.client_id END"
        )
    };
}
pub(crate) use note_left_of_grants;

/// The same for cookie sessions, whose application is not known.
macro_rules! note_left_of_sessions {
    ($column:literal) => {
        crate::ended::note_ends!(
            "sessions",
            $column,
            "MAX(last_access_at) AS last_at",
            "left_at = CASE WHEN users.left_at > ended.last_at THEN users.left_at ELSE ended.last_at END"
        )
    };
}
pub(crate) use note_left_of_sessions;

const NOTE_LEFT: Sql = Sql::new(
    "UPDATE users
     SET left_at = CASE WHEN left_at > $3 THEN left_at ELSE $3 END,
         left_client = CASE
           WHEN left_client IS NULL THEN $4
           WHEN left_client = COALESCE($4, left_client) THEN left_client
           ELSE '*'
         END
     WHERE project_no = $1 AND id = $2
       AND anonymous_since IS NOT NULL",
);

/// Notes on a guest that a session of it ends, and of which application; never moves the time back. Does nothing to a member.
pub async fn note_left(
    tx: &mut Tx,
    p: ProjectNo,
    user: UserId,
    client_id: Option<&str>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute_one(&NOTE_LEFT, &[&p.0, &user.as_bytes().as_slice(), &at.as_micros(), &client_id]).await
}

const NOTE_LEFT_OF_SESSION: Sql = Sql::new(
    "UPDATE users
     SET left_at = CASE WHEN left_at > $3 THEN left_at ELSE $3 END
     WHERE project_no = $1
       AND id = (SELECT s.user_id FROM sessions s WHERE s.project_no = $1 AND s.id = $2)
       AND anonymous_since IS NOT NULL",
);

/// As [`note_left`], for the owner of a cookie session. Call it before the session is removed.
pub async fn note_left_of_session(
    tx: &mut Tx,
    p: ProjectNo,
    session: SessionId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute_one(&NOTE_LEFT_OF_SESSION, &[&p.0, &session.as_bytes().as_slice(), &at.as_micros()]).await
}

const NOTE_LEFT_OF_GRANTS: Sql = note_left_of_grants!("id");
const NOTE_LEFT_OF_SESSIONS: Sql = note_left_of_sessions!("id");
const NOTE_LEFT_OF_GRANTS_IN_SESSIONS: Sql = note_left_of_grants!("session_id");

/// Locks the rows of a set that have no recorded use after a time, in the order of their IDs. On PostgreSQL, one that is locked is in use
/// just now, and left for the next time; SQLite has no locks of rows.
macro_rules! lock_unused {
    ($table:literal) => {
        of_ids!(
            concat!("SELECT id FROM ", $table, " WHERE project_no = $1 AND "),
            "id",
            " AND last_access_at <= $3",
            " AND last_access_at <= $3
     ORDER BY id
     FOR UPDATE SKIP LOCKED"
        )
        .planned_anew()
    };
}

const LOCK_UNUSED_GRANTS: Sql = lock_unused!("grants");
const LOCK_UNUSED_SESSIONS: Sql = lock_unused!("sessions");

/// The IDs of a set that [`lock_unused`] leaves.
async fn lock<K>(
    tx: &mut Tx,
    sql: &'static Sql,
    p: ProjectNo,
    ids: &[Id<K>],
    used_until: Timestamp,
) -> Result<Vec<u8>, StoreError> {
    let packed = pack(ids);
    if tx.engine() == Engine::Sqlite {
        return Ok(packed);
    }
    let params: [&dyn Param; 3] = [&p.0, &packed, &used_until.as_micros()];
    Ok(pack(&tx.query_all(sql, &params, |row| read_id::<K>(row, 0)).await?))
}

const LOCK_GRANTS_OF_SESSIONS: Sql = of_ids!(
    "SELECT id FROM grants WHERE project_no = $1 AND ",
    "session_id",
    "",
    "
     ORDER BY id
     FOR UPDATE"
)
.planned_anew();

const REMOVE_GRANTS: Sql = of_ids!(
    "DELETE FROM grants
     WHERE project_no = $1 AND ",
    "id",
    "
       AND last_access_at <= $3
     RETURNING id"
);

/// Removes those of these grants that have no recorded use after a time; returns which. Their guests keep the time of the last use
/// and the application.
pub async fn remove_grants(
    tx: &mut Tx,
    p: ProjectNo,
    ids: &[GrantId],
    used_until: Timestamp,
) -> Result<Vec<GrantId>, StoreError> {
    let ids = lock(tx, &LOCK_UNUSED_GRANTS, p, ids, used_until).await?;
    tx.execute(&NOTE_LEFT_OF_GRANTS, &[&p.0, &ids]).await?;
    tx.query_all(&REMOVE_GRANTS, &[&p.0, &ids, &used_until.as_micros()], |row| read_id(row, 0)).await
}

const REMOVE_SESSIONS: Sql = of_ids!(
    "DELETE FROM sessions
     WHERE project_no = $1 AND ",
    "id",
    "
       AND last_access_at <= $3
     RETURNING id"
);

const REMOVE_GRANTS_OF_SESSIONS: Sql = of_ids!("DELETE FROM grants WHERE project_no = $1 AND ", "session_id", "");

/// Removes those of these cookie sessions that have no recorded use after a time, with their grants; returns which sessions, and how
/// many grants. Their guests keep the time of the last use and the application.
pub async fn remove_sessions(
    tx: &mut Tx,
    p: ProjectNo,
    ids: &[SessionId],
    used_until: Timestamp,
) -> Result<(Vec<SessionId>, u64), StoreError> {
    // Grants, sessions, users: the order of those who record uses.
    if tx.engine() == Engine::Postgres {
        tx.query_all(&LOCK_GRANTS_OF_SESSIONS, &[&p.0, &pack(ids)], |_| Ok(())).await?;
    }
    let packed = lock(tx, &LOCK_UNUSED_SESSIONS, p, ids, used_until).await?;
    tx.execute(&NOTE_LEFT_OF_SESSIONS, &[&p.0, &packed]).await?;
    let params: [&dyn Param; 3] = [&p.0, &packed, &used_until.as_micros()];
    let removed: Vec<SessionId> = tx.query_all(&REMOVE_SESSIONS, &params, |row| read_id(row, 0)).await?;
    let packed = pack(&removed);
    tx.execute(&NOTE_LEFT_OF_GRANTS_IN_SESSIONS, &[&p.0, &packed]).await?;
    let grants = tx.execute(&REMOVE_GRANTS_OF_SESSIONS, &[&p.0, &packed]).await?;
    Ok((removed, grants))
}
