//! Flows, codes, spent values, the outbox and job cursors, on both engines.

use std::time::Duration;

use vestibule_domain::{limit::Quota, time::Timestamp};
use vestibule_store::{
    Store, clock, codes,
    device_codes::{self, DeviceCodeRow},
    flows::{self, FlowRow},
    job_state,
    outbox::{self, OutboxAttempt},
    spent, tries, users,
};

use crate::test_store::{OTHER, P, at, hash, id, on_both_engines, write};

on_both_engines!(
    a_flow_moves_on_only_from_the_expected_version,
    a_flow_ends_once,
    a_code_is_taken_once,
    a_device_code_is_decided_once_and_taken_once,
    a_value_is_spent_once_and_knows_its_holder,
    what_expired_is_removed_in_batches,
    a_side_effect_is_claimed_by_one_node,
    what_is_due_has_the_order_in_which_it_was_queued,
    the_clock_of_the_database_is_a_time,
    a_failed_side_effect_is_retried_later,
    a_job_finds_what_it_left,
    a_bucket_takes_what_fits_and_drains,
    a_bucket_outlives_a_clock_that_stepped_back,
    of_many_tries_at_once_no_more_than_fit,
);

fn flow(number: u64, expires: i64) -> FlowRow {
    FlowRow { id: id(number), state: "{}".to_owned(), version: 1, created_at: at(1), expires_at: at(expires) }
}

async fn add_flow(store: &Store, row: FlowRow) {
    write(store, row, |tx, row| Box::pin(flows::insert(tx, P, row))).await;
}

async fn a_flow_moves_on_only_from_the_expected_version(store: Store) {
    add_flow(&store, flow(1, 10)).await;
    let update = |version, state: &'static str| {
        write(&store, (version, state), |tx, (version, state)| {
            Box::pin(flows::update(tx, P, id(1), *version, state, at(20)))
        })
    };
    assert!(update(1, "second").await);
    assert!(!update(1, "lost").await);
    let found = flows::find(&mut store.read().await.unwrap(), P, id(1)).await.unwrap().unwrap();
    assert_eq!(found, FlowRow { state: "second".to_owned(), version: 2, ..flow(1, 20) });
}

async fn a_flow_ends_once(store: Store) {
    add_flow(&store, flow(1, 10)).await;
    assert!(write(&store, (), |tx, ()| Box::pin(flows::remove(tx, P, id(1)))).await);
    assert!(!write(&store, (), |tx, ()| Box::pin(flows::remove(tx, P, id(1)))).await);
    assert_eq!(flows::find(&mut store.read().await.unwrap(), P, id(1)).await.unwrap(), None);
}

async fn a_code_is_taken_once(store: Store) {
    write(&store, (), |tx, ()| Box::pin(codes::insert(tx, P, hash(1), "payload", at(9)))).await;
    let found = codes::find(&mut store.read().await.unwrap(), P, hash(1)).await.unwrap();
    assert_eq!(found, Some(("payload".to_owned(), at(9))));
    let racers: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { write(&store, (), |tx, ()| Box::pin(codes::take(tx, P, hash(1)))).await })
        })
        .collect();
    let mut taken = Vec::new();
    for racer in racers {
        taken.extend(racer.await.unwrap());
    }
    assert_eq!(taken, [("payload".to_owned(), at(9))]);
    assert_eq!(codes::find(&mut store.read().await.unwrap(), P, hash(1)).await.unwrap(), None);
}

fn device(number: u8, user_code: &str, expires: i64) -> DeviceCodeRow {
    DeviceCodeRow {
        code_hash: hash(number),
        user_code: user_code.to_owned(),
        client_id: "tv".to_owned(),
        scope: "openid".to_owned(),
        expires_at: at(expires),
        decision: None,
    }
}

async fn add_device(store: &Store, row: DeviceCodeRow) -> bool {
    write(store, row, |tx, row| Box::pin(device_codes::insert(tx, P, row))).await
}

async fn a_device_code_is_decided_once_and_taken_once(store: Store) {
    assert!(add_device(&store, device(1, "BCDFGHJK", 9)).await);
    assert!(!add_device(&store, device(2, "BCDFGHJK", 9)).await, "the user code is in use");
    assert!(add_device(&store, device(3, "KJHGFDCB", 5)).await);
    let find = async || {
        let mut conn = store.read().await.unwrap();
        let by_code = device_codes::find(&mut conn, P, hash(1)).await.unwrap();
        assert_eq!(device_codes::find_by_user_code(&mut conn, P, "BCDFGHJK").await.unwrap(), by_code);
        assert_eq!(device_codes::find(&mut conn, OTHER, hash(1)).await.unwrap(), None, "another project's");
        by_code
    };
    assert_eq!(find().await, Some(device(1, "BCDFGHJK", 9)));
    let take = || write(&store, (), |tx, ()| Box::pin(device_codes::take(tx, P, hash(1))));
    assert!(!take().await, "it is open");
    let decide = |number: u8, now: i64| {
        write(&store, (hash(number), at(now)), |tx, (code, now)| {
            Box::pin(device_codes::decide(tx, P, *code, ("allowed", id(7)), *now))
        })
    };
    assert!(!decide(3, 6).await, "it has expired");
    assert!(decide(1, 9).await && !decide(1, 9).await);
    assert_eq!(find().await.and_then(|row| row.decision).as_deref(), Some("allowed"));
    let racers: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { write(&store, (), |tx, ()| Box::pin(device_codes::take(tx, P, hash(1)))).await })
        })
        .collect();
    let mut taken = 0;
    for racer in racers {
        taken += usize::from(racer.await.unwrap());
    }
    assert_eq!((taken, find().await), (1, None));
    let sweep = |now| write(&store, now, |tx, now| Box::pin(device_codes::remove_expired_any_project(tx, *now, 10)));
    assert_eq!((sweep(at(5)).await, sweep(at(6)).await), (0, 1));
    // The deletion of a user takes what it decided along.
    assert!(add_device(&store, device(1, "BCDFGHJK", 9)).await && decide(1, 9).await);
    write(&store, (), |tx, ()| Box::pin(async move { users::delete(tx, P, id(7)).await.map(drop) })).await;
    assert_eq!(find().await, None);
}

async fn a_value_is_spent_once_and_knows_its_holder(store: Store) {
    let spend = |project, holder: Option<&'static [u8]>| {
        write(&store, (project, holder), |tx, (project, holder)| {
            Box::pin(spent::spend(tx, *project, b"challenge", *holder, at(9)))
        })
    };
    assert!(spend(P, Some(b"guest")).await);
    assert!(!spend(P, None).await);
    assert!(spend(OTHER, None).await);
    let mut conn = store.read().await.unwrap();
    assert_eq!(spent::find(&mut conn, P, b"challenge").await.unwrap(), Some(Some(b"guest".to_vec())));
    assert_eq!(spent::find(&mut conn, OTHER, b"challenge").await.unwrap(), Some(None));
    assert_eq!(spent::find(&mut conn, P, b"another").await.unwrap(), None);
}

async fn what_expired_is_removed_in_batches(store: Store) {
    for number in 1..=5 {
        add_flow(&store, flow(number, if number == 3 { 100 } else { 10 })).await;
    }
    let sweep = |now| write(&store, now, |tx, now| Box::pin(flows::remove_expired_any_project(tx, *now, 3)));
    assert_eq!(sweep(at(10)).await, 0, "the last instant counts");
    assert_eq!(sweep(at(11)).await, 3);
    assert_eq!(sweep(at(11)).await, 1);
    assert_eq!(sweep(at(11)).await, 0);
    assert!(flows::find(&mut store.read().await.unwrap(), P, id(3)).await.unwrap().is_some());
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            codes::insert(tx, P, hash(1), "{}", at(5)).await?;
            spent::spend(tx, P, b"x", None, at(5)).await?;
            assert_eq!(codes::remove_expired_any_project(tx, at(6), 10).await?, 1);
            assert_eq!(spent::remove_expired_any_project(tx, at(6), 10).await?, 1);
            Ok(())
        })
    })
    .await;
}

async fn a_side_effect_is_claimed_by_one_node(store: Store) {
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            outbox::push(tx, P, "mail", Some(id(4)), "first", at(1)).await?;
            outbox::push(tx, P, "mail", None, "second", at(2)).await?;
            outbox::push(tx, P, "event", None, "other kind", at(1)).await
        })
    })
    .await;
    let due = outbox::due_any_project(&mut store.read().await.unwrap(), "mail", at(2), 10).await.unwrap();
    let seen: Vec<_> = due.iter().map(|row| (row.payload.as_str(), row.user_id, row.project)).collect();
    assert_eq!(seen, [("first", Some(id(4)), P), ("second", None, P)]);
    let this = OutboxAttempt::next_of(&due[0]);
    let claim = || write(&store, this, |tx, this| Box::pin(outbox::claim(tx, *this, at(60), None)));
    assert!(claim().await);
    assert!(!claim().await);
    let due = outbox::due_any_project(&mut store.read().await.unwrap(), "mail", at(2), 10).await.unwrap();
    assert_eq!(due.len(), 1, "the claimed one waits");
    assert!(write(&store, this, |tx, this| Box::pin(outbox::remove(tx, this.id))).await);
}

/// Whatever the clocks of the nodes that queued it say.
async fn what_is_due_has_the_order_in_which_it_was_queued(store: Store) {
    for (payload, seconds) in [("first", 90), ("second", 10), ("third", 50)] {
        write(&store, (), move |tx, ()| Box::pin(outbox::push(tx, P, "event", None, payload, at(seconds)))).await;
    }
    let mut conn = store.read().await.unwrap();
    let due = outbox::due(&mut conn, P, "event", at(1), 10).await.unwrap();
    assert_eq!(due.iter().map(|row| row.payload.as_str()).collect::<Vec<_>>(), ["first", "second", "third"]);
    assert_eq!(outbox::due_ids(&mut conn, P, "event", at(1), 10).await.unwrap().len(), 3);
}

async fn the_clock_of_the_database_is_a_time(store: Store) {
    let mut conn = store.read().await.unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let there = clock::now(&mut conn).await.unwrap();
    // Both are of this machine; an hour is for a machine that stands still.
    assert!(there.as_seconds().unsigned_abs().abs_diff(now) < 3_600, "{there} is not {now}");
}

async fn a_failed_side_effect_is_retried_later(store: Store) {
    write(&store, (), |tx, ()| Box::pin(outbox::push(tx, P, "mail", None, "{}", at(1)))).await;
    let due = outbox::due_any_project(&mut store.read().await.unwrap(), "mail", at(1), 10).await.unwrap();
    write(&store, OutboxAttempt::next_of(&due[0]), |tx, this| {
        Box::pin(async move {
            assert!(outbox::claim(tx, *this, at(60), None).await?);
            outbox::fail(tx, *this, at(30), "no route to host").await
        })
    })
    .await;
    let mut conn = store.read().await.unwrap();
    assert!(outbox::due_any_project(&mut conn, "mail", at(29), 10).await.unwrap().is_empty());
    let due = outbox::due_any_project(&mut conn, "mail", at(30), 10).await.unwrap();
    assert_eq!((due.len(), due[0].attempts), (1, 1));
}

async fn a_job_finds_what_it_left(store: Store) {
    let get = || async { job_state::get(&mut store.read().await.unwrap(), "sweep").await.unwrap() };
    assert_eq!(get().await, None);
    write(&store, (), |tx, ()| Box::pin(job_state::set(tx, "sweep", Some(b"here"), at(1)))).await;
    assert_eq!(get().await, Some((Some(b"here".to_vec()), at(1))));
    write(&store, (), |tx, ()| Box::pin(job_state::set(tx, "sweep", None, at(2)))).await;
    assert_eq!(get().await, Some((None, at(2))));
}

/// Adds an attempt to a bucket of three, of which one drains per second.
async fn try_at(store: &Store, seconds: u64) -> bool {
    let now = Timestamp::from_seconds(1_000).plus(Duration::from_secs(seconds));
    write(store, now, |tx, now| {
        Box::pin(tries::add(tx, P, b"bucket", Quota { period: Duration::from_secs(3), burst: 3 }, *now))
    })
    .await
}

async fn a_bucket_takes_what_fits_and_drains(store: Store) {
    let mut reported = Vec::new();
    for seconds in [0, 0, 0, 0, 1, 1, 2, 60, 60, 60, 60] {
        reported.push(try_at(&store, seconds).await);
    }
    let expected = [true, true, true, false, true, false, true, true, true, true, false];
    assert_eq!(reported, expected);
    let full_until = tries::find(&mut store.read().await.unwrap(), P, b"bucket").await.unwrap();
    assert_eq!(full_until, Some(Timestamp::from_seconds(1_063)));
    assert_eq!(tries::find(&mut store.read().await.unwrap(), OTHER, b"bucket").await.unwrap(), None);
}

async fn a_bucket_outlives_a_clock_that_stepped_back(store: Store) {
    for _ in 0..3 {
        assert!(try_at(&store, 600).await);
    }
    // A node whose clock is slightly behind also finds it full.
    assert!(!try_at(&store, 598).await);
    assert!(try_at(&store, 0).await, "room for one");
    assert!(!try_at(&store, 0).await);
    assert!(try_at(&store, 1).await);
}

async fn of_many_tries_at_once_no_more_than_fit(store: Store) {
    let racers: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { try_at(&store, 0).await })
        })
        .collect();
    let mut let_through = 0;
    for racer in racers {
        let_through += u32::from(racer.await.unwrap());
    }
    assert_eq!(let_through, 3);
}
