//! Whose a session or grant is, read in few pages. Most are active guests', and an active guest is in no row of the index
//! `users_by_standing`: its own row, one of very many, is not looked at (decision 107).

use vestibule_domain::{id::UserId, user::Owner};

use crate::{
    db::{Row, StoreError},
    users::read_user,
};

/// Joins the user `u` to a session or grant of this name, unless it is an active guest. Only for SQLite, which would not choose the index by
/// itself. The condition is that of the index, word by word.
macro_rules! join_unless_active_guest {
    ($of:literal) => {
        concat!(
            "LEFT JOIN users u INDEXED BY users_by_standing
       ON u.project_no = ",
            $of,
            "project_no AND u.id = ",
            $of,
            "user_id
       AND (u.anonymous_since IS NULL OR u.disabled_at IS NOT NULL OR u.yielded_to IS NOT NULL)"
        )
    };
}
pub(crate) use join_unless_active_guest;

/// Reads the owner from the columns that begin at `first`, in the order of `user_columns`; they are NULL for an active guest, whose ID is
/// given.
///
/// A session or grant whose user is gone looks like a guest's. There is none: what deletes a user deletes these in the same transaction, and
/// they are only added to users that are there (`vestibule check` looks).
pub(crate) fn read_owner(row: &Row<'_>, first: usize, id: UserId) -> Result<Owner, StoreError> {
    Ok(match row.get_optional_array::<16>(first)? {
        None => Owner::Guest(id),
        Some(_) => Owner::from(read_user(row, first)?),
    })
}
