//! Group commit on SQLite.

use std::{
    sync::{Arc, Mutex, mpsc},
    task::{Context, Waker},
};

use vestibule_store::{Store, StoreError, user_lists, users};

use crate::test_store::{P, TestStore, guest, id, write};

/// Blocks the writer inside a closure until the returned sender is used or dropped.
async fn hold_writer(store: &Store) -> (mpsc::Sender<()>, tokio::task::JoinHandle<()>) {
    let (release, wait) = mpsc::channel::<()>();
    let (started, running) = tokio::sync::oneshot::channel::<()>();
    let input = Mutex::new((Some(started), wait));
    let store = store.clone();
    let held = tokio::spawn(async move {
        write(&store, input, |_, input| {
            Box::pin(async move {
                let mut input = input.lock().unwrap();
                if let Some(started) = input.0.take() {
                    started.send(()).ok();
                }
                input.1.recv().ok();
                Ok(())
            })
        })
        .await;
    });
    running.await.unwrap();
    (release, held)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Behavior {
    Good,
    Fails,
    Panics,
    Waits,
}

fn behavior(number: u64) -> Behavior {
    match number % 10 {
        3 => Behavior::Fails,
        5 => Behavior::Panics,
        7 => Behavior::Waits,
        _ => Behavior::Good,
    }
}

async fn sign_up(store: &Store, number: u64) -> Result<(), StoreError> {
    store
        .write("sign_up", number, |tx, number| {
            Box::pin(async move {
                users::insert(tx, P, &guest(*number)).await?;
                match behavior(*number) {
                    Behavior::Good => Ok(()),
                    Behavior::Fails => users::insert(tx, P, &guest(*number)).await,
                    Behavior::Panics => panic!("as the test wants"),
                    Behavior::Waits => std::future::pending().await,
                }
            })
        })
        .await
}

#[tokio::test]
async fn a_failing_closure_does_not_affect_the_others_of_its_group() {
    let place = TestStore::sqlite();
    let store = place.open().await;
    let (release, held) = hold_writer(&store).await;
    let mut waiting: Vec<_> = (0..100).map(|number| Box::pin(sign_up(&store, number))).collect();
    for future in &mut waiting {
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    drop(release);
    for (number, future) in (0..).zip(waiting) {
        let outcome = future.await;
        match behavior(number) {
            Behavior::Good => assert!(outcome.is_ok(), "{outcome:?}"),
            Behavior::Fails => assert!(matches!(outcome, Err(StoreError::Conflict { .. })), "{outcome:?}"),
            Behavior::Panics => assert!(matches!(outcome, Err(StoreError::Panicked("sign_up"))), "{outcome:?}"),
            Behavior::Waits => assert!(matches!(outcome, Err(StoreError::Suspended("sign_up"))), "{outcome:?}"),
        }
    }
    held.await.unwrap();
    let stats = store.stats();
    assert_eq!((stats.commits, stats.writes), (2, 71), "the holder, then everybody else at once");
    store.close().await;

    let store = place.open().await;
    let mut conn = store.read().await.unwrap();
    for number in 0..100 {
        let found = users::find(&mut conn, P, id(number)).await.unwrap().is_some();
        assert_eq!(found, behavior(number) == Behavior::Good, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_a_store_that_is_not_closed() {
    let place = TestStore::sqlite();
    let store = place.open().await;
    let writers: Vec<_> = (0..200)
        .filter(|number| behavior(*number) == Behavior::Good)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { sign_up(&store, number).await.map(|()| number) })
        })
        .collect();
    let mut answered = Vec::new();
    for writer in writers {
        answered.push(writer.await.unwrap().unwrap());
    }
    // A second store on the same file sees the first one's log, as after a crash.
    let second = place.open().await;
    let mut conn = second.read().await.unwrap();
    for number in answered {
        assert!(users::find(&mut conn, P, id(number)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn closing_carries_out_what_is_queued_and_empties_the_log() {
    let place = TestStore::sqlite();
    let store = place.open().await;
    let (release, held) = hold_writer(&store).await;
    let mut queued = Box::pin(sign_up(&store, 1));
    assert!(queued.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let mut closing = Box::pin(store.close());
    assert!(closing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(release);
    closing.await;
    queued.await.unwrap();
    held.await.unwrap();
    let log = place.path().with_extension("db-wal");
    assert_eq!(std::fs::metadata(&log).map_or(0, |log| log.len()), 0, "the log is copied into the file");
    assert!(users::find(&mut place.open().await.read().await.unwrap(), P, id(1)).await.unwrap().is_some());
}

/// As during a backup: while something reads, the log cannot begin anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_grew_during_a_long_read_is_given_back() {
    const KEPT: u64 = 64 << 20;
    let place = TestStore::sqlite();
    let store = place.open().await;
    let length = || std::fs::metadata(place.path().with_extension("db-wal")).map_or(0, |log| log.len());
    let reader = rusqlite::Connection::open(place.path()).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    reader.query_row("SELECT count(*) FROM users", [], |row| row.get::<_, i64>(0)).unwrap();
    let other = rusqlite::Connection::open(place.path()).unwrap();
    other
        .execute_batch("PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0; CREATE TABLE filling (bytes)")
        .unwrap();
    for _ in 0..3 {
        other.execute_batch("INSERT INTO filling VALUES (zeroblob(25000000))").unwrap();
    }
    let mut number = 0_u64;
    let mut add_guest = async || {
        number += 1;
        write(&store, number, |tx, number| Box::pin(async move { users::insert(tx, P, &guest(*number)).await })).await;
    };
    add_guest().await;
    assert!(length() > KEPT, "{}", length());
    reader.execute_batch("COMMIT").unwrap();
    drop((reader, other));
    let patience = tokio::time::Instant::now();
    while length() > KEPT {
        assert!(patience.elapsed().as_secs() < 60, "the log keeps {} bytes", length());
        add_guest().await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_on_one_file_can_both_write() {
    let place = TestStore::sqlite();
    let stores = [place.open().await, place.open().await];
    let writers: Vec<_> = (0..60)
        .map(|number| {
            let store = stores[usize::try_from(number % 2).unwrap()].clone();
            tokio::spawn(async move {
                write(&store, number, |tx, number| {
                    Box::pin(async move { users::insert(tx, P, &guest(*number)).await })
                })
                .await;
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let seen = user_lists::list_newest(&mut stores[0].read().await.unwrap(), P, None, 100).await.unwrap();
    assert_eq!(seen.len(), 60);
}

#[tokio::test]
async fn a_write_waits_for_the_lock_of_another_process() {
    let place = TestStore::sqlite();
    let store = place.open().await;
    let other = rusqlite::Connection::open(place.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let attempts = Arc::new(Mutex::new(0));
    let mut waiting = Box::pin(write(&store, Arc::clone(&attempts), |tx, attempts| {
        Box::pin(async move {
            *attempts.lock().unwrap() += 1;
            users::insert(tx, P, &guest(1)).await
        })
    }));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(*attempts.lock().unwrap(), 0);
    other.execute_batch("COMMIT").unwrap();
    waiting.await;
    assert_eq!(*attempts.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_reader_cannot_write() {
    const DELETE: vestibule_store::Sql = vestibule_store::Sql::new("DELETE FROM users RETURNING id");
    let place = TestStore::sqlite();
    let store = place.open().await;
    let outcome = store.read().await.unwrap().query_all(&DELETE, &[], |_| Ok(())).await;
    assert!(matches!(outcome, Err(StoreError::Statement { .. })), "{outcome:?}");
}
