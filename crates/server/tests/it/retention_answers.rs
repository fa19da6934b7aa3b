//! Holds in the answers of webhooks to `user.anonymous.expiring`: an open order keeps its guest, and nothing else does.

use serde_json::{Value, json};
use vestibule_domain::{
    project::NonBlockingHandler,
    retention::{ClassSettings, RetentionSettings},
};

use crate::{
    lifetimes::change_settings,
    retention::{DAY, advance, run, same, sign_up, start, status},
    support::{Admin, Engine, Receiver, TestServer, on_both_engines},
};

on_both_engines!(
    a_hold_in_an_answer_keeps_its_guest,
    an_answer_takes_effect_once,
    each_receiver_has_a_hold_of_its_own,
    garbage_places_no_hold_and_is_counted,
    a_long_answer_is_read_and_one_that_is_too_long_is_none,
    answers_to_other_events_place_no_hold,
);

const EVENTS: [&str; 3] = ["user.anonymous.expiring", "user.anonymous.expired", "user.deleted"];

/// Guests are warned two days before they expire, after ten days.
fn rules() -> RetentionSettings {
    let ten_days = Some(10 * 86_400);
    let class = ClassSettings { idle_seconds: ten_days, warning_seconds: Some(172_800), ..ClassSettings::default() };
    same(ClassSettings { grace_seconds: Some(0), ..class })
}

/// A server with these rules, whose events go to these receivers.
async fn start_with(engine: Engine, receivers: &[&Receiver]) -> TestServer {
    let server = start(engine).await;
    let handlers: Vec<NonBlockingHandler> = receivers
        .iter()
        .map(|receiver| NonBlockingHandler {
            events: Some(EVENTS.map(String::from).to_vec()),
            url: receiver.url.clone(),
        })
        .collect();
    change_settings(&server, |settings| settings.hook.non_blocking_handlers = handlers).await;
    crate::retention::set_rules(&server, None, &rules()).await;
    server
}

fn answer(server: &TestServer, days: i64) -> Value {
    let until = server.clock.now().plus(std::time::Duration::from_secs((days * DAY).cast_unsigned()));
    json!({"hold": {"owner": "orders", "reason": "Order 4711 is open", "expires_at": until.to_rfc3339()}})
}

/// The deliveries that were taken, newest first, when there are so many.
async fn wait_for_taken(admin: &Admin, count: usize) -> Vec<Value> {
    let enough = |page: &Value| page["deliveries"].as_array().is_some_and(|all| all.len() >= count);
    let page = admin.wait_until("/deliveries?state=taken", enough).await;
    page["deliveries"].as_array().expect("a list").clone()
}

async fn holds_of(admin: &Admin, subject: &str) -> Vec<Value> {
    admin.get(&format!("/users/{subject}/holds")).await.expect(200).json()["holds"].as_array().expect("a list").clone()
}

async fn a_hold_in_an_answer_keeps_its_guest(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = start_with(engine, &[&receiver]).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let (_, held) = sign_up(&client).await;
    run(&server.app).await;
    receiver.answer(200, &answer(&server, 40).to_string());
    advance(&server, 8).await;
    let event = receiver.wait_for(1).await[0].json();
    assert_eq!((&event["type"], &event["payload"]["user"]["id"]), (&json!(EVENTS[0]), &json!(held)));
    let taken = wait_for_taken(&admin, 1).await;
    assert_eq!(taken[0]["last_error"], Value::Null);
    let holds = holds_of(&admin, &held).await;
    assert_eq!(holds.len(), 1);
    assert_eq!((&holds[0]["owner"], &holds[0]["reason"]), (&json!("orders"), &json!("Order 4711 is open")));
    let log = admin.wait_until("/events?type=user.hold.created", |log| log["events"][0].is_object()).await;
    let entry = &log["events"][0];
    assert_eq!((&entry["payload"]["target"], &entry["context"]["triggered_by"]), (&json!("orders"), &json!("system")));
    assert_eq!(entry["context"]["audit_context"], json!({"webhook": receiver.url, "event_id": event["id"]}));
    assert_eq!(entry["context"]["user_id"], json!(held));
    advance(&server, 12).await;
    assert_eq!(status(&admin, &held).await, 200, "its hold keeps it");
    // Then the rules apply again, with a warning.
    advance(&server, 30).await;
    assert_eq!(receiver.wait_for(2).await[1].kind(), EVENTS[0]);
    wait_for_taken(&admin, 2).await;
    advance(&server, 2).await;
    assert_eq!(status(&admin, &held).await, 404);
}

async fn an_answer_takes_effect_once(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = start_with(engine, &[&receiver]).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let (_, held) = sign_up(&client).await;
    run(&server.app).await;
    let hold = answer(&server, 40).to_string();
    // The first try is not accepted, so its answer says nothing.
    receiver.answer(500, &hold);
    receiver.answer(200, &hold);
    advance(&server, 8).await;
    receiver.wait_for(1).await;
    let failed = |page: &Value| page["deliveries"][0]["last_status"] == 500;
    admin.wait_until("/deliveries?state=waiting", failed).await;
    assert!(holds_of(&admin, &held).await.is_empty());
    server.clock.advance_seconds(30);
    receiver.wait_for(2).await;
    let taken = wait_for_taken(&admin, 1).await;
    let first = holds_of(&admin, &held).await;
    assert_eq!(first.len(), 1);
    // The event is sent again, and answered again.
    let replay = format!("/deliveries/{}/replay", taken[0]["id"].as_str().expect("an ID"));
    for count in 3..5 {
        receiver.answer(200, &hold);
        let status = admin.post(&replay, &json!({})).await.status;
        assert!((200..300).contains(&status), "{status}");
        receiver.wait_for(count).await;
        wait_for_taken(&admin, 1).await;
        assert_eq!(holds_of(&admin, &held).await, first);
    }
    assert_eq!(server.events("user.hold.created").await.len(), 1);
}

async fn each_receiver_has_a_hold_of_its_own(engine: Engine) {
    let (orders, returns, other) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let server = start_with(engine, &[&orders, &returns, &other]).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let (_, held) = sign_up(&client).await;
    run(&server.app).await;
    let (one, mut two) = (answer(&server, 40), answer(&server, 60));
    two["hold"]["owner"] = json!("returns");
    orders.answer(200, &one.to_string());
    returns.answer(201, &two.to_string());
    advance(&server, 8).await;
    wait_for_taken(&admin, 3).await;
    let mut owners: Vec<Value> = holds_of(&admin, &held).await.iter().map(|hold| hold["owner"].clone()).collect();
    owners.sort_by_key(Value::to_string);
    assert_eq!(owners, [json!("orders"), json!("returns")]);
}

async fn garbage_places_no_hold_and_is_counted(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = start_with(engine, &[&receiver]).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let with = |name: &str, value: Value| {
        let mut answer = answer(&server, 40);
        answer["hold"][name] = value;
        answer.to_string()
    };
    let cases: [(String, Option<&str>); 11] = [
        (String::new(), None),
        ("OK".into(), None),
        ("<html>".repeat(20_000), None),
        (json!({"is_allowed": true}).to_string(), None),
        ("{\"hold\": ".into(), Some("the answer is not valid")),
        (json!({"hold": "yes"}).to_string(), Some("the answer is not valid")),
        // The reason repeats the name, which no text of PostgreSQL may contain.
        (json!({"hold": {"\u{0}\u{1b}[31m": 1}}).to_string(), Some("the answer is not valid")),
        (with("owner", json!("")), Some("hold.owner")),
        (with("reason", json!("x".repeat(501))), Some("hold.reason")),
        (with("expires_at", json!("2020-01-01T00:00:00Z")), Some("hold.expires_at")),
        (with("expires_at", json!("9999-01-01T00:00:00Z")), Some("hold.expires_at")),
    ];
    let mut subjects = Vec::new();
    for (text, _) in &cases {
        subjects.push(sign_up(&client).await.1);
        receiver.answer(200, text);
    }
    run(&server.app).await;
    advance(&server, 8).await;
    receiver.wait_for(cases.len()).await;
    let taken = wait_for_taken(&admin, cases.len()).await;
    let mut errors: Vec<&str> = taken.iter().filter_map(|delivery| delivery["last_error"].as_str()).collect();
    let mut expected: Vec<&str> = cases.iter().filter_map(|(_, error)| *error).collect();
    assert_eq!(errors.len(), expected.len(), "{errors:?}");
    expected.retain(|error| match errors.iter().position(|found| found.contains(error)) {
        Some(place) => {
            errors.remove(place);
            false
        }
        None => true,
    });
    assert!(expected.is_empty() && errors.is_empty(), "{expected:?} {errors:?}");
    for subject in &subjects {
        assert!(holds_of(&admin, subject).await.is_empty());
    }
    let page = server.app.metrics.print(server.app.store.stats(), vestibule_app::metrics::Measured::default());
    assert!(page.contains("vestibule_webhook_holds_refused_total 7\n"), "{page}");
    advance(&server, 3).await;
    assert_eq!(status(&admin, &subjects[0]).await, 404, "guests expire as before");
}

async fn a_long_answer_is_read_and_one_that_is_too_long_is_none(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = start_with(engine, &[&receiver]).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let (_, held) = sign_up(&client).await;
    run(&server.app).await;
    let padded = |length: usize| {
        let mut answer = answer(&server, 40);
        answer["filler"] = json!("x".repeat(length));
        answer.to_string()
    };
    receiver.answer(200, &padded(70_000));
    receiver.answer(200, &padded(50_000));
    advance(&server, 8).await;
    receiver.wait_for(1).await;
    let failed = |page: &Value| page["deliveries"][0]["last_error"].is_string();
    let page = admin.wait_until("/deliveries?state=waiting", failed).await;
    let error = page["deliveries"][0]["last_error"].as_str().unwrap_or_default();
    assert!(error.contains("longer than 65535 bytes"), "{page}");
    assert!(holds_of(&admin, &held).await.is_empty());
    // It is asked again, and its guest is kept.
    server.clock.advance_seconds(30);
    receiver.wait_for(2).await;
    wait_for_taken(&admin, 1).await;
    assert_eq!(holds_of(&admin, &held).await.len(), 1);
    advance(&server, 3).await;
    assert_eq!(status(&admin, &held).await, 200);
}

async fn answers_to_other_events_place_no_hold(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = start_with(engine, &[&receiver]).await;
    let grace = ClassSettings { grace_seconds: Some(604_800), ..rules().without_key };
    crate::retention::set_rules(&server, None, &same(grace)).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let (_, subject) = sign_up(&client).await;
    run(&server.app).await;
    receiver.answer(200, "");
    advance(&server, 8).await;
    receiver.wait_for(1).await;
    wait_for_taken(&admin, 1).await;
    receiver.answer(200, &answer(&server, 400).to_string());
    advance(&server, 3).await;
    assert_eq!(receiver.wait_for(2).await[1].kind(), EVENTS[1]);
    wait_for_taken(&admin, 2).await;
    assert!(holds_of(&admin, &subject).await.is_empty());
    advance(&server, 8).await;
    assert_eq!(status(&admin, &subject).await, 404);
}
