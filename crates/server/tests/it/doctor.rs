//! `vestibule doctor`, run as a process: each line says what is wrong and what to do.

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use serde_json::Value;

use crate::support::{
    Engine, ScratchInstallation, TestServer, on_both_engines,
    smtp::{MailServer, Manners},
};

on_both_engines!(a_healthy_server_passes);

/// The findings and the exit status.
fn examine(command: &mut Command) -> (Vec<Value>, Option<i32>) {
    let output = command.arg("--json").output().expect("it runs");
    let findings = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("JSON: {output:?}"));
    (findings, output.status.code())
}

/// The level and the whole text of the findings about one thing.
fn about(findings: &[Value], check: &str) -> Vec<(String, String)> {
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_string();
    let all = findings.iter().filter(|finding| finding["check"] == check);
    all.map(|finding| (text(finding, "level"), format!("{}: {}", text(finding, "message"), text(finding, "advice"))))
        .collect()
}

#[track_caller]
fn expect(findings: &[Value], check: &str, level: &str, part: &str) {
    let found = about(findings, check);
    assert!(found.iter().any(|(is, text)| is == level && text.contains(part)), "{check}, {level}, {part}: {found:?}");
}

async fn a_healthy_server_passes(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    if let Some(store) = server.store_url().strip_prefix("sqlite:") {
        let folder = std::path::Path::new(store).parent().expect("a folder");
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).expect("ours");
    }
    let mut smtp = MailServer::start(Manners::default()).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command
        .args(["doctor", "--mail-to", "kim@shop.example"])
        .env("VESTIBULE__STORE__URL", server.store_url())
        .env("VESTIBULE__SECRETS__MASTER_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
        .env("VESTIBULE__SERVER__LISTEN", server.address.to_string())
        .env("VESTIBULE__SMTP__HOST", "127.0.0.1")
        .env("VESTIBULE__SMTP__PORT", smtp.port.to_string())
        .env("VESTIBULE__SMTP__SECURITY", "none");
    let (findings, _) = tokio::task::spawn_blocking(move || examine(&mut command)).await.expect("it ends");
    expect(&findings, "configuration", "ok", "valid");
    expect(&findings, "store", "ok", "a write succeeded");
    expect(&findings, "keys", "ok", "master key");
    expect(&findings, "server", "ok", "ready");
    expect(&findings, "origin", "ok", &format!("{} (project test) answers as itself", server.origin));
    expect(&findings, "mail", "ok", "accepted a test email");
    assert!(findings.iter().all(|finding| finding["level"] != "fail" || finding["check"] == "disk"), "{findings:?}");
    let mail = smtp.received.recv().await.expect("an email");
    assert!(mail.to.contains("kim@shop.example") && mail.raw.contains("vestibule doctor"), "{}", mail.raw);
}

#[test]
fn what_is_missing_is_named_with_what_to_do() {
    let place = ScratchInstallation::new();
    let (findings, status) = examine(&mut place.command(&["doctor"]));
    assert_eq!(status, Some(3));
    expect(&findings, "store", "fail", "vestibule project apply");
    expect(&findings, "mail", "warn", "--dev-mail");
    assert!(!place.path("data").exists(), "it creates nothing");

    place.write("wrong.toml", "[server]\nlissten = 1\n");
    let (findings, status) = examine(&mut place.command(&["doctor", "--config", "wrong.toml"]));
    assert_eq!(status, Some(3));
    expect(&findings, "configuration", "fail", "lissten");
}

#[test]
fn a_proxy_that_is_not_trusted_and_open_files_are_found() {
    let place = ScratchInstallation::new();
    // Nothing listens there.
    place.write("shop.toml", "[project]\nid = \"shop\"\npublic_origin = \"https://127.0.0.1:1\"\n");
    place.run(&["project", "apply", "shop.toml"]).printed();
    let key = place.path("data/master.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("ours");
    let (findings, status) = examine(place.command(&["doctor"]).env("VESTIBULE__SERVER__LISTEN", "127.0.0.1:1"));
    assert_eq!(status, Some(3));
    expect(&findings, "files", "fail", "master.key contains the master key");
    expect(&findings, "files", "fail", "chmod 600");
    expect(&findings, "origin", "fail", "server.trusted_proxies is empty");
    expect(&findings, "origin", "fail", "https://127.0.0.1:1 (project shop)");
    expect(&findings, "server", "warn", "nothing answers at 127.0.0.1:1");
    expect(&findings, "store", "ok", "a write succeeded");

    std::fs::write(&key, "f".repeat(64)).expect("another key");
    let (findings, _) = examine(&mut place.command(&["doctor"]));
    expect(&findings, "keys", "fail", "the master key that the store was created with");
}

/// A proxy that changes the host makes the server answer 421, and one that loses the scheme makes it redirect for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_proxy_does_wrong_is_named() {
    for (head, expected, advice) in [
        ("421 Misdirected Request\r\n", "the server sees another host", "proxy_set_header Host $http_host"),
        ("307 Temporary Redirect\r\nLocation: {url}\r\n", "redirects to itself without end", "X-Forwarded-Proto"),
        (
            "301 Moved Permanently\r\nLocation: https://other.example/\r\n",
            "redirects to https://other.example/",
            "public_origin",
        ),
        ("502 Bad Gateway\r\n", "by the reverse proxy", "start the server"),
        ("200 OK\r\n", "no metadata of Vestibule", "leads to another server"),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("its address"));
        let head = head.replace("{url}", &format!("{origin}/.well-known/openid-configuration"));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
                let answer = format!("HTTP/1.1 {head}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}");
                // Some of the request is enough: the answer is the same for all.
                let _some = stream.read(&mut [0; 4096]).await;
                stream.write_all(answer.as_bytes()).await.ok();
            }
        });
        let place = ScratchInstallation::new();
        place.write("shop.toml", &format!("[project]\nid = \"shop\"\npublic_origin = \"{origin}\"\n"));
        place.run(&["project", "apply", "shop.toml"]).printed();
        let mut command = place.command(&["doctor"]);
        let (findings, _) = tokio::task::spawn_blocking(move || examine(&mut command)).await.expect("it ends");
        expect(&findings, "origin", "fail", expected);
        expect(&findings, "origin", "fail", advice);
    }
}
