//! Users on their way from one server to another: everything they own but their sessions, one JSON object a line.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vestibule_domain::{
    attributes,
    id::{IdentityId, ProjectNo, UserId},
    identifier::LoginIdKind,
    time::Timestamp,
    user::User,
};
use vestibule_protocol::{echo, echo_quoted, jose::Jwk};
use vestibule_store::{
    Conn, StoreError, Tx,
    credentials::{self, LoginIdRow},
    device_keys::{self, DeviceKeyRow},
    passkeys::{self, PasskeyRow},
    users,
};

use super::AdminError;
use crate::{
    app::App,
    crypto::{base64url, read_base64url},
    flows::Error,
    passkeys::is_usable_passkey,
    projects::Project,
};

/// Users one step of an export reads.
const STEP: i64 = 200;

/// The most lines of one import.
pub(crate) const LINES: usize = 10_000;
/// The most login IDs, device keys and passkeys that an imported user may own, each.
pub(crate) const OWNED: usize = 100;
/// The most bytes of a login ID, a key's id or a name of an imported user.
pub(crate) const TEXT_BYTES: usize = 1024;
/// The most bytes of a key of an imported user, as it is written.
pub(crate) const KEY_BYTES: usize = 4 * 1024;

/// A user as it travels. Times are microseconds since the epoch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Traveller {
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
    login_ids: Vec<TravellingLoginId>,
    /// PHC string of argon2id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_hash: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    device_keys: Vec<TravellingKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    passkeys: Vec<TravellingPasskey>,
}

/// Ids and keys are base64url. A passkey works only where the origin's name stays the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TravellingPasskey {
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
struct TravellingLoginId {
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
struct TravellingKey {
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

/// The next lines of an export, and the user they end with; `None` after the last.
pub(crate) async fn export_step(
    app: &App,
    project: &Project,
    after: Option<UserId>,
) -> Result<Option<(String, UserId)>, StoreError> {
    let mut conn = app.store.read().await?;
    let found = users::list_page(&mut conn, project.no, after, STEP).await?;
    let Some(last) = found.last().map(|user| user.id) else { return Ok(None) };
    let mut lines = String::new();
    for user in found {
        let traveller = pack(&mut conn, project.no, user).await?;
        lines.push_str(&serde_json::to_string(&traveller).expect("a user is plain JSON"));
        lines.push('\n');
    }
    Ok(Some((lines, last)))
}

async fn pack(conn: &mut Conn, no: ProjectNo, user: User) -> Result<Traveller, StoreError> {
    let login_ids = credentials::list_login_ids(conn, no, user.id).await?;
    let password = credentials::find_password(conn, no, user.id).await?;
    let keys = device_keys::list(conn, no, user.id).await?;
    let passkeys = passkeys::list(conn, no, user.id).await?;
    Ok(Traveller {
        id: user.id,
        created_at: user.created_at,
        updated_at: user.updated_at,
        last_login_at: user.last_login_at,
        anonymous_since: user.anonymous_since,
        promoted_at: user.promoted_at,
        disabled_at: user.disabled_at,
        yielded_to: user.yielded_to,
        standard_attributes: user.standard_attributes,
        custom_attributes: user.custom_attributes,
        login_ids: login_ids
            .into_iter()
            .filter_map(|row| {
                Some(TravellingLoginId {
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
            .map(|key| TravellingKey {
                id: key.id,
                kid: key.kid,
                jwk: serde_json::from_str(&key.jwk).unwrap_or(Value::Null),
                created_at: key.created_at,
                last_used_at: key.last_used_at,
                promoted_at: key.promoted_at,
                device: key.device,
            })
            .collect(),
        passkeys: passkeys
            .into_iter()
            .map(|row| TravellingPasskey {
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
    })
}

/// What became of one line of an import.
#[derive(Debug, Serialize)]
pub(crate) struct LineOutcome {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) id: Option<String>,
    /// `created`, `exists` or `refused`.
    pub(crate) outcome: &'static str,
    pub(crate) reason: Option<String>,
}

/// Takes users in, each in a transaction of its own; who is there already stays as it is. No events: nothing happened to
/// these users but a move.
pub(crate) async fn import(app: &App, project: &Project, text: String) -> Result<Vec<LineOutcome>, AdminError> {
    let lines = app.pool.run(move || read_lines(&text)).await.map_err(Error::from)?;
    let lines = lines.ok_or_else(|| AdminError::fault("", format!("send at most {LINES} lines at once")))?;
    let mut outcomes = Vec::with_capacity(lines.len());
    for (line, read) in lines {
        let mut outcome = LineOutcome { line, id: None, outcome: "refused", reason: None };
        match read.and_then(|traveller| check_hash(app, traveller)) {
            Ok(traveller) => {
                outcome.id = Some(traveller.id.to_string());
                match unpack(app, project, traveller).await {
                    Ok(true) => outcome.outcome = "created",
                    Ok(false) => outcome.outcome = "exists",
                    Err(Unpacked::Clash(reason)) => outcome.reason = Some(reason.to_string()),
                    Err(Unpacked::Store(error)) => return Err(error.into()),
                }
            }
            Err(reason) => outcome.reason = Some(reason),
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Every line that is not blank, with its number; `None` if there are too many.
fn read_lines(text: &str) -> Option<Vec<(usize, Result<Box<Traveller>, String>)>> {
    let lines = || text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    (lines().count() <= LINES).then(|| lines().map(|(index, line)| (index + 1, read_traveller(line))).collect())
}

fn check_hash(app: &App, traveller: Box<Traveller>) -> Result<Box<Traveller>, String> {
    if let Some(hash) = &traveller.password_hash {
        app.hasher.check(hash).map_err(|bad| bad.to_string())?;
    }
    Ok(traveller)
}

/// Refuses what no export writes: a user who owns very much, or what is very long.
fn check_size(traveller: &Traveller) -> Result<(), String> {
    let owned = [traveller.login_ids.len(), traveller.device_keys.len(), traveller.passkeys.len()];
    if owned.iter().any(|count| *count > OWNED) {
        return Err(format!("a user owns at most {OWNED} login IDs, device keys and passkeys each"));
    }
    let login_ids = traveller.login_ids.iter().flat_map(|one| [&one.value, &one.original]);
    let keys = traveller.device_keys.iter().flat_map(|one| [Some(&one.kid), one.device.as_ref()]).flatten();
    let passkeys = traveller.passkeys.iter().filter_map(|one| one.name.as_ref());
    let mut texts = login_ids.chain(keys).chain(passkeys);
    if texts.any(|text| text.len() > TEXT_BYTES) {
        return Err(format!("a login ID, a key's id or a name has at most {TEXT_BYTES} bytes"));
    }
    let jwks = traveller.device_keys.iter().map(|one| one.jwk.to_string().len());
    let passkeys = traveller.passkeys.iter().flat_map(|one| [one.credential_id.len(), one.public_key.len()]);
    if jwks.chain(passkeys).any(|length| length > KEY_BYTES) {
        return Err(format!("a key has at most {KEY_BYTES} bytes"));
    }
    let sets = [&traveller.standard_attributes, &traveller.custom_attributes];
    sets.into_iter().find_map(attributes::check_size).map_or(Ok(()), |(_, message)| Err(message))
}

fn read_traveller(line: &str) -> Result<Box<Traveller>, String> {
    // PostgreSQL has no room for NUL in a text.
    if line.contains("\\u0000") || line.contains('\0') {
        return Err("a text holds NUL characters".to_string());
    }
    let read: Result<Box<Traveller>, _> = serde_json::from_str(line);
    let traveller = read.map_err(|error| echo_quoted(&error.to_string()).into_owned())?;
    check_size(&traveller)?;
    let owns_nothing = traveller.login_ids.is_empty() && traveller.passkeys.is_empty();
    if traveller.anonymous_since.is_none() && owns_nothing {
        return Err("a member needs a login ID or a passkey".to_string());
    }
    if traveller.anonymous_since.is_some() && (!owns_nothing || traveller.password_hash.is_some()) {
        return Err("a guest owns no login ID, no password and no passkey".to_string());
    }
    let is_usable = |one: &TravellingPasskey| {
        let (id, key) = (read_base64url(&one.credential_id), read_base64url(&one.public_key));
        id.zip(key).is_some_and(|(id, key)| is_usable_passkey(&id, &key))
    };
    if !traveller.passkeys.iter().all(is_usable) {
        return Err("a passkey's id or key is not base64url, too long, or no public key in COSE form".to_string());
    }
    if let Some(bad) = traveller.device_keys.iter().find(|key| Jwk::from_value(&key.jwk).is_err()) {
        return Err(format!("the device key {} is not a public key in JWK form", echo(&bad.kid)));
    }
    Ok(traveller)
}

enum Unpacked {
    Store(StoreError),
    Clash(&'static str),
}

impl From<StoreError> for Unpacked {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn unpack(app: &App, project: &Project, traveller: Box<Traveller>) -> Result<bool, Unpacked> {
    let no = project.no;
    app.store
        .write("admin_import_user", traveller, move |tx, traveller| Box::pin(write_traveller(tx, no, traveller)))
        .await
}

async fn write_traveller(tx: &mut Tx, no: ProjectNo, from: &Traveller) -> Result<bool, Unpacked> {
    if users::find(tx, no, from.id).await?.is_some() {
        return Ok(false);
    }
    let user = User {
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
    };
    users::insert(tx, no, &user).await?;
    for login_id in &from.login_ids {
        let row = LoginIdRow {
            id: login_id.id,
            user_id: user.id,
            kind: login_id.kind.as_str().to_string(),
            value: login_id.value.clone(),
            original: login_id.original.clone(),
            verified_at: login_id.verified_at,
            created_at: login_id.created_at,
            updated_at: login_id.updated_at,
        };
        if !credentials::insert_login_id(tx, no, &row).await? {
            return Err(Unpacked::Clash("a login ID belongs to another user"));
        }
    }
    if let Some(hash) = &from.password_hash {
        credentials::set_password(tx, no, user.id, hash, user.updated_at).await?;
    }
    for key in &from.device_keys {
        let row = DeviceKeyRow {
            kid: key.kid.clone(),
            id: key.id,
            user_id: user.id,
            jwk: key.jwk.to_string(),
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            promoted_at: key.promoted_at,
            device: key.device.clone(),
        };
        if !device_keys::insert(tx, no, &row).await? {
            return Err(Unpacked::Clash("a device key belongs to another user"));
        }
    }
    for passkey in &from.passkeys {
        let row = PasskeyRow {
            credential_id: read_base64url(&passkey.credential_id).unwrap_or_default(),
            id: passkey.id,
            user_id: user.id,
            public_key: read_base64url(&passkey.public_key).unwrap_or_default(),
            sign_count: passkey.sign_count,
            name: passkey.name.clone(),
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
            backup_eligible: passkey.backup_eligible,
        };
        if !passkeys::insert(tx, no, &row).await? {
            return Err(Unpacked::Clash("a passkey belongs to another user"));
        }
    }
    Ok(true)
}
