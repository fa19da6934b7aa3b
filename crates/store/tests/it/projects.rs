//! Projects, their keys and their applications' secrets, on both engines.

use vestibule_domain::{
    id::ProjectNo,
    project::{Origin, ReceiverChanges, ReceiverKind, ReceiverMove},
};
use vestibule_store::{
    Engine, STATEMENTS, Sql, Store, StoreError, client_secrets, client_starts,
    keys::{self, KeyRow},
    logos::{self, LogoRow},
    projects::{self, NewProject},
    provider_secrets, receiver_moves, users,
};

use crate::test_store::{P, at, guest, hash, id, on_both_engines, write};

on_both_engines!(
    a_project_has_an_id_and_an_origin_of_its_own,
    settings_change_only_from_the_expected_version,
    a_host_is_not_taken_from_another_project,
    a_deleted_project_takes_everything_along,
    a_number_is_never_given_out_twice,
    a_project_has_one_logo,
    what_a_node_of_the_release_before_leaves_of_a_project_is_found,
    keys_retire_once,
    an_application_has_several_secrets,
    a_provider_has_one_secret,
    an_application_starts_anew,
);

fn origin_of(text: &str) -> Origin {
    Origin::parse(text).unwrap()
}

async fn add(store: &Store, id: &'static str, origin: &'static str) -> Option<ProjectNo> {
    write(store, (id, origin), |tx, (id, origin)| {
        Box::pin(async move {
            let public_origin = &origin_of(origin);
            projects::insert(tx, &NewProject { id, public_origin, settings: "{}", now: at(1) }).await
        })
    })
    .await
}

async fn a_project_has_an_id_and_an_origin_of_its_own(store: Store) {
    let no = add(&store, "shop", "https://shop.test").await.unwrap();
    assert_eq!(add(&store, "shop", "https://other.test").await, None);
    assert_eq!(add(&store, "other", "https://shop.test").await, None);
    let mut conn = store.read().await.unwrap();
    let row = projects::find_by_id_any_project(&mut conn, "shop").await.unwrap().unwrap();
    assert_eq!((row.no, row.public_origin.as_str(), row.version), (no, "https://shop.test", 1));
    assert_eq!(projects::list_any_project(&mut conn).await.unwrap(), [row]);
    assert_eq!(projects::find_by_id_any_project(&mut conn, "other").await.unwrap(), None);
}

async fn settings_change_only_from_the_expected_version(store: Store) {
    let no = add(&store, "shop", "https://shop.test").await.unwrap();
    let update = |version| {
        write(&store, (no, version), |tx, (no, version)| {
            Box::pin(async move {
                let origin = origin_of("https://new.test");
                projects::update_settings(tx, *no, *version, &origin, "{\"a\":1}", at(2)).await
            })
        })
    };
    assert!(update(1).await);
    assert!(!update(1).await);
    let mut conn = store.read().await.unwrap();
    assert_eq!(projects::versions_any_project(&mut conn).await.unwrap(), [(no, 2)]);
    let row = projects::find_by_id_any_project(&mut conn, "shop").await.unwrap().unwrap();
    assert_eq!((row.settings.as_str(), row.public_origin.as_str()), ("{\"a\":1}", "https://new.test"));
    assert_eq!((row.created_at, row.updated_at), (at(1), at(2)));
}

async fn a_host_is_not_taken_from_another_project(store: Store) {
    add(&store, "one", "https://one.test").await.unwrap();
    let two = add(&store, "two", "https://two.test").await.unwrap();
    for origin in ["https://one.test", "http://one.test", "https://ONE.test.:443", "http://one.test:443"] {
        assert_eq!(add(&store, "three", origin).await, None, "{origin}");
        let taken = store
            .write("take", two, move |tx, two| {
                Box::pin(async move { projects::update_settings(tx, *two, 1, &origin_of(origin), "{}", at(2)).await })
            })
            .await;
        assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{origin}: {taken:?}");
    }
    assert!(add(&store, "three", "https://one.test:8443").await.is_some());
    // A project keeps its own host with another scheme.
    let moved = |origin: &'static str, version| {
        write(&store, two, move |tx, two| {
            Box::pin(async move { projects::update_settings(tx, *two, version, &origin_of(origin), "{}", at(2)).await })
        })
    };
    assert!(moved("http://two.test", 1).await);
    assert!(moved("https://two.test.", 2).await);
    assert_eq!(add(&store, "four", "https://two.test").await, None);
}

async fn a_deleted_project_takes_everything_along(store: Store) {
    let one = add(&store, "one", "https://one.test").await.unwrap();
    let two = add(&store, "two", "https://two.test").await.unwrap();
    for no in [one, two] {
        write(&store, no, |tx, no| Box::pin(async move { users::insert(tx, *no, &guest(1)).await })).await;
    }
    assert!(write(&store, one, |tx, no| Box::pin(projects::delete(tx, *no))).await);
    assert!(!write(&store, one, |tx, no| Box::pin(projects::delete(tx, *no))).await);
    let mut conn = store.read().await.unwrap();
    assert_eq!(users::find(&mut conn, one, id(1)).await.unwrap(), None);
    assert!(users::find(&mut conn, two, id(1)).await.unwrap().is_some());
    assert_eq!(projects::list_any_project(&mut conn).await.unwrap().len(), 1);
}

async fn a_project_has_one_logo(store: Store) {
    let one = add(&store, "one", "https://one.test").await.unwrap();
    let two = add(&store, "two", "https://two.test").await.unwrap();
    let logo = |number: u8| LogoRow {
        hash: vec![number; 32],
        format: "png".into(),
        width: i64::from(number),
        height: 40,
        created_at: at(i64::from(number)),
    };
    let put = async |no: ProjectNo, number: u8| {
        let content = vec![number; 256 * 1024];
        write(&store, (no, logo(number), content), |tx, (no, logo, content)| {
            Box::pin(logos::put(tx, *no, logo, content))
        })
        .await;
    };
    put(one, 1).await;
    put(two, 1).await;
    put(one, 2).await;
    let mut conn = store.read().await.unwrap();
    assert_eq!(logos::find(&mut conn, one).await.unwrap(), Some(logo(2)));
    assert_eq!(logos::find_content(&mut conn, one, &[2; 32]).await.unwrap(), Some(vec![2; 256 * 1024]));
    assert_eq!(logos::find_content(&mut conn, one, &[1; 32]).await.unwrap(), None, "the one before is gone");
    drop(conn);
    assert!(write(&store, one, |tx, no| Box::pin(logos::remove(tx, *no))).await);
    assert!(!write(&store, one, |tx, no| Box::pin(logos::remove(tx, *no))).await);
    write(&store, two, |tx, no| Box::pin(projects::delete(tx, *no))).await;
    let mut conn = store.read().await.unwrap();
    for no in [one, two] {
        assert_eq!(logos::find(&mut conn, no).await.unwrap(), None);
    }
}

/// The last migration of 0.2.0.
const RELEASE_BEFORE: &str = "0057_user_names.sqlite.sql";

async fn what_a_node_of_the_release_before_leaves_of_a_project_is_found(store: Store) {
    const DELETE: Sql = Sql::new("DELETE FROM projects WHERE no = $1");
    let with_logo = add(&store, "one", "https://one.test").await.unwrap();
    let kept = add(&store, "two", "https://two.test").await.unwrap();
    let with_move = add(&store, "three", "https://three.test").await.unwrap();
    let logo = LogoRow { hash: vec![1; 32], format: "png".into(), width: 1, height: 1, created_at: at(1) };
    for no in [with_logo, kept] {
        write(&store, (no, logo.clone()), |tx, (no, logo)| Box::pin(logos::put(tx, *no, logo, &[1]))).await;
    }
    for no in [kept, with_move] {
        let moved = ReceiverMove { kind: ReceiverKind::Webhook, old: "a".into(), new: None };
        let changes = ReceiverChanges { moves: vec![moved], added: Vec::new() };
        write(&store, (no, changes), |tx, (no, changes)| Box::pin(receiver_moves::note(tx, *no, changes, at(1)))).await;
    }
    let gone = async || projects::list_gone_any_project(&mut store.read().await.unwrap()).await.unwrap();
    assert_eq!(gone().await, []);
    for no in [with_logo, with_move] {
        let deleted = write(&store, no, |tx, no| Box::pin(async move { tx.execute(&DELETE, &[&no.0]).await }));
        assert_eq!(deleted.await, 1);
    }
    assert_eq!(gone().await, [with_logo, with_move]);
    for no in [with_logo, with_move] {
        write(&store, no, |tx, no| Box::pin(projects::delete(tx, *no))).await;
    }
    assert_eq!(gone().await, []);
    assert_eq!(logos::find(&mut store.read().await.unwrap(), kept).await.unwrap(), Some(logo));
}

/// A node of the release before deletes a project without the rows of tables that it does not know.
#[test]
fn what_is_left_of_projects_is_looked_for_in_every_newer_table() {
    let (_, statements) = STATEMENTS.iter().find(|(aggregate, _)| *aggregate == "projects").unwrap();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut tables = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".sqlite.sql") || name.as_str() <= RELEASE_BEFORE {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for part in text.split("CREATE TABLE ").skip(1) {
            let (table, columns) = part.split_once(" (").unwrap();
            // One that takes the place of a table of that release.
            let is_known = table.ends_with("_anew");
            if !is_known && columns.split_once(';').unwrap().0.contains("project_no") {
                tables.push(table.to_owned());
            }
        }
    }
    assert!(tables.contains(&"logos".to_owned()), "{tables:?}");
    for table in tables {
        let looks = |sql: &&Sql| {
            let text = sql.text(Engine::Sqlite);
            text.starts_with("WITH RECURSIVE numbers") && text.contains(&format!("FROM {table} "))
        };
        assert!(statements.iter().any(looks), "projects::list_gone_any_project does not look at {table}");
    }
}

async fn a_number_is_never_given_out_twice(store: Store) {
    let first = add(&store, "one", "https://one.test").await.unwrap();
    write(&store, first, |tx, no| Box::pin(projects::delete(tx, *no))).await;
    assert_ne!(add(&store, "one", "https://one.test").await.unwrap(), first);
}

fn key(kid: &str, created: i64) -> KeyRow {
    KeyRow {
        kid: kid.to_owned(),
        purpose: "sign".to_owned(),
        sealed: vec![0, 159, 146, 150],
        created_at: at(created),
        retired_at: None,
    }
}

async fn keys_retire_once(store: Store) {
    for row in [key("b", 2), key("a", 1)] {
        write(&store, row, |tx, row| Box::pin(keys::insert(tx, P, row))).await;
    }
    let retire = |now| write(&store, now, |tx, now| Box::pin(keys::retire(tx, P, "a", *now)));
    assert!(retire(at(5)).await);
    assert!(!retire(at(6)).await);
    let listed = keys::list(&mut store.read().await.unwrap(), P).await.unwrap();
    assert!(listed == [KeyRow { retired_at: Some(at(5)), ..key("a", 1) }, key("b", 2)]);
    assert!(write(&store, (), |tx, ()| Box::pin(keys::remove(tx, P, "a"))).await);
    assert_eq!(keys::list(&mut store.read().await.unwrap(), P).await.unwrap().len(), 1);
}

async fn an_application_has_several_secrets(store: Store) {
    let add = |byte, now| {
        write(&store, (byte, now), |tx, (byte, now)| Box::pin(client_secrets::insert(tx, P, "web", hash(*byte), *now)))
    };
    assert!(add(2, at(2)).await);
    assert!(add(1, at(3)).await);
    assert!(!add(2, at(4)).await);
    let listed = client_secrets::list(&mut store.read().await.unwrap(), P, "web").await.unwrap();
    assert_eq!(listed, [(hash(2), at(2)), (hash(1), at(3))]);
    assert!(write(&store, (), |tx, ()| Box::pin(client_secrets::remove(tx, P, "web", hash(2)))).await);
    assert!(!write(&store, (), |tx, ()| Box::pin(client_secrets::remove(tx, P, "web", hash(2)))).await);
    assert!(add(3, at(5)).await);
    let of_other = |client: &'static str| {
        write(&store, client, |tx, client| Box::pin(client_secrets::insert(tx, P, client, hash(9), at(6))))
    };
    assert!(of_other("webb").await);
    let remove_all = || write(&store, (), |tx, ()| Box::pin(client_secrets::remove_of_client(tx, P, "web")));
    assert_eq!((remove_all().await, remove_all().await), (2, 0));
    assert_eq!(client_secrets::list(&mut store.read().await.unwrap(), P, "webb").await.unwrap().len(), 1);
}

async fn a_provider_has_one_secret(store: Store) {
    let put = |alias: &'static str, byte: u8, now| {
        write(&store, (alias, byte, now), |tx, (alias, byte, now)| {
            Box::pin(async move { provider_secrets::put(tx, P, alias, &[*byte], *now).await })
        })
    };
    put("ours", 1, at(1)).await;
    put("google", 2, at(2)).await;
    put("ours", 3, at(3)).await;
    let mut conn = store.read().await.unwrap();
    assert_eq!(provider_secrets::find(&mut conn, P, "ours").await.unwrap(), Some(vec![3]));
    assert_eq!(provider_secrets::find(&mut conn, P, "other").await.unwrap(), None);
    let listed = provider_secrets::list(&mut conn, P).await.unwrap();
    assert_eq!(listed, [("google".to_string(), at(2)), ("ours".to_string(), at(3))]);
    drop(conn);
    let remove = || write(&store, (), |tx, ()| Box::pin(provider_secrets::remove(tx, P, "ours")));
    assert!(remove().await);
    assert!(!remove().await);
}

async fn an_application_starts_anew(store: Store) {
    let start = |client: &'static str, now| {
        write(&store, (client, now), |tx, (client, now)| Box::pin(client_starts::put(tx, P, client, *now)))
    };
    let list = async || client_starts::list(&mut store.read().await.unwrap(), P).await.unwrap();
    start("web", at(1)).await;
    start("blog", at(2)).await;
    start("web", at(3)).await;
    assert_eq!(list().await, [("blog".to_string(), at(2)), ("web".to_string(), at(3))]);
    let remove = || write(&store, (), |tx, ()| Box::pin(client_starts::remove(tx, P, "web")));
    assert!(remove().await);
    assert!(!remove().await);
    assert_eq!(list().await.len(), 1);
}
