//! Copies a SQLite store into an empty PostgreSQL one, batch by batch, and verifies that they are equal.
//! Reads the tables from the schema, so that there is no list of tables to keep up to date.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use rusqlite::{Connection, OpenFlags, types::ValueRef};
use tokio_postgres::{Client, NoTls};

use super::{
    Claim, StoreError,
    backup::take_alone,
    error::describe,
    migrate,
    tls::{self, TlsTarget},
};

/// Rows copied per transaction.
const BATCH: u64 = 5_000;
/// Bytes of a batch, as they are sent: a row with an image has as many as thousands of others.
const BATCH_BYTES: usize = 8 << 20;
/// Progress is stored in the target, in the same transaction as the rows, so that an interrupted copy can resume.
const PROGRESS: &str =
    "CREATE TABLE IF NOT EXISTS store_transfer (table_name TEXT NOT NULL PRIMARY KEY, rows BIGINT NOT NULL)";

/// Progress reports of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferStep {
    /// All tables together have so many rows.
    Counted {
        /// Rows to copy, with those of an earlier attempt.
        rows: u64,
    },
    /// An earlier attempt copied so many rows of a table.
    Resumed {
        /// The table.
        table: String,
        /// Rows copied before.
        rows: u64,
    },
    /// So many rows of a table have been copied.
    Copied {
        /// The table.
        table: String,
        /// Rows copied so far.
        rows: u64,
    },
    /// A table was compared and is equal.
    Verified {
        /// The table.
        table: String,
        /// Its number of rows.
        rows: u64,
    },
}

/// Refuses a database in which a copy has begun and has not ended.
pub(super) async fn refuse_unfinished(client: &Client) -> Result<(), StoreError> {
    // Unnamed, because a pooler may keep a named statement on a connection that others use.
    let asked = client.query_typed_one("SELECT to_regclass('store_transfer') IS NOT NULL", &[]).await;
    match asked.and_then(|row| row.try_get(0)) {
        Ok(false) => Ok(()),
        Ok(true) => Err(StoreError::UnfinishedMove),
        Err(error) => Err(StoreError::Unavailable(describe(&error))),
    }
}

/// Copies the SQLite store at `from` into the PostgreSQL database at `url`, then compares every table by count and
/// checksum. `from` is locked against writes meanwhile. Can be repeated after an interruption.
///
/// # Errors
/// When either side cannot be used, the target holds other data, or the two differ at the end.
pub async fn transfer_to_postgres(
    from: &Path,
    url: &str,
    mut report: impl FnMut(TransferStep),
) -> Result<(), StoreError> {
    let _claim = Claim::take(from, "vestibule migrate-store")?;
    // A server of an earlier release claims nothing, but has it open.
    drop(take_alone(from)?);
    let mut source = open_source(from)?;
    migrate::migrate_sqlite(&mut source, from)?;
    // Hold a write lock to the end, so that the source cannot change during the copy.
    source.execute_batch("BEGIN IMMEDIATE").map_err(|error| StoreError::from_opening(&error, from))?;
    let mut target = connect(url).await?;
    migrate::migrate_postgres(&mut target).await?;
    let tables = read_tables(&source).map_err(|error| StoreError::from_opening(&error, from))?;
    let mut progress = read_progress(&target, &tables).await?;
    let rows = count_rows(&source, &tables).map_err(|error| StoreError::from_opening(&error, from))?;
    report(TransferStep::Counted { rows });
    for table in &tables {
        let done = progress.remove(&table.name).unwrap_or(0);
        if done > 0 {
            report(TransferStep::Resumed { table: table.name.clone(), rows: done });
        }
        copy_table(&source, from, &mut target, table, done, &mut report).await?;
    }
    set_counters(&target).await?;
    for table in &tables {
        let here = sum_source(&source, table).map_err(|error| StoreError::from_opening(&error, from))?;
        let there = sum_target(&target, table).await?;
        if here != there {
            return Err(StoreError::Migration {
                name: "transfer",
                reason: format!(
                    "table {} is not equal: {} rows here, {} there, or their contents differ",
                    table.name, here.rows, there.rows
                ),
            });
        }
        report(TransferStep::Verified { table: table.name.clone(), rows: here.rows });
    }
    run(&target, "DROP TABLE store_transfer").await
}

/// A table and its columns, the same in both engines.
struct Table {
    name: String,
    columns: Vec<ColumnInfo>,
    /// The columns of the primary key, in order.
    key: Vec<String>,
}

struct ColumnInfo {
    name: String,
    is_bytes: bool,
}

impl Table {
    fn list(&self) -> String {
        self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

fn open_source(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(std::time::Duration::from_secs(1))?;
        Ok(connection)
    };
    open().map_err(|error| StoreError::from_opening(&error, path))
}

async fn connect(url: &str) -> Result<Client, StoreError> {
    let TlsTarget { config, tls } = tls::read_url(url)?;
    let failed = |error: tokio_postgres::Error| StoreError::Unavailable(describe(&error));
    match tls {
        Some(tls) => {
            let (client, connection) = config.connect(tls).await.map_err(failed)?;
            tokio::spawn(async move { connection.await.ok() });
            Ok(client)
        }
        None => {
            let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
            tokio::spawn(async move { connection.await.ok() });
            Ok(client)
        }
    }
}

fn read_tables(source: &Connection) -> rusqlite::Result<Vec<Table>> {
    let mut names = source.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migrations' ORDER BY name",
    )?;
    let names = names.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    names.into_iter().map(|name| read_table(source, name)).collect()
}

fn count_rows(source: &Connection, tables: &[Table]) -> rusqlite::Result<u64> {
    let mut rows: u64 = 0;
    for table in tables {
        let count =
            source.query_row(&format!("SELECT COUNT(*) FROM {}", table.name), [], |row| row.get::<_, i64>(0))?;
        rows += u64::try_from(count).unwrap_or(0);
    }
    Ok(rows)
}

fn read_table(source: &Connection, name: String) -> rusqlite::Result<Table> {
    let mut info = source.prepare("SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid")?;
    let rows = info.query_map([&name], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?)))?;
    let rows: Vec<(String, String, i64)> = rows.collect::<rusqlite::Result<_>>()?;
    let mut key: Vec<(i64, String)> =
        rows.iter().filter(|(_, _, place)| *place > 0).map(|(name, _, place)| (*place, name.clone())).collect();
    key.sort();
    let columns = rows.into_iter().map(|(name, kind, _)| ColumnInfo { name, is_bytes: kind == "BLOB" }).collect();
    Ok(Table { name, columns, key: key.into_iter().map(|(_, name)| name).collect() })
}

/// The progress of an earlier attempt; refuses a target that contains other data.
async fn read_progress(target: &Client, tables: &[Table]) -> Result<BTreeMap<String, u64>, StoreError> {
    let begun =
        "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = 'store_transfer'";
    let begun = !target.query(begun, &[]).await.map_err(|error| failed(&error, begun))?.is_empty();
    if !begun {
        for table in tables {
            let text = format!("SELECT 1 FROM {} LIMIT 1", table.name);
            let rows = target.query(&text, &[]).await.map_err(|error| failed(&error, "look for rows"))?;
            if !rows.is_empty() {
                return Err(StoreError::Migration {
                    name: "transfer",
                    reason: format!("the target's table {} is not empty: give an empty database", table.name),
                });
            }
        }
        run(target, PROGRESS).await?;
    }
    let text = "SELECT table_name, rows FROM store_transfer";
    let rows = target.query(text, &[]).await.map_err(|error| failed(&error, text))?;
    Ok(rows.iter().map(|row| (row.get(0), u64::try_from(row.get::<_, i64>(1)).unwrap_or(0))).collect())
}

/// Copies a table from its `done`-th row in key order. The source does not change, so an offset is a safe place to
/// resume.
async fn copy_table(
    source: &Connection,
    from: &Path,
    target: &mut Client,
    table: &Table,
    done: u64,
    report: &mut impl FnMut(TransferStep),
) -> Result<(), StoreError> {
    let fail = |error: rusqlite::Error| StoreError::from_opening(&error, from);
    let text =
        format!("SELECT {} FROM {} ORDER BY {} LIMIT -1 OFFSET ?1", table.list(), table.name, table.key.join(", "));
    let mut statement = source.prepare(&text).map_err(fail)?;
    let mut rows = statement.query([i64::try_from(done).unwrap_or(i64::MAX)]).map_err(fail)?;
    let (mut copied, mut batch, mut waiting) = (done, String::new(), 0);
    loop {
        let row = rows.next().map_err(fail)?;
        if let Some(row) = row {
            for place in 0..table.columns.len() {
                if place > 0 {
                    batch.push('\t');
                }
                print_for_copy(&mut batch, row.get_ref(place).map_err(fail)?);
            }
            batch.push('\n');
            waiting += 1;
        }
        let is_full = waiting == BATCH || batch.len() >= BATCH_BYTES;
        if is_full || (row.is_none() && waiting > 0) {
            copied += waiting;
            write_batch(target, table, std::mem::take(&mut batch), copied).await?;
            report(TransferStep::Copied { table: table.name.clone(), rows: copied });
            waiting = 0;
        }
        if row.is_none() {
            return Ok(());
        }
    }
}

fn print_for_copy(out: &mut String, value: ValueRef<'_>) {
    const PROOF: &str = "a string takes everything";
    match value {
        ValueRef::Null => out.push_str("\\N"),
        ValueRef::Integer(number) => write!(out, "{number}").expect(PROOF),
        ValueRef::Real(number) => write!(out, "{number}").expect(PROOF),
        ValueRef::Text(text) => {
            for sign in String::from_utf8_lossy(text).chars() {
                match sign {
                    '\\' => out.push_str("\\\\"),
                    '\t' => out.push_str("\\t"),
                    '\n' => out.push_str("\\n"),
                    '\r' => out.push_str("\\r"),
                    other => out.push(other),
                }
            }
        }
        ValueRef::Blob(bytes) => {
            out.push_str("\\\\x");
            HEXLOWER.encode_append(bytes, out);
        }
    }
}

async fn write_batch(target: &mut Client, table: &Table, batch: String, rows: u64) -> Result<(), StoreError> {
    use futures_util::SinkExt as _;
    let copy = |error: tokio_postgres::Error| failed(&error, "COPY");
    let transaction = target.transaction().await.map_err(copy)?;
    let text = format!("COPY {} ({}) FROM STDIN", table.name, table.list());
    let mut sink = std::pin::pin!(transaction.copy_in(&text).await.map_err(copy)?);
    sink.send(bytes::Bytes::from(batch)).await.map_err(copy)?;
    sink.finish().await.map_err(copy)?;
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let note = "INSERT INTO store_transfer (table_name, rows) VALUES ($1, $2) ON CONFLICT (table_name) DO UPDATE SET rows = $2";
    transaction.execute(note, &[&table.name, &rows]).await.map_err(|error| failed(&error, note))?;
    transaction.commit().await.map_err(copy)
}

/// Sets the sequences so that new numbers begin above the copied ones.
async fn set_counters(target: &Client) -> Result<(), StoreError> {
    let text = "SELECT table_name::TEXT, column_name::TEXT FROM information_schema.columns
                WHERE table_schema = current_schema() AND is_identity = 'YES'";
    let rows = target.query(text, &[]).await.map_err(|error| failed(&error, text))?;
    for row in rows {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        run(
            target,
            &format!(
                "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), GREATEST((SELECT COALESCE(MAX({column}), 0) FROM {table}), 1))"
            ),
        )
        .await?;
    }
    Ok(())
}

/// Count and checksum of a table, independent of the order of its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    check: u128,
}

impl Sum {
    fn add(&mut self, row: &str) {
        let hash = digest(&SHA256, row.as_bytes());
        let (first, _) = hash.as_ref().split_at(16);
        let first: [u8; 16] = first.try_into().expect("split at sixteen");
        self.rows += 1;
        self.check = self.check.wrapping_add(u128::from_be_bytes(first));
    }
}

fn sum_source(source: &Connection, table: &Table) -> rusqlite::Result<Sum> {
    let mut statement = source.prepare(&format!("SELECT {} FROM {}", table.list(), table.name))?;
    let mut rows = statement.query([])?;
    let (mut sum, mut text) = (Sum::default(), String::new());
    while let Some(row) = rows.next()? {
        text.clear();
        for place in 0..table.columns.len() {
            print_for_copy(&mut text, row.get_ref(place)?);
            text.push('\t');
        }
        sum.add(&text);
    }
    Ok(sum)
}

async fn sum_target(target: &Client, table: &Table) -> Result<Sum, StoreError> {
    use futures_util::TryStreamExt as _;
    let copy = |error: tokio_postgres::Error| failed(&error, "COPY");
    let text = format!("SELECT {} FROM {}", table.list(), table.name);
    let rows = target.query_raw(&text, std::iter::empty::<i64>()).await.map_err(copy)?;
    let mut rows = std::pin::pin!(rows);
    let (mut sum, mut line) = (Sum::default(), String::new());
    while let Some(row) = rows.try_next().await.map_err(copy)? {
        line.clear();
        for (place, column) in table.columns.iter().enumerate() {
            print_from_postgres(&mut line, &row, place, column)?;
            line.push('\t');
        }
        sum.add(&line);
    }
    Ok(sum)
}

fn print_from_postgres(
    out: &mut String,
    row: &tokio_postgres::Row,
    place: usize,
    column: &ColumnInfo,
) -> Result<(), StoreError> {
    let wrong = |error: tokio_postgres::Error| StoreError::Decode { column: place, reason: error.to_string() };
    let is_text = *row.columns()[place].type_() == tokio_postgres::types::Type::TEXT;
    if column.is_bytes {
        let value: Option<&[u8]> = row.try_get(place).map_err(wrong)?;
        print_for_copy(out, value.map_or(ValueRef::Null, ValueRef::Blob));
    } else if is_text {
        let value: Option<&str> = row.try_get(place).map_err(wrong)?;
        print_for_copy(out, value.map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes())));
    } else {
        let value: Option<i64> = row.try_get(place).map_err(wrong)?;
        print_for_copy(out, value.map_or(ValueRef::Null, ValueRef::Integer));
    }
    Ok(())
}

async fn run(target: &Client, text: &str) -> Result<(), StoreError> {
    target.batch_execute(text).await.map_err(|error| failed(&error, "transfer"))
}

fn failed(error: &tokio_postgres::Error, sql: &'static str) -> StoreError {
    StoreError::from_postgres(error, sql)
}
