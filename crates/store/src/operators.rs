//! Operators of the portal and their roles. SQL over `operators` and `operator_roles`; no policy.
//! Operators belong to no project: only their roles name one.

use vestibule_domain::{
    id::{OperatorId, ProjectNo},
    operator::{Assignment, EVERY_PROJECT, Operator, Role},
    time::Timestamp,
};

use crate::{
    column::{read_id, read_optional_time, read_project, read_time},
    db::{Conn, Row, Sql, StoreError, Tx},
    operator_passkeys,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &FIND,
    &FIND_BY_EMAIL,
    &EXISTS,
    &LIST_OF_PROJECT,
    &LIST,
    &SET_PASSWORD,
    &SET_EMAIL_PROVED,
    &CLAIM,
    &HOLD,
    &RAISE_GENERATION,
    &REMOVE,
    &SET_ROLE,
    &REMOVE_ROLE,
    &REMOVE_ROLES,
    &ROLES_OF,
    &HOLD_ROLES,
    &HOLD_OWNERS,
    &COUNT_ROLE,
];

fn read_operator(row: &Row<'_>) -> Result<Operator, StoreError> {
    Ok(Operator {
        id: read_id(row, 0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        password_hash: row.get(3)?,
        created_at: read_time(row, 4)?,
        email_proved_at: read_optional_time(row, 5)?,
        credential_generation: row.get(6)?,
    })
}

pub(crate) fn read_role(row: &Row<'_>, column: usize) -> Result<Role, StoreError> {
    let word: String = row.get(column)?;
    Role::parse(&word).ok_or_else(|| StoreError::Decode { column, reason: ["no role is called ", &word].concat() })
}

const INSERT: Sql = Sql::new(
    "INSERT INTO operators (
       id,
       email,
       name,
       password_hash,
       created_at,
       email_proved_at
     ) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT DO NOTHING",
);

/// Adds an operator; `false` when its address is taken.
pub async fn insert(tx: &mut Tx, operator: &Operator) -> Result<bool, StoreError> {
    tx.execute_one(
        &INSERT,
        &[
            &operator.id.as_bytes().as_slice(),
            &operator.email.as_str(),
            &operator.name.as_str(),
            &operator.password_hash.as_deref(),
            &operator.created_at.as_micros(),
            &operator.email_proved_at.map(Timestamp::as_micros),
        ],
    )
    .await
}

const FIND: Sql = Sql::new(
    "SELECT
       id,
       email,
       name,
       password_hash,
       created_at,
       email_proved_at,
       COALESCE(credential_generation, 0)
     FROM operators
     WHERE id = $1",
);

/// The operator with this id.
pub async fn find(conn: &mut Conn, id: OperatorId) -> Result<Option<Operator>, StoreError> {
    conn.query_optional(&FIND, &[&id.as_bytes().as_slice()], read_operator).await
}

const FIND_BY_EMAIL: Sql = Sql::new(
    "SELECT
       id,
       email,
       name,
       password_hash,
       created_at,
       email_proved_at,
       COALESCE(credential_generation, 0)
     FROM operators
     WHERE email = $1",
);

/// The operator with this normalized address.
pub async fn find_by_email(conn: &mut Conn, email: &str) -> Result<Option<Operator>, StoreError> {
    conn.query_optional(&FIND_BY_EMAIL, &[&email], read_operator).await
}

const EXISTS: Sql = Sql::new("SELECT id FROM operators WHERE email > '' LIMIT 1");

/// Whether there is an operator at all.
pub async fn exists(conn: &mut Conn) -> Result<bool, StoreError> {
    Ok(conn.query_optional(&EXISTS, &[], |_| Ok(())).await?.is_some())
}

const LIST_OF_PROJECT: Sql = Sql::new(
    "SELECT
       o.id,
       o.email,
       o.name,
       o.password_hash,
       o.created_at,
       o.email_proved_at,
       COALESCE(o.credential_generation, 0),
       r.project_no,
       r.role
     FROM operator_roles r
     JOIN operators o ON o.id = r.operator_id
     WHERE r.project_no IN (0, $1)
     ORDER BY o.email, r.project_no",
);

/// The operators with a role in a project or in all projects, by address; one with both kinds of role is listed twice.
pub async fn list_of_project(conn: &mut Conn, p: ProjectNo) -> Result<Vec<(Operator, Assignment)>, StoreError> {
    conn.query_all(&LIST_OF_PROJECT, &[&p.0], read_assigned).await
}

fn read_assigned(row: &Row<'_>) -> Result<(Operator, Assignment), StoreError> {
    let assignment = Assignment { project: read_project(row, 7)?, role: read_role(row, 8)? };
    Ok((read_operator(row)?, assignment))
}

const LIST: Sql = Sql::new(
    "SELECT
       o.id,
       o.email,
       o.name,
       o.password_hash,
       o.created_at,
       o.email_proved_at,
       COALESCE(o.credential_generation, 0),
       r.project_no,
       r.role
     FROM operator_roles r
     JOIN operators o ON o.id = r.operator_id
     WHERE r.project_no >= 0
     ORDER BY o.email, r.project_no",
);

/// Every operator with each of its roles, by address.
pub async fn list(conn: &mut Conn) -> Result<Vec<(Operator, Assignment)>, StoreError> {
    conn.query_all(&LIST, &[], read_assigned).await
}

const SET_PASSWORD: Sql = Sql::new("UPDATE operators SET password_hash = $2 WHERE id = $1");

/// Sets or removes an operator's password; `false` when the operator does not exist.
pub async fn set_password(tx: &mut Tx, id: OperatorId, hash: Option<&str>) -> Result<bool, StoreError> {
    tx.execute_one(&SET_PASSWORD, &[&id.as_bytes().as_slice(), &hash]).await
}

const SET_EMAIL_PROVED: Sql = Sql::new("UPDATE operators SET email_proved_at = $2 WHERE id = $1");

/// Records that an operator proved its address, or that it has new credentials with which it has not; `false` when it does
/// not exist.
pub async fn set_email_proved(tx: &mut Tx, id: OperatorId, at: Option<Timestamp>) -> Result<bool, StoreError> {
    tx.execute_one(&SET_EMAIL_PROVED, &[&id.as_bytes().as_slice(), &at.map(Timestamp::as_micros)]).await
}

const CLAIM: Sql = Sql::new(
    "UPDATE operators
     SET name = $2, password_hash = $3, email_proved_at = $4
     WHERE id = $1 AND email_proved_at IS NULL",
);

/// Gives an operator whose address was never proved to the one who proved it now: with a new name and password; `false` when
/// it was proved meanwhile.
pub async fn claim(tx: &mut Tx, operator: &Operator, now: Timestamp) -> Result<bool, StoreError> {
    let (name, hash) = (operator.name.as_str(), operator.password_hash.as_deref());
    tx.execute_one(&CLAIM, &[&operator.id.as_bytes().as_slice(), &name, &hash, &now.as_micros()]).await
}

const HOLD: Sql = Sql::new("UPDATE operators SET email = email WHERE id = $1");

/// Locks an operator until the transaction ends, so that changes to its credentials are serialized; `false` when it
/// does not exist.
pub async fn hold(tx: &mut Tx, id: OperatorId) -> Result<bool, StoreError> {
    tx.execute_one(&HOLD, &[&id.as_bytes().as_slice()]).await
}

const RAISE_GENERATION: Sql = Sql::new(
    "UPDATE operators
     SET credential_generation = COALESCE(credential_generation, 0) + 1
     WHERE id = $1
     RETURNING credential_generation",
);

/// Begins an operator's next credential generation, whose number it returns: browsers that became known before are no longer.
/// 0 for an operator that does not exist.
pub(crate) async fn raise_generation(tx: &mut Tx, id: OperatorId) -> Result<i64, StoreError> {
    let raised = tx.query_optional(&RAISE_GENERATION, &[&id.as_bytes().as_slice()], |row| row.get(0)).await?;
    Ok(raised.unwrap_or(0))
}

const REMOVE: Sql = Sql::new("DELETE FROM operators WHERE id = $1");
const REMOVE_ROLES: Sql = Sql::new("DELETE FROM operator_roles WHERE operator_id = $1");

/// Removes an operator with its roles and passkeys; `false` when it does not exist.
pub async fn remove(tx: &mut Tx, id: OperatorId) -> Result<bool, StoreError> {
    tx.execute(&REMOVE_ROLES, &[&id.as_bytes().as_slice()]).await?;
    operator_passkeys::remove_of_operator(tx, id).await?;
    tx.execute_one(&REMOVE, &[&id.as_bytes().as_slice()]).await
}

const SET_ROLE: Sql = Sql::new(
    "INSERT INTO operator_roles (
       project_no,
       operator_id,
       role
     ) VALUES ($1, $2, $3)
     ON CONFLICT (project_no, operator_id) DO UPDATE SET role = $3",
);

/// Sets an operator's role in a project, or in all projects.
pub async fn set_role(tx: &mut Tx, id: OperatorId, assignment: Assignment) -> Result<(), StoreError> {
    let Assignment { project, role } = assignment;
    tx.execute(&SET_ROLE, &[&project.0, &id.as_bytes().as_slice(), &role.as_str()]).await.map(drop)
}

const REMOVE_ROLE: Sql = Sql::new("DELETE FROM operator_roles WHERE project_no = $1 AND operator_id = $2");

/// Removes an operator's role in a project, or its role in all projects; `false` when it had none.
pub async fn remove_role(tx: &mut Tx, p: ProjectNo, id: OperatorId) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE_ROLE, &[&p.0, &id.as_bytes().as_slice()]).await
}

const ROLES_OF: Sql = Sql::new(
    "SELECT
       project_no,
       role
     FROM operator_roles
     WHERE operator_id = $1
     ORDER BY project_no",
);

/// Every role of an operator.
pub async fn roles_of(conn: &mut Conn, id: OperatorId) -> Result<Vec<Assignment>, StoreError> {
    conn.query_all(&ROLES_OF, &[&id.as_bytes().as_slice()], |row| {
        Ok(Assignment { project: read_project(row, 0)?, role: read_role(row, 1)? })
    })
    .await
}

const HOLD_ROLES: Sql = Sql::new(
    "UPDATE operator_roles
     SET role = role
     WHERE operator_id = $1
     RETURNING project_no, role",
);

/// Every role of an operator, locked until the transaction ends.
pub async fn hold_roles_of(tx: &mut Tx, id: OperatorId) -> Result<Vec<Assignment>, StoreError> {
    tx.query_all(&HOLD_ROLES, &[&id.as_bytes().as_slice()], |row| {
        Ok(Assignment { project: read_project(row, 0)?, role: read_role(row, 1)? })
    })
    .await
}

const HOLD_OWNERS: Sql = Sql::new("UPDATE operator_roles SET role = role WHERE project_no = $1 AND role = $2");

/// Locks the set of owners of all projects until the transaction ends.
pub async fn hold_owners_of_all(tx: &mut Tx) -> Result<(), StoreError> {
    tx.execute(&HOLD_OWNERS, &[&EVERY_PROJECT.0, &Role::Owner.as_str()]).await.map(drop)
}

const COUNT_ROLE: Sql = Sql::new("SELECT COUNT(*) FROM operator_roles WHERE project_no = $1 AND role = $2");

/// How many operators own all projects.
pub async fn count_owners_of_all(conn: &mut Conn) -> Result<i64, StoreError> {
    let counted =
        conn.query_optional(&COUNT_ROLE, &[&EVERY_PROJECT.0, &Role::Owner.as_str()], |row| row.get::<i64>(0)).await?;
    Ok(counted.unwrap_or(0))
}
