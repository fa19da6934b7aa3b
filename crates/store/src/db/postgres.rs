//! The PostgreSQL engine: pool, transactions, retries. Touches tokio-postgres and deadpool; no table by name.

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
    tls::{self, Target},
};

/// How long a connection is waited for when all are lent out.
const POOL_WAIT: Duration = Duration::from_secs(3);
/// How long connecting may take.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long an answer is waited for before the connection counts as lost; the server's own limit is shorter.
const ANSWER_WAIT: Duration = Duration::from_secs(15);
/// The server ends statements after ten seconds and forgotten transactions after thirty. Every statement of ours has an
/// index to follow; a plan made and kept while a table was small must not scan it when it has grown.
const SESSION_SETUP: &str =
    "SET statement_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'; SET enable_seqscan = off";
/// As much of it as a transaction can carry, for where the next one meets another session. Plans are made anew for each
/// statement there, so none can be out of date.
const BEGIN_WITH_LIMITS: &str =
    "BEGIN; SET LOCAL statement_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '30s'";
/// Pauses before a transaction is run again; their number is the number of second chances.
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
    /// Where notices can be heard, if anywhere.
    listen_at: Option<Target>,
    counters: Arc<Counters>,
}

impl Postgres {
    /// Connects and migrates.
    pub(super) async fn open(
        url: &str,
        max_connections: usize,
        pooler: Pooler,
        listen_url: Option<&str>,
        counters: Arc<Counters>,
    ) -> Result<Self, StoreError> {
        let store = Self::prepare(url, max_connections, pooler, listen_url, counters)?;
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
        counters: Arc<Counters>,
    ) -> Result<Self, StoreError> {
        let Target { config, tls } = read_target(url)?;
        let listen_at = match listen_url {
            Some(url) => Some(read_target(url)?),
            None => pooler.keeps_session().then(|| Target { config: config.clone(), tls: tls.clone() }),
        };
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match tls {
            Some(tls) => Manager::from_config(config, tls, recycling),
            None => Manager::from_config(config, NoTls, recycling),
        };
        let mut pool = Pool::builder(manager)
            .max_size(max_connections.max(1))
            // The connection used last has its statements prepared and its caches warm.
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
        Ok(Self { pool, pooler, listen_at, counters })
    }

    /// A connection to read through, without a transaction.
    pub(super) async fn read(&self) -> Result<Conn, StoreError> {
        Ok(Conn(conn::Link::Postgres(Link::new(self.lend().await?, self.pooler, Stage::Outside))))
    }

    /// Rings the bell whenever a process tells that settings changed.
    pub(super) fn listen(&self, bell: Arc<Notify>) {
        if let Some(Target { config, tls }) = &self.listen_at {
            tokio::spawn(notice::listen(config.clone(), tls.clone(), self.pool.clone(), bell));
        }
    }

    /// Whether the server answers.
    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        const PING: Sql = Sql::new("SELECT 1");
        self.read().await?.query_optional(&PING, &[], |_| Ok(())).await.map(|_| ())
    }

    /// Closes the pool; connections lent out close when they come back.
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
                // Whatever else keeps us from connecting, the database is away.
                if matches!(busy, StoreError::Busy(_)) { busy } else { StoreError::Unavailable(describe(&error)) }
            }
            PoolError::Closed => StoreError::Closed,
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(HookError::Message(_)) => {
                StoreError::Unavailable(error.to_string())
            }
        })
    }

    /// Runs the closure in a transaction, again if the engine asks for it, on a task that outlives a caller who leaves.
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
            let link_to = Link::new(self.lend().await?, self.pooler, Stage::Before);
            let mut tx = Tx(Conn(conn::Link::Postgres(link_to)));
            let result = work(&mut tx, input).await;
            let failure = link(&mut tx).failure;
            let (failure, error) = match (result, failure) {
                (Ok(value), None) => match link(&mut tx).commit().await {
                    Ok(()) => {
                        self.counters.count_commit(1);
                        return Ok(value);
                    }
                    Err((failure, error)) => (failure, error.into()),
                },
                (Ok(_), Some(failure)) => (failure, StoreError::Ignored(name).into()),
                (Err(error), failure) => (failure.unwrap_or(Failure::Final), error),
            };
            link(&mut tx).roll_back().await;
            drop(tx);
            match (failure, pauses.next()) {
                (Failure::Passing, Some(pause)) => {
                    self.counters.count_retry();
                    tokio::time::sleep(*pause).await;
                }
                (Failure::Passing | Failure::Final, _) => return Err(error),
            }
        }
    }
}

/// Connects to read what is there as it is.
pub(super) async fn look(url: &str, pooler: Pooler) -> Result<Conn, StoreError> {
    Postgres::prepare(url, 1, pooler, None, Arc::default())?.read().await
}

fn read_target(url: &str) -> Result<Target, StoreError> {
    let mut target = tls::read_url(url)?;
    if target.config.get_application_name().is_none() {
        target.config.application_name("vestibule");
    }
    target.config.connect_timeout(CONNECT_WAIT);
    Ok(target)
}

fn link(tx: &mut Tx) -> &mut Link {
    match &mut tx.0.0 {
        conn::Link::Postgres(link) => link,
        conn::Link::Sqlite(_) => unreachable!("this transaction was made on PostgreSQL"),
    }
}

/// Where a connection stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Reads only; each statement is its own transaction.
    Outside,
    /// BEGIN travels with the first statement.
    Before,
    /// Inside a transaction.
    Inside,
}

/// What a failed statement means for the transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// A fresh try may succeed.
    Passing,
    /// It would fail again.
    Final,
}

/// One lent connection.
pub(super) struct Link {
    client: Option<Client>,
    pooler: Pooler,
    stage: Stage,
    failure: Option<Failure>,
    lost: bool,
}

impl Link {
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

    /// Commits what was begun; says of a failure whether it is worth another try.
    async fn commit(&mut self) -> Result<(), (Failure, StoreError)> {
        if self.stage != Stage::Inside {
            return Ok(());
        }
        let client = self.client.as_ref().expect("taken only by drop");
        match in_time(client.batch_execute("COMMIT")).await {
            Ok(Ok(())) => {
                self.stage = Stage::Outside;
                Ok(())
            }
            // An answer from the server is certain: it refused.
            Ok(Err(error)) if error.as_db_error().is_some() && !is_broken(&error) => {
                let failure = if is_conflict(&error) { Failure::Passing } else { Failure::Final };
                Err((failure, StoreError::from_postgres(&error, "COMMIT")))
            }
            Ok(Err(error)) => {
                self.lost = true;
                Err((Failure::Final, StoreError::Unknown(describe(&error))))
            }
            Err(Late) => {
                self.lost = true;
                Err((Failure::Final, StoreError::Unknown("no answer in time".to_owned())))
            }
        }
    }

    /// Undoes what was begun; on failure the connection is not used again, which undoes it too.
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
                self.failure = Some(if passing { Failure::Passing } else { Failure::Final });
                Err(StoreError::from_postgres(&error, text))
            }
            Err(Late) => {
                self.lost = true;
                self.failure = Some(Failure::Final);
                Err(StoreError::Unavailable("no answer in time".to_owned()))
            }
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        if self.lost || self.stage == Stage::Inside {
            // Taken out of the pool and closed: nobody may inherit a half-done transaction.
            drop(Object::take(client));
        }
    }
}

/// The server did not answer in time.
struct Late;

async fn in_time<T>(work: impl Future<Output = T>) -> Result<T, Late> {
    tokio::time::timeout(ANSWER_WAIT, work).await.map_err(|_| Late)
}

/// Runs a statement, sending BEGIN ahead of the first one without waiting for its answer.
async fn run_within<T>(
    client: &Client,
    pooler: Pooler,
    stage: &mut Stage,
    statement: impl Future<Output = Result<T, PgError>>,
) -> Result<T, PgError> {
    if *stage != Stage::Before {
        return statement.await;
    }
    // Set before anything is sent: if we are dropped on the way, the connection must go.
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
