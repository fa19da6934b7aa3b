//! One-time links into the portal. SQL over `operator_links`; no policy.

use vestibule_domain::{
    id::{OperatorKind, ProjectNo},
    operator::{Assignment, LinkMaker, LinkPurpose, OperatorLink},
    secret::TokenHash,
    time::Timestamp,
};

use crate::{
    column::{read_hash, read_optional_id, read_project, read_time},
    db::{Conn, Row, Sql, StoreError, Tx},
    lock_order::remove_first,
    operators::read_role,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] =
    &[&INSERT, &FIND, &TAKE, &LIST, &REMOVE_OF, &REMOVE, &REMOVE_ALL_FOR, &REMOVE_RESETS_OF, &REMOVE_EXPIRED];

fn read_link(row: &Row<'_>) -> Result<OperatorLink, StoreError> {
    let word: String = row.get(1)?;
    let purpose = LinkPurpose::parse(&word)
        .ok_or_else(|| StoreError::Decode { column: 1, reason: ["no purpose is called ", &word].concat() })?;
    Ok(OperatorLink {
        token: read_hash(row, 0)?,
        purpose,
        assignment: Assignment { project: read_project(row, 2)?, role: read_role(row, 3)? },
        email: row.get(4)?,
        created_at: read_time(row, 5)?,
        expires_at: read_time(row, 6)?,
        maker: read_maker(row, 7)?,
        is_mailed: row.get::<i64>(8)? != 0,
    })
}

/// The maker of links that the command line makes. No operator has this ID.
const COMMAND_LINE: [u8; 16] = [0; 16];

fn read_maker(row: &Row<'_>, index: usize) -> Result<LinkMaker, StoreError> {
    Ok(match read_optional_id::<OperatorKind>(row, index)? {
        None => LinkMaker::Unknown,
        Some(id) if *id.as_bytes() == COMMAND_LINE => LinkMaker::CommandLine,
        Some(id) => LinkMaker::Operator(id),
    })
}

const INSERT: Sql = Sql::new(
    "INSERT INTO operator_links (
       token_hash,
       purpose,
       project_no,
       role,
       email,
       created_at,
       expires_at,
       made_by,
       is_mailed
     ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);

/// Adds a link.
pub async fn insert(tx: &mut Tx, link: &OperatorLink) -> Result<(), StoreError> {
    let maker = match link.maker {
        LinkMaker::Operator(id) => Some(*id.as_bytes()),
        LinkMaker::CommandLine => Some(COMMAND_LINE),
        LinkMaker::Unknown => None,
    };
    tx.execute(
        &INSERT,
        &[
            &link.token.0.as_slice(),
            &link.purpose.as_str(),
            &link.assignment.project.0,
            &link.assignment.role.as_str(),
            &link.email.as_str(),
            &link.created_at.as_micros(),
            &link.expires_at.as_micros(),
            &maker.as_ref().map(<[u8; 16]>::as_slice),
            &i64::from(link.is_mailed),
        ],
    )
    .await
    .map(drop)
}

const FIND: Sql = Sql::new(
    "SELECT
       token_hash,
       purpose,
       project_no,
       role,
       email,
       created_at,
       expires_at,
       made_by,
       is_mailed
     FROM operator_links
     WHERE token_hash = $1 AND expires_at >= $2",
);

/// The link, if it is valid at `now`.
pub async fn find(conn: &mut Conn, token: TokenHash, now: Timestamp) -> Result<Option<OperatorLink>, StoreError> {
    conn.query_optional(&FIND, &[&token.0.as_slice(), &now.as_micros()], read_link).await
}

const TAKE: Sql = Sql::new("DELETE FROM operator_links WHERE token_hash = $1 AND expires_at >= $2");

/// Consumes a link; exactly one of several concurrent callers gets `true`.
pub async fn take(tx: &mut Tx, token: TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    tx.execute_one(&TAKE, &[&token.0.as_slice(), &now.as_micros()]).await
}

const LIST: Sql = Sql::new(
    "SELECT
       token_hash,
       purpose,
       project_no,
       role,
       email,
       created_at,
       expires_at,
       made_by,
       is_mailed
     FROM operator_links
     WHERE project_no IN (0, $1) AND purpose = $2 AND expires_at >= $3
     ORDER BY email, created_at",
);

/// The unused links for a project, or for all projects.
pub async fn list(
    conn: &mut Conn,
    p: ProjectNo,
    purpose: LinkPurpose,
    now: Timestamp,
) -> Result<Vec<OperatorLink>, StoreError> {
    conn.query_all(&LIST, &[&p.0, &purpose.as_str(), &now.as_micros()], read_link).await
}

const REMOVE_OF: Sql = Sql::new("DELETE FROM operator_links WHERE project_no = $1 AND purpose = $2 AND email = $3");

/// Removes the links of one purpose for one address and project.
pub async fn remove_of(tx: &mut Tx, p: ProjectNo, purpose: LinkPurpose, email: &str) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_OF, &[&p.0, &purpose.as_str(), &email]).await
}

const REMOVE: Sql = Sql::new("DELETE FROM operator_links WHERE token_hash = $1");

/// Removes a link.
pub async fn remove(tx: &mut Tx, token: TokenHash) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&token.0.as_slice()]).await
}

const REMOVE_ALL_FOR: Sql = Sql::new("DELETE FROM operator_links WHERE project_no >= 0 AND email = $1 AND email <> ''");

/// Removes every link for an address.
pub async fn remove_all_for(tx: &mut Tx, email: &str) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_ALL_FOR, &[&email]).await
}

const REMOVE_RESETS_OF: Sql =
    Sql::new("DELETE FROM operator_links WHERE project_no = 0 AND purpose = 'reset' AND email = $1");

/// Removes the links that reset the credentials of the operator with this address.
pub async fn remove_resets_of(tx: &mut Tx, email: &str) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_RESETS_OF, &[&email]).await
}

const REMOVE_EXPIRED: Sql = remove_first!("operator_links", "token_hash", "expires_at < $1", "expires_at");

/// Removes at most `limit` expired links.
pub async fn remove_expired(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_EXPIRED, &[&now.as_micros(), &limit]).await
}
