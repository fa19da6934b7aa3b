//! Sets of IDs as one parameter of a statement: the IDs in their order, 16 bytes each. No SQL of its own.

use vestibule_domain::id::Id;

/// A statement whose rows have an ID of a set in a column. The condition stands between two parts, which may differ between the engines
/// (the second one, or both); the set is the parameter `$2`, made by [`pack`].
///
/// On SQLite it reads the range from the first ID to the last one and drops what is between the IDs. Sets are made of what a walk finds
/// in the order of its IDs, so there is little between them, and a table without rows in the range costs one step for the whole set.
macro_rules! of_ids {
    ($before:expr, $column:expr, $after:expr) => {
        crate::id_set::of_ids!($before, $column, $after, $after)
    };
    ($before:expr, $column:expr, $after_sqlite:expr, $after_postgres:expr) => {
        crate::id_set::of_ids!($before, $before, $column, $after_sqlite, $after_postgres)
    };
    ($before_sqlite:expr, $before_postgres:expr, $column:expr, $after_sqlite:expr, $after_postgres:expr) => {
        crate::db::Sql::both(
            concat!(
                $before_sqlite,
                $column,
                " BETWEEN substr($2, 1, 16) AND substr($2, -16)
       AND +",
                $column,
                " IN (
         WITH RECURSIVE picked (at) AS (
           SELECT 1 WHERE length($2) > 0
           UNION ALL
           SELECT at + 16 FROM picked WHERE at + 16 < length($2)
         )
         SELECT substr($2, at, 16) FROM picked
       )",
                $after_sqlite
            ),
            concat!(
                $before_postgres,
                $column,
                " = ANY(ARRAY(
       SELECT substring(CAST($2 AS BYTEA) FROM n * 16 + 1 FOR 16)
       FROM generate_series(0, length(CAST($2 AS BYTEA)) / 16 - 1) AS n
     ))",
                $after_postgres
            ),
        )
    };
}
pub(crate) use of_ids;

/// The parameter that stands for these IDs.
pub(crate) fn pack<K>(ids: &[Id<K>]) -> Vec<u8> {
    let mut ids: Vec<[u8; 16]> = ids.iter().map(|id| *id.as_bytes()).collect();
    // Sets come in their order nearly always, which costs one look at each.
    ids.sort_unstable();
    ids.concat()
}
