//! The credential generations of users, by which browsers stop being known, on both engines.

use vestibule_domain::identity::OwnedLoginId;
use vestibule_store::{
    Store, credentials,
    users::{self, Endings, LoginState},
};

use crate::test_store::{OTHER, P, at, guest, id, on_both_engines, write};

on_both_engines!(members_have_credential_generations_and_guests_none);

async fn members_have_credential_generations_and_guests_none(store: Store) {
    write(&store, guest(1), |tx, user| Box::pin(users::insert(tx, P, user))).await;
    let row = OwnedLoginId {
        id: id(1),
        user_id: id(1),
        kind: "email".into(),
        value: "a@x.test".into(),
        original: "A@x.test".into(),
        verified_at: None,
        created_at: at(1),
        updated_at: at(1),
    };
    assert!(write(&store, row.clone(), |tx, row| Box::pin(credentials::insert_login_id(tx, P, row))).await);
    let raise = |is_full| {
        write(&store, is_full, |tx, is_full| Box::pin(users::note_sessions_ended(tx, P, id(1), at(3), *is_full)))
    };
    let generation = async || {
        let mut conn = store.read().await.unwrap();
        let found = credentials::find_login_id_and_endings(&mut conn, P, "email", "a@x.test").await.unwrap();
        let (found, endings) = found.unwrap();
        let generation = endings.generation;
        assert_eq!(found, row);
        assert_eq!(users::find_generation(&mut conn, P, id(1)).await.unwrap(), generation);
        assert_eq!(users::find_generation(&mut conn, OTHER, id(1)).await.unwrap(), 0);
        generation
    };
    assert!(raise(false).await);
    assert_eq!(generation().await, 0, "a guest");
    assert!(write(&store, (), |tx, ()| Box::pin(users::take_anonymous_identity(tx, P, id(1), (at(2), true)))).await);
    assert!(raise(true).await);
    assert!(raise(false).await);
    assert_eq!(generation().await, 2);
    let state = write(&store, (), |tx, ()| Box::pin(users::record_login(tx, P, id(1), at(5)))).await;
    assert_eq!(state, Some(LoginState { endings: Endings { generation: 2, full: 1 }, sessions_ended_at: Some(at(3)) }));
    let mut conn = store.read().await.unwrap();
    let endings = users::find_endings(&mut conn, P, id(1)).await.unwrap();
    assert_eq!(endings, Endings { generation: 2, full: 1 });
    assert_eq!(users::find_endings(&mut conn, OTHER, id(1)).await.unwrap(), Endings::default());
    let found = credentials::find_login_id_and_endings(&mut conn, OTHER, "email", "a@x.test").await.unwrap();
    assert_eq!(found, None);
}
