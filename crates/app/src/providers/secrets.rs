//! The client secrets that providers gave: set by operators, sealed in the store, never shown again.

use vestibule_domain::{
    event::{Event, OperatorAction},
    project::Provider,
    secret::Secret,
    time::Timestamp,
};
use vestibule_store::{StoreError, provider_secrets};

use super::{ProviderError, apple};
use crate::{
    actor::Actor,
    admin::{AdminError, Thing},
    ctx::Ctx,
    error::Error,
};

/// Maximum bytes of a client secret.
pub const SECRET_BYTES: usize = 1_024;

/// What a secret is sealed for: it opens for no other project, and not for another provider or client with the same alias, so that
/// a change of the settings sends it nowhere else.
fn context(project: &str, provider: &Provider) -> String {
    format!("provider secret|{project}|{}|{}|{}", provider.alias, provider.account_key(), provider.client_id)
}

/// Whether the client secret of a provider is set.
pub(crate) async fn is_set(ctx: &Ctx<'_>, provider: &Provider) -> Result<bool, Error> {
    Ok(open(ctx, provider).await?.is_some())
}

/// The client secret of a provider.
pub(super) async fn find(ctx: &Ctx<'_>, provider: &Provider) -> Result<Secret<String>, ProviderError> {
    let found = open(ctx, provider).await;
    let found = found.map_err(|error| ProviderError::Unavailable(format!("the store does not answer: {error}")))?;
    found.ok_or(ProviderError::NotSetUp)
}

async fn open(ctx: &Ctx<'_>, provider: &Provider) -> Result<Option<Secret<String>>, StoreError> {
    let mut conn = ctx.app.store.read().await?;
    let Some(sealed) = provider_secrets::find(&mut conn, ctx.project.no, &provider.alias).await? else {
        return Ok(None);
    };
    let opened = ctx.app.master.open(&sealed, &context(&ctx.project.id, provider)).ok();
    Ok(opened.and_then(|plain| String::from_utf8(plain).ok()).map(Secret::new))
}

/// A provider of the settings, and when its secret was set.
#[derive(Clone, Debug)]
pub struct ProviderInfo {
    pub provider: Provider,
    /// The redirect URI to register at the provider.
    pub callback: String,
    pub secret_set_at: Option<Timestamp>,
}

/// The providers of the project, in the order of its settings.
pub async fn list(ctx: &Ctx<'_>) -> Result<Vec<ProviderInfo>, AdminError> {
    let set = provider_secrets::list(&mut *ctx.app.store.read().await?, ctx.project.no).await?;
    let mut all = Vec::new();
    for provider in ctx.project.settings.providers() {
        let set_at = set.iter().find(|(alias, _)| *alias == provider.alias).map(|(_, at)| *at);
        let is_usable = open(ctx, provider).await?.is_some();
        all.push(ProviderInfo {
            provider: provider.clone(),
            callback: super::callback_of(ctx.project, provider),
            secret_set_at: set_at.filter(|_| is_usable),
        });
    }
    Ok(all)
}

/// Sets the client secret of a provider of the settings.
///
/// # Errors
/// When there is no such provider, or the text cannot be a secret.
pub async fn set(ctx: &Ctx<'_>, actor: &Actor, alias: &str, secret: Secret<String>) -> Result<(), AdminError> {
    let provider = ctx.project.settings.provider(alias).ok_or(AdminError::NotFound(Thing::Provider))?;
    check(provider, secret.expose()).map_err(|message| AdminError::fault("secret", message))?;
    let sealing = context(&ctx.project.id, provider);
    let sealed = ctx.app.master.seal(secret.expose().as_bytes(), &sealing, &ctx.app.entropy);
    let event = Event::OperatorActed { action: OperatorAction::ProviderSecretSet, target: provider.alias.clone() };
    let entry = actor.prepare(ctx, &event, None);
    let (no, now) = (ctx.project.no, ctx.now);
    let input = (provider.alias.clone(), sealed, entry);
    ctx.app
        .store
        .write("set_provider_secret", input, move |tx, (alias, sealed, entry)| {
            Box::pin(async move {
                provider_secrets::put(tx, no, alias, sealed, now).await?;
                entry.write(tx, no, now).await
            })
        })
        .await?;
    Ok(())
}

/// Checks a text that is to be the client secret of a provider.
fn check(provider: &Provider, secret: &str) -> Result<(), String> {
    let is_short = (1..=SECRET_BYTES).contains(&secret.len());
    if provider.kind.signs_secret() {
        let key_id = provider.key_id.as_deref().unwrap_or_default();
        let is_key = is_short && apple::read_key(secret, key_id).is_some();
        let otherwise = "write the text of the key file (.p8) that Apple made, with its BEGIN and END lines";
        return if is_key { Ok(()) } else { Err(otherwise.to_string()) };
    }
    if is_short && secret.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        Ok(())
    } else {
        Err(format!("write the client secret that the provider gave you: 1 to {SECRET_BYTES} ASCII characters"))
    }
}

/// Removes a client secret, also of a provider that is in the settings no more.
///
/// # Errors
/// When there is none.
pub async fn remove(ctx: &Ctx<'_>, actor: &Actor, alias: &str) -> Result<(), AdminError> {
    let event = Event::OperatorActed { action: OperatorAction::ProviderSecretRemoved, target: alias.to_string() };
    let entry = actor.prepare(ctx, &event, None);
    let (no, now) = (ctx.project.no, ctx.now);
    let removed =
        ctx.app.store.write("remove_provider_secret", (alias.to_string(), entry), move |tx, (alias, entry)| {
            Box::pin(async move {
                let is_removed = provider_secrets::remove(tx, no, alias).await?;
                if is_removed {
                    entry.write(tx, no, now).await?;
                }
                Ok::<_, crate::actor::ActError>(is_removed)
            })
        });
    if removed.await? { Ok(()) } else { Err(AdminError::NotFound(Thing::Provider)) }
}
