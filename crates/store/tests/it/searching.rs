//! Users are found by the words of their names and the domains of their email addresses, on both engines, whatever wrote them.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use vestibule_domain::{id::UserId, identity::OwnedLoginId, user::User};
use vestibule_store::{Engine, Sql, Store, credentials, erasure, user_names, users};

use crate::test_store::{OTHER, P, at, guest, id, on_both_engines, write};

on_both_engines!(
    a_user_is_found_by_each_word_of_its_name,
    names_follow_every_write,
    an_erased_guest_has_no_name,
    names_of_an_earlier_release_are_made_anew,
    users_in_use_are_not_waited_for_beside_others,
    the_newest_of_a_domain_come_first,
);

fn attributes(name: &str) -> Map<String, Value> {
    json!({ "name": name }).as_object().cloned().unwrap_or_default()
}

fn named(number: u64, name: &str) -> User {
    User { standard_attributes: attributes(name), ..User::new_member(id(number), at(1)) }
}

async fn add(store: &Store, user: User) {
    write(store, user, |tx, user| Box::pin(users::insert(tx, P, user))).await;
}

async fn find(store: &Store, beginning: &str) -> Vec<UserId> {
    let mut conn = store.read().await.unwrap();
    let found = user_names::search_names(&mut conn, P, beginning, 9).await.unwrap();
    assert_eq!(user_names::search_names(&mut conn, OTHER, beginning, 9).await.unwrap(), []);
    found.into_iter().map(|user| user.id).collect()
}

async fn a_user_is_found_by_each_word_of_its_name(store: Store) {
    for (number, name) in [(1, "Kim Anna Doe"), (2, "Kimberly Doe"), (3, "Zoë Ångström"), (4, "山田 太郎")] {
        add(&store, named(number, name)).await;
    }
    for (beginning, expected) in [
        ("kim", vec![2, 1]),
        ("kim ", vec![1]),
        ("kimb", vec![2]),
        ("doe", vec![2, 1]),
        ("doe kimb", vec![2]),
        ("anna d", vec![1]),
        ("kim doe", vec![1]),
        ("angstrom zoe", vec![3]),
        ("太", vec![4]),
        ("im", vec![]),
        ("%", vec![]),
        ("z\u{7f}", vec![]),
    ] {
        let expected: Vec<UserId> = expected.into_iter().map(id).collect();
        assert_eq!(find(&store, beginning).await, expected, "{beginning}");
    }
    let mut conn = store.read().await.unwrap();
    let first = user_names::search_names(&mut conn, P, "kim", 1).await.unwrap();
    assert_eq!(first.len(), 1, "several phrases of one user count once");
}

async fn names_follow_every_write(store: Store) {
    add(&store, named(1, "Kim Doe")).await;
    add(&store, named(2, "Kim Lee")).await;
    let rename = |name: &'static str| {
        write(&store, name, |tx, name| {
            Box::pin(async move { users::set_attributes(tx, P, id(1), &attributes(name), &Map::new(), at(2)).await })
        })
    };
    assert!(rename("Robin Roe").await);
    assert_eq!(find(&store, "kim").await, [id(2)]);
    assert_eq!(find(&store, "roe").await, [id(1)]);
    assert!(rename("").await);
    assert_eq!(find(&store, "ro").await, []);
    let nobody = write(&store, (), |tx, ()| {
        Box::pin(async move { users::set_attributes(tx, P, id(9), &attributes("Nobody"), &Map::new(), at(2)).await })
    });
    assert!(!nobody.await);
    assert_eq!(find(&store, "nobody").await, []);
    assert!(write(&store, (), |tx, ()| Box::pin(users::delete(tx, P, id(2)))).await);
    assert_eq!(find(&store, "kim").await, []);
}

async fn an_erased_guest_has_no_name(store: Store) {
    for (number, name) in [(1, "Kim Doe"), (2, "Kim Lee")] {
        add(&store, User { standard_attributes: attributes(name), ..guest(number) }).await;
    }
    let erased = write(&store, (), |tx, ()| Box::pin(async move { erasure::erase(tx, P, &[id(1)], at(9)).await }));
    assert_eq!(erased.await, 1);
    assert_eq!(find(&store, "kim").await, [id(2)]);
    const COUNT: Sql = Sql::new("SELECT COUNT(*) FROM user_names WHERE project_no = $1 AND user_id = $2");
    let mut conn = store.read().await.unwrap();
    let left: Vec<i64> =
        conn.query_all(&COUNT, &[&P.0, &id::<()>(1).as_bytes().as_slice()], |row| row.get(0)).await.unwrap();
    assert_eq!(left, [0]);
}

async fn names_of_an_earlier_release_are_made_anew(store: Store) {
    const FORGET: Sql = Sql::new("UPDATE user_names SET phrase = 'old ' || phrase WHERE project_no = $1");
    add(&store, named(1, "Kim Doe")).await;
    add(&store, guest(2)).await;
    add(&store, named(3, "Kim Lee")).await;
    write(&store, (), |tx, ()| Box::pin(tx.execute(&FORGET, &[&P.0]))).await;
    assert_eq!(find(&store, "kim").await, []);
    let (first, last) = (UserId::from_bytes([0; 16]), UserId::from_bytes([u8::MAX; 16]));
    let mut conn = store.read().await.unwrap();
    assert_eq!(user_names::list_with_attributes(&mut conn, P, first, last).await.unwrap(), [id(1), id(3)]);
    assert_eq!(user_names::list_with_attributes(&mut conn, P, id(1), id(3)).await.unwrap(), [id(3)]);
    assert_eq!(user_names::list_with_attributes(&mut conn, P, first, id(2)).await.unwrap(), [id(1)]);
    drop(conn);
    for _ in 0..2 {
        write(&store, [1, 2, 3, 9].map(id), |tx, ids| Box::pin(user_names::renew_free(tx, P, ids))).await;
        assert_eq!(find(&store, "kim").await, [id(3), id(1)]);
        assert_eq!(find(&store, "old").await, []);
    }
}

async fn users_in_use_are_not_waited_for_beside_others(store: Store) {
    add(&store, named(1, "Kim Doe")).await;
    add(&store, guest(2)).await;
    add(&store, named(3, "Kim Lee")).await;
    let left = write(&store, [1, 2, 3, 9].map(id), |tx, ids| Box::pin(user_names::renew_free(tx, P, ids))).await;
    assert_eq!(left, [id(2), id(9)], "without attributes, and gone");
    if store.engine() == Engine::Sqlite {
        return;
    }
    // A merge has locked the member, whose ID is the higher one, and wants the guest.
    let (held, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let signals = (Arc::clone(&held), Arc::clone(&goes_on));
    let merge = tokio::spawn({
        let store = store.clone();
        async move {
            write(&store, signals, |tx, (held, goes_on)| {
                Box::pin(async move {
                    users::lock(tx, P, id(3)).await?;
                    held.notify_one();
                    goes_on.notified().await;
                    users::lock(tx, P, id(1)).await
                })
            })
            .await
        }
    });
    held.notified().await;
    let left = write(&store, goes_on, |tx, goes_on| {
        Box::pin(async move {
            let left = user_names::renew_free(tx, P, &[id(1), id(3)]).await?;
            // It waits for what this transaction has, which waits for nothing.
            goes_on.notify_one();
            Ok(left)
        })
    })
    .await;
    assert_eq!(left, [id(3)]);
    assert!(merge.await.unwrap());
    write(&store, id(3), |tx, id| Box::pin(user_names::renew(tx, P, *id))).await;
    assert_eq!(store.stats().retries, 0, "nobody had to begin again");
    assert_eq!(find(&store, "kim").await, [id(3), id(1)]);
}

async fn the_newest_of_a_domain_come_first(store: Store) {
    for (number, kind, value) in [
        (1, "email", "kim@shop.example"),
        (2, "email", "lee@shop.example"),
        (3, "email", "ann@shop.example.org"),
        (4, "email", "bob@shopping.example"),
        (5, "username", "shop.example"),
        (6, "email", "eve@other.example"),
    ] {
        add(&store, User::new_member(id(number), at(1))).await;
        let row = OwnedLoginId {
            id: id(number),
            user_id: id(number),
            kind: kind.into(),
            value: value.into(),
            original: value.into(),
            verified_at: None,
            created_at: at(1),
            updated_at: at(1),
        };
        write(&store, row, |tx, row| Box::pin(credentials::insert_login_id(tx, P, row))).await;
    }
    let mut conn = store.read().await.unwrap();
    for (domain, limit, expected) in [
        ("shop.example", 9, vec![2, 1, 3]),
        ("shop.example", 2, vec![2, 1]),
        ("shop.example", 1, vec![2]),
        ("shop", 9, vec![4, 3, 2, 1]),
        ("example", 9, vec![]),
        ("kim@shop.example", 9, vec![]),
    ] {
        let found = user_names::search_domains(&mut conn, P, domain, limit).await.unwrap();
        let found: Vec<UserId> = found.into_iter().map(|user| user.id).collect();
        assert_eq!(found, expected.into_iter().map(id).collect::<Vec<UserId>>(), "{domain}");
        assert_eq!(user_names::search_domains(&mut conn, OTHER, domain, limit).await.unwrap(), []);
    }
}
