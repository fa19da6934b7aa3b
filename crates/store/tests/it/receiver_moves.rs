//! Where receivers moved to, when settings change often.

use vestibule_domain::{
    project::{ReceiverChanges, ReceiverKind, ReceiverMove},
    time::Timestamp,
};
use vestibule_store::{Store, receiver_moves};

use crate::test_store::{P, at, on_both_engines, write};

on_both_engines!(moves_that_follow_each_other_at_once_lead_to_the_last_url);

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
