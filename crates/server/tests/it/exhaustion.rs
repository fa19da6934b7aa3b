//! Too few database connections, and broken ones: every request gets a response, and no acknowledged write is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    guest_journey::promote,
    nodes::{KIM, SIGN_UP},
    support::{Admin, AppClient, Device, Engine, Platform, Reply, Setup, TestServer, Tokens, connect_to},
};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(120);
const CROWD: usize = 50;

/// All clients have one address.
fn let_a_crowd_in(setup: &mut Setup) {
    setup.set("authentication.rate_limits.signup_anonymous.per_ip.enabled", false);
    setup.configure("store.max_connections", "1");
}

/// A success, or an error with `Retry-After`.
fn is_polite(reply: &Reply) -> bool {
    let reported_at = reply.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok_and(|s| s > 0));
    reply.status == 200 || (reply.status == 503 && reported_at)
}

/// The requests of the clients, each with its normal response.
#[derive(Clone, Copy, Debug)]
enum Ask {
    SignUp,
    SignUpCookie,
    Refresh,
    UserInfo,
    PromotionCode,
    Challenge,
    Resolve,
    Revoke,
    Users,
    Ready,
}

impl Ask {
    const ALL: [Self; 10] = [
        Self::SignUp,
        Self::SignUpCookie,
        Self::Refresh,
        Self::UserInfo,
        Self::PromotionCode,
        Self::Challenge,
        Self::Resolve,
        Self::Users,
        Self::Ready,
        Self::Revoke,
    ];

    async fn of(self, client: &AppClient, admin: &Admin, guest: &Tokens) -> Reply {
        let http = &admin.http;
        match self {
            Self::SignUp => {
                http.post_json(SIGN_UP, &json!({ "client_id": "web", "session_type": "refresh_token" })).await
            }
            Self::SignUpCookie => http.post_json(SIGN_UP, &json!({ "session_type": "cookie" })).await,
            Self::Refresh => client.refresh(&guest.refresh).await,
            Self::UserInfo => client.user_info(&guest.access).await,
            Self::PromotionCode => {
                let body = json!({ "session_type": "refresh_token", "refresh_token": guest.refresh });
                http.post_json("/api/anonymous_user/promotion_code", &body).await
            }
            Self::Challenge => http.post_json("/oauth2/challenge", &json!({ "purpose": "anonymous_request" })).await,
            Self::Resolve => {
                Reply::of(http.request(Method::GET, "/_resolver/resolve").bearer_auth(&guest.access)).await
            }
            Self::Revoke => client.revoke(&guest.refresh).await,
            Self::Users => admin.get("/users").await,
            Self::Ready => http.get("/readyz").await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn many_readers_of_a_single_connection_are_all_answered() {
    let server = TestServer::start(Engine::Postgres, let_a_crowd_in).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    for ask in Ask::ALL {
        // Token limits are per minute, and not under test here.
        server.clock.advance_seconds(120);
        let guest = client.sign_up().await;
        if !matches!(ask, Ask::Revoke) {
            let alone = ask.of(&client, &admin, &guest).await;
            assert_eq!(alone.status, 200, "{ask:?} alone needs more than one connection: {}", alone.body);
        }
        let mut crowd = JoinSet::new();
        for _ in 0..CROWD {
            let (client, admin, guest) = (client.clone(), admin.clone(), guest.clone());
            crowd.spawn(async move { ask.of(&client, &admin, &guest).await });
        }
        let answers = tokio::time::timeout(PATIENCE, crowd.join_all()).await;
        let answers = answers.unwrap_or_else(|_| panic!("{ask:?} by {CROWD} at once hangs"));
        for reply in &answers {
            assert!(is_polite(reply), "{ask:?}: {} {}", reply.status, reply.body);
        }
        assert!(answers.iter().any(|reply| reply.status == 200), "{ask:?}: nobody was served");
    }
    server.http().get("/readyz").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn every_journey_gets_by_with_a_single_connection() {
    let server = TestServer::start(Engine::Postgres, let_a_crowd_in).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let (mut browser, mut mailbox) = (server.browser(), server.mailbox());
    promote(&client, &guest, &mut browser, &mut mailbox, KIM).await;
    let member = client.finish(browser.at_app()).await;
    client.user_info(&member.access).await.expect(200);
    browser.open("/settings").await;
    assert_eq!(browser.reply().status, 200);
    let mut device = Device::new(&server, Platform::Android);
    let sub = device.authenticate().await;
    assert_eq!(device.authenticate().await, sub);
    let admin = Admin::of(&server).await;
    admin.get("/users").await.expect(200);
    admin.delete(&format!("/users/{sub}")).await;
    server.change_project(|setup| setup.set("authentication.public_signup_disabled", true)).await;
    vestibule_server::boot::maintain(&server.app).await.expect("the jobs get by, too");
}

/// Repeatedly terminates every database session that is inside a transaction; counts them.
async fn cut_transactions(url: String, over: Arc<AtomicBool>, cut: Arc<AtomicUsize>) {
    let knife = connect_to(&url).await;
    while !over.load(Ordering::SeqCst) {
        let ended = knife
            .query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL",
                &[],
            )
            .await
            .expect("the list of sessions");
        cut.fetch_add(ended.len(), Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// How many requests were refused and how many revocations were acknowledged so far, of all people.
#[derive(Default)]
struct Progress {
    refused: AtomicUsize,
    revoked: AtomicUsize,
}

/// Signs up guests and revokes every other one until stopped; returns the acknowledged ones, valid and revoked.
async fn come_and_go(
    server: (AppClient, crate::support::Http),
    over: Arc<AtomicBool>,
    progress: Arc<Progress>,
) -> (Vec<Tokens>, Vec<Tokens>, usize) {
    let (client, http) = server;
    let (mut alive, mut revoked, mut refused) = (Vec::new(), Vec::new(), 0);
    while !over.load(Ordering::SeqCst) {
        let body = json!({ "client_id": "web", "session_type": "refresh_token" });
        let answer = http.post_json(SIGN_UP, &body).await;
        assert!(is_polite(&answer), "{} {}", answer.status, answer.body);
        if answer.status != 200 {
            refused += 1;
            progress.refused.fetch_add(1, Ordering::SeqCst);
            continue;
        }
        let guest = Tokens::read(&answer.result());
        if (alive.len() + revoked.len()) % 2 == 0 {
            alive.push(guest);
            continue;
        }
        let answer = client.revoke(&guest.refresh).await;
        assert!(is_polite(&answer), "{} {}", answer.status, answer.body);
        if answer.status == 200 {
            revoked.push(guest);
            progress.revoked.fetch_add(1, Ordering::SeqCst);
        }
    }
    (alive, revoked, refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn connections_cut_in_the_midst_of_transactions_lose_nothing_that_was_acknowledged() {
    let server = TestServer::start(Engine::Postgres, |setup| {
        setup.set("authentication.rate_limits.signup_anonymous.per_ip.enabled", false);
    })
    .await;
    let knife = connect_to(&server.store_url()).await;
    // Transactions are long enough to be hit, and one in eight is hit during its commit.
    knife
        .batch_execute(
            "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN PERFORM pg_sleep(0.02); RETURN NULL; END $$;
             CREATE TRIGGER linger AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION linger();
             CREATE FUNCTION end_at_commit() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN
                 IF random() < 0.125 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
                 RETURN NULL;
               END $$;
             CREATE CONSTRAINT TRIGGER end_at_commit AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED
               FOR EACH ROW EXECUTE FUNCTION end_at_commit()",
        )
        .await
        .expect("triggers");
    let (over, cut) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let cutting = tokio::spawn(cut_transactions(server.store_url(), Arc::clone(&over), Arc::clone(&cut)));
    let progress = Arc::new(Progress::default());
    let people: Vec<_> = (0..6)
        .map(|_| {
            let server = (server.app_client(), server.http());
            tokio::spawn(come_and_go(server, Arc::clone(&over), Arc::clone(&progress)))
        })
        .collect();
    let enough = async {
        let is_seen = |count: &AtomicUsize| count.load(Ordering::SeqCst) > 0;
        // Which of them are met is chance, so the number of cuts alone says too little.
        while cut.load(Ordering::SeqCst) < 60 || !is_seen(&progress.refused) || !is_seen(&progress.revoked) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, enough).await.expect("transactions are met and cut");
    over.store(true, Ordering::SeqCst);
    cutting.await.expect("the knife is put away");
    let (mut alive, mut revoked, mut refused) = (Vec::new(), Vec::new(), 0);
    for person in people {
        let (a, r, n) = person.await.expect("every answer was 200, or 503 with Retry-After");
        alive.extend(a);
        revoked.extend(r);
        refused += n;
    }
    assert!(!alive.is_empty() && !revoked.is_empty() && refused > 0, "{} {} {refused}", alive.len(), revoked.len());
    knife.batch_execute("DROP TRIGGER end_at_commit ON users; DROP TRIGGER linger ON users").await.expect("gone");
    let client = server.app_client();
    for guest in &alive {
        client.user_info(&guest.access).await.expect(200);
    }
    for guest in &revoked {
        client.user_info(&guest.access).await.expect(401);
    }
    client.sign_up().await;
}
