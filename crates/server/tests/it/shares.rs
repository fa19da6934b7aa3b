//! Projects share one server: none of them, and none of their webhooks, takes more than its share.

use serde_json::{Value, json};
use tokio::task::JoinSet;
use vestibule_store::outbox;

use crate::support::{Admin, AppClient, Browser, Engine, Receiver, SILENCE, Setup, TestServer, on_both_engines};

on_both_engines!(
    a_silent_receiver_holds_up_no_other_receiver_and_no_other_project,
    a_receiver_that_stays_silent_is_asked_seldom_and_gets_everything_later,
    what_waits_too_long_for_a_silent_receiver_is_a_dead_letter,
    a_project_with_many_events_does_not_hold_up_another,
    a_flood_of_passwords_in_one_project_refuses_no_sign_in_of_another,
);

/// Handlers that are told of every event.
fn tell(setup: &mut Setup, receivers: &[&Receiver]) {
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
    let server = TestServer::start(engine, |setup| tell(setup, &[&silent, &good])).await;
    let second = server.add_project("second", |setup| tell(setup, &[&silent, &other])).await;
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
        tell(setup, &[&silent, &good]);
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
        tell(setup, &[&silent]);
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

async fn a_project_with_many_events_does_not_hold_up_another(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| tell(setup, &[&receiver])).await;
    let second = server.add_project("second", |setup| tell(setup, &[&receiver])).await.no;
    let first = server.app.projects.find_by_id("test").expect("the test project").no;
    let now = server.clock.now();
    let event = |number: usize| {
        json!({
            "id": format!("018f3c2e-2a54-7a0c-8a67-{number:012x}"), "is_logged": false,
            "body": {"id": number, "type": "user.created", "payload": {}, "context": {}},
        })
        .to_string()
    };
    let events: Vec<String> = (0..600).map(event).collect();
    let pushed = server.app.store.write("test", events, move |tx, events| {
        Box::pin(async move {
            for event in events {
                outbox::push(tx, first, "event", None, event, now).await?;
            }
            outbox::push(tx, second, "event", None, &events[0], now).await
        })
    });
    pushed.await.expect("the store works");
    server.app.outbox_bell.notify_one();
    let calls = receiver.wait_for(601).await;
    assert_eq!(calls.len(), 601);
    // Deliveries are numbered as they are made: the one of the second project is among the first.
    let admin = Admin::of(&server).await;
    let later = |page: &Value| page["deliveries"].as_array().is_some_and(|all| all.len() == 200);
    let page = admin.wait_until("/deliveries?state=taken&limit=200", later).await;
    let newest: i64 = page["deliveries"][0]["id"].as_str().and_then(|id| id.parse().ok()).expect("a number");
    let mut conn = server.app.store.read().await.expect("a connection");
    let of_second = vestibule_store::deliveries::list_page(
        &mut conn,
        second,
        vestibule_store::deliveries::DeliveryState::Taken,
        None,
        9,
    );
    let of_second = of_second.await.expect("the deliveries");
    assert!(newest - of_second[0].id >= 400, "{} came before it", 601 - (newest - of_second[0].id));
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
