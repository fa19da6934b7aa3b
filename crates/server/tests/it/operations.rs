//! An operator's commands, run as processes: metrics, backup, restore, migration to PostgreSQL.

use crate::support::{
    Engine, Installation, TestStore,
    binary::{refresh, refresh_token, sign_up},
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
