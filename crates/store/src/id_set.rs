//! Sets of IDs as one parameter of a statement: the IDs one after the other, 16 bytes each. No SQL of its own.

use vestibule_domain::id::Id;

/// A statement that names a set of IDs between its two parts, of which the second may differ between the engines. The set is its
/// parameter `$2`, made by [`pack`].
macro_rules! of_ids {
    ($before:expr, $after:expr) => {
        crate::id_set::of_ids!($before, $after, $after)
    };
    ($before:expr, $after_sqlite:expr, $after_postgres:expr) => {
        crate::db::Sql::both(
            concat!(
                $before,
                "IN (
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
                $before,
                "= ANY(ARRAY(
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
    ids.iter().flat_map(|id| *id.as_bytes()).collect()
}
