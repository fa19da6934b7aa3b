//! Sets of IDs as one parameter of a statement: the IDs in their order, 16 bytes each. No SQL of its own.

use vestibule_domain::id::Id;

/// A statement whose rows have an ID of a set in a column. The condition stands between two parts, which may differ between the engines
/// (the second one, or both); the set is the parameter `$2`, made by [`pack`].
///
/// On SQLite it reads the range from the first ID to the last one and drops what is between the IDs, which [`has_id`] finds. Sets are made of
/// what a walk finds in the order of its IDs, so there is little between them, and a table without rows in the range costs one step for the
/// whole set.
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
       AND has_id($2, ",
                $column,
                ")",
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

/// Whether a set made by [`pack`] has an ID: the function `has_id` of statements on SQLite. A list made by SQL would be made anew for each
/// statement.
pub(crate) fn has_id(set: &[u8], id: &[u8]) -> bool {
    let (ids, _) = set.as_chunks::<16>();
    <[u8; 16]>::try_from(id).is_ok_and(|id| ids.binary_search(&id).is_ok())
}

#[cfg(test)]
mod tests {
    use vestibule_domain::id::UserId;

    use super::*;

    #[test]
    fn a_set_has_its_ids_and_no_others() {
        let id = |number: u8| UserId::from_bytes([number; 16]);
        let set = pack(&[id(9), id(2), id(5)]);
        for number in 0..=10 {
            assert_eq!(has_id(&set, id(number).as_bytes()), [2, 5, 9].contains(&number), "{number}");
        }
        assert!(!has_id(&[], id(2).as_bytes()));
        assert!(!has_id(&set, b""));
        assert!(!has_id(&set, &[2; 15]));
    }
}
