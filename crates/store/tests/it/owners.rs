//! Whose a session or grant is, read without the user where it is an active guest, is what the whole user says.

use vestibule_domain::user::Owner;
use vestibule_store::{Store, StoreError, Tx, grants, sessions, users};

use crate::test_store::{OTHER, P, at, grant, guest, id, on_both_engines, session, write};

on_both_engines!(an_active_guest_is_one_and_nobody_else, after_any_change_both_ways_of_reading_agree);

async fn add(tx: &mut Tx, number: u64) -> Result<(), StoreError> {
    users::insert(tx, P, &guest(number)).await?;
    grants::insert(tx, P, &grant(number, id(number))).await?;
    sessions::insert(tx, P, &session(number, id(number))).await
}

async fn an_active_guest_is_one_and_nobody_else(store: Store) {
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            for number in 1..=6 {
                add(tx, number).await?;
            }
            assert!(users::take_anonymous_identity(tx, P, id(2), (at(3), true)).await?);
            assert!(users::set_disabled(tx, P, id(3), Some(at(3)), at(3)).await?);
            assert!(users::yield_to(tx, P, id(4), id(2), at(3)).await?);
            assert!(users::set_disabled(tx, P, id(2), Some(at(4)), at(4)).await?);
            assert!(users::take_anonymous_identity(tx, P, id(5), (at(3), true)).await?);
            // Another project's rows of the same IDs are guests.
            for number in 1..=6 {
                users::insert(tx, OTHER, &guest(number)).await?;
            }
            grants::insert(tx, OTHER, &grant(3, id(3))).await
        })
    })
    .await;
    let mut conn = store.read().await.unwrap();
    for (number, is_guest, is_anonymous, is_active) in [
        (1, true, true, true),
        (2, false, false, false),
        (3, false, true, false),
        (4, false, true, false),
        (5, false, false, true),
        (6, true, true, true),
    ] {
        let (found, owner) = grants::find_with_owner(&mut conn, P, id(number)).await.unwrap().unwrap();
        assert_eq!(found, grant(number, id(number)));
        assert_eq!(owner == Owner::Guest(id(number)), is_guest, "{number}: {owner:?}");
        assert_eq!((owner.id(), owner.is_anonymous(), owner.is_active()), (id(number), is_anonymous, is_active));
        let (found, same) = sessions::find_with_owner(&mut conn, P, id(number)).await.unwrap().unwrap();
        assert_eq!((found, same), (session(number, id(number)), owner));
    }
    assert_eq!(grants::find_with_owner(&mut conn, OTHER, id(3)).await.unwrap().unwrap().1, Owner::Guest(id(3)));
    assert!(grants::find_with_owner(&mut conn, P, id(7)).await.unwrap().is_none());
    assert!(sessions::find_with_owner(&mut conn, OTHER, id(1)).await.unwrap().is_none());
}

/// Users that are changed.
const USERS: u64 = 6;

async fn change(tx: &mut Tx, (kind, number): (u64, u64), now: i64) -> Result<(), StoreError> {
    let (one, next, now) = (id(number), id((number + 1) % USERS), at(now));
    match kind {
        0 => drop(users::take_anonymous_identity(tx, P, one, (now, true)).await?),
        1 => drop(users::set_disabled(tx, P, one, Some(now), now).await?),
        2 => drop(users::set_disabled(tx, P, one, None, now).await?),
        3 => drop(users::yield_to(tx, P, one, next, now).await?),
        4 => drop(users::release(tx, P, one, next, now).await?),
        5 => drop(users::record_login(tx, P, one, now).await?),
        6 => drop(users::touch(tx, P, one, now).await?),
        _ => {
            users::delete(tx, P, one).await?;
            // Whoever comes with the same number is a guest again.
            users::insert(tx, P, &guest(number)).await?;
            grants::insert(tx, P, &grant(number, one)).await?;
            sessions::insert(tx, P, &session(number, one)).await?;
        }
    }
    Ok(())
}

async fn after_any_change_both_ways_of_reading_agree(store: Store) {
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            for number in 0..USERS {
                add(tx, number).await?;
            }
            Ok(())
        })
    })
    .await;
    let (mut seed, mut guests) = (0x5DEE_CE66_D001_u64, 0);
    for step in 0..400 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // A deletion is rarer than the others.
        let (kind, number) = ((seed >> 33) % 22 / 3, (seed >> 45) % USERS);
        write(&store, (kind, number), move |tx, &(kind, number)| Box::pin(change(tx, (kind, number), 10 + step))).await;
        let mut conn = store.read().await.unwrap();
        for number in 0..USERS {
            let (_, user) = grants::find_with_user(&mut conn, P, id(number)).await.unwrap().unwrap();
            let whole = Owner::from(user);
            let (_, of_grant) = grants::find_with_owner(&mut conn, P, id(number)).await.unwrap().unwrap();
            let (_, of_session) = sessions::find_with_owner(&mut conn, P, id(number)).await.unwrap().unwrap();
            assert_eq!(of_grant, whole, "step {step}: {kind} of {number}");
            assert_eq!(of_session, whole, "step {step}: {kind} of {number}");
            guests += u64::from(whole == Owner::Guest(id(number)));
        }
    }
    assert!((400..2_000).contains(&guests), "{guests} of 2400 were guests: the changes are too uniform");
}
