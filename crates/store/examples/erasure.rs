//! Measures how fast unused guests are erased and ended grants removed, alone and beside sign-ups; prints rates, touches one database.
//!
//! `cargo run --release -p vestibule-store --example erasure [FOLDER | postgres://…] [GUESTS] [WRITERS]`
#![expect(clippy::print_stdout, reason = "a program that prints its result")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::{
    error::Error,
    path::PathBuf,
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
use vestibule_store::{
    Location, Pooler, Store, StoreError, ended,
    erasure::{self, Cutoffs},
    grants, retention, users,
};

const P: ProjectNo = ProjectNo(1);
/// When the guests were last seen.
const OLD: Timestamp = Timestamp::from_seconds(1_800_000_000);
const NOW: Timestamp = Timestamp::from_seconds(1_900_000_000);
/// The length of a transaction, as `jobs/pace` of the server aims at.
const AIM: Duration = Duration::from_millis(8);
const ALL: Cutoffs = Cutoffs { seen_before: NOW, used_before: NOW };

/// Ten bytes that differ for every guest and are spread like random ones.
fn spread(number: u64) -> [u8; 10] {
    let mixed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&mixed.to_be_bytes());
    bytes
}

fn guest(number: u64, now: Timestamp) -> (User, Grant) {
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

/// Adds guests in large transactions.
async fn fill(store: &Store, from: u64, count: u64) -> Result<(), StoreError> {
    for first in (from..from + count).step_by(5_000) {
        let numbers = first..(first + 5_000).min(from + count);
        store
            .write("fill", numbers, |tx, numbers| {
                Box::pin(async move {
                    for number in numbers.clone() {
                        // A guest comes every millisecond.
                        let at = OLD.plus(Duration::from_millis(number));
                        let (user, grant) = guest(number, at);
                        users::insert(tx, P, &user).await?;
                        grants::insert(tx, P, &grant).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await?;
    }
    Ok(())
}

/// Signs up guests until told to stop; answers how many, and the p50 and p99 of their waits.
async fn sign_up(store: Store, writers: u64, stop: Arc<AtomicBool>) -> Result<(usize, Duration, Duration), StoreError> {
    let next = Arc::new(AtomicU64::new(1 << 40));
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let (store, stop, next) = (store.clone(), Arc::clone(&stop), Arc::clone(&next));
            tokio::spawn(async move {
                let mut waits = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let input = guest(number, NOW.plus(Duration::from_millis(number & 0xFFFF_FFFF)));
                    let requested_at = Instant::now();
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
                Ok::<_, StoreError>(waits)
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.expect("no panic")?);
    }
    waits.sort_unstable();
    let at = |percent: usize| waits.get(waits.len() * percent / 100).copied().unwrap_or_default();
    Ok((waits.len(), at(50), at(99)))
}

/// What is removed.
#[derive(Clone, Copy)]
enum Work {
    Guests,
    Grants,
}

async fn remove(store: &Store, work: Work, ids: Vec<UserId>) -> Result<Duration, StoreError> {
    store
        .write("remove", ids, move |tx, ids| {
            Box::pin(async move {
                let started = Instant::now();
                match work {
                    Work::Guests => {
                        let unused = erasure::lock_unused(tx, P, ids, ALL, NOW).await?;
                        erasure::erase(tx, P, &unused, NOW).await?;
                    }
                    Work::Grants => {
                        let ids: Vec<GrantId> = ids.iter().map(|id| GrantId::from_bytes(*id.as_bytes())).collect();
                        ended::remove_grants(tx, P, &ids, NOW).await?;
                    }
                }
                Ok::<_, StoreError>(started.elapsed())
            })
        })
        .await
}

/// Walks through all guests of before and removes them or their grants, in transactions that take milliseconds.
async fn work_off(store: &Store, work: Work) -> Result<(u64, Duration), StoreError> {
    let started = Instant::now();
    let (mut after, mut total, mut rows) = (UserId::from_bytes([0; 16]), 0, 200_usize);
    let last = UserId::lower_bound(NOW.as_unix_millis());
    loop {
        let mut conn = store.read().await?;
        let end = retention::find_page_end(&mut conn, P, after, 2_000).await?.map_or(last, |end| end.min(last));
        let found = retention::scan(&mut conn, P, (after, end), NOW).await?;
        drop(conn);
        let ids: Vec<UserId> = found.iter().map(|row| row.id).collect();
        let mut rest = ids.as_slice();
        while !rest.is_empty() {
            let (chunk, later) = rest.split_at(rest.len().min(rows));
            let took = remove(store, work, chunk.to_vec()).await?;
            let fitting = chunk.len() as u128 * AIM.as_nanos() / took.as_nanos().max(1);
            rows = usize::try_from(fitting).unwrap_or(rows).clamp(rows / 2, rows * 2).clamp(50, 4_000);
            total += chunk.len() as u64;
            rest = later;
        }
        if end >= last {
            return Ok((total, started.elapsed()));
        }
        after = end;
    }
}

async fn measure(store: &Store, work: Work, writers: u64) -> Result<(), Box<dyn Error>> {
    let what = if matches!(work, Work::Guests) { "guests erased" } else { "grants removed" };
    let stop = Arc::new(AtomicBool::new(false));
    let beside = (writers > 0).then(|| tokio::spawn(sign_up(store.clone(), writers, Arc::clone(&stop))));
    let (total, took) = work_off(store, work).await?;
    stop.store(true, Ordering::Relaxed);
    print!("{what}: {:8.0} a second", total as f64 / took.as_secs_f64());
    match beside {
        Some(beside) => {
            let (count, p50, p99) = beside.await??;
            let rate = count as f64 / took.as_secs_f64();
            println!(", beside {rate:.0} sign-ups a second, p50 {p50:.2?}, p99 {p99:.2?}");
        }
        None => println!(", alone"),
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().unwrap_or_else(|| std::env::temp_dir().display().to_string());
    let guests = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let writers = arguments.next().map_or(Ok(16), |text| text.parse())?;
    let path = PathBuf::from(&place).join(format!("erasure-{}.db", std::process::id()));
    let location = if place.starts_with("postgres") {
        Location::Postgres { url: place, max_connections: 32, pooler: Pooler::None, listen_url: None }
    } else {
        Location::Sqlite { path: path.clone() }
    };
    let store = Store::open(&location).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let usual = tokio::spawn(sign_up(store.clone(), writers, Arc::clone(&stop)));
    tokio::time::sleep(Duration::from_secs(3)).await;
    stop.store(true, Ordering::Relaxed);
    let (count, p50, p99) = usual.await??;
    println!("{writers} writers alone: {} sign-ups a second, p50 {p50:.2?}, p99 {p99:.2?}", count / 3);
    for (round, (work, beside)) in
        [(Work::Grants, 0), (Work::Guests, 0), (Work::Grants, writers), (Work::Guests, writers)].into_iter().enumerate()
    {
        fill(&store, (round as u64 + 1) << 33, guests).await?;
        measure(&store, work, beside).await?;
        // Guests whose grants were removed would count in the next round.
        work_off(&store, Work::Guests).await?;
    }
    store.close().await;
    std::fs::remove_file(&path).ok();
    Ok(())
}
