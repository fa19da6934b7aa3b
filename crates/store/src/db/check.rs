//! What a store's engine can say of its own soundness. Names no table.

use super::{
    Conn, Location, Sql, Store, StoreError,
    conn::AnyConnection,
    migrate::NEWEST,
    sqlite::{self, files, header::Header},
};

/// The most faults that are told.
const MOST: i64 = 20;

/// What a check of a store's files found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Integrity {
    /// How much was read, for a report; `None` where the engine checks its files itself.
    pub read: Option<String>,
    /// Each fault.
    pub faults: Vec<String>,
}

/// Checks the pages of an SQLite file, also while a server uses it. PostgreSQL has tools of its own. Blocking: do not
/// call it on an async thread.
///
/// # Errors
/// When the file cannot be read at all.
pub fn check_integrity(location: &Location) -> Result<Integrity, StoreError> {
    let Location::Sqlite { path } = location else { return Ok(Integrity::default()) };
    Header::read(&files::real_path(path))?;
    let connection = sqlite::open_read_only(path)?;
    let fail = |error: rusqlite::Error| StoreError::from_opening(&error, path);
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).map_err(fail)?;
    let mut checking = connection.prepare(&format!("PRAGMA integrity_check({MOST})")).map_err(fail)?;
    let lines = checking.query_map([], |row| row.get::<_, String>(0)).map_err(fail)?;
    let mut faults = Vec::new();
    for line in lines {
        match line {
            Ok(line) if line == "ok" => {}
            // The first line of several names the database.
            Ok(text) => faults.extend(text.lines().filter(|line| !line.starts_with("***")).map(str::to_owned)),
            Err(error) => {
                faults.push(error.to_string());
                break;
            }
        }
    }
    Ok(Integrity { read: Some(format!("{pages} pages")), faults })
}

impl Store {
    /// The newest schema migration that this release knows.
    pub const NEWEST_SCHEMA: i64 = NEWEST;

    /// Lifts the limits of a connection from [`Store::look`] for statements that read whole tables.
    ///
    /// # Errors
    /// As any statement.
    pub async fn read_at_length(conn: &mut Conn) -> Result<(), StoreError> {
        const NO_LIMIT: Sql = Sql::new("SET statement_timeout = 0");
        const ANY_PLAN: Sql = Sql::new("SET enable_seqscan = on");
        if let AnyConnection::Postgres(connection) = &mut conn.0
            && connection.be_patient()
        {
            for setting in [&NO_LIMIT, &ANY_PLAN] {
                conn.query_all(setting, &[], |_| Ok(())).await?;
            }
        }
        Ok(())
    }
}
