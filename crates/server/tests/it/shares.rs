//! Projects share one server: none of them, and none of their webhooks, takes more than its share.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use vestibule_domain::{
    delivery::DeliveryState,
    id::{ProjectNo, UserId},
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx,
    deliveries::{self, NewDelivery},
    outbox,
};

use crate::support::{
    Admin, AppClient, Browser, Call, Engine, Receiver, Reply, SILENCE, Setup, TestServer, on_both_engines,
};

on_both_engines!(
    a_silent_receiver_holds_up_no_other_receiver_and_no_other_project,
    a_receiver_that_stays_silent_is_asked_seldom_and_gets_everything_later,
    what_waits_too_long_for_a_silent_receiver_is_a_dead_letter,
    a_project_with_many_events_does_not_hold_up_another,
    what_waits_about_one_user_does_not_hold_up_others,
    requests_that_wait_for_a_silent_hook_hold_up_no_other_project,
    a_blocking_hook_that_stays_silent_is_asked_seldom,
    a_carrier_that_stays_silent_is_asked_seldom,
    streams_of_one_reader_are_limited,
    a_flood_of_passwords_in_one_project_refuses_no_sign_in_of_another,
);

/// Handlers that are told of every event.
fn subscribe(setup: &mut Setup, receivers: &[&Receiver]) {
    setup.configure("hooks.allow_private_addresses", "true");
    setup.set("authentication.rate_limits.signup_anonymous.per_ip.enabled", false);
    let handler = |receiver: &&Receiver| {
        toml::Value::Table(toml::Table::from_iter([("url".into(), receiver.url.clone().into())]))
    };
    setup.set("hook.non_blocking_handlers", receivers.iter().map(handler).collect::<Vec<_>>());
}

/// A receiver that takes every call and answers none.
async fn start_silent() -> Receiver {
    let receiver = Receiver::start().await;
    for _ in 0..1_000 {
        receiver.answer(SILENCE, "");
    }
    receiver
}

async fn sign_up(client: &AppClient, guests: usize) {
    for _ in 0..guests {
        client.sign_up().await;
    }
}

async fn a_silent_receiver_holds_up_no_other_receiver_and_no_other_project(engine: Engine) {
    let (silent, good, other) = (start_silent().await, Receiver::start().await, Receiver::start().await);
    let server = TestServer::start(engine, |setup| subscribe(setup, &[&silent, &good])).await;
    let second = server.add_project("second", |setup| subscribe(setup, &[&silent, &other])).await;
    let second = AppClient::new(server.http_of(&second), "web", "http://shop.test/after-login");
    sign_up(&server.app_client(), 60).await;
    sign_up(&second, 20).await;
    good.wait_for(60).await;
    other.wait_for(20).await;
    // Nothing was answered yet, and a delivery has a minute: each project's lanes to it are all there ever were.
    assert!((1..=8).contains(&silent.calls().len()), "{} calls at once", silent.calls().len());
}

async fn a_receiver_that_stays_silent_is_asked_seldom_and_gets_everything_later(engine: Engine) {
    let (silent, good) = (start_silent().await, Receiver::start().await);
    let server = TestServer::start(engine, |setup| {
        subscribe(setup, &[&silent, &good]);
        setup.set("hook.delivery_timeout_seconds", 1);
    })
    .await;
    let admin = Admin::of(&server).await;
    let client = server.app_client();
    sign_up(&client, 12).await;
    let tried = |page: &Value| {
        let late = |one: &&Value| one["last_error"] == "no answer within 1 seconds";
        page["deliveries"].as_array().map_or(0, |all| all.iter().filter(late).count())
    };
    admin.wait_until("/deliveries?state=waiting&limit=200", |page| tried(page) >= 4).await;
    sign_up(&client, 3).await;
    good.wait_for(15).await;
    // Four were silent, and at most three more were on their way by then. Now it rests, whatever else is to be sent.
    admin.wait_until("/deliveries?state=waiting&limit=200", |page| tried(page) == silent.calls().len()).await;
    let before = silent.calls().len();
    assert!((4..=7).contains(&before), "{before} calls");
    silent.forget_answers();
    server.clock.advance_seconds(61);
    let all = silent.wait_for(before + 15).await;
    let mut late: Vec<String> = all[before..].iter().map(|call| call.json()["id"].to_string()).collect();
    late.sort();
    late.dedup();
    assert_eq!(late.len(), 15, "each event once it answers");
}

async fn what_waits_too_long_for_a_silent_receiver_is_a_dead_letter(engine: Engine) {
    let silent = start_silent().await;
    let server = TestServer::start(engine, |setup| {
        subscribe(setup, &[&silent]);
        setup.set("hook.delivery_timeout_seconds", 1);
        setup.configure("hooks.retry_hours", "1");
    })
    .await;
    let admin = Admin::of(&server).await;
    sign_up(&server.app_client(), 30).await;
    let count = |page: &Value| page["deliveries"].as_array().map_or(0, Vec::len);
    let tried = |page: &Value| {
        let all = page["deliveries"].as_array().expect("deliveries");
        all.iter().filter(|one| one["last_error"].is_string()).count()
    };
    admin.wait_until("/deliveries?state=waiting&limit=200", |page| tried(page) >= 4).await;
    assert_eq!(count(&admin.get("/deliveries?state=dead&limit=200").await.expect(200).json()), 0);
    server.clock.advance_seconds(2 * 3_600);
    // The next silent try gives up what was never tried, too.
    let dead = admin.wait_until("/deliveries?state=dead&limit=200", |page| count(page) == 30).await;
    let untried = dead["deliveries"].as_array().expect("deliveries").iter().filter(|one| one["attempts"] == 0);
    assert!(untried.count() >= 20);
    assert!(silent.calls().len() < 20, "{} calls", silent.calls().len());
}

async fn wait_for_an_empty_outbox(server: &TestServer) {
    let emptying = async {
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        loop {
            pace.tick().await;
            let mut conn = server.app.store.read().await.expect("a connection");
            if outbox::oldest_any_project(&mut conn, "event.unreadable").await.expect("the store works").is_none() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), emptying).await.expect("queued events are handed on");
}

async fn a_project_with_many_events_does_not_hold_up_another(engine: Engine) {
    let (silent, good) = (start_silent().await, Receiver::start().await);
    let server = TestServer::start(engine, |setup| subscribe(setup, &[&silent])).await;
    let second = server.add_project("second", |setup| subscribe(setup, &[&good])).await.no;
    let first = server.app.projects.find_by_id("test").expect("the test project").no;
    let now = server.clock.now();
    let event = |number: usize| {
        json!({
            "id": format!("018f3c2e-2a54-7a0c-8a67-{number:012x}"), "is_logged": false,
            "body": {"id": number, "type": "user.created", "payload": {}, "context": {}},
        })
        .to_string()
    };
    let events: Vec<String> = (0..300).map(event).collect();
    // Events of the projects' creation would take part of the first project's share.
    wait_for_an_empty_outbox(&server).await;
    let pushed = server.app.store.write("test", events, move |tx, events| {
        Box::pin(async move {
            for event in events {
                outbox::push(tx, first, "event", None, event, now).await?;
            }
            outbox::push(tx, second, "event", None, &events[0], now).await
        })
    });
    pushed.await.expect("the store works");
    server.app.store.outbox_signal().notify_one();
    good.wait_for(1).await;
    let admin = Admin::of(&server).await;
    let is_all = |page: &Value| page["deliveries"].as_array().is_some_and(|all| all.len() == 200);
    admin.wait_until("/deliveries?state=waiting&limit=200", is_all).await;
    // Deliveries are numbered as they are made.
    let mut conn = server.app.store.read().await.expect("a connection");
    let mut of_second = deliveries::list_page(&mut conn, second, DeliveryState::Taken, None, 9).await.expect("a list");
    if of_second.is_empty() {
        of_second = deliveries::list_page(&mut conn, second, DeliveryState::Waiting, None, 9).await.expect("a list");
    }
    let own = Some(of_second[0].id);
    // The silent receiver may hold some of them already.
    let mut before = 0;
    for state in [DeliveryState::Waiting, DeliveryState::Taken] {
        before += deliveries::list_page(&mut conn, first, state, own, 999).await.expect("a list").len();
    }
    assert_eq!(before, 100, "half of what is handed on at once is the other project's");
}

/// A delivery for the test: about the user of this number.
async fn queue(tx: &mut Tx, no: ProjectNo, url: &str, (user, seq): (u8, i64), at: Timestamp) -> Result<(), StoreError> {
    let body = json!({"seq": seq, "type": "user.updated"}).to_string();
    let user_id = Some(UserId::from_parts(1, [user; 10]));
    deliveries::insert(tx, no, &NewDelivery { seq, user_id, url, kind: "user.updated", body: &body }, at).await
}

async fn what_waits_about_one_user_does_not_hold_up_others(engine: Engine) {
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    let server = TestServer::start(engine, |setup| subscribe(setup, &[&receiver, &other])).await;
    let no = server.app.projects.find_by_id("test").expect("the test project").no;
    let now = server.clock.now();
    let later = now.plus(Duration::from_secs(1_200));
    let urls = (receiver.url.clone(), other.url.clone());
    let queued = server.app.store.write("test", urls, move |tx, (url, other)| {
        Box::pin(async move {
            // The first waits for its time, and more than one look reads wait for it.
            queue(tx, no, url, (1, 1), later).await?;
            for seq in 2..=2_500 {
                queue(tx, no, url, (1, seq), now).await?;
            }
            queue(tx, no, other, (1, 2_501), now).await?;
            queue(tx, no, url, (2, 2_502), now).await
        })
    });
    queued.await.expect("the store works");
    let seqs = |calls: &[Call]| calls.iter().map(|call| call.json()["seq"].as_i64()).collect::<Vec<_>>();
    assert_eq!(seqs(&other.wait_for(1).await), [Some(2_501)], "the other receiver");
    assert_eq!(seqs(&receiver.wait_for(1).await), [Some(2_502)], "the other user");
    // When the first is taken, those behind it follow at once and in order, though looks had put them off.
    server.clock.advance_seconds(1_201);
    let calls = receiver.wait_for(41).await;
    assert_eq!(seqs(&calls[1..41]), (1..=40).map(Some).collect::<Vec<_>>());
}

/// A project whose guests are made if this receiver agrees, which has a second for it.
fn ask_first(setup: &mut Setup, receiver: &Receiver) {
    subscribe(setup, &[]);
    setup.set("hook.sync_hook_timeout_seconds", 1);
    let handler = [("event", "user.pre_create".to_string()), ("url", receiver.url.clone())];
    let handler = toml::Table::from_iter(handler.map(|(key, value)| (key.to_string(), value.into())));
    setup.set("hook.blocking_handlers", vec![toml::Value::Table(handler)]);
}

async fn a_blocking_hook_that_stays_silent_is_asked_seldom(engine: Engine) {
    let silent = start_silent().await;
    let server = TestServer::start(engine, |setup| ask_first(setup, &silent)).await;
    let client = server.app_client();
    let sign_up_at_once = async |count: usize| {
        let mut asking = JoinSet::new();
        for _ in 0..count {
            let client = client.clone();
            asking.spawn(async move { try_sign_up(&client).await.status });
        }
        asking.join_all().await
    };
    assert_eq!(sign_up_at_once(4).await, [403; 4]);
    assert_eq!(silent.calls().len(), 4);
    // It rests: what it would be asked about is refused without a request, and after the rest one request finds out.
    assert_eq!(sign_up_at_once(6).await, [403; 6]);
    assert_eq!(silent.calls().len(), 4);
    server.clock.advance_seconds(5);
    assert_eq!(sign_up_at_once(6).await, [403; 6]);
    assert_eq!(silent.calls().len(), 5);
    server.clock.advance_seconds(9);
    assert_eq!(sign_up_at_once(6).await, [403; 6]);
    assert_eq!(silent.calls().len(), 5, "a longer rest");
    silent.forget_answers();
    server.clock.advance_seconds(1);
    assert_eq!(sign_up_at_once(1).await, [200]);
    assert_eq!(sign_up_at_once(6).await, [200; 6]);
}

async fn a_carrier_that_stays_silent_is_asked_seldom(engine: Engine) {
    let carrier = start_silent().await;
    let server = TestServer::start(engine, |setup| {
        setup.configure("sms.provider", "webhook");
        setup.configure("sms.webhook_url", &carrier.url);
        setup.configure("sms.webhook_secret", "a secret of the test, long enough");
        setup.configure("sms.timeout_seconds", "1");
    })
    .await;
    let (no, now) = (server.app.projects.find_by_id("test").expect("the test project").no, server.clock.now());
    let push = async |kind: &'static str, payload: String, count: usize| {
        let pushed = server.app.store.write("test", payload, move |tx, payload| {
            Box::pin(async move {
                for _ in 0..count {
                    outbox::push(tx, no, kind, None, payload, now).await?;
                }
                Ok::<_, StoreError>(())
            })
        });
        pushed.await.expect("the store works");
        server.app.store.outbox_signal().notify_one();
    };
    // A mail that arrives shows that the job looked for text messages, too: it does both in one turn.
    let mut mailbox = server.mailbox();
    let mut look = async || {
        for _ in 0..2 {
            let to = "kim@shop.example";
            let mail = json!({"from": null, "to": to, "subject": "s", "text": "Your code is 123456", "html": ""});
            push("mail", mail.to_string(), 1).await;
            mailbox.next_code(to).await;
        }
    };
    push("sms", json!({"to": "+491512345678", "body": "b", "project": "p"}).to_string(), 40).await;
    carrier.wait_for(4).await;
    let failed = async || {
        let mut conn = server.app.store.read().await.expect("a connection");
        // A claim is longer than the pause after the first try.
        let soon = server.clock.now().plus(Duration::from_secs(60));
        let rows = outbox::due(&mut conn, no, "sms", soon, 100).await.expect("the store works");
        rows.iter().filter(|row| row.attempts > 0).count()
    };
    let settled = async || {
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        while failed().await < carrier.calls().len() {
            pace.tick().await;
        }
    };
    // Some may have begun before it was known to be silent; then it rests.
    let before = loop {
        settled().await;
        let before = carrier.calls().len();
        assert!((4..=9).contains(&before), "{before} calls");
        look().await;
        if carrier.calls().len() == before {
            break before;
        }
    };
    // One finds out whether it answers again.
    server.clock.advance_seconds(6);
    look().await;
    carrier.wait_for(before + 1).await;
    look().await;
    assert_eq!(carrier.calls().len(), before + 1);
    settled().await;
    carrier.forget_answers();
    server.clock.advance_seconds(61);
    look().await;
    carrier.wait_for(before + 41).await;
}

async fn try_sign_up(client: &AppClient) -> Reply {
    let body = json!({"session_type": "refresh_token", "client_id": "web"});
    client.http.post_json("/api/anonymous_user/signup", &body).await
}

async fn requests_that_wait_for_a_silent_hook_hold_up_no_other_project(engine: Engine) {
    let (silent, good) = (start_silent().await, Receiver::start().await);
    let ask = |setup: &mut Setup, receiver: &Receiver| {
        subscribe(setup, &[]);
        setup.set("hook.sync_hook_timeout_seconds", 60);
        setup.set("hook.sync_hook_total_timeout_seconds", 120);
        let handler = [("event", "user.pre_create".to_string()), ("url", receiver.url.clone())];
        let handler = toml::Table::from_iter(handler.map(|(key, value)| (key.to_string(), value.into())));
        setup.set("hook.blocking_handlers", vec![toml::Value::Table(handler)]);
    };
    let server = TestServer::start(engine, |setup| ask(setup, &silent)).await;
    let second = server.add_project("second", |setup| ask(setup, &good)).await;
    let second = AppClient::new(server.http_of(&second), "web", "http://shop.test/after-login");
    let first = server.app_client();
    let mut waiting = JoinSet::new();
    for _ in 0..128 {
        let first = first.clone();
        waiting.spawn(async move { try_sign_up(&first).await });
    }
    silent.wait_for(128).await;
    let refused = try_sign_up(&first).await;
    assert_eq!((refused.status, refused.header("retry-after").is_some()), (503, true), "{}", refused.body);
    assert_eq!(refused.json()["error"]["name"], "ServiceUnavailable");
    second.sign_up().await;
    assert_eq!((silent.calls().len(), good.calls().len()), (128, 1));
    // Requests that end give their places back.
    silent.forget_answers();
    waiting.shutdown().await;
    while try_sign_up(&first).await.status == 503 {
        tokio::task::yield_now().await;
    }
}

async fn streams_of_one_reader_are_limited(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (admin, other) = (Admin::of(&server).await, Admin::of(&server).await);
    let open = || admin.request(Method::GET, "/events/stream").send();
    let mut streams = Vec::new();
    let refused = loop {
        let answer = open().await.expect("an answer");
        if answer.status() != 200 {
            break answer;
        }
        streams.push(answer);
    };
    assert_eq!((refused.status().as_u16(), refused.headers().contains_key("retry-after")), (503, true));
    assert_eq!(streams.len(), 32);
    // Other things go on, the readers of other keys too, and a stream that ends makes place.
    admin.get("/events").await.expect(200);
    let of_other = other.request(Method::GET, "/events/stream").send().await.expect("an answer");
    assert_eq!(of_other.status(), 200, "another key");
    streams.pop();
    let client = server.app_client();
    let path = format!("/users/{}", client.subject(&client.sign_up().await.access).await);
    while open().await.expect("an answer").status() != 200 {
        // A stream that nobody reads is found out when something is to be sent.
        admin.send(Method::PATCH, &path, &json!({"custom_attributes": {"a": 1}})).await.expect(200);
    }
}

async fn open_login(client: &AppClient) -> Browser {
    let mut browser = Browser::new(client.http.clone());
    browser.open(&client.authorize_url(&[])).await;
    browser.expect_page(200, "Welcome back");
    browser
}

async fn try_password(mut browser: Browser) -> u16 {
    browser.fill("Email address", "nobody@shop.example");
    browser.fill("Password", "not the password");
    browser.press("Sign in").await;
    browser.reply().status
}

async fn a_flood_of_passwords_in_one_project_refuses_no_sign_in_of_another(engine: Engine) {
    let open = |setup: &mut Setup| {
        setup.set("authentication.rate_limits.password.per_user.enabled", false);
        setup.set("authentication.rate_limits.password.per_ip.enabled", false);
    };
    let server = TestServer::start(engine, |setup| {
        setup.configure("passwords.concurrent", "1");
        setup.configure("passwords.queue", "4");
        setup.configure("passwords.memory_kib", "19456");
        open(setup);
    })
    .await;
    let second = server.add_project("second", open).await;
    let (first, second) =
        (server.app_client(), AppClient::new(server.http_of(&second), "web", "http://shop.test/after-login"));
    let (mut flood, mut ready) = (JoinSet::new(), Vec::new());
    for _ in 0..24 {
        ready.push(open_login(&first).await);
    }
    let mut quiet = Vec::new();
    for _ in 0..4 {
        quiet.push(open_login(&second).await);
    }
    for browser in ready {
        flood.spawn(try_password(browser));
    }
    for browser in quiet {
        assert_eq!(try_password(browser).await, 422, "its turn comes");
    }
    let answers = flood.join_all().await;
    assert!(answers.contains(&503) && answers.contains(&422), "{answers:?}");
}
