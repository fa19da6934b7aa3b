//! Admin API keys.

use vestibule_app::admin::{AdminError, Thing, keys};
use vestibule_protocol::text;

use super::{
    access::Admin,
    answer::{Created, Good, NoContent},
    bodies::{LONGEST_KEY_NAME, NewKeyBody},
    input::{InPath, Json, PathPart},
    operation::{Operation, Tag},
    problem::Problem,
    views::{KeysView, NewKeyView},
};

pub(crate) struct AdminKeyId(String);

impl PathPart for AdminKeyId {
    const NAME: &'static str = "key_id";
    const MEANING: &'static str = "The key ID.";

    fn parse(text: &str) -> Result<Self, Problem> {
        Ok(Self(text.to_string()))
    }
}

pub(super) const LIST: Operation =
    Operation::new(Tag::Keys, "listKeys", "List API keys", "All keys, without their secrets.");

/// `GET /keys`
pub(crate) async fn list(admin: Admin) -> Result<Good<KeysView>, Problem> {
    let all = keys::list(&admin.visit.ctx()).await?;
    Ok(Good::print(&KeysView::of(all)))
}

pub(super) const CREATE: Operation = Operation::new(
    Tag::Keys,
    "createKey",
    "Create an API key or register a signing key",
    "The key. api_key can't be read again; it is null for a signing key.",
)
.note("A key can't grant scopes that it does not have itself.");

/// `POST /keys`
pub(crate) async fn create(admin: Admin, Json(new): Json<NewKeyBody>) -> Result<Created<NewKeyView>, Problem> {
    let visit = &admin.visit;
    if !text::is_name(new.name.trim()) {
        return Err(AdminError::fault("name", format!("write 1 to {LONGEST_KEY_NAME} characters")).into());
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
    Ok(Created::print(&NewKeyView::of(key, text)))
}

pub(super) const REVOKE: Operation = Operation::new(Tag::Keys, "revokeKey", "Revoke a key", "Success.");

/// `DELETE /keys/{key_id}`
pub(crate) async fn revoke(admin: Admin, InPath(id): InPath<AdminKeyId>) -> Result<NoContent, Problem> {
    let visit = &admin.visit;
    let revoked = keys::revoke(&visit.ctx(), &admin.operator(), &id.0).await?;
    if revoked { Ok(NoContent) } else { Err(AdminError::NotFound(Thing::AdminKey).into()) }
}
