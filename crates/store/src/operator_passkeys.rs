//! Passkeys of operators. SQL over `operator_passkeys`; no policy. Operators belong to no project.

use vestibule_domain::id::{OperatorId, OperatorKind};

use crate::{
    db::{Sql, StoreError, Tx},
    passkeys::{Passkey, PasskeyStatements, PasskeyTable},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &OPERATORS.insert,
    &OPERATORS.find,
    &OPERATORS.list,
    &OPERATORS.record_use,
    &OPERATORS.rename,
    &OPERATORS.remove,
    &REMOVE_OF_OPERATOR,
];

/// The operators, as owners in the functions of [`crate::passkeys`].
#[derive(Clone, Copy, Debug)]
pub struct Operators;

impl PasskeyTable for Operators {
    type Owner = OperatorKind;
    type Name = String;
    const STATEMENTS: &'static PasskeyStatements = OPERATORS;

    fn project(&self) -> Option<&i64> {
        None
    }
}

/// A passkey of an operator.
pub type OperatorPasskey = Passkey<OperatorId, String>;

const OPERATORS: &PasskeyStatements = &PasskeyStatements {
    insert: Sql::new(
        "INSERT INTO operator_passkeys (
           credential_id,
           id,
           operator_id,
           public_key,
           sign_count,
           name,
           created_at,
           last_used_at,
           backup_eligible
         ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT DO NOTHING",
    ),
    find: Sql::new(
        "SELECT
           credential_id,
           id,
           operator_id,
           public_key,
           sign_count,
           name,
           created_at,
           last_used_at,
           backup_eligible
         FROM operator_passkeys
         WHERE credential_id = $1",
    ),
    list: Sql::new(
        "SELECT
           credential_id,
           id,
           operator_id,
           public_key,
           sign_count,
           name,
           created_at,
           last_used_at,
           backup_eligible
         FROM operator_passkeys
         WHERE operator_id = $1
         ORDER BY id",
    ),
    record_use: Sql::new(
        "UPDATE operator_passkeys
         SET sign_count = $2,
             last_used_at = $3,
             backup_eligible = $4
         WHERE credential_id = $1
           AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))
           AND (backup_eligible IS NULL OR backup_eligible = $4)",
    ),
    rename: Sql::new(
        "UPDATE operator_passkeys
         SET name = $3
         WHERE operator_id = $1 AND id = $2",
    ),
    remove: Sql::new("DELETE FROM operator_passkeys WHERE operator_id = $1 AND id = $2"),
};

const REMOVE_OF_OPERATOR: Sql = Sql::new("DELETE FROM operator_passkeys WHERE operator_id = $1");

/// Removes every passkey of an operator.
pub async fn remove_of_operator(tx: &mut Tx, operator: OperatorId) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_OF_OPERATOR, &[&operator.as_bytes().as_slice()]).await
}
