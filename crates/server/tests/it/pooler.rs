//! A real pgbouncer in transaction mode, where the next transaction may use another session.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::json;
use tokio::sync::Notify;
use tokio_postgres::SimpleQueryMessage;
use vestibule_store::{Location, Pooler, Store};

use crate::{
    guest_journey::promote,
    nodes::{KIM, SIGN_UP, guess, until},
    shared_limits::{tighten, use_up_at_two_nodes},
    support::{Bouncer, Engine, Setup, TestServer, TestStore, connect_to},
};

/// Fewer than the connections of two servers, so that they must share.
const POOL: usize = 2;
/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(30);

async fn start(bouncer: &Bouncer, change: impl FnOnce(&mut Setup)) -> TestServer {
    TestServer::start(Engine::Postgres, |setup| {
        setup.reach_store_at(bouncer.address);
        setup.configure("store.pooler", "transaction");
        change(setup);
    })
    .await
}

/// Runs something this many times concurrently.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    work: impl IntoIterator<Item = F>,
) -> Vec<T> {
    let running: Vec<_> = work.into_iter().map(tokio::spawn).collect();
    let mut done = Vec::new();
    for task in running {
        done.push(task.await.expect("it ends well"));
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES and pgbouncer"]
async fn two_nodes_serve_guests_and_members_by_way_of_pgbouncer() {
    let bouncer = Bouncer::start(POOL).await;
    let server = start(&bouncer, |setup| {
        setup.set("authentication.rate_limits.password.per_user.enabled", true);
        setup.set("authentication.rate_limits.password.per_user.period", "1h");
        setup.set("authentication.rate_limits.password.per_user.burst", 4);
    })
    .await;
    let node = server.start_node().await;
    let (here, there) = (server.app_client(), node.app_client());
    let guest = here.sign_up().await;
    let sub = here.subject(&guest.access).await;
    assert_eq!(there.subject(&guest.access).await, sub);
    there.refresh(&guest.refresh).await.expect(200);
    let mut mailbox = server.mailbox();
    promote(&here, &guest, &mut server.browser(), &mut mailbox, KIM).await;
    let mut browser = server.browser();
    let statuses = guess(&here, &mut browser, [&server.http(), &node.http], 6).await;
    assert_eq!(statuses, [422, 422, 422, 422, 429, 429]);
    mailbox.next_mail(KIM).await;
    assert_eq!(mailbox.count(), 2, "both nodes carry mail, and each mail went once: the code, and what is signed in");
    let other = there.sign_up().await;
    here.revoke(&other.refresh).await.expect(200);
    there.user_info(&other.access).await.expect(401);

    let body = json!({ "client_id": "web", "session_type": "refresh_token" });
    server.change_project(|setup| setup.set("authentication.identities", vec!["login_id"])).await;
    until("the other node refuses guests", async || node.http.post_json(SIGN_UP, &body).await.status == 400).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES and pgbouncer"]
async fn many_at_once_share_few_connections_and_leave_nothing_behind_in_them() {
    let bouncer = Bouncer::start(POOL).await;
    let server = start(&bouncer, |setup| setup.configure("store.max_connections", "16")).await;
    let client = Arc::new(server.app_client());
    let ask = |_| {
        let client = Arc::clone(&client);
        async move {
            let guest = client.sign_up().await;
            client.refresh(&guest.refresh).await.expect(200);
            client.user_info(&guest.access).await.expect(200);
        }
    };
    at_once((0..50).map(ask)).await;

    // All of pgbouncer's connections at the same time, so that each is checked once.
    let url = bouncer.lead(&server.store_url());
    let mut seen = BTreeSet::new();
    let mut lent = Vec::new();
    for _ in 0..POOL {
        let client = connect_to(&url).await;
        let simple = async |text: &str| {
            let answers = client.simple_query(text).await.expect("an answer");
            let row = answers.iter().find_map(|answer| match answer {
                SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                SimpleQueryMessage::CommandComplete(_) | SimpleQueryMessage::RowDescription(_) | _ => None,
            });
            row.unwrap_or_default()
        };
        simple("BEGIN").await;
        seen.insert(simple("SELECT pg_backend_pid()").await);
        assert_eq!(simple("SELECT count(*) FROM pg_prepared_statements").await, "0");
        assert_eq!(simple("SELECT count(*) FROM pg_listening_channels()").await, "0");
        for limit in ["statement_timeout", "idle_in_transaction_session_timeout", "enable_seqscan"] {
            let set = format!("SELECT count(*) FROM pg_settings WHERE name = '{limit}' AND source = 'session'");
            assert_eq!(simple(&set).await, "0", "{limit}");
        }
        lent.push(client);
    }
    assert_eq!(seen.len(), POOL);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES and pgbouncer"]
async fn a_node_listens_on_its_direct_database_url() {
    let bouncer = Bouncer::start(POOL).await;
    let place = TestStore::make(Engine::Postgres).await;
    let open = async |listen_url: Option<String>| {
        let location = Location::Postgres {
            url: bouncer.lead(&place.url()),
            max_connections: 4,
            pooler: Pooler::Transaction,
            listen_url,
        };
        let store = Store::open(&location).await.expect("the store opens");
        let signal = Arc::new(Notify::new());
        store.listen_for_settings(&signal);
        (store, signal)
    };
    let (store, signal) = open(Some(place.url())).await;
    let received = async || tokio::time::timeout(PATIENCE, signal.notified()).await.expect("it rings");
    received().await; // once as soon as it listens
    connect_to(&place.url()).await.batch_execute("NOTIFY vestibule_settings").await.expect("told");
    received().await;
    store.close().await;
    let (store, signal) = open(None).await;
    let silence = tokio::time::timeout(Duration::from_secs(1), signal.notified()).await;
    assert!(silence.is_err(), "nobody listens by way of pgbouncer: notices would reach whoever comes next");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES and pgbouncer"]
async fn nodes_that_start_together_by_way_of_pgbouncer_migrate_once() {
    let bouncer = Bouncer::start(POOL).await;
    let place = TestStore::make_empty(Engine::Postgres).await;
    let url = bouncer.lead(&place.url());
    let location = Location::Postgres { url, max_connections: 2, pooler: Pooler::Transaction, listen_url: None };
    let opened = at_once([(); 4].map(|()| {
        let location = location.clone();
        async move { Store::open(&location).await }
    }));
    for store in opened.await {
        let store = store.expect("it opens");
        store.ping().await.expect("it answers");
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES and pgbouncer"]
async fn rate_limits_hold_for_all_nodes_by_way_of_pgbouncer() {
    let bouncer = Bouncer::start(POOL).await;
    use_up_at_two_nodes(&start(&bouncer, tighten).await).await;
}
