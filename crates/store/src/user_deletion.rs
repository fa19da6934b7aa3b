//! The deletion of one user with everything it owns, and with what is left of the guests that were merged into it. SQL over all that a user
//! owns; no policy.

use vestibule_domain::id::{ProjectNo, UserId};

use crate::{
    db::{Sql, StoreError, Tx},
    lock_order::in_order,
    subjects, users,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &DELETE_LOGIN_IDS,
    &DELETE_PASSWORDS,
    &DELETE_PASSKEYS,
    &DELETE_DEVICE_KEYS,
    &DELETE_GRANTS,
    &DELETE_SESSIONS,
    &DELETE_CONSENTS,
    &DELETE_DEVICE_CODES,
    &DELETE_METHOD_CHANGES,
    &DELETE_EXTERNAL_ACCOUNTS,
    &DELETE_RETENTION_MARKS,
    &DELETE_RETENTION_HOLDS,
    &DELETE_NAMES,
    &DELETE_DEAD_LETTERS,
    &DELETE_KEPT_ASIDE,
    &DELETE_MERGES_OF_GUEST,
    &DELETE_MERGES_OF_MEMBER,
    &DELETE,
];

const DELETE_LOGIN_IDS: Sql = Sql::new("DELETE FROM login_ids WHERE project_no = $1 AND user_id = $2");
const DELETE_PASSWORDS: Sql = Sql::new("DELETE FROM passwords WHERE project_no = $1 AND user_id = $2");
const DELETE_PASSKEYS: Sql = Sql::new("DELETE FROM passkeys WHERE project_no = $1 AND user_id = $2");
const DELETE_DEVICE_KEYS: Sql = Sql::new("DELETE FROM device_keys WHERE project_no = $1 AND user_id = $2");
const DELETE_GRANTS: Sql = in_order!("DELETE FROM grants", "grants", "project_no = $1 AND user_id = $2");
const DELETE_SESSIONS: Sql = in_order!("DELETE FROM sessions", "sessions", "project_no = $1 AND user_id = $2");
const DELETE_CONSENTS: Sql = Sql::new("DELETE FROM consents WHERE project_no = $1 AND user_id = $2");
const DELETE_DEVICE_CODES: Sql = Sql::new("DELETE FROM device_codes WHERE project_no = $1 AND user_id = $2");
const DELETE_METHOD_CHANGES: Sql = Sql::new("DELETE FROM login_method_changes WHERE project_no = $1 AND user_id = $2");
const DELETE_EXTERNAL_ACCOUNTS: Sql = Sql::new("DELETE FROM external_accounts WHERE project_no = $1 AND user_id = $2");
const DELETE_RETENTION_MARKS: Sql = Sql::new("DELETE FROM retention_marks WHERE project_no = $1 AND user_id = $2");
const DELETE_RETENTION_HOLDS: Sql = Sql::new("DELETE FROM retention_holds WHERE project_no = $1 AND user_id = $2");
const DELETE_NAMES: Sql = Sql::new("DELETE FROM user_names WHERE project_no = $1 AND user_id = $2");
const DELETE_MERGES_OF_GUEST: Sql = Sql::new("DELETE FROM merges WHERE project_no = $1 AND guest_id = $2");
const DELETE_MERGES_OF_MEMBER: Sql = Sql::new("DELETE FROM merges WHERE project_no = $1 AND member_id = $2");
const DELETE_DEAD_LETTERS: Sql =
    Sql::new("DELETE FROM hook_deliveries WHERE state = 2 AND project_no = $1 AND lane = $2");
const DELETE_KEPT_ASIDE: Sql =
    Sql::new("DELETE FROM outbox WHERE kind = 'event.unreadable' AND project_no = $1 AND user_id = $2");
const DELETE: Sql = Sql::new("DELETE FROM users WHERE project_no = $1 AND id = $2");

/// Deletes a user and everything it owns, also what is left of the guests that were merged into it; `false` when there is no such
/// user. Its `sub` and those of the guests become tombstones. Merges that wait are the caller's, and so are very many guests:
/// [`remove_merged_guests`].
///
/// Messages in the outbox and deliveries that wait stay: the event of the deletion is among them. Dead letters about it go.
pub async fn delete(tx: &mut Tx, p: ProjectNo, id: UserId) -> Result<bool, StoreError> {
    // First, as in every change of a merge.
    users::lock(tx, p, id).await?;
    remove_merged_guests(tx, p, id, i64::MAX).await?;
    let is_deleted = remove(tx, p, id).await?;
    if is_deleted {
        subjects::bury(tx, p, id).await?;
    }
    Ok(is_deleted)
}

/// Removes what is left of at most `limit` guests that were merged into a user that the caller has locked; answers of how many. Their
/// `sub`s stay aliases of it.
pub async fn remove_merged_guests(tx: &mut Tx, p: ProjectNo, into: UserId, limit: i64) -> Result<usize, StoreError> {
    let guests = subjects::list_aliases_with_rows(tx, p, into, limit).await?;
    for guest in &guests {
        users::lock(tx, p, *guest).await?;
        remove(tx, p, *guest).await?;
    }
    Ok(guests.len())
}

async fn remove(tx: &mut Tx, p: ProjectNo, id: UserId) -> Result<bool, StoreError> {
    let id = id.as_bytes().as_slice();
    // Grants before sessions: the order of those who record uses.
    for owned in [
        &DELETE_LOGIN_IDS,
        &DELETE_PASSWORDS,
        &DELETE_PASSKEYS,
        &DELETE_DEVICE_KEYS,
        &DELETE_GRANTS,
        &DELETE_SESSIONS,
        &DELETE_CONSENTS,
        &DELETE_DEVICE_CODES,
        &DELETE_METHOD_CHANGES,
        &DELETE_EXTERNAL_ACCOUNTS,
        &DELETE_RETENTION_MARKS,
        &DELETE_RETENTION_HOLDS,
        &DELETE_NAMES,
        &DELETE_MERGES_OF_GUEST,
        &DELETE_MERGES_OF_MEMBER,
        &DELETE_DEAD_LETTERS,
        &DELETE_KEPT_ASIDE,
    ] {
        tx.execute(owned, &[&p.0, &id]).await?;
    }
    tx.execute_one(&DELETE, &[&p.0, &id]).await
}
