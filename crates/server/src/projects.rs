//! The projects this process serves, kept in memory: settings, keys, allowed origins, found by host name.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use vestibule_domain::{
    id::ProjectNo,
    project::ProjectSettings,
    session::{LONGEST_COALESCE, Lifetime, Viewpoint, coalesce_window},
    time::Timestamp,
};
use vestibule_protocol::cors::OriginMatcher;
use vestibule_store::{Engine, Store, StoreError, keys, projects};

use crate::{
    accesses::Accesses,
    crypto::{
        keyring::{KeyRing, KeyRingError},
        seal::MasterKey,
    },
};

/// How long after a change of settings another node may still work with the old ones.
const CHANGE_SPREADS_IN: Duration = Duration::from_secs(5);

/// A project, ready to serve.
pub struct Project {
    /// Its number in the store.
    pub no: ProjectNo,
    /// Its public name.
    pub id: String,
    /// The version of its settings.
    pub version: i64,
    /// `scheme://host[:port]`, without a trailing slash; the issuer.
    pub origin: String,
    /// What its operator set.
    pub settings: ProjectSettings,
    /// Its keys.
    pub keys: KeyRing,
    /// Who may call it from a browser.
    pub cors: OriginMatcher,
    /// When its settings last changed.
    pub changed_at: Timestamp,
    /// Uses of its sessions and grants that are not written down yet; they outlive a change of the settings.
    pub(crate) accesses: Arc<Accesses>,
}

impl Project {
    /// Whether it is served over https; then cookies are `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// How long after the use recorded at `recorded` other uses may have stayed unwritten.
    ///
    /// The window follows from the idle timeout; under settings that have changed since, it may have been the longest.
    pub(crate) fn unwritten_window(&self, lifetime: Lifetime, recorded: Timestamp) -> Duration {
        if recorded <= self.changed_at.plus(CHANGE_SPREADS_IN) { LONGEST_COALESCE } else { coalesce_window(lifetime) }
    }
}

/// Why projects cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A project's keys cannot be used.
    #[error("project \"{0}\": {1}")]
    Keys(String, KeyRingError),
    /// A project's stored settings cannot be read.
    #[error("project \"{0}\": its stored settings cannot be read: {1}")]
    Settings(String, String),
}

type ByHost = HashMap<String, Arc<Project>>;

/// All projects of this process.
pub struct Projects {
    by_host: RwLock<Arc<ByHost>>,
    /// Held from reading the store to showing what was read: of two loads at once the older must not be shown last.
    loading: tokio::sync::Mutex<()>,
    viewpoint: Viewpoint,
}

impl Projects {
    /// Loads every project for a process that starts at `now`.
    ///
    /// # Errors
    /// When the store fails or a project cannot be used.
    pub async fn load(store: &Store, master: &MasterKey, now: Timestamp) -> Result<Self, LoadError> {
        let viewpoint = match store.engine() {
            // One process at a time serves a file.
            Engine::Sqlite => Viewpoint::Alone { since: now },
            Engine::Postgres => Viewpoint::OneOfMany,
        };
        let projects = Self { by_host: RwLock::new(Arc::default()), loading: tokio::sync::Mutex::default(), viewpoint };
        projects.reload(store, master).await?;
        Ok(projects)
    }

    /// The project served under this `Host` (host name and, unless it is the scheme's own, port).
    #[must_use]
    pub fn find_by_host(&self, host: &str) -> Option<Arc<Project>> {
        let all = self.snapshot();
        all.get(host).or_else(|| all.get(&host.to_ascii_lowercase())).cloned()
    }

    /// The project with this id.
    #[must_use]
    pub fn find_by_id(&self, id: &str) -> Option<Arc<Project>> {
        self.snapshot().values().find(|project| project.id == id).cloned()
    }

    /// The project with this number.
    #[must_use]
    pub fn find_by_no(&self, no: ProjectNo) -> Option<Arc<Project>> {
        self.snapshot().values().find(|project| project.no == no).cloned()
    }

    /// Every project.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Project>> {
        self.snapshot().values().cloned().collect()
    }

    fn snapshot(&self) -> Arc<ByHost> {
        Arc::clone(&self.by_host.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Loads what changed since the last time; what did not change is kept as it is.
    ///
    /// # Errors
    /// When the store fails or a project cannot be used; then everything stays as it was.
    pub async fn reload(&self, store: &Store, master: &MasterKey) -> Result<(), LoadError> {
        let _loading = self.loading.lock().await;
        let known = self.snapshot();
        let mut conn = store.read().await?;
        let rows = projects::list_any_project(&mut conn).await?;
        let mut next = ByHost::with_capacity(rows.len());
        for row in rows {
            let project = match known.values().find(|project| project.no == row.no) {
                Some(project) if project.version == row.version => Arc::clone(project),
                old => {
                    let accesses = old.map_or_else(
                        || Arc::new(Accesses::new(self.viewpoint)),
                        |project| Arc::clone(&project.accesses),
                    );
                    let keys = keys::list(&mut conn, row.no).await?;
                    Arc::new(open_project(row, keys, accesses, master)?)
                }
            };
            next.insert(host_of(&project.origin).to_string(), project);
        }
        *self.by_host.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }
}

fn open_project(
    row: projects::ProjectRow,
    keys: Vec<keys::KeyRow>,
    accesses: Arc<Accesses>,
    master: &MasterKey,
) -> Result<Project, LoadError> {
    let settings = ProjectSettings::from_json(&row.settings)
        .map_err(|error| LoadError::Settings(row.id.clone(), error.to_string()))?;
    let keys = KeyRing::open(&row.id, keys, master).map_err(|error| LoadError::Keys(row.id.clone(), error))?;
    let cors = settings.allowed_origins();
    let origin = row.public_origin.trim_end_matches('/').to_string();
    Ok(Project {
        no: row.no,
        id: row.id,
        version: row.version,
        origin,
        settings,
        keys,
        cors,
        changed_at: row.updated_at,
        accesses,
    })
}

/// The host (and port) of an origin.
fn host_of(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, host)| host)
}
