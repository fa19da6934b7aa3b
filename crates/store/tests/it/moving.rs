//! Backup, restore and the migration from SQLite to PostgreSQL: the copy has all acknowledged writes, and nothing else.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tempfile::TempDir;
use vestibule_domain::id::UserId;
use vestibule_store::{
    BackupStep, Location, Store, StoreError, TransferStep, back_up_sqlite, check_backup, grants, outbox,
    restore_sqlite, transfer_to_postgres, user_lists, users,
};

use crate::test_store::{P, TestStore, at, grant, guest, write};

async fn sign_up(store: &Store, number: u64) -> UserId {
    let user = guest(number);
    let id = user.id;
    write(store, (user, grant(number, id)), |tx, (user, grant)| {
        Box::pin(async move {
            users::insert(tx, P, user).await?;
            grants::insert(tx, P, grant).await
        })
    })
    .await;
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_holds_whole_transactions_only() {
    let place = TestStore::sqlite();
    let store = place.open().await;
    for number in 0..50 {
        sign_up(&store, number).await;
    }
    let (stop, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(50)));
    let writer = tokio::spawn({
        let (store, stop, next) = (store.clone(), Arc::clone(&stop), Arc::clone(&next));
        async move {
            while !stop.load(Ordering::Relaxed) {
                sign_up(&store, next.fetch_add(1, Ordering::Relaxed)).await;
            }
        }
    });
    let folder = TempDir::new().unwrap();
    let (from, to) = (place.path(), folder.path().join("copy.db"));
    let summary = tokio::task::spawn_blocking({
        let to = to.clone();
        move || back_up_sqlite(&from, &to, &|_| ())
    });
    let summary = summary.await.unwrap().unwrap();
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    assert!(summary.bytes > 0 && summary.schema >= 1);
    let copy = Store::open(&Location::Sqlite { path: to }).await.unwrap();
    let mut conn = copy.read().await.unwrap();
    let all = user_lists::list_newest(&mut conn, P, None, 1_000_000).await.unwrap();
    assert!(all.len() >= 50, "{} users", all.len());
    for user in all {
        assert_eq!(grants::list(&mut conn, P, user.id).await.unwrap().len(), 1, "a user without its grant");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_brings_back_the_moment_of_the_backup_and_keeps_what_was_there() {
    let place = TestStore::sqlite();
    let store = place.open().await;
    let before = sign_up(&store, 1).await;
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy.db");
    back_up_sqlite(&place.path(), &copy, &|_| ()).unwrap();
    let after = sign_up(&store, 2).await;

    let refused = restore_sqlite(&copy, &place.path(), &|_| ());
    assert!(matches!(refused, Err(StoreError::Locked { .. } | StoreError::Busy(_))), "in use: {refused:?}");
    store.close().await;
    drop(store);
    restore_sqlite(&copy, &place.path(), &|_| ()).unwrap();

    let store = place.open().await;
    let mut conn = store.read().await.unwrap();
    assert!(users::find(&mut conn, P, before).await.unwrap().is_some());
    assert!(users::find(&mut conn, P, after).await.unwrap().is_none());
    let kept = Location::Sqlite { path: format!("{}.before-restore", place.path().display()).into() };
    let kept = Store::open(&kept).await.unwrap();
    assert!(users::find(&mut kept.read().await.unwrap(), P, after).await.unwrap().is_some());
}

#[tokio::test]
async fn a_backup_says_how_far_it_is() {
    let place = TestStore::sqlite();
    let store = place.open().await;
    sign_up(&store, 1).await;
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy.db");
    let steps = Mutex::new(Vec::new());
    let summary = back_up_sqlite(&place.path(), &copy, &|step| steps.lock().unwrap().push(step)).unwrap();
    let steps = steps.into_inner().unwrap();
    let sealed = fs::metadata(&copy).unwrap().len();
    let copied = steps.iter().rfind(|step| matches!(step, BackupStep::Copying { .. }));
    assert!(
        matches!(copied, Some(BackupStep::Copying { done, total }) if done == total && *total < sealed),
        "{steps:?}"
    );
    let hashed = steps.iter().rfind(|step| matches!(step, BackupStep::Hashing { .. }));
    assert!(matches!(hashed, Some(BackupStep::Hashing { done, total }) if done == total), "{steps:?}");
    assert_eq!((steps.last(), summary.bytes), (Some(&BackupStep::Checking), sealed));
    store.close().await;
}

/// A backup with its checksum.
async fn make_backup(folder: &TempDir) -> PathBuf {
    let place = TestStore::sqlite();
    let store = place.open().await;
    sign_up(&store, 1).await;
    let copy = folder.path().join("copy.db");
    back_up_sqlite(&place.path(), &copy, &|_| ()).unwrap();
    store.close().await;
    copy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_proves_itself_and_a_damaged_one_is_named() {
    let folder = TempDir::new().unwrap();
    let copy = make_backup(&folder).await;
    let summary = check_backup(&copy, &|_| ()).unwrap();
    assert!(summary.has_checksum && summary.is_known_schema);
    let whole = fs::read(&copy).unwrap();
    let pages = whole.len() / 4_096 * 4_096;
    assert!(whole.len() > pages, "the checksum is behind the pages");
    let (bad, to) = (folder.path().join("bad.db"), folder.path().join("to.db"));
    let mut flipped = whole.clone();
    // In the free middle of a page, which no check of SQLite looks at.
    flipped[pages - 2_048] ^= 1;
    for (bytes, said) in [
        (&flipped[..], "does not match its checksum"),
        (&whole[..whole.len() - 1], "checksum, the last line, was cut off"),
        (&whole[..pages - 1], "it was cut off"),
        (&whole[..4_096], "it was cut off"),
        (&[&whole[..], b"more"].concat(), "checksum, the last line"),
    ] {
        fs::write(&bad, bytes).unwrap();
        for error in [check_backup(&bad, &|_| ()).unwrap_err(), restore_sqlite(&bad, &to, &|_| ()).unwrap_err()] {
            assert!(matches!(error, StoreError::Damaged { .. }) && error.to_string().contains(said), "{said}: {error}");
        }
        assert!(!to.exists());
    }
    // As earlier releases made them.
    fs::write(&bad, &whole[..pages]).unwrap();
    assert!(!restore_sqlite(&bad, &to, &|_| ()).unwrap().has_checksum);
    let missing = check_backup(&folder.path().join("nothing.db"), &|_| ()).unwrap_err();
    assert!(matches!(missing, StoreError::Missing { .. }), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_replaces_a_store_behind_a_link_and_keeps_the_link() {
    let (folder, place) = (TempDir::new().unwrap(), TestStore::sqlite());
    let copy = make_backup(&folder).await;
    place.open().await.close().await;
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(place.path(), &link).unwrap();
    for _ in 0..2 {
        restore_sqlite(&copy, &link, &|_| ()).unwrap();
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(users::find(&mut place.open().await.read().await.unwrap(), P, guest(1).id).await.unwrap().is_some());
}

#[test]
fn a_file_that_is_no_store_is_neither_backed_up_nor_restored() {
    let folder = TempDir::new().unwrap();
    let (strange, to) = (folder.path().join("strange.db"), folder.path().join("to.db"));
    fs::write(&strange, "not a database, but long enough to be looked at as one, says its first page".repeat(20))
        .unwrap();
    for outcome in [back_up_sqlite(&strange, &to, &|_| ()), restore_sqlite(&strange, &to, &|_| ())] {
        assert!(matches!(outcome, Err(StoreError::NotADatabase { .. })), "{outcome:?}");
    }
    assert!(!to.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_store_moved_to_postgres_is_equal_and_goes_on_counting() {
    let from = TestStore::sqlite();
    let store = from.open().await;
    for number in 0..120 {
        sign_up(&store, number).await;
    }
    let strange = "tab\t newline\n backslash \\ \\N nul-less ünïcödé 🎉";
    for _ in 0..3 {
        write(&store, (), move |tx, ()| Box::pin(outbox::push(tx, P, "mail", None, strange, at(5)))).await;
    }
    store.close().await;
    let to = TestStore::postgres().await;
    let Location::Postgres { url, .. } = &to.location else { panic!("not PostgreSQL") };
    let (mut counted, mut compared, mut verified) = (None, 0, 0);
    transfer_to_postgres(&from.path(), url, |step| match step {
        TransferStep::Counted { rows } => counted = Some(rows),
        TransferStep::Verified { rows, .. } => (compared, verified) = (compared + rows, verified + 1),
        TransferStep::Resumed { .. } | TransferStep::Copied { .. } => {}
    })
    .await
    .unwrap();
    assert!(verified >= 10, "{verified} tables");
    assert_eq!(counted, Some(compared), "what was announced was copied");
    let store = to.open().await;
    let moved = user_lists::list_newest(&mut store.read().await.unwrap(), P, None, 1_000).await.unwrap();
    assert_eq!(moved.len(), 120);
    write(&store, (), |tx, ()| Box::pin(outbox::push(tx, P, "mail", None, "next", at(5)))).await;
    let due = outbox::due_any_project(&mut store.read().await.unwrap(), "mail", at(5), 10).await.unwrap();
    assert_eq!(due.iter().map(|row| row.payload.as_str()).collect::<Vec<_>>(), [strange, strange, strange, "next"]);
    assert_eq!(due.iter().map(|row| row.id).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn an_interrupted_move_goes_on_and_a_full_target_is_refused() {
    let from = TestStore::sqlite();
    let store = from.open().await;
    let many: Vec<u64> = (0..6_000).collect();
    write(&store, many, |tx, many| {
        Box::pin(async move {
            for number in many {
                users::insert(tx, P, &guest(*number)).await?;
            }
            Ok(())
        })
    })
    .await;
    store.close().await;
    let to = TestStore::postgres().await;
    let Location::Postgres { url, .. } = &to.location else { panic!("not PostgreSQL") };
    // The process dies after the first batch of users.
    let interrupted = std::thread::spawn({
        let (from, url) = (from.path(), url.clone());
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(transfer_to_postgres(&from, &url, |step| match step {
                TransferStep::Copied { table, .. } => assert_ne!(table, "users", "interrupted on purpose"),
                TransferStep::Counted { .. } | TransferStep::Resumed { .. } | TransferStep::Verified { .. } => {}
            }))
        }
    });
    interrupted.join().unwrap_err();
    let half = Store::open(&to.location).await;
    assert!(matches!(half, Err(StoreError::UnfinishedMove)), "a server serves half a store");
    let (mut copied, mut resumed) = (Vec::new(), Vec::new());
    let path = from.path();
    let moved = transfer_to_postgres(&path, url, |step| match step {
        TransferStep::Copied { table, rows } if table == "users" => copied.push(rows),
        TransferStep::Resumed { table, rows } if table == "users" => resumed.push(rows),
        TransferStep::Copied { .. }
        | TransferStep::Resumed { .. }
        | TransferStep::Counted { .. }
        | TransferStep::Verified { .. } => {}
    });
    moved.await.unwrap();
    assert_eq!(resumed, [5_000]);
    assert_eq!(copied, [6_000], "only what was missing is copied");
    let again = transfer_to_postgres(&from.path(), url, |_| ()).await;
    assert!(again.unwrap_err().to_string().contains("not empty"));
}
