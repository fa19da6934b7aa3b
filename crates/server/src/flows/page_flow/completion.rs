//! Builds a new member's credentials from its flow. Writes nothing.

use vestibule_domain::{
    id::{IdentityId, UserId},
    time::Timestamp,
    user::User,
};
use vestibule_store::{credentials::LoginIdRow, passkeys::PasskeyRow, user_credentials::CredentialRows};

use super::{Flow, PendingLoginId};
use crate::{
    app::App,
    flows::{account::LoadedUser, promotion::change::Credentials},
    passkeys::NewPasskey,
    projects::Project,
};

/// The member as it will be after the commit.
pub(super) fn preview(project: &Project, user: User, credentials: &Credentials) -> LoadedUser {
    let since = user.updated_at;
    let password = credentials.password_hash.as_ref().map(|_| (since, since));
    let rows = CredentialRows {
        login_ids: credentials.login_id.iter().cloned().collect(),
        password,
        passkeys: credentials.passkey.iter().map(|row| (row.id, row.created_at)).collect(),
    };
    LoadedUser::assemble(project, user, &rows)
}

/// The new member's credentials; `None` when there is no identity among them.
pub(super) fn credentials_of(
    app: &App,
    flow: &Flow,
    user_id: UserId,
    passkey: Option<NewPasskey>,
    now: Timestamp,
) -> Option<Credentials> {
    let passkey = passkey.map(|passkey| {
        let id: IdentityId = app.entropy.id(now);
        make_passkey(id, user_id, passkey, now)
    });
    let pending = flow.state.pending.as_ref().filter(|pending| pending.is_settled());
    let login_id = pending.map(|pending| {
        let id: IdentityId = app.entropy.id(now);
        make_login_id(id, user_id, pending, now)
    });
    if login_id.is_none() && passkey.is_none() {
        return None;
    }
    let password_hash = pending.and_then(|pending| pending.password_hash.clone());
    Some(Credentials { login_id, password_hash, passkey })
}

fn make_login_id(id: IdentityId, user_id: UserId, pending: &PendingLoginId, now: Timestamp) -> LoginIdRow {
    LoginIdRow {
        id,
        user_id,
        kind: pending.login_id.kind.as_str().to_string(),
        value: pending.login_id.value.clone(),
        original: pending.login_id.original.clone(),
        verified_at: pending.proved_at,
        created_at: now,
        updated_at: now,
    }
}

fn make_passkey(id: IdentityId, user_id: UserId, passkey: NewPasskey, now: Timestamp) -> PasskeyRow {
    PasskeyRow {
        credential_id: passkey.credential_id,
        id,
        user_id,
        public_key: passkey.public_key,
        sign_count: i64::from(passkey.sign_count),
        name: None,
        created_at: now,
        last_used_at: None,
        backup_eligible: Some(passkey.backup_eligible),
    }
}
