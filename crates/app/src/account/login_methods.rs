//! The stored login methods of a member.

use vestibule_domain::{
    id::{IdentityId, ProjectNo, UserId},
    identifier::{LoginId, LoginIdKind},
    identity::{ExternalAccount, OwnedLoginId},
    promotion::{CredentialRemoval, LoginCredentials},
    time::Timestamp,
};
use vestibule_store::{
    Conn, StoreError, Tx,
    credentials::{self, PasswordRow},
    external_accounts,
    passkeys::{self, PasskeyRow},
};

use crate::{ctx::Ctx, error::Error};

/// A member's login IDs, password, passkeys and accounts at providers.
pub struct LoginMethods {
    pub login_ids: Vec<OwnedLoginId>,
    pub password: Option<PasswordRow>,
    pub passkeys: Vec<PasskeyRow>,
    pub external_accounts: Vec<ExternalAccount>,
}

impl LoginMethods {
    /// Reads the login methods of a member; in a transaction, with its changes.
    pub async fn read(conn: &mut Conn, no: ProjectNo, user: UserId) -> Result<Self, StoreError> {
        Ok(Self {
            login_ids: credentials::list_login_ids(conn, no, user).await?,
            password: credentials::find_password(conn, no, user).await?,
            passkeys: passkeys::list(conn, no, user).await?,
            external_accounts: external_accounts::list(conn, no, user).await?,
        })
    }

    /// Loads the login methods of a member.
    pub async fn load(ctx: &Ctx<'_>, user: UserId) -> Result<Self, Error> {
        Ok(Self::read(&mut *ctx.app.store.read().await?, ctx.project.no, user).await?)
    }

    /// The same in the form that domain rules take.
    pub fn login_credentials(&self) -> LoginCredentials {
        LoginCredentials {
            login_ids: self.login_ids.iter().filter_map(|row| Some((row.id, kind_of(row)?))).collect(),
            has_password: self.password.is_some(),
            passkeys: self.passkeys.iter().map(|row| row.id).collect(),
            external_accounts: self.external_accounts.iter().map(|row| (row.id, row.provider.clone())).collect(),
        }
    }

    /// Removes one of them; what it does not have stays as it is.
    pub async fn remove(
        &self,
        tx: &mut Tx,
        (no, user): (ProjectNo, UserId),
        removal: CredentialRemoval,
    ) -> Result<(), StoreError> {
        match removal {
            CredentialRemoval::LoginId(id) => {
                if let Some(row) = self.find(id) {
                    credentials::remove_login_id(tx, no, &row.kind, &row.value).await?;
                }
            }
            CredentialRemoval::Passkey(id) => {
                passkeys::remove(tx, no, user, id).await?;
            }
            CredentialRemoval::ExternalAccount(id) => {
                external_accounts::remove(tx, no, user, id).await?;
            }
            CredentialRemoval::Password => {
                credentials::remove_password(tx, no, user).await?;
            }
        }
        Ok(())
    }

    pub fn find(&self, id: IdentityId) -> Option<&OwnedLoginId> {
        self.login_ids.iter().find(|row| row.id == id)
    }

    /// The name of the account: its first email address, or else phone number, or else username.
    pub fn name(&self) -> Option<&str> {
        let first = |kind| self.login_ids.iter().find(|row| kind_of(row) == Some(kind));
        LoginIdKind::ALL.into_iter().find_map(first).map(|row| row.original.as_str())
    }

    /// The address for notifications: the oldest verified email address, or else the oldest one.
    pub(crate) fn mail_address(&self) -> Option<String> {
        self.emails().first().and_then(|row| login_id_of(row)?.address())
    }

    /// The addresses for what every owner of the account must hear: all verified email addresses, or else the oldest one.
    pub(crate) fn mail_addresses(&self) -> Vec<String> {
        let emails = self.emails();
        let verified = emails.iter().filter(|row| row.verified_at.is_some()).count();
        emails.into_iter().take(verified.max(1)).filter_map(|row| login_id_of(row)?.address()).collect()
    }

    /// When the oldest login ID, passkey or external account was added.
    pub(crate) fn oldest_at(&self) -> Option<Timestamp> {
        let passkeys = self.passkeys.iter().map(|row| row.created_at);
        let external = self.external_accounts.iter().map(|row| row.created_at);
        self.login_ids.iter().map(|row| row.created_at).chain(passkeys).chain(external).min()
    }

    /// The email addresses: verified ones first, and of those the oldest.
    pub(crate) fn emails(&self) -> Vec<&OwnedLoginId> {
        let emails = self.login_ids.iter().filter(|row| kind_of(row) == Some(LoginIdKind::Email));
        let mut emails: Vec<_> = emails.collect();
        emails.sort_by_key(|row| (row.verified_at.is_none(), row.created_at));
        emails
    }

    /// Where to send a code for reauthentication: a verified address first.
    pub fn code_target(&self) -> Option<LoginId> {
        let reachable = |row: &&OwnedLoginId| kind_of(row).is_some_and(|kind| kind != LoginIdKind::Username);
        let mut addresses = self.login_ids.iter().filter(reachable);
        let proved = addresses.clone().find(|row| row.verified_at.is_some());
        proved.or_else(|| addresses.next()).and_then(login_id_of)
    }
}

pub fn kind_of(row: &OwnedLoginId) -> Option<LoginIdKind> {
    LoginIdKind::from_name(&row.kind)
}

/// The stored login ID as a domain value.
pub(crate) fn login_id_of(row: &OwnedLoginId) -> Option<LoginId> {
    Some(LoginId { kind: kind_of(row)?, value: row.value.clone(), original: row.original.clone() })
}
