//! Writes of one kind: those that wait at the same moment are one transaction. If anything fails in it, they run one by one, as they
//! would have run without others. So they do when one of them needs a lock that is not free soon: only that one waits for it.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use deadpool_postgres::Object;
use tokio::sync::oneshot;

use super::{
    Postgres,
    connection::FailureKind,
    link,
    waiting::{Entered, Lane},
};
use crate::db::{
    StoreError,
    grouped::{GROUPS_ONE_BY_ONE, GroupWork, GroupedWrite, Member},
};

/// The result of the transaction of a group.
enum GroupEnd<T> {
    /// It is committed.
    Kept(Vec<T>),
    /// Nothing is written: one of its members was refused.
    Refused,
    /// Nothing is written, for a reason that may have passed, or because of a lock.
    Passing,
    /// It may be written or not, or took too long: nobody may be tried again.
    Failed(StoreError),
}

impl Postgres {
    /// Queues a write, and waits until its transaction is committed. It runs even when the caller is dropped.
    pub(in crate::db) async fn write_grouped<I, T, E>(
        self: &Arc<Self>,
        kind: &Arc<GroupedWrite<I, T, E>>,
        input: I,
    ) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let member = Member { input, reply };
        let start = |first, lane| {
            tokio::spawn(serve(Arc::clone(self), Arc::clone(kind), first, lane));
        };
        match kind.waiting.enter(member)? {
            Entered::Free(member, lane) => {
                start(Some(member), lane);
                answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
            }
            Entered::Queued(ticket, lane) => {
                if let Some(lane) = lane {
                    start(None, lane);
                }
                kind.waiting.wait(ticket, answer, |lane| start(None, lane)).await?
            }
        }
    }

    /// Runs a group in one transaction, once.
    async fn run_group<I, T, E>(&self, client: Object, work: GroupWork<I, T, E>, inputs: &[I]) -> GroupEnd<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let mut tx = self.begin(client, true);
        let result = work(&mut tx, inputs).await;
        let end = match (result, link(&mut tx).failure()) {
            (Ok(Some(values)), None) if values.len() == inputs.len() => match link(&mut tx).commit().await {
                Ok(()) => {
                    self.counters.count_commit(inputs.len());
                    if tx.take_fills_outbox() {
                        self.outbox_signal.notify_one();
                    }
                    return GroupEnd::Kept(values);
                }
                Err((_, error @ StoreError::Unknown(_))) => return GroupEnd::Failed(error),
                Err((FailureKind::Passing, _)) => GroupEnd::Passing,
                Err((FailureKind::Locked | FailureKind::Final, _)) => GroupEnd::Refused,
            },
            _ if link(&mut tx).is_late() => GroupEnd::Failed(StoreError::Unavailable("no answer in time".to_owned())),
            (_, Some(FailureKind::Passing | FailureKind::Locked)) => GroupEnd::Passing,
            (_, Some(FailureKind::Final) | None) => GroupEnd::Refused,
        };
        link(&mut tx).roll_back().await;
        end
    }
}

/// Works on one lane until nothing waits. `first` goes with the first group.
async fn serve<I, T, E>(
    postgres: Arc<Postgres>,
    kind: Arc<GroupedWrite<I, T, E>>,
    mut first: Option<Member<I, T, E>>,
    mut lane: Lane<Member<I, T, E>>,
) where
    I: Send + Sync + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    while first.is_some() || lane.goes_on() {
        let mark = lane.mark();
        // The connection first: whoever comes while the lane waits for it goes along.
        match postgres.lend().await {
            Ok(client) => {
                let group: Vec<_> = first.take().into_iter().chain(lane.take()).collect();
                write_group(&postgres, &kind, client, group).await;
            }
            Err(error) => {
                for member in first.take().into_iter().chain(lane.take_before(mark)) {
                    member.reply.send(Err(error.clone().into())).ok();
                }
            }
        }
    }
}

/// Writes a group and answers its members.
async fn write_group<I, T, E>(
    postgres: &Arc<Postgres>,
    kind: &Arc<GroupedWrite<I, T, E>>,
    client: Object,
    group: Vec<Member<I, T, E>>,
) where
    I: Send + Sync + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (inputs, mut replies): (Vec<I>, Vec<_>) = group.into_iter().map(|member| (member.input, member.reply)).unzip();
    let inputs = Arc::new(inputs);
    if replies.len() == 1
        && let Some(reply) = replies.pop()
    {
        reply.send(write_alone(postgres, kind, Some(client), &inputs, 0).await).ok();
        return;
    }
    let one_by_one = kind.one_by_one.load(Relaxed);
    let end = if one_by_one == 0 {
        let (postgres, work, inputs) = (Arc::clone(postgres), kind.work, Arc::clone(&inputs));
        let running = tokio::spawn(async move { postgres.run_group(client, work, &inputs).await });
        running.await.unwrap_or(GroupEnd::Refused)
    } else {
        drop(client);
        kind.one_by_one.store(one_by_one - 1, Relaxed);
        GroupEnd::Passing
    };
    match end {
        GroupEnd::Kept(values) => {
            for (reply, value) in replies.into_iter().zip(values) {
                reply.send(Ok(value)).ok();
            }
            return;
        }
        GroupEnd::Failed(error) => {
            for reply in replies {
                reply.send(Err(error.clone().into())).ok();
            }
            return;
        }
        GroupEnd::Refused => kind.one_by_one.store(GROUPS_ONE_BY_ONE, Relaxed),
        GroupEnd::Passing => {}
    }
    if one_by_one == 0 {
        postgres.counters.count_retry();
    }
    for (place, reply) in replies.into_iter().enumerate() {
        let (postgres, kind, inputs) = (Arc::clone(postgres), Arc::clone(kind), Arc::clone(&inputs));
        tokio::spawn(async move { reply.send(write_alone(&postgres, &kind, None, &inputs, place).await).ok() });
    }
}

/// Writes one member in a transaction of its own, with retries. It may panic, so it has a task of its own.
async fn write_alone<I, T, E>(
    postgres: &Arc<Postgres>,
    kind: &Arc<GroupedWrite<I, T, E>>,
    client: Option<Object>,
    inputs: &Arc<Vec<I>>,
    place: usize,
) -> Result<T, E>
where
    I: Send + Sync + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (postgres, inputs, name, work) = (Arc::clone(postgres), Arc::clone(inputs), kind.name, kind.alone());
    let running = tokio::spawn(async move { postgres.run(client, name, &inputs[place], &work).await });
    running.await.unwrap_or_else(|_| Err(StoreError::Panicked(name).into()))
}
