//! A row that another transaction has locked on PostgreSQL: only requests that need it wait for it.

use std::time::Duration;

use tokio::{task::JoinSet, time::timeout};
use vestibule_app::jobs::accesses::{flush_all, flush_due};
use vestibule_store::StoreError;

use crate::{
    nodes::until,
    support::{Bouncer, Engine, Setup, TestServer, Tokens, connect_to},
};

/// Less than a statement may wait for a lock, and much more than several that go together do.
const SOON: Duration = Duration::from_secs(5);
/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(60);

/// Guests, and two sessions at the database itself.
struct Scene {
    server: TestServer,
    guests: Vec<Tokens>,
    holder: tokio_postgres::Client,
    watch: tokio_postgres::Client,
}

impl Scene {
    async fn make(count: usize, change: impl FnOnce(&mut Setup)) -> Self {
        let server = TestServer::start(Engine::Postgres, |setup| {
            setup.set("authentication.rate_limits.signup_anonymous.per_ip.enabled", false);
            setup.set_client("web", "access_token_lifetime_seconds", 100_000);
            change(setup);
        })
        .await;
        let url = server.database_url();
        let mut guests = Vec::new();
        for _ in 0..count {
            guests.push(server.app_client().sign_up().await);
        }
        let (holder, watch) = (connect_to(&url).await, connect_to(&url).await);
        Self { server, guests, holder, watch }
    }

    /// Locks the grant in the middle; answers its ID.
    async fn lock(&self) -> Vec<u8> {
        self.holder.batch_execute("BEGIN").await.expect("a transaction");
        // Where OFFSET is in the same SELECT, what it skips is locked, too.
        let sql = "SELECT id FROM grants WHERE id = \
                     (SELECT id FROM grants ORDER BY id LIMIT 1 OFFSET (SELECT count(*) / 2 FROM grants)) FOR UPDATE";
        self.holder.query_one(sql, &[]).await.expect("a grant").get(0)
    }

    async fn unlock(&self) {
        self.holder.batch_execute("COMMIT").await.expect("unlocked");
    }

    /// Uses every token, without a write.
    async fn use_all(&self) {
        let client = self.server.app_client();
        for guest in &self.guests {
            client.user_info(&guest.access).await.expect(200);
        }
    }

    /// The grants whose last recorded use is now.
    async fn count_used(&self) -> i64 {
        let now = self.server.clock.now().as_micros();
        let sql = "SELECT count(*) FROM grants WHERE last_access_at = $1";
        self.watch.query_one(sql, &[&now]).await.expect("a number").get(0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_locked_grant_keeps_no_other_use_from_being_written() {
    let scene = Scene::make(9, |_| {}).await;
    let app = scene.server.app.clone();
    scene.server.clock.advance_seconds(300);
    scene.use_all().await;
    scene.lock().await;
    let outcome = timeout(SOON, flush_due(&app)).await.expect("it does not wait for the lock");
    assert!(matches!(outcome, Err(StoreError::Held)), "{outcome:?}");
    assert_eq!(scene.count_used().await, 8);
    scene.unlock().await;
    assert_eq!(flush_due(&app).await.expect("written"), 1);
    assert_eq!(scene.count_used().await, 9);

    // A process that ends waits for the lock, after it wrote all others.
    scene.server.clock.advance_seconds(300);
    scene.use_all().await;
    scene.lock().await;
    let ending = tokio::spawn(async move { flush_all(&app).await });
    until("the others are written", async || scene.count_used().await == 8).await;
    assert!(!ending.is_finished());
    scene.unlock().await;
    let written = timeout(PATIENCE, ending).await.expect("it ends").expect("no panic");
    assert_eq!(written.expect("written"), 9);
    assert_eq!(scene.count_used().await, 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_refresh_of_a_locked_grant_holds_up_no_other() {
    refresh_beside_a_lock(Scene::make(24, |_| {}).await, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES and pgbouncer"]
async fn a_refresh_of_a_locked_grant_holds_up_no_other_by_way_of_pgbouncer() {
    let bouncer = Bouncer::start(2).await;
    let scene = Scene::make(24, |setup| {
        setup.reach_store_at(bouncer.address);
        setup.configure("store.pooler", "transaction");
    });
    refresh_beside_a_lock(scene.await, Some(bouncer)).await;
}

async fn refresh_beside_a_lock(scene: Scene, _bouncer: Option<Bouncer>) {
    let locked = scene.lock().await;
    let mut crowd = JoinSet::new();
    for guest in &scene.guests {
        let (client, guest) = (scene.server.app_client(), guest.clone());
        crowd.spawn(async move { client.refresh(&guest.refresh).await.status });
    }
    for _ in 1..scene.guests.len() {
        let status = timeout(SOON, crowd.join_next()).await.expect("it does not wait for the lock");
        assert_eq!(status.expect("an answer").expect("no panic"), 200);
    }
    let used = "SELECT count(*) FROM grants WHERE last_access_at = created_at AND id = $1";
    assert_eq!(scene.watch.query_one(used, &[&locked]).await.expect("a number").get::<_, i64>(0), 1);
    assert!(timeout(Duration::from_millis(200), crowd.join_next()).await.is_err(), "one waits");
    scene.unlock().await;
    let status = timeout(PATIENCE, crowd.join_next()).await.expect("an answer");
    assert_eq!(status.expect("one").expect("no panic"), 200);
}
