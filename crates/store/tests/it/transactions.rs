//! The guarantees of `write`, on both engines.

use std::{
    task::{Context, Waker},
    time::Duration,
};

use vestibule_store::{Sql, Store, StoreError, outbox, users};

use crate::test_store::{P, at, guest, id, on_both_engines, write};

on_both_engines!(
    a_write_is_visible_when_it_is_answered,
    an_error_undoes_the_whole_closure,
    a_transaction_reads_its_own_writes,
    a_failed_statement_cannot_be_ignored,
    a_panic_undoes_the_closure_and_nothing_else,
    a_write_finishes_when_its_caller_leaves,
    a_write_without_statements_succeeds,
    a_closed_store_says_so,
    writes_are_counted_by_name,
    a_reader_cannot_be_lost,
    a_column_of_another_type_is_an_error,
    ping_answers,
    a_commit_that_filled_the_outbox_wakes_its_worker,
);

/// A caller's error, as in use cases.
#[derive(Debug)]
enum FlowError {
    Refused,
    Store(StoreError),
}

impl From<StoreError> for FlowError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn exists(store: &Store, number: u64) -> bool {
    users::find(&mut store.read().await.unwrap(), P, id(number)).await.unwrap().is_some()
}

async fn a_write_is_visible_when_it_is_answered(store: Store) {
    for number in 0..50 {
        write(&store, number, |tx, number| Box::pin(async move { users::insert(tx, P, &guest(*number)).await })).await;
        assert!(exists(&store, number).await);
    }
}

async fn an_error_undoes_the_whole_closure(store: Store) {
    let refused: Result<(), FlowError> = store
        .write("refuse", (), |tx, ()| {
            Box::pin(async move {
                users::insert(tx, P, &guest(1)).await?;
                users::insert(tx, P, &guest(2)).await?;
                Err(FlowError::Refused)
            })
        })
        .await;
    assert!(matches!(refused, Err(FlowError::Refused)));
    assert!(!exists(&store, 1).await && !exists(&store, 2).await);
}

async fn a_transaction_reads_its_own_writes(store: Store) {
    let seen = write(&store, (), |tx, ()| {
        Box::pin(async move {
            users::insert(tx, P, &guest(1)).await?;
            users::find(tx, P, id(1)).await
        })
    })
    .await;
    assert_eq!(seen, Some(guest(1)));
}

async fn a_failed_statement_cannot_be_ignored(store: Store) {
    let outcome: Result<(), FlowError> = store
        .write("ignore", (), |tx, ()| {
            Box::pin(async move {
                users::insert(tx, P, &guest(1)).await?;
                users::insert(tx, P, &guest(1)).await.ok();
                Ok(())
            })
        })
        .await;
    assert!(matches!(outcome, Err(FlowError::Store(StoreError::Ignored("ignore")))), "{outcome:?}");
    assert!(!exists(&store, 1).await);
}

async fn a_panic_undoes_the_closure_and_nothing_else(store: Store) {
    let outcome: Result<(), StoreError> = store
        .write("panic", (), |tx, ()| {
            Box::pin(async move {
                users::insert(tx, P, &guest(1)).await?;
                panic!("as the test wants");
            })
        })
        .await;
    assert!(matches!(outcome, Err(StoreError::Panicked("panic"))), "{outcome:?}");
    assert!(!exists(&store, 1).await);
    write(&store, (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(2)).await })).await;
    assert!(exists(&store, 2).await);
}

async fn a_write_finishes_when_its_caller_leaves(store: Store) {
    {
        let mut leaving =
            Box::pin(write(&store, (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(1)).await })));
        assert!(leaving.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let seen = async {
        while !exists(&store, 1).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), seen).await.expect("the write happens");
}

async fn a_write_without_statements_succeeds(store: Store) {
    assert_eq!(write(&store, 7, |_, seven| Box::pin(async move { Ok(*seven) })).await, 7);
}

async fn a_closed_store_says_so(store: Store) {
    store.close().await;
    let written: Result<(), StoreError> =
        store.write("late", (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(1)).await })).await;
    assert!(matches!(written, Err(StoreError::Closed)), "{written:?}");
    assert!(matches!(store.read().await.err(), Some(StoreError::Closed)));
    assert!(matches!(store.ping().await, Err(StoreError::Closed)));
    store.close().await;
}

async fn writes_are_counted_by_name(store: Store) {
    for number in [1, 2, 1] {
        store
            .write("sign_up", number, |tx, number| Box::pin(async move { users::insert(tx, P, &guest(*number)).await }))
            .await
            .ok();
    }
    let stats = store.stats();
    let counted = stats.by_name["sign_up"];
    assert_eq!((counted.count, counted.failed, stats.writes), (3, 1, 2));
    assert!(counted.total > Duration::ZERO);
}

async fn a_reader_cannot_be_lost(store: Store) {
    // More consecutive readers than any pool has, dropped at arbitrary times.
    for _ in 0..100 {
        let mut conn = store.read().await.unwrap();
        let mut leaving = Box::pin(users::find(&mut conn, P, id(1)));
        let _ = leaving.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    assert!(!exists(&store, 1).await);
}

async fn a_column_of_another_type_is_an_error(store: Store) {
    const TEXT: Sql = Sql::new("SELECT CAST('seven' AS TEXT)");
    let mut conn = store.read().await.unwrap();
    let read = conn.query_optional(&TEXT, &[], |row| row.get::<i64>(0)).await;
    assert!(matches!(read, Err(StoreError::Decode { column: 0, .. })), "{read:?}");
    let read = conn.query_optional(&TEXT, &[], |row| row.get::<String>(1)).await;
    assert!(matches!(read, Err(StoreError::Decode { column: 1, .. })), "{read:?}");
    assert_eq!(conn.query_optional(&TEXT, &[], |row| row.get::<String>(0)).await.unwrap().as_deref(), Some("seven"));
}

async fn ping_answers(store: Store) {
    store.ping().await.unwrap();
}

async fn a_commit_that_filled_the_outbox_wakes_its_worker(store: Store) {
    let rings = || store.outbox_signal().notified();
    let rang = |waiting: std::pin::Pin<&mut tokio::sync::futures::Notified<'_>>| {
        waiting.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    };
    let mut plain = std::pin::pin!(rings());
    write(&store, (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(1)).await })).await;
    assert!(!rang(plain.as_mut()), "nothing was queued");
    let undone: Result<(), FlowError> = store
        .write("refuse", (), |tx, ()| {
            Box::pin(async move {
                outbox::push(tx, P, "mail", None, "{}", at(1)).await?;
                Err(FlowError::Refused)
            })
        })
        .await;
    assert!(undone.is_err());
    assert!(!rang(plain.as_mut()), "it was rolled back");
    write(&store, (), |tx, ()| Box::pin(outbox::push(tx, P, "mail", None, "{}", at(1)))).await;
    assert!(rang(plain.as_mut()));
    // The flag belongs to its transaction.
    let mut next = std::pin::pin!(rings());
    write(&store, (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(2)).await })).await;
    assert!(!rang(next.as_mut()));
}
