//! An operator's commands, run as processes: metrics, backup, restore, migration to PostgreSQL.

use std::process::{Command, Stdio};

use crate::{
    nodes::until,
    support::{
        Engine, Installation, TestStore,
        binary::{refresh, refresh_token, sign_up},
        connect_to,
    },
};

/// Signs up a guest; returns its refresh token.
async fn make_guest(installation: &Installation) -> String {
    let process = installation.start();
    let answer = sign_up(&process.client(), process.address.port()).await.expect("an answer");
    refresh_token(answer, "result").await.expect("a guest")
}

/// Refreshes; returns the next token.
async fn use_token(installation: &Installation, token: &str) -> Option<String> {
    let process = installation.start();
    let answer = refresh(&process.client(), process.address.port(), "rotating", token).await.expect("an answer");
    refresh_token(answer, "").await
}

fn file(installation: &Installation, name: &str) -> String {
    installation.folder.path().join(name).display().to_string()
}

fn make_on_sqlite() -> (Installation, TestStore) {
    let folder = tempfile::TempDir::new().expect("a scratch folder");
    let place = TestStore::Folder(folder);
    (Installation::make(&place.url()), place)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metrics_page_counts_requests_guests_and_writes() {
    let (installation, _place) = make_on_sqlite();
    let process = installation.start();
    let answer = sign_up(&process.client(), process.address.port()).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let read = || process.client().get(format!("http://{}/metrics", process.metrics)).send();
    // The event of the project's creation waits in the outbox when the process starts.
    let is_empty = |page: &str| page.lines().any(|line| line == "vestibule_outbox_oldest_seconds 0.0");
    while !is_empty(&read().await.expect("an answer").text().await.expect("text")) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let page = read().await.expect("an answer");
    assert_eq!(page.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let page = page.text().await.expect("text");
    for line in [
        "vestibule_http_requests_total{method=\"POST\",route=\"/api/anonymous_user/signup\",status=\"2xx\"} 1",
        "vestibule_guests_created_total 1",
        "vestibule_store_writes_total{name=\"sign_up_anonymous\",outcome=\"kept\"} 1",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is missing in\n{page}");
    }
    let hidden = process.client().get(format!("http://{}/metrics", process.address)).send().await.expect("an answer");
    assert_ne!(hidden.status(), 200, "strangers need not know");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_taken_while_the_server_runs_can_be_restored_when_it_does_not() {
    let (installation, _place) = make_on_sqlite();
    let token = make_guest(&installation).await;
    let copy = file(&installation, "copy.db");
    let process = installation.start();
    installation.run(&["backup", &copy]);
    let in_use = installation.try_run(&["restore", &copy]);
    assert!(!in_use.status.success(), "a store in use was overwritten");
    drop(process);
    let later = make_guest(&installation).await;
    installation.run(&["restore", &copy]);
    assert!(use_token(&installation, &token).await.is_some(), "the guest of before");
    assert!(use_token(&installation, &later).await.is_none(), "the guest of after");
    let again = installation.try_run(&["backup", &copy]);
    assert!(!again.status.success(), "an older backup was overwritten");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn moving_to_postgres_keeps_sessions_alive() {
    let (installation, _place) = make_on_sqlite();
    let token = make_guest(&installation).await;
    let target = TestStore::make(Engine::Postgres).await;
    let output = installation.run(&["migrate-store", "--to", &target.url()]);
    assert!(output.contains("grants: 1 rows, equal"), "{output}");
    installation.point_to(&target.url());
    let next = use_token(&installation, &token).await.expect("the same guest");
    assert!(use_token(&installation, &next).await.is_some(), "the store goes on");
}

/// It waits for a table that another session has locked, and is killed there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_move_that_is_killed_half_way_goes_on() {
    let (installation, place) = make_on_sqlite();
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(make_guest(&installation).await);
    }
    let target = TestStore::make(Engine::Postgres).await;
    let (lock, watch) = (connect_to(&target.url()).await, connect_to(&target.url()).await);
    lock.batch_execute("BEGIN; LOCK TABLE grants IN SHARE MODE").await.expect("a lock");
    let mut moving = Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(["migrate-store", "--to", &target.url()])
        .env("VESTIBULE_CONFIG", installation.folder.path().join("vestibule.toml"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    until("it waits for the table", async || {
        let sql =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        watch.query_one(sql, &[]).await.expect("the sessions").get::<_, i64>(0) > 0
    })
    .await;
    moving.kill().expect("it still ran");
    moving.wait().expect("it is gone");
    lock.batch_execute("ROLLBACK").await.expect("the lock is gone");
    installation.point_to(&target.url());
    let serving = installation.try_run(&["serve"]);
    let problem = String::from_utf8_lossy(&serving.stderr);
    assert!(!serving.status.success() && problem.contains("`vestibule migrate-store` again"), "{problem}");
    installation.point_to(&place.url());
    let output = installation.run(&["migrate-store", "--to", &target.url()]);
    assert!(output.contains("grants: 3 rows, equal"), "{output}");
    installation.point_to(&target.url());
    for token in &tokens {
        assert!(use_token(&installation, token).await.is_some(), "a guest is lost");
    }
    let checked = installation.run(&["check", "--quiet"]);
    assert!(checked.is_empty(), "{checked}");
}
