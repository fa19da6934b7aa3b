//! `vestibule init`, run as a process: the files it writes are right, private, and replace nothing.

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use crate::support::{Finished, ScratchInstallation};

/// `init` into the folder `etc`, as an ordinary user and without a terminal.
///
/// As root, the files would be for a user that this machine may not have; `setpriv` gives root away.
fn init(place: &ScratchInstallation, arguments: &[&str]) -> Finished {
    let mut command = place.command(&["init", "--dir", "etc"]);
    command.args(arguments);
    let is_root = Command::new("id").arg("-u").output().expect("id runs").stdout == b"0\n";
    if is_root {
        // Root's user exists everywhere.
        command.args(["--user", "root"]);
    }
    Finished::of(&command.output().expect("it runs"))
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("a file").permissions().mode() & 0o777
}

#[test]
fn what_it_writes_is_valid_private_and_can_be_applied() {
    let place = ScratchInstallation::new();
    place.write("secret", "hunter \"two\"\n");
    let done = init(
        &place,
        &[
            "--origin",
            "https://auth.shop.example",
            "--project",
            "shop",
            "--app",
            "https://shop.example",
            "--store",
            "sqlite:data/vestibule.db",
            "--smtp-host",
            "smtp.shop.example",
            "--smtp-username",
            "vestibule",
            "--smtp-password-file",
            "secret",
            "--mail-from",
            "Shop <no-reply@shop.example>",
        ],
    )
    .printed();
    assert!(done.contains("project apply --config") && done.contains("doctor --config"), "{done}");
    assert!(!done.contains("hunter") && !done.contains("--dev-mail"), "{done}");
    let (config, project) = (place.path("etc/vestibule.toml"), place.path("etc/shop.toml"));
    for file in [&config, &project] {
        assert_eq!(mode(file) & 0o027, 0, "{}", file.display());
    }
    assert_eq!(mode(&place.path("data")), 0o700);
    let text = std::fs::read_to_string(&config).expect("text");
    let written: toml::Table = text.parse().expect("TOML");
    assert_eq!(written["smtp"]["password"].as_str(), Some("hunter \"two\""));
    assert_eq!(written["server"]["trusted_proxies"].as_array().map(Vec::len), Some(1), "{text}");
    assert_eq!(written["portal"]["project"].as_str(), Some("shop"));
    let config = config.to_str().expect("a path");
    assert_eq!(place.run(&["config", "check", "--config", config]).printed(), "The configuration is valid.\n");
    let applied = place.run(&["project", "apply", "--config", config, "etc/shop.toml"]).printed();
    assert_eq!(applied, "shop: created\n");
    let exported = place.run(&["project", "export", "shop"]).printed();
    assert!(exported.contains("https://shop.example/after-login") && exported.contains("shop-web"), "{exported}");
}

#[test]
fn a_local_origin_needs_neither_proxy_nor_mail_server() {
    let place = ScratchInstallation::new();
    let done = init(&place, &["--origin", "http://localhost:4321", "--project", "shop", "--store", "sqlite:data/v.db"])
        .printed();
    assert!(done.contains("serve --dev-mail"), "{done}");
    let written = std::fs::read_to_string(place.path("etc/vestibule.toml")).expect("text");
    assert!(written.contains("listen = \"127.0.0.1:4321\"") && !written.contains("trusted_proxies"), "{written}");
}

#[test]
fn postgresql_gets_a_master_key_that_is_kept() {
    let place = ScratchInstallation::new();
    let options = ["--origin", "http://localhost:4100", "--project", "shop", "--store", "postgres://v@127.0.0.1:1/v"];
    init(&place, &options).printed();
    let key = place.path("etc/master.key");
    assert_eq!(mode(&key), 0o600);
    let text = std::fs::read_to_string(&key).expect("text");
    let again = init(&place, &[&options[..], &["--replace"]].concat()).printed();
    assert!(again.contains("master.key exists and is kept"), "{again}");
    assert_eq!(std::fs::read_to_string(&key).expect("text"), text);
}

#[test]
fn nothing_is_replaced_silently() {
    let place = ScratchInstallation::new();
    let options = ["--project", "shop", "--store", "sqlite:data/v.db"];
    let with = |origin: &'static str, more: &[&'static str]| {
        init(&place, &[&options[..], &["--origin", origin], more].concat())
    };
    with("http://localhost:4100", &[]).printed();
    let before = std::fs::read_to_string(place.path("etc/vestibule.toml")).expect("text");
    let refused = with("http://localhost:4200", &[]).problem();
    assert!(refused.contains("nothing was changed:") && refused.contains("vestibule.toml exists"), "{refused}");
    assert_eq!(std::fs::read_to_string(place.path("etc/vestibule.toml")).expect("text"), before);
    let replaced = with("http://localhost:4200", &["--replace"]).printed();
    assert!(replaced.contains("is kept as"), "{replaced}");
    assert_eq!(std::fs::read_to_string(place.path("etc/vestibule.toml.bak")).expect("text"), before);
    let twice = with("http://localhost:4300", &["--replace"]).problem();
    assert!(twice.contains("nothing was changed:") && twice.contains(".bak"), "{twice}");
    let left: Vec<_> = std::fs::read_dir(place.path("etc")).expect("a folder").collect();
    assert_eq!(left.len(), 4, "two files and the two that were replaced: {left:?}");
}

#[test]
fn wrong_answers_are_refused_before_anything_is_written() {
    let place = ScratchInstallation::new();
    let missing = init(&place, &[]).problem();
    assert!(missing.contains("without a terminal to ask at, add --origin"), "{missing}");
    for (wrong, expected) in [
        (["--origin", "auth.shop.example", "--project", "shop", "--store", "sqlite:v.db"], "--origin: "),
        (["--origin", "http://localhost", "--project", "No Shop", "--store", "sqlite:v.db"], "lower-case letters"),
        (["--origin", "http://localhost", "--project", "shop", "--store", "mysql://x"], "--store: write sqlite:PATH"),
        (
            ["--origin", "http://localhost", "--project", "vestibule", "--store", "sqlite:v.db"],
            "--project: choose another one",
        ),
    ] {
        let problem = init(&place, &wrong).problem();
        assert!(problem.contains(expected), "{problem}");
    }
    assert!(!place.path("etc/vestibule.toml").exists());
}
