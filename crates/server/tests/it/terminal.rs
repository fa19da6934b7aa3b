//! The program's output: logs, warnings about files, and output without a reader.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Stdio,
};

use serde_json::Value;

use crate::{
    connections::send_raw,
    shutdown::start,
    support::{Engine, ScratchInstallation, TestStore},
};

const SHOP: &str = "[project]\nid = \"shop\"\npublic_origin = \"https://auth.shop.example\"\n";

/// The response to a request with a wrong host.
async fn ask_for(host: &str, headers: &str, to: std::net::SocketAddr) -> String {
    send_raw(to, &format!("GET /oauth2/jwks HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_badly_configured_proxy_is_reported_once_with_both_hosts() {
    let place = ScratchInstallation::new();
    place.write("shop.toml", SHOP);
    place.run(&["project", "apply", "shop.toml"]).printed();
    let started = start(&place, &[("VESTIBULE__SERVER__TRUSTED_PROXIES", "127.0.0.1")]);
    for _ in 0..3 {
        let output = ask_for("127.0.0.1:4100", "", started.address).await;
        assert!(output.starts_with("HTTP/1.1 421 "), "{output}");
        let output =
            ask_for("auth.shop.example", "X-Forwarded-Proto: http\r\nSec-Fetch-Mode: cors\r\n", started.address).await;
        assert!(output.starts_with("HTTP/1.1 200 "), "{output}");
    }
    let log = started.end("-TERM");
    let warnings: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let warnings: Vec<&Value> = warnings
        .iter()
        .filter(|entry| entry["level"] == "WARN" && entry["target"] == "vestibule_web::misdirected")
        .collect();
    let [host, scheme] = warnings.as_slice() else { panic!("two warnings: {log}") };
    assert_eq!(host["http.host"], "127.0.0.1:4100");
    assert_eq!(host["projects.origins"], "https://auth.shop.example");
    assert!(scheme["message"].as_str().expect("text").contains("X-Forwarded-Proto"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_in_the_log_are_numbers() {
    let place = ScratchInstallation::new();
    place.write("shop.toml", SHOP);
    place.run(&["project", "apply", "shop.toml"]).printed();
    let started = start(&place, &[("VESTIBULE__LOG__FILTER", "info,vestibule::requests=debug")]);
    ask_for("auth.shop.example", "", started.address).await;
    let log = started.end("-TERM");
    let entries = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let entry = entries.into_iter().find(|entry| entry["http.route"] == "/oauth2/jwks").expect("the request is logged");
    assert!(entry["duration.us"].is_u64() && entry["http.status"] == 200, "{entry}");
}

#[test]
fn a_log_that_is_no_terminal_holds_no_colors() {
    let place = ScratchInstallation::new();
    let mut command = place.command(&["serve"]);
    command.env("VESTIBULE__LOG__FORMAT", "text").stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut log = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains("listening") {
        line.clear();
        assert!(log.read_line(&mut line).expect("a readable log") > 0, "it ended");
        assert!(!line.contains('\u{1b}'), "{line:?}");
    }
    child.kill().expect("it still ran");
    child.wait().expect("our child");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_second_start_on_postgres_logs_no_notices() {
    let (place, store) = (ScratchInstallation::new(), TestStore::make(Engine::Postgres).await);
    let (url, key) = (store.url(), "5a".repeat(32));
    for _ in 0..2 {
        let mut command = place.command(&["serve"]);
        command.env("VESTIBULE__STORE__URL", &url).env("VESTIBULE__SECRETS__MASTER_KEY", &key).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let lines: Vec<String> =
            lines.map(|line| line.expect("text")).take_while(|line| !line.contains("listening")).collect();
        child.kill().expect("it still ran");
        child.wait().expect("our child");
        assert!(lines.iter().all(|line| !line.contains("NOTICE")), "{lines:?}");
    }
}

#[test]
fn a_command_with_a_closed_output_ends_quietly() {
    let place = ScratchInstallation::new();
    for arguments in [&["config", "reference"][..], &["project", "list"], &["--help"]] {
        place.write("shop.toml", SHOP);
        place.run(&["project", "apply", "shop.toml"]);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = place.command(arguments).stdout(writer).stderr(Stdio::piped()).output().expect("it runs");
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(problem.is_empty(), "{arguments:?}: {problem}");
    }
}

/// Neither the printed link nor the log has a reader; the server still serves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_an_unread_output_keeps_running() {
    let place = ScratchInstallation::new();
    let mut command = place.command(&["serve"]);
    command.env("VESTIBULE__PORTAL__PUBLIC_ORIGIN", "http://portal.test");
    command.env("VESTIBULE__LOG__FILTER", "info,vestibule::requests=debug");
    let (out_reader, out) = std::io::pipe().expect("a pipe");
    let (err_reader, err) = std::io::pipe().expect("a pipe");
    drop(out_reader);
    let mut child = command.stdout(out).stderr(err).spawn().expect("it starts");
    drop(command);
    let mut log = BufReader::new(err_reader);
    let address = log.by_ref().lines().map(|line| line.expect("text")).find_map(|line| {
        let entry: Value = serde_json::from_str(&line).expect("JSON");
        entry["server.address"].as_str().map(|address| address.parse().expect("an address"))
    });
    let address = address.expect("it says where it listens");
    drop(log);
    for _ in 0..3 {
        let output = send_raw(address, "GET /portal HTTP/1.1\r\nHost: portal.test\r\nConnection: close\r\n\r\n").await;
        assert!(output.starts_with("HTTP/1.1 303 "), "{output}");
    }
    child.kill().expect("it still ran");
    child.wait().expect("our child");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our file");
}

#[test]
fn files_with_secrets_that_others_can_read_are_reported() {
    let place = ScratchInstallation::new();
    place.write("master.key", &"5a".repeat(32));
    place.write("plain.toml", "[secrets]\nmaster_key_file = \"master.key\"\n");
    place.write("mail.toml", "[smtp]\npassword = \"secret\"\n");
    place.write(
        "store.toml",
        "[store]\nurl = \"postgres://vestibule:secret@db/v\"\n[secrets]\nmaster_key_file = \"k\"\n",
    );
    let check = |file: &str| {
        let mut command = place.command(&["config", "check", "--config", file]);
        let output = command.env_remove("VESTIBULE__STORE__URL").output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).expect("text")
    };
    for (file, exposed, mode, is_reported) in [
        ("plain.toml", "master.key", 0o644, true),
        ("plain.toml", "master.key", 0o604, true),
        ("plain.toml", "master.key", 0o660, true),
        ("plain.toml", "master.key", 0o640, false),
        ("plain.toml", "master.key", 0o600, false),
        ("plain.toml", "plain.toml", 0o644, false),
        ("mail.toml", "mail.toml", 0o644, true),
        ("mail.toml", "mail.toml", 0o640, false),
        ("store.toml", "store.toml", 0o644, true),
    ] {
        set_mode(&place.path(exposed), mode);
        let warning = check(file);
        let expected = format!("vestibule: warning: {exposed} contains ");
        assert_eq!(
            warning.starts_with(&expected) && warning.contains("chmod "),
            is_reported,
            "{exposed} {mode:o}: {warning}"
        );
        assert_eq!(warning.is_empty(), !is_reported, "{exposed} {mode:o}: {warning}");
    }
    set_mode(&place.path("master.key"), 0o644);
    let started = start(&place, &[("VESTIBULE__SECRETS__MASTER_KEY_FILE", "master.key")]);
    let log = format!("{}{}", started.before.clone(), started.end("-TERM"));
    assert!(log.contains("master.key contains the master key, and other users"), "{log}");
}

/// Neither a folder that an earlier release or an operator made, nor a store in it, is changed: the server says what to do.
#[test]
fn data_that_others_can_reach_is_reported_once_at_the_start() {
    let place = ScratchInstallation::new();
    place.write("shop.toml", SHOP);
    place.run(&["project", "apply", "shop.toml"]).printed();
    let folder = fs::canonicalize(place.path("data")).expect("it is there");
    for (name, mode, fix) in [
        ("data", 0o755, Some(format!("chmod 700 {}", folder.display()))),
        ("data", 0o750, Some(format!("chmod 700 {}", folder.display()))),
        ("data", 0o701, Some(format!("chmod 700 {}", folder.display()))),
        ("data", 0o700, None),
        ("data/vestibule.db", 0o644, Some("chmod 600 data/vestibule.db".to_string())),
        ("data/vestibule.db", 0o600, None),
    ] {
        set_mode(&place.path(name), mode);
        let started = start(&place, &[]);
        let log = format!("{}\n{}", started.before.replace("}{", "}\n{"), started.end("-TERM"));
        let entries = log.lines().filter(|line| !line.is_empty());
        let entries: Vec<Value> = entries.map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let of_it = |entry: &&Value| entry["message"].as_str().is_some_and(|text| text.contains("chmod "));
        let warnings: Vec<&Value> = entries.iter().filter(of_it).collect();
        assert_eq!(warnings.len(), usize::from(fix.is_some()), "{name} {mode:o}: {log}");
        if let Some(fix) = &fix {
            let message = warnings[0]["message"].as_str().expect("text");
            assert!(message.ends_with(fix) && warnings[0]["level"] == "WARN", "{message}");
        }
        let check = place.command(&["config", "check"]).output().expect("it runs");
        let warning = String::from_utf8(check.stderr).expect("text");
        assert_eq!(fix.is_some_and(|fix| warning.contains(&fix)), !warning.is_empty(), "{name} {mode:o}: {warning}");
        // Other commands say nothing of it.
        place.run(&["project", "list"]).printed();
        set_mode(&place.path(name), if name == "data" { 0o700 } else { 0o600 });
    }
}

/// A caller that is refused again and again writes one line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_refused_for_a_share_are_logged_once_a_minute() {
    let place = ScratchInstallation::new();
    place.write("shop.toml", SHOP);
    place.run(&["project", "apply", "shop.toml"]).printed();
    let key = place.run(&["admin", "key", "create", "--project", "shop", "--name", "stream"]).printed();
    let started = start(&place, &[]);
    let head = format!(
        "GET /_api/admin/v1/events/stream HTTP/1.1\r\nHost: auth.shop.example\r\nAuthorization: Bearer {}\r\n\r\n",
        key.trim()
    );
    let (mut open, mut refused) = (Vec::new(), 0);
    while refused < 5 {
        let mut stream = std::net::TcpStream::connect(started.address).expect("it listens");
        std::io::Write::write_all(&mut stream, head.as_bytes()).expect("sent");
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).expect("an answer");
        match line.trim_end() {
            "HTTP/1.1 200 OK" => open.push(stream),
            "HTTP/1.1 503 Service Unavailable" => refused += 1,
            other => panic!("{other}"),
        }
        assert!(open.len() <= 32, "places of a project");
    }
    drop(open);
    let log = started.end("-TERM");
    let entries: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let refused: Vec<&Value> = entries.iter().filter(|entry| entry["refused.reason"] == "share").collect();
    let [warning] = refused.as_slice() else { panic!("one line: {log}") };
    assert_eq!(
        (&warning["level"], &warning["refused.detail"]),
        (&"WARN".into(), &"/_api/admin/v1/events/stream".into())
    );
}

#[test]
fn the_folder_of_the_data_is_its_owners_alone() {
    let place = ScratchInstallation::new();
    place.run(&["project", "create", "--id", "blog", "--public-origin", "https://auth.blog.example"]).printed();
    for (name, expected) in [("data", 0o700), ("data/vestibule.db", 0o600), ("data/master.key", 0o600)] {
        let mode = fs::metadata(place.path(name)).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{name}");
    }
}
