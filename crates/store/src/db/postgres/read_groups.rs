//! Reads of one row by its key: those that wait at the same moment are one statement. It begins after all of them have arrived, so
//! each sees what was committed before it came.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use tokio::{runtime::Handle, sync::oneshot};
use tokio_postgres::Row;

use super::{
    Postgres,
    connection::{Begin, FailureKind, PostgresConnection, Stage},
    waiting::{Entered, Lane, Waiting},
};
use crate::db::{ByKey, StoreError, sql::Array};

/// After the statement of a group was refused, this many groups are read one by one: a database that takes only the simple statement,
/// like one whose tables are distributed, must not cost each read two.
const GROUPS_ONE_BY_ONE: u32 = 1_024;

/// The queues, by the name of the read.
#[derive(Default)]
pub(super) struct ReadGroups(Mutex<Vec<ReadQueue>>);

#[derive(Clone)]
struct ReadQueue {
    read: &'static ByKey,
    waiting: Arc<Waiting<Reading>>,
    one_by_one: Arc<AtomicU32>,
}

/// A read in the queue.
struct Reading {
    project: i64,
    id: [u8; 16],
    reply: oneshot::Sender<Answer>,
}

enum Answer {
    Row(Option<Row>),
    /// The statement of the group failed: read it alone.
    Alone,
    Failed(StoreError),
}

/// What became of a read.
pub(super) enum Found {
    Row(Option<Row>),
    /// The caller must read it, and keep the lane meanwhile.
    Alone(Option<LoneLane>),
}

/// The lane of a read that goes at once. Those who came meanwhile go when it is dropped, also if its caller is gone.
pub(super) struct LoneLane {
    postgres: Arc<Postgres>,
    queue: ReadQueue,
    lane: Option<Lane<Reading>>,
}

impl Drop for LoneLane {
    fn drop(&mut self) {
        if let Some(mut lane) = self.lane.take()
            && lane.goes_on()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(serve(Arc::clone(&self.postgres), self.queue.clone(), lane));
        }
    }
}

impl ReadGroups {
    fn queue(&self, read: &'static ByKey) -> ReadQueue {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.iter().find(|queue| queue.read.name == read.name) {
            return queue.clone();
        }
        let queue = ReadQueue { read, waiting: Arc::default(), one_by_one: Arc::default() };
        queues.push(queue.clone());
        queue
    }
}

impl Postgres {
    /// Reads the row of a key with others, if others are being read.
    pub(super) async fn find_together(
        self: &Arc<Self>,
        read: &'static ByKey,
        project: i64,
        id: [u8; 16],
    ) -> Result<Found, StoreError> {
        let queue = self.reads.queue(read);
        let (reply, answer) = oneshot::channel();
        let (ticket, lane) = match queue.waiting.enter(Reading { project, id, reply })? {
            Entered::Free(_, lane) => {
                self.counters.count_grouped_reads(1);
                return Ok(Found::Alone(Some(LoneLane { postgres: Arc::clone(self), queue, lane: Some(lane) })));
            }
            Entered::Queued(ticket, lane) => (ticket, lane),
        };
        let start = |lane| {
            tokio::spawn(serve(Arc::clone(self), queue.clone(), lane));
        };
        if let Some(lane) = lane {
            start(lane);
        }
        match queue.waiting.wait(ticket, answer, start).await? {
            Answer::Row(row) => Ok(Found::Row(row)),
            Answer::Alone => Ok(Found::Alone(None)),
            Answer::Failed(error) => Err(error),
        }
    }
}

/// Works on one lane until nothing waits.
async fn serve(postgres: Arc<Postgres>, queue: ReadQueue, mut lane: Lane<Reading>) {
    while lane.goes_on() {
        let one_by_one = queue.one_by_one.load(Relaxed);
        if one_by_one > 0 {
            queue.one_by_one.store(one_by_one - 1, Relaxed);
            for reading in lane.take() {
                reading.reply.send(Answer::Alone).ok();
            }
            continue;
        }
        let mark = lane.mark();
        // The connection first: whoever comes while the lane waits for it goes along.
        match postgres.lend().await {
            Ok(client) => {
                let mut group = lane.take();
                // Nobody needs the row of a caller that is gone.
                group.retain(|reading| !reading.reply.is_closed());
                if !group.is_empty() {
                    let begin = Begin { pooler: postgres.pooler, waits_briefly: false };
                    let connection = PostgresConnection::new(client, begin, Stage::Outside);
                    read_group(&postgres, &queue, connection, group).await;
                }
            }
            Err(error) => {
                for reading in lane.take_before(mark) {
                    reading.reply.send(Answer::Failed(error.clone())).ok();
                }
            }
        }
    }
}

async fn read_group(
    postgres: &Postgres,
    ReadQueue { read, one_by_one, .. }: &ReadQueue,
    mut connection: PostgresConnection,
    group: Vec<Reading>,
) {
    postgres.counters.count_grouped_reads(group.len());
    let outcome = match group.as_slice() {
        [one] => connection.query(read.one, &[&one.project, &one.id.as_slice()]).await,
        _ => {
            let projects: Array<i64> = group.iter().map(|reading| reading.project).collect();
            let ids: Array<&[u8]> = group.iter().map(|reading| reading.id.as_slice()).collect();
            connection.query(read.many, &[&projects, &ids]).await
        }
    };
    let (is_late, failure) = (connection.is_late(), connection.failure());
    // Give it back before the answers: those who get one may want a connection next.
    drop(connection);
    match outcome {
        Ok(rows) => distribute(rows, group),
        Err(error) => {
            let is_for_all = is_late || group.len() == 1;
            if !is_for_all && failure == Some(FailureKind::Final) {
                one_by_one.store(GROUPS_ONE_BY_ONE, Relaxed);
            }
            for reading in group {
                let answer = if is_for_all { Answer::Failed(error.clone()) } else { Answer::Alone };
                reading.reply.send(answer).ok();
            }
        }
    }
}

/// Gives each read its row, by the number in the last column.
fn distribute(rows: Vec<Row>, group: Vec<Reading>) {
    let is_alone = group.len() == 1;
    let mut found: Vec<Option<Row>> = group.iter().map(|_| None).collect();
    let mut is_sound = true;
    for row in rows {
        let number = if is_alone { Some(1) } else { row.try_get::<_, i64>(row.len() - 1).ok() };
        let place = number.and_then(|number| usize::try_from(number - 1).ok());
        match place.and_then(|place| found.get_mut(place)) {
            Some(slot) => *slot = Some(row),
            None => is_sound = false,
        }
    }
    for (reading, row) in group.into_iter().zip(found) {
        // A statement that does not number its rows must not look like rows that do not exist.
        let answer = if is_sound { Answer::Row(row) } else { Answer::Alone };
        reading.reply.send(answer).ok();
    }
}
