//! Export and import of users: everything they own except sessions, one JSON object per line. `line` owns what a line may contain.

mod line;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vestibule_domain::{
    consent::Consent,
    event::Event,
    id::{IdentityId, ProjectNo, UserId},
    identifier::LoginIdKind,
    identity::{ExternalAccount, OwnedLoginId},
    time::Timestamp,
    user::User,
};
use vestibule_protocol::echo;
use vestibule_store::{
    Conn, StoreError, Tx, consents, credentials,
    device_keys::{self, DeviceKeyRow},
    ended, external_accounts, merges,
    passkeys::{self, PasskeyRow},
    user_lists, users,
};

use self::line::read_record;
use super::{AdminError, Thing, subjects};
use crate::{
    actor::{ActError, Actor, AuditEntry, Permit, check_permit},
    consent::is_third_party,
    crypto::{base64url, read_base64url},
    ctx::Ctx,
    error::Error,
    passwords::Bounds,
    pool,
    projects::Project,
    state::App,
};

/// Number of users per step of an export.
const STEP: i64 = 200;

/// Maximum number of lines of an import.
pub const LINES: usize = 10_000;
/// Maximum number of login IDs, of device keys, of passkeys, of external accounts and of consents of an imported user.
pub const OWNED: usize = 100;
/// Maximum number of earlier IDs of an imported user.
pub const PREVIOUS_SUBS: usize = 10_000;
/// Maximum bytes of a login ID, a key ID, a name, a client ID or a scope of an imported user.
pub const TEXT_BYTES: usize = 1024;
/// Maximum bytes of a serialized key of an imported user.
pub const KEY_BYTES: usize = 4 * 1024;

/// A user in the export format. Times are microseconds since the epoch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserRecord {
    id: UserId,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_login_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    anonymous_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    promoted_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabled_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    yielded_to: Option<UserId>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    standard_attributes: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    custom_attributes: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    login_ids: Vec<LoginIdRecord>,
    /// PHC string of argon2id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_hash: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    device_keys: Vec<DeviceKeyRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    passkeys: Vec<PasskeyRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    external_accounts: Vec<ExternalAccountRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    consents: Vec<ConsentRecord>,
    /// Other names of the user: the IDs of guests that were merged into it, and its IDs in other systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    previous_subs: Vec<String>,
}

/// An account at a provider. `provider` is its type, and the issuer for other providers than the known ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExternalAccountRecord {
    id: IdentityId,
    provider: String,
    subject: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    profile: Map<String, Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// What a member agreed to for a third-party application.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentRecord {
    client_id: String,
    /// Space-separated.
    scope: String,
    granted_at: Timestamp,
    updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Timestamp>,
}

/// IDs and keys are base64url. A passkey works only if the origin's host stays the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PasskeyRecord {
    id: IdentityId,
    credential_id: String,
    public_key: String,
    sign_count: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backup_eligible: Option<bool>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginIdRecord {
    id: IdentityId,
    #[serde(rename = "type")]
    kind: LoginIdKind,
    value: String,
    original: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verified_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceKeyRecord {
    id: IdentityId,
    kid: String,
    jwk: Value,
    created_at: Timestamp,
    last_used_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    promoted_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<String>,
}

/// Records an export before its first line is sent.
pub async fn record_export(ctx: &Ctx<'_>, actor: &Actor) -> Result<(), AdminError> {
    record(ctx, actor, None).await
}

async fn record(ctx: &Ctx<'_>, actor: &Actor, user: Option<UserId>) -> Result<(), AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    let entry = actor.prepare(ctx, &Event::UsersExported, user);
    let recorded =
        ctx.app.store.write("admin_export_users", entry, move |tx, entry| Box::pin(entry.write(tx, no, now)));
    Ok(recorded.await?)
}

/// The next lines of an export, and the last user in them; `None` after the last.
pub async fn export_step(
    app: &App,
    project: &Project,
    after: Option<UserId>,
) -> Result<Option<(String, UserId)>, StoreError> {
    let mut conn = app.store.read().await?;
    let found = user_lists::list_newest(&mut conn, project.no, after, STEP).await?;
    let Some(last) = found.last().map(|user| user.id) else { return Ok(None) };
    let mut lines = String::new();
    for user in found {
        lines.push_str(&print_line(&to_record(&mut conn, project.no, user).await?));
    }
    Ok(Some((lines, last)))
}

/// Exports one user, as a line; recorded as the export of all users is, with the user.
///
/// # Errors
/// When there is no such user, or the store fails.
pub async fn export_one(ctx: &Ctx<'_>, actor: &Actor, id: UserId) -> Result<String, AdminError> {
    let no = ctx.project.no;
    let line = {
        let mut conn = ctx.app.store.read().await?;
        let user = users::find(&mut conn, no, id).await?.ok_or(AdminError::NotFound(Thing::User))?;
        print_line(&to_record(&mut conn, no, user).await?)
    };
    record(ctx, actor, Some(id)).await?;
    Ok(line)
}

fn print_line(record: &UserRecord) -> String {
    serde_json::to_string(record).expect("a user is plain JSON") + "\n"
}

async fn to_record(conn: &mut Conn, no: ProjectNo, user: User) -> Result<UserRecord, StoreError> {
    let login_ids = credentials::list_login_ids(conn, no, user.id).await?;
    let password = credentials::find_password(conn, no, user.id).await?;
    let keys = device_keys::list(conn, no, user.id).await?;
    let passkeys = passkeys::list(conn, no, user.id).await?;
    let external = external_accounts::list(conn, no, user.id).await?;
    let mut previous_subs = subjects::list_names(conn, no, user.id, i64::MAX).await?;
    previous_subs.truncate(PREVIOUS_SUBS);
    // The merge is not exported, so that a guest that waits for it is one of its own where it is imported.
    let waits_since = match user.yielded_to {
        Some(_) => merges::find_open_of_guest(conn, no, user.id).await?.map(|row| row.merge.requested_at),
        None => None,
    };
    // A guest has none.
    let agreed = if user.is_anonymous() { Vec::new() } else { consents::list(conn, no, user.id).await? };
    Ok(UserRecord {
        id: user.id,
        created_at: user.created_at,
        updated_at: user.updated_at,
        last_login_at: user.last_login_at,
        anonymous_since: user.anonymous_since,
        promoted_at: user.promoted_at,
        disabled_at: user.disabled_at,
        yielded_to: user.yielded_to.filter(|_| waits_since.is_none()),
        standard_attributes: user.standard_attributes,
        custom_attributes: user.custom_attributes,
        login_ids: login_ids
            .into_iter()
            .filter_map(|row| {
                Some(LoginIdRecord {
                    id: row.id,
                    kind: LoginIdKind::from_name(&row.kind)?,
                    value: row.value,
                    original: row.original,
                    verified_at: row.verified_at,
                    created_at: row.created_at,
                    updated_at: row.updated_at,
                })
            })
            .collect(),
        password_hash: password.map(|row| row.hash),
        device_keys: keys
            .into_iter()
            .map(|key| DeviceKeyRecord {
                id: key.id,
                kid: key.kid,
                jwk: serde_json::from_str(&key.jwk).unwrap_or(Value::Null),
                created_at: key.created_at,
                last_used_at: key.last_used_at,
                promoted_at: key.promoted_at.filter(|at| Some(*at) != waits_since),
                device: key.device,
            })
            .collect(),
        passkeys: passkeys
            .into_iter()
            .map(|row| PasskeyRecord {
                id: row.id,
                credential_id: base64url(&row.credential_id),
                public_key: base64url(&row.public_key),
                sign_count: row.sign_count,
                name: row.name,
                created_at: row.created_at,
                last_used_at: row.last_used_at,
                backup_eligible: row.backup_eligible,
            })
            .collect(),
        external_accounts: external
            .into_iter()
            .map(|row| ExternalAccountRecord {
                id: row.id,
                provider: row.provider,
                subject: row.subject,
                profile: row.profile,
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
            .collect(),
        consents: agreed
            .into_iter()
            .map(|consent| ConsentRecord {
                client_id: consent.client_id,
                scope: consent.scope,
                granted_at: consent.granted_at,
                updated_at: consent.updated_at,
                last_used_at: consent.last_used_at,
            })
            .collect(),
        previous_subs,
    })
}

/// One line of an import.
#[derive(Debug)]
pub struct ImportedLine {
    /// From 1.
    pub line: usize,
    /// The user; none when the line could not be read.
    pub id: Option<UserId>,
    pub outcome: LineOutcome,
}

/// The result of one line of an import.
#[derive(Debug)]
pub enum LineOutcome {
    Created,
    /// The user existed, and is unchanged.
    Exists,
    /// Why the line was refused.
    Refused(String),
}

/// What an import of these lines would do, without doing it: each is tried in a transaction that is rolled back, as if it were alone.
///
/// # Errors
/// As [`import`].
pub async fn try_import(ctx: &Ctx<'_>, actor: &Actor, text: String) -> Result<Vec<ImportedLine>, AdminError> {
    let (mut outcomes, mut seen) = (Vec::new(), HashSet::new());
    for (line, read) in read_all(ctx, text).await? {
        let (id, outcome) = match read {
            // The import would find the first of two lines with one ID.
            Ok(record) if !seen.insert(record.id) => (Some(record.id), LineOutcome::Exists),
            Ok(record) => (Some(record.id), import_record(ctx, record, &mut None, Some(actor.permit)).await?),
            Err(reason) => (None, LineOutcome::Refused(reason)),
        };
        outcomes.push(ImportedLine { line, id, outcome });
    }
    Ok(outcomes)
}

/// The lines, with their numbers.
async fn read_all(ctx: &Ctx<'_>, text: String) -> Result<Vec<(usize, Result<Box<UserRecord>, String>)>, AdminError> {
    let (bounds, turns) = (ctx.app.hasher.bounds(), pool::turns_for(text.len()));
    let lines =
        ctx.app.pool.run(ctx.project.no, turns, move || read_lines(&text, bounds)).await.map_err(Error::from)?;
    lines.ok_or_else(|| AdminError::fault("", format!("send at most {LINES} lines at once")))
}

/// Imports users, each in its own transaction; existing users are unchanged. The users queue no events, because they were
/// created elsewhere; the import has one, written with the first user that it creates.
pub async fn import(ctx: &Ctx<'_>, actor: &Actor, text: String) -> Result<Vec<ImportedLine>, AdminError> {
    let lines = read_all(ctx, text).await?;
    let event = Event::UsersImported { lines: lines.len() };
    // Not one transaction: an import that was cut short is continued by its repeat, and its answer is kept when it ends.
    let actor = Actor { once: None, ..actor.clone() };
    let mut entry = Some(actor.prepare(ctx, &event, None));
    let mut outcomes = Vec::with_capacity(lines.len());
    for (line, read) in lines {
        let (id, outcome) = match read {
            Ok(record) => (Some(record.id), import_record(ctx, record, &mut entry, None).await?),
            Err(reason) => (None, LineOutcome::Refused(reason)),
        };
        outcomes.push(ImportedLine { line, id, outcome });
    }
    Ok(outcomes)
}

/// Imports one user. `entry` is taken by the first that is created. With the permit of a dry run, nothing stays.
async fn import_record(
    ctx: &Ctx<'_>,
    record: Box<UserRecord>,
    entry: &mut Option<AuditEntry>,
    dry_run: Option<Option<Permit>>,
) -> Result<LineOutcome, AdminError> {
    if let Some(reason) = find_foreign_consent(ctx.project, &record) {
        return Ok(LineOutcome::Refused(reason));
    }
    match from_record(ctx, record, entry.clone(), dry_run).await {
        Ok(true) => {
            *entry = None;
            Ok(LineOutcome::Created)
        }
        Err(UserRows::Tried(true)) => Ok(LineOutcome::Created),
        Ok(false) | Err(UserRows::Tried(false)) => Ok(LineOutcome::Exists),
        Err(UserRows::Clash(reason)) => Ok(LineOutcome::Refused(reason.to_string())),
        Err(UserRows::Act(error)) => Err(error.into()),
    }
}

/// All lines that are not blank, with their numbers; `None` if there are too many.
fn read_lines(text: &str, bounds: Bounds) -> Option<Vec<(usize, Result<Box<UserRecord>, String>)>> {
    let lines = || text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    (lines().count() <= LINES).then(|| lines().map(|(index, line)| (index + 1, read_record(line, bounds))).collect())
}

/// Why the consents of a user cannot be imported: only third-party applications need and have any.
fn find_foreign_consent(project: &Project, record: &UserRecord) -> Option<String> {
    let foreign = record.consents.iter().find(|consent| !is_third_party(project, &consent.client_id))?;
    let name = echo(&foreign.client_id);
    Some(format!("{name} is no third-party application of this project: create it first, or omit its consent"))
}

enum UserRows {
    /// A dry run, with whether the user would be created: the transaction is rolled back.
    Tried(bool),
    Act(ActError),
    Clash(&'static str),
}

impl From<StoreError> for UserRows {
    fn from(error: StoreError) -> Self {
        Self::Act(error.into())
    }
}

impl From<ActError> for UserRows {
    fn from(error: ActError) -> Self {
        Self::Act(error)
    }
}

/// Creates a user, and writes the entry of the import with the first.
async fn from_record(
    ctx: &Ctx<'_>,
    record: Box<UserRecord>,
    entry: Option<AuditEntry>,
    dry_run: Option<Option<Permit>>,
) -> Result<bool, UserRows> {
    let (no, now) = (ctx.project.no, ctx.now);
    ctx.app
        .store
        .write("admin_import_user", (record, entry), move |tx, (record, entry)| {
            Box::pin(async move {
                let is_created = insert_record(tx, no, record, now).await?;
                if let Some(permit) = dry_run {
                    check_permit(permit, tx, no).await?;
                    return Err(UserRows::Tried(is_created));
                }
                // A guest counts as seen when it is imported: no rule ends it before anyone could come back to it.
                ended::note_left(tx, no, record.id, None, now).await?;
                if let Some(entry) = entry.as_ref().filter(|_| is_created) {
                    entry.write(tx, no, now).await?;
                }
                Ok(is_created)
            })
        })
        .await
}

async fn insert_record(tx: &mut Tx, no: ProjectNo, from: &UserRecord, now: Timestamp) -> Result<bool, UserRows> {
    if users::find(tx, no, from.id).await?.is_some() {
        return Ok(false);
    }
    users::insert(tx, no, &user_of(from)).await?;
    // After the user's row, so that a deletion at the same time has left its tombstone.
    if let Some(reason) = subjects::claim(tx, no, (from.id, from.yielded_to), &from.previous_subs, now).await? {
        return Err(UserRows::Clash(reason));
    }
    insert_login_methods(tx, no, from).await?;
    for key in &from.device_keys {
        if !device_keys::insert(tx, no, &device_key_of(from, key)).await? {
            return Err(UserRows::Clash("a device key belongs to another user"));
        }
    }
    for consent in &from.consents {
        consents::put(tx, no, &consent_of(from.id, consent)).await?;
    }
    Ok(true)
}

fn consent_of(user_id: UserId, record: &ConsentRecord) -> Consent {
    Consent {
        user_id,
        client_id: record.client_id.clone(),
        scope: record.scope.clone(),
        granted_at: record.granted_at,
        updated_at: record.updated_at,
        last_used_at: record.last_used_at,
    }
}

fn user_of(from: &UserRecord) -> User {
    User {
        id: from.id,
        created_at: from.created_at,
        updated_at: from.updated_at,
        last_login_at: from.last_login_at,
        anonymous_since: from.anonymous_since,
        promoted_at: from.promoted_at,
        disabled_at: from.disabled_at,
        yielded_to: from.yielded_to,
        standard_attributes: from.standard_attributes.clone(),
        custom_attributes: from.custom_attributes.clone(),
    }
}

/// Inserts login IDs, password, passkeys and external accounts.
async fn insert_login_methods(tx: &mut Tx, no: ProjectNo, from: &UserRecord) -> Result<(), UserRows> {
    for login_id in &from.login_ids {
        let row = OwnedLoginId {
            id: login_id.id,
            user_id: from.id,
            kind: login_id.kind.as_str().to_string(),
            value: login_id.value.clone(),
            original: login_id.original.clone(),
            verified_at: login_id.verified_at,
            created_at: login_id.created_at,
            updated_at: login_id.updated_at,
        };
        if !credentials::insert_login_id(tx, no, &row).await? {
            return Err(UserRows::Clash("a login ID belongs to another user"));
        }
    }
    if let Some(hash) = &from.password_hash {
        credentials::set_password(tx, no, from.id, hash, from.updated_at).await?;
    }
    for passkey in &from.passkeys {
        let row = PasskeyRow {
            credential_id: read_base64url(&passkey.credential_id).unwrap_or_default(),
            id: passkey.id,
            owner: from.id,
            public_key: read_base64url(&passkey.public_key).unwrap_or_default(),
            sign_count: passkey.sign_count,
            name: passkey.name.clone(),
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
            backup_eligible: passkey.backup_eligible,
        };
        if !passkeys::insert(tx, no, &row).await? {
            return Err(UserRows::Clash("a passkey belongs to another user"));
        }
    }
    for one in &from.external_accounts {
        let account = ExternalAccount {
            id: one.id,
            user_id: from.id,
            provider: one.provider.clone(),
            subject: one.subject.clone(),
            profile: one.profile.clone(),
            created_at: one.created_at,
            updated_at: one.updated_at,
        };
        if !external_accounts::insert(tx, no, &account).await? {
            return Err(UserRows::Clash("an external account belongs to another user"));
        }
    }
    Ok(())
}

fn device_key_of(from: &UserRecord, key: &DeviceKeyRecord) -> DeviceKeyRow {
    DeviceKeyRow {
        kid: key.kid.clone(),
        id: key.id,
        user_id: from.id,
        jwk: key.jwk.to_string(),
        created_at: key.created_at,
        last_used_at: key.last_used_at,
        promoted_at: key.promoted_at,
        device: key.device.clone(),
    }
}
