//! The clock of the database's machine, for what several nodes must agree on. It names no table.

use std::time::Duration;

use vestibule_domain::time::Timestamp;

use crate::{
    column::read_time,
    db::{Conn, Sql, StoreError},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&NOW, &OLDEST_WRITE];

const NOW: Sql = Sql::both(
    "SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
    "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
);

/// The time of the database, not of this process; also within a transaction the time of the call.
///
/// # Errors
/// Those of the engine.
pub async fn now(conn: &mut Conn) -> Result<Timestamp, StoreError> {
    let now = conn.query_optional(&NOW, &[], |row| read_time(row, 0)).await?;
    now.ok_or(StoreError::Closed)
}

const OLDEST_WRITE: Sql = Sql::both(
    "SELECT CAST(0 AS INTEGER)",
    "SELECT
       CAST(COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - MIN(s.xact_start)), 0) * 1000000 AS BIGINT)
     FROM pg_stat_get_activity(NULL) s
     WHERE s.backend_xid IS NOT NULL
       AND s.pid <> pg_backend_pid()
       AND s.datid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())",
);

/// How long the oldest transaction of another session has been open that has written something, which may be committed after this.
/// Zero on SQLite, where one writes at a time.
///
/// # Errors
/// Those of the engine.
pub async fn age_of_oldest_write(conn: &mut Conn) -> Result<Duration, StoreError> {
    let micros = conn.query_optional(&OLDEST_WRITE, &[], |row| row.get::<i64>(0)).await?;
    Ok(Duration::from_micros(u64::try_from(micros.unwrap_or(0)).unwrap_or(0)))
}
