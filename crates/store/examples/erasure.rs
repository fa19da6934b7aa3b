//! Measures how fast unused guests expire and are erased, and ended sessions and grants are removed, alone and beside sign-ups. Prints
//! rates and waits; touches one database.
//!
//! `cargo run --release -p vestibule-store --example erasure [FOLDER | postgres://…] [GUESTS] [WRITERS] [MILLISECONDS]`
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
    id::{GrantId, Id, ProjectNo, SessionId, UserId},
    secret::TokenHash,
    session::Session,
    time::Timestamp,
    user::User,
};
use vestibule_store::{
    Engine, Location, Pooler, Store, StoreError, Tx,
    device_keys::{self, DeviceKeyRow},
    ended,
    erasure::{self, Cutoffs},
    grants, job_state, outbox, retention, sessions, users,
};

const P: ProjectNo = ProjectNo(1);
/// When the guests were last seen.
const OLD: Timestamp = Timestamp::from_seconds(1_800_000_000);
const NOW: Timestamp = Timestamp::from_seconds(1_900_000_000);
const ALL: Cutoffs = Cutoffs { seen_before: NOW, used_before: NOW };
/// What the server's job goes past in one look,
const LOOK: usize = 4_000;
/// and in one part of it on SQLite.
const PART_OF_LOOK: i64 = 100;
/// The shortest transaction that is aimed at.
const SHORTEST: Duration = Duration::from_micros(120);
/// What a transaction is taken to add to its commit.
const COMMIT: Duration = Duration::from_micros(150);
/// Rows of the smallest transaction.
const LEAST: usize = 24;
/// The longest pause between two parts of a look.
const BREAK: Duration = Duration::from_millis(1);
/// How long sign-ups are measured alone, before each work beside them.
const USUAL: Duration = Duration::from_secs(4);
/// About as long as the event of a guest.
const EVENT: &str = r#"{"id":"0190a5c2-7c1e-7d2a-8f7e-1f2a3b4c5d6e","body":{"id":"0190a5c2-7c1e-7d2a-8f7e-1f2a3b4c5d6e","type":"user.anonymous.created","payload":{"user":{"id":"0190a5c2-7c1e-7d2a-8f7e-1f2a3b4c5d6e","created_at":"2027-01-15T08:00:00Z","updated_at":"2027-01-15T08:00:00Z","is_anonymous":true,"is_verified":false,"is_disabled":false,"standard_attributes":{},"custom_attributes":{}}},"context":{"timestamp":1800000000,"triggered_by":"user","project_id":"shop"}},"is_logged":true,"is_for_hooks":true}"#;

/// Ten bytes that differ for every guest and are spread like random ones.
fn spread(number: u64) -> [u8; 10] {
    let mixed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&mixed.to_be_bytes());
    bytes
}

fn id<K>(number: u64, now: Timestamp) -> Id<K> {
    Id::from_parts(now.as_unix_millis(), spread(number))
}

/// A guest and what it owns.
struct Guest {
    user: User,
    grant: Option<Grant>,
    session: Option<Session>,
    key: Option<DeviceKeyRow>,
}

impl Guest {
    /// As most of a website: nothing but a grant.
    fn plain(number: u64, now: Timestamp) -> Self {
        let user_id = id(number, now);
        let grant = Grant {
            id: id(number, now),
            user_id,
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
        Self { user: User::new_guest(user_id, now), grant: Some(grant), session: None, key: None }
    }

    /// Of ten guests one has attributes, two have a device key, and one a cookie session beside its grant.
    fn mixed(number: u64, now: Timestamp) -> Self {
        let mut guest = Self::plain(number, now);
        match number % 10 {
            0 => {
                guest.user.custom_attributes.insert("cart".to_owned(), number.into());
            }
            1 | 6 => {
                guest.key = Some(DeviceKeyRow {
                    kid: format!("{:032x}", u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)),
                    id: id(number, now),
                    user_id: guest.user.id,
                    jwk: format!(r#"{{"kty":"EC","crv":"P-256","x":"{number:043x}","y":"{number:043x}"}}"#),
                    created_at: now,
                    last_used_at: now,
                    promoted_at: None,
                    device: None,
                });
            }
            3 => {
                let session = Self::cookie(number, now).session;
                if let Some(grant) = &mut guest.grant {
                    grant.session_id = session.as_ref().map(|session| session.id);
                }
                guest.session = session;
            }
            _ => {}
        }
        guest
    }

    /// One that signed up with a cookie.
    fn cookie(number: u64, now: Timestamp) -> Self {
        let mut guest = Self::plain(number, now);
        guest.grant = None;
        guest.session = Some(Session {
            id: id(number, now),
            user_id: guest.user.id,
            secret_hash: TokenHash([7; 32]),
            created_at: now,
            last_access_at: now,
            authenticated_at: now,
            amr: None,
            device: None,
        });
        guest
    }

    async fn insert(&self, tx: &mut Tx) -> Result<(), StoreError> {
        users::insert(tx, P, &self.user).await?;
        if let Some(session) = &self.session {
            sessions::insert(tx, P, session).await?;
        }
        if let Some(grant) = &self.grant {
            grants::insert(tx, P, grant).await?;
        }
        if let Some(key) = &self.key {
            device_keys::insert(tx, P, key).await?;
        }
        Ok(())
    }
}

/// Adds guests in large transactions.
async fn fill(store: &Store, make: fn(u64, Timestamp) -> Guest, from: u64, count: u64) -> Result<(), StoreError> {
    for first in (from..from + count).step_by(5_000) {
        let numbers = first..(first + 5_000).min(from + count);
        store
            .write("fill", numbers, move |tx, numbers| {
                Box::pin(async move {
                    for number in numbers.clone() {
                        // A guest comes every millisecond.
                        make(number, OLD.plus(Duration::from_millis(number))).insert(tx).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await?;
    }
    Ok(())
}

/// Sign-ups that were made, and how long they waited.
struct SignUps {
    rate: f64,
    p50: Duration,
    p99: Duration,
}

/// Signs up guests until told to stop.
async fn sign_up(store: Store, writers: u64, stop: Arc<AtomicBool>) -> Result<SignUps, StoreError> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let began = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let (store, stop) = (store.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut waits = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let number = NEXT.fetch_add(1, Ordering::Relaxed);
                    let guest = Guest::plain(number, NOW.plus(Duration::from_millis(number)));
                    let requested_at = Instant::now();
                    store.write("sign_up", guest, |tx, guest| Box::pin(guest.insert(tx))).await?;
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
    let rate = waits.len() as f64 / began.elapsed().as_secs_f64();
    waits.sort_unstable();
    let at = |percent: usize| waits.get(waits.len() * percent / 100).copied().unwrap_or_default();
    Ok(SignUps { rate, p50: at(50), p99: at(99) })
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Cookie sessions that ended are removed.
    Sessions,
    /// Grants that ended are removed.
    Grants,
    /// Guests expire: their grants and sessions end, and their grace period begins.
    Expire,
    /// Guests whose grace period is over are erased.
    EraseExpired,
    /// Guests without a grace period are erased with their sessions, keys and attributes.
    Erase,
    /// The same, and a webhook is notified of each.
    EraseAndNotify,
}

impl Work {
    const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions removed",
            Self::Grants => "grants removed",
            Self::Expire => "guests expired",
            Self::EraseExpired => "expired guests erased",
            Self::Erase => "guests erased at once",
            Self::EraseAndNotify => "the same, with an event each",
        }
    }

    /// The guests to fill in before; none when they are there.
    fn guests(self) -> Option<fn(u64, Timestamp) -> Guest> {
        match self {
            Self::Sessions => Some(Guest::cookie),
            Self::Grants | Self::Expire | Self::Erase | Self::EraseAndNotify => Some(Guest::mixed),
            Self::EraseExpired => None,
        }
    }

    /// The IDs of the next look, and where it ended: in parts, as the server's job.
    async fn look(
        self,
        store: &Store,
        from: [u8; 16],
        is_beside: bool,
    ) -> Result<(Vec<[u8; 16]>, Option<[u8; 16]>), StoreError> {
        let (part, parts) = match store.engine() {
            Engine::Sqlite => (PART_OF_LOOK, LOOK / 100),
            Engine::Postgres => (4_000, 1),
        };
        let (mut ids, mut after) = (Vec::new(), Some(from));
        for _ in 0..parts {
            let Some(from) = after else { break };
            let (found, end) = self.look_at_part(store, from, part).await?;
            ids.extend(found);
            after = end;
            if is_beside {
                tokio::time::timeout(BREAK, store.let_others_write()).await.unwrap_or(Ok(()))?;
            } else {
                tokio::task::yield_now().await;
            }
        }
        Ok((ids, after))
    }

    async fn look_at_part(
        self,
        store: &Store,
        after: [u8; 16],
        rows: i64,
    ) -> Result<(Vec<[u8; 16]>, Option<[u8; 16]>), StoreError> {
        let mut conn = store.read().await?;
        let last = UserId::lower_bound(NOW.as_unix_millis());
        let is_old = |id: &[u8; 16]| id < last.as_bytes();
        let (found, end): (Vec<[u8; 16]>, Option<[u8; 16]>) = match self {
            Self::Sessions => {
                let rows = sessions::scan_any_project(&mut conn, Some((P, SessionId::from_bytes(after))), rows).await?;
                let ids: Vec<_> = rows.into_iter().map(|(_, session)| *session.id.as_bytes()).collect();
                (ids.clone(), ids.last().copied())
            }
            Self::Grants => {
                let rows = grants::scan_any_project(&mut conn, Some((P, GrantId::from_bytes(after))), rows).await?;
                let ids: Vec<_> = rows.into_iter().map(|(_, grant, _)| *grant.id.as_bytes()).collect();
                (ids.clone(), ids.last().copied())
            }
            Self::Expire | Self::EraseExpired | Self::Erase | Self::EraseAndNotify => {
                let after = UserId::from_bytes(after);
                let end = retention::find_page_end(&mut conn, P, after, rows).await?;
                let range = (after, end.unwrap_or(last));
                let rows = retention::scan(&mut conn, P, range, NOW).await?;
                (rows.into_iter().map(|row| *row.id.as_bytes()).collect(), end.map(|end| *end.as_bytes()))
            }
        };
        Ok((found.into_iter().filter(is_old).collect(), end.filter(is_old)))
    }

    /// Carries it out in one transaction; how long that took without the commit.
    async fn carry_out(self, store: &Store, ids: Vec<[u8; 16]>) -> Result<Duration, StoreError> {
        store
            .write("work", ids, move |tx, ids| {
                Box::pin(async move {
                    let started = Instant::now();
                    self.write(tx, ids).await?;
                    Ok::<_, StoreError>(started.elapsed())
                })
            })
            .await
    }

    async fn write(self, tx: &mut Tx, ids: &[[u8; 16]]) -> Result<(), StoreError> {
        let users = || ids.iter().map(|id| UserId::from_bytes(*id)).collect::<Vec<_>>();
        match self {
            Self::Sessions => {
                let ids: Vec<SessionId> = ids.iter().map(|id| SessionId::from_bytes(*id)).collect();
                ended::remove_sessions(tx, P, &ids, NOW).await.map(drop)
            }
            Self::Grants => {
                let ids: Vec<GrantId> = ids.iter().map(|id| GrantId::from_bytes(*id)).collect();
                ended::remove_grants(tx, P, &ids, NOW).await.map(drop)
            }
            Self::Expire => {
                let unused = Self::begin(tx, &users()).await?;
                erasure::end_sessions(tx, P, &unused, NOW).await?;
                retention::mark_expired(tx, P, &unused, NOW).await.map(drop)
            }
            Self::EraseExpired | Self::Erase => {
                let unused = Self::begin(tx, &users()).await?;
                erasure::leave_tombstones(tx, P, &unused, false).await?;
                erasure::erase(tx, P, &unused, NOW).await.map(drop)
            }
            Self::EraseAndNotify => {
                let unused = Self::begin(tx, &users()).await?;
                erasure::leave_tombstones(tx, P, &unused, true).await?;
                for user in retention::list_users(tx, P, &unused).await? {
                    outbox::push(tx, P, "event", Some(user.id), EVENT, NOW).await?;
                }
                erasure::erase(tx, P, &unused, NOW).await.map(drop)
            }
        }
    }

    /// What the job does first: the place of its walk, and the check that the guests are unused.
    async fn begin(tx: &mut Tx, ids: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        job_state::lock(tx, "walk", NOW).await?;
        job_state::get(tx, "walk").await?;
        job_state::set(tx, "walk", Some(&[0; 400]), NOW).await?;
        erasure::lock_unused(tx, P, ids, ALL, NOW).await
    }
}

/// What was done.
struct Done {
    total: u64,
    took: Duration,
    /// In microseconds, of this process: what the sign-ups beside took is in it, too.
    processor: u64,
}

impl Done {
    fn print(&self, work: Work) -> String {
        let rate = self.total as f64 / self.took.as_secs_f64();
        format!("{:30} {rate:8.0} a second", work.name())
    }
}

/// The processor time of this process in microseconds, where the system tells it.
fn read_processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    // In hundredths of a second: the times of user and system, fields 14 and 15 of proc(5).
    fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10_000
}

/// Goes through all that is old, in transactions of at most `aim`, and beside other writes of half of what those wait: as `jobs/pace` of
/// the server.
async fn work_off(store: &Store, work: Work, aim: Duration) -> Result<Done, StoreError> {
    let (started, processor) = (Instant::now(), read_processor_time());
    let (mut total, mut rows, mut is_beside) = (0, 200_usize, 0_u32);
    let (mut after, mut usual) = (Some([0; 16]), Duration::ZERO);
    while let Some(from) = after {
        let (ids, end) = work.look(store, from, is_beside > 0).await?;
        let mut rest = ids.as_slice();
        while !rest.is_empty() {
            let (chunk, later) = rest.split_at(rest.len().div_ceil(rest.len().div_ceil(rows)));
            let (requested_at, writes) = (Instant::now(), store.count_writes());
            let took = work.carry_out(store, chunk.to_vec()).await?;
            let met_others = store.count_writes() > writes + 1;
            is_beside = if met_others { 64 } else { is_beside.saturating_sub(1) };
            let others = requested_at.elapsed().saturating_sub(took);
            let passing = Instant::now();
            if met_others {
                store.let_others_write().await?;
                usual = passing.elapsed();
            }
            let aim = if is_beside > 0 {
                (usual / 2).saturating_sub(COMMIT).clamp(SHORTEST, aim)
            } else {
                others.clamp(aim, aim * 4)
            };
            if chunk.len() >= rows - rows / 4 || took >= aim {
                let fitting = chunk.len() as u128 * aim.as_nanos() / took.as_nanos().max(1);
                rows = usize::try_from(fitting).unwrap_or(rows).clamp(rows / 2, rows * 2).clamp(LEAST, 4_000);
            }
            total += chunk.len() as u64;
            rest = later;
        }
        after = end;
    }
    Ok(Done { total, took: started.elapsed(), processor: read_processor_time() - processor })
}

/// Sign-ups until told to stop.
struct Beside {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Result<SignUps, StoreError>>,
}

impl Beside {
    fn start(store: &Store, writers: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        Self { task: tokio::spawn(sign_up(store.clone(), writers, Arc::clone(&stop))), stop }
    }

    async fn end(self) -> Result<SignUps, StoreError> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("no panic")
    }
}

async fn measure(store: &Store, work: Work, writers: u64, aim: Duration) -> Result<(), Box<dyn Error>> {
    if writers == 0 {
        let done = work_off(store, work, aim).await?;
        let each = done.processor as f64 / done.total as f64;
        println!("{}, alone: {each:.1} µs of a processor each", done.print(work));
        return Ok(());
    }
    let usual = Beside::start(store, writers);
    tokio::time::sleep(USUAL).await;
    let usual = usual.end().await?;
    let beside = Beside::start(store, writers);
    let done = work_off(store, work, aim).await?;
    let beside = beside.end().await?;
    println!(
        "{}, beside {:.0} sign-ups a second (alone {:.0}), p50 {:.2?} ({:.2?}), p99 {:.2?} ({:.2?}): {:.2} times",
        done.print(work),
        beside.rate,
        usual.rate,
        beside.p50,
        usual.p50,
        beside.p99,
        usual.p99,
        beside.p99.as_secs_f64() / usual.p99.as_secs_f64().max(f64::MIN_POSITIVE),
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().unwrap_or_else(|| std::env::temp_dir().display().to_string());
    let guests = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let writers = arguments.next().map_or(Ok(16), |text| text.parse())?;
    let aim = Duration::from_millis(arguments.next().map_or(Ok(8), |text| text.parse())?);
    let path = PathBuf::from(&place).join(format!("erasure-{}.db", std::process::id()));
    let location = if place.starts_with("postgres") {
        Location::Postgres { url: place, max_connections: 32, pooler: Pooler::None, listen_url: None }
    } else {
        Location::Sqlite { path: path.clone() }
    };
    let store = Store::open(&location).await?;
    let mut number = 1 << 33;
    for writers in [0, writers] {
        for work in [Work::Sessions, Work::Grants, Work::Expire, Work::EraseExpired, Work::Erase, Work::EraseAndNotify]
        {
            if let Some(make) = work.guests() {
                // What the work before left.
                work_off(&store, Work::Erase, aim).await?;
                fill(&store, make, number, guests).await?;
                number += guests;
            }
            measure(&store, work, writers, aim).await?;
        }
    }
    store.close().await;
    std::fs::remove_file(&path).ok();
    Ok(())
}
