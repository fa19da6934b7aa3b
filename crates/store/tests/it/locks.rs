//! Locks of rows on PostgreSQL: who does not need a row that is locked does not wait for it, transactions that meet the same rows lock
//! them in one order, and what was removed before a request came is gone for it, also when it joins others that wait.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use tokio::{sync::Semaphore, task::JoinSet};
use vestibule_domain::{
    grant::Grant,
    id::{GrantId, SessionId},
    project::{Origin, ReceiverKind, ReceiverMove},
    time::Timestamp,
    user::User,
};
use vestibule_store::{
    BoxFuture, GroupedWrite, Location, Pooler, Store, StoreError, Tx,
    deliveries::{self, NewDelivery},
    ended,
    grants::{self, Touched},
    projects::{self, NewProject},
    receiver_moves, sessions, spent, user_deletion, users,
};

use crate::test_store::{P, TestStore, at, connect, grant, guest, id, session, write};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(30);
/// Less than a statement may wait for a lock, and much more than a group does.
const SOON: Duration = Duration::from_secs(5);

/// A refresh, or a write that takes a lane until it may go on.
enum Step {
    Refresh(GrantId),
    Wait(Arc<Semaphore>),
}

/// Answers for each whether its grant was there.
fn run_steps<'t>(tx: &'t mut Tx, all: &'t [Step]) -> BoxFuture<'t, Result<Option<Vec<bool>>, StoreError>> {
    Box::pin(async move {
        let mut touched = Vec::new();
        for one in all {
            match one {
                Step::Wait(turn) => drop(turn.acquire().await.expect("it stays open")),
                Step::Refresh(id) => touched.push(Touched { project: P, id: *id, device: None, at: at(50) }),
            }
        }
        let are_done = grants::touch_all(tx, &mut touched).await?;
        Ok((are_done || all.len() == 1).then(|| vec![are_done; all.len()]))
    })
}

type Writing<'s, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 's>>;

/// Has a request come, without looking at its answer.
fn come<T>(request: &mut Writing<'_, T>) {
    assert!(request.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

/// Grants and sessions with these numbers, of one guest each.
async fn fill(store: &Store, numbers: impl Iterator<Item = u64>) {
    write(store, numbers.collect::<Vec<u64>>(), |tx, numbers| {
        Box::pin(async move {
            for number in numbers {
                let user: User = guest(*number);
                users::insert(tx, P, &user).await?;
                grants::insert(tx, P, &grant(*number, user.id)).await?;
                sessions::insert(tx, P, &session(*number, user.id)).await?;
            }
            Ok(())
        })
    })
    .await;
}

fn url(place: &TestStore) -> &str {
    match &place.location {
        Location::Postgres { url, .. } => url,
        Location::Sqlite { .. } => panic!("not on PostgreSQL"),
    }
}

/// Another node at the same database.
async fn open_at(url: String, pooler: Pooler) -> Store {
    Store::open(&Location::Postgres { url, max_connections: 4, pooler, listen_url: None })
        .await
        .expect("the store opens")
}

/// Locks a row of a table until the end of the transaction that it begins.
async fn lock(holder: &tokio_postgres::Client, table: &str, number: u64) {
    holder.batch_execute("BEGIN").await.unwrap();
    lock_more(holder, table, number).await;
}

/// Locks another row in the same transaction.
async fn lock_more(holder: &tokio_postgres::Client, table: &str, number: u64) {
    let id: GrantId = id(number);
    let sql = format!("SELECT 1 FROM {table} WHERE id = $1 FOR UPDATE");
    assert_eq!(holder.query(&sql, &[&id.as_bytes().as_slice()]).await.unwrap().len(), 1);
}

/// Waits until so many sessions wait for a lock.
async fn wait_for(watch: &tokio_postgres::Client, count: i64) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while watch.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) < count {
        assert!(tokio::time::Instant::now() < deadline, "they never wait");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn last_access(store: &Store, number: u64) -> Option<Timestamp> {
    let mut conn = store.read().await.unwrap();
    grants::find(&mut conn, P, id(number)).await.unwrap().map(|grant| grant.last_access_at)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn only_the_member_that_needs_a_locked_row_waits_for_it() {
    for pooler in [Pooler::None, Pooler::Transaction, Pooler::TransactionPrepared] {
        let place = TestStore::postgres().await;
        let store = open_at(url(&place).to_owned(), pooler).await;
        fill(&store, 0..20).await;
        let (holder, watch) = (connect(url(&place)).await, connect(url(&place)).await);
        lock(&holder, "grants", 7).await;
        let (kind, turn) = (GroupedWrite::new("test", run_steps), Arc::new(Semaphore::new(0)));
        let request = |step: Step| -> Writing<'_, bool> { Box::pin(store.write_grouped(&kind, step)) };
        let mut lanes = [request(Step::Wait(Arc::clone(&turn))), request(Step::Wait(Arc::clone(&turn)))];
        lanes.iter_mut().for_each(come);
        let mut refreshes: Vec<_> = (0..20).map(|number| request(Step::Refresh(id(number)))).collect();
        refreshes.iter_mut().for_each(come);
        turn.add_permits(2);
        let mut locked = refreshes.remove(7);
        for one in lanes.into_iter().chain(refreshes) {
            let answer = tokio::time::timeout(SOON, one).await.expect("it does not wait for the lock");
            answer.unwrap();
        }
        for number in (0..20).filter(|number| *number != 7) {
            assert_eq!(last_access(&store, number).await, Some(at(50)), "{number}");
        }
        wait_for(&watch, 1).await;
        come(&mut locked);
        holder.batch_execute("COMMIT").await.unwrap();
        assert!(tokio::time::timeout(PATIENCE, locked).await.expect("an answer").unwrap());
        assert_eq!(last_access(&store, 7).await, Some(at(50)));
        assert_eq!(store.stats().by_name["test"].failed, 0);
        // Those that come later go together again.
        let commits = store.stats().commits;
        let turn = Arc::new(Semaphore::new(0));
        let mut lanes = [request(Step::Wait(Arc::clone(&turn))), request(Step::Wait(Arc::clone(&turn)))];
        lanes.iter_mut().for_each(come);
        let mut refreshes: Vec<_> = (0..20).map(|number| request(Step::Refresh(id(number)))).collect();
        refreshes.iter_mut().for_each(come);
        turn.add_permits(2);
        for one in lanes.into_iter().chain(refreshes) {
            one.await.unwrap();
        }
        assert!(store.stats().commits - commits <= 5, "{} commits", store.stats().commits - commits);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_transaction_that_waits_briefly_tells_a_locked_row_from_a_busy_database() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    fill(&store, 0..3).await;
    let holder = connect(url(&place)).await;
    lock(&holder, "sessions", 1).await;
    let touch = |numbers: &'static [u64]| {
        store.write("test", numbers, |tx, numbers| {
            Box::pin(async move {
                tx.wait_briefly().await?;
                let mut uses: Vec<_> = numbers.iter().map(|number| (id(*number), at(60))).collect();
                sessions::touch_all(tx, P, &mut uses).await
            })
        })
    };
    let outcome = touch(&[0, 1, 2]).await;
    assert!(matches!(outcome, Err(StoreError::Held)), "{outcome:?}");
    touch(&[0, 2]).await.unwrap();
    holder.batch_execute("COMMIT").await.unwrap();
    touch(&[1]).await.unwrap();
    // The session of the database is as it was before.
    lock(&holder, "sessions", 1).await;
    let (other, watch) = (store.clone(), connect(url(&place)).await);
    let patient = tokio::spawn(async move {
        write(&other, (), |tx, ()| Box::pin(async move { sessions::touch(tx, P, id(1), at(70)).await })).await
    });
    wait_for(&watch, 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!patient.is_finished());
    holder.batch_execute("COMMIT").await.unwrap();
    assert!(patient.await.unwrap());
}

/// Two nodes whose planners would find the rows in opposite orders: one by the index of their IDs, the other one as they lie in the table.
async fn two_nodes(place: &TestStore) -> [Store; 2] {
    let join = if url(place).contains('?') { '&' } else { '?' };
    let with = |options: &str| format!("{}{join}options=-c%20{options}%3Doff", url(place));
    [open_at(with("enable_bitmapscan"), Pooler::None).await, open_at(with("enable_indexscan"), Pooler::None).await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn two_nodes_that_record_the_same_uses_never_wait_in_a_circle() {
    let place = TestStore::postgres().await;
    let nodes = two_nodes(&place).await;
    // The last ID lies first.
    fill(&nodes[0], (0..100).rev()).await;
    let mut tasks = JoinSet::new();
    for (number, node) in nodes.iter().cloned().enumerate() {
        tasks.spawn(async move {
            for round in 0..60_i64 {
                let seconds = 100 + 2 * round + i64::try_from(number).unwrap();
                write(&node, seconds, |tx, seconds| {
                    Box::pin(async move {
                        let when = at(*seconds);
                        grants::record_accesses(tx, P, &mut (0..100).map(|n| (id(n), when)).collect::<Vec<_>>())
                            .await?;
                        sessions::touch_all(tx, P, &mut (0..100).rev().map(|n| (id(n), when)).collect::<Vec<_>>()).await
                    })
                })
                .await;
                let is_done = write(&node, seconds, |tx, seconds| {
                    Box::pin(async move {
                        let touched = |n| Touched { project: P, id: id(n), device: None, at: at(*seconds) };
                        grants::touch_all(tx, &mut (0..100).map(touched).collect()).await
                    })
                });
                assert!(is_done.await);
            }
        });
    }
    tasks.join_all().await;
    for node in &nodes {
        assert_eq!(node.stats().retries, 0, "a transaction was given up for another one");
    }
    assert_eq!(last_access(&nodes[0], 42).await, Some(at(100 + 2 * 59 + 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn clean_ups_of_two_nodes_leave_each_other_what_is_locked() {
    let place = TestStore::postgres().await;
    let nodes = two_nodes(&place).await;
    fill(&nodes[0], (0..100).rev()).await;
    write(&nodes[0], (), |tx, ()| {
        Box::pin(async move {
            for number in 0..100_u8 {
                assert!(spent::spend(tx, P, &[number; 16], None, at(5)).await?);
            }
            Ok(())
        })
    })
    .await;
    let holder = connect(url(&place)).await;
    lock(&holder, "grants", 7).await;
    let sql = "SELECT 1 FROM spent WHERE id = $1 FOR UPDATE";
    assert_eq!(holder.query(sql, &[&[9_u8; 16].as_slice()]).await.unwrap().len(), 1);
    lock_more(&holder, "sessions", 3).await;
    let mut tasks = JoinSet::new();
    for node in nodes.clone() {
        tasks.spawn(async move {
            write(&node, (), |tx, ()| {
                Box::pin(async move {
                    let all: Vec<GrantId> = (0..100).map(id).collect();
                    let removed = ended::remove_grants(tx, P, &all, at(90)).await?.len();
                    let spent = spent::remove_expired_any_project(tx, at(80), 200).await?;
                    Ok((removed, spent))
                })
            })
            .await
        });
    }
    let removed = tokio::time::timeout(SOON, tasks.join_all()).await.expect("nobody waits for the locks");
    let (grants, spent) = removed.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!((grants, spent), (99, 99));
    assert!(last_access(&nodes[0], 7).await.is_some());
    let all: Vec<SessionId> = (0..100).map(id).collect();
    let removed = write(&nodes[0], all, |tx, all| Box::pin(ended::remove_sessions(tx, P, all, at(90))));
    let (sessions, grants) = tokio::time::timeout(SOON, removed).await.expect("nobody waits for the locks");
    assert_eq!((sessions.len(), grants), (99, 0));
    holder.batch_execute("COMMIT").await.unwrap();
    let rest = write(&nodes[1], (), |tx, ()| {
        Box::pin(async move {
            let grants = ended::remove_grants(tx, P, &[id(7)], at(90)).await?.len();
            Ok((grants, spent::remove_expired_any_project(tx, at(80), 200).await?))
        })
    });
    assert_eq!(rest.await, (1, 1));
    for node in &nodes {
        assert_eq!(node.stats().retries, 0);
    }
}

/// Removes a grant, on another node.
async fn remove(node: &Store, number: u64) {
    let is_removed =
        write(node, number, |tx, number| Box::pin(async move { grants::remove(tx, P, id(*number)).await })).await;
    assert!(is_removed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_read_that_joins_a_waiting_group_does_not_find_what_was_removed_before() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    let other = place.open().await;
    fill(&store, 0..4).await;
    let (holder, watch) = (connect(url(&place)).await, connect(url(&place)).await);
    holder.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let read = |number: u64| -> Writing<'_, bool> {
        let store = store.clone();
        Box::pin(async move {
            let mut conn = store.read().await?;
            Ok(grants::find_with_user(&mut conn, P, id(number)).await?.is_some())
        })
    };
    // Both lanes are under way.
    let lanes: Vec<_> = (0..2).map(|_| tokio::spawn(read_alone(store.clone()))).collect();
    wait_for(&watch, 2).await;
    let (mut early, mut kept) = (read(1), read(2));
    come(&mut early);
    come(&mut kept);
    remove(&other, 1).await;
    let mut late = read(1);
    come(&mut late);
    let before = store.stats();
    holder.batch_execute("COMMIT").await.unwrap();
    assert!(!tokio::time::timeout(PATIENCE, late).await.expect("an answer").unwrap(), "it came after the removal");
    assert!(kept.await.unwrap());
    // They went together, so the early one saw the same.
    assert!(!early.await.unwrap());
    for lane in lanes {
        assert!(lane.await.unwrap());
    }
    let after = store.stats();
    assert_eq!(after.grouped_reads - before.grouped_reads, 3);
    let statements = |stats: &vestibule_store::StoreStats| stats.read_group_sizes.iter().sum::<u64>();
    assert_eq!(statements(&after) - statements(&before), 1, "one statement for the three");
}

async fn read_alone(store: Store) -> bool {
    let mut conn = store.read().await.unwrap();
    grants::find_with_user(&mut conn, P, id(0)).await.unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_refresh_that_joins_a_waiting_group_does_not_find_what_was_removed_before() {
    let place = TestStore::postgres().await;
    let (store, other) = (place.open().await, place.open().await);
    fill(&store, 0..4).await;
    let (kind, turn) = (GroupedWrite::new("test", run_steps), Arc::new(Semaphore::new(0)));
    let request = |step: Step| -> Writing<'_, bool> { Box::pin(store.write_grouped(&kind, step)) };
    let mut lanes = [request(Step::Wait(Arc::clone(&turn))), request(Step::Wait(Arc::clone(&turn)))];
    lanes.iter_mut().for_each(come);
    let mut early = [0, 2, 3].map(|number| request(Step::Refresh(id(number))));
    early.iter_mut().for_each(come);
    remove(&other, 1).await;
    let mut late = request(Step::Refresh(id(1)));
    come(&mut late);
    turn.add_permits(2);
    assert!(!late.await.unwrap(), "it came after the removal");
    for one in lanes.into_iter().chain(early) {
        assert!(one.await.unwrap());
    }
}

/// What ends several grants of one user.
#[derive(Clone, Copy, Debug)]
enum Ending {
    OfSession,
    OfApplication,
    Limit,
    Move,
    OfUser,
}

fn carry_out<'t>(tx: &'t mut Tx, ending: &'t Ending) -> BoxFuture<'t, Result<(), StoreError>> {
    Box::pin(async move {
        match ending {
            Ending::OfSession => grants::remove_of_session(tx, P, id(1)).await.map(drop),
            Ending::OfApplication => grants::remove_of_client(tx, P, id(1), "web", None).await.map(drop),
            Ending::Limit => grants::limit_of_client(tx, P, id(1), "web", at(90)).await.map(drop),
            Ending::Move => grants::move_to_session(tx, P, id(1), id(1), id(2)).await.map(drop),
            Ending::OfUser => user_deletion::delete(tx, P, id(1)).await.map(drop),
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn what_ends_several_grants_of_a_user_locks_them_in_the_order_of_their_ids() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    let (holder, watch) = (connect(url(&place)).await, connect(url(&place)).await);
    for ending in [Ending::OfSession, Ending::OfApplication, Ending::Limit, Ending::Move, Ending::OfUser] {
        write(&store, (), |tx, ()| {
            Box::pin(async move {
                user_deletion::delete(tx, P, id(1)).await?;
                users::insert(tx, P, &guest(1)).await?;
                // They lie in the table, and in the index by user, in another order.
                for number in (1..6).rev() {
                    let new = grant(number, id(1));
                    grants::insert(tx, P, &Grant { client_id: "web".into(), session_id: Some(id(1)), ..new }).await?;
                }
                Ok(())
            })
        })
        .await;
        lock(&holder, "grants", 3).await;
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { write(&store, ending, carry_out).await }
        });
        wait_for(&watch, 1).await;
        let sql = "SELECT id FROM grants WHERE project_no = $1 ORDER BY id FOR UPDATE SKIP LOCKED";
        let free = watch.query(sql, &[&P.0]).await.unwrap();
        let free: Vec<Vec<u8>> = free.iter().map(|row| row.get(0)).collect();
        let expected = [4, 5].map(|number| -> GrantId { id(number) }).map(|id| id.as_bytes().to_vec());
        assert_eq!(free, expected, "{ending:?}: those after the one that it waits for");
        holder.batch_execute("COMMIT").await.unwrap();
        tokio::time::timeout(PATIENCE, waiting).await.expect("an end").unwrap();
        let left = grants::list(&mut store.read().await.unwrap(), P, id(1)).await.unwrap();
        let (is_limited, is_moved) = (matches!(ending, Ending::Limit), matches!(ending, Ending::Move));
        assert_eq!(left.len(), if is_limited || is_moved { 5 } else { 0 }, "{ending:?}");
        assert!(left.iter().all(|one| one.ends_at.is_some() == is_limited), "{ending:?}");
        assert!(left.iter().all(|one| one.session_id == is_moved.then(|| id(2))), "{ending:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_grant_that_is_used_while_its_session_ends_ends_with_it() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            users::insert(tx, P, &guest(1)).await?;
            for number in 1..4 {
                grants::insert(tx, P, &Grant { session_id: Some(id(1)), ..grant(number, id(1)) }).await?;
            }
            Ok(())
        })
    })
    .await;
    let (holder, watch) = (connect(url(&place)).await, connect(url(&place)).await);
    // A use that is not committed when the session ends.
    lock(&holder, "grants", 2).await;
    let grant: GrantId = id(2);
    holder.query("UPDATE grants SET last_access_at = 99 WHERE id = $1", &[&grant.as_bytes().as_slice()]).await.unwrap();
    let ending = tokio::spawn({
        let store = store.clone();
        async move { write(&store, (), |tx, ()| Box::pin(grants::remove_of_session(tx, P, id(1)))).await }
    });
    wait_for(&watch, 1).await;
    holder.batch_execute("COMMIT").await.unwrap();
    assert_eq!(tokio::time::timeout(PATIENCE, ending).await.expect("an end").unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn what_another_node_moved_or_sends_just_now_is_not_moved_again() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            for seq in 1..=3 {
                let new = NewDelivery { seq, user_id: None, url: "a", kind: "user.created", body: "{}" };
                deliveries::insert(tx, P, &new, at(1)).await?;
            }
            Ok(())
        })
    })
    .await;
    let (holder, watch) = (connect(url(&place)).await, connect(url(&place)).await);
    holder
        .batch_execute(
            "BEGIN;
             UPDATE hook_deliveries SET url = 'b', claimed_by = 9, due_at = 777 WHERE seq = 1;
             UPDATE hook_deliveries SET claimed_by = 9, due_at = 777 WHERE seq = 2",
        )
        .await
        .unwrap();
    let moving = tokio::spawn({
        let store = store.clone();
        let moved = ReceiverMove { kind: ReceiverKind::Webhook, old: "a".into(), new: Some("b".into()) };
        async move {
            write(&store, moved, |tx, moved| {
                Box::pin(receiver_moves::carry_out(tx, P, (moved, "logout", "removed"), 200, at(5)))
            })
            .await
        }
    });
    wait_for(&watch, 1).await;
    holder.batch_execute("COMMIT").await.unwrap();
    assert_eq!(tokio::time::timeout(PATIENCE, moving).await.expect("an end").unwrap(), 1);
    let rows = watch.query("SELECT url, due_at FROM hook_deliveries ORDER BY seq", &[]).await.unwrap();
    let rows: Vec<(String, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(rows, [("b".to_owned(), 777), ("a".to_owned(), 777), ("b".to_owned(), at(5).as_micros())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn the_clean_up_of_challenges_leaves_what_is_locked() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            let public_origin = &Origin::parse("https://shop.test").expect("an origin");
            let new = NewProject { id: "shop", public_origin, settings: "{}", now: at(1) };
            let no = projects::insert(tx, &new).await?.expect("a number");
            for number in 0..50_u8 {
                let value = [spent::date_of(at(5)).as_slice(), &[number; 16]].concat();
                assert!(spent::spend_dated(tx, no, &value).await?);
            }
            Ok(())
        })
    })
    .await;
    let holder = connect(url(&place)).await;
    holder.batch_execute("BEGIN").await.unwrap();
    let sql = "SELECT 1 FROM spent WHERE substring(id FROM 5) = $1 FOR UPDATE";
    assert_eq!(holder.query(sql, &[&[9_u8; 16].as_slice()]).await.unwrap().len(), 1);
    let remove = || write(&store, (), |tx, ()| Box::pin(spent::remove_expired_any_project(tx, at(80), 200)));
    assert_eq!(tokio::time::timeout(SOON, remove()).await.expect("it does not wait for the lock"), 49);
    holder.batch_execute("COMMIT").await.unwrap();
    assert_eq!(remove().await, 1);
}
