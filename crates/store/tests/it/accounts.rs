//! Users and their credentials, on both engines.

use serde_json::json;
use vestibule_domain::{
    consent::Consent,
    identity::{ExternalAccount, OwnedLoginId},
    user::User,
};
use vestibule_store::{
    Store, StoreError, consents, credentials,
    device_keys::{self, DeviceKeyRow, SignedIn},
    external_accounts, grants,
    passkeys::{self, PasskeyRow},
    sessions, user_credentials, user_lists, users,
};

use crate::test_store::{OTHER, P, at, grant, guest, id, on_both_engines, session, write};

on_both_engines!(
    a_user_reads_back_as_it_was_written,
    a_user_of_another_project_is_not_found,
    an_id_is_given_to_one_user_only,
    the_anonymous_identity_is_taken_once,
    a_disabled_guest_is_not_promoted,
    of_many_promotions_at_once_one_wins,
    a_guest_yields_once,
    a_guest_that_yielded_is_not_promoted,
    attributes_and_disabling_change_the_user,
    a_deleted_user_leaves_nothing_behind,
    pages_of_users_come_newest_first_and_never_overlap,
    a_login_id_belongs_to_one_user,
    a_login_id_is_verified_once,
    a_new_password_replaces_the_old_one,
    what_a_member_has_is_read_at_once,
    a_device_key_belongs_to_one_user,
    an_account_at_a_provider_belongs_to_one_user,
    a_device_key_comes_with_its_owner,
    a_guest_proves_itself_only_while_it_is_one,
    a_sign_in_with_a_key_is_recorded_to_the_hour,
    a_device_key_remembers_the_promotion,
    a_consent_belongs_to_one_user_and_application,
);

async fn add(store: &Store, user: User) {
    write(store, user, |tx, user| Box::pin(users::insert(tx, P, user))).await;
}

async fn find(store: &Store, number: u64) -> Option<User> {
    users::find(&mut store.read().await.unwrap(), P, id(number)).await.unwrap()
}

async fn a_user_reads_back_as_it_was_written(store: Store) {
    let full = User {
        last_login_at: Some(at(2)),
        promoted_at: Some(at(3)),
        disabled_at: Some(at(4)),
        yielded_to: Some(id(9)),
        standard_attributes: json!({"name": "Zoë ✓", "locale": "de"}).as_object().unwrap().clone(),
        custom_attributes: json!({"level": 3}).as_object().unwrap().clone(),
        ..guest(1)
    };
    let bare = User::new_member(id(2), at(-5));
    add(&store, full.clone()).await;
    add(&store, bare.clone()).await;
    assert_eq!(find(&store, 1).await, Some(full));
    assert_eq!(find(&store, 2).await, Some(bare));
}

async fn a_user_of_another_project_is_not_found(store: Store) {
    add(&store, guest(1)).await;
    assert_eq!(users::find(&mut store.read().await.unwrap(), OTHER, id(1)).await.unwrap(), None);
}

async fn an_id_is_given_to_one_user_only(store: Store) {
    add(&store, guest(1)).await;
    let again = store.write("again", (), |tx, ()| Box::pin(async move { users::insert(tx, P, &guest(1)).await })).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
}

async fn the_anonymous_identity_is_taken_once(store: Store) {
    add(&store, guest(1)).await;
    let take = |now| write(&store, now, |tx, now| Box::pin(users::take_anonymous_identity(tx, P, id(1), (*now, true))));
    assert!(take(at(5)).await);
    assert!(!take(at(6)).await);
    let user = find(&store, 1).await.unwrap();
    assert_eq!((user.anonymous_since, user.promoted_at, user.updated_at), (None, Some(at(5)), at(5)));
    assert_eq!(user.created_at, at(1));
}

async fn a_disabled_guest_is_not_promoted(store: Store) {
    add(&store, User { disabled_at: Some(at(2)), ..guest(1) }).await;
    assert!(!write(&store, (), |tx, ()| Box::pin(users::take_anonymous_identity(tx, P, id(1), (at(5), true)))).await);
    assert!(find(&store, 1).await.unwrap().is_anonymous());
}

async fn of_many_promotions_at_once_one_wins(store: Store) {
    add(&store, guest(1)).await;
    let racers = (0..20).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            write(&store, (), |tx, ()| Box::pin(users::take_anonymous_identity(tx, P, id(1), (at(5), true)))).await
        })
    });
    let mut winners = 0;
    for racer in racers.collect::<Vec<_>>() {
        winners += u32::from(racer.await.unwrap());
    }
    assert_eq!(winners, 1);
}

async fn a_guest_yields_once(store: Store) {
    add(&store, guest(1)).await;
    let give = |member| write(&store, member, |tx, member| Box::pin(users::yield_to(tx, P, id(1), *member, at(5))));
    assert!(give(id(8)).await);
    assert!(!give(id(9)).await);
    let user = find(&store, 1).await.unwrap();
    assert_eq!(user.yielded_to, Some(id(8)));
    assert!(user.is_anonymous() && !user.is_active());
}

async fn a_guest_that_yielded_is_not_promoted(store: Store) {
    add(&store, guest(1)).await;
    assert!(write(&store, (), |tx, ()| Box::pin(users::yield_to(tx, P, id(1), id(8), at(5)))).await);
    assert!(!write(&store, (), |tx, ()| Box::pin(users::take_anonymous_identity(tx, P, id(1), (at(6), true)))).await);
}

async fn attributes_and_disabling_change_the_user(store: Store) {
    add(&store, guest(1)).await;
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            let name = json!({"name": "Ann"}).as_object().cloned().unwrap_or_default();
            assert!(users::set_attributes(tx, P, id(1), &name, &serde_json::Map::new(), at(3)).await?);
            assert!(users::set_disabled(tx, P, id(1), Some(at(4)), at(4)).await?);
            let state = users::record_login(tx, P, id(1), at(5)).await?;
            assert_eq!(state, Some(users::LoginState { endings: users::Endings::default(), sessions_ended_at: None }));
            assert_eq!(users::record_login(tx, P, id(2), at(5)).await?, None);
            assert!(!users::set_disabled(tx, P, id(2), Some(at(4)), at(4)).await?);
            Ok(())
        })
    })
    .await;
    let user = find(&store, 1).await.unwrap();
    assert_eq!(user.standard_attributes["name"], "Ann");
    assert!(user.custom_attributes.is_empty());
    assert_eq!((user.disabled_at, user.last_login_at, user.updated_at), (Some(at(4)), Some(at(5)), at(4)));
    assert!(write(&store, (), |tx, ()| Box::pin(users::set_disabled(tx, P, id(1), None, at(6)))).await);
    assert!(find(&store, 1).await.unwrap().is_active());
}

fn email(number: u64, user: u64, value: &str) -> OwnedLoginId {
    OwnedLoginId {
        id: id(number),
        user_id: id(user),
        kind: "email".to_owned(),
        value: value.to_owned(),
        original: value.to_uppercase(),
        verified_at: None,
        created_at: at(1),
        updated_at: at(1),
    }
}

fn key(number: u64, user: u64, kid: &str) -> DeviceKeyRow {
    DeviceKeyRow {
        kid: kid.to_owned(),
        id: id(number),
        user_id: id(user),
        jwk: "{}".to_owned(),
        created_at: at(1),
        last_used_at: at(1),
        promoted_at: None,
        device: Some("Pixel 9".to_owned()),
    }
}

fn external(number: u64, user: u64, subject: &str) -> ExternalAccount {
    ExternalAccount {
        id: id(number),
        user_id: id(user),
        provider: "google".to_owned(),
        subject: subject.to_owned(),
        profile: serde_json::Map::new(),
        created_at: at(1),
        updated_at: at(1),
    }
}

fn consent(user: u64, client_id: &str, scope: &str) -> Consent {
    Consent::agree(None, id(user), client_id, scope, at(1))
}

async fn a_deleted_user_leaves_nothing_behind(store: Store) {
    for number in [1, 2] {
        add(&store, guest(number)).await;
        write(&store, number, |tx, number| {
            Box::pin(async move {
                let user = id(*number);
                credentials::insert_login_id(tx, P, &email(*number, *number, &format!("{number}@x.test"))).await?;
                credentials::set_password(tx, P, user, "hash", at(1)).await?;
                device_keys::insert(tx, P, &key(*number, *number, &format!("kid{number}"))).await?;
                sessions::insert(tx, P, &session(*number, user)).await?;
                consents::put(tx, P, &consent(*number, "partner", "openid")).await?;
                external_accounts::insert(tx, P, &external(*number, *number, &format!("subject-{number}"))).await?;
                grants::insert(tx, P, &grant(*number, user)).await
            })
        })
        .await;
    }
    assert!(write(&store, (), |tx, ()| Box::pin(users::delete(tx, P, id(1)))).await);
    assert!(!write(&store, (), |tx, ()| Box::pin(users::delete(tx, P, id(1)))).await);
    let mut conn = store.read().await.unwrap();
    for (number, kept) in [(1, 0), (2, 1)] {
        assert_eq!(usize::from(users::find(&mut conn, P, id(number)).await.unwrap().is_some()), kept);
        assert_eq!(credentials::list_login_ids(&mut conn, P, id(number)).await.unwrap().len(), kept);
        assert_eq!(usize::from(credentials::find_password(&mut conn, P, id(number)).await.unwrap().is_some()), kept);
        assert_eq!(device_keys::list(&mut conn, P, id(number)).await.unwrap().len(), kept);
        assert_eq!(sessions::list(&mut conn, P, id(number)).await.unwrap().len(), kept);
        assert_eq!(consents::list(&mut conn, P, id(number)).await.unwrap().len(), kept);
        assert_eq!(external_accounts::list(&mut conn, P, id(number)).await.unwrap().len(), kept);
        assert_eq!(grants::list(&mut conn, P, id(number)).await.unwrap().len(), kept);
    }
}

async fn pages_of_users_come_newest_first_and_never_overlap(store: Store) {
    for number in 1..=5 {
        add(&store, guest(number)).await;
    }
    let mut conn = store.read().await.unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = user_lists::list_newest(&mut conn, P, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.into_iter().map(|user| user.id));
    }
    assert_eq!(seen, [5, 4, 3, 2, 1].map(id));
}

async fn a_login_id_belongs_to_one_user(store: Store) {
    let insert = |row| write(&store, row, |tx, row| Box::pin(credentials::insert_login_id(tx, P, row)));
    assert!(insert(email(1, 1, "a@x.test")).await);
    assert!(!insert(email(2, 2, "a@x.test")).await);
    assert!(
        write(&store, email(3, 3, "a@x.test"), |tx, row| { Box::pin(credentials::insert_login_id(tx, OTHER, row)) })
            .await
    );
    let mut conn = store.read().await.unwrap();
    let found = credentials::find_login_id(&mut conn, P, "email", "a@x.test").await.unwrap();
    assert_eq!(found, Some(email(1, 1, "a@x.test")));
    assert_eq!(credentials::find_login_id(&mut conn, P, "username", "a@x.test").await.unwrap(), None);
    assert!(write(&store, (), |tx, ()| Box::pin(credentials::remove_login_id(tx, P, "email", "a@x.test"))).await);
    assert!(insert(email(2, 2, "a@x.test")).await);
}

async fn a_login_id_is_verified_once(store: Store) {
    write(&store, (), |tx, ()| {
        Box::pin(async move { credentials::insert_login_id(tx, P, &email(1, 1, "a@x.test")).await })
    })
    .await;
    let verify =
        |now| write(&store, now, |tx, now| Box::pin(credentials::verify_login_id(tx, P, "email", "a@x.test", *now)));
    assert!(verify(at(3)).await);
    assert!(!verify(at(4)).await);
    let rows = credentials::list_login_ids(&mut store.read().await.unwrap(), P, id(1)).await.unwrap();
    assert_eq!(rows[0].verified_at, Some(at(3)));
}

async fn a_new_password_replaces_the_old_one(store: Store) {
    for (hash, now) in [("one", at(1)), ("two", at(2))] {
        write(&store, (hash, now), |tx, (hash, now)| Box::pin(credentials::set_password(tx, P, id(1), hash, *now)))
            .await;
    }
    let found = credentials::find_password(&mut store.read().await.unwrap(), P, id(1)).await.unwrap().unwrap();
    assert_eq!((found.hash.as_str(), found.created_at, found.updated_at), ("two", at(1), at(2)));
    assert!(write(&store, (), |tx, ()| Box::pin(credentials::remove_password(tx, P, id(1)))).await);
    assert!(!write(&store, (), |tx, ()| Box::pin(credentials::remove_password(tx, P, id(1)))).await);
}

async fn what_a_member_has_is_read_at_once(store: Store) {
    let nothing = user_credentials::read(&mut store.read().await.unwrap(), P, id(1)).await.unwrap();
    assert_eq!(nothing, user_credentials::CredentialRows::default());
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            for (number, value) in [(2, "b@x.test"), (1, "a@x.test")] {
                credentials::insert_login_id(tx, P, &email(number, 1, value)).await?;
            }
            credentials::insert_login_id(tx, P, &email(3, 2, "other@x.test")).await?;
            credentials::verify_login_id(tx, P, "email", "a@x.test", at(3)).await?;
            credentials::set_password(tx, P, id(1), "one", at(1)).await?;
            credentials::set_password(tx, P, id(1), "two", at(2)).await?;
            for (number, user) in [(5, 1), (4, 1), (6, 2)] {
                let row = PasskeyRow {
                    credential_id: vec![number],
                    id: id(u64::from(number)),
                    owner: id(user),
                    public_key: vec![1],
                    sign_count: 0,
                    name: None,
                    created_at: at(i64::from(number)),
                    last_used_at: None,
                    backup_eligible: None,
                };
                passkeys::insert(tx, P, &row).await?;
            }
            Ok(())
        })
    })
    .await;
    let mut conn = store.read().await.unwrap();
    let rows = user_credentials::read(&mut conn, P, id(1)).await.unwrap();
    // The same, in the same order, as the separate queries.
    assert_eq!(rows.login_ids, credentials::list_login_ids(&mut conn, P, id(1)).await.unwrap());
    assert_eq!(rows.login_ids.len(), 2);
    assert_eq!(rows.password, Some((at(1), at(2))));
    assert_eq!(rows.passkeys, [(id(4), at(4)), (id(5), at(5))]);
    let elsewhere = user_credentials::read(&mut conn, OTHER, id(1)).await.unwrap();
    assert_eq!(elsewhere, user_credentials::CredentialRows::default());
}

async fn an_account_at_a_provider_belongs_to_one_user(store: Store) {
    let insert = |row| write(&store, row, |tx, row| Box::pin(external_accounts::insert(tx, P, row)));
    assert!(insert(external(2, 1, "b")).await);
    assert!(insert(external(1, 1, "a")).await);
    assert!(!insert(external(3, 2, "a")).await, "it is another user's");
    assert!(insert(ExternalAccount { provider: "oidc https://id.example".into(), ..external(3, 2, "a") }).await);
    let mut conn = store.read().await.unwrap();
    assert_eq!(external_accounts::find(&mut conn, P, "google", "a").await.unwrap(), Some(external(1, 1, "a")));
    assert_eq!(external_accounts::find(&mut conn, OTHER, "google", "a").await.unwrap(), None);
    let listed = external_accounts::list(&mut conn, P, id(1)).await.unwrap();
    assert_eq!(listed, [external(1, 1, "a"), external(2, 1, "b")]);
    assert_eq!(user_credentials::read(&mut conn, P, id(1)).await.unwrap().external_accounts, listed);
    drop(conn);
    let record = |user| {
        write(&store, user, |tx, user| {
            Box::pin(async move {
                let profile = serde_json::json!({"email": "a@x.test"}).as_object().unwrap().clone();
                external_accounts::record_use(tx, P, ("google", "a"), id(*user), &profile, at(7)).await
            })
        })
    };
    assert!(record(1).await);
    assert!(!record(2).await, "not theirs");
    let used = external_accounts::find(&mut store.read().await.unwrap(), P, "google", "a").await.unwrap().unwrap();
    assert_eq!((used.updated_at, used.profile["email"].as_str()), (at(7), Some("a@x.test")));
    let remove = |user| write(&store, user, |tx, user| Box::pin(external_accounts::remove(tx, P, id(*user), id(1))));
    assert!(!remove(2).await, "not theirs");
    assert!(remove(1).await);
    assert!(insert(external(4, 2, "a")).await);
}

async fn a_device_key_belongs_to_one_user(store: Store) {
    let insert = |row| write(&store, row, |tx, row| Box::pin(device_keys::insert(tx, P, row)));
    assert!(insert(key(1, 1, "k")).await);
    assert!(!insert(key(2, 2, "k")).await);
    let mut conn = store.read().await.unwrap();
    assert_eq!(device_keys::find(&mut conn, P, "k").await.unwrap(), Some(key(1, 1, "k")));
    assert!(!write(&store, (), |tx, ()| Box::pin(device_keys::remove(tx, P, "k", id(2)))).await, "not theirs");
    assert!(write(&store, (), |tx, ()| Box::pin(device_keys::remove(tx, P, "k", id(1)))).await);
    assert_eq!(device_keys::find(&mut conn, P, "k").await.unwrap(), None);
}

async fn a_device_key_comes_with_its_owner(store: Store) {
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            users::insert(tx, P, &guest(1)).await?;
            device_keys::insert(tx, P, &key(1, 1, "k")).await?;
            device_keys::insert(tx, P, &key(2, 99, "l")).await?;
            Ok(())
        })
    })
    .await;
    let mut conn = store.read().await.unwrap();
    assert_eq!(device_keys::find_with_user(&mut conn, P, "k").await.unwrap(), Some((key(1, 1, "k"), guest(1))));
    assert_eq!(device_keys::find_with_user(&mut conn, P, "l").await.unwrap(), None, "its owner is gone");
    assert_eq!(device_keys::find_with_user(&mut conn, OTHER, "k").await.unwrap(), None, "another project's");
}

async fn a_guest_proves_itself_only_while_it_is_one(store: Store) {
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            for number in [1, 2, 4] {
                users::insert(tx, P, &guest(number)).await?;
            }
            for (number, owner, kid) in [(1, 1, "a"), (2, 2, "b"), (3, 3, "c"), (4, 4, "d")] {
                device_keys::insert(tx, P, &key(number, owner, kid)).await?;
            }
            let known = Some(SignedIn { seen_day: None });
            assert_eq!(device_keys::record_sign_in(tx, P, "a", id(1), at(5)).await?, known);
            assert_eq!(device_keys::record_sign_in(tx, P, "a", id(2), at(5)).await?, None, "not theirs");
            assert_eq!(device_keys::record_sign_in(tx, OTHER, "a", id(1), at(5)).await?, None, "another project's");
            assert!(users::take_anonymous_identity(tx, P, id(1), (at(6), false)).await?);
            assert_eq!(device_keys::record_sign_in(tx, P, "a", id(1), at(7)).await?, None, "promoted");
            assert!(users::set_disabled(tx, P, id(2), Some(at(6)), at(6)).await?);
            assert_eq!(device_keys::record_sign_in(tx, P, "b", id(2), at(7)).await?, None, "disabled");
            assert_eq!(device_keys::record_sign_in(tx, P, "c", id(3), at(7)).await?, None, "nobody");
            assert!(users::yield_to(tx, P, id(4), id(1), at(6)).await?);
            assert_eq!(device_keys::record_sign_in(tx, P, "d", id(4), at(7)).await?, None, "given up");
            Ok(())
        })
    })
    .await;
    let found = users::find(&mut store.read().await.unwrap(), P, id(1)).await.unwrap().unwrap();
    assert_eq!(found.last_login_at, Some(at(5)));
}

async fn a_sign_in_with_a_key_is_recorded_to_the_hour(store: Store) {
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            users::insert(tx, P, &guest(1)).await?;
            device_keys::insert(tx, P, &key(1, 1, "a")).await
        })
    })
    .await;
    // When it signs in, and what is then recorded of the guest and of the key, which was made at 1.
    for (now, last_login, last_use) in [
        (2, 2, 1),
        (3_600, 2, 1),
        (3_601, 2, 3_601),
        (3_602, 3_602, 3_601),
        (7_201, 3_602, 7_201),
        (5, 3_602, 7_201),
        (90_000, 90_000, 90_000),
    ] {
        let signed_in =
            write(&store, now, |tx, now| Box::pin(device_keys::record_sign_in(tx, P, "a", id(1), at(*now)))).await;
        assert!(signed_in.is_some());
        let mut conn = store.read().await.unwrap();
        let (key, user) = device_keys::find_with_user(&mut conn, P, "a").await.unwrap().unwrap();
        assert_eq!((user.last_login_at, key.last_used_at), (Some(at(last_login)), at(last_use)), "at {now}");
        assert_eq!(user.updated_at, at(1), "a sign-in is no change");
    }
    // The day is given back as it is recorded.
    write(&store, (), |tx, ()| Box::pin(users::note_seen(tx, P, id(1), 4))).await;
    let signed_in =
        write(&store, (), |tx, ()| Box::pin(device_keys::record_sign_in(tx, P, "a", id(1), at(90_001)))).await;
    assert_eq!(signed_in, Some(SignedIn { seen_day: Some(4) }));
}

async fn a_device_key_remembers_the_promotion(store: Store) {
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            users::insert(tx, P, &guest(1)).await?;
            device_keys::insert(tx, P, &key(1, 1, "a")).await?;
            device_keys::insert(tx, P, &key(2, 1, "b")).await?;
            assert!(device_keys::record_sign_in(tx, P, "a", id(1), at(3_601)).await?.is_some());
            assert_eq!(device_keys::mark_promoted(tx, P, id(1), at(9_001)).await?, 2);
            assert_eq!(device_keys::mark_promoted(tx, P, id(1), at(9_002)).await?, 0);
            let again = device_keys::record_sign_in(tx, P, "a", id(1), at(9_003)).await?;
            assert_eq!(again, None, "it proves nothing any more");
            Ok(())
        })
    })
    .await;
    let rows = device_keys::list(&mut store.read().await.unwrap(), P, id(1)).await.unwrap();
    let seen: Vec<_> = rows.iter().map(|row| (row.last_used_at, row.promoted_at)).collect();
    assert_eq!(seen, [(at(3_601), Some(at(9_001))), (at(1), Some(at(9_001)))]);
}

async fn a_consent_belongs_to_one_user_and_application(store: Store) {
    let first = consent(1, "partner", "email openid");
    for row in [first.clone(), consent(1, "other", "openid"), consent(2, "partner", "openid")] {
        write(&store, row, |tx, row| Box::pin(consents::put(tx, P, row))).await;
    }
    let record = |now| write(&store, now, |tx, now| Box::pin(consents::record_use(tx, P, id(1), "partner", *now)));
    assert_eq!(record(at(2)).await.as_deref(), Some("email openid"));
    // Agreeing again keeps when it began and when it was used.
    let wider = Consent {
        granted_at: at(9),
        last_used_at: None,
        ..Consent::agree(Some(&first), id(1), "partner", "phone", at(3))
    };
    write(&store, wider, |tx, row| Box::pin(consents::put(tx, P, row))).await;
    let stored = Consent { scope: "email openid phone".into(), updated_at: at(3), last_used_at: Some(at(2)), ..first };
    let mut conn = store.read().await.unwrap();
    assert_eq!(consents::find(&mut conn, P, id(1), "partner").await.unwrap(), Some(stored.clone()));
    assert_eq!(consents::list(&mut conn, P, id(1)).await.unwrap(), [consent(1, "other", "openid"), stored]);
    assert_eq!(consents::find(&mut conn, OTHER, id(1), "partner").await.unwrap(), None, "another project's");
    drop(conn);
    let remove = || write(&store, (), |tx, ()| Box::pin(consents::remove(tx, P, id(1), "partner")));
    assert!(remove().await);
    assert!(!remove().await);
    assert_eq!(record(at(4)).await, None, "a use does not bring it back");
    assert_eq!(
        write(&store, (), |tx, ()| Box::pin(consents::remove_of_client(tx, P, "partner"))).await,
        1,
        "the second user's"
    );
    let mut conn = store.read().await.unwrap();
    assert_eq!(consents::list(&mut conn, P, id(1)).await.unwrap(), [consent(1, "other", "openid")]);
}
