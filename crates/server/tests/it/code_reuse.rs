//! Reuse of an authorization code (RFC 6749 §4.1.2, RFC 9700 §4.5), and its PKCE challenge.

use tokio::task::JoinSet;

use crate::{
    client_authentication::give_secret,
    rotation,
    support::{AppClient, Engine, Reply, TestServer, Tokens, on_both_engines, query},
    token::{promoted, sign_up_member},
};

const WRONG_VERIFIER: &str = "0123456789-abcdefghijklmnopqrstuvwxyz._~XYZ";

/// A member's code, exchanged once.
async fn exchanged(server: &TestServer, client: &AppClient, email: &str) -> (String, Tokens) {
    let (_, landing) = promoted(server, client, email).await;
    let code = query(&landing, "code").expect("a code");
    let tokens = Tokens::read(&client.exchange(&code).await.expect(200).json());
    (code, tokens)
}

async fn is_alive(client: &AppClient, tokens: &Tokens) -> bool {
    let (info, refresh) = (client.user_info(&tokens.access).await, client.refresh(&tokens.refresh).await);
    assert_eq!(info.status == 200, refresh.status == 200, "{info:?} {refresh:?}");
    info.status == 200
}

/// The reasons of the queued revocations, without those of the guest's grants, which end with each exchange.
async fn revocations(server: &TestServer) -> Vec<String> {
    let mut reasons = rotation::revocations(server).await;
    reasons.retain(|reason| reason != "promotion");
    reasons
}

fn refused(reply: Reply) {
    reply.expect_oauth_error(400, "invalid_grant", "invalid authorization code");
}

async fn the_same_client_may_repeat_itself_for_ten_seconds(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let (code, tokens) = exchanged(&server, &client, "kim@shop.example").await;
    refused(client.exchange(&code).await);
    server.clock.advance_seconds(10);
    refused(client.exchange(&code).await);
    assert!(is_alive(&client, &tokens).await, "a double effect of a page loses nothing");
    assert!(revocations(&server).await.is_empty());
    server.clock.advance_seconds(1);
    refused(client.exchange(&code).await);
    assert!(!is_alive(&client, &tokens).await);
    assert_eq!(revocations(&server).await, ["code_reuse"]);
    refused(client.exchange(&code).await);
    assert_eq!(revocations(&server).await.len(), 1, "told once");
}

async fn another_party_ends_the_grant_at_once(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    for (number, more) in [
        ("code_verifier", WRONG_VERIFIER),
        ("code_verifier", "short"),
        ("code_verifier", ""),
        ("client_id", "blog"),
        ("redirect_uri", "http://shop.test/other"),
        ("redirect_uri", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let (code, tokens) = exchanged(&server, &client, &format!("kim{number}@shop.example")).await;
        let reply = client.exchange_with(&code, &[more]).await.expect(400);
        assert!(["invalid_grant", "invalid_request"].contains(&reply.json()["error"].as_str().expect("an error")));
        assert!(!is_alive(&client, &tokens).await, "{more:?}");
        assert_eq!(revocations(&server).await.len(), number + 1, "{more:?}");
    }
}

async fn a_code_is_remembered_for_a_day(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let (code, tokens) = exchanged(&server, &client, "kim@shop.example").await;
    server.clock.advance_seconds(24 * 3_600 - 1);
    refused(client.exchange(&code).await);
    client.refresh(&tokens.refresh).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
}

async fn an_application_that_cannot_prove_itself_ends_nothing(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    give_secret(&server, "backend", "s3cret").await;
    let backend = AppClient::new(server.http(), "backend", "https://backend.test/callback");
    let scope = [("scope", "openid offline_access"), ("code_challenge", ""), ("code_challenge_method", "")];
    let code = sign_up_member(&server, &backend, &scope, "kim@shop.example").await;
    let fields = [("client_secret", "s3cret"), ("code_verifier", "")];
    let body = backend.exchange_with(&code, &fields).await.expect(200).json();
    let access = body["access_token"].as_str().expect("a token");
    server.clock.advance_seconds(60);
    let reply = backend.exchange_with(&code, &[("client_secret", "wrong"), ("code_verifier", "")]).await;
    reply.expect_oauth_error(400, "invalid_client", "invalid client secret");
    backend.user_info(access).await.expect(200);
    refused(backend.exchange_with(&code, &fields).await);
    backend.user_info(access).await.expect(401);
}

async fn a_verifier_without_a_challenge_is_refused(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    give_secret(&server, "backend", "s3cret").await;
    let backend = AppClient::new(server.http(), "backend", "https://backend.test/callback");
    let plain = [("scope", "openid"), ("code_challenge", ""), ("code_challenge_method", "")];
    let code = sign_up_member(&server, &backend, &plain, "kim@shop.example").await;
    let secret = ("client_secret", "s3cret");
    refused(backend.exchange_with(&code, &[secret]).await);
    backend.exchange_with(&code, &[secret, ("code_verifier", "")]).await.expect(200);
    let code = sign_up_member(&server, &backend, &[("scope", "openid")], "ann@shop.example").await;
    refused(backend.exchange_with(&code, &[secret, ("code_verifier", "")]).await);
    refused(backend.exchange_with(&code, &[secret, ("code_verifier", WRONG_VERIFIER)]).await);
    backend.exchange_with(&code, &[secret]).await.expect(200);
}

async fn fifty_thieves_at_once_end_the_grant_once(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let (_, landing) = promoted(&server, &client, "kim@shop.example").await;
    let code = query(&landing, "code").expect("a code");
    let mut exchanges = JoinSet::new();
    for number in 0..50 {
        let (client, code) = (client.clone(), code.clone());
        exchanges.spawn(async move {
            let thief = [("client_id", "blog")];
            client.exchange_with(&code, if number % 5 == 0 { &[] } else { &thief }).await
        });
    }
    let (won, lost): (Vec<_>, Vec<_>) = exchanges.join_all().await.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 49));
    let tokens = Tokens::read(&won[0].json());
    lost.into_iter().for_each(refused);
    // An attacker may come before or after the exchange; here it comes after.
    refused(client.exchange_with(&code, &[("client_id", "blog")]).await);
    assert!(!is_alive(&client, &tokens).await);
    assert_eq!(revocations(&server).await, ["code_reuse"]);
}

on_both_engines!(
    the_same_client_may_repeat_itself_for_ten_seconds,
    another_party_ends_the_grant_at_once,
    a_code_is_remembered_for_a_day,
    an_application_that_cannot_prove_itself_ends_nothing,
    a_verifier_without_a_challenge_is_refused,
    fifty_thieves_at_once_end_the_grant_once,
);
