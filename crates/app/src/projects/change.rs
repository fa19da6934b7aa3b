//! Creating and changing projects, for `vestibule project apply` and the portal.

use vestibule_domain::{
    client::Client,
    event::{Event, OperatorAction, SettingChange},
    id::ProjectNo,
    project::{ProjectSettings, ReceiverChanges, diff},
    time::Timestamp,
};
use vestibule_store::{
    Store, StoreError, Tx, client_secrets, client_starts, consents, keys,
    projects::{self, NewProject, ProjectRow},
    receiver_moves,
};

use crate::{
    actor::{ActError, Actor},
    adapters::entropy::Entropy,
    crypto::{keyring::KeyRing, seal::MasterKey, signing::BadKey},
    hosts::{self, HostClash, PortalHost},
    state::App,
};

/// The result of applying settings.
#[derive(Debug)]
pub enum Applied {
    Created,
    /// It did, and this changed.
    Changed(Vec<SettingChange>),
    /// It did, and is as the settings say.
    Unchanged,
}

/// Why settings could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Store(StoreError),
    /// Keys could not be generated.
    #[error(transparent)]
    Key(#[from] BadKey),
    #[error("project.public_origin: {0}")]
    Host(#[from] HostClash),
    /// The project was changed at the same time.
    #[error("the project was changed at the same time: apply the file again")]
    ChangedConcurrently,
    /// The operator lost its role between the request and the transaction.
    #[error("your role does not allow this any more")]
    RoleLost,
    /// What is stored cannot be read.
    #[error("can't read the stored settings of \"{0}\": {1}")]
    Unreadable(String, String),
}

impl From<StoreError> for ApplyError {
    fn from(error: StoreError) -> Self {
        // The store enforces unique hosts too: another project took the host between the check and the write.
        if matches!(error, StoreError::Conflict { .. }) { Self::Host(HostClash::Taken) } else { Self::Store(error) }
    }
}

impl From<ActError> for ApplyError {
    fn from(error: ActError) -> Self {
        match error {
            ActError::RoleLost => Self::RoleLost,
            ActError::Store(error) => error.into(),
        }
    }
}

/// What creating and changing projects takes; it works beside a running server, too.
#[derive(Clone, Copy)]
pub struct ProjectWriter<'a> {
    /// The store the projects are in.
    pub store: &'a Store,
    /// What seals the keys of a new project.
    pub master: &'a MasterKey,
    /// Randomness.
    pub entropy: &'a Entropy,
    /// The portal's host, which is not for every project.
    pub portal: &'a PortalHost,
}

impl<'a> ProjectWriter<'a> {
    /// That of a running server.
    #[must_use]
    pub fn of(app: &'a App) -> Self {
        Self { store: &app.store, master: &app.master, entropy: &app.entropy, portal: app.projects.portal_host() }
    }

    /// Makes the stored project what the settings say; safe to repeat.
    ///
    /// # Errors
    /// When nothing was changed, and why.
    pub async fn apply(
        &self,
        settings: &ProjectSettings,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Applied, ApplyError> {
        self.apply_to(find(self.store, settings.id()).await?, settings, actor, now).await
    }

    /// As [`Self::apply`], over the row that was read before.
    ///
    /// # Errors
    /// When nothing was changed, and why.
    pub async fn apply_to(
        &self,
        existing: Option<ProjectRow>,
        settings: &ProjectSettings,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Applied, ApplyError> {
        match existing {
            None => self.create(settings, actor, now).await.map(|()| Applied::Created),
            Some(row) => self.change(&row, settings, actor, now).await,
        }
    }

    /// Creates a project with its keys.
    ///
    /// # Errors
    /// When there is such a project or nothing was created for another reason.
    pub async fn create(&self, settings: &ProjectSettings, actor: &Actor, now: Timestamp) -> Result<(), ApplyError> {
        let id = settings.id();
        let keys = KeyRing::generate(id, self.master, self.entropy, now)?;
        let event = Event::OperatorActed { action: OperatorAction::ProjectCreated, target: id.to_string() };
        let entry = actor.prepare_for(self.entropy, (id, None), &event, now);
        let input = (self.portal.clone(), settings.clone(), settings.to_json(), keys, entry);
        let created = self.store.write("create_project", input, move |tx, (portal, settings, json, keys, entry)| {
            Box::pin(async move {
                let (id, public_origin) = (settings.id(), settings.public_origin());
                hosts::judge_move(tx, portal, (None, id), public_origin).await??;
                let project = NewProject { id, public_origin, settings: json, now };
                let Some(no) = projects::insert(tx, &project).await? else { return Ok::<_, ApplyError>(false) };
                for key in keys {
                    keys::insert(tx, no, key).await?;
                }
                entry.write(tx, no, now).await?;
                Ok(true)
            })
        });
        // The row was refused although there was no such project when it was looked for.
        if created.await? { Ok(()) } else { Err(ApplyError::ChangedConcurrently) }
    }

    /// Changes the project from the row that was read before: fails when it was changed since then.
    ///
    /// # Errors
    /// When nothing was changed, and why.
    pub async fn change(
        &self,
        row: &ProjectRow,
        settings: &ProjectSettings,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Applied, ApplyError> {
        let stored = read(row)?;
        let changes = diff(&stored, settings);
        if changes.is_empty() {
            return Ok(Applied::Unchanged);
        }
        let replaced = ReplacedClients::find(&stored, settings);
        let receivers = ReceiverChanges::between(&stored, settings);
        let is_moved = stored.public_origin() != settings.public_origin();
        let event = Event::ProjectChanged { changes: changes.clone() };
        let entry = actor.prepare_for(self.entropy, (&row.id, None), &event, now);
        let input =
            (self.portal.clone(), settings.clone(), settings.to_json(), row.clone(), (entry, replaced, receivers));
        let updated = self.store.write("change_project", input, move |tx, input| {
            Box::pin(async move {
                let (portal, settings, json, row, (entry, replaced, receivers)) = input;
                let origin = settings.public_origin();
                if is_moved {
                    hosts::judge_move(tx, portal, (Some(row.no), &row.id), origin).await??;
                }
                if !projects::update_settings(tx, row.no, row.version, origin, json, now).await? {
                    return Ok::<_, ApplyError>(false);
                }
                replaced.write(tx, row.no, now).await?;
                receiver_moves::note(tx, row.no, receivers, now).await?;
                entry.write(tx, row.no, now).await?;
                Ok(true)
            })
        });
        if updated.await? { Ok(Applied::Changed(changes)) } else { Err(ApplyError::ChangedConcurrently) }
    }
}

/// The applications whose grants, codes, consents and secrets end with a change.
struct ReplacedClients {
    removed: Vec<String>,
    /// Those that are new, whose ID may have been another one's, and those with a type of another kind.
    started: Vec<String>,
}

impl ReplacedClients {
    fn find(before: &ProjectSettings, after: &ProjectSettings) -> Self {
        let ids = |settings: &ProjectSettings, is_in: &dyn Fn(&Client) -> bool| {
            let clients = settings.clients().iter().filter(|client| is_in(client));
            clients.map(|client| client.client_id.clone()).collect()
        };
        Self {
            removed: ids(before, &|client| after.client(&client.client_id).is_none()),
            started: ids(after, &|client| !before.client(&client.client_id).is_some_and(|old| is_same(old, client))),
        }
    }

    /// Grants and codes of before are refused from now on: there may be too many to remove them here. Those of a removed
    /// application are refused because it is gone, and when its ID is used again, because that application starts then.
    async fn write(&self, tx: &mut Tx, no: ProjectNo, now: Timestamp) -> Result<(), StoreError> {
        for client_id in self.removed.iter().chain(&self.started) {
            consents::remove_of_client(tx, no, client_id).await?;
            client_secrets::remove_of_client(tx, no, client_id).await?;
        }
        for client_id in &self.removed {
            client_starts::remove(tx, no, client_id).await?;
        }
        for client_id in &self.started {
            client_starts::put(tx, no, client_id, now).await?;
        }
        Ok(())
    }
}

/// Whether an application keeps what it has when its settings change so.
pub(crate) fn is_same(before: &Client, after: &Client) -> bool {
    before.application_type().is_same_kind(after.application_type())
}

/// The settings of a stored project.
///
/// # Errors
/// When they cannot be read.
pub fn read(row: &ProjectRow) -> Result<ProjectSettings, ApplyError> {
    ProjectSettings::from_json(&row.settings).map_err(|error| ApplyError::Unreadable(row.id.clone(), error.to_string()))
}

pub async fn find(store: &Store, id: &str) -> Result<Option<ProjectRow>, StoreError> {
    projects::find_by_id_any_project(&mut *store.read().await?, id).await
}
