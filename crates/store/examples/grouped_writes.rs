//! Measures guest sign-ups (two inserts each) and point reads through the store; prints rates, touches one database.
//!
//! `cargo run --release -p vestibule-store --example grouped_writes [FOLDER | postgres://…] [SECONDS] [unnamed]`
#![expect(clippy::print_stdout, reason = "a program that prints its result")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use vestibule_domain::{
    grant::Grant,
    id::{GrantId, ProjectNo, UserId},
    secret::TokenHash,
    time::Timestamp,
    user::User,
};
use vestibule_store::{Engine, Location, Pooler, Store, StoreError, grants, users};

const P: ProjectNo = ProjectNo(1);

/// Ten bytes that differ for every sign-up and are spread like random ones.
fn spread(number: u64) -> [u8; 10] {
    let mixed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&mixed.to_be_bytes());
    bytes
}

fn sign_up(number: u64, started: Instant) -> (User, Grant) {
    let micros = 1_900_000_000_000_000 + i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
    let now = Timestamp::from_micros(micros);
    let id = UserId::from_parts(now.as_unix_millis(), spread(number));
    let grant = Grant {
        id: GrantId::from_parts(now.as_unix_millis(), spread(number)),
        user_id: id,
        client_id: "portal".to_owned(),
        token_hash: TokenHash([7; 32]),
        scope: None,
        created_at: now,
        last_access_at: now,
        authenticated_at: now,
        amr: None,
        session_id: None,
        dpop_jkt: None,
        device: None,
        previous: None,
        has_revoked_tokens: false,
        ends_at: None,
    };
    (User::new_guest(id, now), grant)
}

async fn measure_writes(store: &Store, writers: u64, length: Duration) -> Result<Vec<GrantId>, Box<dyn Error>> {
    let (stop, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(writers << 40)));
    let before = store.stats();
    let started = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let (store, stop, next) = (store.clone(), Arc::clone(&stop), Arc::clone(&next));
            tokio::spawn(async move {
                let (mut waits, mut last) = (Vec::new(), None);
                while !stop.load(Ordering::Relaxed) {
                    let requested_at = Instant::now();
                    let input = sign_up(next.fetch_add(1, Ordering::Relaxed), started);
                    last = Some(input.1.id);
                    store
                        .write("sign_up", input, |tx, (user, grant)| {
                            Box::pin(async move {
                                users::insert(tx, P, user).await?;
                                grants::insert(tx, P, grant).await
                            })
                        })
                        .await?;
                    waits.push(requested_at.elapsed());
                }
                Ok::<_, StoreError>((waits, last))
            })
        })
        .collect();
    tokio::time::sleep(length).await;
    stop.store(true, Ordering::Relaxed);
    let (mut waits, mut ids) = (Vec::new(), Vec::new());
    for task in tasks {
        let (theirs, last) = task.await??;
        waits.extend(theirs);
        ids.extend(last);
    }
    let took = started.elapsed().as_secs_f64();
    waits.sort_unstable();
    let after = store.stats();
    let (writes, commits) = (after.writes - before.writes, (after.commits - before.commits).max(1));
    println!(
        "{writers:4} writers: {:8.0} sign-ups/s, {:5.1} per commit, {:6.0} commits/s, {} checkpoints, p50 {:.2?}, p99 {:.2?}, max {:.2?}",
        writes as f64 / took,
        writes as f64 / commits as f64,
        commits as f64 / took,
        after.checkpoints - before.checkpoints,
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100],
        waits[waits.len() - 1],
    );
    Ok(ids)
}

async fn measure_reads(store: &Store, ids: &[GrantId], length: Duration) -> Result<(), StoreError> {
    let started = Instant::now();
    let mut reads = 0_u64;
    while started.elapsed() < length {
        for id in ids {
            let found = grants::find_with_user(&mut *store.read().await?, P, *id).await?;
            assert!(found.is_some(), "what was answered is there");
            reads += 1;
        }
    }
    println!("   1 reader:  {:8.0} grants with their users/s", reads as f64 / started.elapsed().as_secs_f64());
    Ok(())
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len() / 1_048_576)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().unwrap_or_else(|| std::env::temp_dir().display().to_string());
    let length = Duration::from_secs(arguments.next().map_or(Ok(5), |seconds| seconds.parse())?);
    let path = PathBuf::from(&place).join(format!("grouped-writes-{}.db", std::process::id()));
    let location = if place.starts_with("postgres") {
        // As behind a pooler without prepared statements, to measure the cost.
        let is_unnamed = arguments.next().is_some_and(|word| word == "unnamed");
        let pooler = if is_unnamed { Pooler::Transaction } else { Pooler::None };
        Location::Postgres { url: place, max_connections: 32, pooler, listen_url: None }
    } else {
        Location::Sqlite { path: path.clone() }
    };
    let store = Store::open(&location).await?;
    for writers in [1, 64, 256] {
        let ids = measure_writes(&store, writers, length).await?;
        measure_reads(&store, &ids, length / 5).await?;
        if store.engine() == Engine::Sqlite {
            println!("              file {} MiB, log {} MiB", size(&path), size(&path.with_extension("db-wal")));
        }
    }
    let writes = store.stats().writes;
    store.close().await;
    println!("{writes} sign-ups kept; the file after closing: {} MiB", size(&path));
    std::fs::remove_file(&path).ok();
    Ok(())
}
