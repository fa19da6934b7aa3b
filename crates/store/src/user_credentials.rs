//! The login IDs, password, passkeys and external accounts of a user in one query. SQL over `login_ids`, `passwords`,
//! `passkeys` and `external_accounts`; no policy.

use vestibule_domain::{
    id::{IdentityId, ProjectNo, UserId},
    identity::{ExternalAccount, OwnedLoginId},
    time::Timestamp,
};

use crate::{
    column::{read_id, read_object, read_optional_time, read_time},
    db::{Conn, Row, Sql, StoreError},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&READ];

/// The login methods of a user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CredentialRows {
    /// The login IDs, oldest first.
    pub login_ids: Vec<OwnedLoginId>,
    /// When the password was first set and last changed, if there is one.
    pub password: Option<(Timestamp, Timestamp)>,
    /// The passkeys, oldest first: their IDs and creation times.
    pub passkeys: Vec<(IdentityId, Timestamp)>,
    /// The accounts at providers, oldest first.
    pub external_accounts: Vec<ExternalAccount>,
}

const LOGIN_ID: i64 = 1;
const PASSWORD: i64 = 2;
const PASSKEY: i64 = 3;

// No ORDER BY, so that neither engine has to gather and sort: the few rows are sorted here.
const READ: Sql = Sql::new(
    "SELECT
       CAST(1 AS BIGINT),
       id,
       user_id,
       kind,
       value,
       original,
       verified_at,
       created_at,
       updated_at
     FROM login_ids
     WHERE project_no = $1 AND user_id = $2
     UNION ALL
     SELECT
       CAST(2 AS BIGINT),
       user_id,
       user_id,
       '',
       '',
       '',
       NULL,
       created_at,
       updated_at
     FROM passwords
     WHERE project_no = $1 AND user_id = $2
     UNION ALL
     SELECT
       CAST(3 AS BIGINT),
       id,
       user_id,
       '',
       '',
       '',
       NULL,
       created_at,
       created_at
     FROM passkeys
     WHERE project_no = $1 AND user_id = $2
     UNION ALL
     SELECT
       CAST(4 AS BIGINT),
       id,
       user_id,
       provider,
       subject,
       profile,
       NULL,
       created_at,
       updated_at
     FROM external_accounts
     WHERE project_no = $1 AND user_id = $2",
);

enum CredentialRow {
    LoginId(OwnedLoginId),
    Password(Timestamp, Timestamp),
    Passkey(IdentityId, Timestamp),
    External(ExternalAccount),
}

fn read_row(row: &Row<'_>) -> Result<CredentialRow, StoreError> {
    let (created_at, updated_at) = (read_time(row, 7)?, read_time(row, 8)?);
    Ok(match row.get::<i64>(0)? {
        LOGIN_ID => CredentialRow::LoginId(OwnedLoginId {
            id: read_id(row, 1)?,
            user_id: read_id(row, 2)?,
            kind: row.get(3)?,
            value: row.get(4)?,
            original: row.get(5)?,
            verified_at: read_optional_time(row, 6)?,
            created_at,
            updated_at,
        }),
        PASSWORD => CredentialRow::Password(created_at, updated_at),
        PASSKEY => CredentialRow::Passkey(read_id(row, 1)?, created_at),
        _ => CredentialRow::External(ExternalAccount {
            id: read_id(row, 1)?,
            user_id: read_id(row, 2)?,
            provider: row.get(3)?,
            subject: row.get(4)?,
            profile: read_object(row, 5)?,
            created_at,
            updated_at,
        }),
    })
}

/// All login methods of a user.
pub async fn read(conn: &mut Conn, p: ProjectNo, user: UserId) -> Result<CredentialRows, StoreError> {
    let found = conn.query_all(&READ, &[&p.0, &user.as_bytes().as_slice()], read_row).await?;
    let mut rows = CredentialRows::default();
    for one in found {
        match one {
            CredentialRow::LoginId(row) => rows.login_ids.push(row),
            CredentialRow::Password(created_at, updated_at) => rows.password = Some((created_at, updated_at)),
            CredentialRow::Passkey(id, created_at) => rows.passkeys.push((id, created_at)),
            CredentialRow::External(account) => rows.external_accounts.push(account),
        }
    }
    rows.login_ids.sort_unstable_by_key(|row| row.id);
    rows.passkeys.sort_unstable();
    rows.external_accounts.sort_unstable_by_key(|account| account.id);
    Ok(rows)
}
