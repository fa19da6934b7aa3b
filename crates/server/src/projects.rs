//! The projects this process serves, kept in memory: settings, keys, allowed origins, found by host name.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use vestibule_domain::{
    id::ProjectNo,
    project::{Authority, ProjectSettings},
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
    hosts::{HostClash, Judge, PortalHost},
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
    #[error("project \"{0}\": can't read its stored settings: {1}")]
    Settings(String, String),
}

/// The projects of one load.
#[derive(Default)]
struct Loaded {
    /// Every project, oldest first.
    all: Vec<Arc<Project>>,
    /// Those that are served at their host.
    by_host: HashMap<Authority, Arc<Project>>,
    /// Those that are not, and why.
    refused: HashMap<ProjectNo, HostClash>,
}

/// All projects of this process.
pub struct Projects {
    loaded: RwLock<Arc<Loaded>>,
    portal: PortalHost,
    /// Held from reading the store to showing what was read: of two loads at once the older must not be shown last.
    loading: tokio::sync::Mutex<()>,
    viewpoint: Viewpoint,
}

impl Projects {
    /// Loads every project for a process that starts at `now`.
    ///
    /// # Errors
    /// When the store fails or a project cannot be used.
    pub async fn load(
        store: &Store,
        master: &MasterKey,
        portal: PortalHost,
        now: Timestamp,
    ) -> Result<Self, LoadError> {
        let viewpoint = match store.engine() {
            // One process at a time serves a file.
            Engine::Sqlite => Viewpoint::Alone { since: now },
            Engine::Postgres => Viewpoint::OneOfMany,
        };
        let (loaded, loading) = (RwLock::new(Arc::default()), tokio::sync::Mutex::default());
        let projects = Self { loaded, portal, loading, viewpoint };
        projects.reload(store, master).await?;
        Ok(projects)
    }

    /// The project served under this `Host` (host name and, unless it is the scheme's own, port).
    #[must_use]
    pub fn find_by_host(&self, host: &str) -> Option<Arc<Project>> {
        let loaded = self.snapshot();
        // Nearly every client writes it as it is kept.
        let found = loaded.by_host.get(host);
        found.or_else(|| Authority::parse(host).and_then(|authority| loaded.by_host.get(&authority))).cloned()
    }

    /// The project with this id.
    #[must_use]
    pub fn find_by_id(&self, id: &str) -> Option<Arc<Project>> {
        self.snapshot().all.iter().find(|project| project.id == id).cloned()
    }

    /// The project with this number.
    #[must_use]
    pub fn find_by_no(&self, no: ProjectNo) -> Option<Arc<Project>> {
        self.snapshot().all.iter().find(|project| project.no == no).cloned()
    }

    /// Every project, those that are not served at their host included.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Project>> {
        self.snapshot().all.clone()
    }

    /// Why a project is not served at its host, if it is not.
    #[must_use]
    pub fn find_refusal(&self, no: ProjectNo) -> Option<HostClash> {
        self.snapshot().refused.get(&no).cloned()
    }

    /// The portal's host and the project that may share it.
    #[must_use]
    pub fn portal_host(&self) -> &PortalHost {
        &self.portal
    }

    fn snapshot(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
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
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let project = match known.all.iter().find(|project| project.no == row.no) {
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
            all.push(project);
        }
        let next = self.judge(all, &known);
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }

    /// Decides who is served at its host. The log says of each refusal once.
    fn judge(&self, all: Vec<Arc<Project>>, known: &Loaded) -> Loaded {
        let mut judge = Judge::new(&self.portal);
        let mut next = Loaded { all: Vec::new(), by_host: HashMap::with_capacity(all.len()), refused: HashMap::new() };
        for project in &all {
            let authority = Authority::of(project.settings.public_origin());
            match judge.judge(&project.id, &authority) {
                Ok(()) => {
                    if all.len() > 1 && known.all.is_empty() {
                        self.warn_of_unnamed(project, &authority);
                    }
                    next.by_host.insert(authority, Arc::clone(project));
                }
                Err(clash) => {
                    if known.refused.get(&project.no) != Some(&clash) {
                        tracing::error!(
                            project.id = project.id,
                            project.origin = project.origin,
                            reason = %clash,
                            "a project is not served, because its host is taken: change its public_origin with `vestibule project apply` or in the portal"
                        );
                    }
                    next.refused.insert(project.no, clash);
                }
            }
        }
        next.all = all;
        next
    }

    fn warn_of_unnamed(&self, project: &Project, authority: &Authority) {
        if self.portal.is_at(authority) && !self.portal.names_a_project() {
            tracing::warn!(
                project.id = project.id,
                "a project shares the host of the portal: name it in portal.project of the server's configuration"
            );
        }
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
    let origin = settings.public_origin().as_str().to_string();
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
