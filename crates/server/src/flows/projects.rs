//! Creating and changing projects: what `vestibule project apply` and the portal do.

use vestibule_domain::{
    project::{Change, ProjectSettings, diff},
    time::Timestamp,
};
use vestibule_store::{
    Store, StoreError, keys,
    projects::{self, NewProject, ProjectRow},
};

use crate::{
    crypto::{keyring::KeyRing, seal::MasterKey, signing::BadKey},
    ports::entropy::Entropy,
};

/// What applying settings did.
#[derive(Debug)]
pub enum Applied {
    /// The project did not exist.
    Created,
    /// It did, and this changed.
    Changed(Vec<Change>),
    /// It did, and is as the settings say.
    Unchanged,
}

/// Why settings could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Keys could not be made.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// Another project is served at the same origin.
    #[error("another project has the public_origin {0}: give this one its own")]
    OriginTaken(String),
    /// Somebody changed the project at the same time.
    #[error("the project was changed by somebody else meanwhile: apply again")]
    ChangedMeanwhile,
    /// What is stored cannot be read.
    #[error("the stored settings of \"{0}\" cannot be read: {1}")]
    Unreadable(String, String),
}

/// Makes the stored project what the settings say; safe to repeat.
///
/// # Errors
/// When nothing was changed, and why.
pub async fn apply(
    store: &Store,
    master: &MasterKey,
    entropy: &Entropy,
    settings: &ProjectSettings,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    let existing = find(store, settings.id()).await?;
    match existing {
        None => create(store, master, entropy, settings, now).await,
        Some(row) => change(store, row, settings, now).await,
    }
}

/// The stored project with this id.
///
/// # Errors
/// When the store fails.
pub async fn find(store: &Store, id: &str) -> Result<Option<ProjectRow>, StoreError> {
    projects::find_by_id_any_project(&mut *store.read().await?, id).await
}

async fn create(
    store: &Store,
    master: &MasterKey,
    entropy: &Entropy,
    settings: &ProjectSettings,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    let keys = KeyRing::generate(settings.id(), master, entropy, now)?;
    let input = (settings.id().to_string(), settings.public_origin().as_str().to_string(), settings.to_json(), keys);
    let created = store
        .write("create_project", input, move |tx, (id, public_origin, settings, keys)| {
            Box::pin(async move {
                let Some(no) = projects::insert(tx, &NewProject { id, public_origin, settings, now }).await? else {
                    return Ok::<_, StoreError>(false);
                };
                for key in keys {
                    keys::insert(tx, no, key).await?;
                }
                Ok(true)
            })
        })
        .await?;
    if created { Ok(Applied::Created) } else { Err(ApplyError::OriginTaken(settings.public_origin().as_str().into())) }
}

async fn change(
    store: &Store,
    row: ProjectRow,
    settings: &ProjectSettings,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    let stored = ProjectSettings::from_json(&row.settings)
        .map_err(|error| ApplyError::Unreadable(row.id.clone(), error.to_string()))?;
    let changes = diff(&stored, settings);
    if changes.is_empty() {
        return Ok(Applied::Unchanged);
    }
    let origin = settings.public_origin().as_str();
    let (no, version) = (row.no, row.version);
    let updated = store
        .write("change_project", (origin.to_string(), settings.to_json()), move |tx, (origin, settings)| {
            Box::pin(projects::update_settings(tx, no, version, origin, settings, now))
        })
        .await;
    // The store keeps origins apart: two projects at one address would be one too many.
    let updated = updated.map_err(|error| {
        if matches!(error, StoreError::Conflict { .. }) {
            ApplyError::OriginTaken(origin.into())
        } else {
            ApplyError::Store(error)
        }
    })?;
    if updated { Ok(Applied::Changed(changes)) } else { Err(ApplyError::ChangedMeanwhile) }
}
