//! Ends and erases guests, many at once. SQL over `users` and over all that a guest owns; no policy.
//!
//! A guest has no login method: rows of login IDs, passwords, passkeys and external accounts belong to members.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    time::Timestamp,
};

use crate::{
    column::read_id,
    db::{Param, Sql, StoreError, Tx},
    ended::{note_left_of_grants, note_left_of_sessions},
    id_set::{of_ids, pack},
    lock_order::remove_unused_of_users,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &LOCK_UNSEEN,
    &LIST_USED_GRANTS,
    &LIST_USED_SESSIONS,
    &LIST_HELD,
    &KEEP_USE_OF_GRANTS,
    &KEEP_USE_OF_SESSIONS,
    &LEAVE_TOMBSTONES,
    &LEAVE_TOMBSTONES_FOR_ATTRIBUTES,
    &LEAVE_TOMBSTONES_FOR_KEYS,
    &LEAVE_TOMBSTONES_FOR_ALIASES,
    &BURY_ALIASES,
    &BURY_FOREIGN,
    &DELETE_GRANTS,
    &DELETE_SESSIONS,
    &DELETE_DEVICE_KEYS,
    &DELETE_CONSENTS,
    &DELETE_DEVICE_CODES,
    &DELETE_MARKS,
    &DELETE_HOLDS,
    &DELETE_NAMES,
    &DELETE_MERGES,
    &DELETE_DEAD_LETTERS,
    &DELETE_KEPT_ASIDE,
    &DELETE_USERS,
];

/// Until when guests may have been used to be taken for unused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cutoffs {
    /// They were seen before this time.
    pub seen_before: Timestamp,
    /// Their sessions and grants were last used before this time.
    pub used_before: Timestamp,
}

// On PostgreSQL, a guest whose row is locked is in use just now. The others stay locked: nothing that belongs to them can appear.
const LOCK_UNSEEN: Sql = of_ids!(
    "SELECT id
     FROM users
     WHERE project_no = $1 AND ",
    "id",
    "
       AND anonymous_since IS NOT NULL
       AND disabled_at IS NULL
       AND yielded_to IS NULL
       AND updated_at < $3
       AND (last_login_at IS NULL OR last_login_at < $3)
       AND (left_at IS NULL OR left_at < $3)
     ORDER BY id",
    "
       AND anonymous_since IS NOT NULL
       AND disabled_at IS NULL
       AND yielded_to IS NULL
       AND updated_at < $3
       AND (last_login_at IS NULL OR last_login_at < $3)
       AND (left_at IS NULL OR left_at < $3)
     ORDER BY id
     FOR UPDATE SKIP LOCKED"
);

// What says whether a row counts stands before the set: SQLite checks it first, and makes the set only if a row counts.
const LIST_USED_GRANTS: Sql = of_ids!(
    "SELECT user_id
     FROM grants
     WHERE project_no = $1
       AND last_access_at >= $3
       AND ",
    "user_id",
    ""
);

const LIST_USED_SESSIONS: Sql = of_ids!(
    "SELECT user_id
     FROM sessions
     WHERE project_no = $1
       AND last_access_at >= $3
       AND ",
    "user_id",
    ""
);

const LIST_HELD: Sql = of_ids!(
    "SELECT user_id
     FROM retention_holds
     WHERE project_no = $1
       AND expires_at >= $3
       AND ",
    "user_id",
    ""
);

/// Locks those of these guests that are still unused and not held, in the order of their IDs.
pub async fn lock_unused(
    tx: &mut Tx,
    p: ProjectNo,
    ids: &[UserId],
    cutoffs: Cutoffs,
    now: Timestamp,
) -> Result<Vec<UserId>, StoreError> {
    let packed = pack(ids);
    let params: [&dyn Param; 3] = [&p.0, &packed, &cutoffs.seen_before.as_micros()];
    let mut unseen: Vec<UserId> = tx.query_all(&LOCK_UNSEEN, &params, |row| read_id(row, 0)).await?;
    let packed = pack(&unseen);
    let used_before = cutoffs.used_before.as_micros();
    let mut kept: Vec<UserId> = Vec::new();
    for (sql, time) in
        [(&LIST_USED_GRANTS, used_before), (&LIST_USED_SESSIONS, used_before), (&LIST_HELD, now.as_micros())]
    {
        kept.extend(tx.query_all(sql, &[&p.0, &packed, &time], |row| read_id(row, 0)).await?);
    }
    if !kept.is_empty() {
        kept.sort_unstable();
        unseen.retain(|id| kept.binary_search(id).is_err());
    }
    Ok(unseen)
}

const KEEP_USE_OF_GRANTS: Sql = note_left_of_grants!("user_id");
const KEEP_USE_OF_SESSIONS: Sql = note_left_of_sessions!("user_id");

const DELETE_GRANTS: Sql = remove_unused_of_users!("grants");
const DELETE_SESSIONS: Sql = remove_unused_of_users!("sessions");

/// Ends the sessions of guests that [`lock_unused`] returned. Their last use stays known.
pub async fn end_sessions(tx: &mut Tx, p: ProjectNo, ids: &[UserId], used_before: Timestamp) -> Result<(), StoreError> {
    let packed = pack(ids);
    for keep in [&KEEP_USE_OF_GRANTS, &KEEP_USE_OF_SESSIONS] {
        tx.execute(keep, &[&p.0, &packed]).await?;
    }
    delete_sessions(tx, p, &packed, used_before).await
}

async fn delete_sessions(tx: &mut Tx, p: ProjectNo, packed: &[u8], used_before: Timestamp) -> Result<(), StoreError> {
    for delete in [&DELETE_GRANTS, &DELETE_SESSIONS] {
        tx.execute(delete, &[&p.0, &packed, &used_before.as_micros()]).await?;
    }
    Ok(())
}

const DELETE_DEVICE_KEYS: Sql = of_ids!("DELETE FROM device_keys WHERE project_no = $1 AND ", "user_id", "");
const DELETE_CONSENTS: Sql = of_ids!("DELETE FROM consents WHERE project_no = $1 AND ", "user_id", "");
const DELETE_DEVICE_CODES: Sql = of_ids!("DELETE FROM device_codes WHERE project_no = $1 AND ", "user_id", "");
const DELETE_MARKS: Sql = of_ids!("DELETE FROM retention_marks WHERE project_no = $1 AND ", "user_id", "");
const DELETE_HOLDS: Sql = of_ids!("DELETE FROM retention_holds WHERE project_no = $1 AND ", "user_id", "");
const DELETE_NAMES: Sql = of_ids!("DELETE FROM user_names WHERE project_no = $1 AND ", "user_id", "");
const DELETE_MERGES: Sql = of_ids!("DELETE FROM merges WHERE project_no = $1 AND ", "guest_id", "");
// Nobody resends them any more, and they say what the guest was.
const DELETE_DEAD_LETTERS: Sql =
    of_ids!("DELETE FROM hook_deliveries WHERE state = 2 AND project_no = $1 AND ", "lane", "");
const DELETE_KEPT_ASIDE: Sql =
    of_ids!("DELETE FROM outbox WHERE kind = 'event.unreadable' AND project_no = $1 AND ", "user_id", "");

const LEAVE_TOMBSTONES: Sql = of_ids!(
    "INSERT INTO subjects (
       project_no,
       id
     )
     SELECT
       project_no,
       id
     FROM users
     WHERE project_no = $1 AND ",
    "id",
    "
     ON CONFLICT DO NOTHING"
);
const LEAVE_TOMBSTONES_FOR_ATTRIBUTES: Sql = of_ids!(
    "INSERT INTO subjects (
       project_no,
       id
     )
     SELECT
       project_no,
       id
     FROM users
     WHERE project_no = $1
       AND (standard_attributes IS NOT NULL OR custom_attributes IS NOT NULL)
       AND ",
    "id",
    "
     ON CONFLICT DO NOTHING"
);
const LEAVE_TOMBSTONES_FOR_KEYS: Sql = of_ids!(
    "INSERT INTO subjects (
       project_no,
       id
     )
     SELECT
       project_no,
       user_id
     FROM device_keys
     WHERE project_no = $1 AND ",
    "user_id",
    "
     GROUP BY project_no, user_id
     ON CONFLICT DO NOTHING"
);
const LEAVE_TOMBSTONES_FOR_ALIASES: Sql = of_ids!(
    "INSERT INTO subjects (
       project_no,
       id
     )
     SELECT
       project_no,
       user_id
     FROM subjects
     WHERE project_no = $1 AND ",
    "user_id",
    "
     GROUP BY project_no, user_id
     ON CONFLICT DO NOTHING"
);

const BURY_ALIASES: Sql = of_ids!("UPDATE subjects SET user_id = NULL WHERE project_no = $1 AND ", "user_id", "");
const BURY_FOREIGN: Sql =
    of_ids!("UPDATE foreign_subjects SET user_id = NULL WHERE project_no = $1 AND ", "user_id", "");

/// Leaves tombstones of those of these guests that something remembers: attributes, a device key, an alias, or an application that was
/// notified of each guest. Their aliases become tombstones too. Call it before [`erase`].
pub async fn leave_tombstones(
    tx: &mut Tx,
    p: ProjectNo,
    ids: &[UserId],
    is_each_known: bool,
) -> Result<(), StoreError> {
    let packed = pack(ids);
    // One look at each table: most of them have nothing of most guests, and a look for each guest costs more than the rest of a batch.
    let remembered: &[&'static Sql] = if is_each_known {
        &[&LEAVE_TOMBSTONES]
    } else {
        &[&LEAVE_TOMBSTONES_FOR_ATTRIBUTES, &LEAVE_TOMBSTONES_FOR_KEYS, &LEAVE_TOMBSTONES_FOR_ALIASES]
    };
    for leave in remembered {
        tx.execute(leave, &[&p.0, &packed]).await?;
    }
    for bury in [&BURY_ALIASES, &BURY_FOREIGN] {
        tx.execute(bury, &[&p.0, &packed]).await?;
    }
    Ok(())
}

// On SQLite nothing can have happened since the guests were found unused.
const DELETE_USERS: Sql = of_ids!(
    "DELETE FROM users
     WHERE project_no = $1 AND ",
    "id",
    "
       AND anonymous_since IS NOT NULL",
    "
       AND anonymous_since IS NOT NULL
       AND COALESCE((
         SELECT 1 FROM grants g WHERE g.project_no = users.project_no AND g.user_id = users.id LIMIT 1
       ), 0) = 0
       AND COALESCE((
         SELECT 1 FROM sessions s WHERE s.project_no = users.project_no AND s.user_id = users.id LIMIT 1
       ), 0) = 0"
);

/// Erases guests that [`lock_unused`] returned, and everything they own; returns how many. Fewer than were given: one of them was used
/// meanwhile, and the transaction must be rolled back.
pub async fn erase(tx: &mut Tx, p: ProjectNo, ids: &[UserId], used_before: Timestamp) -> Result<usize, StoreError> {
    let packed = pack(ids);
    delete_sessions(tx, p, &packed, used_before).await?;
    for owned in [
        &DELETE_DEVICE_KEYS,
        &DELETE_CONSENTS,
        &DELETE_DEVICE_CODES,
        &DELETE_MARKS,
        &DELETE_HOLDS,
        &DELETE_NAMES,
        &DELETE_MERGES,
        &DELETE_DEAD_LETTERS,
        &DELETE_KEPT_ASIDE,
    ] {
        tx.execute(owned, &[&p.0, &packed]).await?;
    }
    let erased = tx.execute(&DELETE_USERS, &[&p.0, &packed]).await?;
    Ok(usize::try_from(erased).unwrap_or(usize::MAX))
}
