//! One borrowed PostgreSQL connection: its statements and its transaction.

use std::{future::Future, sync::Arc, time::Duration};

use deadpool_postgres::{Client, Object};
use tokio_postgres::{
    error::{Error as PgError, SqlState},
    types::{ToSql, Type},
};

use super::{Postgres, read_groups::Found};
use crate::db::{
    ByKey, Engine, Param, Pooler, Sql, StoreError,
    error::{describe, is_broken, is_conflict, is_of_no_use},
};

/// Maximum wait for a reply before the connection is treated as lost; the server's own limit is shorter.
const ANSWER_WAIT: Duration = Duration::from_secs(15);
/// The same for a check of a whole store.
const LONG_WAIT: Duration = Duration::from_secs(6 * 3_600);
/// What of a session's settings works per transaction, for poolers that switch sessions. Statements are planned anew
/// there, so no cached plan can be out of date.
macro_rules! begin_with_limits {
    () => {
        "BEGIN; SET LOCAL statement_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '30s'"
    };
}
/// How long a transaction of several waits for a lock: those who do not need it must not wait for it. Longer than the lock of another
/// such transaction usually lasts.
macro_rules! wait_briefly {
    () => {
        "SET LOCAL lock_timeout = '100ms'"
    };
}
pub(in crate::db) const WAIT_BRIEFLY: Sql = Sql::new(wait_briefly!());

/// How a transaction begins.
#[derive(Clone, Copy)]
pub(super) struct Begin {
    pub(super) pooler: Pooler,
    /// Whether it waits for a lock only for a moment.
    pub(super) waits_briefly: bool,
}

impl Begin {
    const fn text(self) -> &'static str {
        match (self.pooler.keeps_session(), self.waits_briefly) {
            (true, false) => "BEGIN",
            (true, true) => concat!("BEGIN; ", wait_briefly!()),
            (false, false) => begin_with_limits!(),
            (false, true) => concat!(begin_with_limits!(), "; ", wait_briefly!()),
        }
    }
}

/// The transaction state of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Reads only; each statement is its own transaction.
    Outside,
    /// BEGIN is sent with the first statement.
    Before,
    /// Inside a transaction.
    Inside,
}

/// Whether a failed transaction may be retried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// A retry may succeed.
    Passing,
    /// A lock was held for longer than the transaction may wait for it.
    Locked,
    /// A retry would fail again.
    Final,
}

/// One borrowed connection.
pub(in crate::db) struct PostgresConnection {
    client: Option<Client>,
    /// Where the client is borrowed from when a statement needs one.
    source: Option<Arc<Postgres>>,
    begin: Begin,
    stage: Stage,
    failure: Option<FailureKind>,
    lost: bool,
    /// Maximum wait for the reply to a statement.
    wait: Duration,
    /// Whether the session does not answer, or cannot do its work, like others of its age.
    useless: bool,
}

impl PostgresConnection {
    pub(super) fn new(client: Client, begin: Begin, stage: Stage) -> Self {
        Self {
            client: Some(client),
            source: None,
            begin,
            stage,
            failure: None,
            lost: false,
            useless: false,
            wait: ANSWER_WAIT,
        }
    }

    /// One that reads, and borrows its client when it needs it.
    pub(super) fn reading(source: Arc<Postgres>) -> Self {
        let begin = Begin { pooler: source.pooler, waits_briefly: false };
        Self {
            client: None,
            source: Some(source),
            begin,
            stage: Stage::Outside,
            failure: None,
            lost: false,
            useless: false,
            wait: ANSWER_WAIT,
        }
    }

    async fn borrow_client(&mut self) -> Result<(), StoreError> {
        if self.client.is_none()
            && let Some(source) = &self.source
        {
            self.client = Some(source.lend().await?);
        }
        Ok(())
    }

    /// Waits for replies of statements that read whole tables; returns whether the session has limits to lift. Behind a
    /// pooler it has none, and a setting would stay for others.
    pub(in crate::db) fn be_patient(&mut self) -> bool {
        self.wait = LONG_WAIT;
        self.begin.pooler.keeps_session()
    }

    /// Whether a statement failed, and whether a retry may succeed.
    pub(super) fn failure(&self) -> Option<FailureKind> {
        self.failure
    }

    /// Whether a statement got no reply in time: another attempt would take as long.
    pub(super) fn is_late(&self) -> bool {
        self.lost && self.failure == Some(FailureKind::Final)
    }

    /// Reads the row of a key, together with other requests that wait for rows; unless this request has a client already: those who
    /// wait for one must not hold one.
    pub(in crate::db) async fn find_by_key(
        &mut self,
        read: &'static ByKey,
        project: i64,
        id: [u8; 16],
    ) -> Result<Option<tokio_postgres::Row>, StoreError> {
        let _lane = match self.source.as_ref().filter(|_| self.client.is_none()) {
            Some(source) => match source.find_together(read, project, id).await? {
                Found::Row(row) => return Ok(row),
                Found::Alone(lane) => lane,
            },
            None => None,
        };
        let rows = self.query(read.one, &[&project, &id.as_slice()]).await?;
        Ok(rows.into_iter().next())
    }

    pub(in crate::db) async fn query(
        &mut self,
        sql: &'static Sql,
        params: &[&dyn Param],
    ) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        self.borrow_client().await?;
        let text = sql.text(Engine::Postgres);
        let client = self.client.as_ref().expect("borrowed above");
        let (begin, stage) = (self.begin, &mut self.stage);
        let wait = self.wait;
        let outcome = tokio::time::timeout(wait, async {
            if !begin.pooler.keeps_statements() || sql.is_planned_anew() {
                return run_within(client, begin, stage, client.query_typed(text, &typed(params))).await;
            }
            let statement = client.prepare_cached(text).await?;
            run_within(client, begin, stage, client.query(&statement, &values(params))).await
        });
        let outcome = outcome.await.map_err(|_| Late);
        self.judge(outcome, text)
    }

    pub(in crate::db) async fn execute(&mut self, sql: &'static Sql, params: &[&dyn Param]) -> Result<u64, StoreError> {
        self.borrow_client().await?;
        let text = sql.text(Engine::Postgres);
        let client = self.client.as_ref().expect("borrowed above");
        let (begin, stage) = (self.begin, &mut self.stage);
        let outcome = in_time(async {
            if !begin.pooler.keeps_statements() || sql.is_planned_anew() {
                return run_within(client, begin, stage, client.execute_typed(text, &typed(params))).await;
            }
            let statement = client.prepare_cached(text).await?;
            run_within(client, begin, stage, client.execute(&statement, &values(params))).await
        });
        let outcome = outcome.await;
        self.judge(outcome, text)
    }

    pub(in crate::db) async fn prepare(&mut self, sql: &'static Sql) -> Result<(), StoreError> {
        self.borrow_client().await?;
        let text = sql.text(Engine::Postgres);
        let client = self.client.as_ref().expect("borrowed above");
        let outcome = in_time(client.prepare_cached(text)).await;
        self.judge(outcome, text).map(|_| ())
    }

    /// Commits the transaction; on failure, says whether a retry may succeed.
    pub(super) async fn commit(&mut self) -> Result<(), (FailureKind, StoreError)> {
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
                (self.lost, self.useless) = (true, true);
                Err((FailureKind::Final, StoreError::Unknown("no answer in time".to_owned())))
            }
        }
    }

    /// Rolls back. If that fails, the connection is discarded, which rolls back too.
    pub(super) async fn roll_back(&mut self) {
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
                self.useless |= error.code().is_some_and(is_of_no_use);
                self.failure = Some(if self.lost || is_conflict(&error) {
                    FailureKind::Passing
                } else if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
                    FailureKind::Locked
                } else {
                    FailureKind::Final
                });
                Err(StoreError::from_postgres(&error, text))
            }
            Err(Late) => {
                (self.lost, self.useless) = (true, true);
                self.failure = Some(FailureKind::Final);
                Err(StoreError::Unavailable("no answer in time".to_owned()))
            }
        }
    }
}

impl Drop for PostgresConnection {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        if self.useless
            && let Some(pool) = Object::pool(&client)
        {
            // After a failover every idle session may be one of the old server.
            pool.retain(|_, _| false);
        }
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
    begin: Begin,
    stage: &mut Stage,
    statement: impl Future<Output = Result<T, PgError>>,
) -> Result<T, PgError> {
    if *stage != Stage::Before {
        return statement.await;
    }
    // Set before anything is sent: if this future is dropped meanwhile, the connection must be discarded.
    *stage = Stage::Inside;
    let (begun, outcome) = tokio::join!(biased; client.batch_execute(begin.text()), statement);
    begun?;
    outcome
}

fn values<'a>(params: &'a [&'a dyn Param]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|param| *param as &(dyn ToSql + Sync)).collect()
}

fn typed<'a>(params: &'a [&'a dyn Param]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    params.iter().map(|param| (*param as &(dyn ToSql + Sync), param.postgres_type())).collect()
}
