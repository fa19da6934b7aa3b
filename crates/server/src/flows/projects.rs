//! Creating and changing projects: what `vestibule project apply` and the portal do.

use vestibule_domain::{
    project::{Change, ProjectSettings, diff},
    time::Timestamp,
};
use vestibule_store::{
    Store, StoreError,
    keys::{self, KeyRow},
    projects::{self, NewProject, ProjectRow},
};

use crate::{
    crypto::{keyring::KeyRing, seal::MasterKey, signing::BadKey},
    hosts::{self, HostClash, PortalHost},
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
    Store(StoreError),
    /// Keys could not be made.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// The host belongs to another project or to the portal.
    #[error("project.public_origin: {0}")]
    Host(#[from] HostClash),
    /// Somebody changed the project at the same time.
    #[error("the project was changed by somebody else meanwhile: apply again")]
    ChangedMeanwhile,
    /// What is stored cannot be read.
    #[error("the stored settings of \"{0}\" cannot be read: {1}")]
    Unreadable(String, String),
}

impl From<StoreError> for ApplyError {
    fn from(error: StoreError) -> Self {
        // The store keeps hosts apart, too: another project took it between the judgment and the write.
        if matches!(error, StoreError::Conflict { .. }) { Self::Host(HostClash::Taken) } else { Self::Store(error) }
    }
}

/// Makes the stored project what the settings say; safe to repeat.
///
/// # Errors
/// When nothing was changed, and why.
pub async fn apply(
    store: &Store,
    master: &MasterKey,
    entropy: &Entropy,
    portal: &PortalHost,
    settings: &ProjectSettings,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    let existing = find(store, settings.id()).await?;
    apply_to(store, master, entropy, portal, (existing, settings), now).await
}

/// As [`apply`], over the row that was read before: fails when the project was changed since then.
///
/// # Errors
/// When nothing was changed, and why.
pub async fn apply_to(
    store: &Store,
    master: &MasterKey,
    entropy: &Entropy,
    portal: &PortalHost,
    (existing, settings): (Option<ProjectRow>, &ProjectSettings),
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    match existing {
        None => {
            let keys = KeyRing::generate(settings.id(), master, entropy, now)?;
            create(store, portal, settings, keys, now).await
        }
        Some(row) => change(store, portal, row, settings, now).await,
    }
}

/// The settings of a stored project.
///
/// # Errors
/// When they cannot be read.
pub fn read(row: &ProjectRow) -> Result<ProjectSettings, ApplyError> {
    ProjectSettings::from_json(&row.settings).map_err(|error| ApplyError::Unreadable(row.id.clone(), error.to_string()))
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
    portal: &PortalHost,
    settings: &ProjectSettings,
    keys: Vec<KeyRow>,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    let input = (portal.clone(), settings.clone(), settings.to_json(), keys);
    let created = store
        .write("create_project", input, move |tx, (portal, settings, json, keys)| {
            Box::pin(async move {
                let (id, public_origin) = (settings.id(), settings.public_origin());
                hosts::judge_move(tx, portal, (None, id), public_origin).await??;
                let project = NewProject { id, public_origin, settings: json, now };
                let Some(no) = projects::insert(tx, &project).await? else { return Ok::<_, ApplyError>(false) };
                for key in keys {
                    keys::insert(tx, no, key).await?;
                }
                Ok(true)
            })
        })
        .await?;
    // What kept the row out came between the judgment and the insertion.
    if created { Ok(Applied::Created) } else { Err(ApplyError::ChangedMeanwhile) }
}

async fn change(
    store: &Store,
    portal: &PortalHost,
    row: ProjectRow,
    settings: &ProjectSettings,
    now: Timestamp,
) -> Result<Applied, ApplyError> {
    let stored = read(&row)?;
    let changes = diff(&stored, settings);
    if changes.is_empty() {
        return Ok(Applied::Unchanged);
    }
    let is_moved = stored.public_origin() != settings.public_origin();
    let input = (portal.clone(), settings.clone(), settings.to_json(), row);
    let updated = store
        .write("change_project", input, move |tx, (portal, settings, json, row)| {
            Box::pin(async move {
                let origin = settings.public_origin();
                if is_moved {
                    hosts::judge_move(tx, portal, (Some(row.no), &row.id), origin).await??;
                }
                Ok::<_, ApplyError>(projects::update_settings(tx, row.no, row.version, origin, json, now).await?)
            })
        })
        .await?;
    if updated { Ok(Applied::Changed(changes)) } else { Err(ApplyError::ChangedMeanwhile) }
}
