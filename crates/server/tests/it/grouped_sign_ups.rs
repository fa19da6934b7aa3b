//! Guests that sign up at the same moment, which PostgreSQL writes in groups: each gets its own, and one that is refused is the only one.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{
    ANONYMOUS_GRANT, Admin, Bouncer, Device, Engine, Platform, Reply, Setup, TestServer, on_both_engines,
};

const SIGN_UP: &str = "/api/anonymous_user/signup";
const CROWD: usize = 200;

on_both_engines!(two_hundred_at_once_are_two_hundred_guests, devices_that_are_refused_refuse_no_other);

fn let_a_crowd_in(setup: &mut Setup) {
    setup.set("authentication.rate_limits.signup_anonymous.per_ip.enabled", false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES and pgbouncer"]
async fn two_hundred_at_once_are_two_hundred_guests_by_way_of_pgbouncer() {
    let bouncer = Bouncer::start(2).await;
    let server = TestServer::start(Engine::Postgres, |setup| {
        setup.reach_store_at(bouncer.address);
        setup.configure("store.pooler", "transaction");
        let_a_crowd_in(setup);
    })
    .await;
    sign_up_the_crowd(&server).await;
}

async fn two_hundred_at_once_are_two_hundred_guests(engine: Engine) {
    sign_up_the_crowd(&TestServer::start(engine, let_a_crowd_in).await).await;
}

/// By token and by cookie, every third with an idempotency key that two of them share.
async fn sign_up_the_crowd(server: &TestServer) {
    let mut crowd = JoinSet::new();
    for number in 0..CROWD {
        let http = server.http();
        crowd.spawn(async move {
            let body = match number % 2 {
                0 => json!({ "session_type": "refresh_token", "client_id": "web" }),
                _ => json!({ "session_type": "cookie" }),
            };
            let mut request = http.request(Method::POST, SIGN_UP).json(&body);
            if number.is_multiple_of(3) {
                request = request.header("idempotency-key", format!("a-key-of-two-guests-{}", number / 12));
            }
            (number, Reply::of(request).await)
        });
    }
    let (mut subjects, mut keyed) = (BTreeSet::new(), BTreeSet::new());
    let client = server.app_client();
    for (number, reply) in crowd.join_all().await {
        assert_eq!(reply.status, 200, "{reply:?}");
        let subject = if number.is_multiple_of(2) {
            let access = reply.clone().result()["access_token"].as_str().expect("an access token").to_owned();
            client.subject(&access).await
        } else {
            let cookie = reply.header("set-cookie").expect("a cookie").split(';').next().unwrap_or_default();
            let request = server.http().request(Method::GET, "/_resolver/resolve").header("cookie", cookie);
            let resolved = Reply::of(request).await;
            resolved.header("x-authgear-user-id").expect("a user").to_owned()
        };
        if number.is_multiple_of(3) {
            keyed.insert(subject)
        } else {
            subjects.insert(subject)
        };
    }
    assert_eq!(subjects.len(), CROWD - CROWD.div_ceil(3), "whoever has no key is a guest of its own");
    // Of a key, one by token and one by cookie.
    assert_eq!(keyed.len(), 2 * CROWD.div_ceil(12));
    assert!(subjects.is_disjoint(&keyed));
    let listed = Admin::of(server).await.get("/users?kind=guest&limit=200").await.expect(200).json();
    assert_eq!(listed["users"].as_array().map(Vec::len), Some(subjects.len() + keyed.len()));
}

async fn devices_that_are_refused_refuse_no_other(engine: Engine) {
    let server = TestServer::start(engine, let_a_crowd_in).await;
    let device = Device::new(&server, Platform::Android);
    let mut requests = Vec::new();
    for number in 0..30 {
        let challenge = device.challenge().await;
        // Every fifth challenge is presented twice, by two keys.
        for twice in 0..if number % 5 == 0 { 2 } else { 1 } {
            let jwt = device.sign("auth", &challenge, &format!("{}{twice}", device.uuid()), true);
            requests.push((number, jwt));
        }
    }
    let mut crowd = JoinSet::new();
    for (number, jwt) in requests {
        let request = device.token_request(&[("grant_type", ANONYMOUS_GRANT), ("jwt", &jwt)], true);
        crowd.spawn(async move { (number, Reply::of(request).await) });
    }
    let mut done = std::collections::BTreeMap::<_, Vec<Reply>>::new();
    for (number, reply) in crowd.join_all().await {
        done.entry(number).or_default().push(reply);
    }
    let mut subjects = BTreeSet::new();
    for (number, replies) in done {
        let (won, lost): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
        assert_eq!((won.len(), lost.len()), (1, usize::from(number % 5 == 0)), "{number}: {lost:?}");
        for reply in lost {
            reply.expect_oauth_error(400, "invalid_grant", "InvalidCredentials");
        }
        let body: Value = won[0].json();
        subjects.insert(server.app_client().subject(body["access_token"].as_str().expect("an access token")).await);
    }
    assert_eq!(subjects.len(), 30);
}
