//! Keys and secrets that are created or removed leave an event, whether by the portal, the Admin API or the command
//! line.

use std::process::Command;

use serde_json::{Value, json};
use vestibule_server::flows::admin::keys::AdminScope;

use crate::support::{Admin, Device, Engine, Platform, TestServer, on_both_engines};

on_both_engines!(
    admin_keys_leave_events_everywhere,
    client_secrets_leave_events_everywhere,
    a_device_key_revoked_at_the_terminal_leaves_an_event,
    what_was_not_done_leaves_none,
);

async fn start(engine: Engine) -> TestServer {
    TestServer::start(engine, |setup| setup.open_portal()).await
}

/// Runs the binary on the data of a test's server; returns its output, if it succeeded.
fn run(server: &TestServer, arguments: &[&str]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(arguments)
        .args(["--project", "test"])
        .env("VESTIBULE__STORE__URL", server.store_url())
        .env("VESTIBULE__SECRETS__MASTER_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
        .output()
        .expect("the binary runs");
    output.status.success().then(|| String::from_utf8(output.stdout).expect("text").trim().to_string())
}

/// Who triggered the events of a type, sorted, and which of them name a command.
async fn senders(server: &TestServer, kind: &str) -> (Vec<String>, Vec<Value>) {
    let events = server.events(kind).await;
    let mut by: Vec<String> =
        events.iter().map(|event| event["context"]["triggered_by"].as_str().expect("a word").to_string()).collect();
    by.sort();
    let commands = events.iter().map(|event| event["context"]["audit_context"]["command"].clone());
    (by, commands.filter(|command| !command.is_null()).collect())
}

const ALL_THREE: [&str; 3] = ["admin_api", "portal", "system"];

async fn admin_keys_leave_events_everywhere(engine: Engine) {
    let server = start(engine).await;
    let mut owner = server.owner().await;
    owner.open("/portal/p/test/admin-keys/new").await;
    owner.fill("Name", "Nightly report");
    owner.tick("settings:read");
    owner.press("Create key").await;
    owner.expect_page(200, "New API key");
    let admin = Admin::of(&server).await;
    let made = admin.post("/keys", &json!({"name": "api", "scopes": ["users:read"]})).await.expect(201).json();
    let by_command = run(&server, &["admin", "key", "create", "--name", "cli"]).expect("a key");
    let command = json!("vestibule admin key create");
    assert_eq!(senders(&server, "admin_key.created").await, (ALL_THREE.map(String::from).to_vec(), vec![command]));
    let all = server.events("admin_key.created").await;
    assert!(all.iter().any(|event| event["payload"]["target"] == made["key"]["id"]), "{all:?}");
    for secret in [&by_command, made["api_key"].as_str().expect("a text")] {
        assert!(!all.iter().any(|event| event.to_string().contains(secret)), "no secret is in the log");
    }

    let portals = all.iter().find(|event| event["context"]["triggered_by"] == "portal").expect("the portal's");
    let id = portals["payload"]["target"].as_str().expect("an id");
    owner.open(&format!("/portal/p/test/admin-keys/{id}/revoke")).await;
    owner.press("Revoke key").await;
    let path = format!("/keys/{}", made["key"]["id"].as_str().expect("an id"));
    admin.send(reqwest::Method::DELETE, &path, &json!({})).await.expect(204);
    let id = by_command.split('_').nth(1).expect("vak_ID_SECRET");
    run(&server, &["admin", "key", "revoke", id]).expect("revoked");
    let command = json!("vestibule admin key revoke");
    assert_eq!(senders(&server, "admin_key.revoked").await, (ALL_THREE.map(String::from).to_vec(), vec![command]));
}

async fn client_secrets_leave_events_everywhere(engine: Engine) {
    let server = start(engine).await;
    let mut owner = server.owner().await;
    let admin = Admin::new(&server, &[AdminScope::SettingsRead, AdminScope::SettingsWrite]).await;
    owner.open("/portal/p/test/applications/backend/secrets/new").await;
    owner.press("Create secret").await;
    assert_eq!(owner.reply().status, 200, "{}", owner.page().text);
    let made = admin.post("/applications/backend/secrets", &json!({})).await.expect(201).json();
    let text = run(&server, &["client", "secret", "create", "--client", "backend"]).expect("a secret");
    let command = json!("vestibule client secret create");
    let seen = senders(&server, "application.secret_created").await;
    assert_eq!(seen, (ALL_THREE.map(String::from).to_vec(), vec![command]));
    let all = server.events("application.secret_created").await;
    assert!(all.iter().all(|event| event["payload"]["target"] == "backend" && !event.to_string().contains(&text)));

    let listed = run(&server, &["client", "secret", "list", "--client", "backend"]).expect("a list");
    let names: Vec<&str> = listed.lines().map(|line| line.split('\t').next().expect("a name")).collect();
    assert_eq!(names.len(), 3, "{listed}");
    let api = made["id"].as_str().expect("an id");
    admin.send(reqwest::Method::DELETE, &format!("/applications/backend/secrets/{api}"), &json!({})).await.expect(204);
    let rest: Vec<&&str> = names.iter().filter(|name| **name != api).collect();
    owner.open(&format!("/portal/p/test/applications/backend/secrets/{}/remove", rest[0])).await;
    owner.press("Remove secret").await;
    run(&server, &["client", "secret", "remove", "--client", "backend", rest[1]]).expect("removed");
    let command = json!("vestibule client secret remove");
    let seen = senders(&server, "application.secret_deleted").await;
    assert_eq!(seen, (ALL_THREE.map(String::from).to_vec(), vec![command]));
}

async fn a_device_key_revoked_at_the_terminal_leaves_an_event(engine: Engine) {
    let server = start(engine).await;
    let mut device = Device::new(&server, Platform::Ios);
    let sub = device.authenticate().await;
    let kid = device.kid.clone().expect("a key id");
    run(&server, &["user", "keys", "revoke", "--user", &sub, "--end-sessions", &kid]).expect("revoked");
    let events = server.events("identity.anonymous.revoked").await;
    assert_eq!(events.len(), 1);
    let claims = &events[0]["payload"]["identity"]["claims"];
    assert_eq!(claims["https://authgear.com/claims/anonymous/key_id"], json!(kid));
    assert_eq!(events[0]["context"]["user_id"], json!(sub));
    assert_eq!(events[0]["context"]["triggered_by"], "system");
    assert_eq!(events[0]["context"]["audit_context"]["command"], "vestibule user keys revoke");
    let ended = server.events("session.revoked").await;
    assert_eq!((ended.len(), &ended[0]["payload"]["reason"]), (1, &json!("operator")));
    // The log in the portal shows how it was done.
    let mut owner = server.owner().await;
    wait_for_log(&server).await;
    owner.open("/portal/p/test/events?type=identity.anonymous.revoked").await;
    assert!(owner.page().text.contains("vestibule user keys revoke"), "{}", owner.page().text);
}

/// Waits until queued events are in the log.
async fn wait_for_log(server: &TestServer) {
    let admin = Admin::of(server).await;
    admin.wait_until("/events?type=identity.anonymous.revoked", |log| log["events"][0].is_object()).await;
}

async fn what_was_not_done_leaves_none(engine: Engine) {
    let server = start(engine).await;
    let admin = Admin::of(&server).await;
    admin.send(reqwest::Method::DELETE, "/keys/nobodys", &json!({})).await.expect(404);
    assert!(run(&server, &["admin", "key", "revoke", "nobodys"]).is_none());
    assert!(run(&server, &["client", "secret", "remove", "--client", "backend", "nobodys"]).is_none());
    assert!(run(&server, &["client", "secret", "create", "--client", "web"]).is_none());
    for kind in ["admin_key.revoked", "application.secret_deleted", "application.secret_created"] {
        assert_eq!(server.events(kind).await.len(), 0, "{kind}");
    }
}
