//! A project's settings as one versioned document, and the secret that signs its webhooks.

use serde_json::Value;
use vestibule_domain::{
    event::{Event, SettingChange},
    project::ProjectSettings,
    time::Timestamp,
};
use vestibule_store::{
    StoreError,
    events::{self as log, EventSelection},
    keys,
    projects::{self, ProjectRow},
};

use super::{AdminError, Thing, idempotency::Achieved};
use crate::{
    actor::Actor,
    adapters::webhook::print_secret,
    crypto::keyring::KeyRing,
    ctx::Ctx,
    projects::{
        Project,
        change::{Applied, ApplyError, ProjectWriter},
    },
    state::App,
};

/// Settings with their version.
pub struct Versioned {
    pub settings: ProjectSettings,
    pub version: i64,
}

/// The stored settings.
pub async fn get(ctx: &Ctx<'_>) -> Result<Versioned, AdminError> {
    let row = read_row(ctx).await?;
    Ok(Versioned { settings: read_settings(ctx.project, &row)?, version: row.version })
}

pub(super) async fn read_row(ctx: &Ctx<'_>) -> Result<ProjectRow, AdminError> {
    let row = projects::find_by_id_any_project(&mut *ctx.app.store.read().await?, &ctx.project.id).await?;
    row.ok_or(AdminError::NotFound(Thing::Project))
}

pub(super) fn read_settings(project: &Project, row: &ProjectRow) -> Result<ProjectSettings, AdminError> {
    ProjectSettings::from_json(&row.settings)
        .map_err(|error| crate::projects::ProjectLoadError::Settings(project.id.clone(), error.to_string()).into())
}

/// Replaces the settings, if they still have the expected version.
pub async fn replace(ctx: &Ctx<'_>, actor: &Actor, document: Value, expected: i64) -> Result<Versioned, AdminError> {
    replace_answering(ctx, actor, (document, expected), |settings, version| Achieved::Settings(settings, version)).await
}

/// As [`replace`], with what it achieves for an idempotency key, made of the new settings and their version.
async fn replace_answering(
    ctx: &Ctx<'_>,
    actor: &Actor,
    (document, expected): (Value, i64),
    answer: impl for<'s> Fn(&'s ProjectSettings, i64) -> Achieved<'s>,
) -> Result<Versioned, AdminError> {
    let read = ctx
        .app
        .pool
        .run(ctx.project.no, 1, move || ProjectSettings::parse_json(&document))
        .await
        .map_err(crate::error::Error::from)?;
    let settings = read?;
    if settings.id() != ctx.project.id {
        return Err(AdminError::fault("project.id", "the project ID can't be changed"));
    }
    let row = read_row(ctx).await?;
    if row.version != expected {
        return Err(AdminError::Changed { current: row.version });
    }
    // Its own use case, with its own conditions: `origin::change`.
    if settings.public_origin() != read_settings(ctx.project, &row)?.public_origin() {
        return Err(AdminError::OriginFixed);
    }
    let actor = actor.answering(&answer(&settings, expected + 1));
    write(ctx.app, &row, &settings, &actor, ctx.now).await
}

/// Writes the settings over the row that was read before, and serves the project with them.
pub(super) async fn write(
    app: &App,
    row: &ProjectRow,
    settings: &ProjectSettings,
    actor: &Actor,
    now: Timestamp,
) -> Result<Versioned, AdminError> {
    let version = match ProjectWriter::of(app).change(row, settings, actor, now).await {
        Ok(Applied::Unchanged) => return Ok(Versioned { settings: settings.clone(), version: row.version }),
        Ok(Applied::Changed(_) | Applied::Created) => row.version + 1,
        Err(ApplyError::ChangedConcurrently) => {
            let current = projects::find_by_id_any_project(&mut *app.store.read().await?, &row.id).await?;
            return Err(AdminError::Changed { current: current.map_or(row.version, |row| row.version) });
        }
        Err(error) => return Err(error.into()),
    };
    app.projects.reload(&app.store, &app.master).await?;
    Ok(Versioned { settings: settings.clone(), version })
}

/// Maximum number of attempts when other requests change the project concurrently.
const ROUNDS: usize = 5;

/// Edits the document, and retries if another request changed the project meanwhile.
pub async fn change(
    ctx: &Ctx<'_>,
    actor: &Actor,
    edit: impl Fn(&mut Value) -> Result<(), AdminError>,
) -> Result<(), AdminError> {
    change_answering(ctx, actor, edit, |_, _| Achieved::Nothing).await.map(drop)
}

/// As [`change`], with what it achieves for an idempotency key, made of the new settings and their version.
pub(super) async fn change_answering(
    ctx: &Ctx<'_>,
    actor: &Actor,
    edit: impl Fn(&mut Value) -> Result<(), AdminError>,
    answer: impl for<'s> Fn(&'s ProjectSettings, i64) -> Achieved<'s>,
) -> Result<Versioned, AdminError> {
    let mut last = AdminError::Changed { current: ctx.project.version };
    for _ in 0..ROUNDS {
        let current = get(ctx).await?;
        let mut document: Value =
            serde_json::from_str(&current.settings.to_json()).expect("a document we just printed is JSON");
        edit(&mut document)?;
        match replace_answering(ctx, actor, (document, current.version), &answer).await {
            Err(error @ AdminError::Changed { .. }) => last = error,
            other => return other,
        }
    }
    Err(last)
}

/// The name of the operator who last changed the settings, if the event log has it already.
pub async fn find_last_editor(ctx: &Ctx<'_>) -> Result<Option<String>, StoreError> {
    let wanted = EventSelection::OfType("project.changed".to_string());
    let mut conn = ctx.app.store.read().await?;
    let rows = log::list_page(&mut conn, ctx.project.no, &wanted, &(0..i64::MAX), 1).await?;
    let body: Option<Value> = rows.first().and_then(|row| serde_json::from_str(&row.body).ok());
    Ok(body.and_then(|body| body["context"]["audit_context"]["operator_name"].as_str().map(str::to_string)))
}

/// A new webhook secret, in both of its spellings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWebhookSecret {
    /// The key of `x-authgear-body-signature`.
    pub plain: String,
    /// The same key for libraries that verify Standard Webhooks.
    pub standard: String,
}

/// Creates a webhook secret and returns it; the previous one continues to sign for a day.
pub async fn rotate_webhook_secret(ctx: &Ctx<'_>, actor: &Actor) -> Result<NewWebhookSecret, AdminError> {
    let (secret, row) = KeyRing::generate_webhook(&ctx.project.id, &ctx.app.master, &ctx.app.entropy, ctx.now);
    let change = SettingChange { path: "hook.secret".to_string(), from: None, to: None };
    let event = Event::ProjectChanged { changes: vec![change] };
    let created = NewWebhookSecret { standard: print_secret(&secret), plain: secret };
    let event = actor.answering(&Achieved::WebhookSecretCreated(&created)).prepare(ctx, &event, None);
    let (no, now) = (ctx.project.no, ctx.now);
    ctx.app
        .store
        .write("rotate_webhook_secret", (row, event), move |tx, (row, event)| {
            Box::pin(async move {
                for old in keys::list(tx, no).await?.iter().filter(|old| old.purpose == row.purpose) {
                    keys::retire(tx, no, &old.kid, now).await?;
                }
                keys::insert(tx, no, row).await?;
                // Other processes reload the project, and with it the key, when its version changes.
                projects::bump_version(tx, no).await?;
                event.write(tx, no, now).await
            })
        })
        .await?;
    ctx.app.projects.reload(&ctx.app.store, &ctx.app.master).await?;
    Ok(created)
}
