//! Real outages: a full disk, a killed database server, a silent mail server.

use std::{fs, path::Path, process::Command, time::Duration};

use reqwest::Client;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    crash::Load,
    support::{
        Engine, Installation, OwnPostgres, TestServer,
        binary::{post, refresh_token, sign_up},
        smtp::{MailServer, Manners},
    },
};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(60);

/// Signs up guests until one is refused; returns the refresh tokens of the others, and the refusal.
async fn sign_up_until_refused(client: &Client, port: u16) -> (Vec<String>, reqwest::Response) {
    let mut guests = Vec::new();
    loop {
        let answer = sign_up(client, port).await.expect("an answer");
        if !answer.status().is_success() {
            return (guests, answer);
        }
        guests.push(refresh_token(answer, "result").await.expect("a guest"));
    }
}

async fn sign_up_until_accepted(client: &Client, port: u16) {
    let trying = async {
        while !sign_up(client, port).await.is_ok_and(|answer| answer.status().is_success()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, trying).await.expect("it recovers by itself");
}

/// Whether this process may mount a private file system.
fn can_mount() -> bool {
    let probe = ["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/tmp"];
    Command::new("unshare").args(probe).output().is_ok_and(|output| output.status.success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_guests_politely_and_goes_on_when_there_is_room_again() {
    if !can_mount() {
        eprintln!(
            "NOT TESTED: a full disk. This machine lets no process mount a file system of its own (unshare --mount)."
        );
        return;
    }
    let folder = TempDir::new().expect("a scratch folder");
    let [seed, disk] = ["seed", "disk"].map(|name| folder.path().join(name));
    for part in [&seed, &disk] {
        fs::create_dir(part).expect("a folder");
    }
    let url = |folder: &Path| format!("sqlite:{}", folder.join("vestibule.db").display());
    let mut installation = Installation::make(&url(&seed));
    installation.point_to(&url(&disk));
    let mount = "mount -t tmpfs -o size=8m tmpfs \"$1\" && cp -a \"$0/.\" \"$1\" && shift && exec \"$@\"";
    let [seed, disk] = [&seed, &disk].map(|path| path.to_str().expect("text").to_owned());
    installation.wrap(&["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, &seed, &disk]);
    let process = installation.start();
    let (client, port) = (process.client(), process.address.port());
    let first = sign_up(&client, port).await.expect("an answer");
    let first = refresh_token(first, "result").await.expect("a guest");
    let filler = process.root().join(disk.trim_start_matches('/')).join("filler");
    let full = fs::write(&filler, vec![0; 16 << 20]).expect_err("more than the disk holds");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let (guests, refused) = sign_up_until_refused(&client, port).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"), "{:?}", refused.headers());
    // Existing guests are still served: reading needs no space.
    let body = json!({ "session_type": "refresh_token", "refresh_token": first });
    process.http().post_json("/api/anonymous_user/promotion_code", &body).await.expect(200);
    fs::remove_file(filler).expect("room again");
    sign_up_until_accepted(&client, port).await;
    for token in guests.iter().chain([&first]) {
        let answer = post(&client, port, "/oauth2/revoke", &[("token", token)]).await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }
}

/// What was copied to a disk with too little room is removed, and the message names that disk, not the store's.
#[test]
fn a_backup_and_a_restore_on_a_full_disk_leave_nothing() {
    if !can_mount() {
        eprintln!(
            "NOT TESTED: copies on a full disk. This machine lets no process mount a file system (unshare --mount)."
        );
        return;
    }
    let folder = TempDir::new().expect("a scratch folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let (store, disk, whole) = (path("store.db"), path("disk"), path("whole.db"));
    fs::create_dir(&disk).expect("a folder");
    let installation = Installation::make(&format!("sqlite:{store}"));
    installation.run(&["backup", &whole]);
    let run = |url: &str, arguments: [&str; 2]| {
        let script = "mount -t tmpfs -o size=128k tmpfs \"$0\" && \"$@\"; code=$?; ls -A \"$0\"; exit $code";
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, &disk]);
        command.arg(env!("CARGO_BIN_EXE_vestibule")).args(arguments);
        command.env("VESTIBULE_CONFIG", installation.folder.path().join("vestibule.toml"));
        let output = command.env("VESTIBULE__STORE__URL", url).output().expect("it runs");
        assert!(!output.status.success(), "{output:?}");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    };
    let copy = format!("{disk}/copy.db");
    let no_room = |problem: &str| problem.contains(&format!("the disk is full: there is no room for {copy}"));
    let (left, problem) = run(&format!("sqlite:{store}"), ["backup", &copy]);
    assert!(left.is_empty() && no_room(&problem), "{left}: {problem}");
    let (left, problem) = run(&format!("sqlite:{copy}"), ["restore", &whole]);
    // The lock stays: another process may wait for it.
    assert!(left == "copy.db.lock\n" && no_room(&problem), "{left}: {problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's server programs"]
async fn a_database_server_that_is_killed_under_load_loses_nothing_and_is_found_again() {
    let postgres = OwnPostgres::start().await;
    let installation = Installation::make(&postgres.url);
    let process = installation.start();
    let (client, port) = (process.client(), process.address.port());
    let load = Load::start(&process, 8);
    load.wait_for(60).await;
    postgres.kill();
    let (_, refused) =
        tokio::time::timeout(PATIENCE, sign_up_until_refused(&client, port)).await.expect("it is noticed");
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"), "{:?}", refused.headers());
    let known = load.stop().await;
    postgres.start_again().await;
    sign_up_until_accepted(&client, port).await;
    known.verify(&process).await;
}

async fn start_with_mail_server(port: u16, timeout: &str) -> TestServer {
    let port = port.to_string();
    TestServer::start(Engine::Sqlite, |setup| {
        let settings = [("host", "127.0.0.1"), ("port", &port), ("security", "none"), ("timeout_seconds", timeout)];
        for (key, value) in settings {
            setup.configure(&format!("smtp.{key}"), value);
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_mail_server_delays_no_other_mail_and_gets_its_mail_later() {
    let mut mail = MailServer::start(Manners { stall: 1, ..Manners::default() }).await;
    let mut server = start_with_mail_server(mail.port, "1").await;
    let client = server.app_client();
    for email in ["kim@shop.example", "lee@shop.example"] {
        let guest = client.sign_up().await;
        let mut browser = server.browser();
        browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
        crate::guest_journey::identify(&mut browser, email).await;
        browser.expect_page(200, "Check your email");
    }
    let mut arrived = Vec::new();
    while arrived.len() < 2 {
        // A failed message becomes due again.
        server.clock.advance_seconds(20);
        if let Ok(to) = tokio::time::timeout(Duration::from_secs(2), mail.received.recv()).await {
            arrived.push(to.expect("a mail").to);
        }
    }
    arrived.sort();
    assert_eq!(arrived, ["RCPT TO:<kim@shop.example>", "RCPT TO:<lee@shop.example>"]);
    tokio::time::timeout(PATIENCE, server.stop()).await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_that_never_answers_does_not_hold_up_the_end() {
    let mail = MailServer::start(Manners { stall: usize::MAX, ..Manners::default() }).await;
    let mut server = start_with_mail_server(mail.port, "3600").await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let mut browser = server.browser();
    browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    crate::guest_journey::identify(&mut browser, "kim@shop.example").await;
    tokio::time::timeout(PATIENCE, server.stop()).await.expect("it ends although a mail is on its way");
}
