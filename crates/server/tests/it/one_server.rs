//! One server for an embedded store, and the commands beside it.

use std::{fs, process::Command};

use crate::support::{Engine, ScratchInstallation, TestStore};

const SHOP: &str = "[project]\nid = \"shop\"\npublic_origin = \"https://auth.shop.example\"\n";

#[test]
fn a_second_server_is_refused_by_any_path_and_a_killed_one_holds_nothing() {
    let place = ScratchInstallation::new();
    place.write("shop.toml", SHOP);
    place.run(&["project", "apply", "shop.toml"]).printed();
    std::os::unix::fs::symlink(place.path("data"), place.path("link")).expect("a link");
    let mut running = place.serve();
    for url in ["sqlite:data/vestibule.db", "sqlite:link/vestibule.db"] {
        let mut second = place.command(&["serve"]);
        let output = second.env("VESTIBULE__STORE__URL", url).output().expect("it runs");
        let problem = String::from_utf8_lossy(&output.stderr);
        let line = format!("is in use by `vestibule serve` (process {})", running.child.id());
        assert!(!output.status.success() && problem.contains(&line), "{url}: {problem}");
    }
    // These work beside a server.
    place.run(&["backup", "backup.db"]).printed();
    place.run(&["restore", "--check", "backup.db"]).printed();
    place.run(&["check"]).printed();
    place.run(&["project", "apply", "shop.toml"]).printed();
    // These do not.
    let to = "postgres://nobody@127.0.0.1:1/nothing";
    for arguments in [&["restore", "backup.db"][..], &["migrate-store", "--to", to]] {
        let problem = place.run(arguments).problem();
        assert!(problem.contains("is in use by `vestibule serve`"), "{arguments:?}: {problem}");
    }
    running.child.kill().expect("it still ran");
    running.wait();
    drop(place.serve());
    place.run(&["restore", "backup.db"]).printed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_store_is_not_moved_while_a_server_runs_and_is_moved_after_it() {
    let (place, to) = (ScratchInstallation::new(), TestStore::make_empty(Engine::Postgres).await);
    place.write("shop.toml", SHOP);
    place.run(&["project", "apply", "shop.toml"]).printed();
    let url = to.url();
    let mut running = place.serve();
    let problem = place.run(&["migrate-store", "--to", &url]).problem();
    assert!(problem.contains("is in use by `vestibule serve`"), "{problem}");
    running.terminate();
    assert!(running.wait());
    place.run(&["migrate-store", "--to", &url]).printed();
    let mut check = place.command(&["check"]);
    check.env("VESTIBULE__STORE__URL", &url).env("VESTIBULE__SECRETS__MASTER_KEY_FILE", "data/master.key");
    let output = check.output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("projects: 1"), "{output:?}");
}

#[test]
fn each_cause_of_a_refused_start_has_its_own_words() {
    let place = ScratchInstallation::new();
    place.run(&["project", "create", "--id", "blog", "--public-origin", "https://auth.blog.example"]).printed();
    let whole = fs::read(place.path("data/vestibule.db")).expect("the store");
    let start = || {
        let output = place.command(&["serve"]).output().expect("it runs");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let write = |bytes: &[u8]| fs::write(place.path("data/vestibule.db"), bytes).expect("our file");
    write(&whole[..whole.len() / 2]);
    assert!(start().contains("is damaged: it has "), "cut");
    write(&"Dear diary, ".repeat(1_000).into_bytes());
    assert!(start().contains("is not an SQLite database"), "a text");
    let mut bad_root = whole.clone();
    bad_root[100..108].fill(0xff);
    write(&bad_root);
    let text = start();
    assert!(text.contains("is damaged: ") && !text.contains("folder"), "{text}");
    fs::remove_file(place.path("data/vestibule.db")).expect("our file");
    rusqlite::Connection::open(place.path("data/vestibule.db"))
        .expect("a file")
        .execute_batch("CREATE TABLE t (a)")
        .expect("a table");
    assert!(start().contains("is an SQLite database, but no store of Vestibule"), "another program's");
}

/// Rows that must not be, and damaged pages: told with another exit status than a check that could not be made.
#[test]
fn a_check_tells_what_is_wrong_and_changes_nothing() {
    let place = ScratchInstallation::new();
    let check = |arguments: &[&str]| {
        let output = place.command(arguments).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(check(&["check"]).0, Some(1), "there is no store");
    assert!(!place.path("data").exists());
    place.write("shop.toml", SHOP);
    place.run(&["project", "apply", "shop.toml"]).printed();
    let before = fs::read(place.path("data/vestibule.db")).expect("the store");
    let (status, text) = check(&["check"]);
    assert!(status == Some(0) && text.contains("ok       keys of the projects, with the master key"), "{text}");
    assert_eq!(check(&["check", "--quiet"]), (Some(0), String::new()));
    assert_eq!(fs::read(place.path("data/vestibule.db")).expect("the store"), before);
    let store = rusqlite::Connection::open(place.path("data/vestibule.db")).expect("the store");
    store
        .execute_batch(
            "INSERT INTO passwords VALUES (1, x'00112233445566778899aabbccddeeff', 'x', 1, 1);
             INSERT INTO outbox (project_no, kind, payload, created_at, due_at) VALUES (1, 'event', 'no JSON', 1, 1);
             UPDATE project_keys SET sealed = x'00';",
        )
        .expect("bad rows");
    drop(store);
    let (status, text) = check(&["check", "--quiet"]);
    assert_eq!(status, Some(3), "{text}");
    for problem in [
        "PROBLEM  passwords without a user: 1, for example of the user 00112233-4455-6677-8899-aabbccddeeff",
        "PROBLEM  queued events: 1 can't be read",
        "PROBLEM  keys of the projects, with the master key: project shop: ",
    ] {
        assert!(text.contains(problem), "{problem} is missing in {text}");
    }
    let mut bytes = fs::read(place.path("data/vestibule.db")).expect("the store");
    bytes[12 * 4_096..12 * 4_096 + 8].fill(0xff);
    fs::write(place.path("data/vestibule.db"), bytes).expect("our file");
    let (status, text) = check(&["check"]);
    assert!(status == Some(3) && text.contains("PROBLEM  pages and indexes"), "{text}");
    let help = Command::new(env!("CARGO_BIN_EXE_vestibule")).args(["check", "--help"]).output().expect("it runs");
    assert!(String::from_utf8_lossy(&help.stdout).contains("Exit status: 0"));
}
