//! Cases specific to PostgreSQL: conflicts, lost connections, unknown outcomes.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use vestibule_store::{Location, Sql, Store, StoreError, users};

use crate::test_store::{P, TestStore, connect, guest, id, write};

const KILL_MYSELF: Sql = Sql::new("SELECT pg_terminate_backend(pg_backend_pid())");
const FAIL_TO_SERIALIZE: Sql = Sql::new("DO $$ BEGIN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'; END $$");
const FEATURE_MISSING: Sql = Sql::new("DO $$ BEGIN RAISE EXCEPTION 'not built' USING ERRCODE = '0A000'; END $$");
const READ_ONLY: Sql = Sql::new("DO $$ BEGIN RAISE EXCEPTION 'a standby' USING ERRCODE = '25006'; END $$");
const PID: Sql = Sql::new("SELECT pg_backend_pid()::bigint");

/// Writes a guest, but the first `bad` attempts run `mishap` after it.
async fn write_with_mishap(store: &Store, mishap: &'static Sql, bad: u32) -> (Result<(), StoreError>, u32) {
    let attempts = Arc::new(AtomicU32::new(0));
    let outcome = store
        .write("mishap", (mishap, bad, Arc::clone(&attempts)), |tx, (mishap, bad, attempts)| {
            Box::pin(async move {
                users::insert(tx, P, &guest(1)).await?;
                if attempts.fetch_add(1, Ordering::Relaxed) < *bad {
                    tx.query_all(mishap, &[], |_| Ok(())).await?;
                }
                Ok(())
            })
        })
        .await;
    (outcome, attempts.load(Ordering::Relaxed))
}

async fn exists(store: &Store) -> bool {
    users::find(&mut store.read().await.unwrap(), P, id(1)).await.unwrap().is_some()
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_conflict_is_tried_again() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    let (outcome, attempts) = write_with_mishap(&store, &FAIL_TO_SERIALIZE, 2).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!((attempts, store.stats().retries, store.stats().commits), (3, 2, 1));
    assert!(exists(&store).await);
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_conflict_that_stays_is_reported_as_busy() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    let (outcome, attempts) = write_with_mishap(&store, &FAIL_TO_SERIALIZE, u32::MAX).await;
    assert!(matches!(outcome, Err(StoreError::Busy(_))), "{outcome:?}");
    assert_eq!(attempts, 6);
    assert!(!exists(&store).await);
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_connection_lost_before_commit_is_replaced_and_the_write_tried_again() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    let (outcome, attempts) = write_with_mishap(&store, &KILL_MYSELF, 1).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(attempts, 2);
    assert!(exists(&store).await);
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_connection_lost_while_committing_leaves_the_outcome_unknown() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    let Location::Postgres { url, .. } = &place.location else { panic!("not on PostgreSQL") };
    connect(url)
        .await
        .batch_execute(
            "CREATE FUNCTION kill() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER kill AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED
               FOR EACH ROW EXECUTE FUNCTION kill()",
        )
        .await
        .unwrap();
    let (outcome, attempts) = write_with_mishap(&store, &PID, 0).await;
    assert!(matches!(outcome, Err(StoreError::Unknown(_))), "{outcome:?}");
    assert_eq!(attempts, 1, "what may have happened is not done twice");
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_connection_left_inside_a_transaction_is_not_used_again() {
    let place = TestStore::postgres().await;
    let Location::Postgres { url, .. } = &place.location else { panic!("not on PostgreSQL") };
    let store = Store::open(&Location::postgres(url.clone(), 1)).await.unwrap();
    let pid = async || {
        let mut conn = store.read().await.unwrap();
        conn.query_optional(&PID, &[], |row| row.get::<i64>(0)).await.unwrap().unwrap()
    };
    let before = pid().await;
    assert_eq!(pid().await, before, "a connection goes back to the pool");
    let outcome: Result<(), StoreError> = store
        .write("panic", (), |tx, ()| {
            Box::pin(async move {
                users::insert(tx, P, &guest(1)).await?;
                panic!("as the test wants");
            })
        })
        .await;
    assert!(outcome.is_err());
    assert_ne!(pid().await, before);
    write(&store, (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(2)).await })).await;
    assert!(!exists(&store).await);
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let url = format!("postgres://somebody:hunter2@127.0.0.1:{port}/nothing");
    let error = Store::open(&Location::postgres(url, 1)).await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)) && error.is_transient(), "{error:?}");
    assert!(!error.to_string().contains("hunter2"));
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_restart_of_the_server_costs_readers_one_error_at_most() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    assert!(!exists(&store).await);
    let Location::Postgres { url, .. } = &place.location else { panic!("not on PostgreSQL") };
    connect(url)
        .await
        .batch_execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    store.ping().await.ok();
    assert!(!exists(&store).await);
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn errors_hold_no_stored_values() {
    // PostgreSQL repeats the row in the detail of its message.
    const BREAK: Sql = Sql::new("INSERT INTO passwords (project_no, user_id, hash) VALUES (1, '', 'hunter2')");
    let place = TestStore::postgres().await;
    let store = place.open().await;
    let outcome = store.write("break", (), |tx, ()| Box::pin(tx.execute(&BREAK, &[]))).await;
    let Err(StoreError::Statement { reason, .. }) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("not-null") && !reason.contains("hunter2"), "{reason}");
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_feature_that_is_missing_is_no_lost_connection() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    let (outcome, attempts) = write_with_mishap(&store, &FEATURE_MISSING, u32::MAX).await;
    assert!(matches!(outcome, Err(StoreError::Statement { .. })), "{outcome:?}");
    assert_eq!(attempts, 1, "another connection does not cure it");
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_session_of_no_use_is_thrown_away_and_a_lasting_refusal_is_transient() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    let (outcome, attempts) = write_with_mishap(&store, &READ_ONLY, u32::MAX).await;
    assert!(outcome.is_err_and(|error| error.is_transient()));
    assert_eq!(attempts, 6);
    assert!(!exists(&store).await);
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_write_succeeds_when_all_idle_sessions_are_of_a_demoted_server() {
    const SESSIONS: usize = 12;
    let place = TestStore::postgres().await;
    let Location::Postgres { url, .. } = &place.location else { panic!("not on PostgreSQL") };
    let store = Store::open(&Location::postgres(url.clone(), SESSIONS)).await.unwrap();
    let operator = connect(url).await;
    let read_only = async |is: &str| {
        let alter = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {is}', current_database()); END $$"
        );
        operator.batch_execute(&format!("SET default_transaction_read_only = off; {alter}")).await.unwrap();
    };
    read_only("on").await;
    operator
        .batch_execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    // More sessions than one write has attempts, all opened while the server is read-only.
    let mut held = Vec::new();
    while held.len() < SESSIONS {
        let mut conn = store.read().await.unwrap();
        if conn.query_optional(&PID, &[], |_| Ok(())).await.is_ok() {
            held.push(conn);
        }
    }
    drop(held);
    read_only("off").await;
    let (outcome, attempts) = write_with_mishap(&store, &PID, 0).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(attempts <= 2, "{attempts}");
    assert!(exists(&store).await);
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_server_that_accepts_and_never_answers_hides_no_other() {
    let place = TestStore::postgres().await;
    let Location::Postgres { url, .. } = &place.location else { panic!("not on PostgreSQL") };
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (user, real) = url.split_once('@').expect("a user");
    let address = silent.local_addr().unwrap();
    let both = format!("{user}@{address},{real}?target_session_attrs=read-write");
    let store = Store::open(&Location::postgres(both, 2)).await.expect("the other one is found");
    write(&store, guest(1), |tx, guest| Box::pin(users::insert(tx, P, guest))).await;
    assert!(exists(&store).await);
}
