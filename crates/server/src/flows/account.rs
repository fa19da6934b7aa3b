//! Everything known of a user in one place: read for a member, known without looking for a web guest.

use vestibule_domain::{
    id::UserId,
    identifier::{LoginId, LoginIdKind},
    identity::{Account, Authenticator, Dates, Identity, IdentityDetail, list_authenticators},
    time::Timestamp,
    user::User,
};
use vestibule_store::{
    Conn, StoreError,
    credentials::{self, LoginIdRow},
    device_keys,
    passkeys::{self, PasskeyRow},
};

use crate::projects::Project;

/// A user with what it is known by and how it proves itself.
pub(crate) struct Loaded {
    pub(crate) user: User,
    pub(crate) identities: Vec<Identity>,
    pub(crate) authenticators: Vec<Authenticator>,
}

impl Loaded {
    /// What belongs to a user.
    pub(crate) async fn load(conn: &mut Conn, project: &Project, user: User) -> Result<Self, StoreError> {
        if user.is_anonymous() {
            // A guest owns nothing that could be verified or authenticated with: no need to look.
            return Ok(Self { user, identities: Vec::new(), authenticators: Vec::new() });
        }
        let login_ids = credentials::list_login_ids(conn, project.no, user.id).await?;
        let password = credentials::find_password(conn, project.no, user.id).await?;
        let password = password.map(|row| (row.created_at, row.updated_at));
        let passkeys = passkeys::list(conn, project.no, user.id).await?;
        Ok(Self::assemble(project, user, &login_ids, password, &passkeys))
    }

    /// The same from rows at hand; the password's times are when it was first set and last changed.
    pub(crate) fn assemble(
        project: &Project,
        user: User,
        login_ids: &[LoginIdRow],
        password: Option<(Timestamp, Timestamp)>,
        passkeys: &[PasskeyRow],
    ) -> Self {
        let mut identities: Vec<Identity> = login_ids.iter().filter_map(identity_of).collect();
        identities.extend(passkeys.iter().map(identity_of_passkey));
        let password = password.map(|(created_at, updated_at)| Dates { created_at, updated_at });
        let dates = |row: &PasskeyRow| Dates { created_at: row.created_at, updated_at: row.created_at };
        let passkeys: Vec<Dates> = passkeys.iter().map(dates).collect();
        let authenticators = list_authenticators(&project.settings, &identities, password, &passkeys);
        Self { user, identities, authenticators }
    }

    /// What belongs to a guest that may own device keys: each is an identity of its own.
    pub(crate) async fn load_guest_with_keys(
        conn: &mut Conn,
        project: &Project,
        user: User,
    ) -> Result<Self, StoreError> {
        let keys = device_keys::list(conn, project.no, user.id).await?;
        let identities = keys.into_iter().map(|key| Identity {
            id: key.id,
            created_at: key.created_at,
            updated_at: key.created_at,
            detail: IdentityDetail::Anonymous { key_id: Some(key.kid) },
        });
        Ok(Self { user, identities: identities.collect(), authenticators: Vec::new() })
    }

    /// The view the domain's rules take.
    pub(crate) fn account(&self) -> Account<'_> {
        Account { user: &self.user, identities: &self.identities, authenticators: &self.authenticators }
    }

    /// Whose it is.
    pub(crate) fn id(&self) -> UserId {
        self.user.id
    }
}

/// The identity a stored login ID is.
pub(crate) fn identity_of(row: &LoginIdRow) -> Option<Identity> {
    let kind = LoginIdKind::from_name(&row.kind)?;
    Some(Identity {
        id: row.id,
        created_at: row.created_at,
        updated_at: row.updated_at,
        detail: IdentityDetail::LoginId {
            login_id: LoginId { kind, value: row.value.clone(), original: row.original.clone() },
            verified_at: row.verified_at,
        },
    })
}

fn identity_of_passkey(row: &PasskeyRow) -> Identity {
    Identity { id: row.id, created_at: row.created_at, updated_at: row.created_at, detail: IdentityDetail::Passkey }
}
