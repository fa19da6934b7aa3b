//! Signing keys over their lifetime: foreign verifiers accept our tokens before, during and after a rotation.

use std::{str::FromStr, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use openidconnect::{
    ClientId, IssuerUrl, Nonce,
    core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet},
};
use serde_json::Value;
use vestibule_server::boot;

use super::introspection::{key_ids, run};
use crate::support::{AppClient, Engine, TestServer, on_both_engines};

const DAY: i64 = 86_400;

async fn start(engine: Engine) -> TestServer {
    TestServer::start(engine, |setup| setup.set_client("web", "issue_jwt_access_token", true)).await
}

/// Verifies a JWT access token as a resource server does, with only the key set.
async fn verify(server: &TestServer, token: &str) -> Value {
    let set: JwkSet =
        serde_json::from_str(&server.http().get("/oauth2/jwks").await.expect(200).body).expect("a key set");
    let header = jsonwebtoken::decode_header(token).expect("a header");
    assert_eq!((header.typ.as_deref(), header.alg), (Some("at+jwt"), Algorithm::RS256));
    let key = set.find(&header.kid.expect("a kid")).expect("the key is in the set");
    let mut validation = Validation::new(Algorithm::RS256);
    // The system clock is not the test's.
    validation.validate_exp = false;
    validation.set_audience(&[&server.origin]);
    validation.set_issuer(&[&server.origin]);
    let key = DecodingKey::from_jwk(key).expect("a usable key");
    jsonwebtoken::decode::<Value>(token, &key, &validation).expect("a good signature").claims
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).expect("a header").kid.expect("a kid")
}

/// Verifies an ID token with the `openidconnect` crate; returns its `sub`.
async fn verify_id_token(server: &TestServer, token: &str) -> String {
    let set = server.http().get("/oauth2/jwks").await.expect(200).body;
    let set: CoreJsonWebKeySet = serde_json::from_str(&set).expect("a key set");
    let issuer = IssuerUrl::new(server.origin.clone()).expect("an issuer");
    let verifier = CoreIdTokenVerifier::new_public_client(ClientId::new("web".into()), issuer, set)
        .set_issue_time_verifier_fn(|_| Ok(()))
        .set_time_fn(|| std::time::UNIX_EPOCH.into());
    let token = CoreIdToken::from_str(token).expect("an ID token");
    let claims = token.claims(&verifier, |_: Option<&Nonce>| Ok(())).expect("a good ID token");
    claims.subject().to_string()
}

async fn refresh(client: &AppClient, token: &str) -> (String, String) {
    let body = client.refresh(token).await.expect(200).json();
    let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("{name} in {body}")).to_string();
    (text("access_token"), text("id_token"))
}

async fn tokens_verify_before_during_and_after_a_rotation_by_age(engine: Engine) {
    let server = start(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let claims = verify(&server, &guest.access).await;
    let now = server.clock.now().as_seconds();
    let sub = client.subject(&guest.access).await;
    assert_eq!(claims["sub"], *sub);
    assert_eq!(
        (&claims["client_id"], &claims["iat"], &claims["exp"]),
        (&"web".into(), &now.into(), &(now + 1_800).into())
    );
    assert_eq!(claims["https://authgear.com/claims/user/is_anonymous"], true);
    assert_eq!(claims["scope"], "openid offline_access https://authgear.com/scopes/full-access");
    assert!(claims["sid"].is_string() && claims["jti"].is_string() && claims["auth_time"] == now);
    let first = kid(&guest.access);
    assert_eq!(key_ids(&server).await[0], first);

    // Used now and then, so that the guest's grant does not expire.
    for _ in 0..3 {
        server.clock.advance_seconds(29 * DAY);
        client.refresh(&guest.refresh).await.expect(200);
    }
    boot::maintain(&server.app).await.expect("maintained");
    assert_eq!(key_ids(&server).await.len(), 2, "not yet");

    server.clock.advance_seconds(3 * DAY);
    boot::maintain(&server.app).await.expect("maintained");
    boot::maintain(&server.app).await.expect("maintained");
    let published = key_ids(&server).await;
    assert_eq!(published.len(), 4, "the new ones are published, once");
    let (old, old_id) = refresh(&client, &guest.refresh).await;
    assert_eq!(kid(&old), first, "and do not sign yet");

    server.clock.advance_seconds(DAY - 1);
    assert_eq!(kid(&refresh(&client, &guest.refresh).await.0), first);
    let (last, _) = refresh(&client, &guest.refresh).await;
    server.clock.advance_seconds(1);
    let (new, new_id) = refresh(&client, &guest.refresh).await;
    assert_ne!(kid(&new), first);
    assert_eq!(key_ids(&server).await[0], kid(&new), "the key that signs comes first");
    for token in [&old, &last, &new] {
        assert_eq!(verify(&server, token).await["sub"], *sub);
    }
    for token in [&old_id, &new_id] {
        assert_eq!(verify_id_token(&server, token).await, sub);
    }
    client.user_info(&last).await.expect(200);

    server.clock.advance_seconds(2 * DAY);
    boot::maintain(&server.app).await.expect("maintained");
    let left = key_ids(&server).await;
    assert_eq!(left.len(), 2, "nothing that the old ones signed is alive");
    assert!(!left.contains(&first));
    assert_eq!(verify(&server, &new).await["sub"], *sub);
    client.refresh(&guest.refresh).await.expect(200);
}

async fn a_rotation_by_command_reaches_a_running_server(engine: Engine) {
    let server = start(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let before = key_ids(&server).await;
    let (ok, text) = run(&server, &["key", "rotate", "--project", "test", "--now"]).await;
    assert!(ok, "{text}");
    let seen = async {
        while key_ids(&server).await.len() < 4 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), seen).await.expect("the server sees the new keys");
    assert!(!before.contains(&key_ids(&server).await[0]));
    client.user_info(&guest.access).await.expect(200);
    assert_eq!(verify(&server, &guest.access).await["iss"], server.origin);
    let (fresh, _) = refresh(&client, &guest.refresh).await;
    assert!(!before.contains(&kid(&fresh)));
    let (_, listed) = run(&server, &["key", "list", "--project", "test"]).await;
    assert_eq!(listed.lines().count(), 6, "{listed}");
    assert_eq!(listed.matches("verifies only").count(), 2, "{listed}");
    assert_eq!(listed.matches("\tsigns").count(), 3, "the two new ones and the webhooks' own: {listed}");
}

on_both_engines!(
    tokens_verify_before_during_and_after_a_rotation_by_age,
    a_rotation_by_command_reaches_a_running_server,
);
