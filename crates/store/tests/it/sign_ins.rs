//! Sessions and grants, on both engines.

use vestibule_domain::{
    grant::{Grant, PreviousToken},
    id::SessionId,
    session::Session,
};
use vestibule_store::{Store, grants, sessions, users};

use crate::test_store::{OTHER, P, at, grant, guest, hash, id, on_both_engines, session, write};

on_both_engines!(
    a_grant_reads_back_as_it_was_written,
    a_grant_comes_with_its_owner,
    a_use_never_moves_back_in_time,
    of_many_rotations_at_once_one_wins,
    a_rotation_keeps_the_previous_token,
    grants_of_a_session_end_with_it,
    grants_of_an_application_end_but_for_one,
    grants_of_an_application_are_limited_and_leave_their_sessions,
    only_an_active_guest_is_locked,
    what_was_earned_before_all_sessions_ended_locks_no_user,
    grants_of_all_projects_are_scanned_in_key_order,
    a_session_reads_back_with_its_owner,
    a_session_notes_how_its_user_proved_itself,
    sessions_of_all_projects_are_scanned_in_key_order,
);

async fn add(store: &Store, grant: Grant) {
    write(store, grant, |tx, grant| Box::pin(grants::insert(tx, P, grant))).await;
}

async fn find(store: &Store, number: u64) -> Option<Grant> {
    grants::find(&mut store.read().await.unwrap(), P, id(number)).await.unwrap()
}

fn full(number: u64) -> Grant {
    Grant {
        scope: Some("openid offline_access".to_owned()),
        amr: Some("pwd".to_owned()),
        session_id: Some(id(77)),
        dpop_jkt: Some("thumb".to_owned()),
        device: Some("Safari on iPhone".to_owned()),
        previous: Some(PreviousToken { token_hash: hash(9), rotated_at: at(8) }),
        has_revoked_tokens: true,
        ends_at: Some(at(9)),
        ..grant(number, id(1))
    }
}

async fn a_grant_reads_back_as_it_was_written(store: Store) {
    add(&store, full(1)).await;
    add(&store, grant(2, id(1))).await;
    assert_eq!(find(&store, 1).await, Some(full(1)));
    assert_eq!(find(&store, 2).await, Some(grant(2, id(1))));
    assert_eq!(find(&store, 3).await, None);
    let listed = grants::list(&mut store.read().await.unwrap(), P, id(1)).await.unwrap();
    assert_eq!(listed, [full(1), grant(2, id(1))]);
}

async fn grants_of_an_application_are_limited_and_leave_their_sessions(store: Store) {
    add(&store, grant(1, id(1))).await;
    add(&store, Grant { client_id: "other".to_owned(), ..grant(2, id(1)) }).await;
    add(&store, Grant { session_id: Some(id(77)), ..grant(3, id(1)) }).await;
    add(&store, grant(4, id(2))).await;
    let limited = write(&store, (), |tx, ()| Box::pin(grants::limit_of_client(tx, P, id(1), "app", at(9)))).await;
    assert_eq!(limited, 2);
    for (number, ends_at) in [(1, Some(at(9))), (2, None), (3, Some(at(9))), (4, None)] {
        let found = find(&store, number).await.unwrap();
        assert_eq!((found.ends_at, found.session_id), (ends_at, None), "{number}");
    }
    let limited = write(&store, (), |tx, ()| Box::pin(grants::limit_of_client(tx, OTHER, id(1), "app", at(9)))).await;
    assert_eq!(limited, 0, "another project");
}

async fn only_an_active_guest_is_locked(store: Store) {
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            for number in [1, 2] {
                users::insert(tx, P, &guest(number)).await?;
            }
            assert!(users::take_anonymous_identity(tx, P, id(2), (at(3), true)).await?);
            assert!(users::lock_guest(tx, P, id(1)).await?);
            assert!(!users::lock_guest(tx, P, id(2)).await?, "a member");
            assert!(!users::lock_guest(tx, OTHER, id(1)).await?, "another project");
            Ok(())
        })
    })
    .await;
    let found = users::find(&mut store.read().await.unwrap(), P, id(1)).await.unwrap();
    assert_eq!(found, Some(guest(1)), "nothing changed");
}

async fn what_was_earned_before_all_sessions_ended_locks_no_user(store: Store) {
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            users::insert(tx, P, &guest(1)).await?;
            users::insert(tx, P, &guest(2)).await?;
            assert!(users::lock_signed_in_since(tx, P, id(1), at(5)).await?);
            assert!(users::note_sessions_ended(tx, P, id(1), at(5), true).await?);
            assert!(users::note_sessions_ended(tx, P, id(1), at(3), true).await?, "a late one moves nothing back");
            assert!(!users::note_sessions_ended(tx, OTHER, id(1), at(9), true).await?, "another project");
            assert!(!users::lock_signed_in_since(tx, P, id(1), at(4)).await?);
            assert!(users::lock_signed_in_since(tx, P, id(1), at(5)).await?);
            assert!(users::lock_signed_in_since(tx, P, id(2), at(4)).await?, "another user");
            assert!(users::set_disabled(tx, P, id(2), Some(at(6)), at(6)).await?);
            assert!(!users::lock_signed_in_since(tx, P, id(2), at(9)).await?, "a disabled one");
            Ok(())
        })
    })
    .await;
    let mut conn = store.read().await.unwrap();
    assert_eq!(users::find_sessions_ended_at(&mut conn, P, id(1)).await.unwrap(), Some(at(5)));
    assert_eq!(users::find_sessions_ended_at(&mut conn, P, id(2)).await.unwrap(), None);
}

async fn a_grant_comes_with_its_owner(store: Store) {
    write(&store, (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(1)).await })).await;
    add(&store, full(1)).await;
    add(&store, grant(2, id(99))).await;
    let mut conn = store.read().await.unwrap();
    assert_eq!(grants::find_with_user(&mut conn, P, id(1)).await.unwrap(), Some((full(1), guest(1))));
    assert_eq!(grants::find_with_user(&mut conn, P, id(2)).await.unwrap(), None, "its owner is gone");
}

async fn a_use_never_moves_back_in_time(store: Store) {
    add(&store, grant(1, id(1))).await;
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            assert!(grants::touch(tx, P, id(1), Some("Firefox"), at(6)).await?);
            assert!(grants::touch(tx, P, id(1), Some("Opera"), at(5)).await?);
            assert!(grants::touch(tx, P, id(1), None, at(5)).await?, "the name stays");
            assert!(!grants::touch(tx, P, id(2), None, at(6)).await?, "there is no such grant");
            assert!(!grants::record_access(tx, P, id(1), at(5)).await?);
            Ok(())
        })
    })
    .await;
    let found = find(&store, 1).await.unwrap();
    assert_eq!((found.last_access_at, found.device.as_deref()), (at(6), Some("Opera")));
}

async fn of_many_rotations_at_once_one_wins(store: Store) {
    add(&store, grant(1, id(1))).await;
    let racers: Vec<_> = (10..30)
        .map(|new| {
            let store = store.clone();
            tokio::spawn(async move {
                write(&store, new, |tx, new| Box::pin(grants::rotate(tx, P, id(1), hash(1), hash(*new), at(5)))).await
            })
        })
        .collect();
    let mut winners = 0;
    for racer in racers {
        winners += u32::from(racer.await.unwrap());
    }
    assert_eq!(winners, 1);
}

async fn a_rotation_keeps_the_previous_token(store: Store) {
    add(&store, grant(1, id(1))).await;
    assert!(write(&store, (), |tx, ()| Box::pin(grants::rotate(tx, P, id(1), hash(1), hash(2), at(5)))).await);
    assert!(!write(&store, (), |tx, ()| Box::pin(grants::rotate(tx, P, id(1), hash(1), hash(3), at(6)))).await);
    let found = find(&store, 1).await.unwrap();
    assert_eq!(found.token_hash, hash(2));
    assert_eq!(found.previous, Some(PreviousToken { token_hash: hash(1), rotated_at: at(5) }));
}

async fn grants_of_a_session_end_with_it(store: Store) {
    for (number, session) in [(1, Some(id(7))), (2, Some(id(7))), (3, Some(id(8))), (4, None)] {
        add(&store, Grant { session_id: session, ..grant(number, id(1)) }).await;
    }
    let remove =
        |session: SessionId| write(&store, session, |tx, session| Box::pin(grants::remove_of_session(tx, P, *session)));
    assert_eq!(remove(id(7)).await, 2);
    assert_eq!(remove(id(7)).await, 0);
    assert!(find(&store, 3).await.is_some() && find(&store, 4).await.is_some());
    assert!(write(&store, (), |tx, ()| Box::pin(grants::mark_has_revoked_tokens(tx, P, id(3)))).await);
    assert!(find(&store, 3).await.unwrap().has_revoked_tokens);
    assert!(write(&store, (), |tx, ()| Box::pin(grants::remove(tx, P, id(3)))).await);
    assert!(!write(&store, (), |tx, ()| Box::pin(grants::remove(tx, P, id(3)))).await);
    let mut conn = store.read().await.unwrap();
    let left = grants::list(&mut conn, P, id(1)).await.unwrap();
    assert_eq!(left.into_iter().map(|grant| grant.id).collect::<Vec<_>>(), [id(4)]);
}

async fn grants_of_an_application_end_but_for_one(store: Store) {
    for (number, client) in [(1, "app"), (2, "app"), (3, "app"), (4, "web")] {
        add(&store, Grant { client_id: client.to_owned(), ..grant(number, id(1)) }).await;
    }
    add(&store, grant(5, id(2))).await;
    let remove =
        |except| write(&store, except, |tx, except| Box::pin(grants::remove_of_client(tx, P, id(1), "app", *except)));
    assert_eq!(remove(Some(id(2))).await, 2);
    assert!(find(&store, 2).await.is_some());
    assert_eq!(remove(None).await, 1);
    assert!(find(&store, 4).await.is_some() && find(&store, 5).await.is_some());
}

async fn grants_of_all_projects_are_scanned_in_key_order(store: Store) {
    let wanted = [(P, 1), (P, 3), (OTHER, 1), (OTHER, 2)];
    for (project, number) in [wanted[2], wanted[1], wanted[3], wanted[0]] {
        write(&store, (project, number), |tx, (project, number)| {
            Box::pin(async move { grants::insert(tx, *project, &grant(*number, id(1))).await })
        })
        .await;
    }
    let mut conn = store.read().await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = grants::scan_any_project(&mut conn, after, 3).await.unwrap();
        let Some((project, last, _)) = page.last() else { break };
        after = Some((*project, last.id));
        seen.extend(page.into_iter().map(|(project, grant, _)| (project, grant.id)));
    }
    assert_eq!(seen, wanted.map(|(project, number)| (project, id(number))));
}

async fn a_session_reads_back_with_its_owner(store: Store) {
    let wanted = Session { amr: Some("pwd".to_owned()), device: Some("Edge".to_owned()), ..session(1, id(1)) };
    write(&store, wanted.clone(), |tx, session| {
        Box::pin(async move {
            users::insert(tx, P, &guest(1)).await?;
            sessions::insert(tx, P, session).await
        })
    })
    .await;
    let mut conn = store.read().await.unwrap();
    assert_eq!(sessions::find(&mut conn, P, id(1)).await.unwrap(), Some(wanted.clone()));
    assert_eq!(sessions::find(&mut conn, OTHER, id(1)).await.unwrap(), None);
    assert_eq!(sessions::list(&mut conn, P, id(1)).await.unwrap(), std::slice::from_ref(&wanted));
    assert_eq!(sessions::find_with_user(&mut conn, P, id(1)).await.unwrap(), Some((wanted, guest(1))));
    assert!(write(&store, (), |tx, ()| Box::pin(sessions::remove(tx, P, id(1)))).await);
    assert!(!write(&store, (), |tx, ()| Box::pin(sessions::remove(tx, P, id(1)))).await);
}

async fn a_session_notes_how_its_user_proved_itself(store: Store) {
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            sessions::insert(tx, P, &session(1, id(1))).await?;
            sessions::insert(tx, P, &session(2, id(1))).await?;
            assert!(sessions::set_authenticated(tx, P, id(1), at(4), Some("pwd")).await?);
            assert!(sessions::touch(tx, P, id(1), at(6)).await?);
            assert!(!sessions::touch(tx, P, id(1), at(5)).await?);
            Ok(())
        })
    })
    .await;
    let found = sessions::find(&mut store.read().await.unwrap(), P, id(1)).await.unwrap().unwrap();
    assert_eq!(
        (found.authenticated_at, found.amr.as_deref(), found.last_access_at, found.created_at),
        (at(4), Some("pwd"), at(6), at(1)),
    );
    let listed = sessions::list(&mut store.read().await.unwrap(), P, id(1)).await.unwrap();
    assert_eq!(listed.into_iter().map(|session| session.id).collect::<Vec<_>>(), [id(1), id(2)]);
}

async fn sessions_of_all_projects_are_scanned_in_key_order(store: Store) {
    for (project, number) in [(OTHER, 1), (P, 2), (P, 1)] {
        write(&store, (project, number), |tx, (project, number)| {
            Box::pin(async move { sessions::insert(tx, *project, &session(*number, id(1))).await })
        })
        .await;
    }
    let mut conn = store.read().await.unwrap();
    let first = sessions::scan_any_project(&mut conn, None, 2).await.unwrap();
    assert_eq!(first, [(P, session(1, id(1))), (P, session(2, id(1)))]);
    let rest = sessions::scan_any_project(&mut conn, Some((P, id(2))), 2).await.unwrap();
    assert_eq!(rest, [(OTHER, session(1, id(1)))]);
}
