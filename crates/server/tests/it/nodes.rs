//! Several nodes on one PostgreSQL, without sticky sessions: each sees the others' changes.

use std::time::Duration;

use serde_json::json;

use super::introspection::{key_ids, run};
use crate::{
    guest_journey::{identify, promote},
    support::{AppClient, Browser, Engine, Http, Mailbox, Node, TestServer, Tokens},
};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const KIM: &str = "kim@shop.example";
pub(crate) const SIGN_UP: &str = "/api/anonymous_user/signup";

async fn start() -> (TestServer, Node) {
    let server = TestServer::start_plain(Engine::Postgres).await;
    let node = server.start_node().await;
    (server, node)
}

/// Polls until the condition holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let asking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("never seen: {what}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_guest_of_one_node_is_a_guest_of_the_other_and_a_revocation_counts_at_once() {
    let (server, node) = start().await;
    let (here, there) = (server.app_client(), node.app_client());
    let guest = here.sign_up().await;
    let sub = here.subject(&guest.access).await;
    assert_eq!(there.subject(&guest.access).await, sub);
    let fresh = there.refresh(&guest.refresh).await.expect(200).json()["access_token"].as_str().map(str::to_owned);
    assert_eq!(here.subject(&fresh.expect("an access token")).await, sub);
    there.revoke(&guest.refresh).await.expect(200);
    here.user_info(&guest.access).await.expect(401);
    here.refresh(&guest.refresh).await.expect(400);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn every_step_of_a_promotion_may_go_to_another_node() {
    let (server, node) = start().await;
    let (here, there) = (server.app_client(), node.app_client());
    let (mut browser, mut mailbox) = (server.browser(), server.mailbox());
    let guest = here.sign_up().await;
    let sub = here.subject(&guest.access).await;
    let code = there.promotion_code(&guest).await;
    browser.open(&here.promotion_url(&code)).await;
    browser.go_by(&node.http);
    identify(&mut browser, KIM).await;
    browser.go_by(&server.http());
    browser.fill("Code", &mailbox.next_code(KIM).await);
    browser.press("Confirm").await;
    mailbox.next_mail(KIM).await;
    assert_eq!(mailbox.count(), 2, "both nodes carry mail, and each mail went once: the code, and what is signed in");
    let member = there.finish(browser.at_app()).await;
    for client in [&here, &there] {
        let info = client.user_info(&member.access).await.expect(200).json();
        assert_eq!((&info["sub"], &info["email"]), (&sub.clone().into(), &KIM.into()));
        assert_eq!(info["https://authgear.com/claims/user/is_anonymous"], false);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_code_that_both_nodes_are_shown_at_once_is_redeemed_once() {
    let (server, node) = start().await;
    let (here, there) = (server.app_client(), node.app_client());
    for number in 0..5 {
        let guest = here.sign_up().await;
        let (mut browser, mut mailbox) = (server.browser(), server.mailbox());
        promote(&here, &guest, &mut browser, &mut mailbox, &format!("kim{number}@shop.example")).await;
        let code = crate::support::query(browser.at_app(), "code").expect("a code");
        let (first, second) = tokio::join!(here.exchange(&code), there.exchange(&code));
        let mut answers = [first.status, second.status];
        answers.sort_unstable();
        assert_eq!(answers, [200, 400]);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn changed_settings_reach_every_node() {
    let (server, node) = start().await;
    let body = json!({ "client_id": "web", "session_type": "refresh_token" });
    node.http.post_json(SIGN_UP, &body).await.expect(200);
    server.change_project(|setup| setup.set("authentication.identities", vec!["login_id"])).await;
    until("the other node refuses guests", async || node.http.post_json(SIGN_UP, &body).await.status == 400).await;
    server.change_project(|_| {}).await;
    until("the other node takes guests again", async || node.http.post_json(SIGN_UP, &body).await.status == 200).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn new_signing_keys_reach_every_node_and_what_one_signs_the_other_accepts() {
    let server =
        TestServer::start(Engine::Postgres, |setup| setup.set_client("web", "issue_jwt_access_token", true)).await;
    let node = server.start_node().await;
    let before = key_ids(&server).await;
    let old = server.app_client().sign_up().await;
    let (ok, text) = run(&server, &["key", "rotate", "--project", "test", "--now"]).await;
    assert!(ok, "{text}");
    let published = async |http: &Http| {
        let set = http.get("/oauth2/jwks").await.expect(200).json();
        set["keys"].as_array().is_some_and(|keys| keys.len() == before.len() + 2)
    };
    until("the new keys here", async || published(&server.http()).await).await;
    until("the new keys there", async || published(&node.http).await).await;
    let new = node.app_client().sign_up().await;
    for token in [&old.access, &new.access] {
        server.app_client().user_info(token).await.expect(200);
        node.app_client().user_info(token).await.expect(200);
    }
    node.stop().await;
}

/// Enters wrong passwords for Kim on two nodes in turn; returns the statuses.
pub(crate) async fn guess(client: &AppClient, browser: &mut Browser, methods: [&Http; 2], tries: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for number in 0..tries {
        browser.go_by(methods[number % 2]);
        browser.open(&client.authorize_url(&[])).await;
        browser.fill("Email address", KIM);
        browser.fill("Password", "something else");
        browser.press("Sign in").await;
        statuses.push(browser.reply().status);
    }
    statuses
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn wrong_passwords_count_for_all_nodes_together() {
    let server = TestServer::start(Engine::Postgres, |setup| {
        setup.set("authentication.rate_limits.password.per_user.enabled", true);
        setup.set("authentication.rate_limits.password.per_user.period", "1h");
        setup.set("authentication.rate_limits.password.per_user.burst", 4);
    })
    .await;
    let node = server.start_node().await;
    let client = server.app_client();
    let guest: Tokens = client.sign_up().await;
    let mut mailbox: Mailbox = server.mailbox();
    promote(&client, &guest, &mut server.browser(), &mut mailbox, KIM).await;
    let statuses = guess(&client, &mut server.browser(), [&server.http(), &node.http], 6).await;
    assert_eq!(statuses, [422, 422, 422, 422, 429, 429]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn nodes_that_start_together_on_an_empty_database_wait_for_each_other() {
    let place = crate::support::TestStore::make_empty(Engine::Postgres).await;
    let installation = crate::support::Installation::bare(&place.url());
    // Two processes with different master keys could not read each other's keys, so nodes share one.
    std::fs::write(installation.folder.path().join("master.key"), format!("{}\n", "07".repeat(32))).expect("a file");
    let [first, second] = std::thread::scope(|scope| {
        let starts = [(); 2].map(|()| scope.spawn(|| installation.start()));
        starts.map(|start| start.join().expect("it starts"))
    });
    for process in [&first, &second] {
        process.http().get("/readyz").await.expect(200);
    }
}
