//! Named writes of which many wait at the same moment, and that PostgreSQL then carries out together. On SQLite all writes that wait
//! are one transaction anyway.

use std::{
    fmt, slice,
    sync::{Arc, atomic::AtomicU32},
    time::Instant,
};

use tokio::sync::oneshot;

use super::{Backend, BoxFuture, Store, StoreError, Tx, postgres::waiting::Waiting};

/// After a group of which a member was refused, this many groups are run one by one: what is refused often comes in bursts, and
/// must not cost the others a second attempt each time.
pub(super) const GROUPS_ONE_BY_ONE: u32 = 32;

/// Writes one or more inputs in one transaction, and answers a value for each, in their order. Of several it may answer `None` if
/// they cannot be written together, or an error of any of them: nothing is kept, and each runs alone. What it does for one input is
/// the write as it is defined; several must have the same effect as one after the other.
pub type GroupWork<I, T, E> = for<'t> fn(&'t mut Tx, &'t [I]) -> BoxFuture<'t, Result<Option<Vec<T>>, E>>;

/// A kind of write, with the writes of it that wait.
pub struct GroupedWrite<I, T, E> {
    pub(super) name: &'static str,
    pub(super) work: GroupWork<I, T, E>,
    /// Used on PostgreSQL.
    pub(super) waiting: Arc<Waiting<Member<I, T, E>>>,
    pub(super) one_by_one: AtomicU32,
}

/// A write in the queue.
pub(super) struct Member<I, T, E> {
    pub(super) input: I,
    pub(super) reply: oneshot::Sender<Result<T, E>>,
}

impl<I, T, E> fmt::Debug for GroupedWrite<I, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupedWrite").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<I, T, E> GroupedWrite<I, T, E>
where
    I: Send + Sync + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    /// A kind of write of which none waits.
    #[must_use]
    pub fn new(name: &'static str, work: GroupWork<I, T, E>) -> Arc<Self> {
        Arc::new(Self { name, work, waiting: Arc::default(), one_by_one: AtomicU32::new(0) })
    }

    /// The write of one input, as [`Store::write`] takes it.
    pub(super) fn alone(
        &self,
    ) -> impl for<'t> Fn(&'t mut Tx, &'t I) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static {
        let (name, work) = (self.name, self.work);
        move |tx, input| alone(name, work, tx, input)
    }
}

fn alone<'t, I, T, E>(
    name: &'static str,
    work: GroupWork<I, T, E>,
    tx: &'t mut Tx,
    input: &'t I,
) -> BoxFuture<'t, Result<T, E>>
where
    I: Send + Sync,
    T: Send + 't,
    E: From<StoreError> + Send + 't,
{
    Box::pin(async move {
        let mut values = work(tx, slice::from_ref(input)).await?.unwrap_or_default();
        // A fault of the work: without a value it cannot have done what it should.
        values.pop().ok_or_else(|| StoreError::Ignored(name).into())
    })
}

impl Store {
    /// Writes an input in one transaction with others of its kind that wait at the same moment, and returns after the COMMIT. As
    /// [`Store::write`] otherwise.
    ///
    /// # Errors
    /// The work's own, or a [`StoreError`] converted to it.
    pub async fn write_grouped<I, T, E>(&self, kind: &Arc<GroupedWrite<I, T, E>>, input: I) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let Backend::Postgres(postgres) = &self.backend else {
            return self.write(kind.name, input, kind.alone()).await;
        };
        #[expect(clippy::disallowed_methods, reason = "measures how long the write takes; decides nothing")]
        let started = Instant::now();
        let writing = postgres.write_grouped(kind, input);
        #[cfg(feature = "spans")]
        let (span, writing) = super::spans::wrap(self.engine(), kind.name, writing);
        let result = writing.await;
        #[cfg(feature = "spans")]
        super::spans::end(&span, result.is_ok());
        self.counters.count_write(kind.name, result.is_ok(), started.elapsed());
        result
    }
}
