//! What a node has claimed, and when it is let go of.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;
use vestibule_domain::delivery::DeliveryState;
use vestibule_store::{
    Store,
    deliveries::{self, NewDelivery},
    node_claims, outbox,
};

use crate::test_store::{P, TestStore, at, on_both_engines, write};

on_both_engines!(claims_of_one_node_are_released_and_no_others);

/// Reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(30);

async fn nodes(store: &Store) -> Vec<i64> {
    node_claims::list_nodes_any_project(&mut store.read().await.unwrap()).await.unwrap()
}

async fn claims_of_one_node_are_released_and_no_others(store: Store) {
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            for payload in ["a", "b", "c", "d"] {
                outbox::push(tx, P, "mail", None, payload, at(1)).await?;
            }
            let new = |seq| NewDelivery { seq, user_id: None, url: "x", kind: "user.created", body: "{}" };
            for seq in [1, 2] {
                deliveries::insert(tx, P, &new(seq), at(1)).await?;
            }
            Ok(())
        })
    })
    .await;
    let rows = outbox::due(&mut store.read().await.unwrap(), P, "mail", at(1), 9).await.unwrap();
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let sent =
        deliveries::list_page(&mut store.read().await.unwrap(), P, DeliveryState::Waiting, None, 9).await.unwrap();
    let (last, first) = (sent[0].id, sent[1].id);
    write(&store, ids, move |tx, ids| {
        Box::pin(async move {
            // The third by a node of an earlier release, the fourth after a failed attempt.
            for (id, node) in ids.iter().zip([Some(7), Some(8), None, Some(7)]) {
                assert!(outbox::claim(tx, *id, at(120), 0, node).await?);
            }
            outbox::fail(tx, ids[3], at(50), "no route to host").await?;
            assert!(deliveries::claim(tx, first, at(120), 0, Some(9)).await?);
            assert!(deliveries::claim(tx, last, at(120), 0, Some(7)).await?);
            deliveries::finish(tx, last, DeliveryState::Taken, &[], at(2)).await
        })
    })
    .await;
    assert_eq!(nodes(&store).await, [7, 8, 9]);
    let release = |node: i64| {
        write(&store, node, |tx, node| {
            Box::pin(async move {
                let messages = node_claims::release_outbox_any_project(tx, *node, at(10)).await?;
                Ok((messages, node_claims::release_deliveries_any_project(tx, *node, at(10)).await?))
            })
        })
    };
    assert_eq!(release(7).await, (1, 0), "what failed or was taken is no claim any more");
    assert_eq!(release(7).await, (0, 0));
    assert_eq!(nodes(&store).await, [8, 9]);
    let due = outbox::due(&mut store.read().await.unwrap(), P, "mail", at(10), 9).await.unwrap();
    assert_eq!(due.iter().map(|row| (row.payload.as_str(), row.attempts)).collect::<Vec<_>>(), [("a", 1)]);
    assert_eq!(release(9).await, (0, 1));
    assert_eq!(nodes(&store).await, [8]);
}

#[tokio::test]
async fn a_store_on_sqlite_has_one_node() {
    let place = TestStore::sqlite();
    let store = place.open().await;
    assert_eq!(store.node(), Some(0));
    assert!(!node_claims::has_ended(&mut store.read().await.unwrap(), 0).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_node_on_postgres_has_ended_when_its_session_is_gone() {
    let place = TestStore::postgres().await;
    let (one, two) = (place.open().await, place.open().await);
    assert_eq!(one.node(), None, "it has no session that others could see end");
    for store in [&one, &two] {
        let signal = Arc::new(Notify::new());
        store.listen_for_settings(&signal);
        tokio::time::timeout(PATIENCE, signal.notified()).await.unwrap();
    }
    let (first, second) = (one.node().unwrap(), two.node().unwrap());
    assert_ne!(first, second);
    let has_ended = async |node| node_claims::has_ended(&mut two.read().await.unwrap(), node).await.unwrap();
    assert!(!has_ended(first).await && !has_ended(second).await);
    assert!(!has_ended(first).await, "asking takes no lock that stays");
    one.close().await;
    let ending = async {
        while !has_ended(first).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ending).await.unwrap();
    assert!(!has_ended(second).await);
}
