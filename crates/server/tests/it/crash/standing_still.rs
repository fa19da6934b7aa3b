//! A node that stands still (SIGSTOP) under load, and clocks that differ: nothing acknowledged is lost, and the statistics equal a
//! recount of the rows. On SQLite the one process stands still, and its clock is set between two starts.

use std::{process::Command, time::Duration};

use super::{Campaign, Load};
use crate::support::{Engine, Installation, Preload, TestStore, binary::Process, connect_to, on_both_engines};

/// Milliseconds that a clock is ahead, and seconds that the process stands still: less and more than a sign-up may take without being late.
const ROUNDS: [(i64, u64); 4] = [(800, 1), (-800, 12), (20_000, 2), (-20_000, 1)];
/// How long the statistics may take: a minute, and what the machine takes.
const COUNTED: Duration = Duration::from_secs(150);

fn signal(process: &Process, name: &str) {
    let kill = Command::new("kill").args([name, &process.id().to_string()]).status().expect("kill runs");
    assert!(kill.success());
}

/// Lets a process stand still while its clients wait, and goes on until they were served again.
async fn stand_still(process: &Process, load: &Load, seconds: u64) {
    load.wait_for(30).await;
    signal(process, "-STOP");
    // Real time is what is under test: requests begin before it, and are committed after it.
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    signal(process, "-CONT");
    load.wait_for(70).await;
}

/// The users of the store: each began as a guest.
async fn count_users(place: &TestStore) -> i64 {
    let (url, sql) = (place.url(), "SELECT COUNT(*) FROM users");
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            let connection = rusqlite::Connection::open(path).expect("the store");
            connection.query_row(sql, [], |row| row.get(0)).expect("a number")
        }
        None => connect_to(&url).await.query_one(sql, &[]).await.expect("a number").get(0),
    }
}

/// The numbers of all days by the statistics, if a recount finds them right.
fn read_counted(installation: &Installation) -> Option<i64> {
    let printed = installation.run(&["statistics", "recount", "--project", "crash", "--dry-run"]);
    let counted = |line: &str| line.split_once(": ")?.1.split_once(" counted")?.0.parse::<i64>().ok();
    let all: i64 = printed.lines().filter_map(counted).sum();
    printed.ends_with("wrong: 0.\n").then_some(all)
}

async fn nothing_is_lost_or_miscounted_when_nodes_stand_still_and_clocks_differ(engine: Engine) {
    let Some(clock) = Preload::compile("crash/clock.c", "clocks that differ") else { return };
    let place = TestStore::make(engine).await;
    let mut installation = Installation::make(&place.url());
    let mut campaign = Campaign::begin(&format!("stopped nodes and wrong clocks, {engine:?}"), 2);
    let mut right = None;
    while let Some(round) = campaign.next() {
        let (ahead_ms, seconds) = ROUNDS[(round as usize - 1) % ROUNDS.len()];
        // On SQLite one process at a time.
        if engine == Engine::Postgres && right.is_none() {
            right = Some(installation.start());
        }
        let ahead = clock.wrapper(&[("CLOCK_OFFSET_MS", &ahead_ms.to_string())]);
        installation.wrap(&ahead.iter().map(String::as_str).collect::<Vec<_>>());
        let wrong = installation.start();
        installation.wrap(&[]);
        let (load, other) = (Load::start(&wrong, 8), right.as_ref().map(|right| Load::start(right, 4)));
        stand_still(&wrong, &load, seconds).await;
        let mut known = vec![load.stop().await];
        if let Some(other) = other {
            known.push(other.stop().await);
        }
        wrong.kill();
        let judge = right.take().unwrap_or_else(|| installation.start());
        for known in known {
            campaign.judge(known, &judge).await;
        }
        right = (engine == Engine::Postgres).then_some(judge);
    }
    let process = right.unwrap_or_else(|| installation.start());
    // It takes a minute, because new guests are counted then: not in the short run of all tests.
    if std::env::var_os("VESTIBULE_CRASH_SECONDS").is_some() {
        expect_right_numbers(&installation, &place).await;
    }
    campaign.end(&process).await;
    let checked = installation.run(&["check", "--quiet"]);
    assert!(checked.is_empty(), "{checked}");
}

async fn expect_right_numbers(installation: &Installation, place: &TestStore) {
    let counting = async {
        loop {
            let users = count_users(place).await;
            match read_counted(installation) {
                Some(counted) if counted == users => return users,
                Some(_) | None => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    };
    let counted = tokio::time::timeout(COUNTED, counting).await;
    assert!(counted.is_ok_and(|users| users > 0), "the statistics never equal the rows");
}

on_both_engines!(nothing_is_lost_or_miscounted_when_nodes_stand_still_and_clocks_differ);
