//! The subject ledger, on both engines.

use vestibule_domain::{
    id::UserId,
    subject::{Meaning, Subject},
    user::User,
};
use vestibule_store::{Store, projects, subjects, users};

use crate::test_store::{OTHER, P, at, guest, id, on_both_engines, write};

on_both_engines!(
    a_subject_keeps_its_first_meaning,
    an_alias_leads_to_its_user_and_is_listed,
    what_names_a_deleted_user_becomes_a_tombstone,
    a_deleted_guest_that_was_merged_stays_an_alias,
    a_deleted_project_forgets_its_subjects,
    the_newest_aliases_come_first,
);

fn foreign(text: &str) -> Subject {
    Subject::parse(text).unwrap()
}

async fn record(store: &Store, subject: &Subject, meaning: Meaning) -> bool {
    record_at(store, subject, meaning, 1).await
}

async fn record_at(store: &Store, subject: &Subject, meaning: Meaning, seconds: i64) -> bool {
    let input = (subject.clone(), meaning);
    write(store, input, move |tx, (subject, meaning)| Box::pin(subjects::record(tx, P, subject, *meaning, at(seconds))))
        .await
}

async fn find(store: &Store, subject: &Subject) -> Option<Meaning> {
    subjects::find(&mut store.read().await.unwrap(), P, subject).await.unwrap()
}

fn alias(number: u64) -> Meaning {
    Meaning::Alias { of: id(number) }
}

async fn a_subject_keeps_its_first_meaning(store: Store) {
    for subject in [Subject::Id(id(1)), foreign("auth0|1")] {
        assert_eq!(find(&store, &subject).await, None);
        assert!(record(&store, &subject, alias(9)).await);
        for later in [alias(8), Meaning::Tombstone, alias(9)] {
            assert!(!record(&store, &subject, later).await);
        }
        assert_eq!(find(&store, &subject).await, Some(alias(9)));
    }
    let buried = Subject::Id(id(2));
    assert!(record(&store, &buried, Meaning::Tombstone).await);
    assert!(!record(&store, &buried, alias(9)).await);
    assert_eq!(find(&store, &buried).await, Some(Meaning::Tombstone));
    let mut conn = store.read().await.unwrap();
    assert_eq!(subjects::find(&mut conn, OTHER, &buried).await.unwrap(), None);
}

async fn an_alias_leads_to_its_user_and_is_listed(store: Store) {
    for number in [3, 1, 2] {
        record(&store, &Subject::Id(id(number)), alias(9)).await;
    }
    record(&store, &Subject::Id(id(4)), alias(8)).await;
    record(&store, &Subject::Id(id(5)), Meaning::Tombstone).await;
    record(&store, &foreign("old-9"), alias(9)).await;
    let mut conn = store.read().await.unwrap();
    let all: [UserId; 3] = [id(1), id(2), id(3)];
    assert_eq!(subjects::list_aliases(&mut conn, P, id(9), None, 9).await.unwrap(), all);
    assert_eq!(subjects::list_aliases(&mut conn, P, id(9), None, 2).await.unwrap(), all[..2]);
    assert_eq!(subjects::list_aliases(&mut conn, P, id(9), Some(all[0]), 9).await.unwrap(), all[1..]);
    assert_eq!(subjects::list_foreign(&mut conn, P, id(9), None, 9).await.unwrap(), ["old-9"]);
    assert!(subjects::list_foreign(&mut conn, P, id(9), Some("old-9"), 9).await.unwrap().is_empty());
    assert!(subjects::list_foreign(&mut conn, P, id(8), None, 9).await.unwrap().is_empty());
}

async fn merged(store: &Store, guest_number: u64, member: u64) {
    let left = User { yielded_to: Some(id(member)), ..guest(guest_number) };
    write(store, left, |tx, left| Box::pin(users::insert(tx, P, left))).await;
    assert!(record(store, &Subject::Id(id(guest_number)), alias(member)).await);
}

async fn what_names_a_deleted_user_becomes_a_tombstone(store: Store) {
    for number in [8, 9] {
        let member = User::new_member(id(number), at(1));
        write(&store, member, |tx, member| Box::pin(users::insert(tx, P, member))).await;
    }
    merged(&store, 1, 9).await;
    merged(&store, 2, 8).await;
    record(&store, &foreign("old-9"), alias(9)).await;
    assert!(write(&store, (), |tx, ()| Box::pin(users::delete(tx, P, id(9)))).await);
    for subject in [Subject::Id(id(9)), Subject::Id(id(1)), foreign("old-9")] {
        assert_eq!(find(&store, &subject).await, Some(Meaning::Tombstone), "{subject:?}");
    }
    assert_eq!(
        (find(&store, &Subject::Id(id(2))).await, find(&store, &Subject::Id(id(8))).await),
        (Some(alias(8)), None)
    );
    let mut conn = store.read().await.unwrap();
    assert_eq!(users::find(&mut conn, P, id(1)).await.unwrap(), None, "what was left of the guest");
    assert!(users::find(&mut conn, P, id(2)).await.unwrap().is_some());
    assert!(subjects::list_aliases(&mut conn, P, id(9), None, 9).await.unwrap().is_empty());
    drop(conn);
    assert!(!write(&store, (), |tx, ()| Box::pin(users::delete(tx, P, id(7)))).await);
    assert_eq!(find(&store, &Subject::Id(id(7))).await, None, "never given out");
}

async fn a_deleted_guest_that_was_merged_stays_an_alias(store: Store) {
    merged(&store, 1, 9).await;
    assert!(write(&store, (), |tx, ()| Box::pin(users::delete(tx, P, id(1)))).await);
    assert_eq!(find(&store, &Subject::Id(id(1))).await, Some(alias(9)));
}

async fn a_deleted_project_forgets_its_subjects(store: Store) {
    let all = [Subject::Id(id(1)), foreign("old-1")];
    for subject in &all {
        record(&store, subject, alias(9)).await;
    }
    write(&store, (), |tx, ()| Box::pin(projects::delete(tx, P))).await;
    for subject in &all {
        assert_eq!(find(&store, subject).await, None);
    }
}

async fn the_newest_aliases_come_first(store: Store) {
    // The oldest guest was merged last.
    for (number, seconds) in [(1, 30), (2, 10), (3, 20), (4, 20)] {
        record_at(&store, &Subject::Id(id(number)), alias(9), seconds).await;
    }
    record_at(&store, &Subject::Id(id(5)), alias(8), 40).await;
    let mut conn = store.read().await.unwrap();
    let newest = subjects::list_newest_aliases(&mut conn, P, id(9), 3).await.unwrap();
    assert_eq!(newest, [id(1), id(4), id(3)]);
}
