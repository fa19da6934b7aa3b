//! The statistics equal a recount of the rows, however late a sign-up is committed, and `vestibule statistics recount` corrects them.

use std::{
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use vestibule_app::{
    ctx::Ctx, guests::sign_up_anonymous::with_refresh_token, jobs::statistics::count_guests, projects::Project,
};
use vestibule_domain::id::UserId;
use vestibule_store::{clock, outbox};

use crate::{
    nodes::until,
    support::{Admin, Engine, TestServer, connect_to, on_both_engines},
};

on_both_engines!(
    a_sign_up_that_is_committed_late_is_counted_once,
    guests_of_a_clock_that_stepped_back_are_counted_once,
    a_recount_corrects_wrong_days_and_leaves_the_others,
);

fn project_of(server: &TestServer) -> Arc<Project> {
    server.app.projects.find_by_id("test").expect("the project")
}

/// Signs up with an ID that is this old: the process stood still in between.
async fn sign_up_after(server: &TestServer, age: Duration) {
    let (app, project) = (&server.app, project_of(server));
    let began_at = app.clock.now().minus(age);
    let guest = with_refresh_token(&Ctx::without_request(app, &project, began_at), "web", None, None).await;
    assert!(guest.is_ok(), "a new guest");
}

async fn count(server: &TestServer) -> Value {
    count_guests(&server.app, &project_of(server)).await.expect("it counts");
    let admin = Admin::of(server).await;
    admin.get("/statistics").await.expect(200).json()["funnel"]["guests_created"].clone()
}

async fn queued(server: &TestServer) -> i64 {
    let mut conn = server.app.store.read().await.expect("a connection");
    outbox::count_any_project(&mut conn, "guest.late").await.expect("the outbox")
}

async fn a_sign_up_that_is_committed_late_is_counted_once(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    server.app_client().sign_up().await;
    server.clock.advance_seconds(1_000);
    assert_eq!(count(&server).await, 1);
    server.app_client().sign_up().await;
    server.clock.advance_seconds(300);
    assert_eq!(count(&server).await, 2);
    // Before and after what is counted, and of an age that the count has not reached.
    for seconds in [299, 301, 1_299, 130, 61, 59, 30, 11] {
        sign_up_after(&server, Duration::from_secs(seconds)).await;
    }
    sign_up_after(&server, Duration::from_secs(9)).await;
    assert_eq!(count(&server).await, 2 + 5);
    assert_eq!(queued(&server).await, 3, "nine seconds are not late");
    server.clock.advance_seconds(61);
    assert_eq!(count(&server).await, 2 + 9);
    assert_eq!(queued(&server).await, 0);
    server.clock.advance_seconds(1_000);
    assert_eq!(count(&server).await, 2 + 9);
}

/// Their IDs are from before what is counted already, by a clock that says that they are new. Also after a restart.
async fn guests_of_a_clock_that_stepped_back_are_counted_once(engine: Engine) {
    let mut server = TestServer::start_plain(engine).await;
    server.app_client().sign_up().await;
    server.clock.advance_seconds(5_000);
    assert_eq!(count(&server).await, 1);
    let mut expected = 1;
    for (back, restarts) in [(3_600, false), (70, false), (3_600, true)] {
        server.clock.advance_seconds(-back);
        if restarts {
            server.restart().await;
        }
        for _ in 0..3 {
            server.app_client().sign_up().await;
            server.clock.advance_seconds(2);
        }
        expected += 3;
        server.clock.advance_seconds(61);
        assert_eq!(count(&server).await, expected, "{back} seconds");
        server.clock.advance_seconds(5_000);
        assert_eq!(count(&server).await, expected, "each once");
        assert_eq!(queued(&server).await, 0);
    }
}

/// The row of a guest is there, but its transaction is still open when the count comes by.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn the_count_waits_for_a_transaction_that_is_open() {
    let server = TestServer::start_plain(Engine::Postgres).await;
    let (now, no) = (server.app.clock.now(), project_of(&server).no);
    let slow = connect_to(&server.store_url()).await;
    let id = UserId::lower_bound(now.as_unix_millis());
    slow.batch_execute("BEGIN").await.expect("a transaction");
    let insert =
        "INSERT INTO users (project_no, id, created_at, updated_at, anonymous_since) VALUES ($1, $2, $3, $3, $3)";
    slow.execute(insert, &[&no.0, &id.as_bytes().as_slice(), &now.as_micros()]).await.expect("a row");
    server.app_client().sign_up().await;
    until("the transaction is old", || async {
        let mut conn = server.app.store.read().await.expect("a connection");
        clock::age_of_oldest_write(&mut conn).await.expect("an age") > Duration::from_millis(1_200)
    })
    .await;
    // By the clock of the test, its guest is a second before the time that is counted; the transaction has been open longer.
    server.clock.advance_seconds(61);
    assert_eq!(count(&server).await, 0);
    slow.batch_execute("COMMIT").await.expect("it is committed");
    assert_eq!(count(&server).await, 2);
    until("no transaction is open", || async {
        let mut conn = server.app.store.read().await.expect("a connection");
        clock::age_of_oldest_write(&mut conn).await.expect("an age").is_zero()
    })
    .await;
}

/// Runs the binary on the data of a test's server.
pub(crate) fn recount(server: &TestServer, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(["statistics", "recount", "--project", "test"])
        .args(arguments)
        .env("VESTIBULE__STORE__URL", server.store_url())
        .env("VESTIBULE__SECRETS__MASTER_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
        .output()
        .expect("the binary runs");
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{text}");
    text
}

pub(crate) async fn execute(server: &TestServer, sql: &str) {
    let url = server.store_url();
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            let connection = rusqlite::Connection::open(path).expect("the store");
            connection.busy_timeout(Duration::from_secs(10)).expect("a timeout");
            connection.execute_batch(sql).expect("it is executed");
        }
        None => connect_to(&url).await.batch_execute(sql).await.expect("it is executed"),
    }
}

/// The new guests by day and application.
async fn numbers(admin: &Admin) -> Vec<(String, String, i64)> {
    let report = admin.get("/statistics").await.expect(200).json();
    let days = report["days"].as_array().expect("days").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let read = |day: &Value| (text(&day["date"]), text(&day["client_id"]), day["guests_created"].as_i64().unwrap_or(0));
    days.map(read).filter(|(_, _, count)| *count > 0).collect()
}

async fn a_recount_corrects_wrong_days_and_leaves_the_others(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (admin, web, blog) = (Admin::of(&server).await, server.app_client(), server.other_client());
    let sign_up = async || web.subject(&web.sign_up().await.access).await;
    let first = sign_up().await;
    for _ in 0..2 {
        web.sign_up().await;
    }
    for _ in 0..3 {
        blog.sign_up().await;
    }
    server.clock.advance_seconds(86_400);
    web.sign_up().await;
    let next = sign_up().await;
    server.clock.advance_seconds(86_400);
    web.sign_up().await;
    server.clock.advance_seconds(61);
    assert_eq!(count(&server).await, 9);
    let right = numbers(&admin).await;
    // Deleted guests stay in the numbers, as before: one of a wrong day, one of a right day.
    for subject in [first, next] {
        admin.delete(&format!("/users/{subject}")).await.expect(204);
    }
    admin.wait_until("/events?type=user.deleted", |log| log["events"][1].is_object()).await;
    assert_eq!(
        recount(&server, &[]),
        "2030-05-01: 6 counted, 6 found: right\n2030-05-02: 2 counted, 2 found: right\n2030-05-03: 1 counted, 1 found: right\nDays: 3, corrected: 0.\n"
    );
    assert_eq!(numbers(&admin).await, right);
    // The first day was counted twice, and the last one missed its guest.
    execute(&server, "UPDATE daily_counts SET count = count * 2 WHERE name = 'guests_created' AND day = (SELECT MIN(day) FROM daily_counts WHERE name = 'guests_created')").await;
    execute(&server, "DELETE FROM daily_counts WHERE name = 'guests_created' AND day = (SELECT MAX(day) FROM daily_counts WHERE name = 'guests_created')").await;
    let wrong = numbers(&admin).await;
    let printed = recount(&server, &["--dry-run"]);
    assert!(printed.contains("2030-05-01: 12 counted, 6 found: wrong\n"), "{printed}");
    assert!(printed.contains("2030-05-03: 0 counted, 1 found: wrong\nDays: 3, wrong: 2.\n"), "{printed}");
    assert_eq!(numbers(&admin).await, wrong);
    let printed = recount(&server, &["--from", "2030-05-02", "--to", "2030-05-02"]);
    assert_eq!(printed, "2030-05-02: 2 counted, 2 found: right\nDays: 1, corrected: 0.\n");
    let printed = recount(&server, &[]);
    assert!(printed.contains("2030-05-01: 12 counted, 6 found: corrected\n"), "{printed}");
    assert!(printed.contains("2030-05-03: 0 counted, 1 found: corrected\nDays: 3, corrected: 2.\n"), "{printed}");
    assert_eq!(numbers(&admin).await, right);
    assert!(recount(&server, &[]).ends_with("Days: 3, corrected: 0.\n"));
    // What comes later is counted on.
    web.sign_up().await;
    server.clock.advance_seconds(61);
    assert_eq!(count(&server).await, json!(10));
}
