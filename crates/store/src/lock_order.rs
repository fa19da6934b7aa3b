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
