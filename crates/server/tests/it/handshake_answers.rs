//! Answers about a merge that come late, twice, from the wrong receiver, or against one that was given before; and the names of merged
//! guests.

use std::sync::{Arc, atomic::AtomicI64};

use serde_json::{Value, json};
use vestibule_app::{jobs, metrics::Measured};

use crate::{
    handshakes::Scene,
    support::{Engine, Receiver, Setup, on_both_engines},
};

on_both_engines!(
    an_answer_that_is_on_its_way_at_the_end_of_the_time_counts,
    an_answer_that_comes_after_the_end_is_told_what_became_of_the_merge,
    an_answer_against_an_earlier_one_has_no_effect_and_says_so,
    a_question_sent_again_repeats_what_is_so,
    a_receiver_of_all_events_decides_nothing,
    an_answer_that_is_cut_is_asked_for_again,
    a_merge_that_can_be_undone_outlasts_the_clean_up,
    the_newest_names_come_first,
);

const SETTLED: &str = r#"{"merge":"settled"}"#;

/// A receiver that is asked, and hears how it ended.
fn subscribe(setup: &mut Setup, url: &str) {
    setup.configure("hooks.allow_private_addresses", "true");
    let handler = toml::toml! {
        url = url
        events = ["user.merge.requested", "user.merge.refused", "user.merge.undone"]
    };
    setup.set("hook.non_blocking_handlers", vec![toml::Value::Table(handler)]);
}

/// A project whose only receiver is asked, and has a minute.
async fn start(engine: Engine, receiver: &Receiver) -> Scene {
    Scene::set(engine, |setup| {
        subscribe(setup, &receiver.url);
        setup.set("identity.merge.answer_seconds", 60);
        setup.set("identity.merge.undo_seconds", 3_600);
    })
    .await
}

async fn sweep(scene: &Scene) {
    jobs::merges::sweep(&scene.server.app).await.expect("a look");
}

/// The newest delivery in a state, when there are so many.
async fn wait_for_delivery(scene: &Scene, state: &str, count: usize) -> Value {
    let enough = |page: &Value| page["deliveries"].as_array().is_some_and(|all| all.len() >= count);
    scene.admin.wait_until(&format!("/deliveries?state={state}"), enough).await["deliveries"][0].clone()
}

async fn resend(scene: &Scene, replay: &str) {
    let status = scene.admin.post(replay, &json!({})).await.status;
    assert!((200..300).contains(&status), "{status}");
}

fn expect_refused_answers(scene: &Scene, count: usize) {
    let app = &scene.server.app;
    let page = app.metrics.print(app.store.stats(), Measured::default());
    assert!(page.contains(&format!("vestibule_webhook_merge_answers_refused_total {count}\n")), "{page}");
}

async fn an_answer_that_is_on_its_way_at_the_end_of_the_time_counts(engine: Engine) {
    let receiver = Receiver::start().await;
    let scene = start(engine, &receiver).await;
    let held_back = receiver.hold_back().await;
    receiver.answer(200, SETTLED);
    scene.agree().await;
    receiver.wait_for(1).await;
    scene.server.clock.advance_seconds(61);
    sweep(&scene).await;
    assert_eq!(scene.merge().await["state"], "requested", "the receiver was asked in time");
    drop(held_back);
    let id = scene.merge_id().await;
    scene.admin.wait_until(&format!("/merges/{id}"), |merge| merge["state"] == "settled").await;
    scene.expect_merged().await;
    sweep(&scene).await;
    assert_eq!(scene.server.events("user.merge.refused").await.len(), 0);
    expect_refused_answers(&scene, 0);
    scene.expect_sound().await;
}

async fn an_answer_that_comes_after_the_end_is_told_what_became_of_the_merge(engine: Engine) {
    let receiver = Receiver::start().await;
    let scene = start(engine, &receiver).await;
    let held_back = receiver.hold_back().await;
    receiver.answer(200, SETTLED);
    scene.agree().await;
    receiver.wait_for(1).await;
    // As long as a try lasts, and another node leaves it alone.
    scene.server.clock.advance_seconds(121);
    for _ in 0..2 {
        sweep(&scene).await;
    }
    assert_eq!(scene.merge().await["state"], "timed_out");
    scene.expect_guest().await;
    drop(held_back);
    let calls = receiver.wait_for(2).await;
    assert_eq!(calls[1].kind(), "user.merge.refused", "after the question, whose answer it takes back");
    assert_eq!(calls[1].json()["payload"]["cause"], "timed_out");
    let refused = wait_for_delivery(&scene, "taken", 2).await;
    assert_eq!(refused["last_error"], Value::Null);
    let page = scene.admin.get("/deliveries?state=taken").await.expect(200).json();
    let error = page["deliveries"][1]["last_error"].as_str().unwrap_or_default();
    assert!(error.contains("has no effect") && error.contains("timed_out"), "{page}");
    expect_refused_answers(&scene, 1);
    scene.expect_guest().await;
    assert_eq!((receiver.calls().len(), scene.server.events("user.merge.refused").await.len()), (2, 1));
    scene.expect_sound().await;
}

async fn an_answer_against_an_earlier_one_has_no_effect_and_says_so(engine: Engine) {
    let receiver = Receiver::start().await;
    let scene = start(engine, &receiver).await;
    let held_back = receiver.hold_back().await;
    receiver.answer(200, SETTLED);
    scene.agree().await;
    receiver.wait_for(1).await;
    let id = scene.merge_id().await;
    scene.act(&id, "refuse").await;
    drop(held_back);
    let calls = receiver.wait_for(2).await;
    assert_eq!((calls[1].kind(), &calls[1].json()["payload"]["merge_id"]), ("user.merge.refused".into(), &json!(id)));
    wait_for_delivery(&scene, "taken", 2).await;
    let page = scene.admin.get("/deliveries?state=taken").await.expect(200).json();
    let error = page["deliveries"][1]["last_error"].as_str().unwrap_or_default();
    assert!(error.contains("has no effect") && error.contains("refused"), "{page}");
    expect_refused_answers(&scene, 1);
    scene.expect_guest().await;
    assert_eq!(scene.server.events("user.merge.refused").await.len(), 1);
}

async fn a_question_sent_again_repeats_what_is_so(engine: Engine) {
    let receiver = Receiver::start().await;
    let scene = start(engine, &receiver).await;
    receiver.answer(200, SETTLED);
    scene.agree().await;
    let id = scene.merge_id().await;
    scene.admin.wait_until(&format!("/merges/{id}"), |merge| merge["state"] == "settled").await;
    let delivery = wait_for_delivery(&scene, "taken", 1).await["id"].as_str().expect("an ID").to_owned();
    let replay = format!("/deliveries/{delivery}/replay");
    // The receiver hears the question again, and its answer repeats the first one or has no effect.
    for (calls, answer, error) in [(2, SETTLED, None), (3, r#"{"merge":"refused"}"#, Some("settled"))] {
        receiver.answer(200, answer);
        resend(&scene, &replay).await;
        receiver.wait_for(calls).await;
        let again = wait_for_delivery(&scene, "taken", 1).await;
        let said = again["last_error"].as_str();
        assert_eq!(said.is_some(), error.is_some(), "{again}");
        assert!(error.is_none_or(|error| said.is_some_and(|said| said.contains(error))), "{again}");
        scene.expect_merged().await;
    }
    assert_eq!(scene.server.events("user.merged").await.len(), 1);
    // After it was undone, the receiver would move what stays.
    scene.act(&id, "undo").await;
    receiver.wait_for(4).await;
    wait_for_delivery(&scene, "taken", 2).await;
    resend(&scene, &replay).await;
    let dead = wait_for_delivery(&scene, "dead", 1).await;
    assert!(dead["last_error"].as_str().is_some_and(|error| error.contains("the merge has ended")), "{dead}");
    assert_eq!((receiver.calls().len(), receiver.calls()[3].kind()), (4, "user.merge.undone".into()));
    scene.expect_guest().await;
}

async fn a_receiver_of_all_events_decides_nothing(engine: Engine) {
    let (told, asked) = (Receiver::start().await, Receiver::start().await);
    let scene = Scene::set(engine, |setup| {
        setup.configure("hooks.allow_private_addresses", "true");
        let (all, some) = (told.url.as_str(), asked.url.as_str());
        let all = toml::toml! { url = all };
        let some = toml::toml! { url = some events = ["user.merge.requested"] };
        setup.set("hook.non_blocking_handlers", vec![toml::Value::Table(all), toml::Value::Table(some)]);
    })
    .await;
    for _ in 0..50 {
        told.answer(200, SETTLED);
    }
    let held_back = asked.hold_back().await;
    asked.answer(200, r#"{"merge":"refused","reason":"an open order"}"#);
    scene.agree().await;
    asked.wait_for(1).await;
    let is_question = |delivery: &Value| delivery["type"] == "user.merge.requested";
    let find =
        |page: &Value| page["deliveries"].as_array().and_then(|all| all.iter().find(|one| is_question(one)).cloned());
    let page = scene.admin.wait_until("/deliveries?state=taken", |page| find(page).is_some()).await;
    let error = find(&page).expect("it")["last_error"].clone();
    assert!(error.as_str().is_some_and(|text| text.contains("list user.merge.requested")), "{page}");
    assert_eq!(scene.merge().await["state"], "requested");
    expect_refused_answers(&scene, 1);
    drop(held_back);
    let id = scene.merge_id().await;
    let merge = scene.admin.wait_until(&format!("/merges/{id}"), |merge| merge["state"] == "refused").await;
    assert_eq!(merge["reason"], "an open order");
    scene.expect_guest().await;
    // One that decides nothing gets the message also after the end.
    let told_again = find(&page).expect("it")["id"].as_str().expect("an ID").to_owned();
    resend(&scene, &format!("/deliveries/{told_again}/replay")).await;
    let is_taken = |page: &Value| {
        page["deliveries"].as_array().is_some_and(|all| all.iter().any(|one| one["id"] == told_again.as_str()))
    };
    scene.admin.wait_until("/deliveries?state=taken", is_taken).await;
}

async fn an_answer_that_is_cut_is_asked_for_again(engine: Engine) {
    let receiver = Receiver::start().await;
    let scene = start(engine, &receiver).await;
    receiver.answer(200, &json!({"filler": "x".repeat(70_000), "merge": "settled"}).to_string());
    receiver.answer(200, SETTLED);
    scene.agree().await;
    receiver.wait_for(1).await;
    let failed = |page: &Value| page["deliveries"][0]["last_error"].is_string();
    let page = scene.admin.wait_until("/deliveries?state=waiting", failed).await;
    let error = page["deliveries"][0]["last_error"].as_str().unwrap_or_default();
    assert!(error.contains("longer than 65535 bytes"), "{page}");
    assert_eq!(scene.merge().await["state"], "requested");
    scene.server.clock.advance_seconds(30);
    receiver.wait_for(2).await;
    let id = scene.merge_id().await;
    scene.admin.wait_until(&format!("/merges/{id}"), |merge| merge["state"] == "settled").await;
    scene.expect_merged().await;
}

async fn a_merge_that_can_be_undone_outlasts_the_clean_up(engine: Engine) {
    let scene = Scene::set(engine, |setup| setup.set("identity.merge.undo_seconds", 2 * 365 * 86_400)).await;
    scene.agree().await;
    let id = scene.merge_id().await;
    scene.act(&id, "settle").await;
    scene.server.clock.advance_seconds(400 * 86_400);
    sweep(&scene).await;
    jobs::cleanup::sweep(&scene.server.app).await.expect("a clean-up");
    let admin = crate::support::Admin::of(&scene.server).await;
    assert_eq!(admin.post(&format!("/merges/{id}/undo"), &Value::Null).await.expect(200).json()["state"], "undone");
    // What has ended is forgotten a year later.
    scene.server.clock.advance_seconds(366 * 86_400);
    jobs::cleanup::sweep(&scene.server.app).await.expect("a clean-up");
    let admin = crate::support::Admin::of(&scene.server).await;
    admin.get(&format!("/merges/{id}")).await.expect(404);
}

async fn the_newest_names_come_first(engine: Engine) {
    let scene = Scene::set(engine, |setup| {
        setup.set("identity.merge.handshake", false);
        setup.set_client("web", "previous_subs_enabled", true);
    })
    .await;
    let mut guests = vec![scene.sub.clone()];
    for _ in 0..2 {
        scene.server.clock.advance_seconds(1);
        guests.push(scene.client.subject(&scene.client.sign_up().await.access).await);
    }
    // The oldest guest is merged last.
    for guest in guests[1..].iter().rev() {
        scene.server.clock.advance_seconds(1);
        scene.admin.post(&format!("/users/{guest}/merge"), &json!({"into": scene.member})).await.expect(200);
    }
    scene.server.clock.advance_seconds(1);
    let mut browser = scene.server.browser();
    scene.prove(&mut browser).await;
    browser.press("Bring my things along").await;
    let tokens = scene.client.finish(browser.at_app()).await;
    let info = scene.client.user_info(&tokens.access).await.expect(200).json();
    assert_eq!(info["previous_subs"], json!([guests[0], guests[1], guests[2]]));
}

/// Merges end by the database's clock: a node that is ahead must not end them early.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_node_whose_clock_is_ahead_ends_no_merge_early() {
    let scene = Scene::set(Engine::Postgres, |setup| setup.set("identity.merge.answer_seconds", 600)).await;
    scene.agree().await;
    let ahead = Arc::new(AtomicI64::new(7_200 * 1_000_000));
    let node = scene.server.open_app(scene.server.clock.skewed(ahead)).await;
    jobs::merges::sweep(&node).await.expect("a look");
    assert_eq!(scene.merge().await["state"], "requested");
    scene.server.clock.advance_seconds(601);
    jobs::merges::sweep(&node).await.expect("a look");
    assert_eq!(scene.merge().await["state"], "timed_out");
    node.store.close().await;
}
