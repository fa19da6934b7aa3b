//! Projects and their settings documents. SQL over `projects`, and over every table when one is deleted; no policy.

use vestibule_domain::{
    id::ProjectNo,
    project::{Authority, Origin},
    time::Timestamp,
};

use crate::{
    column::{read_project, read_time},
    db::{Conn, Row, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &LIST_ANY_PROJECT,
    &FIND_BY_ID_ANY_PROJECT,
    &UPDATE_SETTINGS,
    &BUMP_VERSION,
    &VERSIONS_ANY_PROJECT,
    &ORIGINS_ANY_PROJECT,
    &VERSION,
    &GONE_WITH_LOGO_ANY_PROJECT,
    &GONE_WITH_MOVES_ANY_PROJECT,
    &DELETE_KEYS,
    &DELETE_CLIENT_SECRETS,
    &DELETE_CLIENT_STARTS,
    &DELETE_LOGIN_IDS,
    &DELETE_PASSWORDS,
    &DELETE_DEVICE_KEYS,
    &DELETE_SESSIONS,
    &DELETE_GRANTS,
    &DELETE_CONSENTS,
    &DELETE_METHOD_CHANGES,
    &DELETE_EXTERNAL_ACCOUNTS,
    &DELETE_PROVIDER_SECRETS,
    &DELETE_SUBJECTS,
    &DELETE_FOREIGN_SUBJECTS,
    &DELETE_FLOWS,
    &DELETE_CODES,
    &DELETE_DEVICE_CODES,
    &DELETE_SPENT,
    &DELETE_OUTBOX,
    &DELETE_EVENTS,
    &DELETE_DELIVERIES,
    &DELETE_RECEIVER_MOVES,
    &DELETE_COUNTS,
    &DELETE_ADMIN_KEYS,
    &DELETE_ANSWERS,
    &DELETE_PASSKEYS,
    &DELETE_TRIES,
    &DELETE_REPEATS,
    &DELETE_OPERATOR_ROLES,
    &DELETE_OPERATOR_LINKS,
    &DELETE_RETENTION_MARKS,
    &DELETE_RETENTION_HOLDS,
    &DELETE_USER_NAMES,
    &DELETE_MERGES,
    &DELETE_LOGO,
    &DELETE_USERS,
    &DELETE,
];

/// A project to add.
#[derive(Clone, Copy, Debug)]
pub struct NewProject<'a> {
    /// The id an operator chose.
    pub id: &'a str,
    /// The public origin.
    pub public_origin: &'a Origin,
    /// The settings document, JSON.
    pub settings: &'a str,
    /// When it is added.
    pub now: Timestamp,
}

/// A project as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectRow {
    /// Its number, never reused.
    pub no: ProjectNo,
    /// The id an operator chose.
    pub id: String,
    /// The public origin.
    pub public_origin: String,
    /// The settings document, JSON.
    pub settings: String,
    /// Version of the settings, from 1.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub updated_at: Timestamp,
}

fn read_row(row: &Row<'_>) -> Result<ProjectRow, StoreError> {
    Ok(ProjectRow {
        no: read_project(row, 0)?,
        id: row.get(1)?,
        public_origin: row.get(2)?,
        settings: row.get(3)?,
        version: row.get(4)?,
        created_at: read_time(row, 5)?,
        updated_at: read_time(row, 6)?,
    })
}

const INSERT: Sql = Sql::new(
    "INSERT INTO projects (
       id,
       public_origin,
       authority,
       settings,
       version,
       created_at,
       updated_at
     ) VALUES ($1, $2, $3, $4, 1, $5, $5)
     ON CONFLICT DO NOTHING
     RETURNING no",
);

/// Adds a project; `None` when its id or host is taken.
pub async fn insert(tx: &mut Tx, project: &NewProject<'_>) -> Result<Option<ProjectNo>, StoreError> {
    tx.notify_settings_changed().await?;
    let (origin, authority) = (project.public_origin.as_str(), Authority::of(project.public_origin));
    tx.query_optional(
        &INSERT,
        &[&project.id, &origin, &authority.as_str(), &project.settings, &project.now.as_micros()],
        |row| read_project(row, 0),
    )
    .await
}

const LIST_ANY_PROJECT: Sql = Sql::new(
    "SELECT
       no,
       id,
       public_origin,
       settings,
       version,
       created_at,
       updated_at
     FROM projects
     ORDER BY no",
);

/// Every project, oldest first.
pub async fn list_any_project(conn: &mut Conn) -> Result<Vec<ProjectRow>, StoreError> {
    conn.query_all(&LIST_ANY_PROJECT, &[], read_row).await
}

const FIND_BY_ID_ANY_PROJECT: Sql = Sql::new(
    "SELECT
       no,
       id,
       public_origin,
       settings,
       version,
       created_at,
       updated_at
     FROM projects
     WHERE id = $1",
);

/// The project with this id.
pub async fn find_by_id_any_project(conn: &mut Conn, id: &str) -> Result<Option<ProjectRow>, StoreError> {
    conn.query_optional(&FIND_BY_ID_ANY_PROJECT, &[&id], read_row).await
}

const UPDATE_SETTINGS: Sql = Sql::new(
    "UPDATE projects
     SET authority = CASE WHEN public_origin = $3 THEN authority ELSE $6 END,
         public_origin = $3,
         settings = $4,
         version = version + 1,
         updated_at = $5
     WHERE no = $1
       AND version = $2",
);

/// Replaces the settings if they still have the expected version; `false` when they have another one. The project's
/// host is rewritten only when its origin changes, so that a project that lost its host to an older one stays editable.
///
/// # Errors
/// [`StoreError::Conflict`] when the host belongs to another project.
pub async fn update_settings(
    tx: &mut Tx,
    p: ProjectNo,
    expected_version: i64,
    public_origin: &Origin,
    settings: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    tx.notify_settings_changed().await?;
    let (origin, authority) = (public_origin.as_str(), Authority::of(public_origin));
    tx.execute_one(
        &UPDATE_SETTINGS,
        &[&p.0, &expected_version, &origin, &settings, &now.as_micros(), &authority.as_str()],
    )
    .await
}

const BUMP_VERSION: Sql = Sql::new("UPDATE projects SET version = version + 1 WHERE no = $1");

/// Increments the version after a change of keys, so that every process reloads the project.
pub async fn bump_version(tx: &mut Tx, p: ProjectNo) -> Result<bool, StoreError> {
    tx.execute_one(&BUMP_VERSION, &[&p.0]).await
}

const VERSIONS_ANY_PROJECT: Sql = Sql::new(
    "SELECT
       no,
       version
     FROM projects
     ORDER BY no",
);

/// The settings version of each project, to detect changes cheaply.
pub async fn versions_any_project(conn: &mut Conn) -> Result<Vec<(ProjectNo, i64)>, StoreError> {
    conn.query_all(&VERSIONS_ANY_PROJECT, &[], |row| Ok((read_project(row, 0)?, row.get(1)?))).await
}

const ORIGINS_ANY_PROJECT: Sql = Sql::new(
    "SELECT
       no,
       public_origin
     FROM projects
     ORDER BY no",
);

/// Each project's origin, oldest first; decides which project serves a host.
pub async fn origins_any_project(conn: &mut Conn) -> Result<Vec<(ProjectNo, String)>, StoreError> {
    conn.query_all(&ORIGINS_ANY_PROJECT, &[], |row| Ok((read_project(row, 0)?, row.get(1)?))).await
}

const VERSION: Sql = Sql::new("SELECT version FROM projects WHERE no = $1");

/// The settings version of a project; `None` when there is no such project.
pub async fn find_version(conn: &mut Conn, p: ProjectNo) -> Result<Option<i64>, StoreError> {
    conn.query_optional(&VERSION, &[&p.0], |row| row.get(0)).await
}

/// The projects of a table that do not exist: one search for each project that the table has, however many rows.
macro_rules! gone_of {
    ($table:literal) => {
        Sql::new(concat!(
            "WITH RECURSIVE numbers (no) AS (
       SELECT CAST(0 AS BIGINT)
       UNION ALL
       SELECT (SELECT t.project_no FROM ",
            $table,
            " t WHERE t.project_no > numbers.no ORDER BY t.project_no LIMIT 1)
       FROM numbers
       WHERE numbers.no IS NOT NULL
     )
     SELECT numbers.no
     FROM numbers
     WHERE numbers.no > 0
       AND NOT EXISTS (SELECT 1 FROM projects p WHERE p.no = numbers.no)"
        ))
    };
}

const GONE_WITH_LOGO_ANY_PROJECT: Sql = gone_of!("logos");
const GONE_WITH_MOVES_ANY_PROJECT: Sql = gone_of!("receiver_moves");

/// Projects that do not exist any more and of which something is left: a node of the release before deletes nothing from the tables that it
/// does not know. [`delete`] removes it. Each table that is newer than that release is looked at.
pub async fn list_gone_any_project(conn: &mut Conn) -> Result<Vec<ProjectNo>, StoreError> {
    let mut gone = Vec::new();
    for sql in [&GONE_WITH_LOGO_ANY_PROJECT, &GONE_WITH_MOVES_ANY_PROJECT] {
        gone.extend(conn.query_all(sql, &[], |row| read_project(row, 0)).await?);
    }
    gone.sort_unstable_by_key(|no| no.0);
    gone.dedup();
    Ok(gone)
}

const DELETE_KEYS: Sql = Sql::new("DELETE FROM project_keys WHERE project_no = $1");
const DELETE_CLIENT_SECRETS: Sql = Sql::new("DELETE FROM client_secrets WHERE project_no = $1");
const DELETE_CLIENT_STARTS: Sql = Sql::new("DELETE FROM client_starts WHERE project_no = $1");
const DELETE_LOGIN_IDS: Sql = Sql::new("DELETE FROM login_ids WHERE project_no = $1");
const DELETE_PASSWORDS: Sql = Sql::new("DELETE FROM passwords WHERE project_no = $1");
const DELETE_DEVICE_KEYS: Sql = Sql::new("DELETE FROM device_keys WHERE project_no = $1");
const DELETE_SESSIONS: Sql = Sql::new("DELETE FROM sessions WHERE project_no = $1");
const DELETE_GRANTS: Sql = Sql::new("DELETE FROM grants WHERE project_no = $1");
const DELETE_CONSENTS: Sql = Sql::new("DELETE FROM consents WHERE project_no = $1");
const DELETE_METHOD_CHANGES: Sql = Sql::new("DELETE FROM login_method_changes WHERE project_no = $1");
const DELETE_EXTERNAL_ACCOUNTS: Sql = Sql::new("DELETE FROM external_accounts WHERE project_no = $1");
const DELETE_SUBJECTS: Sql = Sql::new("DELETE FROM subjects WHERE project_no = $1");
const DELETE_FOREIGN_SUBJECTS: Sql = Sql::new("DELETE FROM foreign_subjects WHERE project_no = $1");
const DELETE_PROVIDER_SECRETS: Sql = Sql::new("DELETE FROM provider_secrets WHERE project_no = $1");
const DELETE_FLOWS: Sql = Sql::new("DELETE FROM flows WHERE project_no = $1");
const DELETE_CODES: Sql = Sql::new("DELETE FROM authorization_codes WHERE project_no = $1");
const DELETE_DEVICE_CODES: Sql = Sql::new("DELETE FROM device_codes WHERE project_no = $1");
const DELETE_SPENT: Sql = Sql::new("DELETE FROM spent WHERE project_no = $1");
const DELETE_OUTBOX: Sql = Sql::new("DELETE FROM outbox WHERE project_no = $1");
const DELETE_EVENTS: Sql = Sql::new("DELETE FROM events WHERE project_no = $1");
const DELETE_DELIVERIES: Sql = Sql::new("DELETE FROM hook_deliveries WHERE project_no = $1");
const DELETE_RECEIVER_MOVES: Sql = Sql::new("DELETE FROM receiver_moves WHERE project_no = $1");
const DELETE_COUNTS: Sql = Sql::new("DELETE FROM daily_counts WHERE project_no = $1");
const DELETE_ADMIN_KEYS: Sql = Sql::new("DELETE FROM admin_keys WHERE project_no = $1");
const DELETE_ANSWERS: Sql = Sql::new("DELETE FROM idempotency WHERE project_no = $1");
const DELETE_PASSKEYS: Sql = Sql::new("DELETE FROM passkeys WHERE project_no = $1");
const DELETE_TRIES: Sql = Sql::new("DELETE FROM tries WHERE project_no = $1");
const DELETE_REPEATS: Sql = Sql::new("DELETE FROM repeats WHERE project_no = $1");
const DELETE_OPERATOR_ROLES: Sql = Sql::new("DELETE FROM operator_roles WHERE project_no = $1");
const DELETE_OPERATOR_LINKS: Sql = Sql::new("DELETE FROM operator_links WHERE project_no = $1");
const DELETE_RETENTION_MARKS: Sql = Sql::new("DELETE FROM retention_marks WHERE project_no = $1");
const DELETE_RETENTION_HOLDS: Sql = Sql::new("DELETE FROM retention_holds WHERE project_no = $1");
const DELETE_USER_NAMES: Sql = Sql::new("DELETE FROM user_names WHERE project_no = $1");
const DELETE_MERGES: Sql = Sql::new("DELETE FROM merges WHERE project_no = $1");
const DELETE_LOGO: Sql = Sql::new("DELETE FROM logos WHERE project_no = $1");
const DELETE_USERS: Sql = Sql::new("DELETE FROM users WHERE project_no = $1");
const DELETE: Sql = Sql::new("DELETE FROM projects WHERE no = $1");

/// Deletes a project and everything in it, in one transaction; `false` when there is no such project.
pub async fn delete(tx: &mut Tx, p: ProjectNo) -> Result<bool, StoreError> {
    for content in [
        &DELETE_KEYS,
        &DELETE_CLIENT_SECRETS,
        &DELETE_CLIENT_STARTS,
        &DELETE_LOGIN_IDS,
        &DELETE_PASSWORDS,
        &DELETE_DEVICE_KEYS,
        &DELETE_SESSIONS,
        &DELETE_GRANTS,
        &DELETE_CONSENTS,
        &DELETE_METHOD_CHANGES,
        &DELETE_EXTERNAL_ACCOUNTS,
        &DELETE_PROVIDER_SECRETS,
        &DELETE_SUBJECTS,
        &DELETE_FOREIGN_SUBJECTS,
        &DELETE_FLOWS,
        &DELETE_CODES,
        &DELETE_DEVICE_CODES,
        &DELETE_SPENT,
        &DELETE_OUTBOX,
        &DELETE_EVENTS,
        &DELETE_DELIVERIES,
        &DELETE_RECEIVER_MOVES,
        &DELETE_COUNTS,
        &DELETE_ADMIN_KEYS,
        &DELETE_ANSWERS,
        &DELETE_PASSKEYS,
        &DELETE_TRIES,
        &DELETE_REPEATS,
        &DELETE_OPERATOR_ROLES,
        &DELETE_OPERATOR_LINKS,
        &DELETE_RETENTION_MARKS,
        &DELETE_RETENTION_HOLDS,
        &DELETE_USER_NAMES,
        &DELETE_MERGES,
        &DELETE_LOGO,
        &DELETE_USERS,
    ] {
        tx.execute(content, &[&p.0]).await?;
    }
    tx.notify_settings_changed().await?;
    tx.execute_one(&DELETE, &[&p.0]).await
}
