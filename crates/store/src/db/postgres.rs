//! The PostgreSQL engine: pool, transactions, retries. Uses tokio-postgres and deadpool; names no table.

pub(super) mod connection;
pub(super) mod names;
mod read_groups;
pub(super) mod servers;
pub(super) mod waiting;
mod write_groups;

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, QueueMode, RecyclingMethod, Runtime, TimeoutType,
};
use tokio::sync::Notify;
use tokio_postgres::NoTls;
use tracing::Instrument as _;

use self::{
    connection::{Begin, FailureKind, PostgresConnection, Stage},
    names::{Moved, watch_names},
    read_groups::ReadGroups,
    servers::{Connector, Servers},
};
use super::{
    BoxFuture, Pooler, Sql, StoreError, Tx,
    conn::{AnyConnection, Conn},
    error::describe,
    migrate,
    notice::{self, NodeLock},
    stats::Counters,
    tls::{self, TlsTarget},
    transfer,
};

/// Maximum wait for a free connection.
const POOL_WAIT: Duration = Duration::from_secs(3);
/// Maximum time to connect.
pub(super) const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// Maximum time until one address of a server accepts: shorter, so that the time suffices for another one.
const ACCEPT_WAIT: Duration = Duration::from_secs(2);
/// How long the operating system sends to a machine that confirms nothing.
const CONFIRM_WAIT: Duration = Duration::from_secs(10);
/// The server ends a statement after ten seconds, and a transaction that idles for thirty. Sequential scans are off
/// because every statement has an index: a plan cached while a table was small must not scan it once it has grown.
const SESSION_SETUP: &str =
    "SET statement_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'; SET enable_seqscan = off";
/// Pauses before each retry of a transaction; their number is the number of retries.
const BACK_OFF: [Duration; 5] = [
    Duration::from_millis(1),
    Duration::from_millis(4),
    Duration::from_millis(16),
    Duration::from_millis(64),
    Duration::from_millis(250),
];

/// An open PostgreSQL store.
pub(super) struct Postgres {
    pool: Pool,
    pooler: Pooler,
    /// The target of LISTEN, if there is one, and when its name moved.
    listen_at: Option<(TlsTarget, Option<Moved>)>,
    /// What the listening session has locked.
    node: Arc<NodeLock>,
    counters: Arc<Counters>,
    /// Reads that wait for each other.
    reads: ReadGroups,
    /// Rung when a transaction that filled the outbox has committed.
    outbox_signal: Arc<Notify>,
}

impl Postgres {
    pub(super) async fn open(
        url: &str,
        max_connections: usize,
        pooler: Pooler,
        listen_url: Option<&str>,
        (counters, outbox_signal): (Arc<Counters>, Arc<Notify>),
    ) -> Result<Self, StoreError> {
        let store = Self::prepare(url, max_connections, pooler, listen_url, (counters, outbox_signal))?;
        let mut client = store.lend().await?;
        transfer::refuse_unfinished(&client).await?;
        migrate::migrate_postgres(&mut client).await?;
        Ok(store)
    }

    /// A pool that has not connected yet.
    fn prepare(
        url: &str,
        max_connections: usize,
        pooler: Pooler,
        listen_url: Option<&str>,
        (counters, outbox_signal): (Arc<Counters>, Arc<Notify>),
    ) -> Result<Self, StoreError> {
        let TlsTarget { config, tls } = read_target(url)?;
        let moved = watch_names(&config);
        let listen_at = match listen_url {
            Some(url) => {
                let target = read_target(url)?;
                let moved = watch_names(&target.config);
                Some((target, moved))
            }
            None => {
                pooler.keeps_session().then(|| (TlsTarget { config: config.clone(), tls: tls.clone() }, moved.clone()))
            }
        };
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let servers = Servers::new(config.clone());
        let manager = match tls {
            Some(tls) => Manager::from_connect(config, Connector { servers, tls }, recycling),
            None => Manager::from_connect(config, Connector { servers, tls: NoTls }, recycling),
        };
        let mut pool = Pool::builder(manager)
            .max_size(max_connections.max(1))
            // The connection used last has prepared statements and warm caches.
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(POOL_WAIT))
            .create_timeout(Some(CONNECT_WAIT))
            .runtime(Runtime::Tokio1);
        if pooler.keeps_session() {
            pool = pool.post_create(Hook::async_fn(|client, _| {
                Box::pin(async move { client.batch_execute(SESSION_SETUP).await.map_err(HookError::Backend) })
            }));
        }
        if let Some(moved) = moved {
            pool = pool.pre_recycle(Hook::sync_fn(move |_, metrics| {
                let is_old = moved.borrow().is_some_and(|at| metrics.created < at.into_std());
                if is_old { Err(HookError::message("its server has another address now")) } else { Ok(()) }
            }));
        }
        let pool = pool.build().map_err(|error| StoreError::BadUrl(error.to_string()))?;
        let (node, reads) = Default::default();
        Ok(Self { pool, pooler, listen_at, node, counters, reads, outbox_signal })
    }

    /// A connection to read through, without a transaction. It is borrowed by the first statement that needs one.
    pub(super) fn read(self: &Arc<Self>) -> Result<Conn, StoreError> {
        if self.pool.is_closed() {
            return Err(StoreError::Closed);
        }
        Ok(Conn(AnyConnection::Postgres(PostgresConnection::reading(Arc::clone(self)))))
    }

    /// Notifies `signal` whenever a process changed settings.
    pub(super) fn listen(&self, signal: Arc<Notify>) {
        if let Some((TlsTarget { config, tls }, moved)) = &self.listen_at {
            let (node, pool) = (Arc::clone(&self.node), self.pool.clone());
            let target = (Servers::new(config.clone()), tls.clone(), moved.clone());
            tokio::spawn(notice::listen(target, pool, (signal, node)));
        }
    }

    /// The number that this process has locked, if its session stands.
    pub(super) fn node(&self) -> Option<i64> {
        self.node.held()
    }

    /// Whether this process has locked the number now or before.
    pub(super) fn is_this_node(&self, number: i64) -> bool {
        self.node.is_of_this(number)
    }

    pub(super) async fn ping(self: &Arc<Self>) -> Result<(), StoreError> {
        const PING: Sql = Sql::new("SELECT 1");
        self.read()?.query_optional(&PING, &[], |_| Ok(())).await.map(|_| ())
    }

    /// Closes the pool; borrowed connections close when they are returned.
    pub(super) fn close(&self) {
        self.pool.close();
    }

    fn begin(&self, client: Object, waits_briefly: bool) -> Tx {
        let begin = Begin { pooler: self.pooler, waits_briefly };
        Tx::new(Conn(AnyConnection::Postgres(PostgresConnection::new(client, begin, Stage::Before))))
    }

    async fn lend(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => StoreError::Busy("all PostgreSQL connections are in use"),
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => {
                StoreError::Unavailable("connecting took too long".to_owned())
            }
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                let busy = StoreError::from_postgres(&error, "connect");
                // All other errors of the pool mean that the database cannot be reached.
                if matches!(busy, StoreError::Busy(_)) { busy } else { StoreError::Unavailable(describe(&error)) }
            }
            PoolError::Closed => StoreError::Closed,
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(HookError::Message(_)) => {
                StoreError::Unavailable(error.to_string())
            }
        })
    }

    /// Runs the closure in a transaction, with retries, on a task that continues when the caller is dropped.
    pub(super) async fn write<I, T, E, F>(self: &Arc<Self>, name: &'static str, input: I, work: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        let store = Arc::clone(self);
        let task = tokio::spawn(async move { store.run(None, name, &input, &work).await }.in_current_span());
        match task.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(StoreError::Panicked(name).into()),
            Err(_) => Err(StoreError::Closed.into()),
        }
    }

    /// `lent` is the connection of the first attempt, if the caller has one.
    async fn run<I: ?Sized, T, E, F>(
        &self,
        mut lent: Option<Object>,
        name: &'static str,
        input: &I,
        work: &F,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, E>>,
    {
        let mut pauses = BACK_OFF.iter();
        loop {
            let client = match lent.take() {
                Some(client) => client,
                None => self.lend().await?,
            };
            let mut tx = self.begin(client, false);
            let result = work(&mut tx, input).await;
            let failure = link(&mut tx).failure();
            let (failure, error) = match (result, failure) {
                (Ok(value), None) => match link(&mut tx).commit().await {
                    Ok(()) => {
                        self.counters.count_commit(1);
                        if tx.take_fills_outbox() {
                            self.outbox_signal.notify_one();
                        }
                        return Ok(value);
                    }
                    Err((failure, error)) => (failure, error.into()),
                },
                (Ok(_), Some(failure)) => (failure, StoreError::Ignored(name).into()),
                (Err(error), failure) => (failure.unwrap_or(FailureKind::Final), error),
            };
            link(&mut tx).roll_back().await;
            drop(tx);
            match (failure, pauses.next()) {
                (FailureKind::Passing, Some(pause)) => {
                    self.counters.count_retry();
                    tokio::time::sleep(*pause).await;
                }
                (FailureKind::Passing | FailureKind::Locked | FailureKind::Final, _) => return Err(error),
            }
        }
    }
}

/// Connects for reading only, at the first statement.
pub(super) fn look(url: &str, pooler: Pooler) -> Result<Conn, StoreError> {
    Arc::new(Postgres::prepare(url, 1, pooler, None, Default::default())?).read()
}

fn read_target(url: &str) -> Result<TlsTarget, StoreError> {
    let mut target = tls::read_url(url)?;
    if target.config.get_application_name().is_none() {
        target.config.application_name("vestibule");
    }
    target.config.connect_timeout(ACCEPT_WAIT);
    if target.config.get_tcp_user_timeout().is_none() {
        target.config.tcp_user_timeout(CONFIRM_WAIT);
    }
    Ok(target)
}

fn link(tx: &mut Tx) -> &mut PostgresConnection {
    match &mut tx.conn.0 {
        AnyConnection::Postgres(link) => link,
        AnyConnection::Sqlite(_) => unreachable!("this transaction was made on PostgreSQL"),
    }
}
