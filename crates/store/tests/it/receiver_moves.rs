//! Where receivers moved to, when settings change often.

use vestibule_domain::{
    project::{ReceiverChanges, ReceiverKind, ReceiverMove},
    time::Timestamp,
};
use vestibule_store::{Store, receiver_moves};

use crate::test_store::{P, at, on_both_engines, write};

on_both_engines!(
    moves_that_follow_each_other_at_once_lead_to_the_last_url,
    a_project_that_moves_its_receivers_very_often_is_no_burden,
);

/// A webhook goes from one URL to another.
fn change(old: &str, new: &str) -> ReceiverChanges {
    let moved = ReceiverMove { kind: ReceiverKind::Webhook, old: old.to_owned(), new: Some(new.to_owned()) };
    ReceiverChanges { moves: vec![moved], added: vec![(ReceiverKind::Webhook, new.to_owned())] }
}

async fn note(store: &Store, changes: Vec<(ReceiverChanges, Timestamp)>) {
    write(store, changes, |tx, changes| {
        Box::pin(async move {
            for (one, now) in changes {
                receiver_moves::note(tx, P, one, *now).await?;
            }
            Ok(())
        })
    })
    .await;
}

/// Where the webhook of a URL leads.
async fn leads_to(store: &Store, url: &str) -> Option<String> {
    let found = receiver_moves::list_of_url(&mut store.read().await.unwrap(), P, url).await.unwrap();
    assert!(found.len() < 2, "{found:?}");
    found.into_iter().next().and_then(|one| one.new)
}

async fn moves_that_follow_each_other_at_once_lead_to_the_last_url(store: Store) {
    note(&store, vec![(change("a", "b"), at(1)), (change("b", "c"), at(1))]).await;
    assert_eq!(leads_to(&store, "a").await.as_deref(), Some("c"));
    assert_eq!(leads_to(&store, "b").await.as_deref(), Some("c"));
    // And back.
    note(&store, vec![(change("c", "a"), at(1))]).await;
    assert_eq!(leads_to(&store, "a").await, None);
    assert_eq!(leads_to(&store, "b").await.as_deref(), Some("a"));
    assert_eq!(leads_to(&store, "c").await.as_deref(), Some("a"));
}

async fn a_project_that_moves_its_receivers_very_often_is_no_burden(store: Store) {
    let many = usize::try_from(receiver_moves::MOST).unwrap();
    let moves = |numbers: std::ops::Range<usize>| ReceiverChanges {
        moves: numbers
            .map(|number| ReceiverMove {
                kind: ReceiverKind::Webhook,
                old: format!("old-{number:05}"),
                new: Some(format!("new-{number:05}")),
            })
            .collect(),
        added: Vec::new(),
    };
    note(&store, vec![(moves(0..many), at(1))]).await;
    // A URL that goes on and on: what led to it goes with it, and is as old as it was.
    note(&store, vec![(change("old-x", "new-00007"), at(1))]).await;
    note(&store, vec![(change("new-00007", "last"), at(2)), (moves(many..many + 5), at(3))]).await;
    assert_eq!(leads_to(&store, "new-00007").await.as_deref(), Some("last"), "the latest are there");
    assert_eq!(leads_to(&store, &format!("old-{:05}", many + 4)).await, Some(format!("new-{:05}", many + 4)));
    assert_eq!(leads_to(&store, "old-00007").await.as_deref(), Some("last"));
    let mut there = 0;
    for number in 0..many {
        there += i64::from(leads_to(&store, &format!("old-{number:05}")).await.is_some());
    }
    assert!(there < receiver_moves::MOST, "the oldest are forgotten: {there}");
    assert!(there >= receiver_moves::MOST - 7, "and no others: {there}");
}
