//! Concurrency: one challenge redeemed by many, one key that signs up many times, promotion against sign-in.

use std::collections::BTreeSet;

use crate::{
    guest_journey::identify,
    support::{Device, Engine, Platform, Reply, TestServer, on_both_engines},
};

fn without_limits(setup: &mut crate::support::Setup) {
    setup.set("authentication.rate_limits.signup_anonymous.per_ip.enabled", false);
}

/// Sends all requests at once and waits for all responses.
async fn send_all(requests: Vec<reqwest::RequestBuilder>) -> Vec<Reply> {
    let sent: Vec<_> = requests.into_iter().map(|request| tokio::spawn(Reply::of(request))).collect();
    let mut replies = Vec::new();
    for reply in sent {
        replies.push(reply.await.expect("an answer"));
    }
    replies
}

async fn a_challenge_is_redeemed_once(engine: Engine) {
    let server = TestServer::start(engine, without_limits).await;
    let mut device = Device::new(&server, Platform::Ios);
    device.authenticate().await;
    let kid = device.kid.clone().expect("a key id");
    let challenge = device.challenge().await;
    let jwt = device.sign("auth", &challenge, &kid, false);
    let fields = [("grant_type", crate::support::ANONYMOUS_GRANT), ("jwt", jwt.as_str())];
    let replies = send_all((0..30).map(|_| device.token_request(&fields, true)).collect()).await;
    let (won, lost): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
    assert_eq!(won.len(), 1);
    for reply in lost {
        reply.expect_oauth_error(400, "invalid_grant", "InvalidCredentials");
    }
}

async fn one_key_that_signs_up_many_times_at_once_makes_one_guest(engine: Engine) {
    let server = TestServer::start(engine, without_limits).await;
    let device = Device::new(&server, Platform::Android);
    let kid = device.uuid();
    let mut requests = Vec::new();
    for _ in 0..20 {
        let jwt = device.sign("auth", &device.challenge().await, &kid, true);
        requests.push(device.token_request(&[("grant_type", crate::support::ANONYMOUS_GRANT), ("jwt", &jwt)], true));
    }
    let mut subjects = BTreeSet::new();
    let mut refresh_tokens = BTreeSet::new();
    for reply in send_all(requests).await {
        let body = reply.expect(200).json();
        let access = body["access_token"].as_str().expect("an access token");
        subjects.insert(server.app_client().subject(access).await);
        refresh_tokens.insert(body["refresh_token"].as_str().expect("a refresh token").to_string());
    }
    assert_eq!(subjects.len(), 1, "one guest");
    assert_eq!(refresh_tokens.len(), 20, "and everybody got it");
}

async fn a_promotion_link_is_used_up_once(engine: Engine) {
    let server = TestServer::start(engine, without_limits).await;
    let mut device = Device::new(&server, Platform::Flutter);
    device.authenticate().await;
    let url = device.promotion_url().await;
    let mut browsers = Vec::new();
    for _ in 0..20 {
        let mut browser = server.browser();
        browser.open(&url).await;
        browser.expect_page(200, "Save your progress");
        browsers.push(browser);
    }
    let mut forms = tokio::task::JoinSet::new();
    for (number, mut browser) in browsers.into_iter().enumerate() {
        forms.spawn(async move {
            identify(&mut browser, &format!("kim{number}@shop.example")).await;
            browser.reply().status
        });
    }
    let mut statuses = forms.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200][..], &[400; 19]].concat());
}

async fn a_dpop_proof_is_accepted_once(engine: Engine) {
    let server = TestServer::start(engine, without_limits).await;
    let mut device = Device::new(&server, Platform::Ios);
    device.authenticate().await;
    let target = format!("{}/oauth2/token", server.origin);
    let proof = device.proof("POST", &target);
    let refresh = device.held().refresh.clone();
    let fields = [("grant_type", "refresh_token"), ("client_id", "phone"), ("refresh_token", refresh.as_str())];
    let requests = (0..20)
        .map(|_| device.http.request(reqwest::Method::POST, "/oauth2/token").header("dpop", &proof).form(&fields))
        .collect();
    let (won, lost): (Vec<_>, Vec<_>) = send_all(requests).await.into_iter().partition(|reply| reply.status == 200);
    assert_eq!(won.len(), 1);
    for reply in lost {
        reply.expect_oauth_error(400, "invalid_dpop_proof", "DPoP proof was used before");
    }
}

on_both_engines!(
    a_challenge_is_redeemed_once,
    one_key_that_signs_up_many_times_at_once_makes_one_guest,
    a_promotion_link_is_used_up_once,
    a_dpop_proof_is_accepted_once,
);
