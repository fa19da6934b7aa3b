//! Admin API keys: creating, listing, revoking and authenticating.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vestibule_domain::{
    event::{Event, OperatorAction},
    time::Timestamp,
};
use vestibule_protocol::jose::{Jwk, Jws};
use vestibule_store::{
    StoreError,
    admin_keys::{self, AdminKeyRow},
};

use super::{AdminError, Clash, idempotency::Achieved};
use crate::{
    actor::{ActError, Actor},
    crypto::{hex, sha256, verify::verifies_jws},
    ctx::Ctx,
};

/// Prefix of every API key, for scanners that search for leaked secrets.
const PREFIX: &str = "vak_";
/// Allowed clock skew of a client.
const SKEW: Duration = Duration::from_secs(300);
/// Minimum interval between recorded uses of a key.
const USE_WINDOW: Duration = Duration::from_secs(3600);

/// The scope of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AdminScope {
    /// Read the project's settings and applications.
    #[serde(rename = "settings:read")]
    SettingsRead,
    /// Change the project's settings, applications and their secrets.
    #[serde(rename = "settings:write")]
    SettingsWrite,
    /// Read users and their sessions.
    #[serde(rename = "users:read")]
    UsersRead,
    /// Create, change, promote, disable and delete users; end their sessions.
    #[serde(rename = "users:write")]
    UsersWrite,
    /// Export and import users with their password hashes and keys.
    #[serde(rename = "users:transfer")]
    UsersTransfer,
    /// Read events, their stream and webhook deliveries; send deliveries again.
    #[serde(rename = "events:read")]
    EventsRead,
    /// Read statistics.
    #[serde(rename = "statistics:read")]
    StatisticsRead,
    /// List, create and revoke keys.
    #[serde(rename = "keys:write")]
    KeysWrite,
}

impl AdminScope {
    pub const ALL: [Self; 8] = [
        Self::SettingsRead,
        Self::SettingsWrite,
        Self::UsersRead,
        Self::UsersWrite,
        Self::UsersTransfer,
        Self::EventsRead,
        Self::StatisticsRead,
        Self::KeysWrite,
    ];

    /// The name of the scope.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SettingsRead => "settings:read",
            Self::SettingsWrite => "settings:write",
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::UsersTransfer => "users:transfer",
            Self::EventsRead => "events:read",
            Self::StatisticsRead => "statistics:read",
            Self::KeysWrite => "keys:write",
        }
    }

    /// Parses the name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// A key in a list.
#[derive(Clone, Debug)]
pub struct AdminKeyInfo {
    pub id: String,
    /// The display name.
    pub name: String,
    pub kind: AdminKeyKind,
    pub scopes: Vec<AdminScope>,
    pub created_at: Timestamp,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// How the holder of a key authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminKeyKind {
    /// With the key itself.
    ApiKey,
    /// With JWTs that it signs.
    Jwt,
}

impl AdminKeyKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Jwt => "jwt",
        }
    }
}

impl AdminKeyInfo {
    fn of(row: &AdminKeyRow) -> Self {
        Self {
            id: row.id.clone(),
            name: row.name.clone(),
            kind: if row.public_jwk.is_some() { AdminKeyKind::Jwt } else { AdminKeyKind::ApiKey },
            scopes: read_scopes(&row.scopes),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// Prints scopes in one line.
pub fn print_scopes(scopes: &[AdminScope], separator: &str) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(separator)
}

/// The scopes of a stored list.
fn read_scopes(list: &str) -> Vec<AdminScope> {
    list.split_whitespace().filter_map(AdminScope::parse).collect()
}

/// Why a key was not created.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operator lost its role before the key was created.
    #[error("your role does not allow this any more")]
    RoleLost,
    /// The public key is not a JWK of a supported type.
    #[error("the public key is not an RSA or P-256 key in JWK form: {0}")]
    BadJwk(String),
    /// Another key has this ID.
    #[error("a key with the ID {0} exists already")]
    IdTaken(String),
}

impl From<ActError> for KeyError {
    fn from(error: ActError) -> Self {
        match error {
            ActError::RoleLost => Self::RoleLost,
            ActError::Store(error) => Self::Store(error),
        }
    }
}

impl From<KeyError> for AdminError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::RoleLost => Self::RoleLost,
            KeyError::Store(error) => Self::Store(error),
            KeyError::BadJwk(why) => Self::fault("public_jwk", format!("not an RSA or P-256 public key: {why}")),
            KeyError::IdTaken(_) => Self::Conflict(Clash::KeyIdTaken),
        }
    }
}

/// Creates an API key; its text is shown once.
///
/// # Errors
/// When the store fails.
pub async fn create_api_key(
    ctx: &Ctx<'_>,
    actor: &Actor,
    name: &str,
    scopes: &[AdminScope],
) -> Result<(AdminKeyInfo, String), KeyError> {
    let id = hex(&ctx.app.entropy.bytes::<8>());
    let secret = ctx.app.entropy.alphanumeric();
    let row = row(id.clone(), name, scopes, ctx.now);
    let row = AdminKeyRow { secret_hash: Some(sha256(secret.as_bytes())), ..row };
    let info = AdminKeyInfo::of(&row);
    let text = format!("{PREFIX}{id}_{secret}");
    insert(ctx, &actor.answering(&Achieved::KeyCreated(&info, Some(&text))), row).await?;
    Ok((info, text))
}

/// Registers the public half of a key pair with which the client signs JWTs; its ID is the `kid`.
pub async fn register_public_key(
    ctx: &Ctx<'_>,
    actor: &Actor,
    name: &str,
    jwk: &str,
    scopes: &[AdminScope],
) -> Result<AdminKeyInfo, KeyError> {
    let parsed = Jwk::parse(jwk).map_err(|error| KeyError::BadJwk(error.to_string()))?;
    let kid = parsed.kid().map_or_else(|| hex(&ctx.app.entropy.bytes::<8>()), str::to_string);
    let row = AdminKeyRow { public_jwk: Some(parsed.to_json()), ..row(kid, name, scopes, ctx.now) };
    let info = AdminKeyInfo::of(&row);
    insert(ctx, &actor.answering(&Achieved::KeyCreated(&info, None)), row).await?;
    Ok(info)
}

fn row(id: String, name: &str, scopes: &[AdminScope], now: Timestamp) -> AdminKeyRow {
    AdminKeyRow {
        id,
        name: name.to_string(),
        secret_hash: None,
        public_jwk: None,
        scopes: print_scopes(scopes, " "),
        created_at: now,
        last_used_at: None,
        revoked_at: None,
    }
}

async fn insert(ctx: &Ctx<'_>, actor: &Actor, row: AdminKeyRow) -> Result<(), KeyError> {
    let now = ctx.now;
    let (no, id) = (ctx.project.no, row.id.clone());
    let event = Event::OperatorActed { action: OperatorAction::KeyCreated, target: id.clone() };
    let event = actor.prepare(ctx, &event, None);
    let inserted = ctx
        .app
        .store
        .write("add_admin_key", (row, event), move |tx, (row, event)| {
            Box::pin(async move {
                let inserted = admin_keys::insert(tx, no, row).await?;
                if inserted {
                    event.write(tx, no, now).await?;
                }
                Ok::<_, ActError>(inserted)
            })
        })
        .await?;
    if inserted { Ok(()) } else { Err(KeyError::IdTaken(id)) }
}

/// Every key of a project, oldest first.
pub async fn list(ctx: &Ctx<'_>) -> Result<Vec<AdminKeyInfo>, StoreError> {
    Ok(admin_keys::list(&mut *ctx.app.store.read().await?, ctx.project.no)
        .await?
        .iter()
        .map(AdminKeyInfo::of)
        .collect())
}

/// Revokes a key; `false` when it does not exist or was revoked before.
pub async fn revoke(ctx: &Ctx<'_>, actor: &Actor, id: &str) -> Result<bool, AdminError> {
    // A PostgreSQL text cannot contain NUL.
    if id.contains('\0') {
        return Ok(false);
    }
    let event = Event::OperatorActed { action: OperatorAction::KeyRevoked, target: id.to_string() };
    let event = actor.prepare(ctx, &event, None);
    let (no, now) = (ctx.project.no, ctx.now);
    let revoked = ctx
        .app
        .store
        .write("revoke_admin_key", (id.to_string(), event), move |tx, (id, event)| {
            Box::pin(async move {
                let revoked = admin_keys::revoke(tx, no, id, now).await?;
                if revoked {
                    event.write(tx, no, now).await?;
                }
                Ok::<_, ActError>(revoked)
            })
        })
        .await?;
    Ok(revoked)
}

/// An authenticated caller.
#[derive(Clone, Debug)]
pub struct KeyHolder {
    pub key_id: String,
    pub scopes: Vec<AdminScope>,
    /// The `audit_context` of its JWT.
    pub audit_context: Map<String, Value>,
}

/// Authenticates a bearer token: an API key, or a JWT signed with a registered key.
pub async fn authenticate(ctx: &Ctx<'_>, token: &str) -> Result<Option<KeyHolder>, StoreError> {
    let (row, audit_context) = match token.strip_prefix(PREFIX) {
        Some(rest) => {
            let Some((id, secret)) = rest.split_once('_') else { return Ok(None) };
            let Some(row) = find(ctx, id).await? else { return Ok(None) };
            let hash = sha256(secret.as_bytes());
            if !row.secret_hash.as_ref().is_some_and(|stored| stored.matches(&hash)) {
                return Ok(None);
            }
            (row, Map::new())
        }
        None => {
            let Ok(jws) = Jws::parse(token) else { return Ok(None) };
            let Some(kid) = jws.header().kid.clone() else { return Ok(None) };
            let Some(row) = find(ctx, &kid).await? else { return Ok(None) };
            let key = row.public_jwk.as_deref().and_then(|jwk| Jwk::parse(jwk).ok());
            let Some(claims) = key.filter(|key| verifies_jws(key, &jws)).and_then(|_| jws.claims().ok()) else {
                return Ok(None);
            };
            if !is_for_us(&claims, &ctx.project.id, ctx.now) {
                return Ok(None);
            }
            let audit_context = claims.get("audit_context").and_then(Value::as_object).cloned().unwrap_or_default();
            (row, audit_context)
        }
    };
    if row.last_used_at.is_none_or(|at| ctx.now.since(at) > USE_WINDOW) {
        let (no, now) = (ctx.project.no, ctx.now);
        ctx.app
            .store
            .write("use_admin_key", row.id.clone(), move |tx, id| {
                Box::pin(async move { admin_keys::record_use(tx, no, id, now).await.map(drop) })
            })
            .await?;
    }
    let scopes = read_scopes(&row.scopes);
    Ok(Some(KeyHolder { key_id: row.id, scopes, audit_context }))
}

async fn find(ctx: &Ctx<'_>, id: &str) -> Result<Option<AdminKeyRow>, StoreError> {
    // A PostgreSQL text cannot contain NUL.
    if id.contains('\0') {
        return Ok(None);
    }
    let row = admin_keys::find(&mut *ctx.app.store.read().await?, ctx.project.no, id).await?;
    Ok(row.filter(|row| row.revoked_at.is_none()))
}

/// Whether the claims name this project as the audience and are valid now.
fn is_for_us(claims: &Map<String, Value>, project_id: &str, now: Timestamp) -> bool {
    let audience = match claims.get("aud") {
        Some(Value::String(one)) => one == project_id,
        Some(Value::Array(all)) => all.iter().any(|one| one == project_id),
        _ => false,
    };
    let seconds = |name: &str| claims.get(name).and_then(Value::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "seconds of this epoch are exact in 53 bits")]
    let (now, skew) = (now.as_seconds() as f64, SKEW.as_secs() as f64);
    audience
        && seconds("exp").is_some_and(|exp| now < exp + skew)
        && seconds("iat").is_some_and(|iat| iat <= now + skew)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_jwt_speaks_to_one_project_for_a_time() {
        let now = Timestamp::from_seconds(1_000_000);
        let at = |seconds: i64| 1_000_000 + seconds;
        for (claims, expected) in [
            (json!({"aud": "shop", "iat": at(0), "exp": at(60)}), true),
            (json!({"aud": ["shop"], "iat": at(299), "exp": at(-299)}), true),
            (json!({"aud": "other", "iat": at(0), "exp": at(60)}), false),
            (json!({"iat": at(0), "exp": at(60)}), false),
            (json!({"aud": "shop", "iat": at(301), "exp": at(400)}), false),
            (json!({"aud": "shop", "iat": at(-900), "exp": at(-300)}), false),
            (json!({"aud": "shop", "iat": at(0)}), false),
            (json!({"aud": "shop", "exp": at(60)}), false),
        ] {
            assert_eq!(is_for_us(claims.as_object().unwrap(), "shop", now), expected, "{claims}");
        }
    }
}
