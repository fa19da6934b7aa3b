//! The order in which statements on PostgreSQL lock several rows: transactions that meet the same rows in one order never wait for each
//! other in a circle. A plain change of many rows locks them as its plan finds them. SQLite has one writer, and no locks of rows.

/// The beginning of a statement that changes one row for each element of its arrays, with `held` as the rows that are there: each is
/// locked by its place in the arrays, which its caller sorts by ID. `$1` is the project.
macro_rules! hold_each {
    ($table:literal, $columns:literal, $arrays:literal) => {
        concat!(
            "WITH held AS MATERIALIZED (
       SELECT used.*
       FROM unnest(",
            $arrays,
            ") AS used (",
            $columns,
            ")
       CROSS JOIN LATERAL (
         SELECT 1
         FROM ",
            $table,
            "
         WHERE project_no = $1 AND id = used.id
         FOR NO KEY UPDATE
       ) AS found
     )
     "
        )
    };
}
pub(crate) use hold_each;

/// Changes or removes the rows that meet a condition; on PostgreSQL it locks them in the order of their IDs first. `$1` is the project.
macro_rules! in_order {
    ($change:literal, $table:literal, $condition:literal) => {
        crate::db::Sql::both(
            concat!($change, "\n     WHERE ", $condition),
            concat!(
                "WITH held AS MATERIALIZED (
       SELECT id
       FROM ",
                $table,
                "
       WHERE ",
                $condition,
                "
       ORDER BY id
       FOR UPDATE
     )
     ",
                $change,
                "
     WHERE project_no = $1 AND id = ANY(ARRAY(SELECT id FROM held))"
            ),
        )
    };
}
pub(crate) use in_order;

/// The same for the rows that belong to a set of users and were not used since `$3`.
macro_rules! remove_unused_of_users {
    ($table:literal) => {
        crate::id_set::of_ids!(
            concat!("DELETE FROM ", $table, "\n     WHERE project_no = $1 AND "),
            concat!(
                "WITH held AS MATERIALIZED (
       SELECT id
       FROM ",
                $table,
                "
       WHERE project_no = $1 AND "
            ),
            "user_id",
            "
       AND last_access_at < $3",
            concat!(
                "
         AND last_access_at < $3
       ORDER BY id
       FOR UPDATE
     )
     DELETE FROM ",
                $table,
                "
     WHERE project_no = $1 AND id = ANY(ARRAY(SELECT id FROM held))"
            )
        )
        .planned_anew()
    };
}
pub(crate) use remove_unused_of_users;

/// Removes at most `$2` rows that meet a condition, the first ones in an order. Two nodes may do so at the same moment: on PostgreSQL each
/// leaves what the other one has locked.
macro_rules! remove_first {
    ($table:literal, $key:literal, $condition:literal, $order:literal) => {
        crate::db::Sql::both(
            concat!(
                "DELETE FROM ",
                $table,
                "
     WHERE (",
                $key,
                ") IN (
       SELECT ",
                $key,
                " FROM ",
                $table,
                " WHERE ",
                $condition,
                " ORDER BY ",
                $order,
                " LIMIT $2
     )"
            ),
            concat!(
                "WITH first AS MATERIALIZED (
       SELECT ",
                $key,
                " FROM ",
                $table,
                " WHERE ",
                $condition,
                " ORDER BY ",
                $order,
                " LIMIT $2 FOR UPDATE SKIP LOCKED
     )
     DELETE FROM ",
                $table,
                "
     WHERE (",
                $key,
                ") IN (SELECT ",
                $key,
                " FROM first)"
            ),
        )
    };
}
pub(crate) use remove_first;
