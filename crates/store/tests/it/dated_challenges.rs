//! Redeemed challenges, whose key begins with their end, on both engines; and migration 0058 on the rows of the release before it.

use std::path::{Path, PathBuf};

use vestibule_domain::time::Timestamp;
use vestibule_store::{Location, Sql, Store, checks, spent};

use crate::test_store::{OTHER, P, TestStore, at, connect, on_both_engines, write};

on_both_engines!(
    a_challenge_is_spent_once_whichever_release_redeems_it,
    an_expired_challenge_is_removed_by_its_key,
    of_many_redemptions_at_once_one_wins,
);

/// A challenge that ends at this second.
fn challenge(seconds: i64, number: u8) -> [u8; 16] {
    let mut id = [number; 16];
    id[..4].copy_from_slice(&spent::date_of(at(seconds)));
    id
}

async fn spend(store: &Store, id: [u8; 16]) -> bool {
    write(store, id, |tx, id| Box::pin(spent::spend_dated(tx, P, id))).await
}

/// As the release before did.
async fn spend_as_before(store: &Store, id: [u8; 16], expires_at: Timestamp) -> bool {
    write(store, (id, expires_at), |tx, (id, expires_at)| Box::pin(spent::spend(tx, P, id, None, *expires_at))).await
}

async fn is_spent(store: &Store, id: &[u8]) -> bool {
    spent::find(&mut store.read().await.unwrap(), P, id).await.unwrap().is_some()
}

async fn sweep(store: &Store, now: Timestamp, limit: i64) -> u64 {
    write(store, now, move |tx, now| Box::pin(spent::remove_expired_any_project(tx, *now, limit))).await
}

async fn add_projects(store: &Store) {
    const ADD: Sql = Sql::new(
        "INSERT INTO projects (no, id, public_origin, settings, version, created_at, updated_at)
         VALUES (1, 'shop', 'https://a.test', '{}', 1, 1, 1), (2, 'game', 'https://b.test', '{}', 1, 1, 1)",
    );
    write(store, (), |tx, ()| Box::pin(tx.execute(&ADD, &[]))).await;
}

async fn a_challenge_is_spent_once_whichever_release_redeems_it(store: Store) {
    let (first, second) = (challenge(100, 1), challenge(100, 2));
    assert!(spend(&store, first).await);
    assert!(!spend(&store, first).await);
    assert!(!spend_as_before(&store, first, at(100)).await, "a node of the release before sees it");
    assert!(spend_as_before(&store, second, at(100)).await);
    assert!(!spend(&store, second).await, "and this release sees what that node redeemed");
    assert!(write(&store, first, |tx, id| Box::pin(spent::spend_dated(tx, OTHER, id))).await, "another project's");
    assert_eq!(spent::find(&mut store.read().await.unwrap(), P, &first).await.unwrap(), Some(None));
}

async fn an_expired_challenge_is_removed_by_its_key(store: Store) {
    add_projects(&store).await;
    for number in 1..=5 {
        assert!(spend(&store, challenge(100, number)).await);
    }
    assert!(spend(&store, challenge(200, 1)).await);
    assert!(write(&store, challenge(100, 1), |tx, id| Box::pin(spent::spend_dated(tx, OTHER, id))).await);
    // Other values are hashes: this one lies between the challenges, and is kept for longer.
    let between = challenge(150, 9);
    assert!(spend_as_before(&store, between, at(9_000)).await);
    // As one of the release before, which has its end in a column.
    assert!(spend_as_before(&store, challenge(100, 8), at(100)).await);
    let expired = async |now| checks::count_expired(&mut store.read().await.unwrap(), now).await.unwrap();
    assert_eq!((expired(at(100)).await, sweep(&store, at(100), 10).await), (0, 0), "the last second counts");
    assert_eq!(expired(at(101)).await, 7);
    assert_eq!(sweep(&store, at(101), 4).await, 5, "four of those, and the one of the release before");
    assert_eq!(sweep(&store, at(101), 4).await, 2);
    assert_eq!((expired(at(101)).await, sweep(&store, at(101), 4).await), (0, 0));
    assert!(is_spent(&store, &challenge(200, 1)).await && is_spent(&store, &between).await);
    assert_eq!(sweep(&store, at(201), 4).await, 1);
    assert!(is_spent(&store, &between).await);
    assert_eq!(sweep(&store, at(9_001), 4).await, 1);
}

async fn of_many_redemptions_at_once_one_wins(store: Store) {
    let racers: Vec<_> = (0..20)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let id = challenge(100, 1);
                if number % 2 == 0 { spend(&store, id).await } else { spend_as_before(&store, id, at(100)).await }
            })
        })
        .collect();
    let mut won = 0;
    for racer in racers {
        won += u32::from(racer.await.unwrap());
    }
    assert_eq!(won, 1);
}

fn released(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/tests/data/released/0.2.0").join(name)
}

/// 2030-03-17T17:46:40Z.
const END: i64 = 1_900_000_000;

/// What a node of 0.2.0 redeemed shortly before the upgrade: a challenge, a code with its holder, and a revoked token.
const REDEEMED: &str = "
INSERT INTO spent (project_no, id, holder, expires_at) VALUES
  (1, {CHALLENGE}, NULL, 1900000000000000),
  (1, {CODE}, {CODE}, 1900000100000000),
  (1, {TOKEN}, NULL, 1900000200000000);
";

const CODE: [u8; 16] = [0x70; 16];
const TOKEN: [u8; 16] = [0x13; 16];

fn redeemed(print: fn(&[u8; 16]) -> String) -> String {
    [("{CHALLENGE}", challenge(END, 7)), ("{CODE}", CODE), ("{TOKEN}", TOKEN)]
        .iter()
        .fold(REDEEMED.to_owned(), |text, (name, id)| text.replace(name, &print(id)))
}

async fn check_upgraded(store: &Store) {
    assert!(is_spent(store, &challenge(END, 7)).await, "the challenge");
    assert!(!spend(store, challenge(END, 7)).await, "a challenge that was redeemed before the upgrade");
    assert!(!spend_as_before(store, challenge(END, 7), at(END)).await, "the same by a node that is not upgraded yet");
    let holder = spent::find(&mut store.read().await.unwrap(), P, &CODE).await.unwrap();
    assert_eq!(holder, Some(Some(CODE.to_vec())));
    assert!(is_spent(store, &TOKEN).await, "a token that was revoked stays revoked");
    assert!(spend(store, challenge(END, 6)).await);
    // What the release itself had stored, of 2026, goes first. Each lasts until its end, and no longer.
    while sweep(store, at(END), 100).await > 0 {}
    assert!(is_spent(store, &challenge(END, 7)).await && is_spent(store, &challenge(END, 6)).await);
    assert_eq!(sweep(store, at(END + 1), 100).await, 2, "both challenges");
    assert!(is_spent(store, &CODE).await && is_spent(store, &TOKEN).await);
    assert_eq!(sweep(store, at(END + 101), 100).await, 1, "the code");
    assert!(is_spent(store, &TOKEN).await);
    assert_eq!(sweep(store, at(END + 201), 100).await, 1, "the token");
}

#[tokio::test]
async fn what_was_redeemed_before_the_upgrade_stays_redeemed_on_sqlite() {
    let place = TestStore::sqlite();
    std::fs::copy(released("sqlite.db"), place.path()).unwrap();
    let old = rusqlite::Connection::open(place.path()).unwrap();
    old.execute_batch(&redeemed(|id| format!("x'{}'", hex(id)))).unwrap();
    drop(old);
    let store = place.open().await;
    check_upgraded(&store).await;
    // A redeemed challenge has no entry in the index.
    assert!(spend(&store, challenge(END, 5)).await);
    let connection = rusqlite::Connection::open(place.path()).unwrap();
    let index = "SELECT sql FROM sqlite_schema WHERE name = 'spent_by_expiry'";
    let index: String = connection.query_row(index, [], |row| row.get(0)).unwrap();
    assert!(index.ends_with("WHERE expires_at IS NOT NULL"), "{index}");
    let dated = "SELECT COUNT(*) FROM spent WHERE expires_at IS NULL";
    assert_eq!(connection.query_row(dated, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn what_was_redeemed_before_the_upgrade_stays_redeemed_on_postgres() {
    let place = TestStore::postgres().await;
    let Location::Postgres { url, .. } = &place.location else { panic!("not on PostgreSQL") };
    connect(url).await.batch_execute(&std::fs::read_to_string(released("postgres.sql")).unwrap()).await.unwrap();
    // The dump has left no search path.
    let old = connect(url).await;
    old.batch_execute(&redeemed(|id| format!("'\\x{}'", hex(id)))).await.unwrap();
    let store = place.open().await;
    check_upgraded(&store).await;
    assert!(spend(&store, challenge(END, 5)).await);
    let now = connect(url).await;
    let index =
        now.query_one("SELECT indexdef FROM pg_indexes WHERE indexname = 'spent_by_expiry'", &[]).await.unwrap();
    let index: String = index.get(0);
    assert!(index.ends_with("WHERE (expires_at IS NOT NULL)"), "{index}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
