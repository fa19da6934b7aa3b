//! One SQLite connection: its statements, and binding their parameters.

use std::sync::Arc;

use rusqlite::{Connection, functions::FunctionFlags};

use super::{
    failed_write,
    snapshot::{LogIndex, Snapshot},
};
use crate::{
    db::{Engine, Param, Row, Sql, StoreError},
    id_set::has_id,
};

/// One SQLite connection, and whether a statement failed since the flag was last cleared.
pub(in crate::db) struct SqliteConnection {
    pub(super) connection: Connection,
    pub(super) failed: bool,
    /// Of a reader. After the connection, so that it is dropped after it.
    pub(super) snapshot: Option<Snapshot>,
}

impl SqliteConnection {
    pub(super) fn new(connection: Connection) -> Self {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
        let added = connection.create_scalar_function("has_id", 2, flags, |call| {
            let (set, id) = (call.get_raw(0).as_blob_or_null()?, call.get_raw(1).as_blob_or_null()?);
            Ok(set.zip(id).is_some_and(|(set, id)| has_id(set, id)))
        });
        added.expect("the name of a function and the number of its arguments are right");
        Self { connection, failed: false, snapshot: None }
    }

    /// One that reads only, and whose transaction may stay open.
    pub(super) fn reader(connection: Connection, index: Option<Arc<LogIndex>>) -> Self {
        Self { snapshot: index.map(Snapshot::new), ..Self::new(connection) }
    }

    /// Runs a statement to its end and passes every row to the closure.
    pub(in crate::db) fn query(
        &mut self,
        sql: &'static Sql,
        params: &[&dyn Param],
        each: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let text = sql.text(Engine::Sqlite);
        self.begin_statement();
        let mut step = || -> Result<Result<(), StoreError>, rusqlite::Error> {
            let mut statement = self.connection.prepare_cached(text)?;
            bind(&mut statement, sql, params)?;
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                if let Err(error) = each(&Row::of_sqlite(row)) {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        };
        match step() {
            Ok(outcome) => outcome,
            Err(error) => Err(self.fail(&error, text)),
        }
    }

    pub(in crate::db) fn execute(&mut self, sql: &'static Sql, params: &[&dyn Param]) -> Result<u64, StoreError> {
        let text = sql.text(Engine::Sqlite);
        let step = || {
            let mut statement = self.connection.prepare_cached(text)?;
            bind(&mut statement, sql, params)?;
            statement.raw_execute()
        };
        match step() {
            Ok(rows) => Ok(rows as u64),
            Err(error) => Err(self.fail(&error, text)),
        }
    }

    pub(in crate::db) fn prepare(&mut self, sql: &'static Sql) -> Result<(), StoreError> {
        let text = sql.text(Engine::Sqlite);
        self.connection.prepare_cached(text).map(|_| ()).map_err(|error| StoreError::from_sqlite(&error, text))
    }

    /// Runs a statement of this module: BEGIN, SAVEPOINT and the like.
    pub(super) fn control(&mut self, text: &'static str) -> Result<(), StoreError> {
        let run = self.connection.prepare_cached(text).and_then(|mut statement| statement.raw_execute());
        run.map(|_| ()).map_err(|error| {
            failed_write::end_if_write_failed(&self.connection, &error);
            StoreError::from_sqlite(&error, text)
        })
    }

    fn fail(&mut self, error: &rusqlite::Error, text: &'static str) -> StoreError {
        failed_write::end_if_write_failed(&self.connection, error);
        self.failed = true;
        self.end_transaction();
        StoreError::from_sqlite(error, text)
    }
}

/// Binds `$n` to the n-th value. SQLite numbers these parameters by first appearance, so unless that is their order,
/// the *name* decides.
fn bind(statement: &mut rusqlite::Statement<'_>, sql: &Sql, params: &[&dyn Param]) -> rusqlite::Result<()> {
    let count = statement.parameter_count();
    if count != params.len() {
        return Err(rusqlite::Error::InvalidParameterCount(params.len(), count));
    }
    for place in 1..=count {
        let number = if sql.is_in_order() { Some(place) } else { read_number(statement, place) };
        let value = number
            .and_then(|number| params.get(number.wrapping_sub(1)))
            .ok_or(rusqlite::Error::InvalidParameterCount(params.len(), count))?;
        let value: &dyn rusqlite::ToSql = *value;
        statement.raw_bind_parameter(place, value)?;
    }
    Ok(())
}

/// The number in the name of the parameter at this index.
fn read_number(statement: &rusqlite::Statement<'_>, place: usize) -> Option<usize> {
    statement.parameter_name(place)?.strip_prefix('$')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_bound_by_their_number_not_their_place() {
        let mut link = SqliteConnection::new(Connection::open_in_memory().unwrap());
        const SWAPPED: Sql = Sql::new("SELECT $2, $1, $2");
        let mut seen = Vec::new();
        link.query(&SWAPPED, &[&1_i64, &2_i64], &mut |row| {
            seen.push((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<i64>(2)?));
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, [(2, 1, 2)]);
    }

    #[test]
    fn a_missing_or_surplus_parameter_is_an_error() {
        let mut link = SqliteConnection::new(Connection::open_in_memory().unwrap());
        const TWO: Sql = Sql::new("SELECT $1, $2");
        assert!(link.query(&TWO, &[&1_i64], &mut |_| Ok(())).is_err());
        assert!(link.query(&TWO, &[&1_i64, &2_i64, &3_i64], &mut |_| Ok(())).is_err());
    }
}
