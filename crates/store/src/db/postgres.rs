//! The PostgreSQL engine: pool, transactions, retries. Uses tokio-postgres and deadpool; names no table.

use std::{future::Future, sync::Arc, time::Duration};

use deadpool_postgres::{
    Client, Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, QueueMode, RecyclingMethod, Runtime,
    TimeoutType,
};
use tokio::sync::Notify;
use tokio_postgres::{
    NoTls,
    error::Error as PgError,
    types::{ToSql, Type},
};
use tracing::Instrument as _;

use super::{
    BoxFuture, Engine, Param, Pooler, Sql, StoreError, Tx, conn,
    conn::Conn,
    error::{describe, is_broken, is_conflict},
    migrate, notice,
    stats::Counters,
    tls::{self, TlsTarget},
};

/// Maximum wait for a free connection.
const POOL_WAIT: Duration = Duration::from_secs(3);
/// Maximum time to connect.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// Maximum wait for a reply before the connection is treated as lost; the server's own limit is shorter.
const ANSWER_WAIT: Duration = Duration::from_secs(15);
/// The server ends a statement after ten seconds, and a transaction that idles for thirty. Sequential scans are off
/// because every statement has an index: a plan cached while a table was small must not scan it once it has grown.
const SESSION_SETUP: &str =
    "SET statement_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'; SET enable_seqscan = off";
/// The part of [`SESSION_SETUP`] that works per transaction, for poolers that switch sessions. Statements are planned
/// anew there, so no cached plan can be out of date.
const BEGIN_WITH_LIMITS: &str =
    "BEGIN; SET LOCAL statement_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '30s'";
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
    /// The target of LISTEN, if there is one.
    listen_at: Option<TlsTarget>,
    counters: Arc<Counters>,
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
        let listen_at = match listen_url {
            Some(url) => Some(read_target(url)?),
            None => pooler.keeps_session().then(|| TlsTarget { config: config.clone(), tls: tls.clone() }),
        };
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match tls {
            Some(tls) => Manager::from_config(config, tls, recycling),
            None => Manager::from_config(config, NoTls, recycling),
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
        let pool = pool.build().map_err(|error| StoreError::BadUrl(error.to_string()))?;
        Ok(Self { pool, pooler, listen_at, counters, outbox_signal })
    }

    /// Borrows a connection to read through, without a transaction.
    pub(super) async fn read(&self) -> Result<Conn, StoreError> {
        Ok(Conn(conn::AnyConnection::Postgres(PostgresConnection::new(
            self.lend().await?,
            self.pooler,
            Stage::Outside,
        ))))
    }

    /// Notifies `signal` whenever a process changed settings.
    pub(super) fn listen(&self, signal: Arc<Notify>) {
        if let Some(TlsTarget { config, tls }) = &self.listen_at {
            tokio::spawn(notice::listen(config.clone(), tls.clone(), self.pool.clone(), signal));
        }
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        const PING: Sql = Sql::new("SELECT 1");
        self.read().await?.query_optional(&PING, &[], |_| Ok(())).await.map(|_| ())
    }

    /// Closes the pool; borrowed connections close when they are returned.
    pub(super) fn close(&self) {
        self.pool.close();
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
        let task = tokio::spawn(async move { store.run(name, &input, &work).await }.in_current_span());
        match task.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(StoreError::Panicked(name).into()),
            Err(_) => Err(StoreError::Closed.into()),
        }
    }

    async fn run<I, T, E, F>(&self, name: &'static str, input: &I, work: &F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, E>>,
    {
        let mut pauses = BACK_OFF.iter();
        loop {
            let link_to = PostgresConnection::new(self.lend().await?, self.pooler, Stage::Before);
            let mut tx = Tx::new(Conn(conn::AnyConnection::Postgres(link_to)));
            let result = work(&mut tx, input).await;
            let failure = link(&mut tx).failure;
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
                (FailureKind::Passing | FailureKind::Final, _) => return Err(error),
            }
        }
    }
}

/// Connects for reading only.
pub(super) async fn look(url: &str, pooler: Pooler) -> Result<Conn, StoreError> {
    Postgres::prepare(url, 1, pooler, None, Default::default())?.read().await
}

fn read_target(url: &str) -> Result<TlsTarget, StoreError> {
    let mut target = tls::read_url(url)?;
    if target.config.get_application_name().is_none() {
        target.config.application_name("vestibule");
    }
    target.config.connect_timeout(CONNECT_WAIT);
    Ok(target)
}

fn link(tx: &mut Tx) -> &mut PostgresConnection {
    match &mut tx.conn.0 {
        conn::AnyConnection::Postgres(link) => link,
        conn::AnyConnection::Sqlite(_) => unreachable!("this transaction was made on PostgreSQL"),
    }
}

/// The transaction state of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Reads only; each statement is its own transaction.
    Outside,
    /// BEGIN is sent with the first statement.
    Before,
    /// Inside a transaction.
    Inside,
}

/// Whether a failed transaction may be retried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FailureKind {
    /// A retry may succeed.
    Passing,
    /// A retry would fail again.
    Final,
}

/// One borrowed connection.
pub(super) struct PostgresConnection {
    client: Option<Client>,
    pooler: Pooler,
    stage: Stage,
    failure: Option<FailureKind>,
    lost: bool,
}

impl PostgresConnection {
    fn new(client: Client, pooler: Pooler, stage: Stage) -> Self {
        Self { client: Some(client), pooler, stage, failure: None, lost: false }
    }

    pub(super) async fn query(
        &mut self,
        sql: &'static Sql,
        params: &[&dyn Param],
    ) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        let text = sql.text(Engine::Postgres);
        let client = self.client.as_ref().expect("taken only by drop");
        let (pooler, stage) = (self.pooler, &mut self.stage);
        let outcome = in_time(async {
            if !pooler.keeps_statements() {
                return run_within(client, pooler, stage, client.query_typed(text, &typed(params))).await;
            }
            let statement = client.prepare_cached(text).await?;
            run_within(client, pooler, stage, client.query(&statement, &values(params))).await
        });
        let outcome = outcome.await;
        self.judge(outcome, text)
    }

    pub(super) async fn execute(&mut self, sql: &'static Sql, params: &[&dyn Param]) -> Result<u64, StoreError> {
        let text = sql.text(Engine::Postgres);
        let client = self.client.as_ref().expect("taken only by drop");
        let (pooler, stage) = (self.pooler, &mut self.stage);
        let outcome = in_time(async {
            if !pooler.keeps_statements() {
                return run_within(client, pooler, stage, client.execute_typed(text, &typed(params))).await;
            }
            let statement = client.prepare_cached(text).await?;
            run_within(client, pooler, stage, client.execute(&statement, &values(params))).await
        });
        let outcome = outcome.await;
        self.judge(outcome, text)
    }

    pub(super) async fn prepare(&mut self, sql: &'static Sql) -> Result<(), StoreError> {
        let text = sql.text(Engine::Postgres);
        let client = self.client.as_ref().expect("taken only by drop");
        let outcome = in_time(client.prepare_cached(text)).await;
        self.judge(outcome, text).map(|_| ())
    }

    /// Commits the transaction; on failure, says whether a retry may succeed.
    async fn commit(&mut self) -> Result<(), (FailureKind, StoreError)> {
        if self.stage != Stage::Inside {
            return Ok(());
        }
        let client = self.client.as_ref().expect("taken only by drop");
        match in_time(client.batch_execute("COMMIT")).await {
            Ok(Ok(())) => {
                self.stage = Stage::Outside;
                Ok(())
            }
            // The server replied with an error, so it certainly did not commit.
            Ok(Err(error)) if error.as_db_error().is_some() && !is_broken(&error) => {
                let failure = if is_conflict(&error) { FailureKind::Passing } else { FailureKind::Final };
                Err((failure, StoreError::from_postgres(&error, "COMMIT")))
            }
            Ok(Err(error)) => {
                self.lost = true;
                Err((FailureKind::Final, StoreError::Unknown(describe(&error))))
            }
            Err(Late) => {
                self.lost = true;
                Err((FailureKind::Final, StoreError::Unknown("no answer in time".to_owned())))
            }
        }
    }

    /// Rolls back. If that fails, the connection is discarded, which rolls back too.
    async fn roll_back(&mut self) {
        if self.stage != Stage::Inside || self.lost {
            return;
        }
        let client = self.client.as_ref().expect("taken only by drop");
        if let Ok(Ok(())) = in_time(client.batch_execute("ROLLBACK")).await {
            self.stage = Stage::Outside;
        }
    }

    fn judge<T>(&mut self, outcome: Result<Result<T, PgError>, Late>, text: &'static str) -> Result<T, StoreError> {
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                self.lost |= is_broken(&error);
                let passing = self.lost || is_conflict(&error);
                self.failure = Some(if passing { FailureKind::Passing } else { FailureKind::Final });
                Err(StoreError::from_postgres(&error, text))
            }
            Err(Late) => {
                self.lost = true;
                self.failure = Some(FailureKind::Final);
                Err(StoreError::Unavailable("no answer in time".to_owned()))
            }
        }
    }
}

impl Drop for PostgresConnection {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        if self.lost || self.stage == Stage::Inside {
            // Remove it from the pool: no other request may get a connection with an open transaction.
            drop(Object::take(client));
        }
    }
}

/// The server did not reply in time.
struct Late;

async fn in_time<T>(work: impl Future<Output = T>) -> Result<T, Late> {
    tokio::time::timeout(ANSWER_WAIT, work).await.map_err(|_| Late)
}

/// Runs a statement; the first one of a transaction is sent together with BEGIN, which saves a round trip.
async fn run_within<T>(
    client: &Client,
    pooler: Pooler,
    stage: &mut Stage,
    statement: impl Future<Output = Result<T, PgError>>,
) -> Result<T, PgError> {
    if *stage != Stage::Before {
        return statement.await;
    }
    // Set before anything is sent: if this future is dropped meanwhile, the connection must be discarded.
    *stage = Stage::Inside;
    let begin = if pooler.keeps_session() { "BEGIN" } else { BEGIN_WITH_LIMITS };
    let (begun, outcome) = tokio::join!(biased; client.batch_execute(begin), statement);
    begun?;
    outcome
}

fn values<'a>(params: &'a [&'a dyn Param]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|param| *param as &(dyn ToSql + Sync)).collect()
}

fn typed<'a>(params: &'a [&'a dyn Param]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    params.iter().map(|param| (*param as &(dyn ToSql + Sync), param.postgres_type())).collect()
}
