//! Lists, the event log, deliveries, counters and Admin API keys, on both engines.

use vestibule_domain::{
    delivery::{DeliveryState, DeliveryTry},
    event::LoggedEvent,
    id::{ProjectNo, UserId},
    identity::OwnedLoginId,
    user::User,
};
use vestibule_store::{
    Store,
    admin_keys::{self, NewAnswer},
    counts::{self, DailyCount},
    credentials,
    deliveries::{self, DeliveryClaim, NewDelivery},
    delivery_lanes::{self, Behind, Lane, WaitingHandler},
    events::{self, EventSelection},
    grants,
    retention_holds::{self, HoldRow},
    sessions,
    user_lists::{self, DatedRange, DatedUserList, ListOrder, UserList, UserRange},
    user_search, users,
};

use crate::test_store::{OTHER, P, at, grant, guest, hash, id, on_both_engines, session, write};

on_both_engines!(
    lists_hold_whom_they_name,
    held_users_are_listed_page_by_page,
    a_search_finds_by_the_beginning_of_a_login_id,
    deliveries_of_a_lane_come_one_after_the_other,
    the_event_log_is_read_by_page_user_and_type,
    counts_add_up,
    the_answer_to_a_write_is_kept_once,
);

fn broken() -> DeliveryTry {
    DeliveryTry::new(at(40), 12, Some(500), Some("broken"))
}

async fn add(store: &Store, user: User) -> UserId {
    let id = user.id;
    write(store, user, |tx, user| Box::pin(users::insert(tx, P, user))).await;
    id
}

async fn lists_hold_whom_they_name(store: Store) {
    let dormant = add(&store, guest(1)).await;
    let lively = add(&store, guest(2)).await;
    let member = add(&store, User::new_member(id(3), at(3))).await;
    let promoted = add(&store, User { anonymous_since: None, promoted_at: Some(at(90)), ..guest(4) }).await;
    let disabled = add(&store, User { disabled_at: Some(at(50)), ..User::new_member(id(5), at(5)) }).await;
    let yielded = add(&store, User { yielded_to: Some(member), ..guest(6) }).await;
    let mut seen = grant(7, lively);
    seen.last_access_at = at(80);
    write(&store, seen, |tx, grant| Box::pin(grants::insert(tx, P, grant))).await;

    let login = |user: UserId, seconds: i64| {
        write(&store, (user, seconds), |tx, (user, seconds)| Box::pin(users::record_login(tx, P, *user, at(*seconds))))
    };
    login(member, 70).await;
    login(promoted, 60).await;
    login(lively, 80).await;

    let mut conn = store.read().await.unwrap();
    let (newest, oldest) = (ListOrder::Newest, ListOrder::Oldest);
    let everyone = [yielded, disabled, promoted, member, lively, dormant];
    for (list, expected) in [
        (UserList::All, &everyone[..]),
        (UserList::Guests, &[lively, dormant]),
        (UserList::Members, &[disabled, promoted, member]),
        (UserList::Disabled, &[disabled]),
        (UserList::Dormant(at(60)), &[dormant]),
        (UserList::Marked, &[]),
        (UserList::Held(at(60)), &[]),
    ] {
        for order in [newest, oldest] {
            // Two at a time, so that a page ends between two of them.
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let range = UserRange { order, after, until: None };
                let page = user_lists::list(&mut conn, P, list, &range, 2).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                seen.extend(page.into_iter().map(|user| user.id));
            }
            if order == oldest {
                seen.reverse();
            }
            assert_eq!(seen, expected, "{list:?} {order:?}");
        }
        let whole = UserRange::default();
        let total = i64::try_from(expected.len()).unwrap();
        assert_eq!(user_lists::count(&mut conn, P, list, &whole, 9).await.unwrap(), total, "{list:?}");
        assert_eq!(user_lists::count(&mut conn, P, list, &whole, 1).await.unwrap(), total.min(1), "{list:?}");
        assert_eq!(user_lists::count(&mut conn, OTHER, list, &whole, 9).await.unwrap(), 0, "{list:?}");
    }
    // A range contains its last user, in both directions.
    let ids = |users: Vec<User>| users.into_iter().map(|user| user.id).collect::<Vec<_>>();
    let range = UserRange { order: newest, after: Some(disabled), until: Some(lively) };
    assert_eq!(
        ids(user_lists::list(&mut conn, P, UserList::All, &range, 9).await.unwrap()),
        [promoted, member, lively]
    );
    let range = UserRange { order: oldest, after: Some(dormant), until: Some(member) };
    assert_eq!(ids(user_lists::list(&mut conn, P, UserList::All, &range, 9).await.unwrap()), [lively, member]);
    for (order, after, count, expected) in [
        (newest, None, 0, Some(yielded)),
        (newest, None, 4, Some(lively)),
        (newest, Some(member), 1, Some(dormant)),
        (newest, None, 6, None),
        (oldest, None, 0, Some(dormant)),
        (oldest, Some(member), 1, Some(disabled)),
        (oldest, None, 6, None),
    ] {
        assert_eq!(user_lists::step(&mut conn, P, order, after, count).await.unwrap(), expected);
    }
    assert_eq!(
        ids(user_search::search_ids(&mut conn, P, lively, promoted, 9).await.unwrap()),
        [lively, member, promoted]
    );
    for (list, order, since, after, expected) in [
        (DatedUserList::Promoted, newest, 60, None, vec![promoted]),
        (DatedUserList::Promoted, newest, 60, Some((at(90), promoted)), vec![]),
        (DatedUserList::Promoted, oldest, 91, None, vec![]),
        // Members only, and only those who have signed in.
        (DatedUserList::SignedIn, newest, 0, None, vec![member, promoted]),
        (DatedUserList::SignedIn, oldest, 0, None, vec![promoted, member]),
        (DatedUserList::SignedIn, newest, 0, Some((at(70), member)), vec![promoted]),
        (DatedUserList::SignedIn, oldest, 0, Some((at(60), promoted)), vec![member]),
    ] {
        let found = user_lists::list_dated(&mut conn, P, list, &DatedRange { order, since: at(since), after }, 9)
            .await
            .unwrap();
        assert_eq!(ids(found), expected, "{list:?} {order:?} {since} {after:?}");
    }
    assert_eq!(user_lists::count_dated(&mut conn, P, DatedUserList::SignedIn, at(61), 9).await.unwrap(), 1);
    assert_eq!(user_lists::count_dated(&mut conn, P, DatedUserList::SignedIn, at(0), 1).await.unwrap(), 1);
    assert_eq!(user_lists::count_dated(&mut conn, OTHER, DatedUserList::SignedIn, at(0), 9).await.unwrap(), 0);
    assert!(users::find(&mut conn, P, yielded).await.unwrap().is_some());
}

async fn held_users_are_listed_page_by_page(store: Store) {
    let hold = async |user: UserId, number: u64, until: i64| {
        let hold = HoldRow {
            id: id(number),
            owner: "orders".into(),
            reason: "an open order".into(),
            created_at: at(1),
            expires_at: at(until),
        };
        write(&store, (user, hold), |tx, (user, hold)| Box::pin(retention_holds::insert(tx, P, *user, hold))).await;
    };
    let mut held = Vec::new();
    for number in 1..=5 {
        let user = add(&store, guest(number)).await;
        // Two holds, and one that has expired: a user is listed once.
        hold(user, 10 * number, 50).await;
        hold(user, 10 * number + 1, 60).await;
        hold(user, 10 * number + 2, 5).await;
        held.insert(0, user);
    }
    let member = held[0];
    let merged = add(&store, User { yielded_to: Some(member), ..guest(6) }).await;
    hold(merged, 70, 50).await;
    let expired = add(&store, guest(7)).await;
    hold(expired, 80, 9).await;
    add(&store, guest(8)).await;

    let mut conn = store.read().await.unwrap();
    for order in [ListOrder::Newest, ListOrder::Oldest] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let range = UserRange { order, after, until: None };
            let page = user_lists::list(&mut conn, P, UserList::Held(at(10)), &range, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= 2);
            after = Some(last.id);
            listed.extend(page.into_iter().map(|user| user.id));
        }
        if order == ListOrder::Oldest {
            listed.reverse();
        }
        assert_eq!(listed, held);
    }
    let whole = UserRange::default();
    for (project, now, count) in [(P, 10, 5), (P, 61, 0), (OTHER, 10, 0)] {
        let list = UserList::Held(at(now));
        assert_eq!(user_lists::count(&mut conn, project, list, &whole, 9).await.unwrap(), count);
        assert_eq!(
            user_lists::list(&mut conn, project, list, &whole, 9).await.unwrap().len(),
            usize::try_from(count).unwrap()
        );
    }
}

async fn a_search_finds_by_the_beginning_of_a_login_id(store: Store) {
    for (number, value) in [(1, "kim@shop.example"), (2, "KIM"), (3, "kim%@shop.example"), (4, "käthe@shop.example")] {
        let user = add(&store, User::new_member(id(number), at(1))).await;
        let row = OwnedLoginId {
            id: id(number),
            user_id: user,
            kind: "email".into(),
            value: value.into(),
            original: value.into(),
            verified_at: None,
            created_at: at(1),
            updated_at: at(1),
        };
        write(&store, row, |tx, row| Box::pin(credentials::insert_login_id(tx, P, row))).await;
    }
    let mut conn = store.read().await.unwrap();
    for (beginning, expected) in [("kim", 2), ("kim@", 1), ("kim%", 1), ("k", 3), ("kä", 1), ("_", 0)] {
        let found = user_search::search_login_ids(&mut conn, P, "email", beginning, 9).await.unwrap();
        assert_eq!(found.len(), expected, "{beginning}");
    }
    assert!(user_search::search_login_ids(&mut conn, P, "phone", "kim", 9).await.unwrap().is_empty());
}

async fn deliveries_of_a_lane_come_one_after_the_other(store: Store) {
    let (kim, lee): (UserId, UserId) = (id(1), id(2));
    for (seq, user, url) in [(1, kim, "a"), (2, kim, "a"), (3, lee, "a"), (4, kim, "b")] {
        write(&store, (seq, user, url), |tx, (seq, user, url)| {
            Box::pin(async move {
                let new = NewDelivery { seq: *seq, user_id: Some(*user), url, kind: "user.created", body: "{}" };
                deliveries::insert(tx, P, &new, at(1)).await
            })
        })
        .await;
    }
    // By receiver, and of a receiver by time: what is of different lanes has no order among itself.
    let due = |now| {
        let store = store.clone();
        async move {
            let mut conn = store.read().await.unwrap();
            let mut seqs = Vec::new();
            let start = (ProjectNo(0), "");
            for one in delivery_lanes::waiting_any_project(&mut conn, at(now), start, 9).await.unwrap() {
                for due in delivery_lanes::due(&mut conn, one.project, &one.url, at(now), 9).await.unwrap() {
                    if due.id == due.first {
                        seqs.push(deliveries::find(&mut conn, one.project, due.id).await.unwrap().unwrap().seq);
                    }
                }
            }
            seqs
        }
    };
    assert_eq!(due(1).await, [1, 3, 4]);
    let after = |place: (ProjectNo, &'static str)| {
        let store = store.clone();
        async move {
            let mut conn = store.read().await.unwrap();
            delivery_lanes::waiting_any_project(&mut conn, at(1), place, 1).await.unwrap()
        }
    };
    for (place, next) in
        [((ProjectNo(0), ""), Some("a")), ((P, ""), Some("a")), ((P, "a"), Some("b")), ((P, "b"), None)]
    {
        let waiting = |url: &str| WaitingHandler { project: P, url: url.to_string(), has_moved: false };
        let next: Vec<_> = next.map(waiting).into_iter().collect();
        assert_eq!(after(place).await, next, "after {place:?}");
    }
    let lane = Lane { project: P, url: "a".into(), lane: kim.as_bytes().to_vec() };
    let head = delivery_lanes::next_in_lane(&mut store.read().await.unwrap(), &lane).await.unwrap().unwrap().id;
    let this = DeliveryClaim { id: head, queued_at: at(1), attempts: 0 };
    assert!(write(&store, this, |tx, this| Box::pin(deliveries::claim(tx, *this, at(50), None))).await);
    assert!(!write(&store, this, |tx, this| Box::pin(deliveries::claim(tx, *this, at(50), None))).await);
    assert_eq!(due(40).await, [3, 4], "the second waits for the first");
    write(&store, (this, [broken()]), |tx, (this, tries)| Box::pin(deliveries::postpone(tx, *this, at(60), tries)))
        .await;
    assert_eq!(due(60).await, [3, 1, 4]);
    write(&store, (), |tx, ()| {
        let new = NewDelivery { seq: 5, user_id: Some(id(1)), url: "a", kind: "user.created", body: "{}" };
        Box::pin(async move { deliveries::insert(tx, P, &new, at(2)).await })
    })
    .await;
    let mut conn = store.read().await.unwrap();
    let looked = delivery_lanes::due(&mut conn, P, "a", at(59), 9).await.unwrap();
    let behind: Vec<_> = looked.iter().filter(|one| one.id != one.first).collect();
    assert_eq!(behind.len(), 1, "the fifth came later, and is due with the first");
    assert_eq!((behind[0].first, behind[0].first_due_at, behind[0].first_failed), (head, at(60), true));
    drop(conn);
    let (id, due_until) = (behind[0].id, behind[0].due_at);
    let put = |due_until, due_at| {
        let behind = Behind { ids: (id, id), due_until, due_at };
        write(&store, (lane.clone(), behind), |tx, (lane, behind)| {
            Box::pin(delivery_lanes::put_behind(tx, lane, behind))
        })
    };
    assert_eq!(put(at(0), at(900)).await, 0, "it changed since");
    assert_eq!(put(due_until, at(900)).await, 1);
    let mut conn = store.read().await.unwrap();
    assert_eq!(delivery_lanes::due(&mut conn, P, "a", at(59), 9).await.unwrap().len(), 1, "the third alone");
    drop(conn);
    write(&store, (this, [broken(), broken()]), |tx, (this, tries)| {
        Box::pin(deliveries::finish(tx, *this, DeliveryState::Dead, tries, at(61)))
    })
    .await;
    write(&store, lane.clone(), |tx, lane| Box::pin(delivery_lanes::wake_next(tx, lane, at(61)))).await;
    assert_eq!(due(61).await, [3, 2, 4], "it is the turn of the second, and the fifth waits for it");
    let mut conn = store.read().await.unwrap();
    let dead = deliveries::list_page(&mut conn, P, DeliveryState::Dead, None, 9).await.unwrap();
    assert_eq!((dead[0].id, dead[0].last_error.as_deref(), dead[0].attempts), (head, Some("broken"), 1));
    assert_eq!((dead[0].last_status, dead[0].tries.as_slice()), (Some(500), [broken(), broken()].as_slice()));
    drop(conn);
    assert!(!write(&store, head, |tx, head| Box::pin(deliveries::replay(tx, OTHER, *head, at(70)))).await);
    assert!(write(&store, head, |tx, head| Box::pin(deliveries::replay(tx, P, *head, at(70)))).await);
    assert_eq!(due(70).await, [3, 1, 4]);
    let give_up = |before, limit| {
        write(&store, lane.clone(), move |tx, lane| {
            Box::pin(delivery_lanes::give_up_lane(tx, lane, "old", at(before), limit, at(90)))
        })
    };
    // Queued again at 70, at 1 and at 2.
    for (before, limit, given_up) in [(1, 9, 0), (2, 1, 0), (2, 9, 1), (70, 9, 1), (71, 9, 1), (99, 9, 0)] {
        assert_eq!(give_up(before, limit).await, given_up, "before {before}, at most {limit}");
    }
    assert_eq!(due(99).await, [3, 4]);
}

async fn the_event_log_is_read_by_page_user_and_type(store: Store) {
    let (kim, lee): (UserId, UserId) = (id(1), id(2));
    for (seq, user, kind) in [(1, kim, "a"), (2, lee, "a"), (3, kim, "b")] {
        let row = LoggedEvent {
            seq,
            user_id: Some(user),
            kind: kind.into(),
            client_id: None,
            body: "{}".into(),
            created_at: at(seq),
        };
        assert!(write(&store, row.clone(), |tx, row| Box::pin(events::insert(tx, P, row))).await);
        assert!(!write(&store, row, |tx, row| Box::pin(events::insert(tx, P, row))).await);
    }
    let mut conn = store.read().await.unwrap();
    for (wanted, before, expected) in [
        (EventSelection::All, None, vec![3, 2, 1]),
        (EventSelection::All, Some(3), vec![2, 1]),
        (EventSelection::OfUser(kim, None), None, vec![3, 1]),
        (EventSelection::OfUser(kim, Some("b".into())), None, vec![3]),
        (EventSelection::OfType("a".into()), None, vec![2, 1]),
    ] {
        let page = events::list_page(&mut conn, P, &wanted, &(0..before.unwrap_or(i64::MAX)), 9).await.unwrap();
        assert_eq!(page.iter().map(|event| event.seq).collect::<Vec<_>>(), expected);
    }
    for (from, expected) in [(0, 0), (1, 0), (2, 2), (3, 3), (4, 4)] {
        assert_eq!(events::seek(&mut conn, P, at(from)).await.unwrap(), expected, "events from second {from} on");
    }
    assert_eq!(events::seek(&mut conn, OTHER, at(1)).await.unwrap(), 0, "an empty log");
    let newer = events::follow(&mut conn, P, 1, 9).await.unwrap();
    assert_eq!(newer.iter().map(|event| event.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(events::last(&mut conn, P).await.unwrap(), 3);
    assert_eq!(events::last(&mut conn, OTHER).await.unwrap(), 0);
    drop(conn);
    assert_eq!(write(&store, (), |tx, ()| Box::pin(events::remove_old_any_project(tx, at(3), 9))).await, 2);
}

async fn counts_add_up(store: Store) {
    let count = |client: &str, n| DailyCount { day: 5, client_id: client.into(), name: "created".into(), count: n };
    for one in [count("web", 2), count("web", 3), count("", 1)] {
        write(&store, one, |tx, count| Box::pin(counts::add(tx, P, count))).await;
    }
    let mut conn = store.read().await.unwrap();
    assert_eq!(counts::list(&mut conn, P, 5, 5).await.unwrap(), [count("", 1), count("web", 5)]);
    assert!(counts::list(&mut conn, P, 6, 9).await.unwrap().is_empty());
    drop(conn);
    let kim = add(&store, guest(1)).await;
    write(&store, grant(3, kim), |tx, grant| Box::pin(grants::insert(tx, P, grant))).await;
    add(&store, User::new_member(id(2), at(1))).await;
    let lee = add(&store, guest(3)).await;
    write(&store, session(4, lee), |tx, session| Box::pin(sessions::insert(tx, P, session))).await;
    let mut conn = store.read().await.unwrap();
    let all = counts::list_users_between(&mut conn, P, UserId::from_bytes([0; 16]), id(9), 9).await.unwrap();
    assert_eq!(all, [(kim, Some("app".to_owned()), true), (id(2), None, false), (lee, Some(String::new()), true)]);
}

async fn the_answer_to_a_write_is_kept_once(store: Store) {
    let keep = |request: u8, answer: &'static str, now: i64| {
        write(&store, (request, answer, now), |tx, (request, answer, now)| {
            let new = NewAnswer {
                key: hash(1),
                request: hash(*request),
                status: 201,
                answer,
                now: at(*now),
                expires_at: at(*now + 100),
                lost_before: at(*now - 60),
            };
            Box::pin(async move { admin_keys::keep_answer(tx, P, &new).await })
        })
    };
    let find = async || admin_keys::find_answer(&mut store.read().await.unwrap(), P, hash(1)).await.unwrap().unwrap();
    assert!(keep(2, "first", 100).await);
    assert!(!keep(2, "second", 101).await);
    assert!(!keep(3, "of another request, much later", 1_000).await);
    let row = find().await;
    assert_eq!((row.status, row.answer.as_deref(), row.request_hash), (Some(201), Some("first"), hash(2)));
    let expire =
        |now: i64| write(&store, now, |tx, now| Box::pin(admin_keys::remove_expired_any_project(tx, at(*now), 9)));
    assert_eq!((expire(200).await, expire(202).await), (0, 1));
    assert!(keep(3, "again", 203).await);
}
