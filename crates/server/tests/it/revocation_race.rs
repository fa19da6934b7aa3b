//! What is revoked or promoted counts on every node from then on, also while many requests read the same grant at the same moment.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    guest_journey::promote,
    support::{AppClient, Bouncer, Engine, Reply, Setup, TestServer, Tokens, on_both_engines},
};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(120);
/// Requests of each kind under way at each node.
const CROWD: usize = 4;

on_both_engines!(a_revoked_token_is_never_served_again, a_promoted_guest_is_never_a_guest_again);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES and pgbouncer"]
async fn a_revoked_token_is_never_served_again_by_way_of_pgbouncer() {
    let bouncer = Bouncer::start(2).await;
    let server = TestServer::start(Engine::Postgres, |setup| {
        setup.reach_store_at(bouncer.address);
        setup.configure("store.pooler", "transaction");
        let_a_crowd_in(setup);
    })
    .await;
    revoke_in_the_crowd(server, Engine::Postgres).await;
}

fn let_a_crowd_in(setup: &mut Setup) {
    setup.set("authentication.rate_limits.signup_anonymous.per_ip.enabled", false);
}

/// What is asked again and again with the tokens of one guest.
#[derive(Clone, Copy, Debug)]
enum Ask {
    UserInfo,
    Resolve,
    Refresh,
    PromotionCode,
}

impl Ask {
    async fn of(self, client: &AppClient, guest: &Tokens) -> Reply {
        match self {
            Self::UserInfo => client.user_info(&guest.access).await,
            Self::Resolve => {
                Reply::of(client.http.request(Method::GET, "/_resolver/resolve").bearer_auth(&guest.access)).await
            }
            Self::Refresh => client.refresh(&guest.refresh).await,
            Self::PromotionCode => {
                let body = json!({ "session_type": "refresh_token", "refresh_token": guest.refresh });
                client.http.post_json("/api/anonymous_user/promotion_code", &body).await
            }
        }
    }

    /// Whether the guest was served.
    fn is_served(self, reply: &Reply) -> bool {
        match self {
            Self::UserInfo | Self::Refresh | Self::PromotionCode => reply.status == 200,
            Self::Resolve => reply.header("x-authgear-session-valid") == Some("true"),
        }
    }
}

/// The crowd of one guest.
struct Crowd {
    is_over: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    requests: JoinSet<()>,
}

impl Crowd {
    fn gather(clients: &[AppClient], guest: &Tokens, asks: &[Ask]) -> Self {
        let (is_over, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut requests = JoinSet::new();
        for (client, ask) in clients.iter().flat_map(|client| asks.iter().map(move |ask| (client, *ask))) {
            for _ in 0..CROWD {
                let (client, guest) = (client.clone(), guest.clone());
                let (is_over, served) = (Arc::clone(&is_over), Arc::clone(&served));
                requests.spawn(async move {
                    let mut late = 0;
                    while late < 2 {
                        let was_over = is_over.load(SeqCst);
                        let reply = ask.of(&client, &guest).await;
                        assert!(reply.status < 500, "{ask:?}: {reply:?}");
                        let is_served = ask.is_served(&reply);
                        assert!(!(was_over && is_served), "{ask:?} was served afterwards: {reply:?}");
                        served.fetch_add(usize::from(is_served), SeqCst);
                        late += usize::from(was_over);
                    }
                });
            }
        }
        Self { is_over, served, requests }
    }

    /// Waits until the crowd was served.
    async fn wait(&self) {
        let served = async {
            while self.served.load(SeqCst) < 3 * CROWD {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, served).await.expect("the crowd is served");
    }

    /// From now on nothing that is asked may be served.
    async fn end(self) {
        self.is_over.store(true, SeqCst);
        tokio::time::timeout(PATIENCE, self.requests.join_all()).await.expect("the crowd ends");
    }
}

async fn a_revoked_token_is_never_served_again(engine: Engine) {
    revoke_in_the_crowd(TestServer::start(engine, let_a_crowd_in).await, engine).await;
}

async fn revoke_in_the_crowd(server: TestServer, engine: Engine) {
    // An embedded store has one node.
    let node = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(server.start_node().await),
    };
    let mut clients = vec![server.app_client()];
    clients.extend(node.as_ref().map(crate::support::Node::app_client));
    for round in 0..6 {
        // Limits are for a minute, and not under test here.
        server.clock.advance_seconds(120);
        let guest = clients[0].sign_up().await;
        let crowd = Crowd::gather(&clients, &guest, &[Ask::UserInfo, Ask::Resolve, Ask::Refresh]);
        crowd.wait().await;
        clients[round % clients.len()].revoke(&guest.refresh).await.expect(200);
        crowd.end().await;
    }
    if let Some(node) = node {
        node.stop().await;
    }
}

async fn a_promoted_guest_is_never_a_guest_again(engine: Engine) {
    let server = TestServer::start(engine, let_a_crowd_in).await;
    let node = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(server.start_node().await),
    };
    let mut clients = vec![server.app_client()];
    clients.extend(node.as_ref().map(crate::support::Node::app_client));
    for round in 0..2 {
        server.clock.advance_seconds(120);
        let guest = clients[0].sign_up().await;
        let crowd = Crowd::gather(&clients, &guest, &[Ask::PromotionCode]);
        crowd.wait().await;
        let (mut browser, mut mailbox) = (server.browser(), server.mailbox());
        let email = format!("kim{round}@shop.example");
        promote(&clients[round % clients.len()], &guest, &mut browser, &mut mailbox, &email).await;
        crowd.end().await;
    }
    if let Some(node) = node {
        node.stop().await;
    }
}
