//! What a node has claimed, and when it is let go of.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;
use vestibule_domain::delivery::{Delivery, DeliveryState};
use vestibule_store::{
    Store,
    deliveries::{self, DeliveryClaim, NewDelivery},
    delivery_lanes::{self, Lane},
    node_claims,
    outbox::{self, OutboxAttempt},
};

use crate::test_store::{P, TestStore, at, on_both_engines, write};

on_both_engines!(
    claims_of_one_node_are_released_and_no_others,
    a_try_that_lost_its_claim_changes_nothing_of_the_next_one,
    a_try_from_before_a_replay_changes_nothing_of_the_one_after_it,
    what_a_node_has_claimed_is_left_to_it,
    a_process_knows_its_own_number,
    an_attempt_that_lost_its_claim_changes_nothing_of_the_next_one,
);

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
    let attempts: Vec<OutboxAttempt> = rows.iter().map(OutboxAttempt::next_of).collect();
    let sent =
        deliveries::list_page(&mut store.read().await.unwrap(), P, DeliveryState::Waiting, None, 9).await.unwrap();
    let (last, first) = (DeliveryClaim::next_of(&sent[0]), DeliveryClaim::next_of(&sent[1]));
    write(&store, attempts, move |tx, attempts| {
        Box::pin(async move {
            // The third by a node of an earlier release, the fourth after a failed attempt.
            for (this, node) in attempts.iter().zip([Some(7), Some(8), None, Some(7)]) {
                assert!(outbox::claim(tx, *this, at(120), node).await?);
            }
            outbox::fail(tx, attempts[3], at(50), "no route to host").await?;
            assert!(deliveries::claim(tx, first, at(120), Some(9)).await?);
            assert!(deliveries::claim(tx, last, at(120), Some(7)).await?);
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

/// Queues deliveries of one lane; returns their first tries.
async fn queue(store: &Store, count: i64) -> Vec<DeliveryClaim> {
    write(store, count, |tx, count| {
        Box::pin(async move {
            for seq in 1..=*count {
                let new = NewDelivery { seq, user_id: None, url: "x", kind: "user.created", body: "{}" };
                deliveries::insert(tx, P, &new, at(1)).await?;
            }
            Ok(())
        })
    })
    .await;
    let mut all = list(store, DeliveryState::Waiting).await;
    all.reverse();
    all.iter().map(DeliveryClaim::next_of).collect()
}

async fn list(store: &Store, state: DeliveryState) -> Vec<Delivery> {
    deliveries::list_page(&mut store.read().await.unwrap(), P, state, None, 9).await.unwrap()
}

async fn claim(store: &Store, this: DeliveryClaim, until: i64, node: i64) -> bool {
    write(store, this, move |tx, this| Box::pin(deliveries::claim(tx, *this, at(until), Some(node)))).await
}

/// Tries to note each result of a try; whether any was noted.
async fn note_any_result(store: &Store, this: DeliveryClaim) -> bool {
    write(store, this, |tx, this| {
        Box::pin(async move {
            Ok(deliveries::postpone(tx, *this, at(90), &[]).await?
                || deliveries::finish(tx, *this, DeliveryState::Dead, &[], at(90)).await?
                || deliveries::finish(tx, *this, DeliveryState::Taken, &[], at(90)).await?)
        })
    })
    .await
}

async fn a_try_that_lost_its_claim_changes_nothing_of_the_next_one(store: Store) {
    let first = queue(&store, 1).await[0];
    assert!(claim(&store, first, 60, 7).await);
    let second = DeliveryClaim { attempts: 1, ..first };
    assert!(claim(&store, second, 120, 8).await, "the claim ran out");
    let before = list(&store, DeliveryState::Waiting).await;
    assert!(!note_any_result(&store, first).await);
    assert_eq!(list(&store, DeliveryState::Waiting).await, before);
    assert_eq!(nodes(&store).await, [8]);
    let is_noted =
        write(&store, second, |tx, this| Box::pin(deliveries::finish(tx, *this, DeliveryState::Taken, &[], at(91))));
    assert!(is_noted.await);
    assert!(!note_any_result(&store, second).await, "it ended");
}

async fn a_try_from_before_a_replay_changes_nothing_of_the_one_after_it(store: Store) {
    let slow = queue(&store, 1).await[0];
    assert!(claim(&store, slow, 60, 7).await);
    let next = DeliveryClaim { attempts: 1, ..slow };
    assert!(claim(&store, next, 120, 8).await);
    write(&store, next, |tx, this| {
        Box::pin(async move {
            deliveries::finish(tx, *this, DeliveryState::Dead, &[], at(70)).await?;
            deliveries::replay(tx, P, this.id, at(80)).await
        })
    })
    .await;
    let again = DeliveryClaim::next_of(&list(&store, DeliveryState::Waiting).await[0]);
    assert_eq!(again, DeliveryClaim { queued_at: at(80), ..slow }, "tries are counted anew");
    assert!(!claim(&store, slow, 150, 7).await, "it was read before the replay");
    assert!(claim(&store, again, 150, 9).await);
    let before = list(&store, DeliveryState::Waiting).await;
    assert!(!note_any_result(&store, slow).await);
    assert_eq!(list(&store, DeliveryState::Waiting).await, before);
    assert!(note_any_result(&store, again).await);
}

async fn a_process_knows_its_own_number(store: Store) {
    assert!(!store.is_this_node(7));
    store.listen_for_settings(&Arc::new(Notify::new()));
    let locked = async {
        loop {
            if let Some(number) = store.node() {
                return number;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let number = tokio::time::timeout(PATIENCE, locked).await.expect("it gets a number");
    assert!(store.is_this_node(number));
    assert!(!store.is_this_node(number + 1));
}

async fn what_a_node_has_claimed_is_left_to_it(store: Store) {
    let tries = queue(&store, 2).await;
    assert!(claim(&store, tries[0], 120, 8).await);
    let lane = Lane { project: P, url: "x".into(), lane: vec![0; 16] };
    write(&store, lane.clone(), |tx, lane| Box::pin(delivery_lanes::wake_next(tx, lane, at(50)))).await;
    let given_up =
        write(&store, lane, |tx, lane| Box::pin(delivery_lanes::give_up_lane(tx, lane, "old", at(50), 9, at(50))));
    assert_eq!(given_up.await, 1, "the second, which nobody has claimed");
    let waiting = list(&store, DeliveryState::Waiting).await;
    assert_eq!(waiting.iter().map(|one| (one.id, one.due_at)).collect::<Vec<_>>(), [(tries[0].id, at(120))]);
    let is_noted =
        write(&store, tries[0], |tx, this| Box::pin(deliveries::finish(tx, *this, DeliveryState::Taken, &[], at(51))));
    assert!(is_noted.await);
}

async fn an_attempt_that_lost_its_claim_changes_nothing_of_the_next_one(store: Store) {
    write(&store, (), |tx, ()| Box::pin(outbox::push(tx, P, "mail", None, "a", at(1)))).await;
    let due = async |seconds| outbox::due(&mut store.read().await.unwrap(), P, "mail", at(seconds), 9).await.unwrap();
    let first = OutboxAttempt::next_of(&due(1).await[0]);
    let claim = |this: OutboxAttempt, until, node| {
        write(&store, this, move |tx, this| Box::pin(outbox::claim(tx, *this, at(until), Some(node))))
    };
    assert!(claim(first, 60, 7).await);
    let second = OutboxAttempt::next_of(&due(60).await[0]);
    assert!(claim(second, 120, 8).await);
    let before = due(120).await;
    let end = |this: OutboxAttempt| {
        write(&store, this, |tx, this| {
            Box::pin(
                async move { Ok((outbox::fail(tx, *this, at(90), "late").await?, outbox::give_up(tx, *this).await?)) },
            )
        })
    };
    assert_eq!(end(first).await, (false, false));
    assert_eq!(due(120).await, before);
    assert_eq!(nodes(&store).await, [8]);
    assert_eq!(end(second).await, (true, true));
    assert_eq!(due(120).await, []);
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
