//! Opening a store: migrations, and errors that name what is wrong.

use vestibule_store::{Location, Store, StoreError, users};

use crate::test_store::{P, TestStore, guest, id, write};

async fn open_twice_at_once(place: &TestStore) {
    let (first, second) = tokio::join!(place.open(), place.open());
    write(&first, (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(1)).await })).await;
    assert!(users::find(&mut second.read().await.unwrap(), P, id(1)).await.unwrap().is_some());
    let third = place.open().await;
    assert!(users::find(&mut third.read().await.unwrap(), P, id(1)).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_may_open_a_new_file_at_once_and_a_third_later() {
    open_twice_at_once(&TestStore::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn two_may_open_a_new_database_at_once_and_a_third_later() {
    open_twice_at_once(&TestStore::postgres().await).await;
}

async fn look_at(place: &TestStore) {
    assert!(Store::look(&place.location).await.unwrap().is_none(), "there is no store yet");
    assert!(Store::look(&place.location).await.unwrap().is_none(), "looking makes none");
    let store = place.open().await;
    write(&store, (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(1)).await })).await;
    let is_seen = async || {
        let mut conn = Store::look(&place.location).await.unwrap().expect("a store");
        users::find(&mut conn, P, id(1)).await.unwrap().is_some()
    };
    assert!(is_seen().await, "while it is open elsewhere");
    store.close().await;
    assert!(is_seen().await, "when it is closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_looked_at_as_it_is() {
    let place = TestStore::sqlite();
    look_at(&place).await;
    let files = std::fs::read_dir(place.path().parent().unwrap()).unwrap();
    assert_eq!(files.map(|entry| entry.unwrap().path()).collect::<Vec<_>>(), [place.path()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_database_is_looked_at_as_it_is() {
    look_at(&TestStore::postgres().await).await;
}

#[tokio::test]
async fn a_file_of_another_kind_is_not_taken_for_a_missing_store() {
    let place = TestStore::sqlite();
    std::fs::write(place.path(), "not a database, and long enough to be read as one ".repeat(40)).unwrap();
    assert!(Store::look(&place.location).await.is_err());
}

#[tokio::test]
async fn a_schema_of_a_later_release_is_left_as_it_is() {
    let place = TestStore::sqlite();
    place.open().await.close().await;
    let connection = rusqlite::Connection::open(place.path()).unwrap();
    connection.execute_batch("INSERT INTO migrations (version, name) VALUES (9999, 'from the future')").unwrap();
    let store = place.open().await;
    assert!(users::find(&mut store.read().await.unwrap(), P, id(1)).await.unwrap().is_none());
}

async fn fail(path: std::path::PathBuf) -> StoreError {
    let error = Store::open(&Location::Sqlite { path: path.clone() }).await.err().expect("it cannot be opened");
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()) && !text.contains('\n'), "{text}");
    error
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = fail(folder.path().join("missing/store.db")).await;
    assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
}

#[tokio::test]
async fn a_folder_in_the_files_place_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = fail(folder.path().to_path_buf()).await;
    assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "Dear diary, ".repeat(100)).unwrap();
    let error = fail(path.clone()).await;
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error:?}");
    assert!(std::fs::read_to_string(path).unwrap().starts_with("Dear diary"));
}

#[tokio::test]
async fn a_foreign_database_is_refused_and_left_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.db");
    let theirs = rusqlite::Connection::open(&path).unwrap();
    theirs.execute_batch("CREATE TABLE users (name TEXT)").unwrap();
    let error = Store::open(&Location::Sqlite { path }).await.err().unwrap();
    assert!(matches!(error, StoreError::Migration { name: "0001_foundation", .. }), "{error:?}");
    let tables: i64 = theirs.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_and_its_log_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = TestStore::sqlite();
    let store = place.open().await;
    write(&store, (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(1)).await })).await;
    for path in [place.path(), place.path().with_extension("db-wal")] {
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
    }
}
