//! Admin API keys.

use axum::{
    extract::{Path, Request},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use vestibule_app::admin::{
    AdminError, Thing,
    keys::{self, AdminScope},
};

use super::{
    access::Admin,
    problem::Problem,
    read::{json, nothing, read_json},
    views::KeyView,
};

type KeysResult = Result<Response, Problem>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    name: String,
    scopes: Vec<AdminScope>,
    /// The public half of a key pair; without it an API key is created.
    #[serde(default)]
    public_jwk: Option<Value>,
}

/// `GET /keys`
pub(crate) async fn list(admin: Admin) -> KeysResult {
    let all = keys::list(&admin.visit.ctx()).await?;
    let all: Vec<KeyView> = all.into_iter().map(KeyView::of).collect();
    Ok(json(StatusCode::OK, &json!({"keys": all})))
}

/// `POST /keys`
pub(crate) async fn create(admin: Admin, request: Request) -> KeysResult {
    let visit = &admin.visit;
    let new: NewKey = read_json(visit, request).await?;
    let length = new.name.trim().chars().count();
    if !(1..=100).contains(&length) || new.name.chars().any(char::is_control) {
        return Err(AdminError::fault("name", "write 1 to 100 characters").into());
    }
    if new.scopes.is_empty() {
        return Err(AdminError::fault("scopes", "name at least one").into());
    }
    // A key must not create one with more scopes than it has.
    if let Some(scope) = new.scopes.iter().find(|scope| !admin.holder.scopes.contains(scope)) {
        admin.require(*scope)?;
    }
    let (ctx, by) = (visit.ctx(), admin.operator());
    let made = match &new.public_jwk {
        None => keys::create_api_key(&ctx, &by, &new.name, &new.scopes).await.map(|(key, text)| (key, Some(text))),
        Some(jwk) => {
            keys::register_public_key(&ctx, &by, &new.name, &jwk.to_string(), &new.scopes).await.map(|key| (key, None))
        }
    };
    let (key, text) = made.map_err(AdminError::from)?;
    Ok(json(StatusCode::CREATED, &json!({"key": KeyView::of(key), "api_key": text})))
}

/// `DELETE /keys/{key_id}`
pub(crate) async fn revoke(admin: Admin, Path(id): Path<String>) -> KeysResult {
    let visit = &admin.visit;
    let revoked = keys::revoke(&visit.ctx(), &admin.operator(), &id).await?;
    if revoked { Ok(nothing()) } else { Err(AdminError::NotFound(Thing::AdminKey).into()) }
}
