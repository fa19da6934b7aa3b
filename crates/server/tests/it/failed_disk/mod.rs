//! A disk that fails: a sync with an error, after which the system has dropped what was to be synced, files that cannot be read,
//! and a restore that is killed anywhere. A library that the test compiles and preloads is the disk.

mod requests;
mod restore;

use std::{fs, path::PathBuf, process::Command, time::Duration};

use crate::{
    crash::{Campaign, Load},
    nodes::until,
    support::{Engine, Installation, Preload, TestStore, binary::sign_up},
};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(120);
/// The exit status after a failed write.
const DISK_FAILED: i32 = 74;

/// The compiled library.
struct Disk(Preload);

impl Disk {
    /// `None`, after a line that says so, where there is no C compiler.
    fn make() -> Option<Self> {
        Preload::compile("failed_disk/disk.c", "a failing disk").map(Self)
    }

    /// While this file exists, the next sync fails.
    fn switch(&self) -> PathBuf {
        self.0.path("switch")
    }

    /// A command line that runs a program on this disk.
    fn wrapper(&self, variables: &[(&str, &str)]) -> Vec<String> {
        let switch = self.switch();
        let switch = ("DISK_SWITCH", switch.to_str().expect("text"));
        self.0.wrapper(&[&[switch], variables].concat())
    }
}

/// The sync of one file fails under load: the process ends, and its next start has everything that was acknowledged.
async fn a_failed_sync_ends_the_process_and_loses_nothing(suffix: &str) {
    let Some(disk) = Disk::make() else { return };
    let place = TestStore::make(Engine::Sqlite).await;
    let mut installation = Installation::make(&place.url());
    let store = place.url().trim_start_matches("sqlite:").to_owned();
    let wrapper = disk.wrapper(&[("DISK_FILE", &format!("{store}{suffix}"))]);
    let mut campaign = Campaign::begin(&format!("failed sync of {}", store_file(suffix)), 1);
    let mut sound = None;
    while campaign.next().is_some() {
        drop(sound.take());
        installation.wrap(&wrapper.iter().map(String::as_str).collect::<Vec<_>>());
        let process = installation.start();
        let load = Load::start(&process, 16);
        load.wait_for(100).await;
        let revocations = load.revocations();
        fs::write(disk.switch(), "").expect("the switch is turned");
        let ended = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(move || process.wait()));
        let (status, log) = ended.await.expect("the process ends").expect("it is waited for");
        let mut known = load.stop().await;
        known.keep_revocations(revocations);
        assert!(!disk.switch().exists(), "a sync failed");
        assert_eq!(status.code(), Some(DISK_FAILED), "{log}");
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("the disk failed to keep a write")).collect();
        assert!(
            matches!(lines.as_slice(), [line] if line.contains(&store) && line.contains("Check the disk")),
            "{log}"
        );
        installation.wrap(&[]);
        let process = installation.start();
        campaign.judge(known, &process).await;
        sound = Some(process);
    }
    campaign.end(&sound.expect("at least one round")).await;
    let checked = installation.run(&["check"]);
    assert!(checked.contains("ok       pages and indexes"), "{checked}");
}

/// What a file is called in the figures.
fn store_file(suffix: &str) -> &'static str {
    if suffix.is_empty() { "the database file" } else { "the log" }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_log() {
    a_failed_sync_ends_the_process_and_loses_nothing("-wal").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_database_file() {
    a_failed_sync_ends_the_process_and_loses_nothing("").await;
}

/// Reads of a file fail for a while under load. Nothing is lost by that, and it goes on by itself.
async fn unreadable_for_a_while(suffix: &str) {
    let Some(disk) = Disk::make() else { return };
    let place = TestStore::make(Engine::Sqlite).await;
    let mut installation = Installation::make(&place.url());
    let store = place.url().trim_start_matches("sqlite:").to_owned();
    let (watched, blind) = (format!("{store}{suffix}"), disk.0.path("blind"));
    let variables = [("DISK_FILE", watched.as_str()), ("DISK_BLIND", blind.to_str().expect("text"))];
    installation.wrap(&disk.wrapper(&variables).iter().map(String::as_str).collect::<Vec<_>>());
    let process = installation.start();
    let load = Load::start(&process, 8);
    load.wait_for(100).await;
    fs::write(&blind, "").expect("it cannot be read");
    load.wait_for_refusals(400).await;
    if suffix == "-wal" {
        // The newest is in the log. Of the file, most is in memory.
        until("it is not ready", async || process.http().get("/readyz").await.status == 503).await;
    }
    fs::remove_file(&blind).expect("it can be read");
    let known = load.stop().await;
    let client = process.client();
    until("guests sign up again", async || {
        sign_up(&client, process.address.port()).await.is_ok_and(|answer| answer.status().is_success())
    })
    .await;
    process.kill();
    installation.wrap(&[]);
    known.verify(&installation.start()).await;
    let checked = installation.run(&["check"]);
    assert!(checked.contains("ok       pages and indexes"), "{checked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_read_loses_nothing() {
    unreadable_for_a_while("-wal").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_file_that_cannot_be_read_loses_nothing() {
    unreadable_for_a_while("").await;
}

/// The last checkpoint, when the server must stop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_database_file_at_the_end() {
    let Some(disk) = Disk::make() else { return };
    let place = TestStore::make(Engine::Sqlite).await;
    let mut installation = Installation::make(&place.url());
    let wrapper = disk.wrapper(&[("DISK_FILE", place.url().trim_start_matches("sqlite:"))]);
    installation.wrap(&wrapper.iter().map(String::as_str).collect::<Vec<_>>());
    let process = installation.start();
    let load = Load::start(&process, 4);
    load.wait_for(60).await;
    // Stopped before the clients are: the log is not empty then.
    fs::write(disk.switch(), "").expect("the switch is turned");
    let kill = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
    assert!(kill.expect("kill runs").success());
    let (status, log) = tokio::task::spawn_blocking(move || process.wait()).await.expect("it is waited for");
    let known = load.stop().await;
    assert_eq!(status.code(), Some(DISK_FAILED), "{log}");
    installation.wrap(&[]);
    known.verify(&installation.start()).await;
}
