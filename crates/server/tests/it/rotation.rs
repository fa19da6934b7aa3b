//! Refresh-token rotation (RFC 9700 §4.14): the grace period, one lineage under concurrency, reuse.

use crate::support::{AppClient, Engine, TestServer, on_both_engines};

async fn start(engine: Engine) -> TestServer {
    TestServer::start(engine, |setup| setup.set_client("web", "refresh_token_rotation_enabled", true)).await
}

async fn rotate(client: &AppClient, token: &str) -> String {
    let body = client.refresh(token).await.expect(200).json();
    body["refresh_token"].as_str().expect("a new refresh token").to_string()
}

/// The reasons of the queued revocations.
pub(crate) async fn revocations(server: &TestServer) -> Vec<String> {
    let revoked = server.events("session.revoked").await;
    revoked.iter().map(|event| event["payload"]["reason"].as_str().expect("a reason").to_string()).collect()
}

async fn without_rotation_a_refresh_gives_no_new_refresh_token(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    for _ in 0..3 {
        let body = client.refresh(&guest.refresh).await.expect(200).json();
        assert!(body.get("refresh_token").is_none(), "{body}");
        client.user_info(body["access_token"].as_str().expect("an access token")).await.expect(200);
    }
    client.user_info(&guest.access).await.expect(200);
}

async fn the_previous_token_gives_the_same_successor_for_the_grace_time(engine: Engine) {
    let server = start(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let second = rotate(&client, &guest.refresh).await;
    assert_ne!(second, guest.refresh);
    assert_eq!(second.len(), guest.refresh.len());
    server.clock.advance_seconds(30);
    assert_eq!(rotate(&client, &guest.refresh).await, second, "a lost answer is given again");
    let third = rotate(&client, &second).await;
    assert_eq!(rotate(&client, &second).await, third);
    assert!(revocations(&server).await.is_empty());
}

async fn reuse_after_the_grace_time_ends_the_grant_with_an_event(engine: Engine) {
    let server = start(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let second = rotate(&client, &guest.refresh).await;
    server.clock.advance_seconds(31);
    client.refresh(&guest.refresh).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    client.refresh(&second).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    assert_eq!(client.user_info(&guest.access).await.status, 401);
    assert_eq!(revocations(&server).await, ["token_reuse"]);
    client.refresh(&guest.refresh).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    assert_eq!(revocations(&server).await.len(), 1, "told once");
}

async fn a_token_of_long_ago_ends_the_grant_too(engine: Engine) {
    let server = start(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let mut current = guest.refresh.clone();
    for _ in 0..5 {
        server.clock.advance_seconds(60);
        current = rotate(&client, &current).await;
    }
    // Shortly after a rotation an old token may come from a slow tab: no tokens are issued, and nothing is revoked.
    let reply = client.refresh(&guest.refresh).await;
    assert_eq!(reply.status, 503, "{reply:?}");
    assert_eq!(reply.json()["error"], "temporarily_unavailable");
    assert!(reply.header("retry-after").is_some());
    assert!(revocations(&server).await.is_empty());
    server.clock.advance_seconds(31);
    client.refresh(&guest.refresh).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    assert_eq!(client.refresh(&current).await.status, 400);
    assert_eq!(revocations(&server).await, ["token_reuse"]);
}

async fn a_guessed_secret_ends_nothing(engine: Engine) {
    let server = start(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let second = rotate(&client, &guest.refresh).await;
    server.clock.advance_seconds(60);
    let (id, _) = second.split_once('.').expect("id and secret");
    client.refresh(&format!("{id}.{}", "a".repeat(32))).await.expect_oauth_error(
        400,
        "invalid_grant",
        "invalid refresh token",
    );
    rotate(&client, &second).await;
    assert!(revocations(&server).await.is_empty());
}

async fn fifty_refreshes_of_one_token_all_succeed_and_stay_one_lineage(engine: Engine) {
    let server = start(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (client, token) = (client.clone(), guest.refresh.clone());
            tokio::spawn(async move { rotate(&client, &token).await })
        })
        .collect();
    let mut successors = Vec::new();
    for task in tasks {
        successors.push(task.await.expect("a refresh"));
    }
    successors.dedup();
    assert_eq!(successors.len(), 1);
    server.clock.advance_seconds(60);
    rotate(&client, &successors[0]).await;
    assert!(revocations(&server).await.is_empty());
}

async fn who_lost_the_newest_token_can_still_sign_out(engine: Engine) {
    let server = start(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let second = rotate(&client, &guest.refresh).await;
    client.revoke(&guest.refresh).await.expect(200);
    assert_eq!(client.refresh(&second).await.status, 400);
}

on_both_engines!(
    without_rotation_a_refresh_gives_no_new_refresh_token,
    the_previous_token_gives_the_same_successor_for_the_grace_time,
    reuse_after_the_grace_time_ends_the_grant_with_an_event,
    a_token_of_long_ago_ends_the_grant_too,
    a_guessed_secret_ends_nothing,
    fifty_refreshes_of_one_token_all_succeed_and_stay_one_lineage,
    who_lost_the_newest_token_can_still_sign_out,
);
