//! Opening a store: migrations, and errors that name what is wrong.

use std::{
    fs,
    path::{Path, PathBuf},
};

use vestibule_store::{Claim, Location, Store, StoreError, back_up_sqlite, users};

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
    let files = fs::read_dir(place.path().parent().unwrap()).unwrap();
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
    fs::write(place.path(), "not a database, and long enough to be read as one ".repeat(40)).unwrap();
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

async fn fail(path: PathBuf) -> StoreError {
    let error = Store::open(&Location::Sqlite { path: path.clone() }).await.err().expect("it cannot be opened");
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()) && !text.contains('\n'), "{text}");
    error
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = fail(folder.path().join("missing/store.db")).await;
    assert!(matches!(error, StoreError::NoFolder { .. }), "{error:?}");
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
    fs::write(&path, "Dear diary, ".repeat(100)).unwrap();
    let error = fail(path.clone()).await;
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error:?}");
    assert!(fs::read_to_string(path).unwrap().starts_with("Dear diary"));
}

#[tokio::test]
async fn a_foreign_database_is_refused_and_left_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.db");
    let theirs = rusqlite::Connection::open(&path).unwrap();
    theirs.execute_batch("CREATE TABLE users (name TEXT)").unwrap();
    let error = fail(path).await;
    assert!(matches!(error, StoreError::NotAStore { .. }), "{error:?}");
    let tables: i64 = theirs.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

/// A store with a guest, closed.
async fn make(place: &TestStore) {
    let store = place.open().await;
    write(&store, (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(1)).await })).await;
    store.close().await;
}

/// The file beside the store's with this suffix.
fn beside(place: &TestStore, suffix: &str) -> PathBuf {
    format!("{}{suffix}", place.path().display()).into()
}

/// What a restore of this or an earlier release leaves when it is killed, and what a careless operator leaves.
#[tokio::test]
async fn a_missing_file_beside_its_remains_is_not_taken_for_a_new_store() {
    for suffix in [".before-restore", ".part", "-wal"] {
        for is_empty in [false, true] {
            let place = TestStore::sqlite();
            make(&place).await;
            fs::rename(place.path(), beside(&place, suffix)).unwrap();
            if is_empty {
                fs::write(place.path(), "").unwrap();
            }
            let claimed = Claim::for_server(&place.location).map(drop);
            let looked = Store::look(&place.location).await.map(drop);
            let opened = Store::open(&place.location).await.map(drop);
            for outcome in [claimed, looked, opened] {
                let error = outcome.unwrap_err();
                assert!(matches!(error, StoreError::Incomplete { .. }), "{suffix}: {error:?}");
                assert!(error.to_string().contains(suffix), "{error}");
            }
            assert_eq!(place.path().exists(), is_empty, "nothing was created");
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn one_claim_is_given_for_a_store_whatever_its_path_is_called() {
    let place = TestStore::sqlite();
    make(&place).await;
    let links = tempfile::tempdir().unwrap();
    let (folder, file) = (links.path().join("folder"), links.path().join("file.db"));
    std::os::unix::fs::symlink(place.path().parent().unwrap(), &folder).unwrap();
    std::os::unix::fs::symlink(place.path(), &file).unwrap();
    let claim = Claim::for_server(&place.location).unwrap().expect("a claim");
    assert_eq!(claim.warnings, Vec::<String>::new());
    for path in [place.path(), folder.join("test.db"), folder.join("./test.db"), file.clone()] {
        let error = Claim::for_server(&Location::Sqlite { path: path.clone() }).unwrap_err();
        assert!(matches!(error, StoreError::InUse { .. }), "{}: {error:?}", path.display());
        assert!(error.to_string().contains("`vestibule serve` (process "), "{error}");
    }
    drop(claim);
    assert!(Claim::for_server(&Location::Sqlite { path: file }).unwrap().is_some());
    assert!(Claim::for_server(&Location::postgres("postgres://x/y".into(), 1)).unwrap().is_none());
}

#[tokio::test]
async fn a_file_without_its_end_is_damaged_with_and_without_a_log() {
    let place = TestStore::sqlite();
    let store = place.open().await;
    write(&store, (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(1)).await })).await;
    let cut = |path: &Path, to: u64| fs::File::options().write(true).open(path).unwrap().set_len(to).unwrap();
    // As a killed server leaves it: most of the store is in the file, the rest in the log.
    let killed = TestStore::sqlite();
    rusqlite::Connection::open(place.path())
        .unwrap()
        .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        .unwrap();
    write(&store, (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(2)).await })).await;
    fs::copy(place.path(), killed.path()).unwrap();
    fs::copy(beside(&place, "-wal"), beside(&killed, "-wal")).unwrap();
    assert_eq!(Claim::for_server(&killed.location).unwrap().unwrap().warnings, Vec::<String>::new());
    let length = fs::metadata(killed.path()).unwrap().len();
    cut(&killed.path(), length / 2);
    let with_log = Claim::for_server(&killed.location).unwrap_err();
    store.close().await;
    cut(&place.path(), fs::metadata(place.path()).unwrap().len() / 2);
    let without_log = Claim::for_server(&place.location).unwrap_err();
    for error in [with_log, without_log] {
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("its end is missing"), "{error}");
    }
}

#[tokio::test]
async fn a_backup_that_was_copied_into_place_is_a_store_that_may_be_killed() {
    let (place, copied, killed) = (TestStore::sqlite(), TestStore::sqlite(), TestStore::sqlite());
    make(&place).await;
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup.db");
    back_up_sqlite(&place.path(), &backup, &|_| ()).unwrap();
    let length = fs::metadata(&backup).unwrap().len();
    for is_claimed in [true, false] {
        fs::remove_file(copied.path()).ok();
        fs::copy(&backup, copied.path()).unwrap();
        // An earlier release left the checksum where it was.
        let claim = is_claimed.then(|| Claim::for_server(&copied.location).unwrap());
        assert_eq!(fs::metadata(copied.path()).unwrap().len() < length, is_claimed);
        let store = copied.open().await;
        write(&store, (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(7)).await })).await;
        fs::copy(copied.path(), killed.path()).unwrap();
        fs::copy(beside(&copied, "-wal"), beside(&killed, "-wal")).unwrap();
        store.close().await;
        drop(claim);
        assert!(Claim::for_server(&killed.location).unwrap().unwrap().warnings.is_empty(), "{is_claimed}");
    }
}

#[tokio::test]
async fn a_log_that_is_not_whole_is_told_at_the_start() {
    let place = TestStore::sqlite();
    let store = place.open().await;
    for number in 1..20 {
        write(&store, (), move |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(number)).await })).await;
    }
    let log = fs::read(beside(&place, "-wal")).unwrap();
    let mut bad_start = log.clone();
    bad_start[0] ^= 1;
    for (bytes, said) in [
        (&log[..], None),
        (&log[..log.len() - 100], Some("ends in the middle of a transaction")),
        (&bad_start[..], Some("damaged at its start")),
    ] {
        let killed = TestStore::sqlite();
        fs::copy(place.path(), killed.path()).unwrap();
        fs::write(beside(&killed, "-wal"), bytes).unwrap();
        let warnings = Claim::for_server(&killed.location).unwrap().unwrap().warnings;
        assert_eq!(warnings.len(), usize::from(said.is_some()), "{warnings:?}");
        assert!(warnings.iter().all(|warning| said.is_some_and(|said| warning.contains(said))), "{warnings:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_and_its_log_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = TestStore::sqlite();
    let store = place.open().await;
    write(&store, (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(1)).await })).await;
    for path in [place.path(), place.path().with_extension("db-wal")] {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
    }
}
