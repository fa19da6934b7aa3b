//! Applications of a project, and their secrets.

use serde::Deserialize;
use serde_json::{Value, json};
use vestibule_domain::{
    client::{ApplicationType, Client, TokenSigningAlgorithm},
    event::{Event, OperatorAction},
    project::ProjectSettings,
    secret::TokenHash,
    time::Timestamp,
};
use vestibule_store::client_secrets;

use super::{
    AdminError, Clash, Thing,
    idempotency::Achieved,
    settings::{self, Versioned},
};
use crate::{
    actor::Actor,
    crypto::{hex, sha256},
    ctx::Ctx,
};

/// Every application, in the document's order.
pub async fn list(ctx: &Ctx<'_>) -> Result<Vec<Client>, AdminError> {
    Ok(settings::get(ctx).await?.settings.clients().to_vec())
}

pub async fn get(ctx: &Ctx<'_>, client_id: &str) -> Result<Client, AdminError> {
    find(&settings::get(ctx).await?, client_id)
}

fn find(current: &Versioned, client_id: &str) -> Result<Client, AdminError> {
    current.settings.client(client_id).cloned().ok_or(AdminError::NotFound(Thing::Application))
}

/// Applies a change to the list of applications.
async fn change(
    ctx: &Ctx<'_>,
    actor: &Actor,
    edit: impl Fn(&mut Vec<Value>) -> Result<(), AdminError>,
    answer: impl for<'s> Fn(&'s ProjectSettings, i64) -> Achieved<'s>,
) -> Result<Versioned, AdminError> {
    let edit = |document: &mut Value| {
        let clients = document
            .as_object_mut()
            .expect("a document is an object")
            .entry("oauth")
            .or_insert_with(|| json!({}))
            .as_object_mut()
            .expect("a section is an object")
            .entry("clients")
            .or_insert_with(|| json!([]))
            .as_array_mut()
            .expect("the applications are a list");
        edit(clients)
    };
    settings::change_answering(ctx, actor, edit, answer).await
}

fn position(clients: &[Value], client_id: &str) -> Option<usize> {
    clients.iter().position(|client| client["client_id"] == client_id)
}

/// Adds an application, with the values that only new ones begin with.
pub async fn create(ctx: &Ctx<'_>, actor: &Actor, client: &Value) -> Result<Client, AdminError> {
    let Some(client_id) = client["client_id"].as_str() else {
        return Err(AdminError::fault("client_id", "this key is missing"));
    };
    let edit = |clients: &mut Vec<Value>| {
        if position(clients, client_id).is_some() {
            return Err(AdminError::Conflict(Clash::ClientIdTaken));
        }
        clients.push(begin_new(client));
        Ok(())
    };
    let changed = change(ctx, actor, edit, |settings, _| {
        settings.client(client_id).map_or(Achieved::Nothing, Achieved::ApplicationCreated)
    });
    find(&changed.await?, client_id)
}

/// An application with the values that new ones begin with, where it states none.
fn begin_new(client: &Value) -> Value {
    const KEY: &str = "id_token_signed_response_alg";
    let mut client = client.clone();
    // An unknown type is refused with the other settings.
    let kind = ApplicationType::deserialize(&client["x_application_type"]).unwrap_or_default();
    let algorithm = kind.first_id_token_algorithm();
    if algorithm != TokenSigningAlgorithm::default() && client.get(KEY).is_none() {
        client[KEY] = algorithm.as_str().into();
    }
    client
}

/// Replaces an application; its `client_id` is fixed.
pub async fn replace(ctx: &Ctx<'_>, actor: &Actor, client_id: &str, client: &Value) -> Result<Client, AdminError> {
    if client["client_id"] != client_id {
        return Err(AdminError::fault("client_id", "the client_id can't be changed"));
    }
    let edit = |clients: &mut Vec<Value>| {
        let at = position(clients, client_id).ok_or(AdminError::NotFound(Thing::Application))?;
        clients[at] = client.clone();
        Ok(())
    };
    let changed = change(ctx, actor, edit, |settings, _| {
        settings.client(client_id).map_or(Achieved::Nothing, Achieved::ApplicationReplaced)
    });
    find(&changed.await?, client_id)
}

/// Removes an application with its secrets, grants, codes and consents. Another one with the same ID gets none of them.
pub async fn delete(ctx: &Ctx<'_>, actor: &Actor, client_id: &str) -> Result<(), AdminError> {
    let edit = |clients: &mut Vec<Value>| {
        let at = position(clients, client_id).ok_or(AdminError::NotFound(Thing::Application))?;
        clients.remove(at);
        Ok(())
    };
    change(ctx, actor, edit, |_, _| Achieved::Nothing).await.map(drop)
}

/// A secret in a list: by a name that reveals nothing of it.
#[derive(Clone, Debug)]
pub struct SecretInfo {
    pub id: String,
    pub created_at: Timestamp,
}

fn name_of(hash: TokenHash) -> String {
    hex(&hash.0[..8])
}

/// The names of an application's secrets, oldest first.
pub async fn list_secrets(ctx: &Ctx<'_>, client_id: &str) -> Result<Vec<SecretInfo>, AdminError> {
    get(ctx, client_id).await?;
    let all = client_secrets::list(&mut *ctx.app.store.read().await?, ctx.project.no, client_id).await?;
    Ok(all.into_iter().map(|(hash, at)| SecretInfo { id: name_of(hash), created_at: at }).collect())
}

/// Creates a further secret; its text is shown once.
pub async fn create_secret(ctx: &Ctx<'_>, actor: &Actor, client_id: &str) -> Result<(SecretInfo, String), AdminError> {
    let client = get(ctx, client_id).await?;
    if !client.application_type().is_confidential() {
        return Err(AdminError::Conflict(Clash::NoSecretNeeded));
    }
    let secret = ctx.app.entropy.alphanumeric();
    let hash = sha256(secret.as_bytes());
    let (no, now) = (ctx.project.no, ctx.now);
    let info = SecretInfo { id: name_of(hash), created_at: now };
    let event = Event::OperatorActed { action: OperatorAction::SecretCreated, target: client_id.to_string() };
    let event = actor.answering(&Achieved::SecretCreated(&info, &secret)).prepare(ctx, &event, None);
    ctx.app
        .store
        .write("admin_create_secret", (client_id.to_string(), event), move |tx, (client_id, event)| {
            Box::pin(async move {
                client_secrets::insert(tx, no, client_id, hash, now).await?;
                event.write(tx, no, now).await
            })
        })
        .await?;
    Ok((info, secret))
}

pub async fn delete_secret(ctx: &Ctx<'_>, actor: &Actor, client_id: &str, secret_id: &str) -> Result<(), AdminError> {
    get(ctx, client_id).await?;
    let all = client_secrets::list(&mut *ctx.app.store.read().await?, ctx.project.no, client_id).await?;
    let hash = all.into_iter().map(|(hash, _)| hash).find(|hash| name_of(*hash) == secret_id);
    let hash = hash.ok_or(AdminError::NotFound(Thing::ClientSecret))?;
    let (no, now) = (ctx.project.no, ctx.now);
    let event = Event::OperatorActed { action: OperatorAction::SecretDeleted, target: client_id.to_string() };
    let event = actor.prepare(ctx, &event, None);
    ctx.app
        .store
        .write("admin_delete_secret", (client_id.to_string(), event), move |tx, (client_id, event)| {
            Box::pin(async move {
                client_secrets::remove(tx, no, client_id, hash).await?;
                event.write(tx, no, now).await
            })
        })
        .await?;
    Ok(())
}
