//! `/readyz`: it proves that a write can succeed, and a flood of probes makes no more writes than one.

use tokio::task::JoinSet;

use crate::{
    nodes::until,
    support::{Engine, TestServer, on_both_engines},
};

/// How often a probe wrote.
fn count_writes(server: &TestServer) -> u64 {
    server.app.store.stats().by_name.get("probe_readiness").map_or(0, |write| write.count)
}

async fn a_flood_of_probes_writes_once_in_five_seconds(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for expected in 1..=3 {
        let mut crowd = JoinSet::new();
        for _ in 0..40 {
            let http = server.http();
            crowd.spawn(async move { http.get("/readyz").await.status });
        }
        assert!(crowd.join_all().await.into_iter().all(|status| status == 200));
        assert_eq!(count_writes(&server), expected);
        server.clock.advance_seconds(4);
        server.http().get("/readyz").await.expect(200);
        assert_eq!(count_writes(&server), expected, "the write of the last seconds counts");
        server.clock.advance_seconds(2);
    }
}

async fn a_clock_that_steps_back_makes_no_old_proof_count(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    server.http().get("/readyz").await.expect(200);
    server.clock.advance_seconds(-3_600);
    server.http().get("/readyz").await.expect(200);
    assert_eq!(count_writes(&server), 2);
}

on_both_engines!(a_flood_of_probes_writes_once_in_five_seconds, a_clock_that_steps_back_makes_no_old_proof_count);

/// Reading works, and no write can succeed: another process holds the write lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_takes_no_writes_is_not_ready() {
    let server = TestServer::start_plain(Engine::Sqlite).await;
    let url = server.store_url();
    let blocker = rusqlite::Connection::open(url.trim_start_matches("sqlite:")).expect("the store");
    blocker.execute_batch("BEGIN IMMEDIATE").expect("the write lock");
    let mut crowd = JoinSet::new();
    for _ in 0..20 {
        let http = server.http();
        crowd.spawn(async move { http.get("/readyz").await });
    }
    for reply in crowd.join_all().await {
        assert_eq!(reply.status, 503, "{}", reply.body);
        assert!(reply.header("retry-after").is_some());
    }
    server.http().get("/healthz").await.expect(200);
    blocker.execute_batch("ROLLBACK").expect("let go");
    until("it is ready again", || async {
        server.clock.advance_seconds(2);
        server.http().get("/readyz").await.status == 200
    })
    .await;
}
