//! URLs to which nothing is sent any more because a receiver moved or was removed, and what still waits for them. SQL over
//! `receiver_moves` and `hook_deliveries`; no policy.

use vestibule_domain::{
    id::ProjectNo,
    project::{ReceiverChanges, ReceiverKind, ReceiverMove},
    time::Timestamp,
};

use crate::{
    column::read_project,
    db::{Conn, Param, Row, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] =
    &[&PUT, &FOLLOW, &OLDEST, &FORGET, &OF_URL, &HAS_WAITING, &MOVE, &GIVE_UP, &OLD_ANY_PROJECT];

const fn code_of(kind: ReceiverKind) -> i64 {
    match kind {
        ReceiverKind::Webhook => 0,
        ReceiverKind::Logout => 1,
    }
}

const fn read_kind(code: i64) -> ReceiverKind {
    match code {
        1 => ReceiverKind::Logout,
        _ => ReceiverKind::Webhook,
    }
}

const PUT: Sql = Sql::new(
    "INSERT INTO receiver_moves (
       project_no,
       old_url,
       kind,
       new_url,
       moved_at
     ) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (project_no, old_url, kind) DO UPDATE
     SET new_url = excluded.new_url,
         moved_at = excluded.moved_at",
);

const FOLLOW: Sql = Sql::new(
    "UPDATE receiver_moves
     SET new_url = $4
     WHERE project_no = $1 AND kind = $3 AND new_url = $2",
);

const FORGET: Sql = Sql::new("DELETE FROM receiver_moves WHERE project_no = $1 AND old_url = $2 AND kind = $3");

/// Moves of a project that are kept: each change of its settings reads them all, and a project may change them often.
pub const MOST: i64 = 10_000;

macro_rules! oldest {
    ($end:literal) => {
        concat!(
            "DELETE FROM receiver_moves
     WHERE project_no = $1
       AND (old_url, kind) IN (
         SELECT old_url, kind
         FROM receiver_moves
         WHERE project_no = $1
         ORDER BY moved_at DESC, old_url, kind
         LIMIT $2
         OFFSET $3",
            $end,
            "
       )"
        )
    };
}

// What the clean-up removes at this moment is not waited for.
const OLDEST: Sql = Sql::both(
    oldest!(""),
    oldest!(
        "
         FOR UPDATE SKIP LOCKED"
    ),
);

/// Notes what a change of the settings does to receivers, in the transaction of the change, and forgets the oldest moves beyond [`MOST`].
pub async fn note(tx: &mut Tx, p: ProjectNo, changes: &ReceiverChanges, now: Timestamp) -> Result<(), StoreError> {
    for ReceiverMove { kind, old, new } in &changes.moves {
        let values: [&dyn Param; 5] = [&p.0, &old.as_str(), &code_of(*kind), &new.as_deref(), &now.as_micros()];
        // What moved here before goes on with it.
        tx.execute(&FOLLOW, &values[..4]).await?;
        tx.execute(&PUT, &values).await?;
    }
    for (kind, url) in &changes.added {
        tx.execute(&FORGET, &[&p.0, &url.as_str(), &code_of(*kind)]).await?;
    }
    if !changes.moves.is_empty() {
        tx.execute(&OLDEST, &[&p.0, &MOST, &MOST]).await?;
    }
    Ok(())
}

const OF_URL: Sql =
    Sql::new("SELECT kind, old_url, new_url FROM receiver_moves WHERE project_no = $1 AND old_url = $2");

/// What was at a URL, for each kind that is not there any more.
pub async fn list_of_url(conn: &mut Conn, p: ProjectNo, url: &str) -> Result<Vec<ReceiverMove>, StoreError> {
    conn.query_all(&OF_URL, &[&p.0, &url], |row| {
        Ok(ReceiverMove { kind: read_kind(row.get(0)?), old: row.get(1)?, new: row.get(2)? })
    })
    .await
}

const HAS_WAITING: Sql = Sql::new(
    "SELECT 1
     FROM hook_deliveries
     WHERE state = 0 AND project_no = $1 AND url = $2
       AND CAST(CASE WHEN type = $3 THEN 1 ELSE 0 END AS BIGINT) = $4
       AND claimed_by IS NULL
     LIMIT 1",
);

/// Whether something waits at the URL of before. `logout` is the type of notices of ended sessions. What is being sent just now is left
/// alone until it is known what came of it.
pub async fn has_waiting(conn: &mut Conn, p: ProjectNo, of: &ReceiverMove, logout: &str) -> Result<bool, StoreError> {
    let values: [&dyn Param; 4] = [&p.0, &of.old.as_str(), &logout, &code_of(of.kind)];
    Ok(conn.query_optional(&HAS_WAITING, &values, |_| Ok(())).await?.is_some())
}

const MOVE: Sql = Sql::new(
    "UPDATE hook_deliveries
     SET url = $6,
         due_at = $5
     WHERE id IN (
       SELECT id
       FROM hook_deliveries
       WHERE state = 0 AND project_no = $1 AND url = $2
         AND CAST(CASE WHEN type = $3 THEN 1 ELSE 0 END AS BIGINT) = $4
         AND claimed_by IS NULL
       ORDER BY lane, id
       LIMIT $7
     )
       AND state = 0 AND url = $2
       AND claimed_by IS NULL",
);

const GIVE_UP: Sql = Sql::new(
    "UPDATE hook_deliveries
     SET state = 2,
         finished_at = $5,
         last_error = $6
     WHERE id IN (
       SELECT id
       FROM hook_deliveries
       WHERE state = 0 AND project_no = $1 AND url = $2
         AND CAST(CASE WHEN type = $3 THEN 1 ELSE 0 END AS BIGINT) = $4
         AND claimed_by IS NULL
       ORDER BY lane, id
       LIMIT $7
     )
       AND state = 0 AND url = $2
       AND claimed_by IS NULL",
);

/// Has at most `limit` deliveries that wait at the URL of before go to the new one, due at once, or gives them up with `error` if there is
/// none; answers how many. The conditions stand outside, too: PostgreSQL checks only these again for a row that it had to wait for, which
/// another node may have moved or begun to send.
pub async fn carry_out(
    tx: &mut Tx,
    p: ProjectNo,
    (of, logout, error): (&ReceiverMove, &str, &str),
    limit: i64,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let (sql, text) = match &of.new {
        Some(new) => (&MOVE, new.as_str()),
        None => (&GIVE_UP, error),
    };
    let values: [&dyn Param; 7] = [&p.0, &of.old.as_str(), &logout, &code_of(of.kind), &now.as_micros(), &text, &limit];
    tx.execute(sql, &values).await
}

const OLD_ANY_PROJECT: Sql = Sql::new(
    "SELECT project_no, old_url, kind
     FROM receiver_moves
     WHERE moved_at < $1
     ORDER BY moved_at
     LIMIT $2",
);

/// Forgets at most `limit` moves from before a time; answers how many.
pub async fn remove_old_any_project(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let read = |row: &Row<'_>| Ok((read_project(row, 0)?, row.get::<String>(1)?, row.get::<i64>(2)?));
    let (mut removed, mut old) = (0, tx.query_all(&OLD_ANY_PROJECT, &[&before.as_micros(), &limit], read).await?);
    // In this order on every node, so that two clean-ups at once do not wait for each other.
    old.sort_unstable_by(|a, b| (a.0.0, &a.1, a.2).cmp(&(b.0.0, &b.1, b.2)));
    for (p, url, kind) in old {
        removed += tx.execute(&FORGET, &[&p.0, &url.as_str(), &kind]).await?;
    }
    Ok(removed)
}
