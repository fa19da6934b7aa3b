//! The changes of login methods that can be undone, on both engines.

use vestibule_domain::id::{ChangeId, IdentityId};
use vestibule_store::{
    Store, StoreError,
    login_method_changes::{self, LoginMethodChange},
    projects, users,
};

use crate::test_store::{OTHER, P, at, guest, id, on_both_engines, write};

on_both_engines!(
    changes_are_listed_in_their_order_and_removed_from_one_on,
    changes_end_with_their_member_and_their_links
);

fn change(no: i64, before: Option<&str>) -> LoginMethodChange {
    LoginMethodChange {
        no,
        id: ChangeId::from_bytes([9; 16]),
        identity: IdentityId::from_bytes([4; 16]),
        before: before.map(str::to_string),
        expires_at: at(no),
    }
}

async fn add(store: &Store, user: u64, change: LoginMethodChange) {
    write(store, change, move |tx, change| Box::pin(login_method_changes::insert(tx, P, id(user), change))).await;
}

async fn numbers(store: &Store, user: u64) -> Vec<i64> {
    let mut conn = store.read().await.unwrap();
    let all = login_method_changes::list(&mut conn, P, id(user)).await.unwrap();
    assert_eq!(login_method_changes::list(&mut conn, OTHER, id(user)).await.unwrap(), []);
    all.into_iter().map(|change| change.no).collect()
}

async fn changes_are_listed_in_their_order_and_removed_from_one_on(store: Store) {
    // Several have one name: they were made together.
    for change in [change(2, Some("{}")), change(1, None), change(10, None)] {
        add(&store, 1, change).await;
    }
    add(&store, 2, change(1, None)).await;
    let twice = store.write("test", (), |tx, ()| {
        Box::pin(async move { login_method_changes::insert(tx, P, id(1), &change(2, None)).await })
    });
    assert!(matches!(twice.await, Err(StoreError::Conflict { .. })));
    assert_eq!(numbers(&store, 1).await, [1, 2, 10]);
    let mut conn = store.read().await.unwrap();
    let found = login_method_changes::list(&mut conn, P, id(1)).await.unwrap();
    drop(conn);
    assert_eq!(found, [change(1, None), change(2, Some("{}")), change(10, None)]);
    assert_eq!(write(&store, (), |tx, ()| Box::pin(login_method_changes::remove_from(tx, P, id(1), 2))).await, 2);
    assert_eq!((numbers(&store, 1).await, numbers(&store, 2).await), (vec![1], vec![1]));
}

async fn changes_end_with_their_member_and_their_links(store: Store) {
    for user in [1, 2, 3] {
        write(&store, guest(user), |tx, user| Box::pin(users::insert(tx, P, user))).await;
        for no in [3, 5] {
            add(&store, user, change(no, None)).await;
        }
    }
    assert!(write(&store, (), |tx, ()| Box::pin(users::delete(tx, P, id(1)))).await);
    assert_eq!((numbers(&store, 1).await, numbers(&store, 2).await), (vec![], vec![3, 5]));
    let sweep = |limit| {
        write(&store, limit, |tx, limit| Box::pin(login_method_changes::remove_expired_any_project(tx, at(5), *limit)))
    };
    assert_eq!((sweep(1).await, sweep(9).await, sweep(9).await), (1, 1, 0));
    assert_eq!((numbers(&store, 2).await, numbers(&store, 3).await), (vec![5], vec![5]));
    write(&store, (), |tx, ()| Box::pin(projects::delete(tx, P))).await;
    assert_eq!(numbers(&store, 2).await, [0i64; 0]);
}
