//! The deletion of a member into which many guests are merged, or wait to be: in several transactions, of which each takes few.

use std::{
    future::{Future, poll_fn},
    sync::Arc,
    task::Poll,
};

use serde_json::{Value, json};
use vestibule_app::{
    actor::Actor,
    admin::{AdminError, users as user_cases},
    ctx::Ctx,
};
use vestibule_domain::{id::UserId, user::User};
use vestibule_store::{device_keys, subjects, users};

use crate::{
    handshakes::Scene,
    nodes::until,
    support::{Engine, on_both_engines},
};

on_both_engines!(
    a_member_for_whom_many_guests_wait_is_deleted_in_slices,
    a_deletion_that_was_interrupted_is_finished_by_the_next_one,
    a_member_of_many_merged_guests_is_deleted_in_slices,
);

/// More than three transactions take.
const MANY: u8 = 65;

/// Guests that are merged into the member, or wait to be.
async fn merge_many(scene: &Scene) -> Vec<UserId> {
    let project = scene.server.app.projects.find_by_id("test").expect("it");
    let now = scene.server.clock.now();
    let guests: Vec<UserId> =
        (0..MANY).map(|n| UserId::from_parts(now.as_unix_millis() + 1, [1, 1, 1, 1, 1, 1, 1, 1, 1, n])).collect();
    let insert = scene.server.app.store.write("test", guests.clone(), move |tx, guests| {
        let no = project.no;
        Box::pin(async move {
            for guest in guests {
                let mut user = User::new_guest(*guest, now);
                user.custom_attributes.insert("cart".to_owned(), 7.into());
                users::insert(tx, no, &user).await?;
            }
            Ok::<_, vestibule_store::StoreError>(())
        })
    });
    insert.await.expect("the guests are stored");
    for guest in &guests {
        scene.admin.post(&format!("/users/{guest}/merge"), &json!({"into": scene.member})).await.expect(200);
    }
    guests
}

fn slices(scene: &Scene) -> u64 {
    scene.server.app.store.stats().by_name.get("begin_deletion").map_or(0, |write| write.count)
}

/// Deletes the member as the Admin API does it, on this task.
async fn delete(scene: &Scene) -> Result<(), AdminError> {
    let project = scene.server.app.projects.find_by_id("test").expect("it");
    let ctx = Ctx::without_request(&scene.server.app, &project, scene.server.clock.now());
    user_cases::delete(&ctx, &Actor::at_terminal("user delete"), scene.member.parse().expect("an ID")).await
}

/// Deletes the member up to its first slice, as a crash does it: what was committed stays, and nothing else happens.
/// The deletion is dropped before it is polled again, so however slow this machine is, only the slice after may be on its way.
async fn delete_and_crash(scene: &Scene) {
    let mut deletion = Box::pin(delete(scene));
    poll_fn(|cx| match slices(scene) {
        0 => deletion.as_mut().poll(cx).map(|done| panic!("it counted no slice: {}", done.is_ok())),
        _ => Poll::Ready(()),
    })
    .await;
}

/// Every guest is one of its own, with what it had.
async fn expect_free(scene: &Scene, guests: &[UserId]) {
    for guest in guests {
        let read = scene.read(&guest.to_string()).await;
        assert_eq!((&read["yielded_to"], &read["custom_attributes"]), (&Value::Null, &json!({"cart": 7})), "{read}");
        let holds = scene.admin.get(&format!("/users/{guest}/holds")).await.expect(200).json();
        assert_eq!(holds["holds"].as_array().map(Vec::len), Some(1), "{holds}");
    }
    let refused = scene.server.events("user.merge.refused").await;
    let mut of: Vec<&str> = refused.iter().filter_map(|event| event["payload"]["from"].as_str()).collect();
    of.sort_unstable();
    let mut expected: Vec<String> = guests.iter().map(ToString::to_string).collect();
    expected.sort_unstable();
    assert_eq!(of, expected, "each is told once");
}

async fn a_member_for_whom_many_guests_wait_is_deleted_in_slices(engine: Engine) {
    let scene = Scene::set(engine, |_| {}).await;
    let guests = merge_many(&scene).await;
    scene.admin.delete(&format!("/users/{}", scene.member)).await.expect(204);
    assert_eq!(slices(&scene), 3, "20 each, and the rest with the member");
    expect_free(&scene, &guests).await;
    assert_eq!(scene.server.events("user.deleted").await.len(), 1);
    scene.admin.get(&format!("/users/{}", scene.member)).await.expect(404);
    let merges = scene.admin.get("/merges").await.expect(200).json();
    assert_eq!(merges["merges"], json!([]), "they go with the member");
    scene.expect_sound().await;
}

async fn a_deletion_that_was_interrupted_is_finished_by_the_next_one(engine: Engine) {
    let scene = Scene::set(engine, |_| {}).await;
    let guests = merge_many(&scene).await;
    delete_and_crash(&scene).await;
    until("the slice that was on its way", async || {
        let open = scene.admin.get("/merges?state=requested&limit=100").await.expect(200).json();
        let refused = scene.admin.get("/merges?state=refused&limit=100").await.expect(200).json();
        let count = |page: &Value| page["merges"].as_array().map_or(0, Vec::len);
        count(&refused) >= 20 && count(&open) + count(&refused) == usize::from(MANY)
    })
    .await;
    // The member is there, and so is each guest: one that is free, or one that waits.
    scene.read(&scene.member).await;
    let mut waiting = 0;
    for guest in &guests {
        let read = scene.read(&guest.to_string()).await;
        assert_eq!(read["custom_attributes"], json!({"cart": 7}));
        waiting += usize::from(read["yielded_to"] == json!(scene.member));
    }
    assert!((1..=45).contains(&waiting), "{waiting}");
    scene.expect_sound().await;
    delete(&scene).await.expect("it is deleted");
    expect_free(&scene, &guests).await;
    scene.admin.get(&format!("/users/{}", scene.member)).await.expect(404);
    scene.expect_sound().await;
}

async fn a_member_of_many_merged_guests_is_deleted_in_slices(engine: Engine) {
    let scene = Scene::set(engine, |setup| setup.set("identity.merge.handshake", false)).await;
    let guests = merge_many(&scene).await;
    scene.admin.delete(&format!("/users/{}", scene.member)).await.expect(204);
    assert_eq!(slices(&scene), 3);
    let app = Arc::clone(&scene.server.app);
    let no = app.projects.find_by_id("test").expect("it").no;
    let mut conn = app.store.read().await.expect("a connection");
    for guest in &guests {
        scene.admin.get(&format!("/users/{guest}")).await.expect(404);
        assert!(users::find(&mut conn, no, *guest).await.expect("an answer").is_none());
        assert!(device_keys::list(&mut conn, no, *guest).await.expect("an answer").is_empty());
        let found = subjects::find(&mut conn, no, &vestibule_domain::subject::Subject::Id(*guest)).await;
        assert_eq!(found.expect("an answer"), Some(vestibule_domain::subject::Meaning::Tombstone));
    }
    drop(conn);
    scene.expect_sound().await;
}
