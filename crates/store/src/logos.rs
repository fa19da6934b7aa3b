//! The uploaded logo of a project. SQL over `logos`; no policy.

use vestibule_domain::{id::ProjectNo, time::Timestamp};

use crate::{
    column::read_time,
    db::{Conn, Param, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&PUT, &FIND, &FIND_CONTENT, &REMOVE];

/// A logo without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoRow {
    /// SHA-256 of the content.
    pub hash: Vec<u8>,
    /// The name of its format.
    pub format: String,
    /// In pixels.
    pub width: i64,
    /// In pixels.
    pub height: i64,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

const PUT: Sql = Sql::new(
    "INSERT INTO logos (
       project_no,
       hash,
       format,
       width,
       height,
       content,
       created_at
     ) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (project_no) DO UPDATE
     SET hash = excluded.hash,
         format = excluded.format,
         width = excluded.width,
         height = excluded.height,
         content = excluded.content,
         created_at = excluded.created_at",
);

/// Stores the logo of a project in place of the one before.
pub async fn put(tx: &mut Tx, p: ProjectNo, logo: &LogoRow, content: &[u8]) -> Result<(), StoreError> {
    let params: [&dyn Param; 7] = [
        &p.0,
        &logo.hash.as_slice(),
        &logo.format.as_str(),
        &logo.width,
        &logo.height,
        &content,
        &logo.created_at.as_micros(),
    ];
    tx.execute(&PUT, &params).await.map(|_| ())
}

const FIND: Sql = Sql::new(
    "SELECT
       hash,
       format,
       width,
       height,
       created_at
     FROM logos
     WHERE project_no = $1",
);

/// The logo of a project, without its content.
pub async fn find(conn: &mut Conn, p: ProjectNo) -> Result<Option<LogoRow>, StoreError> {
    let read = |row: &crate::db::Row<'_>| {
        Ok(LogoRow {
            hash: row.get(0)?,
            format: row.get(1)?,
            width: row.get(2)?,
            height: row.get(3)?,
            created_at: read_time(row, 4)?,
        })
    };
    conn.query_optional(&FIND, &[&p.0], read).await
}

const FIND_CONTENT: Sql = Sql::new("SELECT content FROM logos WHERE project_no = $1 AND hash = $2");

/// The content of a project's logo, if it still has this hash.
pub async fn find_content(conn: &mut Conn, p: ProjectNo, hash: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    conn.query_optional(&FIND_CONTENT, &[&p.0, &hash], |row| row.get(0)).await
}

const REMOVE: Sql = Sql::new("DELETE FROM logos WHERE project_no = $1");

/// Removes the logo of a project; `false` when it has none.
pub async fn remove(tx: &mut Tx, p: ProjectNo) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&p.0]).await
}
