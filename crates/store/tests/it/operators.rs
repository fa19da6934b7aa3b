//! Operators, their roles, sessions and links, on both engines.

use vestibule_domain::{
    id::{EventId, IdentityId, OperatorId},
    operator::{Assignment, EVERY_PROJECT, LinkMaker, LinkPurpose, Operator, OperatorEvent, OperatorLink, Role},
};
use vestibule_store::{
    Store, operator_events, operator_links,
    operator_passkeys::{OperatorPasskey, Operators},
    operator_sessions, operators,
    passkeys::{self, PasskeyUse},
    projects,
};

use crate::test_store::{OTHER, P, at, hash, on_both_engines, write};

on_both_engines!(
    an_address_belongs_to_one_operator,
    a_role_counts_where_it_was_given,
    a_link_is_taken_once,
    sessions_end_alone_and_together,
    passkeys_are_counted_up_and_go_with_their_operator,
    what_operators_did_is_read_by_page_and_forgotten_by_age,
    equal_actions_of_an_operator_are_counted_in_one_row,
);

fn operator(number: u8, email: &str) -> Operator {
    Operator {
        id: OperatorId::from_bytes([number; 16]),
        email: email.into(),
        name: "Kim".into(),
        password_hash: Some("$argon2id$".into()),
        created_at: at(1),
        email_proved_at: None,
        credential_generation: 0,
    }
}

async fn add(store: &Store, operator: Operator) -> bool {
    write(store, operator, |tx, operator| Box::pin(operators::insert(tx, operator))).await
}

async fn an_address_belongs_to_one_operator(store: Store) {
    assert!(!operators::exists(&mut store.read().await.unwrap()).await.unwrap());
    let kim = operator(1, "kim@shop.example");
    assert!(add(&store, kim.clone()).await);
    assert!(!add(&store, operator(2, "kim@shop.example")).await);
    let mut conn = store.read().await.unwrap();
    assert!(operators::exists(&mut conn).await.unwrap());
    assert_eq!(operators::find_by_email(&mut conn, "kim@shop.example").await.unwrap(), Some(kim.clone()));
    assert_eq!(operators::find(&mut conn, kim.id).await.unwrap(), Some(kim));
    assert_eq!(operators::find_by_email(&mut conn, "lee@shop.example").await.unwrap(), None);
    drop(conn);
    // Its first proof decides whose account it is.
    let claimed = Operator { name: "The real Kim".into(), password_hash: None, ..operator(1, "kim@shop.example") };
    let claim = || write(&store, claimed.clone(), |tx, claimed| Box::pin(operators::claim(tx, claimed, at(5))));
    assert!(claim().await && !claim().await);
    let found = operators::find(&mut store.read().await.unwrap(), claimed.id).await.unwrap();
    assert_eq!(found, Some(Operator { email_proved_at: Some(at(5)), ..claimed.clone() }));
    assert!(write(&store, claimed.id, |tx, id| Box::pin(operators::set_email_proved(tx, *id, None))).await);
    assert!(claim().await);
}

async fn a_role_counts_where_it_was_given(store: Store) {
    let (kim, lee) = (operator(1, "kim@shop.example"), operator(2, "lee@shop.example"));
    for one in [kim.clone(), lee.clone()] {
        assert!(add(&store, one).await);
    }
    let give = |id, project, role| {
        write(&store, (id, Assignment { project, role }), |tx, (id, assignment)| {
            Box::pin(operators::set_role(tx, *id, *assignment))
        })
    };
    give(kim.id, EVERY_PROJECT, Role::Owner).await;
    give(lee.id, P, Role::Viewer).await;
    give(lee.id, P, Role::Editor).await;
    let mut conn = store.read().await.unwrap();
    let here = operators::list_of_project(&mut conn, P).await.unwrap();
    let here: Vec<_> = here.into_iter().map(|(operator, assignment)| (operator.email, assignment.role)).collect();
    assert_eq!(here, [("kim@shop.example".into(), Role::Owner), ("lee@shop.example".into(), Role::Editor)]);
    assert_eq!(operators::list_of_project(&mut conn, OTHER).await.unwrap().len(), 1);
    assert_eq!(operators::list(&mut conn).await.unwrap().len(), 2);
    assert_eq!(operators::count_owners_of_all(&mut conn).await.unwrap(), 1);
    drop(conn);
    // Deleting a project removes the roles in it.
    write(&store, (), |tx, ()| Box::pin(projects::delete(tx, P))).await;
    let mut conn = store.read().await.unwrap();
    assert_eq!(operators::roles_of(&mut conn, lee.id).await.unwrap(), []);
    assert_eq!(operators::roles_of(&mut conn, kim.id).await.unwrap().len(), 1);
    drop(conn);
    assert!(write(&store, kim.id, |tx, id| Box::pin(operators::remove(tx, *id))).await);
    assert_eq!(operators::roles_of(&mut store.read().await.unwrap(), kim.id).await.unwrap(), []);
}

async fn a_link_is_taken_once(store: Store) {
    let link = |number: u8, email: &str| OperatorLink {
        token: hash(number),
        purpose: LinkPurpose::Invitation,
        assignment: Assignment { project: P, role: Role::Viewer },
        email: email.into(),
        created_at: at(1),
        expires_at: at(100),
        maker: match number {
            1 => LinkMaker::Operator(OperatorId::from_bytes([7; 16])),
            2 => LinkMaker::CommandLine,
            _ => LinkMaker::Unknown,
        },
        is_mailed: number == 1,
    };
    let others = [link(2, "lee@shop.example"), link(3, "lou@shop.example")];
    for one in [link(1, "kim@shop.example")].into_iter().chain(others.clone()) {
        write(&store, one, |tx, one| Box::pin(operator_links::insert(tx, one))).await;
    }
    let mut conn = store.read().await.unwrap();
    for one in others {
        assert_eq!(operator_links::find(&mut conn, one.token, at(100)).await.unwrap(), Some(one));
    }
    assert_eq!(operator_links::find(&mut conn, hash(1), at(100)).await.unwrap(), Some(link(1, "kim@shop.example")));
    assert_eq!(operator_links::find(&mut conn, hash(1), at(101)).await.unwrap(), None);
    assert_eq!(operator_links::list(&mut conn, P, LinkPurpose::Invitation, at(50)).await.unwrap().len(), 3);
    assert_eq!(operator_links::list(&mut conn, OTHER, LinkPurpose::Invitation, at(50)).await.unwrap().len(), 0);
    drop(conn);
    let take = |now| write(&store, now, |tx, now| Box::pin(operator_links::take(tx, hash(1), *now)));
    assert!(!take(at(101)).await);
    assert!(take(at(100)).await);
    assert!(!take(at(100)).await);
    assert_eq!(write(&store, (), |tx, ()| Box::pin(operator_links::remove_expired(tx, at(101), 9))).await, 2);
}

async fn sessions_end_alone_and_together(store: Store) {
    assert!(add(&store, operator(1, "kim@shop.example")).await);
    let (kim, lee) = (operator(1, "kim@shop.example").id, operator(2, "lee@shop.example").id);
    for (token, id, now) in [(1, kim, 10), (2, kim, 20), (3, kim, 30), (4, lee, 40)] {
        write(&store, (hash(token), id, at(now)), |tx, (token, id, now)| {
            Box::pin(operator_sessions::insert(tx, *token, *id, *now))
        })
        .await;
    }
    assert!(write(&store, (), |tx, ()| Box::pin(operator_sessions::touch(tx, hash(1), at(50)))).await);
    assert!(write(&store, (), |tx, ()| Box::pin(operator_sessions::prove(tx, hash(1), at(60)))).await);
    let found = operator_sessions::find(&mut store.read().await.unwrap(), hash(1)).await.unwrap().unwrap();
    assert_eq!((found.created_at, found.last_access_at, found.proved_at), (at(10), at(50), at(60)));
    assert_eq!(write(&store, (), |tx, ()| Box::pin(operator_sessions::remove_unused(tx, at(25), 9))).await, 1);
    // Ending the others begins the operator's next credential generation.
    let ends = || write(&store, kim, |tx, id| Box::pin(operator_sessions::remove_others(tx, *id, hash(1))));
    assert_eq!((ends().await, ends().await), (1, 2));
    let found = operator_sessions::find(&mut store.read().await.unwrap(), hash(3)).await.unwrap();
    assert_eq!(found, None);
    assert_eq!(write(&store, lee, |tx, id| Box::pin(operator_sessions::remove_of_operator(tx, *id))).await, 0);
    let kim = operators::find(&mut store.read().await.unwrap(), kim).await.unwrap().unwrap();
    assert_eq!(kim.credential_generation, 2);
    assert!(write(&store, (), |tx, ()| Box::pin(operator_sessions::remove(tx, hash(1)))).await);
    let mut conn = store.read().await.unwrap();
    assert_eq!(operator_sessions::find(&mut conn, hash(1)).await.unwrap(), None);
    assert_eq!(operator_sessions::find(&mut conn, hash(4)).await.unwrap(), None);
}

async fn passkeys_are_counted_up_and_go_with_their_operator(store: Store) {
    let kim = Operator { password_hash: None, ..operator(1, "kim@shop.example") };
    assert!(add(&store, kim.clone()).await);
    let passkey = |number: u8| OperatorPasskey {
        credential_id: vec![number; 16],
        id: IdentityId::from_bytes([number; 16]),
        owner: kim.id,
        public_key: vec![7; 70],
        sign_count: 3,
        name: "Blue key".into(),
        created_at: at(2),
        last_used_at: None,
        backup_eligible: None,
    };
    let insert = |row| write(&store, row, |tx, row| Box::pin(passkeys::insert(tx, Operators, row)));
    assert!(insert(passkey(1)).await);
    assert!(!insert(OperatorPasskey { id: IdentityId::from_bytes([9; 16]), ..passkey(1) }).await);
    assert!(insert(passkey(2)).await);
    let record = |sign_count: i64, backup_eligible: bool| {
        let used = PasskeyUse { credential_id: vec![1; 16], sign_count, backup_eligible };
        write(&store, used, |tx, used| Box::pin(passkeys::record_use(tx, Operators, used, at(5))))
    };
    assert!(!record(3, true).await && record(4, true).await && !record(0, true).await);
    // An unknown value is set at the first use, and fixed from then on.
    assert!(!record(5, false).await);
    let used = OperatorPasskey { sign_count: 4, last_used_at: Some(at(5)), backup_eligible: Some(true), ..passkey(1) };
    let list = async || passkeys::list(&mut store.read().await.unwrap(), Operators, kim.id).await.unwrap();
    assert_eq!(list().await, [used.clone(), passkey(2)]);
    let found = passkeys::find(&mut store.read().await.unwrap(), Operators, &[1; 16]).await.unwrap();
    assert_eq!(found, Some(used));
    let rename = |number: u8| {
        write(&store, (kim.id, number, "Red key".to_owned()), |tx, (owner, number, name)| {
            Box::pin(passkeys::rename(tx, Operators, *owner, IdentityId::from_bytes([*number; 16]), name))
        })
    };
    assert!(rename(2).await && !rename(7).await);
    let red = OperatorPasskey { name: "Red key".into(), ..passkey(2) };
    let outsider = OperatorId::from_bytes([8; 16]);
    let remove = |owner: OperatorId| {
        write(&store, owner, |tx, owner| {
            Box::pin(passkeys::remove(tx, Operators, *owner, IdentityId::from_bytes([1; 16])))
        })
    };
    assert!(!remove(outsider).await && remove(kim.id).await);
    assert_eq!(list().await, [red]);
    assert!(write(&store, kim.id, |tx, id| Box::pin(operators::remove(tx, *id))).await);
    assert_eq!(list().await, []);
}

async fn what_operators_did_is_read_by_page_and_forgotten_by_age(store: Store) {
    let (kim, lee) = (OperatorId::from_bytes([1; 16]), OperatorId::from_bytes([2; 16]));
    let event = |second: i64, of: Option<OperatorId>| OperatorEvent {
        id: EventId::from_parts(at(second).as_unix_millis(), [second as u8; 10]),
        operator_id: of,
        email: "kim@shop.example".into(),
        done_by: "lee@shop.example".into(),
        act: "signed_in".into(),
        detail: "password".into(),
        ip: (second % 2 == 0).then(|| "203.0.113.9".into()),
        created_at: at(second),
        times: 1,
    };
    let all = [event(4, Some(kim)), event(3, None), event(2, Some(lee)), event(1, Some(kim))];
    for one in &all {
        write(&store, one.clone(), |tx, one| Box::pin(operator_events::insert(tx, one))).await;
    }
    let list = async |of, before, limit| {
        operator_events::list_page(&mut store.read().await.unwrap(), of, before, limit).await.unwrap()
    };
    assert_eq!(list(None, None, 3).await, all[..3]);
    assert_eq!(list(None, Some(all[2].id), 3).await, all[3..]);
    assert_eq!(list(Some(kim), None, 9).await, [all[0].clone(), all[3].clone()]);
    assert_eq!(list(Some(kim), Some(all[0].id), 9).await, all[3..]);
    assert_eq!(write(&store, at(3), |tx, before| Box::pin(operator_events::remove_old(tx, *before, 1))).await, 1);
    assert_eq!(write(&store, at(3), |tx, before| Box::pin(operator_events::remove_old(tx, *before, 9))).await, 1);
    assert_eq!(list(None, None, 9).await, all[..2]);
}

async fn equal_actions_of_an_operator_are_counted_in_one_row(store: Store) {
    let kim = OperatorId::from_bytes([1; 16]);
    let event = |second: i64, ip: &str| OperatorEvent {
        id: EventId::from_parts(at(second).as_unix_millis(), [second as u8; 10]),
        operator_id: Some(kim),
        email: "kim@shop.example".into(),
        done_by: "kim@shop.example".into(),
        act: "sign_in_failed".into(),
        detail: "password".into(),
        ip: Some(ip.into()),
        created_at: at(second),
        times: 1,
    };
    let (here, there) = ("203.0.113.9", "203.0.113.10");
    let passkey = OperatorEvent { detail: "passkey".into(), ..event(13, here) };
    // The last one is older than the hour its `since` stands for.
    for (one, since) in [
        (event(10, here), 0),
        (event(11, here), 1),
        (event(12, there), 2),
        (passkey.clone(), 3),
        (event(14, here), 4),
        (event(30, here), 20),
    ] {
        write(&store, (one, since), |tx, (one, since)| Box::pin(operator_events::insert_or_count(tx, one, at(*since))))
            .await;
    }
    let rows = operator_events::list_page(&mut store.read().await.unwrap(), None, None, 9).await.unwrap();
    let first = OperatorEvent { times: 3, ..event(10, here) };
    assert_eq!(rows, [event(30, here), passkey, event(12, there), first]);
}
