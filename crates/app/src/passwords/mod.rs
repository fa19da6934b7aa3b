//! Password hashing: argon2id in a bounded amount of memory on blocking threads, with a bounded queue.
//! A flood of logins is refused here and never takes the memory or the threads of others.

pub mod new_password;
pub(crate) mod phc;

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use vestibule_domain::{id::ProjectNo, secret::Secret};

pub use self::phc::Bounds;
pub use self::phc::LIMITS;
use self::phc::{AcceptedHash, BadHash};
use crate::{
    adapters::entropy::Entropy,
    config::Passwords,
    limits::fair::{ShareExceeded, Turns, WorkDemand},
};

/// Unusable hashes that are remembered as reported: more are not logged one by one.
const REPORTED_AT_MOST: usize = 1_000;

/// Too many passwords wait already, or there is no memory for one more; try again in a moment.
#[derive(Debug, thiserror::Error)]
#[error("too many passwords are being hashed")]
pub struct HasherOverloaded;

/// What comparing a password found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// It is the password.
    Right {
        /// Its hash was made with other parameters than today's and should be made anew.
        stale: bool,
    },
    /// It is not.
    Wrong,
}

/// Hashes and checks passwords.
pub struct Hasher {
    settings: Passwords,
    bounds: Bounds,
    /// One unit for the memory of a hash of today; a hash that needs more takes as many as that is, or all there are.
    turns: Turns,
    memory: Arc<Memory>,
    /// Compared against when there is no usable hash, so that its absence takes as long.
    decoy: AcceptedHash,
    unusable: Unusable,
}

impl Hasher {
    /// Takes the parameters of RFC 9106 from the configuration.
    #[must_use]
    pub fn new(settings: Passwords) -> Self {
        let bounds = Bounds::of(settings);
        Self {
            settings,
            bounds,
            turns: Turns::new(count_units(settings), settings.queue),
            memory: Arc::default(),
            decoy: AcceptedHash::parse(&make_decoy(settings), bounds)
                .expect("the configuration was checked against argon2's bounds"),
            unusable: Unusable::default(),
        }
    }

    /// Hashes a password of a project into a PHC string. Operators' passwords are of `EVERY_PROJECT`.
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn hash(
        &self,
        project: ProjectNo,
        password: Secret<String>,
        entropy: &Entropy,
    ) -> Result<String, HasherOverloaded> {
        let salt: [u8; 16] = entropy.bytes();
        let settings = self.settings;
        let work = move |memory: &mut _| print_hash(settings, password.expose().as_bytes(), &salt, memory);
        self.run(project, Cost::today(settings), work).await?.ok_or(HasherOverloaded)
    }

    /// Compares a password of a project with a PHC string. Without one, or with one that costs more than this server pays, it takes as long and
    /// is wrong.
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn verify(
        &self,
        project: ProjectNo,
        password: Secret<String>,
        hash: Option<String>,
    ) -> Result<PasswordVerdict, HasherOverloaded> {
        let settings = self.settings;
        let read = hash.as_deref().map(|text| AcceptedHash::parse(text, self.bounds));
        if let (Some(Err(bad)), Some(text)) = (&read, &hash) {
            self.unusable.report(project, text, bad);
        }
        let known = read.and_then(Result::ok);
        let exists = known.is_some();
        let hash = known.unwrap_or_else(|| self.decoy.clone());
        let right = self
            .run(project, Cost::of(&hash.params), move |memory| {
                let computed = derive(&hash.params, password.expose().as_bytes(), hash.salt.as_ref(), memory)?;
                // Compared in constant time.
                Some((computed == hash.output).then(|| is_stale(&hash.params, settings)))
            })
            .await?
            .ok_or(HasherOverloaded)?;
        Ok(match right {
            Some(stale) if exists => PasswordVerdict::Right { stale },
            Some(_) | None => PasswordVerdict::Wrong,
        })
    }

    /// What this server computes.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// The units and turns of a hash, each at least one: those of a hash of today.
    fn demand(&self, cost: Cost) -> WorkDemand {
        let today = Cost::today(self.settings);
        let units = cost.memory_kib.div_ceil(today.memory_kib.max(1));
        let turns = cost.work().div_ceil(today.work().max(1));
        WorkDemand {
            units: units.clamp(1, count_units(self.settings)),
            turns: u32::try_from(turns).unwrap_or(u32::MAX).max(1),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        project: ProjectNo,
        cost: Cost,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, HasherOverloaded> {
        let turn = self.turns.wait(project, self.demand(cost)).await.map_err(|ShareExceeded| HasherOverloaded)?;
        let (memory, turns) = (Arc::clone(&self.memory), self.turns.clone());
        // What a larger hash leaves behind is more than the unit of the next one stands for.
        let is_ordinary = cost.memory_kib <= self.settings.memory_kib;
        tokio::task::spawn_blocking(move || {
            let mut blocks = if is_ordinary { memory.take() } else { Vec::new() };
            let result = work(&mut blocks);
            if is_ordinary {
                memory.put_back(blocks, turns.is_waited_for());
            } else {
                drop(blocks);
            }
            drop(turn);
            result
        })
        .await
        .map_err(|_| HasherOverloaded)
    }
}

/// What a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    memory_kib: u32,
    passes: u32,
}

impl Cost {
    fn of(params: &Params) -> Self {
        Self { memory_kib: params.m_cost(), passes: params.t_cost() }
    }

    fn today(settings: Passwords) -> Self {
        Self { memory_kib: settings.memory_kib, passes: settings.iterations }
    }

    /// The processor time it takes, in KiB × passes. Lanes share this work: their number does not change it.
    fn work(self) -> u64 {
        u64::from(self.memory_kib) * u64::from(self.passes)
    }
}

/// Stored hashes that cannot be used, each reported once: whose they are is in the store, and trying again says nothing new.
#[derive(Default)]
struct Unusable {
    key: RandomState,
    reported: Mutex<HashSet<u64>>,
}

impl Unusable {
    fn report(&self, project: ProjectNo, hash: &str, bad: &BadHash) {
        if self.is_new(hash) {
            tracing::error!(project.no = project.0, error = %bad, "a stored password hash cannot be used: the user must set a new password");
        }
    }

    fn is_new(&self, hash: &str) -> bool {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        reported.len() < REPORTED_AT_MOST && reported.insert(self.key.hash_one(hash))
    }
}

/// The memory of hashes that ended, for those that wait. Asked for anew each time, it comes from the system page by page, and
/// what the one before gave back may not have left yet.
#[derive(Default)]
struct Memory(Mutex<Vec<Vec<Block>>>);

impl Memory {
    fn take(&self) -> Vec<Block> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Keeps the blocks for the next, or gives all there are back to the system when nobody waits.
    fn put_back(&self, blocks: Vec<Block>, is_wanted: bool) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_wanted {
            kept.push(blocks);
        } else {
            kept.clear();
        }
    }
}

/// How many hashes of today may run at once.
fn count_units(settings: Passwords) -> u32 {
    u32::try_from(settings.concurrent).unwrap_or(u32::MAX).max(1)
}

/// A hash of no password, with today's parameters. It is written down, not computed: computing one took half of the
/// start-up time and left its memory behind.
fn make_decoy(settings: Passwords) -> String {
    let Passwords { memory_kib, iterations, parallelism, .. } = settings;
    let (salt, hash) = ("A".repeat(22), "A".repeat(43));
    format!("$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${hash}")
}

/// The hash of a password as a PHC string; none when there is no memory for it.
fn print_hash(settings: Passwords, password: &[u8], salt: &[u8; 16], memory: &mut Vec<Block>) -> Option<String> {
    let params = Params::new(settings.memory_kib, settings.iterations, settings.parallelism, None);
    let params = params.expect("the configuration was checked against argon2's bounds");
    let hash = derive(&params, password, salt, memory)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).expect("three numbers"),
        salt: Some(Salt::new(salt).expect("16 bytes")),
        hash: Some(hash),
    };
    Some(hash.to_string())
}

/// The output of argon2id; none when there is no memory for it.
fn derive(params: &Params, password: &[u8], salt: &[u8], memory: &mut Vec<Block>) -> Option<Output> {
    let mut buffer = [0; Output::MAX_LENGTH];
    let out = buffer.get_mut(..params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN))?;
    let blocks = params.block_count();
    if memory.len() != blocks {
        memory.try_reserve_exact(blocks.saturating_sub(memory.len())).ok()?;
        memory.resize(blocks, Block::new());
    }
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    hasher.hash_password_into_with_memory(password, salt, out, memory.as_mut_slice()).ok()?;
    Output::new(out).ok()
}

fn is_stale(params: &Params, settings: Passwords) -> bool {
    (params.m_cost(), params.t_cost(), params.p_cost())
        != (settings.memory_kib, settings.iterations, settings.parallelism)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Passwords = Passwords { memory_kib: 8, iterations: 1, parallelism: 1, concurrent: 1, queue: 1 };

    const SHOP: ProjectNo = ProjectNo(1);

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.into())
    }

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let hasher = Hasher::new(CHEAP);
        let hash = hasher.hash(SHOP, secret("correct horse"), &Entropy::seeded(1)).await.expect("room");
        let right = hasher.verify(SHOP, secret("correct horse"), Some(hash.clone())).await.expect("room");
        assert_eq!(right, PasswordVerdict::Right { stale: false });
        assert_eq!(
            hasher.verify(SHOP, secret("wrong"), Some(hash.clone())).await.expect("room"),
            PasswordVerdict::Wrong
        );
        assert_eq!(hasher.verify(SHOP, secret("decoy"), None).await.expect("room"), PasswordVerdict::Wrong);
        let stronger = Hasher::new(Passwords { iterations: 2, ..CHEAP });
        let stale = stronger.verify(SHOP, secret("correct horse"), Some(hash)).await.expect("room");
        assert_eq!(stale, PasswordVerdict::Right { stale: true });
    }

    #[tokio::test]
    async fn memory_is_handed_on_while_others_wait_and_given_back_after() {
        let hasher = Arc::new(Hasher::new(Passwords { queue: 3, ..CHEAP }));
        let first = hasher.turns.wait(SHOP, WorkDemand::ORDINARY).await.expect("room");
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let hasher = Arc::clone(&hasher);
                tokio::spawn(async move { hasher.hash(SHOP, secret("x"), &Entropy::Os).await })
            })
            .collect();
        while hasher.turns.count() < 3 {
            tokio::task::yield_now().await;
        }
        drop(first);
        // What the one before left in the memory changes nothing.
        for hash in waiting {
            let hash = hash.await.expect("no panic").expect("room");
            let verdict = hasher.verify(SHOP, secret("x"), Some(hash)).await.expect("room");
            assert_eq!(verdict, PasswordVerdict::Right { stale: false });
        }
        assert!(hasher.memory.0.lock().expect("whole").is_empty());
        let memory = Memory::default();
        memory.put_back(vec![Block::new(); 8], true);
        assert_eq!(memory.take().len(), 8);
        memory.put_back(Vec::new(), true);
        memory.put_back(Vec::new(), false);
        assert!(memory.0.lock().expect("whole").is_empty());
    }

    #[tokio::test]
    async fn hashes_of_other_servers_are_understood() {
        let hasher = Hasher::new(CHEAP);
        for (hash, right) in [
            // Made with Python's argon2-cffi.
            ("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", true),
            // Another hash, none, another salt, another kind.
            ("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDd", false),
            ("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ", false),
            ("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHI$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", false),
            ("$argon2i$v=19$m=16,t=1,p=1$c29tZXNhbHQ$5J5dEXzOw5sWrBMDXjGr+8DmAlKq9tpv", false),
            ("$argon2d$v=16$m=16,t=1,p=1$c29tZXNhbHQ$6Epw4s/00prYXvzV5Dqeol2jDGjzvb3I", false),
            ("$scrypt$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", false),
        ] {
            let verdict = hasher.verify(SHOP, secret("password"), Some(hash.into())).await.expect("room");
            assert_eq!(verdict != PasswordVerdict::Wrong, right, "{hash}");
        }
    }

    #[tokio::test]
    async fn a_stored_hash_that_costs_too_much_is_wrong_and_costs_what_a_hash_of_today_costs() {
        let hasher = Hasher::new(CHEAP);
        for cost in ["m=4294967295,t=1,p=1", "m=256,t=4294967295,p=1", "m=77825,t=1,p=1", "m=65537,t=4,p=1"] {
            let hash = format!("$argon2id$v=19${cost}$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc");
            assert!(hasher.bounds().check(&hash).is_err());
            assert!(hasher.unusable.is_new(&hash), "not reported before");
            for _ in 0..2 {
                let verdict = hasher.verify(SHOP, secret("password"), Some(hash.clone())).await.expect("room");
                assert_eq!(verdict, PasswordVerdict::Wrong);
            }
            assert!(!hasher.unusable.is_new(&hash));
        }
        let reported = hasher.unusable.reported.lock().expect("whole").len();
        assert_eq!(reported, 4);
    }

    #[test]
    fn a_hash_takes_units_by_its_memory_and_turns_by_its_work() {
        let settings = Passwords { memory_kib: 1_000, iterations: 2, concurrent: 8, ..CHEAP };
        let hasher = Hasher::new(settings);
        for ((memory_kib, passes), (units, turns)) in [
            ((8, 1), (1, 1)),
            ((1_000, 2), (1, 1)),
            ((1_001, 2), (2, 2)),
            ((1_000, 8), (1, 4)),
            ((4_000, 2), (4, 4)),
            ((4_000, 1), (4, 2)),
            ((65_536, 4), (8, 132)),
        ] {
            let demand = hasher.demand(Cost { memory_kib, passes });
            assert_eq!(demand, WorkDemand { units, turns }, "m={memory_kib},t={passes}");
        }
        assert_eq!(hasher.demand(Cost::today(settings)), WorkDemand::ORDINARY);
    }

    #[tokio::test]
    async fn a_hash_that_costs_four_times_as_much_lets_three_of_another_project_pass() {
        const COSTLY: &str = "$argon2id$v=19$m=64,t=4,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";
        let hasher = Arc::new(Hasher::new(Passwords { memory_kib: 64, queue: 40, ..CHEAP }));
        let first = hasher.turns.wait(SHOP, WorkDemand::ORDINARY).await.expect("room");
        let queued = async |count| {
            while hasher.turns.count() < count {
                tokio::task::yield_now().await;
            }
        };
        let costly = tokio::spawn({
            let hasher = Arc::clone(&hasher);
            async move { hasher.verify(ProjectNo(2), secret("x"), Some(COSTLY.into())).await.is_ok() }
        });
        queued(1).await;
        let mut turns = Vec::new();
        for _ in 0..4 {
            let all = hasher.turns.clone();
            turns.push(tokio::spawn(async move { all.wait(SHOP, WorkDemand::ORDINARY).await }));
        }
        queued(5).await;
        drop(first);
        // The first three have their turn while the costly one waits, the last after it.
        for (turn, left) in turns.into_iter().zip([4, 3, 2, 0]) {
            let turn = turn.await.expect("no panic").expect("room");
            assert_eq!(hasher.turns.count(), left);
            drop(turn);
        }
        assert!(costly.await.expect("no panic"));
    }

    #[tokio::test]
    async fn the_memory_of_a_larger_hash_is_not_kept_for_the_next() {
        let hasher = Hasher::new(CHEAP);
        let foreign = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";
        hasher.memory.put_back(vec![Block::new(); 8], true);
        let verdict = hasher.verify(SHOP, secret("password"), Some(foreign.into())).await.expect("room");
        assert_eq!(verdict, PasswordVerdict::Right { stale: true });
        let kept = hasher.memory.0.lock().expect("whole").iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(kept, [8]);
    }

    #[test]
    fn the_decoy_costs_what_a_password_of_today_costs() {
        let hasher = Hasher::new(CHEAP);
        assert!(!is_stale(&hasher.decoy.params, CHEAP));
        assert_eq!(hasher.decoy.output.len(), 32);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_instead_of_growing() {
        let hasher = Arc::new(Hasher::new(CHEAP));
        let turn = hasher.turns.wait(SHOP, WorkDemand::ORDINARY).await.expect("room");
        let waits = tokio::spawn({
            let hasher = Arc::clone(&hasher);
            async move { hasher.hash(SHOP, secret("x"), &Entropy::Os).await }
        });
        while hasher.turns.count() < 1 {
            tokio::task::yield_now().await;
        }
        assert!(hasher.hash(SHOP, secret("x"), &Entropy::seeded(1)).await.is_err());
        drop(turn);
        assert!(waits.await.expect("no panic").is_ok());
    }
}
