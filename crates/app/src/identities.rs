//! Loads a user's identities and authenticators; web guests have none, so no query.

use vestibule_domain::{
    client::Client,
    grant::Grant,
    id::{IdentityId, UserId},
    identifier::{LoginId, LoginIdKind},
    identity::{Authenticator, Dates, Identity, IdentityDetail, OwnedLoginId, UserAccount, list_authenticators},
    time::Timestamp,
    user::User,
};
use vestibule_store::{
    Conn, StoreError, device_keys,
    user_credentials::{self, CredentialRows},
};

use crate::{admin::subjects::list_newest_names, projects::Project, state::App};

#[derive(Clone)]
pub struct LoadedUser {
    pub user: User,
    pub identities: Vec<Identity>,
    pub authenticators: Vec<Authenticator>,
    /// Its earlier IDs, for applications that get them; empty when none of the project does.
    pub previous_subs: Vec<String>,
}

/// Earlier IDs of a user that applications get, of each kind: of guests those that were merged last.
const PREVIOUS_SUBS: i64 = 100;

impl LoadedUser {
    /// As [`Self::load`], with a connection of its own; a guest takes none.
    pub async fn read(app: &App, project: &Project, user: User) -> Result<Self, StoreError> {
        if user.is_anonymous() {
            return Ok(Self::of_guest(user));
        }
        Self::load(&mut *app.store.read().await?, project, user).await
    }

    /// As [`Self::load_for_grant`], with a connection of its own; a guest, and what is left over from one, takes none.
    pub(crate) async fn read_for_grant(
        app: &App,
        project: &Project,
        user: User,
        grant: &Grant,
    ) -> Result<Self, StoreError> {
        if grant.is_limited() { Ok(Self::before_promotion(user)) } else { Self::read(app, project, user).await }
    }

    /// Loads the identities and authenticators of a user.
    pub async fn load(conn: &mut Conn, project: &Project, user: User) -> Result<Self, StoreError> {
        if user.is_anonymous() {
            return Ok(Self::of_guest(user));
        }
        let rows = user_credentials::read(conn, project.no, user.id).await?;
        let mut loaded = Self::assemble(project, user, &rows);
        if project.settings.clients().iter().any(Client::gets_previous_subs) {
            loaded.previous_subs = list_newest_names(conn, project.no, loaded.user.id, PREVIOUS_SUBS).await?;
        }
        Ok(loaded)
    }

    /// The same for the holder of a grant. One that is left over from a promotion sees what its guest saw: nothing that was
    /// added with or after the promotion.
    pub(crate) async fn load_for_grant(
        conn: &mut Conn,
        project: &Project,
        user: User,
        grant: &Grant,
    ) -> Result<Self, StoreError> {
        if grant.is_limited() { Ok(Self::before_promotion(user)) } else { Self::load(conn, project, user).await }
    }

    /// A promoted user as the guest that it was, without what the promotion and later changes added.
    pub(crate) fn before_promotion(mut user: User) -> Self {
        user.anonymous_since = Some(user.created_at);
        // A later change may have added attributes.
        if user.promoted_at.is_none_or(|promoted_at| user.updated_at > promoted_at) {
            user.standard_attributes.clear();
            user.custom_attributes.clear();
        }
        Self { user, identities: Vec::new(), authenticators: Vec::new(), previous_subs: Vec::new() }
    }

    /// A guest without device keys, which has neither identities nor authenticators to query.
    pub(crate) fn of_guest(user: User) -> Self {
        Self { user, identities: Vec::new(), authenticators: Vec::new(), previous_subs: Vec::new() }
    }

    /// The same from rows already read.
    pub(crate) fn assemble(project: &Project, user: User, rows: &CredentialRows) -> Self {
        let mut identities: Vec<Identity> = rows.login_ids.iter().filter_map(identity_of).collect();
        identities.extend(rows.passkeys.iter().map(|(id, created_at)| identity_of_passkey(*id, *created_at)));
        identities.extend(rows.external_accounts.iter().map(|account| account.identity(&project.settings)));
        let password = rows.password.map(|(created_at, updated_at)| Dates { created_at, updated_at });
        let dates = |(_, at): &(IdentityId, Timestamp)| Dates { created_at: *at, updated_at: *at };
        let passkeys: Vec<Dates> = rows.passkeys.iter().map(dates).collect();
        let authenticators = list_authenticators(&project.settings, &identities, password, &passkeys);
        Self { user, identities, authenticators, previous_subs: Vec::new() }
    }

    /// Loads a guest that may have device keys; each key is an identity.
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
        Ok(Self { user, identities: identities.collect(), authenticators: Vec::new(), previous_subs: Vec::new() })
    }

    /// The account in the form that domain rules take.
    pub fn account(&self) -> UserAccount<'_> {
        UserAccount {
            user: &self.user,
            identities: &self.identities,
            authenticators: &self.authenticators,
            previous_subs: &self.previous_subs,
        }
    }

    pub fn id(&self) -> UserId {
        self.user.id
    }
}

/// The identity of a stored login ID.
pub(crate) fn identity_of(row: &OwnedLoginId) -> Option<Identity> {
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

fn identity_of_passkey(id: IdentityId, created_at: Timestamp) -> Identity {
    Identity { id, created_at, updated_at: created_at, detail: IdentityDetail::Passkey }
}
