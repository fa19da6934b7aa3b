//! Opens the state that requests, jobs and commands share, from configuration and adapters.

use std::{path::PathBuf, sync::Arc};

use tokio::sync::{Notify, watch};
use vestibule_domain::project::{Origin, ProjectSettings};
use vestibule_store::{Claim, Engine, Location, Pooler, Store, StoreError};

use crate::{
    actor::Actor,
    adapters::{entropy::Entropy, mailer::Mailer, webhook::WebhookClient},
    breached::{self, Breached},
    client_keys::ClientKeys,
    config::{Config, PoolerSetting as PoolerConfig, StoreConfig},
    crypto::seal::{MasterKey, MasterKeyError},
    files,
    guests::{late::CountedUpTo, new_guest::SignUps, not_stored::NotStored},
    hosts::PortalHost,
    jobs::Supervision,
    key_locks::KeyLocks,
    limits::{self, fair::Shares},
    log_rate::{OncePerMinuteEach, ProxyWarnings},
    logos::HeldLogos,
    metrics::Metrics,
    overload::OverloadWarnings,
    passwords::Hasher,
    pool::WorkerPool,
    projects::{
        ProjectLoadError, Projects,
        change::{ApplyError, ProjectWriter},
    },
    providers::Providers,
    readiness::Readiness,
    state::{Adapters, App},
    store_clock::{ClockOffset, StoreClock},
    tokens::{anonymous::KeySignIns, refresh::Refreshes},
    webhooks::calls::BlockingCalls,
};

/// Why the store, the keys or the projects cannot be opened; each error is one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("master key: {0}")]
    MasterKey(#[from] MasterKeyError),
    #[error(transparent)]
    Projects(#[from] ProjectLoadError),
    #[error("can't apply the project: {0}")]
    Apply(#[from] ApplyError),
    #[error("can't set up outgoing webhooks: {0}")]
    Webhooks(String),
    #[error("can't set up the connection to providers: {0}")]
    Providers(String),
    #[error("breached_passwords.file: {0}")]
    Breached(#[from] breached::BreachedListError),
    /// The folder of the embedded store cannot be created.
    #[error("can't create the directory {0}: {1}")]
    Folder(PathBuf, std::io::Error),
    /// A command that changes or shows what is stored, where nothing is stored.
    #[error(
        "there is no store at {0}: name the server's configuration with --config or VESTIBULE_CONFIG, or run the command in the directory the server runs in"
    )]
    NoStore(String),
}

/// The configured location of the store.
#[must_use]
pub fn location(config: &StoreConfig) -> Location {
    match config.url.strip_prefix("sqlite:") {
        Some(path) => Location::Sqlite { path: path.into() },
        None => Location::Postgres {
            url: config.url.clone(),
            max_connections: config.max_connections,
            pooler: match config.pooler {
                PoolerConfig::None => Pooler::None,
                PoolerConfig::Transaction => Pooler::Transaction,
                PoolerConfig::TransactionPrepared => Pooler::TransactionPrepared,
            },
            listen_url: Some(config.listen_url.clone()).filter(|url| !url.is_empty()),
        },
    }
}

/// The file with the master key; `None` when the configuration contains the key itself.
pub fn master_key_file(config: &Config) -> Option<PathBuf> {
    let secrets = &config.secrets;
    match (secrets.master_key.as_str(), secrets.master_key_file.as_str()) {
        ("", "") => Some(folder_of(&location(&config.store)).unwrap_or_default().join("master.key")),
        ("", file) => Some(file.into()),
        (_, _) => None,
    }
}

/// The file of an embedded store.
pub fn store_file(config: &Config) -> Option<PathBuf> {
    match location(&config.store) {
        Location::Sqlite { path } => Some(path),
        Location::Postgres { .. } => None,
    }
}

/// The folder of an embedded store.
fn folder_of(location: &Location) -> Option<PathBuf> {
    match location {
        Location::Sqlite { path } => Some(path.parent().map_or_else(|| PathBuf::from("."), PathBuf::from)),
        Location::Postgres { .. } => None,
    }
}

/// Claims the embedded store for a server, and looks whether its files are whole; `None` on PostgreSQL. Hold it until the
/// store is closed.
///
/// # Errors
/// When another process has claimed the store, or its files are damaged.
pub async fn claim_store(config: &Config) -> Result<Option<Claim>, OpenError> {
    let location = location(&config.store);
    make_folder(&location)?;
    let claiming = tokio::task::spawn_blocking(move || Claim::for_server(&location));
    let claim = claiming.await.map_err(|_| StoreError::Closed)??;
    for warning in claim.iter().flat_map(|claim| &claim.warnings) {
        tracing::warn!("{warning}");
    }
    Ok(claim)
}

/// Creates the folder of an embedded store.
fn make_folder(location: &Location) -> Result<(), OpenError> {
    match folder_of(location).filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => files::make_private_folder(&folder).map_err(|error| OpenError::Folder(folder.clone(), error)),
        None => Ok(()),
    }
}

/// Opens the store and the master key; creates both if they do not exist.
///
/// # Errors
/// When either cannot be opened or created.
pub async fn open_store(config: &Config, entropy: &Entropy) -> Result<(Store, MasterKey), OpenError> {
    let location = location(&config.store);
    make_folder(&location)?;
    // The key first: a store without its key would be useless.
    let master = match master_key_file(config) {
        None => MasterKey::from_hex(&config.secrets.master_key, "secrets.master_key")?,
        Some(file) => MasterKey::from_file(&file, entropy)?,
    };
    Ok((Store::open(&location).await?, master))
}

/// Checks that the store exists: a command must not create an empty one where the server has another.
///
/// # Errors
/// When there is none, or it cannot be read.
pub async fn require_store(config: &Config) -> Result<(), OpenError> {
    let location = location(&config.store);
    if Store::look(&location).await?.is_some() {
        return Ok(());
    }
    Err(OpenError::NoStore(match location {
        Location::Sqlite { path } => path.display().to_string(),
        // The URL may contain a password.
        Location::Postgres { .. } => "the PostgreSQL database of store.url".to_string(),
    }))
}

/// As [`open_store`], for a store that exists.
///
/// # Errors
/// When it does not, or as [`open_store`].
pub async fn open_existing_store(config: &Config, entropy: &Entropy) -> Result<(Store, MasterKey), OpenError> {
    require_store(config).await?;
    open_store(config, entropy).await
}

/// Opens everything that requests need.
///
/// # Errors
/// When the store, the key or a project cannot be used.
pub async fn open(config: Config, adapters: Adapters) -> Result<Arc<App>, OpenError> {
    let (store, master) = open_store(&config, &adapters.entropy).await?;
    let breached = Arc::new(Breached::load(&config.breached_passwords.file)?);
    let portal = PortalHost::of(&config.portal);
    let projects = Projects::load(&store, &master, portal, adapters.clock.now()).await?;
    let mailer = introduce(adapters.mailer, &config, &projects);
    let webhooks = WebhookClient::new(config.hooks.allow_private_addresses).map_err(OpenError::Webhooks)?;
    let engine = store.engine();
    let providers = Providers::new(&config.providers).map_err(OpenError::Providers)?;
    Ok(Arc::new(App {
        breached,
        shares: Shares::default(),
        hasher: Hasher::new(config.passwords),
        pool: WorkerPool::default(),
        config,
        store,
        projects,
        master,
        store_clock: StoreClock::of(engine, &adapters.clock),
        clock_offset: ClockOffset::default(),
        counted_up_to: CountedUpTo::default(),
        sign_ups: SignUps::default(),
        refreshes: Refreshes::default(),
        key_sign_ins: KeySignIns::default(),
        not_stored: NotStored::default(),
        clock: adapters.clock,
        entropy: adapters.entropy,
        mailer,
        sms: adapters.sms,
        limits: limits::RateCounters::new(engine == Engine::Postgres),
        metrics: Metrics::default(),
        events_signal: Notify::new(),
        hooks_signal: Notify::new(),
        log_grew: watch::channel(0).0,
        stopping: watch::channel(false).0,
        readiness: Readiness::default(),
        supervision: Supervision::default(),
        webhooks,
        key_locks: KeyLocks::default(),
        blocking_calls: BlockingCalls::default(),
        client_keys: ClientKeys::default(),
        providers,
        held_logos: HeldLogos::default(),
        misdirected: ProxyWarnings::default(),
        hook_warnings: OncePerMinuteEach::default(),
        overload_warnings: OverloadWarnings::default(),
    }))
}

/// Gives the mailer the public name of this server.
fn introduce(mailer: Mailer, config: &Config, projects: &Projects) -> Mailer {
    let portal = Origin::parse(&config.portal.public_origin).ok();
    let all = projects.all();
    let own = all.iter().map(|project| project.settings.public_origin());
    mailer.introduced_as(portal.iter().chain(own).map(Origin::host))
}

/// Applies a project as `vestibule project apply` does, then opens everything: for tests and measurements.
///
/// # Errors
/// When the project cannot be applied, or as [`open`].
pub async fn open_with_project(
    config: Config,
    adapters: Adapters,
    settings: &ProjectSettings,
) -> Result<Arc<App>, OpenError> {
    let (store, master) = open_store(&config, &adapters.entropy).await?;
    let portal = PortalHost::of(&config.portal);
    let writer = ProjectWriter { store: &store, master: &master, entropy: &adapters.entropy, portal: &portal };
    let applied = writer.apply(settings, &Actor::at_terminal("project apply"), adapters.clock.now()).await;
    store.close().await;
    applied?;
    open(config, adapters).await
}
