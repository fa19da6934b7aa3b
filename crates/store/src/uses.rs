//! Uses of grants and sessions, which are recorded in the same way. SQL over the table that is named; no policy.

use vestibule_domain::{
    id::{Id, ProjectNo},
    time::Timestamp,
};

use crate::db::{Array, Engine, Sql, StoreError, Tx};

/// Records a use of one row of a table; never moves the last use back.
macro_rules! record_use {
    ($table:literal) => {
        crate::db::Sql::new(concat!(
            "UPDATE ",
            $table,
            "
     SET last_access_at = $3
     WHERE project_no = $1 AND id = $2
       AND last_access_at < $3"
        ))
    };
}
pub(crate) use record_use;

/// The same for several rows on PostgreSQL, each with its own time; `$one` is the statement for one. That the IDs stand there twice bounds
/// what is read, whatever the planner believes of the table.
macro_rules! record_uses {
    ($table:literal, $one:expr) => {
        crate::db::Sql::both(
            $one.text(crate::db::Engine::Sqlite),
            concat!(
                crate::lock_order::hold_each!($table, "id, at", "CAST($2 AS BYTEA[]), CAST($3 AS BIGINT[])"),
                "UPDATE ",
                $table,
                " AS changed
     SET last_access_at = held.at
     FROM held
     WHERE changed.project_no = $1 AND changed.id = ANY(CAST($2 AS BYTEA[]))
       AND changed.id = held.id
       AND changed.last_access_at < held.at"
            ),
        )
        .planned_anew()
    };
}
pub(crate) use record_uses;

/// Records uses of different rows, in the order of their IDs, with a statement for one and one for several.
pub(crate) async fn record_all<K>(
    tx: &mut Tx,
    (one, several): (&'static Sql, &'static Sql),
    p: ProjectNo,
    uses: &mut [(Id<K>, Timestamp)],
) -> Result<(), StoreError> {
    uses.sort_unstable_by_key(|(id, _)| *id.as_bytes());
    if tx.engine() == Engine::Postgres && uses.len() > 1 {
        let ids: Array<&[u8]> = uses.iter().map(|(id, _)| id.as_bytes().as_slice()).collect();
        let times: Array<i64> = uses.iter().map(|(_, at)| at.as_micros()).collect();
        return tx.execute(several, &[&p.0, &ids, &times]).await.map(|_| ());
    }
    for (id, at) in uses {
        tx.execute(one, &[&p.0, &id.as_bytes().as_slice(), &at.as_micros()]).await?;
    }
    Ok(())
}
