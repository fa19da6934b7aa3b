//! Rate limits that are counted in memory hold for all nodes together.

use std::time::Duration;

use serde_json::json;
use vestibule_app::{
    limits::{Counter, CounterSubject},
    state::App,
};
use vestibule_domain::{
    limit::{Quota, ip_key},
    project::LimitName,
};

use crate::{
    nodes::{SIGN_UP, until},
    support::{Engine, Http, Setup, TestServer},
};

/// Six guests an hour: one more every ten minutes.
pub(crate) fn tighten(setup: &mut Setup) {
    setup.set("authentication.rate_limits.signup_anonymous.per_ip.burst", 6);
    setup.set("authentication.rate_limits.signup_anonymous.per_ip.period", "1h");
}

/// Waits until a node knows of this many guests.
async fn until_known(app: &App, count: u32) {
    let project = app.projects.find_by_id("test").expect("the project");
    let (counter, address) =
        (Counter::Setting(LimitName::SignupAnonymousPerIp), CounterSubject::Ip(ip_key([127, 0, 0, 1].into())));
    let quota = Quota { period: Duration::from_secs(600) * count, burst: count };
    until("the node has heard of the other's guests", || async {
        app.limits.check(project.no, counter, address, quota, app.clock.now()).is_err()
    })
    .await;
}

/// Each node hears of the other's guests and counts them once: together they allow six.
pub(crate) async fn use_up_at_two_nodes(server: &TestServer) {
    let node = server.start_node().await;
    let sign_up = async |http: &Http| {
        http.post_json(SIGN_UP, &json!({ "client_id": "web", "session_type": "refresh_token" })).await.status
    };
    for _ in 0..2 {
        assert_eq!(sign_up(&server.http()).await, 200);
        assert_eq!(sign_up(&node.http).await, 200);
    }
    until_known(&server.app, 4).await;
    until_known(&node.app, 4).await;
    assert_eq!(sign_up(&server.http()).await, 200);
    until_known(&node.app, 5).await;
    assert_eq!(sign_up(&node.http).await, 200);
    assert_eq!(sign_up(&node.http).await, 429);
    until_known(&server.app, 6).await;
    assert_eq!(sign_up(&server.http()).await, 429);
    // A node that starts later hears of what was used just before.
    node.stop().await;
    let node = server.start_node().await;
    until_known(&node.app, 6).await;
    server.clock.advance_seconds(601);
    assert_eq!(sign_up(&node.http).await, 200, "one is refilled");
    assert_eq!(sign_up(&node.http).await, 429);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn the_limit_of_an_address_is_one_of_all_nodes() {
    use_up_at_two_nodes(&TestServer::start(Engine::Postgres, tighten).await).await;
}
