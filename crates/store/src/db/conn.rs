//! The two handles SQL goes through: `Conn` reads, `Tx` also writes. Knows both engines, names no table.

use std::ops::{Deref, DerefMut};

use super::{
    ByKey, Engine, Param, Row, Sql, StoreError, notice,
    postgres::connection::{PostgresConnection, WAIT_BRIEFLY},
    sqlite::connection::SqliteConnection,
};

/// A connection to read through.
pub struct Conn(pub(super) AnyConnection);

/// The connection behind a [`Conn`].
pub(super) enum AnyConnection {
    Sqlite(SqliteConnection),
    Postgres(PostgresConnection),
}

impl Conn {
    /// The engine on the other side.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.0 {
            AnyConnection::Sqlite(_) => Engine::Sqlite,
            AnyConnection::Postgres(_) => Engine::Postgres,
        }
    }

    /// All rows of the result, mapped in order.
    ///
    /// # Errors
    /// The database's error, or the first error of `map`.
    pub async fn query_all<T: Send>(
        &mut self,
        sql: &'static Sql,
        params: &[&dyn Param],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError> + Send,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        match &mut self.0 {
            AnyConnection::Sqlite(link) => link.query(sql, params, &mut |row| {
                all.push(map(row)?);
                Ok(())
            })?,
            AnyConnection::Postgres(link) => {
                for row in link.query(sql, params).await? {
                    all.push(map(&Row::of_postgres(&row))?);
                }
            }
        }
        Ok(all)
    }

    /// The first row of the result, mapped; `None` when the result is empty.
    ///
    /// # Errors
    /// The database's error, or the error of `map`.
    pub async fn query_optional<T: Send>(
        &mut self,
        sql: &'static Sql,
        params: &[&dyn Param],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError> + Send,
    ) -> Result<Option<T>, StoreError> {
        match &mut self.0 {
            AnyConnection::Sqlite(link) => {
                let mut first = None;
                // Step through all rows: SQLite completes a statement with RETURNING only at its end.
                link.query(sql, params, &mut |row| {
                    if first.is_none() {
                        first = Some(map(row)?);
                    }
                    Ok(())
                })?;
                Ok(first)
            }
            AnyConnection::Postgres(link) => {
                let rows = link.query(sql, params).await?;
                rows.first().map(|row| map(&Row::of_postgres(row))).transpose()
            }
        }
    }

    /// The row of a key, mapped; `None` when there is none. On PostgreSQL, other requests may read theirs in the same statement, which
    /// begins after this call.
    ///
    /// # Errors
    /// The database's error, or the error of `map`.
    pub(crate) async fn find_by_key<T: Send>(
        &mut self,
        read: &'static ByKey,
        project: i64,
        id: [u8; 16],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError> + Send,
    ) -> Result<Option<T>, StoreError> {
        match &mut self.0 {
            AnyConnection::Sqlite(_) => self.query_optional(read.one, &[&project, &id.as_slice()], map).await,
            AnyConnection::Postgres(link) => {
                let row = link.find_by_key(read, project, id).await?;
                row.map(|row| map(&Row::of_postgres(&row))).transpose()
            }
        }
    }

    /// Prepares a statement without running it, to check that the engine accepts it.
    ///
    /// # Errors
    /// The engine's complaint about the statement.
    pub async fn prepare(&mut self, sql: &'static Sql) -> Result<(), StoreError> {
        match &mut self.0 {
            AnyConnection::Sqlite(link) => link.prepare(sql),
            AnyConnection::Postgres(link) => link.prepare(sql).await,
        }
    }
}

/// An open transaction: the only thing that can write.
pub struct Tx {
    pub(super) conn: Conn,
    /// Whether it filled the outbox, so that its commit wakes who works the outbox off.
    fills_outbox: bool,
}

impl Tx {
    pub(super) const fn new(conn: Conn) -> Self {
        Self { conn, fills_outbox: false }
    }

    /// Has the commit of this transaction wake the worker of the outbox.
    pub(crate) const fn fill_outbox(&mut self) {
        self.fills_outbox = true;
    }

    /// Whether the outbox was filled since this was asked last.
    pub(super) const fn take_fills_outbox(&mut self) -> bool {
        std::mem::replace(&mut self.fills_outbox, false)
    }

    /// Runs a statement that returns no rows; answers how many rows it changed.
    ///
    /// # Errors
    /// The database's error. A transaction in which a statement failed is never committed.
    pub async fn execute(&mut self, sql: &'static Sql, params: &[&dyn Param]) -> Result<u64, StoreError> {
        match &mut self.conn.0 {
            AnyConnection::Sqlite(link) => link.execute(sql, params),
            AnyConnection::Postgres(link) => link.execute(sql, params).await,
        }
    }

    /// Runs a statement that changes at most one row; returns whether it did.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub async fn execute_one(&mut self, sql: &'static Sql, params: &[&dyn Param]) -> Result<bool, StoreError> {
        Ok(self.execute(sql, params).await? > 0)
    }
}

impl Tx {
    /// Has the statements that follow wait for the lock of a row only for a moment: [`StoreError::Held`] then. For a transaction of many
    /// rows, which keeps others waiting. SQLite has no locks of rows.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub async fn wait_briefly(&mut self) -> Result<(), StoreError> {
        match self.engine() {
            Engine::Sqlite => Ok(()),
            Engine::Postgres => self.execute(&WAIT_BRIEFLY, &[]).await.map(|_| ()),
        }
    }

    /// Notifies the other processes, when this transaction commits, that projects or keys changed.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub(crate) async fn notify_settings_changed(&mut self) -> Result<(), StoreError> {
        match self.engine() {
            // SQLite has no notifications: other processes poll.
            Engine::Sqlite => Ok(()),
            Engine::Postgres => self.execute(&notice::NOTIFY_SETTINGS, &[]).await.map(|_| ()),
        }
    }
}

impl Deref for Tx {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.conn
    }
}
impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}
