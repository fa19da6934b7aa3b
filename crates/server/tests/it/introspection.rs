//! Token introspection (RFC 7662), client secrets, and the commands for secrets, sessions and keys.

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_app::adapters::clock::Clock;

use super::lifetimes::{sign_up_cookie, user_info_by_cookie};
use crate::support::{Engine, Reply, TestServer, on_both_engines};

const ANONYMOUS: &str = "https://authgear.com/claims/user/is_anonymous";

/// Runs the real binary on the server's store; returns its output, and whether it succeeded.
pub(crate) async fn run(server: &TestServer, arguments: &[&str]) -> (bool, String) {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(arguments)
        .env("VESTIBULE__STORE__URL", server.store_url())
        .env("VESTIBULE__SECRETS__MASTER_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
        .output()
        .await
        .expect("the binary runs");
    let text = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(text).expect("text").trim().to_string())
}

pub(crate) async fn make_secret(server: &TestServer, client: &str) -> String {
    let (ok, secret) = run(server, &["client", "secret", "create", "--project", "test", "--client", client]).await;
    assert!(ok, "{secret}");
    secret
}

pub(crate) async fn introspect(server: &TestServer, client: &str, secret: &str, token: &str) -> Reply {
    let request = server.http().request(Method::POST, "/oauth2/introspect");
    Reply::of(request.basic_auth(client, Some(secret)).form(&[("token", token)])).await
}

async fn a_backend_learns_what_a_token_is_worth_now(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let secret = make_secret(&server, "backend").await;
    let guest = client.sign_up().await;
    let sub = client.subject(&guest.access).await;
    let now = server.clock.now().as_seconds();
    let reply = introspect(&server, "backend", &secret, &guest.access).await.expect(200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let reported = reply.json();
    for (name, value) in [
        ("active", json!(true)),
        ("sub", json!(sub)),
        ("iss", json!(server.origin)),
        ("client_id", json!("web")),
        ("token_type", json!("Bearer")),
        ("exp", json!(now + 1_800)),
        ("scope", json!("openid offline_access https://authgear.com/scopes/full-access")),
        (ANONYMOUS, json!(true)),
    ] {
        assert_eq!(reported[name], value, "{name}");
    }
    for dead in ["nonsense", "a.b.c", &guest.refresh] {
        let reported = introspect(&server, "backend", &secret, dead).await.expect(200).json();
        assert_eq!(reported, json!({"active": false}), "{dead}");
    }
    client.revoke(&guest.access).await.expect(200);
    assert_eq!(introspect(&server, "backend", &secret, &guest.access).await.json(), json!({"active": false}));
    let fresh = client.refresh(&guest.refresh).await.expect(200).json();
    let fresh = fresh["access_token"].as_str().expect("a token");
    assert_eq!(introspect(&server, "backend", &secret, fresh).await.json()["active"], true);
    server.clock.advance_seconds(1_801);
    assert_eq!(introspect(&server, "backend", &secret, fresh).await.json(), json!({"active": false}));
}

async fn only_confidential_applications_may_ask_and_partners_only_of_their_own(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let guest = server.app_client().sign_up().await;
    let (backend, partner) = (make_secret(&server, "backend").await, make_secret(&server, "partner").await);
    for (client, secret) in
        [("backend", "wrong"), ("backend", ""), ("web", "x"), ("nobody", "x"), ("backend", &partner)]
    {
        let reply = introspect(&server, client, secret, &guest.access).await;
        assert_eq!((reply.status, reply.json()["error"].as_str()), (401, Some("invalid_client")), "{client}");
        assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"introspection\""));
    }
    assert_eq!(introspect(&server, "backend", &backend, &guest.access).await.json()["active"], true);
    assert_eq!(introspect(&server, "partner", &partner, &guest.access).await.json(), json!({"active": false}));
    let fields = [("client_id", "backend"), ("client_secret", backend.as_str()), ("token", guest.access.as_str())];
    assert_eq!(server.http().post_form("/oauth2/introspect", &fields).await.expect(200).json()["active"], true);
    let reply = server.http().post_form("/oauth2/introspect", &fields[..2]).await;
    reply.expect_oauth_error(400, "invalid_request", "token is required");
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let document = server.http().get(path).await.expect(200).json();
        assert_eq!(document["introspection_endpoint"], format!("{}/oauth2/introspect", server.origin));
    }
}

async fn secrets_are_shown_once_listed_by_hash_and_removed(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let guest = server.app_client().sign_up().await;
    let secrets = [make_secret(&server, "backend").await, make_secret(&server, "backend").await];
    let of = ["--project", "test", "--client", "backend"];
    let (_, listed) = run(&server, &[&["client", "secret", "list"], of.as_slice()].concat()).await;
    assert_eq!(listed.lines().count(), 2, "{listed}");
    for secret in &secrets {
        assert!(!listed.contains(secret));
        assert_eq!(introspect(&server, "backend", secret, &guest.access).await.status, 200, "both work");
    }
    for line in listed.lines() {
        let name = line.split('\t').next().expect("a name");
        let (ok, text) = run(&server, &[&["client", "secret", "remove", name], of.as_slice()].concat()).await;
        assert!(ok, "{text}");
    }
    for secret in &secrets {
        assert_eq!(introspect(&server, "backend", secret, &guest.access).await.status, 401);
    }
    let (ok, text) = run(&server, &["client", "secret", "create", "--project", "test", "--client", "web"]).await;
    assert!(!ok && text.contains("public application"), "{text}");
    let (ok, text) = run(&server, &["client", "secret", "create", "--project", "test", "--client", "none"]).await;
    assert!(!ok && text.contains("no application"), "{text}");
}

async fn an_operator_lists_and_ends_sessions(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let (guest, other) = (client.sign_up().await, client.sign_up().await);
    let sub = client.subject(&guest.access).await;
    let cookie = sign_up_cookie(&server).await;
    let cookie_sub = user_info_by_cookie(&server, &cookie).await.json()["sub"].as_str().expect("a sub").to_string();

    // The commands use the system clock, the server under test its own.
    let lead = server.clock.now().as_seconds() - Clock::System.now().as_seconds();
    assert!(lead > 0);
    let (_, listed) = run(&server, &["session", "list", "--project", "test", "--user", &sub]).await;
    assert!(listed.starts_with("grant:") && listed.contains("\tweb\t") && listed.lines().count() == 1, "{listed}");
    let grant = listed.split('\t').next().expect("an id");
    let (ok, text) = run(&server, &["session", "revoke", "--project", "test", "--user", &cookie_sub, grant]).await;
    assert!(!ok && text.contains("no such session"), "somebody else's: {text}");
    client.refresh(&guest.refresh).await.expect(200);
    let (ok, text) = run(&server, &["session", "revoke", "--project", "test", "--user", &sub, grant]).await;
    assert!(ok, "{text}");
    assert_eq!(client.refresh(&guest.refresh).await.status, 400);
    assert_eq!(client.user_info(&guest.access).await.status, 401);

    let (_, text) = run(&server, &["session", "revoke-all", "--project", "test", "--user", &cookie_sub]).await;
    assert_eq!(text, "1 ended");
    assert_eq!(user_info_by_cookie(&server, &cookie).await.status, 401);
    client.refresh(&other.refresh).await.expect(200);
    assert_eq!(super::rotation::revocations(&server).await, ["operator", "operator"]);
    let anonymous = "018f4e8e-7c3a-7b0e-9c0e-7f6f1a2b3c4d";
    let (ok, text) = run(&server, &["session", "list", "--project", "test", "--user", anonymous]).await;
    assert!(!ok && text.contains("no user"), "{text}");
}

async fn one_session_at_a_time_ends_the_earlier_one_with_an_event(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.set_client("web", "x_max_concurrent_session", 1)).await;
    let (client, mut browser, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    let blog = server.other_client();
    let (guest, reader) = (client.sign_up().await, blog.sign_up().await);
    crate::guest_journey::promote(&client, &guest, &mut browser, &mut mailbox, "kim@shop.example").await;
    let member = client.finish(browser.at_app()).await;
    assert_eq!(client.refresh(&guest.refresh).await.status, 400);
    client.refresh(&member.refresh).await.expect(200);
    blog.refresh(&reader.refresh).await.expect(200);
    assert_eq!(super::rotation::revocations(&server).await, ["another_session"]);
}

/// The keys of the published key set.
pub(crate) async fn key_ids(server: &TestServer) -> Vec<String> {
    let set: Value = server.http().get("/oauth2/jwks").await.expect(200).json();
    let keys = set["keys"].as_array().expect("keys").iter();
    keys.map(|key| key["kid"].as_str().expect("a kid").to_string()).collect()
}

on_both_engines!(
    a_backend_learns_what_a_token_is_worth_now,
    only_confidential_applications_may_ask_and_partners_only_of_their_own,
    secrets_are_shown_once_listed_by_hash_and_removed,
    an_operator_lists_and_ends_sessions,
    one_session_at_a_time_ends_the_earlier_one_with_an_event,
);
