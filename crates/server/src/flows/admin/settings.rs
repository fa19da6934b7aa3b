//! A project's settings as one document with a version, and the secret its webhooks are signed with.

use serde_json::Value;
use vestibule_domain::{
    event::Event,
    project::{ProjectSettings, diff},
    time::Timestamp,
};
use vestibule_store::{
    StoreError,
    events::{self as log, Wanted},
    keys,
    projects::{self, ProjectRow},
};

use super::{AdminError, Fault, Operator};
use crate::{app::App, crypto::keyring::KeyRing, events, projects::Project};

/// Settings and the version they have.
pub(crate) struct Versioned {
    pub(crate) settings: ProjectSettings,
    pub(crate) version: i64,
}

/// The settings as they are stored now.
pub(crate) async fn get(app: &App, project: &Project) -> Result<Versioned, AdminError> {
    let row = read_row(app, project).await?;
    Ok(Versioned { settings: read_settings(project, &row)?, version: row.version })
}

async fn read_row(app: &App, project: &Project) -> Result<ProjectRow, AdminError> {
    let row = projects::find_by_id_any_project(&mut *app.store.read().await?, &project.id).await?;
    row.ok_or(AdminError::NotFound("project"))
}

fn read_settings(project: &Project, row: &ProjectRow) -> Result<ProjectSettings, AdminError> {
    ProjectSettings::from_json(&row.settings)
        .map_err(|error| crate::projects::LoadError::Settings(project.id.clone(), error.to_string()).into())
}

/// Replaces the settings, if they still have the expected version.
pub(crate) async fn replace(
    app: &App,
    project: &Project,
    operator: &Operator,
    document: &Value,
    expected: i64,
    now: Timestamp,
) -> Result<Versioned, AdminError> {
    let document = document.clone();
    let read = app.pool.run(move || ProjectSettings::parse_json(&document)).await.map_err(crate::flows::Error::from)?;
    let settings = read.map_err(|complaints| {
        AdminError::Invalid(complaints.into_iter().map(|one| Fault::new(one.path, one.message)).collect())
    })?;
    if settings.id() != project.id {
        return Err(AdminError::fault("project.id", "the project ID can't be changed"));
    }
    let row = read_row(app, project).await?;
    if row.version != expected {
        return Err(AdminError::Changed { current: row.version });
    }
    let stored = read_settings(project, &row)?;
    // Its own act, with its own conditions: `origin::change`.
    if settings.public_origin() != stored.public_origin() {
        return Err(AdminError::OriginFixed);
    }
    let changes = diff(&stored, &settings);
    if changes.is_empty() {
        return Ok(Versioned { settings, version: row.version });
    }
    let event = Event::ProjectChanged { keys: changes.into_iter().map(|change| change.path).collect() };
    let event = operator.prepare(app, project, &event, None, now);
    let no = project.no;
    let input = (settings.public_origin().clone(), settings.to_json(), event);
    let updated = app
        .store
        .write("admin_change_project", input, move |tx, (origin, settings, event)| {
            Box::pin(async move {
                let updated = projects::update_settings(tx, no, expected, origin, settings, now).await?;
                if updated {
                    events::queue_of_project(tx, no, event, now).await?;
                }
                Ok::<_, StoreError>(updated)
            })
        })
        .await?;
    if !updated {
        return Err(AdminError::Changed { current: read_row(app, project).await?.version });
    }
    app.outbox_bell.notify_one();
    app.projects.reload(&app.store, &app.master).await?;
    Ok(Versioned { settings, version: expected + 1 })
}

/// How often a change is tried again when somebody else changes the project at the same time.
const ROUNDS: usize = 5;

/// Edits the document, again if somebody else changed the project meanwhile.
pub(crate) async fn change(
    app: &App,
    project: &Project,
    operator: &Operator,
    now: Timestamp,
    edit: impl Fn(&mut Value) -> Result<(), AdminError>,
) -> Result<(), AdminError> {
    let mut last = AdminError::Changed { current: project.version };
    for _ in 0..ROUNDS {
        let current = get(app, project).await?;
        let mut document: Value =
            serde_json::from_str(&current.settings.to_json()).expect("a document we just printed is JSON");
        edit(&mut document)?;
        match replace(app, project, operator, &document, current.version, now).await {
            Err(error @ AdminError::Changed { .. }) => last = error,
            other => return other.map(drop),
        }
    }
    Err(last)
}

/// The name of the operator who changed the settings last, as far as the event log knows already.
pub(crate) async fn find_last_editor(app: &App, project: &Project) -> Result<Option<String>, StoreError> {
    let wanted = Wanted::OfType("project.changed".to_string());
    let mut conn = app.store.read().await?;
    let rows = log::list_page(&mut conn, project.no, &wanted, &(0..i64::MAX), 1).await?;
    let body: Option<Value> = rows.first().and_then(|row| serde_json::from_str(&row.body).ok());
    Ok(body.and_then(|body| body["context"]["audit_context"]["operator_name"].as_str().map(str::to_string)))
}

/// Makes a new webhook secret current and returns it; the old one signs beside it for a day.
pub(crate) async fn rotate_webhook_secret(
    app: &App,
    project: &Project,
    operator: &Operator,
    now: Timestamp,
) -> Result<String, AdminError> {
    let (secret, row) = KeyRing::generate_webhook(&project.id, &app.master, &app.entropy, now);
    let event = Event::ProjectChanged { keys: vec!["hook.secret".to_string()] };
    let event = operator.prepare(app, project, &event, None, now);
    let no = project.no;
    app.store
        .write("rotate_webhook_secret", (row, event), move |tx, (row, event)| {
            Box::pin(async move {
                for old in keys::list(tx, no).await?.iter().filter(|old| old.purpose == row.purpose) {
                    keys::retire(tx, no, &old.kid, now).await?;
                }
                keys::insert(tx, no, row).await?;
                // That is how other processes learn of the key.
                projects::bump_version(tx, no).await?;
                events::queue_of_project(tx, no, event, now).await
            })
        })
        .await?;
    app.outbox_bell.notify_one();
    app.projects.reload(&app.store, &app.master).await?;
    Ok(secret)
}
