//! The projects that this process serves, cached in memory: settings, keys, allowed origins, found by host.

pub mod change;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::Notify;
use vestibule_domain::{
    id::ProjectNo,
    project::{Authority, ProjectSettings},
    session::{LONGEST_COALESCE, Lifetime, Viewpoint, coalesce_window, may_be_written_later},
    time::Timestamp,
};
use vestibule_protocol::cors::OriginMatcher;
use vestibule_store::{
    Engine, Store, StoreError, client_starts, keys,
    logos::{self, LogoRow},
    projects,
};

use crate::{
    accesses::Accesses,
    crypto::{
        keyring::{KeyRing, KeyRingError},
        seal::MasterKey,
        unstored::ClientTags,
    },
    hosts::{HostClash, HostRegistry, PortalHost},
    logos::Logo,
};

/// How long after a change of settings another node may still use the old ones.
const CHANGE_SPREADS_IN: Duration = Duration::from_secs(5);

/// A cached project.
pub struct Project {
    pub no: ProjectNo,
    pub id: String,
    pub version: i64,
    /// `scheme://host[:port]`, without a trailing slash; the issuer.
    pub origin: String,
    pub settings: ProjectSettings,
    pub keys: KeyRing,
    /// The uploaded logo.
    pub logo: Option<Logo>,
    /// The web origins that may call it.
    /// The origins that may call with cookies.
    pub cors: OriginMatcher,
    /// The origins that may call without cookies.
    pub third_party_cors: OriginMatcher,
    /// Its applications, as tokens of guests that are not stored name them.
    pub(crate) client_tags: ClientTags,
    /// Since when applications have their IDs and types, where that is not always.
    client_starts: HashMap<String, Timestamp>,
    /// The shortest time without use after which the retention does something with a guest.
    guest_idle: Option<Duration>,
    /// When its settings last changed.
    pub changed_at: Timestamp,
    /// Unwritten uses of its sessions and grants; kept when the settings change.
    pub accesses: Arc<Accesses>,
}

impl Project {
    /// Whether it uses https, so that cookies are `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// Whether something that was issued to an application at a time belongs to an earlier one with the same ID, or to the time
    /// when it had another type.
    #[must_use]
    pub(crate) fn is_from_before(&self, client_id: &str, issued_at: Timestamp) -> bool {
        self.client_starts.get(client_id).is_some_and(|start| issued_at < *start)
    }

    /// How long after the use recorded at `recorded` further uses may be unwritten.
    ///
    /// The window depends on the idle timeout; if settings have changed since, it may have been the longest.
    pub(crate) fn unwritten_window(&self, lifetime: Lifetime, recorded: Timestamp) -> Duration {
        if recorded <= self.changed_at.plus(CHANGE_SPREADS_IN) { LONGEST_COALESCE } else { coalesce_window(lifetime) }
    }

    /// Whether a use after so long without any may be written later than its window ends. What ends by this time without use must not end
    /// because the write was missing: a session, and a guest by the rules for its retention.
    pub(crate) fn may_write_later(&self, lifetime: Lifetime, unused: Duration) -> bool {
        may_be_written_later(unused, lifetime.idle) && may_be_written_later(unused, self.guest_idle)
    }
}

/// Why projects cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ProjectLoadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("project \"{0}\": {1}")]
    Keys(String, KeyRingError),
    #[error("project \"{0}\": can't read its stored settings: {1}")]
    Settings(String, String),
}

#[derive(Default)]
struct LoadedProjects {
    all: Vec<Arc<Project>>,
    /// Those that are served at their host.
    by_host: HashMap<Authority, Arc<Project>>,
    /// Those that are not, and why.
    refused: HashMap<ProjectNo, HostClash>,
}

/// All projects of this process.
pub struct Projects {
    loaded: RwLock<Arc<LoadedProjects>>,
    portal: PortalHost,
    /// Held from reading the store to publishing the result: of two concurrent loads the older must not be published
    /// last.
    loading: tokio::sync::Mutex<()>,
    viewpoint: Viewpoint,
    /// Notified when a project has many unwritten uses.
    pub(crate) many_uses: Arc<Notify>,
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
    ) -> Result<Self, ProjectLoadError> {
        let viewpoint = match store.engine() {
            // Only one process at a time uses a SQLite file.
            Engine::Sqlite => Viewpoint::Alone { since: now },
            Engine::Postgres => Viewpoint::OneOfMany,
        };
        let (loaded, loading) = (RwLock::new(Arc::default()), tokio::sync::Mutex::default());
        let projects = Self { loaded, portal, loading, viewpoint, many_uses: Arc::default() };
        projects.reload(store, master).await?;
        Ok(projects)
    }

    /// The project served under this `Host` (host name and, unless it is the scheme's default, port).
    #[must_use]
    pub fn find_by_host(&self, host: &str) -> Option<Arc<Project>> {
        // Under the lock: each request asks, and the count of a snapshot would be one more that all threads change.
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        // Nearly every client sends the normalized spelling.
        let found = loaded.by_host.get(host);
        found.or_else(|| Authority::parse(host).and_then(|authority| loaded.by_host.get(&authority))).cloned()
    }

    #[must_use]
    pub fn find_by_id(&self, id: &str) -> Option<Arc<Project>> {
        self.snapshot().all.iter().find(|project| project.id == id).cloned()
    }

    #[must_use]
    pub fn find_by_no(&self, no: ProjectNo) -> Option<Arc<Project>> {
        self.snapshot().all.iter().find(|project| project.no == no).cloned()
    }

    /// Every project, including those that are not served at their host.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Project>> {
        self.snapshot().all.clone()
    }

    /// Why a project is not served at its host, if so.
    #[must_use]
    pub fn find_refusal(&self, no: ProjectNo) -> Option<HostClash> {
        self.snapshot().refused.get(&no).cloned()
    }

    #[must_use]
    pub fn portal_host(&self) -> &PortalHost {
        &self.portal
    }

    fn snapshot(&self) -> Arc<LoadedProjects> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Loads what changed since the last time and keeps the rest.
    ///
    /// # Errors
    /// When the store fails or a project cannot be used; everything is then unchanged.
    pub async fn reload(&self, store: &Store, master: &MasterKey) -> Result<(), ProjectLoadError> {
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
                        || Arc::new(Accesses::new(self.viewpoint, Arc::clone(&self.many_uses))),
                        |project| Arc::clone(&project.accesses),
                    );
                    let keys = keys::list(&mut conn, row.no).await?;
                    let starts = client_starts::list(&mut conn, row.no).await?;
                    let logo = logos::find(&mut conn, row.no).await?;
                    Arc::new(open_project(row, (keys, starts, logo), accesses, master)?)
                }
            };
            all.push(project);
        }
        let next = self.judge(all, &known);
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }

    /// Decides which projects are served at their host. Logs each refusal once.
    fn judge(&self, all: Vec<Arc<Project>>, known: &LoadedProjects) -> LoadedProjects {
        let mut judge = HostRegistry::new(&self.portal);
        let mut next =
            LoadedProjects { all: Vec::new(), by_host: HashMap::with_capacity(all.len()), refused: HashMap::new() };
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
    (keys, starts, logo): (Vec<keys::KeyRow>, Vec<(String, Timestamp)>, Option<LogoRow>),
    accesses: Arc<Accesses>,
    master: &MasterKey,
) -> Result<Project, ProjectLoadError> {
    let settings = ProjectSettings::from_json(&row.settings)
        .map_err(|error| ProjectLoadError::Settings(row.id.clone(), error.to_string()))?;
    let keys = KeyRing::open(&row.id, keys, master).map_err(|error| ProjectLoadError::Keys(row.id.clone(), error))?;
    let (cors, third_party_cors) = (settings.allowed_origins(), settings.third_party_origins());
    let origin = settings.public_origin().as_str().to_string();
    let guest_idle = settings.shortest_guest_idle();
    let client_tags = ClientTags::of(settings.clients());
    Ok(Project {
        no: row.no,
        id: row.id,
        version: row.version,
        origin,
        settings,
        keys,
        logo: logo.as_ref().and_then(Logo::read),
        cors,
        third_party_cors,
        client_tags,
        client_starts: starts.into_iter().collect(),
        guest_idle,
        changed_at: row.updated_at,
        accesses,
    })
}
