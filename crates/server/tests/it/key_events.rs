//! Keys and secrets that are created or removed leave an event, whether by the portal, the Admin API or the command
//! line.

use std::process::Command;

use serde_json::{Value, json};
use vestibule_app::admin::keys::AdminScope;

use crate::support::{Admin, Device, Engine, Platform, TestServer, on_both_engines};

on_both_engines!(
    admin_keys_leave_events_everywhere,
    client_secrets_leave_events_everywhere,
    a_device_key_revoked_at_the_terminal_leaves_an_event,
    rotations_of_signing_keys_leave_events,
    exports_and_imports_of_users_leave_events,
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
    wait_for_log(&server, "identity.anonymous.revoked").await;
    owner.open("/portal/p/test/events?type=identity.anonymous.revoked").await;
    assert!(owner.page().text.contains("vestibule user keys revoke"), "{}", owner.page().text);
}

/// Waits until a queued event of this type is in the log.
async fn wait_for_log(server: &TestServer, kind: &str) {
    let admin = Admin::of(server).await;
    admin.wait_until(&format!("/events?type={kind}"), |log| log["events"][0].is_object()).await;
}

async fn rotations_of_signing_keys_leave_events(engine: Engine) {
    let server = start(engine).await;
    run(&server, &["key", "rotate", "--now"]).expect("rotated");
    let events = server.events("signing_key.rotated").await;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event["context"]["audit_context"]["command"], "vestibule key rotate --now");
    let listed = run(&server, &["key", "list"]).expect("a list");
    let target = event["payload"]["target"].as_str().expect("key IDs");
    for kid in target.split(", ") {
        assert!(listed.contains(kid), "{kid} in {listed}");
    }
    assert_eq!(target.split(", ").count(), 2);

    let mut owner = server.owner().await;
    wait_for_log(&server, "signing_key.rotated").await;
    owner.open("/portal/p/test/events?type=signing_key.rotated").await;
    assert!(owner.page().text.contains("vestibule key rotate --now"), "{}", owner.page().text);

    // One that the server does by age, once. The log keeps the first no longer than that.
    server.clock.advance_seconds(91 * 86_400);
    for _ in 0..2 {
        vestibule_server::boot::maintain(&server.app).await.expect("maintained");
    }
    let events = server.events("signing_key.rotated").await;
    let by_age: Vec<_> = events.iter().filter(|event| event["context"]["audit_context"] == json!({})).collect();
    let [by_age] = by_age.as_slice() else { panic!("{events:?}") };
    assert_eq!(by_age["context"]["triggered_by"], "system");
}

async fn exports_and_imports_of_users_leave_events(engine: Engine) {
    let server = start(engine).await;
    let admin = Admin::of(&server).await;
    let line = |number: u8| {
        let [id, login_id] = ["01", "02"].map(|kind| format!("018f3c2e-2a54-7a0c-8a67-{kind}0a6f5fd2{number:02x}"));
        let address = format!("kim-{number}@shop.test");
        json!({
            "id": id, "created_at": 1, "updated_at": 1,
            "login_ids": [{
                "id": login_id, "type": "email", "value": address, "original": address, "created_at": 1, "updated_at": 1,
            }],
        })
        .to_string()
    };
    let import = async |lines: &[String]| {
        let request = admin.request(reqwest::Method::POST, "/import/users");
        let request = request.header("content-type", "application/x-ndjson").body(lines.join("\n"));
        let reply = crate::support::Reply::of(request).await.expect(200).json();
        let outcomes = reply["lines"].as_array().expect("lines").clone();
        outcomes.iter().map(|one| one["outcome"].as_str().expect("a word").to_string()).collect::<Vec<_>>()
    };
    // An import that creates no user leaves no event.
    assert_eq!(import(&["{}".into()]).await, ["refused"]);
    assert_eq!(server.events("users.imported").await.len(), 0);
    let lines = ["{}".to_string(), line(1), line(2)];
    assert_eq!(import(&lines).await, ["refused", "created", "created"]);
    assert_eq!(import(&lines).await, ["refused", "exists", "exists"]);
    let events = server.events("users.imported").await;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event["payload"], json!({"lines": 3}));

    assert!(admin.get("/export/users").await.expect(200).body.contains("kim-1@shop.test"));
    let exported = server.events("users.exported").await;
    assert_eq!(exported.len(), 1, "{exported:?}");
    for event in [event, &exported[0]] {
        assert_eq!(event["context"]["triggered_by"], "admin_api");
        assert_eq!(event["context"]["audit_context"]["admin_key_id"], admin.key_id.as_str());
        assert!(!event.to_string().contains("kim-1"), "it names no user");
    }
    let mut owner = server.owner().await;
    wait_for_log(&server, "users.exported").await;
    owner.open("/portal/p/test/events?type=users.exported").await;
    assert!(owner.page().text.contains(&admin.key_id), "{}", owner.page().text);
    // Another key may not, and leaves nothing.
    let reader = Admin::new(&server, &[AdminScope::UsersRead]).await;
    reader.get("/export/users").await.expect(403);
    assert_eq!(server.events("users.exported").await.len(), 1);
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
