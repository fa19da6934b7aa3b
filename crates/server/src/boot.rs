//! From configuration and ports to a running server: `main`, the demo and the tests all start here.

use std::{path::PathBuf, sync::Arc};

use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{Notify, watch},
    task::JoinSet,
};
use vestibule_store::{Location, Pooler, Store, StoreError};

use crate::{
    app::{App, Ports},
    breached::{self, Breached},
    config::{Config, Pooler as PoolerConfig, StoreConfig},
    crypto::seal::{MasterKey, MasterKeyError},
    files,
    hosts::PortalHost,
    http::{self, misdirected::Warnings, serve::Limits},
    jobs, limits,
    metrics::Metrics,
    passwords::Hasher,
    pool::Pool,
    ports::{entropy::Entropy, webhook::WebhookClient},
    projects::{LoadError, Projects},
    ui::Ui,
};

/// Connections that may wait to be accepted; the system drops what comes beyond, and allows no more than its own limit.
const WAITING: u32 = 4_096;

/// Why the server cannot start; each is one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no master key.
    #[error("master key: {0}")]
    MasterKey(#[from] MasterKeyError),
    /// The projects cannot be loaded.
    #[error(transparent)]
    Projects(#[from] LoadError),
    /// Outgoing HTTP cannot be set up.
    #[error("can't set up outgoing webhooks: {0}")]
    Webhooks(String),
    /// The list of breached passwords cannot be read.
    #[error("breached_passwords.file: {0}")]
    Breached(#[from] breached::LoadError),
    /// The folder of the embedded store cannot be made.
    #[error("can't create the directory {0}: {1}")]
    Folder(PathBuf, std::io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}. Is another server running there? Choose another address or port.")]
    Listen(String, std::io::Error),
}

/// Where the configuration says the data lives.
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

/// The file that holds the master key; none when the configuration holds the key itself.
pub(crate) fn master_key_file(config: &Config) -> Option<PathBuf> {
    let secrets = &config.secrets;
    match (secrets.master_key.as_str(), secrets.master_key_file.as_str()) {
        ("", "") => Some(folder_of(&location(&config.store)).unwrap_or_default().join("master.key")),
        ("", file) => Some(file.into()),
        (_, _) => None,
    }
}

/// The folder of an embedded store.
fn folder_of(location: &Location) -> Option<PathBuf> {
    match location {
        Location::Sqlite { path } => Some(path.parent().map_or_else(|| PathBuf::from("."), PathBuf::from)),
        Location::Postgres { .. } => None,
    }
}

/// Opens the store, making its folder when it is a file, and the master key beside it.
///
/// # Errors
/// When either cannot be opened or made.
pub async fn open_store(config: &Config, entropy: &Entropy) -> Result<(Store, MasterKey), BootError> {
    let location = location(&config.store);
    if let Some(folder) = folder_of(&location).filter(|folder| !folder.as_os_str().is_empty()) {
        files::make_private_folder(&folder).map_err(|error| BootError::Folder(folder.clone(), error))?;
    }
    // The key first: a store whose keys nobody can open is worth nothing.
    let master = match master_key_file(config) {
        None => MasterKey::from_hex(&config.secrets.master_key, "secrets.master_key")?,
        Some(file) => MasterKey::from_file(&file, entropy)?,
    };
    Ok((Store::open(&location).await?, master))
}

/// Opens everything a request needs.
///
/// # Errors
/// When the store, the key or a project cannot be used.
pub async fn open(config: Config, ports: Ports) -> Result<Arc<App>, BootError> {
    let (store, master) = open_store(&config, &ports.entropy).await?;
    let breached = Arc::new(Breached::load(&config.breached_passwords.file)?);
    let portal = PortalHost::of(&config.portal);
    let projects = Projects::load(&store, &master, portal, ports.clock.now()).await?;
    let webhooks = WebhookClient::new(config.hooks.allow_private_addresses).map_err(BootError::Webhooks)?;
    Ok(Arc::new(App {
        breached,
        hasher: Hasher::new(config.passwords),
        pool: Pool::default(),
        config,
        store,
        projects,
        master,
        clock: ports.clock,
        entropy: ports.entropy,
        mailer: ports.mailer,
        sms: ports.sms,
        limits: limits::Limits::default(),
        metrics: Metrics::default(),
        ui: Ui::load(),
        outbox_bell: Arc::new(Notify::new()),
        events_bell: Notify::new(),
        hooks_bell: Notify::new(),
        log_grew: watch::channel(0).0,
        stopping: watch::channel(false).0,
        webhooks,
        misdirected: Warnings::default(),
    }))
}

/// Listens on an address.
///
/// # Errors
/// When it is taken or not ours.
pub async fn listen(address: &str) -> Result<TcpListener, BootError> {
    let refuse = |error| BootError::Listen(address.to_string(), error);
    let listening = async {
        let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
        for address in tokio::net::lookup_host(address).await? {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.set_reuseaddr(true)?;
            match socket.bind(address).and_then(|()| socket.listen(WAITING)) {
                Ok(listener) => return Ok(listener),
                Err(error) => last = error,
            }
        }
        Err(last)
    };
    listening.await.map_err(refuse)
}

/// Serves until `stop` resolves; then finishes requests, jobs and writes.
pub async fn serve(app: Arc<App>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let (tell, told) = watch::channel(false);
    let jobs = jobs::start(&app, &told);
    let stop = async {
        stop.await;
        app.stopping.send_replace(true);
    };
    let front = http::front::Front::new(Arc::clone(&app));
    let answer = move |peer, request| {
        let front = front.clone();
        async move { front.answer(peer, request).await }
    };
    let limits = Limits::of(&app.config.server, Arc::clone(&app.metrics.connections));
    http::serve::serve(listener, answer, limits, stop).await;
    let _ = tell.send(true);
    finish(jobs).await;
    if let Err(error) = jobs::accesses::flush_all(&app).await {
        tracing::warn!(error = %error, "the last use of some sessions could not be stored; they may end up to a minute late");
    }
    app.store.close().await;
}

/// As [`serve`], with the metrics page on a listener of its own.
pub async fn serve_with_metrics(
    app: Arc<App>,
    listener: TcpListener,
    metrics: TcpListener,
    stop: impl Future<Output = ()>,
) {
    let (tell, mut told) = watch::channel(false);
    let page = http::metrics::serve(Arc::clone(&app), metrics, async move {
        let _ = told.wait_for(|ended| *ended).await;
    });
    let server = async {
        serve(app, listener, stop).await;
        let _ = tell.send(true);
    };
    tokio::join!(server, page);
}

/// Does once and now what the jobs do by themselves every minute: for tests, whose clock is their own.
///
/// # Errors
/// When the store fails.
pub async fn maintain(app: &App) -> Result<(), StoreError> {
    jobs::accesses::flush_due(app).await?;
    jobs::cleanup::sweep(app).await?;
    jobs::key_rotation::check(app).await;
    Ok(())
}

async fn finish(mut jobs: JoinSet<()>) {
    while jobs.join_next().await.is_some() {}
}
