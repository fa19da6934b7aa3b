//! `vestibule user find|show|delete|export|import`, run as a process on the data of a running server.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Admin, Engine, TestServer, on_both_engines};

on_both_engines!(
    users_are_found_and_shown,
    a_user_is_deleted_only_after_a_yes,
    exported_users_can_be_imported,
    one_user_is_exported,
);

const KIM: &str = "kim@shop.example";

/// Runs the binary on the data of a test's server; there is no terminal.
fn run(server: &TestServer, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .arg("user")
        .args(arguments)
        .args(["--project", "test"])
        .stdin(Stdio::null())
        .env("VESTIBULE__STORE__URL", server.store_url())
        .env("VESTIBULE__SECRETS__MASTER_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
        .output()
        .expect("the binary runs")
}

#[track_caller]
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[track_caller]
fn problem(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr.clone()).expect("text")
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// A server with a member, whose name tries to control a terminal, and a guest; their IDs.
async fn start(engine: Engine) -> (TestServer, Admin, String, String) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let member = json!({
        "login_ids": [{ "type": "email", "value": KIM }],
        "password": "nine grey herons by the weir",
        "standard_attributes": { "name": "Kim \u{1b}[2J" },
    });
    let member = admin.post("/users", &member).await.expect(201).json()["id"].as_str().expect("an ID").to_string();
    let app = server.app_client();
    let guest = app.subject(&app.sign_up().await.access).await;
    (server, admin, member, guest)
}

async fn users_are_found_and_shown(engine: Engine) {
    let (server, admin, member, guest) = start(engine).await;
    let found = printed(&run(&server, &["find", "kim@"]));
    assert!(found.starts_with(&format!("{member}\tmember\t{KIM}\tcreated ")) && found.lines().count() == 1, "{found}");
    let all = printed(&run(&server, &["find"]));
    assert!(all.contains(&guest) && all.contains(&member), "{all}");
    let guests = printed(&run(&server, &["find", "--kind", "guest"]));
    assert!(guests.starts_with(&format!("{guest}\tguest\t-\t")) && !guests.contains(&member), "{guests}");
    let page = run(&server, &["find", "--limit", "1"]);
    let note = String::from_utf8(page.stderr.clone()).expect("text");
    let cursor = note.split_whitespace().last().expect("a cursor");
    assert!(note.contains("--cursor"), "{note}");
    let second = printed(&run(&server, &["find", "--limit", "1", "--cursor", cursor]));
    assert_ne!(printed(&page), second);
    let same = admin.get("/users").await.expect(200).json();
    assert_eq!(parse(&printed(&run(&server, &["find", "--json"])))["users"], same["users"]);
    assert_eq!(printed(&run(&server, &["find", "nobody@"])), "");

    let shown = printed(&run(&server, &["show", &member]));
    for part in ["Kind            member", KIM, "Authenticator   password", "Event", "user.created"] {
        assert!(shown.contains(part), "{part} is missing in:\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "nothing controls the terminal: {shown:?}");
    let shown = parse(&printed(&run(&server, &["show", &member, "--json"])));
    assert_eq!(shown["user"], admin.get(&format!("/users/{member}")).await.expect(200).json());
    assert!(shown["sessions"].is_array() && shown["device_keys"].is_array(), "{shown}");
    assert!(!shown["events"].as_array().expect("a list").is_empty());
    let shown = parse(&printed(&run(&server, &["show", &guest, "--json"])));
    assert_eq!(shown["sessions"][0]["type"], "refresh_token", "{shown}");
    let unknown = run(&server, &["show", "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab"]);
    assert_eq!(problem(&unknown), "vestibule: the project has no such user\n");
}

async fn a_user_is_deleted_only_after_a_yes(engine: Engine) {
    let (server, admin, member, _) = start(engine).await;
    let refused = run(&server, &["delete", &member]);
    assert!(problem(&refused).contains("nothing was deleted: without a terminal to ask at, add --yes"), "{refused:?}");
    admin.get(&format!("/users/{member}")).await.expect(200);
    assert_eq!(printed(&run(&server, &["delete", &member, "--yes"])), format!("User {member} deleted.\n"));
    admin.get(&format!("/users/{member}")).await.expect(404);
    let event = admin
        .wait_until("/events?type=user.deleted", |page| !page["events"].as_array().expect("a list").is_empty())
        .await["events"][0]
        .clone();
    assert_eq!(event["context"]["audit_context"]["command"], "vestibule user delete", "{event}");
    assert!(problem(&run(&server, &["delete", &member, "--yes"])).contains("no such user"));
}

async fn exported_users_can_be_imported(engine: Engine) {
    let (server, admin, member, guest) = start(engine).await;
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("users.jsonl");
    let name = file.to_str().expect("a path");
    assert_eq!(printed(&run(&server, &["export", "--output", name])), format!("{name}: 2 users.\n"));
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&file.metadata().expect("a file").permissions()) & 0o777, 0o600);
    let lines = std::fs::read_to_string(&file).expect("text");
    assert_eq!(lines, admin.get("/export/users").await.expect(200).body, "the format of the Admin API");
    assert!(lines.contains(&member) && lines.contains(&guest) && lines.contains("$argon2id$"));
    assert_eq!(printed(&run(&server, &["export"])), lines);
    assert!(problem(&run(&server, &["export", "--output", name])).contains("exists already"));
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(left.len(), 1, "no unfinished file is left: {left:?}");
    admin.wait_until("/events?type=users.exported", |page| page["events"].as_array().expect("a list").len() >= 3).await;

    let other = TestServer::start_plain(engine).await;
    std::fs::write(&file, format!("{lines}\n{{\"id\": 5}}\n")).expect("written");
    let imported = run(&other, &["import", name]);
    assert_eq!(String::from_utf8_lossy(&imported.stdout), "2 created, 0 existed already, 1 refused.\n");
    assert!(problem(&imported).starts_with("line 4: "), "{imported:?}");
    std::fs::write(&file, &lines).expect("written");
    assert_eq!(printed(&run(&other, &["import", name])), "0 created, 2 existed already, 0 refused.\n");
    assert_eq!(printed(&run(&other, &["export"])), lines, "nothing was lost on the way");
    std::fs::write(&file, "x".repeat(1 << 21)).expect("written");
    assert!(problem(&run(&other, &["import", name])).contains("line 1 is longer than 1048576 bytes"));
}

async fn one_user_is_exported(engine: Engine) {
    let (server, admin, member, _) = start(engine).await;
    let line = printed(&run(&server, &["export", &member]));
    assert_eq!(line.lines().count(), 1);
    assert_eq!(parse(&line)["id"], member);
    let event = admin
        .wait_until("/events?type=users.exported", |page| !page["events"].as_array().expect("a list").is_empty())
        .await["events"][0]
        .clone();
    assert_eq!(event["context"]["user_id"], member, "{event}");
    let unknown = run(&server, &["export", "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab"]);
    assert_eq!(problem(&unknown), "vestibule: the project has no such user\n");
}
